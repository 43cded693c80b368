//! Chat: lines people say to a space.

use bincode::{Decode, Encode};

use super::id::{ChatId, PlayerId, UserId};

/// Lines that a space remembers for those who come later.
pub const HISTORY: usize = 50;

/// Characters in one line at most.
pub const MAX_CHARS: usize = 1_000;

/// Something that was said.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct ChatLine {
    /// This line.
    pub id: ChatId,
    /// Who said it, while they are here.
    pub player: PlayerId,
    /// The user who said it.
    pub user: UserId,
    /// Their name when they said it.
    pub name: String,
    /// The words.
    pub text: String,
    /// When, in Unix milliseconds, by the clock of the process that took it.
    pub at: u64,
    /// The sender's own number of it: the same line sent again has the same.
    pub client_id: Option<u32>,
}
