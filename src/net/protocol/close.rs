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
/// The client uses another version of the protocol.
pub const OUTDATED: u16 = 4426;
/// Too many messages, connections or open spaces, or a client that read too slowly.
pub const FLOOD: u16 = 4429;
