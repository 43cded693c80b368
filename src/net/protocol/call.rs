//! Call: signals between peers, and between a player and the SFU.

use bincode::{Decode, Encode};
#[cfg(test)]
use serde::{Deserialize, Serialize};

/// Messages from a client about calls.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub enum CallC2s {
    /// Call signal for a peer.
    Signal(SignalC2s),
    /// Request to the SFU.
    Sfu(SfuC2s),
}

/// Messages from the server about calls.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub enum CallS2c {
    /// Call signal from a peer.
    Signal(SignalS2c),
    /// Reply of the SFU.
    Sfu(SfuS2c),
}

/// Call signal for a peer of the sender, to open, change or repair their call. The server does not
/// read it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct SignalC2s {
    /// Player who receives it.
    pub player: u32,
    /// JSON: `{description}` or `{candidate}`; at most 12 KiB.
    pub body: String,
}

/// Call signal from a peer of the receiver.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct SignalS2c {
    /// Player who sent it.
    pub player: u32,
    /// The body as it was sent.
    pub body: String,
}

/// Request to the SFU.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct SfuC2s {
    /// JSON: `{offer}` or `{show}`; at most 12 KiB.
    pub body: String,
}

/// Reply of the SFU.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct SfuS2c {
    /// The reply, as JSON.
    pub body: String,
}

#[cfg(test)]
impl CallC2s {
    /// Examples of every message, for the golden vectors.
    pub(super) fn examples() -> Vec<Self> {
        vec![
            Self::Signal(SignalC2s {
                player: 70_000,
                body: "{\"candidate\":null}".into(),
            }),
            Self::Sfu(SfuC2s {
                body: "{\"want\":[]}".into(),
            }),
        ]
    }
}

#[cfg(test)]
impl CallS2c {
    /// Examples of every message, for the golden vectors.
    pub(super) fn examples() -> Vec<Self> {
        vec![
            Self::Signal(SignalS2c {
                player: 12,
                body: "{\"description\":{\"type\":\"offer\"}}".into(),
            }),
            Self::Sfu(SfuS2c {
                body: "{\"candidate\":null}".into(),
            }),
        ]
    }
}
