//! Faults: processes die and pause, services are gone, answers are slow or lost, Redis fails over.

use super::*;

impl World {
    /// Most answers are quick; some are slow until the faults end.
    pub(super) fn delay(&mut self) -> u64 {
        let is_calm = self.now > FAULTS_END;
        match self.chance.below(40) {
            _ if is_calm => MS / 10 + self.chance.below(10 * MS),
            0 => 200 * MS + self.chance.below(1_500 * MS),
            1..4 => 10 * MS + self.chance.below(200 * MS),
            _ => MS / 10 + self.chance.below(3 * MS),
        }
    }

    pub(super) fn trouble(&mut self) {
        if self.now >= FAULTS_END {
            return;
        }
        let pause = 200 * MS + self.chance.below(1_800 * MS);
        self.plan(pause, SimulatedEvent::Trouble);
        let node = self.chance.index(NODES);
        match self.chance.below(if self.may_lose_writes { 6 } else { 5 }) {
            0 => {
                self.tell(&format!("node-{node} dies"));
                self.process(node).ownership = None;
                self.process(node).running.clear();
                let delay = 200 * MS + self.chance.below(4_000 * MS);
                self.plan(delay, SimulatedEvent::Start(node));
            }
            1 => {
                let length = self.chance.below(6_000 * MS);
                self.tell(&format!("node-{node} is paused for {} ms", length / MS));
                self.process(node).paused_until = self.now + length;
            }
            2 => {
                let length = self.chance.below(6_000 * MS);
                self.tell(&format!("SQL is gone for {} ms", length / MS));
                self.services.sql_down_until = self.now + length;
            }
            3 => {
                let length = self.chance.below(6_000 * MS);
                self.tell(&format!("Redis is gone for {} ms", length / MS));
                self.services.redis_down_until = self.now + length;
            }
            4 => self.hand_over(node),
            _ => {
                let lost = 1 + self.chance.index(30);
                if self.services.fail_over(lost) {
                    self.tell(&format!("Redis fails over and loses {lost} writes"));
                }
            }
        }
    }

    /// A process hands a space over, by an order or because it is busier than others.
    pub(super) fn hand_over(&mut self, node: usize) {
        let Some((space, epoch)) = self.served(node).next() else {
            return;
        };
        let alive = self.services.alive(self.now);
        let Some(to) = alive.get(self.chance.index(alive.len().max(1))).cloned() else {
            return;
        };
        self.tell(&format!(
            "node-{node} hands {} to {}",
            space.0.as_u128(),
            to.member.node
        ));
        // It stops ticking here, and its commits are under way or saved.
        self.process(node).running.remove(&space);
        let (life, delay) = (self.process(node).life, self.delay());
        let to = Box::new(to);
        self.plan(
            delay,
            SimulatedEvent::Arrive(node, life, Event::Left { space, epoch, to }),
        );
    }
}

/// What a process learns when no answer comes.
pub(super) fn unreached(event: Event) -> Event {
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
