//! Sessions: signed-in users. Tokens are opaque; the table contains only their hashes.

use std::collections::HashSet;

use sqlx::FromRow;

use super::audit_log::Actor;
use super::suspension::Suspension;
use super::token::{hash_token, new_token};
use super::users::avatar_of;
use super::{Role, Statement, Store, StoreError, given, id, now_ms, over_given};
use crate::components::id::UserId;
use crate::components::name::marked;
use crate::components::player::Avatar;

/// Lifetime of a session after its last use: 30 days.
const LIFETIME_MS: i64 = 30 * 24 * 60 * 60 * 1000;

/// The use of a session is recorded at most this often: once an hour.
const TOUCH_MS: i64 = 60 * 60 * 1000;

/// Sessions that one sign-in ends at most; the next one ends more.
const MOST_ENDED: i64 = 100;

/// Lifetime of a guest's session after its last use: a day.
const GUEST_LIFETIME_MS: i64 = 24 * 60 * 60 * 1000;

/// A session with its user.
#[derive(FromRow)]
struct RawSession {
    id: String,
    username: String,
    display_name: Option<String>,
    is_guest: i64,
    role: String,
    looks_alike: i64,
    avatar_id: Option<String>,
    image_url: Option<String>,
    used_at: i64,
    suspended_until: Option<i64>,
    suspended_reason: Option<String>,
}

/// Selects given sessions that have ended, or whose user is suspended.
const ENDED: Statement = over_given!(
    "select given.value, users.suspended_until, users.suspended_reason from",
    "left join sessions on sessions.token_hash = given.value and sessions.expires_at >= $2 \
     left join users on users.id = sessions.user_id \
     where sessions.token_hash is null or users.suspended_until > $2"
);

/// Id of a session: the stored hash of its token. It does not authenticate.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SessionId(String);

impl SessionId {
    /// The session of a token.
    pub fn of(token: &str) -> Self {
        Self(hash_token(token))
    }
}

/// Letters of the hash of a token that name its session to its user.
const ID_LETTERS: usize = 16;

/// A session, as its user sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    /// Id; it does not authenticate.
    pub id: String,
    /// Time of the sign-in, in Unix milliseconds.
    pub created_at: i64,
    /// Last use, rounded to the hour, in Unix milliseconds.
    pub used_at: i64,
    /// Whether it is the session of the given token.
    pub is_this: bool,
}

/// How a session ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionEnd {
    /// Signed out, on this or another device, or expired.
    SignedOut,
    /// The session is valid, but its user is suspended.
    Suspended(Suspension),
}

/// The user of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// Id of the user.
    pub user: UserId,
    /// Name.
    pub name: String,
    /// Whether the name looks like the name of an earlier user.
    pub looks_alike: bool,
    /// Whether the user has no account.
    pub is_guest: bool,
    /// Chosen avatar, if any.
    pub avatar: Option<Avatar>,
    /// Role.
    pub role: Role,
    /// Suspension, if any.
    pub suspension: Option<Suspension>,
}

impl From<&SignedIn> for Actor {
    fn from(user: &SignedIn) -> Self {
        Self {
            user: Some(user.user),
            name: user.name.clone(),
        }
    }
}

impl SignedIn {
    /// Name as shown to others. One that looks like an earlier user's is marked, against
    /// impersonation.
    pub fn shown_name(&self) -> String {
        if self.looks_alike {
            marked(&self.name)
        } else {
            self.name.clone()
        }
    }
}

impl Store {
    /// Signs a user in; returns the token. Each new session also deletes one expired session; only
    /// one, because two transactions that delete the same rows in different orders could deadlock.
    pub async fn sign_in(&self, user: UserId) -> Result<String, StoreError> {
        self.begin_session(user, lifetime(false)).await
    }

    /// As [`sign_in`](Self::sign_in), for a guest, whose session ends sooner.
    pub async fn sign_in_guest(&self, user: UserId) -> Result<String, StoreError> {
        self.begin_session(user, lifetime(true)).await
    }

    async fn begin_session(&self, user: UserId, lifetime_ms: i64) -> Result<String, StoreError> {
        let token = new_token();
        let now = now_ms();
        sqlx::query(
            "delete from sessions where token_hash = \
             (select token_hash from sessions where expires_at < $1 order by expires_at limit 1)",
        )
        .bind(now)
        .execute(&self.writer)
        .await?;
        sqlx::query(
            "insert into sessions (token_hash, user_id, created_at, used_at, expires_at) values \
            ($1, $2, $3, $3, $4)",
        )
        .bind(hash_token(&token))
        .bind(user.to_string())
        .bind(now)
        .bind(now + lifetime_ms)
        .execute(&self.writer)
        .await?;
        Ok(token)
    }

    /// Ends sessions of a user beyond the `most`, those first that were not used for longest, but
    /// not that of the token. Returns whether any was ended. Each is deleted by a statement of its
    /// own, because two that delete the same rows in different orders could deadlock.
    pub async fn end_excess_sessions(
        &self,
        user: UserId,
        token: &str,
        most: u32,
    ) -> Result<bool, StoreError> {
        let excess: Vec<(String,)> = sqlx::query_as(
            "select token_hash from sessions where user_id = $1 and token_hash <> $2 \
             order by used_at desc, created_at desc, token_hash limit $3 offset $4",
        )
        .bind(user.to_string())
        .bind(hash_token(token))
        .bind(MOST_ENDED)
        .bind(i64::from(most.saturating_sub(1)))
        .fetch_all(&self.writer)
        .await?;
        for (hash,) in &excess {
            sqlx::query("delete from sessions where token_hash = $1")
                .bind(hash)
                .execute(&self.writer)
                .await?;
        }
        Ok(!excess.is_empty())
    }

    /// The user of a token; `None` when it is unknown, expired or revoked. Prolongs the session.
    pub async fn signed_in(&self, token: &str) -> Result<Option<SignedIn>, StoreError> {
        let hash = hash_token(token);
        let now = now_ms();
        let row: Option<RawSession> = sqlx::query_as(
            "select users.id, users.username, users.display_name, users.is_guest, users.role, \
             cast(case when users.name_checked = 1 and users.name_key is null or \
             users.name_loosely_checked = 1 and users.name_key_loose is null then 1 else 0 end as \
             bigint) as looks_alike, \
             avatars.id as avatar_id, avatars.image_url, sessions.used_at, users.suspended_until, \
             users.suspended_reason \
             from sessions join users on users.id = sessions.user_id \
             left join avatars on avatars.id = users.avatar_id \
             where sessions.token_hash = $1 and sessions.expires_at >= $2",
        )
        .bind(&hash)
        .bind(now)
        .fetch_optional(&self.checks)
        .await?;
        let Some(row) = row else {
            return Ok(None);
        };
        let is_guest = row.is_guest != 0;
        if now - row.used_at > TOUCH_MS {
            self.touch_session(&hash, now, lifetime(is_guest)).await?;
        }
        let role = Role::from_word(&row.role).ok_or(StoreError::Corrupt("a role"))?;
        Ok(Some(SignedIn {
            user: id(&row.id)?,
            name: row.display_name.unwrap_or(row.username),
            looks_alike: row.looks_alike != 0,
            is_guest,
            avatar: avatar_of(row.avatar_id, row.image_url)?,
            role,
            suspension: Suspension::of_row(row.suspended_until, row.suspended_reason),
        }))
    }

    /// Ends one session.
    pub async fn sign_out(&self, token: &str) -> Result<(), StoreError> {
        sqlx::query("delete from sessions where token_hash = $1")
            .bind(hash_token(token))
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    /// Sessions of a user that have not ended, those used last first. `token` is that of one of
    /// them.
    pub async fn sessions_of(
        &self,
        user: UserId,
        token: &str,
    ) -> Result<Vec<SessionRow>, StoreError> {
        let rows: Vec<(String, i64, i64)> = sqlx::query_as(
            "select token_hash, created_at, used_at from sessions where user_id = $1 \
             and expires_at >= $2 order by used_at desc, token_hash limit 1000",
        )
        .bind(user.to_string())
        .bind(now_ms())
        .fetch_all(&self.readers)
        .await?;
        let this = hash_token(token);
        let rows = rows.into_iter().map(|(mut hash, created_at, used_at)| {
            let is_this = hash == this;
            hash.truncate(ID_LETTERS);
            SessionRow {
                id: hash,
                created_at,
                used_at,
                is_this,
            }
        });
        Ok(rows.collect())
    }

    /// Ends the session of a user with that id; returns whether there was one.
    pub async fn end_session(&self, user: UserId, id: &str) -> Result<bool, StoreError> {
        // PostgreSQL cannot query a NUL.
        if id.contains('\0') {
            return Ok(false);
        }
        let ended = sqlx::query(
            "delete from sessions where user_id = $1 and substr(token_hash, 1, 16) = $2",
        )
        .bind(user.to_string())
        .bind(id)
        .execute(&self.writer)
        .await?;
        Ok(ended.rows_affected() > 0)
    }

    /// Ends every session of a user.
    pub async fn sign_out_everywhere(&self, user: UserId) -> Result<(), StoreError> {
        sqlx::query("delete from sessions where user_id = $1")
            .bind(user.to_string())
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    /// Those of the sessions that have ended, or whose user is suspended, in one query.
    pub async fn ended_sessions(
        &self,
        sessions: &HashSet<SessionId>,
    ) -> Result<Vec<(SessionId, SessionEnd)>, StoreError> {
        let rows: Vec<(String, Option<i64>, Option<String>)> =
            sqlx::query_as(self.kind.choose(&ENDED))
                .bind(given(sessions.iter().map(|session| &session.0)))
                .bind(now_ms())
                .fetch_all(&self.checks)
                .await?;
        let ended = rows.into_iter().map(|(hash, until, reason)| {
            let end = Suspension::of_row(until, reason)
                .map_or(SessionEnd::SignedOut, SessionEnd::Suspended);
            (SessionId(hash), end)
        });
        Ok(ended.collect())
    }

    async fn touch_session(
        &self,
        hash: &str,
        now: i64,
        lifetime_ms: i64,
    ) -> Result<(), StoreError> {
        sqlx::query("update sessions set used_at = $1, expires_at = $2 where token_hash = $3")
            .bind(now)
            .bind(now + lifetime_ms)
            .bind(hash)
            .execute(&self.writer)
            .await?;
        Ok(())
    }
}

const fn lifetime(is_guest: bool) -> i64 {
    if is_guest {
        GUEST_LIFETIME_MS
    } else {
        LIFETIME_MS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn store_with_session() -> (tempfile::TempDir, Store, UserId, String) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).await.unwrap();
        let user = store
            .add_user("ada", "-", Role::User)
            .await
            .unwrap()
            .unwrap();
        let token = store.sign_in(user).await.unwrap();
        (folder, store, user, token)
    }

    async fn age(store: &Store, by_ms: i64) {
        sqlx::query("update sessions set used_at = used_at - $1, expires_at = expires_at - $1")
            .bind(by_ms)
            .execute(&store.writer)
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn an_expired_session_is_refused() {
        let (_folder, store, user, token) = store_with_session().await;
        assert_eq!(
            store.signed_in(&token).await.unwrap().map(|who| who.user),
            Some(user)
        );
        age(&store, LIFETIME_MS + 1000).await;
        assert_eq!(store.signed_in(&token).await.unwrap(), None);
    }

    #[tokio::test]
    async fn using_a_session_prolongs_it() {
        let (_folder, store, _, token) = store_with_session().await;
        age(&store, LIFETIME_MS - 60_000).await;
        assert!(store.signed_in(&token).await.unwrap().is_some());
        age(&store, LIFETIME_MS - 60_000).await;
        assert!(store.signed_in(&token).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn token_lookups_do_not_wait_for_other_queries() {
        let (_folder, store, user, token) = store_with_session().await;
        let mut busy = Vec::new();
        for pool in [&store.readers, &store.searchers, &store.writer] {
            for _ in 0..pool.options().get_max_connections() {
                busy.push(pool.acquire().await.unwrap());
            }
        }
        assert_eq!(
            store.signed_in(&token).await.unwrap().map(|who| who.user),
            Some(user)
        );
    }

    #[tokio::test]
    async fn the_table_holds_no_token() {
        let (_folder, store, _, token) = store_with_session().await;
        let (kept,): (String,) = sqlx::query_as("select token_hash from sessions")
            .fetch_one(&store.readers)
            .await
            .unwrap();
        assert_ne!(kept, token);
        assert!(store.signed_in(&kept).await.unwrap().is_none());
    }
}
