//! Space chat: what was said in a space that keeps it.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::error::{ApiError, Problem};
use super::extract::{Caller, Json, Path, Query};
use super::{AppState, spaces};
use crate::components::chat::ChatLine;
use crate::components::id::{ChatId, SpaceId};
use crate::store::chat::ChatPage;

/// Lines on one page.
const PAGE: u32 = 50;

/// Which part of it.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ChatQuery {
    /// Only lines with this in them.
    #[serde(default)]
    q: String,
    /// Only what was said before the line with this id.
    #[serde(default)]
    before: String,
}

/// Part of what was said.
#[derive(Serialize, ToSchema)]
pub struct ChatView {
    /// Whether the space keeps what is said. When it does not, only those who are there see it.
    kept: bool,
    /// Oldest first.
    lines: Vec<LineEntry>,
    /// What to ask `before` for what was said earlier; nothing when that is all.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<String>,
}

/// Something that was said.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LineEntry {
    /// This line.
    id: String,
    /// Who said it.
    user_id: String,
    /// Their name then.
    username: String,
    /// The words.
    message: String,
    /// Unix milliseconds.
    at: u64,
}

impl From<ChatLine> for LineEntry {
    fn from(line: ChatLine) -> Self {
        Self {
            id: line.id.to_string(),
            user_id: line.user.to_string(),
            username: line.name,
            message: line.text,
            at: line.at,
        }
    }
}

/// What was said
///
/// Lines come here within a second of being said.
#[utoipa::path(get, path = "/space/{id}/chat", operation_id = "chat", tag = "spaces", security(("token" = [])),
    params(("id" = String, Path, description = "The space"), ChatQuery), responses(
        (status = 200, body = ChatView),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn show(
    State(state): State<AppState>,
    _caller: Caller,
    Path(space): Path<SpaceId>,
    Query(query): Query<ChatQuery>,
) -> Result<Json<ChatView>, ApiError> {
    let row = spaces::visible(&state, space).await?;
    let before = match query.before.as_str() {
        "" => None,
        text => Some(
            text.parse::<ChatId>()
                .map_err(|_| ApiError::bad("`before` is the id of a line."))?,
        ),
    };
    let page = ChatPage {
        search: query.q.trim(),
        before,
        // One more than is shown tells whether there is more.
        limit: PAGE + 1,
    };
    let mut lines = state.store.lines(space, page).await?;
    let has_more = lines.len() > PAGE as usize;
    lines.truncate(PAGE as usize);
    let before = lines.last().filter(|_| has_more).map(|line| line.id.to_string());
    Ok(Json(ChatView {
        kept: row.keeps_chat,
        lines: lines.into_iter().rev().map(LineEntry::from).collect(),
        before,
    }))
}
