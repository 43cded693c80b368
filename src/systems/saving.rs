//! Saving: the sections of a checkpoint. A system whose state must outlive the process registers
//! one with `SpaceBuilder::save`, and has the records in its own file.
//!
//! A record is never changed: a system with other state gets another version of its section, and
//! its `load` reads earlier versions too. `space::checkpoint` puts sections into bytes.

use bevy_ecs::prelude::*;
use bincode::config::{Configuration, Limit, LittleEndian, Varint};
use bincode::{Decode, Encode};

/// Most bytes that a decoder may allocate: far more than the largest space needs.
pub const LIMIT: usize = 64 << 20;

/// Saved state of one system.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Section {
    /// Name under which the system registered it.
    pub name: String,
    /// Version of the record in the bytes.
    pub version: u16,
    /// The record.
    pub bytes: Vec<u8>,
}

/// Name, current version and functions of a section.
#[derive(Debug, Clone, Copy)]
pub struct Saver {
    pub(super) name: &'static str,
    pub(super) version: u16,
    pub(super) save: SaveSection,
    pub(super) load: LoadSection,
}

/// Encodes the state of a system as the current version of its section.
pub type SaveSection = fn(&World) -> Vec<u8>;

/// Puts a section of the current or an earlier version into a world that has only what plugins
/// added and what sections registered before have loaded.
pub type LoadSection = fn(&mut World, u16, &[u8]) -> Result<(), SectionError>;

/// Sections whose names no system knows: those of a later build. They are saved as they were, so
/// that a build that was rolled back does not lose them.
#[derive(Debug, Clone, Default, Resource)]
pub struct UnknownSections(Vec<Section>);

/// Why a section cannot be loaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SectionError {
    /// Written by another version of this program.
    #[error("it has version {found}; this program writes version {known}")]
    Version {
        /// Version of the section.
        found: u16,
        /// Version that this program writes.
        known: u16,
    },
    /// The bytes are not a valid record.
    #[error("it cannot be read: {0}")]
    Malformed(String),
    /// The record holds impossible values.
    #[error("it makes no sense: {0}")]
    Senseless(&'static str),
}

/// A section that cannot be loaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("section \"{name}\": {error}")]
pub struct UnreadableSection {
    /// Name of the section.
    pub name: String,
    /// Why it cannot be loaded.
    pub error: SectionError,
}

impl UnreadableSection {
    /// Whether a later version of this program can load it.
    pub const fn is_newer(&self) -> bool {
        match self.error {
            SectionError::Version { found, known } => found > known,
            SectionError::Malformed(_) | SectionError::Senseless(_) => false,
        }
    }
}

/// All sections of a world, in the order in which systems registered them.
pub fn save(world: &World, savers: &[Saver]) -> Vec<Section> {
    let known = savers.iter().map(|saver| Section {
        name: saver.name.to_owned(),
        version: saver.version,
        bytes: (saver.save)(world),
    });
    let unknown = world.resource::<UnknownSections>().0.iter().cloned();
    known.chain(unknown).collect()
}

/// Loads all sections, in the order in which systems registered them. A system without a section
/// starts fresh.
pub fn load(
    world: &mut World,
    savers: &[Saver],
    sections: &[Section],
) -> Result<(), UnreadableSection> {
    let unreadable = |name: &str| {
        let name = name.to_owned();
        move |error| UnreadableSection { name, error }
    };
    let mut unknown = Vec::new();
    // First, so that a damaged section never hides that a later build saved the space.
    for section in sections {
        let (found, saver) = (section.version, of(savers, &section.name));
        match saver.map(|saver| saver.version) {
            None => unknown.push(section.clone()),
            Some(known) if found > known => {
                return Err(unreadable(&section.name)(SectionError::Version {
                    found,
                    known,
                }));
            }
            Some(_) => {}
        }
    }
    world.insert_resource(UnknownSections(unknown));
    for saver in savers {
        if let Some(section) = sections.iter().find(|section| section.name == saver.name) {
            (saver.load)(world, section.version, &section.bytes)
                .map_err(unreadable(&section.name))?;
        }
    }
    Ok(())
}

fn of<'a>(savers: &'a [Saver], name: &str) -> Option<&'a Saver> {
    savers.iter().find(|saver| saver.name == name)
}

/// The bytes of a record.
pub fn write<Record: Encode>(record: Record) -> Vec<u8> {
    bincode::encode_to_vec(record, config())
        .expect("a record of plain values can always be encoded")
}

/// The record that fills the bytes.
pub fn read<Record: Decode<()>>(bytes: &[u8]) -> Result<Record, SectionError> {
    let (record, read) = bincode::decode_from_slice(bytes, config())
        .map_err(|error| SectionError::Malformed(error.to_string()))?;
    if read != bytes.len() {
        return Err(SectionError::Malformed(format!(
            "{} bytes too many",
            bytes.len() - read
        )));
    }
    Ok(record)
}

/// The record of a section that has had only one version so far.
pub fn read_first<Record: Decode<()>>(version: u16, bytes: &[u8]) -> Result<Record, SectionError> {
    match version {
        1 => read(bytes),
        found => Err(SectionError::Version { found, known: 1 }),
    }
}

const fn config() -> Configuration<LittleEndian, Varint, Limit<LIMIT>> {
    bincode::config::standard().with_limit::<LIMIT>()
}
