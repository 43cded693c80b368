//! Space invites: links that let people into a space, some with a role.

use axum::extract::{Path as Segments, State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::access::unknown;
use super::empty::Empty;
use super::error::{ApiError, Problem, Refused};
use super::extract::{Caller, Json, Path, Query, UnreadBody};
use super::invite_state::{UNKNOWN, refusal};
use super::{AppState, check, thumbnails};
use crate::components::id::{SpaceId, UserId};
use crate::components::membership::EntryRefusal;
use crate::components::permissions::{Permission, SpaceRole};
use crate::store::audit_log::Actor;
use crate::store::invites::InviteState;
use crate::store::now_ms;
use crate::store::space_invites::{Accepted, NewSpaceInvite, SpaceInvite};

/// Most invites of a space that are open at the same time.
const MOST_OPEN: u32 = 50;
/// Validity of an invite for which none was asked, in milliseconds: 7 days.
const USUAL_MS: i64 = 7 * 24 * 60 * 60 * 1_000;
/// Longest validity, in milliseconds: a year.
const LONGEST_MS: i64 = 366 * 24 * 60 * 60 * 1_000;
/// Most uses that an invite can be limited to.
const MOST_USES: i64 = 1_000_000;

/// A request to make an invite.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewInviteRequest {
    /// Role that people get: `visitor` (the default; lets people in without making them members),
    /// `member` or `builder`. Below the caller's own.
    role: Option<String>,
    /// Expiry, in Unix milliseconds, within a year; a week from now when absent.
    expires_at: Option<i64>,
    /// Most people, 1 to 1,000,000; no limit when absent.
    max_uses: Option<i64>,
    /// Note for those who manage invites, at most 100 characters.
    #[serde(default)]
    label: String,
}

/// A new invite.
#[derive(Serialize, ToSchema)]
pub struct NewInviteAnswer {
    /// Id, for revoking it.
    id: String,
    /// Secret token. The server cannot show it again.
    token: String,
    /// Path of the link on this server, below its base path: `/i/TOKEN`.
    url: String,
}

/// Invites of a space.
#[derive(Serialize, ToSchema)]
pub struct SpaceInviteList {
    /// Newest first; revoked ones are left out.
    invites: Vec<SpaceInviteEntry>,
}

/// An invite of a space, without its token.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SpaceInviteEntry {
    /// Id.
    id: String,
    /// Role that people get.
    role: &'static str,
    /// Note.
    label: String,
    /// Expiry, in Unix milliseconds; null for never.
    #[schema(required)]
    expires_at: Option<i64>,
    /// Most people; null for no limit.
    #[schema(required)]
    max_uses: Option<i64>,
    /// People who came by it.
    uses: i64,
    /// `good`, `expired` or `used`.
    state: &'static str,
    /// Time of its creation, in Unix milliseconds.
    at: i64,
    /// Name of the user who made it; null when they are gone.
    #[schema(required)]
    by: Option<String>,
}

/// The space of an invite.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InvitedSpace {
    /// Id of the space.
    id: String,
    /// Name.
    name: String,
    /// What the space is for; may be empty.
    description: String,
    /// Address of its thumbnail.
    thumbnail: String,
    /// Players in it now.
    people: usize,
    /// Role that people get: `visitor`, `member` or `builder`.
    role: &'static str,
    /// Name of the user who made the invite; null when they are gone.
    #[schema(required)]
    by: Option<String>,
    /// Whether guests may use it: people without an account.
    guests: bool,
}

/// The space that an accepted invite leads to.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AcceptedInvite {
    /// Id of the space.
    space_id: String,
}

/// Whether those who came by the invite are removed, too.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RevokeQuery {
    /// `true` takes the roles and grants of those who came by the invite.
    #[serde(default)]
    people: bool,
}

/// List invites to a space
///
/// For those who may make some.
#[utoipa::path(
    get,
    path = "/space/{id}/invite",
    operation_id = "spaceInvites",
    tag = "spaces",
    security(("token" = [])),
    params(("id" = String, Path, description = "The space")),
    responses(
        (status = 200, body = SpaceInviteList),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Path(space): Path<SpaceId>,
) -> Result<Json<SpaceInviteList>, ApiError> {
    let found = state.at(space, Some(&caller)).await?;
    found.require(Permission::Invite)?;
    let now = now_ms();
    let invites = state.store.space_invites(space).await?;
    let invites = invites.into_iter().map(|row| SpaceInviteEntry {
        id: row.invite.id.clone(),
        role: row.role.word(),
        expires_at: row.invite.expires_at,
        max_uses: row.invite.max_uses,
        uses: row.invite.uses,
        state: match row.invite.state(now) {
            InviteState::Good => "good",
            InviteState::Expired => "expired",
            InviteState::Used => "used",
            InviteState::Revoked => "revoked",
        },
        at: row.invite.at,
        by: row.by,
        label: row.invite.label,
    });
    Ok(Json(SpaceInviteList {
        invites: invites.collect(),
    }))
}

/// Make an invite to a space
///
/// People who open its link get the role. At most 50 are open at the same time.
#[utoipa::path(
    post,
    path = "/space/{id}/invite",
    operation_id = "addSpaceInvite",
    tag = "spaces",
    security(("token" = [])),
    params(("id" = String, Path, description = "The space")),
    request_body = NewInviteRequest,
    responses(
        (status = 200, body = NewInviteAnswer),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn add(
    State(state): State<AppState>,
    caller: Caller,
    Path(space): Path<SpaceId>,
    body: UnreadBody<NewInviteRequest>,
) -> Result<Json<NewInviteAnswer>, ApiError> {
    let permission = Permission::Invite;
    let (found, body) = state.read_for(&caller, space, permission, body).await?;
    caller.require_account()?;
    let role = body.role.as_deref().unwrap_or(SpaceRole::Visitor.word());
    let role = SpaceRole::from_word(role)
        .filter(|role| (SpaceRole::Visitor..=SpaceRole::Builder).contains(role))
        .ok_or_else(|| ApiError::bad("An invite is for a `visitor`, `member` or `builder`."))?;
    if !found.membership.standing.may_give(role) {
        return Err(ApiError::Forbidden(
            "You can give roles below your own only.",
        ));
    }
    let now = now_ms();
    let expires_at = body.expires_at.unwrap_or(now + USUAL_MS);
    if !(now + 1..=now + LONGEST_MS).contains(&expires_at) {
        return Err(ApiError::bad(
            "An invite expires in the future, within a year.",
        ));
    }
    if body
        .max_uses
        .is_some_and(|most| !(1..=MOST_USES).contains(&most))
    {
        return Err(ApiError::bad("An invite is for 1 to 1,000,000 people."));
    }
    let label = check::label(&body.label)?;
    let new = NewSpaceInvite {
        space,
        role,
        label: &label,
        expires_at,
        max_uses: body.max_uses,
    };
    let actor = Actor::from(&caller.who);
    let added = state
        .store
        .add_space_invite(&actor, &new, MOST_OPEN)
        .await?;
    let (id, token) = added.ok_or_else(|| {
        ApiError::OverQuota(format!(
            "A space has at most {MOST_OPEN} open invites. Revoke one first."
        ))
    })?;
    let url = format!("/i/{token}");
    Ok(Json(NewInviteAnswer { id, token, url }))
}

/// Revoke an invite to a space
#[utoipa::path(
    delete,
    path = "/space/{id}/invite/{invite}",
    operation_id = "revokeSpaceInvite",
    tag = "spaces",
    security(("token" = [])),
    params(
        ("id" = String, Path, description = "The space"),
        ("invite" = String, Path, description = "Id of the invite"),
        RevokeQuery,
    ),
    responses(
        (status = 200, body = Empty),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn revoke(
    State(state): State<AppState>,
    caller: Caller,
    Segments((space, invite)): Segments<(String, String)>,
    Query(query): Query<RevokeQuery>,
) -> Result<Json<Empty>, ApiError> {
    let space: SpaceId = space.parse().map_err(|_| unknown())?;
    let found = state.at(space, Some(&caller)).await?;
    let found = found.require(Permission::Invite)?;
    if query.people {
        found.require(Permission::AssignRoles)?;
    }
    let actor = Actor::from(&caller.who);
    let revoked = state
        .store
        .revoke_space_invite(&actor, space, &invite, query.people)
        .await?;
    if !revoked {
        return Err(ApiError::bad("There is no such invite, or it was revoked."));
    }
    state.spaces.memberships_changed(space);
    Ok(Json(Empty {}))
}

/// Accept an invite to a space
///
/// The caller gets its role, or a way in. Each user counts once, however often they open the link.
#[utoipa::path(
    post,
    path = "/invite/{token}",
    operation_id = "acceptInvite",
    tag = "spaces",
    security(("token" = [])),
    params(("token" = String, Path, description = "Token of the invite link")),
    responses(
        (status = 200, body = AcceptedInvite),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn accept_one(
    State(state): State<AppState>,
    caller: Caller,
    Path(token): Path<String>,
) -> Result<Json<AcceptedInvite>, ApiError> {
    let space = accept(&state, &token, caller.user()).await?;
    Ok(Json(AcceptedInvite {
        space_id: space.to_string(),
    }))
}

/// The invite to a space, or why it does not count.
pub(super) async fn valid_invite(state: &AppState, token: &str) -> Result<SpaceInvite, ApiError> {
    let found = state.store.space_invite(token).await?;
    let found = found.ok_or_else(|| ApiError::bad(UNKNOWN))?;
    match refusal(found.invite.state(now_ms())) {
        Some(why) => Err(ApiError::Forbidden(why)),
        None => Ok(found),
    }
}

/// Lets a user in by an invite. Those who were kicked or banned stay out.
pub(super) async fn accept(
    state: &AppState,
    token: &str,
    user: UserId,
) -> Result<SpaceId, ApiError> {
    let invite = state.store.space_invite(token).await?;
    let invite = invite.ok_or_else(|| ApiError::bad(UNKNOWN))?;
    let membership = state.store.membership(user, invite.space).await?;
    let membership = membership.ok_or_else(unknown)?;
    if let Err(why @ EntryRefusal::Excluded(_)) = membership.enter(now_ms(), true) {
        return Err(Refused::of(&why).into());
    }
    match state.store.accept_space_invite(token, user).await? {
        Accepted::Done(space) => {
            state.spaces.memberships_changed(space);
            Ok(space)
        }
        // Used up by others, revoked or expired.
        Accepted::Refused => {
            valid_invite(state, token).await?;
            Err(ApiError::bad(UNKNOWN))
        }
    }
}

/// What a valid invite says about its space.
pub(super) async fn invited_space(
    state: &AppState,
    invite: &SpaceInvite,
) -> Result<InvitedSpace, ApiError> {
    let row = state.store.space(invite.space).await?;
    let row = row.ok_or_else(unknown)?;
    Ok(InvitedSpace {
        id: row.id.to_string(),
        thumbnail: thumbnails::of_space(&row, &state.key),
        people: state.spaces.people(row.id),
        role: invite.role.word(),
        by: invite.by.clone(),
        guests: state.settings.guests.allowed,
        name: row.name,
        description: row.description,
    })
}
