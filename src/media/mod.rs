//! Media: how voices and pictures travel: the way around firewalls, and tokens for another server that forwards.
//!
//! May use `components`. Never: SQL, a `World`, HTTP. Who may hear and see whom is decided by
//! `systems::proximity`; here it is obeyed.

pub mod ice;
pub mod livekit;
mod secret;

pub use self::secret::MediaSecret;
