#!lua
-- Whose hosts are: the first organisation that claims one has it.
--
-- KEYS  1 the hash of owners.
-- ARGV  1 the organisation, then hosts. Returns the owner of each.

local owners = {}
for at = 2, #ARGV do
    local owner = redis.call('HGET', KEYS[1], ARGV[at])
    if not owner then
        owner = ARGV[1]
        redis.call('HSET', KEYS[1], ARGV[at], owner)
    end
    owners[at - 1] = owner
end
return owners
