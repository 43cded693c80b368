//! Denial: why a request of a player was refused.

use bincode::{Decode, Encode};

/// Reason why a request was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub enum Denial {
    /// A signal to a player who is not a peer of the sender.
    NotConnected,
    /// A wave to a player whose status is "do not disturb".
    DoNotDisturb,
    /// A request to the SFU where there is none.
    NoSfu,
    /// A request about a player who is not here.
    NotHere,
    /// An action on a private zone that only players inside may do.
    NotInside,
    /// A bubble while no other player stands near.
    NobodyNear,
    /// A bubble where none is possible: in a private zone, in a silent zone, or in another bubble.
    NotInTheOpen,
    /// A bubble that is not near, or that ended.
    NotNearBubble,
    /// A bubble that is full.
    BubbleFull,
    /// The player was moved to the spawn point a moment ago.
    HomeTooSoon,
    /// Following a player where one of the two blocked the other.
    NoFollow,
}
