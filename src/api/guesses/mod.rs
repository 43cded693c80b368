//! Guesses: rate limits for signing in, above all with wrong passwords. Each failure lengthens the
//! next wait, by account and network; no account is ever locked.
//!
//! Three counters of failures decay with time: of a network (a rate), of a network at one account
//! (a delay that doubles), and of all networks at one account. While the third is high, networks
//! from which no one has signed in to that account ("strangers") wait some seconds even before
//! their first try, a few at a time, and longer before each further one. A network that is known to
//! an account is not affected by failures of other networks, nor by failures at other accounts.
//!
//! Sign-ins with the right password cost a hash, too. Two further counters limit their rate: of a
//! network at one account, and of a network in all.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::known::KnownNetworks;
use super::turns::Asker;
use crate::components::likeness::NameKeys;
use crate::net::address::AddressKey;

/// Longest wait after wrong passwords from a network that signed in to the account before: someone
/// else there cannot keep the owner out, and six guesses a minute find no password.
const LONGEST_OF_KNOWN: Duration = Duration::from_secs(10);

/// Failures of a network at one account before it has to wait.
const FREE: f64 = 5.0;
/// Failures of all networks at one account before strangers have to wait.
const FREE_OF_ACCOUNT: f64 = 20.0;
/// Number of further failures that doubles the wait of strangers.
const DOUBLES_IN: f64 = 10.0;
/// First wait of strangers, and the longest wait before a stranger's first try.
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_FIRST_WAIT: Duration = Duration::from_secs(8);
/// Time in which one failure decays: of all networks at an account, and of one network.
const FORGET_ONE: Duration = Duration::from_mins(1);
const FORGET_OWN: Duration = Duration::from_mins(10);
/// Most strangers that wait for a try at one account at the same time; further ones are refused.
const MOST_HELD: u32 = 8;
/// Number of entries at which the table is halved.
const MOST_ENTRIES: usize = 100_000;
/// Sign-ins of a network for each that it may have at one account.
const ACCOUNTS_PER_NETWORK: f64 = 10.0;

/// Attempts by network and by account.
pub struct Guesses {
    /// Failures of a network, and sign-ins of a network at one account; `None` for no limit.
    quota: Option<AttemptQuota>,
    /// Longest delay of a network at one account; zero for no delay.
    longest: Duration,
    names: RandomState,
    table: Mutex<HashMap<Key, AttemptRecord>>,
    known: Mutex<KnownNetworks>,
}

/// A rate limit.
#[derive(Debug, Clone, Copy)]
struct AttemptQuota {
    per_second: f64,
    burst: f64,
}

impl AttemptQuota {
    fn times(self, factor: f64) -> Self {
        Self {
            per_second: self.per_second * factor,
            burst: self.burst * factor,
        }
    }

    /// How long one more has to wait; zero if it does not.
    fn wait(self, counter: DecayingCount, now: Instant) -> Duration {
        let too_many = counter.at(now, self.per_second) + 1.0 - self.burst;
        Duration::from_secs_f64((too_many / self.per_second).max(0.0))
    }
}

/// A number that goes down with time.
#[derive(Debug, Clone, Copy)]
struct DecayingCount {
    count: f64,
    at: Instant,
}

impl DecayingCount {
    const fn new(now: Instant) -> Self {
        Self {
            count: 0.0,
            at: now,
        }
    }

    fn at(self, now: Instant, less_per_second: f64) -> f64 {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        (self.count - passed * less_per_second).max(0.0)
    }

    fn add(&mut self, now: Instant, less_per_second: f64) -> f64 {
        self.count = self.at(now, less_per_second) + 1.0;
        self.at = now;
        self.count
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    Network(Option<AddressKey>),
    Account(u64),
    Pair(u64, Option<AddressKey>),
}

#[derive(Debug, Clone, Copy)]
struct AttemptRecord {
    failures: DecayingCount,
    /// Sign-ins with the right password.
    rights: DecayingCount,
    not_before: Instant,
    held: u32,
}

/// A place among the strangers who wait for a try at an account. Dropping it frees the place.
pub struct AttemptPermit<'a> {
    guesses: &'a Guesses,
    account: u64,
}

impl Drop for AttemptPermit<'_> {
    fn drop(&mut self) {
        if let Some(account) = self
            .guesses
            .table
            .lock()
            .get_mut(&Key::Account(self.account))
        {
            account.held = account.held.saturating_sub(1);
        }
    }
}

/// Answer to an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptVerdict {
    /// Check the password now.
    Go,
    /// Check the password after this time.
    Hold(Duration),
    /// Refuse; the next try may come after this time.
    Refuse(Duration),
}

impl AttemptRecord {
    const fn new(now: Instant) -> Self {
        Self {
            failures: DecayingCount::new(now),
            rights: DecayingCount::new(now),
            not_before: now,
            held: 0,
        }
    }
}

impl Guesses {
    /// Limits a network to `per_minute` failures a minute, with bursts of twice as many, its
    /// sign-ins at one account to as many, and all its sign-ins to ten times as many (0: no limit);
    /// its wait for the next try at one account to `longest` (0: no wait).
    pub fn new(per_minute: u32, longest: Duration) -> Self {
        let rate = f64::from(per_minute);
        Self {
            quota: (per_minute > 0).then_some(AttemptQuota {
                per_second: rate / 60.0,
                burst: rate * 2.0,
            }),
            longest,
            names: RandomState::new(),
            table: Mutex::default(),
            known: Mutex::default(),
        }
    }

    /// Builds the asker for an account name.
    pub fn asker(&self, network: Option<AddressKey>, name: &str, now: Instant) -> Asker {
        let account = self.names.hash_one(NameKeys::of(name).folded);
        Asker {
            network,
            account,
            is_known: self.known.lock().has(account, network, now),
        }
    }

    /// Decides whether the asker may try now.
    pub fn judge(&self, asker: Asker, now: Instant) -> AttemptVerdict {
        let table = self.table.lock();
        let pair = table.get(&Key::Pair(asker.account, asker.network));
        if let Some(quota) = self.quota {
            let network = table.get(&Key::Network(asker.network));
            let waits = [
                network
                    .filter(|_| !asker.is_known)
                    .map(|network| quota.wait(network.failures, now)),
                network.map(|network| quota.times(ACCOUNTS_PER_NETWORK).wait(network.rights, now)),
                pair.map(|pair| quota.wait(pair.rights, now)),
            ];
            let wait = waits.into_iter().flatten().max().unwrap_or_default();
            if !wait.is_zero() {
                return AttemptVerdict::Refuse(wait);
            }
        }
        if self.longest.is_zero() {
            return AttemptVerdict::Go;
        }
        let wait = pair.map_or(Duration::ZERO, |pair| {
            pair.not_before.saturating_duration_since(now)
        });
        if !wait.is_zero() {
            return AttemptVerdict::Refuse(wait);
        }
        match stranger_wait(&table, asker, now) {
            wait if wait.is_zero() => AttemptVerdict::Go,
            wait => AttemptVerdict::Hold(wait),
        }
    }

    /// Takes a place among the strangers who wait for a try at the account; `None` when all are
    /// taken.
    pub fn hold(&self, asker: Asker) -> Option<AttemptPermit<'_>> {
        let mut table = self.table.lock();
        let account = table.get_mut(&Key::Account(asker.account))?;
        if account.held >= MOST_HELD {
            return None;
        }
        account.held += 1;
        Some(AttemptPermit {
            guesses: self,
            account: asker.account,
        })
    }

    /// Counts a failure.
    pub fn wrong(&self, asker: Asker, now: Instant) {
        let mut table = self.table.lock();
        halve(&mut table, now);
        let mut count = |key, forgotten| {
            let entry = table.entry(key).or_insert_with(|| AttemptRecord::new(now));
            entry.failures.add(now, forgotten)
        };
        if let Some(quota) = self.quota {
            count(Key::Network(asker.network), quota.per_second);
        }
        count(Key::Account(asker.account), 1.0 / FORGET_ONE.as_secs_f64());
        let own = count(
            Key::Pair(asker.account, asker.network),
            1.0 / FORGET_OWN.as_secs_f64(),
        );
        let doubled =
            |first: Duration, times: f64| first.mul_f64(2_f64.powf(times.clamp(0.0, 30.0)));
        let delay = if own < FREE {
            Duration::ZERO
        } else {
            doubled(Duration::from_secs(1), own - FREE)
        };
        let stranger = match stranger_wait(&table, asker, now) {
            wait if wait.is_zero() => wait,
            wait => doubled(wait, own),
        };
        if let Some(pair) = table.get_mut(&Key::Pair(asker.account, asker.network)) {
            let longest = if asker.is_known {
                self.longest.min(LONGEST_OF_KNOWN)
            } else {
                self.longest
            };
            pair.not_before = now + delay.max(stranger).min(longest);
        }
    }

    /// Marks the network as known to the account after a sign-up.
    pub fn welcome(&self, network: Option<AddressKey>, name: &str, now: Instant) {
        let Asker { account, .. } = self.asker(network, name, now);
        self.known.lock().add(account, network, now);
    }

    /// Counts a sign-in, marks the network as known, and clears its failures at this account.
    /// Sign-ins from this machine are not counted.
    pub fn right(&self, asker: Asker, now: Instant) {
        self.known.lock().add(asker.account, asker.network, now);
        let mut table = self.table.lock();
        halve(&mut table, now);
        if let Some(pair) = table.get_mut(&Key::Pair(asker.account, asker.network)) {
            pair.failures = DecayingCount::new(now);
            pair.not_before = now;
        }
        let is_counted = asker.network.is_some_and(|network| !network.is_loopback());
        if let Some(quota) = self.quota.filter(|_| is_counted) {
            let mut count = |key, per_second| {
                let entry = table.entry(key).or_insert_with(|| AttemptRecord::new(now));
                entry.rights.add(now, per_second);
            };
            let of_network = quota.times(ACCOUNTS_PER_NETWORK);
            count(Key::Network(asker.network), of_network.per_second);
            count(Key::Pair(asker.account, asker.network), quota.per_second);
        }
    }
}

/// Wait of a stranger while many networks fail at the account.
fn stranger_wait(table: &HashMap<Key, AttemptRecord>, asker: Asker, now: Instant) -> Duration {
    let failures = table
        .get(&Key::Account(asker.account))
        .map_or(0.0, |account| {
            account.failures.at(now, 1.0 / FORGET_ONE.as_secs_f64())
        });
    if asker.is_known || failures <= FREE_OF_ACCOUNT {
        return Duration::ZERO;
    }
    let times = ((failures - FREE_OF_ACCOUNT) / DOUBLES_IN).min(30.0);
    FIRST_WAIT
        .mul_f64(2_f64.powf(times))
        .min(LONGEST_FIRST_WAIT)
}

/// Drops the less important half of a table that is full: entries with most failures stay.
fn halve(table: &mut HashMap<Key, AttemptRecord>, now: Instant) {
    if table.len() <= MOST_ENTRIES {
        return;
    }
    let forgotten = 1.0 / FORGET_OWN.as_secs_f64();
    let worth = |entry: &AttemptRecord| {
        entry.failures.at(now, forgotten) + if entry.held > 0 { 1.0 } else { 0.0 }
    };
    let mut all: Vec<f64> = table.values().map(worth).collect();
    let middle = all.len() / 2;
    let (_, middle, _) = all.select_nth_unstable_by(middle, f64::total_cmp);
    let middle = *middle;
    table.retain(|_, entry| worth(entry) > middle);
}
