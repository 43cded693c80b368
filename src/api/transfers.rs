//! Transfers: an owner offers a space to another user, who accepts or declines it.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::AppState;
use super::access::unknown;
use super::empty::Empty;
use super::error::{ApiError, Problem, Refused};
use super::extract::{Caller, Json, Path, UnreadBody};
use super::members::{NO_USER, membership_of};
use super::spaces::CallerQuotas;
use crate::components::id::SpaceId;
use crate::components::membership::EntryRefusal;
use crate::components::permissions::{OwnedBy, Permission};
use crate::store::audit_log::Actor;
use crate::store::now_ms;
use crate::store::transfers::{TransferOutcome, TransferRow};

/// How long an offer holds, in milliseconds: 7 days.
const OFFER_MS: i64 = 7 * 24 * 60 * 60 * 1_000;

const NO_OFFER: &str = "There is no such offer any more.";

/// A request to offer a space.
#[derive(Deserialize, ToSchema)]
pub struct OfferRequest {
    /// Name of the user who is to own it.
    username: String,
}

/// An offer of a space.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OfferEntry {
    /// Id of the space.
    space_id: String,
    /// Name of the space.
    name: String,
    /// Id of the user to whom it is offered.
    user_id: String,
    /// Name of that user.
    username: String,
    /// Name of the user who offers it; empty when they are gone.
    by: String,
    /// End of the offer, in Unix milliseconds.
    expires_at: i64,
}

/// The offer of a space.
#[derive(Serialize, ToSchema)]
pub struct OfferView {
    /// Null when there is none.
    #[schema(required)]
    offer: Option<OfferEntry>,
}

/// Offers to the caller.
#[derive(Serialize, ToSchema)]
pub struct OfferList {
    /// Those that end first come first.
    offers: Vec<OfferEntry>,
}

impl From<TransferRow> for OfferEntry {
    fn from(row: TransferRow) -> Self {
        Self {
            space_id: row.space.to_string(),
            name: row.space_name,
            user_id: row.to.to_string(),
            username: row.to_name,
            by: row.by,
            expires_at: row.expires_at,
        }
    }
}

/// List offers of spaces
///
/// Those to the caller.
#[utoipa::path(
    get,
    path = "/transfer",
    operation_id = "transfers",
    tag = "spaces",
    security(("token" = [])),
    responses(
        (status = 200, body = OfferList),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn mine(
    State(state): State<AppState>,
    caller: Caller,
) -> Result<Json<OfferList>, ApiError> {
    let rows = state.store.transfers_to(caller.user()).await?;
    Ok(Json(OfferList {
        offers: rows.into_iter().map(OfferEntry::from).collect(),
    }))
}

/// Read the offer of a space
///
/// For the owner.
#[utoipa::path(
    get,
    path = "/space/{id}/transfer",
    operation_id = "transfer",
    tag = "spaces",
    security(("token" = [])),
    params(("id" = String, Path, description = "The space")),
    responses(
        (status = 200, body = OfferView),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn show(
    State(state): State<AppState>,
    caller: Caller,
    Path(space): Path<SpaceId>,
) -> Result<Json<OfferView>, ApiError> {
    let entered = state.at(space, Some(&caller)).await?;
    entered.require(Permission::ManageAccess)?;
    let offer = state.store.transfer_of(space).await?;
    Ok(Json(OfferView {
        offer: offer.map(OfferEntry::from),
    }))
}

/// Offer a space
///
/// For the owner: to a user with an account, for 7 days, in place of an earlier offer. Once they
/// accept, they own the space and the owner is a moderator of it.
#[utoipa::path(
    post,
    path = "/space/{id}/transfer",
    operation_id = "offerSpace",
    tag = "spaces",
    security(("token" = [])),
    params(("id" = String, Path, description = "The space")),
    request_body = OfferRequest,
    responses(
        (status = 200, body = OfferView),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn offer(
    State(state): State<AppState>,
    caller: Caller,
    Path(space): Path<SpaceId>,
    body: UnreadBody<OfferRequest>,
) -> Result<Json<OfferView>, ApiError> {
    let permission = Permission::ManageAccess;
    let (_, body) = state.read_for(&caller, space, permission, body).await?;
    let found = state.store.credentials(body.username.trim()).await?;
    let to = found.ok_or_else(|| ApiError::bad(NO_USER))?.user;
    let theirs = membership_of(&state, space, to).await?;
    if theirs.standing.owner == OwnedBy::User {
        return Err(ApiError::bad("They own this space already."));
    }
    if theirs.is_guest {
        return Err(ApiError::bad("Guests own no spaces."));
    }
    if theirs.exclusion.is_some() {
        return Err(ApiError::bad(
            "They are kicked or banned here. Lift that first.",
        ));
    }
    let actor = Actor::from(&caller.who);
    let until = now_ms() + OFFER_MS;
    if !state.store.offer_space(&actor, (space, to), until).await? {
        return Err(unknown());
    }
    state.spaces.memberships_changed(space);
    let offer = state.store.transfer_of(space).await?;
    Ok(Json(OfferView {
        offer: offer.map(OfferEntry::from),
    }))
}

/// Withdraw or decline an offer
///
/// The owner withdraws it, and the user to whom the space is offered declines it.
#[utoipa::path(
    delete,
    path = "/space/{id}/transfer",
    operation_id = "endOffer",
    tag = "spaces",
    security(("token" = [])),
    params(("id" = String, Path, description = "The space")),
    responses(
        (status = 200, body = Empty),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn end(
    State(state): State<AppState>,
    caller: Caller,
    Path(space): Path<SpaceId>,
) -> Result<Json<Empty>, ApiError> {
    // A user to whom it is offered may not be able to enter yet. Others learn nothing here.
    let found = state.stands(space, Some(&caller)).await?;
    let found = found.ok_or_else(|| ApiError::bad(NO_OFFER))?;
    let only_to = if found.may(Permission::ManageAccess) {
        None
    } else {
        Some(caller.user())
    };
    let actor = Actor::from(&caller.who);
    if !state.store.end_offer(&actor, space, only_to).await? {
        return Err(ApiError::bad(NO_OFFER));
    }
    state.spaces.memberships_changed(space);
    Ok(Json(Empty {}))
}

/// Accept a space
///
/// By the user to whom it is offered, within their quota of spaces.
#[utoipa::path(
    post,
    path = "/space/{id}/transfer/accept",
    operation_id = "acceptSpace",
    tag = "spaces",
    security(("token" = [])),
    params(("id" = String, Path, description = "The space")),
    responses(
        (status = 200, body = Empty),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn accept(
    State(state): State<AppState>,
    caller: Caller,
    Path(space): Path<SpaceId>,
) -> Result<Json<Empty>, ApiError> {
    caller.require_account()?;
    let found = state.stands(space, Some(&caller)).await?;
    let found = found.filter(|found| found.membership.offered_until > now_ms());
    let found = found.ok_or_else(|| ApiError::bad(NO_OFFER))?;
    // They were kicked or banned since.
    if let Some(exclusion) = found.membership.exclusion {
        return Err(Refused::of(&EntryRefusal::Excluded(exclusion)).into());
    }
    let (actor, quotas) = (Actor::from(&caller.who), CallerQuotas::of(&state, &caller));
    let at = (space, caller.user());
    match state.store.accept_space(&actor, at, quotas.spaces).await? {
        TransferOutcome::Done => {}
        TransferOutcome::NoOffer => return Err(ApiError::bad(NO_OFFER)),
        TransferOutcome::TooMany => return Err(quotas.too_many_spaces()),
    }
    state.spaces.memberships_changed(space);
    Ok(Json(Empty {}))
}
