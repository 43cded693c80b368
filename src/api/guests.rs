//! Guests: entering without an account, and keeping the name and things of a guest under one.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use utoipa::ToSchema;

use super::access::unknown;
use super::account::NAME_TAKEN;
use super::address::Address;
use super::empty::Empty;
use super::error::{ApiError, Problem, Refused};
use super::extract::{Caller, Json};
use super::new_password::new_password;
use super::space_invites::{accept, valid_invite};
use super::{AppState, check, word_filter};
use crate::components::guest::guest_name;
use crate::components::id::{AvatarId, SpaceId};
use crate::components::membership::{EntryRefusal, Membership};
use crate::components::permissions::{OwnedBy, SpaceRole};
use crate::net::address::AddressKey;
use crate::net::edge::word_filters::WrittenIn;
use crate::settings::SignUpPolicy;
use crate::store::guests::Kept;
use crate::store::now_ms;
use crate::store::server_key::SignedFor;
use crate::store::token::hex;

const OFF: ApiError =
    ApiError::Forbidden("This server takes no guests. Sign in, or make an account.");

/// A request to enter as a guest.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GuestRequest {
    /// Name, 1 to 50 letters of one script; others see it with “(guest)” behind it.
    name: String,
    /// Id of an avatar; one of those of the server when absent.
    avatar_id: Option<String>,
    /// The space to be entered, when it is open to guests or has a password for them.
    space_id: Option<String>,
    /// Token of an invite to a space, which counts as accepted.
    invite: Option<String>,
}

/// A new guest.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GuestAnswer {
    /// Id of the user.
    user_id: String,
    /// Session token, sent as `authorization: Bearer …`. It ends a day after its last use.
    token: String,
    /// The space of the invite or of the request.
    space_id: String,
}

/// A request to make an account of a guest.
#[derive(Deserialize, ToSchema)]
pub struct KeepRequest {
    /// 1 to 64 letters of one script.
    username: String,
    /// At least 8 characters and at most 1024 bytes; none of the commonest passwords.
    password: String,
}

/// Enter as a guest
///
/// Without an account, for one space: by an invite to it, or because it takes guests. A new guest
/// is a user without spaces and uploads, who answers direct messages but does not begin them.
#[utoipa::path(
    post,
    path = "/guest",
    operation_id = "guest",
    tag = "account",
    request_body = GuestRequest,
    responses(
        (status = 200, body = GuestAnswer),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn add(
    State(state): State<AppState>,
    address: Address,
    Json(body): Json<GuestRequest>,
) -> Result<Json<GuestAnswer>, ApiError> {
    let guests = state.settings.guests;
    if !guests.allowed {
        return Err(OFF);
    }
    let shown = guest_name(&body.name).map_err(|error| ApiError::bad(error.to_string()))?;
    let space = match &body.invite {
        Some(token) => valid_invite(&state, token).await?.space,
        None => open_to_guests(&state, body.space_id.as_deref()).await?,
    };
    let avatar = avatar(&state, body.avatar_id.as_deref()).await?;
    let place = WrittenIn::Space(space, state.store.word_list_of(space).await?);
    let words = word_filter::new_name(&state, place, &shown).await?;
    state.guests.attempt(address, &state.budgets)?;
    let network = network(&state, address);
    if let Some(network) = &network
        && state.store.is_network_banned(space, network).await?
    {
        return Err(ApiError::Forbidden(
            "This space takes no guests from your network for a while. Sign in, or make an \
            account.",
        ));
    }
    let user = state
        .store
        .add_guest(&shown, avatar, network.as_deref(), guests.most)
        .await?;
    let user = user.ok_or(ApiError::Unavailable(
        "There are as many guests as this server takes. Try again later, or make an account.",
    ))?;
    if let Some(token) = &body.invite
        && let Err(refused) = accept(&state, token, user).await
    {
        state.store.delete_guest(user).await?;
        return Err(refused);
    }
    state.filters.report(user, place, &words).await;
    Ok(Json(GuestAnswer {
        user_id: user.to_string(),
        token: state.store.sign_in_guest(user).await?,
        space_id: space.to_string(),
    }))
}

/// Keyed hash of the network of a guest, which says nothing without the key of the server.
fn network(state: &AppState, address: Address) -> Option<String> {
    let network = address.key()?.to_string();
    let signature = state.key.sign(SignedFor::Network, &[network.as_bytes()]);
    Some(hex(&signature))
}

/// The space, if guests may enter it, at least with its password.
async fn open_to_guests(state: &AppState, space: Option<&str>) -> Result<SpaceId, ApiError> {
    let space = space.ok_or_else(|| ApiError::bad("Give a spaceId or an invite."))?;
    let row = state
        .store
        .space(space.parse().map_err(|_| unknown())?)
        .await?;
    let row = row.ok_or_else(unknown)?;
    let mut guest = Membership::of_stranger(row.rules, OwnedBy::Another);
    guest.standing.role = SpaceRole::Guest;
    guest.is_guest = true;
    match guest.enter(now_ms(), true) {
        Ok(()) | Err(EntryRefusal::Password) => Ok(row.id),
        Err(why) => Err(Refused::of(&why).into()),
    }
}

/// The avatar with that id; without one, any of the server's.
async fn avatar(state: &AppState, wanted: Option<&str>) -> Result<Option<AvatarId>, ApiError> {
    let all = state.store.avatars().await?;
    let Some(wanted) = wanted else {
        let any = usize::try_from(now_ms()).unwrap_or_default() % all.len().max(1);
        return Ok(all.get(any).map(|avatar| avatar.id));
    };
    let known = all.iter().find(|avatar| avatar.id.to_string() == wanted);
    let known = known.ok_or_else(|| ApiError::bad("There is no such avatar."))?;
    Ok(Some(known.id))
}

/// Make an account of a guest
///
/// Under the same id: messages, roles and the position stay. Only where everyone may sign up.
#[utoipa::path(
    post,
    path = "/guest/keep",
    operation_id = "keepGuest",
    tag = "account",
    security(("token" = [])),
    request_body = KeepRequest,
    responses(
        (status = 200, body = Empty),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn keep(
    State(state): State<AppState>,
    caller: Caller,
    address: Address,
    Json(body): Json<KeepRequest>,
) -> Result<Json<Empty>, ApiError> {
    const NO_GUEST: ApiError = ApiError::Forbidden("You have an account already.");
    if !caller.who.is_guest {
        return Err(NO_GUEST);
    }
    state.limits.attempt(address, &state.budgets)?;
    match state.settings.signup {
        SignUpPolicy::Open => {}
        SignUpPolicy::Invite | SignUpPolicy::Closed => {
            return Err(ApiError::Forbidden(
                "Guests cannot make an account here. Ask an admin for an invite.",
            ));
        }
    }
    let username = check::username(&body.username)?;
    word_filter::name(&state, &caller, &username).await?;
    let password = new_password(&body.password, &username, state.password_demands())?;
    let network = address.0.map(AddressKey::of);
    let hash = state.passwords.hash(network, &password).await?;
    match state
        .store
        .keep_guest(caller.user(), &username, &hash)
        .await?
    {
        Kept::Done => {}
        Kept::NameTaken => return Err(ApiError::bad(NAME_TAKEN)),
        Kept::NoGuest => return Err(NO_GUEST),
    }
    state.guesses.welcome(network, &username, Instant::now());
    Ok(Json(Empty {}))
}
