//! Set-up: how the person at a fresh server becomes its first admin.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::account::{NAME_TAKEN, UserAnswer};
use super::error::{ApiError, Problem};
use super::extract::{Address, Json, Query};
use super::new_password::new_password;
use super::{AppState, check};
use crate::net::address::AddressKey;
use crate::store::setup::SetUp;

/// Which set-up link is asked about.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SetupQuery {
    /// From the link that the server printed at its start.
    token: Option<String>,
}

/// Whether this server is yet to be set up.
#[derive(Serialize, ToSchema)]
pub struct SetupState {
    /// True while there is no admin.
    needed: bool,
    /// Whether the link of that token makes the first admin; null when none was asked about.
    #[schema(required)]
    good: Option<bool>,
}

/// The first admin.
#[derive(Deserialize, ToSchema)]
pub struct SetupRequest {
    /// From the link that the server printed at its start.
    token: String,
    /// 1 to 64 letters of one script.
    username: String,
    /// 8 characters at least, and none of the commonest passwords.
    password: String,
}

/// Is there an admin yet?
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

/// Become the first admin
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
