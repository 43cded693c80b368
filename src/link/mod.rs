//! Link: what joins a relay to the host of its space when that is another process: one TCP
//! connection for each pair of processes that need one another, with all spaces on it.
//!
//! May use `host` and the rooms below. Never: SQL, HTTP, clients' sockets. Which process runs a
//! space is the business of `cluster`.
//!
//! A tick of a space crosses the link once, however many clients of the other process watch it. An
//! edge that reads too slowly is given pictures instead of ticks, as any follower is; commands that
//! do not fit are refused, as a full host refuses them.

mod client;
mod server;
#[cfg(test)]
mod tests;
mod tls;
mod wire;

use std::time::Duration;

pub use self::client::{LinkError, Links, RemoteSpace};
pub use self::server::{Hosting, serve};
pub use self::tls::Tls;
pub use self::wire::{LinkBroadcast, Secret};

/// How often each side says something, if only that it is there.
const BEAT: Duration = Duration::from_millis(500);

/// A side that was silent for so long is taken for dead: a machine that lost its power does not say
/// goodbye.
const SILENCE: Duration = Duration::from_millis(1_750);

/// How long connecting and proving the secret may take.
const GREET_WITHIN: Duration = Duration::from_secs(2);

/// Messages waiting for one connection at most.
const WAITING: usize = 4_096;
