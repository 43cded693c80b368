//! Members: who has which role in a space, and giving and taking roles.

use axum::extract::{Path as Segments, State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::AppState;
use super::access::Entered;
use super::empty::Empty;
use super::error::{ApiError, Problem};
use super::extract::{Caller, Json, Path, Query, UnreadBody};
use crate::components::id::{SpaceId, UserId};
use crate::components::membership::Membership;
use crate::components::permissions::{OwnedBy, Permission, SpaceRole};
use crate::store::audit_log::Actor;
use crate::store::members::{MemberOutcome, MemberRow};
use crate::store::paging::ListPage;

/// Members per page.
const PAGE: u32 = 100;

pub(super) const NO_USER: &str = "There is no such user.";

/// Page of the member list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MembersQuery {
    /// `after` of the previous page.
    after: Option<String>,
}

/// One page of members.
#[derive(Serialize, ToSchema)]
pub struct MemberList {
    /// Owner of the space; null when no one owns it.
    #[schema(required)]
    owner: Option<OwnerEntry>,
    /// Members, in the order in which they signed up.
    members: Vec<MemberEntry>,
    /// Cursor of the next page; null on the last one.
    #[schema(required)]
    after: Option<String>,
}

/// Owner of a space.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OwnerEntry {
    /// Id of the user.
    user_id: String,
    /// Name.
    username: String,
}

/// A member of a space.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MemberEntry {
    /// Id of the user.
    user_id: String,
    /// Name.
    username: String,
    /// Whether the user has no account.
    is_guest: bool,
    /// `member`, `builder` or `moderator`.
    role: &'static str,
    /// Time at which the role was given, in Unix milliseconds.
    at: i64,
    /// Name of the user who gave it; null when they are gone.
    #[schema(required)]
    by: Option<String>,
}

/// How a user stands to a space.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MemberView {
    /// Id of the user.
    user_id: String,
    /// Name.
    username: String,
    /// `guest`, `visitor`, `member`, `builder`, `moderator` or `owner`.
    role: &'static str,
    /// Whether the user was given a role, or owns the space.
    is_member: bool,
    /// Whether the caller may act on them: give them a role, mute, kick and ban them.
    may_act: bool,
}

/// A request to add a member by name.
#[derive(Deserialize, ToSchema)]
pub struct NewMember {
    /// Name of the user.
    username: String,
    /// `member`, `builder` or `moderator`; below the caller's own role.
    role: String,
}

/// A request to give a role.
#[derive(Deserialize, ToSchema)]
pub struct RoleRequest {
    /// `member`, `builder` or `moderator`; below the caller's own role.
    role: String,
}

/// The user who was added.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewMemberAnswer {
    /// Id of the user.
    user_id: String,
}

/// List members
///
/// For moderators.
#[utoipa::path(
    get,
    path = "/space/{id}/member",
    operation_id = "members",
    tag = "spaces",
    security(("token" = [])),
    params(("id" = String, Path, description = "The space"), MembersQuery),
    responses(
        (status = 200, body = MemberList),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Path(space): Path<SpaceId>,
    Query(query): Query<MembersQuery>,
) -> Result<Json<MemberList>, ApiError> {
    let entered = state.at(space, Some(&caller)).await?;
    let row = entered.require(Permission::AssignRoles)?.row;
    let after = match query.after.as_deref() {
        None | Some("") => None,
        Some(text) => Some(
            text.parse()
                .map_err(|_| ApiError::bad("There is no such page."))?,
        ),
    };
    let rows = state.store.members(space, after, PAGE + 1).await?;
    let ListPage { items, has_more } = ListPage::of(rows, PAGE);
    let after = items
        .last()
        .filter(|_| has_more)
        .map(|member| member.user.to_string());
    let owner = match row.creator {
        Some(owner) => state
            .store
            .name_of_user(owner)
            .await?
            .map(|name| (owner, name)),
        None => None,
    };
    Ok(Json(MemberList {
        owner: owner.map(|(owner, username)| OwnerEntry {
            user_id: owner.to_string(),
            username,
        }),
        members: items.into_iter().map(MemberEntry::from).collect(),
        after,
    }))
}

impl From<MemberRow> for MemberEntry {
    fn from(row: MemberRow) -> Self {
        Self {
            user_id: row.user.to_string(),
            username: row.name,
            is_guest: row.is_guest,
            role: row.role.word(),
            at: row.at,
            by: row.by,
        }
    }
}

/// Add a member by name
///
/// For moderators. The user becomes a member without being asked, and can leave.
#[utoipa::path(
    post,
    path = "/space/{id}/member",
    operation_id = "addMember",
    tag = "spaces",
    security(("token" = [])),
    params(("id" = String, Path, description = "The space")),
    request_body = NewMember,
    responses(
        (status = 200, body = NewMemberAnswer),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn add(
    State(state): State<AppState>,
    caller: Caller,
    Path(space): Path<SpaceId>,
    body: UnreadBody<NewMember>,
) -> Result<Json<NewMemberAnswer>, ApiError> {
    let permission = Permission::AssignRoles;
    let (entered, body) = state.read_for(&caller, space, permission, body).await?;
    let found = state.store.credentials(body.username.trim()).await?;
    let user = found.ok_or_else(|| ApiError::bad(NO_USER))?.user;
    give(&state, &caller, &entered, user, &body.role).await?;
    Ok(Json(NewMemberAnswer {
        user_id: user.to_string(),
    }))
}

/// Read the role of a user
///
/// One's own, or as a moderator that of any user.
#[utoipa::path(
    get,
    path = "/space/{id}/member/{user}",
    operation_id = "member",
    tag = "spaces",
    security(("token" = [])),
    params(
        ("id" = String, Path, description = "The space"),
        ("user" = String, Path, description = "The user"),
    ),
    responses(
        (status = 200, body = MemberView),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn show(
    State(state): State<AppState>,
    caller: Caller,
    Segments(ids): Segments<(String, String)>,
) -> Result<Json<MemberView>, ApiError> {
    let (space, user) = space_and_user(&ids)?;
    let entered = at_member(&state, &caller, (space, user)).await?;
    let theirs = membership_of(&state, space, user).await?;
    let name = state.store.name_of_user(user).await?;
    let standing = theirs.standing;
    Ok(Json(MemberView {
        user_id: user.to_string(),
        username: name.unwrap_or_default(),
        role: standing.role().word(),
        is_member: theirs.is_member || standing.owner == OwnedBy::User,
        may_act: user != caller.user()
            && entered.may(Permission::AssignRoles)
            && entered.membership.standing.is_above(standing),
    }))
}

/// Give a role
///
/// For moderators: to users with a lower role than their own, and only roles below their own. It
/// applies within a second to a user who is inside.
#[utoipa::path(
    put,
    path = "/space/{id}/member/{user}",
    operation_id = "giveRole",
    tag = "spaces",
    security(("token" = [])),
    params(
        ("id" = String, Path, description = "The space"),
        ("user" = String, Path, description = "The user"),
    ),
    request_body = RoleRequest,
    responses(
        (status = 200, body = Empty),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn put(
    State(state): State<AppState>,
    caller: Caller,
    Segments(ids): Segments<(String, String)>,
    body: UnreadBody<RoleRequest>,
) -> Result<Json<Empty>, ApiError> {
    let (space, user) = space_and_user(&ids)?;
    let permission = Permission::AssignRoles;
    let (entered, body) = state.read_for(&caller, space, permission, body).await?;
    give(&state, &caller, &entered, user, &body.role).await
}

/// Take a role
///
/// For moderators: from users with a lower role than their own; and for everyone: their own. A user
/// who may not be inside without it is disconnected.
#[utoipa::path(
    delete,
    path = "/space/{id}/member/{user}",
    operation_id = "takeRole",
    tag = "spaces",
    security(("token" = [])),
    params(
        ("id" = String, Path, description = "The space"),
        ("user" = String, Path, description = "The user"),
    ),
    responses(
        (status = 200, body = Empty),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    Segments(ids): Segments<(String, String)>,
) -> Result<Json<Empty>, ApiError> {
    let (space, user) = space_and_user(&ids)?;
    let entered = at_member(&state, &caller, (space, user)).await?;
    let theirs = membership_of(&state, space, user).await?;
    if user != caller.user() {
        require_above(&entered, &theirs)?;
    }
    change(&state, &caller, (space, user), &theirs, None).await
}

/// The space, for a caller who is this user or may assign roles.
async fn at_member(
    state: &AppState,
    caller: &Caller,
    (space, user): (SpaceId, UserId),
) -> Result<Entered, ApiError> {
    let entered = state.at(space, Some(caller)).await?;
    if user == caller.user() {
        Ok(entered)
    } else {
        entered.require(Permission::AssignRoles)
    }
}

async fn give(
    state: &AppState,
    caller: &Caller,
    entered: &Entered,
    user: UserId,
    role: &str,
) -> Result<Json<Empty>, ApiError> {
    let role = SpaceRole::from_word(role).filter(|role| role.is_assigned());
    let role =
        role.ok_or_else(|| ApiError::bad("A role is `member`, `builder` or `moderator`."))?;
    let space = entered.row.id;
    let theirs = membership_of(state, space, user).await?;
    require_above(entered, &theirs)?;
    if !entered.membership.standing.may_give(role) {
        return Err(ApiError::Forbidden(
            "You can give roles below your own only.",
        ));
    }
    if theirs.is_guest {
        return Err(ApiError::bad(
            "A guest has a role by an invite only. Ask them to make an account first.",
        ));
    }
    change(state, caller, (space, user), &theirs, Some(role)).await
}

async fn change(
    state: &AppState,
    caller: &Caller,
    (space, user): (SpaceId, UserId),
    theirs: &Membership,
    role: Option<SpaceRole>,
) -> Result<Json<Empty>, ApiError> {
    let was = theirs.is_member.then_some(theirs.standing.role);
    if was == role {
        return Ok(Json(Empty {}));
    }
    let actor = Actor::from(&caller.who);
    let outcome = state
        .store
        .set_role(&actor, (space, user), was, role)
        .await?;
    match outcome {
        MemberOutcome::Done => {
            state.spaces.memberships_changed(space);
            Ok(Json(Empty {}))
        }
        MemberOutcome::Changed => Err(ApiError::bad(
            "The role was changed by another at the same time. Look again.",
        )),
    }
}

/// How a user stands to the space.
pub(super) async fn membership_of(
    state: &AppState,
    space: SpaceId,
    user: UserId,
) -> Result<Membership, ApiError> {
    let theirs = state.store.membership(user, space).await?;
    theirs.ok_or_else(|| ApiError::bad(NO_USER))
}

/// The rank rule: people act on lower roles only.
pub(super) fn require_above(entered: &Entered, theirs: &Membership) -> Result<(), ApiError> {
    if entered.membership.standing.is_above(theirs.standing) {
        Ok(())
    } else {
        Err(ApiError::Forbidden(
            "You can do this only to people with a lower role than yours.",
        ))
    }
}

/// The ids of a path with a space and a user.
pub(super) fn space_and_user(
    (space, user): &(String, String),
) -> Result<(SpaceId, UserId), ApiError> {
    let space = space.parse().map_err(|_| super::access::unknown())?;
    let user = user.parse().map_err(|_| ApiError::bad(NO_USER))?;
    Ok((space, user))
}
