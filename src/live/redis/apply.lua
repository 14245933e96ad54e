#!lua
-- Applies a batch of one replica's events: all of it or nothing, and once only.
--
-- KEYS  1 the replicas' marks, 2 up to which instant each has forwarded; then the keys that the batch changes.
-- ARGV  1 the replica, 2 its mark before the batch ('' for none), 3 its mark behind it, 4 the instant; then the changes.
-- A change: a letter, the number of its key, how many parts follow, the parts.
-- Returns {1, mark} when it was applied, {0, mark} when the mark was another one: the batch is known, or one is missing; and
-- {2, mark} when something was forgotten that the replica has not seen.
--
-- Whatever can fail does so before the first write: without the flag `allow-oom` Redis refuses to begin when memory is
-- full, and types of keys and rights of the user are looked at first.

local MOST, LEAST = '9223372036854775807', '-9223372036854775808'

-- Of whole numbers without sign, as texts of any length: the sum if `direction` is 1, the difference to a smaller one if -1.
local function combine(one, other, direction)
    local result, carry = '', 0
    while one ~= '' or other ~= '' or carry ~= 0 do
        local digits = (tonumber(one:sub(-15)) or 0) + direction * (tonumber(other:sub(-15)) or 0) + carry
        one, other = one:sub(1, -16), other:sub(1, -16)
        carry = math.floor(digits / 1e15)
        result = string.format('%015.0f', digits - carry * 1e15) .. result
    end
    return (result:gsub('^0+(%d)', '%1'))
end

local function is_less(one, other)
    return #one < #other or #one == #other and one < other
end

-- The sum of two whole numbers as texts of any length.
local function plus(one, other)
    local sign, size = one:match('^(%-?)0*(%d+)$')
    local other_sign, other_size = other:match('^(%-?)0*(%d+)$')
    if sign == other_sign then
        return sign .. combine(size, other_size, 1)
    end
    if is_less(size, other_size) then
        sign, size, other_size = other_sign, other_size, size
    end
    local rest = combine(size, other_size, -1)
    return rest == '0' and rest or sign .. rest
end

-- A counter that is full stays at the most that Redis counts to, and the exact sum goes on beside it. What is no number
-- counts as 0, as all readers take it.
local function add_wide(key, field, count)
    local exact = field .. '_exact'
    local known = redis.call('HMGET', key, field, exact)
    local before = known[1] or '0'
    if (before == MOST or before == LEAST) and known[2] then
        before = known[2]
    end
    local sum = plus(before:match('^%-?%d+$') or '0', count)
    local limit = sum:sub(1, 1) == '-' and LEAST or MOST
    if is_less(sum, limit) then
        redis.call('HSET', key, field, sum)
        redis.call('HDEL', key, exact)
    else
        redis.call('HSET', key, field, limit, exact, sum)
    end
end

-- A float with all its digits, and no more; a sum that once was too large stays so.
local function float(number)
    if number ~= number then
        number = math.huge
    end
    local text = string.format('%.15g', number)
    local is_enough = math.abs(number) < 1e15 and tonumber(text) == number
    return is_enough and text or string.format('%.17g', number)
end

-- Than a whole number as text; anything else is no instant.
local function is_newer(at, known)
    local instant = (known or ''):match('^%-?%d+$')
    return not instant or #instant > 20 or tonumber(at) >= tonumber(instant)
end

-- Lua hands on no more than 8,000 parts at a time.
local SOME = 2000
local function in_parts(command, key, parts, first, last)
    local answer
    for at = first, last, SOME do
        answer = redis.call(command, key, unpack(parts, at, math.min(at + SOME - 1, last)))
    end
    return answer
end

local changes = {}
-- Of which type the key of a change must be, and the commands that it needs.
local needs = {}

-- add: field, count (not negative), …
needs.a = { 'hash', 'HINCRBY', 'HMGET', 'HSET', 'HDEL' }
function changes.a(key, first, last)
    for at = first, last, 2 do
        local sum = redis.pcall('HINCRBY', key, ARGV[at], ARGV[at + 1])
        if type(sum) == 'table' then
            add_wide(key, ARGV[at], ARGV[at + 1])
        end
    end
end

-- What a hash has in these fields: texts, or false.
local function known_of(key, fields)
    local known = {}
    for at = 1, #fields, SOME do
        for _, text in ipairs(redis.call('HMGET', key, unpack(fields, at, math.min(at + SOME - 1, #fields)))) do
            table.insert(known, text)
        end
    end
    return known
end

-- Every so many parts of a change, with something behind each.
local function every(step, first, last, behind)
    local fields = {}
    for at = first, last, step do
        table.insert(fields, ARGV[at] .. behind)
    end
    return fields
end

-- sum: field, count of either sign, …; a full sum may become less again
needs.g = { 'hash', 'HINCRBY', 'HMGET', 'HSET', 'HDEL' }
function changes.g(key, first, last)
    local exact = known_of(key, every(2, first, last, '_exact'))
    for number, is_full in ipairs(exact) do
        local at = first + 2 * number - 2
        local sum = not is_full and redis.pcall('HINCRBY', key, ARGV[at], ARGV[at + 1])
        if type(sum) ~= 'number' then
            add_wide(key, ARGV[at], ARGV[at + 1])
        end
    end
end

-- floats: field, number, …
needs.f = { 'hash', 'HMGET', 'HSET' }
function changes.f(key, first, last)
    local sums = {}
    for number, known in ipairs(known_of(key, every(2, first, last, ''))) do
        local at = first + 2 * number - 2
        table.insert(sums, ARGV[at])
        table.insert(sums, float((tonumber(known or '') or 0) + tonumber(ARGV[at + 1])))
    end
    in_parts('HSET', key, sums, 1, #sums)
end

-- set: field, text, …
needs.h = { 'hash', 'HSET' }
function changes.h(key, first, last)
    in_parts('HSET', key, ARGV, first, last)
end

-- last: the field of an instant, the instant, then field, text, … which are set unless a later instant is known
needs.l = { 'hash', 'HGET', 'HSET' }
function changes.l(key, first, last)
    if is_newer(ARGV[first + 1], redis.call('HGET', key, ARGV[first])) then
        in_parts('HSET', key, ARGV, first, last)
    end
end

-- extremes: field of the least, number, field of the most, number, …
needs.e = { 'hash', 'HMGET', 'HSET' }
function changes.e(key, first, last)
    local beyond = {}
    for number, known in ipairs(known_of(key, every(2, first, last, ''))) do
        local at = first + 2 * number - 2
        local new, old = tonumber(ARGV[at + 1]), tonumber(known or '')
        local is_least = number % 2 == 1
        if not old or is_least and new < old or not is_least and new > old then
            table.insert(beyond, ARGV[at])
            table.insert(beyond, ARGV[at + 1])
        end
    end
    in_parts('HSET', key, beyond, 1, #beyond)
end

-- last numbers: field of an instant, the instant, field of the number, number, …; of several at one instant the largest
needs.v = { 'hash', 'HMGET', 'HSET' }
function changes.v(key, first, last)
    local known = known_of(key, every(2, first, last, ''))
    local newer = {}
    for number = 1, #known, 2 do
        local at = first + 2 * number - 2
        local before, instant = tonumber(known[number] or ''), tonumber(ARGV[at + 1])
        local is_larger = tonumber(ARGV[at + 3]) > (tonumber(known[number + 1] or '') or -math.huge)
        if not before or instant > before or instant == before and is_larger then
            for part = at, at + 3 do
                table.insert(newer, ARGV[part])
            end
        end
    end
    in_parts('HSET', key, newer, 1, #newer)
end

-- append: the length to trim to, with `~` before it if roughly ('' for none), then events
needs.x = { 'stream', 'XADD', 'XTRIM' }
function changes.x(key, first, last)
    for at = first + 1, last do
        redis.call('XADD', key, '*', 'event', ARGV[at])
    end
    local roughly, most = ARGV[first]:match('^(~?)(%d+)$')
    if most then
        redis.call('XTRIM', key, 'MAXLEN', roughly == '' and '=' or '~', most)
    end
end

-- index: score, member, …
needs.z = { 'zset', 'ZADD' }
function changes.z(key, first, last)
    in_parts('ZADD', key, ARGV, first, last)
end

-- members of a set
needs.s = { 'set', 'SADD' }
function changes.s(key, first, last)
    in_parts('SADD', key, ARGV, first, last)
end

-- items behind a list: when it expires if it is new ('' for never), the items
needs.p = { 'list', 'RPUSH', 'EXPIREAT' }
function changes.p(key, first, last)
    local length = in_parts('RPUSH', key, ARGV, first + 1, last)
    if length == last - first and ARGV[first] ~= '' then
        redis.call('EXPIREAT', key, ARGV[first])
    end
end

-- a list that loses its first items: how many
needs.t = { 'list', 'LTRIM' }
function changes.t(key, first)
    redis.call('LTRIM', key, ARGV[first], '-1')
end

-- a key that goes as a whole
needs.d = { nil, 'DEL' }
function changes.d(key)
    redis.call('DEL', key)
end

-- nothing is changed unless the key has this number, or there is none and it is 0
needs.n = {}
function changes.n() end

-- expiry of a key that this batch changes: the second
needs.k = { nil, 'EXPIREAT' }
function changes.k(key, first)
    redis.call('EXPIREAT', key, ARGV[first])
end

-- samples of hosts, where the key is the hash of each host's newest instant: how long current samples and histories live
-- ('' for no histories), then for each host its name, the number of the key of its current sample (its history's is the
-- next), how many parts follow, and instant (millisecond), sample, … in the order of time
needs.o = { 'hash', 'HMGET', 'HSET', 'SETEX', 'ZADD', 'EXPIRE' }
function changes.o(key, first, last)
    local hosts, places = {}, {}
    local at = first + 2
    while at < last do
        table.insert(hosts, ARGV[at])
        table.insert(places, at)
        at = at + 3 + ARGV[at + 2]
    end
    local known, newest = {}, {}
    for number = 1, #hosts, SOME do
        for _, at in ipairs(redis.call('HMGET', key, unpack(hosts, number, math.min(number + SOME - 1, #hosts)))) do
            table.insert(known, at)
        end
    end
    for number, place in ipairs(places) do
        local current, final = tonumber(ARGV[place + 1]), place + 2 + ARGV[place + 2]
        if ARGV[first + 1] ~= '' then
            in_parts('ZADD', KEYS[current + 1], ARGV, place + 3, final)
            redis.call('EXPIRE', KEYS[current + 1], ARGV[first + 1])
        end
        if is_newer(ARGV[final - 1], known[number]) then
            redis.call('SETEX', KEYS[current], ARGV[first], ARGV[final])
            table.insert(newest, hosts[number])
            table.insert(newest, ARGV[final - 1])
        end
    end
    in_parts('HSET', key, newest, 1, #newest)
end

local looked_at = {}
local function expect(key, wanted)
    if looked_at[key] == wanted then
        return
    end
    looked_at[key] = wanted
    local found = redis.call('TYPE', key).ok
    if found ~= 'none' and found ~= wanted then
        return redis.error_reply('WRONGTYPE ' .. key .. ' is a ' .. found .. ', expected a ' .. wanted)
    end
end

local allowed = {}
local function permit(key, commands)
    for at = 2, #commands do
        local command = commands[at]
        if not allowed[command] then
            -- An error, too, if there is no such command here.
            local more = command == 'DEL' and {} or { '1', '1' }
            if not redis.acl_check_cmd(command, key, unpack(more)) then
                return redis.error_reply('NOPERM the user may not run ' .. command)
            end
            allowed[command] = true
        end
    end
end

local replica, before, behind = ARGV[1], ARGV[2], ARGV[3]
local wrong = expect(KEYS[1], 'hash') or expect(KEYS[2], 'hash') or permit(KEYS[1], { nil, 'HSET' })
if wrong then
    return wrong
end
local mark = redis.call('HGET', KEYS[1], replica) or ''
if mark ~= before then
    return { 0, mark }
end
local count = #ARGV
local at = 5
while at <= count do
    local change, key = ARGV[at], KEYS[tonumber(ARGV[at + 1])]
    wrong = permit(key, needs[change]) or needs[change][1] and expect(key, needs[change][1])
    if change == 'o' and ARGV[at + 4] ~= '' then
        local place, last = at + 5, at + 2 + ARGV[at + 2]
        while place < last and not wrong do
            wrong = expect(KEYS[ARGV[place + 1] + 1], 'zset')
            place = place + 3 + ARGV[place + 2]
        end
    end
    if wrong then
        return wrong
    end
    if change == 'n' and (redis.call('GET', key) or '0') ~= ARGV[at + 3] then
        return { 2, mark }
    end
    at = at + 3 + ARGV[at + 2]
end
redis.call('HSET', KEYS[1], replica, behind)
redis.call('HSET', KEYS[2], replica, ARGV[4])
at = 5
while at <= count do
    local last = at + 2 + ARGV[at + 2]
    changes[ARGV[at]](KEYS[tonumber(ARGV[at + 1])], at + 3, last)
    at = last + 1
end
return { 1, behind }
