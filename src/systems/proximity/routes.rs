//! Routes: circles of people who are connected, directly or through others.

/// Who is in one circle with whom.
#[derive(Debug)]
pub(super) struct ConnectedGroups {
    parent: Vec<u32>,
    size: Vec<usize>,
}

impl ConnectedGroups {
    /// So many people, everybody alone.
    pub(super) fn of(people: usize) -> Self {
        Self {
            parent: (0..people as u32).collect(),
            size: vec![1; people],
        }
    }

    /// These two are connected.
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

    /// How many are in somebody's circle.
    pub(super) fn size(&mut self, one: u32) -> usize {
        let root = self.root(one);
        self.size[root as usize]
    }

    /// Which circle somebody is in: the same for all of it.
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
    fn circles_count_everybody_who_is_connected_through_others() {
        let mut circles = ConnectedGroups::of(6);
        for (a, b) in [(0, 1), (2, 3), (1, 2), (3, 0)] {
            circles.join(a, b);
        }
        assert_eq!(circles.size(3), 4);
        assert_eq!(circles.size(5), 1);
    }
}
