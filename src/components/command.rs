//! Commands: every request to a space, one type per domain. They are applied at the next tick, in
//! the order of arrival.

use bincode::{Decode, Encode};

use super::block::BlockChange;
use super::bubble::BubbleCommand;
use super::call::CallCommand;
use super::chat::ChatCommand;
use super::element::ElementCommand;
use super::emote::Emote;
use super::follow::Follow;
use super::movement::MovementCommand;
use super::peers::ProximityCommand;
use super::presence::PresenceCommand;
use super::status::StatusCommand;
use super::zone::{Admit, ZoneCommand};

/// One request to a space.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub enum Command {
    /// About who is in the space.
    Presence(PresenceCommand),
    /// A player moves.
    Movement(MovementCommand),
    /// About messages.
    Chat(ChatCommand),
    /// A player shows an emote.
    Emote(Emote),
    /// About what is placed in the space.
    Element(ElementCommand),
    /// Signals of a call.
    Call(CallCommand),
    /// About the availability of a player.
    Status(StatusCommand),
    /// About private zones.
    Zone(ZoneCommand),
    /// A player lets another into a private zone or bubble.
    Admit(Admit),
    /// A player follows another.
    Follow(Follow),
    /// A player acts on a bubble.
    Bubble(BubbleCommand),
    /// About the proximity rules.
    Proximity(ProximityCommand),
    /// A user blocks or unblocks another.
    Block(BlockChange),
}
