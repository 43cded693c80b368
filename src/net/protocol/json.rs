//! JSON: the envelope of the JSON protocol, `{type, payload}`, the types of a client's messages,
//! and the error message.

use bytes::Bytes;
use serde::Serialize;
use serde_json::json;

/// Types of messages from a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonC2s {
    /// Joins a space; always the first message.
    Join,
    /// Moves to a tile next to the player's.
    Move,
    /// Sends a message to the space.
    ChatMessage,
    /// Sends a call signal to a user.
    Signal,
    /// Asks for earlier messages.
    History,
}

impl JsonC2s {
    /// All types.
    pub const ALL: [Self; 5] = [
        Self::Join,
        Self::Move,
        Self::ChatMessage,
        Self::Signal,
        Self::History,
    ];

    /// Words for it in messages.
    pub const fn words(self) -> &'static [&'static str] {
        match self {
            Self::Join => &["join"],
            Self::Move => &["move", "movement"],
            Self::ChatMessage => &["chat-message"],
            Self::Signal => &["signal"],
            Self::History => &["history"],
        }
    }

    /// The type with that word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.words().contains(&word))
    }
}

/// Encodes one message.
///
/// # Panics
///
/// Never: every payload is plain data of this crate.
pub fn message(kind: &str, payload: &impl Serialize) -> Bytes {
    let text = serde_json::to_string(&json!({ "type": kind, "payload": payload }));
    text.expect("plain data is always JSON").into()
}

/// Error message: the code is for programs, the text for the user.
pub fn error(code: &str, text: &str) -> Bytes {
    message("error", &json!({ "code": code, "message": text }))
}
