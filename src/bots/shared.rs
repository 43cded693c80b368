//! Shared: what the bots of a run share: which player each one is, when each move was sent, and
//! which messages were sent.
//!
//! Times are microseconds since the run began. A mover records when it sent the input behind each
//! tick; a bot that sees the move looks the time up, so measuring sends no messages.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Mutex, MutexGuard, RwLock};

use super::tally::Tally;

/// Moves remembered per bot: several seconds at any tick rate.
const MOVES: u64 = 256;

/// JSON moves that may still be on their way.
const UNDER_WAY: u64 = 32;

/// Bits of a remembered move that hold its time.
const TIME_BITS: u32 = 40;

const NO_PLAYER: u32 = u32::MAX;

/// State that all bots of a run share.
pub(super) struct Shared {
    pub(super) started: Instant,
    /// Start of the measured time.
    pub(super) from: u64,
    /// End of the measured time; from here on bots stand still.
    pub(super) until: u64,
    pub(super) bots: Vec<TrackedBot>,
    pub(super) spaces: Vec<BotSpace>,
    /// The bot behind each user.
    pub(super) users: HashMap<u128, u32>,
    /// Prefix of every message sent in this run.
    pub(super) mark: String,
    pub(super) tallies: Vec<Mutex<Tally>>,
}

impl Shared {
    pub(super) fn now(&self) -> u64 {
        micros(self.started.elapsed())
    }

    /// The bot with that number.
    pub(super) fn bot(&self, number: u32) -> &TrackedBot {
        &self.bots[number as usize]
    }

    pub(super) const fn counts(&self, at: u64) -> bool {
        at >= self.from && at < self.until
    }

    pub(super) fn tally(&self, bot: u32) -> MutexGuard<'_, Tally> {
        self.tallies[bot as usize % self.tallies.len()].lock()
    }

    /// The number of a message, if it was sent in this run.
    pub(super) fn message_number(&self, text: &str) -> Option<u32> {
        text.strip_prefix(&self.mark)?
            .strip_prefix('-')?
            .parse()
            .ok()
    }
}

/// One bot, as the other bots know it.
pub(super) struct TrackedBot {
    player: AtomicU32,
    next: AtomicU64,
    moves: Box<[AtomicU64]>,
}

impl TrackedBot {
    pub(super) fn new() -> Self {
        Self {
            player: AtomicU32::new(NO_PLAYER),
            next: AtomicU64::new(0),
            moves: (0..MOVES).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// Its player number in the space.
    pub(super) fn player(&self) -> Option<u32> {
        Some(self.player.load(Ordering::Relaxed)).filter(|player| *player != NO_PLAYER)
    }

    pub(super) fn is_player(&self, player: u32) {
        self.player.store(player, Ordering::Relaxed);
    }

    /// Where a move with that number is remembered.
    fn slot(&self, number: u64) -> &AtomicU64 {
        &self.moves[(number % MOVES) as usize]
    }

    /// Records that what it sent then was first shown in that tick.
    pub(super) fn shown(&self, epoch: u64, tick: u64, sent: u64) {
        self.slot(tick)
            .store(packed(tag(epoch, tick), sent), Ordering::Relaxed);
    }

    /// When it sent the first move that was shown after tick `after` and up to `tick`.
    pub(super) fn sent_between(&self, epoch: u64, after: u64, tick: u64) -> Option<u64> {
        let first = (after + 1).max(tick.saturating_sub(MOVES - 1));
        (first..=tick).find_map(|tick| {
            let kept = self.slot(tick).load(Ordering::Relaxed);
            unpacked(kept, tag(epoch, tick))
        })
    }

    /// Records that it sent a step to that tile.
    pub(super) fn stepped(&self, tile: (u16, u16), sent: u64) {
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        self.slot(next)
            .store(packed(tile_tag(tile), sent), Ordering::Relaxed);
    }

    /// When it last sent a step to that tile.
    pub(super) fn stepped_to(&self, tile: (u16, u16)) -> Option<u64> {
        let next = self.next.load(Ordering::Relaxed);
        (next.saturating_sub(UNDER_WAY)..next)
            .rev()
            .find_map(|index| {
                let kept = self.slot(index).load(Ordering::Relaxed);
                unpacked(kept, tile_tag(tile))
            })
    }
}

/// A time in microseconds.
pub(super) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

const fn tag(epoch: u64, tick: u64) -> u64 {
    (epoch & 0xff) << 16 | (tick & 0xffff)
}

fn tile_tag((x, y): (u16, u16)) -> u64 {
    u64::from(x & 0xfff) << 12 | u64::from(y & 0xfff)
}

/// The time is stored plus one, so that 0 means no entry.
const fn packed(tag: u64, time: u64) -> u64 {
    tag << TIME_BITS | ((time + 1) & ((1 << TIME_BITS) - 1))
}

fn unpacked(kept: u64, tag: u64) -> Option<u64> {
    let time = kept & ((1 << TIME_BITS) - 1);
    (kept >> TIME_BITS == tag && time > 0).then(|| time - 1)
}

/// One space of the run.
pub(super) struct BotSpace {
    pub(super) id: String,
    /// Tiles that block walking, by row; empty when the map is not known.
    pub(super) blocked: Vec<Vec<bool>>,
    /// The bots in it, in order.
    pub(super) members: Vec<u32>,
    players: RwLock<HashMap<u32, u32>>,
    messages: Mutex<Vec<SentMessage>>,
}

/// A message that a bot sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct SentMessage {
    pub(super) by: u32,
    pub(super) at: u64,
    pub(super) is_acknowledged: bool,
}

impl BotSpace {
    pub(super) fn new(id: String, blocked: Vec<Vec<bool>>, members: Vec<u32>) -> Self {
        Self {
            id,
            blocked,
            members,
            players: RwLock::default(),
            messages: Mutex::default(),
        }
    }

    pub(super) fn is_player(&self, bot: u32, player: u32) {
        self.players.write().insert(player, bot);
    }

    /// Calls back for each of these players that is a bot; other players are left out.
    pub(super) fn bots_of<T>(
        &self,
        players: impl Iterator<Item = (u32, T)>,
        mut each: impl FnMut(u32, u32, T),
    ) {
        let known = self.players.read();
        for (player, with) in players {
            if let Some(bot) = known.get(&player) {
                each(player, *bot, with);
            }
        }
    }

    /// Records that a bot sends a message; returns its number.
    pub(super) fn say(&self, by: u32, at: u64) -> u32 {
        let mut messages = self.messages.lock();
        messages.push(SentMessage {
            by,
            at,
            is_acknowledged: false,
        });
        u32::try_from(messages.len() - 1).expect("a run has fewer messages")
    }

    /// Records that a bot heard a message; returns the message, if there is one with that number.
    pub(super) fn hear(&self, message: u32, bot: u32) -> Option<SentMessage> {
        let mut messages = self.messages.lock();
        let message = messages.get_mut(message as usize)?;
        message.is_acknowledged |= message.by == bot;
        Some(*message)
    }

    pub(super) fn messages(&self) -> MutexGuard<'_, Vec<SentMessage>> {
        self.messages.lock()
    }

    pub(super) fn is_free(&self, (x, y): (i32, i32)) -> bool {
        let row = usize::try_from(y).ok().and_then(|y| self.blocked.get(y));
        row.and_then(|row| usize::try_from(x).ok().and_then(|x| row.get(x)))
            .is_some_and(|blocked| !blocked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_move_is_found_by_the_first_tick_that_showed_it() {
        let track = TrackedBot::new();
        assert_eq!(track.sent_between(1, 0, 300), None);
        track.shown(1, 300, 5_000);
        track.shown(1, 302, 9_000);
        assert_eq!(track.sent_between(1, 299, 300), Some(5_000));
        assert_eq!(track.sent_between(1, 300, 302), Some(9_000));
        assert_eq!(track.sent_between(1, 298, 303), Some(5_000));
        assert_eq!(track.sent_between(1, 302, 400), None);
        assert_eq!(
            track.sent_between(2, 299, 300),
            None,
            "another epoch of the space"
        );
        track.shown(1, 300 + MOVES, 20_000);
        assert_eq!(track.sent_between(1, 299, 300), None, "overwritten");
    }

    #[test]
    fn a_step_is_found_by_its_tile() {
        let track = TrackedBot::new();
        track.stepped((3, 4), 10);
        track.stepped((3, 5), 20);
        track.stepped((3, 4), 30);
        assert_eq!(track.stepped_to((3, 4)), Some(30));
        assert_eq!(track.stepped_to((3, 5)), Some(20));
        assert_eq!(track.stepped_to((4, 4)), None);
    }

    #[test]
    fn outside_the_map_nothing_is_free() {
        let space = BotSpace::new(String::new(), vec![vec![false, true]], vec![]);
        assert!(space.is_free((0, 0)));
        for place in [(1, 0), (2, 0), (-1, 0), (0, 1)] {
            assert!(!space.is_free(place));
        }
    }
}
