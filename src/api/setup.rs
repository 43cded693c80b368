//! Set-up: creation of the first admin on a fresh server.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::account::{NAME_TAKEN, UserAnswer};
use super::address::Address;
use super::error::{ApiError, Problem};
use super::extract::{Json, Query};
use super::new_password::new_password;
use super::{AppState, check};
use crate::net::address::AddressKey;
use crate::store::setup::SetUp;

/// Set-up link to check.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SetupQuery {
    /// Token of the link that the server printed at its start.
    token: Option<String>,
}

/// Set-up state of this server.
#[derive(Serialize, ToSchema)]
pub struct SetupState {
    /// True while there is no admin.
    needed: bool,
    /// Whether the given token is valid; null when none was given.
    #[schema(required)]
    good: Option<bool>,
}

/// A request to create the first admin.
#[derive(Deserialize, ToSchema)]
pub struct SetupRequest {
    /// Token of the link that the server printed at its start.
    token: String,
    /// Name, 1 to 64 letters of one script.
    username: String,
    /// Password: at least 8 characters, and none of the commonest passwords.
    password: String,
}

/// Set-up state
#[utoipa::path(get, path = "/setup", operation_id = "setupState", tag = "setup", params(SetupQuery),
    responses((status = 200, body = SetupState)))]
pub async fn state(
    State(state): State<AppState>,
    address: Address,
    Query(asked): Query<SetupQuery>,
) -> Result<Json<SetupState>, ApiError> {
    let needed = !state.store.has_admin().await?;
    let good = match asked.token {
        Some(token) => {
            state.limits.attempt(address, &state.budgets)?;
            Some(needed && state.store.setup_token_fits(&token).await?)
        }
        None => None,
    };
    Ok(Json(SetupState { needed, good }))
}

/// Create the first admin
#[utoipa::path(
    post,
    path = "/setup",
    operation_id = "setUp",
    tag = "setup",
    request_body = SetupRequest,
    responses(
        (status = 200, body = UserAnswer),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn set_up(
    State(state): State<AppState>,
    address: Address,
    Json(body): Json<SetupRequest>,
) -> Result<Json<UserAnswer>, ApiError> {
    const REFUSED: ApiError = ApiError::Forbidden("This set-up link is no longer good.");
    state.limits.attempt(address, &state.budgets)?;
    if !state.store.setup_token_fits(&body.token).await? {
        return Err(REFUSED);
    }
    let username = check::username(&body.username)?;
    let password = new_password(&body.password, &username, state.password_demands())?;
    let hash = state
        .passwords
        .hash(address.0.map(AddressKey::of), &password)
        .await?;
    match state.store.set_up(&body.token, &username, &hash).await? {
        SetUp::Done(user) => Ok(Json(UserAnswer {
            user_id: user.to_string(),
        })),
        SetUp::NameTaken => Err(ApiError::bad(NAME_TAKEN)),
        SetUp::Refused => Err(REFUSED),
    }
}
