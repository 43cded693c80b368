//! Relay: keeps a copy of one space's visible state and fans it out to the clients of this edge.
//!
//! It is plain state: outputs of the host go in, bytes for clients come out of their [`Sink`]s, commands for the host come
//! back as return values. Who carries them is the business of `task`.
//! May use the rooms below and `protocol`. Never: sockets, a `World`, the clock.

mod chat;
mod grid_view;
mod ladder;
mod nearby;
mod pace;
pub mod task;
#[cfg(test)]
mod tests;
mod view;
mod visible;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::oneshot;

use self::grid_view::GridView;
pub use self::grid_view::{JoinWord, error as grid_error};
pub use self::ladder::{Ladder, Step};
use self::nearby::Nearby;
use self::view::{Scratch, View};
pub use self::visible::Visible;
use crate::components::command::Command;
use crate::components::fact::{Fact, Picture, TickOutput};
use crate::components::id::{PlayerId, UserId};
use crate::components::player::Avatar;
use crate::components::scene::Scene;
use crate::components::unit::Tile;
use crate::net::codec::encode;
use crate::net::protocol::ServerMessage;
use crate::net::protocol::chat::{ChatLineS2c, EmoteS2c};
use crate::net::protocol::element::{ElementChangedS2c, ElementPlacedS2c, ElementRemovedS2c};
use crate::net::protocol::session::{NoticeS2c, WelcomeS2c};
use crate::systems::chat::History;

/// Why a connection ends, as WebSocket close codes. `docs/protocol.md` explains each.
pub mod close {
    /// The client left.
    pub const LEFT: u16 = 1000;
    /// The server shuts down or the space starts again: reconnect.
    pub const AWAY: u16 = 1001;
    /// A message was too long.
    pub const TOO_BIG: u16 = 1009;
    /// Bytes that are no message.
    pub const MALFORMED: u16 = 4400;
    /// Not signed in.
    pub const SIGNED_OUT: u16 = 4401;
    /// Not allowed in this space.
    pub const FORBIDDEN: u16 = 4403;
    /// No such space.
    pub const NO_SPACE: u16 = 4404;
    /// Silent for too long.
    pub const TIMEOUT: u16 = 4408;
    /// The same user joined from another place.
    pub const REPLACED: u16 = 4409;
    /// The space was deleted.
    pub const DELETED: u16 = 4410;
    /// Another protocol.
    pub const OUTDATED: u16 = 4426;
    /// Too many messages, or reading too slowly.
    pub const FLOOD: u16 = 4429;
}

/// Where bytes for one client go. Never blocks: frames are taken only while none is in flight, events are bounded.
pub trait Sink: Send + Sync + 'static {
    /// Whether the last frame was handed to the socket.
    fn is_free(&self) -> bool;
    /// State: may be skipped while the client is busy.
    fn frame(&self, bytes: &[u8]);
    /// Something that must arrive, in order, with the next frame or when asked to flush; past the bound the client is let go.
    fn event(&self, bytes: Bytes);
    /// Sends events that no frame took along.
    fn flush(&self);
    /// Says goodbye after what is waiting.
    fn close(&self, code: u16, reason: &str);
}

/// One connection of this edge to the space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClientId(pub u64);

/// What a client understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `plaza.v1`, seeing this many tiles across and down.
    Binary {
        /// Tiles across.
        width: u16,
        /// Tiles down.
        height: u16,
    },
    /// JSON messages on the tile grid.
    Grid {
        /// How arrivals are called, and what else the client asked for.
        join_word: JoinWord,
        /// Whether it wants what was said before it came.
        history: bool,
        /// Whether it wants to know who is near, and to talk with them.
        nearby: bool,
    },
}

/// A client that wants in. Its rights were checked.
pub struct Arrival {
    /// The connection.
    pub client: ClientId,
    /// Rises with each that was asked for on this edge: checks and opening the space take longer for one than for another.
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
    pub dialect: Dialect,
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
    clients: BTreeMap<ClientId, Client>,
    /// Which connection a player has.
    numbers: BTreeMap<PlayerId, ClientId>,
    nearby: Nearby,
    step: Step,
    skipped: u64,
    scratch: Scratch,
}

struct Client {
    wish: u64,
    user: UserId,
    blocked: Vec<UserId>,
    player: PlayerId,
    sink: Arc<dyn Sink>,
    eyes: Eyes,
}

enum Eyes {
    Binary(View),
    Grid(GridView),
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
            step: Step::default(),
            skipped: 0,
            scratch: Scratch::default(),
        }
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

    /// The copy of what is visible.
    pub fn visible(&self) -> &Visible {
        &self.visible
    }

    /// Whether nobody is connected or about to be.
    pub fn is_empty(&self) -> bool {
        self.clients.is_empty() && self.arriving.is_empty() && self.queue.is_empty()
    }

    /// Somebody wants in. An earlier connection of the same user is replaced; the player stays.
    /// Nothing follows while newcomers must wait, or when a later one is here already.
    pub fn join(&mut self, arrival: Arrival) -> Option<Command> {
        let user = arrival.user;
        let is_later = |other: UserId, wish: u64| other == user && wish > arrival.wish;
        if self.clients.values().any(|client| is_later(client.user, client.wish))
            || (self.arriving.iter().chain(&self.queue)).any(|other| is_later(other.user, other.wish))
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
        if self.step == Step::Queue {
            self.queue.push_back(arrival);
            return None;
        }
        let command = join_command(&arrival);
        self.arriving.push(arrival);
        Some(command)
    }

    /// Lets in those who waited: one a tick while the space is overloaded, everybody when it no longer is.
    fn admit(&mut self) -> Vec<Command> {
        let count = if self.step == Step::Queue { 1 } else { self.queue.len() };
        let admitted = self.queue.drain(..count.min(self.queue.len()));
        let first = self.arriving.len();
        self.arriving.extend(admitted);
        self.arriving[first..].iter().map(join_command).collect()
    }

    /// A connection ended. Nothing follows when it was replaced before.
    pub fn detach(&mut self, client: ClientId, how: Departure) -> Option<Command> {
        if let Some(gone) = self.clients.remove(&client) {
            let player = gone.player;
            if self.numbers.get(&player) == Some(&client) {
                self.numbers.remove(&player);
            }
            return Some(match how {
                Departure::Left => Command::Leave { player },
                Departure::Lost => Command::Vanish { player },
            });
        }
        // Its player may be there at the next tick; `settle` sees that nobody waits for it and lets it go.
        self.arriving.retain(|arrival| arrival.client != client);
        self.queue.retain(|arrival| arrival.client != client);
        None
    }

    /// A client's window shows this many tiles now.
    pub fn resize(&mut self, client: ClientId, width: u16, height: u16) {
        if let Some(Client {
            eyes: Eyes::Binary(view),
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
                Fact::Joined { user, player, .. } => commands.extend(self.settle(*user, *player)),
                // The picture says it, and newer.
                fact if fact.is_in_picture() => {}
                fact => commands.extend(self.tell(fact)),
            }
        }
        self.send_frames();
        commands
    }

    /// Begins anew from a full picture. Clients stay, and those whose player is not in it go on where they were seen
    /// last; the commands for that are returned.
    pub fn rebase(&mut self, picture: &Picture, epoch: u64) -> Vec<Command> {
        let before: BTreeMap<PlayerId, (UserId, Option<Tile>)> = self
            .visible
            .players()
            .filter_map(|player| Some((player, (self.visible.user_of(player)?, self.visible.tile_of(player)))))
            .collect();
        let resumed = self.resumed(picture, epoch);
        self.visible.rebase(picture, epoch);
        self.nearby.rebase(
            picture,
            resumed.iter().filter_map(Command::card).map(|card| card.player),
        );
        self.correct_the_grid(&before);
        self.catch_up_chat(&picture.history);
        for client in self.clients.values_mut() {
            match &mut client.eyes {
                Eyes::Binary(view) => view.rebase(),
                Eyes::Grid(_) => {}
            }
        }
        let visible = &self.visible;
        let is_resumed = |player: PlayerId| {
            let mut cards = resumed.iter().filter_map(Command::card);
            cards.any(|card| card.player == player)
        };
        self.clients.retain(|_, client| {
            let stays = visible.user_of(client.player) == Some(client.user) || is_resumed(client.player);
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
            .map(|client| Command::Stay { player: client.player });
        let present: Vec<_> = present.chain(self.arriving.iter().map(join_command)).collect();
        resumed.into_iter().chain(present).collect()
    }

    /// Those of our clients whom a later life of the space does not know: they came after what was kept of it.
    fn resumed(&self, picture: &Picture, epoch: u64) -> Vec<Command> {
        if epoch == self.visible.epoch() {
            return Vec::new();
        }
        let is_known = |user: UserId| picture.players.iter().any(|(card, ..)| card.user == user);
        let unknown = self.clients.values().filter(|client| !is_known(client.user));
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
                player, again: false, ..
            } = fact
            {
                self.announce(*player);
            }
        }
        // After every announcement: those who come in the same tick find each other in their first picture, once.
        let mut commands = self.admit();
        for fact in &output.facts {
            match fact {
                Fact::Joined { user, player, .. } => commands.extend(self.settle(*user, *player)),
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
            // Whoever was about to come in tries again by itself when the space merely starts again.
            if code != close::AWAY {
                arrival.sink.close(code, reason);
            }
        }
        for client in std::mem::take(&mut self.clients).into_values() {
            if code == close::DELETED
                && let Eyes::Grid(_) = client.eyes
            {
                client.sink.event(grid_view::error("space-deleted", reason));
            }
            client.sink.close(code, reason);
        }
    }

    /// A user's player is there: whoever waits for it is welcomed.
    fn settle(&mut self, user: UserId, player: PlayerId) -> Option<Command> {
        let Some(index) = self.arriving.iter().position(|arrival| arrival.user == user) else {
            // Under another number than the client knows: it must come in anew.
            self.clients.retain(|_, client| {
                let stays = client.user != user || client.player == player;
                if !stays {
                    client.sink.close(close::AWAY, "the space started again");
                }
                stays
            });
            let is_watched = self.clients.values().any(|client| client.player == player);
            return (!is_watched).then_some(Command::Vanish { player });
        };
        let arrival = self.arriving.swap_remove(index);
        // Before the welcome: what the client answers to it is the word of somebody who is in. The connection may be
        // gone by now; its detach then follows and ends the player's stay.
        let _ = arrival.ready.send(player);
        let eyes = match arrival.dialect {
            Dialect::Binary { width, height } => {
                arrival
                    .sink
                    .event(encode(&self.welcome(player, &arrival.blocked)).into());
                Eyes::Binary(View::new(width, height))
            }
            Dialect::Grid {
                join_word,
                history,
                nearby,
            } => {
                arrival.sink.event(grid_view::space_joined(&self.visible, player));
                if history {
                    arrival.sink.event(grid_view::history(&self.history.0));
                }
                Eyes::Grid(GridView::new(join_word, nearby))
            }
        };
        self.clients.insert(
            arrival.client,
            Client {
                wish: arrival.wish,
                user,
                blocked: arrival.blocked,
                player,
                sink: arrival.sink,
                eyes,
            },
        );
        self.numbers.insert(player, arrival.client);
        self.greet_with_nearby(player);
        None
    }

    fn welcome(&self, player: PlayerId, blocked: &[UserId]) -> ServerMessage {
        ServerMessage::Welcome(WelcomeS2c {
            player: player.0,
            epoch: self.visible.epoch(),
            tick: self.visible.tick().0,
            tick_rate: self.scene.tick_rate,
            space_name: self.scene.name.clone(),
            width: self.scene.width,
            height: self.scene.height,
            map_version: self.visible.version(),
            grid_hash: self.visible.grid_hash(),
            own: self.visible.own(player),
            history: self.history.0.iter().map(ChatLineS2c::remembered).collect(),
            blocked: blocked.iter().map(UserId::to_string).collect(),
        })
    }

    /// Tells clients of the tile grid that somebody came. Others see it in the roster of their frame.
    fn announce(&self, player: PlayerId) {
        let mut words = JoinWord::ALL.map(|word| (word, None));
        for client in self.clients.values() {
            let Eyes::Grid(eyes) = &client.eyes else { continue };
            if client.player == player {
                continue;
            }
            let Some((word, bytes)) = words.iter_mut().find(|(word, _)| *word == eyes.join_word()) else {
                continue;
            };
            let bytes = bytes.get_or_insert_with(|| grid_view::user_joined(&self.visible, player, *word));
            client.sink.event(bytes.clone());
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
                    && let Eyes::Binary(_) = client.eyes
                {
                    client
                        .sink
                        .event(encode(&ServerMessage::Chat(ChatLineS2c::own(line))).into());
                }
            }
            Fact::Emoted { player, kind } => {
                self.to_binary(&ServerMessage::Emote(EmoteS2c {
                    player: player.0,
                    kind: *kind,
                }));
            }
            Fact::StepRejected { player, tile } => {
                if let Some(client) = self.client_of(*player)
                    && let Eyes::Grid(_) = client.eyes
                {
                    client.sink.event(grid_view::movement_rejected(*tile));
                }
            }
            Fact::NoPath { player } => {
                if let Some(client) = self.client_of(*player)
                    && let Eyes::Binary(_) = client.eyes
                {
                    let notice = NoticeS2c {
                        code: "no-path".into(),
                        message: "There is no way to get there.".into(),
                    };
                    client.sink.event(encode(&ServerMessage::Notice(notice)).into());
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
            Fact::ElementChanged { element, version } => {
                self.to_binary(&ServerMessage::ElementChanged(ElementChangedS2c {
                    element: element.to_string(),
                    map_version: *version,
                }));
            }
            Fact::Whispered { line, hearers } => self.whisper(line, hearers),
            Fact::Changed(change) => self.change(change),
            Fact::Reacted(reaction) => self.react(reaction),
            Fact::Cleared { by } => {
                self.history.0.clear();
                self.notify("chat-cleared", format!("{by} deleted everything that was said here."));
            }
            Fact::LineRefused { player, client_id, why } => self.refuse_line(*player, *client_id, *why),
            Fact::Typing { player, on } => self.show_typing(*player, *on),
            Fact::SlowMode { seconds } => self.notify("slow-mode", chat::slow_mode(*seconds)),
            fact => return self.tell_nearby(fact),
        }
        None
    }

    /// Tells the people something, and their programs by a word.
    fn notify(&self, code: &str, message: String) {
        let code = code.into();
        self.to_binary(&ServerMessage::Notice(NoticeS2c { code, message }));
    }

    fn to_binary(&self, message: &ServerMessage) {
        let bytes: Bytes = encode(message).into();
        for client in self.clients.values() {
            if let Eyes::Binary(_) = client.eyes {
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
        self.to_grid_except(player, &grid_view::user_left(user));
    }

    fn send_frames(&mut self) {
        let tick = self.visible.tick().0;
        for (id, client) in &mut self.clients {
            let has_turn = self.step < Step::Half || (tick + id.0).is_multiple_of(2);
            let mut is_framed = false;
            if let Eyes::Binary(view) = &mut client.eyes
                && has_turn
            {
                if !client.sink.is_free() {
                    self.skipped += 1;
                } else if view.compose(&mut self.visible, client.player, self.step, &mut self.scratch) {
                    client.sink.frame(&self.scratch.frame);
                    is_framed = true;
                }
            }
            if !is_framed {
                client.sink.flush();
            }
        }
        let oldest = self.clients.values().filter_map(|client| match &client.eyes {
            Eyes::Binary(view) => Some(view.roster_cursor()),
            Eyes::Grid(_) => None,
        });
        self.visible.forget_roster_before(oldest.min());
    }

    fn client_of(&self, player: PlayerId) -> Option<&Client> {
        let client = self.clients.get(self.numbers.get(&player)?)?;
        (client.player == player).then_some(client)
    }
}

fn join_command(arrival: &Arrival) -> Command {
    Command::Join {
        user: arrival.user,
        name: arrival.name.clone(),
        avatar: arrival.avatar.clone(),
        arrive: arrival.arrive.clone(),
        blocked: arrival.blocked.clone(),
    }
}

fn keep_unless_replaced(user: UserId, newcomer: UserId, sink: &Arc<dyn Sink>) -> bool {
    if user == newcomer {
        replace(sink);
    }
    user != newcomer
}

fn replace(sink: &Arc<dyn Sink>) {
    sink.close(close::REPLACED, "you joined this space from another place");
}
