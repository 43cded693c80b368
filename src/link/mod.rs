//! Link: the TCP connections between processes of a cluster. A relay follows a space that another
//! process hosts over one connection per pair of processes; all their spaces share it.
//!
//! May use `host` and the modules below it. Never: SQL, HTTP, clients' sockets. `cluster` decides
//! which process hosts a space.
//!
//! Each tick of a space crosses the link once, however many clients of the other process follow it.
//! A follower that reads too slowly gets a snapshot instead of the ticks it missed. Commands that
//! do not fit into the queue are refused, as an overloaded host refuses them.

mod client;
mod server;
#[cfg(test)]
mod tests;
mod tls;
#[cfg(test)]
mod types;
mod wire;

use std::time::Duration;

pub use self::client::{LinkError, Links, RemoteSpace};
pub use self::server::{Hosting, serve};
pub use self::tls::Tls;
pub use self::wire::{LinkBroadcast, Secret};

/// Interval at which each side sends a message, if only a heartbeat.
const BEAT: Duration = Duration::from_millis(500);

/// A peer that was silent for this long is treated as dead: a machine that lost power does not
/// close its connections.
const SILENCE: Duration = Duration::from_millis(1_750);

/// Time limit for connecting and proving the secret.
const GREET_WITHIN: Duration = Duration::from_secs(2);

/// Maximum number of messages waiting to be sent on one connection.
const WAITING: usize = 4_096;
