//! Record: what is written to the places that save spaces, what they answer, and what they return.

use super::ownership::Epoch;

/// A write, all or nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Write {
    /// Tick and encoded state of a checkpoint.
    pub checkpoint: Option<(u64, Vec<u8>)>,
    /// Ticks and encoded events, oldest first. Events that the checkpoint covers may be left out.
    pub events: Vec<(u64, Vec<u8>)>,
}

/// Result of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Committed {
    /// Saved.
    Kept,
    /// Refused: another process has a higher epoch.
    Fenced,
    /// Refused: the vault has no such claim, because it lost its last writes.
    Forgotten,
}

/// The state of a space in one of the two places.
#[derive(Debug, Default)]
pub(super) struct StoredSpace {
    /// Epoch, tick and encoded state.
    pub checkpoint: Option<(Epoch, u64, Vec<u8>)>,
    /// Tick and encoded event.
    pub events: Vec<(u64, Vec<u8>)>,
}
