//! Join requests: asking to be let into a space for members, and answering.

use axum::extract::{Path as Segments, State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::AppState;
use super::access::unknown;
use super::check::plain;
use super::empty::Empty;
use super::error::{ApiError, Problem, Refused};
use super::extract::{Caller, Json, Path, UnreadBody};
use super::members::space_and_user;
use crate::components::id::SpaceId;
use crate::components::membership::EntryRefusal;
use crate::components::permissions::{Permission, SpaceRole};
use crate::store::audit_log::Actor;
use crate::store::join_requests::{AskOutcome, RequestAnswer, RequestRow};
use crate::store::now_ms;

/// Longest text of a request, in characters.
const TEXT_CHARS: usize = 200;
/// How long a user who was let in may enter, in milliseconds: a day.
const ENTER_MS: i64 = 24 * 60 * 60 * 1_000;
/// Seconds after which a user may ask again.
const AGAIN_SECONDS: u64 = 60;

/// A request to be let in.
#[derive(Deserialize, ToSchema)]
pub struct AskRequest {
    /// Who one is or why one asks: at most 200 characters; may be empty.
    #[serde(default)]
    text: String,
}

/// An answer to a request.
#[derive(Deserialize, ToSchema)]
pub struct AnswerRequest {
    /// `enter` (for a day), `member` or `no`.
    answer: String,
}

/// Open requests.
#[derive(Serialize, ToSchema)]
pub struct RequestList {
    /// Earliest first.
    requests: Vec<RequestEntry>,
}

/// An open request.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RequestEntry {
    /// Id of the user.
    user_id: String,
    /// Name.
    username: String,
    /// Address of the avatar's picture; null for none.
    #[schema(required)]
    image_url: Option<String>,
    /// Text of the request.
    text: String,
    /// Time of the request, in Unix milliseconds.
    at: i64,
}

impl From<RequestRow> for RequestEntry {
    fn from(row: RequestRow) -> Self {
        Self {
            user_id: row.user.to_string(),
            username: row.name,
            image_url: row.avatar.map(|avatar| avatar.image_url),
            text: row.text,
            at: row.at,
        }
    }
}

/// Ask to join a space
///
/// For spaces that are listed and for members. People inside who may answer are told at once. One
/// request a minute, and three open ones. Whether
/// it was answered is seen from `GET /space/{id}/access-policy`: then `refusal` is null.
#[utoipa::path(
    post,
    path = "/space/{id}/join-request",
    operation_id = "askToJoin",
    tag = "spaces",
    security(("token" = [])),
    params(("id" = String, Path, description = "The space")),
    request_body = AskRequest,
    responses(
        (status = 200, body = Empty),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn ask(
    State(state): State<AppState>,
    caller: Caller,
    Path(space): Path<SpaceId>,
    body: UnreadBody<AskRequest>,
) -> Result<Json<Empty>, ApiError> {
    let found = state.stands(space, Some(&caller)).await?;
    let found = found.ok_or_else(unknown)?;
    match found.membership.enter(now_ms(), false) {
        Ok(()) => return Err(ApiError::bad("You may enter this space already.")),
        Err(EntryRefusal::Members) => {}
        Err(why) => return Err(Refused::of(&why).into()),
    }
    let body = body.read().await?;
    let text = plain(&body.text, TEXT_CHARS).ok_or_else(|| {
        ApiError::bad("A request has at most 200 characters and no control characters.")
    })?;
    match state
        .store
        .ask_to_join((space, caller.user()), text)
        .await?
    {
        AskOutcome::Done => {
            state.spaces.join_requested(space, &caller.who.shown_name());
            Ok(Json(Empty {}))
        }
        AskOutcome::TooMany => Err(ApiError::Later {
            detail: "You ask once a minute, and three spaces at a time. Wait for an answer.".into(),
            seconds: AGAIN_SECONDS,
        }),
        AskOutcome::Gone => Err(unknown()),
    }
}

/// Take one's request back
#[utoipa::path(
    delete,
    path = "/space/{id}/join-request",
    operation_id = "takeRequestBack",
    tag = "spaces",
    security(("token" = [])),
    params(("id" = String, Path, description = "The space")),
    responses(
        (status = 200, body = Empty),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn take_back(
    State(state): State<AppState>,
    caller: Caller,
    Path(space): Path<SpaceId>,
) -> Result<Json<Empty>, ApiError> {
    let at = (space, caller.user());
    if state.store.take_request_back(at).await? {
        Ok(Json(Empty {}))
    } else {
        Err(ApiError::bad("You have no open request there."))
    }
}

/// List join requests
///
/// For those who may answer them.
#[utoipa::path(
    get,
    path = "/space/{id}/join-request",
    operation_id = "joinRequests",
    tag = "spaces",
    security(("token" = [])),
    params(("id" = String, Path, description = "The space")),
    responses(
        (status = 200, body = RequestList),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Path(space): Path<SpaceId>,
) -> Result<Json<RequestList>, ApiError> {
    let found = state.at(space, Some(&caller)).await?;
    found.require(Permission::AnswerJoinRequests)?;
    let rows = state.store.join_requests(space).await?;
    Ok(Json(RequestList {
        requests: rows.into_iter().map(RequestEntry::from).collect(),
    }))
}

/// Answer a join request
///
/// Of several answers the first counts. Only those with a higher role than members make members.
#[utoipa::path(
    post,
    path = "/space/{id}/join-request/{user}",
    operation_id = "answerJoinRequest",
    tag = "spaces",
    security(("token" = [])),
    params(
        ("id" = String, Path, description = "The space"),
        ("user" = String, Path, description = "The user"),
    ),
    request_body = AnswerRequest,
    responses(
        (status = 200, body = Empty),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn answer(
    State(state): State<AppState>,
    caller: Caller,
    Segments(ids): Segments<(String, String)>,
    body: UnreadBody<AnswerRequest>,
) -> Result<Json<Empty>, ApiError> {
    let (space, user) = space_and_user(&ids)?;
    let permission = Permission::AnswerJoinRequests;
    let (found, body) = state.read_for(&caller, space, permission, body).await?;
    let answer = match body.answer.as_str() {
        "enter" => RequestAnswer::Enter(ENTER_MS),
        "member" => RequestAnswer::Member,
        "no" => RequestAnswer::No,
        _ => return Err(ApiError::bad("An answer is `enter`, `member` or `no`.")),
    };
    let standing = found.membership.standing;
    if answer == RequestAnswer::Member && !standing.may_give(SpaceRole::Member) {
        return Err(ApiError::Forbidden(
            "You can give roles below your own only.",
        ));
    }
    let actor = Actor::from(&caller.who);
    if !state
        .store
        .answer_request(&actor, (space, user), answer)
        .await?
    {
        return Err(ApiError::bad(
            "There is no such request, or it was answered.",
        ));
    }
    state.spaces.memberships_changed(space);
    Ok(Json(Empty {}))
}
