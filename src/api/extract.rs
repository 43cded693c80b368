//! Extractors: the caller of a request, and bodies, paths and queries whose refusals are problem
//! documents.

use std::convert::Infallible;
use std::marker::PhantomData;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, OptionalFromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::AppState;
use super::address::Address;
use super::budgets::Cost;
use super::denials::refusal;
use super::error::ApiError;
use crate::components::id::UserId;
use crate::components::permissions::{
    OwnedBy, Permission, PermissionRoles, SpaceRole, Standing, may,
};
use crate::net::budget::{Budget, Slowed, Spender};
use crate::net::edge::{self, CutBody};
use crate::store::SignedIn;
use crate::store::audit_log::Actor;
use crate::store::suspension::Suspension;

/// Largest JSON body, in bytes.
pub const BODY_LIMIT: usize = 256 * 1024;

/// The user who sent the request, known by a valid token.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The signed-in user.
    pub who: SignedIn,
    /// The token that was sent.
    pub token: String,
}

impl Caller {
    /// The user's id.
    pub const fn user(&self) -> UserId {
        self.who.user
    }

    /// Charges the creation of something to their budget; admins have no limit.
    pub fn creates(&self, state: &AppState) -> Result<(), ApiError> {
        if !self.may_on_server(Permission::ExceedQuotas) {
            state.budgets.take(self.user().into(), Budget::Creations)?;
        }
        Ok(())
    }

    /// Charges a message to their budget and to that of their address.
    pub fn writes(&self, state: &AppState, from: Address, text: &str) -> Result<(), ApiError> {
        let spender = Spender {
            user: Some(self.user()),
            address: from.key(),
        };
        let taken = state.budgets.take_text(spender, text.len());
        taken.map_err(|slowed: Slowed| ApiError::Later {
            seconds: slowed.seconds,
            detail: slowed.text_reason(),
        })
    }

    /// Whether the user may do something with a thing of this owner. For spaces,
    /// `api::access` asks.
    pub fn may(&self, permission: Permission, owner: Option<UserId>) -> bool {
        self.stands(OwnedBy::of(owner, self.user()), permission)
    }

    /// Whether the user may do something that concerns no single space or thing.
    pub fn may_on_server(&self, permission: Permission) -> bool {
        self.stands(OwnedBy::Another, permission)
    }

    /// Refuses guests.
    pub fn require_account(&self) -> Result<(), ApiError> {
        if self.may_on_server(Permission::UseAccount) {
            Ok(())
        } else {
            Err(ApiError::Forbidden(refusal(Permission::UseAccount)))
        }
    }

    fn stands(&self, owner: OwnedBy, permission: Permission) -> bool {
        let role = if self.who.is_guest {
            SpaceRole::Guest
        } else {
            SpaceRole::Visitor
        };
        let standing = Standing {
            is_admin: self.who.role.is_admin(),
            owner,
            role,
            roles: PermissionRoles::default(),
        };
        may(standing, permission)
    }
}

/// Proof that the caller is an admin.
#[derive(Debug, Clone)]
pub struct Admin(SignedIn);

impl Admin {
    /// The admin's id.
    pub const fn user(&self) -> UserId {
        self.0.user
    }

    /// The admin as the audit log names it.
    pub fn actor(&self) -> Actor {
        Actor::from(&self.0)
    }
}

/// Token of the authorization header; `Ok(None)` without a header.
fn bearer(parts: &Parts) -> Result<Option<&str>, ApiError> {
    let Some(value) = parts.headers.get(AUTHORIZATION) else {
        return Ok(None);
    };
    let (scheme, token) = value
        .to_str()
        .ok()
        .and_then(|text| text.trim().split_once(' '))
        .ok_or(ApiError::Unauthorized)?;
    let token = token.trim();
    if scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() {
        Ok(Some(token))
    } else {
        Err(ApiError::Unauthorized)
    }
}

/// Refusal of a user who is suspended.
pub(super) fn suspended(state: &AppState, suspension: &Suspension) -> ApiError {
    let appeal = &state.settings.appeals_text;
    ApiError::Suspended(edge::refusal::suspended(suspension, appeal))
}

/// Token of the caller, kept with the request for the check after its body.
#[derive(Clone)]
struct CallerToken(String);

/// The user of a session, unless they are suspended.
async fn signed_in(state: &AppState, token: &str) -> Result<SignedIn, ApiError> {
    let who = state.store.signed_in(token).await?;
    let who = who.ok_or(ApiError::Unauthorized)?;
    match &who.suspension {
        Some(suspension) => Err(suspended(state, suspension)),
        None => Ok(who),
    }
}

async fn caller(parts: &mut Parts, state: &AppState) -> Result<Option<Caller>, ApiError> {
    let Some(token) = bearer(parts)?.map(str::to_owned) else {
        return Ok(None);
    };
    let who = signed_in(state, &token).await?;
    parts.extensions.insert(CallerToken(token.clone()));
    // The address was charged earlier, by `budgets::spend`.
    if let Some(cost) = parts.extensions.get::<Cost>() {
        cost.charge(&state.budgets, who.user.into())?;
    }
    Ok(Some(Caller { who, token }))
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        caller(parts, state).await?.ok_or(ApiError::Forbidden(
            "Sign in first: the authorization header is missing.",
        ))
    }
}

impl OptionalFromRequestParts<AppState> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &AppState,
    ) -> Result<Option<Self>, ApiError> {
        caller(parts, state).await
    }
}

impl FromRequestParts<AppState> for Admin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let caller =
            <Caller as FromRequestParts<AppState>>::from_request_parts(parts, state).await?;
        if caller.may_on_server(Permission::Administer) {
            Ok(Self(caller.who))
        } else {
            Err(ApiError::Forbidden("Only an admin may do this."))
        }
    }
}

/// A JSON body, regardless of its content type; also a JSON answer.
#[derive(Debug, Clone)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned> FromRequest<AppState> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, ApiError> {
        let token = request.extensions().get::<CallerToken>().cloned();
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|refused| refused_body(&refused))?;
        // A body may take a minute to arrive. The session may have ended since.
        if let Some(CallerToken(token)) = token {
            signed_in(state, &token).await?;
        }
        serde_json::from_slice(&bytes).map(Self).map_err(|error| {
            ApiError::bad(format!("The body is not what this address takes: {error}."))
        })
    }
}

/// A JSON body that is not read yet. A handler whose permissions depend on the path checks them
/// first, so the server does not wait for a body that it would refuse, and again when the body is
/// here: `AppState::read_for` does both.
pub struct UnreadBody<T> {
    request: Request,
    state: AppState,
    kind: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> UnreadBody<T> {
    /// Reads and parses the body.
    pub async fn read(self) -> Result<T, ApiError> {
        let Json(body) = Json::from_request(self.request, &self.state).await?;
        Ok(body)
    }
}

impl<T: DeserializeOwned> FromRequest<AppState> for UnreadBody<T> {
    type Rejection = Infallible;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Infallible> {
        Ok(Self {
            request,
            state: state.clone(),
            kind: PhantomData,
        })
    }
}

fn refused_body(refused: &BytesRejection) -> ApiError {
    if refused.status() == StatusCode::PAYLOAD_TOO_LARGE {
        ApiError::TooLarge(BODY_LIMIT)
    } else {
        CutBody::behind(refused).map_or_else(
            || ApiError::bad("The body did not arrive whole."),
            ApiError::from,
        )
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// Parameters of the path. A malformed id counts as an unknown id: 400.
#[derive(Debug, Clone, Copy)]
pub struct Path<T>(pub T);

impl<T: std::str::FromStr + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let unknown = || ApiError::bad("There is nothing with this id.");
        let axum::extract::Path(text) =
            <axum::extract::Path<String> as FromRequestParts<S>>::from_request_parts(parts, state)
                .await
                .map_err(|_| unknown())?;
        text.parse().map(Self).map_err(|_| unknown())
    }
}

/// Parameters of the query string.
#[derive(Debug, Clone)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        // PostgreSQL stores no text with it.
        if parts.uri.query().is_some_and(|query| query.contains("%00")) {
            return Err(ApiError::bad("The query contains a NUL character."));
        }
        axum::extract::Query::<T>::from_request_parts(parts, state)
            .await
            .map(|query| Self(query.0))
            .map_err(|error| {
                ApiError::bad(format!(
                    "The query is not what this address takes: {}.",
                    error.body_text()
                ))
            })
    }
}
