//! Tiled: reads the part of Tiled's JSON map format (TMJ 1.10) that Plaza's maps use, and says clearly what it does not take.

use serde::Deserialize;
use serde_json::Value;

use super::folder::check_name;
use crate::components::plan::Area;
use crate::components::unit::Tile;
use crate::components::zone::ZoneKind;
use crate::store::maps::{Layer, MapDocument, TargetEntry, ZoneEntry, check_zones};

/// Bits of a cell that turn or mirror its tile.
const FLIP_BITS: u32 = 0xF000_0000;
/// Most layers of a map.
const MOST_LAYERS: usize = 32;
/// Most objects of a map.
const MOST_OBJECTS: usize = 10_000;
/// What the object of a zone may say more.
const WISHES: [&str; 7] = ["cap", "space", "zone", "url", "text", "audience", "reach"];
/// Longest description, in letters.
const DESCRIPTION_LETTERS: usize = 500;

/// A map of a seed.
#[derive(Debug)]
pub(super) struct SeedMap {
    /// The file's name without its ending.
    pub key: String,
    pub name: String,
    pub description: String,
    pub width: u16,
    pub height: u16,
    pub document: MapDocument,
    /// Keys of elements and where they stand.
    pub elements: Vec<(String, Tile)>,
}

#[derive(Deserialize)]
struct RawMap {
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
}

#[derive(Deserialize)]
struct RawTileset {
    firstgid: u32,
    source: Option<String>,
    image: Option<String>,
    #[serde(default)]
    tiles: Vec<RawTile>,
}

#[derive(Deserialize)]
struct RawTile {
    id: u32,
    /// Tiled 1.9 called it `class`.
    #[serde(rename = "type", alias = "class", default)]
    kind: String,
    #[serde(default)]
    properties: Vec<Property>,
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
}

#[derive(Deserialize)]
struct RawObject {
    id: u32,
    #[serde(default)]
    name: String,
    #[serde(rename = "type", alias = "class", default)]
    kind: String,
    x: f64,
    y: f64,
    #[serde(default)]
    width: f64,
    #[serde(default)]
    height: f64,
    #[serde(default)]
    properties: Vec<Property>,
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
        Some(property) => match property.value.as_u64().and_then(|number| u16::try_from(number).ok()) {
            Some(number) => Ok(Some(number)),
            None => Err(format!("the property `{name}` is a whole number")),
        },
    }
}

/// Reads a map. The error says where and what, without the file.
pub(super) fn read(key: &str, bytes: &[u8]) -> Result<SeedMap, String> {
    let raw: RawMap = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    raw.check()?;
    let name = text(&raw.properties, "name")?.unwrap_or_else(|| key.to_owned());
    check_name(&name)?;
    let description = text(&raw.properties, "description")?.unwrap_or_default();
    // PostgreSQL cannot keep a text with a NUL.
    if description.chars().count() > DESCRIPTION_LETTERS || description.contains('\0') {
        return Err(format!(
            "the description has at most {DESCRIPTION_LETTERS} letters and no NUL"
        ));
    }
    let mut builder = Builder::new(&raw)?;
    for layer in &raw.layers {
        builder
            .layer(layer)
            .map_err(|what| format!("layer `{}`: {what}", layer.name))?;
    }
    check_zones(&builder.zones, raw.width, raw.height)?;
    Ok(SeedMap {
        key: key.to_owned(),
        name,
        description,
        width: raw.width,
        height: raw.height,
        elements: std::mem::take(&mut builder.elements),
        document: builder.document(),
    })
}

impl RawMap {
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
}

struct Builder<'a> {
    raw: &'a RawMap,
    first: u32,
    /// Name and whether it blocks, by the tile's id.
    kinds: Vec<Option<(&'a str, bool)>>,
    /// The number in the document of each tile in use.
    numbers: Vec<Option<u16>>,
    tiles: Vec<String>,
    layers: Vec<Layer>,
    zones: Vec<ZoneEntry>,
    blocked: Vec<bool>,
    walls: bool,
    elements: Vec<(String, Tile)>,
}

impl<'a> Builder<'a> {
    fn new(raw: &'a RawMap) -> Result<Self, String> {
        let (first, tiles) = match raw.tilesets.as_slice() {
            [] => (1, [].as_slice()),
            [one] if one.source.is_some() => return Err("the tileset must be embedded in the map".into()),
            [one] if one.image.is_some() => return Err("the tileset must be a collection of images".into()),
            [one] => (one.firstgid, one.tiles.as_slice()),
            _ => return Err("a map has one tileset".into()),
        };
        let size = tiles.iter().map(|tile| tile.id as usize + 1).max().unwrap_or(0);
        if size > usize::from(u16::MAX) {
            return Err("a tileset has at most 65535 tiles".into());
        }
        let mut kinds = vec![None; size];
        for tile in tiles {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
            if tile.kind.is_empty() || !tile.kind.bytes().all(plain) {
                return Err(format!(
                    "tile {}: its type is its name, made of letters, digits, - and _",
                    tile.id
                ));
            }
            let collides = flag(&tile.properties, "collides").map_err(|what| format!("tile {}: {what}", tile.id))?;
            kinds[tile.id as usize] = Some((tile.kind.as_str(), collides));
        }
        Ok(Self {
            raw,
            first,
            numbers: vec![None; size],
            kinds,
            tiles: Vec::new(),
            layers: Vec::new(),
            zones: Vec::new(),
            walls: flag(&raw.properties, "walls")?,
            blocked: vec![false; usize::from(raw.width) * usize::from(raw.height)],
            elements: Vec::new(),
        })
    }

    fn layer(&mut self, layer: &RawLayer) -> Result<(), String> {
        match (layer.kind.as_str(), layer.name.as_str()) {
            ("tilelayer", _) => self.tile_layer(layer),
            ("objectgroup", "elements") => self.each_object(layer, Self::element),
            ("objectgroup", "zones") => self.each_object(layer, Self::zone),
            ("objectgroup", _) => Err("an object layer is called `elements` or `zones`".into()),
            (kind, _) => Err(format!("a layer is a tilelayer or an objectgroup, not a {kind}")),
        }
    }

    fn tile_layer(&mut self, layer: &RawLayer) -> Result<(), String> {
        if layer.width != Some(self.raw.width) || layer.height != Some(self.raw.height) {
            return Err("it is as large as the map".into());
        }
        let (Some(Value::Array(cells)), None | Some("csv")) = (&layer.data, layer.encoding.as_deref()) else {
            return Err("its data is a list of numbers; save with the tile layer format CSV".into());
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
        for (place, cell) in cells.iter().enumerate() {
            let (number, blocks) = self.cell(cell).map_err(|what| {
                let width = usize::from(self.raw.width);
                format!("cell {},{}: {what}", place % width, place / width)
            })?;
            self.blocked[place] |= blocks || (collides && number > 0);
            data.push(number);
        }
        let above = flag(&layer.properties, "above")?;
        self.layers.push(Layer {
            name: layer.name.clone(),
            above,
            data,
        });
        Ok(())
    }

    /// The number of a cell in the document, and whether its tile blocks.
    fn cell(&mut self, cell: &Value) -> Result<(u16, bool), String> {
        let gid = cell
            .as_u64()
            .and_then(|gid| u32::try_from(gid).ok())
            .ok_or("a cell is a number")?;
        if gid == 0 {
            return Ok((0, false));
        }
        if gid & FLIP_BITS != 0 {
            return Err("turned and mirrored tiles are not taken; draw the tile as it is to be".into());
        }
        let unknown = || format!("there is no tile {gid} in the tileset");
        let index = gid.checked_sub(self.first).ok_or_else(unknown)? as usize;
        let (name, collides) = self.kinds.get(index).copied().flatten().ok_or_else(unknown)?;
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
        take: fn(&mut Self, &RawObject) -> Result<(), String>,
    ) -> Result<(), String> {
        if layer.objects.len() > MOST_OBJECTS {
            return Err(format!("it has at most {MOST_OBJECTS} objects"));
        }
        layer.objects.iter().try_for_each(|object| {
            take(self, object).map_err(|what| format!("object {} (`{}`): {what}", object.id, object.kind))
        })
    }

    fn element(&mut self, object: &RawObject) -> Result<(), String> {
        if object.kind.is_empty() {
            return Err("its type is the key of an element".into());
        }
        let corner = Tile::new(self.tiles_of(object.x)?, self.tiles_of(object.y)?);
        self.elements.push((object.kind.clone(), corner));
        Ok(())
    }

    fn zone(&mut self, object: &RawObject) -> Result<(), String> {
        let kind = ZoneKind::from_word(&object.kind).ok_or_else(|| {
            let words = ZoneKind::ALL.map(ZoneKind::word).join(", ");
            format!("its type is the kind of a zone: {words}")
        })?;
        let area = Area {
            corner: Tile::new(self.tiles_of(object.x)?, self.tiles_of(object.y)?),
            width: self.tiles_of(object.width)?,
            height: self.tiles_of(object.height)?,
        };
        if !object.name.is_empty() {
            check_name(&object.name)?;
        }
        let properties = &object.properties;
        if let Some(unknown) = properties
            .iter()
            .find(|property| !WISHES.contains(&property.name.as_str()))
        {
            let known = WISHES.join(", ");
            return Err(format!(
                "the property `{}` is not known; a zone may have {known}",
                unknown.name
            ));
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

    /// Pixels in whole tiles.
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
        let row = |cells: &[bool]| cells.iter().map(|blocked| if *blocked { '1' } else { '0' }).collect();
        MapDocument {
            tiles: self.tiles,
            layers: self.layers,
            walls: self.walls,
            blocked: self.blocked.chunks(usize::from(self.raw.width)).map(row).collect(),
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
                {"id": 1, "type": "wall", "properties": [{"name": "collides", "type": "bool", "value": true}]},
            ]}],
            "layers": [
                {"name": "ground", "type": "tilelayer", "width": 2, "height": 2, "data": [1, 1, 1, 2]},
                {"name": "zones", "type": "objectgroup", "objects": [
                    {"id": 1, "name": "Door", "type": "spawn", "x": 0, "y": 32, "width": 64, "height": 32},
                ]},
            ],
        })
    }

    type Change = fn(&mut Value);

    fn refusal(change: impl FnOnce(&mut Value)) -> String {
        let mut map = map();
        change(&mut map);
        read("small", map.to_string().as_bytes()).unwrap_err()
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
    fn a_map_says_that_its_walls_stop_voices() {
        let mut walled = map();
        walled["properties"] = json!([{ "name": "walls", "type": "bool", "value": true }]);
        assert!(read("small", walled.to_string().as_bytes()).unwrap().document.walls);
    }

    #[test]
    fn a_zone_says_how_far_voices_carry_in_it() {
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
            let what = voices(kind, reach).unwrap_err();
            assert!(what.contains(expected), "{what:?} does not say {expected:?}");
        }
        assert!(refusal(|map| map["layers"][1]["objects"][0]["type"] = json!("voices")).contains("`reach`"));
    }

    #[test]
    fn turned_tiles_are_refused_with_their_place() {
        let what = refusal(|map| map["layers"][0]["data"][3] = json!(0x8000_0002_u32));
        assert!(what.contains("layer `ground`: cell 1,1: turned"), "{what}");
    }

    #[test]
    fn what_is_not_taken_is_named() {
        let cases: [(&str, Change); 9] = [
            ("cell 0,0: there is no tile 9", |map| {
                map["layers"][0]["data"][0] = json!(9);
            }),
            ("3 cells instead of 4", |map| {
                map["layers"][0]["data"] = json!([1, 1, 1]);
            }),
            ("list of numbers", |map| map["layers"][0]["data"] = json!("AAAA")),
            ("embedded", |map| map["tilesets"][0]["source"] = json!("tiles.tsx")),
            ("not infinite", |map| map["infinite"] = json!(true)),
            ("1 to 1000", |map| map["width"] = json!(0)),
            ("inside the map", |map| {
                map["layers"][1]["objects"][0]["width"] = json!(96);
            }),
            ("snap it to the grid", |map| {
                map["layers"][1]["objects"][0]["x"] = json!(7);
            }),
            ("object 1 (`lava`)", |map| {
                map["layers"][1]["objects"][0]["type"] = json!("lava");
            }),
        ];
        for (expected, change) in cases {
            let what = refusal(change);
            assert!(what.contains(expected), "{what:?} does not say {expected:?}");
        }
    }
}
