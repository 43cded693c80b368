//! Judging: when a pair is connected, and when it is no longer.

use super::Field;
use super::pairs::{PairId, SenseState, TickStamp};
use super::rules::Sense;
use super::squared;
use crate::systems::proximity::slot::PersonSlot;

/// Squared distance that stands for "behind a wall": farther than any map is wide.
const BEHIND_WALL: i64 = 1 << 40;

/// Farthest player connected to a player.
#[derive(Debug, Clone, Copy)]
pub(super) struct Farthest {
    /// Tick in which it was found.
    pub at: u64,
    /// Squared distance and pair; `None` when no player is connected.
    pub found: Option<(i64, PairId)>,
}

/// What a turn found out about a pair.
#[derive(Debug, Clone, Copy)]
struct Measured {
    /// Squared distance.
    distance: i64,
    /// The smaller of both ranges counts, so that the rule is the same for both.
    range: u8,
    /// Ticks of being near until they are connected.
    dwell: u64,
    now: u64,
}

impl Field {
    pub(super) fn judge(&mut self, id: PairId, now: u64) {
        let pair = self.pairs.get_mut(id);
        pair.judged = TickStamp::of(now);
        let ends = pair.ends;
        let [a, b] = ends.map(|end| self.cells.position(end));
        let apart = squared(a, b);
        let range = self.range_between(ends);
        // A wall counts as the largest distance, with the same delays. Pairs that are far apart
        // need no check for walls.
        let hearing = self.rules.sense(Sense::Hearing, range);
        let is_hidden = apart <= hearing.off && !self.is_clear(a, b);
        let moves = ends.iter().any(|end| self.states[*end].moves);
        let found = Measured {
            distance: if is_hidden { BEHIND_WALL } else { apart },
            range,
            dwell: if moves {
                self.rules.dwell_moving
            } else {
                self.rules.dwell_standing
            },
            now,
        };
        self.judge_sense(id, Sense::Hearing, found);
        let pair = self.pairs.get(id);
        if pair.states.hearing.on {
            self.judge_sense(id, Sense::Sight, found);
        } else if apart > hearing.on || pair.near.before(now) > 16 {
            self.drop_pair(id);
        }
    }

    fn judge_sense(&mut self, id: PairId, sense: Sense, found: Measured) {
        let rule = self.rules.sense(sense, found.range);
        let state = self.state_mut(id, sense);
        if state.on {
            if found.distance < rule.off {
                state.since = TickStamp::NEVER;
            } else if state.since.begin(found.now) >= self.rules.linger {
                self.disconnect(id, sense);
            }
        } else if found.distance > rule.on {
            *state = SenseState::new(false);
        } else if state.since.begin(found.now) >= found.dwell && self.has_room(id, sense, found) {
            self.connect(id, sense);
        }
    }

    /// Whether both ends have room for the connection. An end that is full drops its farthest
    /// connection if that one is much farther away.
    fn has_room(&mut self, id: PairId, sense: Sense, found: Measured) -> bool {
        let most = self.rules.sense(sense, found.range).most;
        let ends = self.pairs.get(id).ends;
        let full = ends.map(|end| self.count(end, sense) >= most);
        if full == [false, false] {
            return true;
        }
        let enough = (found.distance.isqrt() + self.rules.nearer).pow(2);
        let mut makes_room = [None; 2];
        for ((end, is_full), place) in ends.into_iter().zip(full).zip(&mut makes_room) {
            if !is_full {
                continue;
            }
            match self.farthest(end, sense, found.now) {
                Some((farthest, pair)) if farthest >= enough => *place = Some(pair),
                _ => {
                    self.state_mut(id, sense).nearer = TickStamp::NEVER;
                    return false;
                }
            }
        }
        let nearer_for = self.rules.nearer_for;
        if self.state_mut(id, sense).nearer.begin(found.now) < nearer_for {
            return false;
        }
        for pair in makes_room.into_iter().flatten() {
            if self.state_mut(pair, sense).on {
                self.disconnect(pair, sense);
            }
        }
        true
    }

    /// The farthest connected player and their squared distance. A crowd asks for it often, so the
    /// result is cached for one round or until a connection changes.
    fn farthest(&mut self, slot: PersonSlot, sense: Sense, now: u64) -> Option<(i64, PairId)> {
        let one = &self.players[slot];
        if let Some(Farthest { at, found }) = one.connections.of(sense).farthest
            && now < at + self.period()
        {
            return found;
        }
        let at = self.cells.position(slot);
        let is_connected = |id: PairId| self.pairs.get(id).states.of(sense).on;
        let connected = one.links.iter().filter(|(_, pair)| is_connected(*pair));
        let distances = connected.map(|&(other, pair)| {
            let distance = squared(at, self.cells.position(other));
            (distance, self.states[other].player, pair)
        });
        let found = distances.max().map(|(distance, _, pair)| (distance, pair));
        let connections = self.players[slot].connections.of_mut(sense);
        connections.farthest = Some(Farthest { at: now, found });
        found
    }

    pub(super) fn connect(&mut self, id: PairId, sense: Sense) {
        *self.state_mut(id, sense) = SenseState::new(true);
        for end in self.pairs.get(id).ends {
            let connections = self.players[end].connections.of_mut(sense);
            connections.count += 1;
            connections.farthest = None;
            self.mark_dirty(end);
        }
    }

    pub(super) fn disconnect(&mut self, id: PairId, sense: Sense) {
        if sense == Sense::Hearing && self.pairs.get(id).states.sight.on {
            self.disconnect(id, Sense::Sight);
        }
        *self.state_mut(id, sense) = SenseState::new(false);
        for end in self.pairs.get(id).ends {
            let connections = self.players[end].connections.of_mut(sense);
            connections.count -= 1;
            connections.farthest = None;
            self.mark_dirty(end);
        }
    }
}
