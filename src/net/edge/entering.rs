//! Entering: what a client is told when a space cannot be opened for it.

use super::Edge;
use crate::cluster::spaces::{AtCapacity, EnterError};
use crate::components::id::SpaceId;
use crate::net::budget::{Budget, Who};
use crate::net::protocol::close;

pub(super) const NO_SPACE: &str =
    "There is no such space. It may have been deleted; ask for a new link.";

impl Edge {
    /// The close code and the reason. Logs what an operator should know.
    pub(super) fn cannot_enter(&self, space: SpaceId, error: &EnterError) -> (u16, &'static str) {
        match error {
            EnterError::Unknown => (close::NO_SPACE, NO_SPACE),
            EnterError::Unavailable => (
                close::AWAY,
                "No server can run the space right now. Try again in a moment.",
            ),
            EnterError::AtCapacity(AtCapacity::Full(_)) => {
                tracing::debug!(%space, %error, "refused to open a space");
                (
                    close::AWAY,
                    "This server has as many spaces open as --max-open-spaces allows. Try again \
                     later.",
                )
            }
            EnterError::AtCapacity(AtCapacity::FullOfTiles(_)) => {
                tracing::warn!(%space, %error, "refused to open a space");
                (
                    close::AWAY,
                    "The open spaces of this server are as large in all as they may be. Try again \
                     later.",
                )
            }
            EnterError::AtCapacity(AtCapacity::UserShare(user)) => {
                self.0.budgets.note(Who::User(*user), Budget::OpenSpaces);
                (
                    close::FLOOD,
                    "You have too many spaces open. Leave one of them and try again.",
                )
            }
            EnterError::AtCapacity(AtCapacity::AddressShare(address)) => {
                self.0
                    .budgets
                    .note(Who::Address(*address), Budget::OpenSpaces);
                (
                    close::FLOOD,
                    "Too many spaces are open from your network. Enter one that is open already, \
                     or try again later.",
                )
            }
            EnterError::Store(error) => {
                tracing::error!(%space, %error, "failed to open a space");
                (
                    close::AWAY,
                    "The space cannot be opened right now. Try again in a moment.",
                )
            }
        }
    }
}
