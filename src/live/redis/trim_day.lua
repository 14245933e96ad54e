#!lua
-- Takes one day's rollups of scans together with their status counts, baselines, index entries, and the events of the
-- stream that came before the day was over. Totals stay.
--
-- KEYS  1 the stream, 2 the index of all; then for each rollup: its key, its status counts, both baselines, the index of
--       its guild.
-- ARGV  1 the first entry of the stream that stays, 2 `dry` to take nothing.
-- Returns how many rollups were taken, or would be, and how many events; these are not counted in a dry run.

local rollups, events = 0, 0
local is_dry = ARGV[2] == 'dry'
for at = 3, #KEYS, 5 do
    rollups = rollups + redis.call('EXISTS', KEYS[at])
    if not is_dry then
        redis.call('UNLINK', unpack(KEYS, at, at + 3))
        redis.call('ZREM', KEYS[2], KEYS[at])
        redis.call('ZREM', KEYS[at + 4], KEYS[at])
    end
end
if not is_dry then
    events = redis.call('XTRIM', KEYS[1], 'MINID', '=', ARGV[1])
end
return { rollups, events }
