//! Guests: users without an account. A guest's row has a placeholder for a username and a hash that
//! no password fits, and is deleted a while after their last session.

use uuid::Uuid;

use super::users::{NewUser, add_user_within};
use super::{Role, Store, StoreError, now_ms};
use crate::components::id::{AvatarId, UserId};
use crate::components::likeness::{LOOSE_RULE, NameKeys};

/// Hash that no password fits.
const NO_PASSWORD: &str = "-";

/// Age at which a guest without a session is deleted, in milliseconds: an hour.
const LEAST_AGE_MS: i64 = 60 * 60 * 1000;

/// Guests that one sweep deletes at most.
const MOST_SWEPT: i64 = 200;

/// Result of keeping a guest's name and things under an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// The guest has an account now.
    Done,
    /// The name is taken.
    NameTaken,
    /// The user is no guest any more.
    NoGuest,
}

impl Store {
    /// Adds a guest unless there are `most`; then `None`. `shown` is the name as others see it,
    /// `network` a keyed hash of their network.
    pub async fn add_guest(
        &self,
        shown: &str,
        avatar: Option<AvatarId>,
        network: Option<&str>,
        most: u32,
    ) -> Result<Option<UserId>, StoreError> {
        let mut tx = self.begin().await?;
        let (guests,): (i64,) = sqlx::query_as("select count(*) from users where is_guest = 1")
            .fetch_one(&mut *tx)
            .await?;
        if guests >= i64::from(most) {
            return Ok(None);
        }
        let username = format!("guest-{}", Uuid::now_v7());
        let new = NewUser {
            username: &username,
            password_hash: NO_PASSWORD,
            role: Role::User,
        };
        let user = add_user_within(&mut tx, &new).await?;
        let user = user.ok_or(StoreError::Corrupt("the name of a guest"))?;
        sqlx::query(
            "update users set is_guest = 1, display_name = $2, guest_network = $4, \
             avatar_id = (select id from avatars where id = $3) where id = $1",
        )
        .bind(user.to_string())
        .bind(shown)
        .bind(avatar.map(|avatar| avatar.to_string()))
        .bind(network)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(Some(user))
    }

    /// Gives a guest an account: the user keeps id, sessions, memberships and messages.
    pub async fn keep_guest(
        &self,
        user: UserId,
        username: &str,
        password_hash: &str,
    ) -> Result<Kept, StoreError> {
        let keys = NameKeys::of(username);
        let kept = sqlx::query(
            "update users set username = $2, password_hash = $3, is_guest = 0, \
             display_name = null, guest_network = null, name_key = $4, name_look = $5, \
             name_key_loose = $6, name_look_loose = $7, name_checked = 1, \
             name_loosely_checked = 1, name_loosely_rule = $8 where id = $1 and is_guest = 1",
        )
        .bind(user.to_string())
        .bind(username)
        .bind(password_hash)
        .bind(keys.folded)
        .bind(keys.seen)
        .bind(keys.folded_loosely)
        .bind(keys.seen_loosely)
        .bind(LOOSE_RULE)
        .execute(&self.writer)
        .await;
        match kept {
            Ok(done) if done.rows_affected() > 0 => Ok(Kept::Done),
            Ok(_) => Ok(Kept::NoGuest),
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => Ok(Kept::NameTaken),
            Err(error) => Err(error.into()),
        }
    }

    /// Deletes a guest at once; others are kept.
    pub async fn delete_guest(&self, user: UserId) -> Result<(), StoreError> {
        sqlx::query("delete from users where id = $1 and is_guest = 1")
            .bind(user.to_string())
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    /// Deletes guests without a session; returns how many. Called now and then.
    pub async fn sweep_guests(&self) -> Result<u64, StoreError> {
        let now = now_ms();
        let swept = sqlx::query(
            "delete from users where is_guest = 1 and id in (select users.id from users \
             where users.is_guest = 1 and users.created_at < $1 and not exists \
             (select 1 from sessions where sessions.user_id = users.id \
             and sessions.expires_at >= $2) limit $3)",
        )
        .bind(now - LEAST_AGE_MS)
        .bind(now)
        .bind(MOST_SWEPT)
        .execute(&self.writer)
        .await?;
        Ok(swept.rows_affected())
    }
}
