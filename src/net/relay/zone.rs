//! Zone: sends clients the state of private zones, knocks, and portals.

use super::{ProtocolView, Relay, json_view};
use crate::components::command::Command;
use crate::components::id::{PlayerId, SpaceId};
use crate::components::presence::PresenceCommand;
use crate::components::zone::{PrivateZoneState, ZoneFact};
use crate::net::protocol::ServerMessage;
use crate::net::protocol::zone::{AdmittedS2c, KnockedS2c, PortalS2c, ZoneS2c, ZoneStateS2c};

impl Relay {
    /// Sends the fact to the clients it is for; returns the command that follows from it.
    pub(super) fn tell_zone(&mut self, fact: &ZoneFact) -> Option<Command> {
        match fact {
            ZoneFact::Changed(state) => {
                self.nearby.change_private_zone(*state);
                self.send(fact.audience(), &zone(*state));
            }
            ZoneFact::Knocked { player, zone, .. } => {
                let (player, zone) = (player.0, *zone);
                let message = ServerMessage::Zone(ZoneS2c::Knocked(KnockedS2c { player, zone }));
                self.send(fact.audience(), &message);
            }
            ZoneFact::Admitted { zone, .. } => {
                let message = ServerMessage::Zone(ZoneS2c::Admitted(AdmittedS2c { zone: *zone }));
                self.send(fact.audience(), &message);
            }
            ZoneFact::TookPortal {
                player,
                space,
                arrive,
            } => return self.send_through_portal(*player, *space, arrive),
        }
        None
    }

    /// Tells a player who stepped onto a portal where it leads; they leave this space. `None` when
    /// their client cannot go there.
    fn send_through_portal(
        &self,
        player: PlayerId,
        space: SpaceId,
        arrive: &str,
    ) -> Option<Command> {
        let client = self.client_of(player)?;
        let tickets = self.tickets.as_ref();
        let arrive = tickets.map_or_else(String::new, |tickets| {
            tickets.issue(client.user, space, arrive)
        });
        match &client.view {
            ProtocolView::Binary(_) => {
                let portal = PortalS2c {
                    space: space.to_string(),
                    arrive,
                };
                client.send(&ServerMessage::Zone(ZoneS2c::Portal(portal)));
            }
            ProtocolView::Json(view) if view.is_told_of_nearby() => {
                client.sink.event(json_view::portal(space, &arrive));
            }
            // Without that feature the client could not go there.
            ProtocolView::Json(_) => return None,
        }
        Some(Command::Presence(PresenceCommand::Leave { player }))
    }
}

/// Message with the state of a private zone.
pub(super) fn zone(state: PrivateZoneState) -> ServerMessage {
    ServerMessage::Zone(ZoneS2c::State(ZoneStateS2c {
        zone: state.zone,
        locked: state.locked,
        people: state.people,
        cap: state.cap,
        locked_by: state.locked_by.map(|player| player.0),
    }))
}
