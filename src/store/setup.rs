//! Set-up: the one-time token for creating the first admin of a fresh server.

use super::token::{hash_token, new_token};
use super::users::{NewUser, add_user_within};
use super::{DatabaseKind, Role, Store, StoreError, now_ms};
use crate::components::id::UserId;

/// Processes that start within this time of each other share a token.
const TOGETHER_MS: i64 = 10_000;

/// Result of a set-up attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetUp {
    /// The first admin was created.
    Done(UserId),
    /// The token is wrong or used up, or there is an admin already.
    Refused,
    /// The name is taken.
    NameTaken,
}

impl Store {
    /// Makes a new set-up token and invalidates earlier ones. `None` when there is an admin
    /// already, or when another process that starts together with this one has just made a token.
    pub async fn new_setup_token(&self) -> Result<Option<String>, StoreError> {
        if self.has_admin().await? {
            return Ok(None);
        }
        let (token, now) = (new_token(), now_ms());
        let outdated = match self.kind {
            DatabaseKind::Sqlite => i64::MAX,
            DatabaseKind::Postgres => now - TOGETHER_MS,
        };
        let made = sqlx::query(
            "insert into setup (id, token_hash, created_at) values (1, $1, $2) \
             on conflict (id) do update set token_hash = excluded.token_hash, created_at = \
             excluded.created_at \
             where setup.created_at <= $3",
        )
        .bind(hash_token(&token))
        .bind(now)
        .bind(outdated)
        .execute(&self.writer)
        .await?;
        Ok((made.rows_affected() > 0).then_some(token))
    }

    /// Whether the token is valid.
    pub async fn setup_token_fits(&self, token: &str) -> Result<bool, StoreError> {
        let row: Option<(String,)> =
            sqlx::query_as("select token_hash from setup where token_hash = $1")
                .bind(hash_token(token))
                .fetch_optional(&self.readers)
                .await?;
        Ok(row.is_some())
    }

    /// Creates the first admin and uses the token up.
    pub async fn set_up(
        &self,
        token: &str,
        username: &str,
        password_hash: &str,
    ) -> Result<SetUp, StoreError> {
        let mut tx = self.begin().await?;
        let token_row = sqlx::query(
            "delete from setup where token_hash = $1 and not exists (select 1 from users where \
            role = 'admin')",
        )
        .bind(hash_token(token))
        .execute(&mut *tx)
        .await?;
        if token_row.rows_affected() == 0 {
            return Ok(SetUp::Refused);
        }
        let new = NewUser {
            username,
            password_hash,
            role: Role::Admin,
        };
        let Some(user) = add_user_within(&mut tx, &new).await? else {
            return Ok(SetUp::NameTaken);
        };
        tx.commit().await?;
        Ok(SetUp::Done(user))
    }
}
