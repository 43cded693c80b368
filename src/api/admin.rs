//! Admin: what only admins may do to other people's things.

use axum::extract::State;

use super::account::Empty;
use super::error::{ApiError, Problem};
use super::extract::{Admin, Json, Path};
use super::{AppState, spaces};
use crate::components::id::SpaceId;

/// Delete anybody's space
#[utoipa::path(delete, path = "/admin/space/{id}", operation_id = "deleteAnySpace", tag = "admin", security(("token" = [])),
    params(("id" = String, Path, description = "The space")), responses(
        (status = 200, body = Empty),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn delete_space(
    State(state): State<AppState>,
    _admin: Admin,
    Path(space): Path<SpaceId>,
) -> Result<Json<Empty>, ApiError> {
    spaces::remove(&state, space).await
}
