//! Routes: which players use the SFU, by the groups of players who are connected, directly or
//! through others.

use std::collections::BTreeSet;

use bevy_ecs::prelude::*;

use super::Proximity;
use super::slot::PersonSlot;
use crate::components::peers::SfuEndpoint;
use crate::systems::typed_vec::TypedVec;

/// Largest group, connected directly or through others, that does without the SFU.
const MESH: usize = 4;

/// Server that forwards calls of groups too large to connect directly.
#[derive(Debug, Clone, Default, Resource)]
pub struct ForwardedBy(pub SfuEndpoint);

/// Disjoint sets of slots (union-find).
#[derive(Debug)]
struct ConnectedGroups {
    parent: TypedVec<PersonSlot, PersonSlot>,
    size: TypedVec<PersonSlot, usize>,
}

impl ConnectedGroups {
    /// These slots, all from 0 to the last, each in a set of its own.
    fn of(slots: impl Iterator<Item = PersonSlot>) -> Self {
        let parent: Vec<PersonSlot> = slots.collect();
        Self {
            size: vec![1; parent.len()].into(),
            parent: parent.into(),
        }
    }

    /// Joins the sets of two slots.
    fn join(&mut self, a: PersonSlot, b: PersonSlot) {
        let (a, b) = (self.root(a), self.root(b));
        if a == b {
            return;
        }
        let (small, large) = if self.size[a] < self.size[b] {
            (a, b)
        } else {
            (b, a)
        };
        self.parent[small] = large;
        self.size[large] += self.size[small];
    }

    /// Number of slots in the set of a slot.
    fn size(&mut self, one: PersonSlot) -> usize {
        let root = self.root(one);
        self.size[root]
    }

    /// Representative of the set of a slot, the same for all members.
    fn root(&mut self, mut one: PersonSlot) -> PersonSlot {
        loop {
            let parent = self.parent[one];
            if parent == one {
                return one;
            }
            let above = self.parent[parent];
            self.parent[one] = above;
            one = above;
        }
    }
}

impl Proximity {
    /// Finds the players who use the SFU: groups of more players than connect directly.
    pub(super) fn find_routes(&mut self) {
        let mut groups = ConnectedGroups::of(self.people.slots());
        for slot in self.people.slots() {
            for (other, _) in self.field.connected(slot) {
                groups.join(slot, other);
            }
        }
        for inside in self.private_zones.values() {
            for (one, other) in inside.iter().zip(inside.iter().skip(1)) {
                groups.join(*one, *other);
            }
        }
        for bubble in self.bubbles.numbers() {
            let members = self.bubbles.get(bubble).into_iter();
            let members: Vec<PersonSlot> = members
                .flat_map(|bubble| bubble.members.keys().copied())
                .collect();
            for (one, other) in members.iter().zip(members.iter().skip(1)) {
                groups.join(*one, *other);
            }
        }
        for stage in self.stages.keys() {
            let listeners = self.people.iter();
            for (slot, _) in listeners.filter(|(_, person)| person.listens() >> stage & 1 == 1) {
                for performer in self.performers(*stage) {
                    groups.join(slot, performer);
                }
            }
        }
        // Players who come and go at the limit must not make the whole group change its route.
        let settled: BTreeSet<PersonSlot> = self
            .forwarded
            .iter()
            .map(|slot| groups.root(*slot))
            .collect();
        let forwarded: BTreeSet<PersonSlot> = self
            .people
            .slots()
            .filter(|slot| {
                let is_settled = settled.contains(&groups.root(*slot));
                groups.size(*slot) > if is_settled { MESH - 1 } else { MESH }
            })
            .collect();
        self.dirty
            .extend(forwarded.symmetric_difference(&self.forwarded).copied());
        self.forwarded = forwarded;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_count_players_who_are_connected_through_others() {
        let slot = PersonSlot::from;
        let mut groups = ConnectedGroups::of((0..6).map(slot));
        for (a, b) in [(0, 1), (2, 3), (1, 2), (3, 0)] {
            groups.join(slot(a), slot(b));
        }
        assert_eq!(groups.size(slot(3)), 4);
        assert_eq!(groups.size(slot(5)), 1);
    }
}
