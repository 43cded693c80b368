//! Components: everything that exists in a space, as plain data: ids, units, commands and facts.
//!
//! May use no other module of this crate. Never: behaviour beyond small conversions, clocks,
//! randomness, I/O, wire types. The module `systems` changes this data each tick; `net` sends it
//! to clients.

pub mod audience;
pub mod block;
pub mod bubble;
pub mod call;
pub mod chat;
pub mod command;
pub mod denial;
pub mod direct;
pub mod direction;
pub mod element;
pub mod emote;
pub mod fact;
pub mod follow;
pub mod grid;
pub mod guest;
pub mod history;
pub mod id;
pub mod layout;
pub mod likeness;
pub mod long_text;
pub mod membership;
pub mod movement;
pub mod name;
pub mod peers;
pub mod permissions;
pub mod player;
pub mod presence;
pub mod report;
pub mod scene;
pub mod searching;
pub mod status;
pub mod steering;
pub mod tile_rect;
pub mod unit;
pub mod utc;
pub mod walking;
pub mod word_filter;
pub mod zone;
