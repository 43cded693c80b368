//! Checkpoint: the state of a space that must outlive a process. Each system saves a section of its
//! own (`systems::saving`). The bytes of version 6 are a header (`sealed`), then the last tick and
//! the sections, each with name, version, length and bytes.
//!
//! `cluster` stores them; `durable` has what happened since.

use std::collections::BTreeSet;

use super::checkpoint_error::{CheckpointError, VERSION};
use super::{legacy, sealed};
use crate::components::chat::ChatMessage;
use crate::components::unit::Tick;
use crate::systems::chat;
use crate::systems::saving::{self, Section, UnreadableSection};

/// Tick that no space can have reached: at 60 ticks per second it takes more than a million years.
const MAX_TICK: u64 = 1 << 53;

/// Saved state of a space.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Checkpoint {
    /// Last tick that was run.
    pub tick: Tick,
    /// State of each system. Also of systems that this program does not know.
    pub sections: Vec<Section>,
}

impl Checkpoint {
    /// Newest version of the bytes. All from 1 on are read.
    pub const VERSION: u16 = VERSION;

    /// Encodes the checkpoint.
    pub fn encode(&self) -> Vec<u8> {
        let record = saving::write((self.tick.0, &self.sections));
        Self::seal(VERSION, &sealed::pack(&record))
    }

    /// Puts a header with version and hash before a body, so that damage is detected.
    pub fn seal(version: u16, body: &[u8]) -> Vec<u8> {
        sealed::seal(version, body)
    }

    /// Decodes a checkpoint. Any bytes are allowed as input. The sections are read when a space is
    /// restored.
    pub fn decode(bytes: &[u8]) -> Result<Self, CheckpointError> {
        let (version, body) = sealed::open(bytes)?;
        let (tick, sections) = if version == VERSION {
            sealed::unpack(body, |record| Ok(saving::read(record)?))?
        } else {
            legacy::read(version, body)?
        };
        if tick > MAX_TICK {
            return Err(CheckpointError::Senseless("the tick is too large"));
        }
        let mut names = BTreeSet::new();
        if !sections.iter().all(|section| names.insert(&section.name)) {
            return Err(CheckpointError::Senseless("a section is there twice"));
        }
        Ok(Self {
            tick: Tick(tick),
            sections,
        })
    }

    /// Chat messages in the checkpoint, oldest first.
    pub fn history(&self) -> Result<Vec<ChatMessage>, CheckpointError> {
        let is_chat = |section: &&Section| section.name == chat::SECTION;
        let Some(section) = self.sections.iter().find(is_chat) else {
            return Ok(Vec::new());
        };
        let history = chat::saved_history(section.version, &section.bytes);
        history.map_err(|error| {
            let name = section.name.clone();
            UnreadableSection { name, error }.into()
        })
    }
}
