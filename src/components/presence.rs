//! Presence: whether a player has a connection, and where players stood when they left.

use bevy_ecs::prelude::Component;

use super::direction::Facing;
use super::id::{PlayerId, RelayId, UserId};
use super::player::{Avatar, Card};
use super::unit::{Position, Tick};
use bincode::{Decode, Encode};

/// Seconds that a player stays after the connection was lost without a goodbye.
pub const DISCONNECTED_SECONDS: u64 = 30;

/// Most users whose last pose a space remembers.
pub const REMEMBERED: usize = 4_096;

/// Tick since which a player has no connection; `None` while it has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Component)]
pub struct Disconnected(pub Option<Tick>);

/// Pose of a player at the time they left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RememberedPose {
    /// Middle of the body.
    pub position: Position,
    /// Direction that the player faced.
    pub facing: Facing,
}

/// Conditions of a join that the space checks itself, because others join at the same time. They
/// are for new players: one who is here already stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct JoinTerms {
    /// Most players in the space, this one included; `None` for no limit.
    pub room: Option<u32>,
    /// Until when no new player may join, in Unix milliseconds; `None` when they may.
    pub locked_until: Option<i64>,
}

/// Why a user did not join.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub enum JoinRefusal {
    /// There are as many players as may be.
    Full,
    /// The space is locked until this time, in Unix milliseconds.
    Locked(i64),
}

impl JoinTerms {
    /// Why a new player may not join those who are here.
    pub fn refusal(self, players: usize) -> Option<JoinRefusal> {
        if let Some(until) = self.locked_until {
            return Some(JoinRefusal::Locked(until));
        }
        let most = self
            .room
            .map(|room| usize::try_from(room).unwrap_or(usize::MAX));
        most.filter(|most| players >= *most)
            .map(|_| JoinRefusal::Full)
    }
}

/// Requests about who is in the space.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub enum PresenceCommand {
    /// A user joins, or returns to the player that is still theirs. Permissions were checked
    /// before.
    Join {
        /// The user who joins.
        user: UserId,
        /// Name shown over the head.
        name: String,
        /// Avatar of the user.
        avatar: Option<Avatar>,
        /// Zone in which a new player arrives. When no zone has that name, the player arrives at
        /// the spawn zones.
        arrive: Option<String>,
        /// Users blocked by this user.
        blocked: Vec<UserId>,
        /// Relay that has the client.
        relay: RelayId,
        /// Conditions that only the space can check.
        terms: JoinTerms,
    },
    /// A player whose connection outlived the space's last epoch, but who joined after its last
    /// checkpoint. The player appears where others last saw them, under the same number.
    Resume {
        /// Card of the player.
        card: Card,
        /// Position of the player.
        position: Position,
        /// Direction that the player faces.
        facing: Facing,
        /// Highest input number that is included in the position.
        ack: u32,
        /// Users blocked by this user.
        blocked: Vec<UserId>,
        /// Relay that has the client.
        relay: RelayId,
    },
    /// The player's connection outlived the space's last epoch and is still open. Its input
    /// continues where it was.
    Stay {
        /// The player who stays.
        player: PlayerId,
    },
    /// The user's last connection was lost without a goodbye. The player stays for a while.
    Disconnect {
        /// Player who was disconnected.
        player: PlayerId,
    },
    /// The user left for good.
    Leave {
        /// The player who leaves.
        player: PlayerId,
    },
    /// A user may not be here any more: removes their player if it has no connection. Connections
    /// are closed where they are.
    Remove {
        /// The user who was sent out.
        user: UserId,
    },
    /// A user changes their avatar.
    ChangeAvatar {
        /// User who changes. Nothing happens when they are not here.
        user: UserId,
        /// New avatar.
        avatar: Option<Avatar>,
    },
}

/// What changed about who is in the space.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub enum PresenceFact {
    /// A join was carried out: the user has a player, new or found again.
    Joined {
        /// The user who joined.
        user: UserId,
        /// Player of the user.
        player: PlayerId,
        /// Whether the player was here already.
        again: bool,
        /// Relay that has the client. Clients of the user at other relays are replaced.
        relay: RelayId,
    },
    /// A join was refused: the user has no player.
    Refused {
        /// The user who asked.
        user: UserId,
        /// Relay that has the client.
        relay: RelayId,
        /// Reason of the refusal.
        why: JoinRefusal,
    },
}
