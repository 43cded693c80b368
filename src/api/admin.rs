//! Admin: what only admins may do to other users and their things. Each action is written to the
//! audit log.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::empty::Empty;
use super::error::{ApiError, Problem};
use super::extract::{Admin, Json, Path, Query};
use super::{AppState, check};
use crate::components::id::{SpaceId, UserId};
use crate::store::administration::{AdminOutcome, UserRow};
use crate::store::now_ms;
use crate::store::paging::ListPage;
use crate::store::suspension::Suspension;

/// Users per page.
const PAGE: u32 = 50;

/// Filter and page of the user list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct UsersQuery {
    /// Part of a name, in any case; only users whose name contains it.
    #[serde(default)]
    q: String,
    /// `after` of the previous page.
    after: Option<String>,
}

/// One page of users.
#[derive(Serialize, ToSchema)]
pub struct UserList {
    /// Sorted by name.
    users: Vec<UserEntry>,
    /// Cursor of the next page; null on the last one.
    #[schema(required)]
    after: Option<String>,
}

/// A user as admins see it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserEntry {
    /// The user's id.
    user_id: String,
    /// The name over the head.
    username: String,
    /// `user` or `admin`.
    role: &'static str,
    /// Time of sign-up, in Unix milliseconds.
    created_at: i64,
    /// Number of open sessions.
    sessions: i64,
    /// Whether the name looks like the name of an earlier user; others see it with a mark.
    looks_alike: bool,
    /// Last use of a session, rounded to the hour, in Unix milliseconds.
    #[schema(required)]
    used_at: Option<i64>,
    /// The user's suspension; null for none.
    #[schema(required)]
    suspension: Option<SuspensionEntry>,
}

/// A suspension.
#[derive(Serialize, ToSchema)]
pub struct SuspensionEntry {
    /// End, in Unix milliseconds; null until an admin lifts it.
    #[schema(required)]
    until: Option<i64>,
    /// Reason, shown to the user.
    reason: String,
}

/// A request to suspend a user.
#[derive(Deserialize, ToSchema)]
pub struct SuspendRequest {
    /// End, in Unix milliseconds; absent until an admin lifts it.
    until: Option<i64>,
    /// Reason, 1 to 500 characters, shown to the user.
    reason: String,
}

/// List users
#[utoipa::path(
    get,
    path = "/admin/users",
    operation_id = "users",
    tag = "admin",
    security(("token" = [])),
    params(UsersQuery),
    responses(
        (status = 200, body = UserList),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn users(
    State(state): State<AppState>,
    _admin: Admin,
    Query(UsersQuery { q, after }): Query<UsersQuery>,
) -> Result<Json<UserList>, ApiError> {
    let users = state
        .store
        .users(q.trim(), after.as_deref(), PAGE + 1)
        .await?;
    let ListPage {
        items: users,
        has_more,
    } = ListPage::of(users, PAGE);
    let after = users
        .last()
        .filter(|_| has_more)
        .map(|user| user.name.clone());
    Ok(Json(UserList {
        users: users.into_iter().map(UserEntry::from).collect(),
        after,
    }))
}

impl From<UserRow> for UserEntry {
    fn from(row: UserRow) -> Self {
        let suspension = row
            .suspension
            .map(|Suspension { until, reason }| SuspensionEntry { until, reason });
        Self {
            user_id: row.user.to_string(),
            username: row.name,
            role: row.role.word(),
            created_at: row.created_at,
            sessions: row.sessions,
            looks_alike: row.looks_alike,
            used_at: row.used_at,
            suspension,
        }
    }
}

/// Suspend a user
///
/// Their connections end within a second, in every process. Until the suspension ends they cannot
/// sign in, and their requests are refused with 403 and the reason.
#[utoipa::path(
    post,
    path = "/admin/user/{id}/suspend",
    operation_id = "suspend",
    tag = "admin",
    security(("token" = [])),
    params(("id" = String, Path, description = "The user")),
    request_body = SuspendRequest,
    responses(
        (status = 200, body = Empty),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn suspend(
    State(state): State<AppState>,
    admin: Admin,
    Path(user): Path<UserId>,
    Json(body): Json<SuspendRequest>,
) -> Result<Json<Empty>, ApiError> {
    if body.until.is_some_and(|until| until <= now_ms()) {
        return Err(ApiError::bad("A suspension ends in the future."));
    }
    let suspension = Suspension {
        until: body.until,
        reason: check::reason(&body.reason)?,
    };
    settled(
        state
            .store
            .suspend(&admin.actor(), user, &suspension)
            .await?,
    )?;
    state.spaces.sessions_ended(user);
    Ok(Json(Empty {}))
}

/// Lift a suspension
#[utoipa::path(
    post,
    path = "/admin/user/{id}/unsuspend",
    operation_id = "unsuspend",
    tag = "admin",
    security(("token" = [])),
    params(("id" = String, Path, description = "The user")),
    responses(
        (status = 200, body = Empty),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn unsuspend(
    State(state): State<AppState>,
    admin: Admin,
    Path(user): Path<UserId>,
) -> Result<Json<Empty>, ApiError> {
    settled(state.store.unsuspend(&admin.actor(), user).await?)?;
    Ok(Json(Empty {}))
}

/// Sign a user out everywhere
///
/// Their connections end within a second, in every process.
#[utoipa::path(
    post,
    path = "/admin/user/{id}/sign-out",
    operation_id = "signUserOut",
    tag = "admin",
    security(("token" = [])),
    params(("id" = String, Path, description = "The user")),
    responses(
        (status = 200, body = Empty),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn sign_out(
    State(state): State<AppState>,
    admin: Admin,
    Path(user): Path<UserId>,
) -> Result<Json<Empty>, ApiError> {
    settled(state.store.sign_out_by(&admin.actor(), user).await?)?;
    state.spaces.sessions_ended(user);
    Ok(Json(Empty {}))
}

/// Delete any user's space
///
/// Everyone inside is told and disconnected.
#[utoipa::path(
    delete,
    path = "/admin/space/{id}",
    operation_id = "deleteAnySpace",
    tag = "admin",
    security(("token" = [])),
    params(("id" = String, Path, description = "The space")),
    responses(
        (status = 200, body = Empty),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn delete_space(
    State(state): State<AppState>,
    admin: Admin,
    Path(space): Path<SpaceId>,
) -> Result<Json<Empty>, ApiError> {
    if !state.store.delete_space_by(&admin.actor(), space).await? {
        return Err(ApiError::bad("There is no such space."));
    }
    state.spaces.delete(space).await;
    Ok(Json(Empty {}))
}

fn settled(outcome: AdminOutcome) -> Result<(), ApiError> {
    match outcome {
        AdminOutcome::Done => Ok(()),
        refused => Err(ApiError::bad(format!("{refused}."))),
    }
}
