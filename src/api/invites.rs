//! Invites: the state of an invite link, to the server or to a space.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::AppState;
use super::error::{ApiError, Problem};
use super::extract::{Json, Path};
use super::invite_state::{UNKNOWN, refusal};
use super::space_invites::{InvitedSpace, invited_space, valid_invite};
use crate::store::now_ms;

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
    /// The space that it leads to; null for an invite to the server.
    #[schema(required)]
    space: Option<InvitedSpace>,
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
    let (invite, space) = if let Some(invite) = state.store.invite(&token).await? {
        (invite, None)
    } else {
        let found = valid_invite(&state, &token).await?;
        let space = invited_space(&state, &found).await?;
        (found.invite, Some(space))
    };
    match refusal(invite.state(now_ms())) {
        Some(why) => Err(ApiError::Forbidden(why)),
        None => Ok(Json(InviteView {
            expires_at: invite.expires_at,
            uses_left: invite.max_uses.map(|most| most - invite.uses),
            space,
        })),
    }
}
