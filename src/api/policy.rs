//! Policy: the `Content-Security-Policy` of each HTML page.
//!
//! No page may be framed by another site. The policy of the client's page names only addresses that
//! the server knows: itself, the other processes of the cluster, a `LiveKit` server, and the hosts
//! of pictures that admins entered.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderValue, Uri};
use parking_lot::Mutex;
use tokio::time::Instant;

use super::AppState;

/// Policy of static pages: the help, and the page shown when the client is not built.
pub const PLAIN_PAGE: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; \
    base-uri 'self'; \
    form-action 'none'; frame-ancestors 'none'";

/// Policy of the API documentation page: its own scripts, and calls to this server.
pub const DOCS_PAGE: &str = "default-src 'none'; script-src 'self'; style-src 'self' \
    'unsafe-inline'; img-src 'self' data:; \
    font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

/// Most hosts of pictures in the policy: the head of an answer has to stay small for proxies.
const MOST_HOSTS: usize = 50;

/// How long the hosts of pictures are cached.
const FRESH: Duration = Duration::from_secs(5);

/// Hosts of pictures that admins entered, as last read.
#[derive(Default)]
pub struct PictureHosts {
    known: Mutex<Option<(Instant, Arc<str>)>>,
}

impl PictureHosts {
    /// Sources to add to `img-src`; the last ones read when the database does not answer.
    async fn sources(&self, state: &AppState) -> Arc<str> {
        let before = self.known.lock().clone();
        if let Some((at, sources)) = &before
            && at.elapsed() < FRESH
        {
            return Arc::clone(sources);
        }
        match state.store.pictures_elsewhere().await {
            Ok(urls) => {
                let sources: Arc<str> = picture_sources(&urls).into();
                *self.known.lock() = Some((Instant::now(), Arc::clone(&sources)));
                sources
            }
            Err(error) => {
                tracing::debug!(%error, "failed to read the hosts of pictures");
                before.map_or_else(|| "".into(), |(_, sources)| sources)
            }
        }
    }
}

/// The policy of the client's page.
pub async fn client_page(state: &AppState) -> HeaderValue {
    let mut elsewhere = BTreeSet::new();
    if let Some(livekit) = &state.settings.livekit {
        elsewhere.extend(origins(&livekit.url));
    }
    for counted in state.spaces.census().nodes() {
        elsewhere.extend(
            counted
                .node
                .public_url
                .as_deref()
                .into_iter()
                .flat_map(origins),
        );
    }
    let connect = elsewhere
        .iter()
        .fold(String::new(), |all, origin| all + " " + origin);
    let pictures = state.picture_hosts.sources(state).await;
    let policy = format!(
        "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' \
        data: blob:{pictures}; \
         media-src 'self' blob:; font-src 'self' data:; worker-src 'self' blob:; connect-src \
         'self'{connect}; \
         object-src 'none'; frame-src 'self' http: https:; base-uri 'self'; form-action 'self'; \
         frame-ancestors 'none'"
    );
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static(PLAIN_PAGE))
}

/// An http(s) address as sources for HTTP and for WebSockets; empty when it is not an address or
/// contains more than one source.
fn origins(url: &str) -> Vec<String> {
    let Some((scheme, host)) = host_of(url) else {
        return Vec::new();
    };
    let is_plain = matches!(scheme.as_str(), "ws" | "http");
    let schemes = if is_plain {
        ["http", "ws"]
    } else {
        ["https", "wss"]
    };
    schemes.map(|scheme| format!("{scheme}://{host}")).into()
}

fn picture_sources(urls: &[String]) -> String {
    let hosts: BTreeSet<String> = urls
        .iter()
        .filter_map(|url| host_of(url))
        .filter(|(scheme, _)| matches!(scheme.as_str(), "http" | "https"))
        .map(|(scheme, host)| format!(" {scheme}://{host}"))
        .collect();
    if hosts.len() > MOST_HOSTS {
        return " http: https:".to_owned();
    }
    hosts.into_iter().collect()
}

/// Scheme, and host with port; `None` when they contain characters with a meaning in a policy.
fn host_of(url: &str) -> Option<(String, String)> {
    let uri: Uri = url.parse().ok()?;
    let host = uri.host()?.to_ascii_lowercase();
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-._[]:".contains(letter);
    if host.is_empty() || !host.chars().all(is_plain) {
        return None;
    }
    let port = uri
        .port_u16()
        .map_or_else(String::new, |port| format!(":{port}"));
    Some((
        uri.scheme_str()?.to_ascii_lowercase(),
        format!("{host}{port}"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_pictures_are_named_once_and_cannot_inject_directives() {
        let urls = [
            "https://Pictures.example/a.png",
            "https://pictures.example/b.png",
            "http://127.0.0.1:9000/c.png",
            "https://me@host.example/d.png",
            "https://x;script-src *.example/e.png",
            "/files/f.png",
            "ftp://files.example/g.png",
        ]
        .map(str::to_owned);
        assert_eq!(
            picture_sources(&urls),
            " http://127.0.0.1:9000 https://host.example https://pictures.example"
        );
    }

    #[test]
    fn the_number_of_hosts_is_bounded() {
        let urls: Vec<_> = (0..1000)
            .map(|number| format!("https://{number}.example/a.png"))
            .collect();
        assert_eq!(picture_sources(&urls), " http: https:");
    }

    #[test]
    fn a_websocket_address_also_allows_http() {
        assert_eq!(
            origins("wss://live.example:7880/x"),
            ["https://live.example:7880", "wss://live.example:7880"]
        );
        assert_eq!(
            origins("http://a.example"),
            ["http://a.example", "ws://a.example"]
        );
        assert!(origins("nowhere").is_empty());
    }
}
