//! Edge: the sockets of clients: upgrades them, reads what they say, writes what their lane holds.
//!
//! May use `session`, `relay` and the rooms below. Never: rules of the protocol or of a space; what a message may do is the
//! business of `session`, what a client sees that of `relay`.

mod connection;
mod lane;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{FromRequest, FromRequestParts, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::cluster::spaces::Spaces;
use crate::net::codec::MAX_MESSAGE;
use crate::net::protocol::SUBPROTOCOL;
use crate::net::relay::task::Relays;
use crate::net::relay::{ClientId, JoinWord};
use crate::store::Store;

/// Bytes read from a socket at once: small, because every connection holds such a buffer for as long as it lives.
const READ_BUFFER: usize = 4 * 1024;

/// Bytes that may wait inside the WebSocket library; a batch is larger only when a single event is.
const WRITE_BUFFER: usize = 1024 * 1024;

/// What the edge is told at start.
#[derive(Debug, Clone, Default)]
pub struct EdgeSettings {
    /// How arrivals are called for clients of the tile grid that do not say it themselves.
    pub join_word: JoinWord,
    /// Origins whose pages may open a socket beside our own; `*` or nothing for all. No cookie is involved: a page
    /// needs the person's token to do anything.
    pub allowed_origins: Vec<String>,
}

/// What connections need. Cheap to clone.
#[derive(Clone)]
pub struct Edge(Arc<Inner>);

struct Inner {
    store: Store,
    relays: Relays,
    settings: EdgeSettings,
    stopping: CancellationToken,
    tasks: TaskTracker,
    next_client: AtomicU64,
}

impl Edge {
    /// An edge without connections. They end when `stopping` is cancelled; the tracker knows when all have.
    pub fn new(
        store: Store,
        spaces: Spaces,
        settings: EdgeSettings,
        stopping: CancellationToken,
        tasks: TaskTracker,
    ) -> Self {
        let relays = Relays::new(spaces, tasks.clone());
        Self(Arc::new(Inner {
            store,
            relays,
            settings,
            stopping,
            tasks,
            next_client: AtomicU64::new(1),
        }))
    }

    fn next_client(&self) -> ClientId {
        ClientId(self.0.next_client.fetch_add(1, Ordering::Relaxed))
    }

    fn allows_origin(&self, headers: &HeaderMap) -> bool {
        let allowed = &self.0.settings.allowed_origins;
        let Some(origin) = headers.get(header::ORIGIN) else {
            return true;
        };
        let Ok(origin) = origin.to_str() else {
            return false;
        };
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        allowed.is_empty()
            || origin.split_once("://").map(|(_, own)| own) == host
            || allowed
                .iter()
                .any(|allowed| allowed == "*" || allowed.eq_ignore_ascii_case(origin))
    }
}

/// `GET /ws`, and `GET /` when the request is an upgrade, in front of whatever else answers there.
pub fn routes(edge: Edge, others: Router) -> Router {
    Router::new()
        .route("/ws", get(upgrade).with_state(edge.clone()))
        .merge(others)
        .layer(axum::middleware::from_fn_with_state(edge, upgrade_at_the_root))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UpgradeQuery {
    join_event: Option<String>,
}

async fn upgrade_at_the_root(State(edge): State<Edge>, request: Request, next: Next) -> Response {
    let is_upgrade = request
        .headers()
        .get(header::UPGRADE)
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"));
    if request.uri().path() != "/" || !is_upgrade {
        return next.run(request).await;
    }
    let headers = request.headers().clone();
    let (mut parts, body) = request.into_parts();
    let Ok(query) = Query::from_request_parts(&mut parts, &()).await else {
        return (StatusCode::BAD_REQUEST, "joinEvent is user-joined or user-join").into_response();
    };
    match WebSocketUpgrade::from_request(Request::from_parts(parts, body), &()).await {
        Ok(socket) => upgrade(State(edge), query, headers, socket).await,
        Err(rejection) => rejection.into_response(),
    }
}

async fn upgrade(
    State(edge): State<Edge>,
    Query(query): Query<UpgradeQuery>,
    headers: HeaderMap,
    socket: WebSocketUpgrade,
) -> Response {
    if !edge.allows_origin(&headers) {
        return (StatusCode::FORBIDDEN, "this page may not connect here").into_response();
    }
    let join_word = match query.join_event.as_deref().map(JoinWord::from_word) {
        None => edge.0.settings.join_word,
        Some(Some(word)) => word,
        Some(None) => return (StatusCode::BAD_REQUEST, "joinEvent is user-joined or user-join").into_response(),
    };
    let socket = socket
        .protocols([SUBPROTOCOL])
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(READ_BUFFER)
        .max_write_buffer_size(WRITE_BUFFER)
        .max_message_size(MAX_MESSAGE)
        .max_frame_size(MAX_MESSAGE);
    let is_binary = socket.selected_protocol().is_some();
    let tasks = edge.0.tasks.clone();
    socket.on_upgrade(move |socket| async move {
        // Tracked, so that stopping waits for the goodbye.
        let served = tasks.spawn(connection::serve(
            edge,
            socket,
            if is_binary { None } else { Some(join_word) },
        ));
        if served.await.is_err() {
            tracing::error!("a connection ended by a panic");
        }
    })
}
