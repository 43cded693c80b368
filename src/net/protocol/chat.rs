//! Chat: lines and emotes.

use bincode::{Decode, Encode};
#[cfg(test)]
use serde::Serialize;

use crate::components::chat::ChatLine;

/// Say something to the space.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct ChatC2s {
    /// The client's own number of the line.
    pub client_id: u32,
    /// The words, 1 to 1,000 characters after trimming.
    pub text: String,
}

/// Something that was said.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct ChatLineS2c {
    /// The line's id.
    pub id: String,
    /// The sender's own number of it, in the sender's copy alone.
    pub client_id: Option<u32>,
    /// Who said it, when it is said and not remembered.
    pub player: Option<u32>,
    /// The user's id.
    pub user: String,
    /// Their name when they said it.
    pub name: String,
    /// The words.
    pub text: String,
    /// Unix milliseconds.
    pub at: u64,
}

impl ChatLineS2c {
    /// The line as somebody sees it who is not its sender.
    pub fn of(line: &ChatLine) -> Self {
        Self {
            id: line.id.to_string(),
            client_id: None,
            player: Some(line.player.0),
            user: line.user.to_string(),
            name: line.name.clone(),
            text: line.text.clone(),
            at: line.at,
        }
    }

    /// The line as its sender sees it.
    pub fn own(line: &ChatLine) -> Self {
        Self {
            client_id: line.client_id,
            ..Self::of(line)
        }
    }

    /// The line as somebody sees it who came later: its player number may be somebody else's by now.
    pub fn remembered(line: &ChatLine) -> Self {
        Self {
            player: None,
            ..Self::of(line)
        }
    }
}

/// A line was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct ChatRefusedS2c {
    /// The client's own number of the line.
    pub client_id: u32,
    /// For the person.
    pub message: String,
}

/// Show something over the head.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct EmoteC2s {
    /// 0 to 5.
    pub kind: u8,
}

/// Somebody shows something over the head.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct EmoteS2c {
    /// Who.
    pub player: u32,
    /// 0 to 5.
    pub kind: u8,
}
