//! Nearest: the search for the players around a player.

use std::mem;

use super::Field;
use super::rules::{Sense, SenseRule};
use super::squared;
use crate::components::unit::Position;
use crate::systems::proximity::sight;
use crate::systems::proximity::slot::PersonSlot;

/// Most nearest players that become pairs of a player. More than can be heard, so that there is a
/// candidate for a place that becomes free.
const CANDIDATES: usize = 24;

impl Field {
    /// The nearest other players, none farther than `limit` of the rule between them. The memory
    /// is that of `near`, which the caller puts back.
    pub(super) fn find_near(
        &mut self,
        slot: PersonSlot,
        limit: impl Fn(SenseRule) -> i64,
    ) -> Vec<(i64, PersonSlot)> {
        let mut near = mem::take(&mut self.near);
        near.clear();
        let from = self.cells.position(slot);
        let range = self.range_of(slot);
        let mut farthest = limit(self.rules.sense(Sense::Hearing, range));
        for ring in self.cells.rings(from) {
            if ring.is_beyond(farthest) {
                break;
            }
            // Not `for`: the search in sparse cells would take twice as long.
            self.cells.players_in(ring).for_each(|(other, at)| {
                let distance = squared(from, at);
                // Players with a smaller range or behind a wall must not take the place of those
                // who are heard.
                if other != slot
                    && distance <= farthest
                    && self.carries(other, range, distance, &limit)
                    && self.is_clear(from, at)
                {
                    near.push((distance, other));
                    if near.len() == 2 * CANDIDATES {
                        farthest = self.keep_nearest(&mut near);
                    }
                }
            });
            if near.len() >= CANDIDATES {
                farthest = self.keep_nearest(&mut near);
            }
        }
        near
    }

    /// Whether a player at this distance, within a limit of the given range, is also within the
    /// limit of their own range.
    fn carries(
        &self,
        slot: PersonSlot,
        range: u8,
        distance: i64,
        limit: impl Fn(SenseRule) -> i64,
    ) -> bool {
        let own = self.range_of(slot);
        own >= range || distance <= limit(self.rules.sense(Sense::Hearing, own))
    }

    /// Keeps the nearest players of at least as many as become pairs. At equal distance lower
    /// numbers win. Returns the distance of the farthest who is kept.
    fn keep_nearest(&self, near: &mut Vec<(i64, PersonSlot)>) -> i64 {
        let key = |&(distance, slot): &(i64, PersonSlot)| (distance, self.states[slot].player);
        let (_, (farthest, _), _) = near.select_nth_unstable_by_key(CANDIDATES - 1, key);
        let farthest = *farthest;
        near.truncate(CANDIDATES);
        farthest
    }

    /// Whether no wall is between two positions.
    pub(super) fn is_clear(&self, a: Position, b: Position) -> bool {
        let walls = self.walls.as_ref();
        walls.is_none_or(|walls| sight::is_clear(walls, a, b))
    }
}
