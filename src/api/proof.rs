//! Proof: checks the password of an account, within the limits on guessing.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::AppState;
use super::address::Address;
use super::error::ApiError;
use super::guesses::AttemptVerdict;
use super::passwords::Verified;
use crate::net::address::AddressKey;
use crate::net::budget::{Budget, Who};
use crate::store::users::Credentials;

/// Most bytes of a name and of a password; no account has longer ones.
const MOST_BYTES: usize = 1024;

/// The account, when the password is correct; `None` when it is wrong or there is no such account.
/// The account may be suspended. A caller who has a session of it counts as known.
pub async fn prove(
    state: &AppState,
    Address(address): Address,
    (name, password): (&str, &str),
    has_session: bool,
) -> Result<Option<Credentials>, ApiError> {
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
    asker.is_known |= has_session;
    if let AttemptVerdict::Refuse(wait) = guesses.judge(asker, Instant::now()) {
        return Err(refusal(wait));
    }
    let known = state.store.credentials(name).await?;
    let hash = known.as_ref().map(|known| known.password_hash.clone());
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
    match (state.passwords.verify(turn, password, hash).await?, known) {
        (Verified::Right { renewed }, Some(known)) => {
            guesses.right(asker, Instant::now());
            if let Some(new) = renewed {
                let old = &known.password_hash;
                state
                    .store
                    .renew_password_hash(known.user, old, &new)
                    .await?;
            }
            Ok(Some(known))
        }
        (Verified::Right { .. } | Verified::Wrong, _) => {
            guesses.wrong(asker, Instant::now());
            Ok(None)
        }
    }
}
