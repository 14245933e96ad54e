#!lua
-- Sets baselines: from now on readers count from what the hashes hold at this moment. Nothing is set to 0, so an average
-- never divides new events by old sums, and deleting the baselines takes it back.
--
-- KEYS  pairs of a hash and its baseline.
-- ARGV  1 `dry` to set nothing, 2… the fields that are counters; of a hash of status counts: none, since all are.
-- Returns how many hashes there are, and how many counters.

local wanted = {}
for at = 2, #ARGV do
    wanted[ARGV[at]] = true
end
local hashes, counters = 0, 0
for at = 1, #KEYS, 2 do
    local all, baseline = redis.call('HGETALL', KEYS[at]), {}
    for field = 1, #all, 2 do
        local is_wanted = #ARGV == 1 or wanted[all[field]]
        if is_wanted and all[field + 1]:match('^%d+$') then
            table.insert(baseline, all[field])
            table.insert(baseline, all[field + 1])
        end
    end
    if #baseline > 0 then
        hashes, counters = hashes + 1, counters + #baseline / 2
        if ARGV[1] ~= 'dry' then
            redis.call('DEL', KEYS[at + 1])
            -- Lua hands on no more than 8,000 parts at a time.
            for part = 1, #baseline, 2000 do
                redis.call('HSET', KEYS[at + 1], unpack(baseline, part, math.min(part + 1999, #baseline)))
            end
        end
    end
end
return { hashes, counters }
