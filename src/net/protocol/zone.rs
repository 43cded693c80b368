//! Zone: private areas that are locked and knocked at, and steps through portals.

use bincode::{Decode, Encode};
#[cfg(test)]
use serde::Serialize;

/// Locks or opens a private area the sender stands in.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct LockC2s {
    /// The zone's place in the map's list.
    pub zone: u16,
    /// Whether it shall be locked.
    pub locked: bool,
}

/// Asks those in a private area to be let in.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct KnockC2s {
    /// The zone's place in the map's list.
    pub zone: u16,
}

/// Lets somebody in who knocked at the area the sender stands in.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct AdmitC2s {
    /// Who knocked.
    pub player: u32,
}

/// How a private area is now.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct ZoneS2c {
    /// The zone's place in the map's list.
    pub zone: u16,
    /// Whether nobody may come in any more.
    pub locked: bool,
    /// How many stand in it.
    pub people: u16,
    /// How many may; 0 for any number.
    pub cap: u16,
    /// Who locked it; nothing when it is open, or that is not known.
    pub locked_by: Option<u32>,
}

/// Somebody wants to come into the area the receiver stands in.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct KnockedS2c {
    /// Who.
    pub player: u32,
    /// The zone's place in the map's list.
    pub zone: u16,
}

/// The receiver may come in.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct AdmittedS2c {
    /// The zone's place in the map's list.
    pub zone: u16,
}

/// The receiver stepped through a portal to another space, and goes there now.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct PortalS2c {
    /// The space's id.
    pub space: String,
    /// The name of the zone to arrive in, for `Hello.arrive`; empty for wherever people arrive
    /// there.
    pub arrive: String,
}
