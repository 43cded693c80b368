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

#[cfg(test)]
impl BlockC2s {
    /// Examples for the golden vectors.
    pub(super) fn examples() -> Vec<Self> {
        vec![Self {
            user: "0197a1b2-0000-7000-8000-00000000000b".into(),
            blocked: true,
        }]
    }
}
