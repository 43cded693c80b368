//! Scripts: what Redis does in one step.
//!
//! They check everything before they write: Redis does not roll back.

use redis::Script;

/// All scripts, by name.
pub(super) struct Scripts {
    pub(super) info: Script,
    pub(super) renew: Script,
    pub(super) names: Script,
    pub(super) bury: Script,
    pub(super) release_lease: Script,
    pub(super) claim: Script,
    pub(super) commit: Script,
    pub(super) release: Script,
}

impl Scripts {
    pub(super) fn new() -> Self {
        Self {
            info: Script::new("return redis.call('INFO', 'server')"),
            renew: Script::new(RENEW),
            names: Script::new(NAMES),
            bury: Script::new(BURY),
            release_lease: Script::new(RELEASE_LEASE),
            claim: Script::new(CLAIM),
            commit: Script::new(COMMIT),
            release: Script::new(RELEASE),
        }
    }
}

/// KEYS lease, names, dead; ARGV nonce, milliseconds, record, name.
const RENEW: &str = r"
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)') or '0'
local nonce = redis.call('HGET', KEYS[1], 'nonce')
if redis.call('EXISTS', KEYS[3]) == 1 or (nonce and nonce ~= ARGV[1]) then return {0, run} end
redis.call('HSET', KEYS[1], 'nonce', ARGV[1], 'record', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('SADD', KEYS[2], ARGV[4])
return {1, run}
";

/// KEYS names.
const NAMES: &str = r"
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)') or '0'
return {run, redis.call('SMEMBERS', KEYS[1])}
";

/// KEYS lease, dead; ARGV nonce, seconds.
const BURY: &str = r"
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)') or '0'
if redis.call('HGET', KEYS[1], 'nonce') == ARGV[1] then return {0, run} end
redis.call('SET', KEYS[2], '1', 'EX', ARGV[2])
return {1, run}
";

/// KEYS lease; ARGV nonce.
const RELEASE_LEASE: &str = r"
if redis.call('HGET', KEYS[1], 'nonce') == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
";

/// KEYS own; ARGV epoch, nonce, node, seconds.
const CLAIM: &str = r"
local own = redis.call('HMGET', KEYS[1], 'epoch', 'nonce')
local epoch = tonumber(own[1] or '0')
if epoch > tonumber(ARGV[1]) or (epoch == tonumber(ARGV[1]) and own[2] ~= ARGV[2]) then return 0 end
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'nonce', ARGV[2], 'node', ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[4])
return 1
";

/// KEYS own, ckpt, log; ARGV epoch, nonce, seconds, tick, state (empty for none), then tick and
/// event of each event. Events that the state covers are removed from the log. A state or event
/// that is stored already, because an answer was lost, counts as saved.
const COMMIT: &str = r"
local own = redis.call('HMGET', KEYS[1], 'epoch', 'nonce')
local epoch = tonumber(own[1] or '0')
if epoch < tonumber(ARGV[1]) then return 'forgotten' end
if epoch > tonumber(ARGV[1]) or own[2] ~= ARGV[2] then return 'fenced' end
local last = redis.call('XREVRANGE', KEYS[3], '+', '-', 'COUNT', 1)
local newest, number = 0, 0
if last[1] then
  local a, b = string.match(last[1][1], '(%d+)-(%d+)')
  newest, number = tonumber(a), tonumber(b)
end
for i = 6, #ARGV, 2 do
  local tick = tonumber(ARGV[i])
  if tick < newest then tick = newest end
  if tick == newest then number = number + 1 else newest, number = tick, 1 end
  redis.call('XADD', KEYS[3], string.format('%d-%d', newest, number), 'event', ARGV[i + 1])
end
if ARGV[5] ~= '' then
  local kept = redis.call('HMGET', KEYS[2], 'epoch', 'tick')
  if tonumber(kept[1] or '0') < epoch or tonumber(kept[2] or '0') < tonumber(ARGV[4]) then
    redis.call('HSET', KEYS[2], 'epoch', ARGV[1], 'tick', ARGV[4], 'blob', ARGV[5])
    redis.call('XTRIM', KEYS[3], 'MINID', string.format('%d', tonumber(ARGV[4]) + 1))
  end
end
for i = 1, 3 do redis.call('EXPIRE', KEYS[i], ARGV[3]) end
return 'kept'
";

/// KEYS own; ARGV epoch, nonce.
const RELEASE: &str = r"
local own = redis.call('HMGET', KEYS[1], 'epoch', 'nonce')
if own[1] == ARGV[1] and own[2] == ARGV[2] then redis.call('HSET', KEYS[1], 'node', '') end
return 1
";
