//! Mind: decides what a bot does next, for any protocol.

use rand::rngs::SmallRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

use super::Behaviour;

/// One second, in microseconds.
pub(super) const SECOND: u64 = 1_000_000;

/// The most bots in a group.
const GROUP: usize = 6;

/// How far a bot of a crowd walks from its arrival point, in tiles.
const STRAY: i32 = 6;

/// Phases of a party: going apart, meeting, standing together.
const APART: u64 = 4 * SECOND;
const MEETING: u64 = 6 * SECOND;
const PARTY: u64 = APART + MEETING + 8 * SECOND;

/// Time between two messages of a bot that chats.
const TALK: u64 = 8 * SECOND;
const PARTY_TALK: u64 = 4 * SECOND;

/// What a bot is to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BotGoal {
    /// To do nothing.
    Rest,
    /// A step in a direction, numbered as in the binary protocol.
    Step(u8),
    /// To walk up to another bot and stay there.
    Join(u32),
}

/// The decisions of one bot.
pub(super) struct Mind {
    pub(super) random: SmallRng,
    behaviour: Behaviour,
    bot: u32,
    /// All bots of its space.
    members: Vec<u32>,
    seed: u64,
    direction: u8,
    steps_left: u32,
    home: Option<(i32, i32)>,
    /// The number of the current party, and the bot that leads this one's group there.
    party: Option<(u64, u32)>,
    next_talk: u64,
}

impl Mind {
    pub(super) fn new(behaviour: Behaviour, bot: u32, members: &[u32], seed: u64) -> Self {
        let mut random = SmallRng::seed_from_u64(seed.wrapping_add(u64::from(bot)));
        // A random start, so that bots do not all talk at once.
        let next_talk = random.random_range(0..TALK);
        Self {
            random,
            behaviour,
            bot,
            members: members.to_vec(),
            seed,
            direction: 0,
            steps_left: 0,
            home: None,
            party: None,
            next_talk,
        }
    }

    /// Decides what to do now, on that tile.
    pub(super) fn next_goal(&mut self, now: u64, tile: (i32, i32)) -> BotGoal {
        match self.behaviour {
            Behaviour::Idle => BotGoal::Rest,
            Behaviour::Wander | Behaviour::Crowd | Behaviour::Chat => self.wander(tile),
            Behaviour::Party if now % PARTY < APART => self.wander(tile),
            Behaviour::Party => match self.leader(now / PARTY) {
                leader if leader == self.bot => BotGoal::Rest,
                leader => BotGoal::Join(leader),
            },
        }
    }

    /// The direction is blocked; the next step takes another one.
    pub(super) const fn turn_away(&mut self) {
        self.steps_left = 0;
    }

    /// Whether to send a message now.
    pub(super) fn talks(&mut self, now: u64) -> bool {
        let (every, may) = match self.behaviour {
            Behaviour::Chat => (TALK, true),
            Behaviour::Party => (PARTY_TALK, now % PARTY >= APART + MEETING),
            Behaviour::Idle | Behaviour::Wander | Behaviour::Crowd => return false,
        };
        if now < self.next_talk || !may {
            return false;
        }
        // Late messages are caught up with, at twice the usual rate at most.
        self.next_talk = (self.next_talk + every).max(now + every / 2);
        true
    }

    fn wander(&mut self, tile: (i32, i32)) -> BotGoal {
        if self.steps_left == 0 {
            self.direction = self.turn(tile);
            self.steps_left = self.random.random_range(5..30);
        }
        self.steps_left -= 1;
        BotGoal::Step(self.direction)
    }

    /// A random direction; in a crowd, towards home when too far from it.
    fn turn(&mut self, tile: (i32, i32)) -> u8 {
        let home = *self.home.get_or_insert(tile);
        let (dx, dy) = (home.0 - tile.0, home.1 - tile.1);
        let strays = self.behaviour == Behaviour::Crowd && dx.abs().max(dy.abs()) > STRAY;
        match (strays, dx.abs() > dy.abs()) {
            (false, _) => self.random.random_range(1..=8),
            (true, true) if dx > 0 => 3,
            (true, true) => 7,
            (true, false) if dy > 0 => 5,
            (true, false) => 1,
        }
    }

    /// The leader of this bot's group at that party. Groups change with each party, and all bots
    /// compute the same ones.
    fn leader(&mut self, party: u64) -> u32 {
        if let Some((known, leader)) = self.party
            && known == party
        {
            return leader;
        }
        let mut order = self.members.clone();
        order.shuffle(&mut SmallRng::seed_from_u64(
            self.seed ^ party.wrapping_mul(0x9e37_79b9),
        ));
        let at = order.iter().position(|bot| *bot == self.bot).unwrap_or(0);
        let leader = order.get(at / GROUP * GROUP).copied().unwrap_or(self.bot);
        self.party = Some((party, leader));
        leader
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_party_has_groups_of_six_that_agree_and_change() {
        let members: Vec<u32> = (0..20).collect();
        let mut minds: Vec<Mind> = members
            .iter()
            .map(|bot| Mind::new(Behaviour::Party, *bot, &members, 7))
            .collect();
        let mut groups = |party: u64| {
            let mut groups: BTreeMap<u32, usize> = BTreeMap::new();
            for mind in &mut minds {
                match mind.next_goal(party * PARTY + APART, (0, 0)) {
                    BotGoal::Join(leader) => *groups.entry(leader).or_default() += 1,
                    BotGoal::Rest => *groups.entry(mind.bot).or_default() += 1,
                    BotGoal::Step(_) => panic!("a bot walks about while groups meet"),
                }
            }
            groups
        };
        let (first, second) = (groups(0), groups(1));
        let mut sizes: Vec<usize> = first.values().copied().collect();
        sizes.sort_unstable();
        assert_eq!(sizes, [2, 6, 6, 6]);
        assert_ne!(first, second);
        assert!(matches!(
            minds[0].next_goal(PARTY, (0, 0)),
            BotGoal::Step(1..=8)
        ));
    }

    #[test]
    fn a_crowd_returns_home() {
        let mut mind = Mind::new(Behaviour::Crowd, 0, &[0], 1);
        mind.next_goal(0, (20, 20));
        for (tile, way) in [((30, 20), 7), ((10, 20), 3), ((20, 30), 1), ((20, 10), 5)] {
            mind.turn_away();
            assert_eq!(mind.next_goal(0, tile), BotGoal::Step(way));
        }
    }

    #[test]
    fn chatters_talk_at_their_own_rate() {
        let mut mind = Mind::new(Behaviour::Chat, 0, &[0], 1);
        let said = (0..64).filter(|second| mind.talks(second * SECOND)).count();
        assert_eq!(said, 8);
        assert!(!Mind::new(Behaviour::Wander, 0, &[0], 1).talks(60 * SECOND));
    }
}
