//! Maps: templates of spaces, with their tiles, zones and elements.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::elements::{PlacedElement, RawPlaced};
use super::{Store, StoreError, id, now_ms, tiles};
use crate::components::id::{ElementId, MapId};
use crate::components::plan::{Area, Zone, ZoneKind};
use crate::components::unit::Tile;

/// What a map is drawn from and what it blocks; kept as one JSON document.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MapDocument {
    /// Names of the tiles in use: a cell with value `n` shows `tiles[n - 1]`, 0 shows nothing.
    pub tiles: Vec<String>,
    /// Bottom first.
    pub layers: Vec<Layer>,
    /// One text per row, `1` where the map blocks; empty when it blocks nowhere.
    pub blocked: Vec<String>,
    /// Rectangles with a meaning.
    pub zones: Vec<ZoneEntry>,
}

/// One sheet of tiles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Layer {
    /// What its maker called it.
    pub name: String,
    /// Whether it is drawn over people.
    pub above: bool,
    /// Cells, row by row.
    pub data: Vec<u16>,
}

/// A zone as the document keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ZoneEntry {
    /// What it does: `spawn`, `private`, `silent` or `stage`.
    pub kind: String,
    /// What people call it.
    pub name: String,
    /// Leftmost column.
    pub x: u16,
    /// Topmost row.
    pub y: u16,
    /// Columns.
    pub width: u16,
    /// Rows.
    pub height: u16,
}

impl MapDocument {
    /// The blocked tiles.
    pub fn blocked_tiles(&self) -> Vec<Tile> {
        self.blocked
            .iter()
            .enumerate()
            .flat_map(|(y, row)| {
                row.bytes()
                    .enumerate()
                    .filter(|(_, cell)| *cell == b'1')
                    .map(move |(x, _)| Tile::new(x as u16, y as u16))
            })
            .collect()
    }

    /// The zones; one whose kind this version does not know is left out.
    pub fn zones(&self) -> Vec<Zone> {
        self.zones
            .iter()
            .filter_map(|zone| {
                Some(Zone {
                    kind: ZoneKind::from_word(&zone.kind)?,
                    name: zone.name.clone(),
                    area: Area {
                        corner: Tile::new(zone.x, zone.y),
                        width: zone.width,
                        height: zone.height,
                    },
                })
            })
            .collect()
    }
}

/// A map in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapRow {
    /// Which.
    pub id: MapId,
    /// What it is called.
    pub name: String,
    /// One or two sentences; may be empty.
    pub description: String,
    /// A picture that somebody chose for it.
    pub thumbnail: Option<String>,
    /// Columns.
    pub width: u16,
    /// Rows.
    pub height: u16,
}

/// A map that an admin makes.
#[derive(Debug, Clone)]
pub struct NewMap {
    /// What it is called.
    pub name: String,
    /// A picture of it.
    pub thumbnail: Option<String>,
    /// Columns.
    pub width: u16,
    /// Rows.
    pub height: u16,
    /// What stands on it.
    pub elements: Vec<(ElementId, Tile)>,
}

type RawMap = (String, String, String, Option<String>, i64, i64);

fn read((map, name, description, thumbnail, width, height): RawMap) -> Result<MapRow, StoreError> {
    Ok(MapRow {
        id: id(&map)?,
        name,
        description,
        thumbnail,
        width: tiles(width)?,
        height: tiles(height)?,
    })
}

impl Store {
    /// Every map, oldest first.
    pub async fn maps(&self) -> Result<Vec<MapRow>, StoreError> {
        let rows: Vec<RawMap> =
            sqlx::query_as("select id, name, description, thumbnail, width, height from maps order by id")
                .fetch_all(&self.readers)
                .await?;
        rows.into_iter().map(read).collect()
    }

    /// One map.
    pub async fn map(&self, map: MapId) -> Result<Option<MapRow>, StoreError> {
        let row: Option<RawMap> =
            sqlx::query_as("select id, name, description, thumbnail, width, height from maps where id = $1")
                .bind(map.to_string())
                .fetch_optional(&self.readers)
                .await?;
        row.map(read).transpose()
    }

    /// What a map is drawn from; empty when there is no such map.
    pub async fn map_document(&self, map: MapId) -> Result<MapDocument, StoreError> {
        let row: Option<(String,)> = sqlx::query_as("select document from maps where id = $1")
            .bind(map.to_string())
            .fetch_optional(&self.readers)
            .await?;
        row.map_or_else(
            || Ok(MapDocument::default()),
            |(text,)| serde_json::from_str(&text).map_err(|_| StoreError::Corrupt("a map")),
        )
    }

    /// What stands on a map. The ids are those of the map's own placements.
    pub async fn map_placed(&self, map: MapId) -> Result<Vec<PlacedElement>, StoreError> {
        let rows: Vec<RawPlaced> = sqlx::query_as(
            "select map_elements.id as placement_id, x, y, elements.id as element_id, name, image_url, width, height, \
             is_static, flat, footprint from map_elements join elements on elements.id = map_elements.element_id \
             where map_id = $1 order by map_elements.id",
        )
        .bind(map.to_string())
        .fetch_all(&self.readers)
        .await?;
        rows.into_iter().map(RawPlaced::read).collect()
    }

    /// Adds a map without tiles. The elements must be known.
    pub async fn add_map(&self, new: &NewMap) -> Result<MapId, StoreError> {
        let map = MapId(Uuid::now_v7());
        let document = serde_json::to_string(&MapDocument::default()).expect("a document is plain data");
        let mut tx = self.begin().await?;
        sqlx::query(
            "insert into maps (id, name, description, thumbnail, width, height, document, created_at) \
             values ($1, $2, '', $3, $4, $5, $6, $7)",
        )
        .bind(map.to_string())
        .bind(&new.name)
        .bind(new.thumbnail.as_deref())
        .bind(i64::from(new.width))
        .bind(i64::from(new.height))
        .bind(document)
        .bind(now_ms())
        .execute(&mut *tx)
        .await?;
        for (element, corner) in &new.elements {
            sqlx::query("insert into map_elements (id, map_id, element_id, x, y) values ($1, $2, $3, $4, $5)")
                .bind(Uuid::now_v7().to_string())
                .bind(map.to_string())
                .bind(element.to_string())
                .bind(i64::from(corner.x))
                .bind(i64::from(corner.y))
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        Ok(map)
    }
}
