//! Arrivals: clients that are joining, those that leave before they have joined, and the first
//! messages to a client.

use std::sync::Arc;

use super::json_view::{self, JsonView};
use super::view::ClientView;
use super::{Arrival, ClientId, Departure, OverloadLevel, ProtocolView, Relay, RelayClient, Sink};
use crate::components::command::Command;
use crate::components::id::{PlayerId, RelayId, UserId};
use crate::components::presence::{JoinRefusal, PresenceCommand};
use crate::net::codec::encode;
use crate::net::protocol::client::ProtocolKind;
use crate::net::protocol::session::{MissedS2c, SessionS2c, WelcomeS2c};
use crate::net::protocol::{ServerMessage, close};

impl Relay {
    /// A client joins. An earlier connection of the same user is replaced; the player stays.
    /// Returns no command if newcomers must wait, or if a later connection has joined already.
    pub fn join(&mut self, arrival: Arrival) -> Option<Command> {
        let user = arrival.user;
        let is_later = |other: UserId, request: u64| other == user && request > arrival.request;
        if self
            .clients
            .values()
            .any(|client| is_later(client.user, client.request))
            || (self.arriving.iter().chain(&self.queue))
                .any(|other| is_later(other.user, other.request))
        {
            replace(&arrival.sink);
            return None;
        }
        self.clients
            .retain(|_, client| keep_unless_replaced(client.user, user, &client.sink));
        self.arriving
            .retain(|other| keep_unless_replaced(other.user, user, &other.sink));
        self.queue
            .retain(|other| keep_unless_replaced(other.user, user, &other.sink));
        if self.step == OverloadLevel::Queue {
            self.queue.push_back(arrival);
            return None;
        }
        self.abandoned.remove(&user);
        let command = join_command(self.id, &arrival);
        self.arriving.push(arrival);
        Some(command)
    }

    /// Lets queued clients join: one per tick while the space is overloaded, otherwise all.
    pub(super) fn admit(&mut self) -> Vec<Command> {
        let count = if self.step == OverloadLevel::Queue {
            1
        } else {
            self.queue.len()
        };
        let mut commands = Vec::new();
        for arrival in self.queue.drain(..count.min(self.queue.len())) {
            self.abandoned.remove(&arrival.user);
            commands.push(join_command(self.id, &arrival));
            self.arriving.push(arrival);
        }
        commands
    }

    /// A connection ended. Returns no command if it was replaced before.
    pub fn detach(&mut self, client: ClientId, how: Departure) -> Option<Command> {
        if let Some(gone) = self.clients.remove(&client) {
            let player = gone.player;
            if self.numbers.get(&player) == Some(&client) {
                self.numbers.remove(&player);
            }
            return Some(match how {
                Departure::Left => Command::Presence(PresenceCommand::Leave { player }),
                Departure::Lost => Command::Presence(PresenceCommand::Disconnect { player }),
            });
        }
        // The player may appear at the next tick. `settle` then finds that no client waits for it,
        // and removes it.
        let mut arriving = self.arriving.iter();
        if let Some(index) = arriving.position(|arrival| arrival.client == client) {
            let gone = self.arriving.swap_remove(index);
            self.abandoned.insert(gone.user, how);
        }
        self.queue.retain(|arrival| arrival.client != client);
        None
    }

    /// A user's player has joined through the relay of another process: clients that control it
    /// here are replaced. Clients that are still joining here replace the other one in turn.
    pub(super) fn joined_elsewhere(&mut self, user: UserId, player: PlayerId) {
        self.part_from_other_players(user, player);
        self.clients
            .retain(|_, client| keep_unless_replaced(client.user, user, &client.sink));
        self.numbers.remove(&player);
    }

    /// Disconnects clients of the user that know another number of the player: they must join
    /// again.
    fn part_from_other_players(&mut self, user: UserId, player: PlayerId) {
        self.clients.retain(|_, client| {
            let stays = client.user != user || client.player == player;
            if !stays {
                client.sink.close(close::AWAY, "the space has restarted");
            }
            stays
        });
    }

    /// A user's player has joined: welcomes the client that waits for it.
    pub(super) fn settle(
        &mut self,
        user: UserId,
        player: PlayerId,
        again: bool,
    ) -> Option<Command> {
        let abandoned = self.abandoned.remove(&user);
        let Some(index) = self
            .arriving
            .iter()
            .position(|arrival| arrival.user == user)
        else {
            self.part_from_other_players(user, player);
            let is_watched = self.clients.values().any(|client| client.player == player);
            return (!is_watched).then_some(match abandoned {
                // Others have not seen the player, so the space does not wait for it.
                Some(Departure::Lost) if !again => {
                    Command::Presence(PresenceCommand::Leave { player })
                }
                Some(Departure::Left) => Command::Presence(PresenceCommand::Leave { player }),
                Some(Departure::Lost) | None => {
                    Command::Presence(PresenceCommand::Disconnect { player })
                }
            });
        };
        let arrival = self.arriving.swap_remove(index);
        // Before the welcome: the session must know the player when the client answers. If the
        // connection is gone by now, its detach follows and removes the player.
        let _ = arrival.ready.send(Ok(player));
        let mut wants_history = true;
        let view = match arrival.protocol {
            ProtocolKind::Binary { width, height } => {
                let name = arrival.space_name.as_ref().unwrap_or(&self.scene.name);
                arrival
                    .sink
                    .event(encode(&self.welcome(player, name, &arrival.blocked)).into());
                ProtocolView::Binary(ClientView::new(width, height))
            }
            ProtocolKind::Json {
                join_word,
                history,
                nearby,
            } => {
                arrival
                    .sink
                    .event(json_view::space_joined(&self.visible, player));
                wants_history = history;
                ProtocolView::Json(JsonView::new(join_word, nearby))
            }
        };
        let client = RelayClient {
            request: arrival.request,
            user,
            blocked: arrival.blocked,
            player,
            sink: arrival.sink,
            view,
        };
        if wants_history {
            self.tell_history(&client, None);
        }
        self.clients.insert(arrival.client, client);
        self.numbers.insert(player, arrival.client);
        self.greet_with_nearby(player);
        None
    }

    /// The space refused a join: tells the connection that waits for it.
    pub(super) fn refuse_join(&mut self, user: UserId, why: JoinRefusal) {
        self.abandoned.remove(&user);
        let mut arriving = self.arriving.iter();
        if let Some(index) = arriving.position(|arrival| arrival.user == user) {
            let arrival = self.arriving.swap_remove(index);
            // A connection that is gone need not know.
            let _ = arrival.ready.send(Err(why));
        }
    }

    fn welcome(&self, player: PlayerId, space_name: &str, blocked: &[UserId]) -> ServerMessage {
        ServerMessage::Session(SessionS2c::Welcome(WelcomeS2c {
            player: player.0,
            epoch: self.visible.epoch(),
            tick: self.visible.tick().0,
            tick_rate: self.scene.tick_rate,
            space_name: space_name.to_owned(),
            width: self.scene.width,
            height: self.scene.height,
            map_version: self.visible.version(),
            grid_hash: self.visible.grid_hash(),
            own: self.visible.own(player),
            blocked: blocked.iter().map(UserId::to_string).collect(),
        }))
    }

    /// Sends the current state to a client that read too slowly, in place of the events that were
    /// left out.
    pub(super) fn make_up(&mut self, id: ClientId) {
        let missed = match self.clients.get_mut(&id).map(|client| &mut client.view) {
            Some(ProtocolView::Json(view)) => Some(view.take_missed()),
            Some(ProtocolView::Binary(_)) => None,
            None => return,
        };
        let Some(client) = self.clients.get(&id) else {
            return;
        };
        if let Some(missed) = missed {
            self.resend_json(client, missed);
        } else {
            let map_version = self.visible.version();
            let message = ServerMessage::Session(SessionS2c::Missed(MissedS2c { map_version }));
            client.sink.event(encode(&message).into());
            self.tell_history(client, None);
        }
        self.greet_with_nearby(client.player);
        client.sink.flush();
    }
}

pub(super) fn join_command(relay: RelayId, arrival: &Arrival) -> Command {
    Command::Presence(PresenceCommand::Join {
        user: arrival.user,
        name: arrival.name.clone(),
        avatar: arrival.avatar.clone(),
        arrive: arrival.arrive.clone(),
        blocked: arrival.blocked.clone(),
        relay,
        terms: arrival.terms,
    })
}

fn keep_unless_replaced(user: UserId, newcomer: UserId, sink: &Arc<dyn Sink>) -> bool {
    if user == newcomer {
        replace(sink);
    }
    user != newcomer
}

fn replace(sink: &Arc<dyn Sink>) {
    sink.close(close::REPLACED, "you joined this space from another client");
}

#[cfg(test)]
mod tests;
