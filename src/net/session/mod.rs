//! Session: what one client may say when, as a state machine: messages and the time go in,
//! [`Action`]s come out.
//!
//! May use `protocol`, `codec` and `budget`. Never: sockets, clocks, the store. Carrying actions
//! out is the business of `edge`.

pub mod binary;
mod bucket;
mod emoji;
pub mod json;
pub mod rates;

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
use crate::components::command::{Command, PlayerRef};
use crate::components::id::{ChatId, PlayerId, UserId};

/// How long a client may take to say who it is and where it wants to go.
pub const JOIN_WITHIN: Duration = Duration::from_secs(10);

/// How often a client is pinged.
pub const PING_EVERY: Duration = Duration::from_secs(5);

/// How long a client may be silent, pongs included.
pub const SILENT_AT_MOST: Duration = Duration::from_secs(15);

/// Messages past their rate that are forgiven before the client is let go.
const PATIENCE: u32 = 300;

/// What a client may send before it said who it is: messages, pings too, and their bytes.
const STRANGER: (u32, usize) = (32, 16 * 1024);

/// The same before it is in, which takes a while when a space is started or full.
const NEWCOMER: (u32, usize) = (1_024, 64 * 1024);

/// What follows from a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Let the client in, if its token and the space allow it.
    Join {
        /// The sign-in token.
        token: String,
        /// The space's id, unchecked.
        space: String,
        /// How the client wants to be told.
        dialect: ProtocolKind,
        /// The ticket of a portal, unchecked.
        arrive: Option<String>,
    },
    /// Ask the space for something.
    Command(Command),
    /// Say a line; its id and time are given where it is carried out.
    Say {
        /// Who.
        player: PlayerId,
        /// The client's own number of it.
        client_id: Option<u32>,
        /// The words, trimmed.
        text: String,
        /// Who it is for.
        scope: Scope,
        /// The line that it answers.
        reply_to: Option<ChatId>,
    },
    /// Give a line other words, or take it back; its time and the player's rights are added where
    /// it is carried out.
    EditMessage {
        /// Who.
        player: PlayerId,
        /// Which line.
        line: ChatId,
        /// Its new words, trimmed; nothing when it is to be deleted.
        text: Option<String>,
    },
    /// Keep a user away from this one, in every space, or no longer.
    Block {
        /// Whom.
        other: UserId,
        /// Whether.
        blocked: bool,
    },
    /// The window shows that many tiles now.
    Resize {
        /// Tiles across.
        width: u16,
        /// Tiles down.
        height: u16,
    },
    /// Tell what was said before that line.
    LookBack(ChatId),
    /// Answer at once.
    Reply(Bytes),
    /// The client leaves for good.
    Leave,
    /// Let the client go.
    Close {
        /// A close code.
        code: u16,
        /// For whoever reads it.
        reason: &'static str,
    },
}

/// What both dialects share: where the client is on its way in, and how fast it may talk.
#[derive(Debug)]
pub struct Session {
    stage: SessionStage,
    heard: Instant,
    moves: Bucket,
    control: Bucket,
    looks: Bucket,
    /// What its user may do, over all connections once it is known who that is.
    rates: SharedRates,
    excess: u32,
    /// Messages and bytes that came before the client was in.
    stranger: (u32, usize),
    /// Until when nothing more is heard, because more was sent than may.
    slowed: Option<Instant>,
    /// What was sent more of than may.
    exceeded: Option<Budget>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SessionStage {
    /// Has not said where it wants to go, since then.
    New(Instant),
    /// Is being let in.
    Joining,
    /// Is in.
    Joined(PlayerId),
}

/// What a message counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MessageKind {
    Move,
    Chat,
    Signal,
    Wave,
    /// Of lines: edits, reactions.
    Change,
    /// What was said before.
    LookBack,
    /// What concerns the connection alone.
    Control,
    Other,
}

impl Session {
    /// A connection that was made just now.
    pub fn new(now: Instant) -> Self {
        Self {
            stage: SessionStage::New(now),
            heard: now,
            moves: Bucket::new(now, 60, Duration::from_secs(1), 120),
            control: Bucket::new(now, 10, Duration::from_secs(1), 30),
            looks: Bucket::new(now, 5, Duration::from_secs(1), 20),
            rates: Arc::new(Mutex::new(UserRates::new(now))),
            excess: 0,
            stranger: (0, 0),
            slowed: None,
            exceeded: None,
        }
    }

    /// It is known who the client is: from now on it spends what its user may spend in that space.
    pub fn share(&mut self, rates: SharedRates) {
        self.rates = rates;
    }

    /// The client's player is there.
    pub const fn joined(&mut self, player: PlayerId) {
        self.stage = SessionStage::Joined(player);
    }

    /// A ping or a pong arrived. Far too many are the end.
    pub fn receive_control(&mut self, now: Instant, bytes: usize) -> Vec<Action> {
        if let Err(flood) = self
            .hear(now, bytes)
            .and_then(|()| self.admit(MessageKind::Control, now))
        {
            return flood.answer();
        }
        Vec::new()
    }

    /// Something arrived from the client. Before it is in, that is little.
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

    /// For how long nothing is to be read from the client, because it sent more than may; asked
    /// once.
    pub fn take_pause(&mut self) -> Option<Instant> {
        self.slowed.take()
    }

    /// What the client sent more of than may, for those who count it; asked once.
    pub fn take_exceeded(&mut self) -> Option<Budget> {
        self.exceeded.take()
    }

    /// Looks at the clock: a client that is too slow or too silent is let go.
    pub fn check(&self, now: Instant) -> Option<Action> {
        match self.stage {
            SessionStage::New(since) if now >= since + JOIN_WITHIN => Some(Action::Close {
                code: close::TIMEOUT,
                reason: "no join within 10 seconds",
            }),
            _ if now >= self.heard + SILENT_AT_MOST => Some(Action::Close {
                code: close::TIMEOUT,
                reason: "nothing heard for 15 seconds",
            }),
            _ => None,
        }
    }

    /// Whether one more message of that kind is within its rate; an error far beyond it.
    fn admit(&mut self, kind: MessageKind, now: Instant) -> Result<bool, Flood> {
        let is_within = match kind {
            MessageKind::Move => self.moves.take(now),
            MessageKind::Control => self.control.take(now),
            MessageKind::LookBack => self.looks.take(now),
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
    /// Whether words of that length may be said.
    fn admit_text(&mut self, text: &str, now: Instant) -> bool {
        let is_within = self.rates.lock().take_text(text.len(), now);
        if !is_within {
            self.exceeded = Some(Budget::Chat);
        }
        is_within
    }

    /// Counts a signal; when it is too much, what comes behind it waits.
    fn charge_signal(&mut self, to: PlayerRef, body: &str, now: Instant) {
        let wait = self.rates.lock().charge_signal(to, body.len(), now);
        if !wait.is_zero() {
            self.slowed = Some(now + wait);
            self.exceeded = Some(Budget::Signals);
        }
    }
}

/// A client that sends far more than it may.
struct Flood;

impl Flood {
    /// The end of its connection.
    fn answer(self) -> Vec<Action> {
        let Self = self;
        vec![Action::Close {
            code: close::FLOOD,
            reason: "too many messages",
        }]
    }
}

/// The words of a line as they are kept: trimmed, without control characters but line breaks.
/// `None` when too long or empty.
pub fn chat_text(text: &str) -> Option<String> {
    let text: String = text
        .trim()
        .chars()
        .filter(|c| !c.is_control() || *c == '\n')
        .collect();
    let length = text.chars().count();
    (1..=MAX_CHARS).contains(&length).then_some(text)
}
