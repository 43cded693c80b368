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

/// Bytes of hexadecimal text; `None` for other texts.
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let pairs = digits.chunks(2).map(std::str::from_utf8);
    pairs
        .map(|pair| u8::from_str_radix(pair.ok()?, 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_text_is_read_as_it_was_written() {
        assert_eq!(unhex(&hex(&[0, 9, 171, 255])), Some(vec![0, 9, 171, 255]));
        assert_eq!(unhex(""), Some(Vec::new()));
        for wrong in ["a", "+1", "0g", "é0", "0x12"] {
            assert_eq!(unhex(wrong), None, "{wrong}");
        }
    }
}
