//! Access: loads a space for a caller who may enter it. Every route about a space begins here, so
//! that nothing of a space is read by those who may not be in it.

use serde::de::DeserializeOwned;

use super::AppState;
use super::denials::refusal;
use super::error::{ApiError, Refused};
use super::extract::{Caller, UnreadBody};
use crate::components::id::SpaceId;
use crate::components::membership::{EntryRefusal, Membership};
use crate::components::permissions::{OwnedBy, Permission};
use crate::store::layouts::LayoutRow;
use crate::store::spaces::SpaceRow;
use crate::store::{StoreError, now_ms};

/// A space, and how the caller stands to it.
#[derive(Debug, Clone)]
pub struct Entered {
    /// The space.
    pub row: SpaceRow,
    /// How the caller stands to it.
    pub membership: Membership,
}

impl Entered {
    /// Whether the caller may do something in the space.
    pub const fn may(&self, permission: Permission) -> bool {
        self.membership.may(permission)
    }

    /// Refuses unless the caller may do something in the space.
    pub fn require(self, permission: Permission) -> Result<Self, ApiError> {
        if self.may(permission) {
            Ok(self)
        } else {
            Err(ApiError::Forbidden(refusal(permission)))
        }
    }

    /// Refuses a caller who is muted in the chat.
    pub fn require_voice(&self) -> Result<(), ApiError> {
        let until = self.membership.mutes.chat;
        if until > now_ms() {
            return Err(Refused::muted(until).into());
        }
        Ok(())
    }
}

impl AppState {
    /// Loads a space that the caller may enter now. No caller is a visitor without an account.
    pub async fn at(&self, space: SpaceId, caller: Option<&Caller>) -> Result<Entered, ApiError> {
        let found = self.stands(space, caller).await?.ok_or_else(unknown)?;
        // Those inside go on using it during a lockdown.
        let is_inside = self.is_inside(space, caller);
        match found.membership.enter(now_ms(), is_inside) {
            Ok(()) => Ok(found),
            Err(why) => Err(Refused::of(&why).into()),
        }
    }

    /// Reads the body of a caller who may do something in a space. What they may do is checked
    /// before, so that the server waits for no body that it would refuse, and again when the body
    /// is here: it may have taken a minute to arrive.
    pub(super) async fn read_for<T: DeserializeOwned>(
        &self,
        caller: &Caller,
        space: SpaceId,
        permission: Permission,
        body: UnreadBody<T>,
    ) -> Result<(Entered, T), ApiError> {
        self.at(space, Some(caller)).await?.require(permission)?;
        let body = body.read().await?;
        let found = self.at(space, Some(caller)).await?.require(permission)?;
        Ok((found, body))
    }

    /// Whether the caller has a connection in the space, as far as this process knows.
    pub(super) fn is_inside(&self, space: SpaceId, caller: Option<&Caller>) -> bool {
        let connections = self.spaces.connections();
        caller.is_some_and(|caller| connections.is_inside(caller.user(), space))
    }

    /// Loads a space and how the caller stands to it, whether they may enter or not.
    pub async fn stands(
        &self,
        space: SpaceId,
        caller: Option<&Caller>,
    ) -> Result<Option<Entered>, StoreError> {
        let Some(row) = self.store.space(space).await? else {
            return Ok(None);
        };
        let membership = if let Some(caller) = caller {
            self.store.membership(caller.user(), space).await?
        } else {
            let owner = row.creator.map_or(OwnedBy::NoOne, |_| OwnedBy::Another);
            Some(Membership::of_stranger(row.rules, owner))
        };
        Ok(membership.map(|membership| Entered { row, membership }))
    }
}

/// Loads the layout of a space; whether it may be seen was checked before.
pub async fn layout(state: &AppState, space: SpaceId) -> Result<LayoutRow, ApiError> {
    let layout = state.store.layout(space).await?;
    layout.ok_or_else(unknown)
}

/// Refusal of a space that is not there, or not to be known: the same words for both.
pub fn unknown() -> ApiError {
    Refused::of(&EntryRefusal::Hidden).into()
}
