//! Invariants: the guarantees of ownership, checked at every step of a simulated cluster.

use super::model::NEWEST;
use super::*;

impl World {
    pub(super) fn claim(&mut self, space: SpaceId, epoch: Epoch, me: &Member) -> Taken {
        let Some(kept) = self.services.claim(space, epoch, me) else {
            return Taken::Fenced;
        };
        self.accept(space, epoch, kept.tick);
        if !self.may_lose_writes {
            let missing = self.acknowledged.get(&space).is_some_and(|known| {
                known
                    .iter()
                    .rev()
                    .take(NEWEST)
                    .any(|message| !kept.log.contains(message))
            });
            assert!(
                !missing,
                "I3: an acknowledged message is missing\n{}",
                self.story
            );
            let unique: BTreeSet<_> = kept.log.iter().collect();
            assert_eq!(
                unique.len(),
                kept.log.len(),
                "I3: a message is stored twice\n{}",
                self.story
            );
        }
        Taken::Ours
    }

    pub(super) fn accept(&mut self, space: SpaceId, epoch: Epoch, tick: u64) {
        let before = self
            .accepted
            .insert(space, (epoch, tick))
            .unwrap_or_default();
        if !self.may_lose_writes {
            assert!(
                before <= (epoch, tick),
                "I1: {before:?} before {:?}\n{}",
                (epoch, tick),
                self.story
            );
        }
        assert!(
            before.0 <= epoch,
            "I1: epoch {} before {epoch}\n{}",
            before.0,
            self.story
        );
    }

    pub(super) fn no_two_processes_run_a_space(&self) {
        let mut seen = BTreeMap::new();
        for node in 0..NODES {
            for (space, epoch) in self.served(node) {
                if let Some(other) = seen.insert(space, (node, epoch)) {
                    panic!(
                        "I2: at {:.3} s {other:?} and {:?} serve {space}\n{}",
                        self.now as f64 / 1e9,
                        (node, epoch),
                        self.story
                    );
                }
            }
        }
    }

    pub(super) fn every_requested_space_runs(&self) {
        // A slow answer may let the deadline pass for a moment even without faults.
        let lately = FAULTS_END + CALM - 3_000 * MS;
        let served = self.run_at.values().filter(|at| **at > lately).count();
        assert_eq!(
            served, SPACES as usize,
            "I6: a requested space does not run\n{}",
            self.story
        );
    }
}
