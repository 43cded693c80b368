//! Zone: locking of private zones, knocking, and portals.

use bincode::{Decode, Encode};
#[cfg(test)]
use serde::{Deserialize, Serialize};

/// Messages from a client about private zones.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub enum ZoneC2s {
    /// Locks or unlocks the private zone in which the sender stands.
    Lock(LockC2s),
    /// Knocks at a private zone.
    Knock(KnockC2s),
    /// Lets in a player who knocked.
    Admit(AdmitC2s),
}

/// Messages from the server about private zones and portals.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub enum ZoneS2c {
    /// State of a private zone.
    State(ZoneStateS2c),
    /// A player knocks at the receiver's private zone.
    Knocked(KnockedS2c),
    /// The receiver may enter a private zone.
    Admitted(AdmittedS2c),
    /// The receiver took a portal to another space.
    Portal(PortalS2c),
}

/// Locks or unlocks a private zone in which the sender stands.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct LockC2s {
    /// Index of the zone in the map's list.
    pub zone: u16,
    /// Whether to lock it.
    pub locked: bool,
}

/// Asks the players in a private zone to be let in.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct KnockC2s {
    /// Index of the zone in the map's list.
    pub zone: u16,
}

/// Lets in a player who knocked at the zone in which the sender stands.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct AdmitC2s {
    /// Number of the player that knocked.
    pub player: u32,
}

/// State of a private zone.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct ZoneStateS2c {
    /// Index of the zone in the map's list.
    pub zone: u16,
    /// Whether it is locked.
    pub locked: bool,
    /// Number of players in it.
    pub people: u16,
    /// Maximum number of players; 0 for no limit.
    pub cap: u16,
    /// Player who locked it; `None` if it is unlocked, or if that is unknown.
    pub locked_by: Option<u32>,
}

/// A player knocks at the zone in which the receiver stands.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct KnockedS2c {
    /// Number of the knocking player.
    pub player: u32,
    /// Index of the zone in the map's list.
    pub zone: u16,
}

/// The receiver may enter.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct AdmittedS2c {
    /// Index of the zone in the map's list.
    pub zone: u16,
}

/// The receiver took a portal to another space.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct PortalS2c {
    /// Id of the space.
    pub space: String,
    /// Ticket for `Hello.arrive`; empty to arrive at the default point.
    pub arrive: String,
}

#[cfg(test)]
impl ZoneC2s {
    /// Examples of every message, for the golden vectors.
    pub(super) fn examples() -> Vec<Self> {
        vec![
            Self::Lock(LockC2s {
                zone: 300,
                locked: true,
            }),
            Self::Knock(KnockC2s { zone: 2 }),
            Self::Admit(AdmitC2s { player: 12 }),
        ]
    }
}

#[cfg(test)]
impl ZoneS2c {
    /// Examples of every message, for the golden vectors.
    pub(super) fn examples() -> Vec<Self> {
        vec![
            Self::State(ZoneStateS2c {
                zone: 300,
                locked: true,
                people: 4,
                cap: 251,
                locked_by: Some(12),
            }),
            Self::Knocked(KnockedS2c {
                player: 12,
                zone: 2,
            }),
            Self::Admitted(AdmittedS2c { zone: 2 }),
            Self::Portal(PortalS2c {
                space: "0197a1b2-0000-7000-8000-000000000001".into(),
                arrive: "The door".into(),
            }),
        ]
    }
}
