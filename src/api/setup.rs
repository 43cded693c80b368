//! Set-up: how the person at a fresh server becomes its first admin.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::account::UserAnswer;
use super::error::{ApiError, Problem};
use super::extract::{Address, Json};
use super::{AppState, check};
use crate::store::setup::SetUp;

/// Whether somebody should set this server up.
#[derive(Serialize, ToSchema)]
pub struct SetupState {
    /// True while there is no admin.
    needed: bool,
}

/// The first admin.
#[derive(Deserialize, ToSchema)]
pub struct SetupRequest {
    /// From the link that the server printed at its start.
    token: String,
    /// 1 to 64 letters.
    username: String,
    /// 1 to 1024 bytes.
    password: String,
}

/// Is there an admin yet?
#[utoipa::path(get, path = "/setup", operation_id = "setupState", tag = "setup", responses((status = 200, body = SetupState)))]
pub async fn state(State(state): State<AppState>) -> Result<Json<SetupState>, ApiError> {
    Ok(Json(SetupState {
        needed: !state.store.has_admin().await?,
    }))
}

/// Become the first admin
#[utoipa::path(post, path = "/setup", operation_id = "setUp", tag = "setup", request_body = SetupRequest, responses(
    (status = 200, body = UserAnswer),
    (status = "4XX", body = Problem, content_type = "application/problem+json"),
))]
pub async fn set_up(
    State(state): State<AppState>,
    address: Address,
    Json(body): Json<SetupRequest>,
) -> Result<Json<UserAnswer>, ApiError> {
    const REFUSED: ApiError = ApiError::Forbidden("This set-up link does not work any more.");
    state.limits.attempt(address)?;
    if !state.store.setup_token_fits(&body.token).await? {
        return Err(REFUSED);
    }
    let username = check::username(&body.username)?;
    let hash = state.passwords.hash(check::password(&body.password)?).await?;
    match state.store.set_up(&body.token, &username, &hash).await? {
        SetUp::Done(user) => Ok(Json(UserAnswer {
            user_id: user.to_string(),
        })),
        SetUp::NameTaken => Err(ApiError::bad("This name is taken.")),
        SetUp::Refused => Err(REFUSED),
    }
}
