//! Media: how voices and pictures travel: the way around firewalls, the unit that forwards calls of
//! many, and tokens for another server that does.
//!
//! May use `components`. Never: SQL, a `World`, HTTP. Who may hear and see whom is decided by
//! `systems::proximity`; here it is obeyed.

pub mod ice;
pub mod livekit;
mod secret;
pub mod sfu;

pub use self::secret::MediaSecret;
