"""
The Lua scripts of the call budget: each is one atomic step over all workers.

Both takes: KEYS are the group's hash, its "not before" key, the counters of this hour, and the marker that Redis still has its memory.
ARGV begin with now (epoch seconds), share, cost, the counter's field and the counters' time to live.
They answer seconds to wait as a string: "0" taken, "-1" the marker is missing.
"""

_BEGIN = """
local now, share, cost = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3])
local not_before = redis.call('GET', KEYS[2])
if not_before and tonumber(not_before) > now then return tostring(tonumber(not_before) - now) end
if redis.call('EXISTS', KEYS[4]) == 0 then return '-1' end
local function count()
  redis.call('HINCRBYFLOAT', KEYS[3], ARGV[4], ARGV[3])
  redis.call('EXPIRE', KEYS[3], ARGV[5])
end
"""

WINDOW_TAKE = (
    _BEGIN
    + """
local limit, slot_seconds, slots = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local slot = math.floor(now / slot_seconds)
local used, by_slot, order, total = {}, {}, {}, 0
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local at, who = string.match(all[i], '^(%d+)|(.+)$')
  at = tonumber(at)
  if at < slot - slots then
    redis.call('HDEL', KEYS[1], all[i])
  else
    local n = tonumber(all[i + 1])
    used[who] = (used[who] or 0) + n
    total = total + n
    if not by_slot[at] then by_slot[at] = 0; order[#order + 1] = at end
    by_slot[at] = by_slot[at] + n
  end
end
local kept = 0
for i = 9, #ARGV, 2 do
  if ARGV[i] ~= share then kept = kept + math.max(tonumber(ARGV[i + 1]) - (used[ARGV[i]] or 0), 0) end
end
local missing = total + cost + kept - limit
if missing <= 1e-9 then
  redis.call('HINCRBYFLOAT', KEYS[1], string.format('%d|%s', slot, share), ARGV[3])
  redis.call('EXPIRE', KEYS[1], math.ceil(slot_seconds * slots * 2) + 60)
  count()
  return '0'
end
table.sort(order)
local freed = 0
for _, at in ipairs(order) do
  freed = freed + by_slot[at]
  if freed >= missing - 1e-9 then return tostring(math.max((at + slots + 1) * slot_seconds - now, 0.05)) end
end
return tostring(slot_seconds)
"""
)

_BUCKET = """
local facts = redis.call('HMGET', KEYS[1], 'tokens', 'at', 'rate', 'burst')
local rate, burst = tonumber(facts[3] or plan_rate), tonumber(facts[4] or plan_burst)
local at = tonumber(facts[2] or now)
local tokens = math.min(burst, tonumber(facts[1] or burst) + math.max(now - at, 0) * rate)
at = math.max(at, now)
"""

BUCKET_TAKE = (
    _BEGIN
    + "local plan_rate, plan_burst = ARGV[6], ARGV[7]"
    + _BUCKET
    + """
local kept = tonumber(ARGV[8])
if ARGV[9] == '1' then kept = kept * burst / tonumber(plan_burst) end
local need = math.min(cost + kept, burst)
if tokens + 1e-9 < need then return tostring(math.max((need - tokens) / rate, 0.05)) end
redis.call('HSET', KEYS[1], 'tokens', string.format('%.6f', tokens - cost), 'at', string.format('%.6f', at))
redis.call('EXPIRE', KEYS[1], 86400)
count()
return '0'
"""
)

# KEYS: the group's hash. ARGV: now, the plan's rate and burst, then remaining, capacity, per second ("" where the channel did not say).
BUCKET_LEARN = (
    "local now, plan_rate, plan_burst = tonumber(ARGV[1]), ARGV[2], ARGV[3]"
    + _BUCKET
    + """
if ARGV[4] ~= '' then tokens = tonumber(ARGV[4]) end
if ARGV[5] ~= '' then redis.call('HSET', KEYS[1], 'burst', ARGV[5]); tokens = math.min(tokens, tonumber(ARGV[5])) end
if ARGV[6] ~= '' then redis.call('HSET', KEYS[1], 'rate', ARGV[6]) end
redis.call('HSET', KEYS[1], 'tokens', string.format('%.6f', tokens), 'at', string.format('%.6f', at))
redis.call('EXPIRE', KEYS[1], 86400)
return '0'
"""
)
