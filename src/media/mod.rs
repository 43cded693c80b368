//! Media: how audio and video travel: ICE servers, the SFU that forwards large calls, and tokens
//! for an external LiveKit server.
//!
//! May use `components`. Never: SQL, a `World`, HTTP. `systems::proximity` decides which players
//! hear and see each other; this module applies it.

pub mod ice;
pub mod livekit;
mod secret;
pub mod sfu;

pub use self::secret::MediaSecret;
