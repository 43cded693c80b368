//! Moderation: kicking, muting and banning people in a space, and locking it down.

use axum::extract::{Path as Segments, State};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::AppState;
use super::empty::Empty;
use super::error::{ApiError, Problem};
use super::extract::{Caller, Json, Path, UnreadBody};
use super::members::{membership_of, require_above, space_and_user};
use crate::components::command::Command;
use crate::components::id::{SpaceId, UserId};
use crate::components::membership::ExclusionKind;
use crate::components::permissions::Permission;
use crate::components::presence::PresenceCommand;
use crate::store::audit_log::Actor;
use crate::store::moderation::{MuteKind, NewExclusion, SanctionRow};
use crate::store::now_ms;
use crate::store::suspension::is_reason;

/// A minute and an hour, in milliseconds.
const MINUTE_MS: i64 = 60 * 1_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
/// Usual length of a kick, in minutes.
const KICK_MINUTES: i64 = 5;
/// Longest kick, mute with an end, ban with an end, and lockdown.
const LONGEST_KICK_MINUTES: i64 = 60;
const LONGEST_MUTE_MINUTES: i64 = 30 * 24 * 60;
const LONGEST_BAN_HOURS: i64 = 366 * 24;
const LOCKDOWN_MINUTES: std::ops::RangeInclusive<i64> = 15..=24 * 60;
/// Longest time for which new guests of a network stay out, in hours.
const LONGEST_NETWORK_HOURS: i64 = 24;
/// A request to kick.
#[derive(Deserialize, ToSchema)]
pub struct KickRequest {
    /// Minutes after which the user may return, 1 to 60; 5 when absent.
    minutes: Option<i64>,
    /// Reason, shown to the user; at most 500 characters.
    #[serde(default)]
    reason: String,
}

/// A request to mute.
#[derive(Deserialize, ToSchema)]
pub struct MuteRequest {
    /// What the user may not do: `chat` (write and react), `voice` (be heard), `video` (be seen).
    what: Vec<String>,
    /// Minutes, 1 to 43,200 (30 days); until it is lifted when absent.
    minutes: Option<i64>,
}

/// A request to ban.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BanRequest {
    /// Hours, 1 to 8,784 (a year); until it is lifted when absent.
    hours: Option<i64>,
    /// Reason, shown to the user; at most 500 characters.
    #[serde(default)]
    reason: String,
    /// For a guest: hours, 1 to 24, for which new guests of their network stay out, too.
    network_hours: Option<i64>,
    /// For a guest: whether the invites by which they came are revoked.
    #[serde(default)]
    revoke_invite: bool,
}

/// A request to lock a space down.
#[derive(Deserialize, ToSchema)]
pub struct LockdownRequest {
    /// Minutes, 15 to 1,440.
    minutes: i64,
}

/// Who is kicked, banned or muted.
#[derive(Serialize, ToSchema)]
pub struct SanctionList {
    /// Newest first.
    sanctions: Vec<SanctionEntry>,
}

/// A kick, ban or mute.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SanctionEntry {
    /// Id of the user; null for new guests of a network.
    #[schema(required)]
    user_id: Option<String>,
    /// Name of the user; null when they are gone.
    #[schema(required)]
    username: Option<String>,
    /// `kick`, `ban`, `mute-chat`, `mute-voice` or `mute-video`.
    what: String,
    /// End, in Unix milliseconds; null until it is lifted.
    #[schema(required)]
    until: Option<i64>,
    /// Reason.
    reason: String,
    /// Name of the moderator.
    by: String,
    /// Time at which it began, in Unix milliseconds.
    at: i64,
}

impl From<SanctionRow> for SanctionEntry {
    fn from(row: SanctionRow) -> Self {
        Self {
            user_id: row.user.map(|user| user.to_string()),
            username: row.name,
            what: row.what,
            until: row.until,
            reason: row.reason,
            by: row.by,
            at: row.at,
        }
    }
}

/// Checks that the caller may act on the user.
async fn target(
    state: &AppState,
    caller: &Caller,
    (space, user): (SpaceId, UserId),
) -> Result<Actor, ApiError> {
    let found = state.at(space, Some(caller)).await?;
    let found = found.require(Permission::Moderate)?;
    let theirs = membership_of(state, space, user).await?;
    require_above(&found, &theirs)?;
    Ok(Actor::from(&caller.who))
}

/// Reads the body of an action against a user. The caller is checked before and after.
async fn read_against<T: DeserializeOwned>(
    state: &AppState,
    caller: &Caller,
    at: (SpaceId, UserId),
    body: UnreadBody<T>,
) -> Result<(Actor, T), ApiError> {
    target(state, caller, at).await?;
    let body = body.read().await?;
    Ok((target(state, caller, at).await?, body))
}

fn reason(text: &str) -> Result<&str, ApiError> {
    let text = text.trim();
    if text.is_empty() || is_reason(text) {
        Ok(text)
    } else {
        Err(ApiError::bad(
            "A reason has at most 500 characters and no control characters.",
        ))
    }
}

/// End of a time of that length, in Unix milliseconds; `None` stays.
fn end(length: Option<i64>, most: i64, unit_ms: i64) -> Result<Option<i64>, ApiError> {
    match length {
        Some(length) if !(1..=most).contains(&length) => {
            Err(ApiError::bad(format!("This lasts 1 to {most}.")))
        }
        length => Ok(length.map(|length| now_ms() + length * unit_ms)),
    }
}

/// Everyone is told of the change, and a player of the user without a connection goes.
fn send_out(state: &AppState, (space, user): (SpaceId, UserId)) {
    state.spaces.memberships_changed(space);
    let command = Command::Presence(PresenceCommand::Remove { user });
    state.spaces.tell(space, command);
}

/// Kick a user
///
/// They are disconnected within a second, and may return after a while.
#[utoipa::path(
    post,
    path = "/space/{id}/user/{user}/kick",
    operation_id = "kick",
    tag = "spaces",
    security(("token" = [])),
    params(
        ("id" = String, Path, description = "The space"),
        ("user" = String, Path, description = "The user"),
    ),
    request_body = KickRequest,
    responses(
        (status = 200, body = Empty),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn kick(
    State(state): State<AppState>,
    caller: Caller,
    Segments(ids): Segments<(String, String)>,
    body: UnreadBody<KickRequest>,
) -> Result<Json<Empty>, ApiError> {
    let at = space_and_user(&ids)?;
    let (actor, body) = read_against(&state, &caller, at, body).await?;
    let minutes = body.minutes.unwrap_or(KICK_MINUTES);
    let new = NewExclusion {
        space: at.0,
        user: at.1,
        kind: ExclusionKind::Kick,
        until: end(Some(minutes), LONGEST_KICK_MINUTES, MINUTE_MS)?,
        reason: reason(&body.reason)?,
        network_until: None,
        revokes_invites: false,
    };
    state.store.exclude(&actor, &new).await?;
    send_out(&state, at);
    Ok(Json(Empty {}))
}

/// Lift a kick
#[utoipa::path(
    delete,
    path = "/space/{id}/user/{user}/kick",
    operation_id = "liftKick",
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
pub async fn lift_kick(
    State(state): State<AppState>,
    caller: Caller,
    Segments(ids): Segments<(String, String)>,
) -> Result<Json<Empty>, ApiError> {
    lift(&state, &caller, &ids, ExclusionKind::Kick).await
}

/// Ban a user
///
/// They are disconnected within a second, lose their role, and stay out. A ban of a guest may keep
/// new guests of the same network out for a while; accounts of that network are not affected. It
/// may also revoke the guest's invites.
#[utoipa::path(
    post,
    path = "/space/{id}/user/{user}/ban",
    operation_id = "ban",
    tag = "spaces",
    security(("token" = [])),
    params(
        ("id" = String, Path, description = "The space"),
        ("user" = String, Path, description = "The user"),
    ),
    request_body = BanRequest,
    responses(
        (status = 200, body = Empty),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn ban(
    State(state): State<AppState>,
    caller: Caller,
    Segments(ids): Segments<(String, String)>,
    body: UnreadBody<BanRequest>,
) -> Result<Json<Empty>, ApiError> {
    let at = space_and_user(&ids)?;
    let (actor, body) = read_against(&state, &caller, at, body).await?;
    let new = NewExclusion {
        space: at.0,
        user: at.1,
        kind: ExclusionKind::Ban,
        until: end(body.hours, LONGEST_BAN_HOURS, HOUR_MS)?,
        reason: reason(&body.reason)?,
        network_until: end(body.network_hours, LONGEST_NETWORK_HOURS, HOUR_MS)?,
        revokes_invites: body.revoke_invite,
    };
    state.store.exclude(&actor, &new).await?;
    send_out(&state, at);
    Ok(Json(Empty {}))
}

/// Lift a ban
#[utoipa::path(
    delete,
    path = "/space/{id}/user/{user}/ban",
    operation_id = "liftBan",
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
pub async fn lift_ban(
    State(state): State<AppState>,
    caller: Caller,
    Segments(ids): Segments<(String, String)>,
) -> Result<Json<Empty>, ApiError> {
    lift(&state, &caller, &ids, ExclusionKind::Ban).await
}

async fn lift(
    state: &AppState,
    caller: &Caller,
    ids: &(String, String),
    kind: ExclusionKind,
) -> Result<Json<Empty>, ApiError> {
    let at = space_and_user(ids)?;
    let actor = target(state, caller, at).await?;
    if !state.store.lift_exclusion(&actor, at, kind).await? {
        return Err(ApiError::bad("There is nothing to be lifted."));
    }
    state.spaces.memberships_changed(at.0);
    Ok(Json(Empty {}))
}

/// Mute a user
///
/// Within a second. In calls it holds however they are connected.
#[utoipa::path(
    post,
    path = "/space/{id}/user/{user}/mute",
    operation_id = "mute",
    tag = "spaces",
    security(("token" = [])),
    params(
        ("id" = String, Path, description = "The space"),
        ("user" = String, Path, description = "The user"),
    ),
    request_body = MuteRequest,
    responses(
        (status = 200, body = Empty),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn mute(
    State(state): State<AppState>,
    caller: Caller,
    Segments(ids): Segments<(String, String)>,
    body: UnreadBody<MuteRequest>,
) -> Result<Json<Empty>, ApiError> {
    let at = space_and_user(&ids)?;
    let (actor, body) = read_against(&state, &caller, at, body).await?;
    let kinds = body.what.iter().map(|word| MuteKind::from_word(word));
    let mut kinds: Vec<MuteKind> = kinds
        .collect::<Option<_>>()
        .ok_or_else(|| ApiError::bad("People are muted in `chat`, `voice` and `video`."))?;
    kinds.sort_unstable();
    kinds.dedup();
    if kinds.is_empty() {
        return Err(ApiError::bad("Say in what the user is muted."));
    }
    let until = end(body.minutes, LONGEST_MUTE_MINUTES, MINUTE_MS)?;
    state.store.mute(&actor, at, &kinds, until).await?;
    state.spaces.memberships_changed(at.0);
    Ok(Json(Empty {}))
}

/// Lift the mutes of a user
#[utoipa::path(
    delete,
    path = "/space/{id}/user/{user}/mute",
    operation_id = "unmute",
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
pub async fn unmute(
    State(state): State<AppState>,
    caller: Caller,
    Segments(ids): Segments<(String, String)>,
) -> Result<Json<Empty>, ApiError> {
    let at = space_and_user(&ids)?;
    let actor = target(&state, &caller, at).await?;
    if !state.store.unmute(&actor, at).await? {
        return Err(ApiError::bad("There is nothing to be lifted."));
    }
    state.spaces.memberships_changed(at.0);
    Ok(Json(Empty {}))
}

/// List who is kicked, banned or muted
#[utoipa::path(
    get,
    path = "/space/{id}/sanction",
    operation_id = "sanctions",
    tag = "spaces",
    security(("token" = [])),
    params(("id" = String, Path, description = "The space")),
    responses(
        (status = 200, body = SanctionList),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Path(space): Path<SpaceId>,
) -> Result<Json<SanctionList>, ApiError> {
    let found = state.at(space, Some(&caller)).await?;
    found.require(Permission::Moderate)?;
    let rows = state.store.sanctions(space).await?;
    Ok(Json(SanctionList {
        sanctions: rows.into_iter().map(SanctionEntry::from).collect(),
    }))
}

/// Lock a space down
///
/// Only moderators and people inside may enter: against raids.
#[utoipa::path(
    post,
    path = "/space/{id}/lockdown",
    operation_id = "lockDown",
    tag = "spaces",
    security(("token" = [])),
    params(("id" = String, Path, description = "The space")),
    request_body = LockdownRequest,
    responses(
        (status = 200, body = Empty),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn lock_down(
    State(state): State<AppState>,
    caller: Caller,
    Path(space): Path<SpaceId>,
    body: UnreadBody<LockdownRequest>,
) -> Result<Json<Empty>, ApiError> {
    let permission = Permission::Moderate;
    let (_, body) = state.read_for(&caller, space, permission, body).await?;
    let minutes = body.minutes;
    if !LOCKDOWN_MINUTES.contains(&minutes) {
        return Err(ApiError::bad("A lockdown lasts 15 minutes to a day."));
    }
    let until = now_ms() + minutes * MINUTE_MS;
    set_lockdown(&state, &caller, space, Some(until)).await
}

/// End a lockdown
#[utoipa::path(
    delete,
    path = "/space/{id}/lockdown",
    operation_id = "endLockdown",
    tag = "spaces",
    security(("token" = [])),
    params(("id" = String, Path, description = "The space")),
    responses(
        (status = 200, body = Empty),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn end_lockdown(
    State(state): State<AppState>,
    caller: Caller,
    Path(space): Path<SpaceId>,
) -> Result<Json<Empty>, ApiError> {
    let found = state.at(space, Some(&caller)).await?;
    found.require(Permission::Moderate)?;
    set_lockdown(&state, &caller, space, None).await
}

async fn set_lockdown(
    state: &AppState,
    caller: &Caller,
    space: SpaceId,
    until: Option<i64>,
) -> Result<Json<Empty>, ApiError> {
    let actor = Actor::from(&caller.who);
    state.store.lock_down(&actor, space, until).await?;
    state.spaces.memberships_changed(space);
    Ok(Json(Empty {}))
}
