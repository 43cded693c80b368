//! Bubbles: conversation groups of a few players. Plain data, independent of the world.
//!
//! A bubble consists of its members. It ends when fewer than two are left. A member who walks away
//! from the others leaves it.

use std::collections::{BTreeMap, BTreeSet};

use super::field::{squared, tiles};
use super::slot::PersonSlot;
use crate::components::bubble::{BubbleState, MOST_IN_BUBBLE};
use crate::components::id::PlayerId;
use crate::components::unit::{Position, Tick};

/// Largest squared distance at which a player may join: two tiles.
const JOIN_DISTANCE: i64 = tiles(2);

/// Largest squared distance to another member at which a player stays: three tiles.
const LEAVE_DISTANCE: i64 = tiles(3);

/// A bubble. `members` are its players by slot.
#[derive(Debug, Clone)]
pub(super) struct Bubble {
    pub is_aside: bool,
    pub is_locked: bool,
    pub members: BTreeMap<PersonSlot, PlayerId>,
    /// Players who knocked, and the tick of the last knock.
    pub knocked: BTreeMap<PlayerId, Tick>,
}

impl Bubble {
    pub fn is_full(&self) -> bool {
        self.members.len() >= MOST_IN_BUBBLE
    }
}

/// Invitations of a player to a bubble that were not answered yet.
#[derive(Debug, Clone)]
pub(super) struct PendingInvites {
    pub is_aside: bool,
    pub guests: BTreeSet<PlayerId>,
    pub at: Tick,
}

/// All bubbles of a space.
#[derive(Debug, Clone, Default)]
pub(super) struct Bubbles {
    /// Open invitations, by the player who invites.
    asked: BTreeMap<PlayerId, PendingInvites>,
    all: BTreeMap<u32, Bubble>,
    last: u32,
    changed: BTreeSet<u32>,
}

/// Whether two players stand near enough for one bubble.
pub(super) fn may_meet(a: Position, b: Position) -> bool {
    squared(a, b) <= JOIN_DISTANCE
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

    /// Makes a bubble of these members. Returns its number.
    pub fn form(&mut self, is_aside: bool, members: BTreeMap<PersonSlot, PlayerId>) -> u32 {
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

    /// Stores an invitation. Returns `false` when the player invited others less than `patience`
    /// ticks ago.
    pub fn ask(&mut self, player: PlayerId, asked: PendingInvites, patience: u64) -> bool {
        let before = self.asked.get(&player);
        let is_again = before.is_some_and(|before| asked.at.0 < before.at.0 + patience);
        if !is_again {
            self.asked.insert(player, asked);
        }
        !is_again
    }

    /// Takes the answer of a guest. Returns the invitation, when it is at most `lasts` ticks old.
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

    /// Adds a member. Returns whether there was room.
    pub fn join(&mut self, bubble: u32, slot: PersonSlot, player: PlayerId) -> bool {
        let Some(one) = self.all.get_mut(&bubble).filter(|one| !one.is_full()) else {
            return false;
        };
        one.members.insert(slot, player);
        one.knocked.remove(&player);
        self.changed.insert(bubble);
        true
    }

    /// Removes these members. Returns all who are out now: a single player who is left does not
    /// stay.
    pub fn leave(&mut self, bubble: u32, slots: &[PersonSlot]) -> Vec<PersonSlot> {
        let Some(one) = self.all.get_mut(&bubble) else {
            return Vec::new();
        };
        let mut out: Vec<PersonSlot> = slots.to_vec();
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

    /// Notes a knock. Returns `false` when the player knocked less than `patience` ticks ago.
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

    /// Forgets the knocks and invitations of a player who left.
    pub fn forget_knocks(&mut self, player: PlayerId) {
        self.asked.remove(&player);
        for asked in self.asked.values_mut() {
            asked.guests.remove(&player);
        }
        for bubble in self.all.values_mut() {
            bubble.knocked.remove(&player);
        }
    }

    /// Members cut off from the others. When a bubble falls apart, the largest group stays; among
    /// equal ones the group with the lowest number.
    pub fn strays(
        &self,
        bubble: u32,
        position: impl Fn(PersonSlot) -> Option<Position>,
    ) -> Vec<PersonSlot> {
        let Some(one) = self.all.get(&bubble) else {
            return Vec::new();
        };
        let mut waiting: Vec<(PlayerId, PersonSlot)> = one
            .members
            .iter()
            .map(|(slot, player)| (*player, *slot))
            .collect();
        waiting.sort_unstable();
        let mut largest: Vec<PersonSlot> = Vec::new();
        while let Some((_, first)) = waiting.first().copied() {
            waiting.remove(0);
            let mut group = vec![first];
            let mut next = 0;
            while let Some(&slot) = group.get(next) {
                next += 1;
                let at = position(slot);
                waiting.retain(|&(_, other)| {
                    let is_near = at
                        .zip(position(other))
                        .is_some_and(|(a, b)| squared(a, b) <= LEAVE_DISTANCE);
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

    /// Bubbles that changed since the last call.
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
        let members = (0..slots)
            .map(|slot| (slot.into(), PlayerId(slot + 1)))
            .collect();
        let bubble = bubbles.form(false, members);
        bubbles.take_changed();
        (bubbles, bubble)
    }

    fn slots<const N: usize>(numbers: [u32; N]) -> [PersonSlot; N] {
        numbers.map(PersonSlot::from)
    }

    fn tile(x: i32) -> Position {
        Position {
            x: x * SUBTILES,
            y: 0,
        }
    }

    #[test]
    fn a_bubble_of_one_ends() {
        let (mut bubbles, bubble) = bubble_of(2);
        assert_eq!(bubbles.leave(bubble, &slots([1])), slots([1, 0]));
        assert!(bubbles.is_empty());
        assert_eq!(bubbles.take_changed()[0].players, []);
    }

    #[test]
    fn the_ninth_does_not_fit() {
        let (mut bubbles, bubble) = bubble_of(7);
        assert!(bubbles.join(bubble, 7.into(), PlayerId(8)));
        assert!(!bubbles.join(bubble, 8.into(), PlayerId(9)));
    }

    #[test]
    fn a_chain_holds_and_a_member_more_than_three_tiles_away_is_out() {
        let (bubbles, bubble) = bubble_of(4);
        let strays = |columns: [i32; 4]| {
            bubbles.strays(bubble, |slot| {
                let mut columns = (0..).map(PersonSlot::from).zip(columns);
                columns.find_map(|(other, x)| (other == slot).then(|| tile(x)))
            })
        };
        assert!(strays([0, 3, 6, 9]).is_empty());
        assert_eq!(strays([0, 1, 40, 3]), slots([2]));
        // Two pairs: the one with the lowest number stays.
        assert_eq!(strays([40, 40, 2, 3]), slots([2, 3]));
        let apart = strays([0, 40, 80, 120]);
        assert_eq!(apart, slots([1, 2, 3]), "the last member leaves with them");
    }
}
