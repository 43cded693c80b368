//! Tests: in any order of moves, joins, leaves and busy sockets, a client that received its last
//! frame sees the current state.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use proptest::prelude::*;
use tokio::sync::oneshot;

use super::harness::{
    BINARY, ClientMirror, HERE, JSON, RecordingSocket, RelayEvent, THERE, Truth, arrive, at, event,
    joined, joined_at, message, scene, settle, user, words,
};
use super::*;
use crate::components::chat::ChatFact;
use crate::components::presence::PresenceCommand;
use crate::components::unit::Position;
use crate::net::codec::decode;
use crate::net::protocol::chat::ChatS2c;
use crate::net::protocol::session::SessionS2c;

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
fn newcomers_queue_while_the_space_is_overloaded() {
    let mut truth = Truth::default();
    let mut relay = Relay::new(HERE, scene());
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
fn players_who_join_in_the_same_tick_find_each_other_once() {
    let mut truth = Truth::default();
    let mut relay = Relay::new(HERE, scene());
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
    let mut relay = Relay::new(HERE, scene());
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
    output.facts.push(joined(1, 1, true));
    relay.tick(&output);
    assert_eq!(sink.frames.lock().len(), 1);
    assert_eq!(
        relay.detach(client, Departure::Left),
        Some(Command::Presence(PresenceCommand::Leave {
            player: PlayerId(1)
        }))
    );
}

#[test]
fn players_who_join_through_another_process_are_not_disconnected() {
    let mut relay = Relay::new(HERE, scene());
    let mut truth = Truth::default();
    let mut output = truth.tick(&[(user(1), at(3, 3))], &[], &[]);
    output.facts = vec![joined_at(THERE, 1, 1, false)];
    assert_eq!(relay.tick(&output), []);
}

#[test]
fn a_client_that_joins_through_another_process_replaces_the_one_here() {
    let mut relay = Relay::new(HERE, scene());
    let mut truth = Truth::default();
    let here = arrive(&mut relay, 1, BINARY);
    relay.tick(&truth.tick(&[(user(1), at(3, 3))], &[], &[]));
    let mut output = truth.tick(&[], &[], &[]);
    output.facts.push(joined_at(THERE, 1, 1, true));
    assert_eq!(relay.tick(&output), []);
    assert_eq!(*here.closed.lock(), Some(close::REPLACED));
    // The end of its connection does not end the other one's stay.
    assert_eq!(relay.detach(ClientId(1), Departure::Lost), None);
}

#[test]
fn of_two_clients_that_join_through_two_processes_the_one_the_space_takes_last_stays() {
    let mut relay = Relay::new(HERE, scene());
    let mut truth = Truth::default();
    let here = arrive(&mut relay, 1, BINARY);
    let mut output = truth.tick(&[(user(1), at(3, 3))], &[], &[]);
    output.facts = vec![joined_at(THERE, 1, 1, false), joined(1, 1, true)];
    assert_eq!(relay.tick(&output), []);
    assert_eq!(*here.closed.lock(), None);
    assert_eq!(here.frames.lock().len(), 1, "it was welcomed");
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
        let mut relay = Relay::new(HERE, scene());
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
