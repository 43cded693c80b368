//! Sessions: where the caller is signed in, and ending a single sign-in.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::AppState;
use super::empty::Empty;
use super::error::{ApiError, Problem};
use super::extract::{Caller, Json, Path};
use crate::store::sessions::SessionRow;

/// Sessions of the caller.
#[derive(Serialize, ToSchema)]
pub struct SessionList {
    /// Those used last come first.
    sessions: Vec<SessionEntry>,
}

/// A session.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionEntry {
    /// Id, which does not sign anyone in.
    id: String,
    /// Time of the sign-in, in Unix milliseconds.
    created_at: i64,
    /// Last use, rounded to the hour, in Unix milliseconds.
    used_at: i64,
    /// Whether it is the session of this request.
    is_this: bool,
}

impl From<SessionRow> for SessionEntry {
    fn from(row: SessionRow) -> Self {
        Self {
            id: row.id,
            created_at: row.created_at,
            used_at: row.used_at,
            is_this: row.is_this,
        }
    }
}

/// List own sessions
#[utoipa::path(
    get,
    path = "/me/session",
    operation_id = "sessions",
    tag = "account",
    security(("token" = [])),
    responses(
        (status = 200, body = SessionList),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn list(
    State(state): State<AppState>,
    caller: Caller,
) -> Result<Json<SessionList>, ApiError> {
    let rows = state
        .store
        .sessions_of(caller.user(), &caller.token)
        .await?;
    Ok(Json(SessionList {
        sessions: rows.into_iter().map(SessionEntry::from).collect(),
    }))
}

/// End one of one's sessions
///
/// Its connections end within a second, in every process.
#[utoipa::path(
    delete,
    path = "/me/session/{id}",
    operation_id = "endSession",
    tag = "account",
    security(("token" = [])),
    params(("id" = String, Path, description = "The session")),
    responses(
        (status = 200, body = Empty),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn end(
    State(state): State<AppState>,
    caller: Caller,
    Path(session): Path<String>,
) -> Result<Json<Empty>, ApiError> {
    if !state.store.end_session(caller.user(), &session).await? {
        return Err(ApiError::bad("You have no such session."));
    }
    state.spaces.sessions_ended(caller.user());
    Ok(Json(Empty {}))
}
