//! Passwords: Argon2id on threads of low priority, with bounded concurrency in fair turns. The work
//! is equal whether or not the user exists.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};

use super::background;
use super::error::ApiError;
use super::turns::{Asker, Turns, WorkPermit};
use crate::components::name::password_form;
use crate::net::address::AddressKey;
use crate::settings::PasswordCost;

/// Hashes computed at the same time; each takes a thread and its memory.
const AT_ONCE: usize = 2;

/// Password hasher with bounded concurrency. Cheap to clone.
#[derive(Clone)]
pub struct Passwords {
    argon: Argon2<'static>,
    turns: Arc<Turns>,
    dummy_hash: Arc<str>,
    /// Number of hashes for accounts that do not exist yet.
    new_accounts: Arc<AtomicU64>,
}

/// Result of verifying a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verified {
    /// Wrong password, or no such user.
    Wrong,
    /// Correct password.
    Right {
        /// New hash to save, when the saved one took less work than today's or is of another normal
        /// form of the password.
        renewed: Option<String>,
    },
}

impl Passwords {
    /// A hasher with this cost.
    pub fn new(cost: PasswordCost) -> Self {
        let params = match cost {
            PasswordCost::Full => Params::new(19 * 1024, 2, 1, None),
            PasswordCost::Token => Params::new(8, 1, 1, None),
        };
        let argon = Argon2::new(
            Algorithm::Argon2id,
            Version::V0x13,
            params.expect("the parameters are in range"),
        );
        let dummy_hash = argon
            .hash_password(b"no such user")
            .expect("a hash can be made")
            .to_string();
        Self {
            argon,
            turns: Turns::new(AT_ONCE),
            dummy_hash: dummy_hash.into(),
            new_accounts: Arc::default(),
        }
    }

    /// Waits for a turn to hash.
    pub async fn turn(&self, asker: Asker) -> Result<WorkPermit, ApiError> {
        let crowded = |_| {
            ApiError::Unavailable(
                "Too many people sign in at this moment. Try again in a few seconds.",
            )
        };
        self.turns.wait(asker).await.map_err(crowded)
    }

    /// Hashes a password that was chosen by a user at the asker's address.
    pub async fn hash(
        &self,
        network: Option<AddressKey>,
        password: &str,
    ) -> Result<String, ApiError> {
        let asker = Asker {
            network,
            // There is no account yet: each is a party of its own.
            account: self.new_accounts.fetch_add(1, Ordering::Relaxed),
            is_known: false,
        };
        let (turn, password) = (self.turn(asker).await?, password_form(password));
        let hash = self.work(turn, move |argon, _| {
            argon
                .hash_password(password.as_bytes())
                .map(|hash| hash.to_string())
        });
        hash.await?.map_err(|error| {
            tracing::error!(%error, "failed to hash a password");
            ApiError::Internal
        })
    }

    /// Whether the password fits the hash, as it was typed or in normal form. Without a hash the
    /// same work is done, and the answer is `Wrong`.
    pub async fn verify(
        &self,
        turn: WorkPermit,
        password: &str,
        hash: Option<String>,
    ) -> Result<Verified, ApiError> {
        let typed = password.to_owned();
        self.work(turn, move |argon, dummy_hash| {
            let is_somebody = hash.is_some();
            let hash = hash.unwrap_or_else(|| dummy_hash.to_owned());
            let fits = |form: &str| {
                PasswordVerifier::<str>::verify_password(argon, form.as_bytes(), &hash).is_ok()
            };
            let form = password_form(&typed);
            let fits_as_typed = fits(&typed);
            let fits = fits_as_typed || (form != typed && fits(&form));
            if !fits || !is_somebody {
                return Verified::Wrong;
            }
            let is_outdated = is_weaker(&hash, argon.params()) || (fits_as_typed && form != typed);
            let renewed = is_outdated.then(|| argon.hash_password(form.as_bytes()));
            Verified::Right {
                renewed: renewed.and_then(Result::ok).map(|hash| hash.to_string()),
            }
        })
        .await
    }

    async fn work<T: Send + 'static>(
        &self,
        turn: WorkPermit,
        work: impl FnOnce(&Argon2<'static>, &str) -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        let (argon, dummy_hash) = (self.argon.clone(), Arc::clone(&self.dummy_hash));
        background::run("password", move || {
            let _turn = turn;
            work(&argon, &dummy_hash)
        })
        .await
    }
}

/// Whether a hash takes less work than today's.
fn is_weaker(hash: &str, today: &Params) -> bool {
    let Ok(hash) = PasswordHash::new(hash) else {
        return false;
    };
    let cost = |name: &str| hash.params.get_decimal(name).unwrap_or_default();
    hash.algorithm.as_str() != Algorithm::Argon2id.as_str()
        || cost("m") < today.m_cost()
        || cost("t") < today.t_cost()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn verify(passwords: &Passwords, password: &str, hash: Option<&str>) -> Verified {
        let asker = Asker {
            network: None,
            account: 0,
            is_known: false,
        };
        let turn = passwords.turn(asker).await.unwrap();
        passwords
            .verify(turn, password, hash.map(str::to_owned))
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn only_the_correct_password_of_an_existing_user_fits() {
        let passwords = Passwords::new(PasswordCost::Token);
        let hash = passwords.hash(None, "correct horse").await.unwrap();
        assert!(hash.starts_with("$argon2id$"));
        let right = Verified::Right { renewed: None };
        assert_eq!(
            verify(&passwords, "correct horse", Some(&hash)).await,
            right
        );
        assert_eq!(
            verify(&passwords, "wrong horse", Some(&hash)).await,
            Verified::Wrong
        );
        assert_eq!(
            verify(&passwords, "no such user", None).await,
            Verified::Wrong
        );
    }

    #[tokio::test]
    async fn a_password_is_the_same_in_every_normal_form() {
        let passwords = Passwords::new(PasswordCost::Token);
        let (composed, decomposed) = ("p\u{e4}ss-word", "pa\u{308}ss-word");
        for kept in [composed, decomposed] {
            let hash = passwords.hash(None, kept).await.unwrap();
            for typed in [composed, decomposed] {
                let right = Verified::Right { renewed: None };
                assert_eq!(verify(&passwords, typed, Some(&hash)).await, right);
            }
        }
        // A hash from earlier versions, of the password as it was typed: it fits as it was typed,
        // and after renewal in every form.
        let before = passwords
            .argon
            .hash_password(decomposed.as_bytes())
            .unwrap()
            .to_string();
        assert_eq!(
            verify(&passwords, composed, Some(&before)).await,
            Verified::Wrong
        );
        let Verified::Right {
            renewed: Some(renewed),
        } = verify(&passwords, decomposed, Some(&before)).await
        else {
            panic!("it fits and is renewed")
        };
        let right = Verified::Right { renewed: None };
        assert_eq!(verify(&passwords, composed, Some(&renewed)).await, right);
    }

    #[tokio::test]
    async fn a_hash_that_took_less_work_is_renewed_and_one_that_took_more_is_not() {
        let (cheap, full) = (
            Passwords::new(PasswordCost::Token),
            Passwords::new(PasswordCost::Full),
        );
        let weak = cheap.hash(None, "correct horse").await.unwrap();
        let Verified::Right {
            renewed: Some(strong),
        } = verify(&full, "correct horse", Some(&weak)).await
        else {
            panic!("it fits and is renewed")
        };
        assert!(is_weaker(&weak, full.argon.params()) && !is_weaker(&strong, full.argon.params()));
        let right = Verified::Right { renewed: None };
        assert_eq!(verify(&full, "correct horse", Some(&strong)).await, right);
        assert_eq!(verify(&cheap, "correct horse", Some(&strong)).await, right);
        assert_eq!(
            verify(&full, "wrong horse", Some(&weak)).await,
            Verified::Wrong
        );
    }
}
