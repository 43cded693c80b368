//! Decode error: why a frame of the server cannot be right.

/// An error in what the server sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum ViewError {
    /// The bytes are not a valid message.
    #[error("bytes that are not a message")]
    Malformed,
    /// The (epoch, tick) of a frame is not above that of the frame before.
    #[error("a frame whose time does not increase")]
    TimeGoesBack,
    /// An unknown stance.
    #[error("a stance that does not exist")]
    NoStance,
    /// A step of a player whose position is not known.
    #[error("a step of a player who is not in view")]
    NoPlace,
}
