//! Lookup: where a requested space runs; this process becomes its owner if it has none, or a dead
//! one.

use super::messages::{
    Dead, Epoch, Looked, OwnershipAction, OwnershipRequest, SpaceRoute, Taken, Unreachable,
};
use super::{
    BUSY_FLOOR, BUSY_PERCENT, LOOK_EVERY, OwnedSpace, OwnerLookup, Ownership, RANK_DELAY,
    WantedSpace,
};
use crate::cluster::node::{Node, Nonce, rank};
use crate::components::id::SpaceId;
use crate::host::monotonic::MonotonicTime;

impl Ownership {
    pub(super) fn looked(
        &mut self,
        now: MonotonicTime,
        space: SpaceId,
        answer: Result<Looked, Unreachable>,
    ) {
        let Some(wanted) = self.wanted.get(&space).copied() else {
            return;
        };
        let Ok(Looked {
            row,
            alive,
            directory,
        }) = answer
        else {
            self.answer(space, SpaceRoute::Unavailable);
            return;
        };
        self.meet(directory, now);
        let seen = row.as_ref().map_or(0, |row| row.epoch);
        let Some(owner) = row.and_then(|row| row.owner) else {
            self.first_touch(now, space, seen, wanted, &alive);
            return;
        };
        if owner == self.me {
            // This process stopped running it, although the row still names it: a new epoch is
            // minted.
            self.mint(now, space, seen, None);
            return;
        }
        if let Some(node) = alive.iter().find(|node| node.member == owner) {
            self.answer(space, SpaceRoute::At(Box::new(node.clone())));
            return;
        }
        if now < self.hold_until {
            self.search(space, OwnerLookup::Waiting(now + LOOK_EVERY));
            return;
        }
        let before = rank(&alive, &self.me.node, space.0.as_u128());
        if before == 0 || wanted.search == (OwnerLookup::Asking { was_in_line: true }) {
            let member = owner;
            self.mint(now, space, seen, Some(Dead { member, directory }));
        } else {
            let delay = RANK_DELAY.saturating_mul(u32::try_from(before).unwrap_or(u32::MAX));
            self.search(space, OwnerLookup::InLine(now + delay));
        }
    }

    /// A space without an owner runs here, unless this process is much busier than others.
    fn first_touch(
        &mut self,
        now: MonotonicTime,
        space: SpaceId,
        seen: Epoch,
        wanted: WantedSpace,
        alive: &[Node],
    ) {
        let elsewhere = if wanted.here {
            None
        } else {
            self.less_busy(alive)
        };
        match elsewhere {
            Some(node) => self.answer(space, SpaceRoute::At(Box::new(node))),
            None if self.is_draining && wanted.here => self.answer(space, SpaceRoute::Unavailable),
            None => self.mint(now, space, seen, None),
        }
    }

    /// The less busy of two random other processes, when this process is too busy or drains.
    fn less_busy(&mut self, alive: &[Node]) -> Option<Node> {
        let mut loads: Vec<u64> = alive.iter().map(|node| node.load).collect();
        loads.sort_unstable();
        let median = loads.get(loads.len() / 2).copied().unwrap_or(0);
        let own = alive
            .iter()
            .find(|node| node.member == self.me)
            .map_or(0, |node| node.load);
        let is_busy = own > BUSY_FLOOR && own * 100 > median * BUSY_PERCENT;
        if !is_busy && !self.is_draining {
            return None;
        }
        let others: Vec<&Node> = alive
            .iter()
            .filter(|node| node.member != self.me && !node.is_draining)
            .collect();
        let picks = [self.random.pick(&others)?, self.random.pick(&others)?];
        let pick = picks.into_iter().min_by_key(|node| node.load)?;
        (self.is_draining || pick.load < own).then(|| Node::clone(pick))
    }

    /// Only a process with a valid lease may become an owner: a proof in SQL covers only spaces
    /// owned before it.
    fn mint(&mut self, now: MonotonicTime, space: SpaceId, seen: Epoch, dead: Option<Dead>) {
        if now < self.leased_until {
            self.ask(OwnershipRequest::Mint { space, seen, dead });
        } else {
            self.search(space, OwnerLookup::Waiting(now + LOOK_EVERY));
        }
    }

    pub(super) fn minted(
        &mut self,
        now: MonotonicTime,
        space: SpaceId,
        by: Nonce,
        answer: Result<Option<Epoch>, Unreachable>,
    ) {
        match answer {
            Ok(Some(_)) if by != self.me.nonce => {
                self.search(space, OwnerLookup::Waiting(now + LOOK_EVERY));
            }
            Ok(Some(epoch)) => {
                self.taking.insert(space, epoch);
                self.ask(OwnershipRequest::Take { space, epoch });
            }
            Ok(None) => self.search(space, OwnerLookup::Waiting(now + LOOK_EVERY)),
            Err(Unreachable) => self.answer(space, SpaceRoute::Unavailable),
        }
    }

    pub(super) fn taken(
        &mut self,
        now: MonotonicTime,
        space: SpaceId,
        epoch: Epoch,
        answer: Result<Taken, Unreachable>,
    ) {
        if self.taking.get(&space) != Some(&epoch) {
            return;
        }
        self.taking.remove(&space);
        match answer {
            Ok(Taken::Ours) => {
                self.owned.insert(space, OwnedSpace { epoch, since: now });
                if self.until > self.leased_until {
                    // The deadline was extended by a proof from before this space was minted.
                    self.until = self.leased_until;
                    self.actions
                        .push_back(OwnershipAction::ServeUntil(self.until));
                    self.prove_at = now;
                } else {
                    self.serve_until(self.until);
                }
                self.actions.push_back(OwnershipAction::Serve(space, epoch));
                self.answer(space, SpaceRoute::Here(epoch));
            }
            Ok(Taken::Fenced) | Err(Unreachable) => {
                self.search(space, OwnerLookup::Waiting(now + LOOK_EVERY));
            }
            Ok(Taken::Impossible) => {
                self.ask(OwnershipRequest::Release { space, epoch });
                self.answer(space, SpaceRoute::Unavailable);
            }
        }
    }
}
