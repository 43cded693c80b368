//! Direct: what one person writes to another, wherever both are.

use bincode::{Decode, Encode};

use super::id::{MessageId, UserId};

/// A message from one person to another.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct DirectMessage {
    /// This message.
    pub id: MessageId,
    /// The sender's own number of it: the same message sent again has the same.
    pub client_id: u32,
    /// Who wrote it.
    pub from: UserId,
    /// The name of who wrote it.
    pub name: String,
    /// Who it is for.
    pub to: UserId,
    /// The words.
    pub text: String,
    /// Unix milliseconds.
    pub at: u64,
}
