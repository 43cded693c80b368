//! Close: the codes with which a connection ends, the same in both protocols. `docs/protocol.md`
//! lists them.

/// The client left.
pub const LEFT: u16 = 1000;
/// The server shuts down or the space starts again: reconnect.
pub const AWAY: u16 = 1001;
/// Bytes that are no WebSocket frames.
pub const PROTOCOL: u16 = 1002;
/// A text message that is no UTF-8.
pub const NO_TEXT: u16 = 1007;
/// A message was too long.
pub const TOO_BIG: u16 = 1009;
/// Bytes that are no message.
pub const MALFORMED: u16 = 4400;
/// Not signed in.
pub const SIGNED_OUT: u16 = 4401;
/// Not allowed in this space.
pub const FORBIDDEN: u16 = 4403;
/// No such space.
pub const NO_SPACE: u16 = 4404;
/// Silent for too long.
pub const TIMEOUT: u16 = 4408;
/// The same user joined from another place.
pub const REPLACED: u16 = 4409;
/// The space was deleted.
pub const DELETED: u16 = 4410;
/// Another protocol.
pub const OUTDATED: u16 = 4426;
/// Too many messages, or reading too slowly.
pub const FLOOD: u16 = 4429;
