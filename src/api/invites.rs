//! Invites: the state of an invite link to the server.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::AppState;
use super::error::{ApiError, Problem};
use super::extract::{Json, Path};
use crate::store::invites::InviteState;
use crate::store::now_ms;

const UNKNOWN: &str = "There is no such invite. Was the whole link copied?";

/// A valid invite.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InviteView {
    /// Expiry, in Unix milliseconds; null for never.
    #[schema(required)]
    expires_at: Option<i64>,
    /// Number of people it still admits; null for no limit.
    #[schema(required)]
    uses_left: Option<i64>,
}

/// Reason why an invite is not valid; `None` when it is.
const fn refusal(state: InviteState) -> Option<&'static str> {
    match state {
        InviteState::Good => None,
        InviteState::Expired => {
            Some("This invite has expired. Ask those who sent it for a new one.")
        }
        InviteState::Used => {
            Some("This invite has been used up. Ask those who sent it for a new one.")
        }
        InviteState::Revoked => {
            Some("This invite was taken back. Ask those who sent it for a new one.")
        }
    }
}

/// Refusal of a sign-up whose invite was not accepted.
pub(super) async fn refused(state: &AppState, token: &str) -> Result<ApiError, ApiError> {
    let Some(invite) = state.store.invite(token).await? else {
        return Ok(ApiError::Forbidden(UNKNOWN));
    };
    Ok(ApiError::Forbidden(
        refusal(invite.state(now_ms())).unwrap_or(UNKNOWN),
    ))
}

/// Check an invite
///
/// 400 for an unknown token; 403 with the reason for an invite that has expired, was used up or was
/// taken back.
#[utoipa::path(get, path = "/invite/{token}", operation_id = "invite", tag = "account",
    params(("token" = String, Path, description = "Token of the invite link")),
    responses(
        (status = 200, body = InviteView),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn show(
    State(state): State<AppState>,
    Path(token): Path<String>,
) -> Result<Json<InviteView>, ApiError> {
    let invite = state.store.invite(&token).await?;
    let invite = invite.ok_or_else(|| ApiError::bad(UNKNOWN))?;
    match refusal(invite.state(now_ms())) {
        Some(why) => Err(ApiError::Forbidden(why)),
        None => Ok(Json(InviteView {
            expires_at: invite.expires_at,
            uses_left: invite.max_uses.map(|most| most - invite.uses),
        })),
    }
}
