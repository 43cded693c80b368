//! Plan: what people made of a space, as the store keeps it: size, blocked tiles, zones, placed
//! elements.

use bincode::{Decode, Encode};

use super::id::{ElementId, PlacementId};
use super::peers::ProximityRules;
use super::unit::Tile;
use super::zone::Zone;

/// What a space is built from. Who is in it right now is not part of it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct SpaceLayout {
    /// Columns, 1 to 1000.
    pub width: u16,
    /// Rows, 1 to 1000.
    pub height: u16,
    /// Tiles that the map itself blocks: walls, water.
    pub blocked: Vec<Tile>,
    /// Whether nobody in the open is heard through what the map blocks, where the rules leave it to
    /// the map.
    pub has_walls: bool,
    /// How people in the open hear and see each other.
    pub voices: ProximityRules,
    /// Rectangles with a meaning.
    pub zones: Vec<Zone>,
    /// Elements that stand in the space.
    pub elements: Vec<Placement>,
    /// Rises with every change of the map, the zones and the elements, in the transaction that
    /// changes them.
    pub version: u32,
}

/// A rectangle of tiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct TileRect {
    /// Its top left tile.
    pub corner: Tile,
    /// Columns.
    pub width: u16,
    /// Rows.
    pub height: u16,
}

impl TileRect {
    /// Its tiles, row by row.
    pub fn tiles(self) -> impl Iterator<Item = Tile> {
        let columns = self.corner.x..self.corner.x.saturating_add(self.width);
        (self.corner.y..self.corner.y.saturating_add(self.height))
            .flat_map(move |y| columns.clone().map(move |x| Tile::new(x, y)))
    }

    /// Whether the tile is one of them.
    pub fn contains(self, tile: Tile) -> bool {
        tile.x >= self.corner.x
            && tile.y >= self.corner.y
            && tile.x - self.corner.x < self.width
            && tile.y - self.corner.y < self.height
    }
}

/// One element standing somewhere.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Placement {
    /// This placement.
    pub id: PlacementId,
    /// What stands there.
    pub element: ElementId,
    /// The top left tile of its picture.
    pub corner: Tile,
    /// The part that blocks movement, in tiles of the space; `None` when people walk over it.
    pub solid: Option<TileRect>,
}
