//! Tiled: reads the part of Tiled's JSON map format (TMJ 1.10) that Plaza's maps use, and reports
//! everything else.

use serde::Deserialize;
use serde_json::Value;

use super::check::check_name;
use super::strict::{self, Extra};
use crate::components::tile_rect::TileRect;
use crate::components::unit::Tile;
use crate::components::zone::ZoneKind;
use crate::store::maps::{MapDocument, TargetEntry, TileLayer, ZoneEntry, zone_problems};

/// Bits of a cell that rotate or mirror its tile.
const FLIP_BITS: u32 = 0xF000_0000;
/// Most layers of a map.
const MOST_LAYERS: usize = 32;
/// Most objects of a map.
const MOST_OBJECTS: usize = 10_000;
/// Properties that the object of a zone may have.
const ZONE_PROPERTIES: [&str; 7] = ["cap", "space", "zone", "url", "text", "audience", "reach"];
/// Properties that a map may have.
const MAP_PROPERTIES: [&str; 3] = ["name", "description", "walls"];
/// Most invalid cells of a layer that are reported one by one.
const NAMED_CELLS: usize = 5;
/// Longest description, in letters.
const DESCRIPTION_LETTERS: usize = 500;

/// A map of a seed.
#[derive(Debug)]
pub(super) struct SeedMap {
    /// Name of the file without its extension.
    pub key: String,
    pub name: String,
    pub description: String,
    pub width: u16,
    pub height: u16,
    pub document: MapDocument,
    /// Keys of elements and their tiles.
    pub elements: Vec<(String, Tile)>,
}

impl SeedMap {
    /// Name of the file it was read from.
    pub fn file(&self) -> String {
        format!("maps/{}.tmj", self.key)
    }
}

#[derive(Deserialize)]
struct TiledMap {
    orientation: String,
    #[serde(default)]
    infinite: bool,
    width: u16,
    height: u16,
    tilewidth: u16,
    tileheight: u16,
    tilesets: Vec<RawTileset>,
    layers: Vec<RawLayer>,
    #[serde(default)]
    properties: Vec<Property>,
    #[serde(flatten)]
    extra: Extra,
}

#[derive(Deserialize)]
struct RawTileset {
    firstgid: u32,
    source: Option<String>,
    image: Option<String>,
    tilewidth: Option<u32>,
    tileheight: Option<u32>,
    #[serde(default)]
    tiles: Vec<RawTile>,
    #[serde(flatten)]
    extra: Extra,
}

#[derive(Deserialize)]
struct RawTile {
    id: u32,
    #[serde(rename = "type", default)]
    kind: String,
    /// Name of the type in Tiled 1.9.
    #[serde(default)]
    class: String,
    imagewidth: Option<u32>,
    imageheight: Option<u32>,
    width: Option<u32>,
    height: Option<u32>,
    #[serde(default)]
    properties: Vec<Property>,
    #[serde(flatten)]
    extra: Extra,
}

#[derive(Deserialize)]
struct RawLayer {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    width: Option<u16>,
    height: Option<u16>,
    encoding: Option<String>,
    data: Option<Value>,
    #[serde(default)]
    objects: Vec<RawObject>,
    #[serde(default)]
    properties: Vec<Property>,
    #[serde(flatten)]
    extra: Extra,
}

#[derive(Deserialize)]
struct RawObject {
    id: u32,
    #[serde(default)]
    name: String,
    #[serde(rename = "type", default)]
    kind: String,
    /// Name of the type in Tiled 1.9.
    #[serde(default)]
    class: String,
    x: f64,
    y: f64,
    #[serde(default)]
    width: f64,
    #[serde(default)]
    height: f64,
    #[serde(default)]
    properties: Vec<Property>,
    #[serde(flatten)]
    extra: Extra,
}

#[derive(Deserialize)]
struct Property {
    name: String,
    value: Value,
}

fn flag(properties: &[Property], name: &str) -> Result<bool, String> {
    match properties.iter().find(|property| property.name == name) {
        None => Ok(false),
        Some(property) => property
            .value
            .as_bool()
            .ok_or_else(|| format!("the property `{name}` is true or false")),
    }
}

fn text(properties: &[Property], name: &str) -> Result<Option<String>, String> {
    match properties.iter().find(|property| property.name == name) {
        None => Ok(None),
        Some(property) => match property.value.as_str() {
            Some(text) => Ok(Some(text.trim().to_owned())),
            None => Err(format!("the property `{name}` is a text")),
        },
    }
}

fn number(properties: &[Property], name: &str) -> Result<Option<u16>, String> {
    match properties.iter().find(|property| property.name == name) {
        None => Ok(None),
        Some(property) => match property
            .value
            .as_u64()
            .and_then(|number| u16::try_from(number).ok())
        {
            Some(number) => Ok(Some(number)),
            None => Err(format!("the property `{name}` is a whole number")),
        },
    }
}

/// Whichever of `type` and `class` is used.
fn one_of<'a>(kind: &'a str, class: &'a str) -> Result<&'a str, String> {
    match (kind, class) {
        (kind, "") => Ok(kind),
        ("", class) => Ok(class),
        _ => Err("it has a `type` and a `class`: keep one of the two".into()),
    }
}

/// Reports properties that are not in `known`.
fn unknown<'a>(
    properties: &'a [Property],
    known: &'a [&str],
    what: &'a str,
) -> impl Iterator<Item = String> + 'a {
    let strange = properties
        .iter()
        .filter(|property| !known.contains(&property.name.as_str()));
    strange.map(move |property| {
        let may = if known.is_empty() {
            format!("{what} has none")
        } else {
            format!("{what} may have {}", known.join(", "))
        };
        format!("the property `{}` is not known; {may}", property.name)
    })
}

/// Reads a map. Each problem contains its place in the file and a description.
pub(super) fn read(key: &str, bytes: &[u8]) -> Result<SeedMap, Vec<String>> {
    let raw: TiledMap = serde_json::from_slice(bytes).map_err(|error| vec![error.to_string()])?;
    raw.check().map_err(|what| vec![what])?;
    let mut problems: Vec<String> = strict::problems(&raw.extra, strict::MAP).collect();
    problems.extend(unknown(&raw.properties, &MAP_PROPERTIES, "a map"));
    let name = text(&raw.properties, "name").and_then(|name| {
        let name = name.unwrap_or_else(|| key.to_owned());
        check_name(&name).map(|()| name)
    });
    let description = text(&raw.properties, "description").and_then(|text| {
        let text = text.unwrap_or_default();
        // PostgreSQL cannot store a text with a NUL.
        if text.chars().count() > DESCRIPTION_LETTERS || text.contains('\0') {
            return Err(format!(
                "the description has at most {DESCRIPTION_LETTERS} letters and no NUL"
            ));
        }
        Ok(text)
    });
    let mut builder = Builder::new(&raw, &mut problems);
    for layer in &raw.layers {
        let found = builder.problems.len();
        builder.layer(layer);
        for problem in &mut builder.problems[found..] {
            *problem = format!("layer `{}`: {problem}", layer.name);
        }
    }
    let together = zone_problems(&builder.zones, raw.width, raw.height);
    builder.problems.extend(together);
    let elements = std::mem::take(&mut builder.elements);
    let document = builder.document();
    match (name, description) {
        (Ok(name), Ok(description)) if problems.is_empty() => Ok(SeedMap {
            key: key.to_owned(),
            name,
            description,
            width: raw.width,
            height: raw.height,
            elements,
            document,
        }),
        (name, description) => {
            problems.extend(name.err());
            problems.extend(description.err());
            Err(problems)
        }
    }
}

impl TiledMap {
    fn check(&self) -> Result<(), String> {
        if self.orientation != "orthogonal" || self.infinite {
            return Err("a map is orthogonal and not infinite".into());
        }
        if !(1..=1000).contains(&self.width) || !(1..=1000).contains(&self.height) {
            return Err("width and height are 1 to 1000".into());
        }
        if self.tilewidth == 0 || self.tilewidth != self.tileheight {
            return Err("tiles are square".into());
        }
        if self.layers.len() > MOST_LAYERS {
            return Err(format!("a map has at most {MOST_LAYERS} layers"));
        }
        Ok(())
    }

    fn tileset_problems(&self, tileset: &RawTileset) -> Vec<String> {
        let mut problems: Vec<String> = strict::problems(&tileset.extra, strict::TILESET).collect();
        if tileset.source.is_some() {
            problems.push("it must be embedded in the map".into());
        }
        if tileset.image.is_some() {
            problems.push("it must be a collection of images".into());
        }
        if !self.is_a_tile(&[tileset.tilewidth, tileset.tileheight]) {
            problems.push(format!(
                "its tiles are {0} × {0} pixels, as those of the map",
                self.tilewidth
            ));
        }
        if tileset
            .tiles
            .iter()
            .any(|tile| tile.id >= u32::from(u16::MAX))
        {
            problems.push("it has at most 65535 tiles".into());
        }
        problems
    }

    /// Name of a tile, and whether it blocks.
    fn tile<'a>(&self, tile: &'a RawTile) -> Result<(&'a str, bool), Vec<String>> {
        let mut problems: Vec<String> = strict::problems(&tile.extra, strict::TILE).collect();
        problems.extend(unknown(&tile.properties, &["collides"], "a tile"));
        if !self.is_a_tile(&[tile.imagewidth, tile.imageheight, tile.width, tile.height]) {
            problems.push(format!(
                "its picture is {0} × {0} pixels, as the tiles of the map",
                self.tilewidth
            ));
        }
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let name = one_of(&tile.kind, &tile.class).and_then(|name| {
            let is_plain = !name.is_empty() && name.bytes().all(plain);
            is_plain
                .then_some(name)
                .ok_or_else(|| "its type is its name, made of letters, digits, - and _".to_owned())
        });
        match (name, flag(&tile.properties, "collides")) {
            (Ok(name), Ok(collides)) if problems.is_empty() => Ok((name, collides)),
            (name, collides) => {
                problems.extend(name.err());
                problems.extend(collides.err());
                Err(problems)
            }
        }
    }

    /// Whether all given sizes equal the tile size of the map.
    fn is_a_tile(&self, sizes: &[Option<u32>]) -> bool {
        sizes
            .iter()
            .flatten()
            .all(|size| *size == u32::from(self.tilewidth))
    }
}

struct Builder<'a> {
    raw: &'a TiledMap,
    first: u32,
    /// Name, and whether it blocks, by the tile's id.
    kinds: Vec<Option<(&'a str, bool)>>,
    /// Number in the document of each tile in use.
    numbers: Vec<Option<u16>>,
    tiles: Vec<String>,
    layers: Vec<TileLayer>,
    zones: Vec<ZoneEntry>,
    blocked: Vec<bool>,
    walls: bool,
    elements: Vec<(String, Tile)>,
    problems: &'a mut Vec<String>,
}

impl<'a> Builder<'a> {
    fn new(raw: &'a TiledMap, problems: &'a mut Vec<String>) -> Self {
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
        let tiles: Vec<&RawTile> = tiles
            .iter()
            .filter(|tile| tile.id < u32::from(u16::MAX))
            .collect();
        let size = tiles
            .iter()
            .map(|tile| tile.id as usize + 1)
            .max()
            .unwrap_or(0);
        let mut kinds = vec![None; size];
        for tile in tiles {
            match raw.tile(tile) {
                Ok(kind) => kinds[tile.id as usize] = Some(kind),
                Err(found) => {
                    problems.extend(
                        found
                            .into_iter()
                            .map(|what| format!("tile {}: {what}", tile.id)),
                    );
                    kinds[tile.id as usize] = Some(("", false));
                }
            }
        }
        let walls = flag(&raw.properties, "walls").unwrap_or_else(|what| {
            problems.push(what);
            false
        });
        Self {
            raw,
            first,
            numbers: vec![None; size],
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

    fn layer(&mut self, layer: &RawLayer) {
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
        let index = gid.checked_sub(self.first).ok_or_else(unknown)? as usize;
        let (name, collides) = self
            .kinds
            .get(index)
            .copied()
            .flatten()
            .ok_or_else(unknown)?;
        let tiles = &mut self.tiles;
        let number = *self.numbers[index].get_or_insert_with(|| {
            tiles.push(name.to_owned());
            tiles.len() as u16
        });
        Ok((number, collides))
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

    fn document(self) -> MapDocument {
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn map() -> Value {
        json!({
            "orientation": "orthogonal", "width": 2, "height": 2, "tilewidth": 32, "tileheight": 32,
            "tilesets": [{"firstgid": 1, "tiles": [
                {"id": 0, "type": "grass"},
                {"id": 1, "type": "wall", "properties": [
                    {"name": "collides", "type": "bool", "value": true},
                ]},
            ]}],
            "layers": [
                {"name": "ground", "type": "tilelayer", "width": 2, "height": 2,
                 "data": [1, 1, 1, 2]},
                {"name": "zones", "type": "objectgroup", "objects": [
                    {"id": 1, "name": "Door", "type": "spawn", "x": 0, "y": 32,
                     "width": 64, "height": 32},
                ]},
            ],
        })
    }

    type Change = fn(&mut Value);

    fn refusal(change: impl FnOnce(&mut Value)) -> String {
        let mut map = map();
        change(&mut map);
        read("small", map.to_string().as_bytes())
            .unwrap_err()
            .join("\n")
    }

    #[test]
    fn a_small_map_is_read() {
        let map = read("small", map().to_string().as_bytes()).unwrap();
        assert_eq!(map.document.tiles, ["grass", "wall"]);
        assert_eq!(map.document.layers[0].data, [1, 1, 1, 2]);
        assert_eq!(map.document.blocked, ["00", "01"]);
        assert_eq!(map.document.zones[0].width, 2);
        assert_eq!(map.name, "small");
        assert!(!map.document.walls);
    }

    #[test]
    fn a_map_can_block_voices_by_its_walls() {
        let mut walled = map();
        walled["properties"] = json!([{ "name": "walls", "type": "bool", "value": true }]);
        assert!(
            read("small", walled.to_string().as_bytes())
                .unwrap()
                .document
                .walls
        );
    }

    #[test]
    fn a_voices_zone_has_a_reach() {
        let voices = |kind: &str, reach: Value| {
            let mut map = map();
            let zone = &mut map["layers"][1]["objects"][0];
            zone["type"] = json!(kind);
            zone["properties"] = json!([{ "name": "reach", "type": "int", "value": reach }]);
            read("small", map.to_string().as_bytes())
        };
        let zones = voices("voices", json!(2)).unwrap().document.zones();
        assert_eq!((zones[0].kind, zones[0].reach), (ZoneKind::Voices, Some(2)));
        for (expected, kind, reach) in [
            ("a `reach` of 1 to 12 tiles", "voices", json!(0)),
            ("a `reach` of 1 to 12 tiles", "voices", json!(300)),
            ("is a whole number", "voices", json!(1.5)),
            ("only a voices zone has `reach`", "spawn", json!(2)),
        ] {
            let what = voices(kind, reach).unwrap_err().join("\n");
            assert!(
                what.contains(expected),
                "{what:?} does not say {expected:?}"
            );
        }
        assert!(
            refusal(|map| map["layers"][1]["objects"][0]["type"] = json!("voices"))
                .contains("`reach`")
        );
    }

    #[test]
    fn turned_tiles_are_refused_with_their_place() {
        let what = refusal(|map| map["layers"][0]["data"][3] = json!(0x8000_0002_u32));
        assert!(what.contains("layer `ground`: cell 1,1: turned"), "{what}");
    }

    #[test]
    fn unsupported_content_is_reported() {
        let cases: [(&str, Change); 9] = [
            ("cell 0,0: there is no tile 9", |map| {
                map["layers"][0]["data"][0] = json!(9);
            }),
            ("3 cells instead of 4", |map| {
                map["layers"][0]["data"] = json!([1, 1, 1]);
            }),
            ("list of numbers", |map| {
                map["layers"][0]["data"] = json!("AAAA");
            }),
            ("embedded", |map| {
                map["tilesets"][0]["source"] = json!("tiles.tsx");
            }),
            ("not infinite", |map| map["infinite"] = json!(true)),
            ("1 to 1000", |map| map["width"] = json!(0)),
            ("inside the map", |map| {
                map["layers"][1]["objects"][0]["width"] = json!(96);
            }),
            ("snap it to the grid", |map| {
                map["layers"][1]["objects"][0]["x"] = json!(7);
            }),
            ("object 1 (`Door`): its type is the kind", |map| {
                map["layers"][1]["objects"][0]["type"] = json!("lava");
            }),
        ];
        for (expected, change) in cases {
            let what = refusal(change);
            assert!(
                what.contains(expected),
                "{what:?} does not say {expected:?}"
            );
        }
    }

    #[test]
    fn content_that_would_look_different_is_refused() {
        let cases: [(&str, Change); 17] = [
            ("layer `ground`: `visible`", |map| {
                map["layers"][0]["visible"] = json!(false);
            }),
            ("layer `ground`: `opacity`", |map| {
                map["layers"][0]["opacity"] = json!(0.3);
            }),
            ("layer `ground`: `offsetx`", |map| {
                map["layers"][0]["offsetx"] = json!(16);
            }),
            ("layer `ground`: `tintcolor`", |map| {
                map["layers"][0]["tintcolor"] = json!("#ff0000");
            }),
            ("layer `ground`: `parallaxx`", |map| {
                map["layers"][0]["parallaxx"] = json!(0.5);
            }),
            ("layer `zones`: `offsetx`", |map| {
                map["layers"][1]["offsetx"] = json!(64);
            }),
            ("layer `zones`: object 1 (`Door`): `rotation`", |map| {
                map["layers"][1]["objects"][0]["rotation"] = json!(90);
            }),
            ("`ellipse`", |map| {
                map["layers"][1]["objects"][0]["ellipse"] = json!(true);
            }),
            ("`polygon`", |map| {
                map["layers"][1]["objects"][0]["polygon"] = json!([{"x": 0, "y": 0}]);
            }),
            ("`template`", |map| {
                map["layers"][1]["objects"][0] =
                    json!({"id": 1, "template": "a.tj", "x": 0, "y": 0});
            }),
            ("`gid`", |map| {
                map["layers"][1]["objects"][0]["gid"] = json!(1);
            }),
            ("tile 1: `animation`", |map| {
                map["tilesets"][0]["tiles"][1]["animation"] =
                    json!([{"duration": 100, "tileid": 0}]);
            }),
            ("the tileset: its tiles are 32 × 32", |map| {
                map["tilesets"][0]["tilewidth"] = json!(64);
            }),
            ("tile 0: its picture is 32 × 32", |map| {
                map["tilesets"][0]["tiles"][0]["imagewidth"] = json!(64);
            }),
            ("`backgroundcolor`", |map| {
                map["backgroundcolor"] = json!("#003300");
            }),
            ("a `type` and a `class`", |map| {
                map["layers"][1]["objects"][0]["class"] = json!("spawn");
            }),
            ("the property `wals` is not known", |map| {
                map["properties"] = json!([{ "name": "wals", "type": "bool", "value": true }]);
            }),
        ];
        for (expected, change) in cases {
            let what = refusal(change);
            assert!(
                what.contains(expected),
                "{what:?} does not say {expected:?}"
            );
        }
    }

    #[test]
    fn all_problems_of_a_map_are_reported_at_once() {
        let what = refusal(|map| {
            map["backgroundcolor"] = json!("#003300");
            map["layers"][0]["visible"] = json!(false);
            map["layers"][0]["data"] = json!([9, 9, 1, 1]);
            map["layers"][1]["objects"][0]["x"] = json!(7);
        });
        assert_eq!(what.lines().count(), 5, "{what}");
    }
}
