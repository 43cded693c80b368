//! Budgets: what each route takes from the budget of its caller.
//!
//! Both steps run before a body is read: [`spend`] charges the address as soon as the head of the
//! request has arrived; the extractor [`Caller`](super::extract::Caller) charges the user once the
//! token is known. A new route that creates, changes or searches needs a line in [`of_route`]. A
//! handler that learns its cost later takes it itself: `state.budgets.take(caller.user().into(),
//! Budget::Edits)?`.

use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::AppState;
use super::address::address_of;
use super::error::ApiError;
use crate::net::budget::{Budget, Budgets, REQUEST, Slowed, Spender};

/// Cost of a request. Stored in the request's extensions until the user is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cost {
    /// Units taken from [`Budget::Requests`].
    parts: u32,
    /// Other budget from which one unit is taken.
    also: Option<Budget>,
}

impl Cost {
    /// Takes the cost from the spender's budgets.
    pub(super) fn charge(self, budgets: &Budgets, spender: Spender) -> Result<(), Slowed> {
        budgets.take_many(spender, Budget::Requests, self.parts)?;
        self.also
            .map_or(Ok(()), |budget| budgets.take(spender, budget))
    }
}

/// Cost of a request to a route.
fn of_route(method: &Method, route: Option<&str>, query: Option<&str>) -> Cost {
    let whole = |also| Cost {
        parts: REQUEST,
        also,
    };
    let Some(route) = route else {
        // Static files of the client.
        return Cost {
            parts: 1,
            also: None,
        };
    };
    match route {
        // Health checks and metrics must always answer.
        "/healthz" | "/readyz" | "/metrics" => {
            return Cost {
                parts: 0,
                also: None,
            };
        }
        "/art/{*path}" | "/files/{name}" | "/" => {
            return Cost {
                parts: 1,
                also: None,
            };
        }
        _ => {}
    }
    let path = route.strip_prefix("/api/v1").unwrap_or(route);
    let is_search = || {
        // A name that is percent-encoded may be `q`, too.
        let is_q = |name: &str| name == "q" || name.contains('%');
        let mut pairs = query.into_iter().flat_map(|query| query.split('&'));
        pairs.any(|pair| {
            let pair = pair.split_once('=');
            pair.is_some_and(|(name, value)| !value.is_empty() && is_q(name))
        })
    };
    whole(match (method.as_str(), path) {
        ("POST" | "DELETE", "/space/element" | "/space/element/{id}")
        | ("PUT", "/admin/element/{id}" | "/user/metadata" | "/space/{id}/member/{user}")
        | (
            "POST",
            "/user/metadata"
            | "/space/{id}/member"
            | "/space/{id}/enter"
            | "/space/{id}/invite"
            | "/invite/{token}"
            | "/space/{id}/user/{user}/kick"
            | "/space/{id}/user/{user}/mute"
            | "/space/{id}/user/{user}/ban"
            | "/space/{id}/lockdown"
            | "/space/{id}/join-request"
            | "/space/{id}/join-request/{user}",
        )
        | (
            "PATCH" | "DELETE",
            "/space/{id}/chat"
            | "/space/{id}/chat/{line}"
            | "/space/{id}"
            | "/space/{id}/member/{user}"
            | "/space/{id}/invite/{invite}"
            | "/space/{id}/user/{user}/kick"
            | "/space/{id}/user/{user}/mute"
            | "/space/{id}/user/{user}/ban"
            | "/space/{id}/lockdown",
        ) => Some(Budget::Edits),
        ("POST", "/upload") => Some(Budget::Uploads),
        ("GET", "/space/{id}/chat/export") => Some(Budget::Search),
        ("GET", _) if is_search() => Some(Budget::Search),
        _ => None,
    })
}

/// Charges the address of every request.
pub(super) async fn spend(
    State(state): State<AppState>,
    mut request: Request,
    next: Next,
) -> Response {
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map(MatchedPath::as_str);
    let mut cost = of_route(request.method(), route, request.uri().query());
    if request.headers().contains_key(header::UPGRADE) {
        // The address of the page takes sockets, too.
        cost.parts = REQUEST;
    }
    let spender = Spender {
        user: None,
        address: address_of(request.extensions()).key(),
    };
    if let Err(slowed) = cost.charge(&state.budgets, spender) {
        return ApiError::from(slowed).into_response();
    }
    request.extensions_mut().insert(cost);
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_route_takes_from_what_it_uses() {
        let of = |method: Method, route: &str, query: Option<&str>| {
            of_route(&method, Some(route), query)
        };
        assert_eq!(
            of(Method::DELETE, "/api/v1/space/element", None).also,
            Some(Budget::Edits)
        );
        assert_eq!(
            of(Method::POST, "/api/v1/upload", None).also,
            Some(Budget::Uploads)
        );
        assert_eq!(
            of(Method::GET, "/api/v1/spaces", Some("page=2&q=hall")).also,
            Some(Budget::Search)
        );
        assert_eq!(
            of(Method::GET, "/api/v1/spaces", Some("%71=hall")).also,
            Some(Budget::Search)
        );
        assert_eq!(of(Method::GET, "/api/v1/spaces", Some("q=")).also, None);
        assert_eq!(of(Method::GET, "/healthz", None).parts, 0);
        assert_eq!(of(Method::GET, "/art/{*path}", None).parts, 1);
        assert_eq!(of_route(&Method::GET, None, None).parts, 1);
    }

    /// A misspelt path in `of_route` would silently cost nothing.
    #[test]
    fn every_route_named_here_exists() {
        let source = include_str!("budgets.rs");
        let code = source.split("#[cfg(test)]").next().unwrap_or_default();
        let document = super::super::routes::openapi();
        let known = |path: &str| {
            ["/art/{*path}", "/files/{name}", "/", "/metrics"].contains(&path)
                || document.paths.paths.contains_key(path)
                || document.paths.paths.contains_key(&format!("/api/v1{path}"))
        };
        let quoted = code.split('"').skip(1).step_by(2);
        let paths: Vec<_> = quoted
            .filter(|text| text.starts_with('/') && *text != "/api/v1")
            .collect();
        assert!(paths.len() > 12);
        for path in paths {
            assert!(known(path), "{path}");
        }
    }
}
