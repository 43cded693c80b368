//! ICE: servers that help two browsers connect to each other, and credentials for the TURN servers
//! that relay their calls.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::MediaSecret;

/// The configured STUN and TURN servers.
#[derive(Debug, Clone)]
pub struct IceSettings {
    /// STUN servers, which tell a browser its own address, as `stun:HOST:PORT`.
    pub stun_urls: Vec<String>,
    /// TURN servers, which relay calls between browsers that cannot connect directly, as
    /// `turn:HOST:PORT?transport=udp`.
    pub turn_urls: Vec<String>,
    /// Secret shared with the TURN servers; without it no credentials can be issued.
    pub turn_secret: Option<MediaSecret>,
    /// How long a credential is valid.
    pub turn_ttl: Duration,
    /// Whether calls use TURN servers only, so that users do not learn each other's address.
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

/// Username and password for TURN servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnCredential {
    /// Expiry in Unix seconds and the user's id, as `EXPIRY:USER`.
    pub username: String,
    /// Base64 of the HMAC-SHA1 of the username.
    pub password: String,
}

impl TurnCredential {
    /// A credential that is valid until `expiry` (Unix seconds), as in
    /// draft-uberti-behave-turn-rest-00. The TURN server recomputes the password and needs no list
    /// of users.
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
    fn a_password_is_what_openssl_computes_for_the_name() {
        // printf 1700000000:ada | openssl dgst -sha1 -hmac north -binary | base64
        let minted = TurnCredential::mint(&MediaSecret::new("north"), "ada", 1_700_000_000);
        assert_eq!(minted.username, "1700000000:ada");
        assert_eq!(minted.password, "ndZ88ryT1whVxdkcRLepT9D1MpM=");
    }

    #[test]
    fn a_secret_is_not_in_its_debug_output() {
        assert!(!format!("{:?}", MediaSecret::new("north")).contains("north"));
    }
}
