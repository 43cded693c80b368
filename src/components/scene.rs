//! Scene: what does not change while a space is open.

use bincode::{Decode, Encode};

/// A space as those see it who are about to follow it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Scene {
    /// What the space is called.
    pub name: String,
    /// Columns.
    pub width: u16,
    /// Rows.
    pub height: u16,
    /// Ticks per second.
    pub tick_rate: u8,
}
