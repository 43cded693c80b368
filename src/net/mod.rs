//! Net: what travels between clients and spaces: protocol (types) → codec (bytes) → session (one
//! client's rights and rates) → relay (fan-out) → edge (sockets). `address` and `budget` tell where
//! clients come from and how much they may request. `registry` has types as text, and its hash.
//!
//! `protocol`, `codec`, `registry`, `address`, `budget` and `few` may use only the modules below
//! `host`; `session`, `relay` and `edge` every module up to `cluster`. Never: a `World`, rules of
//! the simulation. `space` decides what happens in a space.

pub mod address;
pub mod budget;
pub mod codec;
pub mod edge;
pub mod few;
pub mod protocol;
pub mod registry;
pub mod relay;
pub mod session;
