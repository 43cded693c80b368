//! Tests: in any order of moves, joins, leaves and busy sockets, a client that received its last
//! frame sees the current state.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use proptest::prelude::*;
use serde_json::Value;
use uuid::Uuid;

use super::*;
use crate::components::chat::ChatFact;
use crate::components::direction::{Facing, Motion};
use crate::components::fact::Stance;
use crate::components::id::ChatId;
use crate::components::player::{Card, Carry, OwnState};
use crate::components::presence::{PresenceCommand, PresenceFact};
use crate::components::status::{Media, Status};
use crate::components::unit::{Position, Tick};
use crate::net::codec::decode;
use crate::net::protocol::chat::ChatS2c;
use crate::net::protocol::frame::{CELL_SIDE, FrameS2c, unpack};
use crate::net::protocol::session::SessionS2c;

const WIDTH: u16 = 150;
const HEIGHT: u16 = 90;
const COLUMNS: u16 = WIDTH.div_ceil(16);

/// A socket that records what it is sent.
#[derive(Default)]
struct RecordingSocket {
    is_busy: AtomicBool,
    /// Whether events are left out.
    misses: AtomicBool,
    frames: Mutex<Vec<Bytes>>,
    events: Mutex<Vec<Bytes>>,
    /// Events that are not flushed yet.
    waiting: Mutex<Vec<Bytes>>,
    closed: Mutex<Option<u16>>,
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

/// A client's state from its frames, as `docs/protocol.md` describes.
#[derive(Default)]
struct ClientMirror {
    names: BTreeMap<u32, String>,
    places: BTreeMap<u32, (u16, Stance)>,
    own: Option<(i32, i32)>,
    last: (u64, u64),
}

impl ClientMirror {
    fn apply(&mut self, frame: &FrameS2c) {
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
struct Truth {
    tick: u64,
    next: u32,
    here: BTreeMap<u32, (Card, Stance)>,
    /// All positions that players ever had.
    been: BTreeSet<(u32, i32, i32)>,
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
    fn near(&self, player: u32, dx: i32, dy: i32) -> Option<(u32, Position)> {
        let from = self.here.get(&player)?.1.position;
        let to = Position {
            x: (from.x + dx).clamp(0, i32::from(WIDTH) * 64 - 1),
            y: (from.y + dy).clamp(0, i32::from(HEIGHT) * 64 - 1),
        };
        Some((player, to))
    }

    /// One tick in which these players join, move or leave.
    fn tick(
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

    fn snapshot(&self) -> Snapshot {
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

fn scene() -> Scene {
    Scene {
        name: "Test".into(),
        width: WIDTH,
        height: HEIGHT,
        tick_rate: 20,
    }
}

fn user(number: u32) -> UserId {
    UserId(Uuid::from_u128(u128::from(number)))
}

fn arrive(relay: &mut Relay, number: u32, protocol: ProtocolKind) -> Arc<RecordingSocket> {
    let sink = Arc::new(RecordingSocket::default());
    let (ready, _) = oneshot::channel();
    relay.join(Arrival {
        client: ClientId(u64::from(number)),
        wish: u64::from(number),
        user: user(number),
        name: format!("p{number}"),
        avatar: None,
        arrive: None,
        blocked: Vec::new(),
        dialect: protocol,
        sink: Arc::clone(&sink) as Arc<dyn Sink>,
        ready,
    });
    sink
}

const BINARY: ProtocolKind = ProtocolKind::Binary {
    width: 30,
    height: 20,
};
const JSON: ProtocolKind = ProtocolKind::Json {
    join_word: JoinWord::UserJoined,
    history: false,
    nearby: false,
};

fn at(x: i32, y: i32) -> Position {
    Position {
        x: x * 64 + 32,
        y: y * 64 + 32,
    }
}

fn words(sink: &RecordingSocket) -> Vec<(String, Value)> {
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

/// Ticks without changes until every cell was due.
fn settle(relay: &mut Relay, truth: &mut Truth) {
    for _ in 0..64 {
        relay.tick(&truth.tick(&[], &[], &[]));
    }
}

#[derive(Debug, Clone)]
enum RelayEvent {
    Come(Position),
    Move(u32, Position),
    /// Distance per tick, and number of ticks.
    Walk(u32, i32, i32, u8),
    Go(u32),
    Busy(usize, bool),
    Quiet(u8),
    Overload(Step),
    Rebase,
}

fn event() -> impl Strategy<Value = RelayEvent> {
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
        1 => prop_oneof![Just(Step::Calm), Just(Step::Crowd), Just(Step::Half)]
            .prop_map(RelayEvent::Overload),
        1 => Just(RelayEvent::Rebase),
    ]
}

proptest! {
    #[test]
    fn every_client_ends_with_the_current_state(events in prop::collection::vec(event(), 1..80)) {
        let mut truth = Truth::default();
        let mut relay = Relay::new(scene());
        let mut epoch = 1;
        relay.rebase(&truth.snapshot(), epoch);
        let sinks: Vec<_> = (1..=4).map(|number| arrive(&mut relay, number, BINARY)).collect();
        let come: Vec<_> = (1..=4)
            .map(|number| (user(number), at(20 * number as i32, 40)))
            .collect();
        relay.tick(&truth.tick(&come, &[], &[]));
        let mut strangers = 100;
        for event in events {
            match event {
                RelayEvent::Come(to) => {
                    strangers += 1;
                    relay.tick(&truth.tick(&[(user(strangers), to)], &[], &[]));
                }
                RelayEvent::Move(player, to) => {
                    drop(relay.tick(&truth.tick(&[], &[(player, to)], &[])));
                }
                RelayEvent::Walk(player, dx, dy, ticks) => {
                    for _ in 0..ticks {
                        let moves: Vec<_> = truth.near(player, dx, dy).into_iter().collect();
                        relay.tick(&truth.tick(&[], &moves, &[]));
                    }
                }
                RelayEvent::Go(player) if player > 4 => {
                    drop(relay.tick(&truth.tick(&[], &[], &[player])));
                }
                RelayEvent::Go(_) => {}
                RelayEvent::Busy(client, busy) => {
                    sinks[client].is_busy.store(busy, Ordering::Relaxed);
                }
                RelayEvent::Quiet(ticks) => {
                    (0..ticks).for_each(|_| drop(relay.tick(&truth.tick(&[], &[], &[]))));
                }
                RelayEvent::Overload(step) => relay.take_step(step),
                RelayEvent::Rebase => {
                    epoch += 1;
                    relay.rebase(&truth.snapshot(), epoch);
                }
            }
        }
        for sink in &sinks {
            sink.is_busy.store(false, Ordering::Relaxed);
        }
        relay.tick(&truth.tick(&[], &[(1, at(75, 45)), (2, at(76, 45))], &[]));
        settle(&mut relay, &mut truth);

        for (number, sink) in (1_u32..).zip(&sinks) {
            let mut seen = ClientMirror::default();
            for bytes in sink.frames.lock().iter() {
                let ServerMessage::Frame(frame) = decode(bytes).expect("a frame") else {
                    panic!("no frame")
                };
                seen.apply(&frame);
                for (player, (_, stance)) in &seen.places {
                    let place = (*player, stance.position.x, stance.position.y);
                    prop_assert!(truth.been.contains(&place), "{:?} was never there", place);
                }
            }
            let own = truth.here[&number].1.position;
            prop_assert_eq!(seen.own, Some((own.x, own.y)));
            let names: Vec<_> = truth.here.keys().collect();
            prop_assert_eq!(seen.names.keys().collect::<Vec<_>>(), names);
            for (player, (_, stance)) in &truth.here {
                let at = stance.position;
                let (dx, dy) = ((at.x - own.x).abs(), (at.y - own.y).abs());
                let is_in_window = dx <= 15 * 64 && dy <= 10 * 64;
                let seen = seen.places.get(player).map(|(_, stance)| *stance);
                prop_assert!(
                    seen == Some(*stance) || (seen.is_none() && !is_in_window),
                    "{player}: {seen:?}, not {stance:?}"
                );
            }
            prop_assert!(seen.places.keys().all(|player| truth.here.contains_key(player)));
        }
    }
}

#[test]
fn a_tick_costs_one_encoding_per_cell_and_pace_for_any_number_of_clients() {
    let mut truth = Truth::default();
    let mut relay = Relay::new(scene());
    relay.rebase(&truth.snapshot(), 1);
    let sinks: Vec<_> = (1..=60)
        .map(|number| arrive(&mut relay, number, BINARY))
        .collect();
    // Twelve players in each of five cells in a row.
    let home = |number: u32| at(40 + 16 * (number as i32 % 5), 40);
    let come: Vec<_> = (1..=60)
        .map(|number| (user(number), home(number)))
        .collect();
    relay.tick(&truth.tick(&come, &[], &[]));
    settle(&mut relay, &mut truth);
    let before = relay.visible().encodings();
    let ticks = 64;
    for step in 0..ticks {
        let moves: Vec<_> = (1..=60)
            .map(|player| {
                let Position { x, y } = home(player);
                (player, Position { x: x + step % 3, y })
            })
            .collect();
        relay.tick(&truth.tick(&[], &moves, &[]));
    }
    let encodings = relay.visible().encodings() - before;
    assert!(encodings <= ticks as u64 * 5 * 3, "{encodings} encodings");
    assert!(
        encodings >= ticks as u64 * 5,
        "the own cell is shown every tick"
    );
    assert!(
        sinks
            .iter()
            .all(|sink| sink.frames.lock().len() >= ticks as usize)
    );
}

#[test]
fn the_nearest_are_shown_every_tick_across_cell_borders() {
    let mut truth = Truth::default();
    let mut relay = Relay::new(scene());
    relay.rebase(&truth.snapshot(), 1);
    let sink = arrive(&mut relay, 1, BINARY);
    // The second player stands in the next cell, two tiles away.
    relay.tick(&truth.tick(&[(user(1), at(47, 40)), (user(2), at(49, 40))], &[], &[]));
    settle(&mut relay, &mut truth);
    let mut seen = ClientMirror::default();
    for step in 0..40 {
        let to = Position {
            x: 49 * 64 + step,
            y: 40 * 64,
        };
        relay.tick(&truth.tick(&[], &[(2, to)], &[]));
        for bytes in std::mem::take(&mut *sink.frames.lock()) {
            let ServerMessage::Frame(frame) = decode(&bytes).expect("a frame") else {
                panic!("no frame")
            };
            seen.apply(&frame);
        }
        assert_eq!(seen.places[&2].1.position, to);
    }
}

#[test]
fn a_new_client_gets_its_surroundings_first_and_the_rest_within_a_few_ticks() {
    let mut truth = Truth::default();
    let mut relay = Relay::new(scene());
    relay.rebase(&truth.snapshot(), 1);
    let come: Vec<_> = (0..45_u32)
        .map(|number| {
            (
                user(number + 2),
                at(8 + 16 * (number as i32 % 9), 8 + 16 * (number as i32 / 9)),
            )
        })
        .collect();
    relay.tick(&truth.tick(&come, &[], &[]));
    let sink = arrive(&mut relay, 1, BINARY);
    relay.tick(&truth.tick(&[(user(1), at(72, 40))], &[], &[]));
    let whole = |bytes: &Bytes| {
        let ServerMessage::Frame(frame) = decode(bytes).expect("a frame") else {
            panic!("no frame")
        };
        frame.cells.iter().filter(|cell| cell.full).count()
    };
    let own_cell_comes_first = whole(&sink.frames.lock()[0]);
    assert!((1..=4).contains(&own_cell_comes_first));
    settle(&mut relay, &mut truth);
    let counts: Vec<_> = sink.frames.lock().iter().map(whole).collect();
    assert!(counts.iter().all(|count| *count <= 4), "{counts:?}");
    assert!(counts.iter().sum::<usize>() >= 9);
}

#[test]
fn newcomers_queue_while_the_space_is_overloaded() {
    let mut truth = Truth::default();
    let mut relay = Relay::new(scene());
    relay.rebase(&truth.snapshot(), 1);
    relay.take_step(Step::Queue);
    let _sinks: Vec<_> = (1..=3)
        .map(|number| arrive(&mut relay, number, BINARY))
        .collect();
    let joins = |commands: &[Command]| {
        commands
            .iter()
            .filter(|command| matches!(command, Command::Presence(PresenceCommand::Join { .. })))
            .count()
    };
    assert_eq!(
        joins(&relay.tick(&truth.tick(&[], &[], &[]))),
        1,
        "one per tick"
    );
    assert!(!relay.is_empty());
    relay.detach(ClientId(2), Departure::Lost);
    relay.take_step(Step::Calm);
    assert_eq!(
        joins(&relay.tick(&truth.tick(&[], &[], &[]))),
        1,
        "a client that disconnected does not join"
    );
    assert_eq!(joins(&relay.tick(&truth.tick(&[], &[], &[]))), 0);
}

#[test]
fn nothing_is_sent_while_nothing_changes() {
    let mut truth = Truth::default();
    let mut relay = Relay::new(scene());
    relay.rebase(&truth.snapshot(), 1);
    let sink = arrive(&mut relay, 1, BINARY);
    relay.tick(&truth.tick(&[(user(1), at(5, 5))], &[], &[]));
    for _ in 0..100 {
        relay.tick(&truth.tick(&[], &[], &[]));
    }
    assert_eq!(sink.frames.lock().len(), 1);
}

#[test]
fn a_json_client_is_told_about_others_and_never_about_itself() {
    let mut truth = Truth::default();
    let mut relay = Relay::new(scene());
    relay.rebase(&truth.snapshot(), 1);
    let first = arrive(&mut relay, 1, JSON);
    relay.tick(&truth.tick(&[(user(1), at(5, 5))], &[], &[]));
    let joined = words(&first);
    assert_eq!(joined.len(), 1);
    assert_eq!(joined[0].0, "space-joined");
    assert_eq!(joined[0].1["spawn"], serde_json::json!({ "x": 5, "y": 5 }));
    assert_eq!(joined[0].1["users"], serde_json::json!([]));

    let second = arrive(&mut relay, 2, JSON);
    relay.tick(&truth.tick(&[(user(2), at(6, 5))], &[], &[]));
    assert_eq!(
        words(&first)
            .iter()
            .map(|(word, _)| word.as_str())
            .collect::<Vec<_>>(),
        ["user-joined"]
    );
    assert_eq!(
        words(&second)[0].1["users"][0]["userId"],
        user(1).to_string()
    );

    relay.tick(&truth.tick(&[], &[(1, at(5, 6))], &[]));
    assert_eq!(words(&first), []);
    let moved = serde_json::json!({ "userId": user(1).to_string(), "x": 5, "y": 6 });
    assert_eq!(words(&second), [("movement".to_owned(), moved)]);

    relay.tick(&truth.tick(
        &[],
        &[(
            1,
            Position {
                x: 5 * 64 + 40,
                y: 6 * 64 + 20,
            },
        )],
        &[],
    ));
    assert_eq!(words(&second), [], "still the same tile");

    relay.tick(&truth.tick(&[], &[], &[1]));
    assert_eq!(
        words(&second),
        [(
            "user-left".to_owned(),
            serde_json::json!({ "userId": user(1).to_string() })
        )]
    );
}

#[test]
fn players_who_join_in_the_same_tick_find_each_other_once() {
    let mut truth = Truth::default();
    let mut relay = Relay::new(scene());
    relay.rebase(&truth.snapshot(), 1);
    let sinks = [arrive(&mut relay, 1, JSON), arrive(&mut relay, 2, JSON)];
    relay.tick(&truth.tick(&[(user(1), at(5, 5)), (user(2), at(6, 5))], &[], &[]));
    for sink in &sinks {
        let words = words(sink);
        assert_eq!(words.len(), 1, "{words:?}");
        assert_eq!(words[0].1["users"].as_array().unwrap().len(), 1);
    }
}

#[test]
fn a_second_connection_of_a_user_replaces_the_first_and_the_player_stays() {
    let mut truth = Truth::default();
    let mut relay = Relay::new(scene());
    relay.rebase(&truth.snapshot(), 1);
    let first = arrive(&mut relay, 1, BINARY);
    relay.tick(&truth.tick(&[(user(1), at(5, 5))], &[], &[]));
    let sink = Arc::new(RecordingSocket::default());
    let (ready, _) = oneshot::channel();
    let sink_for_relay = Arc::clone(&sink) as Arc<dyn Sink>;
    let client = ClientId(99);
    let name = "p1".into();
    relay.join(Arrival {
        client,
        wish: 99,
        user: user(1),
        name,
        avatar: None,
        arrive: None,
        blocked: Vec::new(),
        dialect: BINARY,
        sink: sink_for_relay,
        ready,
    });
    assert_eq!(*first.closed.lock(), Some(close::REPLACED));
    let late = arrive(&mut relay, 1, BINARY);
    assert_eq!(
        *late.closed.lock(),
        Some(close::REPLACED),
        "its request is older"
    );
    assert_eq!(*sink.closed.lock(), None);
    assert_eq!(
        relay.detach(ClientId(1), Departure::Lost),
        None,
        "the player belongs to the second connection"
    );
    let mut output = truth.tick(&[], &[], &[]);
    output.facts.push(Fact::Presence(PresenceFact::Joined {
        user: user(1),
        player: PlayerId(1),
        again: true,
    }));
    relay.tick(&output);
    assert_eq!(sink.frames.lock().len(), 1);
    assert_eq!(
        relay.detach(client, Departure::Left),
        Some(Command::Presence(PresenceCommand::Leave {
            player: PlayerId(1)
        }))
    );
}

fn joined(number: u32, player: u32, again: bool) -> Fact {
    Fact::Presence(PresenceFact::Joined {
        user: user(number),
        player: PlayerId(player),
        again,
    })
}

#[test]
fn a_client_that_disconnects_before_its_welcome_leaves_unless_its_player_was_there_before() {
    for (protocol, how, again, expected) in [
        (
            BINARY,
            Departure::Left,
            false,
            Command::Presence(PresenceCommand::Leave {
                player: PlayerId(1),
            }),
        ),
        (
            BINARY,
            Departure::Lost,
            false,
            Command::Presence(PresenceCommand::Leave {
                player: PlayerId(1),
            }),
        ),
        (
            BINARY,
            Departure::Lost,
            true,
            Command::Presence(PresenceCommand::Disconnect {
                player: PlayerId(1),
            }),
        ),
        (
            BINARY,
            Departure::Left,
            true,
            Command::Presence(PresenceCommand::Leave {
                player: PlayerId(1),
            }),
        ),
        (
            JSON,
            Departure::Left,
            false,
            Command::Presence(PresenceCommand::Leave {
                player: PlayerId(1),
            }),
        ),
    ] {
        let mut relay = Relay::new(scene());
        let mut truth = Truth::default();
        arrive(&mut relay, 1, protocol);
        assert_eq!(relay.detach(ClientId(1), how), None);
        let mut output = truth.tick(&[(user(1), at(3, 3))], &[], &[]);
        output
            .facts
            .retain(|fact| !matches!(fact, Fact::Presence(PresenceFact::Joined { .. })));
        output.facts.push(joined(1, 1, again));
        assert_eq!(relay.tick(&output), [expected]);
    }
}

#[test]
fn a_client_that_missed_events_is_sent_the_current_state_once_it_is_free() {
    let mut relay = Relay::new(scene());
    let mut truth = Truth::default();
    let sinks = [arrive(&mut relay, 1, BINARY), arrive(&mut relay, 2, JSON)];
    relay.tick(&truth.tick(
        &[1, 2, 3, 4].map(|number| (user(number), at(number as i32 + 2, 3))),
        &[],
        &[],
    ));
    for sink in &sinks {
        sink.events.lock().clear();
        sink.is_busy.store(true, Ordering::Relaxed);
        sink.misses.store(true, Ordering::Relaxed);
    }
    let mut output = truth.tick(&[(user(5), at(7, 3))], &[(4, at(9, 3))], &[3]);
    output
        .facts
        .push(Fact::Chat(ChatFact::Said(message(1, "missed"))));
    relay.tick(&output);
    assert!(sinks.iter().all(|sink| sink.events.lock().is_empty()));
    for sink in &sinks {
        sink.is_busy.store(false, Ordering::Relaxed);
    }
    relay.tick(&truth.tick(&[], &[], &[]));
    let told: Vec<ServerMessage> = sinks[0]
        .events
        .lock()
        .iter()
        .map(|bytes| decode(bytes).unwrap())
        .collect();
    assert!(matches!(
        told[0],
        ServerMessage::Session(SessionS2c::Missed(_))
    ));
    let ServerMessage::Chat(ChatS2c::History(history)) = &told[1] else {
        panic!("no history but {:?}", told[1]);
    };
    assert_eq!(history.lines[0].text, "missed");
    assert!(
        told.iter()
            .any(|message| matches!(message, ServerMessage::Peers(peers) if peers.full))
    );
    let told = words(&sinks[1]);
    let about = |kind: &str| -> Vec<_> {
        let of_kind = told.iter().filter(|(other, _)| other == kind);
        of_kind
            .map(|(_, payload)| payload["userId"].clone())
            .collect()
    };
    assert_eq!(about("user-left"), [user(3).to_string()]);
    assert_eq!(about("user-joined"), [user(5).to_string()]);
    assert_eq!(
        about("movement"),
        [user(1).to_string(), user(4).to_string()]
    );
    assert_eq!(about("new-message"), [user(1).to_string()]);
}

fn message(number: u32, text: &str) -> crate::components::chat::ChatMessage {
    let speech = crate::components::chat::Speech {
        id: ChatId(Uuid::from_u128(u128::from(number))),
        client_id: None,
        text: text.into(),
        at: u64::from(number),
        scope: crate::components::chat::Scope::Space,
        reply_to: None,
        may_moderate: false,
    };
    crate::components::chat::ChatMessage::new(PlayerId(1), user(1), "p1".into(), speech)
}
