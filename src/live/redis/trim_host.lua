#!lua
-- Takes from a host what is older than the cutoff, and the host itself once nothing of it is left. A call takes no more
-- than it is allowed to, since all others wait meanwhile.
--
-- KEYS  1 its history, 2 its current sample, 3 the set of hosts, 4 the hash of each host's newest instant.
-- ARGV  1 the host, 2 the first instant that stays (millisecond), 3 samples of one call, 4 `dry` to take nothing.
-- Returns how many were taken (or would be), how many more are to be taken, whether the host has gone.

local history, host, limit = KEYS[1], ARGV[1], tonumber(ARGV[3])
local old = redis.call('ZCOUNT', history, '-inf', '(' .. ARGV[2])
local newest = tonumber(redis.call('HGET', KEYS[4], host) or '')
local is_dead = old == redis.call('ZCARD', history) and not (newest and newest >= tonumber(ARGV[2]))
if ARGV[4] == 'dry' then
    return { old, 0, is_dead and 1 or 0 }
end
local taken = old
if old > limit then
    taken = limit
end
if taken > 0 then
    redis.call('ZREMRANGEBYRANK', history, 0, taken - 1)
end
is_dead = is_dead and taken == old
if is_dead then
    redis.call('DEL', history, KEYS[2])
    redis.call('SREM', KEYS[3], host)
    redis.call('HDEL', KEYS[4], host)
end
return { taken, old - taken, is_dead and 1 or 0 }
