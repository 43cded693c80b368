//! Accept: takes connections for HTTP, gives each its place and its time, and hands requests to the
//! router.
//!
//! HTTP/1.1 only: browsers speak HTTP/2 over TLS alone, which a reverse proxy ends. A connection
//! that finds no place is still answered, on one of a few that are kept for it: the server's health
//! as usual, anything else with a 503.

use std::convert::Infallible;
use std::error::Error;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
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
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, Sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service;

use super::Edge;
use super::gate::{ConnectionPermit, CountedConnection, Full};
use super::watched::{Pulse, WatchedSocket};
use crate::net::address::{AddressKey, ClientAddress, client_address, is_trusted};
use crate::net::budget::{Budget, Who};
use crate::net::few::Few;

/// Bytes of a request's head, and of what waits to be written, at most.
const BUFFER: usize = 64 * 1024;

/// Bytes a second that a body has to come with once its first time is over; a slow telephone sends
/// more.
const SLOWEST_BODY: u64 = 8 * 1024;

/// Connections at once that are answered though there is no place; one more takes the place of the
/// oldest.
const TURNED_AWAY: usize = 32;

/// After a failure to accept, as when files run out.
const PAUSE: Duration = Duration::from_millis(100);

/// How long a connection may take for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HttpTimes {
    /// For the head of a request, and for saying nothing at the beginning.
    pub header: Duration,
    /// For a body, and one second more for each 8 KiB of it.
    pub body: Duration,
    /// For being silent between requests.
    pub idle: Duration,
    /// For taking nothing of an answer.
    pub stalled: Duration,
}

impl Default for HttpTimes {
    fn default() -> Self {
        Self {
            header: Duration::from_secs(10),
            body: Duration::from_secs(30),
            idle: Duration::from_mins(1),
            stalled: Duration::from_secs(30),
        }
    }
}

/// What a request holds as long as it, or the WebSocket made of it, lives. Found among the
/// request's extensions.
#[derive(Debug, Clone)]
pub(super) struct RequestPermits {
    _place: Option<Arc<ConnectionPermit>>,
    _share: Option<Arc<CountedConnection<AddressKey>>>,
}

/// Takes connections until the edge stops, then waits so long for the requests under way.
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
                    tracing::warn!(%error, "a connection could not be accepted");
                }
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        // Small frames must not wait for each other.
        if let Err(error) = socket.set_nodelay(true) {
            tracing::debug!(%error, "a connection keeps its delay");
        }
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

/// One connection, from accept to its end or its upgrade.
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
            // Times are kept by the pulse: the library knows none for a connection that is silent
            // between requests.
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
                    tracing::trace!(%error, "a connection broke");
                }
                return Poll::Ready(());
            }
            if ended.as_mut().poll(cx).is_ready() {
                return Poll::Ready(());
            }
            rang(alarm.as_mut(), &pulse, cx)
        })
        .await;
    }

    /// Hands a request to the router, unless there is no place for it.
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
                "X-Forwarded-For of a peer that is no trusted proxy is ignored, and limits count \
                the peer; if it is your reverse \
                 proxy, name it in --trusted-proxies"
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
            Body::new(TimedBody::new(
                body,
                edge.0.settings.times.body,
                Arc::clone(&edge.0.bodies),
            ))
        };
        let Ok(response) = self
            .router
            .clone()
            .call(Request::from_parts(parts, body))
            .await;
        done(response, pulse, share)
    }
}

/// Whether the connection took too long for what it is at. Polled after the connection, whose stage
/// may have changed.
fn rang(mut alarm: Pin<&mut Sleep>, pulse: &Pulse, cx: &mut Context<'_>) -> Poll<()> {
    loop {
        let now = Instant::now();
        let deadline = pulse.deadline(now);
        // One that moved away is looked at again when the alarm rings.
        if deadline < alarm.deadline() {
            alarm.as_mut().reset(deadline);
        }
        if alarm.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        if deadline <= now {
            tracing::debug!("a connection took too long");
            return Poll::Ready(());
        }
        alarm.as_mut().reset(deadline);
    }
}

/// The answer when there is no place.
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
    /// Counts a refusal, and tells who met it.
    pub(super) fn refused(&self, key: AddressKey, full: Full) {
        metrics::counter!("plaza_connections_refused_total").increment(1);
        match full {
            Full::Address => self.0.budgets.note(Who::Address(key), Budget::Connections),
            Full::Server if self.0.complaints.check().is_ok() => {
                tracing::warn!("there are as many connections as there may be; more are refused");
            }
            Full::Server => {}
        }
    }
}

/// Lets the connection know when the answer is out.
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

/// An answer that knows when it was sent.
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

/// Bytes of all bodies that are on their way at once: while there are more, a body has [`SQUEEZED`]
/// only.
const PLENTY: u64 = 64 * 1024 * 1024;

/// While there are as many, no body gets on.
const TOO_MANY: u64 = 4 * PLENTY;

/// The time of a body while there is plenty of others, and how often that is looked at.
const SQUEEZED: Duration = Duration::from_secs(2);

/// A body that has to come in time. The clock starts when it is first asked for: who waits their
/// turn loses nothing.
struct TimedBody {
    inner: Incoming,
    time: Duration,
    received: u64,
    /// Bytes of all bodies that are on their way.
    all: Arc<AtomicU64>,
    clock: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl TimedBody {
    fn new(inner: Incoming, time: Duration, all: Arc<AtomicU64>) -> Self {
        Self {
            inner,
            time,
            received: 0,
            all,
            clock: None,
        }
    }

    /// By when the rest has to be there.
    fn deadline(&self, start: Instant) -> Instant {
        if self.all.load(Ordering::Relaxed) > PLENTY {
            start + self.time.min(SQUEEZED)
        } else {
            start + self.time + Duration::from_secs(self.received / SLOWEST_BODY)
        }
    }
}

impl Drop for TimedBody {
    fn drop(&mut self) {
        self.all.fetch_sub(self.received, Ordering::Relaxed);
    }
}

/// Why a body is not read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CutBody {
    /// It did not come in time.
    #[error("the body did not arrive in time")]
    TooSlow,
    /// Those of others on their way fill the memory that there is for them.
    #[error("there is no room for the body")]
    NoRoom,
}

impl CutBody {
    /// What is behind an error of reading a body, if it is one of these.
    pub fn behind(error: &(dyn Error + 'static)) -> Option<Self> {
        std::iter::successors(Some(error), |&error| error.source())
            .find_map(|error| error.downcast_ref().copied())
    }
}

impl HttpBody for TimedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.inner).poll_frame(cx) {
            if let Some(Ok(frame)) = &frame {
                let length = frame.data_ref().map_or(0, |data| data.len() as u64);
                this.received += length;
                if this.all.fetch_add(length, Ordering::Relaxed) > TOO_MANY {
                    return Poll::Ready(Some(Err(axum::Error::new(CutBody::NoRoom))));
                }
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(axum::Error::new)));
        }
        let now = Instant::now();
        let start = this
            .clock
            .get_or_insert_with(|| (now, Box::pin(sleep_until(now))))
            .0;
        let deadline = this.deadline(start);
        if deadline <= now {
            return Poll::Ready(Some(Err(axum::Error::new(CutBody::TooSlow))));
        }
        if let Some((_, alarm)) = &mut this.clock {
            alarm.as_mut().reset(deadline.min(now + SQUEEZED));
            if alarm.as_mut().poll(cx).is_ready() {
                cx.waker().wake_by_ref();
            }
        }
        Poll::Pending
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
