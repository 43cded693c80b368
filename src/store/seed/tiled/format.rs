//! Format: the parts of a Tiled map as the file has them, and the checks of each part alone.

use serde::Deserialize;
use serde_json::Value;

use crate::store::seed::strict::{self, Extra};

/// Most layers of a map.
const MOST_LAYERS: usize = 32;
/// A map.
#[derive(Deserialize)]
pub(super) struct TiledMap {
    pub(super) orientation: String,
    #[serde(default)]
    pub(super) infinite: bool,
    pub(super) width: u16,
    pub(super) height: u16,
    pub(super) tilewidth: u16,
    pub(super) tileheight: u16,
    pub(super) tilesets: Vec<RawTileset>,
    pub(super) layers: Vec<RawLayer>,
    #[serde(default)]
    pub(super) properties: Vec<Property>,
    #[serde(flatten)]
    pub(super) extra: Extra,
}

/// The tileset of a map.
#[derive(Deserialize)]
pub(super) struct RawTileset {
    pub(super) firstgid: u32,
    pub(super) source: Option<String>,
    pub(super) image: Option<String>,
    pub(super) tilewidth: Option<u32>,
    pub(super) tileheight: Option<u32>,
    #[serde(default)]
    pub(super) tiles: Vec<RawTile>,
    #[serde(flatten)]
    pub(super) extra: Extra,
}

/// A tile of the tileset.
#[derive(Deserialize)]
pub(super) struct RawTile {
    pub(super) id: u32,
    #[serde(rename = "type", default)]
    pub(super) kind: String,
    /// Name of the type in Tiled 1.9.
    #[serde(default)]
    pub(super) class: String,
    pub(super) imagewidth: Option<u32>,
    pub(super) imageheight: Option<u32>,
    pub(super) width: Option<u32>,
    pub(super) height: Option<u32>,
    #[serde(default)]
    pub(super) properties: Vec<Property>,
    #[serde(flatten)]
    pub(super) extra: Extra,
}

/// A layer of tiles or of objects.
#[derive(Deserialize)]
pub(super) struct RawLayer {
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) width: Option<u16>,
    pub(super) height: Option<u16>,
    pub(super) encoding: Option<String>,
    pub(super) data: Option<Value>,
    #[serde(default)]
    pub(super) objects: Vec<RawObject>,
    #[serde(default)]
    pub(super) properties: Vec<Property>,
    #[serde(flatten)]
    pub(super) extra: Extra,
}

/// An object: an element or a zone.
#[derive(Deserialize)]
pub(super) struct RawObject {
    pub(super) id: u32,
    #[serde(default)]
    pub(super) name: String,
    #[serde(rename = "type", default)]
    pub(super) kind: String,
    /// Name of the type in Tiled 1.9.
    #[serde(default)]
    pub(super) class: String,
    pub(super) x: f64,
    pub(super) y: f64,
    #[serde(default)]
    pub(super) width: f64,
    #[serde(default)]
    pub(super) height: f64,
    #[serde(default)]
    pub(super) properties: Vec<Property>,
    #[serde(flatten)]
    pub(super) extra: Extra,
}

/// A property that the author of the map added.
#[derive(Deserialize)]
pub(super) struct Property {
    pub(super) name: String,
    pub(super) value: Value,
}

/// A property that is true or false; false when it is absent.
pub(super) fn flag(properties: &[Property], name: &str) -> Result<bool, String> {
    match properties.iter().find(|property| property.name == name) {
        None => Ok(false),
        Some(property) => property
            .value
            .as_bool()
            .ok_or_else(|| format!("the property `{name}` is true or false")),
    }
}

/// A property that is a text.
pub(super) fn text(properties: &[Property], name: &str) -> Result<Option<String>, String> {
    match properties.iter().find(|property| property.name == name) {
        None => Ok(None),
        Some(property) => match property.value.as_str() {
            Some(text) => Ok(Some(text.trim().to_owned())),
            None => Err(format!("the property `{name}` is a text")),
        },
    }
}

/// A property that is a number.
pub(super) fn number(properties: &[Property], name: &str) -> Result<Option<u16>, String> {
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
pub(super) fn one_of<'a>(kind: &'a str, class: &'a str) -> Result<&'a str, String> {
    match (kind, class) {
        (kind, "") => Ok(kind),
        ("", class) => Ok(class),
        _ => Err("it has a `type` and a `class`: keep one of the two".into()),
    }
}

/// Reports properties that are not in `known`.
pub(super) fn unknown<'a>(
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

impl TiledMap {
    /// Whether this is a map that can be read.
    pub(super) fn check(&self) -> Result<(), String> {
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

    /// What is wrong with the tileset apart from its tiles.
    pub(super) fn tileset_problems(&self, tileset: &RawTileset) -> Vec<String> {
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
    pub(super) fn tile<'a>(&self, tile: &'a RawTile) -> Result<(&'a str, bool), Vec<String>> {
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
