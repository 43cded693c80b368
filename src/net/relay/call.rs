//! Call: passes signals of calls to their receivers.

use super::{ProtocolView, Relay, json_view};
use crate::components::call::CallFact;
use crate::components::id::PlayerId;
use crate::net::protocol::ServerMessage;
use crate::net::protocol::call::{CallS2c, SfuS2c, SignalS2c};

impl Relay {
    /// Sends a signal.
    pub(super) fn tell_call(&self, fact: &CallFact) {
        match fact {
            CallFact::Signalled { player, to, body } => self.pass_on(*player, *to, body),
            CallFact::SfuReplied { body, .. } => {
                let message = ServerMessage::Call(CallS2c::Sfu(SfuS2c { body: body.clone() }));
                self.send(fact.audience(), &message);
            }
            // The SFU reads requests from the host.
            CallFact::SfuRequested { .. } => {}
        }
    }

    fn pass_on(&self, from: PlayerId, to: PlayerId, body: &str) {
        let Some(client) = self.client_of(to) else {
            return;
        };
        match &client.view {
            ProtocolView::Binary(_) => {
                let signal = SignalS2c {
                    player: from.0,
                    body: body.to_owned(),
                };
                client.send(&ServerMessage::Call(CallS2c::Signal(signal)));
            }
            ProtocolView::Json(view) if view.is_told_of_nearby() => {
                if let Some(user) = self.visible.user_of(from) {
                    client.sink.event(json_view::signal(user, body));
                }
            }
            ProtocolView::Json(_) => {}
        }
    }
}
