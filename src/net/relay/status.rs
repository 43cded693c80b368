//! Status: sends calls for attention to the players who are called.

use super::Relay;
use crate::components::status::StatusFact;
use crate::net::protocol::ServerMessage;
use crate::net::protocol::status::{StatusS2c, WavedS2c};

impl Relay {
    /// Sends the fact to the clients it is for.
    pub(super) fn tell_status(&self, fact: &StatusFact) {
        match fact {
            StatusFact::Waved { player, kind, .. } => {
                let (player, kind) = (player.0, *kind as u8);
                let message = ServerMessage::Status(StatusS2c::Waved(WavedS2c { player, kind }));
                self.send(fact.audience(), &message);
            }
        }
    }
}
