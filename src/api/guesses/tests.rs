//! Tests: how long guesses wait, by account, network and time.

use std::net::IpAddr;

use super::*;

const LONGEST: Duration = Duration::from_mins(5);

#[expect(clippy::unnecessary_wraps, reason = "an asker may have none")]
fn network(number: usize) -> Option<AddressKey> {
    Some(AddressKey::of(IpAddr::from([
        10,
        0,
        (number / 250) as u8,
        (number % 250) as u8,
    ])))
}

/// Tries, with a wrong password, when allowed; returns whether it was allowed.
fn guess(guesses: &Guesses, from: Option<AddressKey>, name: &str, now: Instant) -> AttemptVerdict {
    let asker = guesses.asker(from, name, now);
    let verdict = guesses.judge(asker, now);
    if verdict == AttemptVerdict::Go {
        guesses.wrong(asker, now);
    }
    verdict
}

#[test]
fn each_failure_at_an_account_makes_the_next_try_from_there_wait_twice_as_long() {
    let guesses = Guesses::new(0, LONGEST);
    let mut now = Instant::now();
    for _ in 0..FREE as usize {
        assert_eq!(guess(&guesses, network(1), "ada", now), AttemptVerdict::Go);
    }
    let mut waits = Vec::new();
    while waits.len() < 12 {
        let AttemptVerdict::Refuse(wait) = guess(&guesses, network(1), "ADA", now) else {
            panic!()
        };
        waits.push(wait.as_secs());
        now += wait;
        assert_eq!(guess(&guesses, network(1), "ada", now), AttemptVerdict::Go);
    }
    assert_eq!(
        waits[..4],
        [1, 1, 3, 7],
        "failures are slowly forgotten in between"
    );
    assert!(
        waits.is_sorted() && waits.iter().all(|wait| *wait <= 300),
        "{waits:?}"
    );
    assert_eq!(
        guess(&guesses, network(2), "ada", now),
        AttemptVerdict::Go,
        "another network"
    );
    assert_eq!(
        guess(&guesses, network(1), "bob", now),
        AttemptVerdict::Go,
        "another account"
    );
}

#[test]
fn four_hundred_networks_that_guess_at_one_account_wait_and_its_owner_does_not() {
    let guesses = Guesses::new(30, LONGEST);
    let now = Instant::now();
    let home = guesses.asker(network(999), "ada", now);
    guesses.right(home, now);
    let tried = (0..400)
        .filter(|number| guess(&guesses, network(*number), "ada", now) == AttemptVerdict::Go);
    assert_eq!(tried.count(), FREE_OF_ACCOUNT as usize + 1);
    let home = guesses.asker(network(999), "ada", now);
    assert!(home.is_known);
    assert_eq!(
        guesses.judge(home, now),
        AttemptVerdict::Go,
        "the owner's network does not wait"
    );
    let away = guesses.asker(network(998), "ada", now);
    assert!(matches!(
        guesses.judge(away, now),
        AttemptVerdict::Hold(wait) if wait <= LONGEST_FIRST_WAIT
    ));
    // A stranger who waited and failed waits longer for each further try.
    let mut times = (now, Duration::ZERO);
    for _ in 0..6 {
        guesses.wrong(away, times.0);
        let AttemptVerdict::Refuse(wait) = guesses.judge(away, times.0) else {
            panic!()
        };
        assert!(wait >= times.1, "{wait:?} after {:?}", times.1);
        times = (times.0 + wait, wait);
    }
    assert!(times.1 >= Duration::from_secs(10), "{times:?}");
}

#[test]
fn guesses_from_the_owners_own_network_keep_the_owner_out_for_seconds_only() {
    let guesses = Guesses::new(0, LONGEST);
    let now = Instant::now();
    let home = guesses.asker(network(1), "ada", now);
    guesses.right(home, now);
    let home = guesses.asker(network(1), "ada", now);
    for _ in 0..40 {
        guesses.wrong(home, now);
    }
    assert_eq!(
        guesses.judge(home, now),
        AttemptVerdict::Refuse(LONGEST_OF_KNOWN)
    );
}

#[test]
fn few_strangers_wait_for_a_try_at_one_account_at_once() {
    let guesses = Guesses::new(0, LONGEST);
    let now = Instant::now();
    for number in 0..50 {
        guess(&guesses, network(number), "ada", now);
    }
    let asker = guesses.asker(network(60), "ada", now);
    let mut held: Vec<_> = (0..MOST_HELD)
        .map(|_| guesses.hold(asker).unwrap())
        .collect();
    assert!(guesses.hold(asker).is_none());
    held.pop();
    assert!(guesses.hold(asker).is_some());
}

#[test]
fn failures_of_a_network_are_limited_and_hold_up_no_account_known_there() {
    let guesses = Guesses::new(3, Duration::ZERO);
    let now = Instant::now();
    guesses.welcome(network(1), "ada", now);
    for number in 0..6 {
        assert_eq!(
            guess(&guesses, network(1), &format!("user {number}"), now),
            AttemptVerdict::Go
        );
    }
    let AttemptVerdict::Refuse(wait) = guess(&guesses, network(1), "user 7", now) else {
        panic!()
    };
    assert!(wait <= Duration::from_secs(20));
    assert_eq!(
        guess(&guesses, network(1), "user 7", now + wait),
        AttemptVerdict::Go
    );
    assert_eq!(
        guess(&guesses, network(2), "user 7", now),
        AttemptVerdict::Go
    );
    let ada = guesses.asker(network(1), "ada", now);
    assert_eq!(guesses.judge(ada, now), AttemptVerdict::Go);
}

#[test]
fn sign_ins_of_a_network_are_limited_for_each_account_and_in_all() {
    let guesses = Guesses::new(3, LONGEST);
    let now = Instant::now();
    let sign_in = |network, name: &str, now| {
        let asker = guesses.asker(network, name, now);
        let verdict = guesses.judge(asker, now);
        if verdict == AttemptVerdict::Go {
            guesses.right(asker, now);
        }
        verdict
    };
    let times = |network, name: &str| {
        (0..100)
            .take_while(|_| sign_in(network, name, now) == AttemptVerdict::Go)
            .count()
    };
    assert_eq!(times(network(1), "ada"), 6);
    let AttemptVerdict::Refuse(wait) = sign_in(network(1), "ada", now) else {
        panic!()
    };
    assert_eq!(sign_in(network(1), "ada", now + wait), AttemptVerdict::Go);
    assert_eq!(times(network(2), "ada"), 6, "another network");
    let all: usize = (0..20)
        .map(|number| times(network(3), &format!("user {number}")))
        .sum();
    assert_eq!(all, 60);
    let this_machine = Some(AddressKey::of(IpAddr::from([127, 0, 0, 1])));
    assert_eq!(times(this_machine, "ada"), 100);
}

#[test]
fn signing_in_clears_the_failures_of_ones_own_network() {
    let guesses = Guesses::new(0, LONGEST);
    let now = Instant::now();
    for _ in 0..FREE as usize - 1 {
        guess(&guesses, network(1), "ada", now);
    }
    guesses.right(guesses.asker(network(1), "ada", now), now);
    for _ in 0..FREE as usize {
        assert_eq!(guess(&guesses, network(1), "ada", now), AttemptVerdict::Go);
    }
    assert!(matches!(
        guess(&guesses, network(1), "ada", now),
        AttemptVerdict::Refuse(_)
    ));
}

#[test]
fn the_table_does_not_grow_without_end() {
    let guesses = Guesses::new(0, LONGEST);
    let now = Instant::now();
    for _ in 0..10 {
        guess(&guesses, network(1), "ada", now);
    }
    let names = RandomState::new();
    for number in 0..MOST_ENTRIES {
        let account = names.hash_one(number);
        let asker = Asker {
            network: network(number % 5000),
            account,
            is_known: false,
        };
        guesses.wrong(asker, now);
    }
    assert!(guesses.table.lock().len() <= MOST_ENTRIES + 3);
    assert!(
        matches!(
            guess(&guesses, network(1), "ada", now),
            AttemptVerdict::Refuse(_)
        ),
        "the important half stays"
    );
}
