//! Limits: sign-ups per address and messages per user. Limits for wrong passwords are in `guesses`.

use std::collections::HashSet;
use std::num::NonZeroU32;
use std::sync::Arc;

use governor::Quota;
use parking_lot::Mutex;

use super::address::Address;
use super::error::ApiError;
use crate::components::id::UserId;
use crate::net::budget::{Buckets, Budget, Budgets, Who};

/// Attempts by address.
pub struct AuthLimits {
    buckets: Option<Buckets>,
}

impl AuthLimits {
    /// Limits an address to `per_minute` attempts a minute, with bursts of twice as many; 0 for no
    /// limit.
    pub fn new(per_minute: u32) -> Self {
        let quota = NonZeroU32::new(per_minute).map(|rate| {
            Quota::per_minute(rate)
                .allow_burst(rate.saturating_mul(NonZeroU32::MIN.saturating_add(1)))
        });
        Self {
            buckets: quota.map(Buckets::new),
        }
    }

    /// Counts an attempt.
    pub fn attempt(&self, address: Address, budgets: &Budgets) -> Result<(), ApiError> {
        let (Some(buckets), Some(address)) = (&self.buckets, address.key()) else {
            return Ok(());
        };
        take(buckets, Who::Address(address), Budget::SignIns, budgets)
    }
}

/// New guests by network.
pub struct GuestLimits {
    buckets: Option<Buckets>,
}

impl GuestLimits {
    /// Limits a network to `per_hour` new guests an hour, all of which may come at once; 0 for no
    /// limit.
    pub fn new(per_hour: u32) -> Self {
        let quota = NonZeroU32::new(per_hour).map(Quota::per_hour);
        Self {
            buckets: quota.map(Buckets::new),
        }
    }

    /// Counts a new guest.
    pub fn attempt(&self, address: Address, budgets: &Budgets) -> Result<(), ApiError> {
        let (Some(buckets), Some(address)) = (&self.buckets, address.key()) else {
            return Ok(());
        };
        take(buckets, Who::Address(address), Budget::SignIns, budgets)
    }
}

/// Rate limit of what a user writes to others; by default of direct messages: ten in ten seconds
/// per user, as for chat in a space.
pub struct WriteLimits {
    buckets: Buckets,
    budget: Budget,
}

impl Default for WriteLimits {
    fn default() -> Self {
        Self::of(Quota::per_second(NonZeroU32::MIN), Budget::Directs)
    }
}

impl WriteLimits {
    /// Rate limit of reports: one a minute per user, ten at once.
    pub fn of_reports() -> Self {
        Self::of(Quota::per_minute(NonZeroU32::MIN), Budget::Edits)
    }

    fn of(quota: Quota, budget: Budget) -> Self {
        let burst = NonZeroU32::MIN.saturating_add(9);
        Self {
            buckets: Buckets::new(quota.allow_burst(burst)),
            budget,
        }
    }

    /// Counts a message.
    pub fn write(&self, user: UserId, budgets: &Budgets) -> Result<(), ApiError> {
        take(&self.buckets, Who::User(user), self.budget, budgets)
    }
}

fn take(buckets: &Buckets, who: Who, what: Budget, budgets: &Budgets) -> Result<(), ApiError> {
    buckets.take(who, NonZeroU32::MIN).map_err(|slowed| {
        budgets.note(who, what);
        slowed.into()
    })
}

/// Allows one slow request per user at a time.
#[derive(Clone, Default)]
pub struct OneAtATime(Arc<Mutex<HashSet<UserId>>>);

/// The user's slow request is running until this is dropped.
pub struct UserTurn {
    user: UserId,
    all: OneAtATime,
}

impl OneAtATime {
    /// Begins a slow request; refused while another one of the same user runs.
    pub fn begin(&self, user: UserId) -> Result<UserTurn, ApiError> {
        if self.0.lock().insert(user) {
            Ok(UserTurn {
                user,
                all: self.clone(),
            })
        } else {
            Err(ApiError::TooMany(1))
        }
    }
}

impl Drop for UserTurn {
    fn drop(&mut self) {
        self.all.0.lock().remove(&self.user);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::budget::BudgetSettings;

    #[test]
    fn a_burst_is_allowed_and_more_is_refused() {
        let limits = AuthLimits::new(3);
        let budgets = Budgets::new(&BudgetSettings::default());
        let here = Address("10.0.0.1".parse().ok());
        let there = Address("10.0.0.2".parse().ok());
        for _ in 0..6 {
            limits.attempt(here, &budgets).unwrap();
        }
        assert!(matches!(
            limits.attempt(here, &budgets),
            Err(ApiError::TooMany(1..=60))
        ));
        limits.attempt(there, &budgets).unwrap();
    }

    #[test]
    fn a_flood_from_many_networks_is_not_looked_through_at_each_attempt() {
        let limits = AuthLimits::new(3);
        let budgets = Budgets::new(&BudgetSettings::NONE);
        let attempts = 250_000_u128;
        for number in 0..attempts {
            let network = std::net::Ipv6Addr::from(number << 64 | 0x2001 << 112);
            let _ = limits.attempt(Address(Some(network.into())), &budgets);
        }
        let known = limits.buckets.unwrap().count();
        assert!((100_000..240_000).contains(&known), "{known}");
    }

    #[test]
    fn a_user_has_one_turn_and_others_do_not_wait() {
        let all = OneAtATime::default();
        let (ada, bob) = (
            UserId(uuid::Uuid::from_u128(1)),
            UserId(uuid::Uuid::from_u128(2)),
        );
        let turn = all.begin(ada).unwrap();
        assert!(matches!(all.begin(ada), Err(ApiError::TooMany(1))));
        let _other = all.begin(bob).unwrap();
        drop(turn);
        let _again = all.begin(ada).unwrap();
    }
}
