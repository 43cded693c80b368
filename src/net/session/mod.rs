//! Session: what one client may say when, as a state machine: messages and the time go in, [`Action`]s come out.
//!
//! May use `protocol`, `codec` and words of `relay`. Never: sockets, clocks, the store. Carrying actions out is the business of `edge`.

pub mod binary;
mod bucket;
mod emoji;
pub mod grid;

use std::time::{Duration, Instant};

use bytes::Bytes;

use self::bucket::Bucket;
use super::relay::Dialect;
use super::relay::close;
use crate::components::chat::{MAX_CHARS, Scope};
use crate::components::command::Command;
use crate::components::id::{ChatId, PlayerId, UserId};

/// How long a client may take to say who it is and where it wants to go.
pub const JOIN_WITHIN: Duration = Duration::from_secs(10);

/// How often a client is pinged.
pub const PING_EVERY: Duration = Duration::from_secs(5);

/// How long a client may be silent, pongs included.
pub const SILENT_AT_MOST: Duration = Duration::from_secs(15);

/// Messages past their rate that are forgiven before the client is let go.
const PATIENCE: u32 = 300;

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
        dialect: Dialect,
        /// The zone to arrive in.
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
    /// Give a line other words, or take it back; its time and the player's rights are added where it is carried out.
    ChangeLine {
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
    stage: Stage,
    heard: Instant,
    moves: Bucket,
    chat: Bucket,
    signals: Bucket,
    waves: Bucket,
    changes: Bucket,
    other: Bucket,
    excess: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Has not said where it wants to go, since then.
    New(Instant),
    /// Is being let in.
    Joining,
    /// Is in.
    Joined(PlayerId),
}

/// What a message counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Move,
    Chat,
    Signal,
    Wave,
    /// Of lines: edits, reactions.
    Change,
    Other,
}

impl Session {
    /// A connection that was made just now.
    pub fn new(now: Instant) -> Self {
        Self {
            stage: Stage::New(now),
            heard: now,
            moves: Bucket::new(now, 60, Duration::from_secs(1), 120),
            chat: Bucket::new(now, 10, Duration::from_secs(10), 10),
            signals: Bucket::new(now, 50, Duration::from_secs(1), 100),
            waves: Bucket::new(now, 5, Duration::from_secs(10), 5),
            changes: Bucket::new(now, 20, Duration::from_secs(10), 20),
            other: Bucket::new(now, 10, Duration::from_secs(1), 30),
            excess: 0,
        }
    }

    /// The client's player is there.
    pub const fn joined(&mut self, player: PlayerId) {
        self.stage = Stage::Joined(player);
    }

    /// Something arrived from the client, a pong perhaps.
    pub const fn hear(&mut self, now: Instant) {
        self.heard = now;
    }

    /// Looks at the clock: a client that is too slow or too silent is let go.
    pub fn check(&self, now: Instant) -> Option<Action> {
        match self.stage {
            Stage::New(since) if now >= since + JOIN_WITHIN => Some(Action::Close {
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
    fn admit(&mut self, kind: Kind, now: Instant) -> Result<bool, Flood> {
        let bucket = match kind {
            Kind::Move => &mut self.moves,
            Kind::Chat => &mut self.chat,
            Kind::Signal => &mut self.signals,
            Kind::Wave => &mut self.waves,
            Kind::Change => &mut self.changes,
            Kind::Other => &mut self.other,
        };
        if bucket.take(now) {
            self.excess = self.excess.saturating_sub(1);
            return Ok(true);
        }
        self.excess += 1;
        if self.excess > PATIENCE {
            return Err(Flood);
        }
        Ok(false)
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

/// The words of a line as they are kept: trimmed, without control characters but line breaks. `None` when too long or empty.
pub fn chat_text(text: &str) -> Option<String> {
    let text: String = text.trim().chars().filter(|c| !c.is_control() || *c == '\n').collect();
    let length = text.chars().count();
    (1..=MAX_CHARS).contains(&length).then_some(text)
}
