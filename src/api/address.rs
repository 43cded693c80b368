//! Address: the client address of a request, which limits count by.

use std::net::IpAddr;

use axum::extract::FromRequestParts;
use axum::http::Extensions;
use axum::http::request::Parts;

use super::AppState;
use super::error::ApiError;
use crate::net::address::{AddressKey, ClientAddress};

/// Client address of the request; `None` when it did not come over a socket.
#[derive(Debug, Clone, Copy)]
pub struct Address(pub Option<IpAddr>);

impl Address {
    /// Key that rate limits count by.
    pub fn key(self) -> Option<AddressKey> {
        self.0.map(AddressKey::of)
    }
}

/// Client address that was stored when the request arrived.
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
