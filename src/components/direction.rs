//! Directions: directions of movement, directions of faces, and states of motion.

use bevy_ecs::prelude::Component;
use bincode::{Decode, Encode};

/// Direction of movement. The numbers are those of the wire, clockwise from up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
#[repr(u8)]
#[expect(missing_docs, reason = "the names are the meaning")]
pub enum Direction {
    #[default]
    None = 0,
    Up = 1,
    UpRight = 2,
    Right = 3,
    DownRight = 4,
    Down = 5,
    DownLeft = 6,
    Left = 7,
    UpLeft = 8,
}

impl Direction {
    /// All directions, by number.
    pub const ALL: [Self; 9] = [
        Self::None,
        Self::Up,
        Self::UpRight,
        Self::Right,
        Self::DownRight,
        Self::Down,
        Self::DownLeft,
        Self::Left,
        Self::UpLeft,
    ];

    /// The direction with this number; `None` for an unknown number.
    pub fn from_wire(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// Signs of the movement to the right and down: −1, 0 or 1.
    pub const fn signs(self) -> (i32, i32) {
        match self {
            Self::None => (0, 0),
            Self::Up => (0, -1),
            Self::UpRight => (1, -1),
            Self::Right => (1, 0),
            Self::DownRight => (1, 1),
            Self::Down => (0, 1),
            Self::DownLeft => (-1, 1),
            Self::Left => (-1, 0),
            Self::UpLeft => (-1, -1),
        }
    }

    /// The direction with these signs. Only the signs of the arguments count.
    pub const fn from_signs(x: i32, y: i32) -> Self {
        match (x.signum(), y.signum()) {
            (0, -1) => Self::Up,
            (1, -1) => Self::UpRight,
            (1, 0) => Self::Right,
            (1, 1) => Self::DownRight,
            (0, 1) => Self::Down,
            (-1, 1) => Self::DownLeft,
            (-1, 0) => Self::Left,
            (-1, -1) => Self::UpLeft,
            _ => Self::None,
        }
    }
}

/// Direction in which a player looks. The numbers are those of the wire and of the rows of a walk
/// sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
#[repr(u8)]
#[expect(missing_docs, reason = "the names are the meaning")]
pub enum Facing {
    #[default]
    Down = 0,
    Left = 1,
    Right = 2,
    Up = 3,
}

impl Facing {
    /// The facing with this number; `None` for an unknown number.
    pub const fn from_wire(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Down),
            1 => Some(Self::Left),
            2 => Some(Self::Right),
            3 => Some(Self::Up),
            _ => None,
        }
    }
}

/// Motion of a player. The numbers are those of the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Component, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
#[repr(u8)]
#[expect(missing_docs, reason = "the names are the meaning")]
pub enum Motion {
    #[default]
    Standing = 0,
    Walking = 1,
    Running = 2,
}
