//! Simulated clusters: three processes, a model of SQL and one of Redis, and all faults between
//! them, in an order that a seed decides. Every step checks the guarantees of ownership in
//! `docs/ARCHITECTURE.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use uuid::Uuid;

use super::super::node::NodeId;
use super::*;

const NODES: usize = 3;
const SPACES: u128 = 4;
const MS: u64 = 1_000_000;

/// Faults end at this time; afterwards the cluster must recover.
const FAULTS_END: u64 = 20_000 * MS;
const CALM: u64 = 18_000 * MS;

/// How long a process waits for an answer.
const ANSWER_TIMEOUT: u64 = 500 * MS;

/// Number of newest messages of a space that are checked.
const NEWEST: usize = 40;

/// Seeds that failed once.
const KEPT: [u64; 6] = [7, 10, 134, 207, 384, 856];

/// A random number generator (`SplitMix64`).
struct SimulationRng(u64);

impl SimulationRng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}

/// The owners table.
#[derive(Default)]
struct Sql {
    rows: BTreeMap<SpaceId, (Epoch, Option<Member>, Option<u64>)>,
    down_until: u64,
}

/// Content of Redis.
#[derive(Default, Clone)]
struct Contents {
    leases: BTreeMap<NodeId, (Nonce, u64)>,
    dead: BTreeSet<Nonce>,
    spaces: BTreeMap<SpaceId, SimulatedRecord>,
}

#[derive(Default, Clone)]
struct SimulatedRecord {
    epoch: Epoch,
    nonce: Option<Nonce>,
    tick: u64,
    log: Vec<u64>,
}

#[derive(Default)]
struct SimulatedRedis {
    now: Contents,
    /// Older contents that a replica may still have.
    past: VecDeque<Contents>,
    identity: u64,
    down_until: u64,
}

struct Process {
    ownership: Option<Ownership>,
    life: u64,
    paused_until: u64,
    /// Its clock: an offset and a speed in thousandths.
    offset: u64,
    speed: u64,
    running: BTreeMap<SpaceId, (Epoch, u64, Vec<u64>)>,
}

impl Process {
    fn clock(&self, now: u64) -> MonotonicTime {
        MonotonicTime(self.offset + now / 1_000 * self.speed)
    }
}

/// A request on its way to a service.
struct Call {
    node: usize,
    life: u64,
    ask: OwnershipRequest,
    me: Member,
    /// Time of sending, by the clock of the process.
    sent: MonotonicTime,
    /// Time of sending, by the clock of the world.
    began: u64,
}

enum SimulatedEvent {
    Arrive(usize, u64, Event),
    Serve(Call),
    Wake(usize, u64),
    Commit(usize, u64, SpaceId, Epoch, u64, Vec<u64>),
    Work(usize, u64),
    Trouble,
    Start(usize),
}

struct World {
    now: u64,
    chance: SimulationRng,
    sql: Sql,
    redis: SimulatedRedis,
    processes: Vec<Process>,
    agenda: BTreeMap<(u64, u64), SimulatedEvent>,
    count: u64,
    /// Messages that were acknowledged to a client.
    acknowledged: BTreeMap<SpaceId, BTreeSet<u64>>,
    next_message: u64,
    /// Highest (epoch, tick) accepted of each space.
    accepted: BTreeMap<SpaceId, (Epoch, u64)>,
    /// When each space last ran.
    run_at: BTreeMap<SpaceId, u64>,
    lost_writes: bool,
    story: String,
}

fn space(number: u128) -> SpaceId {
    SpaceId(Uuid::from_u128(number))
}

impl World {
    fn new(seed: u64, may_lose_writes: bool) -> Self {
        let mut chance = SimulationRng(seed);
        let processes = (0..NODES)
            .map(|_| Process {
                ownership: None,
                life: 0,
                paused_until: 0,
                offset: chance.below(1_000_000) * MS,
                speed: 980 + chance.below(41),
                running: BTreeMap::new(),
            })
            .collect();
        let mut world = Self {
            now: 0,
            chance,
            sql: Sql::default(),
            redis: SimulatedRedis::default(),
            processes,
            agenda: BTreeMap::new(),
            count: 0,
            acknowledged: BTreeMap::new(),
            next_message: 0,
            accepted: BTreeMap::new(),
            run_at: BTreeMap::new(),
            lost_writes: may_lose_writes,
            story: String::new(),
        };
        for node in 0..NODES {
            world.plan(0, SimulatedEvent::Start(node));
        }
        world.plan(1_000 * MS, SimulatedEvent::Trouble);
        world
    }

    fn plan(&mut self, delay: u64, happening: SimulatedEvent) {
        self.count += 1;
        self.agenda
            .insert((self.now + delay, self.count), happening);
    }

    fn tell(&mut self, line: &str) {
        let _ = writeln!(self.story, "{:>8.3} s  {line}", self.now as f64 / 1e9);
    }

    fn run(&mut self) {
        while let Some(((at, _), happening)) = self.agenda.pop_first() {
            if at > FAULTS_END + CALM {
                break;
            }
            self.now = at;
            self.happen(happening);
            self.no_two_processes_run_a_space();
        }
        self.every_requested_space_runs();
    }

    fn happen(&mut self, happening: SimulatedEvent) {
        match happening {
            SimulatedEvent::Start(node) => self.start(node),
            SimulatedEvent::Arrive(node, life, event) => self.arrive(node, life, event),
            SimulatedEvent::Wake(node, life) => self.arrive(node, life, Event::Wake),
            SimulatedEvent::Serve(call) => self.serve(call),
            SimulatedEvent::Work(node, life) => self.work(node, life),
            SimulatedEvent::Commit(node, life, space, epoch, tick, messages) => {
                self.commit(node, life, space, epoch, tick, messages);
            }
            SimulatedEvent::Trouble => self.trouble(),
        }
    }

    fn start(&mut self, node: usize) {
        let now = self.now;
        let nonce = Nonce(self.chance.next());
        let process = &mut self.processes[node];
        process.life += 1;
        process.running.clear();
        process.paused_until = 0;
        let me = Member {
            node: NodeId(format!("node-{node}")),
            nonce,
        };
        process.ownership = Some(Ownership::new(me, process.clock(now), LISTEN));
        let life = process.life;
        self.tell(&format!("node-{node} starts"));
        self.plan(0, SimulatedEvent::Wake(node, life));
        self.plan(100 * MS, SimulatedEvent::Work(node, life));
    }

    fn is_alive(&self, node: usize, life: u64) -> bool {
        let process = &self.processes[node];
        process.life == life && process.ownership.is_some()
    }

    fn arrive(&mut self, node: usize, life: u64, event: Event) {
        if !self.is_alive(node, life) {
            return;
        }
        let process = &self.processes[node];
        if process.paused_until > self.now {
            let delay = process.paused_until - self.now;
            self.plan(delay, SimulatedEvent::Arrive(node, life, event));
            return;
        }
        let clock = process.clock(self.now);
        let process = &mut self.processes[node];
        let ownership = process.ownership.as_mut().expect("it is alive");
        let actions: Vec<OwnershipAction> = ownership.handle(clock, event).collect();
        let me = ownership.me().clone();
        let wake = ownership.wake_at();
        for action in actions {
            match action {
                OwnershipAction::Ask(ask) => {
                    let delay = self.delay();
                    let call = Call {
                        node,
                        life,
                        ask,
                        me: me.clone(),
                        sent: clock,
                        began: self.now,
                    };
                    self.plan(delay, SimulatedEvent::Serve(call));
                }
                OwnershipAction::Serve(space, epoch) => {
                    self.tell(&format!(
                        "node-{node} serves {} in epoch {epoch}",
                        space.0.as_u128()
                    ));
                    let kept = self
                        .redis
                        .now
                        .spaces
                        .get(&space)
                        .cloned()
                        .unwrap_or_default();
                    self.processes[node]
                        .running
                        .insert(space, (epoch, kept.tick + 1, kept.log));
                }
                OwnershipAction::Drop(space, epoch) => {
                    self.tell(&format!(
                        "node-{node} drops {} of epoch {epoch}",
                        space.0.as_u128()
                    ));
                    self.processes[node].running.remove(&space);
                }
                OwnershipAction::Route(space, SpaceRoute::At(node)) => {
                    self.ask_to_host(space, &node.member);
                }
                OwnershipAction::ServeUntil(_) | OwnershipAction::Route(..) => {}
            }
        }
        if wake != MonotonicTime::NEVER {
            let speed = self.processes[node].speed;
            let delay = wake.0.saturating_sub(clock.0) / speed * 1_000 + MS;
            self.plan(delay, SimulatedEvent::Wake(node, life));
        }
    }

    /// A client's edge links to the process that seems to own the space. That process may not know
    /// of the space.
    fn ask_to_host(&mut self, space: SpaceId, owner: &Member) {
        let is_owner = |process: &Process| {
            process
                .ownership
                .as_ref()
                .is_some_and(|ownership| ownership.me() == owner)
        };
        if let Some(node) = self.processes.iter().position(is_owner) {
            let (delay, life) = (self.delay(), self.processes[node].life);
            self.plan(
                delay,
                SimulatedEvent::Arrive(node, life, Event::Asked(space)),
            );
        }
    }

    /// Most answers are quick; some are slow until the faults end.
    fn delay(&mut self) -> u64 {
        let is_calm = self.now > FAULTS_END;
        match self.chance.below(40) {
            _ if is_calm => MS / 10 + self.chance.below(10 * MS),
            0 => 200 * MS + self.chance.below(1_500 * MS),
            1..4 => 10 * MS + self.chance.below(200 * MS),
            _ => MS / 10 + self.chance.below(3 * MS),
        }
    }

    fn serve(&mut self, call: Call) {
        let Call {
            node,
            life,
            ask,
            me,
            sent,
            began,
        } = call;
        let (sql, redis) = (
            self.now >= self.sql.down_until,
            self.now >= self.redis.down_until,
        );
        let event = match ask {
            OwnershipRequest::Renew => Event::Renewed {
                sent,
                answer: if redis {
                    Ok(self.renew(&me))
                } else {
                    Err(Unreachable)
                },
            },
            OwnershipRequest::Prove => Event::Proven {
                by: me.nonce,
                sent,
                answer: if sql {
                    Ok(self.prove(&me))
                } else {
                    Err(Unreachable)
                },
            },
            OwnershipRequest::Look(space) => Event::Looked(
                space,
                if sql && redis {
                    Ok(self.look(space))
                } else {
                    Err(Unreachable)
                },
            ),
            OwnershipRequest::Mint { space, seen, dead } => Event::Minted {
                space,
                by: me.nonce,
                answer: if sql && redis {
                    Ok(self.mint(space, seen, dead, &me))
                } else {
                    Err(Unreachable)
                },
            },
            OwnershipRequest::Take { space, epoch } => Event::Taken(
                space,
                epoch,
                if redis {
                    Ok(self.claim(space, epoch, &me))
                } else {
                    Err(Unreachable)
                },
            ),
            OwnershipRequest::Assert { space, epoch } => {
                let answer = if redis && sql {
                    Ok(self.assert(node, space, epoch, &me))
                } else {
                    Err(Unreachable)
                };
                Event::Asserted(space, epoch, answer)
            }
            OwnershipRequest::Release { space, epoch } => return self.release(space, epoch, &me),
            OwnershipRequest::HandOver { space, epoch, to } => {
                self.release(space, epoch, &me);
                return self.ask_to_host(space, &to.member);
            }
        };
        // Sometimes an answer is lost although the work was done.
        let answered = self.now + self.delay();
        let given_up = began + ANSWER_TIMEOUT;
        let is_lost = (self.now < FAULTS_END && self.chance.once_in(100)) || answered > given_up;
        let (at, event) = if is_lost {
            (given_up, unreached(event))
        } else {
            (answered, event)
        };
        self.plan(
            at.saturating_sub(self.now),
            SimulatedEvent::Arrive(node, life, event),
        );
    }

    fn release(&mut self, space: SpaceId, epoch: Epoch, me: &Member) {
        if self.now >= self.sql.down_until
            && let Some(row) = self.sql.rows.get_mut(&space)
            && row.0 == epoch
            && row.1.as_ref() == Some(me)
        {
            row.1 = None;
        }
    }

    /// A process hands a space over, by an order or because it is busier than others.
    fn hand_over(&mut self, node: usize) {
        let Some((space, epoch)) = self.served(node).next() else {
            return;
        };
        let alive = self.alive();
        let to = alive[self.chance.below(alive.len().max(1) as u64) as usize..]
            .first()
            .cloned();
        let Some(to) = to else { return };
        self.tell(&format!(
            "node-{node} hands {} to {}",
            space.0.as_u128(),
            to.member.node
        ));
        // It stops ticking here, and its commits are under way or saved.
        self.processes[node].running.remove(&space);
        let (life, delay) = (self.processes[node].life, self.delay());
        let to = Box::new(to);
        self.plan(
            delay,
            SimulatedEvent::Arrive(node, life, Event::Left { space, epoch, to }),
        );
    }

    fn write(&mut self) -> &mut Contents {
        if self.lost_writes {
            self.redis.past.push_back(self.redis.now.clone());
            let excess = self.redis.past.len().saturating_sub(40);
            self.redis.past.drain(..excess);
        }
        &mut self.redis.now
    }

    fn renew(&mut self, me: &Member) -> Renewal {
        let now = self.now;
        let directory = self.redis.identity;
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
            .insert(me.node.clone(), (me.nonce, now + LEASE.as_nanos() as u64));
        Renewal::Held { directory }
    }

    fn alive(&self) -> Vec<Node> {
        let leases = self.redis.now.leases.iter();
        leases
            .filter(|(_, (_, until))| *until > self.now)
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

    fn look(&self, space: SpaceId) -> Looked {
        Looked {
            row: self
                .sql
                .rows
                .get(&space)
                .map(|(epoch, owner, _)| OwnerRecord {
                    epoch: *epoch,
                    owner: owner.clone(),
                }),
            alive: self.alive(),
            directory: self.redis.identity,
        }
    }

    fn prove(&mut self, me: &Member) -> Vec<(SpaceId, Epoch)> {
        let now = self.now;
        let mine = self
            .sql
            .rows
            .iter_mut()
            .filter(|(_, row)| row.1.as_ref() == Some(me));
        mine.map(|(space, row)| {
            row.2 = Some(now);
            (*space, row.0)
        })
        .collect()
    }

    fn mint(
        &mut self,
        space: SpaceId,
        seen: Epoch,
        dead: Option<Dead>,
        me: &Member,
    ) -> Option<Epoch> {
        if let Some(Dead { member, directory }) = dead {
            if directory != self.redis.identity
                || self.alive().iter().any(|node| node.member == member)
            {
                return None;
            }
            self.write().dead.insert(member.nonce);
        }
        let now = self.now;
        let row = self.sql.rows.entry(space).or_insert((0, None, None));
        let is_proven = row.2.is_some_and(|at| now < at + PROOF.as_nanos() as u64);
        if row.0 != seen || (is_proven && row.1.is_some() && row.1.as_ref() != Some(me)) {
            return None;
        }
        *row = (seen + 1, Some(me.clone()), None);
        Some(seen + 1)
    }

    fn claim(&mut self, space: SpaceId, epoch: Epoch, me: &Member) -> Taken {
        let contents = self.write();
        let kept = contents.spaces.entry(space).or_default();
        if kept.epoch >= epoch {
            return Taken::Fenced;
        }
        kept.epoch = epoch;
        kept.nonce = Some(me.nonce);
        kept.tick += 1;
        let (log, tick) = (kept.log.clone(), kept.tick);
        self.accept(space, epoch, tick);
        if !self.lost_writes {
            let missing = self.acknowledged.get(&space).is_some_and(|known| {
                known
                    .iter()
                    .rev()
                    .take(NEWEST)
                    .any(|message| !log.contains(message))
            });
            assert!(
                !missing,
                "I3: an acknowledged message is missing\n{}",
                self.story
            );
            let unique: BTreeSet<_> = log.iter().collect();
            assert_eq!(
                unique.len(),
                log.len(),
                "I3: a message is stored twice\n{}",
                self.story
            );
        }
        Taken::Ours
    }

    fn assert(&mut self, node: usize, space: SpaceId, epoch: Epoch, me: &Member) -> Taken {
        let is_mine = self
            .sql
            .rows
            .get(&space)
            .is_some_and(|row| row.0 == epoch && row.1.as_ref() == Some(me));
        if !is_mine {
            return Taken::Fenced;
        }
        let running = self.processes[node].running.get(&space).cloned();
        let kept = self.write().spaces.entry(space).or_default();
        if kept.epoch > epoch {
            return Taken::Fenced;
        }
        kept.epoch = epoch;
        kept.nonce = Some(me.nonce);
        if let Some((_, tick, log)) = running {
            kept.tick = kept.tick.max(tick);
            kept.log = log;
        }
        Taken::Ours
    }

    /// A process works on the spaces it runs: a tick, a message, a commit.
    fn work(&mut self, node: usize, life: u64) {
        if !self.is_alive(node, life) {
            return;
        }
        self.plan(150 * MS, SimulatedEvent::Work(node, life));
        let wanted = space(1 + u128::from(self.chance.below(SPACES as u64)));
        let process = &self.processes[node];
        if process.paused_until > self.now {
            return;
        }
        if !process.running.contains_key(&wanted) && self.now < FAULTS_END + CALM - 5_000 * MS {
            self.plan(0, SimulatedEvent::Arrive(node, life, Event::Wanted(wanted)));
        }
        let served: Vec<_> = self.served(node).collect();
        for (space, epoch) in served {
            self.run_at.insert(space, self.now);
            self.next_message += 1;
            let message = self.next_message;
            let delay = self.delay();
            let Some((_, tick, _)) = self.processes[node].running.get_mut(&space) else {
                continue;
            };
            *tick += 1;
            let commit = SimulatedEvent::Commit(node, life, space, epoch, *tick, vec![message]);
            self.plan(delay, commit);
        }
    }

    /// The spaces that a process runs at this moment, with their epochs.
    fn served(&self, node: usize) -> impl Iterator<Item = (SpaceId, Epoch)> + use<'_> {
        let process = &self.processes[node];
        let is_served = process.ownership.as_ref().is_some_and(|ownership| {
            process.paused_until <= self.now && process.clock(self.now) < ownership.until()
        });
        let running = process.running.iter().filter(move |_| is_served);
        running.map(|(space, (epoch, ..))| (*space, *epoch))
    }

    fn commit(
        &mut self,
        node: usize,
        life: u64,
        space: SpaceId,
        epoch: Epoch,
        tick: u64,
        messages: Vec<u64>,
    ) {
        if self.now < self.redis.down_until || !self.is_alive(node, life) {
            return;
        }
        let nonce = self.processes[node]
            .ownership
            .as_ref()
            .expect("it is alive")
            .me()
            .nonce;
        let now = self.now;
        let kept = self.write().spaces.entry(space).or_default();
        let answer = if kept.epoch > epoch || (kept.epoch == epoch && kept.nonce != Some(nonce)) {
            Some(Event::Fenced(space, epoch))
        } else if kept.epoch < epoch {
            Some(Event::Forgotten(space, epoch))
        } else if tick <= kept.tick {
            None
        } else {
            kept.tick = tick;
            kept.log.extend(&messages);
            let excess = kept.log.len().saturating_sub(2 * NEWEST);
            kept.log.drain(..excess);
            self.accept(space, epoch, tick);
            // The owner holds its committed events and acknowledges them when the answer arrives,
            // which is now.
            if let Some(running) = self.processes[node].running.get_mut(&space)
                && running.0 == epoch
            {
                running.2.extend(&messages);
                let excess = running.2.len().saturating_sub(2 * NEWEST);
                running.2.drain(..excess);
            }
            self.acknowledged.entry(space).or_default().extend(messages);
            None
        };
        let _ = now;
        if let Some(event) = answer {
            let delay = self.delay();
            self.plan(delay, SimulatedEvent::Arrive(node, life, event));
        }
    }

    fn accept(&mut self, space: SpaceId, epoch: Epoch, tick: u64) {
        let before = self
            .accepted
            .insert(space, (epoch, tick))
            .unwrap_or_default();
        if !self.lost_writes {
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

    fn trouble(&mut self) {
        if self.now >= FAULTS_END {
            return;
        }
        let pause = 200 * MS + self.chance.below(1_800 * MS);
        self.plan(pause, SimulatedEvent::Trouble);
        let node = self.chance.below(NODES as u64) as usize;
        match self.chance.below(if self.lost_writes { 6 } else { 5 }) {
            0 => {
                self.tell(&format!("node-{node} dies"));
                self.processes[node].ownership = None;
                self.processes[node].running.clear();
                let delay = 200 * MS + self.chance.below(4_000 * MS);
                self.plan(delay, SimulatedEvent::Start(node));
            }
            1 => {
                let length = self.chance.below(6_000 * MS);
                self.tell(&format!("node-{node} is paused for {} ms", length / MS));
                self.processes[node].paused_until = self.now + length;
            }
            2 => {
                let length = self.chance.below(6_000 * MS);
                self.tell(&format!("SQL is gone for {} ms", length / MS));
                self.sql.down_until = self.now + length;
            }
            3 => {
                let length = self.chance.below(6_000 * MS);
                self.tell(&format!("Redis is gone for {} ms", length / MS));
                self.redis.down_until = self.now + length;
            }
            4 => self.hand_over(node),
            _ => {
                let lost = self.chance.below(30) as usize;
                if let Some(past) = self.redis.past.iter().rev().nth(lost).cloned() {
                    self.tell(&format!("Redis fails over and loses {} writes", lost + 1));
                    self.redis.now = past;
                    self.redis.past.clear();
                    self.redis.identity += 1;
                }
            }
        }
    }

    fn no_two_processes_run_a_space(&self) {
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

    fn every_requested_space_runs(&self) {
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

fn unreached(event: Event) -> Event {
    match event {
        Event::Renewed { sent, .. } => Event::Renewed {
            sent,
            answer: Err(Unreachable),
        },
        Event::Proven { by, sent, .. } => Event::Proven {
            by,
            sent,
            answer: Err(Unreachable),
        },
        Event::Looked(space, _) => Event::Looked(space, Err(Unreachable)),
        Event::Minted { space, by, .. } => Event::Minted {
            space,
            by,
            answer: Err(Unreachable),
        },
        Event::Taken(space, epoch, _) => Event::Taken(space, epoch, Err(Unreachable)),
        Event::Asserted(space, epoch, _) => Event::Asserted(space, epoch, Err(Unreachable)),
        other => other,
    }
}

fn simulate(seed: u64, may_lose_writes: bool) {
    let failed = std::panic::catch_unwind(|| World::new(seed, may_lose_writes).run()).is_err();
    assert!(
        !failed,
        "seed {seed}, may_lose_writes {may_lose_writes}: see the story above, and keep the seed in \
        KEPT"
    );
}

/// Number of seeds, from `PLAZA_SEEDS`; `make test` sets 1,000.
fn seeds() -> impl Iterator<Item = u64> {
    let count = std::env::var("PLAZA_SEEDS")
        .ok()
        .and_then(|count| count.parse().ok());
    (0..count.unwrap_or(100)).chain(KEPT)
}

#[test]
fn no_two_processes_run_a_space_and_no_acknowledged_message_is_lost() {
    seeds().for_each(|seed| simulate(seed, false));
}

#[test]
fn no_two_processes_run_a_space_when_redis_loses_its_last_writes() {
    seeds().for_each(|seed| simulate(seed, true));
}
