//! Session: joining, pings and notices.

use bincode::{Decode, Encode};
#[cfg(test)]
use serde::{Deserialize, Serialize};

use super::movement::OwnStateS2c;

/// Messages from a client about its connection, after `Hello`.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub enum SessionC2s {
    /// Changes the number of visible tiles.
    View(ViewC2s),
    /// Asks for a pong.
    Ping(PingC2s),
    /// Leaves for good.
    Leave,
}

/// Messages from the server about a connection.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub enum SessionS2c {
    /// The client has joined.
    Welcome(WelcomeS2c),
    /// Reply to a ping.
    Pong(PongS2c),
    /// A notice for the user.
    Notice(NoticeS2c),
    /// Messages to the receiver were left out.
    Missed(MissedS2c),
}

/// First message of a client.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct HelloC2s {
    /// [`super::VERSION`].
    pub version: u16,
    /// [`super::SCHEMA`].
    pub schema: u32,
    /// Sign-in token.
    pub token: String,
    /// Id of the space.
    pub space: String,
    /// Number of visible tiles across.
    pub view_width: u16,
    /// Number of visible tiles down.
    pub view_height: u16,
    /// Ticket from a `Portal`; any other value is ignored.
    pub arrive: Option<String>,
}

/// The number of visible tiles changed.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct ViewC2s {
    /// Number of visible tiles across.
    pub width: u16,
    /// Number of visible tiles down.
    pub height: u16,
}

/// Asks for a [`PongS2c`].
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct PingC2s {
    /// Number that the answer repeats.
    pub nonce: u32,
}

/// The client has joined.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct WelcomeS2c {
    /// Number of the client's own player.
    pub player: u32,
    /// Epoch of the space.
    pub epoch: u64,
    /// Last tick.
    pub tick: u64,
    /// Ticks per second.
    pub tick_rate: u8,
    /// Name of the space.
    pub space_name: String,
    /// Width in tiles.
    pub width: u16,
    /// Height in tiles.
    pub height: u16,
    /// Version of the layout, for fetching the map.
    pub map_version: u32,
    /// Hash of the collision grid, for verification.
    pub grid_hash: u32,
    /// State of the client's own player.
    pub own: OwnStateS2c,
    /// Ids of the users that this user blocks.
    pub blocked: Vec<String>,
}

/// The client may not join. The socket closes with the same code.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct RefusedS2c {
    /// Close code.
    pub code: u16,
    /// Reason, for the user.
    pub message: String,
}

/// Answers [`PingC2s`].
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct PongS2c {
    /// Number from the ping.
    pub nonce: u32,
    /// Last tick that the client may know.
    pub tick: u64,
}

/// A notice for the user.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct NoticeS2c {
    /// Code, for programs.
    pub code: String,
    /// Text, for the user.
    pub message: String,
}

/// The client read too slowly, so some messages were left out. The current state follows: recent
/// chat, private zones, bubbles and peers.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct MissedS2c {
    /// Version of the layout; if it differs, fetch the map.
    pub map_version: u32,
}

#[cfg(test)]
impl HelloC2s {
    /// Examples for the golden vectors.
    pub(super) fn examples() -> Vec<Self> {
        vec![Self {
            version: super::VERSION,
            schema: 0x0102_0304,
            token: "t0ken".into(),
            space: "0197a1b2-0000-7000-8000-000000000001".into(),
            view_width: 46,
            view_height: 300,
            arrive: Some("The door".into()),
        }]
    }
}

#[cfg(test)]
impl SessionC2s {
    /// Examples of every message, for the golden vectors.
    pub(super) fn examples() -> Vec<Self> {
        vec![
            Self::View(ViewC2s {
                width: 12,
                height: 26,
            }),
            Self::Ping(PingC2s { nonce: 65_536 }),
            Self::Leave,
        ]
    }
}

#[cfg(test)]
impl SessionS2c {
    /// Examples of every message, for the golden vectors.
    pub(super) fn examples() -> Vec<Self> {
        vec![
            Self::Welcome(WelcomeS2c {
                player: 12,
                epoch: 3,
                tick: (1 << 53) - 1,
                tick_rate: 20,
                space_name: "Plaza".into(),
                width: 60,
                height: 1_000,
                map_version: 4,
                grid_hash: 0xdead_beef,
                own: super::movement::OWN,
                blocked: vec!["0197a1b2-0000-7000-8000-00000000000b".into()],
            }),
            Self::Pong(PongS2c {
                nonce: 65_536,
                tick: 251,
            }),
            Self::Notice(NoticeS2c {
                code: "no-path".into(),
                message: "No way leads there.".into(),
            }),
            Self::Missed(MissedS2c { map_version: 300 }),
        ]
    }
}

#[cfg(test)]
impl RefusedS2c {
    /// Examples for the golden vectors.
    pub(super) fn examples() -> Vec<Self> {
        vec![Self {
            code: 4404,
            message: "There is no such space.".into(),
        }]
    }
}
