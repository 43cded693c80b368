//! Tile rectangle: a rectangle of tiles, for zones and for what elements block.

use bincode::{Decode, Encode};

use super::unit::Tile;

/// A rectangle of tiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct TileRect {
    /// Its top left tile.
    pub corner: Tile,
    /// Columns.
    pub width: u16,
    /// Height in tiles.
    pub height: u16,
}

impl TileRect {
    /// All tiles, row by row.
    pub fn tiles(self) -> impl Iterator<Item = Tile> {
        let columns = self.corner.x..self.corner.x.saturating_add(self.width);
        (self.corner.y..self.corner.y.saturating_add(self.height))
            .flat_map(move |y| columns.clone().map(move |x| Tile::new(x, y)))
    }

    /// Whether the tile is inside.
    pub fn contains(self, tile: Tile) -> bool {
        tile.x >= self.corner.x
            && tile.y >= self.corner.y
            && tile.x - self.corner.x < self.width
            && tile.y - self.corner.y < self.height
    }
}
