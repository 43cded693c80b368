//! Edge: the sockets of clients: upgrades them, reads what they say, writes what their lane holds.
//!
//! May use `session`, `relay` and the rooms below. Never: rules of the protocol or of a space; what
//! a message may do is the business of `session`, what a client sees that of `relay`.

mod accept;
mod connection;
mod framing;
mod gate;
mod send_queue;
mod watched;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::body::Body;
use axum::extract::{FromRequestParts, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use socket2::SockRef;
use tokio_tungstenite::WebSocketStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tungstenite::handshake::server::create_response_with_body;
use tungstenite::protocol::{Role, WebSocketConfig};

use self::accept::RequestPermits;
pub use self::accept::{CutBody, HttpTimes, serve};
use self::gate::{Counts, Gate};
use self::send_queue::SendQueue;
use self::watched::WatchedSocket;
use crate::cluster::connections::Connections;
use crate::cluster::mailboxes::Mailboxes;
use crate::cluster::spaces::Spaces;
use crate::components::id::UserId;
use crate::net::address::Network;
use crate::net::budget::Budgets;
use crate::net::codec::MAX_MESSAGE;
use crate::net::protocol::SUBPROTOCOL;
use crate::net::protocol::client::JoinWord;
use crate::net::relay::ClientId;
use crate::net::relay::task::Relays;
use crate::net::relay::ticket::{TicketKey, Tickets};
use crate::net::session::rates::Rates;
use crate::store::Store;

/// Bytes read from a socket at once: small, because every connection holds such a buffer for as
/// long as it lives.
const READ_BUFFER: usize = 4 * 1024;

/// Bytes that may wait unsent inside the kernel: more would only be old by the time the client gets
/// them.
const UNSENT: u32 = 32 * 1024;

/// What the edge is told at start.
#[derive(Debug, Clone, Default)]
pub struct EdgeSettings {
    /// How arrivals are called for clients of the tile grid that do not say it themselves.
    pub join_word: JoinWord,
    /// Origins whose pages may open a socket beside our own; `*` or nothing for all. No cookie is
    /// involved: a page needs the person's token to do anything.
    pub allowed_origins: Vec<String>,
    /// Connections at once, HTTP and WebSockets; 0 for as many as the system allows.
    pub max_connections: usize,
    /// Connections at once from one address; 0 for no limit. Those from this machine itself are not
    /// counted.
    pub max_connections_per_address: usize,
    /// WebSockets of one user at once; 0 for no limit.
    pub max_sockets_per_user: usize,
    /// How long HTTP may take.
    pub times: HttpTimes,
    /// Networks of reverse proxies, whose word on the client's address is taken.
    pub trusted_proxies: Vec<Network>,
    /// What signs the proof that a user took a portal, the same in all processes of a cluster; made
    /// up when there is none.
    pub ticket_key: Option<TicketKey>,
}

#[expect(
    clippy::disallowed_methods,
    reason = "a key is chance from a generator that the system seeds"
)]
fn random_key() -> TicketKey {
    TicketKey::new(&rand::random::<[u8; 32]>())
}

/// What connections need. Cheap to clone.
#[derive(Clone)]
pub struct Edge(Arc<EdgeState>);

struct EdgeState {
    store: Store,
    relays: Relays,
    mailboxes: Mailboxes,
    connections: Connections,
    settings: EdgeSettings,
    gate: Gate,
    rates: Rates,
    /// WebSockets by the user who is signed in on them.
    users: Counts<UserId>,
    budgets: Budgets,
    /// Bytes of bodies that are on their way.
    bodies: Arc<AtomicU64>,
    /// How often the log tells of connections that cannot be taken.
    complaints: DefaultDirectRateLimiter,
    /// How often the log tells of peers that forward without being trusted.
    strangers: DefaultDirectRateLimiter,
    stopping: CancellationToken,
    tasks: TaskTracker,
    next_client: AtomicU64,
    next_wish: AtomicU64,
}

impl Edge {
    /// An edge without connections. They end when `stopping` is cancelled; the tracker knows when
    /// all have.
    pub fn new(
        store: Store,
        spaces: Spaces,
        budgets: Budgets,
        settings: EdgeSettings,
        stopping: CancellationToken,
        tasks: TaskTracker,
    ) -> Self {
        let mailboxes = spaces.mailboxes().clone();
        let connections = spaces.connections().clone();
        let key = settings.ticket_key.clone().unwrap_or_else(random_key);
        let tickets = Tickets::new(key, connection::unix_millis);
        let relays = Relays::new(spaces, tickets, stopping.clone(), tasks.clone());
        Self(Arc::new(EdgeState {
            store,
            relays,
            mailboxes,
            connections,
            gate: Gate::new(
                gate::beneath(settings.max_connections, gate::open_files()),
                settings.max_connections_per_address,
            ),
            users: Counts::new(settings.max_sockets_per_user),
            budgets,
            bodies: Arc::default(),
            complaints: once_a_minute(),
            strangers: once_a_minute(),
            settings,
            rates: Rates::default(),
            stopping,
            tasks,
            next_client: AtomicU64::new(1),
            next_wish: AtomicU64::new(1),
        }))
    }

    fn next_client(&self) -> ClientId {
        ClientId(self.0.next_client.fetch_add(1, Ordering::Relaxed))
    }

    fn next_wish(&self) -> u64 {
        self.0.next_wish.fetch_add(1, Ordering::Relaxed)
    }

    fn allows_origin(&self, headers: &HeaderMap) -> bool {
        let allowed = &self.0.settings.allowed_origins;
        let Some(origin) = headers.get(header::ORIGIN) else {
            return true;
        };
        let Ok(origin) = origin.to_str() else {
            return false;
        };
        let host = headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok());
        allowed.is_empty()
            || origin.split_once("://").map(|(_, own)| own) == host
            || allowed
                .iter()
                .any(|allowed| allowed == "*" || allowed.eq_ignore_ascii_case(origin))
    }
}

/// For lines of the log that many clients can bring about.
fn once_a_minute() -> DefaultDirectRateLimiter {
    RateLimiter::direct(Quota::per_minute(NonZeroU32::MIN))
}

/// `GET /ws`, and `GET /` when the request is an upgrade, in front of whatever else answers there.
pub fn routes(edge: Edge, others: Router) -> Router {
    Router::new()
        .route("/ws", any(upgrade).with_state(edge.clone()))
        .merge(others)
        .layer(axum::middleware::from_fn_with_state(
            edge,
            upgrade_at_the_root,
        ))
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
    upgrade(State(edge), request).await
}

async fn upgrade(State(edge): State<Edge>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    if !edge.allows_origin(&parts.headers) {
        return (StatusCode::FORBIDDEN, "this page may not connect here").into_response();
    }
    let query = Query::<UpgradeQuery>::from_request_parts(&mut parts, &()).await;
    let word = query.ok().map(|Query(query)| query.join_event);
    let join_word = match word
        .as_ref()
        .map(|word| word.as_deref().map(JoinWord::from_word))
    {
        Some(None) => edge.0.settings.join_word,
        Some(Some(Some(word))) => word,
        Some(Some(None)) | None => {
            return (
                StatusCode::BAD_REQUEST,
                "joinEvent is user-joined or user-join",
            )
                .into_response();
        }
    };
    // The connection's place becomes the socket's.
    let held = parts.extensions.remove::<RequestPermits>();
    let Some(upgrade) = parts.extensions.remove::<OnUpgrade>() else {
        return (
            StatusCode::UPGRADE_REQUIRED,
            "this address is for WebSockets",
        )
            .into_response();
    };
    let request = axum::http::Request::from_parts(parts, ());
    let mut response = match create_response_with_body(&request, Body::empty) {
        Ok(response) => response,
        Err(error) => {
            return (
                StatusCode::BAD_REQUEST,
                format!("no WebSocket request: {error}"),
            )
                .into_response();
        }
    };
    let is_binary = speaks_binary(request.headers());
    if is_binary {
        let protocol = header::HeaderValue::from_static(SUBPROTOCOL);
        response
            .headers_mut()
            .insert(header::SEC_WEBSOCKET_PROTOCOL, protocol);
    }
    // Tracked, so that stopping waits for the goodbye.
    let tasks = edge.0.tasks.clone();
    tasks.spawn(async move {
        match upgrade.await {
            Ok(upgraded) => serve_socket(edge, upgraded, (!is_binary).then_some(join_word)).await,
            Err(error) => tracing::debug!(%error, "a connection was not upgraded"),
        }
        drop(held);
    });
    response
}

/// Whether the client offers the protocol of game clients.
fn speaks_binary(headers: &HeaderMap) -> bool {
    let offers = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
    offers
        .filter_map(|offer| offer.to_str().ok())
        .flat_map(|offer| offer.split(','))
        .any(|offer| offer.trim() == SUBPROTOCOL)
}

/// Takes the socket out of the HTTP server's hands: frames are written to it without anything in
/// between.
async fn serve_socket(edge: Edge, upgraded: Upgraded, grid: Option<JoinWord>) {
    let Ok(parts) = upgraded.downcast::<TokioIo<WatchedSocket>>() else {
        tracing::error!("a connection is no TCP socket and cannot be served");
        return;
    };
    let socket = parts.io.into_inner().into_socket();
    if let Err(error) = SockRef::from(&socket).set_tcp_notsent_lowat(UNSENT) {
        tracing::debug!(%error, "a connection keeps the kernel's bound on what is unsent");
    }
    let (lane, ear) = SendQueue::new(socket, grid.is_some());
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE));
    // A few bytes at most, in a buffer of 16 KiB that would stay as long as the connection.
    let early = parts.read_buf.to_vec();
    drop(parts.read_buf);
    let inbox = WebSocketStream::from_partially_read(ear, early, Role::Server, Some(config)).await;
    connection::serve(edge, lane, inbox, grid).await;
}
