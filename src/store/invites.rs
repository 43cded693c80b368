//! Invites: links that admit people to the server. The table holds only hashes of their tokens.

use sqlx::FromRow;
use uuid::Uuid;

use super::sessions::{hash_token, new_token};
use super::users::{NewUser, add_user_within};
use super::{Store, StoreError, now_ms};
use crate::components::id::UserId;

/// Letters of a token: 128 bits of chance.
const TOKEN_LETTERS: usize = 32;

/// What an invite is to be like.
#[derive(Debug, Clone, Default)]
pub struct NewInvite {
    /// For those who look after it.
    pub label: String,
    /// When it ends, in Unix milliseconds.
    pub expires_at: Option<i64>,
    /// How many people it admits.
    pub max_uses: Option<i64>,
    /// Who made it; no one for the command line.
    pub by: Option<UserId>,
}

/// An invite as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Invite {
    /// Its id, which is no secret.
    pub id: String,
    /// For those who look after it.
    pub label: String,
    /// When it ends, in Unix milliseconds.
    pub expires_at: Option<i64>,
    /// How many people it admits.
    pub max_uses: Option<i64>,
    /// How many it has admitted.
    pub uses: i64,
    /// When it was taken back.
    pub revoked_at: Option<i64>,
    /// When it was made.
    pub at: i64,
}

/// Whether an invite admits people now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InviteState {
    /// It does.
    Good,
    /// Its time is over.
    Expired,
    /// It has admitted as many as it was for.
    Used,
    /// It was taken back.
    Revoked,
}

/// How a sign-up by invite ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// The user is there.
    Done(UserId),
    /// There is no such invite, or it admits no one any more.
    Refused,
    /// The name is taken.
    NameTaken,
}

impl Invite {
    /// What it is good for at that time.
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
    /// Makes an invite to the server, and answers its id and its token.
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

    /// The invite to the server with that token.
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

    /// Every invite to the server, the newest first.
    pub async fn invites(&self) -> Result<Vec<Invite>, StoreError> {
        let all = sqlx::query_as(
            "select id, label, expires_at, max_uses, uses, revoked_at, at from invites \
             where space_id is null order by at desc, id desc",
        )
        .fetch_all(&self.readers)
        .await?;
        Ok(all)
    }

    /// Takes an invite back; whether there was one that was still there.
    pub async fn revoke_invite(&self, id: &str) -> Result<bool, StoreError> {
        let revoked =
            sqlx::query("update invites set revoked_at = $1 where id = $2 and revoked_at is null")
                .bind(now_ms())
                .bind(id)
                .execute(&self.writer)
                .await?;
        Ok(revoked.rows_affected() > 0)
    }

    /// Adds a user by an invite. Its use is counted in the same transaction, so that of many who
    /// come at once no more get in than it is for, and a name that is taken uses nothing up.
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
