//! Avatars: the pictures that players can choose for themselves.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::empty::Empty;
use super::error::{ApiError, Problem};
use super::extract::{Admin, Json, Path};
use super::{AppState, check};
use crate::components::id::AvatarId;

/// All avatars.
#[derive(Serialize, ToSchema)]
pub struct AvatarList {
    /// Oldest first.
    avatars: Vec<AvatarEntry>,
}

/// An avatar.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AvatarEntry {
    /// Id of the avatar.
    id: String,
    /// Name.
    name: String,
    /// Address of the picture.
    image_url: String,
}

/// A request to add an avatar.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewAvatar {
    /// Address of the picture: a path on this server, or http(s).
    image_url: String,
    /// Name, 1 to 100 characters.
    name: String,
}

/// The avatar that was added.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AvatarAnswer {
    /// The avatar's id.
    avatar_id: String,
}

/// List avatars
#[utoipa::path(
    get,
    path = "/avatars",
    operation_id = "avatars",
    tag = "people",
    responses((status = 200, body = AvatarList)),
)]
pub async fn list(State(state): State<AppState>) -> Result<Json<AvatarList>, ApiError> {
    let avatars = state
        .store
        .avatars()
        .await?
        .into_iter()
        .map(|avatar| AvatarEntry {
            id: avatar.id.to_string(),
            name: avatar.name,
            image_url: avatar.image_url,
        });
    Ok(Json(AvatarList {
        avatars: avatars.collect(),
    }))
}

/// Add an avatar
#[utoipa::path(
    post,
    path = "/admin/avatar",
    operation_id = "addAvatar",
    tag = "admin",
    security(("token" = [])),
    request_body = NewAvatar,
    responses(
        (status = 200, body = AvatarAnswer),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn add(
    State(state): State<AppState>,
    _admin: Admin,
    Json(new): Json<NewAvatar>,
) -> Result<Json<AvatarAnswer>, ApiError> {
    let image_url = check::image_url(&new.image_url)?;
    let avatar = state
        .store
        .add_avatar(&check::name(&new.name)?, &image_url)
        .await?;
    Ok(Json(AvatarAnswer {
        avatar_id: avatar.to_string(),
    }))
}

/// Delete an avatar
///
/// Users who chose it have no avatar from their next visit on.
#[utoipa::path(
    delete,
    path = "/admin/avatar/{id}",
    operation_id = "deleteAvatar",
    tag = "admin",
    security(("token" = [])),
    params(("id" = String, Path, description = "The avatar")),
    responses(
        (status = 200, body = Empty),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn delete(
    State(state): State<AppState>,
    _admin: Admin,
    Path(avatar): Path<AvatarId>,
) -> Result<Json<Empty>, ApiError> {
    if state.store.delete_avatar(avatar).await? {
        Ok(Json(Empty {}))
    } else {
        Err(ApiError::bad("There is no such avatar."))
    }
}
