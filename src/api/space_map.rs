//! Space map: everything that a client needs to draw a space and to predict collisions.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::access;
use super::address::Address;
use super::drawn::{Drawing, Viewer};
use super::error::{ApiError, Problem};
use super::extract::{Caller, Path};
use super::{AppState, files};
use crate::components::id::SpaceId;
use crate::store::elements::{Footprint, PlacedElement};
use crate::store::layouts::LayoutRow;
use crate::store::maps::{TileLayer, ZoneEntry};

/// Map of a space.
#[derive(Serialize, ToSchema)]
pub struct SpaceMap {
    /// Rises with every change of the placed elements.
    version: u32,
    /// Id of the space.
    id: String,
    /// Name.
    name: String,
    /// Width, in tiles.
    width: u16,
    /// Height, in tiles.
    height: u16,
    /// Names of the tiles: a cell with value `n` shows `tiles[n - 1]`; 0 shows nothing.
    tiles: Vec<String>,
    /// Layers, bottom first; empty when the space has no map.
    layers: Vec<TileLayer>,
    /// One text per row, with `1` where the map itself blocks.
    blocked: Vec<String>,
    /// Zones of the map.
    zones: Vec<ZoneEntry>,
    /// Placed elements.
    elements: Vec<MapElement>,
}

/// A placed element.
#[derive(Serialize, ToSchema)]
pub struct MapElement {
    /// Id of the placed element.
    id: String,
    /// Leftmost column.
    x: u16,
    /// Topmost row.
    y: u16,
    /// The element that is placed.
    element: MapElementKind,
}

/// The element that is placed.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MapElementKind {
    /// Id of the element.
    id: String,
    /// Address of the picture.
    image_url: String,
    /// Width, in tiles.
    width: u16,
    /// Height, in tiles.
    height: u16,
    /// Whether its footprint blocks movement.
    r#static: bool,
    /// Whether players are always drawn over it.
    flat: bool,
    /// Part that blocks movement.
    footprint: Footprint,
}

impl From<PlacedElement> for MapElement {
    fn from(placed: PlacedElement) -> Self {
        let element = placed.element;
        Self {
            id: placed.id.to_string(),
            x: placed.corner.x,
            y: placed.corner.y,
            element: MapElementKind {
                id: element.id.to_string(),
                footprint: element.footprint(),
                image_url: element.image_url,
                width: element.width,
                height: element.height,
                r#static: element.is_static,
                flat: element.flat,
            },
        }
    }
}

/// Read the map of a space
#[utoipa::path(
    get,
    path = "/space/{id}/map",
    operation_id = "spaceMap",
    tag = "spaces",
    security((), ("token" = [])),
    params(("id" = String, Path, description = "The space")),
    responses(
        (status = 200, body = SpaceMap),
        (status = 304, description = "Nothing changed"),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn show(
    State(state): State<AppState>,
    caller: Option<Caller>,
    from: Address,
    Path(space): Path<SpaceId>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let row = state.at(space, caller.as_ref()).await?.row;
    // A client that reads the map usually enters the space next.
    state.spaces.noticed(space, row.plan_version);
    let etag = files::etag_of_version(row.plan_version);
    if let Some(unchanged) = files::unchanged(&headers, &etag) {
        return Ok(unchanged);
    }
    let drawing = Drawing::SpaceMap(space, row.plan_version);
    let read = access::layout(&state, space);
    let user = caller.map(|caller| caller.who.user);
    let drawn = state
        .drawings
        .get(drawing, Viewer { from, user }, read, write);
    let answer = drawn.await?.answer("application/json", &headers);
    Ok(files::with_etag(answer, &etag))
}

fn write(layout: LayoutRow) -> Vec<u8> {
    let LayoutRow {
        space: row,
        document,
        placed,
    } = layout;
    let blocked = if document.blocked.is_empty() {
        open_rows(row.width, row.height)
    } else {
        document.blocked
    };
    let map = SpaceMap {
        version: row.plan_version,
        id: row.id.to_string(),
        name: row.name,
        width: row.width,
        height: row.height,
        tiles: document.tiles,
        layers: document.layers,
        blocked,
        zones: document.zones,
        elements: placed.into_iter().map(MapElement::from).collect(),
    };
    serde_json::to_vec(&map).expect("a map of numbers and texts can always be serialised")
}

/// Rows of a map that blocks nowhere.
fn open_rows(width: u16, height: u16) -> Vec<String> {
    vec!["0".repeat(usize::from(width)); usize::from(height)]
}
