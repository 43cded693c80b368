//! Spaces: creating, showing and deleting them.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::access;
use super::address::Address;
use super::drawn::{Drawing, Viewer};
use super::elements::ElementEntry;
use super::empty::Empty;
use super::error::{ApiError, Problem};
use super::extract::{Caller, Json, Path, Query};
use super::{AppState, check, thumbnails, word_filter};
use crate::components::id::{MapId, SpaceId};
use crate::components::membership::AccessPolicy;
use crate::components::permissions::Permission;
use crate::store::layouts::LayoutRow;
use crate::store::spaces::{Access, NewSpace, Page};
use crate::store::{SpaceRow, Store};

/// Spaces per page of a list.
pub const PAGE: u32 = 50;

/// A request to create a space.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SpaceRequest {
    /// Name, 1 to 100 characters.
    name: String,
    /// Size in tiles, as `WxH`, each 1 to 1000; not needed with `mapId`.
    dimensions: Option<String>,
    /// Id of the map from which it gets its size and elements.
    map_id: Option<String>,
    /// Whether the lobby lists it for everyone; otherwise people need its link.
    #[serde(default)]
    public: bool,
    /// Whether messages are saved: `kept` for ever, or `ephemeral` (the default): lost when the
    /// last player leaves.
    #[serde(default)]
    chat: ChatMode,
    /// Who may enter: `open` (the default) or `members`. A password is set afterwards, by
    /// `PATCH /space/{id}`.
    access_policy: Option<NewPolicy>,
}

/// Who may enter a new space.
#[derive(Deserialize, ToSchema, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum NewPolicy {
    /// Everyone.
    Open,
    /// Members only.
    Members,
}

/// How a space treats its messages.
#[derive(Deserialize, ToSchema, Clone, Copy, PartialEq, Eq, Default)]
#[serde(rename_all = "lowercase")]
pub enum ChatMode {
    /// Lost when the last player leaves.
    #[default]
    Ephemeral,
    /// Saved for ever.
    Kept,
}

/// The space that was created.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SpaceAnswer {
    /// The space's id.
    space_id: String,
}

/// Page of a list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageCursor {
    /// Asks for pages: empty for the first one, otherwise `cursor` of the previous page.
    cursor: Option<String>,
}

/// Spaces of the caller.
#[derive(Serialize, ToSchema)]
pub struct SpaceList {
    /// Newest first.
    spaces: Vec<SpaceEntry>,
    /// Cursor of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    cursor: Option<String>,
}

/// A space of the caller.
#[derive(Serialize, ToSchema)]
pub struct SpaceEntry {
    /// Id of the space.
    id: String,
    /// Name.
    name: String,
    /// Address of its thumbnail.
    thumbnail: String,
    /// Size in tiles, as `WxH`.
    dimensions: String,
}

/// A space with its placed elements.
#[derive(Serialize, ToSchema)]
pub struct SpaceView {
    /// Id of the space.
    id: String,
    /// Name.
    name: String,
    /// Size in tiles, as `WxH`.
    dimensions: String,
    /// The same size in numbers.
    space: Size,
    /// Placed elements.
    elements: Vec<PlacedEntry>,
}

/// A size in tiles.
#[derive(Serialize, ToSchema)]
pub struct Size {
    /// Width.
    width: u16,
    /// Height.
    height: u16,
}

/// A placed element.
#[derive(Serialize, ToSchema)]
pub struct PlacedEntry {
    /// Id of the placed element.
    id: String,
    /// The element that is placed.
    element: ElementEntry,
    /// Leftmost column.
    x: u16,
    /// Topmost row.
    y: u16,
}

/// Create a space
#[utoipa::path(
    post,
    path = "/space",
    operation_id = "addSpace",
    tag = "spaces",
    security(("token" = [])),
    request_body = SpaceRequest,
    responses(
        (status = 200, body = SpaceAnswer),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn add(
    State(state): State<AppState>,
    caller: Caller,
    Json(body): Json<SpaceRequest>,
) -> Result<Json<SpaceAnswer>, ApiError> {
    caller.require_account()?;
    let quotas = CallerQuotas::of(&state, &caller);
    let name = check::name(&body.name)?;
    word_filter::name(&state, &caller, &name).await?;
    let given = body
        .dimensions
        .as_deref()
        .map(check::dimensions)
        .transpose()?;
    let map = body.map_id.as_deref().filter(|id| !id.is_empty());
    let (map, (width, height)) = if let Some(id) = map {
        size_of_map(&state.store, id).await?
    } else {
        let given = given.ok_or_else(|| ApiError::bad("Give dimensions or a mapId."))?;
        (None, quotas.fits(given)?)
    };
    let access = if body.public {
        Access::Public
    } else {
        Access::Unlisted
    };
    let space = NewSpace {
        name,
        creator: caller.user(),
        map,
        access,
        policy: match body.access_policy {
            Some(NewPolicy::Members) => AccessPolicy::Members,
            Some(NewPolicy::Open) | None => AccessPolicy::Open,
        },
        width,
        height,
        keeps_chat: body.chat == ChatMode::Kept,
    };
    caller.creates(&state)?;
    let space = state.store.add_space_within(&space, quotas.spaces).await?;
    let space = space.ok_or_else(|| quotas.too_many_spaces())?;
    Ok(Json(SpaceAnswer {
        space_id: space.to_string(),
    }))
}

/// Quotas of the caller; `None` for no limit: admins, and settings of 0.
pub(super) struct CallerQuotas {
    pub(super) spaces: u32,
    tiles: u32,
}

impl CallerQuotas {
    pub(super) fn of(state: &AppState, caller: &Caller) -> Self {
        let most = |quota: u32| {
            if quota == 0 || caller.may_on_server(Permission::ExceedQuotas) {
                u32::MAX
            } else {
                quota
            }
        };
        Self {
            spaces: most(state.settings.quotas.spaces),
            tiles: most(state.settings.quotas.tiles),
        }
    }

    fn fits(&self, (width, height): (u16, u16)) -> Result<(u16, u16), ApiError> {
        if u32::from(width) * u32::from(height) <= self.tiles {
            return Ok((width, height));
        }
        let most = self.tiles;
        Err(ApiError::OverQuota(format!(
            "A space has at most {most} tiles here, columns times rows (--max-space-tiles)."
        )))
    }

    pub(super) fn too_many_spaces(&self) -> ApiError {
        let most = self.spaces;
        ApiError::OverQuota(format!(
            "You have {most} spaces, which is as many as one person may have here \
            (--max-spaces-per-user). Delete one first."
        ))
    }
}

async fn size_of_map(store: &Store, id: &str) -> Result<(Option<MapId>, (u16, u16)), ApiError> {
    let unknown = || ApiError::bad("There is no such map.");
    let map = store
        .map(id.parse().map_err(|_| unknown())?)
        .await?
        .ok_or_else(unknown)?;
    Ok((Some(map.id), (map.width, map.height)))
}

/// List own spaces
#[utoipa::path(
    get,
    path = "/space/all",
    operation_id = "mySpaces",
    tag = "spaces",
    security(("token" = [])),
    params(PageCursor),
    responses(
        (status = 200, body = SpaceList),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn mine(
    State(state): State<AppState>,
    caller: Caller,
    Query(PageCursor { cursor }): Query<PageCursor>,
) -> Result<Json<SpaceList>, ApiError> {
    let after = cursor.as_deref().map_or(Ok(None), after)?;
    let limit = if cursor.is_some() { PAGE + 1 } else { u32::MAX };
    let mut rows = state
        .store
        .spaces_of(
            caller.user(),
            Page {
                search: "",
                after,
                limit,
                ..Page::default()
            },
        )
        .await?;
    let cursor = if cursor.is_some() {
        cut_page(&mut rows)
    } else {
        None
    };
    let spaces = rows.into_iter().map(|row| SpaceEntry {
        id: row.id.to_string(),
        thumbnail: thumbnails::of_space(&row, &state.key),
        dimensions: dimensions_of(&row),
        name: row.name,
    });
    Ok(Json(SpaceList {
        spaces: spaces.collect(),
        cursor,
    }))
}

/// Start of a page; an empty cursor asks for the first one.
pub fn after(cursor: &str) -> Result<Option<SpaceId>, ApiError> {
    if cursor.is_empty() {
        return Ok(None);
    }
    cursor
        .parse()
        .map(Some)
        .map_err(|_| ApiError::bad("There is no such page."))
}

/// Drops rows beyond the page; returns the cursor of the next one.
pub fn cut_page(rows: &mut Vec<SpaceRow>) -> Option<String> {
    let more = rows.len() > PAGE as usize;
    rows.truncate(PAGE as usize);
    rows.last().filter(|_| more).map(|row| row.id.to_string())
}

/// Size of a space, as `WxH`.
pub fn dimensions_of(space: &SpaceRow) -> String {
    format!("{}x{}", space.width, space.height)
}

/// Read a space
#[utoipa::path(
    get,
    path = "/space/{id}",
    operation_id = "space",
    tag = "spaces",
    security((), ("token" = [])),
    params(("id" = String, Path, description = "The space")),
    responses(
        (status = 200, body = SpaceView),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn one(
    State(state): State<AppState>,
    caller: Option<Caller>,
    from: Address,
    Path(space): Path<SpaceId>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let row = state.at(space, caller.as_ref()).await?.row;
    // Thousands of elements take long to read and to write: once for each version.
    let drawing = Drawing::Space(space, row.plan_version);
    let read = access::layout(&state, space);
    let user = caller.map(|caller| caller.who.user);
    let drawn = state
        .drawings
        .get(drawing, Viewer { from, user }, read, write);
    Ok(drawn.await?.answer("application/json", &headers))
}

fn write(layout: LayoutRow) -> Vec<u8> {
    let LayoutRow {
        space: row, placed, ..
    } = layout;
    let elements = placed.into_iter().map(|placed| PlacedEntry {
        id: placed.id.to_string(),
        element: ElementEntry::from(&placed.element),
        x: placed.corner.x,
        y: placed.corner.y,
    });
    let view = SpaceView {
        id: row.id.to_string(),
        dimensions: dimensions_of(&row),
        space: Size {
            width: row.width,
            height: row.height,
        },
        elements: elements.collect(),
        name: row.name,
    };
    serde_json::to_vec(&view).expect("numbers and texts can always be serialised")
}

/// Delete own space
///
/// Everyone inside is told and disconnected.
#[utoipa::path(
    delete,
    path = "/space/{id}",
    operation_id = "deleteSpace",
    tag = "spaces",
    security(("token" = [])),
    params(("id" = String, Path, description = "The space")),
    responses(
        (status = 200, body = Empty),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    Path(space): Path<SpaceId>,
) -> Result<Json<Empty>, ApiError> {
    let entered = state.at(space, Some(&caller)).await?;
    entered.require(Permission::DeleteSpace)?;
    remove(&state, space).await
}

/// Deletes a space and disconnects everyone inside.
pub async fn remove(state: &AppState, space: SpaceId) -> Result<Json<Empty>, ApiError> {
    if !state.store.delete_space(space).await? {
        return Err(ApiError::bad("There is no such space."));
    }
    state.spaces.delete(space).await;
    Ok(Json(Empty {}))
}
