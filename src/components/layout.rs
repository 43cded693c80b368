//! Layout: what users made of a space, as the store has it: size, blocked tiles, zones and placed
//! elements.

use bincode::{Decode, Encode};

use super::id::{ElementId, PlacementId};
use super::peers::ProximityRules;
use super::tile_rect::TileRect;
use super::unit::Tile;
use super::zone::Zone;

/// Everything a space is built from. The players in it are not part of it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct SpaceLayout {
    /// Width in tiles, 1 to 1000.
    pub width: u16,
    /// Height in tiles, 1 to 1000.
    pub height: u16,
    /// Tiles blocked by the map itself, such as walls and water.
    pub blocked: Vec<Tile>,
    /// Whether blocked tiles stop voices in the open, where the proximity rules leave it to the
    /// map.
    pub has_walls: bool,
    /// Proximity rules of the space.
    pub proximity: ProximityRules,
    /// Zones of the map.
    pub zones: Vec<Zone>,
    /// Elements placed in the space.
    pub elements: Vec<Placement>,
    /// Version number. It rises with every change of the map, the zones and the elements, in the
    /// same transaction.
    pub version: u32,
}

/// An element placed in a space.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct Placement {
    /// Id of the placement.
    pub id: PlacementId,
    /// Element that is placed.
    pub element: ElementId,
    /// Top left tile of its image.
    pub corner: Tile,
    /// Part that blocks movement, in tiles of the space; `None` when players walk over it.
    pub solid: Option<TileRect>,
}
