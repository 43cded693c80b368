//! Accounts: signing up, in and out, and one's own password.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::error::{ApiError, Problem};
use super::extract::{Address, Caller, Json};
use super::{AppState, check};
use crate::store::Role;

/// Who wants to be a user.
#[derive(Deserialize, ToSchema)]
pub struct SignUp {
    /// 1 to 64 letters; spaces around it do not count.
    username: String,
    /// 1 to 1024 bytes.
    password: String,
    /// `user` or `admin`, in any case; `user` when absent.
    r#type: Option<String>,
    /// The same as `type`, for clients that call it so.
    role: Option<String>,
}

/// Who it became.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserAnswer {
    /// The user's id.
    pub user_id: String,
}

/// Name and password.
#[derive(Deserialize, ToSchema)]
pub struct SignIn {
    /// The name.
    username: String,
    /// The password.
    password: String,
}

/// A session.
#[derive(Serialize, ToSchema)]
pub struct TokenAnswer {
    /// To be sent as `authorization: Bearer …`.
    token: String,
}

/// A change of one's password.
#[derive(Deserialize, ToSchema)]
pub struct PasswordChange {
    /// The password until now.
    current: String,
    /// The password from now on.
    new: String,
}

/// Who is signed in.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Me {
    /// The user's id.
    user_id: String,
    /// The name over the head.
    username: String,
    /// `user` or `admin`.
    role: &'static str,
    /// The chosen avatar.
    #[schema(required)]
    avatar_id: Option<String>,
    /// Where its picture is.
    #[schema(required)]
    image_url: Option<String>,
}

/// Nothing more to say.
#[derive(Serialize, ToSchema)]
pub struct Empty {}

/// Sign up
#[utoipa::path(post, path = "/signup", operation_id = "signUp", tag = "account", request_body = SignUp, responses(
    (status = 200, body = UserAnswer),
    (status = "4XX", body = Problem, content_type = "application/problem+json"),
))]
pub async fn sign_up(
    State(state): State<AppState>,
    address: Address,
    Json(body): Json<SignUp>,
) -> Result<Json<UserAnswer>, ApiError> {
    state.limits.attempt(address)?;
    let username = check::username(&body.username)?;
    let password = check::password(&body.password)?;
    let role = match body.r#type.or(body.role) {
        Some(word) => Role::from_word(&word).ok_or_else(|| ApiError::bad("The type is `user` or `admin`."))?,
        None => Role::User,
    };
    if role == Role::Admin && !state.settings.open_admin_signup {
        return Err(ApiError::Forbidden("Nobody becomes an admin by signing up."));
    }
    let hash = state.passwords.hash(password).await?;
    let user = state.store.add_user(&username, &hash, role).await?;
    let user = user.ok_or_else(|| ApiError::bad("This name is taken."))?;
    Ok(Json(UserAnswer {
        user_id: user.to_string(),
    }))
}

/// Sign in
#[utoipa::path(post, path = "/signin", operation_id = "signIn", tag = "account", request_body = SignIn, responses(
    (status = 200, body = TokenAnswer),
    (status = "4XX", body = Problem, content_type = "application/problem+json"),
))]
pub async fn sign_in(
    State(state): State<AppState>,
    address: Address,
    body: Result<Json<SignIn>, ApiError>,
) -> Result<Json<TokenAnswer>, ApiError> {
    const WRONG: ApiError = ApiError::Forbidden("The name or the password is wrong.");
    state.limits.attempt(address)?;
    let body = match body {
        Ok(Json(body)) => body,
        Err(ApiError::Bad(_)) => return Err(WRONG),
        Err(error) => return Err(error),
    };
    let known = state.store.credentials(body.username.trim()).await?;
    let (found, hash) = known
        .map(|known| ((known.user, known.suspension), known.password_hash))
        .unzip();
    let fits = state.passwords.verify(&body.password, hash).await?;
    let (user, suspension) = found.filter(|_| fits).ok_or(WRONG)?;
    if let Some(suspension) = suspension {
        return Err(ApiError::Suspended(suspension));
    }
    Ok(Json(TokenAnswer {
        token: state.store.sign_in(user).await?,
    }))
}

/// Who I am
#[utoipa::path(get, path = "/me", operation_id = "me", tag = "account", security(("token" = [])), responses(
    (status = 200, body = Me),
    (status = "4XX", body = Problem, content_type = "application/problem+json"),
))]
pub async fn me(caller: Caller) -> Json<Me> {
    let (avatar_id, image_url) = caller
        .who
        .avatar
        .map(|avatar| (avatar.id.to_string(), avatar.image_url))
        .unzip();
    Json(Me {
        user_id: caller.who.user.to_string(),
        username: caller.who.name,
        role: caller.who.role.word(),
        avatar_id,
        image_url,
    })
}

/// Sign out here
#[utoipa::path(post, path = "/signout", operation_id = "signOut", tag = "account", security(("token" = [])), responses(
    (status = 200, body = Empty),
    (status = "4XX", body = Problem, content_type = "application/problem+json"),
))]
pub async fn sign_out(State(state): State<AppState>, caller: Caller) -> Result<Json<Empty>, ApiError> {
    state.store.sign_out(&caller.token).await?;
    state.spaces.sessions_ended(caller.user());
    Ok(Json(Empty {}))
}

/// Sign out everywhere
#[utoipa::path(post, path = "/signout/everywhere", operation_id = "signOutEverywhere", tag = "account", security(("token" = [])), responses(
    (status = 200, body = Empty),
    (status = "4XX", body = Problem, content_type = "application/problem+json"),
))]
pub async fn sign_out_everywhere(State(state): State<AppState>, caller: Caller) -> Result<Json<Empty>, ApiError> {
    state.store.sign_out_everywhere(caller.user()).await?;
    state.spaces.sessions_ended(caller.user());
    Ok(Json(Empty {}))
}

/// Change my password
///
/// Every other session of mine ends.
#[utoipa::path(post, path = "/user/password", operation_id = "changePassword", tag = "account", security(("token" = [])), request_body = PasswordChange,
    responses(
        (status = 200, body = Empty),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn change_password(
    State(state): State<AppState>,
    caller: Caller,
    address: Address,
    Json(body): Json<PasswordChange>,
) -> Result<Json<Empty>, ApiError> {
    state.limits.attempt(address)?;
    let new = check::password(&body.new)?;
    let known = state.store.credentials(&caller.who.name).await?;
    if !state
        .passwords
        .verify(&body.current, known.map(|known| known.password_hash))
        .await?
    {
        return Err(ApiError::Forbidden("The current password is wrong."));
    }
    let hash = state.passwords.hash(new).await?;
    state
        .store
        .set_password(caller.user(), &hash, Some(&caller.token))
        .await?;
    state.spaces.sessions_ended(caller.user());
    Ok(Json(Empty {}))
}
