//! Lease: until when this process may run its spaces, by its lease in the directory or by a proof
//! in SQL.

use super::messages::{Epoch, OwnershipAction, Renewal, Unreachable};
use super::{HOLD, LOOK_EVERY, OwnerLookup, Ownership, PROVE_BEFORE, RENEW_EVERY, SERVE_FOR};
use crate::cluster::node::Nonce;
use crate::components::id::SpaceId;
use crate::host::monotonic::MonotonicTime;

impl Ownership {
    pub(super) fn serve_until(&mut self, until: MonotonicTime) {
        if until > self.until {
            self.until = until;
            self.actions.push_back(OwnershipAction::ServeUntil(until));
        }
        self.prove_at = if self.owned.is_empty() {
            MonotonicTime::NEVER
        } else {
            self.until - PROVE_BEFORE
        };
    }

    pub(super) fn renewed(
        &mut self,
        now: MonotonicTime,
        sent: MonotonicTime,
        answer: Result<Renewal, Unreachable>,
    ) {
        self.is_renewing = false;
        match answer {
            Ok(Renewal::Forever) => {
                self.renew_at = MonotonicTime::NEVER;
                self.search_on(now);
                self.leased_until = MonotonicTime::NEVER;
                self.serve_until(MonotonicTime::NEVER);
            }
            Ok(Renewal::Held { directory }) => {
                self.meet(directory, now);
                self.leased_until = sent + SERVE_FOR;
                // The deadline passed: a directory that lost its last writes may not know of
                // changes since. SQL does.
                if now > self.until && !self.owned.is_empty() {
                    self.prove_at = now;
                } else {
                    self.search_on(now);
                    self.serve_until(sent + SERVE_FOR);
                }
            }
            Ok(Renewal::Dead) => self.start_again(now),
            Err(Unreachable) => {}
        }
    }

    /// This incarnation is dead, and its spaces belong to other processes. Continues as a new one.
    fn start_again(&mut self, now: MonotonicTime) {
        for (space, held) in self.owned.clone() {
            self.lose(space, held.epoch);
        }
        for (space, _) in std::mem::take(&mut self.taking) {
            self.search(space, OwnerLookup::Waiting(now + LOOK_EVERY));
        }
        self.me.nonce = self.me.nonce.again(self.random.next());
        self.until = MonotonicTime::default();
        self.leased_until = MonotonicTime::default();
        self.renew_at = now;
    }

    /// Looks up at once all spaces that waited for the lease.
    fn search_on(&mut self, now: MonotonicTime) {
        if now > self.until {
            for wanted in self.wanted.values_mut() {
                if let OwnerLookup::Waiting(at) = &mut wanted.search {
                    *at = now;
                }
            }
        }
    }

    /// Called with the identity of the directory: a replaced one may lack leases and claims.
    pub(super) fn meet(&mut self, directory: u64, now: MonotonicTime) {
        if let Some(before) = self.directory.replace(directory)
            && before != directory
        {
            self.hold_until = now + HOLD;
            for space in self.owned.keys() {
                self.unasserted.entry(*space).or_insert(now);
            }
        }
    }

    pub(super) fn proven(
        &mut self,
        now: MonotonicTime,
        by: Nonce,
        sent: MonotonicTime,
        answer: Result<Vec<(SpaceId, Epoch)>, Unreachable>,
    ) {
        self.is_proving = false;
        if by != self.me.nonce {
            return;
        }
        let Ok(proven) = answer else {
            self.prove_at = now + RENEW_EVERY;
            return;
        };
        let unproven = self
            .owned
            .iter()
            .filter(|(space, held)| !proven.contains(&(**space, held.epoch)));
        let (lost, young): (Vec<_>, Vec<_>) = unproven
            .map(|(space, held)| (*space, *held))
            .partition(|(_, held)| held.since <= sent);
        for (space, held) in lost {
            self.lose(space, held.epoch);
        }
        if young.is_empty() {
            self.serve_until(sent + SERVE_FOR);
            // While SQL replaces the directory, it is asked as often as the directory.
            self.prove_at = self.prove_at.min(sent + RENEW_EVERY);
        } else {
            // Spaces taken since the proof was requested are not in it.
            self.prove_at = now;
        }
    }
}
