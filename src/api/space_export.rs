//! Export of a space's chat: all messages as one file, page by page.

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::AppState;
use super::error::{ApiError, Problem};
use super::extract::{Caller, Path, Query};
use super::limits::UserTurn;
use super::space_chat::MessageEntry;
use crate::components::chat::ChatMessage;
use crate::components::id::{ChatId, SpaceId};
use crate::components::permissions::Permission;
use crate::components::utc::utc;
use crate::store::paging::ListPage;
use crate::store::{Store, StoreError};

/// Most messages read at once for an export.
const EXPORT_PAGE: u32 = 200;

/// Format of an export.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ExportQuery {
    /// `json` (the default) or `text`.
    #[serde(default)]
    #[param(inline)]
    format: ExportFormat,
}

/// File format of an export.
#[derive(Deserialize, ToSchema, Clone, Copy, PartialEq, Eq, Default)]
#[serde(rename_all = "lowercase")]
pub enum ExportFormat {
    /// A JSON list of messages.
    #[default]
    Json,
    /// Plain text, one line per message.
    Text,
}

/// Export all messages of a space
#[utoipa::path(
    get,
    path = "/space/{id}/chat/export",
    operation_id = "exportChat",
    tag = "spaces",
    security(("token" = [])),
    params(("id" = String, Path, description = "The space"), ExportQuery),
    responses(
        (
            status = 200,
            content((Vec<MessageEntry> = "application/json"), (String = "text/plain")),
            description = "Oldest first; as text with `format=text`",
        ),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn export(
    State(state): State<AppState>,
    caller: Caller,
    Path(space): Path<SpaceId>,
    Query(ExportQuery { format }): Query<ExportQuery>,
) -> Result<Response, ApiError> {
    let entered = state.at(space, Some(&caller)).await?;
    let row = entered.require(Permission::ExportChat)?.row;
    let export = Export {
        turn: state.exports.begin(caller.user())?,
        store: state.store,
        space,
        since: row.chat_since(),
        format,
        last: None,
        is_over: false,
    };
    let (name, kind) = match format {
        ExportFormat::Json => ("chat.json", "application/json"),
        ExportFormat::Text => ("chat.txt", "text/plain; charset=utf-8"),
    };
    let disposition = format!("attachment; filename=\"{name}\"");
    let headers = [
        (CONTENT_TYPE, kind),
        (CONTENT_DISPOSITION, disposition.as_str()),
    ];
    let body = Body::from_stream(futures_util::stream::try_unfold(export, Export::next));
    Ok((headers, body).into_response())
}

/// State of a running export: each page is read when the client has received the one before, so
/// that pages do not pile up in memory.
struct Export {
    turn: UserTurn,
    store: Store,
    space: SpaceId,
    since: u64,
    format: ExportFormat,
    last: Option<ChatId>,
    is_over: bool,
}

impl Export {
    /// The next part of the file.
    async fn next(mut self) -> Result<Option<(String, Self)>, StoreError> {
        if self.is_over {
            drop(self.turn);
            return Ok(None);
        }
        let page = self
            .store
            .lines_after(self.space, self.last, self.since, EXPORT_PAGE);
        let ListPage {
            items: messages,
            has_more,
        } = page.await?;
        let is_first = self.last.is_none();
        self.last = messages.last().map(|message| message.id);
        self.is_over = !has_more;
        let part = match self.format {
            ExportFormat::Json => json_part(messages, is_first, self.is_over),
            ExportFormat::Text => messages.iter().map(as_text).collect(),
        };
        Ok(Some((part, self)))
    }
}

/// Part of the JSON list, with the brackets when it is the first or the last one.
fn json_part(messages: Vec<ChatMessage>, is_first: bool, is_last: bool) -> String {
    let mut part = String::from(if is_first { "[" } else { "" });
    for (number, message) in messages.into_iter().enumerate() {
        part.push_str(if is_first && number == 0 { "\n" } else { ",\n" });
        // A list of texts and numbers can always be serialised.
        part.push_str(&serde_json::to_string(&MessageEntry::from(message)).unwrap_or_default());
    }
    part.push_str(if is_last { "\n]\n" } else { "" });
    part
}

/// `2026-11-23T15:04:05Z Ada: hello`; further lines of the same message are indented.
fn as_text(message: &ChatMessage) -> String {
    let words = if message.is_deleted {
        "(deleted)".to_owned()
    } else {
        message.text.replace('\n', "\n    ")
    };
    let edited = if message.edited.is_some() {
        " (edited)"
    } else {
        ""
    };
    format!("{} {}: {words}{edited}\n", utc(message.at), message.name)
}
