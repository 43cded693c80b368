//! Accounts: signing up, in and out, and one's own password.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use utoipa::ToSchema;

use super::address::Address;
use super::empty::Empty;
use super::error::{ApiError, Problem};
use super::extract::{Caller, Json, suspended};
use super::new_password::{Demands, LEAST_CHARS, new_password};
use super::proof::prove;
use super::{AppState, check, invites, word_filter};
use crate::net::address::AddressKey;
use crate::net::edge::word_filters::WrittenIn;
use crate::settings::SignUpPolicy;
use crate::store::Role;
use crate::store::invites::Admission;
use crate::store::users::{Credentials, NewUser};

/// Sign-up rules of this server.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignUpView {
    /// `open`: everyone; `invite`: people with an invite; `closed`: no one.
    policy: &'static str,
    /// Least number of characters of a new password.
    password_chars: usize,
}

/// A request to sign up.
#[derive(Deserialize, ToSchema)]
pub struct SignUp {
    /// 1 to 64 letters of one script; kept in Unicode's form NFKC. Spaces around it do not count.
    username: String,
    /// At least 8 characters and at most 1024 bytes; none of the commonest passwords.
    password: String,
    /// Token of an invite; needed when the policy is `invite`.
    invite: Option<String>,
    /// `user` or `admin`, in any case; `user` when absent.
    r#type: Option<String>,
    /// Alias of `type`, for clients that use this name.
    role: Option<String>,
}

/// The user that was created.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserAnswer {
    /// The user's id.
    pub user_id: String,
}

/// A request to sign in.
#[derive(Deserialize, ToSchema)]
pub struct SignIn {
    /// The name.
    username: String,
    /// The password.
    password: String,
}

/// A new session.
#[derive(Serialize, ToSchema)]
pub struct TokenAnswer {
    /// Session token, sent as `authorization: Bearer …`.
    token: String,
}

/// A request to change the caller's own password.
#[derive(Deserialize, ToSchema)]
pub struct PasswordChange {
    /// The current password.
    current: String,
    /// The new password: at least 8 characters, and none of the commonest.
    new: String,
}

/// The signed-in user.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Me {
    /// The user's id.
    user_id: String,
    /// The name over the head.
    username: String,
    /// `user` or `admin`.
    role: &'static str,
    /// Whether the user has no account.
    is_guest: bool,
    /// Whether the name looks like the name of an earlier user; others see it with a mark.
    looks_alike: bool,
    /// Id of the chosen avatar; null for none.
    #[schema(required)]
    avatar_id: Option<String>,
    /// Address of the avatar's picture.
    #[schema(required)]
    image_url: Option<String>,
}

/// Refusal of a name that is taken or looks like one.
pub(super) const NAME_TAKEN: &str = "This name is taken, or looks like one that is.";

/// Sign-up policy
#[utoipa::path(
    get,
    path = "/signup",
    operation_id = "signUpPolicy",
    tag = "account",
    responses((status = 200, body = SignUpView)),
)]
pub async fn sign_up_policy(State(state): State<AppState>) -> Json<SignUpView> {
    Json(SignUpView {
        policy: state.settings.signup.word(),
        password_chars: match state.password_demands() {
            Demands::Usual => LEAST_CHARS,
            Demands::Few => 1,
        },
    })
}

/// Sign up
///
/// When sign-up is closed, or needs an invite that is missing, the answer is 403 with the reason.
#[utoipa::path(
    post,
    path = "/signup",
    operation_id = "signUp",
    tag = "account",
    request_body = SignUp,
    responses(
        (status = 200, body = UserAnswer),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn sign_up(
    State(state): State<AppState>,
    address: Address,
    Json(body): Json<SignUp>,
) -> Result<Json<UserAnswer>, ApiError> {
    state.limits.attempt(address, &state.budgets)?;
    match (state.settings.signup, &body.invite) {
        (SignUpPolicy::Open, _) | (SignUpPolicy::Invite, Some(_)) => {}
        (SignUpPolicy::Invite, None) => {
            return Err(ApiError::Forbidden(
                "Signing up here needs an invite: open the link that you were sent, or ask an \
                admin for one.",
            ));
        }
        (SignUpPolicy::Closed, _) => {
            return Err(ApiError::Forbidden(
                "Signing up is closed on this server. Ask an admin for an account.",
            ));
        }
    }
    let role = match body.r#type.or(body.role) {
        Some(word) => {
            Role::from_word(&word).ok_or_else(|| ApiError::bad("The type is `user` or `admin`."))?
        }
        None => Role::User,
    };
    if role == Role::Admin && !state.settings.open_admin_signup {
        return Err(ApiError::Forbidden(
            "An admin account cannot be made by signing up.",
        ));
    }
    let username = check::username(&body.username)?;
    let words = word_filter::new_name(&state, WrittenIn::Server, &username).await?;
    let password = new_password(&body.password, &username, state.password_demands())?;
    let hash = state
        .passwords
        .hash(address.0.map(AddressKey::of), &password)
        .await?;
    let new = NewUser {
        username: &username,
        password_hash: &hash,
        role,
    };
    let user = match &body.invite {
        Some(token) => match state.store.add_user_by_invite(token, &new).await? {
            Admission::Done(user) => Some(user),
            Admission::NameTaken => None,
            Admission::Refused => return Err(invites::refused(&state, token).await?),
        },
        None => state.store.add_user(&username, &hash, role).await?,
    };
    let user = user.ok_or_else(|| ApiError::bad(NAME_TAKEN))?;
    let filters = &state.filters;
    filters.report(user, WrittenIn::Server, &words).await;
    state
        .guesses
        .welcome(address.0.map(AddressKey::of), &username, Instant::now());
    Ok(Json(UserAnswer {
        user_id: user.to_string(),
    }))
}

/// Sign in
///
/// At the limit of sessions of one user, the one that was not used for longest ends.
#[utoipa::path(
    post,
    path = "/signin",
    operation_id = "signIn",
    tag = "account",
    request_body = SignIn,
    responses(
        (status = 200, body = TokenAnswer),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn sign_in(
    State(state): State<AppState>,
    address: Address,
    body: Result<Json<SignIn>, ApiError>,
) -> Result<Json<TokenAnswer>, ApiError> {
    const WRONG: ApiError = ApiError::Forbidden("The name or the password is wrong.");
    let body = match body {
        Ok(Json(body)) => body,
        Err(ApiError::Bad(_)) => return Err(WRONG),
        Err(error) => return Err(error),
    };
    let typed = (body.username.trim(), &*body.password);
    let found = prove(&state, address, typed, false).await?;
    let Credentials {
        user, suspension, ..
    } = found.ok_or(WRONG)?;
    if let Some(suspension) = suspension {
        return Err(suspended(&state, &suspension));
    }
    let token = state.store.sign_in(user).await?;
    let most = state.settings.max_sessions_per_user;
    if most > 0 && state.store.end_excess_sessions(user, &token, most).await? {
        state.spaces.sessions_ended(user);
    }
    Ok(Json(TokenAnswer { token }))
}

/// Current user
#[utoipa::path(
    get,
    path = "/me",
    operation_id = "me",
    tag = "account",
    security(("token" = [])),
    responses(
        (status = 200, body = Me),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
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
        is_guest: caller.who.is_guest,
        looks_alike: caller.who.looks_alike,
        avatar_id,
        image_url,
    })
}

/// Sign out of this session
#[utoipa::path(
    post,
    path = "/signout",
    operation_id = "signOut",
    tag = "account",
    security(("token" = [])),
    responses(
        (status = 200, body = Empty),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn sign_out(
    State(state): State<AppState>,
    caller: Caller,
) -> Result<Json<Empty>, ApiError> {
    state.store.sign_out(&caller.token).await?;
    state.spaces.sessions_ended(caller.user());
    Ok(Json(Empty {}))
}

/// Sign out of all sessions
#[utoipa::path(
    post,
    path = "/signout/everywhere",
    operation_id = "signOutEverywhere",
    tag = "account",
    security(("token" = [])),
    responses(
        (status = 200, body = Empty),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn sign_out_everywhere(
    State(state): State<AppState>,
    caller: Caller,
) -> Result<Json<Empty>, ApiError> {
    state.store.sign_out_everywhere(caller.user()).await?;
    state.spaces.sessions_ended(caller.user());
    Ok(Json(Empty {}))
}

/// Change own password
///
/// Ends every other session of the caller.
#[utoipa::path(
    post,
    path = "/user/password",
    operation_id = "changePassword",
    tag = "account",
    security(("token" = [])),
    request_body = PasswordChange,
    responses(
        (status = 200, body = Empty),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn change_password(
    State(state): State<AppState>,
    caller: Caller,
    address: Address,
    Json(body): Json<PasswordChange>,
) -> Result<Json<Empty>, ApiError> {
    caller.require_account()?;
    let new = new_password(&body.new, &caller.who.name, state.password_demands())?;
    // Looked up by the exact name, which wins over names that look like it.
    let typed = (&*caller.who.name, &*body.current);
    let proven = prove(&state, address, typed, true).await?;
    if proven.is_none_or(|known| known.user != caller.user()) {
        return Err(ApiError::Forbidden("The current password is wrong."));
    }
    let hash = state
        .passwords
        .hash(address.0.map(AddressKey::of), &new)
        .await?;
    state
        .store
        .set_password(caller.user(), &hash, Some(&caller.token))
        .await?;
    state.spaces.sessions_ended(caller.user());
    Ok(Json(Empty {}))
}
