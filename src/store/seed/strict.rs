//! Strict: checks content of a map that is not read. Fields that only the editor uses are accepted,
//! and so are values that change nothing; everything else is a problem, so that no map looks
//! different from its drawing.

use std::collections::BTreeMap;

use serde_json::Value;

/// Fields of the file that are not read.
pub(super) type Extra = BTreeMap<String, Value>;

/// Values of a field that change nothing.
#[derive(Debug, Clone, Copy)]
pub(super) enum Plain {
    Anything,
    Zero,
    One,
    Yes,
    Empty,
    Word(&'static str),
    /// A document in which every number is 0.
    Zeros,
}

impl Plain {
    fn takes(self, value: &Value) -> bool {
        match self {
            Self::Anything => true,
            Self::Zero => value.as_f64() == Some(0.0),
            Self::One => value.as_f64() == Some(1.0),
            Self::Yes => value == &Value::Bool(true),
            Self::Empty => match value {
                Value::Null => true,
                Value::String(text) => text.is_empty(),
                Value::Array(list) => list.is_empty(),
                Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
            },
            Self::Word(word) => value.as_str() == Some(word),
            Self::Zeros => value
                .as_object()
                .is_some_and(|fields| fields.values().all(|field| field.as_f64() == Some(0.0))),
        }
    }
}

use Plain::{Anything, Empty, One, Word, Yes, Zero, Zeros};

type KnownFields = &'static [(&'static str, Plain)];

/// Fields of a map.
pub(super) const MAP: KnownFields = &[
    ("type", Anything),
    ("version", Anything),
    ("tiledversion", Anything),
    ("compressionlevel", Anything),
    ("nextlayerid", Anything),
    ("nextobjectid", Anything),
    ("editorsettings", Anything),
    ("renderorder", Anything),
    ("class", Empty),
    ("parallaxoriginx", Anything),
    ("parallaxoriginy", Anything),
];

/// Fields of a tileset.
pub(super) const TILESET: KnownFields = &[
    ("name", Anything),
    ("type", Anything),
    ("version", Anything),
    ("tiledversion", Anything),
    ("tilecount", Anything),
    ("columns", Anything),
    ("grid", Anything),
    ("backgroundcolor", Anything),
    ("transformations", Anything),
    ("wangsets", Anything),
    ("terrains", Anything),
    ("objectalignment", Anything),
    ("margin", Zero),
    ("spacing", Zero),
    ("tileoffset", Zeros),
    ("tilerendersize", Word("tile")),
    ("fillmode", Word("stretch")),
    ("class", Empty),
    ("properties", Empty),
];

/// Fields of a tile in a tileset.
pub(super) const TILE: KnownFields = &[
    ("image", Anything),
    ("probability", Anything),
    ("terrain", Anything),
    ("x", Zero),
    ("y", Zero),
    ("animation", Empty),
];

/// Fields of a layer of either kind.
pub(super) const LAYER: KnownFields = &[
    ("id", Anything),
    ("locked", Anything),
    ("color", Anything),
    ("draworder", Anything),
    ("startx", Zero),
    ("starty", Zero),
    ("x", Zero),
    ("y", Zero),
    ("offsetx", Zero),
    ("offsety", Zero),
    ("parallaxx", One),
    ("parallaxy", One),
    ("opacity", One),
    ("visible", Yes),
    ("mode", Word("normal")),
    ("compression", Empty),
    ("class", Empty),
];

/// Fields of an object.
pub(super) const OBJECT: KnownFields = &[("rotation", Zero), ("visible", Yes), ("opacity", One)];

/// Problems of unread fields, each with a hint.
pub(super) fn problems(extra: &Extra, known: KnownFields) -> impl Iterator<Item = String> {
    extra.iter().filter_map(move |(name, value)| {
        let plain = known.iter().find(|(other, _)| other == name);
        let is_fine = plain.is_some_and(|(_, plain)| plain.takes(value));
        (!is_fine).then(|| format!("`{name}` is not taken{}", hint(name)))
    })
}

fn hint(name: &str) -> &'static str {
    match name {
        "visible" => ": show it, or delete it",
        "opacity" | "tintcolor" | "mode" => ": draw the tiles as they are to look",
        "offsetx" | "offsety" => ": move what is in it instead",
        "rotation" => ": draw it upright",
        "ellipse" | "polygon" | "polyline" | "point" | "text" | "gid" => ": use a rectangle",
        "template" => ": detach it from its template",
        "animation" => ": use a tile that stands still",
        "backgroundcolor" => ": draw a layer of tiles below the others",
        "parallaxx" | "parallaxy" => ": set the factor to 1",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn fields_that_change_nothing_are_accepted_and_others_are_reported() {
        let extra: Extra = serde_json::from_value(json!({
            "id": 1, "visible": true, "opacity": 1, "offsetx": 0.0, "tintcolor": "#ff0000",
            "parallaxx": 0.5, "class": "",
        }))
        .unwrap();
        let found: Vec<_> = problems(&extra, LAYER).collect();
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(
            found[0].starts_with("`parallaxx` is not taken") && found[1].starts_with("`tintcolor`")
        );
    }
}
