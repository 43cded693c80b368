//! Routes: groups of players who are connected, directly or through others.

/// Disjoint sets of slots (union-find).
#[derive(Debug)]
pub(super) struct ConnectedGroups {
    parent: Vec<u32>,
    size: Vec<usize>,
}

impl ConnectedGroups {
    /// This many slots, each in a set of its own.
    pub(super) fn of(people: usize) -> Self {
        Self {
            parent: (0..people as u32).collect(),
            size: vec![1; people],
        }
    }

    /// Joins the sets of two slots.
    pub(super) fn join(&mut self, a: u32, b: u32) {
        let (a, b) = (self.root(a), self.root(b));
        if a == b {
            return;
        }
        let (small, large) = if self.size[a as usize] < self.size[b as usize] {
            (a, b)
        } else {
            (b, a)
        };
        self.parent[small as usize] = large;
        self.size[large as usize] += self.size[small as usize];
    }

    /// Number of slots in the set of a slot.
    pub(super) fn size(&mut self, one: u32) -> usize {
        let root = self.root(one);
        self.size[root as usize]
    }

    /// Representative of the set of a slot, the same for all members.
    pub(super) fn root(&mut self, mut one: u32) -> u32 {
        while self.parent[one as usize] != one {
            let above = self.parent[self.parent[one as usize] as usize];
            self.parent[one as usize] = above;
            one = above;
        }
        one
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_count_players_who_are_connected_through_others() {
        let mut groups = ConnectedGroups::of(6);
        for (a, b) in [(0, 1), (2, 3), (1, 2), (3, 0)] {
            groups.join(a, b);
        }
        assert_eq!(groups.size(3), 4);
        assert_eq!(groups.size(5), 1);
    }
}
