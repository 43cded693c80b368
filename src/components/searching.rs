//! Searching: budget for path searches, per user and in total.

use std::collections::BTreeMap;

use super::id::UserId;

/// Tiles that may be searched for all users per second, and at once. About a tenth of a thread's
/// time.
const PER_SECOND: usize = 1 << 20;
const AT_ONCE: usize = 1 << 18;

/// Tiles that may be searched for one user at once, and per second. A user above the limit waits. A
/// long path takes some hundreds of tiles; a path that does not exist takes every reachable tile.
const USER_AT_ONCE: u32 = 65_536;
const USER_PER_SECOND: u32 = 32_768;

/// Number of known users at which users without recent searches are removed.
const SWEEP_AT: usize = 1_024;

/// Budget of path searches. All spaces of a thread share one, so that a user who is in many of them
/// gets only one share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchBudget {
    left: usize,
    /// Microseconds that passed.
    now: u64,
    users: BTreeMap<UserId, Spent>,
    /// Number of known users at which the next sweep runs.
    room: usize,
}

/// Tiles that were searched for a user. Some are forgiven as time passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Spent {
    tiles: u32,
    at: u64,
}

impl Spent {
    /// Tiles that are not forgiven yet.
    fn left(self, now: u64) -> u32 {
        let passed = now.saturating_sub(self.at);
        let forgotten = passed.saturating_mul(u64::from(USER_PER_SECOND)) / 1_000_000;
        self.tiles
            .saturating_sub(u32::try_from(forgotten).unwrap_or(u32::MAX))
    }
}

impl Default for SearchBudget {
    /// A full budget.
    fn default() -> Self {
        Self {
            left: AT_ONCE,
            now: 0,
            users: BTreeMap::new(),
            room: SWEEP_AT,
        }
    }
}

impl SearchBudget {
    /// Lets this many microseconds pass.
    pub fn pass(&mut self, micros: u64) {
        let micros_left = usize::try_from(micros).unwrap_or(usize::MAX);
        let more = micros_left.saturating_mul(PER_SECOND) / 1_000_000;
        self.left = self.left.saturating_add(more).min(AT_ONCE);
        self.now = self.now.saturating_add(micros);
    }

    /// Tiles that may be searched for all users.
    pub const fn left(&self) -> usize {
        self.left
    }

    /// Whether a search for that user may run.
    pub fn allows(&self, user: UserId) -> bool {
        let spent = self.users.get(&user);
        spent.is_none_or(|spent| spent.left(self.now) < USER_AT_ONCE)
    }

    /// Takes this many searched tiles from the budget and from the user's share.
    pub fn spend(&mut self, user: UserId, tiles: usize) {
        self.left = self.left.saturating_sub(tiles);
        if self.users.len() >= self.room {
            let now = self.now;
            self.users.retain(|_, spent| spent.left(now) > 0);
            self.room = SWEEP_AT.max(self.users.len() * 2);
        }
        let before = self
            .users
            .get(&user)
            .map_or(0, |spent| spent.left(self.now));
        let spent = Spent {
            tiles: before.saturating_add(u32::try_from(tiles).unwrap_or(u32::MAX)),
            at: self.now,
        };
        self.users.insert(user, spent);
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_user_who_searched_enough_waits_and_others_do_not() {
        let user = |number| UserId(Uuid::from_u128(number));
        let mut budget = SearchBudget::default();
        budget.spend(user(1), 65_536);
        assert!(!budget.allows(user(1)) && budget.allows(user(2)));
        budget.pass(1_000);
        assert!(budget.allows(user(1)));
        budget.spend(user(2), AT_ONCE);
        assert_eq!(budget.left(), 0);
        budget.pass(60_000_000);
        assert_eq!(budget.left(), AT_ONCE);
    }

    #[test]
    fn users_whose_searches_are_forgotten_take_no_memory() {
        let mut budget = SearchBudget::default();
        for number in 0..100_000 {
            budget.spend(UserId(Uuid::from_u128(number)), 32);
            budget.pass(1_000);
        }
        assert!(budget.users.len() <= SWEEP_AT);
    }
}
