//! Redis: leases, claims, checkpoints and logs, each written by one script that checks the epoch
//! first.
//!
//! `leases` has what processes publish of themselves, `vault` the saved state of spaces. All keys
//! of a space share one hash tag, so that Redis Cluster stores them together; the lease keys share
//! another one.

mod connection;
mod leases;
mod scripts;
mod vault;

use std::sync::Arc;
use std::time::Duration;

use redis::{FromRedisValue, RedisError, ScriptInvocation};
use tokio::time::timeout;

use self::connection::{CONNECT_WITHIN, RedisConnection, RedisRequest};
use self::scripts::Scripts;
use super::ownership::Unreachable;

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
        self.0.connection.send(request).await.map_err(|reason| {
            tracing::debug!(error = reason, "a Redis command failed");
            Unreachable
        })
    }
}

/// Key of the set of all process names.
const NODES: &str = "plaza:{nodes}:names";

/// Value of a field in the output of `INFO`.
fn field<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    info.lines()
        .find_map(|line| line.strip_prefix(name))
        .map(str::trim)
}

/// An address without its password, for messages.
fn without_password(address: &str) -> String {
    match (address.split_once("://"), address.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://…@{host}"),
        _ => address.to_owned(),
    }
}

/// A time in milliseconds, as commands take it.
fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
