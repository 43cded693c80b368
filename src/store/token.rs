//! Token: secrets of sessions, invites and set-up links. Only their hashes are stored.

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// A fresh token: 256 random bits in hexadecimal.
#[expect(
    clippy::disallowed_methods,
    reason = "tokens are secrets from a generator that the system seeds"
)]
pub fn new_token() -> String {
    hex(&rand::random::<[u8; 32]>())
}

/// The stored hash of a token.
pub(super) fn hash_token(token: &str) -> String {
    hex(&Sha256::digest(token.as_bytes()))
}

/// Bytes in lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            write!(text, "{byte:02x}").expect("writing to a string cannot fail");
            text
        })
}
