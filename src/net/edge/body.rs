//! Body: the time that a request's body may take, and the memory that bodies in progress hold, in
//! all and for each address.

use std::collections::HashMap;
use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Bytes;
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use parking_lot::Mutex;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::net::address::AddressKey;

/// Minimum rate of a body after its initial time, in bytes per second. A slow phone is faster.
const SLOWEST_BODY: u64 = 8 * 1024;

/// Number of bytes in progress above which the bodies of an address that holds more than
/// [`SHARE`] get only [`SQUEEZED`] time.
const PLENTY: u64 = 64 * 1024 * 1024;

/// Number of bytes of one address above which no body of it is read further, except of this
/// machine. More than [`PLENTY`], so that an address at its end has to hurry.
const TOO_MANY_OF_ADDRESS: u64 = PLENTY + PLENTY / 2;

/// Bytes that an address may hold while others are not waited for longer than it.
const SHARE: u64 = PLENTY / 8;

/// Number of bytes in progress above which every body gets only [`SQUEEZED`] time.
const SHORT: u64 = 3 * PLENTY;

/// Number of bytes in progress above which no body is read further.
const TOO_MANY: u64 = 4 * PLENTY;

/// Time for a body that is squeezed, and the interval at which that is checked.
const SQUEEZED: Duration = Duration::from_secs(2);

/// Memory of the bodies in progress.
#[derive(Debug, Default)]
pub struct Bodies(Mutex<BodyBytes>);

#[derive(Debug, Default)]
struct BodyBytes {
    all: u64,
    by_address: HashMap<AddressKey, u64>,
}

impl Bodies {
    /// Counts bytes that arrived; false when there is no room for them. They count either way.
    fn add(&self, address: AddressKey, bytes: u64) -> bool {
        let mut held = self.0.lock();
        let has_room = held.all <= TOO_MANY;
        held.all += bytes;
        let own = held.by_address.entry(address).or_default();
        let has_own_room = *own <= TOO_MANY_OF_ADDRESS || address.is_loopback();
        *own += bytes;
        has_room && has_own_room
    }

    fn release(&self, address: AddressKey, bytes: u64) {
        let mut held = self.0.lock();
        held.all = held.all.saturating_sub(bytes);
        if let Some(own) = held.by_address.get_mut(&address) {
            *own = own.saturating_sub(bytes);
            if *own == 0 {
                held.by_address.remove(&address);
            }
        }
    }

    /// Whether the bodies of an address must arrive soon.
    fn squeezes(&self, address: AddressKey) -> bool {
        let held = self.0.lock();
        let own = held.by_address.get(&address).copied().unwrap_or_default();
        held.all > SHORT || (held.all > PLENTY && own > SHARE)
    }
}

/// The memory that one body holds. A request extension.
#[derive(Debug, Clone)]
pub struct BodyMemory {
    bodies: Arc<Bodies>,
    address: AddressKey,
    is_passed_on: Arc<AtomicBool>,
}

impl BodyMemory {
    pub(super) fn new(bodies: Arc<Bodies>, address: AddressKey) -> Self {
        Self {
            bodies,
            address,
            is_passed_on: Arc::default(),
        }
    }

    /// Says, before the first read, that nothing of the body stays in memory: it is written to
    /// disk, or dropped.
    pub fn is_not_needed(&self) {
        self.is_passed_on.store(true, Ordering::Relaxed);
    }

    fn is_passed_on(&self) -> bool {
        self.is_passed_on.load(Ordering::Relaxed)
    }
}

/// A request body with a deadline. The clock starts at the first read, so that a request that waits
/// for its turn loses no time.
pub(super) struct TimedBody {
    inner: Incoming,
    time: Duration,
    received: u64,
    /// Bytes that count as memory.
    counted: u64,
    memory: BodyMemory,
    clock: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl TimedBody {
    pub(super) const fn new(inner: Incoming, time: Duration, memory: BodyMemory) -> Self {
        Self {
            inner,
            time,
            received: 0,
            counted: 0,
            memory,
            clock: None,
        }
    }

    /// Deadline for the rest of the body.
    fn deadline(&self, start: Instant) -> Instant {
        let memory = &self.memory;
        if !memory.is_passed_on() && memory.bodies.squeezes(memory.address) {
            start + self.time.min(SQUEEZED)
        } else {
            start + self.time + Duration::from_secs(self.received / SLOWEST_BODY)
        }
    }

    /// Counts bytes that arrived; false when there is no room for them.
    fn count(&mut self, bytes: u64) -> bool {
        self.received += bytes;
        if self.memory.is_passed_on() {
            return true;
        }
        self.counted += bytes;
        self.memory.bodies.add(self.memory.address, bytes)
    }
}

impl Drop for TimedBody {
    fn drop(&mut self) {
        self.memory
            .bodies
            .release(self.memory.address, self.counted);
    }
}

/// Why reading a body was ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CutBody {
    /// The body arrived too slowly.
    #[error("the body did not arrive in time")]
    TooSlow,
    /// The bodies in progress fill the memory reserved for them.
    #[error("there is no room for the body")]
    NoRoom,
}

impl CutBody {
    /// The cause of a body error, if it is one of these.
    pub fn behind(error: &(dyn Error + 'static)) -> Option<Self> {
        std::iter::successors(Some(error), |&error| error.source())
            .find_map(|error| error.downcast_ref().copied())
    }
}

impl HttpBody for TimedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.inner).poll_frame(cx) {
            if let Some(Ok(frame)) = &frame {
                let length = frame.data_ref().map_or(0, |data| data.len() as u64);
                if !this.count(length) {
                    return Poll::Ready(Some(Err(axum::Error::new(CutBody::NoRoom))));
                }
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(axum::Error::new)));
        }
        let now = Instant::now();
        let start = this
            .clock
            .get_or_insert_with(|| (now, Box::pin(sleep_until(now))))
            .0;
        let deadline = this.deadline(start);
        if deadline <= now {
            return Poll::Ready(Some(Err(axum::Error::new(CutBody::TooSlow))));
        }
        if let Some((_, alarm)) = &mut this.clock {
            alarm.as_mut().reset(deadline.min(now + SQUEEZED));
            if alarm.as_mut().poll(cx).is_ready() {
                cx.waker().wake_by_ref();
            }
        }
        Poll::Pending
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> AddressKey {
        AddressKey::of(text.parse().unwrap())
    }

    #[test]
    fn only_who_holds_more_than_a_share_must_hurry() {
        let bodies = Bodies::default();
        let (greedy, other) = (key("10.0.0.1"), key("10.0.0.2"));
        assert!(bodies.add(greedy, TOO_MANY_OF_ADDRESS + 1) && bodies.add(other, SHARE));
        assert!(bodies.squeezes(greedy) && !bodies.squeezes(other));
        assert!(!bodies.add(greedy, 1), "an address has an end of its own");
        assert!(bodies.add(other, 1));
        assert!(bodies.squeezes(other), "it holds more than its share, too");
        bodies.release(greedy, TOO_MANY_OF_ADDRESS + 2);
        assert!(!bodies.squeezes(other), "there is plenty");
        bodies.release(other, SHARE + 1);
        assert!(bodies.0.lock().by_address.is_empty());
    }

    /// Each body arrives in pieces until it ends, or until there is no room for it.
    #[test]
    fn two_thousand_unfinished_bodies_hold_no_more_than_the_memory_for_all() {
        const PIECE: u64 = 16 * 1024;
        const LENGTH: u64 = 256 * 1024;
        for is_one_address in [false, true] {
            let bodies = Bodies::default();
            let mut unfinished = Vec::new();
            for number in 0..2_000_u32 {
                let address = if is_one_address { 1 } else { number };
                let address =
                    AddressKey::of(std::net::Ipv4Addr::from(address + 0x0a00_0000).into());
                let mut held = 0;
                let has_room = (0..LENGTH / PIECE).all(|_| {
                    held += PIECE;
                    bodies.add(address, PIECE)
                });
                if has_room {
                    unfinished.push((address, held));
                } else {
                    bodies.release(address, held);
                }
            }
            let all = unfinished.iter().map(|(_, held)| held).sum::<u64>();
            assert_eq!(bodies.0.lock().all, all);
            let most = if is_one_address {
                TOO_MANY_OF_ADDRESS
            } else {
                TOO_MANY
            };
            assert!(all <= most + PIECE, "{all} bytes");
            assert!(all > most - LENGTH, "there is room for {all} bytes only");
        }
    }

    #[test]
    fn everybody_must_hurry_when_memory_is_short() {
        let bodies = Bodies::default();
        for number in 0..4 {
            assert!(bodies.add(key(&format!("10.0.0.{number}")), PLENTY));
        }
        assert!(bodies.squeezes(key("10.0.1.1")));
        let own_machine = key("127.0.0.1");
        assert!(bodies.add(own_machine, 1) && !bodies.add(own_machine, 1));
    }
}
