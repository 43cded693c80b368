//! Server key: the secret that all processes of a server share through the database. It signs what
//! the server hands out and takes back, such as addresses of thumbnails.

use std::fmt;
use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::token::new_token;
use super::{Store, StoreError};
use crate::components::chat::ChatMessage;
use crate::components::id::{ChatId, SpaceId, UserId};

/// Length of a signature, in bytes.
pub const SIGNATURE: usize = 16;

/// What a signature is for, so that one for a purpose is worth nothing for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignedFor {
    /// The address of a thumbnail.
    Thumbnail,
    /// The network of a guest.
    Network,
    /// A chat message.
    Message,
}

impl SignedFor {
    const fn word(self) -> &'static str {
        match self {
            Self::Thumbnail => "thumbnail",
            Self::Network => "network",
            Self::Message => "message",
        }
    }
}

/// The key. Cheap to clone; `Debug` hides it, so it does not get into logs.
#[derive(Clone)]
pub struct ServerKey(Arc<str>);

impl fmt::Debug for ServerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerKey(…)")
    }
}

impl ServerKey {
    /// Signature of parts, of which none can stand for another.
    pub fn sign(&self, what: SignedFor, parts: &[&[u8]]) -> [u8; SIGNATURE] {
        let bytes = self.mac(what, parts).finalize().into_bytes();
        let mut signature = [0; SIGNATURE];
        signature.copy_from_slice(&bytes[..SIGNATURE]);
        signature
    }

    /// Whether the signature is that of these parts, in equal time.
    pub fn verify(&self, what: SignedFor, parts: &[&[u8]], signature: &[u8]) -> bool {
        signature.len() == SIGNATURE
            && self
                .mac(what, parts)
                .verify_truncated_left(signature)
                .is_ok()
    }

    fn mac(&self, what: SignedFor, parts: &[&[u8]]) -> Hmac<Sha256> {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(self.0.as_bytes()).expect("a key of any length is fine");
        for part in std::iter::once(&what.word().as_bytes()).chain(parts) {
            // With its length, so that no byte can move to the next part.
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac
    }
}

/// What a user said: the parts of a chat message that are signed.
#[derive(Debug, Clone, Copy)]
pub struct SaidWords<'a> {
    /// Id of the message.
    pub id: ChatId,
    /// Who said it.
    pub user: UserId,
    /// Text.
    pub text: &'a str,
    /// Time, in Unix milliseconds.
    pub at: u64,
}

impl<'a> From<&'a ChatMessage> for SaidWords<'a> {
    fn from(message: &'a ChatMessage) -> Self {
        Self {
            id: message.id,
            user: message.user,
            text: &message.text,
            at: message.at,
        }
    }
}

/// Signs the messages of one space, so that people can prove what was said there and is not stored.
#[derive(Debug, Clone)]
pub struct MessageKey {
    key: ServerKey,
    space: SpaceId,
}

impl MessageKey {
    /// The key for the messages of a space.
    pub const fn new(key: ServerKey, space: SpaceId) -> Self {
        Self { key, space }
    }

    /// A key for tests.
    #[cfg(test)]
    pub fn of_test(space: SpaceId) -> Self {
        Self::new(ServerKey("test".into()), space)
    }

    /// Signature of a message.
    pub fn sign(&self, said: SaidWords<'_>) -> [u8; SIGNATURE] {
        self.with_parts(said, |parts| self.key.sign(SignedFor::Message, parts))
    }

    /// Whether the server signed this message of this space.
    pub fn verify(&self, said: SaidWords<'_>, signature: &[u8]) -> bool {
        self.with_parts(said, |parts| {
            self.key.verify(SignedFor::Message, parts, signature)
        })
    }

    fn with_parts<T>(&self, said: SaidWords<'_>, act: impl FnOnce(&[&[u8]]) -> T) -> T {
        act(&[
            self.space.0.as_bytes(),
            said.id.0.as_bytes(),
            said.user.0.as_bytes(),
            said.text.as_bytes(),
            &said.at.to_be_bytes(),
        ])
    }
}

impl Store {
    /// The key of the server. The first process that asks makes it.
    pub async fn server_key(&self) -> Result<ServerKey, StoreError> {
        sqlx::query(
            "insert into server_keys (name, value) values ('server', $1) on conflict do nothing",
        )
        .bind(new_token())
        .execute(&self.writer)
        .await?;
        let (key,): (String,) =
            sqlx::query_as("select value from server_keys where name = 'server'")
                .fetch_one(&self.writer)
                .await?;
        Ok(ServerKey(key.into()))
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_signature_is_for_its_parts_and_for_one_key() {
        let (key, other) = (ServerKey("a".into()), ServerKey("b".into()));
        let what = SignedFor::Thumbnail;
        let signature = key.sign(what, &[b"one", b"two"]);
        assert!(key.verify(what, &[b"one", b"two"], &signature));
        for parts in [
            &[b"one".as_slice(), b"tw"][..],
            &[b"onet", b"wo"],
            &[b"onetwo"],
            &[],
        ] {
            assert!(!key.verify(what, parts, &signature), "{parts:?}");
        }
        assert!(!other.verify(what, &[b"one", b"two"], &signature));
        for length in [0, 1, 15] {
            assert!(!key.verify(what, &[b"one", b"two"], &signature[..length]));
        }
        assert_eq!(format!("{key:?}"), "ServerKey(…)");
    }

    #[test]
    fn a_message_is_proven_as_it_was_said_and_where() {
        let [space, elsewhere] = [1, 2].map(|number| SpaceId(Uuid::from_u128(number)));
        let key = MessageKey::of_test(space);
        let said = SaidWords {
            id: ChatId(Uuid::from_u128(3)),
            user: UserId(Uuid::from_u128(4)),
            text: "hello",
            at: 5,
        };
        let mac = key.sign(said);
        assert!(key.verify(said, &mac));
        assert!(!MessageKey::of_test(elsewhere).verify(said, &mac));
        let id = ChatId(Uuid::from_u128(4));
        let user = UserId(Uuid::from_u128(3));
        for other in [
            SaidWords { id, ..said },
            SaidWords { user, ..said },
            SaidWords {
                text: "hell",
                ..said
            },
            SaidWords { at: 6, ..said },
        ] {
            assert!(!key.verify(other, &mac), "{other:?}");
        }
    }
}
