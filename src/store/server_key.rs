//! Server key: the secret that all processes of a server share through the database. It signs what
//! the server hands out and takes back, such as addresses of thumbnails.

use std::fmt;
use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::token::new_token;
use super::{Store, StoreError};

/// Length of a signature, in bytes.
pub const SIGNATURE: usize = 16;

/// What a signature is for, so that one for a purpose is worth nothing for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignedFor {
    /// The address of a thumbnail.
    Thumbnail,
    /// The network of a guest.
    Network,
}

impl SignedFor {
    const fn word(self) -> &'static str {
        match self {
            Self::Thumbnail => "thumbnail",
            Self::Network => "network",
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
}
