//! Server: starts all parts, runs them, and stops them in order.
//!
//! May use every layer. Never: flags, the environment, signals; those are handled by `cli`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::api::{AppState, health, measurements, routes, uploads};
use crate::cluster::directory::Directory;
use crate::cluster::node::{Member, Node, NodeId, Nonce};
use crate::cluster::redis::{Redis, RedisOpenError};
use crate::cluster::spaces::{Spaces, SpacesConfig};
use crate::cluster::vault::Vault;
use crate::components::peers::SfuEndpoint;
use crate::link::{self, Links, Secret, Tls};
use crate::media::sfu::{Sfu, SfuError};
use crate::net::edge::{self, Edge, EdgeSettings, UserLimits};
use crate::net::relay::ticket::TicketKey;
use crate::settings::{MetricsSettings, Settings};
use crate::store::seed::{Folder, SeedError};
use crate::store::{Store, StoreError, prepare_folder};

/// Why a server did not run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The built-in seed is invalid.
    #[error("the built-in seed: {0}")]
    Seed(#[from] SeedError),
    /// Redis cannot be used.
    #[error(transparent)]
    Redis(#[from] RedisOpenError),
    /// The SFU failed to start.
    #[error(transparent)]
    Forward(#[from] SfuError),
    /// A socket failed.
    #[error("the socket failed: {0}")]
    Socket(#[from] std::io::Error),
}

/// Where other processes connect, and how links are authenticated.
struct Listening {
    listener: TcpListener,
    secret: Secret,
    tls: Option<Tls>,
}

/// A server that is ready to serve.
pub struct Server {
    listener: TcpListener,
    metrics: Option<TcpListener>,
    link: Option<Listening>,
    state: AppState,
    setup_token: Option<String>,
}

impl Server {
    /// Opens the database, seeds a fresh one, and creates the parts.
    pub async fn prepare(listener: TcpListener, settings: Settings) -> Result<Self, ServeError> {
        // Installed before the first measurement.
        let _ = measurements::recorder();
        // Uploads are in the data folder with either database.
        prepare_folder(&settings.data_dir)?;
        let store = Store::open_either(settings.database_url.as_ref(), &settings.data_dir).await?;
        if let Some(report) = store.seed_if_fresh(&Folder::built_in()).await? {
            tracing::info!(%report, "seeded a fresh database");
        } else {
            store.extend_catalogue(&Folder::built_in()).await?;
        }
        let setup_token = store.new_setup_token().await?;
        let metrics = match settings.metrics {
            Some(metrics) => Some(metrics_listener(metrics).await?),
            None => None,
        };
        let (parts, link) = parts(&store, &settings).await?;
        let spaces = Spaces::start(parts)?;
        let key = store.server_key().await?;
        let state = AppState::new(store, spaces, Arc::new(settings), key);
        Ok(Self {
            listener,
            metrics,
            link,
            state,
            setup_token,
        })
    }

    /// Address on which it listens.
    pub fn address(&self) -> Result<SocketAddr, ServeError> {
        Ok(self.listener.local_addr()?)
    }

    /// Address of the metrics listener; `None` without one.
    pub fn metrics_address(&self) -> Result<Option<SocketAddr>, ServeError> {
        let listener = self.metrics.as_ref();
        Ok(listener.map(TcpListener::local_addr).transpose()?)
    }

    /// Token of the set-up link; `None` when there is an admin.
    pub fn setup_token(&self) -> Option<&str> {
        self.setup_token.as_deref()
    }

    /// State shared by the handlers.
    pub const fn state(&self) -> &AppState {
        &self.state
    }

    /// Serves until shutdown is requested. Then spaces are handed over, no connections are
    /// accepted, players are told to reconnect, last checkpoints are saved, and the database is
    /// closed.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), ServeError> {
        let AppState {
            store,
            spaces,
            settings,
            ..
        } = self.state.clone();
        let tasks = TaskTracker::new();
        // Players stay connected during the handovers; after them they are told to reconnect
        // elsewhere.
        let stopping = CancellationToken::new();
        let leaving = tokio::spawn({
            let (spaces, stopping) = (spaces.clone(), stopping.clone());
            async move {
                shutdown.cancelled().await;
                spaces.leave().await;
                stopping.cancel();
            }
        });
        let measuring = self.metrics.map(|listener| {
            tokio::spawn(axum::serve(listener, measurements::router()).into_future())
        });
        let sorting = tokio::spawn(health::sort_measurements());
        let edge_settings = EdgeSettings {
            join_word: settings.join_event,
            allowed_origins: settings.allowed_origins.clone(),
            max_connections: settings.max_connections,
            max_connections_per_address: settings.max_connections_per_address,
            max_sockets_per_user: settings.max_sockets_per_user,
            times: settings.http_times,
            appeals_text: settings.appeals_text.clone(),
            trusted_proxies: settings.trusted_proxies.clone(),
            ticket_key: settings
                .cluster
                .as_ref()
                .map(|cluster| TicketKey::new(&cluster.secret.key_for(b"portal"))),
            message_key: Some(self.state.key().clone()),
        };
        let edge = Edge::new(
            store.clone(),
            spaces.clone(),
            UserLimits {
                budgets: self.state.budgets.clone(),
                rates: Arc::clone(&self.state.rates),
                filters: self.state.filters.clone(),
            },
            edge_settings,
            stopping.clone(),
            tasks.clone(),
        );
        let unlink = CancellationToken::new();
        let linked = self.link.map(
            |Listening {
                 listener,
                 secret,
                 tls,
             }| {
                tokio::spawn(link::serve(
                    listener,
                    secret,
                    tls,
                    spaces.clone(),
                    unlink.clone(),
                ))
            },
        );
        let watching = tokio::spawn(spaces.clone().sweep(settings.sweep));
        let sweeping = tokio::spawn(maintain_chat(store.clone(), settings.max_chat_per_space));
        let sweeping_people = tokio::spawn(maintain_people(store.clone()));
        let sweeping_uploads = tokio::spawn(uploads::sweep(store.clone(), settings.clone()));
        let router = routes::router(self.state, edge.clone());
        // Requests that are not done after this time are cut off.
        edge::serve(self.listener, router, edge, STOP_WITHIN).await;
        leaving.abort();
        sweeping.abort();
        watching.abort();
        sweeping_uploads.abort();
        sweeping_people.abort();
        stopping.cancel();
        spaces.stop().await;
        // After the spaces, which other processes may follow until they end.
        unlink.cancel();
        if let Some(linked) = linked
            && linked.await.is_err()
        {
            tracing::error!("the task that accepts links panicked");
        }
        tasks.close();
        if tokio::time::timeout(STOP_WITHIN, tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!("some connections did not close in time");
        }
        sorting.abort();
        if let Some(measuring) = measuring {
            measuring.abort();
        }
        store.close().await;
        Ok(())
    }
}

/// Binds the metrics listener, on another port when the given one is taken and the settings allow
/// it.
async fn metrics_listener(settings: MetricsSettings) -> std::io::Result<TcpListener> {
    let listener = match TcpListener::bind(settings.listen).await {
        Err(error) if settings.or_any_port && error.kind() == std::io::ErrorKind::AddrInUse => {
            TcpListener::bind(SocketAddr::new(settings.listen.ip(), 0)).await
        }
        bound => bound,
    };
    let named = |error: std::io::Error| {
        let listen = settings.listen;
        std::io::Error::new(
            error.kind(),
            format!("metrics cannot be served at {listen}: {error}"),
        )
    };
    let listener = listener.map_err(named)?;
    tracing::info!(address = %listener.local_addr()?, "metrics are told at /metrics");
    Ok(listener)
}

/// Deletes guests who are gone and access grants that ended, at the start and every ten minutes.
async fn maintain_people(store: Store) {
    let mut rounds = tokio::time::interval(Duration::from_mins(10));
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        rounds.tick().await;
        match store.sweep_guests().await {
            Ok(0) => {}
            Ok(guests) => tracing::info!(guests, "deleted guests who are gone"),
            Err(error) => tracing::warn!(%error, "failed to delete guests; retry in ten minutes"),
        }
        if let Err(error) = store.sweep_moderation().await {
            tracing::warn!(%error, "failed to delete ended mutes; retry in ten minutes");
        }
        if let Err(error) = store.delete_ended_grants().await {
            tracing::warn!(%error, "failed to delete access grants; retry in ten minutes");
        }
    }
}

/// Deletes expired chat messages and those above the limit of a space, and indexes those of earlier
/// versions; at the start and once a minute.
async fn maintain_chat(store: Store, most_bytes: u64) {
    let mut minutes = tokio::time::interval(Duration::from_mins(1));
    minutes.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        minutes.tick().await;
        match store.forget_old_lines(most_bytes).await {
            Ok(0) => {}
            Ok(messages) => tracing::info!(messages, "deleted old chat messages"),
            Err(error) => {
                tracing::warn!(%error, "failed to delete old chat messages; retry in a minute");
            }
        }
        match index_lines(&store).await {
            Ok(0) => {}
            Ok(messages) => {
                tracing::info!(messages, "indexed chat messages for searches");
            }
            Err(error) => {
                tracing::warn!(%error, "failed to index chat messages; searches stay slower");
            }
        }
    }
}

/// Indexes all messages, in parts, so that other writes come in between.
async fn index_lines(store: &Store) -> Result<usize, StoreError> {
    let mut all = 0;
    loop {
        match store.index_lines().await? {
            0 => return Ok(all),
            some => all += some,
        }
        tokio::time::sleep(PAUSE_BETWEEN_PARTS).await;
    }
}

/// Configuration of the spaces, and the listener for other processes, if the process is part of a
/// cluster.
async fn parts(
    store: &Store,
    settings: &Settings,
) -> Result<(SpacesConfig, Option<Listening>), ServeError> {
    let nonce = settings.life.map_or(0, |life| u64::from(life) << 32);
    let nonce = match settings.life {
        Some(_) => Nonce(nonce).again(random()),
        None => Nonce(random()),
    };
    let mut parts = SpacesConfig {
        directory: Directory::new(store.clone(), None),
        vault: Vault::Sql(store.clone()),
        node: Node {
            member: Member {
                node: NodeId("alone".into()),
                nonce,
            },
            link: String::new(),
            public_url: settings.public_url.clone(),
            load: 0,
            is_draining: false,
        },
        links: None,
        sfu: match (settings.forwarder(), &settings.forwarding) {
            (SfuEndpoint::BuiltIn, Some(forwarding)) => Some(Sfu::start(forwarding)?),
            _ => None,
        },
        forwarder: settings.forwarder(),
        store: store.clone(),
        rate: settings.tick_rate,
        threads: settings.host_threads,
        max_open: settings.max_open_spaces,
    };
    let Some(cluster) = &settings.cluster else {
        return Ok((parts, None));
    };
    let redis = Redis::open(&cluster.redis_url).await?;
    let listener = TcpListener::bind(cluster.link_listen).await?;
    let name = cluster
        .node
        .clone()
        .unwrap_or_else(|| format!("node-{:08x}", nonce.0 & u64::from(u32::MAX)));
    parts.directory = Directory::new(store.clone(), Some(redis.clone()));
    parts.vault = Vault::Redis(redis, store.clone());
    parts.node.member.node = NodeId(name);
    parts.node.link = match &cluster.link_address {
        Some(address) => address.clone(),
        None => listener.local_addr()?.to_string(),
    };
    let secret = cluster.secret.clone();
    let tls = cluster.link_tls.then(Tls::new).transpose()?;
    parts.links = Some(Links::new(secret.clone(), tls.clone()));
    Ok((
        parts,
        Some(Listening {
            listener,
            secret,
            tls,
        }),
    ))
}

#[expect(
    clippy::disallowed_methods,
    reason = "each incarnation of a process has a new nonce"
)]
fn random() -> u64 {
    rand::random()
}

/// Pause between two parts of indexing.
const PAUSE_BETWEEN_PARTS: Duration = Duration::from_millis(20);

/// How long stopping waits for requests, and then for connections.
const STOP_WITHIN: Duration = Duration::from_secs(5);
