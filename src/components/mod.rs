//! Components: what exists in a space, as plain data: ids, units, commands and facts.
//!
//! May use nothing of this crate. Never: behaviour beyond small conversions, clocks, chance, I/O,
//! wire types. What happens to this data each tick is the business of `systems`; how it travels
//! that of `net`.

pub mod bubble;
pub mod chat;
pub mod command;
pub mod direct;
pub mod direction;
pub mod fact;
pub mod grid;
pub mod id;
pub mod layout;
pub mod name;
pub mod peers;
pub mod player;
pub mod presence;
pub mod scene;
pub mod searching;
pub mod status;
pub mod steering;
pub mod unit;
pub mod utc;
pub mod walking;
pub mod zone;
