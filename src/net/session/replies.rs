//! Replies: answers in the binary protocol that need no space.

use bytes::Bytes;

use super::Action;
use crate::net::codec::encode;
use crate::net::protocol::ServerMessage;
use crate::net::protocol::chat::{ChatRefusedS2c, ChatS2c};
use crate::net::protocol::session::{NoticeS2c, PongS2c, RefusedS2c, SessionS2c};

/// Refuses the client, and closes the connection with the same code.
pub fn refuse(code: u16, reason: &'static str) -> Vec<Action> {
    vec![
        Action::Reply(refused(code, reason)),
        Action::Close { code, reason },
    ]
}

/// The reason why the client may not join.
pub fn refused(code: u16, reason: &str) -> Bytes {
    let message = reason.to_owned();
    encode(&ServerMessage::Refused(RefusedS2c { code, message })).into()
}

/// A notice: a code for programs and a text for the user.
pub fn notice(code: &str, message: &str) -> Bytes {
    let notice = SessionS2c::Notice(NoticeS2c {
        code: code.into(),
        message: message.into(),
    });
    encode(&ServerMessage::Session(notice)).into()
}

/// Refuses a chat message.
pub fn chat_refused(client_id: u32, message: &str) -> Bytes {
    let refused = ChatS2c::Refused(ChatRefusedS2c {
        client_id,
        message: message.into(),
    });
    encode(&ServerMessage::Chat(refused)).into()
}

/// Answers a ping.
pub(super) fn pong(nonce: u32) -> Bytes {
    let pong = SessionS2c::Pong(PongS2c { nonce, tick: 0 });
    encode(&ServerMessage::Session(pong)).into()
}

/// Tells the user that others are asked for attention too often.
pub(super) fn slow_down() -> Bytes {
    notice(
        "slow-down",
        "You ask for attention too often. Wait a moment.",
    )
}
