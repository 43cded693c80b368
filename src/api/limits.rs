//! Limits: sign-ups per address and messages per user. Limits for wrong passwords are in `guesses`.

use std::collections::HashSet;
use std::num::NonZeroU32;
use std::sync::Arc;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use parking_lot::Mutex;

use super::address::Address;
use super::error::ApiError;
use crate::components::id::UserId;
use crate::net::address::AddressKey;
use crate::net::budget::{Budget, Budgets, Who};

/// Number of entries at which the table of addresses is cleaned.
const CLEAN_AT: usize = 10_000;

/// Attempts by address.
pub struct AuthLimits {
    limiter: Option<DefaultKeyedRateLimiter<AddressKey>>,
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
            limiter: quota.map(RateLimiter::keyed),
        }
    }

    /// Counts an attempt.
    pub fn attempt(&self, address: Address, budgets: &Budgets) -> Result<(), ApiError> {
        let (Some(limiter), Some(address)) = (&self.limiter, address.key()) else {
            return Ok(());
        };
        if limiter.len() > CLEAN_AT {
            limiter.retain_recent();
        }
        limiter.check_key(&address).map_err(|until| {
            budgets.note(Who::Address(address), Budget::SignIns);
            let wait = until.wait_time_from(DefaultClock::default().now());
            ApiError::TooMany(wait.as_secs() + 1)
        })
    }
}

/// Rate limit of direct messages: ten in ten seconds per user, as for chat in a space.
pub struct WriteLimits(DefaultKeyedRateLimiter<UserId>);

impl Default for WriteLimits {
    fn default() -> Self {
        let burst = NonZeroU32::MIN.saturating_add(9);
        Self(RateLimiter::keyed(
            Quota::per_second(NonZeroU32::MIN).allow_burst(burst),
        ))
    }
}

impl WriteLimits {
    /// Counts a message.
    pub fn write(&self, user: UserId, budgets: &Budgets) -> Result<(), ApiError> {
        if self.0.len() > CLEAN_AT {
            self.0.retain_recent();
        }
        self.0.check_key(&user).map_err(|until| {
            budgets.note(Who::User(user), Budget::Directs);
            let wait = until.wait_time_from(DefaultClock::default().now());
            ApiError::TooMany(wait.as_secs() + 1)
        })
    }
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
