//! Harness of the relay's tests: a space that a test controls, sockets that record what they are
//! sent, and a client's state from its frames.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use parking_lot::Mutex;
use proptest::prelude::*;
use serde_json::Value;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::{Arrival, ClientId, OverloadLevel, Relay, Sink};
use crate::components::chat::{ChatMessage, Scope, Speech};
use crate::components::direction::{Facing, Motion};
use crate::components::fact::{Fact, Snapshot, Stance, TickOutput};
use crate::components::id::{ChatId, PlayerId, RelayId, UserId};
use crate::components::player::{Card, Carry, OwnState};
use crate::components::presence::{JoinTerms, PresenceFact};
use crate::components::scene::Scene;
use crate::components::status::{Media, Status};
use crate::components::unit::{Position, Tick};
use crate::net::protocol::client::{JoinWord, ProtocolKind};
use crate::net::protocol::frame::{CELL_SIDE, FrameS2c, unpack};

pub(super) const WIDTH: u16 = 150;
pub(super) const HEIGHT: u16 = 90;
pub(super) const COLUMNS: u16 = WIDTH.div_ceil(16);

/// A socket that records what it is sent.
#[derive(Default)]
pub(super) struct RecordingSocket {
    pub(super) is_busy: AtomicBool,
    /// Whether events are left out.
    pub(super) misses: AtomicBool,
    pub(super) frames: Mutex<Vec<Bytes>>,
    pub(super) events: Mutex<Vec<Bytes>>,
    /// Events that are not flushed yet.
    pub(super) waiting: Mutex<Vec<Bytes>>,
    pub(super) closed: Mutex<Option<u16>>,
}

impl Sink for RecordingSocket {
    fn is_free(&self) -> bool {
        !self.is_busy.load(Ordering::Relaxed)
    }

    fn frame(&self, bytes: &[u8]) {
        self.flush();
        self.frames.lock().push(Bytes::copy_from_slice(bytes));
    }

    fn event(&self, bytes: Bytes) {
        if !self.has_missed() {
            self.waiting.lock().push(bytes);
        }
    }

    fn has_missed(&self) -> bool {
        self.misses.load(Ordering::Relaxed)
    }

    fn take_missed(&self) -> bool {
        self.is_free() && self.misses.swap(false, Ordering::Relaxed)
    }

    fn flush(&self) {
        self.events.lock().append(&mut self.waiting.lock());
    }

    fn close(&self, code: u16, _: &str) {
        self.flush();
        self.closed.lock().get_or_insert(code);
    }
}

/// A client's state from its frames, as `docs/replication.md` describes.
#[derive(Default)]
pub(super) struct ClientMirror {
    pub(super) names: BTreeMap<u32, String>,
    pub(super) places: BTreeMap<u32, (u16, Stance)>,
    pub(super) own: Option<(i32, i32)>,
    pub(super) last: (u64, u64),
}

impl ClientMirror {
    pub(super) fn apply(&mut self, frame: &FrameS2c) {
        let now = (frame.header.epoch, frame.header.tick);
        assert!(
            now > self.last,
            "time runs backwards from {:?} to {now:?}",
            self.last
        );
        self.last = now;
        let own = frame.header.own.map(|own| (own.state.x, own.state.y));
        self.own = own.or(self.own);
        let roster = frame.roster.clone().unwrap_or_default();
        if roster.full {
            self.names.clear();
            let came: BTreeSet<_> = roster.came.iter().map(|card| card.player).collect();
            self.places.retain(|player, _| came.contains(player));
        }
        for card in &roster.came {
            self.names.insert(card.player, card.name.clone());
        }
        for cell in &frame.cells {
            let corner = Position {
                x: i32::from(cell.index % COLUMNS) * CELL_SIDE,
                y: i32::from(cell.index / COLUMNS) * CELL_SIDE,
            };
            if cell.full {
                self.places.retain(|_, (index, _)| *index != cell.index);
            }
            for player in &cell.left {
                if self
                    .places
                    .get(player)
                    .is_some_and(|(index, _)| *index == cell.index)
                {
                    self.places.remove(player);
                }
            }
            let mut player = 0;
            for entry in &cell.entries {
                player += entry.gap;
                self.places.insert(
                    player,
                    (cell.index, unpack(entry.bits, corner).expect("a stance")),
                );
            }
            let mut player = 0;
            for step in &cell.steps {
                player += step.gap;
                let (held, stance) = self
                    .places
                    .get_mut(&player)
                    .expect("a player with a step is in view");
                assert_eq!(*held, cell.index, "a step stays in the cell");
                *stance = step.stance(stance.position).expect("a stance");
            }
        }
        for index in &frame.dropped {
            self.places.retain(|_, (held, _)| held != index);
        }
        for player in &roster.gone {
            self.names.remove(player);
            self.places.remove(player);
        }
    }
}

/// A space as the host would show it, controlled by the test.
#[derive(Default)]
pub(super) struct Truth {
    pub(super) tick: u64,
    pub(super) next: u32,
    pub(super) here: BTreeMap<u32, (Card, Stance)>,
    /// All positions that players ever had.
    pub(super) been: BTreeSet<(u32, i32, i32)>,
}

impl Truth {
    fn own(&self, player: u32) -> OwnState {
        let stance = self.here[&player].1;
        OwnState {
            player: PlayerId(player),
            ack: self.tick as u32,
            position: stance.position,
            carry: Carry::default(),
            facing: stance.facing,
            walking: false,
        }
    }

    /// The position that far from the player's, if it is inside the map.
    pub(super) fn near(&self, player: u32, dx: i32, dy: i32) -> Option<(u32, Position)> {
        let from = self.here.get(&player)?.1.position;
        let to = Position {
            x: (from.x + dx).clamp(0, i32::from(WIDTH) * 64 - 1),
            y: (from.y + dy).clamp(0, i32::from(HEIGHT) * 64 - 1),
        };
        Some((player, to))
    }

    /// One tick in which these players join, move or leave.
    pub(super) fn tick(
        &mut self,
        come: &[(UserId, Position)],
        moves: &[(u32, Position)],
        go: &[u32],
    ) -> TickOutput {
        self.tick += 1;
        let mut output = TickOutput {
            tick: Tick(self.tick),
            ..TickOutput::default()
        };
        let mut touched = BTreeSet::new();
        for (user, position) in come {
            self.next += 1;
            let player = PlayerId(self.next);
            let card = Card {
                player,
                user: *user,
                name: format!("p{}", self.next),
                avatar: None,
                status: Status::default(),
                media: Media::default(),
            };
            let stance = Stance {
                position: *position,
                facing: Facing::Down,
                motion: Motion::Standing,
            };
            self.here.insert(self.next, (card.clone(), stance));
            output.cards.push(card);
            output.facts.push(Fact::Presence(PresenceFact::Joined {
                user: *user,
                player,
                again: false,
                relay: HERE,
            }));
            touched.insert(self.next);
        }
        for (player, position) in moves {
            if let Some((_, stance)) = self.here.get_mut(player) {
                *stance = Stance {
                    position: *position,
                    facing: Facing::Left,
                    motion: Motion::Walking,
                };
                touched.insert(*player);
            }
        }
        for player in go {
            if let Some((card, _)) = self.here.remove(player) {
                output.gone.push((card.player, card.user));
                touched.remove(player);
            }
        }
        for player in touched {
            let stance = self.here[&player].1;
            self.been
                .insert((player, stance.position.x, stance.position.y));
            output.stances.push((PlayerId(player), stance));
            output.own.push(self.own(player));
        }
        output
            .cards
            .retain(|card| self.here.contains_key(&card.player.0));
        output.facts.retain(|fact| match fact {
            Fact::Presence(PresenceFact::Joined { player, .. }) => {
                self.here.contains_key(&player.0)
            }
            _ => true,
        });
        output
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        let players = self.here.keys().map(|player| {
            let (card, stance) = self.here[player].clone();
            (card, stance, self.own(*player))
        });
        Snapshot {
            tick: Tick(self.tick),
            players: players.collect(),
            ..Snapshot::default()
        }
    }
}

pub(super) fn scene() -> Scene {
    Scene {
        name: "Test".into(),
        width: WIDTH,
        height: HEIGHT,
        tick_rate: 20,
    }
}

pub(super) fn user(number: u32) -> UserId {
    UserId(Uuid::from_u128(u128::from(number)))
}

pub(super) fn arrive(
    relay: &mut Relay,
    number: u32,
    protocol: ProtocolKind,
) -> Arc<RecordingSocket> {
    let sink = Arc::new(RecordingSocket::default());
    let (ready, _) = oneshot::channel();
    relay.join(Arrival {
        client: ClientId(u64::from(number)),
        request: u64::from(number),
        user: user(number),
        name: format!("p{number}"),
        avatar: None,
        arrive: None,
        blocked: Vec::new(),
        protocol,
        sink: Arc::clone(&sink) as Arc<dyn Sink>,
        space_name: None,
        terms: JoinTerms::default(),
        ready,
    });
    sink
}

/// The relay under test.
pub(super) const HERE: RelayId = RelayId(1);

/// The relay of the space in another process.
pub(super) const THERE: RelayId = RelayId(2);

pub(super) const BINARY: ProtocolKind = ProtocolKind::Binary {
    width: 30,
    height: 20,
};
pub(super) const JSON: ProtocolKind = ProtocolKind::Json {
    join_word: JoinWord::UserJoined,
    history: false,
    nearby: false,
};

pub(super) fn at(x: i32, y: i32) -> Position {
    Position {
        x: x * 64 + 32,
        y: y * 64 + 32,
    }
}

pub(super) fn words(sink: &RecordingSocket) -> Vec<(String, Value)> {
    let events = std::mem::take(&mut *sink.events.lock());
    let values = events
        .iter()
        .map(|bytes| serde_json::from_slice::<Value>(bytes).unwrap());
    values
        .map(|value| {
            (
                value["type"].as_str().unwrap().to_owned(),
                value["payload"].clone(),
            )
        })
        .collect()
}

/// What happens in a space, one after the other.
#[derive(Debug, Clone)]
pub(super) enum RelayEvent {
    Come(Position),
    Move(u32, Position),
    /// Distance per tick, and number of ticks.
    Walk(u32, i32, i32, u8),
    Go(u32),
    Busy(usize, bool),
    Quiet(u8),
    Overload(OverloadLevel),
    Rebase,
}

pub(super) fn event() -> impl Strategy<Value = RelayEvent> {
    use OverloadLevel::{Calm, Crowd, Half};
    let place = || {
        (0..i32::from(WIDTH) * 64, 0..i32::from(HEIGHT) * 64).prop_map(|(x, y)| Position { x, y })
    };
    prop_oneof![
        2 => place().prop_map(RelayEvent::Come),
        8 => (1_u32..12, place()).prop_map(|(player, to)| RelayEvent::Move(player, to)),
        12 => (1_u32..12, -33..=33, -33..=33, 1_u8..12)
            .prop_map(|(player, dx, dy, ticks)| RelayEvent::Walk(player, dx, dy, ticks)),
        1 => (1_u32..12).prop_map(RelayEvent::Go),
        3 => (0_usize..4, any::<bool>()).prop_map(|(client, busy)| RelayEvent::Busy(client, busy)),
        1 => (1_u8..80).prop_map(RelayEvent::Quiet),
        1 => prop_oneof![Just(Calm), Just(Crowd), Just(Half)]
            .prop_map(RelayEvent::Overload),
        1 => Just(RelayEvent::Rebase),
    ]
}

/// Ticks without changes until every cell was due.
pub(super) fn settle(relay: &mut Relay, truth: &mut Truth) {
    for _ in 0..64 {
        relay.tick(&truth.tick(&[], &[], &[]));
    }
}

pub(super) fn joined(number: u32, player: u32, again: bool) -> Fact {
    joined_at(HERE, number, player, again)
}

pub(super) fn joined_at(relay: RelayId, number: u32, player: u32, again: bool) -> Fact {
    Fact::Presence(PresenceFact::Joined {
        user: user(number),
        player: PlayerId(player),
        again,
        relay,
    })
}

pub(super) fn message(number: u32, text: &str) -> ChatMessage {
    let speech = Speech {
        id: ChatId(Uuid::from_u128(u128::from(number))),
        client_id: None,
        text: text.into(),
        at: u64::from(number),
        scope: Scope::Space,
        reply_to: None,
        may_announce: false,
    };
    ChatMessage::new(PlayerId(1), user(1), "p1".into(), speech)
}
