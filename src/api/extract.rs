//! Extractors: who asks, and bodies, paths and queries whose refusals are problem documents too.

use std::convert::Infallible;
use std::marker::PhantomData;
use std::net::IpAddr;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, OptionalFromRequestParts, Request};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{Extensions, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::AppState;
use super::budgets::Cost;
use super::error::ApiError;
use crate::components::id::UserId;
use crate::net::address::{AddressKey, ClientAddress};
use crate::net::budget::Budget;
use crate::net::edge::CutBody;
use crate::store::audit_log::Actor;
use crate::store::{Role, SignedIn};

/// The user who asks, by a valid token.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who.
    pub who: SignedIn,
    /// The token they showed.
    pub token: String,
}

impl Caller {
    /// The user's id.
    pub const fn user(&self) -> UserId {
        self.who.user
    }

    /// Counts something that they make; admins make as much as they like.
    pub fn creates(&self, state: &AppState) -> Result<(), ApiError> {
        if !self.is_admin() {
            state.budgets.take(self.user().into(), Budget::Creations)?;
        }
        Ok(())
    }

    /// Whether they are an admin.
    pub fn is_admin(&self) -> bool {
        self.who.role == Role::Admin
    }
}

/// Proof that an admin asks.
#[derive(Debug, Clone)]
pub struct Admin(SignedIn);

impl Admin {
    /// Who it is, for the audit log.
    pub fn actor(&self) -> Actor {
        Actor::from(&self.0)
    }
}

/// The token in the header: `Ok(None)` without a header.
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

async fn caller(parts: &Parts, state: &AppState) -> Result<Option<Caller>, ApiError> {
    let Some(token) = bearer(parts)? else {
        return Ok(None);
    };
    let who = state
        .store
        .signed_in(token)
        .await?
        .ok_or(ApiError::Unauthorized)?;
    if let Some(suspension) = &who.suspension {
        return Err(ApiError::Suspended(suspension.clone()));
    }
    // The address has been charged already.
    if let Some(cost) = parts.extensions.get::<Cost>() {
        cost.charge(&state.budgets, who.user.into())?;
    }
    Ok(Some(Caller {
        who,
        token: token.to_owned(),
    }))
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
        if caller.is_admin() {
            Ok(Self(caller.who))
        } else {
            Err(ApiError::Forbidden("Only an admin may do this."))
        }
    }
}

/// Where the request comes from; `None` when it did not come over a socket.
#[derive(Debug, Clone, Copy)]
pub struct Address(pub Option<IpAddr>);

impl Address {
    /// What limits count.
    pub fn key(self) -> Option<AddressKey> {
        self.0.map(AddressKey::of)
    }
}

/// Where a request comes from, as it was found out when the request came.
pub(super) fn address_of(extensions: &Extensions) -> Address {
    Address(
        extensions
            .get::<ClientAddress>()
            .map(|ClientAddress(address)| *address),
    )
}

impl FromRequestParts<AppState> for Address {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &AppState) -> Result<Self, ApiError> {
        Ok(address_of(&parts.extensions))
    }
}

/// A JSON body, whatever its content type says, and JSON answers.
#[derive(Debug, Clone)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|refused| refused_body(&refused))?;
        serde_json::from_slice(&bytes).map(Self).map_err(|error| {
            ApiError::bad(format!("The body is not what this address takes: {error}."))
        })
    }
}

/// A JSON body that was not read yet: a handler whose rights depend on what the path names checks
/// them first, so that no one makes the server wait for a body that it would refuse.
#[derive(Debug)]
pub struct UnreadBody<T> {
    request: Request,
    kind: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> UnreadBody<T> {
    /// Reads it.
    pub async fn read(self) -> Result<T, ApiError> {
        let Json(body) = Json::from_request(self.request, &()).await?;
        Ok(body)
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for UnreadBody<T> {
    type Rejection = Infallible;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Infallible> {
        Ok(Self {
            request,
            kind: PhantomData,
        })
    }
}

fn refused_body(refused: &BytesRejection) -> ApiError {
    if refused.status() == StatusCode::PAYLOAD_TOO_LARGE {
        ApiError::TooLarge(super::routes::BODY_LIMIT)
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

/// What the path names. An id that is none is an unknown id: 400.
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

/// What stands behind the question mark.
#[derive(Debug, Clone)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
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
