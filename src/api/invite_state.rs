//! Invite state: why an invite, to the server or to a space, does not count.

use crate::store::invites::InviteState;

pub const UNKNOWN: &str = "There is no such invite. Was the whole link copied?";

/// Reason why an invite is not valid; `None` when it is.
pub const fn refusal(state: InviteState) -> Option<&'static str> {
    match state {
        InviteState::Good => None,
        InviteState::Expired => {
            Some("This invite has expired. Ask those who sent it for a new one.")
        }
        InviteState::Used => {
            Some("This invite has been used up. Ask those who sent it for a new one.")
        }
        InviteState::Revoked => {
            Some("This invite was taken back. Ask those who sent it for a new one.")
        }
    }
}
