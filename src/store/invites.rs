//! Invites: links with which people may sign up. The table contains only hashes of their tokens.

use sqlx::FromRow;
use uuid::Uuid;

use super::token::{hash_token, new_token};
use super::users::{NewUser, add_user_within};
use super::{Store, StoreError, now_ms};
use crate::components::id::UserId;

/// Length of a token in hexadecimal digits: 128 random bits.
const TOKEN_LETTERS: usize = 32;

/// Properties of a new invite.
#[derive(Debug, Clone, Default)]
pub struct NewInvite {
    /// Note for the admins.
    pub label: String,
    /// Expiry, in Unix milliseconds; `None` for never.
    pub expires_at: Option<i64>,
    /// Most sign-ups; `None` for no limit.
    pub max_uses: Option<i64>,
    /// User who made it; `None` for the command line.
    pub by: Option<UserId>,
}

/// A stored invite.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Invite {
    /// Id, which is not secret.
    pub id: String,
    /// Note for the admins.
    pub label: String,
    /// Expiry, in Unix milliseconds; `None` for never.
    pub expires_at: Option<i64>,
    /// Most sign-ups; `None` for no limit.
    pub max_uses: Option<i64>,
    /// Number of sign-ups so far.
    pub uses: i64,
    /// Time of its revocation, in Unix milliseconds.
    pub revoked_at: Option<i64>,
    /// Time of its creation, in Unix milliseconds.
    pub at: i64,
}

/// State of an invite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InviteState {
    /// Valid.
    Good,
    /// Expired.
    Expired,
    /// Used up.
    Used,
    /// Taken back.
    Revoked,
}

/// Result of a sign-up by invite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// The user was added.
    Done(UserId),
    /// There is no such invite, or it is not valid.
    Refused,
    /// The name is taken.
    NameTaken,
}

impl Invite {
    /// State at a time, in Unix milliseconds.
    pub fn state(&self, now: i64) -> InviteState {
        if self.revoked_at.is_some() {
            InviteState::Revoked
        } else if self.expires_at.is_some_and(|end| end <= now) {
            InviteState::Expired
        } else if self.max_uses.is_some_and(|most| self.uses >= most) {
            InviteState::Used
        } else {
            InviteState::Good
        }
    }
}

impl Store {
    /// Adds an invite; returns its id and its token.
    pub async fn add_invite(&self, new: &NewInvite) -> Result<(String, String), StoreError> {
        let id = Uuid::now_v7().to_string();
        let mut token = new_token();
        token.truncate(TOKEN_LETTERS);
        sqlx::query(
            "insert into invites (id, token_hash, by_id, label, expires_at, max_uses, at) values \
            ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(&id)
        .bind(hash_token(&token))
        .bind(new.by.map(|by| by.to_string()))
        .bind(&new.label)
        .bind(new.expires_at)
        .bind(new.max_uses)
        .bind(now_ms())
        .execute(&self.writer)
        .await?;
        Ok((id, token))
    }

    /// The invite with that token.
    pub async fn invite(&self, token: &str) -> Result<Option<Invite>, StoreError> {
        let found = sqlx::query_as(
            "select id, label, expires_at, max_uses, uses, revoked_at, at from invites \
             where token_hash = $1 and space_id is null",
        )
        .bind(hash_token(token))
        .fetch_optional(&self.readers)
        .await?;
        Ok(found)
    }

    /// All invites, newest first.
    pub async fn invites(&self) -> Result<Vec<Invite>, StoreError> {
        let all = sqlx::query_as(
            "select id, label, expires_at, max_uses, uses, revoked_at, at from invites \
             where space_id is null order by at desc, id desc",
        )
        .fetch_all(&self.readers)
        .await?;
        Ok(all)
    }

    /// Revokes an invite; returns whether it was there and not revoked yet.
    pub async fn revoke_invite(&self, id: &str) -> Result<bool, StoreError> {
        let revoked =
            sqlx::query("update invites set revoked_at = $1 where id = $2 and revoked_at is null")
                .bind(now_ms())
                .bind(id)
                .execute(&self.writer)
                .await?;
        Ok(revoked.rows_affected() > 0)
    }

    /// Adds a user by an invite. The use is counted in the same transaction, so that concurrent
    /// sign-ups cannot exceed the limit, and a taken name uses nothing up.
    pub async fn add_user_by_invite(
        &self,
        token: &str,
        user: &NewUser<'_>,
    ) -> Result<Admission, StoreError> {
        let mut tx = self.begin().await?;
        let counted = sqlx::query(
            "update invites set uses = uses + 1 where token_hash = $1 and space_id is null and \
            revoked_at is null \
             and (expires_at is null or expires_at > $2) and (max_uses is null or uses < max_uses)",
        )
        .bind(hash_token(token))
        .bind(now_ms())
        .execute(&mut *tx)
        .await?;
        if counted.rows_affected() == 0 {
            return Ok(Admission::Refused);
        }
        let Some(user) = add_user_within(&mut tx, user).await? else {
            return Ok(Admission::NameTaken);
        };
        tx.commit().await?;
        Ok(Admission::Done(user))
    }
}
