//! Why saved bytes of a space cannot be loaded.

use crate::systems::saving::{SectionError, UnreadableSection};

/// Newest version of a checkpoint's bytes. Older versions are read, too.
pub const VERSION: u16 = 6;

/// Why bytes are not a checkpoint or event that can be loaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// Wrong first bytes, or too few bytes.
    #[error("these bytes are no checkpoint of a space")]
    Foreign,
    /// Written by another version of this program.
    #[error("the checkpoint has version {found}; this program reads version {VERSION}")]
    Version {
        /// Version of the checkpoint.
        found: u16,
    },
    /// An event of a kind that a later version of this program writes.
    #[error("an event has kind {kind}, which this program does not know")]
    Event {
        /// Kind of the event.
        kind: u8,
    },
    /// The saved state of one system cannot be loaded.
    #[error("the checkpoint cannot be loaded: {0}")]
    Section(#[from] UnreadableSection),
    /// Bytes changed or are missing since it was written.
    #[error("the checkpoint is damaged: its hash does not match")]
    Damaged,
    /// The bytes are not a valid record.
    #[error("the checkpoint cannot be read: {0}")]
    Malformed(String),
    /// The record holds impossible values.
    #[error("the checkpoint makes no sense: {0}")]
    Senseless(&'static str),
}

impl CheckpointError {
    /// Whether a later version of this program can read what this one cannot.
    pub const fn is_newer(&self) -> bool {
        match self {
            Self::Version { found } => *found > VERSION,
            Self::Event { .. } => true,
            Self::Section(section) => section.is_newer(),
            Self::Foreign | Self::Damaged | Self::Malformed(_) | Self::Senseless(_) => false,
        }
    }
}

/// For records that are no section.
impl From<SectionError> for CheckpointError {
    fn from(error: SectionError) -> Self {
        match error {
            SectionError::Version { found, .. } => Self::Version { found },
            SectionError::Malformed(why) => Self::Malformed(why),
            SectionError::Senseless(why) => Self::Senseless(why),
        }
    }
}
