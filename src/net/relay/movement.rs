//! Movement: tells players that they cannot go there.

use super::{Relay, json_view};
use crate::components::movement::MovementFact;

impl Relay {
    /// Sends a refusal. Clients of each protocol move in their own way, and know only its refusals.
    pub(super) fn tell_movement(&self, fact: &MovementFact) {
        match fact {
            MovementFact::StepRejected { player, tile } => {
                self.send_json(*player, json_view::movement_rejected(*tile));
            }
            MovementFact::NoPath { .. } => {
                let message = "There is no way to get there.".into();
                self.notify(fact.audience(), "no-path", message);
            }
        }
    }
}
