//! Units: ticks, tiles and positions in 1/64 tile.

use bevy_ecs::prelude::Resource;
use bincode::{Decode, Encode};

/// Sub-tile steps in one tile.
pub const SUBTILES: i32 = 64;

/// Half the side of a player's square body, in 1/64 tile: the body is 38/64 ≈ 0.6 tile wide.
pub const BODY_HALF: i32 = 19;

/// Number of simulation steps of a space since it was created.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Resource, Encode, Decode,
)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct Tick(pub u64);

/// Simulation steps of a space per second, 10 to 60.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Resource)]
pub struct TickRate(u8);

impl TickRate {
    /// The default rate.
    pub const DEFAULT: Self = Self(20);

    /// A rate; `None` outside of 10 to 60.
    pub const fn new(per_second: u8) -> Option<Self> {
        if per_second >= 10 && per_second <= 60 {
            Some(Self(per_second))
        } else {
            None
        }
    }

    /// Steps per second.
    pub const fn per_second(self) -> u8 {
        self.0
    }
}

/// A square of the map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct Tile {
    /// Columns from the left.
    pub x: u16,
    /// Rows from the top.
    pub y: u16,
}

impl Tile {
    /// The tile in column `x` and row `y`.
    pub const fn new(x: u16, y: u16) -> Self {
        Self { x, y }
    }

    /// The tile in column `x` and row `y`; `None` where there can be none.
    pub fn at(x: i32, y: i32) -> Option<Self> {
        Some(Self {
            x: u16::try_from(x).ok()?,
            y: u16::try_from(y).ok()?,
        })
    }

    /// Position of the middle of the tile.
    pub fn middle(self) -> Position {
        let middle = |number: u16| i32::from(number) * SUBTILES + SUBTILES / 2;
        Position {
            x: middle(self.x),
            y: middle(self.y),
        }
    }
}

/// The middle of a player's body, in 1/64 tile from the map's top left corner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct Position {
    /// Distance from the left.
    pub x: i32,
    /// Distance from the top.
    pub y: i32,
}

impl Position {
    /// Tile that the position is on. For positions outside of every map, a tile at their edge.
    pub fn tile(self) -> Tile {
        let number = |at: i32| {
            let tiles = at.div_euclid(SUBTILES).max(0);
            u16::try_from(tiles).unwrap_or(u16::MAX)
        };
        Tile {
            x: number(self.x),
            y: number(self.y),
        }
    }
}
