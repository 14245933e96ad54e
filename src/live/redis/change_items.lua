#!lua
-- Puts items of a list in the place of others, as far as these are still there.
--
-- KEYS  1 the list.
-- ARGV  place, item that is there, item in its place; …
-- Returns how many were there.

local changed = 0
for at = 1, #ARGV, 3 do
    if redis.call('LINDEX', KEYS[1], ARGV[at]) == ARGV[at + 1] then
        redis.call('LSET', KEYS[1], ARGV[at], ARGV[at + 2])
        changed = changed + 1
    end
end
return changed
