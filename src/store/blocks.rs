//! Blocks: users that a user has blocked.

use super::{Store, StoreError, id, now_ms};
use crate::components::id::UserId;

/// Most users that one user may block.
pub const MOST_BLOCKED: i64 = 1_000;

/// What a request to block or unblock a user did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockOutcome {
    /// The other is blocked from now on, or no longer.
    Changed,
    /// It was so already.
    Unchanged,
    /// There is no such user, or the limit is reached.
    Refused,
}

impl Store {
    /// Users that a user blocks, by rising id.
    pub async fn blocked_by(&self, user: UserId) -> Result<Vec<UserId>, StoreError> {
        let rows: Vec<(String,)> =
            sqlx::query_as("select other_id from blocks where user_id = $1 order by other_id")
                .bind(user.to_string())
                .fetch_all(&self.readers)
                .await?;
        rows.iter().map(|(other,)| id(other)).collect()
    }

    /// Whether one of two users blocks the other.
    pub async fn is_blocked(&self, a: UserId, b: UserId) -> Result<bool, StoreError> {
        let row: Option<(i64,)> = sqlx::query_as(
            "select cast(1 as bigint) from blocks \
             where (user_id = $1 and other_id = $2) or (user_id = $2 and other_id = $1) limit 1",
        )
        .bind(a.to_string())
        .bind(b.to_string())
        .fetch_optional(&self.readers)
        .await?;
        Ok(row.is_some())
    }

    /// Blocks or unblocks a user.
    pub async fn set_blocked(
        &self,
        user: UserId,
        other: UserId,
        blocked: bool,
    ) -> Result<BlockOutcome, StoreError> {
        if !blocked {
            let removed = sqlx::query("delete from blocks where user_id = $1 and other_id = $2")
                .bind(user.to_string())
                .bind(other.to_string())
                .execute(&self.writer)
                .await?;
            return Ok(match removed.rows_affected() {
                0 => BlockOutcome::Unchanged,
                _ => BlockOutcome::Changed,
            });
        }
        let mut tx = self.begin_alone().await?;
        let known: Option<(i64,)> = sqlx::query_as(
            "select cast(1 as bigint) from blocks where user_id = $1 and other_id = $2",
        )
        .bind(user.to_string())
        .bind(other.to_string())
        .fetch_optional(&mut *tx)
        .await?;
        if known.is_some() {
            return Ok(BlockOutcome::Unchanged);
        }
        let added = sqlx::query(
            "insert into blocks (user_id, other_id, created_at) select $1, users.id, $3 from users \
            where users.id = $2 \
             and (select count(*) from blocks where user_id = $1) < $4",
        )
        .bind(user.to_string())
        .bind(other.to_string())
        .bind(now_ms())
        .bind(MOST_BLOCKED)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(match added.rows_affected() {
            0 => BlockOutcome::Refused,
            _ => BlockOutcome::Changed,
        })
    }
}
