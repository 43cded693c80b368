//! ICE: which servers help two browsers find a way to one another, and the passwords for those that
//! carry their calls.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::MediaSecret;

/// The servers that help, as they were configured.
#[derive(Debug, Clone)]
pub struct IceSettings {
    /// Servers that tell a browser its own address, as `stun:HOST:PORT`.
    pub stun_urls: Vec<String>,
    /// Servers that carry calls for those who cannot reach each other, as
    /// `turn:HOST:PORT?transport=udp`.
    pub turn_urls: Vec<String>,
    /// What the TURN servers and this one know; without it there are no passwords to give out.
    pub turn_secret: Option<MediaSecret>,
    /// How long a password is good.
    pub turn_ttl: Duration,
    /// Whether calls go through the TURN servers only, so that nobody learns another's address.
    pub relay_only: bool,
}

impl Default for IceSettings {
    fn default() -> Self {
        Self {
            stun_urls: Vec::new(),
            turn_urls: Vec::new(),
            turn_secret: None,
            turn_ttl: Duration::from_hours(12),
            relay_only: false,
        }
    }
}

/// A name and a password for TURN servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnCredential {
    /// When it ends, and for whom it is.
    pub username: String,
    /// The password.
    pub password: String,
}

impl TurnCredential {
    /// A credential that is good until that second of Unix time, by the method of
    /// draft-uberti-behave-turn-rest-00: the server checks it by computing it again, and needs to
    /// know nobody.
    pub fn mint(secret: &MediaSecret, user: &str, expiry: u64) -> Self {
        let username = format!("{expiry}:{user}");
        let password = STANDARD.encode(secret.sign_sha1(&username));
        Self { username, password }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_that_of_rfc_2202() {
        let signature = MediaSecret::new("Jefe").sign_sha1("what do ya want for nothing?");
        let hex = "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79";
        let expected: Vec<u8> = (0..hex.len())
            .step_by(2)
            .filter_map(|at| u8::from_str_radix(&hex[at..at + 2], 16).ok())
            .collect();
        assert_eq!(signature.as_ref() as &[u8], expected);
    }

    #[test]
    fn a_password_is_what_openssl_makes_of_the_name() {
        // printf 1700000000:ada | openssl dgst -sha1 -hmac north -binary | base64
        let minted = TurnCredential::mint(&MediaSecret::new("north"), "ada", 1_700_000_000);
        assert_eq!(minted.username, "1700000000:ada");
        assert_eq!(minted.password, "ndZ88ryT1whVxdkcRLepT9D1MpM=");
    }

    #[test]
    fn a_secret_does_not_show_itself() {
        assert!(!format!("{:?}", MediaSecret::new("north")).contains("north"));
    }
}
