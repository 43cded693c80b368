//! Web: the client's files, and its page for every address that is the client's own business.

use axum::extract::State;
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::response::{Html, IntoResponse, Response};

use super::AppState;
use super::assets::Client;
use super::error::ApiError;
use super::files;
use crate::media::livekit::LiveKitSettings;

/// What the client's page may load. Pictures may come from anywhere, because people may link avatars, and so may the pages that maps link, each in its
/// own sandbox; scripts may not.
const PAGE_CSP: &str = "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data: blob: http: https:; media-src 'self' blob:; font-src 'self' data:; worker-src 'self' blob:; \
    connect-src 'self' ws: wss:{elsewhere}; object-src 'none'; frame-src 'self' http: https:; base-uri 'self'; form-action 'self'; frame-ancestors 'self'";

/// Shown while the client has not been built.
const NOT_BUILT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Plaza</title>\
    <style>body{font:16px/1.6 system-ui;max-width:36rem;margin:4rem auto;padding:0 1rem}</style>\
    <h1>Plaza is running</h1><p>The client is not built: run <code>make web</code>, then start Plaza again.</p>\
    <p>The <a href=\"/api/docs\">interface for programs</a> works without it.</p></html>";

/// Everything that no route took: a file of the client, its page, or nothing.
pub async fn fallback(State(state): State<AppState>, method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let livekit = state.settings.livekit.as_ref();
    let path = uri.path().trim_start_matches('/');
    let reading = method == Method::GET || method == Method::HEAD;
    let api = path == "api" || path.starts_with("api/");
    if !reading || api {
        return ApiError::NotFound.into_response();
    }
    if !path.is_empty()
        && let Some(file) = file(path, &headers, livekit)
    {
        return file;
    }
    if wants_page(path, &headers) {
        page(&headers, livekit)
    } else {
        ApiError::NotFound.into_response()
    }
}

fn file(path: &str, headers: &HeaderMap, livekit: Option<&LiveKitSettings>) -> Option<Response> {
    if path == "index.html" {
        return Some(page(headers, livekit));
    }
    let file = Client::get(path)?;
    let etag = files::etag_of(&file.metadata.sha256_hash());
    if let Some(unchanged) = files::unchanged(headers, &etag) {
        return Some(unchanged);
    }
    let kind = mime_guess::from_path(path).first_or_octet_stream();
    let mut response = files::with_etag(([(CONTENT_TYPE, kind.as_ref())], file.data.into_owned()), &etag);
    if path.starts_with("assets/") {
        response
            .headers_mut()
            .insert(CACHE_CONTROL, HeaderValue::from_static(files::IMMUTABLE));
    }
    Some(response)
}

/// An address without a file ending that a browser wants to show as a page.
fn wants_page(path: &str, headers: &HeaderMap) -> bool {
    let last = path.rsplit('/').next().unwrap_or_default();
    let accept = headers
        .get(ACCEPT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    path.is_empty() || (!last.contains('.') && accept.contains("text/html"))
}

fn page(headers: &HeaderMap, livekit: Option<&LiveKitSettings>) -> Response {
    let (status, bytes) = match Client::get("index.html") {
        Some(file) => (StatusCode::OK, file.data.into_owned()),
        None => (StatusCode::OK, NOT_BUILT.as_bytes().to_vec()),
    };
    let etag = files::etag_of(&bytes);
    let mut response =
        files::unchanged(headers, &etag).unwrap_or_else(|| files::with_etag((status, Html(bytes)), &etag));
    response
        .headers_mut()
        .insert(CONTENT_SECURITY_POLICY, page_policy(livekit));
    response
}

/// Sockets may go anywhere; a `LiveKit` server is also asked over HTTP why it let nobody in.
fn page_policy(livekit: Option<&LiveKitSettings>) -> HeaderValue {
    let origin = livekit.and_then(|livekit| web_origin(&livekit.url));
    let elsewhere = origin.map_or_else(String::new, |origin| format!(" {origin}"));
    HeaderValue::try_from(PAGE_CSP.replace("{elsewhere}", &elsewhere)).expect("an address has no line breaks")
}

/// Where a server of sockets answers over HTTP: `wss://HOST` is `https://HOST`.
fn web_origin(url: &str) -> Option<String> {
    let uri: Uri = url.parse().ok()?;
    let scheme = if uri.scheme_str()? == "ws" { "http" } else { "https" };
    Some(format!("{scheme}://{}", uri.authority()?))
}
