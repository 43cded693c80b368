//! Element: things placed and removed while people are inside.

use bincode::{Decode, Encode};
#[cfg(test)]
use serde::Serialize;

/// An element was placed.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct ElementPlacedS2c {
    /// The placement.
    pub id: String,
    /// What was placed.
    pub element: String,
    /// Column of its top left tile.
    pub x: u16,
    /// Row of it.
    pub y: u16,
    /// The plan's version with it.
    pub map_version: u32,
}

/// A placement was removed.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct ElementRemovedS2c {
    /// The placement.
    pub id: String,
    /// The plan's version without it.
    pub map_version: u32,
}

/// The map, the zones or any number of elements are different: fetch the map again.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct MapChangedS2c {
    /// The plan's version now.
    pub map_version: u32,
}
