//! Space messages: changes of single messages of a space.

use axum::extract::{Path as Segments, State};
use serde::Deserialize;
use tokio::time::Instant;
use utoipa::ToSchema;

use super::access::Entered;
use super::address::Address;
use super::empty::Empty;
use super::error::{ApiError, Problem};
use super::extract::{Caller, Json, UnreadBody};
use super::{AppState, check, word_filter};
use crate::components::chat::{ChatCommand, ChatMessage, MessageChange};
use crate::components::command::Command;
use crate::components::id::{ChatId, SpaceId};
use crate::components::permissions::Permission;
use crate::net::budget::{Budget, Who};
use crate::net::session::rates::EditRefusal;
use crate::space::DurableEvent;
use crate::store::{SpaceRow, now_ms};

const ONLY_SENDER: &str = "Only the sender may do this to a message.";

/// New text of a message.
#[derive(Deserialize, ToSchema)]
pub struct MessageRequest {
    /// Text, 1 to 4,000 characters.
    message: String,
}

/// Edit own message
///
/// For messages that the running space no longer remembers. It shows the change to everyone inside.
#[utoipa::path(
    patch,
    path = "/space/{id}/chat/{line}",
    operation_id = "editLine",
    tag = "spaces",
    security(("token" = [])),
    params(
        ("id" = String, Path, description = "The space"),
        ("line" = String, Path, description = "The message"),
    ),
    request_body = MessageRequest,
    responses(
        (status = 200, body = Empty),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn edit_message(
    State(state): State<AppState>,
    caller: Caller,
    address: Address,
    Segments(ids): Segments<(String, String)>,
    body: UnreadBody<MessageRequest>,
) -> Result<Json<Empty>, ApiError> {
    let (entered, message) = message_of(&state, &caller, &ids).await?;
    if message.user != caller.user() {
        return Err(ApiError::Forbidden(ONLY_SENDER));
    }
    entered.require_voice()?;
    let text = check::message(&body.read().await?.message)?;
    if text == message.text {
        return Ok(Json(Empty {}));
    }
    let text = word_filter::message(&state, &caller, &entered, text).await?;
    take_edit(&state, &caller, &entered, &text)?;
    caller.writes(&state, address, &text)?;
    change_message(&state, &entered.row, &message, Some(text)).await
}

/// Counts an edit in the rates that messages over sockets have.
fn take_edit(
    state: &AppState,
    caller: &Caller,
    entered: &Entered,
    text: &str,
) -> Result<(), ApiError> {
    let row = &entered.row;
    let slow_seconds = if entered.may(Permission::Announce) {
        0
    } else {
        row.slow_seconds
    };
    let now = Instant::now().into_std();
    let rates = if caller.who.is_guest {
        state.rates.of_guest(caller.user(), row.id, now)
    } else {
        state.rates.of(caller.user(), row.id, now)
    };
    let taken = rates.lock().edit(text.len(), slow_seconds, now);
    taken.map_err(|refusal| match refusal {
        EditRefusal::TooFast { seconds } => {
            state.budgets.note(Who::User(caller.user()), Budget::Chat);
            ApiError::TooMany(seconds)
        }
        EditRefusal::TooSoon { seconds } => ApiError::Later {
            detail: format!("Slow mode is on here. You can edit again in {seconds} s."),
            seconds,
        },
    })
}

/// Delete a message
///
/// Senders delete their own messages, moderators any message.
#[utoipa::path(
    delete,
    path = "/space/{id}/chat/{line}",
    operation_id = "deleteLine",
    tag = "spaces",
    security(("token" = [])),
    params(
        ("id" = String, Path, description = "The space"),
        ("line" = String, Path, description = "The message"),
    ),
    responses(
        (status = 200, body = Empty),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn delete_message(
    State(state): State<AppState>,
    caller: Caller,
    Segments(ids): Segments<(String, String)>,
) -> Result<Json<Empty>, ApiError> {
    let (entered, message) = message_of(&state, &caller, &ids).await?;
    if message.user != caller.user() && !entered.may(Permission::DeleteMessages) {
        return Err(ApiError::Forbidden(ONLY_SENDER));
    }
    change_message(&state, &entered.row, &message, None).await
}

async fn message_of(
    state: &AppState,
    caller: &Caller,
    (space, message): &(String, String),
) -> Result<(Entered, ChatMessage), ApiError> {
    let unknown = || ApiError::bad("There is no such message.");
    let space: SpaceId = space.parse().map_err(|_| unknown())?;
    let message: ChatId = message.parse().map_err(|_| unknown())?;
    let entered = state.at(space, Some(caller)).await?;
    let message = state.store.line(space, message).await?;
    let message = message
        .filter(|message| !message.is_deleted)
        .ok_or_else(unknown)?;
    Ok((entered, message))
}

async fn change_message(
    state: &AppState,
    row: &SpaceRow,
    message: &ChatMessage,
    text: Option<String>,
) -> Result<Json<Empty>, ApiError> {
    // The previous change may have been dated by a clock that is ahead of this one.
    let at = now_ms()
        .unsigned_abs()
        .max(message.edited.unwrap_or_default());
    let id = message.id;
    let change = MessageChange { id, text, at };
    let event = DurableEvent::Changed(change.clone());
    state.store.keep_chat(row.id, &[event]).await?;
    let author = message.user;
    state.spaces.tell(
        row.id,
        Command::Chat(ChatCommand::ApplyEdit { change, author }),
    );
    Ok(Json(Empty {}))
}
