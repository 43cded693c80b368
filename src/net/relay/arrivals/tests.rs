//! Tests: who is welcomed, and which client of a user stays.

use tokio::sync::oneshot;

use super::super::harness::{
    BINARY, HERE, JSON, RecordingSocket, THERE, Truth, arrive, at, joined, joined_at, scene, user,
    words,
};
use super::*;
use crate::components::fact::Fact;
use crate::components::presence::{JoinTerms, PresenceFact};

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
        request: 99,
        user: user(1),
        name,
        avatar: None,
        arrive: None,
        blocked: Vec::new(),
        protocol: BINARY,
        sink: sink_for_relay,
        space_name: None,
        terms: JoinTerms::default(),
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
fn newcomers_queue_while_the_space_is_overloaded() {
    let mut truth = Truth::default();
    let mut relay = Relay::new(HERE, scene());
    relay.rebase(&truth.snapshot(), 1);
    relay.take_step(OverloadLevel::Queue);
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
    relay.take_step(OverloadLevel::Calm);
    assert_eq!(
        joins(&relay.tick(&truth.tick(&[], &[], &[]))),
        1,
        "a client that disconnected does not join"
    );
    assert_eq!(joins(&relay.tick(&truth.tick(&[], &[], &[]))), 0);
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
