//! Accept: accepts HTTP connections, applies connection limits and timeouts, and passes requests to
//! the router.
//!
//! HTTP/1.1 only: browsers speak HTTP/2 over TLS alone, which a reverse proxy ends. A connection
//! above the limit is still answered, in one of a few reserved places: the server's health as
//! usual, anything else with a 503.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, Sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service;

use super::Edge;
use super::body::{BodyMemory, TimedBody};
use super::gate::{ConnectionPermit, CountedConnection, Full};
use super::watched::{Pulse, WatchedSocket};
use crate::net::address::{AddressKey, ClientAddress, client_address, is_trusted};
use crate::net::budget::{Budget, Who};
use crate::net::few::Few;

/// Maximum size of a request's head, and of unsent response bytes.
const BUFFER: usize = 64 * 1024;

/// Send buffer of a socket in the kernel, of which Linux takes twice as much. It is what a client
/// holds that reads nothing, or acknowledges nothing.
const SEND_BUFFER: usize = 64 * 1024;

/// Maximum number of unsent bytes inside the kernel: more would be outdated by the time the client
/// gets them.
const UNSENT: u32 = 32 * 1024;

/// Maximum number of connections above the limit that are answered; a new one replaces the oldest.
const TURNED_AWAY: usize = 32;

/// Pause after a failure to accept, such as having no free file handles.
const PAUSE: Duration = Duration::from_millis(100);

/// Permits that a request, or the WebSocket it becomes, holds until it ends. A request extension.
#[derive(Debug, Clone)]
pub(super) struct RequestPermits {
    _place: Option<Arc<ConnectionPermit>>,
    _share: Option<Arc<CountedConnection<AddressKey>>>,
}

/// Accepts connections until the edge stops, then waits at most `wait_at_the_end` for open
/// requests.
pub async fn serve(listener: TcpListener, router: Router, edge: Edge, wait_at_the_end: Duration) {
    let router = router.with_state(());
    let tasks = TaskTracker::new();
    let cut = CancellationToken::new();
    let mut turned_away = [Few::new(TURNED_AWAY), Few::new(TURNED_AWAY)];
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = edge.0.stopping.cancelled() => break,
        };
        let (socket, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                if edge.0.complaints.check().is_ok() {
                    tracing::warn!(%error, "failed to accept a connection");
                }
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        tune(&socket, edge.0.settings.times.stalled);
        let key = AddressKey::of(peer.ip());
        let is_proxy = is_trusted(peer.ip(), &edge.0.settings.trusted_proxies);
        let (place, end) = match edge
            .0
            .gate
            .enter((!is_proxy && !key.is_loopback()).then_some(key))
        {
            Ok(place) => (Ok(Arc::new(place)), cut.clone()),
            Err(full) => {
                edge.refused(key, full);
                let few = &mut turned_away[usize::from(full == Full::Address)];
                (Err(full), few.enter(&cut))
            }
        };
        let connection = HttpConnection {
            edge: edge.clone(),
            router: router.clone(),
            peer,
            is_proxy,
            place,
        };
        tasks.spawn(connection.serve(socket, end));
    }
    drop(listener);
    tasks.close();
    let _ = timeout(wait_at_the_end, tasks.wait()).await;
    cut.cancel();
    tasks.wait().await;
}

/// Sets the options of a socket. The kernel drops what a client leaves unread for `stalled`, also
/// after the connection was closed here.
fn tune(socket: &TcpStream, stalled: Duration) {
    let options = SockRef::from(socket);
    let outcomes = [
        // Nagle's algorithm would delay small frames.
        ("TCP_NODELAY", socket.set_nodelay(true)),
        ("SO_SNDBUF", options.set_send_buffer_size(SEND_BUFFER)),
        ("TCP_NOTSENT_LOWAT", options.set_tcp_notsent_lowat(UNSENT)),
        (
            "TCP_USER_TIMEOUT",
            options.set_tcp_user_timeout(Some(stalled)),
        ),
    ];
    for (option, outcome) in outcomes {
        if let Err(error) = outcome {
            tracing::debug!(%error, option, "failed to set an option of a socket");
        }
    }
}

/// One connection, until it ends or is upgraded.
#[derive(Clone)]
struct HttpConnection {
    edge: Edge,
    router: Router,
    peer: SocketAddr,
    is_proxy: bool,
    place: Result<Arc<ConnectionPermit>, Full>,
}

impl HttpConnection {
    async fn serve(self, socket: TcpStream, end: CancellationToken) {
        let times = self.edge.0.settings.times;
        let stopping = self.edge.0.stopping.clone();
        let pulse = Arc::new(Pulse::new(times, Instant::now()));
        let io = TokioIo::new(WatchedSocket::new(socket, Arc::clone(&pulse)));
        let has_place = self.place.is_ok();
        let service = service_fn({
            let pulse = Arc::clone(&pulse);
            move |request: hyper::Request<Incoming>| {
                pulse.head_is_there();
                let (connection, pulse) = (self.clone(), Arc::clone(&pulse));
                async move { Ok::<_, Infallible>(connection.answer(request, pulse).await) }
            }
        });
        let connection = http1::Builder::new()
            // `Pulse` enforces the timeouts: the library has none for silence between
            // requests.
            .header_read_timeout(None)
            .keep_alive(has_place)
            .max_buf_size(BUFFER)
            .serve_connection(io, service)
            .with_upgrades();
        let mut connection = pin!(connection);
        let mut stopped = pin!(stopping.cancelled());
        let mut is_stopping = false;
        let mut ended = pin!(end.cancelled());
        let mut alarm = pin!(sleep_until(Instant::now() + times.header));
        poll_fn(|cx| {
            if !is_stopping && stopped.as_mut().poll(cx).is_ready() {
                is_stopping = true;
                connection.as_mut().graceful_shutdown();
            }
            if let Poll::Ready(outcome) = connection.as_mut().poll(cx) {
                if let Err(error) = outcome {
                    tracing::trace!(%error, "a connection failed");
                }
                return Poll::Ready(());
            }
            if ended.as_mut().poll(cx).is_ready() {
                return Poll::Ready(());
            }
            is_overdue(alarm.as_mut(), &pulse, cx)
        })
        .await;
    }

    /// Passes a request to the router, or refuses it above the limit.
    async fn answer(self, request: hyper::Request<Incoming>, pulse: Arc<Pulse>) -> Response {
        let edge = &self.edge;
        let trusted = &edge.0.settings.trusted_proxies;
        let peer = self.peer.ip();
        if !self.is_proxy
            && request.headers().contains_key("x-forwarded-for")
            && edge.0.strangers.check().is_ok()
        {
            tracing::warn!(
                %peer,
                "X-Forwarded-For of an untrusted peer is ignored, and limits count the peer; if it \
                 is your reverse proxy, name it in --trusted-proxies"
            );
        }
        let address = client_address(peer, request.headers(), trusted);
        let path = request.uri().path();
        let is_about_health = matches!(path, "/healthz" | "/readyz" | "/metrics");
        let key = AddressKey::of(address);
        let share = match (&self.place, self.is_proxy && !key.is_loopback()) {
            _ if is_about_health => Ok(None),
            (Err(full), _) => Err(*full),
            (Ok(_), false) => Ok(None),
            (Ok(_), true) => edge
                .0
                .gate
                .share(key)
                .map(Some)
                .inspect_err(|full| edge.refused(key, *full)),
        };
        let share = match share {
            Ok(share) => share.map(Arc::new),
            Err(full) => return done(refusal(full), pulse, None),
        };
        let held = RequestPermits {
            _place: self.place.ok(),
            _share: share.clone(),
        };
        let (mut parts, body) = request.into_parts();
        parts.extensions.insert(ClientAddress(address));
        parts.extensions.insert(held);
        let body = if body.is_end_stream() {
            Body::empty()
        } else {
            let memory = BodyMemory::new(Arc::clone(&edge.0.bodies), key);
            parts.extensions.insert(memory.clone());
            Body::new(TimedBody::new(body, edge.0.settings.times.body, memory))
        };
        let Ok(response) = self
            .router
            .clone()
            .call(Request::from_parts(parts, body))
            .await;
        done(response, pulse, share)
    }
}

/// Whether a deadline of the connection has passed. Polled after the connection, which may have
/// changed the stage.
fn is_overdue(mut alarm: Pin<&mut Sleep>, pulse: &Pulse, cx: &mut Context<'_>) -> Poll<()> {
    loop {
        let now = Instant::now();
        let deadline = pulse.deadline(now);
        // A later deadline is checked when the alarm fires.
        if deadline < alarm.deadline() {
            alarm.as_mut().reset(deadline);
        }
        if alarm.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        if deadline <= now {
            tracing::debug!("a connection timed out");
            return Poll::Ready(());
        }
        alarm.as_mut().reset(deadline);
    }
}

/// The response when the server is full.
fn refusal(full: Full) -> Response {
    let detail = full.to_string();
    let problem = serde_json::json!({
        "type": "about:blank",
        "title": "Service Unavailable",
        "status": StatusCode::SERVICE_UNAVAILABLE.as_u16(),
        "message": detail.as_str(),
        "detail": detail,
    });
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::RETRY_AFTER, HeaderValue::from_static("5")),
    ];
    (
        StatusCode::SERVICE_UNAVAILABLE,
        headers,
        problem.to_string(),
    )
        .into_response()
}

impl Edge {
    /// Counts a refused connection, and logs it.
    pub(super) fn refused(&self, key: AddressKey, full: Full) {
        metrics::counter!("plaza_connections_refused_total").increment(1);
        match full {
            Full::Address => self.0.budgets.note(Who::Address(key), Budget::Connections),
            Full::Server if self.0.complaints.check().is_ok() => {
                tracing::warn!("the maximum number of connections is reached; refusing more");
            }
            Full::Server => {}
        }
    }
}

/// Tells the pulse when the response has been sent.
fn done(
    response: Response,
    pulse: Arc<Pulse>,
    share: Option<Arc<CountedConnection<AddressKey>>>,
) -> Response {
    response.map(|inner| {
        Body::new(AnswerBody {
            inner,
            _end: End {
                pulse,
                _share: share,
            },
        })
    })
}

struct End {
    pulse: Arc<Pulse>,
    _share: Option<Arc<CountedConnection<AddressKey>>>,
}

impl Drop for End {
    fn drop(&mut self) {
        self.pulse.answered(Instant::now());
    }
}

/// A response body that signals its end.
struct AnswerBody {
    inner: Body,
    _end: End,
}

impl HttpBody for AnswerBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.inner).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
