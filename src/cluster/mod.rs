//! Cluster: ownership of spaces by processes, and saving spaces so that they outlive a process.
//!
//! May use every layer up to `store`. Never: sockets of clients, HTTP. Ticking is in `host`;
//! sending spaces to clients is in `net::relay` and `net::edge`.

pub mod access;
mod admission;
mod calls;
mod capacity;
pub mod census;
pub mod connections;
pub mod directory;
mod driver;
mod feed;
mod hosting;
pub mod mailboxes;
mod moving;
pub mod node;
pub mod orders;
pub mod ownership;
mod persister;
pub mod record;
pub mod redis;
mod shared;
mod silences;
pub mod spaces;
mod sweep;
mod takeover;
pub mod vault;
