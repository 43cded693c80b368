//! Protocol: the types of `plaza.v1`, one file per domain, direction in the name.
//! `docs/protocol.md` states every byte. Tests write the client's codec and the tables there from
//! these types (`generated`).
//!
//! May use `components`. Never: sockets, state, decisions. `codec` encodes the messages, `session`
//! interprets them.

use bincode::{Decode, Encode};
#[cfg(test)]
use serde::{Deserialize, Serialize};

use crate::net::registry;

pub mod block;
pub mod bubble;
pub mod call;
pub mod chat;
pub mod client;
pub mod close;
pub mod direct;
#[cfg(test)]
mod docs;
pub mod element;
pub mod emote;
pub mod follow;
pub mod frame;
#[cfg(test)]
mod generated;
#[cfg(test)]
mod golden;
pub mod json;
pub mod movement;
pub mod peers;
pub mod session;
pub mod status;
#[cfg(test)]
mod tables;
#[cfg(test)]
mod typescript;
pub mod zone;

/// The WebSocket subprotocol.
pub const SUBPROTOCOL: &str = "plaza.v1";

/// Version of the protocol in `Hello`.
pub const VERSION: u16 = 1;

/// Hash of all types, which a test writes down. Client and server compare it, so that a client with
/// other messages is refused instead of misread.
pub const SCHEMA: u32 = registry::hash(include_str!("types.txt"));

/// Messages from a client. New ones go into the type of their domain.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub enum ClientMessage {
    /// Joins a space; always the first message.
    Hello(session::HelloC2s),
    /// Moves one step in a held direction.
    Input(movement::InputC2s),
    /// About the connection.
    Session(session::SessionC2s),
    /// Walks.
    Movement(movement::MovementC2s),
    /// About the chat.
    Chat(chat::ChatC2s),
    /// Shows an emote.
    Emote(emote::EmoteC2s),
    /// Signals of a call.
    Call(call::CallC2s),
    /// About the availability of the sender.
    Status(status::StatusC2s),
    /// About private zones.
    Zone(zone::ZoneC2s),
    /// Follows a player, or stops.
    Follow(follow::FollowC2s),
    /// Creates, joins, leaves, locks or unlocks a conversation bubble.
    Bubble(bubble::BubbleC2s),
    /// Blocks or unblocks a user.
    Block(block::BlockC2s),
}

/// Messages from the server. New ones go into the type of their domain.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub enum ServerMessage {
    /// About the connection.
    Session(session::SessionS2c),
    /// The client may not join; says why.
    Refused(session::RefusedS2c),
    /// Changes in the client's view.
    Frame(frame::FrameS2c),
    /// About the chat.
    Chat(chat::ChatS2c),
    /// A player shows an emote.
    Emote(emote::EmoteS2c),
    /// About the objects of the layout.
    Element(element::ElementS2c),
    /// Players that the receiver hears or sees, or that hear or see the receiver.
    Peers(peers::PeersS2c),
    /// Signals of a call.
    Call(call::CallS2c),
    /// About the availability of players.
    Status(status::StatusS2c),
    /// About private zones and portals.
    Zone(zone::ZoneS2c),
    /// About conversation bubbles.
    Bubble(bubble::BubbleS2c),
    /// A player follows the receiver, or stops.
    Follow(follow::FollowedS2c),
    /// A direct message from or to the receiver.
    Direct(direct::DirectMessageS2c),
}

/// Variant number of [`ServerMessage::Frame`]. Relays write it themselves before the shared pieces.
pub const FRAME_VARIANT: u8 = 2;

/// Variant number of [`ClientMessage::Hello`]. It, the version and the schema stay where they are,
/// so that older clients are told to reload.
pub const HELLO_VARIANT: u32 = 0;

/// Variant number of [`ServerMessage::Refused`]. It, the code and the reason stay where they are,
/// so that older clients can read it.
#[cfg(test)]
pub const REFUSED_VARIANT: u32 = 1;
