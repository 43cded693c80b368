//! Accounts: signing up, in and out, and one's own password.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use utoipa::ToSchema;

use super::error::{ApiError, Problem};
use super::extract::{Address, Caller, Json};
use super::new_password::{Demands, LEAST_CHARS, new_password};
use super::proof::prove;
use super::{AppState, check, invites};
use crate::net::address::AddressKey;
use crate::settings::SignUpPolicy;
use crate::store::Role;
use crate::store::invites::Admission;
use crate::store::users::{Credentials, NewUser};

/// Who may sign up, and what is asked of them.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignUpView {
    /// `open`: everyone; `invite`: those who have an invite; `closed`: no one.
    policy: &'static str,
    /// Characters of a new password at least.
    password_chars: usize,
}

/// A new user.
#[derive(Deserialize, ToSchema)]
pub struct SignUp {
    /// 1 to 64 letters of one script; kept in Unicode's form NFKC. Spaces around it do not count.
    username: String,
    /// 8 characters at least, and none of the commonest passwords; 1024 bytes at most.
    password: String,
    /// The token of an invite, where one is needed.
    invite: Option<String>,
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
    /// The password from now on: 8 characters at least, and none of the commonest.
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
    /// Whether the name looks like the one of an earlier user; others see it with a mark.
    looks_alike: bool,
    /// The chosen avatar.
    #[schema(required)]
    avatar_id: Option<String>,
    /// Where its picture is.
    #[schema(required)]
    image_url: Option<String>,
}

/// Why a name cannot be had.
pub(super) const NAME_TAKEN: &str = "This name is taken, or looks like one that is.";

/// Nothing more to say.
#[derive(Serialize, ToSchema)]
pub struct Empty {}

/// Who may sign up
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
/// Where sign-up is closed, or open to those with an invite only, everyone else is refused with 403
/// and told why.
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
            "Nobody becomes an admin by signing up.",
        ));
    }
    let username = check::username(&body.username)?;
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
    state
        .guesses
        .welcome(address.0.map(AddressKey::of), &username, Instant::now());
    Ok(Json(UserAnswer {
        user_id: user.to_string(),
    }))
}

/// Sign in
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
    let found = prove(&state, address, body.username.trim(), &body.password).await?;
    let Credentials {
        user, suspension, ..
    } = found.ok_or(WRONG)?;
    if let Some(suspension) = suspension {
        return Err(ApiError::Suspended(suspension));
    }
    Ok(Json(TokenAnswer {
        token: state.store.sign_in(user).await?,
    }))
}

/// Who I am
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
        looks_alike: caller.who.looks_alike,
        avatar_id,
        image_url,
    })
}

/// Sign out here
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

/// Sign out everywhere
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

/// Change my password
///
/// Every other session of mine ends.
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
    let new = new_password(&body.new, &caller.who.name, state.password_demands())?;
    // By the exact name, which is found before any that looks like it.
    let proven = prove(&state, address, &caller.who.name, &body.current).await?;
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
