//! Protocol: the types of `plaza.v1`, one file per domain, direction in the name.
//! `docs/protocol.md` states every byte.
//!
//! May use `components`. Never: sockets, state, decisions. Bytes are the business of `codec`,
//! meaning that of `session`.

use bincode::{Decode, Encode};
#[cfg(test)]
use serde::Serialize;

pub mod bubble;
pub mod chat;
pub mod client;
pub mod close;
pub mod element;
pub mod frame;
#[cfg(test)]
pub(crate) mod golden;
pub mod json;
pub mod movement;
pub mod peers;
pub mod session;
pub mod status;
pub mod zone;

/// The WebSocket subprotocol.
pub const SUBPROTOCOL: &str = "plaza.v1";

/// The protocol's version in `Hello`.
pub const VERSION: u16 = 1;

/// FNV-1a over the golden vectors: both sides state it, so that a client of other bytes is refused,
/// never misread.
pub const SCHEMA: u32 = 3_162_260_748;

/// What a client says.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(untagged))]
pub enum ClientMessage {
    /// First of all.
    Hello(session::HelloC2s),
    /// One step of a held direction.
    Input(movement::InputC2s),
    /// Walk to a tile.
    WalkTo(movement::WalkToC2s),
    /// Walk up to somebody.
    WalkToPlayer(movement::WalkToPlayerC2s),
    /// Say something to the space.
    Chat(chat::ChatC2s),
    /// Show something over the head.
    Emote(chat::EmoteC2s),
    /// The window shows this many tiles now.
    View(session::ViewC2s),
    /// Is anybody there?
    Ping(session::PingC2s),
    /// Leave for good.
    Leave,
    /// Something for somebody I am connected to.
    Signal(peers::SignalC2s),
    /// What I send right now.
    Media(status::MediaC2s),
    /// Whether I want to be spoken to.
    Status(status::StatusC2s),
    /// Look here.
    Wave(status::WaveC2s),
    /// Lock or open the private area I stand in.
    Lock(zone::LockC2s),
    /// Let me in.
    Knock(zone::KnockC2s),
    /// Somebody who knocked may come in.
    Admit(zone::AdmitC2s),
    /// Keep somebody away from me, or no longer.
    Block(status::BlockC2s),
    /// Something for the forwarding unit.
    Forward(peers::SfuC2s),
    /// Give an own line other words.
    ChatEdit(chat::ChatEditC2s),
    /// Take a line back.
    ChatDelete(chat::ChatDeleteC2s),
    /// Show a reaction to a line.
    React(chat::ReactC2s),
    /// I type.
    Typing(chat::TypingC2s),
    /// Let us talk among ourselves.
    Bubble(bubble::BubbleC2s),
    /// What was said before that?
    ChatBefore(chat::ChatBeforeC2s),
    /// Take me to where people arrive.
    Home,
    /// I go where someone goes.
    Follow(status::FollowC2s),
}

/// What the server says.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(untagged))]
pub enum ServerMessage {
    /// Come in.
    Welcome(session::WelcomeS2c),
    /// No, and why.
    Refused(session::RefusedS2c),
    /// What changed in view.
    Frame(frame::FrameS2c),
    /// Somebody said something.
    Chat(chat::ChatMessageS2c),
    /// A line was not taken.
    ChatRefused(chat::ChatRefusedS2c),
    /// Somebody shows something over the head.
    Emote(chat::EmoteS2c),
    /// An element was placed.
    ElementPlaced(element::ElementPlacedS2c),
    /// A placement was removed.
    ElementRemoved(element::ElementRemovedS2c),
    /// The map is different from now on.
    MapChanged(element::MapChangedS2c),
    /// I am here.
    Pong(session::PongS2c),
    /// Something the person should read.
    Notice(session::NoticeS2c),
    /// Who hears and sees whom.
    Peers(peers::PeersS2c),
    /// Something from somebody I am connected to.
    Signal(peers::SignalS2c),
    /// Somebody wants attention.
    Waved(status::WavedS2c),
    /// How a private area is now.
    Zone(zone::ZoneS2c),
    /// Somebody wants to come in.
    Knocked(zone::KnockedS2c),
    /// I may come in.
    Admitted(zone::AdmittedS2c),
    /// I stepped through to another space.
    Portal(zone::PortalS2c),
    /// Something from the forwarding unit.
    Forward(peers::SfuS2c),
    /// A line has other words, or none.
    ChatChanged(chat::ChatChangedS2c),
    /// A line has one reaction more or less.
    Reacted(chat::ReactedS2c),
    /// Somebody types.
    Typing(chat::TypingS2c),
    /// Somebody wrote to this person alone, or this person to somebody.
    Direct(chat::DirectMessageS2c),
    /// How bubbles are.
    Bubbles(bubble::BubblesS2c),
    /// Somebody wants to come into my bubble.
    BubbleKnocked(bubble::BubbleKnockedS2c),
    /// What was said before.
    History(chat::HistoryS2c),
    /// Messages were left out.
    Missed(session::MissedS2c),
    /// Someone asks me to talk in a bubble.
    BubbleAsked(bubble::BubbleAskedS2c),
    /// Someone goes where I go.
    Followed(status::FollowedS2c),
}

/// The variant number of [`ServerMessage::Frame`], which relays write by hand in front of shared
/// pieces.
pub const FRAME_VARIANT: u8 = 2;
