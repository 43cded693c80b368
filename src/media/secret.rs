//! Secret: a secret shared between this server and a media server.

use hmac::{Hmac, KeyInit, Mac};

/// A shared secret. `Debug` hides it, so it does not get into logs.
#[derive(Clone)]
pub struct MediaSecret(String);

impl MediaSecret {
    /// A secret from any text.
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// HMAC-SHA1, as TURN's shared secrets use it.
    pub(super) fn sign_sha1(&self, text: &str) -> Vec<u8> {
        let mut mac = Hmac::<sha1::Sha1>::new_from_slice(self.0.as_bytes())
            .expect("a key of any length is fine");
        mac.update(text.as_bytes());
        mac.finalize().into_bytes().to_vec()
    }

    /// HMAC-SHA256, as tokens use it.
    pub(super) fn sign_sha256(&self, text: &str) -> Vec<u8> {
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(self.0.as_bytes())
            .expect("a key of any length is fine");
        mac.update(text.as_bytes());
        mac.finalize().into_bytes().to_vec()
    }
}

impl std::fmt::Debug for MediaSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MediaSecret(…)")
    }
}
