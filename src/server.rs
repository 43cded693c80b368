//! Server: all parts put together, and taken apart again in order.
//!
//! May use every room. Never: flags, the environment, signals; those are the business of `cli`.

use std::future::IntoFuture;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::api::{AppState, routes};
use crate::cluster::spaces::Spaces;
use crate::net::edge::{Edge, EdgeSettings};
use crate::settings::Settings;
use crate::store::Store;
use crate::store::seed::{Folder, SeedError};

/// Why a server did not run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The database.
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
    /// The seed that is built in.
    #[error("the seed that is built in: {0}")]
    Seed(#[from] SeedError),
    /// The socket.
    #[error("the socket failed: {0}")]
    Socket(#[from] std::io::Error),
}

/// A server that is ready to serve.
pub struct Server {
    listener: TcpListener,
    state: AppState,
    setup_token: Option<String>,
}

impl Server {
    /// Opens the database, fills a fresh one, and puts the parts together.
    pub async fn prepare(listener: TcpListener, settings: Settings) -> Result<Self, ServeError> {
        let store = Store::open(&settings.data_dir).await?;
        if store.is_unseeded().await? {
            let report = store.seed(&Folder::built_in()).await?;
            tracing::info!(%report, "a fresh database was filled");
        }
        let setup_token = store.new_setup_token().await?;
        let spaces = Spaces::start(store.clone(), settings.tick_rate, settings.host_threads)?;
        let state = AppState::new(store, spaces, Arc::new(settings));
        Ok(Self {
            listener,
            state,
            setup_token,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> Result<SocketAddr, ServeError> {
        Ok(self.listener.local_addr()?)
    }

    /// The token of the set-up link, while there is no admin.
    pub fn setup_token(&self) -> Option<&str> {
        self.setup_token.as_deref()
    }

    /// What the parts share.
    pub const fn state(&self) -> &AppState {
        &self.state
    }

    /// Serves until told to stop: no new connections, players told to come back, last checkpoints kept, database closed.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), ServeError> {
        let AppState {
            store,
            spaces,
            settings,
            ..
        } = self.state.clone();
        let tasks = TaskTracker::new();
        let edge_settings = EdgeSettings {
            join_word: settings.join_event,
            allowed_origins: settings.allowed_origins.clone(),
            max_connections: settings.max_connections,
            max_connections_per_address: settings.max_connections_per_address,
            trusted_proxies: settings.trusted_proxies.clone(),
        };
        let edge = Edge::new(
            store.clone(),
            spaces.clone(),
            edge_settings,
            shutdown.clone(),
            tasks.clone(),
        );
        let service = routes::router(self.state, edge).into_make_service_with_connect_info::<SocketAddr>();
        // Small frames must not wait for each other.
        let listener = self.listener.tap_io(|socket| {
            if let Err(error) = socket.set_nodelay(true) {
                tracing::debug!(%error, "a connection keeps its delay");
            }
        });
        let serve = axum::serve(listener, service).with_graceful_shutdown(shutdown.clone().cancelled_owned());
        let served = tokio::select! {
            served = serve.into_future() => served,
            // A request that takes longer is cut off.
            () = async { shutdown.cancelled().await; tokio::time::sleep(STOP_WITHIN).await } => Ok(()),
        };
        spaces.stop().await;
        tasks.close();
        if tokio::time::timeout(STOP_WITHIN, tasks.wait()).await.is_err() {
            tracing::warn!("some connections did not end in time");
        }
        store.close().await;
        Ok(served?)
    }
}

/// How long stopping waits for requests, and then for connections.
const STOP_WITHIN: Duration = Duration::from_secs(5);
