//! Builder: makes the document of a map from the layers of a Tiled map, and collects all problems.

use std::collections::HashMap;

use serde_json::Value;

use super::format::{RawLayer, RawObject, TiledMap, flag, number, one_of, text, unknown};
use crate::components::tile_rect::TileRect;
use crate::components::unit::Tile;
use crate::components::zone::ZoneKind;
use crate::store::maps::{MapDocument, TargetEntry, TileLayer, ZoneEntry};
use crate::store::seed::check::check_name;
use crate::store::seed::strict;

/// Bits of a cell that rotate or mirror its tile.
const FLIP_BITS: u32 = 0xF000_0000;
/// Most objects of a map.
const MOST_OBJECTS: usize = 10_000;
/// Properties that the object of a zone may have.
const ZONE_PROPERTIES: [&str; 7] = ["cap", "space", "zone", "url", "text", "audience", "reach"];
/// Most invalid cells of a layer that are reported one by one.
const NAMED_CELLS: usize = 5;

/// A tile of the tileset.
struct TileKind<'a> {
    name: &'a str,
    blocks: bool,
    /// Number in the document, once a cell uses it.
    number: Option<u16>,
}

/// Reads the layers of a map one by one.
pub(super) struct Builder<'a> {
    raw: &'a TiledMap,
    first: u32,
    /// By the tile's id.
    kinds: HashMap<u32, TileKind<'a>>,
    tiles: Vec<String>,
    layers: Vec<TileLayer>,
    pub(super) zones: Vec<ZoneEntry>,
    blocked: Vec<bool>,
    walls: bool,
    pub(super) elements: Vec<(String, Tile)>,
    pub(super) problems: &'a mut Vec<String>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(raw: &'a TiledMap, problems: &'a mut Vec<String>) -> Self {
        let (first, tiles) = match raw.tilesets.as_slice() {
            [] => (1, [].as_slice()),
            [one] => {
                problems.extend(
                    raw.tileset_problems(one)
                        .into_iter()
                        .map(|what| format!("the tileset: {what}")),
                );
                (one.firstgid, one.tiles.as_slice())
            }
            _ => {
                problems.push("a map has one tileset".into());
                (1, [].as_slice())
            }
        };
        let tiles = tiles.iter();
        let tiles = tiles.filter(|tile| tile.id < u32::from(u16::MAX));
        let mut kinds = HashMap::new();
        for tile in tiles {
            let (name, blocks) = raw.tile(tile).unwrap_or_else(|found| {
                let found = found.into_iter();
                problems.extend(found.map(|what| format!("tile {}: {what}", tile.id)));
                ("", false)
            });
            let number = None;
            kinds.insert(
                tile.id,
                TileKind {
                    name,
                    blocks,
                    number,
                },
            );
        }
        let walls = flag(&raw.properties, "walls").unwrap_or_else(|what| {
            problems.push(what);
            false
        });
        Self {
            raw,
            first,
            kinds,
            tiles: Vec::new(),
            layers: Vec::new(),
            zones: Vec::new(),
            walls,
            blocked: vec![false; usize::from(raw.width) * usize::from(raw.height)],
            elements: Vec::new(),
            problems,
        }
    }

    /// Reads one layer.
    pub(super) fn layer(&mut self, layer: &RawLayer) {
        self.problems
            .extend(strict::problems(&layer.extra, strict::LAYER));
        match (layer.kind.as_str(), layer.name.as_str()) {
            ("tilelayer", _) => {
                let known = ["collides", "above"];
                self.problems
                    .extend(unknown(&layer.properties, &known, "a tile layer"));
                if let Err(what) = self.tile_layer(layer) {
                    self.problems.push(what);
                }
            }
            ("objectgroup", "elements") => self.each_object(layer, Self::element),
            ("objectgroup", "zones") => self.each_object(layer, Self::zone),
            ("objectgroup", _) => self
                .problems
                .push("an object layer is called `elements` or `zones`".into()),
            (kind, _) => self.problems.push(format!(
                "a layer is a tilelayer or an objectgroup, not a {kind}"
            )),
        }
    }

    fn tile_layer(&mut self, layer: &RawLayer) -> Result<(), String> {
        if layer.width != Some(self.raw.width) || layer.height != Some(self.raw.height) {
            return Err("it is as large as the map".into());
        }
        let (Some(Value::Array(cells)), None | Some("csv")) =
            (&layer.data, layer.encoding.as_deref())
        else {
            return Err(
                "its data is a list of numbers; save with the tile layer format CSV".into(),
            );
        };
        if cells.len() != self.blocked.len() {
            return Err(format!(
                "it has {} cells instead of {}",
                cells.len(),
                self.blocked.len()
            ));
        }
        let collides = flag(&layer.properties, "collides")?;
        let mut data = Vec::with_capacity(cells.len());
        let mut wrong = 0;
        for (place, cell) in cells.iter().enumerate() {
            let (number, blocks) = self.cell(cell).unwrap_or_else(|what| {
                wrong += 1;
                if wrong <= NAMED_CELLS {
                    let width = usize::from(self.raw.width);
                    let problem = format!("cell {},{}: {what}", place % width, place / width);
                    self.problems.push(problem);
                }
                (0, false)
            });
            self.blocked[place] |= blocks || (collides && number > 0);
            data.push(number);
        }
        if wrong > NAMED_CELLS {
            self.problems
                .push(format!("and {} more cells", wrong - NAMED_CELLS));
        }
        let above = flag(&layer.properties, "above")?;
        self.layers.push(TileLayer {
            name: layer.name.clone(),
            above,
            data,
        });
        Ok(())
    }

    /// Number of a cell in the document, and whether its tile blocks.
    fn cell(&mut self, cell: &Value) -> Result<(u16, bool), String> {
        let gid = cell
            .as_u64()
            .and_then(|gid| u32::try_from(gid).ok())
            .ok_or("a cell is a number")?;
        if gid == 0 {
            return Ok((0, false));
        }
        if gid & FLIP_BITS != 0 {
            return Err(
                "turned and mirrored tiles are not taken; draw the tile as it is to be".into(),
            );
        }
        let unknown = || format!("there is no tile {gid} in the tileset");
        let id = gid.checked_sub(self.first).ok_or_else(unknown)?;
        let kind = self.kinds.get_mut(&id).ok_or_else(unknown)?;
        let tiles = &mut self.tiles;
        let number = *kind.number.get_or_insert_with(|| {
            tiles.push(kind.name.to_owned());
            u16::try_from(tiles.len()).expect("a tileset has fewer tiles")
        });
        Ok((number, kind.blocks))
    }

    fn each_object(
        &mut self,
        layer: &RawLayer,
        take: fn(&mut Self, &RawObject, &str) -> Result<(), String>,
    ) {
        self.problems
            .extend(unknown(&layer.properties, &[], "an object layer"));
        if layer.objects.len() > MOST_OBJECTS {
            return self
                .problems
                .push(format!("it has at most {MOST_OBJECTS} objects"));
        }
        for object in &layer.objects {
            let mut found: Vec<String> = strict::problems(&object.extra, strict::OBJECT).collect();
            let taken =
                one_of(&object.kind, &object.class).and_then(|kind| take(self, object, kind));
            // An object of another shape is not on the grid either: one problem is enough.
            if found.is_empty() {
                found.extend(taken.err());
            }
            let name = if object.name.is_empty() {
                &object.kind
            } else {
                &object.name
            };
            self.problems.extend(
                found
                    .into_iter()
                    .map(|what| format!("object {} (`{name}`): {what}", object.id)),
            );
        }
    }

    fn element(&mut self, object: &RawObject, kind: &str) -> Result<(), String> {
        if kind.is_empty() {
            return Err("its type is the key of an element".into());
        }
        if let Some(what) = unknown(&object.properties, &[], "an element").next() {
            return Err(what);
        }
        let corner = Tile::new(self.tiles_of(object.x)?, self.tiles_of(object.y)?);
        self.elements.push((kind.to_owned(), corner));
        Ok(())
    }

    fn zone(&mut self, object: &RawObject, word: &str) -> Result<(), String> {
        let kind = ZoneKind::from_word(word).ok_or_else(|| {
            let words = ZoneKind::ALL.map(ZoneKind::word).join(", ");
            format!("its type is the kind of a zone: {words}")
        })?;
        let area = TileRect {
            corner: Tile::new(self.tiles_of(object.x)?, self.tiles_of(object.y)?),
            width: self.tiles_of(object.width)?,
            height: self.tiles_of(object.height)?,
        };
        if !object.name.is_empty() {
            check_name(&object.name)?;
        }
        let properties = &object.properties;
        if let Some(what) = unknown(properties, &ZONE_PROPERTIES, "a zone").next() {
            return Err(what);
        }
        let (space, zone) = (text(properties, "space")?, text(properties, "zone")?);
        let entry = ZoneEntry {
            cap: number(properties, "cap")?,
            reach: number(properties, "reach")?,
            target: (space.is_some() || zone.is_some()).then(|| TargetEntry {
                space: space.filter(|space| !space.is_empty()),
                zone: zone.unwrap_or_default(),
            }),
            url: text(properties, "url")?,
            text: text(properties, "text")?,
            audience: text(properties, "audience")?.map_or_else(Vec::new, |names| {
                names
                    .split(',')
                    .map(|name| name.trim().to_owned())
                    .filter(|name| !name.is_empty())
                    .collect()
            }),
            ..ZoneEntry::new(kind, &object.name, area)
        };
        entry.check(self.raw.width, self.raw.height)?;
        self.zones.push(entry);
        Ok(())
    }

    /// Pixels as whole tiles.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "only whole numbers in range are cast"
    )]
    fn tiles_of(&self, pixels: f64) -> Result<u16, String> {
        let tiles = pixels / f64::from(self.raw.tilewidth);
        if tiles.fract() == 0.0 && (0.0..=1000.0).contains(&tiles) {
            Ok(tiles as u16)
        } else {
            Err(format!(
                "{pixels} px is not a whole number of tiles inside the map; snap it to the grid"
            ))
        }
    }

    /// The document of the map.
    pub(super) fn document(self) -> MapDocument {
        let row = |cells: &[bool]| {
            cells
                .iter()
                .map(|blocked| if *blocked { '1' } else { '0' })
                .collect()
        };
        MapDocument {
            tiles: self.tiles,
            layers: self.layers,
            walls: self.walls,
            blocked: self
                .blocked
                .chunks(usize::from(self.raw.width))
                .map(row)
                .collect(),
            zones: self.zones,
        }
    }
}
