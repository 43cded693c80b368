//! `LiveKit`: access tokens for an external `LiveKit` server, used instead of the built-in SFU.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::MediaSecret;
use crate::components::peers::Silence;

/// Track sources, by `LiveKit`'s names, and whether they are heard.
const SOURCES: [(&str, bool); 4] = [
    ("camera", false),
    ("microphone", true),
    ("screen_share", false),
    ("screen_share_audio", true),
];

/// Validity of a token. A connection that is already established stays open.
pub const TOKEN_TTL: Duration = Duration::from_mins(10);

/// A `LiveKit` server.
#[derive(Debug, Clone)]
pub struct LiveKitSettings {
    /// Address for browsers, as `wss://HOST`.
    pub url: String,
    /// API key of this server at `LiveKit`.
    pub key: String,
    /// Secret of the API key.
    pub secret: MediaSecret,
}

/// Who may join which `LiveKit` room with a token.
#[derive(Debug, Clone, Copy)]
pub struct Grant<'a> {
    /// Name of the room.
    pub room: &'a str,
    /// User's id, for programs.
    pub identity: &'a str,
    /// User's name, for people.
    pub name: &'a str,
    /// Whether the user may share a screen.
    pub screen: bool,
    /// Start of validity, in Unix seconds.
    pub from: u64,
    /// What the user may not publish, because moderators muted them.
    pub silence: Silence,
}

impl Grant<'_> {
    /// Track sources that the user may publish.
    fn sources(&self) -> Vec<&'static str> {
        let Silence { voice, video } = self.silence;
        let is_allowed = |is_heard| if is_heard { !voice } else { !video };
        let allowed = SOURCES.iter().filter(|(source, is_heard)| {
            is_allowed(*is_heard) && (self.screen || !source.starts_with("screen"))
        });
        allowed.map(|(source, _)| *source).collect()
    }
}

impl LiveKitSettings {
    /// A token for one user and one room: a JWT (RFC 7519) signed with HS256, with the claims that
    /// `LiveKit` documents.
    pub fn token(&self, grant: Grant<'_>) -> String {
        let sources = grant.sources();
        let claims = json!({
            "iss": self.key,
            "sub": grant.identity,
            "name": grant.name,
            "nbf": grant.from,
            "exp": grant.from + TOKEN_TTL.as_secs(),
            "video": {
                "room": grant.room,
                "roomJoin": true,
                // An empty list would mean all.
                "canPublish": !sources.is_empty(),
                "canPublishSources": sources,
                "canSubscribe": true,
                "canPublishData": false,
            },
        });
        sign(&self.secret, &claims)
    }
}

fn sign(secret: &MediaSecret, claims: &Value) -> String {
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    let said = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
    let signature = URL_SAFE_NO_PAD.encode(secret.sign_sha256(&said));
    format!("{said}.{signature}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_matches_the_well_known_example_token() {
        let said = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.\
                    eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ";
        let signature = MediaSecret::new("your-256-bit-secret").sign_sha256(said);
        assert_eq!(
            URL_SAFE_NO_PAD.encode(signature),
            "SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c"
        );
    }

    #[test]
    fn a_token_admits_one_user_to_one_room_until_it_expires() {
        let settings = LiveKitSettings {
            url: "wss://live.example".into(),
            key: "key".into(),
            secret: MediaSecret::new("secret"),
        };
        let token = settings.token(Grant {
            room: "hall",
            identity: "u1",
            name: "Ada \"the\" first",
            screen: true,
            from: 1_000,
            silence: Silence::default(),
        });
        let parts: Vec<&str> = token.split('.').collect();
        assert_eq!(
            URL_SAFE_NO_PAD.decode(parts[0]).unwrap(),
            br#"{"alg":"HS256","typ":"JWT"}"#
        );
        let claims: Value =
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
        assert_eq!(
            claims,
            json!({
                "iss": "key", "sub": "u1", "name": "Ada \"the\" first", "nbf": 1_000, "exp": 1_600,
                "video": {
                    "room": "hall", "roomJoin": true, "canPublish": true, "canSubscribe": true,
                    "canPublishData": false,
                    "canPublishSources": [
                        "camera", "microphone", "screen_share", "screen_share_audio",
                    ],
                },
            })
        );
    }

    #[test]
    fn users_publish_only_what_they_may() {
        let sources = |voice, video, screen| {
            let grant = Grant {
                room: "hall",
                identity: "u1",
                name: "Ada",
                screen,
                from: 1_000,
                silence: Silence { voice, video },
            };
            grant.sources()
        };
        assert_eq!(sources(true, false, true), ["camera", "screen_share"]);
        let heard = ["microphone", "screen_share_audio"];
        assert_eq!(sources(false, true, true), heard);
        assert_eq!(sources(false, false, false), ["camera", "microphone"]);
        assert!(sources(true, true, true).is_empty());
    }
}
