//! Element: changes to the objects of a layout while players are in the space.

use bincode::{Decode, Encode};
#[cfg(test)]
use serde::{Deserialize, Serialize};

/// Messages from the server about the objects of a layout.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub enum ElementS2c {
    /// An object was placed.
    Placed(ElementPlacedS2c),
    /// An object was removed.
    Removed(ElementRemovedS2c),
    /// The map changed.
    MapChanged(MapChangedS2c),
}

/// An object was placed.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct ElementPlacedS2c {
    /// Id of the placed object.
    pub id: String,
    /// Id of its element in the catalogue.
    pub element: String,
    /// Column of its top left tile.
    pub x: u16,
    /// Row of its top left tile.
    pub y: u16,
    /// Version of the layout that includes it.
    pub map_version: u32,
}

/// A placed object was removed.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct ElementRemovedS2c {
    /// Id of the placed object.
    pub id: String,
    /// Version of the layout without it.
    pub map_version: u32,
}

/// The tiles, zones or any number of objects changed: fetch the map again.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct MapChangedS2c {
    /// New version of the layout.
    pub map_version: u32,
}

#[cfg(test)]
impl ElementS2c {
    /// Examples of every message, for the golden vectors.
    pub(super) fn examples() -> Vec<Self> {
        vec![
            Self::Placed(ElementPlacedS2c {
                id: "p1".into(),
                element: "e1".into(),
                x: 3,
                y: 4,
                map_version: 5,
            }),
            Self::Removed(ElementRemovedS2c {
                id: "p1".into(),
                map_version: 6,
            }),
            Self::MapChanged(MapChangedS2c { map_version: 7 }),
        ]
    }
}
