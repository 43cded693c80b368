//! Health: liveness, readiness, and request metrics.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use serde::Serialize;
use tokio::sync::Mutex;
use utoipa::ToSchema;

use super::AppState;
use super::error::{ApiError, Problem};
use super::extract::Json;
use super::measurements::recorder;

/// A healthy server.
#[derive(Serialize, ToSchema)]
pub struct Health {
    /// Always `ok`.
    status: &'static str,
    /// Version of the server.
    version: &'static str,
}

/// Time for which an answer of the database is used again. Readiness is not counted against any
/// budget, so many requests must not become many queries.
const FRESH: Duration = Duration::from_secs(1);

/// Last answer of the database to the readiness check, and its time.
pub(super) type LastPing = Arc<Mutex<Option<(Instant, bool)>>>;

const FINE: Health = Health {
    status: "ok",
    version: env!("CARGO_PKG_VERSION"),
};

/// Moves measurements into their histogram buckets from time to time. Each is stored individually
/// until then, so memory would grow with every tick on a server whose metrics are never scraped.
pub async fn sort_measurements() {
    let mut now_and_then = tokio::time::interval(Duration::from_secs(5));
    loop {
        now_and_then.tick().await;
        recorder().run_upkeep();
    }
}

/// Liveness check
#[utoipa::path(
    get,
    path = "/healthz",
    operation_id = "live",
    tag = "operation",
    responses((status = 200, body = Health)),
)]
pub async fn live() -> Json<Health> {
    Json(FINE)
}

/// Readiness check
#[expect(
    clippy::disallowed_methods,
    reason = "how old an answer is, is real time"
)]
#[utoipa::path(get, path = "/readyz", operation_id = "ready", tag = "operation", responses(
    (status = 200, body = Health),
    (status = 503, body = Problem, content_type = "application/problem+json"),
))]
pub async fn ready(State(state): State<AppState>) -> Result<Json<Health>, ApiError> {
    if state.spaces.is_draining() {
        return Err(ApiError::Unavailable(
            "This process is draining: it takes no new connections.",
        ));
    }
    let mut last = state.last_ping.lock().await;
    let answers = match *last {
        Some((at, answers)) if at.elapsed() < FRESH => answers,
        _ => {
            let ping = tokio::time::timeout(Duration::from_secs(2), state.store.ping()).await;
            let answers = matches!(ping, Ok(Ok(())));
            *last = Some((Instant::now(), answers));
            answers
        }
    };
    if answers {
        Ok(Json(FINE))
    } else {
        Err(ApiError::Unavailable("The database does not answer."))
    }
}

/// Counts a request and its duration, by the pattern of its path.
#[expect(
    clippy::disallowed_methods,
    reason = "how long a request took is real time"
)]
pub async fn measure(request: Request, next: Next) -> Response {
    // Patterns of the router: their number is bounded by the number of routes.
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("other", MatchedPath::as_str)
        .to_owned();
    let method = method_label(request.method());
    let start = Instant::now();
    let response = next.run(request).await;
    let status = response.status().as_u16().to_string();
    metrics::counter!(
        "plaza_http_requests_total",
        "method" => method,
        "route" => route.clone(),
        "status" => status
    )
    .increment(1);
    metrics::histogram!("plaza_http_request_seconds", "method" => method, "route" => route)
        .record(start.elapsed().as_secs_f64());
    response
}

/// Label of a method. Clients may invent methods, and each label is a series that is kept for ever,
/// so unknown ones share a label.
fn method_label(method: &Method) -> &'static str {
    const KNOWN: [Method; 7] = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::OPTIONS,
    ];
    const LABELS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    let mut labels = KNOWN.iter().zip(LABELS);
    let label = labels.find_map(|(known, label)| (known == method).then_some(label));
    label.unwrap_or("other")
}
