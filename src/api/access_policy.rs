//! Access policy: what a caller needs to enter a space, what they may do there, and entering with
//! the password of a space.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::access::{Entered, unknown};
use super::address::Address;
use super::empty::Empty;
use super::error::{ApiError, Problem, Refused};
use super::extract::{Caller, Json, Path};
use super::proof::{Claim, Proven, check_claim};
use super::{AppState, thumbnails};
use crate::components::id::SpaceId;
use crate::components::membership::{EntryRefusal, Mutes};
use crate::components::permissions::{Permission, PermissionRoles};
use crate::store::entry::GrantReason;
use crate::store::now_ms;
use crate::store::spaces::Access;

/// How long a password is remembered, in milliseconds: 30 days.
const PASSWORD_GRANT_MS: i64 = 30 * 24 * 60 * 60 * 1_000;

/// Permissions that the page asks for, with their names there.
const SHOWN: [(Permission, &str); 13] = [
    (Permission::WriteToSpace, "say"),
    (Permission::ShareScreen, "share"),
    (Permission::Build, "build"),
    (Permission::Invite, "invite"),
    (Permission::AnswerJoinRequests, "admit"),
    (Permission::Announce, "announce"),
    (Permission::DeleteMessages, "delete-messages"),
    (Permission::Moderate, "moderate"),
    (Permission::ManageChat, "manage-chat"),
    (Permission::DescribeSpace, "describe"),
    (Permission::AssignRoles, "assign-roles"),
    (Permission::ManageAccess, "manage-access"),
    (Permission::DeleteSpace, "delete"),
];

/// Who may enter a space, and how the caller stands to it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccessView {
    /// Id of the space.
    id: String,
    /// Name.
    name: String,
    /// What the space is for; may be empty.
    description: String,
    /// Text about appeals for people who are kicked, banned or muted; may be empty.
    appeal: String,
    /// Address of its thumbnail; of that of its map, or empty, when the caller may not enter.
    thumbnail: String,
    /// Players in it now.
    people: usize,
    /// Whether the lobby lists it.
    listed: bool,
    /// `open`, `password` or `members`.
    access_policy: &'static str,
    /// Whether guests may enter.
    guests: bool,
    /// Whether this server takes guests at all.
    takes_guests: bool,
    /// Most people at the same time, moderators not counted; null for no limit.
    #[schema(required)]
    capacity: Option<u32>,
    /// Start of the event, in Unix milliseconds; null for none.
    #[schema(required)]
    opens_at: Option<i64>,
    /// End of the event, in Unix milliseconds; null for none.
    #[schema(required)]
    closes_at: Option<i64>,
    /// Until when only moderators may enter, in Unix milliseconds; null for no lockdown.
    #[schema(required)]
    lockdown_until: Option<i64>,
    /// Lowest role with each permission that the owner hands out.
    permissions: RolesView,
    /// Role of the caller: `guest`, `visitor`, `member`, `builder`, `moderator` or `owner`.
    role: &'static str,
    /// What the caller may do: `say`, `share`, `build`, `invite`, `admit`, `announce`,
    /// `delete-messages`, `moderate`, `manage-chat`, `describe`, `assign-roles`, `manage-access`,
    /// `delete`.
    may: Vec<&'static str>,
    /// Until when the space is offered to the caller, in Unix milliseconds; null when it is not.
    #[schema(required)]
    offered_until: Option<i64>,
    /// What the caller is muted in.
    mutes: Vec<MuteView>,
    /// Why the caller may not enter; null when they may.
    #[schema(required)]
    refusal: Option<RefusalView>,
}

/// Something that a moderator took from a user.
#[derive(Serialize, ToSchema)]
pub struct MuteView {
    /// `chat`, `voice` or `video`.
    what: &'static str,
    /// When it ends, in Unix milliseconds; null until it is lifted.
    #[schema(required)]
    until: Option<i64>,
}

/// Lowest role with each permission that the owner of a space hands out.
#[derive(Serialize, ToSchema)]
pub struct RolesView {
    /// For messages to the whole space.
    say: &'static str,
    /// For sharing a screen.
    share: &'static str,
    /// For building.
    build: &'static str,
    /// For making invites.
    invite: &'static str,
    /// For answering join requests.
    admit: &'static str,
    /// For exporting messages.
    copy: &'static str,
}

/// Why a caller may not enter a space.
#[derive(Serialize, ToSchema)]
pub struct RefusalView {
    /// `kicked`, `banned`, `guests`, `password`, `members` or `closed`.
    code: &'static str,
    /// The reason, in a sentence for people. What the space says about appeals is a paragraph of
    /// its own.
    message: String,
    /// When it ends, in Unix milliseconds; null when that is not known.
    #[schema(required)]
    until: Option<i64>,
}

/// A password of a space.
#[derive(Deserialize, ToSchema)]
pub struct EnterRequest {
    /// The password.
    password: String,
}

impl From<PermissionRoles> for RolesView {
    fn from(roles: PermissionRoles) -> Self {
        Self {
            say: roles.say.word(),
            share: roles.share.word(),
            build: roles.build.word(),
            invite: roles.invite.word(),
            admit: roles.admit.word(),
            copy: roles.copy.word(),
        }
    }
}

/// Read who may enter a space
///
/// And how the caller stands to it. Spaces that the caller may not know of are unknown: 400.
#[utoipa::path(
    get,
    path = "/space/{id}/access-policy",
    operation_id = "accessPolicy",
    tag = "spaces",
    security((), ("token" = [])),
    params(("id" = String, Path, description = "The space")),
    responses(
        (status = 200, body = AccessView),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn show(
    State(state): State<AppState>,
    caller: Option<Caller>,
    Path(space): Path<SpaceId>,
) -> Result<Json<AccessView>, ApiError> {
    let found = state.stands(space, caller.as_ref()).await?;
    let found = found.ok_or_else(unknown)?;
    Ok(Json(view(&state, &found)?))
}

/// The space as the caller sees it; refused when they may not know of it.
pub(super) fn view(state: &AppState, found: &Entered) -> Result<AccessView, ApiError> {
    let Entered { row, membership } = found;
    let refusal = match membership.enter(now_ms(), false) {
        Ok(()) => None,
        Err(EntryRefusal::Hidden) => return Err(unknown()),
        Err(why) => Some(refusal_of(&why)),
    };
    let may = SHOWN
        .iter()
        .filter(|(permission, _)| membership.may(*permission));
    let rules = row.rules;
    let now = now_ms();
    Ok(AccessView {
        id: row.id.to_string(),
        name: row.name.clone(),
        description: row.description.clone(),
        appeal: row.appeal.clone(),
        thumbnail: match refusal {
            None => thumbnails::of_space(row, &state.key),
            Some(_) => thumbnails::from_outside(row),
        },
        people: state.spaces.people(row.id),
        listed: row.access == Access::Public,
        access_policy: rules.policy.word(),
        guests: rules.guests,
        takes_guests: state.settings.guests.allowed,
        capacity: rules.capacity,
        opens_at: rules.opens_at,
        closes_at: rules.closes_at,
        lockdown_until: rules.lockdown_until.filter(|until| *until > now),
        permissions: row.roles.into(),
        role: membership.standing.role().word(),
        may: may.map(|(_, word)| *word).collect(),
        offered_until: Some(membership.offered_until).filter(|until| *until > now),
        mutes: mutes_of(membership.mutes, now),
        refusal,
    })
}

/// The mutes that hold now.
fn mutes_of(mutes: Mutes, now: i64) -> Vec<MuteView> {
    let all = [
        ("chat", mutes.chat),
        ("voice", mutes.voice),
        ("video", mutes.video),
    ];
    let held = all.into_iter().filter(|(_, until)| *until > now);
    held.map(|(what, until)| MuteView {
        what,
        until: Some(until).filter(|until| *until < i64::MAX),
    })
    .collect()
}

fn refusal_of(why: &EntryRefusal) -> RefusalView {
    let until = match why {
        EntryRefusal::Excluded(exclusion) => exclusion.until,
        EntryRefusal::NotYet(until) | EntryRefusal::Lockdown(until) => Some(*until),
        EntryRefusal::Hidden
        | EntryRefusal::Guests
        | EntryRefusal::Password
        | EntryRefusal::Members
        | EntryRefusal::Over
        | EntryRefusal::Full => None,
    };
    let refused = Refused::of(why);
    RefusalView {
        code: refused.code().unwrap_or_default(),
        message: refused.reason().to_owned(),
        until,
    }
}

/// Give the password of a space
///
/// The caller may enter until the password changes, for 30 days at most. Wrong passwords are
/// limited as those of accounts are.
#[utoipa::path(
    post,
    path = "/space/{id}/enter",
    operation_id = "enterSpace",
    tag = "spaces",
    security(("token" = [])),
    params(("id" = String, Path, description = "The space")),
    request_body = EnterRequest,
    responses(
        (status = 200, body = Empty),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn enter(
    State(state): State<AppState>,
    caller: Caller,
    address: Address,
    Path(space): Path<SpaceId>,
    Json(body): Json<EnterRequest>,
) -> Result<Json<Empty>, ApiError> {
    const WRONG: ApiError = ApiError::Forbidden("This is not the password of the space.");
    let found = state.stands(space, Some(&caller)).await?;
    let found = found.ok_or_else(unknown)?;
    match found.membership.enter(now_ms(), false) {
        Ok(()) => return Ok(Json(Empty {})),
        Err(EntryRefusal::Password) => {}
        Err(why) => return Err(Refused::of(&why).into()),
    }
    let claim = Claim {
        account: &format!("space {space}"),
        password: &body.password,
        is_known: false,
    };
    let load = async {
        let password = state.store.space_password(space).await?;
        Ok(password.map(|password| (password.hash, password.version)))
    };
    let proven = check_claim(&state, address, claim, load).await?;
    let Some(Proven { of: version, .. }) = proven else {
        return Err(WRONG);
    };
    let until = now_ms() + PASSWORD_GRANT_MS;
    let at = (space, caller.user());
    let granted = state
        .store
        .grant_access(at, GrantReason::Password, until, version)
        .await?;
    if granted {
        Ok(Json(Empty {}))
    } else {
        Err(unknown())
    }
}
