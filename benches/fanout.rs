//! What showing a tick costs: encoding it, fanning it out to everybody, and letting somebody in. No
//! socket is written.

mod crowd;

use std::cell::RefCell;
use std::sync::Arc;

use bytes::Bytes;
use divan::Bencher;
use plaza::components::scene::Scene;
use plaza::net::protocol::client::ProtocolKind;
use plaza::net::relay::{Arrival, ClientId, Relay, Sink, Visible};
use plaza::space::Space;
use tokio::sync::oneshot;

use self::crowd::{SIDE, crowd, join, steps, user};

fn main() {
    divan::main();
}

/// A client that takes everything at once.
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
        wish: u64::from(number),
        user: user(number),
        name: format!("walker {number}"),
        avatar: None,
        arrive: None,
        blocked: Vec::new(),
        dialect: ProtocolKind::Binary {
            width: 30,
            height: 20,
        },
        sink: Arc::new(Quick),
        ready: oneshot::channel().0,
    }
}

fn relay() -> Relay {
    Relay::new(Scene {
        name: "Hall".into(),
        width: SIDE,
        height: SIDE,
        tick_rate: 20,
    })
}

/// A space full of people who all watch it.
fn watched(people: u32) -> (Space, Relay) {
    let (mut space, mut relay) = (crowd(0), relay());
    relay.rebase(&space.picture(), 1);
    let joins: Vec<_> = (1..=people)
        .filter_map(|number| relay.join(arrival(number)))
        .collect();
    relay.tick(&space.step(&joins));
    (space, relay)
}

/// Every cell's difference of one tick, once. One tick a sample: a second look at the same tick is
/// free.
#[divan::bench(sample_size = 1, sample_count = 500)]
fn encode_1000_walking(bencher: Bencher) {
    let mut space = crowd(1_000);
    let visible = RefCell::new(Visible::new(SIDE, SIDE));
    visible.borrow_mut().rebase(&space.picture(), 1);
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

/// A tick of everybody walking, up to the bytes for every socket.
#[divan::bench(args = [100, 500, 1_000])]
fn fan_out_to_everybody(bencher: Bencher, people: u32) {
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

/// Somebody comes into a space of five hundred: the tick that lets them in and everything they are
/// shown with it.
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
