//! Direct: a message from one user to another, independent of spaces.

use bincode::{Decode, Encode};

use super::id::{MessageId, UserId};

/// A message from one user to another.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct DirectMessage {
    /// Id of the message.
    pub id: MessageId,
    /// The sender's own number of the message. A message sent again has the same number.
    pub client_id: u32,
    /// User who wrote it.
    pub from: UserId,
    /// Name of the sender.
    pub name: String,
    /// User who receives it.
    pub to: UserId,
    /// Text of the message.
    pub text: String,
    /// Unix milliseconds.
    pub at: u64,
}
