//! Bubble: sends clients the state of bubbles, invitations and knocks.

use super::Relay;
use crate::components::bubble::{BubbleFact, BubbleState};
use crate::net::protocol::ServerMessage;
use crate::net::protocol::bubble::{BubbleAskedS2c, BubbleKnockedS2c, BubbleS2c, BubblesS2c};

impl Relay {
    /// Sends the fact to the clients it is for.
    pub(super) fn tell_bubble(&mut self, fact: &BubbleFact) {
        match fact {
            BubbleFact::Changed(state) => {
                self.nearby.change_bubble(state);
                if self.nearby.is_told() {
                    self.send(fact.audience(), &bubbles(false, [state]));
                }
            }
            BubbleFact::Asked {
                player, is_aside, ..
            } => {
                let (player, aside) = (player.0, *is_aside);
                let message =
                    ServerMessage::Bubble(BubbleS2c::Asked(BubbleAskedS2c { player, aside }));
                self.send(fact.audience(), &message);
            }
            BubbleFact::Knocked { player, .. } => {
                let message = ServerMessage::Bubble(BubbleS2c::Knocked(BubbleKnockedS2c {
                    player: player.0,
                }));
                self.send(fact.audience(), &message);
            }
        }
    }
}

/// Message with the states of bubbles: of all when it is full.
pub(super) fn bubbles<'a>(
    full: bool,
    bubbles: impl IntoIterator<Item = &'a BubbleState>,
) -> ServerMessage {
    let bubbles = bubbles.into_iter().map(Into::into).collect();
    ServerMessage::Bubble(BubbleS2c::Changed(BubblesS2c { full, bubbles }))
}
