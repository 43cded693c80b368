//! Members: the roles that users were given in spaces. Each change is in the audit log, and raises
//! the version of the space's memberships.

use sqlx::FromRow;

use super::audit_log::{self, Act, Actor, NewAuditRow};
use super::{Store, StoreError, Tx, id, now_ms, unless_gone};
use crate::components::id::{SpaceId, UserId};
use crate::components::permissions::SpaceRole;

/// A member of a space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberRow {
    /// Id of the user.
    pub user: UserId,
    /// Name.
    pub name: String,
    /// Whether the user has no account.
    pub is_guest: bool,
    /// Role in the space.
    pub role: SpaceRole,
    /// Time at which the role was given, in Unix milliseconds.
    pub at: i64,
    /// Name of the user who gave it, if they are still there.
    pub by: Option<String>,
}

#[derive(FromRow)]
struct RawMember {
    user_id: String,
    name: String,
    is_guest: i64,
    role: String,
    at: i64,
    by_name: Option<String>,
}

/// Result of a change of a membership.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberOutcome {
    /// Done.
    Done,
    /// The role was changed by another at the same time, or the user or the space is gone.
    Changed,
}

impl Store {
    /// Members of a space by id, only those after the given one.
    pub async fn members(
        &self,
        space: SpaceId,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<MemberRow>, StoreError> {
        let rows: Vec<RawMember> = sqlx::query_as(
            "select space_members.user_id, coalesce(users.display_name, users.username) as name, \
             users.is_guest, space_members.role, space_members.at, givers.username as by_name \
             from space_members join users on users.id = space_members.user_id \
             left join users as givers on givers.id = space_members.by_id \
             where space_members.space_id = $1 and space_members.user_id > $2 \
             order by space_members.user_id limit $3",
        )
        .bind(space.to_string())
        .bind(after.map(|after| after.to_string()).unwrap_or_default())
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(MemberRow {
                    user: id(&row.user_id)?,
                    name: row.name,
                    is_guest: row.is_guest != 0,
                    // A role of a later version counts as the lowest one that is given.
                    role: SpaceRole::from_word(&row.role).unwrap_or(SpaceRole::Member),
                    at: row.at,
                    by: row.by_name,
                })
            })
            .collect()
    }

    /// Name of a user as shown to others, without marks; `None` when there is no such user.
    pub async fn name_of_user(&self, user: UserId) -> Result<Option<String>, StoreError> {
        let row: Option<(String,)> =
            sqlx::query_as("select coalesce(display_name, username) from users where id = $1")
                .bind(user.to_string())
                .fetch_optional(&self.readers)
                .await?;
        Ok(row.map(|(name,)| name))
    }

    /// Gives a user a role, or takes it (`None`). `was` is the role that the caller saw; if it is
    /// another by now, nothing happens.
    pub async fn set_role(
        &self,
        actor: &Actor,
        (space, user): (SpaceId, UserId),
        was: Option<SpaceRole>,
        role: Option<SpaceRole>,
    ) -> Result<MemberOutcome, StoreError> {
        let mut tx = self.begin().await?;
        let is_there = raise_membership_version(&mut tx, space).await?;
        let name = name_within(&mut tx, user).await?;
        let Some(name) = name.filter(|_| is_there) else {
            return Ok(MemberOutcome::Changed);
        };
        if !change_role(&mut tx, actor, (space, user), was, role).await? {
            return Ok(MemberOutcome::Changed);
        }
        let word = |role: Option<SpaceRole>| role.map_or("none", SpaceRole::word);
        let detail = format!("{} → {}", word(was), word(role));
        let deed = NewAuditRow {
            actor,
            act: Act::SetRole,
            space: Some(space),
            target_id: user.to_string(),
            target: &name,
            detail: &detail,
        };
        audit_log::write(&mut tx, deed).await?;
        tx.commit().await?;
        Ok(MemberOutcome::Done)
    }
}

/// Changes the row of a membership; returns whether it was as expected.
async fn change_role(
    tx: &mut Tx,
    actor: &Actor,
    (space, user): (SpaceId, UserId),
    was: Option<SpaceRole>,
    role: Option<SpaceRole>,
) -> Result<bool, StoreError> {
    let statement = match (was, role) {
        (None, None) => return Ok(true),
        (None, Some(_)) => {
            "insert into space_members (space_id, user_id, role, at, by_id) \
             values ($1, $2, $3, $4, $5) on conflict do nothing"
        }
        (Some(_), Some(_)) => {
            "update space_members set role = $3, at = $4, by_id = $5 \
             where space_id = $1 and user_id = $2 and role = $6"
        }
        (Some(_), None) => {
            "delete from space_members where space_id = $1 and user_id = $2 and role = $3"
        }
    };
    let mut query = sqlx::query(statement)
        .bind(space.to_string())
        .bind(user.to_string());
    if let Some(role) = role {
        query = query
            .bind(role.word())
            .bind(now_ms())
            .bind(actor.user.map(|by| by.to_string()));
    }
    if let Some(was) = was {
        query = query.bind(was.word());
    }
    let changed = unless_gone(query.execute(&mut **tx).await)?;
    Ok(changed.is_some_and(|changed| changed.rows_affected() > 0))
}

/// Raises the version of a space's memberships; returns whether there is such a space. Done before
/// the change itself, so that changes of one space come one after the other.
pub(super) async fn raise_membership_version(
    tx: &mut Tx,
    space: SpaceId,
) -> Result<bool, StoreError> {
    let raised =
        sqlx::query("update spaces set membership_version = membership_version + 1 where id = $1")
            .bind(space.to_string())
            .execute(&mut **tx)
            .await?;
    Ok(raised.rows_affected() > 0)
}

/// Name of a user, within a transaction.
pub(super) async fn name_within(tx: &mut Tx, user: UserId) -> Result<Option<String>, StoreError> {
    let row: Option<(String,)> =
        sqlx::query_as("select coalesce(display_name, username) from users where id = $1")
            .bind(user.to_string())
            .fetch_optional(&mut **tx)
            .await?;
    Ok(row.map(|(name,)| name))
}
