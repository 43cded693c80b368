//! Known: the networks from which users signed in to an account. The failures of others do not hold
//! up a sign-in from such a network.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::net::address::AddressKey;

/// How long a network counts as known after a sign-in.
const KNOWN_FOR: Duration = Duration::from_hours(30 * 24);
/// Networks of one account; the one of the earliest sign-in makes room.
const MOST_OF_ACCOUNT: usize = 8;
/// Number of accounts at which those are dropped that were signed in to before the others.
const MOST_ACCOUNTS: usize = 50_000;

/// Networks by account. A table of its own: failures cannot displace what is in it.
#[derive(Default)]
pub struct KnownNetworks(HashMap<u64, Vec<(Option<AddressKey>, Instant)>>);

impl KnownNetworks {
    /// Whether a user signed in to the account from that network.
    pub fn has(&self, account: u64, network: Option<AddressKey>, now: Instant) -> bool {
        let networks = self.0.get(&account).into_iter().flatten();
        networks
            .filter(|(_, at)| now.saturating_duration_since(*at) < KNOWN_FOR)
            .any(|(known, _)| *known == network)
    }

    /// Notes a sign-in.
    pub fn add(&mut self, account: u64, network: Option<AddressKey>, now: Instant) {
        if self.0.len() >= MOST_ACCOUNTS && !self.0.contains_key(&account) {
            self.drop_half();
        }
        let networks = self.0.entry(account).or_default();
        networks.retain(|(known, _)| *known != network);
        if networks.len() >= MOST_OF_ACCOUNT {
            networks.remove(0);
        }
        networks.push((network, now));
    }

    fn drop_half(&mut self) {
        let last = |networks: &Vec<(_, Instant)>| networks.last().map(|(_, at)| *at);
        let mut all: Vec<_> = self.0.values().map(last).collect();
        let middle = all.len() / 2;
        let (_, middle, _) = all.select_nth_unstable(middle);
        let middle = *middle;
        self.0.retain(|_, networks| last(networks) > middle);
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    #[expect(clippy::unnecessary_wraps, reason = "an asker may have none")]
    fn network(number: u8) -> Option<AddressKey> {
        Some(AddressKey::of(IpAddr::from([10, 0, 0, number])))
    }

    #[test]
    fn the_latest_networks_of_an_account_are_known_for_a_month() {
        let mut known = KnownNetworks::default();
        let began = Instant::now();
        for number in 0..=MOST_OF_ACCOUNT as u8 {
            known.add(1, network(number), began);
        }
        assert!(!known.has(1, network(0), began));
        assert!(known.has(1, network(1), began));
        assert!(!known.has(2, network(1), began));
        assert!(!known.has(1, network(1), began + KNOWN_FOR));
    }

    #[test]
    fn the_table_is_bounded_and_keeps_the_latest() {
        let mut known = KnownNetworks::default();
        let mut now = Instant::now();
        for account in 0..2 * MOST_ACCOUNTS as u64 {
            now += Duration::from_millis(1);
            known.add(account, network(1), now);
            assert!(known.0.len() <= MOST_ACCOUNTS);
        }
        assert!(known.has(2 * MOST_ACCOUNTS as u64 - 1, network(1), now));
    }
}
