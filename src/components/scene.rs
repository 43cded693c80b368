//! Scene: properties of a space that stay the same while it is open.

use bincode::{Decode, Encode};

/// What a client needs to know of a space before it follows it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct Scene {
    /// Name that clients show.
    pub name: String,
    /// Width in tiles.
    pub width: u16,
    /// Height in tiles.
    pub height: u16,
    /// Ticks per second.
    pub tick_rate: u8,
}

impl Scene {
    /// Number of tiles.
    pub fn tiles(&self) -> usize {
        usize::from(self.width) * usize::from(self.height)
    }
}
