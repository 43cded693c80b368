//! Zones: named rectangles of a map with a meaning, and the state of private zones.

use bevy_ecs::prelude::Component;
use bincode::{Decode, Encode};

use super::audience::Audience;
use super::id::{PlayerId, SpaceId};
use super::tile_rect::TileRect;

/// Most players in one private zone.
pub const MOST_IN_PRIVATE_ZONE: u16 = 100;

/// A rectangle of a map with a meaning. Its number is its index in the map's list.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct Zone {
    /// What happens in it.
    pub kind: ZoneKind,
    /// Name; portals, stages and kept locks refer to it.
    pub name: String,
    /// A player is in the zone while the middle of their body is on one of these tiles.
    pub area: TileRect,
    /// Most players in it; `None` when it is not a private zone or has no limit.
    pub cap: Option<u16>,
    /// Target of a portal.
    pub target: Option<PortalTarget>,
    /// Names of the zones that hear this stage; empty for the whole space.
    pub audience: Vec<String>,
    /// Range of voices in it, in tiles, when the zone sets one.
    pub reach: Option<u8>,
}

impl Zone {
    /// A zone without further properties.
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

/// Target of a portal.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct PortalTarget {
    /// Space it leads to; `None` for this one.
    pub space: Option<SpaceId>,
    /// Name of the zone it leads to; empty for the spawn zones.
    pub zone: String,
}

/// Kind of a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub enum ZoneKind {
    /// Players arrive here.
    Spawn,
    /// Players inside hear only each other.
    Private,
    /// Players inside do not hear and are not heard.
    Silent,
    /// A player here is heard by the stage's audience.
    Stage,
    /// A player here hears the stages that name the zone.
    Audience,
    /// A player who steps here is moved to the target.
    Portal,
    /// Shows a web page to players inside.
    Link,
    /// Shows a text to players inside.
    Note,
    /// Sets the range of voices inside.
    Voices,
    /// Players who stand inside are shown dancing.
    Dance,
}

impl ZoneKind {
    /// All kinds.
    pub const ALL: [Self; 10] = [
        Self::Spawn,
        Self::Private,
        Self::Silent,
        Self::Stage,
        Self::Audience,
        Self::Portal,
        Self::Link,
        Self::Note,
        Self::Voices,
        Self::Dance,
    ];

    /// Word used in maps and over HTTP.
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
            Self::Dance => "dance",
        }
    }

    /// The kind with this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// Zones with a count of players in which a player stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Component)]
pub struct ZoneOccupancy {
    /// Number of the private zone.
    pub private_zone: Option<u16>,
    /// Number of the portal.
    pub portal: Option<u16>,
}

/// State of a private zone, as it is sent to all clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct PrivateZoneState {
    /// Number of the zone.
    pub zone: u16,
    /// Whether it is locked.
    pub locked: bool,
    /// Number of players in it.
    pub people: u16,
    /// Most players in it; 0 for no limit.
    pub cap: u16,
    /// Player who locked it, as far as that is known.
    pub locked_by: Option<PlayerId>,
}

impl PrivateZoneState {
    /// Whether players outside cannot come in.
    pub const fn is_closed(&self) -> bool {
        self.locked || self.is_full()
    }

    /// Whether it is full.
    pub const fn is_full(&self) -> bool {
        self.cap > 0 && self.people >= self.cap
    }
}

/// Requests about private zones.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub enum ZoneCommand {
    /// Lock or unlock the private zone in which a player stands.
    Lock {
        /// The player who acts.
        player: PlayerId,
        /// Number of the zone.
        zone: u16,
        /// Whether it is locked from now on.
        locked: bool,
    },
    /// Ask the players in a private zone to be let in.
    Knock {
        /// The player who knocks.
        player: PlayerId,
        /// Number of the zone.
        zone: u16,
    },
}

/// Request to let a player who knocked into the private zone in which this player stands, or into
/// their bubble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct Admit {
    /// The player who admits.
    pub player: PlayerId,
    /// Player who is let in.
    pub guest: PlayerId,
}

/// What changed about private zones and portals.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub enum ZoneFact {
    /// The state of a private zone changed.
    Changed(PrivateZoneState),
    /// A player asks to come into a private zone. Only the players inside are told.
    Knocked {
        /// The player who knocked.
        player: PlayerId,
        /// Number of the zone.
        zone: u16,
        /// Players inside.
        to: Vec<PlayerId>,
    },
    /// A player may come into a private zone. Only that player is told.
    Admitted {
        /// Player who is let in.
        player: PlayerId,
        /// Number of the zone.
        zone: u16,
    },
    /// A player went through a portal to another space. They stay here until the relay has sent
    /// them to the other space and removes them.
    TookPortal {
        /// Player who left through the portal.
        player: PlayerId,
        /// Space that the portal leads to.
        space: SpaceId,
        /// Zone to arrive in; empty for the other space's spawn zones.
        arrive: String,
    },
}

impl ZoneFact {
    /// The players who are told.
    pub fn audience(&self) -> Audience<'_> {
        match self {
            Self::Changed(_) => Audience::Everyone,
            Self::Knocked { to, .. } => Audience::Players(to),
            Self::Admitted { player, .. } | Self::TookPortal { player, .. } => {
                Audience::Player(*player)
            }
        }
    }

    /// Whether a snapshot contains the same, and newer.
    pub const fn is_in_snapshot(&self) -> bool {
        match self {
            Self::Changed(_) => true,
            Self::Knocked { .. } | Self::Admitted { .. } | Self::TookPortal { .. } => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_in_the_list_and_has_a_word_of_its_own() {
        let decode = |number| {
            bincode::decode_from_slice(&[number], bincode::config::standard())
                .ok()
                .map(|(kind, _): (ZoneKind, usize)| kind)
        };
        let kinds: Vec<ZoneKind> = (0..).map_while(decode).collect();
        assert_eq!(kinds, ZoneKind::ALL);
        for kind in kinds {
            assert_eq!(ZoneKind::from_word(kind.word()), Some(kind));
        }
    }
}
