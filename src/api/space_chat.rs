//! Space chat: saved messages of a space, and the rules of its chat.
//!
//! The rules also show and take what `space_settings` has, for clients from before it.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::address::Address;
use super::empty::Empty;
use super::error::{ApiError, Problem};
use super::extract::{Caller, Json, Path, Query, UnreadBody};
use super::patch::Patch;
use super::space_settings::{ProximityChange, change_proximity};
use super::{AppState, check};
use crate::cluster::spaces::Requester;
use crate::components::chat::{ChatCommand, ChatMessage, MAX_SLOW_SECONDS, Reaction};
use crate::components::command::Command;
use crate::components::id::{ChatId, SpaceId};
use crate::components::permissions::Permission;
use crate::space::DurableEvent;
use crate::store::SpaceRow;
use crate::store::chat::{ChatPage, MessagePage};

/// Most messages per page.
const PAGE: u32 = 50;

/// Longest time after which messages are deleted, in days: ten years.
const MAX_RETENTION_DAYS: u32 = 3_650;

/// Search and page of the messages.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ChatQuery {
    /// Search text, at most 100 letters: only messages that contain each of these words, or a word
    /// that begins with it.
    #[serde(default)]
    q: String,
    /// Id of a message: only older messages.
    #[serde(default)]
    before: String,
}

/// One page of the messages of a space.
#[derive(Serialize, ToSchema)]
pub struct ChatView {
    /// Whether the space saves its messages. When it does not, only those present see them.
    kept: bool,
    /// Messages, oldest first.
    lines: Vec<MessageEntry>,
    /// `before` of the next, older page; absent on the last one. A search takes a second at most,
    /// so there may be more messages even when a page is empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    before: Option<String>,
    #[serde(flatten)]
    rules: RulesView,
}

/// Rules of a space's chat, and its proximity rules as of `GET /space/{id}/settings`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RulesView {
    /// Days after which messages are deleted; null for never.
    #[schema(required)]
    retention_days: Option<u32>,
    /// Least number of seconds between two messages of the same player; 0 for no limit.
    slow_mode_seconds: u32,
    /// `rangeTiles` of the settings.
    reach: u8,
    /// `maxAudio` of the settings.
    voices: u8,
    /// `maxVideo` of the settings.
    pictures: u8,
    /// `wallsBlock` of the settings.
    #[schema(required)]
    walls: Option<bool>,
    /// Whether the caller may change the rules and delete all messages.
    may_moderate: bool,
}

/// A message in a space.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessageEntry {
    /// Id of the message.
    id: String,
    /// Id of the sender.
    user_id: String,
    /// Name of the sender when it was sent.
    username: String,
    /// Text; empty when the message was deleted.
    message: String,
    /// Time, in Unix milliseconds.
    at: u64,
    /// Audience: 0 for everyone in the space, 2 for an announcement.
    scope: u8,
    /// Id of the message that it answers, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    reply_to: Option<String>,
    /// Time of the last edit, in Unix milliseconds; absent when it was never edited.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    edited_at: Option<u64>,
    /// Whether it was deleted. A deleted message keeps its place in the list.
    deleted: bool,
    /// Reactions of users.
    reactions: Vec<ReactionEntry>,
}

/// One kind of reaction to a message.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReactionEntry {
    /// The emoji.
    emoji: String,
    /// Ids of the users who reacted with it.
    user_ids: Vec<String>,
}

impl From<ChatMessage> for MessageEntry {
    fn from(message: ChatMessage) -> Self {
        Self {
            id: message.id.to_string(),
            user_id: message.user.to_string(),
            username: message.name,
            message: message.text,
            at: message.at,
            scope: message.scope as u8,
            reply_to: message.reply_to.map(|id| id.to_string()),
            edited_at: message.edited,
            deleted: message.is_deleted,
            reactions: message
                .reactions
                .into_iter()
                .map(ReactionEntry::from)
                .collect(),
        }
    }
}

impl From<Reaction> for ReactionEntry {
    fn from(reaction: Reaction) -> Self {
        Self {
            emoji: reaction.emoji,
            user_ids: reaction.users.iter().map(ToString::to_string).collect(),
        }
    }
}

/// Read the messages of a space
///
/// Messages appear here within a second of being sent.
#[utoipa::path(
    get,
    path = "/space/{id}/chat",
    operation_id = "chat",
    tag = "spaces",
    security(("token" = [])),
    params(("id" = String, Path, description = "The space"), ChatQuery),
    responses(
        (status = 200, body = ChatView),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn show(
    State(state): State<AppState>,
    caller: Caller,
    Path(space): Path<SpaceId>,
    Query(query): Query<ChatQuery>,
) -> Result<Json<ChatView>, ApiError> {
    let entered = state.at(space, Some(&caller)).await?;
    let row = &entered.row;
    let before = match query.before.as_str() {
        "" => None,
        text => Some(
            text.parse::<ChatId>()
                .map_err(|_| ApiError::bad("`before` is the id of a message."))?,
        ),
    };
    let blocked = state.store.blocked_by(caller.user()).await?;
    let page = ChatPage {
        before,
        since: row.chat_since(),
        limit: PAGE,
        without: &blocked,
    };
    let MessagePage { lines, before } = match check::search(&query.q)? {
        "" => state.store.lines(space, page).await?,
        search => {
            let _turn = state.searches.begin(caller.user())?;
            state.store.search(space, search, page).await?
        }
    };
    let before = before.map(|message| message.to_string());
    Ok(Json(ChatView {
        kept: row.keeps_chat,
        lines: lines.into_iter().rev().map(MessageEntry::from).collect(),
        before,
        rules: rules(row, entered.may(Permission::ManageChat)),
    }))
}

fn rules(row: &SpaceRow, may_moderate: bool) -> RulesView {
    let rules = row.proximity;
    RulesView {
        retention_days: row.retention_days,
        slow_mode_seconds: row.slow_seconds,
        reach: rules.range_tiles,
        voices: rules.max_audio,
        pictures: rules.max_video,
        walls: rules.walls_block,
        may_moderate,
    }
}

/// A change of the rules; absent fields stay as they are.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RulesRequest {
    /// Days after which messages are deleted, 1 to 3,650; null for never.
    #[serde(default)]
    #[schema(value_type = Option<u32>)]
    retention_days: Patch<Option<u32>>,
    /// Least number of seconds between two messages of the same player, 0 to 21,600. Moderators of
    /// the space have no limit.
    slow_mode_seconds: Option<u32>,
    /// As `rangeTiles` of the settings. New clients change it there, like the next three.
    reach: Option<u8>,
    /// As `maxAudio` of the settings.
    voices: Option<u8>,
    /// As `maxVideo` of the settings.
    pictures: Option<u8>,
    /// As `wallsBlock` of the settings.
    #[serde(default)]
    #[schema(value_type = Option<bool>)]
    walls: Patch<Option<bool>>,
}

/// Change the rules of a space
///
/// Everyone inside is told at once of the new slow mode and proximity rules.
#[utoipa::path(
    patch,
    path = "/space/{id}/chat",
    operation_id = "changeChatRules",
    tag = "spaces",
    security(("token" = [])),
    params(("id" = String, Path, description = "The space")),
    request_body = RulesRequest,
    responses(
        (status = 200, body = RulesView),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn change_rules(
    State(state): State<AppState>,
    caller: Caller,
    Path(space): Path<SpaceId>,
    body: UnreadBody<RulesRequest>,
) -> Result<Json<RulesView>, ApiError> {
    let permission = Permission::ManageChat;
    let (entered, body) = state.read_for(&caller, space, permission, body).await?;
    let retention_days = body.retention_days.or(entered.row.retention_days);
    let entered = if retention_days == entered.row.retention_days {
        entered
    } else {
        entered.require(Permission::KeepChat)?
    };
    let row = entered.row;
    let slow_seconds = body.slow_mode_seconds.unwrap_or(row.slow_seconds);
    if retention_days.is_some_and(|days| !(1..=MAX_RETENTION_DAYS).contains(&days)) {
        return Err(ApiError::bad(
            "Messages are kept for 1 to 3,650 days, or for ever.",
        ));
    }
    let change = ProximityChange {
        range_tiles: body.reach,
        max_audio: body.voices,
        max_video: body.pictures,
        walls_block: body.walls,
    };
    let proximity = change.of(row.proximity)?;
    if slow_seconds > MAX_SLOW_SECONDS {
        return Err(ApiError::bad("Slow mode is 0 to 21,600 seconds."));
    }
    state
        .store
        .change_chat_rules(space, retention_days, slow_seconds)
        .await?;
    change_proximity(&state, space, proximity).await?;
    state.spaces.tell(
        space,
        Command::Chat(ChatCommand::SetSlowMode {
            seconds: slow_seconds,
        }),
    );
    let row = SpaceRow {
        retention_days,
        slow_seconds,
        proximity,
        ..row
    };
    Ok(Json(rules(&row, true)))
}

/// Delete all messages of a space
///
/// Everyone inside is told, with the name of the caller.
#[utoipa::path(
    delete,
    path = "/space/{id}/chat",
    operation_id = "clearChat",
    tag = "spaces",
    security(("token" = [])),
    params(("id" = String, Path, description = "The space")),
    responses(
        (status = 200, body = Empty),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn clear(
    State(state): State<AppState>,
    caller: Caller,
    address: Address,
    Path(space): Path<SpaceId>,
) -> Result<Json<Empty>, ApiError> {
    let entered = state.at(space, Some(&caller)).await?;
    entered.require(Permission::ManageChat)?;
    let requester = Requester {
        user: caller.user(),
        address: address.key(),
    };
    // The running space holds messages that are not in the database yet, so it has to run.
    state
        .spaces
        .come_in(space, requester)
        .await
        .map_err(|error| {
            tracing::debug!(%space, %error, "failed to delete the chat of a space");
            ApiError::Unavailable("The space cannot be reached right now. Try again in a moment.")
        })?;
    let by = caller.who.name.clone();
    state
        .spaces
        .tell(space, Command::Chat(ChatCommand::Clear { by }));
    state
        .store
        .keep_chat(space, &[DurableEvent::Cleared(caller.who.name)])
        .await?;
    Ok(Json(Empty {}))
}
