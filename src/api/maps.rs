//! Maps: templates of spaces.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::elements::IdAnswer;
use super::error::{ApiError, Problem};
use super::extract::{Admin, Json};
use super::{AppState, check, thumbnails};
use crate::components::unit::Tile;
use crate::store::maps::{NewMap, ZoneEntry, check_zones};

/// Most elements in a request for a new map.
const MOST_ELEMENTS: usize = 5_000;

/// All maps.
#[derive(Serialize, ToSchema)]
pub struct MapList {
    /// Oldest first.
    maps: Vec<MapEntry>,
}

/// A map.
#[derive(Serialize, ToSchema)]
pub struct MapEntry {
    /// Id of the map.
    id: String,
    /// Name.
    name: String,
    /// Description of one or two sentences; may be empty.
    description: String,
    /// Address of its thumbnail.
    thumbnail: String,
    /// Size in tiles, as `WxH`.
    dimensions: String,
}

/// A request to add a map.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MapRequest {
    /// Name, 1 to 100 characters.
    name: String,
    /// Address of its thumbnail; drawn by the server when absent.
    thumbnail: Option<String>,
    /// Size in tiles, as `WxH`, each 1 to 1000.
    dimensions: String,
    /// Elements placed on the map.
    #[serde(default)]
    default_elements: Vec<DefaultElement>,
    /// Zones of the map.
    #[serde(default)]
    zones: Vec<ZoneEntry>,
}

/// An element placed on a new map.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DefaultElement {
    /// Id of the element.
    element_id: String,
    /// Leftmost column.
    x: u16,
    /// Topmost row.
    y: u16,
}

/// List maps
#[utoipa::path(
    get,
    path = "/maps",
    operation_id = "maps",
    tag = "maps",
    responses((status = 200, body = MapList)),
)]
pub async fn list(State(state): State<AppState>) -> Result<Json<MapList>, ApiError> {
    let maps = state.store.maps().await?.into_iter().map(|map| MapEntry {
        thumbnail: map.thumbnail.unwrap_or_else(|| thumbnails::of_map(map.id)),
        id: map.id.to_string(),
        name: map.name,
        description: map.description,
        dimensions: format!("{}x{}", map.width, map.height),
    });
    Ok(Json(MapList {
        maps: maps.collect(),
    }))
}

/// Add a map
#[utoipa::path(
    post,
    path = "/admin/map",
    operation_id = "addMap",
    tag = "admin",
    security(("token" = [])),
    request_body = MapRequest,
    responses(
        (status = 200, body = IdAnswer),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn add(
    State(state): State<AppState>,
    _admin: Admin,
    Json(body): Json<MapRequest>,
) -> Result<Json<IdAnswer>, ApiError> {
    let (width, height) = check::dimensions(&body.dimensions)?;
    check_zones(&body.zones, width, height)
        .map_err(|what| ApiError::bad(format!("The map cannot be taken: {what}.")))?;
    let new = NewMap {
        name: check::name(&body.name)?,
        thumbnail: thumbnail_of(body.thumbnail.as_deref())?,
        width,
        height,
        elements: elements_of(&state, &body.default_elements, (width, height)).await?,
        zones: body.zones,
    };
    Ok(Json(IdAnswer {
        id: state.store.add_map(&new).await?.to_string(),
    }))
}

fn thumbnail_of(given: Option<&str>) -> Result<Option<String>, ApiError> {
    given
        .filter(|url| !url.trim().is_empty())
        .map(check::image_url)
        .transpose()
}

async fn elements_of(
    state: &AppState,
    asked: &[DefaultElement],
    (width, height): (u16, u16),
) -> Result<Vec<(crate::components::id::ElementId, Tile)>, ApiError> {
    if asked.len() > MOST_ELEMENTS {
        return Err(ApiError::bad(format!(
            "A map comes with at most {MOST_ELEMENTS} elements."
        )));
    }
    let known = state.store.elements().await?;
    asked
        .iter()
        .map(|entry| {
            let id = entry.element_id.parse().ok();
            let element = known.iter().find(|element| Some(element.id) == id);
            let element = element.ok_or_else(|| ApiError::bad("There is no such element."))?;
            let corner = Tile::new(entry.x, entry.y);
            if !element.fits(corner, width, height) {
                return Err(ApiError::bad("An element lies outside the map."));
            }
            Ok((element.id, corner))
        })
        .collect()
}
