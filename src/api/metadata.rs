//! Metadata: the avatars of users.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::AppState;
use super::empty::Empty;
use super::error::{ApiError, Problem};
use super::extract::{Caller, Json, Query};
use crate::components::command::Command;
use crate::components::id::UserId;
use crate::components::presence::PresenceCommand;

/// Most users in one request.
const MOST: usize = 100;

/// A choice of avatar.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Choice {
    /// Id of an avatar, from `/avatars`.
    avatar_id: String,
}

/// Users to look up.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MetadataQuery {
    /// At most 100 ids of users, separated by commas, in brackets: `[id1,id2]`. The brackets may be
    /// left out.
    ids: String,
}

/// Avatars of users.
#[derive(Serialize, ToSchema)]
pub struct Looks {
    /// In the order asked; unknown users are left out.
    avatars: Vec<UserAvatar>,
}

/// Avatar of a user.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserAvatar {
    /// Id of the user.
    user_id: String,
    /// Id of the chosen avatar; null for none.
    #[schema(required)]
    avatar_id: Option<String>,
    /// Address of the avatar's picture.
    #[schema(required)]
    image_url: Option<String>,
}

/// Choose own avatar
#[utoipa::path(
    post,
    path = "/user/metadata",
    operation_id = "chooseAvatar",
    tag = "people",
    security(("token" = [])),
    request_body = Choice,
    responses(
        (status = 200, body = Empty),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn choose(
    State(state): State<AppState>,
    caller: Caller,
    Json(choice): Json<Choice>,
) -> Result<Json<Empty>, ApiError> {
    let unknown = || ApiError::bad("There is no such avatar.");
    let avatar = choice.avatar_id.parse().map_err(|_| unknown())?;
    let avatar = state
        .store
        .choose_avatar(caller.user(), avatar)
        .await?
        .ok_or_else(unknown)?;
    state
        .spaces
        .tell_all(&Command::Presence(PresenceCommand::ChangeAvatar {
            user: caller.user(),
            avatar: Some(avatar),
        }));
    Ok(Json(Empty {}))
}

/// Choose own avatar (same as POST)
#[utoipa::path(
    put,
    path = "/user/metadata",
    operation_id = "chooseAvatarByPut",
    tag = "people",
    security(("token" = [])),
    request_body = Choice,
    responses(
        (status = 200, body = Empty),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn choose_by_put(
    state: State<AppState>,
    caller: Caller,
    choice: Json<Choice>,
) -> Result<Json<Empty>, ApiError> {
    choose(state, caller, choice).await
}

/// Avatars of users
#[utoipa::path(
    get,
    path = "/user/metadata/bulk",
    operation_id = "looksOfUsers",
    tag = "people",
    params(MetadataQuery),
    responses(
        (status = 200, body = Looks),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn bulk(
    State(state): State<AppState>,
    Query(query): Query<MetadataQuery>,
) -> Result<Json<Looks>, ApiError> {
    let looks = state.store.looks(&users_of(&query.ids)?).await?;
    let avatars = looks.into_iter().map(|look| {
        let (avatar_id, image_url) = look
            .avatar
            .map(|avatar| (avatar.id.to_string(), avatar.image_url))
            .unzip();
        UserAvatar {
            user_id: look.user.to_string(),
            avatar_id,
            image_url,
        }
    });
    Ok(Json(Looks {
        avatars: avatars.collect(),
    }))
}

/// Ids of a list. Malformed ids are left out, like unknown ones.
fn users_of(ids: &str) -> Result<Vec<UserId>, ApiError> {
    let ids = ids.trim();
    let ids = ids.strip_prefix('[').unwrap_or(ids);
    let ids = ids.strip_suffix(']').unwrap_or(ids);
    let asked: Vec<&str> = ids
        .split(',')
        .map(|id| id.trim().trim_matches('"'))
        .filter(|id| !id.is_empty())
        .collect();
    if asked.len() > MOST {
        return Err(ApiError::bad(format!(
            "Ask about at most {MOST} users at once."
        )));
    }
    Ok(asked.into_iter().filter_map(|id| id.parse().ok()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_come_with_and_without_brackets() {
        let id = "018f0000-0000-7000-8000-000000000001";
        for text in [
            id.to_owned(),
            format!("[{id}]"),
            format!("[ {id} ]"),
            format!("[\"{id}\"]"),
            format!("[x,{id},]"),
        ] {
            assert_eq!(users_of(&text).unwrap().len(), 1, "{text}");
        }
        assert!(users_of("[]").unwrap().is_empty());
        assert!(users_of(&vec![id; 101].join(",")).is_err());
    }
}
