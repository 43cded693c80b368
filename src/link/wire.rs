//! Wire: what crosses a link: its messages, their frames, and the proof that both sides know the
//! secret.
//!
//! A frame is its length in four bytes, little endian, and that many bytes of bincode.

use bincode::{Decode, Encode};
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::tls::Binding;
use crate::components::command::Command;
use crate::components::direct::DirectMessage;
use crate::components::id::{SpaceId, UserId};
use crate::components::scene::Scene;
use crate::host::SpaceUpdate;

/// Both sides must speak the same: rises with every change of the messages or of anything in them.
pub(super) const VERSION: u32 = 12;

/// The longest frame: a picture of the largest space is far below.
const MAX_FRAME: u32 = 32 << 20;

/// The longest frame of somebody who did not prove the secret yet.
const MAX_GREETING: u32 = 256;

/// What all processes of a cluster know, and nobody else.
#[derive(Clone)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Any text; the longer the better.
    pub fn new(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }

    /// A key for something that is no link, and that only the cluster's processes can make.
    pub fn key_for(&self, purpose: &[u8]) -> Vec<u8> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("a key of any length is fine");
        mac.update(b"key");
        mac.update(purpose);
        mac.finalize().into_bytes().to_vec()
    }

    /// Proves the secret for both challenges in this very channel; `side` keeps one side's proof
    /// from being the other's.
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

    /// Whether it is the proof of somebody who knows the secret; takes as long for a wrong one.
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
        mac.update(challenges[0]);
        mac.update(challenges[1]);
        mac.update(binding);
        mac
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Chance that makes every proof another one.
pub(super) type Challenge = [u8; 32];

/// A proof.
pub(super) type Proof = [u8; 32];

/// The first words, in this order. The one who connects proves the secret first: a proof given to
/// anyone who asks could be tried against guesses at leisure.
#[derive(Debug, Encode, Decode)]
pub(super) enum Greeting {
    /// The one who connects.
    Hello { version: u32, challenge: Challenge },
    /// The one who listens.
    Welcome { challenge: Challenge },
    /// The proof of the one who connected, and then that of the one who listens.
    Proof(Proof),
    /// No.
    Refused(String),
}

/// From the process with the clients.
#[derive(Debug, Encode, Decode)]
pub(super) enum ToHost {
    /// Still there.
    Beat,
    /// Run this space, or say that you do.
    Open { request: u32, space: SpaceId },
    /// Show everything that happens from now on.
    Follow { stream: u32, space: SpaceId },
    /// Show no more.
    Unfollow { stream: u32 },
    /// For the next tick.
    Command { space: SpaceId, command: Command },
    /// Something that was changed through another process.
    Tell(LinkBroadcast),
}

/// From the process that runs spaces.
#[derive(Debug, Encode, Decode)]
pub(super) enum ToEdge {
    /// Still there.
    Beat,
    /// It runs here; what does not change of it.
    Opened { request: u32, scene: Scene },
    /// It does not run here.
    Refused { request: u32 },
    /// What happened.
    Seen { stream: u32, seen: SpaceUpdate },
    /// Nothing follows on a stream.
    Over { stream: u32 },
}

/// Something that the process should know that runs a space, whoever that is.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub enum LinkBroadcast {
    /// For one space.
    Space(SpaceId, Command),
    /// For every space.
    All(Command),
    /// A space was deleted.
    Deleted(SpaceId),
    /// Hand every space to others and take no more, or do again.
    Drain(bool),
    /// Hand a space to the process of that name.
    Move(SpaceId, String),
    /// Somebody wrote to somebody else, who may be connected there.
    Direct(DirectMessage),
    /// Sessions of a user ended, who may be connected there.
    SessionsEnded(UserId),
    /// What people made of spaces changed: look whether those that run here are behind.
    Look,
}

/// Why a link broke.
#[derive(Debug, thiserror::Error)]
pub(super) enum WireError {
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error("a frame of {0} bytes is too long")]
    TooLong(u32),
    #[error("a message is not understood: {0}")]
    Malformed(#[from] bincode::error::DecodeError),
}

/// A message as it crosses the link.
pub(super) fn frame(message: &impl Encode) -> Bytes {
    let mut bytes = vec![0; 4];
    bincode::encode_into_std_write(message, &mut bytes, bincode::config::standard())
        .expect("writing plain values into memory cannot fail");
    let length = (bytes.len() - 4) as u32;
    bytes[..4].copy_from_slice(&length.to_le_bytes());
    bytes.into()
}

/// The next message.
pub(super) async fn read<T: Decode<()>>(
    socket: &mut (impl AsyncRead + Unpin),
) -> Result<T, WireError> {
    read_at_most(socket, MAX_FRAME).await
}

/// The next greeting: of somebody who may be anybody.
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

/// A challenge nobody could know before.
#[expect(
    clippy::disallowed_methods,
    reason = "a challenge is chance from a generator that the system seeds"
)]
pub(super) fn challenge() -> Challenge {
    rand::random()
}
