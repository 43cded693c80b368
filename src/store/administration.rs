//! Administration: actions of admins on users and spaces, each with its row in the audit log, and
//! the list of users.

use std::fmt;

use super::audit_log::{self, Act, Actor, NewAuditRow};
use super::suspension::{Suspension, UNTIL_LIFTED};
use super::{Role, Statement, Store, StoreError, Tx, given, id, now_ms, over_given, uploads};
use crate::components::id::{SpaceId, UserId};
use crate::components::utc::utc;

/// Selects the given spaces that are not in the database.
const GONE: Statement = over_given!(
    "select given.value from",
    "left join spaces on spaces.id = given.value where spaces.id is null"
);

/// Result of an admin's action on a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdminOutcome {
    /// Done.
    Done,
    /// There is no such user.
    NoUser,
    /// Refused: admins cannot suspend themselves.
    Oneself,
    /// Refused: no admin would be left who could lift it.
    LastAdmin,
    /// The user is not suspended.
    NotSuspended,
}

impl fmt::Display for AdminOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Done => "It is done",
            Self::NoUser => "There is no such user",
            Self::Oneself => "Admins cannot suspend themselves; another admin can do it",
            Self::LastAdmin => {
                "This is the last admin who may use the server; make another one first"
            }
            Self::NotSuspended => "This user is not suspended",
        })
    }
}

/// A user as admins see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRow {
    /// Id of the user.
    pub user: UserId,
    /// Name.
    pub name: String,
    /// Role.
    pub role: Role,
    /// Time of sign-up, in Unix milliseconds.
    pub created_at: i64,
    /// Number of sessions.
    pub sessions: i64,
    /// Whether the name looks like the name of an earlier user.
    pub looks_alike: bool,
    /// Last use of a session, rounded to the hour, in Unix milliseconds; `None` without sessions.
    pub used_at: Option<i64>,
    /// Suspension, if any.
    pub suspension: Option<Suspension>,
}

type UserColumns = (
    String,
    String,
    String,
    i64,
    Option<i64>,
    Option<String>,
    i64,
    i64,
    Option<i64>,
);

impl Store {
    /// Lists users by name, after a name if given, and only those whose name contains the search
    /// text, in any case.
    pub async fn users(
        &self,
        search: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<UserRow>, StoreError> {
        // PostgreSQL cannot store or query a NUL.
        if search.contains('\0') || after.is_some_and(|after| after.contains('\0')) {
            return Ok(Vec::new());
        }
        let mut pattern = String::from("%");
        for character in search.to_lowercase().chars() {
            if matches!(character, '%' | '_' | '!') {
                pattern.push('!');
            }
            pattern.push(character);
        }
        pattern.push('%');
        let rows: Vec<UserColumns> = sqlx::query_as(
            "select users.id, users.username, users.role, users.created_at, users.suspended_until, \
            users.suspended_reason, \
             cast(case when users.name_checked = 1 and users.name_key is null or \
             users.name_loosely_checked = 1 and users.name_key_loose is null then 1 else 0 end as \
             bigint), \
             count(sessions.token_hash), max(sessions.used_at) \
             from users left join sessions on sessions.user_id = users.id and sessions.expires_at \
             >= $3 \
             where lower(users.username) like $1 escape '!' and users.username > $2 \
             and users.is_guest = 0 \
             group by users.id, users.username, users.role, users.created_at, \
             users.suspended_until, \
             users.suspended_reason, users.name_checked, users.name_key, \
             users.name_loosely_checked, users.name_key_loose order by users.username limit $4",
        )
        .bind(pattern)
        .bind(after.unwrap_or_default())
        .bind(now_ms())
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await?;
        rows.into_iter()
            .map(
                |(user, name, role, created_at, until, reason, looks_alike, sessions, used_at)| {
                    Ok(UserRow {
                        user: id(&user)?,
                        name,
                        role: Role::from_word(&role).ok_or(StoreError::Corrupt("a role"))?,
                        created_at,
                        sessions,
                        looks_alike: looks_alike != 0,
                        used_at,
                        suspension: Suspension::of_row(until, reason),
                    })
                },
            )
            .collect()
    }

    /// Suspends a user until a time, or until it is lifted. Their sessions stay, so that each
    /// connection can be told the reason.
    pub async fn suspend(
        &self,
        actor: &Actor,
        user: UserId,
        suspension: &Suspension,
    ) -> Result<AdminOutcome, StoreError> {
        if actor.user == Some(user) {
            return Ok(AdminOutcome::Oneself);
        }
        // Serialised: otherwise two admins who suspend each other would each see the other one
        // left.
        let mut tx = self.begin_alone().await?;
        let Some(name) = name_of(&mut tx, user).await? else {
            return Ok(AdminOutcome::NoUser);
        };
        let other_admin: Option<(String,)> = sqlx::query_as(
            "select id from users where role = 'admin' and id <> $1 \
             and (suspended_until is null or suspended_until <= $2) limit 1",
        )
        .bind(user.to_string())
        .bind(now_ms())
        .fetch_optional(&mut *tx)
        .await?;
        let suspended = sqlx::query(
            "update users set suspended_until = $1, suspended_reason = $2 where id = $3 and (role \
            <> 'admin' or $4 = 1)",
        )
        .bind(suspension.until.unwrap_or(UNTIL_LIFTED))
        .bind(&suspension.reason)
        .bind(user.to_string())
        .bind(i64::from(other_admin.is_some()))
        .execute(&mut *tx)
        .await?;
        if suspended.rows_affected() == 0 {
            return Ok(AdminOutcome::LastAdmin);
        }
        let detail = match suspension.until {
            Some(until) => format!(
                "until {}: {}",
                utc(until.cast_unsigned()),
                suspension.reason
            ),
            None => suspension.reason.clone(),
        };
        write(&mut tx, actor, Act::Suspend, user, &name, &detail).await?;
        tx.commit().await?;
        Ok(AdminOutcome::Done)
    }

    /// Lifts a suspension.
    pub async fn unsuspend(&self, actor: &Actor, user: UserId) -> Result<AdminOutcome, StoreError> {
        let mut tx = self.begin().await?;
        let Some(name) = name_of(&mut tx, user).await? else {
            return Ok(AdminOutcome::NoUser);
        };
        let lifted = sqlx::query(
            "update users set suspended_until = null, suspended_reason = null where id = $1 and \
            suspended_until > $2",
        )
        .bind(user.to_string())
        .bind(now_ms())
        .execute(&mut *tx)
        .await?;
        if lifted.rows_affected() == 0 {
            return Ok(AdminOutcome::NotSuspended);
        }
        write(&mut tx, actor, Act::Unsuspend, user, &name, "").await?;
        tx.commit().await?;
        Ok(AdminOutcome::Done)
    }

    /// Ends every session of a user, by an admin.
    pub async fn sign_out_by(
        &self,
        actor: &Actor,
        user: UserId,
    ) -> Result<AdminOutcome, StoreError> {
        let mut tx = self.begin().await?;
        let Some(name) = name_of(&mut tx, user).await? else {
            return Ok(AdminOutcome::NoUser);
        };
        sqlx::query("delete from sessions where user_id = $1")
            .bind(user.to_string())
            .execute(&mut *tx)
            .await?;
        write(&mut tx, actor, Act::SignOut, user, &name, "").await?;
        tx.commit().await?;
        Ok(AdminOutcome::Done)
    }
}

impl Store {
    /// Makes a user an admin.
    pub async fn make_admin(
        &self,
        actor: &Actor,
        user: UserId,
    ) -> Result<AdminOutcome, StoreError> {
        let mut tx = self.begin().await?;
        let Some(name) = name_of(&mut tx, user).await? else {
            return Ok(AdminOutcome::NoUser);
        };
        sqlx::query("update users set role = $1 where id = $2")
            .bind(Role::Admin.word())
            .bind(user.to_string())
            .execute(&mut *tx)
            .await?;
        write(&mut tx, actor, Act::MakeAdmin, user, &name, "").await?;
        tx.commit().await?;
        Ok(AdminOutcome::Done)
    }

    /// Sets a user's password and ends all of their sessions.
    pub async fn reset_password(
        &self,
        actor: &Actor,
        user: UserId,
        hash: &str,
    ) -> Result<AdminOutcome, StoreError> {
        let mut tx = self.begin().await?;
        let Some(name) = name_of(&mut tx, user).await? else {
            return Ok(AdminOutcome::NoUser);
        };
        super::users::change_password(&mut tx, user, hash, None).await?;
        write(&mut tx, actor, Act::ResetPassword, user, &name, "").await?;
        tx.commit().await?;
        Ok(AdminOutcome::Done)
    }

    /// Deletes a space of any user; `false` when there is none.
    pub async fn delete_space_by(&self, actor: &Actor, space: SpaceId) -> Result<bool, StoreError> {
        self.empty_chat(space).await?;
        let mut tx = self.begin().await?;
        let shown = uploads::shown_in_space(&mut tx, space).await?;
        let row: Option<(String,)> =
            sqlx::query_as("delete from spaces where id = $1 returning name")
                .bind(space.to_string())
                .fetch_optional(&mut *tx)
                .await?;
        let Some((name,)) = row else { return Ok(false) };
        uploads::free_own(&mut tx, &shown).await?;
        let deed = NewAuditRow {
            actor,
            act: Act::DeleteSpace,
            space: Some(space),
            target_id: space.to_string(),
            target: &name,
            detail: "",
        };
        audit_log::write(&mut tx, deed).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Those of the spaces that were deleted, in one query.
    pub async fn gone_spaces(&self, spaces: &[SpaceId]) -> Result<Vec<SpaceId>, StoreError> {
        let rows: Vec<(String,)> = sqlx::query_as(self.kind.choose(&GONE))
            .bind(given(spaces.iter()))
            .fetch_all(&self.readers)
            .await?;
        rows.into_iter().map(|(space,)| id(&space)).collect()
    }
}

async fn name_of(tx: &mut Tx, user: UserId) -> Result<Option<String>, StoreError> {
    let row: Option<(String,)> = sqlx::query_as("select username from users where id = $1")
        .bind(user.to_string())
        .fetch_optional(&mut **tx)
        .await?;
    Ok(row.map(|(name,)| name))
}

async fn write(
    tx: &mut Tx,
    actor: &Actor,
    act: Act,
    user: UserId,
    name: &str,
    detail: &str,
) -> Result<(), StoreError> {
    let deed = NewAuditRow {
        actor,
        act,
        space: None,
        target_id: user.to_string(),
        target: name,
        detail,
    };
    audit_log::write(tx, deed).await
}
