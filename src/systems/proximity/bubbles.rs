//! Bubbles: circles that a few people make on the spot: plain data, no world.
//!
//! A bubble is whoever is in it. It ends with its last but one, and whoever walks away from the
//! others is out of it.

use std::collections::{BTreeMap, BTreeSet};

use super::field::{squared, tiles};
use crate::components::bubble::{BubbleState, MOST_IN_BUBBLE};
use crate::components::id::PlayerId;
use crate::components::unit::{Position, Tick};

/// Whoever stands within two tiles may be in it.
const FORMS: i64 = tiles(2);

/// Whoever is more than three tiles away from those in it no longer is.
const BREAKS: i64 = tiles(3);

/// One of them. Its people are those of `members`, by slot.
#[derive(Debug, Clone)]
pub(super) struct Bubble {
    pub is_aside: bool,
    pub is_locked: bool,
    pub members: BTreeMap<u32, PlayerId>,
    /// Who knocked, and when last.
    pub knocked: BTreeMap<PlayerId, Tick>,
}

impl Bubble {
    pub fn is_full(&self) -> bool {
        self.members.len() >= MOST_IN_BUBBLE
    }
}

/// The people someone asked to talk with them, and did not hear of yet.
#[derive(Debug, Clone)]
pub(super) struct PendingInvites {
    pub is_aside: bool,
    pub guests: BTreeSet<PlayerId>,
    pub at: Tick,
}

/// All bubbles of a space.
#[derive(Debug, Clone, Default)]
pub(super) struct Bubbles {
    /// By who asks.
    asked: BTreeMap<PlayerId, PendingInvites>,
    all: BTreeMap<u32, Bubble>,
    last: u32,
    changed: BTreeSet<u32>,
}

/// Whether two stand near enough to be taken into one bubble.
pub(super) fn may_meet(a: Position, b: Position) -> bool {
    squared(a, b) <= FORMS
}

impl Bubbles {
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub fn get(&self, bubble: u32) -> Option<&Bubble> {
        self.all.get(&bubble)
    }

    pub fn numbers(&self) -> Vec<u32> {
        self.all.keys().copied().collect()
    }

    /// Makes one of these.
    pub fn form(&mut self, is_aside: bool, members: BTreeMap<u32, PlayerId>) -> u32 {
        self.last = self.last.wrapping_add(1);
        let bubble = Bubble {
            is_aside,
            is_locked: false,
            members,
            knocked: BTreeMap::new(),
        };
        self.all.insert(self.last, bubble);
        self.changed.insert(self.last);
        self.last
    }

    /// Someone asks others to talk with them; whether they are heard: not twice within that many
    /// ticks.
    pub fn ask(&mut self, player: PlayerId, asked: PendingInvites, patience: u64) -> bool {
        let before = self.asked.get(&player);
        let is_again = before.is_some_and(|before| asked.at.0 < before.at.0 + patience);
        if !is_again {
            self.asked.insert(player, asked);
        }
        !is_again
    }

    /// Someone answers who was asked: what they were asked, when that was not more than that many
    /// ticks ago.
    pub fn answer(
        &mut self,
        asker: PlayerId,
        guest: PlayerId,
        now: Tick,
        lasts: u64,
    ) -> Option<PendingInvites> {
        let question = self.asked.get_mut(&asker)?;
        let is_good = question.guests.remove(&guest) && now.0 <= question.at.0 + lasts;
        is_good.then(|| question.clone())
    }

    /// Takes somebody in, if there is room.
    pub fn join(&mut self, bubble: u32, slot: u32, player: PlayerId) -> bool {
        let Some(one) = self.all.get_mut(&bubble).filter(|one| !one.is_full()) else {
            return false;
        };
        one.members.insert(slot, player);
        one.knocked.remove(&player);
        self.changed.insert(bubble);
        true
    }

    /// Lets these go; answers everybody who is out of it now: the last one does not stay alone.
    pub fn leave(&mut self, bubble: u32, slots: &[u32]) -> Vec<u32> {
        let Some(one) = self.all.get_mut(&bubble) else {
            return Vec::new();
        };
        let mut out: Vec<u32> = slots.to_vec();
        out.retain(|slot| one.members.remove(slot).is_some());
        if one.members.len() < 2 {
            out.extend(one.members.keys());
            self.all.remove(&bubble);
        }
        self.changed.insert(bubble);
        out
    }

    pub fn lock(&mut self, bubble: u32, is_locked: bool) {
        if let Some(one) = self
            .all
            .get_mut(&bubble)
            .filter(|one| one.is_locked != is_locked)
        {
            one.is_locked = is_locked;
            one.knocked.clear();
            self.changed.insert(bubble);
        }
    }

    /// Somebody knocks; whether they are heard: not twice within that many ticks.
    pub fn knock(&mut self, bubble: u32, player: PlayerId, now: Tick, patience: u64) -> bool {
        let Some(one) = self.all.get_mut(&bubble) else {
            return false;
        };
        let is_again = one
            .knocked
            .get(&player)
            .is_some_and(|last| now.0 < last.0 + patience);
        if !is_again {
            one.knocked.insert(player, now);
        }
        !is_again
    }

    /// Who knocked is no longer here.
    pub fn forget_knocks(&mut self, player: PlayerId) {
        self.asked.remove(&player);
        for asked in self.asked.values_mut() {
            asked.guests.remove(&player);
        }
        for bubble in self.all.values_mut() {
            bubble.knocked.remove(&player);
        }
    }

    /// Whoever is cut off from the others: when it fell apart into groups the largest stays, of
    /// equal ones the one with the lowest number.
    pub fn strays(&self, bubble: u32, place: impl Fn(u32) -> Option<Position>) -> Vec<u32> {
        let Some(one) = self.all.get(&bubble) else {
            return Vec::new();
        };
        let mut waiting: Vec<(PlayerId, u32)> = one
            .members
            .iter()
            .map(|(slot, player)| (*player, *slot))
            .collect();
        waiting.sort_unstable();
        let mut largest: Vec<u32> = Vec::new();
        while let Some((_, first)) = waiting.first().copied() {
            waiting.remove(0);
            let mut group = vec![first];
            let mut next = 0;
            while let Some(&slot) = group.get(next) {
                next += 1;
                let at = place(slot);
                waiting.retain(|&(_, other)| {
                    let is_near = at
                        .zip(place(other))
                        .is_some_and(|(a, b)| squared(a, b) <= BREAKS);
                    if is_near {
                        group.push(other);
                    }
                    !is_near
                });
            }
            if group.len() > largest.len() {
                largest = group;
            }
        }
        one.members
            .keys()
            .filter(|slot| !largest.contains(slot))
            .copied()
            .collect()
    }

    pub fn states(&self) -> Vec<BubbleState> {
        self.all.keys().map(|bubble| self.state(*bubble)).collect()
    }

    /// Those that changed since this was asked last.
    pub fn take_changed(&mut self) -> Vec<BubbleState> {
        let changed = std::mem::take(&mut self.changed);
        changed
            .into_iter()
            .map(|bubble| self.state(bubble))
            .collect()
    }

    fn state(&self, bubble: u32) -> BubbleState {
        let one = self.all.get(&bubble);
        let mut players: Vec<PlayerId> =
            one.map_or_else(Vec::new, |one| one.members.values().copied().collect());
        players.sort_unstable();
        BubbleState {
            bubble,
            is_aside: one.is_some_and(|one| one.is_aside),
            is_locked: one.is_some_and(|one| one.is_locked),
            players,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::components::unit::SUBTILES;

    fn bubble_of(slots: u32) -> (Bubbles, u32) {
        let mut bubbles = Bubbles::default();
        let members = (0..slots).map(|slot| (slot, PlayerId(slot + 1))).collect();
        let bubble = bubbles.form(false, members);
        bubbles.take_changed();
        (bubbles, bubble)
    }

    fn tile(x: i32) -> Position {
        Position {
            x: x * SUBTILES,
            y: 0,
        }
    }

    #[test]
    fn a_bubble_of_one_is_none() {
        let (mut bubbles, bubble) = bubble_of(2);
        assert_eq!(bubbles.leave(bubble, &[1]), [1, 0]);
        assert!(bubbles.is_empty());
        assert_eq!(bubbles.take_changed()[0].players, []);
    }

    #[test]
    fn the_ninth_does_not_fit() {
        let (mut bubbles, bubble) = bubble_of(7);
        assert!(bubbles.join(bubble, 7, PlayerId(8)));
        assert!(!bubbles.join(bubble, 8, PlayerId(9)));
    }

    #[test]
    fn a_chain_holds_and_whoever_walks_three_tiles_away_is_out() {
        let (bubbles, bubble) = bubble_of(4);
        assert!(
            bubbles
                .strays(bubble, |slot| Some(tile(3 * slot as i32)))
                .is_empty()
        );
        assert_eq!(
            bubbles.strays(bubble, |slot| Some(tile(if slot == 2 {
                40
            } else {
                slot as i32
            }))),
            [2]
        );
        // Two pairs: those with the lowest number stay.
        assert_eq!(
            bubbles.strays(bubble, |slot| Some(tile(if slot < 2 {
                40
            } else {
                slot as i32
            }))),
            [2, 3]
        );
        let apart = bubbles.strays(bubble, |slot| Some(tile(40 * slot as i32)));
        assert_eq!(apart, [1, 2, 3], "the last one is let go with them");
    }
}
