//! ICE: STUN and TURN servers for calls, with time-limited TURN passwords for each caller.

use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::State;
use axum::http::{HeaderName, header};
use serde::Serialize;
use utoipa::ToSchema;

use super::AppState;
use super::error::{ApiError, Problem};
use super::extract::{Caller, Json, Path};
use crate::components::id::SpaceId;
use crate::components::peers::{SfuEndpoint, Silence};
use crate::components::permissions::Permission;
use crate::media::ice::TurnCredential;
use crate::media::livekit::Grant;
use crate::store::now_ms;

/// Connection settings of calls.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IceView {
    /// Servers as `RTCPeerConnection` takes them.
    ice_servers: Vec<IceServer>,
    /// Expiry of the passwords, in Unix milliseconds; ask again before then.
    expires_at: u64,
    /// Whether calls go through TURN servers only.
    relay_only: bool,
    /// Server that forwards the calls of more than four people.
    forwarder: ForwarderView,
}

/// Server that forwards the calls of more than four people: `nobody`, `unit` for the SFU in this
/// server, or `livekit` for a LiveKit server, for which `POST /space/{id}/livekit` gives tokens.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ForwarderView {
    /// No server; all media goes directly between clients.
    Nobody,
    /// The SFU in this server, reached with `Call.Sfu` messages.
    #[serde(rename = "unit")]
    BuiltIn,
    /// A `LiveKit` server.
    LiveKit,
}

impl From<SfuEndpoint> for ForwarderView {
    fn from(forwarder: SfuEndpoint) -> Self {
        match forwarder {
            SfuEndpoint::Nobody => Self::Nobody,
            SfuEndpoint::BuiltIn => Self::BuiltIn,
            SfuEndpoint::LiveKit => Self::LiveKit,
        }
    }
}

/// STUN or TURN servers with the same credentials.
#[derive(Serialize, ToSchema)]
pub struct IceServer {
    /// Addresses of the servers.
    urls: Vec<String>,
    /// User name; only for TURN.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    username: Option<String>,
    /// Password; only for TURN.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    credential: Option<String>,
}

/// Connection settings of calls
#[utoipa::path(
    get,
    path = "/ice",
    operation_id = "ice",
    tag = "people",
    security(("token" = [])),
    responses(
        (status = 200, body = IceView),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn show(
    State(state): State<AppState>,
    caller: Caller,
) -> ([(HeaderName, &'static str); 1], Json<IceView>) {
    let ice = &state.settings.ice;
    let expiry = unix_seconds() + ice.turn_ttl.as_secs();
    let mut servers = Vec::new();
    if !ice.stun_urls.is_empty() {
        servers.push(IceServer {
            urls: ice.stun_urls.clone(),
            username: None,
            credential: None,
        });
    }
    if let Some(secret) = &ice.turn_secret
        && !ice.turn_urls.is_empty()
    {
        let minted = TurnCredential::mint(secret, &caller.user().to_string(), expiry);
        servers.push(IceServer {
            urls: ice.turn_urls.clone(),
            username: Some(minted.username),
            credential: Some(minted.password),
        });
    }
    let view = IceView {
        ice_servers: servers,
        expires_at: expiry * 1_000,
        relay_only: ice.relay_only,
        forwarder: state.settings.forwarder().into(),
    };
    ([(header::CACHE_CONTROL, "no-store")], Json(view))
}

/// Access to a room of a `LiveKit` server.
#[derive(Serialize, ToSchema)]
pub struct LiveKitView {
    /// WebSocket address of the LiveKit server.
    url: String,
    /// Access token; it must be used within ten minutes.
    token: String,
}

/// Token for a space's room on the `LiveKit` server
///
/// Refused when the server was started without one.
#[utoipa::path(
    post,
    path = "/space/{id}/livekit",
    operation_id = "livekit",
    tag = "spaces",
    security(("token" = [])),
    params(("id" = String, Path, description = "The space")),
    responses(
        (status = 200, body = LiveKitView),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn livekit(
    State(state): State<AppState>,
    caller: Caller,
    Path(space): Path<SpaceId>,
) -> Result<([(HeaderName, &'static str); 1], Json<LiveKitView>), ApiError> {
    let found = state.at(space, Some(&caller)).await?;
    let Some(livekit) = &state.settings.livekit else {
        return Err(ApiError::bad(
            "This server has no LiveKit server: its operator has to set --livekit-url, \
            --livekit-key and --livekit-secret.",
        ));
    };
    let (mutes, now) = (found.membership.mutes, now_ms());
    let silence = Silence {
        voice: mutes.voice > now,
        video: mutes.video > now,
    };
    let token = livekit.token(Grant {
        silence,
        room: &space.to_string(),
        identity: &caller.user().to_string(),
        name: &caller.who.shown_name(),
        screen: found.may(Permission::ShareScreen),
        from: unix_seconds(),
    });
    let view = LiveKitView {
        url: livekit.url.clone(),
        token,
    };
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(view)))
}

#[expect(
    clippy::disallowed_methods,
    reason = "passwords and tokens end at a time of day"
)]
fn unix_seconds() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}
