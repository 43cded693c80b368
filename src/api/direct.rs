//! Direct messages: from one user to another, in any space or offline.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::address::Address;
use super::empty::Empty;
use super::error::{ApiError, Problem};
use super::extract::{Caller, Json, Path, Query, UnreadBody};
use super::{AppState, check, word_filter};
use crate::components::direct::DirectMessage;
use crate::components::id::{MessageId, UserId};
use crate::store::direct::{Conversation, NewMessage, Written};
use crate::store::paging::ListPage;

/// Most messages per page.
const PAGE: u32 = 50;

/// Most conversations per page of the list.
const CONVERSATIONS: u32 = 200;

/// A request to send a direct message.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DirectRequest {
    /// 1 to 4,000 characters.
    text: String,
    /// Number chosen at random by the sender. The same number sent again means the same message, so
    /// a retry does not write twice.
    client_id: u32,
}

/// A direct message.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DirectEntry {
    /// Id of the message.
    id: String,
    /// Id of the sender.
    from: String,
    /// Name of the sender.
    name: String,
    /// Id of the recipient.
    to: String,
    /// Text of the message.
    text: String,
    /// Time, in Unix milliseconds.
    at: u64,
}

/// The caller's conversations.
#[derive(Serialize, ToSchema)]
pub struct ConversationList {
    /// Newest first.
    conversations: Vec<ConversationEntry>,
    /// `before` of the next, older page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    before: Option<String>,
}

/// Summary of the caller's conversation with another user.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConversationEntry {
    /// Id of the other user.
    user_id: String,
    /// Name of the other user.
    username: String,
    /// Address of the other user's picture.
    #[schema(required)]
    image_url: Option<String>,
    /// The newest message.
    last: DirectEntry,
    /// Messages of the other user that the caller has not read; 1,000 means 1,000 or more.
    unread: u32,
}

/// One page of a conversation.
#[derive(Serialize, ToSchema)]
pub struct DirectView {
    /// Oldest first.
    messages: Vec<DirectEntry>,
    /// `before` of the next, older page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    before: Option<String>,
}

/// Page of a conversation or of the list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DirectQuery {
    /// Id of a message: only older messages; in the list, only conversations whose newest message
    /// is older.
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

/// A request to mark messages as read.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReadRequest {
    /// Id of the newest message that the caller has seen.
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

/// List own conversations
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
    let ListPage { items, has_more } = state
        .store
        .conversations(caller.user(), before, CONVERSATIONS)
        .await?;
    let before = items
        .last()
        .filter(|_| has_more)
        .map(|with| with.last.id.to_string());
    Ok(Json(ConversationList {
        conversations: items.into_iter().map(ConversationEntry::from).collect(),
        before,
    }))
}

/// Read a conversation
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
    let ListPage { items, has_more } = state
        .store
        .directs(caller.user(), other, before, PAGE)
        .await?;
    let before = items
        .last()
        .filter(|_| has_more)
        .map(|message| message.id.to_string());
    Ok(Json(DirectView {
        messages: items.into_iter().rev().map(DirectEntry::from).collect(),
        before,
    }))
}

/// Send a direct message
///
/// The message is saved before the answer is sent, and is shown at once in every space where the
/// sender or the recipient is.
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
    address: Address,
    Path(other): Path<UserId>,
    body: UnreadBody<DirectRequest>,
) -> Result<Json<DirectEntry>, ApiError> {
    state.writes.write(caller.user(), &state.budgets)?;
    if other == caller.user() {
        return Err(ApiError::bad("You cannot write to yourself."));
    }
    if state.store.is_blocked(caller.user(), other).await? {
        return Err(ApiError::bad(
            "You and this person do not write to each other: one of you blocked the other.",
        ));
    }
    if caller.who.is_guest && !state.store.has_written(other, caller.user()).await? {
        return Err(ApiError::Forbidden(
            "Guests answer messages, but do not write first. Make an account to do that.",
        ));
    }
    let body = body.read().await?;
    let text = check::message(&body.text)?;
    caller.writes(&state, address, &text)?;
    let text = word_filter::direct(&state, &caller, text).await?;
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
        Written::Nobody => Err(ApiError::bad("There is no user with this id.")),
    }
}

/// Mark a conversation as read
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
