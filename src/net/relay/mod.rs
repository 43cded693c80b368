//! Relay: keeps a copy of one space's visible state and sends it to the clients of this edge.
//!
//! It is plain state: outputs of the host go in, bytes for clients go to their [`Sink`]s, and
//! commands for the host are returned. `task` drives it. `visible` has the copy, `client` the
//! clients, and each domain's file sends its facts. May use the modules below and `protocol`.
//! Never: sockets, a `World`, the clock.

mod arrivals;
mod bubble;
mod call;
mod chat;
mod client;
mod denial;
mod element;
#[cfg(test)]
mod harness;
mod json_view;
mod ladder;
mod movement;
mod nearby;
mod pace;
mod peers;
mod rebase;
mod send;
mod status;
pub mod task;
#[cfg(test)]
mod tests;
pub mod ticket;
mod view;
mod visible;
mod zone;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

pub use self::client::{Arrival, ClientId, Departure, Sink};
use self::client::{ProtocolView, RelayClient};
pub use self::ladder::{Ladder, OverloadLevel};
use self::nearby::Nearby;
use self::ticket::Tickets;
use self::view::Scratch;
pub use self::visible::Visible;
use super::protocol::client::JoinWord;
use super::protocol::{close, json};
use crate::components::audience::Audience;
use crate::components::block::BlockChange;
use crate::components::command::Command;
use crate::components::fact::{Fact, TickOutput};
use crate::components::history::History;
use crate::components::id::{PlayerId, RelayId, UserId};
use crate::components::presence::PresenceFact;
use crate::components::scene::Scene;
use crate::net::protocol::ServerMessage;
use crate::net::protocol::element::{ElementS2c, MapChangedS2c};
use crate::net::protocol::emote::EmoteS2c;
use crate::net::protocol::follow::FollowedS2c;
use crate::store::server_key::MessageKey;

/// Maximum size of the chat messages in one history message, in bytes.
const PAGE_BYTES: usize = 32 * 1024 - 64;

/// The relay of one space on one edge.
pub struct Relay {
    /// Distinguishes this relay from those of the same space in other processes.
    id: RelayId,
    scene: Scene,
    visible: Visible,
    history: History,
    arriving: Vec<Arrival>,
    /// Clients that wait until newcomers are admitted.
    queue: VecDeque<Arrival>,
    clients: BTreeMap<ClientId, RelayClient>,
    /// The connection of each player.
    numbers: BTreeMap<PlayerId, ClientId>,
    nearby: Nearby,
    /// Users whose connection ended while they joined, and how: their player appears at one of the
    /// next ticks.
    abandoned: BTreeMap<UserId, Departure>,
    /// Issues portal tickets; without it, users arrive at the default point.
    tickets: Option<Tickets>,
    /// Signs chat messages; without it they are not signed.
    message_key: Option<MessageKey>,
    step: OverloadLevel,
    skipped: u64,
    scratch: Scratch,
}

impl Relay {
    /// A relay without state; a snapshot must come first.
    pub fn new(id: RelayId, scene: Scene) -> Self {
        let visible = Visible::new(scene.width, scene.height);
        Self {
            id,
            scene,
            visible,
            history: History::default(),
            arriving: Vec::new(),
            queue: VecDeque::new(),
            clients: BTreeMap::new(),
            numbers: BTreeMap::new(),
            nearby: Nearby::default(),
            abandoned: BTreeMap::new(),
            tickets: None,
            message_key: None,
            step: OverloadLevel::default(),
            skipped: 0,
            scratch: Scratch::default(),
        }
    }

    /// Sets the issuer of portal tickets.
    pub fn give_tickets(&mut self, tickets: Tickets) {
        self.tickets = Some(tickets);
    }

    /// Sets the key that signs chat messages.
    pub fn give_message_key(&mut self, key: MessageKey) {
        self.message_key = Some(key);
    }

    /// The current step of the overload ladder.
    pub const fn step(&self) -> OverloadLevel {
        self.step
    }

    /// Sets the step of the overload ladder.
    pub const fn take_step(&mut self, step: OverloadLevel) {
        self.step = step;
    }

    /// Number of frames skipped since the last call because a client was busy.
    pub const fn take_skipped(&mut self) -> u64 {
        std::mem::replace(&mut self.skipped, 0)
    }

    /// Length of a tick of the space.
    pub fn tick_period(&self) -> Duration {
        Duration::from_secs(1) / u32::from(self.scene.tick_rate)
    }

    /// Whether the space still has the size it had at first.
    pub const fn has_size_of(&self, scene: &Scene) -> bool {
        self.scene.width == scene.width && self.scene.height == scene.height
    }

    /// The copy of the visible state.
    pub fn visible(&self) -> &Visible {
        &self.visible
    }

    /// Whether no client is connected or joining.
    pub fn is_empty(&self) -> bool {
        self.clients.is_empty() && self.arriving.is_empty() && self.queue.is_empty()
    }

    /// Sets the number of tiles that a client sees.
    pub fn resize(&mut self, client: ClientId, width: u16, height: u16) {
        if let Some(RelayClient {
            view: ProtocolView::Binary(view),
            ..
        }) = self.clients.get_mut(&client)
        {
            view.resize(width, height);
        }
    }

    /// Applies one tick and sends it to every client. Returns the commands that follow from it.
    pub fn tick(&mut self, output: &TickOutput) -> Vec<Command> {
        self.nearby.part(&output.gone);
        let newcomers = self.visible.apply(output);
        for fact in &output.facts {
            if let Fact::Presence(PresenceFact::Joined {
                player,
                again: false,
                ..
            }) = fact
            {
                self.announce(*player);
            }
        }
        // After all announcements: players who join in the same tick find each other in their first
        // snapshot, once.
        let mut commands = self.admit();
        for fact in &output.facts {
            commands.extend(self.tell(fact));
        }
        self.tell_all_of_nearby();
        self.send_json_movement(output, &newcomers);
        for (player, user) in &output.gone {
            self.part(*player, *user);
        }
        self.send_frames();
        commands
    }

    /// The space is closed: disconnects every client.
    pub fn close(&mut self, code: u16, reason: &str) {
        for arrival in self.arriving.drain(..).chain(self.queue.drain(..)) {
            // When the space merely restarts, joining clients try again on their own.
            if code != close::AWAY {
                arrival.sink.close(code, reason);
            }
        }
        for client in std::mem::take(&mut self.clients).into_values() {
            if code == close::DELETED
                && let ProtocolView::Json(_) = client.view
            {
                client.sink.event(json::error("space-deleted", reason));
            }
            client.sink.close(code, reason);
        }
    }

    /// Tells JSON clients that a player joined. Binary clients see it in the roster of their frame.
    fn announce(&mut self, player: PlayerId) {
        let mut words = JoinWord::ALL.map(|word| (word, None));
        for client in self.clients.values_mut() {
            let ProtocolView::Json(view) = &mut client.view else {
                continue;
            };
            if client.player == player {
                continue;
            }
            let Some((word, bytes)) = words.iter_mut().find(|(word, _)| *word == view.join_word())
            else {
                continue;
            };
            let bytes =
                bytes.get_or_insert_with(|| json_view::user_joined(&self.visible, player, *word));
            client.sink.event(bytes.clone());
            if client.sink.has_missed() {
                view.miss_newcomer(player);
            }
        }
    }

    /// Sends a fact to the clients it concerns; returns the command that follows from it.
    fn tell(&mut self, fact: &Fact) -> Option<Command> {
        match fact {
            Fact::Presence(PresenceFact::Joined {
                user,
                player,
                again,
                relay,
            }) if *relay == self.id => return self.settle(*user, *player, *again),
            Fact::Presence(PresenceFact::Joined { user, player, .. }) => {
                self.joined_elsewhere(*user, *player);
            }
            Fact::Presence(PresenceFact::Refused { user, relay, why }) => {
                if *relay == self.id {
                    self.refuse_join(*user, *why);
                }
            }
            Fact::Movement(refused) => self.tell_movement(refused),
            Fact::Chat(fact) => self.tell_chat(fact),
            Fact::Emote(emote) => self.send(
                fact.audience(),
                &ServerMessage::Emote(EmoteS2c {
                    player: emote.player.0,
                    kind: emote.kind,
                }),
            ),
            Fact::Element(changed) => self.tell_element(changed),
            Fact::Call(fact) => self.tell_call(fact),
            Fact::Status(fact) => self.tell_status(fact),
            Fact::Zone(fact) => return self.tell_zone(fact),
            Fact::Follow(followed) => self.send(
                fact.audience(),
                &ServerMessage::Follow(FollowedS2c {
                    player: followed.player.0,
                    on: followed.on,
                }),
            ),
            Fact::Bubble(fact) => self.tell_bubble(fact),
            Fact::Proximity(fact) => self.tell_proximity(fact),
            Fact::Block(change) => self.block(*change),
            Fact::Denied { player, why } => self.deny(*player, *why),
        }
        None
    }

    /// Updates the block lists of a user's clients.
    fn block(&mut self, change: BlockChange) {
        let mut clients = self.clients.values_mut();
        for client in clients.by_ref().filter(|client| client.user == change.user) {
            client.blocked.retain(|kept| *kept != change.other);
            if change.blocked {
                client.blocked.push(change.other);
            }
        }
    }

    /// Tells every client that the map changed.
    fn tell_of_map(&self, map_version: u32) {
        let message = ServerMessage::Element(ElementS2c::MapChanged(MapChangedS2c { map_version }));
        self.send(Audience::Everyone, &message);
    }

    /// A player left: tells JSON clients, and closes the connection of the player.
    fn part(&mut self, player: PlayerId, user: UserId) {
        self.clients.retain(|_, client| {
            if client.player == player {
                client.sink.close(close::LEFT, "left the space");
            }
            client.player != player
        });
        self.numbers.remove(&player);
        self.to_json_except(player, &json_view::user_left(user));
        for client in self.clients.values_mut() {
            if let ProtocolView::Json(view) = &mut client.view
                && client.sink.has_missed()
            {
                view.miss_leaver(user);
            }
        }
    }

    fn send_frames(&mut self) {
        let tick = self.visible.tick().0;
        let mut behind = Vec::new();
        for (id, client) in &mut self.clients {
            let has_turn = self.step < OverloadLevel::Half || (tick + id.0).is_multiple_of(2);
            let mut is_framed = false;
            if let ProtocolView::Binary(view) = &mut client.view
                && has_turn
            {
                if !client.sink.is_free() {
                    self.skipped += 1;
                } else if view.compose(
                    &mut self.visible,
                    client.player,
                    self.step,
                    &mut self.scratch,
                ) {
                    client.sink.frame(&self.scratch.frame);
                    is_framed = true;
                }
            }
            if client.sink.take_missed() {
                behind.push(*id);
            } else if !is_framed {
                client.sink.flush();
            }
        }
        for client in behind {
            self.make_up(client);
        }
        let oldest = self
            .clients
            .values()
            .filter_map(|client| match &client.view {
                ProtocolView::Binary(view) => Some(view.roster_cursor()),
                ProtocolView::Json(_) => None,
            });
        self.visible.forget_roster_before(oldest.min());
    }
}
