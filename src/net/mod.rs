//! Net: what travels between clients and spaces: protocol (types) → codec (bytes) → session (one
//! client's rights and rates) → relay (fan-out) → edge (sockets); and `link`, on which a relay
//! reaches a space of another process. Where clients come from and how much they may ask is the
//! business of `address` and `budget`.
//!
//! `protocol`, `codec`, `address`, `budget` and `few` may use only the rooms below `host`, `link`
//! those up to `host`; `session`, `relay` and `edge` every room up to `cluster`. Never: a `World`,
//! rules of the simulation. What happens in a space is the business of `space`.

pub mod address;
pub mod budget;
pub mod codec;
pub mod edge;
pub mod few;
pub mod protocol;
pub mod relay;
pub mod session;
