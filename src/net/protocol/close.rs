//! Close: the close codes of both protocols. `docs/protocol.md` lists them.

/// The client left.
pub const LEFT: u16 = 1000;
/// The server shuts down, the space restarts or cannot be opened right now: reconnect.
pub const AWAY: u16 = 1001;
/// The bytes are not WebSocket frames.
pub const PROTOCOL: u16 = 1002;
/// A text message is not UTF-8.
pub const NO_TEXT: u16 = 1007;
/// A message was too long.
pub const TOO_BIG: u16 = 1009;
/// The bytes are not a message.
pub const MALFORMED: u16 = 4400;
/// The client is not signed in.
pub const SIGNED_OUT: u16 = 4401;
/// The user may not enter this space.
pub const FORBIDDEN: u16 = 4403;
/// The space does not exist.
pub const NO_SPACE: u16 = 4404;
/// The client was silent for too long.
pub const TIMEOUT: u16 = 4408;
/// The same user joined from another client.
pub const REPLACED: u16 = 4409;
/// The space was deleted.
pub const DELETED: u16 = 4410;
/// The space has a password, which the user has not given.
pub const PASSWORD: u16 = 4411;
/// Only members may enter the space.
pub const MEMBERS: u16 = 4412;
/// There are as many people in the space as may be.
pub const FULL: u16 = 4413;
/// The space is closed at this time.
pub const CLOSED: u16 = 4414;
/// A moderator sent the user out for a while.
pub const KICKED: u16 = 4415;
/// A moderator banned the user from the space.
pub const BANNED: u16 = 4416;
/// The client uses another version of the protocol.
pub const OUTDATED: u16 = 4426;
/// Too many messages, connections or open spaces, or a client that read too slowly.
pub const FLOOD: u16 = 4429;

/// Whether the user of a connection that the server closed with this code is not expected back, so
/// that their player leaves at once.
pub const fn is_final(code: u16) -> bool {
    matches!(
        code,
        LEFT | SIGNED_OUT | FORBIDDEN | NO_SPACE | PASSWORD..=BANNED
    )
}
