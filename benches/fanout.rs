//! Cost of showing a tick to clients: encoding it, fanning it out, and admitting a new client. No
//! sockets are written.

mod crowd;

use std::cell::RefCell;
use std::sync::Arc;

use bytes::Bytes;
use divan::Bencher;
use plaza::components::id::RelayId;
use plaza::components::presence::JoinTerms;
use plaza::components::scene::Scene;
use plaza::net::protocol::client::ProtocolKind;
use plaza::net::relay::{Arrival, ClientId, Relay, Sink, Visible};
use plaza::space::Space;
use tokio::sync::oneshot;

use self::crowd::{SIDE, crowd, join, steps, user};

fn main() {
    divan::main();
}

/// A client whose send queue is never full.
struct Quick;

impl Sink for Quick {
    fn is_free(&self) -> bool {
        true
    }

    fn frame(&self, bytes: &[u8]) {
        divan::black_box(bytes);
    }

    fn event(&self, bytes: Bytes) {
        divan::black_box(bytes);
    }

    fn has_missed(&self) -> bool {
        false
    }

    fn take_missed(&self) -> bool {
        false
    }

    fn flush(&self) {}

    fn close(&self, _: u16, _: &str) {}
}

fn arrival(number: u32) -> Arrival {
    Arrival {
        client: ClientId(u64::from(number)),
        request: u64::from(number),
        user: user(number),
        name: format!("walker {number}"),
        avatar: None,
        arrive: None,
        blocked: Vec::new(),
        protocol: ProtocolKind::Binary {
            width: 30,
            height: 20,
        },
        sink: Arc::new(Quick),
        space_name: None,
        terms: JoinTerms::default(),
        ready: oneshot::channel().0,
    }
}

fn relay() -> Relay {
    let scene = Scene {
        name: "Hall".into(),
        width: SIDE,
        height: SIDE,
        tick_rate: 20,
    };
    Relay::new(RelayId::default(), scene)
}

/// A space with this many players, each with a client that follows it.
fn watched(people: u32) -> (Space, Relay) {
    let (mut space, mut relay) = (crowd(0), relay());
    relay.rebase(&space.snapshot(), 1);
    let joins: Vec<_> = (1..=people)
        .filter_map(|number| relay.join(arrival(number)))
        .collect();
    relay.tick(&space.step(&joins));
    (space, relay)
}

/// The delta of every cell for one tick. One tick per sample, because a second encoding of the same
/// tick is cached.
#[divan::bench(sample_size = 1, sample_count = 500)]
fn encode_1000_walking(bencher: Bencher) {
    let mut space = crowd(1_000);
    let visible = RefCell::new(Visible::new(SIDE, SIDE));
    visible.borrow_mut().rebase(&space.snapshot(), 1);
    let mut seq = 0;
    bencher
        .with_inputs(|| {
            seq += 1;
            visible.borrow_mut().apply(&space.step(&steps(1_000, seq)));
        })
        .bench_local_values(|()| {
            let mut visible = visible.borrow_mut();
            let before = visible.tick().0 - 1;
            let cells = visible.columns() * visible.rows();
            (0..cells)
                .filter_map(|index| visible.cell(index, before))
                .map(|bytes| bytes.len())
                .sum::<usize>()
        });
}

/// A tick in which all players walk, up to the bytes for every socket.
#[divan::bench(args = [100, 500, 1_000])]
fn fan_out_to_all(bencher: Bencher, people: u32) {
    let (mut space, relay) = watched(people);
    let relay = RefCell::new(relay);
    let mut seq = 0;
    bencher
        .with_inputs(|| {
            seq += 1;
            space.step(&steps(people, seq))
        })
        .bench_local_values(|output| relay.borrow_mut().tick(&output));
}

/// A player joins a space of five hundred: the tick of the join, and everything that the new client
/// is sent.
#[divan::bench]
fn join_a_space_of_500(bencher: Bencher) {
    let (mut space, mut relay) = watched(500);
    let mut number = 500;
    bencher.bench_local(|| {
        number += 1;
        relay.join(arrival(number));
        relay.tick(&space.step(&[join(number)]));
    });
}
