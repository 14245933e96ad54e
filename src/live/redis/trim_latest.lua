#!lua
-- Takes the latest points that are older than the cutoff.
--
-- KEYS  1 the hash of latest points.
-- ARGV  1 the first instant that stays (microsecond), 2 `dry` to take nothing.
-- Returns how many were taken, or would be.

local all, old = redis.call('HGETALL', KEYS[1]), {}
for at = 1, #all, 2 do
    local word = all[at]:match('^(.*)%z' .. 'us$')
    if word and tonumber(all[at + 1]) < tonumber(ARGV[1]) then
        table.insert(old, word)
    end
end
if ARGV[2] ~= 'dry' then
    for _, word in ipairs(old) do
        redis.call('HDEL', KEYS[1], word, word .. '\0us')
    end
end
return #old
