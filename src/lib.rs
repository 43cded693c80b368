//! Plaza: a self-hosted 2D world server. `docs/ARCHITECTURE.md` is the map of this crate.

pub mod api;
pub mod bots;
pub mod cli;
pub mod cluster;
pub mod components;
pub mod host;
pub mod link;
pub mod media;
pub mod net;
pub mod server;
pub mod settings;
pub mod space;
pub mod store;
pub mod systems;
