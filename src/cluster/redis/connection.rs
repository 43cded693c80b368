//! Connection: to one Redis, a Redis Cluster, or the master that Sentinels name; each command has a
//! time limit.

use std::time::Duration;

use parking_lot::Mutex;
use redis::aio::{
    ConnectionLike, ConnectionManager, ConnectionManagerConfig, MultiplexedConnection,
};
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::sentinel::{SentinelClient, SentinelServerType};
use redis::{Client, FromRedisValue, RedisError, ScriptInvocation};
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::{Instant, timeout};

/// Time limit of a command: a lease must be renewed three times within its lifetime.
const ANSWER_WITHIN: Duration = Duration::from_millis(500);

/// Time limit of connecting.
pub(super) const CONNECT_WITHIN: Duration = Duration::from_secs(1);

/// Delay before a Sentinel is asked again.
const ASK_AGAIN: Duration = Duration::from_millis(100);

/// A connection, by the kind of server.
pub(super) enum RedisConnection {
    Single(ConnectionManager),
    Cluster(Box<ClusterConnection>),
    /// The master may change: it is looked up again after a failure.
    Sentinel {
        client: Box<AsyncMutex<SentinelClient>>,
        master: Mutex<Option<MultiplexedConnection>>,
    },
}

/// A command or a script.
pub(super) enum RedisRequest<'a> {
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
    pub(super) async fn connect(address: &str) -> Result<Self, RedisError> {
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
            let deadline = Instant::now() + CONNECT_WITHIN * 2;
            while let Err(error) = current_master(&client, &master).await {
                if Instant::now() >= deadline {
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

    /// Sends a request and awaits its answer; fails with the reason.
    pub(super) async fn send<T: FromRedisValue>(
        &self,
        request: RedisRequest<'_>,
    ) -> Result<T, String> {
        // Boxed: the types of a cluster's connection are deep, and every future that waits for an
        // answer would contain them.
        let sending = Box::pin(async {
            match self {
                Self::Single(connection) => request.over(&mut connection.clone()).await,
                Self::Cluster(connection) => request.over(&mut *connection.clone()).await,
                Self::Sentinel { client, master } => {
                    request
                        .over(&mut current_master(client, master).await?)
                        .await
                }
            }
        });
        let reason = match timeout(ANSWER_WITHIN, sending).await {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer in time".into(),
        };
        if let Self::Sentinel { master, .. } = self {
            // It may not be the master any longer.
            *master.lock() = None;
        }
        Err(reason)
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
