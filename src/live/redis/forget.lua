#!lua
-- Forgets points of a kind, and leaves notes: whoever forwards goes on only once it has forgotten them in its own file.
-- Their rollups, latest points and the host monitor's keys go at once; lists of points are seen to afterwards.
--
-- KEYS  1 the notes, 2 how many there were, 3 the hash of latest points, 4 the set of hosts, 5 the hash of each host's
--       newest instant, 6 that of their owners; then the indexes of rollups, for each its rollups that go, other keys that go.
-- ARGV  1 the instant (microsecond), 2 how many notes, 3 how many indexes; the notes as JSON; for each index how many
--       members it has, and how many of them go; then the hosts.
-- Returns {rollups, latest points} that went; nothing if an index has changed meanwhile.

local notes, indexes = tonumber(ARGV[2]), tonumber(ARGV[3])
local sizes = 3 + notes
for number = 1, indexes do
    if redis.call('ZCARD', KEYS[6 + number]) ~= tonumber(ARGV[sizes + 2 * number - 1]) then
        return {}
    end
end

-- Lua hands on no more than 8,000 parts at a time.
local SOME = 2000
local function in_parts(parts, first, last, call)
    for at = first, last, SOME do
        call(unpack(parts, at, math.min(at + SOME - 1, last)))
    end
end

local wanted = {}
for at = 4, sizes do
    local number = redis.call('INCR', KEYS[2])
    redis.call('ZADD', KEYS[1], ARGV[1], '{"number":' .. number .. ',' .. ARGV[at]:sub(2))
    table.insert(wanted, cjson.decode(ARGV[at]).labels)
end
local first = 7 + indexes
for number = 1, indexes do
    local last = first + tonumber(ARGV[sizes + 2 * number]) - 1
    in_parts(KEYS, first, last, function(...)
        redis.call('ZREM', KEYS[6 + number], ...)
        redis.call('UNLINK', ...)
    end)
    first = last + 1
end
local rollups = first - 7 - indexes
in_parts(KEYS, first, #KEYS, function(...)
    redis.call('UNLINK', ...)
end)
in_parts(ARGV, sizes + 2 * indexes + 1, #ARGV, function(...)
    redis.call('SREM', KEYS[4], ...)
    redis.call('HDEL', KEYS[5], ...)
    redis.call('HDEL', KEYS[6], ...)
end)

local function has_all(labels, own)
    for label, text in pairs(labels) do
        if (own[label] or '') ~= text then
            return false
        end
    end
    return true
end
local all, latest = redis.call('HGETALL', KEYS[3]), 0
for at = 1, #all, 2 do
    local is_point, point = pcall(cjson.decode, all[at + 1])
    if is_point and type(point) == 'table' and type(point.labels) == 'table' then
        for _, labels in ipairs(wanted) do
            if has_all(labels, point.labels) then
                redis.call('HDEL', KEYS[3], all[at], all[at] .. '\0us')
                latest = latest + 1
                break
            end
        end
    end
end
return { rollups, latest }
