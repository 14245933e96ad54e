#!lua
-- Deletes a host with all that is kept of it.
--
-- KEYS  1 its history, 2 its current sample, 3 the set of hosts, 4 the hash of each host's newest instant; then its
--       compact histories.
-- ARGV  1 the host, 2 `dry` to delete nothing.
-- Returns how many samples it has, and in how many keys.

local samples = redis.call('ZCARD', KEYS[1])
local keys = redis.call('EXISTS', KEYS[1], KEYS[2], unpack(KEYS, 5))
if ARGV[2] ~= 'dry' then
    redis.call('UNLINK', KEYS[1], KEYS[2], unpack(KEYS, 5))
    redis.call('SREM', KEYS[3], ARGV[1])
    redis.call('HDEL', KEYS[4], ARGV[1])
end
return { samples, keys }
