//! Uploads: the pictures of a user, of all users, and deleting them.
//!
//! `uploading` receives them.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::AppState;
use super::disk::watch;
use super::empty::Empty;
use super::error::{ApiError, Problem};
use super::extract::{Admin, Caller, Json, Path, Query};
use super::upload_folder::UploadFolder;
use crate::components::id::UserId;
use crate::components::permissions::Permission;
use crate::settings::Settings;
use crate::store::Store;
use crate::store::audit_log::Actor;
use crate::store::uploads::{UploadRow, Uses};

/// Pictures per page of a list.
const PAGE: u32 = 50;

/// Page of the own pictures.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct UploadsQuery {
    /// `after` of the previous page.
    #[serde(default)]
    after: String,
}

/// Pictures of the caller.
#[derive(Serialize, ToSchema)]
pub struct UploadList {
    /// Newest first.
    uploads: Vec<UploadEntry>,
    /// `after` of the next page; null on the last one.
    #[schema(required)]
    after: Option<String>,
    /// Bytes that the caller's pictures take.
    used: u64,
    /// Quota in bytes; null for no limit.
    #[schema(required)]
    quota: Option<u64>,
}

/// An uploaded picture.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UploadEntry {
    /// Name, used to delete it.
    name: String,
    /// Address: a path on this server.
    image_url: String,
    /// Kind given at the upload.
    kind: String,
    /// Width, in pixels.
    width: u32,
    /// Height, in pixels.
    height: u32,
    /// Size, in bytes.
    size: u64,
    /// Time of the upload, in Unix milliseconds.
    created_at: i64,
    /// Number of places that show it.
    uses: UploadUses,
}

/// Number of places that show a picture, by kind.
#[derive(Serialize, ToSchema)]
pub struct UploadUses {
    /// Messages in spaces.
    lines: u32,
    /// Direct messages.
    directs: u32,
    /// Avatars.
    avatars: u32,
    /// Elements.
    elements: u32,
    /// Maps.
    maps: u32,
}

impl From<Uses> for UploadUses {
    fn from(uses: Uses) -> Self {
        Self {
            lines: uses.lines,
            directs: uses.directs,
            avatars: uses.avatars,
            elements: uses.elements,
            maps: uses.maps,
        }
    }
}

impl From<UploadRow> for UploadEntry {
    fn from(row: UploadRow) -> Self {
        Self {
            image_url: format!("/files/{}", row.name()),
            name: row.name(),
            kind: row.kind,
            width: row.width,
            height: row.height,
            size: row.size,
            created_at: row.created_at,
            uses: row.uses.into(),
        }
    }
}

/// List own pictures
///
/// With the bytes used of the quota, and the number of places that show each picture.
#[utoipa::path(
    get,
    path = "/upload",
    operation_id = "uploads",
    tag = "files",
    security(("token" = [])),
    params(UploadsQuery),
    responses(
        (status = 200, body = UploadList),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn mine(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<UploadsQuery>,
) -> Result<Json<UploadList>, ApiError> {
    let (rows, after) = page(&state, Some(caller.user()), &query.after).await?;
    Ok(Json(UploadList {
        after,
        uploads: rows.into_iter().map(UploadEntry::from).collect(),
        used: state.store.uploaded_bytes(caller.user()).await?,
        quota: Some(state.settings.upload_quota).filter(|quota| *quota < u64::MAX),
    }))
}

/// The name without its extension.
fn hash_of(name: &str) -> Option<&str> {
    let hash = name.split('.').next().unwrap_or_default();
    (!hash.is_empty()).then_some(hash)
}

/// Delete own picture
///
/// It disappears from every message that shows it. One that is an avatar, an element or a map's
/// thumbnail is refused until that has another picture. Admins may delete pictures of others; the
/// audit log records it.
#[utoipa::path(
    delete,
    path = "/upload/{name}",
    operation_id = "deleteUpload",
    tag = "files",
    security(("token" = [])),
    params(("name" = String, Path, description = "The picture")),
    responses(
        (status = 200, body = Empty),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Json<Empty>, ApiError> {
    let unknown = || ApiError::bad("There is no such picture.");
    let row = state
        .store
        .upload(hash_of(&name).unwrap_or_default())
        .await?;
    let row = row.ok_or_else(unknown)?;
    let owner = row.owner.as_ref().map(|(owner, _)| *owner);
    let is_mine = owner == Some(caller.user());
    if !caller.may(Permission::DeletePicture, owner) {
        return Err(ApiError::Forbidden("This picture belongs to another user."));
    }
    if row.uses.is_in_the_world() {
        return Err(ApiError::bad(
            "This picture is an avatar, an element or a map's picture. Give that another one \
            first.",
        ));
    }
    let operator = (!is_mine).then(|| Actor::from(&caller.who));
    state
        .store
        .delete_upload(&row.hash, operator.as_ref())
        .await?;
    Ok(Json(Empty {}))
}

/// Page of all pictures, and their owner.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AllUploadsQuery {
    /// Id of a user: only pictures of this user.
    owner: Option<String>,
    /// `after` of the previous page.
    #[serde(default)]
    after: String,
}

/// Pictures of all users.
#[derive(Serialize, ToSchema)]
pub struct AllUploadList {
    /// Newest first.
    uploads: Vec<OwnedUpload>,
    /// `after` of the next page; null on the last one.
    #[schema(required)]
    after: Option<String>,
}

/// A picture and its owner.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OwnedUpload {
    /// Id of the owner; null when the user was deleted.
    #[schema(required)]
    owner_id: Option<String>,
    /// Name of the owner.
    #[schema(required)]
    owner: Option<String>,
    #[serde(flatten)]
    upload: UploadEntry,
}

/// List pictures of all users
///
/// `DELETE /upload/{name}` deletes one.
#[utoipa::path(
    get,
    path = "/admin/uploads",
    operation_id = "allUploads",
    tag = "admin",
    security(("token" = [])),
    params(AllUploadsQuery),
    responses(
        (status = 200, body = AllUploadList),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn all(
    State(state): State<AppState>,
    _admin: Admin,
    Query(query): Query<AllUploadsQuery>,
) -> Result<Json<AllUploadList>, ApiError> {
    let owner = query.owner.map(|owner| owner.parse::<UserId>()).transpose();
    let owner = owner.map_err(|_| ApiError::bad("An owner is the id of a user."))?;
    let (rows, after) = page(&state, owner, &query.after).await?;
    let uploads = rows.into_iter().map(|mut row| {
        let (owner_id, owner) = row.owner.take().unzip();
        OwnedUpload {
            owner_id: owner_id.map(|owner| owner.to_string()),
            owner,
            upload: row.into(),
        }
    });
    Ok(Json(AllUploadList {
        uploads: uploads.collect(),
        after,
    }))
}

/// One page of pictures, and the cursor of the next one.
async fn page(
    state: &AppState,
    owner: Option<UserId>,
    after: &str,
) -> Result<(Vec<UploadRow>, Option<String>), ApiError> {
    // One more than is shown tells whether there is more.
    let mut rows = state.store.uploads(owner, hash_of(after), PAGE + 1).await?;
    let has_more = rows.len() > PAGE as usize;
    rows.truncate(PAGE as usize);
    let after = rows.last().filter(|_| has_more).map(UploadRow::name);
    Ok((rows, after))
}

/// Deletes unused pictures and old drafts every hour, and the files of deleted pictures every
/// minute, and looks at the free space of their disk. Never returns.
pub async fn sweep(store: Store, settings: Arc<Settings>) {
    let folder = UploadFolder::of(&settings.data_dir);
    let mut minutes = tokio::time::interval(Duration::from_mins(1));
    for minute in 0_u64.. {
        minutes.tick().await;
        if minute.is_multiple_of(60) {
            match store.sweep_uploads().await {
                Ok(0) => {}
                Ok(pictures) => {
                    tracing::info!(pictures, "deleted unused pictures");
                }
                Err(error) => {
                    tracing::warn!(%error, "failed to delete unused pictures; retry in an hour");
                }
            }
            if let Err(error) = folder.remove_old_drafts().await {
                tracing::warn!(%error, "failed to sweep the uploads folder; retry in an hour");
            }
        }
        if let Err(error) = folder.remove_dead_files(&store).await {
            tracing::warn!(%error, "failed to remove files of deleted pictures; retry in a minute");
        }
        watch(folder.path(), settings.min_free_disk).await;
    }
}
