//! Zones: rectangles of a map with a meaning, and how private areas are right now.

use bevy_ecs::prelude::Component;
use bincode::{Decode, Encode};

use super::id::{PlayerId, SpaceId};
use super::layout::TileRect;

/// People in one private area at most, whatever its map says.
pub const MOST_IN_AREA: u16 = 100;

/// A rectangle of a map with a meaning. Its number is its place in the map's list.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Zone {
    /// What it does.
    pub kind: ZoneKind,
    /// What people call it.
    pub name: String,
    /// Where it is.
    pub area: TileRect,
    /// How many may be in it, when it is a private area and not for any number.
    pub cap: Option<u16>,
    /// Where it leads, when it is a portal.
    pub target: Option<PortalTarget>,
    /// Names of the zones whose people hear this stage; empty for the whole space.
    pub audience: Vec<String>,
    /// How far voices carry in it, in tiles, when it says so.
    pub reach: Option<u8>,
}

impl Zone {
    /// A zone without further wishes.
    pub const fn new(kind: ZoneKind, name: String, area: TileRect) -> Self {
        Self {
            kind,
            name,
            area,
            cap: None,
            target: None,
            audience: Vec::new(),
            reach: None,
        }
    }
}

/// Where a portal leads.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct PortalTarget {
    /// To which space; `None` for this one.
    pub space: Option<SpaceId>,
    /// To the zone of that name; empty for wherever people arrive.
    pub zone: String,
}

/// What a zone does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub enum ZoneKind {
    /// People arrive here.
    Spawn,
    /// Everybody inside hears each other and nobody else.
    Private,
    /// Nobody hears and nobody is heard.
    Silent,
    /// Who stands here is heard by its audience.
    Stage,
    /// Who stands here hears the stages that name it.
    Audience,
    /// Who steps here comes out somewhere else.
    Portal,
    /// Who stands here is shown a page.
    Link,
    /// Who stands here is shown a text.
    Note,
    /// Voices carry farther or less far here.
    Voices,
}

impl ZoneKind {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Spawn,
        Self::Private,
        Self::Silent,
        Self::Stage,
        Self::Audience,
        Self::Portal,
        Self::Link,
        Self::Note,
        Self::Voices,
    ];

    /// The word used in maps and over HTTP.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Spawn => "spawn",
            Self::Private => "private",
            Self::Silent => "silent",
            Self::Stage => "stage",
            Self::Audience => "audience",
            Self::Portal => "portal",
            Self::Link => "link",
            Self::Note => "note",
            Self::Voices => "voices",
        }
    }

    /// The kind with that word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// In which zones that count people a player stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Component)]
pub struct ZoneOccupancy {
    /// The private area.
    pub area: Option<u16>,
    /// The portal.
    pub portal: Option<u16>,
}

/// How a private area is, as everybody is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct PrivateZoneState {
    /// The zone's number.
    pub zone: u16,
    /// Whether nobody may come in any more.
    pub locked: bool,
    /// How many stand in it.
    pub people: u16,
    /// How many may; 0 for any number.
    pub cap: u16,
    /// Who locked it, as far as that is known.
    pub locked_by: Option<PlayerId>,
}

impl PrivateZoneState {
    /// Whether it keeps everybody out who is not inside.
    pub const fn is_closed(&self) -> bool {
        self.locked || self.is_full()
    }

    /// Whether it has no place left.
    pub const fn is_full(&self) -> bool {
        self.cap > 0 && self.people >= self.cap
    }
}
