//! Shared: what the bots of a run know of each other: who is which player, when each move was sent,
//! what was said.
//!
//! Times are microseconds since the run began. Movers write when they sent what a tick showed;
//! whoever sees a move looks it up. Nobody sends anybody a message for it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use parking_lot::{Mutex, MutexGuard, RwLock};

use super::tally::Tally;

/// Moves remembered of each bot: some seconds' worth at any tick rate.
const MOVES: usize = 256;

/// Moves on the tile grid that may still be under way.
const UNDER_WAY: usize = 32;

/// Bits of a remembered move that are its time.
const TIME_BITS: u32 = 40;

const NOBODY: u32 = u32::MAX;

/// What all bots of a run share.
pub(super) struct Shared {
    pub(super) started: Instant,
    /// What is seen from here on counts,
    pub(super) from: u64,
    /// and up to here; then bots stand still.
    pub(super) until: u64,
    pub(super) bots: Vec<TrackedBot>,
    pub(super) rooms: Vec<BotSpace>,
    /// The bot behind each user.
    pub(super) users: HashMap<u128, u32>,
    /// Begins every line said in this run.
    pub(super) mark: String,
    pub(super) tallies: Vec<Mutex<Tally>>,
}

impl Shared {
    pub(super) fn now(&self) -> u64 {
        self.started.elapsed().as_micros() as u64
    }

    pub(super) const fn counts(&self, at: u64) -> bool {
        at >= self.from && at < self.until
    }

    pub(super) fn tally(&self, bot: u32) -> MutexGuard<'_, Tally> {
        self.tallies[bot as usize % self.tallies.len()].lock()
    }

    /// The bot that such a line was said by and the number of the line, if it is one of this run.
    pub(super) fn line_of(&self, text: &str) -> Option<u32> {
        text.strip_prefix(&self.mark)?
            .strip_prefix('-')?
            .parse()
            .ok()
    }
}

/// One bot, as the others know it.
pub(super) struct TrackedBot {
    player: AtomicU32,
    next: AtomicUsize,
    moves: Box<[AtomicU64]>,
}

impl TrackedBot {
    pub(super) fn new() -> Self {
        Self {
            player: AtomicU32::new(NOBODY),
            next: AtomicUsize::new(0),
            moves: (0..MOVES).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// Its number in its space.
    pub(super) fn player(&self) -> Option<u32> {
        Some(self.player.load(Ordering::Relaxed)).filter(|player| *player != NOBODY)
    }

    pub(super) fn is_player(&self, player: u32) {
        self.player.store(player, Ordering::Relaxed);
    }

    /// What it sent then was first shown by that tick.
    pub(super) fn shown(&self, epoch: u64, tick: u64, sent: u64) {
        self.moves[tick as usize % MOVES].store(packed(tag(epoch, tick), sent), Ordering::Relaxed);
    }

    /// When it sent the first move that was shown after one tick and not after another.
    pub(super) fn sent_between(&self, epoch: u64, after: u64, tick: u64) -> Option<u64> {
        let first = (after + 1).max(tick.saturating_sub(MOVES as u64 - 1));
        (first..=tick).find_map(|tick| {
            let kept = self.moves[tick as usize % MOVES].load(Ordering::Relaxed);
            unpacked(kept, tag(epoch, tick))
        })
    }

    /// It sent a step to that tile.
    pub(super) fn stepped(&self, tile: (u16, u16), sent: u64) {
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        self.moves[next % MOVES].store(packed(tile_tag(tile), sent), Ordering::Relaxed);
    }

    /// When it last sent a step to that tile.
    pub(super) fn stepped_to(&self, tile: (u16, u16)) -> Option<u64> {
        let next = self.next.load(Ordering::Relaxed);
        (next.saturating_sub(UNDER_WAY)..next)
            .rev()
            .find_map(|index| {
                let kept = self.moves[index % MOVES].load(Ordering::Relaxed);
                unpacked(kept, tile_tag(tile))
            })
    }
}

const fn tag(epoch: u64, tick: u64) -> u64 {
    (epoch & 0xff) << 16 | (tick & 0xffff)
}

fn tile_tag((x, y): (u16, u16)) -> u64 {
    u64::from(x & 0xfff) << 12 | u64::from(y & 0xfff)
}

/// A time is kept one higher, so that nothing kept is 0.
const fn packed(tag: u64, time: u64) -> u64 {
    tag << TIME_BITS | ((time + 1) & ((1 << TIME_BITS) - 1))
}

fn unpacked(kept: u64, tag: u64) -> Option<u64> {
    let time = kept & ((1 << TIME_BITS) - 1);
    (kept >> TIME_BITS == tag && time > 0).then(|| time - 1)
}

/// One space of the run.
pub(super) struct BotSpace {
    pub(super) space: String,
    /// Where nobody can walk, by row; empty when the map is not known.
    pub(super) blocked: Vec<Vec<bool>>,
    /// The bots in it, in order.
    pub(super) members: Vec<u32>,
    players: RwLock<HashMap<u32, u32>>,
    lines: Mutex<Vec<SentMessage>>,
}

/// Something a bot said.
#[derive(Debug, Clone, Copy)]
pub(super) struct SentMessage {
    pub(super) by: u32,
    pub(super) at: u64,
    pub(super) is_acknowledged: bool,
}

impl BotSpace {
    pub(super) fn new(space: String, blocked: Vec<Vec<bool>>, members: Vec<u32>) -> Self {
        Self {
            space,
            blocked,
            members,
            players: RwLock::default(),
            lines: Mutex::default(),
        }
    }

    pub(super) fn is_player(&self, bot: u32, player: u32) {
        self.players.write().insert(player, bot);
    }

    /// The bots behind these players; players who are none are left out.
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

    /// Notes that a bot says something; the line's number.
    pub(super) fn say(&self, by: u32, at: u64) -> u32 {
        let mut lines = self.lines.lock();
        lines.push(SentMessage {
            by,
            at,
            is_acknowledged: false,
        });
        lines.len() as u32 - 1
    }

    /// A bot hears a line: what it is, when there is such a line.
    pub(super) fn hear(&self, line: u32, bot: u32) -> Option<SentMessage> {
        let mut lines = self.lines.lock();
        let line = lines.get_mut(line as usize)?;
        line.is_acknowledged |= line.by == bot;
        Some(*line)
    }

    pub(super) fn lines(&self) -> MutexGuard<'_, Vec<SentMessage>> {
        self.lines.lock()
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
            "another life of the space"
        );
        track.shown(1, 300 + MOVES as u64, 20_000);
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
        let room = BotSpace::new(String::new(), vec![vec![false, true]], vec![]);
        assert!(room.is_free((0, 0)));
        for place in [(1, 0), (2, 0), (-1, 0), (0, 1)] {
            assert!(!room.is_free(place));
        }
    }
}
