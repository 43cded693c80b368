//! Standing: how a user stands to a space, for `components::permissions`.

use super::{Role, Store, StoreError};
use crate::components::id::{SpaceId, UserId};
use crate::components::permissions::{OwnedBy, Standing};

impl Store {
    /// How a user stands to a space now. A user or a space that is gone gives no permissions.
    pub async fn standing(&self, user: UserId, space: SpaceId) -> Result<Standing, StoreError> {
        let row: Option<(String, Option<String>)> = sqlx::query_as(
            "select users.role, spaces.creator_id from users, spaces \
             where users.id = $1 and spaces.id = $2",
        )
        .bind(user.to_string())
        .bind(space.to_string())
        .fetch_optional(&self.checks)
        .await?;
        let Some((role, owner)) = row else {
            return Ok(Standing::default());
        };
        let owner = owner.as_deref().map(super::id).transpose()?;
        let role = Role::from_word(&role).ok_or(StoreError::Corrupt("a role"))?;
        Ok(Standing {
            is_admin: role.is_admin(),
            owner: OwnedBy::of(owner, user),
        })
    }
}
