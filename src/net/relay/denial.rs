//! Denial: tells players that a request was refused.

use super::{ProtocolView, Relay};
use crate::components::audience::Audience;
use crate::components::denial::Denial;
use crate::components::id::PlayerId;
use crate::net::protocol::json;

impl Relay {
    /// Tells a player why.
    pub(super) fn deny(&self, player: PlayerId, why: Denial) {
        let (code, message) = match why {
            Denial::NotConnected => (
                "not-near",
                "You are no longer near enough to talk with them.",
            ),
            Denial::NoSfu => ("no-unit", "This server does not forward calls."),
            Denial::DoNotDisturb => (
                "do-not-disturb",
                "They do not want to be disturbed right now.",
            ),
            Denial::NotHere => ("not-here", "They are no longer here."),
            Denial::NotInside => (
                "not-inside",
                "Only players inside a private zone can do that. Step in first.",
            ),
            Denial::NobodyNear => (
                "nobody-near",
                "You hear no one within two tiles. Walk up to a player first.",
            ),
            Denial::NotInTheOpen => (
                "not-in-the-open",
                "That only works where you hear people by distance, and not from another bubble.",
            ),
            Denial::NotNearBubble => (
                "not-near",
                "Stand within two tiles of a player in the bubble.",
            ),
            Denial::BubbleFull => ("full", "A bubble has at most eight members."),
            Denial::NoFollow => ("no-follow", "You cannot follow them."),
            Denial::HomeTooSoon => (
                "home",
                "You were taken there a moment ago. Wait ten seconds.",
            ),
        };
        match self.client_of(player).map(|client| &client.view) {
            Some(ProtocolView::Json(_)) => self.send_json(player, json::error(code, message)),
            Some(ProtocolView::Binary(_)) | None => {
                self.notify(Audience::Player(player), code, message.into());
            }
        }
    }
}
