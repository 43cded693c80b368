//! Gate: limits on concurrent connections: in all, per address and per user. HTTP and WebSockets
//! count together.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::net::address::AddressKey;

/// Why a connection is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Full {
    /// The limit in all is reached.
    #[error("The server is full. Try again in a moment.")]
    Server,
    /// The limit of the address is reached.
    #[error(
        "There are too many connections from your address. Close some, or try again in a moment."
    )]
    Address,
}

/// Counts items by key, up to a limit. Cheap to clone.
#[derive(Debug)]
pub struct Counts<K>(Arc<CountsInner<K>>);

#[derive(Debug)]
struct CountsInner<K> {
    most: usize,
    by_key: Mutex<HashMap<K, usize>>,
}

impl<K> Clone for Counts<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K: Copy + Eq + Hash> Counts<K> {
    /// Counts with a limit of `most` items per key; 0 for no limit.
    pub fn new(most: usize) -> Self {
        Self(Arc::new(CountsInner {
            most: unlimited(most),
            by_key: Mutex::default(),
        }))
    }

    /// Counts one more item, unless the limit is reached.
    pub fn enter(&self, key: K) -> Option<CountedConnection<K>> {
        let mut by_key = self.0.by_key.lock();
        let here = by_key.entry(key).or_default();
        if *here >= self.0.most {
            return None;
        }
        *here += 1;
        drop(by_key);
        Some(CountedConnection {
            counts: self.clone(),
            key,
        })
    }
}

/// A counted item; released on drop.
#[derive(Debug)]
pub struct CountedConnection<K: Copy + Eq + Hash> {
    counts: Counts<K>,
    key: K,
}

impl<K: Copy + Eq + Hash> CountedConnection<K> {
    /// The key under which it is counted.
    pub const fn key(&self) -> K {
        self.key
    }
}

impl<K: Copy + Eq + Hash> Drop for CountedConnection<K> {
    fn drop(&mut self) {
        let mut by_key = self.counts.0.by_key.lock();
        if let Some(here) = by_key.get_mut(&self.key) {
            *here -= 1;
            if *here == 0 {
                by_key.remove(&self.key);
            }
        }
    }
}

/// Limits concurrent connections. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Gate {
    all: Arc<Semaphore>,
    by_address: Counts<AddressKey>,
}

/// The permit of a connection; released on drop.
#[derive(Debug)]
pub struct ConnectionPermit {
    _all: OwnedSemaphorePermit,
    _address: Option<CountedConnection<AddressKey>>,
}

impl Gate {
    /// A gate with limits in all and per address; 0 for no limit.
    pub fn new(most: usize, most_per_address: usize) -> Self {
        Self {
            all: Arc::new(Semaphore::new(unlimited(most).min(Semaphore::MAX_PERMITS))),
            by_address: Counts::new(most_per_address),
        }
    }

    /// A permit for a connection; `None` for a peer that is not counted by address.
    pub fn enter(&self, address: Option<AddressKey>) -> Result<ConnectionPermit, Full> {
        let all = Arc::clone(&self.all)
            .try_acquire_owned()
            .map_err(|_| Full::Server)?;
        let address = address.map(|address| self.share(address)).transpose()?;
        Ok(ConnectionPermit {
            _all: all,
            _address: address,
        })
    }

    /// Counts one more request for an address that a trusted proxy names. The proxy's own
    /// connection has its permit already.
    pub fn share(&self, address: AddressKey) -> Result<CountedConnection<AddressKey>, Full> {
        self.by_address.enter(address).ok_or(Full::Address)
    }
}

fn unlimited(most: usize) -> usize {
    if most == 0 { usize::MAX } else { most }
}

/// The number of connections that fit below the limit of open files; `None` for no limit. Some
/// files are reserved for the database, links, calls and health checks.
pub fn beneath(most: usize, open_files: Option<usize>) -> usize {
    match open_files {
        Some(files) => unlimited(most).min(files.saturating_sub(reserve(files)).max(1)),
        None => most,
    }
}

/// Number of files that connections of clients never use.
const fn reserve(files: usize) -> usize {
    let for_calls = files / 8;
    128 + if for_calls < 1_024 { for_calls } else { 1_024 }
}

/// The process's limit of open files.
pub fn open_files() -> Option<usize> {
    #[cfg(unix)]
    {
        let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        limit.and_then(|limit| usize::try_from(limit).ok())
    }
    #[cfg(not(unix))]
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> AddressKey {
        AddressKey::of(text.parse().unwrap())
    }

    #[test]
    fn permits_are_bounded_and_released_on_drop() {
        let gate = Gate::new(3, 2);
        let first = gate.enter(Some(key("10.0.0.1"))).unwrap();
        let _second = gate.enter(Some(key("10.0.0.1"))).unwrap();
        assert_eq!(
            gate.enter(Some(key("::ffff:10.0.0.1"))).err(),
            Some(Full::Address)
        );
        let _third = gate.enter(Some(key("10.0.0.2"))).unwrap();
        assert_eq!(gate.enter(Some(key("10.0.0.3"))).err(), Some(Full::Server));
        drop(first);
        assert!(gate.enter(Some(key("10.0.0.1"))).is_ok());
        assert_eq!(gate.by_address.0.by_key.lock().len(), 2);
    }

    #[test]
    fn connections_through_a_proxy_count_for_their_client() {
        let gate = Gate::new(3, 1);
        let _proxy = gate.enter(None).unwrap();
        let share = gate.share(key("2001:db8:1:2::1")).unwrap();
        assert_eq!(
            gate.share(key("2001:db8:1:2::9")).err(),
            Some(Full::Address)
        );
        assert!(gate.share(key("2001:db8:1:3::1")).is_ok());
        drop(share);
        assert!(gate.share(key("2001:db8:1:2::9")).is_ok());
        assert!(
            gate.enter(None).is_ok(),
            "shares need no permit of their own"
        );
    }

    #[test]
    fn some_files_are_reserved() {
        assert_eq!(beneath(20_000, Some(1_024)), 768);
        assert_eq!(beneath(500, Some(1_024)), 500);
        assert_eq!(beneath(0, Some(1_048_576)), 1_048_576 - 1_152);
        assert_eq!(beneath(20_000, None), 20_000);
        assert_eq!(beneath(20_000, Some(64)), 1);
    }
}
