//! Passwords: Argon2id off the async threads, a bounded number at once, and equal work whether or not the user exists.

use std::sync::Arc;

use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::error::ApiError;
use crate::settings::PasswordCost;

/// Hashes computed at the same time; each takes a thread and its memory.
const AT_ONCE: usize = 2;

/// Hashing, with a bound on how much at once. Cheap to clone.
#[derive(Clone)]
pub struct Passwords {
    argon: Argon2<'static>,
    turns: Arc<Semaphore>,
    nobody: Arc<str>,
}

impl Passwords {
    /// Hashing at that cost.
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
        let nobody = argon.hash_password(b"nobody").expect("a hash can be made").to_string();
        Self {
            argon,
            turns: Arc::new(Semaphore::new(AT_ONCE)),
            nobody: nobody.into(),
        }
    }

    /// The hash to keep of a password.
    pub async fn hash(&self, password: &str) -> Result<String, ApiError> {
        let password = password.to_owned();
        self.work(move |argon, _| argon.hash_password(password.as_bytes()).map(|hash| hash.to_string()))
            .await?
            .map_err(|error| {
                tracing::error!(%error, "a password could not be hashed");
                ApiError::Internal
            })
    }

    /// Whether it is the password with that hash. Without a hash it takes as long, and is not.
    pub async fn verify(&self, password: &str, hash: Option<String>) -> Result<bool, ApiError> {
        let password = password.to_owned();
        self.work(move |argon, nobody| {
            let known = hash.is_some();
            let hash = hash.unwrap_or_else(|| nobody.to_owned());
            PasswordVerifier::<str>::verify_password(argon, password.as_bytes(), &hash).is_ok() && known
        })
        .await
    }

    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Argon2<'static>, &str) -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        let turn = Arc::clone(&self.turns)
            .acquire_owned()
            .await
            .map_err(|_| ApiError::Internal)?;
        let (argon, nobody) = (self.argon.clone(), Arc::clone(&self.nobody));
        spawn_blocking(move || {
            let _turn = turn;
            work(&argon, &nobody)
        })
        .await
        .map_err(|_| ApiError::Internal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_of_somebody_fits() {
        let passwords = Passwords::new(PasswordCost::Token);
        let hash = passwords.hash("correct horse").await.unwrap();
        assert!(hash.starts_with("$argon2id$"));
        assert!(passwords.verify("correct horse", Some(hash.clone())).await.unwrap());
        assert!(!passwords.verify("wrong horse", Some(hash)).await.unwrap());
        assert!(!passwords.verify("nobody", None).await.unwrap());
    }
}
