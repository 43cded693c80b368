//! Proof: checks the password of an account or a space, within the limits on guessing.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::AppState;
use super::address::Address;
use super::error::ApiError;
use super::guesses::AttemptVerdict;
use super::passwords::Verified;
use crate::net::address::AddressKey;
use crate::net::budget::{Budget, Who};
use crate::store::StoreError;
use crate::store::users::Credentials;

/// Most bytes of a name and of a password; no account has longer ones.
const MOST_BYTES: usize = 1024;

/// What someone claims to know.
#[derive(Clone, Copy)]
pub struct Claim<'a> {
    /// Name of the account. Failures are counted by it.
    pub account: &'a str,
    /// The password.
    pub password: &'a str,
    /// Whether the claimant is known to the account otherwise, by a session for example.
    pub is_known: bool,
}

/// A claim that is right.
pub struct Proven<T> {
    /// What was loaded with the hash.
    pub of: T,
    /// New hash to save in place of the old one.
    pub renewed: Option<String>,
}

/// The account, when the password is correct; `None` when it is wrong or there is no such account.
/// The account may be suspended. A caller who has a session of it counts as known.
pub async fn prove(
    state: &AppState,
    address: Address,
    (name, password): (&str, &str),
    has_session: bool,
) -> Result<Option<Credentials>, ApiError> {
    let claim = Claim {
        account: name,
        password,
        is_known: has_session,
    };
    let load = async {
        let known = state.store.credentials(name).await?;
        Ok(known.map(|known| (known.password_hash.clone(), known)))
    };
    let Some(Proven { of: known, renewed }) = check_claim(state, address, claim, load).await?
    else {
        return Ok(None);
    };
    if let Some(new) = renewed {
        let old = &known.password_hash;
        state
            .store
            .renew_password_hash(known.user, old, &new)
            .await?;
    }
    Ok(Some(known))
}

/// Checks a claim against the hash that `load` reads, with what else it reads; `None` when it is
/// wrong or there is no hash.
pub async fn check_claim<T>(
    state: &AppState,
    Address(address): Address,
    claim: Claim<'_>,
    load: impl Future<Output = Result<Option<(String, T)>, StoreError>>,
) -> Result<Option<Proven<T>>, ApiError> {
    let (name, password) = (claim.account, claim.password);
    if name.len() > MOST_BYTES || password.len() > MOST_BYTES {
        return Ok(None);
    }
    let guesses = &state.guesses;
    let refusal = |wait: Duration| {
        if let Some(address) = address.map(AddressKey::of) {
            state.budgets.note(Who::Address(address), Budget::SignIns);
        }
        ApiError::TooMany(wait.as_secs() + 1)
    };
    let mut asker = guesses.asker(address.map(AddressKey::of), name, Instant::now());
    asker.is_known |= claim.is_known;
    if let AttemptVerdict::Refuse(wait) = guesses.judge(asker, Instant::now()) {
        return Err(refusal(wait));
    }
    let (hash, of) = load.await?.unzip();
    let mut held = None;
    let turn = loop {
        let turn = state.passwords.turn(asker).await?;
        // Judged at the end of the wait: of many concurrent tries, the first failures count against
        // the later ones.
        match guesses.judge(asker, Instant::now()) {
            AttemptVerdict::Refuse(wait) => return Err(refusal(wait)),
            AttemptVerdict::Hold(wait) if held.is_none() => {
                drop(turn);
                held = Some(guesses.hold(asker).ok_or_else(|| refusal(wait))?);
                sleep(wait).await;
            }
            AttemptVerdict::Hold(_) | AttemptVerdict::Go => break turn,
        }
    };
    match (state.passwords.verify(turn, password, hash).await?, of) {
        (Verified::Right { renewed }, Some(of)) => {
            guesses.right(asker, Instant::now());
            Ok(Some(Proven { of, renewed }))
        }
        (Verified::Right { .. } | Verified::Wrong, _) => {
            guesses.wrong(asker, Instant::now());
            Ok(None)
        }
    }
}
