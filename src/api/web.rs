//! Web: the client's files, and its page for every address that the client handles itself.

use axum::extract::State;
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, Method, Uri};
use axum::response::{Html, IntoResponse, Response};

use super::AppState;
use super::assets::{self, WebClient};
use super::error::ApiError;
use super::{files, policy};

/// The base element of the built page, which is replaced by a relative one.
const BASE: &str = "<base href=\"/\"";

/// Page shown while the client is not built.
const NOT_BUILT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><base \
    href=\"/\"><title>Plaza</title>\
    <style>body{font:16px/1.6 system-ui;max-width:36rem;margin:4rem auto;padding:0 1rem}</style>\
    <h1>Plaza is running</h1><p>The client is not built: run <code>make web</code>, then start \
    Plaza again.</p>\
    <p>The <a href=\"api/docs\">interface for programs</a> works without it.</p></html>";

/// Everything that no route matched: a file of the client, its page, or 404.
pub async fn fallback(
    State(state): State<AppState>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let path = uri.path().trim_start_matches('/');
    let reading = method == Method::GET || method == Method::HEAD;
    let api = path == "api" || path.starts_with("api/");
    if !reading || api {
        return ApiError::NotFound.into_response();
    }
    if path != "index.html"
        && let Some(file) = file(path, &headers)
    {
        return file;
    }
    if path == "index.html" || wants_page(path, &headers) {
        page(&state, &uri.path()[1..], &headers).await
    } else {
        ApiError::NotFound.into_response()
    }
}

fn file(path: &str, headers: &HeaderMap) -> Option<Response> {
    let file = WebClient::get(path)?;
    let etag = files::etag_of(&file.metadata.sha256_hash());
    if let Some(unchanged) = files::unchanged(headers, &etag) {
        return Some(unchanged);
    }
    let kind = mime_guess::from_path(path).first_or_octet_stream();
    let head = [(CONTENT_TYPE, kind.as_ref())];
    let mut response = files::with_etag((head, assets::content(file)), &etag);
    if path.starts_with("assets/") {
        response
            .headers_mut()
            .insert(CACHE_CONTROL, HeaderValue::from_static(files::IMMUTABLE));
    }
    Some(response)
}

/// Whether a browser asks for a page: an address without a file extension.
fn wants_page(path: &str, headers: &HeaderMap) -> bool {
    let last = path.rsplit('/').next().unwrap_or_default();
    let accept = headers
        .get(ACCEPT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    path.is_empty() || (!last.contains('.') && accept.contains("text/html"))
}

/// The client's page for a path. Its addresses are relative to the front page, so it works below
/// any path of a proxy without knowing it.
async fn page(state: &AppState, path: &str, headers: &HeaderMap) -> Response {
    let text = match WebClient::get("index.html") {
        Some(file) => String::from_utf8_lossy(&file.data).replacen(
            BASE,
            &format!("<base href=\"{}\"", up(path)),
            1,
        ),
        None => NOT_BUILT.replacen(BASE, &format!("<base href=\"{}\"", up(path)), 1),
    };
    let etag = files::etag_of(text.as_bytes());
    let mut response =
        files::unchanged(headers, &etag).unwrap_or_else(|| files::with_etag(Html(text), &etag));
    response
        .headers_mut()
        .insert(CONTENT_SECURITY_POLICY, policy::client_page(state).await);
    response
}

/// Relative way from a path, without its first slash, up to the front page.
fn up(path: &str) -> String {
    match path.matches('/').count() {
        0 => "./".to_owned(),
        levels => "../".repeat(levels),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_any_depth_the_way_leads_to_the_front_page() {
        for (path, way) in [
            ("", "./"),
            ("admin", "./"),
            ("s/1", "../"),
            ("s/1/", "../../"),
            ("a/b/c", "../../"),
        ] {
            assert_eq!(up(path), way, "{path}");
        }
    }
}
