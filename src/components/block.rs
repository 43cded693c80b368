//! Block: a user keeps another away.

use super::id::UserId;
use bincode::{Decode, Encode};

/// A user blocks or unblocks another: the request, and the fact that a user who is here did it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct BlockChange {
    /// The user who blocks. Nothing happens when they are not here.
    pub user: UserId,
    /// User who is blocked.
    pub other: UserId,
    /// Whether the other is blocked from now on.
    pub blocked: bool,
}
