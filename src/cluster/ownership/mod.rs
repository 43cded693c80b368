//! Ownership: which spaces this process may run, and until when.
//!
//! Plain state: what happened and the time go in, [`OwnershipAction`]s come out. Asking the
//! database, the directory and the vault is the business of `spaces`; the same state is run by
//! simulated clusters in the tests.
//!
//! SQL mints, Redis detects, everything is fenced. The epoch of a space is minted by a
//! compare-and-swap in SQL, which is touched only when the owner changes. A process keeps one lease
//! in the directory for all its spaces, and runs them no longer than a bound that ends before
//! others may see the lease as over.

#[cfg(test)]
mod simulation;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::node::{Member, Node, Nonce, rank};
use crate::components::id::SpaceId;
use crate::host::monotonic::MonotonicTime;

/// How often the lease is renewed: three tries fit into the time that one is good for.
pub const RENEW_EVERY: Duration = Duration::from_millis(500);

/// How long a lease lives on the directory's clock.
pub const LEASE: Duration = Duration::from_secs(2);

/// How long spaces are run after a renewal was sent. It was granted later than it was sent, so the
/// lease outlives this by half a second and more: room for clocks that run at different speeds, and
/// for the tick that is being run.
pub const SERVE_FOR: Duration = Duration::from_millis(1_500);

/// How often a space that is wanted and has no owner is looked at again.
pub const LOOK_EVERY: Duration = Duration::from_millis(250);

/// The next in line waits that long for the one before, so that a dead process's spaces are not
/// grabbed for by everybody at once.
pub const RANK_DELAY: Duration = Duration::from_millis(100);

/// After the directory became another one (a failover, a restart) leases may be missing that stand:
/// nothing is taken over.
pub const HOLD: Duration = Duration::from_secs(5);

/// A process that starts does not know whether the directory became another one just before:
/// whoever could not renew by then does not run its spaces either.
pub const LISTEN: Duration = SERVE_FOR;

/// Without the directory the right to run spaces is proven in SQL when so much of the old proof is
/// left.
const PROVE_BEFORE: Duration = Duration::from_millis(750);

/// In SQL a proof stands that long before somebody else may take the space.
pub const PROOF: Duration = Duration::from_secs(2);

/// Above this share of the median load, in percent, a process lets others take what nobody owns
/// yet.
const BUSY_PERCENT: u64 = 125;

/// Loads below this differ by chance: 2 % of a core.
const BUSY_FLOOR: u64 = 20_000_000;

/// Of which epoch a space is run.
pub type Epoch = u64;

/// What is asked of SQL, the directory and the vault; each answer comes back as an [`Event`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnershipRequest {
    /// Renew the lease of this process: [`Event::Renewed`].
    Renew,
    /// Prove in SQL which spaces are still this process's: [`Event::Proven`].
    Prove,
    /// Who owns a space, and who lives: [`Event::Looked`].
    Look(SpaceId),
    /// Become the owner if nothing changed since that epoch was seen: [`Event::Minted`].
    Mint {
        /// Of what.
        space: SpaceId,
        /// The epoch that was seen, 0 for none.
        seen: Epoch,
        /// The owner whose lease seems to be over. It must be declared dead in the directory first,
        /// which refuses when the lease stands after all, and refuses every later renewal of that
        /// life: from then on nobody can be late.
        dead: Option<Dead>,
    },
    /// Claim in the directory, load from the vault, and seal what was loaded under the new epoch:
    /// [`Event::Taken`].
    Take {
        /// What.
        space: SpaceId,
        /// The new epoch.
        epoch: Epoch,
    },
    /// Claim in the directory again under the same epoch, and write everything anew:
    /// [`Event::Asserted`].
    Assert {
        /// What.
        space: SpaceId,
        /// The epoch of old.
        epoch: Epoch,
    },
    /// Give up the ownership. Nobody waits for the answer.
    Release {
        /// Of what.
        space: SpaceId,
        /// Of which epoch.
        epoch: Epoch,
    },
    /// The same, and let another process take it at once.
    HandOver {
        /// What.
        space: SpaceId,
        /// Of which epoch.
        epoch: Epoch,
        /// Who takes it.
        to: Box<Node>,
    },
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnershipAction {
    /// Ask for something.
    Ask(OwnershipRequest),
    /// Spaces are run until then, not longer.
    ServeUntil(MonotonicTime),
    /// Tick the space that was taken.
    Serve(SpaceId, Epoch),
    /// Tick it no more, and keep nothing of it: somebody else owns it.
    Drop(SpaceId, Epoch),
    /// Tell those who wanted the space where it is.
    Route(SpaceId, SpaceRoute),
}

/// Where a wanted space is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SpaceRoute {
    /// In this process.
    Here(Epoch),
    /// Another process runs it, or is to be asked to.
    At(Box<Node>),
    /// Nowhere: it cannot be taken now.
    Unavailable,
}

/// A row of ownership: who took the space last. Kept for ever, or an epoch could come twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnerRecord {
    /// The highest epoch so far.
    pub epoch: Epoch,
    /// Who owns it; nobody after it was released.
    pub owner: Option<Member>,
}

/// A process whose lease seems to be over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dead {
    /// Which, in which life.
    pub member: Member,
    /// The directory that seemed to say so: another one may have forgotten the lease.
    pub directory: u64,
}

/// What a look at a space showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looked {
    /// The row, if anybody ever owned it.
    pub row: Option<OwnerRecord>,
    /// Every process whose lease stands.
    pub alive: Vec<Node>,
    /// The identity of the directory that said so.
    pub directory: u64,
}

/// How a renewal went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewal {
    /// The lease stands, in the directory of that identity.
    Held {
        /// Another one after a failover or a restart.
        directory: u64,
    },
    /// There is only this process: its lease stands for ever.
    Forever,
    /// This life was declared dead, or another process lives under the same name.
    Dead,
}

/// How taking or asserting went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It is ours.
    Ours,
    /// Somebody has a higher epoch.
    Fenced,
    /// There is no such space any more, or what was kept of it cannot be used.
    Impossible,
}

/// A service did not answer in time, or refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unreachable;

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Time passed.
    Wake,
    /// Somebody here needs the space to be run, here or elsewhere.
    Wanted(SpaceId),
    /// Another process asks this one to run the space.
    Asked(SpaceId),
    /// Nobody needs it any more; its last checkpoint is kept.
    Ended(SpaceId, Epoch),
    /// It is ticked no more, so that another process can take it; its last checkpoint is kept.
    Left {
        /// What.
        space: SpaceId,
        /// Of which epoch.
        epoch: Epoch,
        /// Who takes it.
        to: Box<Node>,
    },
    /// The vault refused what this process wrote for a space: somebody has a higher epoch.
    Fenced(SpaceId, Epoch),
    /// The vault does not know that this process owns the space: it lost its last writes.
    Forgotten(SpaceId, Epoch),
    /// The lease was renewed, or not.
    Renewed {
        /// When it was asked for.
        sent: MonotonicTime,
        /// What came back.
        answer: Result<Renewal, Unreachable>,
    },
    /// The spaces that SQL says are still this process's.
    Proven {
        /// Which life asked.
        by: Nonce,
        /// When it was asked for.
        sent: MonotonicTime,
        /// What came back.
        answer: Result<Vec<(SpaceId, Epoch)>, Unreachable>,
    },
    /// A look at a space.
    Looked(SpaceId, Result<Looked, Unreachable>),
    /// The new epoch, or `None` when somebody was faster.
    Minted {
        /// Of what.
        space: SpaceId,
        /// Which life asked.
        by: Nonce,
        /// What came back.
        answer: Result<Option<Epoch>, Unreachable>,
    },
    /// A space was taken, or not.
    Taken(SpaceId, Epoch, Result<Taken, Unreachable>),
    /// A space was asserted, or not.
    Asserted(SpaceId, Epoch, Result<Taken, Unreachable>),
}

/// A space on its way to an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OwnerLookup {
    /// An answer is awaited, after a wait in line perhaps.
    Asking {
        /// Whether others had their turn.
        was_in_line: bool,
    },
    /// To be looked at when the time comes.
    Waiting(MonotonicTime),
    /// Nobody owns it: taken then, if that is still so.
    InLine(MonotonicTime),
}

/// What a process owns and wants.
#[derive(Debug)]
pub struct Ownership {
    me: Member,
    /// Spaces are run until then.
    until: MonotonicTime,
    /// As far as the lease alone allows it: only then are spaces taken.
    leased_until: MonotonicTime,
    renew_at: MonotonicTime,
    is_renewing: bool,
    prove_at: MonotonicTime,
    is_proving: bool,
    directory: Option<u64>,
    /// Nothing is taken over before.
    hold_until: MonotonicTime,
    owned: BTreeMap<SpaceId, OwnedSpace>,
    /// Minted by this life, and being loaded.
    taking: BTreeMap<SpaceId, Epoch>,
    /// Owned by SQL, not yet by the directory since it became another one.
    unasserted: BTreeMap<SpaceId, MonotonicTime>,
    wanted: BTreeMap<SpaceId, WantedSpace>,
    is_draining: bool,
    chance: u64,
    actions: VecDeque<OwnershipAction>,
}

/// A space that is owned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct OwnedSpace {
    epoch: Epoch,
    /// When its loading ended; it was minted before.
    since: MonotonicTime,
}

#[derive(Debug, Clone, Copy)]
struct WantedSpace {
    search: OwnerLookup,
    /// Whether this process is to run it, whatever its load.
    here: bool,
}

impl Ownership {
    /// A process that owns nothing yet. It takes nothing over before it has listened for a while.
    pub fn new(me: Member, now: MonotonicTime, listen: Duration) -> Self {
        Self {
            chance: me.nonce.0,
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

    /// Takes no more spaces, or does again.
    pub const fn drain(&mut self, is_draining: bool) {
        self.is_draining = is_draining;
    }

    /// The epoch in which this process owns a space.
    pub fn epoch_of(&self, space: SpaceId) -> Option<Epoch> {
        self.owned.get(&space).map(|held| held.epoch)
    }

    /// Until when spaces are run.
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

    /// Takes note of what happened, and answers what to do.
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

    /// Asked even when somebody else owns it meanwhile: those who follow it wait for the answer.
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
                // The right lapsed: a directory that lost its last writes may not remember what
                // happened meanwhile. SQL does.
                if now > self.until && !self.owned.is_empty() {
                    self.prove_at = now;
                } else {
                    self.search_on(now);
                    self.serve_until(sent + SERVE_FOR);
                }
            }
            Ok(Renewal::Dead) => self.live_again(now),
            Err(Unreachable) => {}
        }
    }

    /// This life is over: whatever it owned is somebody else's. The process goes on in a new one.
    fn live_again(&mut self, now: MonotonicTime) {
        for (space, held) in self.owned.clone() {
            self.lose(space, held.epoch);
        }
        for (space, _) in std::mem::take(&mut self.taking) {
            self.search(space, OwnerLookup::Waiting(now + LOOK_EVERY));
        }
        self.me.nonce = self.me.nonce.again(self.next_chance());
        self.until = MonotonicTime::default();
        self.leased_until = MonotonicTime::default();
        self.renew_at = now;
    }

    /// Whoever waits for the right to run spaces need not wait longer.
    fn search_on(&mut self, now: MonotonicTime) {
        if now > self.until {
            for wanted in self.wanted.values_mut() {
                if let OwnerLookup::Waiting(at) = &mut wanted.search {
                    *at = now;
                }
            }
        }
    }

    /// The directory answered: when it is another one than before, leases and claims may be missing
    /// in it.
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
            // While SQL stands in for the directory, as often as the directory is asked otherwise.
            self.prove_at = self.prove_at.min(sent + RENEW_EVERY);
        } else {
            // Taken since it was asked, so it says nothing about them.
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
            // Not run here any more, whatever the row says: a new life of the space begins.
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

    /// Nobody owns the space: it is run where the client is, unless that is much busier than
    /// others.
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

    /// The less busy of two others by chance, when this process is too busy or drains.
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
        let picks = [self.next_chance(), self.next_chance()]
            .map(|chance| others[chance as usize % others.len()]);
        let pick = picks.into_iter().min_by_key(|node| node.load)?;
        (self.is_draining || pick.load < own).then(|| pick.clone())
    }

    /// `SplitMix64` (Steele, Lea and Flood, 2014), begun with this life's nonce: the same events
    /// bring about the same.
    fn next_chance(&mut self) -> u64 {
        self.chance = self.chance.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.chance;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Only somebody whose own lease stands may become an owner: a proof in SQL speaks of what was
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
                self.search(space, OwnerLookup::Waiting(now + LOOK_EVERY))
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
                    // That goes back to a proof from before this space was minted.
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
                self.search(space, OwnerLookup::Waiting(now + LOOK_EVERY))
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

    /// This process in its present life.
    pub const fn me(&self) -> &Member {
        &self.me
    }
}
