//! Model: SQL and Redis of a simulated cluster. Either can be gone for a while, and Redis can fail
//! over to a replica that lacks its last writes.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use crate::cluster::node::{Member, Node, NodeId, Nonce};
use crate::cluster::ownership::{Dead, Epoch, LEASE, Looked, OwnerRecord, PROOF, Renewal, Taken};
use crate::cluster::record::Committed;
use crate::components::id::SpaceId;

/// Number of newest messages of a space that are checked.
pub(super) const NEWEST: usize = 40;

/// Number of older contents that a replica may have.
const REPLICATED: usize = 40;

/// Row of the owners table.
#[derive(Default)]
struct SimulatedOwner {
    epoch: Epoch,
    owner: Option<Member>,
    proven: Option<u64>,
}

impl SimulatedOwner {
    fn is_of(&self, epoch: Epoch, me: &Member) -> bool {
        self.epoch == epoch && self.owner.as_ref() == Some(me)
    }
}

/// Content of Redis.
#[derive(Default, Clone)]
struct Contents {
    leases: BTreeMap<NodeId, (Nonce, u64)>,
    dead: BTreeSet<Nonce>,
    spaces: BTreeMap<SpaceId, SimulatedRecord>,
}

/// The saved state of a space.
#[derive(Default, Clone)]
pub(super) struct SimulatedRecord {
    epoch: Epoch,
    nonce: Option<Nonce>,
    pub(super) tick: u64,
    pub(super) log: Vec<u64>,
}

/// SQL and Redis. Times are nanoseconds of the world's clock.
pub(super) struct Services {
    rows: BTreeMap<SpaceId, SimulatedOwner>,
    contents: Contents,
    /// Older contents that a replica may still have.
    past: VecDeque<Contents>,
    may_lose_writes: bool,
    /// Identity of the Redis.
    directory: u64,
    /// Until when SQL does not answer.
    pub(super) sql_down_until: u64,
    /// Until when Redis does not answer.
    pub(super) redis_down_until: u64,
}

impl Services {
    pub(super) fn new(may_lose_writes: bool) -> Self {
        Self {
            rows: BTreeMap::new(),
            contents: Contents::default(),
            past: VecDeque::new(),
            may_lose_writes,
            directory: 0,
            sql_down_until: 0,
            redis_down_until: 0,
        }
    }

    fn write(&mut self) -> &mut Contents {
        if self.may_lose_writes {
            self.past.push_back(self.contents.clone());
            let excess = self.past.len().saturating_sub(REPLICATED);
            self.past.drain(..excess);
        }
        &mut self.contents
    }

    /// Redis fails over and loses that many writes; false when it had fewer.
    pub(super) fn fail_over(&mut self, lost: usize) -> bool {
        let Some(past) = self.past.iter().nth_back(lost.saturating_sub(1)).cloned() else {
            return false;
        };
        self.contents = past;
        self.past.clear();
        self.directory += 1;
        true
    }

    pub(super) fn renew(&mut self, now: u64, me: &Member) -> Renewal {
        let directory = self.directory;
        let contents = self.write();
        let is_other = contents
            .leases
            .get(&me.node)
            .is_some_and(|(nonce, until)| *nonce != me.nonce && *until > now);
        if contents.dead.contains(&me.nonce) || is_other {
            return Renewal::Dead;
        }
        contents
            .leases
            .insert(me.node.clone(), (me.nonce, now + nanos(LEASE)));
        Renewal::Held { directory }
    }

    pub(super) fn alive(&self, now: u64) -> Vec<Node> {
        let leases = self.contents.leases.iter();
        leases
            .filter(|(_, (_, until))| *until > now)
            .map(|(node, (nonce, _))| Node {
                member: Member {
                    node: node.clone(),
                    nonce: *nonce,
                },
                link: String::new(),
                public_url: None,
                load: 0,
                is_draining: false,
            })
            .collect()
    }

    pub(super) fn look(&self, now: u64, space: SpaceId) -> Looked {
        Looked {
            row: self.rows.get(&space).map(|row| OwnerRecord {
                epoch: row.epoch,
                owner: row.owner.clone(),
            }),
            alive: self.alive(now),
            directory: self.directory,
        }
    }

    pub(super) fn prove(&mut self, now: u64, me: &Member) -> Vec<(SpaceId, Epoch)> {
        let rows = self.rows.iter_mut();
        let mine = rows.filter(|(_, row)| row.owner.as_ref() == Some(me));
        mine.map(|(space, row)| {
            row.proven = Some(now);
            (*space, row.epoch)
        })
        .collect()
    }

    pub(super) fn mint(
        &mut self,
        now: u64,
        space: SpaceId,
        seen: Epoch,
        dead: Option<Dead>,
        me: &Member,
    ) -> Option<Epoch> {
        if let Some(Dead { member, directory }) = dead {
            let is_alive = self.alive(now).iter().any(|node| node.member == member);
            if directory != self.directory || is_alive {
                return None;
            }
            self.write().dead.insert(member.nonce);
        }
        let row = self.rows.entry(space).or_default();
        let is_proven = row.proven.is_some_and(|at| now < at + nanos(PROOF));
        let is_of_another = row.owner.as_ref().is_some_and(|owner| owner != me);
        if row.epoch != seen || (is_proven && is_of_another) {
            return None;
        }
        *row = SimulatedOwner {
            epoch: seen + 1,
            owner: Some(me.clone()),
            proven: None,
        };
        Some(row.epoch)
    }

    pub(super) fn release(&mut self, space: SpaceId, epoch: Epoch, me: &Member) {
        if let Some(row) = self.rows.get_mut(&space)
            && row.is_of(epoch, me)
        {
            row.owner = None;
        }
    }

    /// Claims a space and saves its state as it was loaded; `None` if the claim is fenced out.
    pub(super) fn claim(
        &mut self,
        space: SpaceId,
        epoch: Epoch,
        me: &Member,
    ) -> Option<SimulatedRecord> {
        let kept = self.write().spaces.entry(space).or_default();
        if kept.epoch >= epoch {
            return None;
        }
        kept.epoch = epoch;
        kept.nonce = Some(me.nonce);
        kept.tick += 1;
        Some(kept.clone())
    }

    /// Claims a space again, with the tick and the messages of its owner if it runs.
    pub(super) fn assert(
        &mut self,
        space: SpaceId,
        epoch: Epoch,
        me: &Member,
        running: Option<(u64, Vec<u64>)>,
    ) -> Taken {
        let is_mine = self
            .rows
            .get(&space)
            .is_some_and(|row| row.is_of(epoch, me));
        if !is_mine {
            return Taken::Fenced;
        }
        let kept = self.write().spaces.entry(space).or_default();
        if kept.epoch > epoch {
            return Taken::Fenced;
        }
        kept.epoch = epoch;
        kept.nonce = Some(me.nonce);
        if let Some((tick, log)) = running {
            kept.tick = kept.tick.max(tick);
            kept.log = log;
        }
        Taken::Ours
    }

    /// Adds messages to the log of a space; `None` if a later tick is stored.
    pub(super) fn commit(
        &mut self,
        space: SpaceId,
        epoch: Epoch,
        nonce: Nonce,
        tick: u64,
        messages: &[u64],
    ) -> Option<Committed> {
        let kept = self.write().spaces.entry(space).or_default();
        if kept.epoch > epoch || (kept.epoch == epoch && kept.nonce != Some(nonce)) {
            return Some(Committed::Fenced);
        }
        if kept.epoch < epoch {
            return Some(Committed::Forgotten);
        }
        if tick <= kept.tick {
            return None;
        }
        kept.tick = tick;
        append(&mut kept.log, messages);
        Some(Committed::Kept)
    }

    /// The saved state of a space.
    pub(super) fn saved(&self, space: SpaceId) -> SimulatedRecord {
        let spaces = &self.contents.spaces;
        spaces.get(&space).cloned().unwrap_or_default()
    }
}

/// Appends messages; the oldest of many are forgotten.
pub(super) fn append(log: &mut Vec<u64>, messages: &[u64]) {
    log.extend(messages);
    let excess = log.len().saturating_sub(2 * NEWEST);
    log.drain(..excess);
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).expect("times here are short")
}
