//! Audience: which players are told of a fact.

use super::id::{PlayerId, UserId};

/// Players who are told of a fact. Each protocol shows only what its clients can use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience<'a> {
    /// All players.
    Everyone,
    /// All players who do not block the user of this player.
    From(PlayerId),
    /// All players who do not block this user.
    FromUser(UserId),
    /// All others who do not block the user of this player.
    OthersThan(PlayerId),
    /// One player.
    Player(PlayerId),
    /// These players, in ascending order.
    Players(&'a [PlayerId]),
    /// No player: the fact is for the server.
    Server,
}
