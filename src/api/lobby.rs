//! Lobby: own spaces and public spaces, with the number of players in each.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::error::{ApiError, Problem};
use super::extract::{Caller, Query};
use super::spaces::{PAGE, after, cut_page, dimensions_of};
use super::{AppState, check, files, thumbnails};
use crate::components::id::UserId;
use crate::components::permissions::OwnedBy;
use crate::store::SpaceRow;
use crate::store::spaces::{Access, Page};

/// Prefix of cursors that continue after the newest few spaces of each owner.
const BEHIND: &str = "behind-";

/// Search and page of the lobby.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct LobbyQuery {
    /// Only spaces with this text in their name; at most 100 letters.
    #[serde(default)]
    q: String,
    /// Cursor of a page of public spaces, from the previous page.
    #[serde(default)]
    cursor: String,
}

/// The lobby.
#[derive(Serialize, ToSchema)]
pub struct Lobby {
    /// Spaces of the caller, newest first; empty on later pages.
    mine: Vec<LobbyEntry>,
    /// Public spaces of other users, newest first: first the newest five of each owner, then all
    /// remaining ones.
    public: Vec<LobbyEntry>,
    /// Cursor of the next page of public spaces; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    cursor: Option<String>,
}

/// A space in the lobby.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LobbyEntry {
    /// Id of the space.
    id: String,
    /// Name.
    name: String,
    /// Address of its thumbnail.
    thumbnail: String,
    /// Size in tiles, as `WxH`.
    dimensions: String,
    /// Players in it now.
    people: usize,
    /// Whether it is listed for everyone.
    public: bool,
    /// Who may enter: `open`, `password` or `members`.
    access_policy: &'static str,
    /// Whether guests may enter.
    guests: bool,
    /// Whether the caller owns it.
    mine: bool,
    /// Time of its creation, in Unix milliseconds.
    created_at: i64,
}

/// List the lobby
///
/// Cheap to poll: send the `etag` of the last answer as `if-none-match` and get 304 while nothing
/// has changed.
#[utoipa::path(
    get,
    path = "/spaces",
    operation_id = "lobby",
    tag = "spaces",
    security(("token" = [])),
    params(LobbyQuery),
    responses(
        (status = 200, body = Lobby),
        (status = 304, description = "Nothing changed"),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn show(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<LobbyQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let (me, search) = (caller.user(), check::search(&query.q)?);
    let (public, cursor) = public_page(&state, me, search, &query.cursor).await?;
    let mine = if query.cursor.is_empty() {
        let all = Page {
            search,
            limit: u32::MAX,
            ..Page::default()
        };
        state.store.spaces_of(me, all).await?
    } else {
        Vec::new()
    };
    let show = |rows: Vec<SpaceRow>| rows.into_iter().map(|row| entry(&state, me, row)).collect();
    let lobby = Lobby {
        mine: show(mine),
        public: show(public),
        cursor,
    };
    Ok(files::json_with_etag(&lobby, &headers))
}

/// One page of public spaces, and the cursor of the next one.
async fn public_page(
    state: &AppState,
    me: UserId,
    search: &str,
    cursor: &str,
) -> Result<(Vec<SpaceRow>, Option<String>), ApiError> {
    let behind = cursor.strip_prefix(BEHIND);
    let page = Page {
        search,
        after: after(behind.unwrap_or(cursor))?,
        limit: PAGE + 1,
        is_behind: behind.is_some(),
    };
    let mut rows = state.store.public_spaces(me, page).await?;
    let front = if page.is_behind { 0 } else { rows.len() };
    if !page.is_behind && rows.len() <= PAGE as usize {
        let rest = Page {
            after: None,
            limit: (PAGE + 1).saturating_sub(u32::try_from(rows.len()).unwrap_or(PAGE)),
            is_behind: true,
            ..page
        };
        rows.extend(state.store.public_spaces(me, rest).await?);
    }
    let cursor = cut_page(&mut rows);
    let prefix = if front < rows.len() { BEHIND } else { "" };
    Ok((rows, cursor.map(|cursor| format!("{prefix}{cursor}"))))
}

fn entry(state: &AppState, me: UserId, row: SpaceRow) -> LobbyEntry {
    let mine = OwnedBy::of(row.creator, me) == OwnedBy::User;
    LobbyEntry {
        id: row.id.to_string(),
        thumbnail: if mine || thumbnails::is_for_everyone(&row) {
            thumbnails::of_space(&row, &state.key)
        } else {
            thumbnails::from_outside(&row)
        },
        access_policy: row.rules.policy.word(),
        guests: row.rules.guests,
        dimensions: dimensions_of(&row),
        people: state.spaces.people(row.id),
        public: row.access == Access::Public,
        mine,
        created_at: row.created_at,
        name: row.name,
    }
}
