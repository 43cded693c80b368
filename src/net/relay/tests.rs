//! Tests: in any order of moves, joins, leaves and busy sockets, a client that received its last
//! frame sees the current state.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use proptest::prelude::*;

use super::harness::{
    BINARY, ClientMirror, HERE, JSON, RelayEvent, Truth, arrive, at, event, message, scene, settle,
    user, words,
};
use super::*;
use crate::components::chat::ChatFact;
use crate::components::fact::Snapshot;
use crate::components::unit::Position;
use crate::components::zone::PrivateZoneState;
use crate::net::codec::decode;
use crate::net::protocol::chat::ChatS2c;
use crate::net::protocol::session::SessionS2c;
use crate::net::protocol::zone::ZoneS2c;

proptest! {
    #[test]
    fn every_client_ends_with_the_current_state(events in prop::collection::vec(event(), 1..80)) {
        let mut truth = Truth::default();
        let mut relay = Relay::new(HERE, scene());
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
    let mut relay = Relay::new(HERE, scene());
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
    let mut relay = Relay::new(HERE, scene());
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
    let mut relay = Relay::new(HERE, scene());
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
fn nothing_is_sent_while_nothing_changes() {
    let mut truth = Truth::default();
    let mut relay = Relay::new(HERE, scene());
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
    let mut relay = Relay::new(HERE, scene());
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
fn a_client_that_missed_events_is_sent_the_current_state_once_it_is_free() {
    let mut relay = Relay::new(HERE, scene());
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
    assert_eq!(history.messages[0].text, "missed");
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

#[test]
fn a_zone_that_is_empty_after_a_takeover_is_shown_as_empty() {
    let mut relay = Relay::new(HERE, scene());
    let mut truth = Truth::default();
    let state = |people| PrivateZoneState {
        zone: 3,
        locked: people > 0,
        people,
        cap: 4,
        locked_by: None,
    };
    let occupied = Snapshot {
        private_zones: vec![state(2)],
        ..truth.snapshot()
    };
    relay.rebase(&occupied, 1);
    let sink = arrive(&mut relay, 1, BINARY);
    relay.tick(&truth.tick(&[(user(1), at(3, 3))], &[], &[]));
    let shown = || {
        let events = std::mem::take(&mut *sink.events.lock());
        let zones = events.iter().filter_map(|bytes| match decode(bytes) {
            Ok(ServerMessage::Zone(ZoneS2c::State(state))) => Some((state.zone, state.people)),
            _ => None,
        });
        zones.collect::<Vec<_>>()
    };
    assert_eq!(shown(), [(3, 2)]);
    for _ in 0..2 {
        relay.rebase(&truth.snapshot(), 2);
        relay.tick(&truth.tick(&[], &[], &[]));
    }
    assert_eq!(shown(), [(3, 0)], "once");
}
