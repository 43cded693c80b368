//! Word filter: the list of words that people are not to write in a space, and checks of what they
//! write over HTTP.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::AppState;
use super::access::{Entered, unknown};
use super::error::{ApiError, Problem, Refused};
use super::extract::{Caller, Json, Path, UnreadBody};
use crate::components::id::SpaceId;
use crate::components::permissions::Permission;
use crate::components::word_filter::{FilterAction, MAX_WORDS, WordList};
use crate::net::edge::word_filters::WrittenIn;
use crate::store::audit_log::Actor;

/// Word filter of a space.
#[derive(Serialize, ToSchema)]
pub struct WordFilterView {
    /// What happens to a message with one of the words: `redact`, `refuse` or `report`.
    action: &'static str,
    /// The words, as they were written; empty when nothing is filtered.
    words: Vec<String>,
}

/// Words that people are not to write in a space.
#[derive(Deserialize, ToSchema)]
pub struct WordFilterRequest {
    /// `redact` makes the word unreadable, `refuse` refuses the message, `report` lets it pass and
    /// notes it in the audit log.
    action: String,
    /// At most 2,000 words of at most 50 characters; none to filter nothing.
    words: Vec<String>,
}

impl From<WordList> for WordFilterView {
    fn from(list: WordList) -> Self {
        Self {
            action: list.action().word(),
            words: list.words().to_vec(),
        }
    }
}

/// Read the word filter of a space
///
/// For moderators.
#[utoipa::path(
    get,
    path = "/space/{id}/word-filter",
    operation_id = "wordFilter",
    tag = "spaces",
    security(("token" = [])),
    params(("id" = String, Path, description = "The space")),
    responses(
        (status = 200, body = WordFilterView),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn show(
    State(state): State<AppState>,
    caller: Caller,
    Path(space): Path<SpaceId>,
) -> Result<Json<WordFilterView>, ApiError> {
    let entered = state.at(space, Some(&caller)).await?;
    let entered = entered.require(Permission::ManageChat)?;
    let list = match entered.membership.word_filter {
        Some(list) => state.store.word_list(list).await?,
        None => None,
    };
    Ok(Json(list.unwrap_or_default().into()))
}

/// Change the word filter of a space
///
/// For moderators. It holds within a second, for messages of people who are no moderators and for
/// names of new guests. Words are found whole, in any case and width.
#[utoipa::path(
    put,
    path = "/space/{id}/word-filter",
    operation_id = "changeWordFilter",
    tag = "spaces",
    security(("token" = [])),
    params(("id" = String, Path, description = "The space")),
    request_body = WordFilterRequest,
    responses(
        (status = 200, body = WordFilterView),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn change(
    State(state): State<AppState>,
    caller: Caller,
    Path(space): Path<SpaceId>,
    body: UnreadBody<WordFilterRequest>,
) -> Result<Json<WordFilterView>, ApiError> {
    let permission = Permission::ManageChat;
    let (_, body) = state.read_for(&caller, space, permission, body).await?;
    let action = FilterAction::from_word(&body.action)
        .ok_or_else(|| ApiError::bad("An action is `redact`, `refuse` or `report`."))?;
    let words = body.words.iter().map(String::as_str);
    let list = WordList::new(action, words, MAX_WORDS)
        .map_err(|error| ApiError::bad(error.to_string()))?;
    let actor = Actor::from(&caller.who);
    if !state.store.change_word_list(&actor, space, &list).await? {
        return Err(unknown());
    }
    state.spaces.memberships_changed(space);
    Ok(Json(list.into()))
}

/// The text of a message to a space as it may be shown; refused when it may not be.
pub(super) async fn message(
    state: &AppState,
    caller: &Caller,
    entered: &Entered,
    text: String,
) -> Result<String, ApiError> {
    match WrittenIn::space(entered.row.id, &entered.membership) {
        Some(place) => written(state, caller, place, text).await,
        None => Ok(text),
    }
}

/// The same for a text that is written in no space. Admins write what they like.
pub(super) async fn direct(
    state: &AppState,
    caller: &Caller,
    text: String,
) -> Result<String, ApiError> {
    if caller.may_on_server(Permission::Administer) {
        return Ok(text);
    }
    written(state, caller, WrittenIn::Server, text).await
}

/// Refuses the name or the description that a user gives a space, when it has a word that no one is
/// to write on this server.
pub(super) async fn name(state: &AppState, caller: &Caller, name: &str) -> Result<(), ApiError> {
    if caller.may_on_server(Permission::Administer) {
        return Ok(());
    }
    let words = new_name(state, WrittenIn::Server, name).await?;
    let filters = &state.filters;
    filters
        .report(caller.user(), WrittenIn::Server, &words)
        .await;
    Ok(())
}

/// Refuses the name of a user who is not there yet. Returns words that are to be reported.
pub(super) async fn new_name(
    state: &AppState,
    place: WrittenIn,
    name: &str,
) -> Result<Vec<String>, ApiError> {
    let checked = state.filters.name(place, name).await;
    checked.map_err(|filtered| Refused::filtered(&filtered).into())
}

async fn written(
    state: &AppState,
    caller: &Caller,
    place: WrittenIn,
    text: String,
) -> Result<String, ApiError> {
    let checked = state.filters.message(caller.user(), place, text).await;
    checked.map_err(|filtered| Refused::filtered(&filtered).into())
}
