//! Session: coming in, staying in touch, being told.

use bincode::{Decode, Encode};
#[cfg(test)]
use serde::Serialize;

use super::movement::OwnStateS2c;

/// First message of a client.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct HelloC2s {
    /// [`super::VERSION`].
    pub version: u16,
    /// [`super::SCHEMA`].
    pub schema: u32,
    /// The sign-in token.
    pub token: String,
    /// The space's id.
    pub space: String,
    /// Tiles that the window shows, across.
    pub view_width: u16,
    /// And down.
    pub view_height: u16,
    /// The name of a zone to arrive in: the other end of a portal.
    pub arrive: Option<String>,
}

/// The window was resized or zoomed.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct ViewC2s {
    /// Tiles across.
    pub width: u16,
    /// Tiles down.
    pub height: u16,
}

/// Asks for a [`PongS2c`].
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct PingC2s {
    /// Comes back in the answer.
    pub nonce: u32,
}

/// The client is in.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct WelcomeS2c {
    /// The client's own player.
    pub player: u32,
    /// Which life of the space this is.
    pub epoch: u64,
    /// The last tick.
    pub tick: u64,
    /// Ticks per second.
    pub tick_rate: u8,
    /// What the space is called.
    pub space_name: String,
    /// Columns.
    pub width: u16,
    /// Rows.
    pub height: u16,
    /// The plan's version, for fetching the map.
    pub map_version: u32,
    /// Hash of the collision grid, for checking it.
    pub grid_hash: u32,
    /// Where the own player is.
    pub own: OwnStateS2c,
    /// Ids of the users whom this one keeps away.
    pub blocked: Vec<String>,
}

/// The client is not let in; the socket closes with the same code.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct RefusedS2c {
    /// A close code.
    pub code: u16,
    /// For the person.
    pub message: String,
}

/// Answers [`PingC2s`].
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct PongS2c {
    /// The ping's.
    pub nonce: u32,
    /// The last tick this client could know.
    pub tick: u64,
}

/// Something the person should read.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct NoticeS2c {
    /// For the program.
    pub code: String,
    /// For the person.
    pub message: String,
}

/// The client read slower than was said, so some messages were left out. How things are follows:
/// what was said lately, areas, bubbles and who is near.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct MissedS2c {
    /// The plan's version, for fetching the map when it is another.
    pub map_version: u32,
}
