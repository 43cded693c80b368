//! Limits: how often one address may try to sign up or in, and one person write to others.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use parking_lot::Mutex;

use super::error::ApiError;
use super::extract::{Address, Caller};
use crate::components::id::UserId;

/// The table of addresses is cleaned when it has grown this large.
const CLEAN_AT: usize = 10_000;

/// Attempts by address.
pub struct AuthLimits {
    limiter: Option<DefaultKeyedRateLimiter<IpAddr>>,
}

impl AuthLimits {
    /// So many a minute, bursts of twice as many; 0 for no limit.
    pub fn new(per_minute: u32) -> Self {
        let quota = NonZeroU32::new(per_minute)
            .map(|rate| Quota::per_minute(rate).allow_burst(rate.saturating_mul(NonZeroU32::MIN.saturating_add(1))));
        Self {
            limiter: quota.map(RateLimiter::keyed),
        }
    }

    /// Counts an attempt.
    pub fn attempt(&self, Address(address): Address) -> Result<(), ApiError> {
        let (Some(limiter), Some(address)) = (&self.limiter, address) else {
            return Ok(());
        };
        if limiter.len() > CLEAN_AT {
            limiter.retain_recent();
        }
        limiter.check_key(&network(address)).map_err(|until| {
            let wait = until.wait_time_from(DefaultClock::default().now());
            ApiError::TooMany(wait.as_secs() + 1)
        })
    }
}

/// Messages of one person to others: ten in ten seconds, as in a space.
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
    pub fn write(&self, user: UserId) -> Result<(), ApiError> {
        if self.0.len() > CLEAN_AT {
            self.0.retain_recent();
        }
        self.0.check_key(&user).map_err(|until| {
            let wait = until.wait_time_from(DefaultClock::default().now());
            ApiError::TooMany(wait.as_secs() + 1)
        })
    }
}

/// What one person makes a minute.
pub struct CreationLimits(Option<DefaultKeyedRateLimiter<UserId>>);

impl CreationLimits {
    /// So many a minute, bursts of as many; 0 for no limit.
    pub fn new(per_minute: u32) -> Self {
        Self(NonZeroU32::new(per_minute).map(|rate| RateLimiter::keyed(Quota::per_minute(rate).allow_burst(rate))))
    }

    /// Counts something that is made.
    pub fn make(&self, caller: &Caller) -> Result<(), ApiError> {
        let Some(limiter) = self.0.as_ref().filter(|_| !caller.is_admin()) else {
            return Ok(());
        };
        if limiter.len() > CLEAN_AT {
            limiter.retain_recent();
        }
        limiter.check_key(&caller.user()).map_err(|until| {
            let wait = until.wait_time_from(DefaultClock::default().now());
            ApiError::TooMany(wait.as_secs() + 1)
        })
    }
}

/// What takes long is done once at a time for each person.
#[derive(Clone, Default)]
pub struct OneAtATime(Arc<Mutex<HashSet<UserId>>>);

/// A person does it until this is dropped.
pub struct Turn {
    user: UserId,
    all: OneAtATime,
}

impl OneAtATime {
    /// Begins, unless the same person is at it.
    pub fn begin(&self, user: UserId) -> Result<Turn, ApiError> {
        if self.0.lock().insert(user) {
            Ok(Turn {
                user,
                all: self.clone(),
            })
        } else {
            Err(ApiError::TooMany(1))
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.all.0.lock().remove(&self.user);
    }
}

/// One person has a whole /64 of IPv6.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_let_through_and_more_is_not() {
        let limits = AuthLimits::new(3);
        let here = Address("10.0.0.1".parse().ok());
        let there = Address("10.0.0.2".parse().ok());
        for _ in 0..6 {
            limits.attempt(here).unwrap();
        }
        assert!(matches!(limits.attempt(here), Err(ApiError::TooMany(1..=60))));
        limits.attempt(there).unwrap();
    }

    #[test]
    fn a_person_is_at_it_once_and_others_do_not_wait() {
        let all = OneAtATime::default();
        let (ada, bob) = (UserId(uuid::Uuid::from_u128(1)), UserId(uuid::Uuid::from_u128(2)));
        let turn = all.begin(ada).unwrap();
        assert!(matches!(all.begin(ada), Err(ApiError::TooMany(1))));
        let _other = all.begin(bob).unwrap();
        drop(turn);
        let _again = all.begin(ada).unwrap();
    }

    #[test]
    fn neighbours_in_one_ipv6_network_share_a_limit() {
        let network_of = |text: &str| network(text.parse().unwrap());
        assert_eq!(network_of("2001:db8:1:2:3::4"), network_of("2001:db8:1:2:ffff::1"));
        assert_ne!(network_of("2001:db8:1:2::"), network_of("2001:db8:1:3::"));
        assert_eq!(network_of("::ffff:10.0.0.1"), network_of("10.0.0.1"));
    }
}
