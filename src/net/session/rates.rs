//! Rates: limits on what one user does in one space that others notice, over all connections:
//! reconnecting does not refill them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::MessageKind;
use super::bucket::Bucket;
use crate::components::chat::slow_mode_left;
use crate::components::id::{SpaceId, UserId};
use crate::components::player::PlayerRef;

/// Bytes of messages and edits: per second, and in a burst.
const TEXT_BYTES: (u32, u32) = (16 * 1024, 64 * 1024);

/// Bytes of signals to one peer per second, and in a burst.
const PAIR_BYTES: u32 = 64 * 1024;

/// Bytes of signals to all peers per second, and in a burst.
const SIGNAL_BYTES: u32 = 128 * 1024;

/// Maximum number of peers with a limit of their own; the least recently signalled is dropped.
const PAIRS: usize = 32;

/// Time without a message after which all buckets are full.
const FULL_AFTER: Duration = Duration::from_mins(1);

/// Number of users from which idle ones are removed.
const SWEEP_AT: usize = 1_024;

/// The rate limits of one user in one space.
#[derive(Debug)]
pub struct UserRates {
    chat: Bucket,
    text: Bucket,
    signals: Bucket,
    signal_bytes: Bucket,
    pairs: Vec<(PlayerRef, Bucket)>,
    waves: Bucket,
    changes: Bucket,
    other: Bucket,
    /// When the user last edited a message.
    edited: Option<Instant>,
    used: Instant,
    /// Until when slow mode needs `edited`.
    needed_until: Instant,
}

/// Why an edit is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EditRefusal {
    /// The user edits too often, or too much text.
    TooFast {
        /// Seconds until the next attempt can succeed.
        seconds: u64,
    },
    /// Slow mode.
    TooSoon {
        /// Seconds left, at least one.
        seconds: u64,
    },
}

/// Rate limits shared by a user's connections.
pub type SharedRates = Arc<Mutex<UserRates>>;

impl UserRates {
    /// Rate limits with full buckets.
    pub fn new(now: Instant) -> Self {
        let second = Duration::from_secs(1);
        let ten = Duration::from_secs(10);
        Self {
            chat: Bucket::new(now, 10, ten, 10),
            text: Bucket::new(now, TEXT_BYTES.0, second, TEXT_BYTES.1),
            signals: Bucket::new(now, 50, second, 100),
            signal_bytes: Bucket::new(now, SIGNAL_BYTES, second, SIGNAL_BYTES),
            pairs: Vec::new(),
            waves: Bucket::new(now, 5, ten, 5),
            changes: Bucket::new(now, 20, ten, 20),
            other: Bucket::new(now, 10, second, 30),
            edited: None,
            used: now,
            needed_until: now,
        }
    }

    /// Rate limits of a guest: half of what others may write.
    fn of_guest(now: Instant) -> Self {
        Self {
            chat: Bucket::new(now, 5, Duration::from_secs(10), 5),
            text: Bucket::new(
                now,
                TEXT_BYTES.0 / 2,
                Duration::from_secs(1),
                TEXT_BYTES.1 / 2,
            ),
            ..Self::new(now)
        }
    }

    /// Whether a message of a kind that is limited here is within its rate.
    pub(super) fn take(&mut self, kind: MessageKind, now: Instant) -> bool {
        self.used = now;
        match kind {
            MessageKind::Chat => self.chat.take(now),
            MessageKind::Signal => self.signals.take(now),
            MessageKind::Wave => self.waves.take(now),
            MessageKind::Change => self.changes.take(now),
            MessageKind::Other => self.other.take(now),
            MessageKind::Move | MessageKind::Control | MessageKind::LookBack => true,
        }
    }

    /// Whether a text of that many bytes is within its rate.
    pub(super) fn take_text(&mut self, bytes: usize, now: Instant) -> bool {
        let has_any = self.text.wait(now).is_zero();
        if has_any {
            self.text.charge(count(bytes), now);
        }
        has_any
    }

    /// Counts an edit over HTTP, under the same limits as one over a socket.
    pub fn edit(
        &mut self,
        bytes: usize,
        slow_seconds: u32,
        now: Instant,
    ) -> Result<(), EditRefusal> {
        let age = self.edited.map(|edited| now.duration_since(edited));
        let age = age.map(|age| u64::try_from(age.as_millis()).unwrap_or(u64::MAX));
        if let Some(seconds) = age.and_then(|age| slow_mode_left(slow_seconds, age)) {
            let seconds = seconds.into();
            return Err(EditRefusal::TooSoon { seconds });
        }
        let too_fast = |bucket: &Bucket| EditRefusal::TooFast {
            seconds: bucket.wait(now).as_secs() + 1,
        };
        if !self.take(MessageKind::Change, now) {
            return Err(too_fast(&self.changes));
        }
        if !self.take_text(bytes, now) {
            return Err(too_fast(&self.text));
        }
        self.note_edit(now);
        self.needed_until = now + Duration::from_secs(slow_seconds.into());
        Ok(())
    }

    /// Remembers an edit. For sockets the space itself enforces slow mode.
    pub(super) const fn note_edit(&mut self, now: Instant) {
        self.edited = Some(now);
    }

    /// Whether new rate limits would allow more than these.
    fn is_needed(&self, now: Instant) -> bool {
        now < self.needed_until.max(self.used + FULL_AFTER)
    }

    /// Counts a signal. Returns how long its sender must be slowed.
    pub(super) fn charge_signal(&mut self, to: PlayerRef, bytes: usize, now: Instant) -> Duration {
        let bytes = count(bytes);
        let known = self.pairs.iter().position(|(peer, _)| *peer == to);
        let (peer, mut pair) = match known {
            Some(index) => self.pairs.remove(index),
            None => (
                to,
                Bucket::new(now, PAIR_BYTES, Duration::from_secs(1), PAIR_BYTES),
            ),
        };
        let wait = pair
            .charge(bytes, now)
            .max(self.signal_bytes.charge(bytes, now));
        if self.pairs.len() >= PAIRS {
            self.pairs.remove(0);
        }
        self.pairs.push((peer, pair));
        wait
    }
}

fn count(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

/// The rate limits of all users. They outlive connections until they are full again.
#[derive(Debug, Default)]
pub struct Rates(Mutex<KnownUser>);

#[derive(Debug, Default)]
struct KnownUser {
    users: HashMap<(UserId, SpaceId), SharedRates>,
    /// Number of users at which idle ones are removed next.
    sweep_at: usize,
}

impl Rates {
    /// The rate limits of a user in a space.
    pub fn of(&self, user: UserId, space: SpaceId, now: Instant) -> SharedRates {
        self.get(user, space, now, UserRates::new)
    }

    /// As [`of`](Self::of), for a guest.
    pub fn of_guest(&self, user: UserId, space: SpaceId, now: Instant) -> SharedRates {
        self.get(user, space, now, UserRates::of_guest)
    }

    fn get(
        &self,
        user: UserId,
        space: SpaceId,
        now: Instant,
        make: fn(Instant) -> UserRates,
    ) -> SharedRates {
        let mut known = self.0.lock();
        if known.users.len() >= known.sweep_at {
            let is_needed =
                |rates: &SharedRates| Arc::strong_count(rates) > 1 || rates.lock().is_needed(now);
            known.users.retain(|_, rates| is_needed(rates));
            known.sweep_at = SWEEP_AT.max(known.users.len() * 2);
        }
        let fresh = || Arc::new(Mutex::new(make(now)));
        Arc::clone(known.users.entry((user, space)).or_insert_with(fresh))
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests need any start time")]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::components::id::PlayerId;

    fn space(number: u128) -> SpaceId {
        SpaceId(Uuid::from_u128(number))
    }

    #[test]
    fn reconnecting_does_not_refill_the_buckets() {
        let now = Instant::now() + Duration::from_hours(1);
        let rates = Rates::default();
        let user = UserId(Uuid::from_u128(1));
        let said = |at| {
            (0..100)
                .filter(|_| {
                    rates
                        .of(user, space(1), at)
                        .lock()
                        .take(MessageKind::Chat, at)
                })
                .count()
        };
        assert_eq!(said(now), 10);
        assert_eq!(said(now + Duration::from_secs(2)), 2);
        assert!(
            rates
                .of(user, space(2), now)
                .lock()
                .take(MessageKind::Chat, now),
            "another space"
        );
    }

    #[test]
    fn idle_users_are_removed_and_indebted_ones_are_not() {
        let now = Instant::now() + Duration::from_hours(1);
        let rates = Rates::default();
        let user = |number: usize| UserId(Uuid::from_u128(number as u128));
        let later = now + FULL_AFTER;
        let here = rates.of(user(0), space(1), now);
        rates
            .of(user(1), space(1), now)
            .lock()
            .take(MessageKind::Chat, later);
        for number in 1..SWEEP_AT {
            rates.of(user(number), space(1), now);
        }
        rates.of(user(SWEEP_AT), space(1), later);
        assert_eq!(rates.0.lock().users.len(), 3);
        assert!(Arc::ptr_eq(&here, &rates.of(user(0), space(1), later)));
    }

    #[test]
    fn signals_are_never_lost_but_slow_down_their_sender() {
        let now = Instant::now() + Duration::from_hours(1);
        let mut rates = UserRates::new(now);
        let to = PlayerRef::Player(PlayerId(1));
        let mut at = now;
        let mut sent = 0;
        while at < now + Duration::from_secs(10) {
            at += rates.charge_signal(to, 12 * 1024, at);
            sent += 12 * 1024;
        }
        assert!(
            (10..=11).contains(&(sent / PAIR_BYTES)),
            "{sent} bytes in ten seconds"
        );
        let many = (0..1_000).map(|player| PlayerRef::Player(PlayerId(player)));
        for to in many {
            rates.charge_signal(to, 1, at);
        }
        assert_eq!(rates.pairs.len(), PAIRS);
    }

    #[test]
    fn an_edit_over_http_costs_what_one_over_a_socket_does() {
        let now = Instant::now() + Duration::from_hours(1);
        let mut rates = UserRates::new(now);
        let mut edit = |bytes, at| rates.edit(bytes, 0, at);
        let large = (0..10).filter(|_| edit(16_000, now).is_ok()).count();
        assert_eq!(large, 5);
        let later = now + FULL_AFTER;
        let small = (0..100).filter(|_| edit(1, later).is_ok()).count();
        assert_eq!(small, 20);
        assert_eq!(edit(1, later), Err(EditRefusal::TooFast { seconds: 1 }));
    }

    #[test]
    fn slow_mode_limits_edits_over_both_transports() {
        let now = Instant::now() + Duration::from_hours(1);
        let slow = Duration::from_mins(10);
        let rates = Rates::default();
        let user = |number: usize| UserId(Uuid::from_u128(number as u128));
        let edit = |at| rates.of(user(0), space(1), at).lock().edit(9, 600, at);
        rates.of(user(0), space(1), now).lock().note_edit(now);
        let early = now + Duration::from_secs(1);
        assert_eq!(edit(early), Err(EditRefusal::TooSoon { seconds: 599 }));
        assert_eq!(edit(now + slow), Ok(()));
        // Idle users are removed, and this one is not.
        let late = now + slow + 2 * FULL_AFTER;
        for number in 1..=2 * SWEEP_AT {
            rates.of(user(number), space(1), late);
        }
        assert_eq!(edit(late), Err(EditRefusal::TooSoon { seconds: 480 }));
    }

    #[test]
    fn texts_are_limited_in_bytes_too() {
        let now = Instant::now() + Duration::from_hours(1);
        let mut rates = UserRates::new(now);
        let said = (0..10).filter(|_| rates.take_text(16_000, now)).count();
        assert_eq!(said, 5);
        assert!(rates.take_text(16_000, now + Duration::from_secs(2)));
    }
}
