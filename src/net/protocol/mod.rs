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

pub mod bubble;
pub mod chat;
pub mod client;
pub mod close;
#[cfg(test)]
mod docs;
pub mod element;
pub mod frame;
#[cfg(test)]
mod generated;
#[cfg(test)]
pub(crate) mod golden;
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

/// Messages from a client.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub enum ClientMessage {
    /// Joins a space; always the first message.
    Hello(session::HelloC2s),
    /// Moves one step in a held direction.
    Input(movement::InputC2s),
    /// Walks to a tile.
    WalkTo(movement::WalkToC2s),
    /// Walks to another player.
    WalkToPlayer(movement::WalkToPlayerC2s),
    /// Sends a chat message.
    Chat(chat::ChatC2s),
    /// Shows an emote.
    Emote(chat::EmoteC2s),
    /// Changes the number of visible tiles.
    View(session::ViewC2s),
    /// Asks for a pong.
    Ping(session::PingC2s),
    /// Leaves for good.
    Leave,
    /// Call signal for a peer.
    Signal(peers::SignalC2s),
    /// Tells which media the sender sends.
    Media(status::MediaC2s),
    /// Sets the sender's status.
    Status(status::StatusC2s),
    /// Waves at a player.
    Wave(status::WaveC2s),
    /// Locks or unlocks the private zone in which the sender stands.
    Lock(zone::LockC2s),
    /// Knocks at a private zone.
    Knock(zone::KnockC2s),
    /// Lets in a player who knocked.
    Admit(zone::AdmitC2s),
    /// Blocks or unblocks a user.
    Block(status::BlockC2s),
    /// Request to the SFU.
    Forward(peers::SfuC2s),
    /// Edits an own message.
    ChatEdit(chat::ChatEditC2s),
    /// Deletes a message.
    ChatDelete(chat::ChatDeleteC2s),
    /// Adds or removes a reaction.
    React(chat::ReactC2s),
    /// Tells whether the sender types.
    Typing(chat::TypingC2s),
    /// Creates, joins, leaves, locks or unlocks a conversation bubble.
    Bubble(bubble::BubbleC2s),
    /// Asks for earlier chat messages.
    ChatBefore(chat::ChatBeforeC2s),
    /// Moves the sender to the arrival point.
    Home,
    /// Follows a player, or stops.
    Follow(status::FollowC2s),
}

/// Messages from the server.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub enum ServerMessage {
    /// The client has joined.
    Welcome(session::WelcomeS2c),
    /// The client may not join; says why.
    Refused(session::RefusedS2c),
    /// Changes in the client's view.
    Frame(frame::FrameS2c),
    /// A chat message.
    Chat(chat::ChatMessageS2c),
    /// A message was refused.
    ChatRefused(chat::ChatRefusedS2c),
    /// A player shows an emote.
    Emote(chat::EmoteS2c),
    /// An object was placed.
    ElementPlaced(element::ElementPlacedS2c),
    /// An object was removed.
    ElementRemoved(element::ElementRemovedS2c),
    /// The map changed.
    MapChanged(element::MapChangedS2c),
    /// Reply to a ping.
    Pong(session::PongS2c),
    /// A notice for the user.
    Notice(session::NoticeS2c),
    /// Players that the receiver hears or sees, or that hear or see the receiver.
    Peers(peers::PeersS2c),
    /// Call signal from a peer.
    Signal(peers::SignalS2c),
    /// A player waves at the receiver.
    Waved(status::WavedS2c),
    /// State of a private zone.
    Zone(zone::ZoneS2c),
    /// A player knocks at the receiver's private zone.
    Knocked(zone::KnockedS2c),
    /// The receiver may enter a private zone.
    Admitted(zone::AdmittedS2c),
    /// The receiver took a portal to another space.
    Portal(zone::PortalS2c),
    /// Reply of the SFU.
    Forward(peers::SfuS2c),
    /// A message was edited or deleted.
    ChatChanged(chat::ChatChangedS2c),
    /// A reaction was added or removed.
    Reacted(chat::ReactedS2c),
    /// A player started or stopped typing.
    Typing(chat::TypingS2c),
    /// A direct message from or to the receiver.
    Direct(chat::DirectMessageS2c),
    /// States of conversation bubbles.
    Bubbles(bubble::BubblesS2c),
    /// A player asks to join the receiver's bubble.
    BubbleKnocked(bubble::BubbleKnockedS2c),
    /// Earlier chat messages.
    History(chat::HistoryS2c),
    /// Messages to the receiver were left out.
    Missed(session::MissedS2c),
    /// A player invites the receiver to a bubble.
    BubbleAsked(bubble::BubbleAskedS2c),
    /// A player follows the receiver, or stops.
    Followed(status::FollowedS2c),
}

/// Variant number of [`ServerMessage::Frame`]. Relays write it themselves before the shared pieces.
pub const FRAME_VARIANT: u8 = 2;

/// Variant number of [`ClientMessage::Hello`]. It, the version and the schema stay where they are,
/// so that older clients are told to reload.
pub const HELLO_VARIANT: u32 = 0;
