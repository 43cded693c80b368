//! Direct: what one person writes to another, also when the other is elsewhere or not here at all.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::account::Empty;
use super::error::{ApiError, Problem};
use super::extract::{Caller, Json, Path, Query, UnreadBody};
use super::{AppState, check};
use crate::components::direct::DirectMessage;
use crate::components::id::{MessageId, UserId};
use crate::store::direct::{Conversation, NewMessage, Written};

/// Messages on one page.
const PAGE: u32 = 50;

/// Conversations on one page of the list.
const CONVERSATIONS: u32 = 200;

/// A message to be.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DirectRequest {
    /// 1 to 4,000 characters.
    text: String,
    /// The sender's own number of it, chosen by chance: sent again under the same number it is the
    /// same message.
    client_id: u32,
}

/// A message.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DirectEntry {
    /// This message.
    id: String,
    /// Who wrote it.
    from: String,
    /// The name of who wrote it.
    name: String,
    /// Who it is for.
    to: String,
    /// The words.
    text: String,
    /// Unix milliseconds.
    at: u64,
}

/// With whom I write.
#[derive(Serialize, ToSchema)]
pub struct ConversationList {
    /// The newest first.
    conversations: Vec<ConversationEntry>,
    /// What to ask `before` for older ones; nothing when these are all.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    before: Option<String>,
}

/// What somebody and I wrote, in short.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConversationEntry {
    /// The other.
    user_id: String,
    /// Their name.
    username: String,
    /// Their picture.
    #[schema(required)]
    image_url: Option<String>,
    /// The newest message.
    last: DirectEntry,
    /// Messages of theirs that I have not read; 1,000 stands for more.
    unread: u32,
}

/// Part of a conversation.
#[derive(Serialize, ToSchema)]
pub struct DirectView {
    /// Oldest first.
    messages: Vec<DirectEntry>,
    /// What to ask `before` for what was written earlier; nothing when that is all.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    before: Option<String>,
}

/// Which part of it.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DirectQuery {
    /// Only what was written before the message with this id; in the list, whose newest message
    /// was.
    #[serde(default)]
    before: String,
}

impl DirectQuery {
    fn before(&self) -> Result<Option<MessageId>, ApiError> {
        match self.before.as_str() {
            "" => Ok(None),
            text => message_id(text).map(Some),
        }
    }
}

/// How far I have read.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReadRequest {
    /// The newest message that I have seen.
    up_to: String,
}

impl From<DirectMessage> for DirectEntry {
    fn from(message: DirectMessage) -> Self {
        Self {
            id: message.id.to_string(),
            from: message.from.to_string(),
            name: message.name,
            to: message.to.to_string(),
            text: message.text,
            at: message.at,
        }
    }
}

impl From<Conversation> for ConversationEntry {
    fn from(conversation: Conversation) -> Self {
        Self {
            user_id: conversation.other.to_string(),
            username: conversation.name,
            image_url: conversation.image_url,
            last: conversation.last.into(),
            unread: conversation.unread,
        }
    }
}

/// With whom I write
#[utoipa::path(
    get,
    path = "/direct",
    operation_id = "conversations",
    tag = "people",
    security(("token" = [])),
    params(DirectQuery),
    responses(
        (status = 200, body = ConversationList),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<DirectQuery>,
) -> Result<Json<ConversationList>, ApiError> {
    let before = query.before()?;
    let mut conversations = state
        .store
        .conversations(caller.user(), before, CONVERSATIONS + 1)
        .await?;
    let has_more = conversations.len() > CONVERSATIONS as usize;
    conversations.truncate(CONVERSATIONS as usize);
    let before = conversations
        .last()
        .filter(|_| has_more)
        .map(|with| with.last.id.to_string());
    Ok(Json(ConversationList {
        conversations: conversations
            .into_iter()
            .map(ConversationEntry::from)
            .collect(),
        before,
    }))
}

/// What somebody and I wrote
#[utoipa::path(
    get,
    path = "/direct/{userId}",
    operation_id = "conversation",
    tag = "people",
    security(("token" = [])),
    params(("userId" = String, Path, description = "The other"), DirectQuery),
    responses(
        (status = 200, body = DirectView),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn show(
    State(state): State<AppState>,
    caller: Caller,
    Path(other): Path<UserId>,
    Query(query): Query<DirectQuery>,
) -> Result<Json<DirectView>, ApiError> {
    let before = query.before()?;
    // One more than is shown tells whether there is more.
    let mut messages = state
        .store
        .directs(caller.user(), other, before, PAGE + 1)
        .await?;
    let has_more = messages.len() > PAGE as usize;
    messages.truncate(PAGE as usize);
    let before = messages
        .last()
        .filter(|_| has_more)
        .map(|message| message.id.to_string());
    Ok(Json(DirectView {
        messages: messages.into_iter().rev().map(DirectEntry::from).collect(),
        before,
    }))
}

/// Write to somebody
///
/// It is kept before it is answered, and shown at once in every space where either of us is.
#[utoipa::path(
    post,
    path = "/direct/{userId}",
    operation_id = "writeDirect",
    tag = "people",
    security(("token" = [])),
    params(("userId" = String, Path, description = "The other")),
    request_body = DirectRequest,
    responses(
        (status = 200, body = DirectEntry),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn write(
    State(state): State<AppState>,
    caller: Caller,
    Path(other): Path<UserId>,
    body: UnreadBody<DirectRequest>,
) -> Result<Json<DirectEntry>, ApiError> {
    state.writes.write(caller.user(), &state.budgets)?;
    if other == caller.user() {
        return Err(ApiError::bad("This is you. Write to somebody else."));
    }
    if state.store.is_blocked(caller.user(), other).await? {
        return Err(ApiError::bad(
            "You and this person do not write to each other: one of you blocked the other.",
        ));
    }
    let body = body.read().await?;
    let text = check::message(&body.text)?;
    let new = NewMessage {
        from: caller.user(),
        to: other,
        client_id: body.client_id,
        text: &text,
    };
    match state.store.write_direct(new).await? {
        Written::New(message) => {
            state.spaces.deliver(&message);
            Ok(Json(message.into()))
        }
        Written::Before(message) => Ok(Json(message.into())),
        Written::OtherWords => Err(ApiError::bad(
            "Something else was sent under this clientId. Choose another.",
        )),
        Written::Nobody => Err(ApiError::bad("There is nobody with this id.")),
    }
}

/// I have read what somebody wrote
#[utoipa::path(
    post,
    path = "/direct/{userId}/read",
    operation_id = "readDirect",
    tag = "people",
    security(("token" = [])),
    params(("userId" = String, Path, description = "The other")),
    request_body = ReadRequest,
    responses(
        (status = 200, body = Empty),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn read(
    State(state): State<AppState>,
    caller: Caller,
    Path(other): Path<UserId>,
    Json(body): Json<ReadRequest>,
) -> Result<Json<Empty>, ApiError> {
    let up_to = message_id(&body.up_to)?;
    state.store.read_direct(caller.user(), other, up_to).await?;
    Ok(Json(Empty {}))
}

fn message_id(text: &str) -> Result<MessageId, ApiError> {
    text.parse()
        .map_err(|_| ApiError::bad("There is no such message."))
}
