//! Layers: middleware for every request and answer: security headers, problem documents, panics,
//! other origins.

use std::any::Any;
use std::sync::Arc;

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tower_http::cors::{Any as Anything, CorsLayer};

use super::error::ApiError;
use super::policy;

/// Headers of every answer.
const SAFETY: [(HeaderName, &str); 4] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "same-origin"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(self), microphone=(self), display-capture=(self), geolocation=(), payment=(), \
        usb=()",
    ),
];

/// Adds the security headers, and turns bare refusals of the router into problem documents.
pub async fn security_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if let Some(error) = bare_refusal(&response) {
        let allow = response.headers_mut().remove(header::ALLOW);
        response = error.into_response();
        if let Some(allow) = allow {
            response.headers_mut().insert(header::ALLOW, allow);
        }
    }
    if is_page(&response) {
        response
            .headers_mut()
            .entry(header::CONTENT_SECURITY_POLICY)
            .or_insert(HeaderValue::from_static(policy::PLAIN_PAGE));
    }
    for (name, value) in SAFETY {
        response
            .headers_mut()
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    response
}

fn is_page(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"))
}

/// Adds the content security policy of the API documentation pages, and makes their redirects
/// relative, because the reader may have come through a proxy.
pub async fn docs_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if is_page(&response) {
        response.headers_mut().insert(
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(policy::DOCS_PAGE),
        );
    }
    if response.status().is_redirection() {
        response
            .headers_mut()
            .insert(header::LOCATION, HeaderValue::from_static("docs/"));
    }
    response
}

/// Removes the base path from a request's address, for proxies that pass it on. Requests without it
/// are served as well: health checks come straight to the process.
pub async fn strip_base(base: Arc<str>, mut request: Request, next: Next) -> Response {
    if let Some(uri) = without_base(request.uri(), &base) {
        *request.uri_mut() = uri;
    }
    next.run(request).await
}

fn without_base(uri: &Uri, base: &str) -> Option<Uri> {
    let rest = uri.path_and_query()?.as_str().strip_prefix(base)?;
    let path = match rest.as_bytes().first() {
        Some(b'/') => rest.to_owned(),
        None | Some(b'?') => format!("/{rest}"),
        Some(_) => return None,
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(path.parse().ok()?);
    Uri::from_parts(parts).ok()
}

/// The error for an answer that refuses without a problem document.
fn bare_refusal(response: &Response) -> Option<ApiError> {
    let kind = response
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or_default();
    if kind.starts_with("application/problem+json") {
        return None;
    }
    match response.status() {
        StatusCode::NOT_FOUND => Some(ApiError::NotFound),
        StatusCode::METHOD_NOT_ALLOWED => Some(ApiError::MethodNotAllowed),
        StatusCode::PAYLOAD_TOO_LARGE => Some(ApiError::TooLarge(super::extract::BODY_LIMIT)),
        _ => None,
    }
}

/// Answers 500 when a handler panics. The process lives on, and the client learns no details.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the layer hands it over like this"
)]
pub fn panicked(payload: Box<dyn Any + Send>) -> Response {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let text = text
        .or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("no text");
    tracing::error!(panic = text, "a handler panicked");
    ApiError::Internal.into_response()
}

/// CORS layer for the allowed origins; `None` when none is allowed.
pub fn other_origins(allowed: &[String]) -> Option<CorsLayer> {
    let layer = CorsLayer::new()
        .allow_methods([
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::IF_NONE_MATCH,
        ])
        .expose_headers([header::ETAG, header::RETRY_AFTER]);
    if allowed.is_empty() {
        None
    } else if allowed.iter().any(|origin| origin == "*") {
        Some(layer.allow_origin(Anything))
    } else {
        Some(
            layer.allow_origin(
                allowed
                    .iter()
                    .filter_map(|origin| origin.parse().ok())
                    .collect::<Vec<HeaderValue>>(),
            ),
        )
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::{Router, middleware, routing};
    use tower::ServiceExt;
    use tower_http::catch_panic::CatchPanicLayer;

    use super::*;

    #[tokio::test]
    async fn a_panic_in_a_handler_is_answered_without_its_reason() {
        async fn broken() -> &'static str {
            panic!("a secret")
        }
        let router = Router::new()
            .route("/", routing::get(broken))
            .layer(CatchPanicLayer::custom(panicked))
            .layer(middleware::from_fn(security_headers));
        let response = router.oneshot(Request::new(Body::empty())).await.unwrap();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(
            response.headers()[header::X_CONTENT_TYPE_OPTIONS],
            "nosniff"
        );
        let body = axum::body::to_bytes(response.into_body(), 10_000)
            .await
            .unwrap();
        let text = String::from_utf8(body.to_vec()).unwrap();
        assert!(
            text.contains("\"status\":500") && !text.contains("secret"),
            "{text}"
        );
    }

    #[test]
    fn the_base_path_is_removed_whole_or_not_at_all() {
        let strip =
            |uri: &str| without_base(&uri.parse().unwrap(), "/plaza").map(|uri| uri.to_string());
        assert_eq!(strip("/plaza/s/1?debug").as_deref(), Some("/s/1?debug"));
        assert_eq!(strip("/plaza/").as_deref(), Some("/"));
        assert_eq!(strip("/plaza").as_deref(), Some("/"));
        assert_eq!(strip("/plaza?a=b").as_deref(), Some("/?a=b"));
        assert_eq!(strip("/plazas/1"), None);
        assert_eq!(strip("/healthz"), None);
    }

    #[test]
    fn only_named_origins_are_allowed() {
        assert!(other_origins(&[]).is_none());
        assert!(other_origins(&["*".into()]).is_some());
    }
}
