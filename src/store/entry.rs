//! Entry: the rules of a space about who may enter, its password, and access grants.

use super::audit_log::{self, Act, Actor, NewAuditRow};
use super::members::raise_membership_version;
use super::membership::write_roles;
use super::{Store, StoreError, now_ms, unless_gone};
use crate::components::id::{SpaceId, UserId};
use crate::components::membership::AccessPolicy;
use crate::components::permissions::PermissionRoles;
use crate::store::spaces::Access;

/// A change of a space; absent fields stay as they are.
#[derive(Debug, Clone, Default)]
pub struct SpaceChange {
    /// Name.
    pub name: Option<String>,
    /// Description.
    pub description: Option<String>,
    /// Whether the lobby lists it.
    pub access: Option<Access>,
    /// Who may enter.
    pub policy: Option<AccessPolicy>,
    /// Hash of a new password. Grants for an earlier one end.
    pub password_hash: Option<String>,
    /// Whether guests may enter.
    pub guests: Option<bool>,
    /// Most people.
    pub capacity: Option<Option<u32>>,
    /// Start of the event.
    pub opens_at: Option<Option<i64>>,
    /// End of the event.
    pub closes_at: Option<Option<i64>>,
    /// What people are told about appeals.
    pub appeal: Option<String>,
    /// Roles of the permissions that the owner hands out.
    pub roles: Option<PermissionRoles>,
}

/// Why a user has an access grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantReason {
    /// They gave the password. Holds until it changes.
    Password,
    /// They came by an invite.
    Invite,
    /// Someone inside let them in.
    Request,
    /// They were inside when the space was locked down. Counts against the lockdown alone.
    Inside,
}

impl GrantReason {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Invite => "invite",
            Self::Request => "request",
            Self::Inside => "inside",
        }
    }
}

/// Password of a space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpacePassword {
    /// Argon2id hash, in PHC form.
    pub hash: String,
    /// Rises with each new password.
    pub version: i64,
}

impl Store {
    /// Changes a space; returns whether it is there. `detail` is for the audit log.
    pub async fn change_space(
        &self,
        actor: &Actor,
        space: SpaceId,
        change: &SpaceChange,
        detail: &str,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        if !raise_membership_version(&mut tx, space).await? {
            return Ok(false);
        }
        let (capacity, opens_at, closes_at) = (change.capacity, change.opens_at, change.closes_at);
        let (name,): (String,) = sqlx::query_as(
            "update spaces set name = coalesce($2, name), search = coalesce($3, search), \
             description = coalesce($4, description), access = coalesce($5, access), \
             access_policy = coalesce($6, access_policy), guests = coalesce($7, guests), \
             permission_roles = coalesce($8, permission_roles), \
             password_hash = coalesce($9, password_hash), \
             password_version = password_version + $10, \
             capacity = case when $11 = 1 then $12 else capacity end, \
             opens_at = case when $13 = 1 then $14 else opens_at end, \
             closes_at = case when $15 = 1 then $16 else closes_at end, \
             appeal = coalesce($17, appeal) \
             where id = $1 returning name",
        )
        .bind(space.to_string())
        .bind(change.name.as_deref())
        .bind(change.name.as_deref().map(str::to_lowercase))
        .bind(change.description.as_deref())
        .bind(change.access.map(Access::word))
        .bind(change.policy.map(AccessPolicy::word))
        .bind(change.guests.map(i64::from))
        .bind(change.roles.map(write_roles))
        .bind(change.password_hash.as_deref())
        .bind(i64::from(change.password_hash.is_some()))
        .bind(i64::from(capacity.is_some()))
        .bind(capacity.flatten().map(i64::from))
        .bind(i64::from(opens_at.is_some()))
        .bind(opens_at.flatten())
        .bind(i64::from(closes_at.is_some()))
        .bind(closes_at.flatten())
        .bind(change.appeal.as_deref())
        .fetch_one(&mut *tx)
        .await?;
        let deed = NewAuditRow {
            actor,
            act: Act::ChangeSpace,
            space: Some(space),
            target_id: space.to_string(),
            target: &name,
            detail,
        };
        audit_log::write(&mut tx, deed).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Password of a space, if it has one.
    pub async fn space_password(
        &self,
        space: SpaceId,
    ) -> Result<Option<SpacePassword>, StoreError> {
        let row: Option<(Option<String>, i64)> =
            sqlx::query_as("select password_hash, password_version from spaces where id = $1")
                .bind(space.to_string())
                .fetch_optional(&self.readers)
                .await?;
        let password = row.and_then(|(hash, version)| Some((hash?, version)));
        Ok(password.map(|(hash, version)| SpacePassword { hash, version }))
    }

    /// Lets a user enter until a time, in Unix milliseconds. For a password, its version is that
    /// which the user gave.
    pub async fn grant_access(
        &self,
        (space, user): (SpaceId, UserId),
        reason: GrantReason,
        until: i64,
        password_version: i64,
    ) -> Result<bool, StoreError> {
        let granted = sqlx::query(
            "insert into access_grants (space_id, user_id, reason, until, password_version) \
             values ($1, $2, $3, $4, $5) on conflict (space_id, user_id, reason) do update set \
             until = excluded.until, password_version = excluded.password_version",
        )
        .bind(space.to_string())
        .bind(user.to_string())
        .bind(reason.word())
        .bind(until)
        .bind(password_version)
        .execute(&self.writer)
        .await;
        Ok(unless_gone(granted)?.is_some())
    }

    /// Notes who is inside spaces that were locked down, until their lockdowns end. Users and
    /// spaces that are gone are left out.
    pub async fn note_inside(&self, inside: &[(UserId, SpaceId, i64)]) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        for (user, space, until) in inside {
            sqlx::query(
                "insert into access_grants (space_id, user_id, reason, until) \
                 select spaces.id, users.id, $3, $4 from spaces join users on users.id = $2 \
                 where spaces.id = $1 and spaces.lockdown_until = $4 \
                 on conflict (space_id, user_id, reason) \
                 do update set until = excluded.until",
            )
            .bind(space.to_string())
            .bind(user.to_string())
            .bind(GrantReason::Inside.word())
            .bind(until)
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Deletes access grants that ended before now; returns how many.
    pub async fn delete_ended_grants(&self) -> Result<u64, StoreError> {
        let deleted = sqlx::query("delete from access_grants where until <= $1")
            .bind(now_ms())
            .execute(&self.writer)
            .await?;
        Ok(deleted.rows_affected())
    }
}
