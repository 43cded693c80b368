//! Relay: keeps a copy of one space's visible state and fans it out to the clients of this edge.
//!
//! It is plain state: outputs of the host go in, bytes for clients come out of their [`Sink`]s,
//! commands for the host come back as return values. Who carries them is the business of `task`.
//! May use the rooms below and `protocol`. Never: sockets, a `World`, the clock.

mod arrivals;
mod chat;
mod json_view;
mod ladder;
mod nearby;
mod pace;
pub mod task;
#[cfg(test)]
mod tests;
pub mod ticket;
mod view;
mod visible;

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
use crate::components::command::Command;
use crate::components::fact::{Fact, Snapshot, TickOutput};
use crate::components::id::{PlayerId, UserId};
use crate::components::player::Avatar;
use crate::components::scene::Scene;
use crate::components::unit::Tile;
use crate::net::codec::encode;
use crate::net::protocol::ServerMessage;
use crate::net::protocol::chat::{ChatMessageS2c, EmoteS2c};
use crate::net::protocol::element::{ElementPlacedS2c, ElementRemovedS2c, MapChangedS2c};
use crate::net::protocol::session::NoticeS2c;
use crate::systems::chat::History;

/// Where bytes for one client go. Never blocks: frames are taken only while none is in flight,
/// events are bounded in bytes.
pub trait Sink: Send + Sync + 'static {
    /// Whether the last frame was handed to the socket.
    fn is_free(&self) -> bool;
    /// State: may be skipped while the client is busy.
    fn frame(&self, bytes: &[u8]);
    /// Something that should arrive, in order, with the next frame or when asked to flush. When too
    /// much waits it is left out.
    fn event(&self, bytes: Bytes);
    /// Whether events are left out.
    fn has_missed(&self) -> bool;
    /// Whether events were left out and everything before them was handed to the socket: what comes
    /// from now on is not.
    fn take_missed(&self) -> bool;
    /// Sends events that no frame took along.
    fn flush(&self);
    /// Says goodbye after what is waiting.
    fn close(&self, code: u16, reason: &str);
}

/// One connection of this edge to the space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClientId(pub u64);

/// A client that wants in. Its rights were checked.
pub struct Arrival {
    /// The connection.
    pub client: ClientId,
    /// Rises with each that was asked for on this edge: checks and opening the space take longer
    /// for one than for another.
    pub wish: u64,
    /// Who.
    pub user: UserId,
    /// The name over the head.
    pub name: String,
    /// What they look like.
    pub avatar: Option<Avatar>,
    /// The zone to arrive in, when they are not here yet.
    pub arrive: Option<String>,
    /// The users they keep away from them.
    pub blocked: Vec<UserId>,
    /// What the client understands.
    pub dialect: ProtocolKind,
    /// Where its bytes go.
    pub sink: Arc<dyn Sink>,
    /// Told once the player is there.
    pub ready: oneshot::Sender<PlayerId>,
}

/// How a client went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Departure {
    /// It said so, or cannot come back.
    Left,
    /// Its connection broke: it may come back.
    Lost,
}

/// The relay of one space on one edge.
pub struct Relay {
    scene: Scene,
    visible: Visible,
    history: History,
    arriving: Vec<Arrival>,
    /// Those who wait until the space has room for newcomers.
    queue: VecDeque<Arrival>,
    clients: BTreeMap<ClientId, RelayClient>,
    /// Which connection a player has.
    numbers: BTreeMap<PlayerId, ClientId>,
    nearby: Nearby,
    /// Users whose connection ended while they were let in, and how: their player is there at one
    /// of the next ticks.
    abandoned: BTreeMap<UserId, Departure>,
    /// For those who take a portal; without any they come out where people arrive.
    tickets: Option<Tickets>,
    step: Step,
    skipped: u64,
    scratch: Scratch,
}

struct RelayClient {
    wish: u64,
    user: UserId,
    blocked: Vec<UserId>,
    player: PlayerId,
    sink: Arc<dyn Sink>,
    eyes: ProtocolView,
}

impl RelayClient {
    /// Whether nothing of that user reaches this client.
    fn keeps_away(&self, user: UserId) -> bool {
        self.blocked.contains(&user)
    }
}

enum ProtocolView {
    Binary(ClientView),
    Json(JsonView),
}

impl Relay {
    /// A relay that has seen nothing yet; a picture must come first.
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

    /// From now on players who take a portal are given a ticket for its other end.
    pub fn give_tickets(&mut self, tickets: Tickets) {
        self.tickets = Some(tickets);
    }

    /// What the relay gives up now.
    pub const fn step(&self) -> Step {
        self.step
    }

    /// From now on the relay gives up what the step says.
    pub const fn take_step(&mut self, step: Step) {
        self.step = step;
    }

    /// Frames not made since this was asked last, because the client was busy with the one before.
    pub const fn take_skipped(&mut self) -> u64 {
        std::mem::replace(&mut self.skipped, 0)
    }

    /// How long a tick of the space is.
    pub fn tick_period(&self) -> Duration {
        Duration::from_secs(1) / u32::from(self.scene.tick_rate)
    }

    /// Whether the space is as large as when this began.
    pub const fn has_size_of(&self, scene: &Scene) -> bool {
        self.scene.width == scene.width && self.scene.height == scene.height
    }

    /// The copy of what is visible.
    pub fn visible(&self) -> &Visible {
        &self.visible
    }

    /// Whether nobody is connected or about to be.
    pub fn is_empty(&self) -> bool {
        self.clients.is_empty() && self.arriving.is_empty() && self.queue.is_empty()
    }

    /// A client's window shows this many tiles now.
    pub fn resize(&mut self, client: ClientId, width: u16, height: u16) {
        if let Some(RelayClient {
            eyes: ProtocolView::Binary(view),
            ..
        }) = self.clients.get_mut(&client)
        {
            view.resize(width, height);
        }
    }

    /// What happened in ticks that a picture replaced: told like any fact.
    pub fn catch_up(&mut self, missed: &[Fact]) -> Vec<Command> {
        let mut commands = Vec::new();
        for fact in missed {
            match fact {
                Fact::Joined {
                    user,
                    player,
                    again,
                } => commands.extend(self.settle(*user, *player, *again)),
                // The picture says it, and newer.
                fact if fact.is_in_picture() => {}
                fact => commands.extend(self.tell(fact)),
            }
        }
        self.send_frames();
        commands
    }

    /// Begins anew from a full picture. Clients stay, and those whose player is not in it go on
    /// where they were seen last; the commands for that are returned.
    pub fn rebase(&mut self, picture: &Snapshot, epoch: u64) -> Vec<Command> {
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
        let resumed = self.resumed(picture, epoch);
        let known = self.visible.version();
        self.visible.rebase(picture, epoch);
        self.abandoned.clear();
        if known != picture.version {
            // What changed while nothing was heard of the space.
            self.tell_of_map(picture.version);
        }
        self.nearby.rebase(
            picture,
            resumed
                .iter()
                .filter_map(Command::card)
                .map(|card| card.player),
        );
        self.correct_the_grid(&before);
        self.catch_up_chat(&picture.history);
        for client in self.clients.values_mut() {
            match &mut client.eyes {
                ProtocolView::Binary(view) => view.rebase(),
                ProtocolView::Json(_) => {}
            }
        }
        let visible = &self.visible;
        let is_resumed = |player: PlayerId| {
            let mut cards = resumed.iter().filter_map(Command::card);
            cards.any(|card| card.player == player)
        };
        self.clients.retain(|_, client| {
            let stays =
                visible.user_of(client.player) == Some(client.user) || is_resumed(client.player);
            if !stays {
                client.sink.close(close::AWAY, "the space started again");
            }
            stays
        });
        self.tell_all_of_nearby();
        let visible = &self.visible;
        let present = self
            .clients
            .values()
            .filter(|client| visible.card(client.player).is_some())
            .map(|client| Command::Stay {
                player: client.player,
            });
        let present: Vec<_> = present
            .chain(self.arriving.iter().map(join_command))
            .collect();
        resumed.into_iter().chain(present).collect()
    }

    /// Those of our clients whom a later life of the space does not know: they came after what was
    /// kept of it.
    fn resumed(&self, picture: &Snapshot, epoch: u64) -> Vec<Command> {
        if epoch == self.visible.epoch() {
            return Vec::new();
        }
        let is_known = |user: UserId| picture.players.iter().any(|(card, ..)| card.user == user);
        let unknown = self
            .clients
            .values()
            .filter(|client| !is_known(client.user));
        unknown
            .filter_map(|client| {
                let (position, facing) = self.visible.stand(client.player)?;
                Some(Command::Resume {
                    card: self.visible.card(client.player)?.clone(),
                    position,
                    facing,
                    ack: self.visible.own_and_ack(client.player)?.0,
                    blocked: client.blocked.clone(),
                })
            })
            .collect()
    }

    /// One tick of the space happened: applies it and sends every client what it should know.
    /// Returns commands that follow from it.
    pub fn tick(&mut self, output: &TickOutput) -> Vec<Command> {
        self.nearby.part(&output.gone);
        let newcomers = self.visible.apply(output);
        for fact in &output.facts {
            if let Fact::Joined {
                player,
                again: false,
                ..
            } = fact
            {
                self.announce(*player);
            }
        }
        // After every announcement: those who come in the same tick find each other in their first
        // picture, once.
        let mut commands = self.admit();
        for fact in &output.facts {
            match fact {
                Fact::Joined {
                    user,
                    player,
                    again,
                } => commands.extend(self.settle(*user, *player, *again)),
                fact => commands.extend(self.tell(fact)),
            }
        }
        self.tell_all_of_nearby();
        self.move_on_the_grid(output, &newcomers);
        for (player, user) in &output.gone {
            self.part(*player, *user);
        }
        self.send_frames();
        commands
    }

    /// The space is closed: everybody is let go.
    pub fn close(&mut self, code: u16, reason: &str) {
        for arrival in self.arriving.drain(..).chain(self.queue.drain(..)) {
            // Whoever was about to come in tries again by itself when the space merely starts
            // again.
            if code != close::AWAY {
                arrival.sink.close(code, reason);
            }
        }
        for client in std::mem::take(&mut self.clients).into_values() {
            if code == close::DELETED
                && let ProtocolView::Json(_) = client.eyes
            {
                client.sink.event(json::error("space-deleted", reason));
            }
            client.sink.close(code, reason);
        }
    }

    /// Tells clients of the tile grid that somebody came. Others see it in the roster of their
    /// frame.
    fn announce(&mut self, player: PlayerId) {
        let mut words = JoinWord::ALL.map(|word| (word, None));
        for client in self.clients.values_mut() {
            let ProtocolView::Json(eyes) = &mut client.eyes else {
                continue;
            };
            if client.player == player {
                continue;
            }
            let Some((word, bytes)) = words.iter_mut().find(|(word, _)| *word == eyes.join_word())
            else {
                continue;
            };
            let bytes =
                bytes.get_or_insert_with(|| json_view::user_joined(&self.visible, player, *word));
            client.sink.event(bytes.clone());
            if client.sink.has_missed() {
                eyes.miss_newcomer(player);
            }
        }
    }

    /// Shows a fact to whom it concerns; answers what follows from it.
    fn tell(&mut self, fact: &Fact) -> Option<Command> {
        match fact {
            Fact::Joined { .. } => {}
            Fact::Said(line) => self.say(line),
            Fact::Forgotten => self.history.0.clear(),
            Fact::SaidBefore(line) => {
                if let Some(client) = self.client_of(line.player)
                    && let ProtocolView::Binary(_) = client.eyes
                {
                    client
                        .sink
                        .event(encode(&ServerMessage::Chat(ChatMessageS2c::own(line))).into());
                }
            }
            Fact::Emoted { player, kind } => {
                let emote = EmoteS2c {
                    player: player.0,
                    kind: *kind,
                };
                self.to_binary_from(self.visible.user_of(*player), &ServerMessage::Emote(emote));
            }
            Fact::StepRejected { player, tile } => {
                if let Some(client) = self.client_of(*player)
                    && let ProtocolView::Json(_) = client.eyes
                {
                    client.sink.event(json_view::movement_rejected(*tile));
                }
            }
            Fact::NoPath { player } => {
                if let Some(client) = self.client_of(*player)
                    && let ProtocolView::Binary(_) = client.eyes
                {
                    let notice = NoticeS2c {
                        code: "no-path".into(),
                        message: "There is no way to get there.".into(),
                    };
                    client
                        .sink
                        .event(encode(&ServerMessage::Notice(notice)).into());
                }
            }
            Fact::ElementPlaced { placement, version } => {
                self.to_binary(&ServerMessage::ElementPlaced(ElementPlacedS2c {
                    id: placement.id.to_string(),
                    element: placement.element.to_string(),
                    x: placement.corner.x,
                    y: placement.corner.y,
                    map_version: *version,
                }));
            }
            Fact::ElementRemoved { id, version } => {
                self.to_binary(&ServerMessage::ElementRemoved(ElementRemovedS2c {
                    id: id.to_string(),
                    map_version: *version,
                }));
            }
            Fact::LayoutReplaced { version } => self.tell_of_map(*version),
            Fact::Whispered { line, hearers } => self.whisper(line, hearers),
            Fact::Changed { change, author } => self.change(change, *author),
            Fact::Reacted(reaction) => self.react(reaction),
            Fact::Cleared { by } => {
                self.history.0.clear();
                self.notify(
                    "chat-cleared",
                    format!("{by} deleted everything that was said here."),
                );
            }
            Fact::LineRefused {
                player,
                client_id,
                why,
            } => self.refuse_line(*player, *client_id, *why),
            Fact::Typing { player, on } => self.show_typing(*player, *on),
            Fact::Blocked {
                user,
                other,
                blocked,
            } => {
                for client in self
                    .clients
                    .values_mut()
                    .filter(|client| client.user == *user)
                {
                    client.blocked.retain(|kept| kept != other);
                    if *blocked {
                        client.blocked.push(*other);
                    }
                }
            }
            Fact::SlowMode { seconds } => self.notify("slow-mode", chat::slow_mode(*seconds)),
            fact => return self.tell_nearby(fact),
        }
        None
    }

    /// Tells everybody that the map they have is another one now.
    fn tell_of_map(&self, map_version: u32) {
        self.to_binary(&ServerMessage::MapChanged(MapChangedS2c { map_version }));
    }

    /// Tells the people something, and their programs by a word.
    fn notify(&self, code: &str, message: String) {
        let code = code.into();
        self.to_binary(&ServerMessage::Notice(NoticeS2c { code, message }));
    }

    fn to_binary(&self, message: &ServerMessage) {
        self.to_binary_from(None, message);
    }

    /// To everybody but those who keep away the user it comes from.
    fn to_binary_from(&self, user: Option<UserId>, message: &ServerMessage) {
        let bytes: Bytes = encode(message).into();
        for client in self.clients.values() {
            if let ProtocolView::Binary(_) = client.eyes
                && !user.is_some_and(|user| client.keeps_away(user))
            {
                client.sink.event(bytes.clone());
            }
        }
    }

    /// Somebody is gone: the tile grid is told, and a connection that still stands for them ends.
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
            if let ProtocolView::Json(eyes) = &mut client.eyes
                && client.sink.has_missed()
            {
                eyes.miss_leaver(user);
            }
        }
    }

    fn send_frames(&mut self) {
        let tick = self.visible.tick().0;
        let mut behind = Vec::new();
        for (id, client) in &mut self.clients {
            let has_turn = self.step < Step::Half || (tick + id.0).is_multiple_of(2);
            let mut is_framed = false;
            if let ProtocolView::Binary(view) = &mut client.eyes
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
            .filter_map(|client| match &client.eyes {
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
