//! Relay: keeps a copy of one space's visible state and sends it to the clients of this edge.
//!
//! It is plain state: outputs of the host go in, bytes for clients go to their [`Sink`]s, and
//! commands for the host are returned. `task` drives it. May use the modules below and `protocol`.
//! Never: sockets, a `World`, the clock.

mod arrivals;
mod bubble;
mod call;
mod chat;
mod denial;
mod element;
mod json_view;
mod ladder;
mod movement;
mod nearby;
mod pace;
mod peers;
mod status;
pub mod task;
#[cfg(test)]
mod tests;
pub mod ticket;
mod view;
mod visible;
mod zone;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::oneshot;

use self::arrivals::join_command;
use self::json_view::JsonView;
pub use self::ladder::{Ladder, Step};
use self::nearby::Nearby;
use self::ticket::Tickets;
use self::view::{ClientView, Scratch};
pub use self::visible::Visible;
use super::protocol::client::{JoinWord, ProtocolKind};
use super::protocol::{close, json};
use crate::components::audience::Audience;
use crate::components::block::BlockChange;
use crate::components::command::Command;
use crate::components::fact::{Fact, Snapshot, TickOutput};
use crate::components::id::{PlayerId, UserId};
use crate::components::player::Avatar;
use crate::components::presence::{PresenceCommand, PresenceFact};
use crate::components::scene::Scene;
use crate::components::unit::Tile;
use crate::net::codec::encode;
use crate::net::protocol::ServerMessage;
use crate::net::protocol::element::{ElementS2c, MapChangedS2c};
use crate::net::protocol::emote::EmoteS2c;
use crate::net::protocol::follow::FollowedS2c;
use crate::net::protocol::session::{NoticeS2c, SessionS2c};
use crate::systems::chat::History;

/// Maximum size of the chat messages in one history message, in bytes.
const PAGE_BYTES: usize = 32 * 1024 - 64;

/// Takes the bytes for one client. Never blocks: a frame is accepted only while none is in flight,
/// events are bounded in bytes.
pub trait Sink: Send + Sync + 'static {
    /// Whether the last frame was passed to the socket.
    fn is_free(&self) -> bool;
    /// Sends state. It may be skipped while the client is busy.
    fn frame(&self, bytes: &[u8]);
    /// Sends an event in order, with the next frame or at a flush. It is left out if too much
    /// waits.
    fn event(&self, bytes: Bytes);
    /// Whether events are left out.
    fn has_missed(&self) -> bool;
    /// Whether events were left out and everything before them was passed to the socket. Clears
    /// the state: later events are sent again.
    fn take_missed(&self) -> bool;
    /// Sends waiting events without a frame.
    fn flush(&self);
    /// Closes the connection after everything that waits.
    fn close(&self, code: u16, reason: &str);
}

/// Id of a connection of this edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClientId(pub u64);

/// A client that joins. Its permission to join was checked.
pub struct Arrival {
    /// The connection.
    pub client: ClientId,
    /// Number of the join request, ascending on this edge: checks and opening the space can make
    /// an earlier request arrive later.
    pub wish: u64,
    /// Id of the user.
    pub user: UserId,
    /// Name above the player's head.
    pub name: String,
    /// Avatar, if one was chosen.
    pub avatar: Option<Avatar>,
    /// Zone to arrive in, if the player is not in the space yet.
    pub arrive: Option<String>,
    /// Users that this user blocks.
    pub blocked: Vec<UserId>,
    /// Protocol of the client.
    pub dialect: ProtocolKind,
    /// Takes the bytes for the client.
    pub sink: Arc<dyn Sink>,
    /// Receives the player's number when it has joined.
    pub ready: oneshot::Sender<PlayerId>,
}

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Departure {
    /// The client left, or cannot reconnect.
    Left,
    /// The connection failed: the client may reconnect.
    Lost,
}

/// The relay of one space on one edge.
pub struct Relay {
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
    step: Step,
    skipped: u64,
    scratch: Scratch,
}

struct RelayClient {
    request: u64,
    user: UserId,
    blocked: Vec<UserId>,
    player: PlayerId,
    sink: Arc<dyn Sink>,
    view: ProtocolView,
}

impl RelayClient {
    /// Whether the client blocks that user.
    fn keeps_away(&self, user: UserId) -> bool {
        self.blocked.contains(&user)
    }

    /// Sends a message, if the client speaks the binary protocol.
    fn send(&self, message: &ServerMessage) {
        if let ProtocolView::Binary(_) = self.view {
            self.sink.event(encode(message).into());
        }
    }

    /// The same for a user who may be unknown.
    fn keeps_any_away(&self, user: Option<UserId>) -> bool {
        user.is_some_and(|user| self.keeps_away(user))
    }
}

enum ProtocolView {
    Binary(ClientView),
    Json(JsonView),
}

impl Relay {
    /// A relay without state; a snapshot must come first.
    pub fn new(scene: Scene) -> Self {
        let visible = Visible::new(scene.width, scene.height);
        Self {
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
            step: Step::default(),
            skipped: 0,
            scratch: Scratch::default(),
        }
    }

    /// Sets the issuer of portal tickets.
    pub fn give_tickets(&mut self, tickets: Tickets) {
        self.tickets = Some(tickets);
    }

    /// The current step of the overload ladder.
    pub const fn step(&self) -> Step {
        self.step
    }

    /// Sets the step of the overload ladder.
    pub const fn take_step(&mut self, step: Step) {
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

    /// Sends facts of ticks that a snapshot replaced, like any facts.
    pub fn catch_up(&mut self, missed: &[Fact]) -> Vec<Command> {
        let mut commands = Vec::new();
        for fact in missed {
            // The snapshot has these already, in a newer state.
            if !fact.is_in_snapshot() {
                commands.extend(self.tell(fact));
            }
        }
        self.send_frames();
        commands
    }

    /// Starts from a snapshot. Clients stay. Players who are missing in the snapshot resume where
    /// they were last seen; returns the commands for that.
    pub fn rebase(&mut self, snapshot: &Snapshot, epoch: u64) -> Vec<Command> {
        let before: BTreeMap<PlayerId, (UserId, Option<Tile>)> = self
            .visible
            .players()
            .filter_map(|player| {
                Some((
                    player,
                    (self.visible.user_of(player)?, self.visible.tile_of(player)),
                ))
            })
            .collect();
        let resumed = self.resumed(snapshot, epoch);
        let known = self.visible.version();
        self.visible.rebase(snapshot, epoch);
        self.abandoned.clear();
        if known != snapshot.version {
            // The map changed while the relay was disconnected from the space.
            self.tell_of_map(snapshot.version);
        }
        self.nearby
            .rebase(snapshot, resumed.iter().map(|(player, _)| *player));
        self.send_json_changes(&before);
        self.catch_up_chat(&snapshot.history);
        for client in self.clients.values_mut() {
            match &mut client.view {
                ProtocolView::Binary(view) => view.rebase(),
                ProtocolView::Json(_) => {}
            }
        }
        let visible = &self.visible;
        let is_resumed = |player: PlayerId| resumed.iter().any(|(other, _)| *other == player);
        self.clients.retain(|_, client| {
            let stays =
                visible.user_of(client.player) == Some(client.user) || is_resumed(client.player);
            if !stays {
                client.sink.close(close::AWAY, "the space has restarted");
            }
            stays
        });
        self.tell_all_of_nearby();
        let visible = &self.visible;
        let present = self
            .clients
            .values()
            .filter(|client| visible.card(client.player).is_some())
            .map(|client| {
                Command::Presence(PresenceCommand::Stay {
                    player: client.player,
                })
            });
        let present: Vec<_> = present
            .chain(self.arriving.iter().map(join_command))
            .collect();
        let resumed = resumed.into_iter().map(|(_, command)| command);
        resumed.chain(present).collect()
    }

    /// Commands for clients that a new epoch of the space does not know: they joined after its
    /// last checkpoint.
    fn resumed(&self, snapshot: &Snapshot, epoch: u64) -> Vec<(PlayerId, Command)> {
        if epoch == self.visible.epoch() {
            return Vec::new();
        }
        let is_known = |user: UserId| snapshot.players.iter().any(|(card, ..)| card.user == user);
        let unknown = self
            .clients
            .values()
            .filter(|client| !is_known(client.user));
        unknown
            .filter_map(|client| {
                let (position, facing) = self.visible.stand(client.player)?;
                let resume = PresenceCommand::Resume {
                    card: self.visible.card(client.player)?.clone(),
                    position,
                    facing,
                    ack: self.visible.own_and_ack(client.player)?.0,
                    blocked: client.blocked.clone(),
                };
                Some((client.player, Command::Presence(resume)))
            })
            .collect()
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
            }) => return self.settle(*user, *player, *again),
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

    /// Sends clients a notice: a code for programs and a text for users.
    fn notify(&self, audience: Audience<'_>, code: &str, message: String) {
        let code = code.into();
        let notice = ServerMessage::Session(SessionS2c::Notice(NoticeS2c { code, message }));
        self.send(audience, &notice);
    }

    /// Sends a message to the binary clients of the players who are told.
    fn send(&self, audience: Audience<'_>, message: &ServerMessage) {
        let bytes: Bytes = encode(message).into();
        match audience {
            Audience::Everyone => self.send_where(&bytes, |_| true),
            Audience::FromUser(user) => {
                self.send_where(&bytes, |client| !client.keeps_away(user));
            }
            Audience::From(player) => {
                let user = self.visible.user_of(player);
                self.send_where(&bytes, |client| !client.keeps_any_away(user));
            }
            Audience::OthersThan(player) => {
                let user = self.visible.user_of(player);
                self.send_where(&bytes, |client| {
                    client.player != player && !client.keeps_any_away(user)
                });
            }
            Audience::Player(player) => self.send_to(player, &bytes),
            Audience::Players(players) => {
                for player in players {
                    self.send_to(*player, &bytes);
                }
            }
            Audience::Server => {}
        }
    }

    fn send_where(&self, bytes: &Bytes, is_told: impl Fn(&RelayClient) -> bool) {
        for client in self.clients.values() {
            if let ProtocolView::Binary(_) = client.view
                && is_told(client)
            {
                client.sink.event(bytes.clone());
            }
        }
    }

    /// Sends bytes to a player whose client speaks the JSON protocol.
    fn send_json(&self, player: PlayerId, bytes: Bytes) {
        if let Some(client) = self.client_of(player)
            && let ProtocolView::Json(_) = client.view
        {
            client.sink.event(bytes);
        }
    }

    fn send_to(&self, player: PlayerId, bytes: &Bytes) {
        if let Some(client) = self.client_of(player)
            && let ProtocolView::Binary(_) = client.view
        {
            client.sink.event(bytes.clone());
        }
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
            let has_turn = self.step < Step::Half || (tick + id.0).is_multiple_of(2);
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

    fn client_of(&self, player: PlayerId) -> Option<&RelayClient> {
        let client = self.clients.get(self.numbers.get(&player)?)?;
        (client.player == player).then_some(client)
    }
}
