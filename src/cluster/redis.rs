//! Redis: leases, claims, checkpoints and logs, each written by one script that checks the epoch
//! first.
//!
//! Scripts check everything before they write: Redis does not roll back. All keys of a space share
//! one hash tag, so that Redis Cluster stores them together; the lease keys share another one.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use redis::aio::{
    ConnectionLike, ConnectionManager, ConnectionManagerConfig, MultiplexedConnection,
};
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::sentinel::{SentinelClient, SentinelServerType};
use redis::{Client, FromRedisValue, RedisError, Script, ScriptInvocation, cmd};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::timeout;

use super::census::{Census, NodeCensus, REPORT, RunningSpace};
use super::node::{Member, Node, NodeId, Nonce};
use super::ownership::{Dead, Epoch, LEASE, Renewal, Taken, Unreachable};
use super::record::{Committed, StoredSpace, Write};
use crate::components::id::SpaceId;

/// Time limit of a command: a lease must be renewed three times within its lifetime.
const ANSWER_WITHIN: Duration = Duration::from_millis(500);

/// Time limit of connecting.
const CONNECT_WITHIN: Duration = Duration::from_secs(1);

/// Delay before a Sentinel is asked again.
const ASK_AGAIN: Duration = Duration::from_millis(100);

/// Lifetime of a space's keys after the last write: a week. The database has a permanent copy.
const KEEP_SECONDS: u64 = 7 * 24 * 60 * 60;

/// How long a dead incarnation is remembered, in seconds: longer than a process can be paused and
/// still do harm.
const REMEMBER_DEAD_SECONDS: u64 = 24 * 60 * 60;

/// Oldest supported version of Redis.
const OLDEST: (u32, u32) = (6, 2);

/// Why Redis cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RedisOpenError {
    /// The address cannot be parsed.
    #[error("the address of Redis is not understood: {0}")]
    Address(String),
    /// No server answers there, or it is not Redis.
    #[error("cannot reach Redis at {address}: {reason}. Is it running, and is the address right?")]
    Unreachable {
        /// Address without its password.
        address: String,
        /// Error of the connection.
        reason: String,
    },
    /// It lacks commands that are needed.
    #[error(
        "Redis at {address} is version {found}; Plaza needs {}.{} or newer",
        OLDEST.0, OLDEST.1
    )]
    TooOld {
        /// Address without its password.
        address: String,
        /// Its version.
        found: String,
    },
}

/// A Redis, a Redis Cluster, or the master named by a Sentinel. Cheap to clone.
#[derive(Clone)]
pub struct Redis(Arc<RedisState>);

struct RedisState {
    connection: RedisConnection,
    scripts: Scripts,
}

enum RedisConnection {
    Single(ConnectionManager),
    Cluster(Box<ClusterConnection>),
    /// The master may change: it is looked up again after a failure.
    Sentinel {
        client: Box<AsyncMutex<SentinelClient>>,
        master: Mutex<Option<MultiplexedConnection>>,
    },
}

struct Scripts {
    info: Script,
    renew: Script,
    names: Script,
    bury: Script,
    release_lease: Script,
    claim: Script,
    commit: Script,
    release: Script,
}

/// What a process publishes with its lease.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Record {
    link: String,
    public_url: Option<String>,
    load: u64,
    is_draining: bool,
}

impl Redis {
    /// Connects, and checks the version. The address is `redis://[:password@]host[:port][/db]`,
    /// `rediss://…` for TLS, `redis+cluster://host:port,host:port`, or
    /// `redis+sentinel://host:port,host:port/master`.
    pub async fn open(address: &str) -> Result<Self, RedisOpenError> {
        let shown = without_password(address);
        let failed = |error: RedisError| RedisOpenError::Unreachable {
            address: shown.clone(),
            reason: error.to_string(),
        };
        let connecting = timeout(CONNECT_WITHIN * 3, RedisConnection::connect(address));
        let connection = connecting
            .await
            .map_err(|_| RedisOpenError::Unreachable {
                address: shown.clone(),
                reason: "no answer in three seconds".into(),
            })?
            .map_err(|error| match error.kind() {
                redis::ErrorKind::InvalidClientConfig => RedisOpenError::Address(error.to_string()),
                _ => failed(error),
            })?;
        let redis = Self(Arc::new(RedisState {
            connection,
            scripts: Scripts::new(),
        }));
        // By a script with a key: a cluster would answer INFO with the output of all its servers.
        let mut script = redis.0.scripts.info.prepare_invoke();
        let info: Result<String, Unreachable> = redis.run(script.key(NODES)).await;
        let info = info.map_err(|Unreachable| RedisOpenError::Unreachable {
            address: shown.clone(),
            reason: "it does not answer".into(),
        })?;
        let found = field(&info, "redis_version:")
            .unwrap_or("unknown")
            .to_owned();
        let mut parts = found
            .split('.')
            .map(|part| part.parse::<u32>().unwrap_or(0));
        if (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) < OLDEST {
            return Err(RedisOpenError::TooOld {
                address: shown,
                found,
            });
        }
        Ok(redis)
    }

    /// Renews a lease, and publishes the record of the process.
    pub async fn renew(&self, node: &Node) -> Result<Renewal, Unreachable> {
        let record = Record {
            link: node.link.clone(),
            public_url: node.public_url.clone(),
            load: node.load,
            is_draining: node.is_draining,
        };
        let record = serde_json::to_string(&record).map_err(|_| Unreachable)?;
        let Member { node, nonce } = &node.member;
        let mut script = self.0.scripts.renew.prepare_invoke();
        script
            .key(lease_key(node))
            .key(NODES)
            .key(dead_key(*nonce))
            .arg(nonce.0.to_string())
            .arg(LEASE.as_millis() as u64)
            .arg(record)
            .arg(&node.0);
        let (is_held, run_id): (i64, String) = self.run(&script).await?;
        let directory = identity(&run_id);
        Ok(if is_held == 1 {
            Renewal::Held { directory }
        } else {
            Renewal::Dead
        })
    }

    /// Releases the lease of a process that has ended, so that others can take over at once.
    pub async fn release_lease(&self, me: &Member) -> Result<(), Unreachable> {
        let mut script = self.0.scripts.release_lease.prepare_invoke();
        script.key(lease_key(&me.node)).arg(me.nonce.0.to_string());
        self.run(&script).await
    }

    /// Releases the lease of any incarnation with this upper half.
    pub async fn release_life(&self, node: &NodeId, life: u32) -> Result<(), Unreachable> {
        let nonce: Option<String> = self
            .ask(cmd("hget").arg(lease_key(node)).arg("nonce"))
            .await?;
        let nonce = nonce.and_then(|nonce| nonce.parse().ok()).map(Nonce);
        match nonce.filter(|nonce| nonce.life() == life) {
            None => Ok(()),
            Some(nonce) => {
                let node = node.clone();
                self.release_lease(&Member { node, nonce }).await
            }
        }
    }

    /// Processes whose lease is valid, and the identity of this Redis.
    pub async fn alive(&self) -> Result<(u64, Vec<Node>), Unreachable> {
        let mut script = self.0.scripts.names.prepare_invoke();
        let (run_id, names): (String, Vec<String>) = self.run(script.key(NODES)).await?;
        let mut alive = Vec::new();
        for name in names {
            let node = NodeId(name);
            let values: Vec<Option<String>> = self
                .ask(
                    cmd("hmget")
                        .arg(lease_key(&node))
                        .arg("nonce")
                        .arg("record"),
                )
                .await?;
            let [Some(nonce), Some(record)] = &values[..] else {
                let _: Result<i64, _> = self.ask(cmd("srem").arg(NODES).arg(&node.0)).await;
                continue;
            };
            let (Ok(nonce), Ok(record)) = (nonce.parse(), serde_json::from_str::<Record>(record))
            else {
                tracing::warn!(%node, "the record of a process cannot be decoded");
                continue;
            };
            alive.push(Node {
                member: Member {
                    node,
                    nonce: Nonce(nonce),
                },
                link: record.link,
                public_url: record.public_url,
                load: record.load,
                is_draining: record.is_draining,
            });
        }
        alive.sort_unstable_by(|a, b| a.member.cmp(&b.member));
        Ok((identity(&run_id), alive))
    }

    /// Publishes the spaces that a process runs.
    pub async fn report(&self, node: &NodeId, running: &[RunningSpace]) -> Result<(), Unreachable> {
        let bytes = bincode::encode_to_vec(running, bincode::config::standard())
            .map_err(|_| Unreachable)?;
        let mut set = cmd("set");
        set.arg(running_key(node)).arg(bytes).arg("px");
        self.ask(set.arg(REPORT.as_millis() as u64)).await
    }

    /// Latest report of each process.
    pub async fn census(&self) -> Result<Census, Unreachable> {
        let mut nodes = Vec::new();
        for node in self.alive().await?.1 {
            let (running, lease) = self.reported(&node.member.node).await?;
            nodes.push(NodeCensus {
                node,
                lease: Some(lease),
                running,
            });
        }
        Ok(Census::new(nodes))
    }

    async fn reported(&self, node: &NodeId) -> Result<(Vec<RunningSpace>, Duration), Unreachable> {
        let lease: i64 = self.ask(cmd("pttl").arg(lease_key(node))).await?;
        let bytes: Option<Vec<u8>> = self.ask(cmd("get").arg(running_key(node))).await?;
        let running = bytes.and_then(|bytes| {
            let decoded = bincode::decode_from_slice(&bytes, bincode::config::standard());
            // A report of another version cannot be decoded: its spaces are not shown while both
            // versions run.
            decoded.ok().map(|(running, _)| running)
        });
        Ok((
            running.unwrap_or_default(),
            Duration::from_millis(lease.max(0) as u64),
        ))
    }

    /// Declares an incarnation dead, unless its lease is valid or this is not the Redis that
    /// reported the expiry. It can never be renewed again.
    pub async fn bury(&self, dead: &Dead) -> Result<bool, Unreachable> {
        let mut script = self.0.scripts.bury.prepare_invoke();
        script
            .key(lease_key(&dead.member.node))
            .key(dead_key(dead.member.nonce))
            .arg(dead.member.nonce.0.to_string())
            .arg(REMEMBER_DEAD_SECONDS);
        let (is_buried, run_id): (i64, String) = self.run(&script).await?;
        Ok(is_buried == 1 && identity(&run_id) == dead.directory)
    }

    /// Fences out every lower epoch of a space.
    pub async fn claim(
        &self,
        space: SpaceId,
        epoch: Epoch,
        me: &Member,
    ) -> Result<Taken, Unreachable> {
        let mut script = self.0.scripts.claim.prepare_invoke();
        script
            .key(space_key(space, "own"))
            .arg(epoch)
            .arg(me.nonce.0.to_string())
            .arg(&me.node.0)
            .arg(KEEP_SECONDS);
        let is_ours: i64 = self.run(&script).await?;
        Ok(if is_ours == 1 {
            Taken::Ours
        } else {
            Taken::Fenced
        })
    }

    /// Loads the saved state of a space.
    pub(super) async fn load(&self, space: SpaceId) -> Result<StoredSpace, Unreachable> {
        let (epoch, tick, blob): (Option<u64>, Option<u64>, Option<Vec<u8>>) = self
            .ask(
                cmd("hmget")
                    .arg(space_key(space, "ckpt"))
                    .arg("epoch")
                    .arg("tick")
                    .arg("blob"),
            )
            .await?;
        let log: Vec<(String, HashMap<String, Vec<u8>>)> = self
            .ask(cmd("xrange").arg(space_key(space, "log")).arg("-").arg("+"))
            .await?;
        let events = log.into_iter().filter_map(|(id, mut fields)| {
            let tick = id.split('-').next()?.parse().ok()?;
            Some((tick, fields.remove("event")?))
        });
        Ok(StoredSpace {
            checkpoint: epoch
                .zip(tick)
                .zip(blob)
                .map(|((epoch, tick), blob)| (epoch, tick, blob)),
            events: events.collect(),
        })
    }

    /// Writes a checkpoint and events, all or nothing.
    pub async fn commit(
        &self,
        space: SpaceId,
        epoch: Epoch,
        me: &Member,
        write: &Write,
    ) -> Result<Committed, Unreachable> {
        let (tick, blob) = match &write.checkpoint {
            Some((tick, blob)) => (*tick, blob.as_slice()),
            None => (0, [].as_slice()),
        };
        let mut script = self.0.scripts.commit.prepare_invoke();
        script
            .key(space_key(space, "own"))
            .key(space_key(space, "ckpt"))
            .key(space_key(space, "log"))
            .arg(epoch)
            .arg(me.nonce.0.to_string())
            .arg(KEEP_SECONDS)
            .arg(tick)
            .arg(blob);
        for (tick, event) in &write.events {
            script.arg(*tick).arg(event.as_slice());
        }
        let answer: String = self.run(&script).await?;
        Ok(match answer.as_str() {
            "kept" => Committed::Kept,
            "forgotten" => Committed::Forgotten,
            _ => Committed::Fenced,
        })
    }

    /// Releases a space; its epoch stays.
    pub async fn release(
        &self,
        space: SpaceId,
        epoch: Epoch,
        me: &Member,
    ) -> Result<(), Unreachable> {
        let mut script = self.0.scripts.release.prepare_invoke();
        script
            .key(space_key(space, "own"))
            .arg(epoch)
            .arg(me.nonce.0.to_string());
        self.run(&script).await
    }

    /// Deletes everything of a space.
    pub async fn forget(&self, space: SpaceId) -> Result<(), Unreachable> {
        let keys = ["own", "ckpt", "log"].map(|part| space_key(space, part));
        let _: i64 = self.ask(cmd("del").arg(&keys[..])).await?;
        Ok(())
    }

    async fn run<T: FromRedisValue>(
        &self,
        script: &ScriptInvocation<'_>,
    ) -> Result<T, Unreachable> {
        self.send(RedisRequest::Script(script)).await
    }

    async fn ask<T: FromRedisValue>(&self, command: &redis::Cmd) -> Result<T, Unreachable> {
        self.send(RedisRequest::Command(command)).await
    }

    async fn send<T: FromRedisValue>(&self, request: RedisRequest<'_>) -> Result<T, Unreachable> {
        // Boxed: the types of a cluster's connection are deep, and every future that waits for an
        // answer would contain them.
        let sending = Box::pin(async {
            match &self.0.connection {
                RedisConnection::Single(connection) => request.over(&mut connection.clone()).await,
                RedisConnection::Cluster(connection) => {
                    request.over(&mut *connection.clone()).await
                }
                RedisConnection::Sentinel { client, master } => {
                    request
                        .over(&mut current_master(client, master).await?)
                        .await
                }
            }
        });
        self.judge(timeout(ANSWER_WITHIN, sending).await)
    }

    fn judge<T>(
        &self,
        answer: Result<Result<T, RedisError>, tokio::time::error::Elapsed>,
    ) -> Result<T, Unreachable> {
        let error = match answer {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer in time".into(),
        };
        tracing::debug!(error, "a Redis command failed");
        if let RedisConnection::Sentinel { master, .. } = &self.0.connection {
            // It may not be the master any longer.
            *master.lock() = None;
        }
        Err(Unreachable)
    }
}

/// A command or a script.
enum RedisRequest<'a> {
    Script(&'a ScriptInvocation<'a>),
    Command(&'a redis::Cmd),
}

impl RedisRequest<'_> {
    async fn over<T: FromRedisValue>(
        &self,
        connection: &mut impl ConnectionLike,
    ) -> Result<T, RedisError> {
        match self {
            Self::Script(script) => script.invoke_async(connection).await,
            Self::Command(command) => command.query_async(connection).await,
        }
    }
}

impl RedisConnection {
    async fn connect(address: &str) -> Result<Self, RedisError> {
        if let Some(hosts) = address.strip_prefix("redis+cluster://") {
            let nodes: Vec<String> = hosts
                .split(',')
                .map(|host| format!("redis://{host}"))
                .collect();
            let connection = ClusterClient::builder(nodes)
                .connection_timeout(CONNECT_WITHIN)
                .response_timeout(ANSWER_WITHIN)
                .build()?
                .get_async_connection()
                .await?;
            return Ok(Self::Cluster(Box::new(connection)));
        }
        if let Some(rest) = address.strip_prefix("redis+sentinel://") {
            let (hosts, name) = rest.split_once('/').unwrap_or((rest, "mymaster"));
            let sentinels: Vec<String> = hosts
                .split(',')
                .map(|host| format!("redis://{host}"))
                .collect();
            let client = SentinelClient::build(sentinels, name, None, SentinelServerType::Master)?;
            let (client, master) = (Box::new(AsyncMutex::new(client)), Mutex::default());
            // There is no master for a moment while a replica is promoted.
            let deadline = tokio::time::Instant::now() + CONNECT_WITHIN * 2;
            while let Err(error) = current_master(&client, &master).await {
                if tokio::time::Instant::now() >= deadline {
                    return Err(error);
                }
                tokio::time::sleep(ASK_AGAIN).await;
            }
            return Ok(Self::Sentinel { client, master });
        }
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(CONNECT_WITHIN))
            .set_response_timeout(Some(ANSWER_WITHIN))
            .set_max_delay(Duration::from_millis(500));
        let client = Client::open(address)?;
        // The connection manager retries silently; this connection shows the error.
        drop(client.get_multiplexed_async_connection().await?);
        let connection = ConnectionManager::new_with_config(client, config).await?;
        Ok(Self::Single(connection))
    }
}

async fn current_master(
    client: &AsyncMutex<SentinelClient>,
    master: &Mutex<Option<MultiplexedConnection>>,
) -> Result<MultiplexedConnection, RedisError> {
    if let Some(connection) = master.lock().clone() {
        return Ok(connection);
    }
    let connection = client.lock().await.get_async_connection().await?;
    *master.lock() = Some(connection.clone());
    Ok(connection)
}

/// Key of the set of all process names.
const NODES: &str = "plaza:{nodes}:names";

fn lease_key(node: &NodeId) -> String {
    format!("plaza:{{nodes}}:lease:{node}")
}

fn running_key(node: &NodeId) -> String {
    format!("plaza:{{nodes}}:running:{node}")
}

fn dead_key(nonce: Nonce) -> String {
    format!("plaza:{{nodes}}:dead:{:016x}", nonce.0)
}

fn space_key(space: SpaceId, part: &str) -> String {
    format!("plaza:{{{space}}}:{part}")
}

/// Identity of a Redis: a hash of its run id, which changes with a restart and differs between
/// servers.
fn identity(run_id: &str) -> u64 {
    run_id
        .get(..16)
        .and_then(|start| u64::from_str_radix(start, 16).ok())
        .unwrap_or(0)
}

/// Value of a field in the output of `INFO`.
fn field<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    info.lines()
        .find_map(|connection| connection.strip_prefix(name))
        .map(str::trim)
}

/// An address without its password, for messages.
fn without_password(address: &str) -> String {
    match (address.split_once("://"), address.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://…@{host}"),
        _ => address.to_owned(),
    }
}

impl Scripts {
    fn new() -> Self {
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
