//! Budget: rate limits per user and per address for this process, over HTTP and WebSockets
//! together.
//!
//! May use `components` and `address`. Never: sockets, the store.
//!
//! Each [`Budget`] is a token bucket per user and a larger one per address ([`AddressKey`]: IPv6 by
//! /64), because a school or an office shares one address. Connections from this machine have no
//! address bucket.
//!
//! HTTP routes spend automatically: `api::budgets` maps each route to a budget, and charges it
//! before the body is read. Other code spends explicitly:
//!
//! ```text
//! budgets.take(user.into(), Budget::Edits)?; // Err(Slowed { seconds }) when the bucket is empty
//! budgets.take_many(Spender { user: Some(user), address: Some(address) }, Budget::Edits, 5)?;
//! ```
//!
//! In a handler `?` turns [`Slowed`] into a 429 with `Retry-After`. Other limiters (a chat rate, a
//! count of connections) report a slowed user or address to [`Budgets::note`], so that one log line
//! a minute and one metric cover all of them.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, RateLimiter};
use parking_lot::Mutex;
use tokio::time::Instant;

use super::address::AddressKey;
use crate::components::id::UserId;

/// Factor from a user's budget to that of an address.
const USERS_PER_ADDRESS: u32 = 10;

/// Tokens of [`Budget::Requests`] that one request costs; a static file costs one.
pub const REQUEST: u32 = 8;

/// Bytes of [`Budget::Text`] that a message costs in addition to its text: the names, ids and the
/// index of a short message take more room than its text.
pub const MESSAGE: usize = 128;

/// Minutes' worth of text in a burst.
const TEXT_BURST: u32 = 16;

/// Minutes' worth of decoded pixels in a burst.
const PIXELS_BURST: u32 = 4;

/// Thousands of pixels of the largest picture: a burst has room for one.
const LARGEST_PICTURE: u32 = 8_295;

/// Number of buckets of one budget from which full buckets are removed.
const SWEEP_AT: usize = 10_000;

/// Shortest interval between such removals.
const SWEEP_EVERY: Duration = Duration::from_secs(5);

/// Maximum number of buckets of one budget; further addresses share buckets.
const MOST: usize = 200_000;

/// Number of buckets that further addresses share.
const SHARED: u64 = 4_096;

/// Interval at which one user or address is logged for one budget.
const NOTE_EVERY: Duration = Duration::from_mins(1);

/// Maximum number of such log lines per minute.
const NOTES: u32 = 60;

/// A limited activity. The list is closed because it labels a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Budget {
    /// Any request.
    Requests,
    /// Creating spaces and placing elements.
    Creations,
    /// Changing what others see, such as elements and chat messages.
    Edits,
    /// Searching text.
    Search,
    /// Uploading images.
    Uploads,
    /// Decoding uploaded pictures, in thousands of pixels.
    Pixels,
    /// Bytes of messages that are kept or shown: in all spaces, and direct ones.
    Text,
    /// Signing up and signing in, with a limiter of their own.
    SignIns,
    /// Chat of a user in a space, with a limiter of its own.
    Chat,
    /// Direct messages, with a limiter of their own.
    Directs,
    /// Call signals, with a limiter of their own.
    Signals,
    /// Other messages over a client's socket, with a limiter of their own.
    Messages,
    /// Concurrent connections, counted by the gate.
    Connections,
    /// Spaces that are open at the same time, counted by the cluster.
    OpenSpaces,
}

impl Budget {
    /// All budgets.
    pub const ALL: [Self; 14] = [
        Self::Requests,
        Self::Creations,
        Self::Edits,
        Self::Search,
        Self::Uploads,
        Self::Pixels,
        Self::Text,
        Self::SignIns,
        Self::Chat,
        Self::Directs,
        Self::Signals,
        Self::Messages,
        Self::Connections,
        Self::OpenSpaces,
    ];

    /// Label of the metric.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Creations => "creations",
            Self::Edits => "edits",
            Self::Search => "search",
            Self::Uploads => "uploads",
            Self::Pixels => "pixels",
            Self::Text => "text",
            Self::SignIns => "sign-ins",
            Self::Chat => "chat",
            Self::Directs => "direct messages",
            Self::Signals => "signals",
            Self::Messages => "messages",
            Self::Connections => "connections",
            Self::OpenSpaces => "open spaces",
        }
    }
}

/// Budgets of each user; 0 for no limit. An address has ten times as much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BudgetSettings {
    /// HTTP requests per second, with bursts of twenty seconds' worth.
    pub requests: u32,
    /// New spaces and placed elements per minute, with bursts of as many.
    pub creations: u32,
    /// Changes per second, with bursts of six seconds' worth.
    pub edits: u32,
    /// Searches per minute, with bursts of a third of that.
    pub searches: u32,
    /// Uploads per minute, with bursts of as many.
    pub uploads: u32,
    /// Millions of decoded pixels per minute, with bursts of four minutes' worth.
    pub pixels: u32,
    /// KiB of messages per minute, with bursts of sixteen minutes' worth.
    pub text: u32,
}

impl Default for BudgetSettings {
    fn default() -> Self {
        Self {
            requests: 20,
            creations: 120,
            edits: 10,
            searches: 60,
            uploads: 30,
            pixels: 16,
            text: 16,
        }
    }
}

impl BudgetSettings {
    /// No limits.
    pub const NONE: Self = Self {
        requests: 0,
        creations: 0,
        edits: 0,
        searches: 0,
        uploads: 0,
        pixels: 0,
        text: 0,
    };

    /// Rate and burst of a budget, if it has a bucket.
    fn quota(&self, budget: Budget, times: u32) -> Option<Quota> {
        let (rate, burst, per_minute) = match budget {
            Budget::Requests => (
                self.requests.saturating_mul(REQUEST),
                self.requests.saturating_mul(20 * REQUEST),
                false,
            ),
            Budget::Creations => (self.creations, self.creations, true),
            Budget::Edits => (self.edits, self.edits.saturating_mul(6), false),
            Budget::Search => (self.searches, self.searches.div_ceil(3), true),
            Budget::Uploads => (self.uploads, self.uploads, true),
            Budget::Pixels => {
                let thousands = self.pixels.saturating_mul(1_000);
                let burst = thousands.saturating_mul(PIXELS_BURST);
                (thousands, burst.max(LARGEST_PICTURE), true)
            }
            Budget::Text => {
                let bytes = self.text.saturating_mul(1024);
                (bytes, bytes.saturating_mul(TEXT_BURST), true)
            }
            Budget::SignIns
            | Budget::Chat
            | Budget::Directs
            | Budget::Signals
            | Budget::Messages
            | Budget::Connections
            | Budget::OpenSpaces => return None,
        };
        let rate = NonZeroU32::new(rate.saturating_mul(times))?;
        let burst = NonZeroU32::new(burst.saturating_mul(times))?;
        let quota = if per_minute {
            Quota::per_minute
        } else {
            Quota::per_second
        };
        Some(quota(rate).allow_burst(burst))
    }
}

/// The user and address to charge. `None` if unknown or already charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spender {
    /// The user to charge.
    pub user: Option<UserId>,
    /// The address to charge.
    pub address: Option<AddressKey>,
}

impl From<UserId> for Spender {
    fn from(user: UserId) -> Self {
        Self {
            user: Some(user),
            address: None,
        }
    }
}

impl From<AddressKey> for Spender {
    fn from(address: AddressKey) -> Self {
        Self {
            user: None,
            address: Some(address),
        }
    }
}

/// The bucket is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Too many at once: try again in {seconds} s.")]
pub struct Slowed {
    /// Seconds until the next attempt can succeed.
    pub seconds: u64,
}

impl Slowed {
    /// Reason for a user who wrote too much text.
    pub fn text_reason(self) -> String {
        let Self { seconds } = self;
        format!("You have written very much in a short time. Try again in {seconds} s.")
    }
}

/// A user or an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Who {
    /// A user.
    User(UserId),
    /// An address.
    Address(AddressKey),
    /// One of the buckets that many addresses share.
    Crowd(u16),
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(user) => write!(f, "user {user}"),
            Self::Address(address) => write!(f, "address {address}"),
            Self::Crowd(_) => f.write_str("one of very many addresses"),
        }
    }
}

/// All buckets of a process. Cheap to clone.
#[derive(Clone)]
pub struct Budgets(Arc<BudgetState>);

struct BudgetState {
    users: Vec<Option<Buckets>>,
    addresses: Vec<Option<Buckets>>,
    notes: Mutex<HashMap<(Who, Budget), SlowedEntry>>,
    lines: DefaultDirectRateLimiter,
}

/// When a user or address was last logged, and how often it was slowed since.
struct SlowedEntry {
    at: Instant,
    since: u64,
}

/// The buckets of one budget. Full ones are removed now and then, not at each request.
pub struct Buckets {
    limiter: DefaultKeyedRateLimiter<Who>,
    swept: Mutex<Option<Instant>>,
}

impl Buckets {
    /// A full bucket for each user or address.
    pub fn new(quota: Quota) -> Self {
        Self {
            limiter: RateLimiter::keyed(quota),
            swept: Mutex::default(),
        }
    }

    /// Number of buckets that are not full, about.
    #[cfg(test)]
    pub fn count(&self) -> usize {
        self.limiter.len()
    }

    /// Takes `count` tokens.
    pub fn take(&self, who: Who, count: NonZeroU32) -> Result<(), Slowed> {
        let who = self.place(who);
        match self.limiter.check_key_n(&who, count) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(until)) => {
                let wait = until.wait_time_from(DefaultClock::default().now());
                Err(Slowed {
                    seconds: wait.as_secs() + 1,
                })
            }
            // The request is larger than the bucket.
            Err(_) => Err(Slowed { seconds: 60 }),
        }
    }

    /// The key under which to count; bounds the number of buckets, however many addresses are used.
    fn place(&self, who: Who) -> Who {
        if self.limiter.len() < SWEEP_AT {
            return who;
        }
        let now = Instant::now();
        let mut swept = self.swept.lock();
        if swept.is_none_or(|at| now.duration_since(at) >= SWEEP_EVERY) {
            *swept = Some(now);
            drop(swept);
            self.limiter.retain_recent();
            self.limiter.shrink_to_fit();
        }
        if self.limiter.len() < MOST {
            return who;
        }
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(who);
        Who::Crowd(u16::try_from(hash % SHARED).unwrap_or_default())
    }
}

impl Budgets {
    /// Budgets with full buckets.
    pub fn new(settings: &BudgetSettings) -> Self {
        let buckets = |times: u32| {
            let one = |budget: &Budget| settings.quota(*budget, times).map(Buckets::new);
            Budget::ALL.iter().map(one).collect()
        };
        let lines = NonZeroU32::new(NOTES).unwrap_or(NonZeroU32::MIN);
        Self(Arc::new(BudgetState {
            users: buckets(1),
            addresses: buckets(USERS_PER_ADDRESS),
            notes: Mutex::default(),
            lines: RateLimiter::direct(Quota::per_minute(lines)),
        }))
    }

    /// Takes one token of the user and one of the address.
    pub fn take(&self, spender: Spender, budget: Budget) -> Result<(), Slowed> {
        self.take_many(spender, budget, 1)
    }

    /// Takes the cost of a message with a text of that length.
    pub fn take_text(&self, spender: Spender, bytes: usize) -> Result<(), Slowed> {
        let cost = u32::try_from(bytes.saturating_add(MESSAGE)).unwrap_or(u32::MAX);
        self.take_many(spender, Budget::Text, cost)
    }

    /// Takes the cost of decoding that many pixels.
    pub fn take_pixels(&self, spender: Spender, pixels: u64) -> Result<(), Slowed> {
        let thousands = u32::try_from(pixels.div_ceil(1_000)).unwrap_or(u32::MAX);
        self.take_many(spender, Budget::Pixels, thousands)
    }

    /// Takes `count` tokens at once, of the user first: a user without tokens does not empty the
    /// bucket of an address that others share. For [`Budget::Requests`] a token is a part of a
    /// request: [`REQUEST`] tokens are a whole one.
    pub fn take_many(&self, spender: Spender, budget: Budget, count: u32) -> Result<(), Slowed> {
        let Some(count) = NonZeroU32::new(count) else {
            return Ok(());
        };
        let address = spender.address.filter(|address| !address.is_loopback());
        let of_address = address.map(|address| (&self.0.addresses, Who::Address(address)));
        let of_user = spender.user.map(|user| (&self.0.users, Who::User(user)));
        for (buckets, who) in of_user.into_iter().chain(of_address) {
            if let Some(buckets) = &buckets[budget as usize]
                && let Err(slowed) = buckets.take(who, count)
            {
                self.note(who, budget);
                return Err(slowed);
            }
        }
        Ok(())
    }

    /// Reports that a user or an address was slowed: counted each time, logged once a minute.
    pub fn note(&self, who: Who, budget: Budget) {
        let what = budget.label();
        metrics::counter!("plaza_slowed_total", "what" => what).increment(1);
        let now = Instant::now();
        let mut notes = self.0.notes.lock();
        if let Some(note) = notes.get_mut(&(who, budget))
            && now.duration_since(note.at) < NOTE_EVERY
        {
            note.since += 1;
            return;
        }
        if self.0.lines.check().is_err() {
            return;
        }
        let note = notes.insert((who, budget), SlowedEntry { at: now, since: 0 });
        // Entries older than an hour are useless; there are as many as log lines in an hour.
        notes.retain(|_, note| now.duration_since(note.at) < 60 * NOTE_EVERY);
        drop(notes);
        let since = note.map_or(0, |note| note.since);
        tracing::warn!(%who, what, since_last_line = since, "slowed: too much at once");
    }
}
