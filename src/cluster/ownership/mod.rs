//! Ownership: which spaces this process may run, and until when.
//!
//! A state machine: events and the time go in, [`OwnershipAction`]s come out. Requests to the
//! database, the directory and the vault are sent by `spaces`; the tests run the same state machine
//! in simulated clusters.
//!
//! SQL mints epochs, Redis detects dead processes, and every write is fenced. The epoch of a space
//! is minted by a compare-and-swap in SQL, which is touched only when the owner changes. A process
//! keeps one lease in the directory for all its spaces, and runs them only until a deadline that
//! lies before the time at which others may see the lease as expired.

#[cfg(test)]
mod simulation;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::node::{Member, Node, Nonce, rank};
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

/// Number of an ownership of a space; rises with each owner.
pub type Epoch = u64;

/// A request to SQL, the directory or the vault; each answer comes back as an [`Event`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnershipRequest {
    /// Renew the lease of this process: [`Event::Renewed`].
    Renew,
    /// Prove in SQL which spaces this process still owns: [`Event::Proven`].
    Prove,
    /// Look up the owner of a space and the live processes: [`Event::Looked`].
    Look(SpaceId),
    /// Become the owner if the epoch is still `seen`: [`Event::Minted`].
    Mint {
        /// Space to own.
        space: SpaceId,
        /// Epoch that was seen; 0 for none.
        seen: Epoch,
        /// Previous owner, whose lease seems to have expired. It must first be declared dead in the
        /// directory, which refuses when the lease is valid after all, and which refuses every
        /// later renewal of that incarnation, so that no late renewal can succeed.
        dead: Option<Dead>,
    },
    /// Claim in the directory, load from the vault, and save the loaded state under the new epoch:
    /// [`Event::Taken`].
    Take {
        /// Space to take.
        space: SpaceId,
        /// The new epoch.
        epoch: Epoch,
    },
    /// Claim in the directory again under the same epoch, and write the whole state again:
    /// [`Event::Asserted`].
    Assert {
        /// Space to assert.
        space: SpaceId,
        /// Its current epoch.
        epoch: Epoch,
    },
    /// Release the ownership. There is no answer.
    Release {
        /// Space to release.
        space: SpaceId,
        /// Its epoch.
        epoch: Epoch,
    },
    /// Release the ownership, and ask another process to take the space at once.
    HandOver {
        /// Space to hand over.
        space: SpaceId,
        /// Its epoch.
        epoch: Epoch,
        /// Process that takes it.
        to: Box<Node>,
    },
}

/// An action for the driver to carry out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnershipAction {
    /// Send a request.
    Ask(OwnershipRequest),
    /// Run spaces until this time, not longer.
    ServeUntil(MonotonicTime),
    /// Start to tick the space that was taken.
    Serve(SpaceId, Epoch),
    /// Stop ticking the space and save nothing of it: another process owns it.
    Drop(SpaceId, Epoch),
    /// Answer those who requested the space.
    Route(SpaceId, SpaceRoute),
}

/// Where a requested space runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SpaceRoute {
    /// In this process, with this epoch.
    Here(Epoch),
    /// In another process, or in one that is to be asked to run it.
    At(Box<Node>),
    /// Nowhere: it cannot be taken now.
    Unavailable,
}

/// Row of the owners table. Rows are never deleted, or an epoch could be used twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnerRecord {
    /// Highest epoch so far.
    pub epoch: Epoch,
    /// Owner; `None` after it was released.
    pub owner: Option<Member>,
}

/// A process whose lease seems to have expired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dead {
    /// The process and its incarnation.
    pub member: Member,
    /// Identity of the directory that was asked: another one may have lost the lease.
    pub directory: u64,
}

/// Result of looking up a space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looked {
    /// Row of the owners table, if the space ever had an owner.
    pub row: Option<OwnerRecord>,
    /// Processes whose lease is valid.
    pub alive: Vec<Node>,
    /// Identity of the directory that was asked.
    pub directory: u64,
}

/// Result of a renewal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewal {
    /// The lease is valid.
    Held {
        /// Identity of the directory; changes after a failover or a restart.
        directory: u64,
    },
    /// There is only this process: its lease never expires.
    Forever,
    /// This incarnation was declared dead, or another process runs under the same name.
    Dead,
}

/// Result of taking or asserting a space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// This process owns it.
    Ours,
    /// Another process has a higher epoch.
    Fenced,
    /// The space was deleted, or its saved state cannot be used.
    Impossible,
}

/// A service refused or did not answer in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unreachable;

/// Input of the state machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Time passed.
    Wake,
    /// The space is requested here; it may run here or elsewhere.
    Wanted(SpaceId),
    /// Another process asks this one to run the space.
    Asked(SpaceId),
    /// The space ended because it is not needed; its last checkpoint is saved.
    Ended(SpaceId, Epoch),
    /// The space stopped ticking for a handover; its last checkpoint is saved.
    Left {
        /// Space that was left.
        space: SpaceId,
        /// Its epoch.
        epoch: Epoch,
        /// Process that takes it.
        to: Box<Node>,
    },
    /// The vault refused a write to a space: another process has a higher epoch.
    Fenced(SpaceId, Epoch),
    /// The vault has no claim of this process on the space: it lost its last writes.
    Forgotten(SpaceId, Epoch),
    /// Answer to [`OwnershipRequest::Renew`].
    Renewed {
        /// When the request was sent.
        sent: MonotonicTime,
        /// The answer.
        answer: Result<Renewal, Unreachable>,
    },
    /// Answer to [`OwnershipRequest::Prove`].
    Proven {
        /// Incarnation that asked.
        by: Nonce,
        /// When the request was sent.
        sent: MonotonicTime,
        /// The spaces owned according to SQL.
        answer: Result<Vec<(SpaceId, Epoch)>, Unreachable>,
    },
    /// Answer to [`OwnershipRequest::Look`].
    Looked(SpaceId, Result<Looked, Unreachable>),
    /// Answer to [`OwnershipRequest::Mint`].
    Minted {
        /// The space.
        space: SpaceId,
        /// Incarnation that asked.
        by: Nonce,
        /// The new epoch; `None` when another process was faster.
        answer: Result<Option<Epoch>, Unreachable>,
    },
    /// Answer to [`OwnershipRequest::Take`].
    Taken(SpaceId, Epoch, Result<Taken, Unreachable>),
    /// Answer to [`OwnershipRequest::Assert`].
    Asserted(SpaceId, Epoch, Result<Taken, Unreachable>),
}

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
    random_state: u64,
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
            random_state: me.nonce.0,
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

    fn serve_until(&mut self, until: MonotonicTime) {
        if until > self.until {
            self.until = until;
            self.actions.push_back(OwnershipAction::ServeUntil(until));
        }
        let proof = MonotonicTime(self.until.0.saturating_sub(PROVE_BEFORE.as_nanos() as u64));
        self.prove_at = if self.owned.is_empty() {
            MonotonicTime::NEVER
        } else {
            proof
        };
    }

    fn renewed(
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
        self.me.nonce = self.me.nonce.again(self.next_random());
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
    fn meet(&mut self, directory: u64, now: MonotonicTime) {
        if let Some(before) = self.directory.replace(directory)
            && before != directory
        {
            self.hold_until = now + HOLD;
            for space in self.owned.keys() {
                self.unasserted.entry(*space).or_insert(now);
            }
        }
    }

    fn proven(
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

    fn looked(&mut self, now: MonotonicTime, space: SpaceId, answer: Result<Looked, Unreachable>) {
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
        let before = rank(&alive, &self.me.node, space.0.as_u128()) as u32;
        if before == 0 || wanted.search == (OwnerLookup::Asking { was_in_line: true }) {
            let member = owner;
            self.mint(now, space, seen, Some(Dead { member, directory }));
        } else {
            self.search(space, OwnerLookup::InLine(now + RANK_DELAY * before));
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
        if others.is_empty() {
            return None;
        }
        let picks = [self.next_random(), self.next_random()]
            .map(|random_state| others[random_state as usize % others.len()]);
        let pick = picks.into_iter().min_by_key(|node| node.load)?;
        (self.is_draining || pick.load < own).then(|| pick.clone())
    }

    /// `SplitMix64` (Steele, Lea and Flood, 2014), seeded with the nonce: the same events lead to
    /// the same actions.
    fn next_random(&mut self) -> u64 {
        self.random_state = self.random_state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random_state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
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

    fn minted(
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

    fn taken(
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
