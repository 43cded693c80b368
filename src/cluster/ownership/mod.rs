//! Ownership: which spaces this process may run, and until when.
//!
//! A state machine: events and the time go in, [`OwnershipAction`]s come out. Requests to the
//! database, the directory and the vault are sent by `takeover`; the tests run the same state
//! machine in simulated clusters. `lease` decides until when spaces run here, `lookup` which
//! process runs a requested space.
//!
//! SQL mints epochs, Redis detects dead processes, and every write is fenced. The epoch of a space
//! is minted by a compare-and-swap in SQL, which is touched only when the owner changes. A process
//! keeps one lease in the directory for all its spaces, and runs them only until a deadline that
//! lies before the time at which others may see the lease as expired.

mod lease;
mod lookup;
mod messages;
mod random;
#[cfg(test)]
mod simulation;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

pub use self::messages::{
    Dead, Epoch, Event, Looked, OwnerRecord, OwnershipAction, OwnershipRequest, Renewal,
    SpaceRoute, Taken, Unreachable,
};
use self::random::SplitMix64;
use super::node::{Member, Node};
use crate::components::id::SpaceId;
use crate::host::monotonic::MonotonicTime;

/// Interval of lease renewals: three tries fit into the time for which one is valid.
pub const RENEW_EVERY: Duration = Duration::from_millis(500);

/// Lifetime of a lease, on the directory's clock.
pub const LEASE: Duration = Duration::from_secs(2);

/// How long spaces run after a renewal was sent. It is granted later than it is sent, so the lease
/// outlives this by at least half a second: a margin for clocks of different speeds and for the
/// tick that is running.
pub const SERVE_FOR: Duration = Duration::from_millis(1_500);

/// How often a requested space without an owner is looked up again.
pub const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Delay per rank before a process takes over a dead process's spaces, so that not all processes
/// try at once.
pub const RANK_DELAY: Duration = Duration::from_millis(100);

/// Hold after the directory was replaced (a failover, a restart), during which nothing is taken
/// over: valid leases may be missing in it.
pub const HOLD: Duration = Duration::from_secs(5);

/// Hold after the start of a process. The directory may have been replaced just before; a process
/// that could not renew within this time no longer runs its spaces.
pub const LISTEN: Duration = SERVE_FOR;

/// Without the directory, ownership is proven in SQL again when this much of the previous proof is
/// left.
const PROVE_BEFORE: Duration = Duration::from_millis(750);

/// How long a proof in SQL is valid; no other process may take the space before.
pub const PROOF: Duration = Duration::from_secs(2);

/// Above this share of the median load, in percent, a process leaves spaces without an owner to
/// others.
const BUSY_PERCENT: u64 = 125;

/// Differences of load below this are noise: 2 % of a core.
const BUSY_FLOOR: u64 = 20_000_000;

/// State of a lookup of a requested space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OwnerLookup {
    /// The answer to a request is awaited.
    Asking {
        /// Whether processes of a better rank had their turn.
        was_in_line: bool,
    },
    /// The next lookup is due at this time.
    Waiting(MonotonicTime),
    /// The space has no owner: at this time it is looked up again, and taken if that is still so.
    InLine(MonotonicTime),
}

/// The spaces that a process owns and requests.
#[derive(Debug)]
pub struct Ownership {
    me: Member,
    /// Spaces run until this time.
    until: MonotonicTime,
    /// Deadline by the lease alone, without proofs in SQL; spaces are taken only before it.
    leased_until: MonotonicTime,
    renew_at: MonotonicTime,
    is_renewing: bool,
    prove_at: MonotonicTime,
    is_proving: bool,
    directory: Option<u64>,
    /// No takeover before this time.
    hold_until: MonotonicTime,
    owned: BTreeMap<SpaceId, OwnedSpace>,
    /// Minted by this incarnation, and being loaded.
    taking: BTreeMap<SpaceId, Epoch>,
    /// Owned according to SQL, but not yet claimed in the directory since it was replaced.
    unasserted: BTreeMap<SpaceId, MonotonicTime>,
    wanted: BTreeMap<SpaceId, WantedSpace>,
    is_draining: bool,
    random: SplitMix64,
    actions: VecDeque<OwnershipAction>,
}

/// An owned space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct OwnedSpace {
    epoch: Epoch,
    /// When its loading ended; it was minted earlier.
    since: MonotonicTime,
}

#[derive(Debug, Clone, Copy)]
struct WantedSpace {
    search: OwnerLookup,
    /// Whether this process has to run it, whichever load it has.
    here: bool,
}

impl Ownership {
    /// A process that owns no space. It takes over nothing until `listen` has passed.
    pub fn new(me: Member, now: MonotonicTime, listen: Duration) -> Self {
        Self {
            random: SplitMix64(me.nonce.0),
            me,
            until: MonotonicTime::default(),
            leased_until: MonotonicTime::default(),
            renew_at: now,
            is_renewing: false,
            prove_at: MonotonicTime::NEVER,
            is_proving: false,
            directory: None,
            hold_until: now + listen,
            owned: BTreeMap::new(),
            taking: BTreeMap::new(),
            unasserted: BTreeMap::new(),
            wanted: BTreeMap::new(),
            is_draining: false,
            actions: VecDeque::new(),
        }
    }

    /// Starts or stops draining: a draining process takes no new spaces.
    pub const fn drain(&mut self, is_draining: bool) {
        self.is_draining = is_draining;
    }

    /// The epoch in which this process owns a space.
    pub fn epoch_of(&self, space: SpaceId) -> Option<Epoch> {
        self.owned.get(&space).map(|held| held.epoch)
    }

    /// Deadline of running spaces.
    pub const fn until(&self) -> MonotonicTime {
        self.until
    }

    /// When [`Event::Wake`] is due.
    pub fn wake_at(&self) -> MonotonicTime {
        let searches = self.wanted.values().map(|wanted| match wanted.search {
            OwnerLookup::Asking { .. } => MonotonicTime::NEVER,
            OwnerLookup::Waiting(at) | OwnerLookup::InLine(at) => at,
        });
        let renewal = if self.is_renewing {
            MonotonicTime::NEVER
        } else {
            self.renew_at
        };
        let proof = if self.is_proving {
            MonotonicTime::NEVER
        } else {
            self.prove_at
        };
        searches
            .chain(self.unasserted.values().copied())
            .chain([renewal, proof])
            .min()
            .unwrap_or(MonotonicTime::NEVER)
    }

    /// Handles an event; returns the actions to carry out.
    pub fn handle(
        &mut self,
        now: MonotonicTime,
        event: Event,
    ) -> impl Iterator<Item = OwnershipAction> + use<'_> {
        match event {
            Event::Wake => {}
            Event::Wanted(space) => self.want(space, false),
            Event::Asked(space) => self.want(space, true),
            Event::Ended(space, epoch) => self.end(space, epoch),
            Event::Left { space, epoch, to } => self.leave(space, epoch, to),
            Event::Fenced(space, epoch) => self.lose(space, epoch),
            Event::Forgotten(space, epoch) => self.assert_later(space, epoch, now),
            Event::Renewed { sent, answer } => self.renewed(now, sent, answer),
            Event::Proven { by, sent, answer } => self.proven(now, by, sent, answer),
            Event::Looked(space, answer) => self.looked(now, space, answer),
            Event::Minted { space, by, answer } => self.minted(now, space, by, answer),
            Event::Taken(space, epoch, answer) => self.taken(now, space, epoch, answer),
            Event::Asserted(space, epoch, answer) => self.asserted(now, space, epoch, answer),
        }
        self.do_what_is_due(now);
        self.actions.drain(..)
    }

    fn do_what_is_due(&mut self, now: MonotonicTime) {
        if !self.is_renewing && now >= self.renew_at {
            self.is_renewing = true;
            self.renew_at = now + RENEW_EVERY;
            self.ask(OwnershipRequest::Renew);
        }
        if !self.is_proving && now >= self.prove_at {
            self.is_proving = true;
            self.ask(OwnershipRequest::Prove);
        }
        let due: Vec<(SpaceId, OwnerLookup)> = self
            .wanted
            .iter()
            .filter(|(_, wanted)| match wanted.search {
                OwnerLookup::Asking { .. } => false,
                OwnerLookup::Waiting(at) | OwnerLookup::InLine(at) => now >= at,
            })
            .map(|(space, wanted)| (*space, wanted.search))
            .collect();
        for (space, search) in due {
            let was_in_line = matches!(search, OwnerLookup::InLine(_));
            self.search(space, OwnerLookup::Asking { was_in_line });
            self.ask(OwnershipRequest::Look(space));
        }
        let due: Vec<SpaceId> = self
            .unasserted
            .iter()
            .filter(|(_, at)| now >= **at)
            .map(|(space, _)| *space)
            .collect();
        for space in due {
            if let Some(epoch) = self.epoch_of(space) {
                self.unasserted.insert(space, now + RENEW_EVERY * 4);
                self.ask(OwnershipRequest::Assert { space, epoch });
            } else {
                self.unasserted.remove(&space);
            }
        }
    }

    fn ask(&mut self, ask: OwnershipRequest) {
        self.actions.push_back(OwnershipAction::Ask(ask));
    }

    fn search(&mut self, space: SpaceId, search: OwnerLookup) {
        if let Some(wanted) = self.wanted.get_mut(&space) {
            wanted.search = search;
        }
    }

    fn want(&mut self, space: SpaceId, here: bool) {
        if let Some(epoch) = self.epoch_of(space) {
            self.actions
                .push_back(OwnershipAction::Route(space, SpaceRoute::Here(epoch)));
            return;
        }
        let wanted = self.wanted.entry(space).or_insert(WantedSpace {
            search: OwnerLookup::Waiting(MonotonicTime::default()),
            here,
        });
        wanted.here |= here;
    }

    fn answer(&mut self, space: SpaceId, route: SpaceRoute) {
        if self.wanted.remove(&space).is_some() {
            self.actions.push_back(OwnershipAction::Route(space, route));
        }
    }

    fn end(&mut self, space: SpaceId, epoch: Epoch) {
        if self.epoch_of(space) == Some(epoch) {
            self.owned.remove(&space);
            self.unasserted.remove(&space);
            self.ask(OwnershipRequest::Release { space, epoch });
        }
    }

    /// Requested even when the space has another owner by now: its followers wait for the answer.
    fn leave(&mut self, space: SpaceId, epoch: Epoch, to: Box<Node>) {
        if self.epoch_of(space) == Some(epoch) {
            self.owned.remove(&space);
            self.unasserted.remove(&space);
        }
        self.ask(OwnershipRequest::HandOver { space, epoch, to });
    }

    fn lose(&mut self, space: SpaceId, epoch: Epoch) {
        if self.epoch_of(space) == Some(epoch) {
            self.owned.remove(&space);
            self.unasserted.remove(&space);
            self.actions.push_back(OwnershipAction::Drop(space, epoch));
        }
    }

    fn assert_later(&mut self, space: SpaceId, epoch: Epoch, now: MonotonicTime) {
        if self.epoch_of(space) == Some(epoch) {
            self.unasserted.entry(space).or_insert(now);
        }
    }

    fn asserted(
        &mut self,
        now: MonotonicTime,
        space: SpaceId,
        epoch: Epoch,
        answer: Result<Taken, Unreachable>,
    ) {
        if self.epoch_of(space) != Some(epoch) {
            return;
        }
        match answer {
            Ok(Taken::Ours) => drop(self.unasserted.remove(&space)),
            Ok(Taken::Fenced | Taken::Impossible) => self.lose(space, epoch),
            Err(Unreachable) => drop(self.unasserted.insert(space, now + RENEW_EVERY)),
        }
    }

    /// This process in its current incarnation.
    pub const fn me(&self) -> &Member {
        &self.me
    }
}
