//! Session: which messages a client may send at which time, as a state machine: messages and the
//! time go in, [`Action`]s come out.
//!
//! May use `protocol`, `codec` and `budget`. Never: sockets, clocks, the store. `edge` carries out
//! the actions.

mod binary;
mod block;
mod bubble;
mod bucket;
mod call;
mod chat;
mod emoji;
mod emote;
mod follow;
pub mod json;
mod movement;
pub mod rates;
pub mod replies;
mod status;
pub mod word_filter;
mod zone;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use parking_lot::Mutex;

use self::bucket::Bucket;
use self::rates::{SharedRates, UserRates};
use super::budget::Budget;
use super::protocol::client::ProtocolKind;
use super::protocol::close;
use crate::components::chat::{MAX_CHARS, Scope};
use crate::components::command::Command;
use crate::components::id::{ChatId, PlayerId, UserId};
use crate::components::player::PlayerRef;

/// Time limit for a client to sign in and join a space.
pub const JOIN_WITHIN: Duration = Duration::from_secs(10);

/// Interval of pings to a client.
pub const PING_EVERY: Duration = Duration::from_secs(5);

/// How long a client may be silent, pongs included.
pub const SILENT_AT_MOST: Duration = Duration::from_secs(15);

/// Number of messages above their rate before the client is disconnected.
const PATIENCE: u32 = 300;

/// Maximum number and bytes of messages, pings included, before a client says who it is.
const STRANGER: (u32, usize) = (32, 16 * 1024);

/// The same while it joins, which takes a while if a space is starting or full.
const NEWCOMER: (u32, usize) = (1_024, 64 * 1024);

/// An action that follows from a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Let the client join, if its token and the space allow it.
    Join {
        /// Sign-in token.
        token: String,
        /// Id of the space, unchecked.
        space: String,
        /// Protocol of the client.
        protocol: ProtocolKind,
        /// Ticket of a portal, unchecked.
        arrive: Option<String>,
    },
    /// Send a command to the space.
    Command(Command),
    /// Send a chat message; the edge adds its id and time.
    Say {
        /// Player who sends it.
        player: PlayerId,
        /// Number that the client gave it.
        client_id: Option<u32>,
        /// Text, trimmed.
        text: String,
        /// Recipients.
        scope: Scope,
        /// Message to which it replies.
        reply_to: Option<ChatId>,
    },
    /// Edit or delete a message; the edge adds the time and what the user may do.
    EditMessage {
        /// Player who changes it.
        player: PlayerId,
        /// Id of the message.
        message: ChatId,
        /// New text, trimmed; `None` to delete the message.
        text: Option<String>,
    },
    /// Block or unblock a user, in every space.
    Block {
        /// User to block or unblock.
        other: UserId,
        /// Whether they are blocked.
        blocked: bool,
    },
    /// The number of visible tiles changed.
    Resize {
        /// Tiles across.
        width: u16,
        /// Tiles down.
        height: u16,
    },
    /// Send the chat messages before that one.
    LookBack(ChatId),
    /// Send a reply at once.
    Reply(Bytes),
    /// The client leaves for good.
    Leave,
    /// Close the connection.
    Close {
        /// Close code.
        code: u16,
        /// Reason, for the author of the client.
        reason: &'static str,
    },
}

/// The state that both protocols share: the progress of the join, and rate limits.
#[derive(Debug)]
pub struct Session {
    stage: SessionStage,
    heard: Instant,
    moves: Bucket,
    control: Bucket,
    history: Bucket,
    /// Rate limits of the user, over all connections, once the user is known.
    rates: SharedRates,
    excess: u32,
    /// Number and bytes of messages received before the client joined.
    stranger: (u32, usize),
    /// Until when no further message is read, because the client exceeded a rate.
    slowed: Option<Instant>,
    /// The budget that the client exceeded.
    exceeded: Option<Budget>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SessionStage {
    /// Has not asked to join, since then.
    New(Instant),
    /// Waits for the answer to its join.
    Joining,
    /// Has joined.
    Joined(PlayerId),
}

/// The rate limit under which a message falls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MessageKind {
    Move,
    Chat,
    Signal,
    Wave,
    /// Edits and reactions.
    Change,
    /// Requests for earlier chat.
    LookBack,
    /// Messages about the connection alone.
    Control,
    Other,
}

/// A message of a binary client, as its domain understands it.
trait DomainMessage {
    /// The rate limit under which it falls.
    fn kind(&self) -> MessageKind;

    /// The answer to one above its rate, if there is any.
    fn too_often(&self) -> Option<Bytes> {
        None
    }

    /// Counts what is limited in addition to the number of messages, such as bytes. An error is the
    /// answer that refuses the message.
    fn charge(&self, session: &mut Session, now: Instant) -> Result<(), Bytes> {
        let _ = (session, now);
        Ok(())
    }

    /// The action that follows; `None` for values that mean nothing.
    fn act(self, player: PlayerId) -> Option<Action>;
}

impl Session {
    /// The session of a new connection.
    pub fn new(now: Instant) -> Self {
        Self {
            stage: SessionStage::New(now),
            heard: now,
            moves: Bucket::new(now, 60, Duration::from_secs(1), 120),
            control: Bucket::new(now, 10, Duration::from_secs(1), 30),
            history: Bucket::new(now, 5, Duration::from_secs(1), 20),
            rates: Arc::new(Mutex::new(UserRates::new(now))),
            excess: 0,
            stranger: (0, 0),
            slowed: None,
            exceeded: None,
        }
    }

    /// The user is known: from now on the session uses that user's rate limits for the space.
    pub fn share(&mut self, rates: SharedRates) {
        self.rates = rates;
    }

    /// The client's player has joined.
    pub const fn joined(&mut self, player: PlayerId) {
        self.stage = SessionStage::Joined(player);
    }

    /// Handles a ping or pong. Far too many close the connection.
    pub fn receive_control(&mut self, now: Instant, bytes: usize) -> Vec<Action> {
        if let Err(flood) = self
            .hear(now, bytes)
            .and_then(|()| self.admit(MessageKind::Control, now))
        {
            return flood.answer();
        }
        Vec::new()
    }

    /// Counts a message. Before the client has joined, few are allowed.
    fn hear(&mut self, now: Instant, bytes: usize) -> Result<(), Flood> {
        self.heard = now;
        let most = match self.stage {
            SessionStage::New(_) => STRANGER,
            SessionStage::Joining => NEWCOMER,
            SessionStage::Joined(_) => return Ok(()),
        };
        self.stranger.0 += 1;
        self.stranger.1 += bytes;
        let is_little = self.stranger.0 <= most.0 && self.stranger.1 <= most.1;
        is_little.then_some(()).ok_or(Flood)
    }

    /// Until when nothing may be read from the client, because it exceeded a rate; returned once.
    pub fn take_pause(&mut self) -> Option<Instant> {
        self.slowed.take()
    }

    /// The budget that the client exceeded, for reporting; returned once.
    pub fn take_exceeded(&mut self) -> Option<Budget> {
        self.exceeded.take()
    }

    /// Closes the connection of a client that is too slow or silent.
    pub fn check(&self, now: Instant) -> Option<Action> {
        match self.stage {
            SessionStage::New(since) if now >= since + JOIN_WITHIN => Some(Action::Close {
                code: close::TIMEOUT,
                reason: "no join within 10 seconds",
            }),
            _ if now >= self.heard + SILENT_AT_MOST => Some(Action::Close {
                code: close::TIMEOUT,
                reason: "silent for 15 seconds",
            }),
            _ => None,
        }
    }

    /// Whether a message is within its rate; an error if the client is far beyond it.
    fn admit(&mut self, kind: MessageKind, now: Instant) -> Result<bool, Flood> {
        let is_within = match kind {
            MessageKind::Move => self.moves.take(now),
            MessageKind::Control => self.control.take(now),
            MessageKind::LookBack => self.history.take(now),
            MessageKind::Chat
            | MessageKind::Signal
            | MessageKind::Wave
            | MessageKind::Change
            | MessageKind::Other => self.rates.lock().take(kind, now),
        };
        if is_within {
            self.excess = self.excess.saturating_sub(1);
            return Ok(true);
        }
        self.exceeded = Some(match kind {
            MessageKind::Chat | MessageKind::Change => Budget::Chat,
            MessageKind::Signal => Budget::Signals,
            MessageKind::Move
            | MessageKind::Wave
            | MessageKind::LookBack
            | MessageKind::Control
            | MessageKind::Other => Budget::Messages,
        });
        self.excess += 1;
        if self.excess > PATIENCE {
            return Err(Flood);
        }
        Ok(false)
    }
}

impl Session {
    /// Whether a text of that length is within the user's rate.
    fn admit_text(&mut self, text: &str, now: Instant) -> bool {
        let is_within = self.rates.lock().take_text(text.len(), now);
        if !is_within {
            self.exceeded = Some(Budget::Chat);
        }
        is_within
    }

    /// Counts a signal. If it exceeds the rate, later messages wait.
    fn charge_signal(&mut self, to: PlayerRef, body: &str, now: Instant) {
        let wait = self.rates.lock().charge_signal(to, body.len(), now);
        if !wait.is_zero() {
            self.slowed = Some(now + wait);
            self.exceeded = Some(Budget::Signals);
        }
    }
}

/// The client sends far more than it may.
struct Flood;

impl Flood {
    /// Closes the connection.
    fn answer(self) -> Vec<Action> {
        let Self = self;
        vec![Action::Close {
            code: close::FLOOD,
            reason: "too many messages",
        }]
    }
}

/// Cleans a chat text: trimmed, without control characters except line breaks. `None` if it is too
/// long or empty.
pub fn chat_text(text: &str) -> Option<String> {
    let text: String = text
        .trim()
        .chars()
        .filter(|c| !c.is_control() || *c == '\n')
        .collect();
    let length = text.chars().count();
    (1..=MAX_CHARS).contains(&length).then_some(text)
}
