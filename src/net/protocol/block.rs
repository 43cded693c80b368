//! Block: users who keep others away from them.

use bincode::{Decode, Encode};
#[cfg(test)]
use serde::{Deserialize, Serialize};

/// Blocks or unblocks a user for the sender, in every space.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct BlockC2s {
    /// Id of the user.
    pub user: String,
    /// Whether they are blocked.
    pub blocked: bool,
}
