//! Secret: what this server and another one, of media, both know.

use hmac::{Hmac, KeyInit, Mac};

/// A shared secret; it never shows itself in a log.
#[derive(Clone)]
pub struct MediaSecret(String);

impl MediaSecret {
    /// Any text.
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// HMAC-SHA1, which TURN's shared secrets are made with.
    pub(super) fn sign_sha1(&self, text: &str) -> Vec<u8> {
        let mut mac = Hmac::<sha1::Sha1>::new_from_slice(self.0.as_bytes())
            .expect("a key of any length is fine");
        mac.update(text.as_bytes());
        mac.finalize().into_bytes().to_vec()
    }

    /// HMAC-SHA256, which tokens are signed with.
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
