//! Space settings: which players hear and see each other.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::AppState;
use super::error::{ApiError, Problem};
use super::extract::{Caller, Json, Path, UnreadBody};
use super::patch::Patch;
use crate::components::command::Command;
use crate::components::id::SpaceId;
use crate::components::peers::{PICTURES, ProximityCommand, ProximityRules, REACHES, VOICES};
use crate::components::permissions::Permission;

/// Settings of a space.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SpaceSettings {
    /// Range of audio in tiles, where no zone sets another one; the range of video is two tiles
    /// less.
    range_tiles: u8,
    /// Most voices that a player hears by distance; the nearest ones.
    max_audio: u8,
    /// Most videos that a player sees by distance.
    max_video: u8,
    /// Whether blocked tiles of the map also block audio and video; null for the setting of the
    /// map.
    #[schema(required)]
    walls_block: Option<bool>,
    /// Whether the caller may change the settings.
    may_change: bool,
}

/// A change of the settings; absent fields stay as they are.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProximityChange {
    /// Range of audio in tiles, 2 to 12.
    pub(super) range_tiles: Option<u8>,
    /// Most voices that a player hears by distance, 1 to 16.
    pub(super) max_audio: Option<u8>,
    /// Most videos that a player sees by distance, 0 to 9.
    pub(super) max_video: Option<u8>,
    /// Whether blocked tiles of the map also block audio and video; null for the setting of the
    /// map.
    #[serde(default)]
    #[schema(value_type = Option<bool>)]
    pub(super) walls_block: Patch<Option<bool>>,
}

impl ProximityChange {
    /// The rules after the change; refused when one of them is out of range.
    pub(super) fn of(&self, now: ProximityRules) -> Result<ProximityRules, ApiError> {
        let rules = ProximityRules {
            range_tiles: self.range_tiles.unwrap_or(now.range_tiles),
            max_audio: self.max_audio.unwrap_or(now.max_audio),
            max_video: self.max_video.unwrap_or(now.max_video),
            walls_block: self.walls_block.or(now.walls_block),
        };
        if !REACHES.contains(&rules.range_tiles) {
            return Err(ApiError::bad("Voices carry 2 to 12 tiles."));
        }
        if !VOICES.contains(&rules.max_audio) {
            return Err(ApiError::bad("1 to 16 voices are heard at once."));
        }
        if !PICTURES.contains(&rules.max_video) {
            return Err(ApiError::bad("0 to 9 pictures are seen at once."));
        }
        Ok(rules)
    }
}

/// Show the settings of a space
#[utoipa::path(
    get,
    path = "/space/{id}/settings",
    operation_id = "spaceSettings",
    tag = "spaces",
    security(("token" = [])),
    params(("id" = String, Path, description = "The space")),
    responses(
        (status = 200, body = SpaceSettings),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn show(
    State(state): State<AppState>,
    caller: Caller,
    Path(space): Path<SpaceId>,
) -> Result<Json<SpaceSettings>, ApiError> {
    let entered = state.at(space, Some(&caller)).await?;
    let may_change = entered.may(Permission::ManageChat);
    Ok(Json(settings(entered.row.proximity, may_change)))
}

/// Change the settings of a space
///
/// Everyone inside is told of new proximity rules, which hold at once.
#[utoipa::path(
    patch,
    path = "/space/{id}/settings",
    operation_id = "changeSpaceSettings",
    tag = "spaces",
    security(("token" = [])),
    params(("id" = String, Path, description = "The space")),
    request_body = ProximityChange,
    responses(
        (status = 200, body = SpaceSettings),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn change(
    State(state): State<AppState>,
    caller: Caller,
    Path(space): Path<SpaceId>,
    body: UnreadBody<ProximityChange>,
) -> Result<Json<SpaceSettings>, ApiError> {
    let permission = Permission::ManageChat;
    let (entered, body) = state.read_for(&caller, space, permission, body).await?;
    let rules = body.of(entered.row.proximity)?;
    change_proximity(&state, space, rules).await?;
    Ok(Json(settings(rules, true)))
}

/// Stores the proximity rules of a space, and applies them where it runs.
pub(super) async fn change_proximity(
    state: &AppState,
    space: SpaceId,
    rules: ProximityRules,
) -> Result<(), ApiError> {
    state.store.change_proximity_rules(space, rules).await?;
    let command = Command::Proximity(ProximityCommand::SetRules { rules });
    state.spaces.tell(space, command);
    Ok(())
}

const fn settings(rules: ProximityRules, may_change: bool) -> SpaceSettings {
    SpaceSettings {
        range_tiles: rules.range_tiles,
        max_audio: rules.max_audio,
        max_video: rules.max_video,
        walls_block: rules.walls_block,
        may_change,
    }
}
