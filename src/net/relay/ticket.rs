//! Ticket: proof that a user took a portal just now. The relay that saw it signs it, and every
//! process with the same key accepts it, so that the host of the other space need not be told.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::components::id::{SpaceId, UserId};

/// Validity of a ticket in milliseconds: long enough to load the page of another space.
const GOOD_FOR: u64 = 30_000;

/// Length of the signature in a ticket, in bytes.
const SIGNATURE: usize = 16;

/// Length of the part before the zone's name, in bytes: expiry and signature.
const HEAD: usize = 8 + SIGNATURE;

/// The key that signs tickets. `Debug` hides it, so it does not get into logs.
#[derive(Clone)]
pub struct TicketKey(Vec<u8>);

impl TicketKey {
    /// A key from any bytes. Anyone who knows them can issue tickets.
    pub fn new(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }
}

impl std::fmt::Debug for TicketKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TicketKey(…)")
    }
}

/// Issues and checks tickets. Cheap to clone.
#[derive(Clone)]
pub struct Tickets(Arc<TicketState>);

struct TicketState {
    key: TicketKey,
    /// Current time in Unix milliseconds.
    clock: fn() -> u64,
}

impl Tickets {
    /// Tickets that are accepted by every process with the same key and a similar clock.
    pub fn new(key: TicketKey, clock: fn() -> u64) -> Self {
        Self(Arc::new(TicketState { key, clock }))
    }

    /// A ticket for a user who took a portal to that zone.
    pub fn issue(&self, user: UserId, space: SpaceId, zone: &str) -> String {
        let until = ((self.0.clock)() + GOOD_FOR).to_be_bytes();
        let signature = self.sign(user, space, until, zone).finalize().into_bytes();
        let bytes = [&until[..], &signature[..SIGNATURE], zone.as_bytes()].concat();
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The zone of the ticket, if it is valid for that user and space.
    pub fn check(&self, ticket: &str, user: UserId, space: SpaceId) -> Option<String> {
        let bytes = URL_SAFE_NO_PAD.decode(ticket).ok()?;
        let (head, zone) = bytes.split_at_checked(HEAD)?;
        let zone = std::str::from_utf8(zone).ok()?;
        let (until, signature) = head.split_first_chunk::<8>()?;
        let signed = self
            .sign(user, space, *until, zone)
            .verify_truncated_left(signature);
        let is_good = signed.is_ok() && (self.0.clock)() <= u64::from_be_bytes(*until);
        is_good.then(|| zone.to_owned())
    }

    fn sign(&self, user: UserId, space: SpaceId, until: [u8; 8], zone: &str) -> Hmac<Sha256> {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.0.key.0).expect("a key of any length is fine");
        mac.update(b"portal");
        mac.update(user.0.as_bytes());
        mac.update(space.0.as_bytes());
        mac.update(&until);
        mac.update(zone.as_bytes());
        mac
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn tickets(key: &[u8], clock: fn() -> u64) -> Tickets {
        Tickets::new(TicketKey::new(key), clock)
    }

    #[test]
    fn a_ticket_is_valid_for_one_user_one_space_and_a_short_time() {
        let [ada, bob] = [1, 2].map(|number| UserId(Uuid::from_u128(number)));
        let [here, there] = [1, 2].map(|number| SpaceId(Uuid::from_u128(number)));
        let now = tickets(b"key", || 1_000_000);
        let ticket = now.issue(ada, there, "The door ⛩");
        assert_eq!(
            now.check(&ticket, ada, there).as_deref(),
            Some("The door ⛩")
        );
        let elsewhere = tickets(b"key", || 1_000_000 + GOOD_FOR);
        assert!(
            elsewhere.check(&ticket, ada, there).is_some(),
            "another process with the same key"
        );
        assert_eq!(now.check(&ticket, bob, there), None);
        assert_eq!(now.check(&ticket, ada, here), None);
        assert_eq!(
            tickets(b"key", || 1_000_001 + GOOD_FOR).check(&ticket, ada, there),
            None
        );
        assert_eq!(
            tickets(b"another", || 1_000_000).check(&ticket, ada, there),
            None
        );
    }

    #[test]
    fn other_texts_are_not_tickets() {
        let user = UserId(Uuid::from_u128(1));
        let space = SpaceId(Uuid::from_u128(1));
        let now = tickets(b"key", || 0);
        let ticket = now.issue(user, space, "door");
        for cut in 0..ticket.len() {
            assert_eq!(now.check(&ticket[..cut], user, space), None);
        }
        for text in ["", "The door", "é", &format!("{ticket}A")] {
            assert_eq!(now.check(text, user, space), None, "{text}");
        }
    }
}
