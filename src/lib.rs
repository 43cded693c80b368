//! Plaza: a self-hosted 2D world server. `docs/ARCHITECTURE.md` is the map of this crate.

#![cfg_attr(
    test,
    expect(
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "tests count in small numbers"
    )
)]

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
