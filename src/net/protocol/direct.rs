//! Direct: direct messages between two users.

use bincode::{Decode, Encode};
#[cfg(test)]
use serde::{Deserialize, Serialize};

use crate::components::direct::DirectMessage;
use crate::components::id::UserId;

/// A direct message. It reaches the recipient in any space.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct DirectMessageS2c {
    /// Id of the message.
    pub id: String,
    /// Number that the sender's client gave it; only in the sender's copies.
    pub client_id: Option<u32>,
    /// Id of the sender.
    pub from: String,
    /// Name of the sender.
    pub name: String,
    /// Id of the recipient.
    pub to: String,
    /// Text.
    pub text: String,
    /// Time it was sent, in Unix milliseconds.
    pub at: u64,
}

impl DirectMessageS2c {
    /// The message as that user sees it.
    pub fn of(message: &DirectMessage, reader: UserId) -> Self {
        Self {
            id: message.id.to_string(),
            client_id: (reader == message.from).then_some(message.client_id),
            from: message.from.to_string(),
            name: message.name.clone(),
            to: message.to.to_string(),
            text: message.text.clone(),
            at: message.at,
        }
    }
}

#[cfg(test)]
impl DirectMessageS2c {
    /// Examples for the golden vectors.
    pub(super) fn examples() -> Vec<Self> {
        vec![Self {
            id: "d1".into(),
            client_id: Some(9),
            from: "u1".into(),
            name: "Ada".into(),
            to: "u2".into(),
            text: "just you".into(),
            at: 1_795_000_011_000,
        }]
    }
}
