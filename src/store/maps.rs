//! Maps: templates of spaces, with their tiles, zones and elements.

use serde::{Deserialize, Serialize};
use sqlx::AnyConnection;
use uuid::Uuid;

use super::elements::{PlacedElement, RawPlaced};
use super::{Store, StoreError, id, now_ms, tiles};
use crate::components::id::{ElementId, MapId, SpaceId};
use crate::components::peers::ZONE_REACHES;
use crate::components::tile_rect::TileRect;
use crate::components::unit::Tile;
use crate::components::zone::{MOST_IN_PRIVATE_ZONE, PortalTarget, Zone, ZoneKind};

/// Most zones of a map.
const MOST_ZONES: usize = 500;
/// Longest name of a zone, in letters.
const NAME_LETTERS: usize = 100;
/// Longest text of a note, in letters.
const NOTE_LETTERS: usize = 2_000;
/// Longest address of a link, in bytes.
const URL_BYTES: usize = 2_000;

/// Tiles, collisions and zones of a map; stored as one JSON document.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MapDocument {
    /// Names of the tiles in use: a cell with value `n` shows `tiles[n - 1]`; 0 shows nothing.
    pub tiles: Vec<String>,
    /// Layers, bottom first.
    pub layers: Vec<TileLayer>,
    /// One text per row, with `1` where the map blocks; empty when it blocks nowhere.
    pub blocked: Vec<String>,
    /// Whether blocked tiles also block audio and video.
    #[serde(default)]
    pub walls: bool,
    /// Zones of the map.
    pub zones: Vec<ZoneEntry>,
}

/// A layer of tiles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TileLayer {
    /// Name.
    pub name: String,
    /// Whether it is drawn over players.
    pub above: bool,
    /// Cells, row by row.
    pub data: Vec<u16>,
}

/// A zone as stored in the document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ZoneEntry {
    /// Kind: `spawn`, `private`, `silent`, `stage`, `audience`, `portal`, `link`, `note` or
    /// `voices`.
    pub kind: String,
    /// Name.
    pub name: String,
    /// Leftmost column.
    pub x: u16,
    /// Topmost row.
    pub y: u16,
    /// Width, in tiles.
    pub width: u16,
    /// Height, in tiles.
    pub height: u16,
    /// Most players in a private zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap: Option<u16>,
    /// Destination of a portal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<TargetEntry>,
    /// Address of a link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Text of a note.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Names of the zones in which a stage is heard; empty for the whole space.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub audience: Vec<String>,
    /// Range of audio in a `voices` zone, in tiles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reach: Option<u16>,
}

/// Destination of a portal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TargetEntry {
    /// Id of the space, or its key in a seed; absent for the same space.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub space: Option<String>,
    /// Name of the zone where players arrive; empty for the usual arrival of the space.
    #[serde(default)]
    pub zone: String,
}

impl ZoneEntry {
    /// A zone of this kind, without further options.
    pub fn new(kind: ZoneKind, name: &str, area: TileRect) -> Self {
        Self {
            kind: kind.word().to_owned(),
            name: name.to_owned(),
            x: area.corner.x,
            y: area.corner.y,
            width: area.width,
            height: area.height,
            cap: None,
            target: None,
            url: None,
            text: None,
            audience: Vec::new(),
            reach: None,
        }
    }

    /// Checks the zone against a map of this size; the error is for the author of the map.
    pub fn check(&self, width: u16, height: u16) -> Result<(), String> {
        let kind = ZoneKind::from_word(&self.kind).ok_or_else(|| {
            let words = ZoneKind::ALL.map(ZoneKind::word).join(", ");
            format!("a zone's kind is one of {words}")
        })?;
        let inside = |start: u16, length: u16, all: u16| {
            length > 0 && u32::from(start) + u32::from(length) <= all.into()
        };
        if !inside(self.x, self.width, width) || !inside(self.y, self.height, height) {
            return Err("it has a size and lies inside the map".into());
        }
        if self.name.chars().count() > NAME_LETTERS || self.name.contains('\0') {
            return Err(format!(
                "a zone's name has at most {NAME_LETTERS} letters and no NUL"
            ));
        }
        self.check_options(kind)
    }

    fn check_options(&self, kind: ZoneKind) -> Result<(), String> {
        let only = |property: &str, is_there: bool, of: ZoneKind| {
            let fits = !is_there || kind == of;
            fits.then_some(())
                .ok_or_else(|| format!("only a {} zone has `{property}`", of.word()))
        };
        only("cap", self.cap.is_some(), ZoneKind::Private)?;
        only("target", self.target.is_some(), ZoneKind::Portal)?;
        only("url", self.url.is_some(), ZoneKind::Link)?;
        only("text", self.text.is_some(), ZoneKind::Note)?;
        only("audience", !self.audience.is_empty(), ZoneKind::Stage)?;
        only("reach", self.reach.is_some(), ZoneKind::Voices)?;
        if self
            .cap
            .is_some_and(|cap| !(1..=MOST_IN_PRIVATE_ZONE).contains(&cap))
        {
            return Err(format!("`cap` is 1 to {MOST_IN_PRIVATE_ZONE}"));
        }
        match kind {
            ZoneKind::Portal => match &self.target {
                None => {
                    return Err(
                        "a portal has a `target`: the zone where it comes out, or a space".into(),
                    );
                }
                Some(target) if target.space.is_none() && target.zone.is_empty() => {
                    return Err("a portal's `target` names a zone, a space or both".into());
                }
                Some(_) => {}
            },
            ZoneKind::Link => {
                let url = self.url.as_deref().unwrap_or_default();
                // A page of this server begins with one slash; two slashes, of either kind, name
                // another server.
                let own = url.strip_prefix('/');
                let is_own = own.is_some_and(|path| !path.starts_with(['/', '\\']));
                let is_page = is_own || url.starts_with("https://") || url.starts_with("http://");
                if !is_page || url.len() > URL_BYTES || url.chars().any(char::is_control) {
                    return Err(format!(
                        "a link has a `url` that begins with https://, or with / for a page of \
                        this server, and has at most {URL_BYTES} letters"
                    ));
                }
            }
            ZoneKind::Note => {
                let text = self.text.as_deref().unwrap_or_default();
                if text.trim().is_empty()
                    || text.chars().count() > NOTE_LETTERS
                    || text.contains('\0')
                {
                    return Err(format!(
                        "a note has a `text` of at most {NOTE_LETTERS} letters"
                    ));
                }
            }
            ZoneKind::Voices if self.reach_in_tiles().is_none() => {
                let (least, most) = (ZONE_REACHES.start(), ZONE_REACHES.end());
                return Err(format!(
                    "a voices zone has a `reach` of {least} to {most} tiles"
                ));
            }
            _ => {}
        }
        Ok(())
    }

    fn reach_in_tiles(&self) -> Option<u8> {
        let tiles = u8::try_from(self.reach?).ok()?;
        ZONE_REACHES.contains(&tiles).then_some(tiles)
    }

    fn read(&self, kind: ZoneKind) -> Zone {
        Zone {
            kind,
            name: self.name.clone(),
            area: TileRect {
                corner: Tile::new(self.x, self.y),
                width: self.width,
                height: self.height,
            },
            cap: self.cap,
            target: self.target.as_ref().and_then(|target| {
                Some(PortalTarget {
                    space: target
                        .space
                        .as_ref()
                        .map(|space| space.parse())
                        .transpose()
                        .ok()?,
                    zone: target.zone.clone(),
                })
            }),
            audience: self.audience.clone(),
            reach: self.reach_in_tiles(),
        }
    }
}

/// Checks the zones of a map together: zones that portals and stages name must exist.
pub fn check_zones(zones: &[ZoneEntry], width: u16, height: u16) -> Result<(), String> {
    match zone_problems(zones, width, height).into_iter().next() {
        Some(problem) => Err(problem),
        None => Ok(()),
    }
}

/// Everything that is wrong with the zones of a map together.
pub fn zone_problems(zones: &[ZoneEntry], width: u16, height: u16) -> Vec<String> {
    let mut problems = Vec::new();
    if zones.len() > MOST_ZONES {
        problems.push(format!("a map has at most {MOST_ZONES} zones"));
    }
    let is_there = |name: &String| zones.iter().any(|zone| zone.name == *name);
    for zone in zones {
        let wrong = |what: String| format!("zone `{}`: {what}", zone.name);
        problems.extend(zone.check(width, height).err().map(wrong));
        for name in zone.audience.iter().filter(|name| !is_there(name)) {
            problems.push(wrong(format!(
                "its audience names `{name}`, but no zone is called so"
            )));
        }
        if let Some(TargetEntry {
            space: None,
            zone: name,
        }) = &zone.target
            && !is_there(name)
        {
            problems.push(wrong(format!(
                "its target is `{name}`, but no zone is called so"
            )));
        }
    }
    problems
}

impl MapDocument {
    /// The blocked tiles.
    pub fn blocked_tiles(&self) -> Vec<Tile> {
        (0..)
            .zip(&self.blocked)
            .flat_map(|(y, row)| {
                (0..)
                    .zip(row.bytes())
                    .filter(|(_, cell)| *cell == b'1')
                    .map(move |(x, _)| Tile::new(x, y))
            })
            .collect()
    }

    /// The zones. Clients that show the map must skip the same invalid ones, so that the numbers
    /// match.
    pub fn zones(&self) -> Vec<Zone> {
        self.zones
            .iter()
            .filter_map(|zone| Some(zone.read(ZoneKind::from_word(&zone.kind)?)))
            .collect()
    }
}

/// A map in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapRow {
    /// Id of the map.
    pub id: MapId,
    /// Name.
    pub name: String,
    /// One or two sentences; may be empty.
    pub description: String,
    /// Address of a chosen thumbnail.
    pub thumbnail: Option<String>,
    /// Width, in tiles.
    pub width: u16,
    /// Height, in tiles.
    pub height: u16,
}

/// A map to be added.
#[derive(Debug, Clone)]
pub struct NewMap {
    /// Name.
    pub name: String,
    /// Address of a chosen thumbnail.
    pub thumbnail: Option<String>,
    /// Width, in tiles.
    pub width: u16,
    /// Height, in tiles.
    pub height: u16,
    /// Placed elements.
    pub elements: Vec<(ElementId, Tile)>,
    /// Zones, already checked.
    pub zones: Vec<ZoneEntry>,
}

type MapColumns = (String, String, String, Option<String>, i64, i64);

fn read(
    (map, name, description, thumbnail, width, height): MapColumns,
) -> Result<MapRow, StoreError> {
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
    /// All maps, oldest first.
    pub async fn maps(&self) -> Result<Vec<MapRow>, StoreError> {
        let rows: Vec<MapColumns> = sqlx::query_as(
            "select id, name, description, thumbnail, width, height from maps order by id",
        )
        .fetch_all(&self.readers)
        .await?;
        rows.into_iter().map(read).collect()
    }

    /// One map.
    pub async fn map(&self, map: MapId) -> Result<Option<MapRow>, StoreError> {
        let row: Option<MapColumns> = sqlx::query_as(
            "select id, name, description, thumbnail, width, height from maps where id = $1",
        )
        .bind(map.to_string())
        .fetch_optional(&self.readers)
        .await?;
        row.map(read).transpose()
    }

    /// Document of a map; empty when there is no such map.
    pub async fn map_document(&self, map: MapId) -> Result<MapDocument, StoreError> {
        read_document(&mut *self.readers.acquire().await?, map).await
    }

    /// Placed elements of a map, with the ids of the map's own placements.
    pub async fn map_placed(&self, map: MapId) -> Result<Vec<PlacedElement>, StoreError> {
        let rows: Vec<RawPlaced> = sqlx::query_as(
            "select map_elements.id as placement_id, x, y, elements.id as element_id, name, \
            image_url, width, height, \
             is_static, flat, footprint from map_elements join elements on elements.id = \
             map_elements.element_id \
             where map_id = $1 order by map_elements.id",
        )
        .bind(map.to_string())
        .fetch_all(&self.readers)
        .await?;
        rows.into_iter().map(RawPlaced::read).collect()
    }

    /// Adds a map without tiles. The elements must exist.
    pub async fn add_map(&self, new: &NewMap) -> Result<MapId, StoreError> {
        let map = MapId(Uuid::now_v7());
        let document = serde_json::to_string(&MapDocument {
            zones: new.zones.clone(),
            ..MapDocument::default()
        })
        .expect("a document is plain data");
        let mut tx = self.begin().await?;
        sqlx::query(
            "insert into maps (id, name, description, thumbnail, width, height, document, \
            created_at) \
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
            sqlx::query(
                "insert into map_elements (id, map_id, element_id, x, y) values ($1, $2, \
                $3, $4, $5)",
            )
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

/// Document of a map, over a given connection; empty when there is no such map.
pub(super) async fn read_document(
    connection: &mut AnyConnection,
    map: MapId,
) -> Result<MapDocument, StoreError> {
    let row: Option<(String,)> = sqlx::query_as("select document from maps where id = $1")
        .bind(map.to_string())
        .fetch_optional(&mut *connection)
        .await?;
    let mut document: MapDocument = row.map_or_else(
        || Ok(MapDocument::default()),
        |(text,)| serde_json::from_str(&text).map_err(|_| StoreError::Corrupt("a map")),
    )?;
    document
        .zones
        .retain(|zone| ZoneKind::from_word(&zone.kind).is_some());
    for zone in &mut document.zones {
        if let Some(target) = &mut zone.target {
            name_space(connection, target).await?;
        }
    }
    Ok(document)
}

/// Replaces a space's key by its id. Maps of a seed name spaces by key, because ids do not exist
/// when the map is drawn.
async fn name_space(
    connection: &mut AnyConnection,
    target: &mut TargetEntry,
) -> Result<(), StoreError> {
    let Some(key) = target
        .space
        .as_ref()
        .filter(|space| space.parse::<SpaceId>().is_err())
    else {
        return Ok(());
    };
    let row: Option<(String,)> = sqlx::query_as("select id from spaces where seed_key = $1")
        .bind(key)
        .fetch_optional(connection)
        .await?;
    if let Some((space,)) = row {
        target.space = Some(space);
    }
    Ok(())
}
