//! Wire: the messages that cross a link, their framing, and the proof that both sides know the
//! secret.
//!
//! A frame is a 4-byte little-endian length, followed by that many bytes of bincode.

use bincode::{Decode, Encode};
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::tls::Binding;
use crate::components::command::Command;
use crate::components::direct::DirectMessage;
use crate::components::id::{SpaceId, UserId};
use crate::components::report::ReportNews;
use crate::components::scene::Scene;
use crate::host::SpaceUpdate;
use crate::net::registry;

/// Version of the link protocol: the hash of all its types, which a test writes down.
pub(super) const VERSION: u32 = registry::hash(include_str!("types.txt"));

/// Maximum length of a frame, in bytes. A snapshot of the largest space is far smaller.
const MAX_FRAME: u32 = 32 << 20;

/// Maximum length of a frame from a peer that has not proved the secret, in bytes.
const MAX_GREETING: u32 = 256;

/// The secret that all processes of a cluster share.
#[derive(Clone)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// A secret from any text. Longer text is safer.
    pub fn new(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }

    /// A key for a purpose other than links. Only processes of the cluster can compute it.
    pub fn key_for(&self, purpose: &[u8]) -> Vec<u8> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("a key of any length is fine");
        mac.update(b"key");
        mac.update(purpose);
        mac.finalize().into_bytes().to_vec()
    }

    /// Proves the secret for both challenges and this channel. `side` makes the proofs of the two
    /// sides different.
    pub(super) fn prove(
        &self,
        side: &[u8],
        challenges: [&Challenge; 2],
        binding: &Binding,
    ) -> Proof {
        self.mac(side, challenges, binding)
            .finalize()
            .into_bytes()
            .into()
    }

    /// Whether the proof was made with this secret. Compares in constant time.
    pub(super) fn accepts(
        &self,
        side: &[u8],
        challenges: [&Challenge; 2],
        binding: &Binding,
        proof: &Proof,
    ) -> bool {
        self.mac(side, challenges, binding)
            .verify_slice(proof)
            .is_ok()
    }

    fn mac(&self, side: &[u8], challenges: [&Challenge; 2], binding: &Binding) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("a key of any length is fine");
        mac.update(side);
        for challenge in challenges {
            mac.update(challenge);
        }
        mac.update(binding);
        mac
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Random bytes that make every proof different.
pub(super) type Challenge = [u8; 32];

/// HMAC-SHA256 that proves the secret.
pub(super) type Proof = [u8; 32];

/// The greeting messages, in this order. The connecting side proves the secret first: a listener
/// that proved it to every peer would let an attacker test guesses offline.
#[derive(Debug, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub(super) enum Greeting {
    /// From the connecting side.
    Hello { version: u32, challenge: Challenge },
    /// From the listening side.
    Welcome { challenge: Challenge },
    /// The proof of the connecting side, then that of the listening side.
    Proof(Proof),
    /// The greeting is refused; the text says why.
    Refused(String),
}

/// Messages from the process with the clients.
#[derive(Debug, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub(super) enum ToHost {
    /// Heartbeat.
    Beat,
    /// Host this space, or confirm that it is hosted.
    Open { request: u32, space: SpaceId },
    /// Send every update of a space from now on.
    Follow { stream: u32, space: SpaceId },
    /// Stop sending updates on a stream.
    Unfollow { stream: u32 },
    /// A command for the next tick.
    Command { space: SpaceId, command: Command },
    /// A broadcast message.
    Tell(LinkBroadcast),
}

/// Messages from the process that hosts spaces.
#[derive(Debug, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub(super) enum ToEdge {
    /// Heartbeat.
    Beat,
    /// The space is hosted here; `scene` is the part of it that does not change.
    Opened { request: u32, scene: Scene },
    /// The space is not hosted here.
    Refused { request: u32 },
    /// An update of a space.
    Seen { stream: u32, seen: SpaceUpdate },
    /// The stream has ended.
    Over { stream: u32 },
}

/// A message for the processes that host spaces or hold the connections of users.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub enum LinkBroadcast {
    /// A command for one space.
    Space(SpaceId, Command),
    /// A command for every space.
    All(Command),
    /// A space was deleted.
    Deleted(SpaceId),
    /// `true`: hand over every space and accept none. `false`: accept spaces again.
    Drain(bool),
    /// Hand a space over to the process with that name.
    Move(SpaceId, String),
    /// A direct message; the recipient may be connected to the receiving process.
    Direct(DirectMessage),
    /// The sessions of a user ended; the user may be connected to the receiving process.
    SessionsEnded(UserId),
    /// Stored changes to spaces are waiting: check whether hosted spaces are behind.
    Look,
    /// Memberships of a space changed; its people may be connected to the receiving process.
    Memberships(SpaceId),
    /// A user of that name asks to be let into a space; people inside who may answer are told.
    JoinRequest(SpaceId, String),
    /// These users are told of a report, in this space or in any.
    Report(Vec<UserId>, Option<SpaceId>, ReportNews),
}

/// Why a link failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum WireError {
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error("a frame of {0} bytes is too long")]
    TooLong(u32),
    #[error("a message is not understood: {0}")]
    Malformed(#[from] bincode::error::DecodeError),
}

/// The frame of a message, with its length prefix.
pub(super) fn frame(message: &impl Encode) -> Bytes {
    let mut bytes = vec![0; 4];
    bincode::encode_into_std_write(message, &mut bytes, bincode::config::standard())
        .expect("writing plain values into memory cannot fail");
    let (prefix, body) = bytes
        .split_first_chunk_mut::<4>()
        .expect("the prefix was there before the message");
    // A message beyond every limit is refused by its reader.
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
    *prefix = length.to_le_bytes();
    bytes.into()
}

/// Reads the next message.
pub(super) async fn read<T: Decode<()>>(
    socket: &mut (impl AsyncRead + Unpin),
) -> Result<T, WireError> {
    read_at_most(socket, MAX_FRAME).await
}

/// Reads the next greeting, from a peer that has not proved anything yet.
pub(super) async fn read_greeting(
    socket: &mut (impl AsyncRead + Unpin),
) -> Result<Greeting, WireError> {
    read_at_most(socket, MAX_GREETING).await
}

async fn read_at_most<T: Decode<()>>(
    socket: &mut (impl AsyncRead + Unpin),
    most: u32,
) -> Result<T, WireError> {
    let length = socket.read_u32_le().await?;
    if length > most {
        return Err(WireError::TooLong(length));
    }
    let mut bytes = vec![0; length as usize];
    socket.read_exact(&mut bytes).await?;
    let (message, _) = bincode::decode_from_slice(
        &bytes,
        bincode::config::standard().with_limit::<{ 64 << 20 }>(),
    )?;
    Ok(message)
}

/// Writes a greeting.
pub(super) async fn greet(
    socket: &mut (impl AsyncWrite + Unpin),
    greeting: &Greeting,
) -> Result<(), WireError> {
    socket.write_all(&frame(greeting)).await?;
    Ok(socket.flush().await?)
}

/// A new random challenge.
#[expect(
    clippy::disallowed_methods,
    reason = "a challenge comes from a generator that the system seeds"
)]
pub(super) fn challenge() -> Challenge {
    rand::random()
}
