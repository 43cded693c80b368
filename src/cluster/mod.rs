//! Cluster: which process runs a space, and how a space outlives it.
//!
//! May use every room up to `store`. Never: sockets of clients, HTTP. Ticking is the business of
//! `host`; showing spaces to clients that of `net::relay` and `net::edge`.

pub mod access;
mod calls;
pub mod census;
pub mod connections;
pub mod directory;
mod feed;
pub mod mailboxes;
mod moving;
pub mod node;
pub mod orders;
pub mod ownership;
mod persister;
pub mod redis;
pub mod spaces;
mod sweep;
pub mod vault;
