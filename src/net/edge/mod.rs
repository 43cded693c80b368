//! Edge: the sockets of clients: upgrades them, reads messages, and writes their send queues.
//!
//! May use `session`, `relay` and the modules below them. Never: rules of the protocol or of a
//! space. `session` decides what a message may do, `relay` what a client sees.

mod accept;
mod body;
mod connection;
mod entering;
mod framing;
mod gate;
mod news;
pub mod refusal;
mod send_queue;
mod standing;
mod watched;
pub mod word_filters;

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
use tokio_tungstenite::WebSocketStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tungstenite::handshake::server::create_response_with_body;
use tungstenite::protocol::{Role, WebSocketConfig};
use uuid::Uuid;

use self::accept::RequestPermits;
pub use self::accept::serve;
use self::body::Bodies;
pub use self::body::{BodyMemory, CutBody};
use self::gate::Gate;
pub use self::gate::{CountedConnection, Counts};
use self::send_queue::SendQueue;
use self::standing::Outage;
pub use self::watched::HttpTimes;
use self::watched::WatchedSocket;
use self::word_filters::WordFilters;
use crate::cluster::connections::Connections;
use crate::cluster::mailboxes::Mailboxes;
use crate::cluster::spaces::Spaces;
use crate::components::id::{RelayId, UserId};
use crate::net::address::{AddressKey, ClientAddress, Network};
use crate::net::budget::Budgets;
use crate::net::codec::MAX_MESSAGE;
use crate::net::protocol::SUBPROTOCOL;
use crate::net::protocol::client::JoinWord;
use crate::net::relay::ClientId;
use crate::net::relay::task::{RelayKeys, Relays};
use crate::net::relay::ticket::{TicketKey, Tickets};
use crate::net::session::rates::Rates;
use crate::store::Store;
use crate::store::server_key::ServerKey;

/// Size of a socket's read buffer in bytes: small, because every connection holds one as long as it
/// lives.
const READ_BUFFER: usize = 4 * 1024;

/// Settings of the edge.
#[derive(Debug, Clone, Default)]
pub struct EdgeSettings {
    /// Word for arrivals for JSON clients that do not choose one.
    pub join_word: JoinWord,
    /// Origins whose pages may open a socket, in addition to our own; `*` or empty for all. There
    /// are no cookies: a page needs the user's token to do anything.
    pub allowed_origins: Vec<String>,
    /// Maximum number of connections, HTTP and WebSockets; 0 for as many as the system allows.
    pub max_connections: usize,
    /// Maximum number of connections from one address; 0 for no limit. Connections from this
    /// machine are not counted.
    pub max_connections_per_address: usize,
    /// Maximum number of WebSockets of one user; 0 for no limit.
    pub max_sockets_per_user: usize,
    /// Timeouts of HTTP connections.
    pub times: HttpTimes,
    /// What the server says about appeals to users who are suspended; may be empty.
    pub appeals_text: String,
    /// Networks of reverse proxies that are trusted to name the client's address.
    pub trusted_proxies: Vec<Network>,
    /// Key that signs portal tickets, the same in all processes of a cluster; generated if there is
    /// none.
    pub ticket_key: Option<TicketKey>,
    /// Key that signs chat messages, the same in all processes; without one they are not signed.
    pub message_key: Option<ServerKey>,
}

#[expect(
    clippy::disallowed_methods,
    reason = "a key comes from a generator that the system seeds"
)]
fn random_key() -> TicketKey {
    TicketKey::new(&rand::random::<[u8; 32]>())
}

/// What one user may do and write, over HTTP and WebSockets together.
#[derive(Clone)]
pub struct UserLimits {
    /// Budgets of users and addresses.
    pub budgets: Budgets,
    /// Rates of users in spaces.
    pub rates: Arc<Rates>,
    /// Words that people are not to write.
    pub filters: WordFilters,
}

/// Shared state of all connections. Cheap to clone.
#[derive(Clone)]
pub struct Edge(Arc<EdgeState>);

struct EdgeState {
    store: Store,
    relays: Relays,
    mailboxes: Mailboxes,
    connections: Connections,
    settings: EdgeSettings,
    gate: Gate,
    rates: Arc<Rates>,
    /// WebSockets by signed-in user.
    users: Counts<UserId>,
    budgets: Budgets,
    filters: WordFilters,
    /// Of the database, as connections saw it.
    outage: Outage,
    /// Bytes of request bodies in progress.
    bodies: Arc<Bodies>,
    /// Limits log lines about refused connections.
    complaints: DefaultDirectRateLimiter,
    /// Limits log lines about untrusted peers that forward.
    strangers: DefaultDirectRateLimiter,
    stopping: CancellationToken,
    tasks: TaskTracker,
    next_client: AtomicU64,
    next_request: AtomicU64,
}

impl Edge {
    /// An edge without connections. Its connections end when `stopping` is cancelled; `tasks`
    /// tracks them.
    pub fn new(
        store: Store,
        spaces: Spaces,
        limits: UserLimits,
        settings: EdgeSettings,
        stopping: CancellationToken,
        tasks: TaskTracker,
    ) -> Self {
        let mailboxes = spaces.mailboxes().clone();
        let connections = spaces.connections().clone();
        let key = settings.ticket_key.clone().unwrap_or_else(random_key);
        let tickets = Tickets::new(key, connection::unix_millis);
        let id = RelayId(Uuid::new_v4().as_u64_pair().1);
        let keys = RelayKeys {
            tickets,
            messages: settings.message_key.clone(),
        };
        let relays = Relays::new(id, spaces, keys, stopping.clone(), tasks.clone());
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
            budgets: limits.budgets,
            filters: limits.filters,
            outage: Outage::default(),
            bodies: Arc::default(),
            complaints: once_a_minute(),
            strangers: once_a_minute(),
            settings,
            rates: limits.rates,
            stopping,
            tasks,
            next_client: AtomicU64::new(1),
            next_request: AtomicU64::new(1),
        }))
    }

    fn next_client(&self) -> ClientId {
        ClientId(self.0.next_client.fetch_add(1, Ordering::Relaxed))
    }

    fn next_request(&self) -> u64 {
        self.0.next_request.fetch_add(1, Ordering::Relaxed)
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

/// A limiter for log lines that clients can cause.
fn once_a_minute() -> DefaultDirectRateLimiter {
    RateLimiter::direct(Quota::per_minute(NonZeroU32::MIN))
}

/// `GET /ws`, and `GET /` if the request is an upgrade, before the other routes.
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
                "joinEvent must be user-joined or user-join",
            )
                .into_response();
        }
    };
    let address = parts.extensions.get::<ClientAddress>();
    let address = address.map(|ClientAddress(address)| AddressKey::of(*address));
    // The socket takes over the permit of the connection.
    let permits = parts.extensions.remove::<RequestPermits>();
    let Some(upgrade) = parts.extensions.remove::<OnUpgrade>() else {
        return (
            StatusCode::UPGRADE_REQUIRED,
            "this address only accepts WebSockets",
        )
            .into_response();
    };
    let request = axum::http::Request::from_parts(parts, ());
    let mut response = match create_response_with_body(&request, Body::empty) {
        Ok(response) => response,
        Err(error) => {
            return (
                StatusCode::BAD_REQUEST,
                format!("not a WebSocket request: {error}"),
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
    // Tracked, so that a shutdown waits for the close handshake.
    let tasks = edge.0.tasks.clone();
    tasks.spawn(async move {
        match upgrade.await {
            Ok(upgraded) => {
                let join_word = (!is_binary).then_some(join_word);
                serve_socket(edge, upgraded, join_word, address).await;
            }
            Err(error) => tracing::debug!(%error, "failed to upgrade a connection"),
        }
        drop(permits);
    });
    response
}

/// Whether the client offers the binary protocol.
fn speaks_binary(headers: &HeaderMap) -> bool {
    let offers = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
    offers
        .filter_map(|offer| offer.to_str().ok())
        .flat_map(|offer| offer.split(','))
        .any(|offer| offer.trim() == SUBPROTOCOL)
}

/// Takes the socket from the HTTP server, so that frames are written to it directly.
async fn serve_socket(
    edge: Edge,
    upgraded: Upgraded,
    join_word: Option<JoinWord>,
    address: Option<AddressKey>,
) {
    let Ok(parts) = upgraded.downcast::<TokioIo<WatchedSocket>>() else {
        tracing::error!("a connection without a TCP socket cannot be served");
        return;
    };
    let socket = parts.io.into_inner().into_socket();
    let (queue, reader) = SendQueue::new(socket, join_word.is_some());
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE));
    // A few bytes at most; the original buffer of 16 KiB would live as long as the connection.
    let early = parts.read_buf.to_vec();
    drop(parts.read_buf);
    let config = Some(config);
    let inbox = WebSocketStream::from_partially_read(reader, early, Role::Server, config).await;
    connection::serve(edge, queue, inbox, join_word, address).await;
}
