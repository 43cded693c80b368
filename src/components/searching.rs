//! Searching: how much may be looked at in searches for ways, for each user and in all.

use std::collections::BTreeMap;

use super::id::UserId;

/// Tiles that are looked at for all users a second, and at once: about a tenth of a thread's time.
const PER_SECOND: usize = 1 << 20;
const AT_ONCE: usize = 1 << 18;

/// Tiles that are looked at for one user at once, and a second. Who asks for more waits; a long way
/// takes some hundreds, one that does not exist everything within reach.
const USER_AT_ONCE: u32 = 65_536;
const USER_PER_SECOND: u32 = 32_768;

/// Users that are known before it is looked for those whose searches are forgotten.
const SWEEP_AT: usize = 1_024;

/// What searches may take. All spaces of a thread share one: who is in many of them takes no more
/// than others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchBudget {
    left: usize,
    /// Microseconds that passed.
    now: u64,
    users: BTreeMap<UserId, Spent>,
    /// How many users there may be before the next look.
    room: usize,
}

/// Tiles that were looked at for a user, of which some are forgotten as time passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Spent {
    tiles: u32,
    at: u64,
}

impl Spent {
    /// How many are not forgotten.
    fn left(self, now: u64) -> u32 {
        let passed = now.saturating_sub(self.at);
        let forgotten = passed.saturating_mul(u64::from(USER_PER_SECOND)) / 1_000_000;
        self.tiles
            .saturating_sub(u32::try_from(forgotten).unwrap_or(u32::MAX))
    }
}

impl Default for SearchBudget {
    /// Nothing was searched for.
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
    /// So many microseconds passed.
    pub fn pass(&mut self, micros: u64) {
        let more = (micros as usize).saturating_mul(PER_SECOND) / 1_000_000;
        self.left = self.left.saturating_add(more).min(AT_ONCE);
        self.now = self.now.saturating_add(micros);
    }

    /// Tiles that may be looked at for all.
    pub const fn left(&self) -> usize {
        self.left
    }

    /// Whether there may be a search for that user.
    pub fn allows(&self, user: UserId) -> bool {
        let spent = self.users.get(&user);
        spent.is_none_or(|spent| spent.left(self.now) < USER_AT_ONCE)
    }

    /// So many tiles were looked at for a user.
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
