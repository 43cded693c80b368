//! Space invites: links that let people into a space, some with a role. Only hashes of their tokens
//! are stored. `invites` has those that admit people to the server.

use sqlx::FromRow;
use uuid::Uuid;

use super::audit_log::{self, Act, Actor, NewAuditRow};
use super::entry::GrantReason;
use super::invites::Invite;
use super::members::{name_within, raise_membership_version};
use super::token::{hash_token, new_token};
use super::{Store, StoreError, Tx, id, now_ms};
use crate::components::id::{SpaceId, UserId};
use crate::components::permissions::SpaceRole;

/// Length of a token in hexadecimal digits: 128 random bits.
const TOKEN_LETTERS: usize = 32;

/// Properties of a new invite to a space.
#[derive(Debug, Clone)]
pub struct NewSpaceInvite<'a> {
    /// The space.
    pub space: SpaceId,
    /// Role that people get; a visitor is let in without becoming a member.
    pub role: SpaceRole,
    /// Note for those who manage invites.
    pub label: &'a str,
    /// Expiry, in Unix milliseconds.
    pub expires_at: i64,
    /// Most people; `None` for no limit.
    pub max_uses: Option<i64>,
}

/// An invite to a space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpaceInvite {
    /// What it has in common with invites to the server.
    pub invite: Invite,
    /// The space.
    pub space: SpaceId,
    /// Role that people get.
    pub role: SpaceRole,
    /// Name of the user who made it, if they are still there.
    pub by: Option<String>,
}

#[derive(FromRow)]
struct RawSpaceInvite {
    #[sqlx(flatten)]
    invite: Invite,
    space_id: String,
    role: String,
    by_name: Option<String>,
}

/// Result of accepting an invite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    /// The user may enter this space.
    Done(SpaceId),
    /// There is no such invite, or it is not valid.
    Refused,
}

/// Selects [`RawSpaceInvite`].
macro_rules! invite_columns {
    () => {
        "select invites.id, label, expires_at, max_uses, uses, revoked_at, at, space_id, \
         invites.role, coalesce(users.display_name, users.username) as by_name \
         from invites left join users on users.id = invites.by_id "
    };
}

impl RawSpaceInvite {
    fn read(self) -> Result<SpaceInvite, StoreError> {
        Ok(SpaceInvite {
            invite: self.invite,
            space: id(&self.space_id)?,
            role: read_role(&self.role),
            by: self.by_name,
        })
    }
}

/// A role of a later version counts as the lowest.
fn read_role(word: &str) -> SpaceRole {
    SpaceRole::from_word(word).unwrap_or(SpaceRole::Visitor)
}

impl Store {
    /// Adds an invite to a space unless `most` are open; then `None`. Returns its id and its token.
    pub async fn add_space_invite(
        &self,
        actor: &Actor,
        new: &NewSpaceInvite<'_>,
        most: u32,
    ) -> Result<Option<(String, String)>, StoreError> {
        let invite = Uuid::now_v7().to_string();
        let mut token = new_token();
        token.truncate(TOKEN_LETTERS);
        let mut tx = self.begin().await?;
        raise_membership_version(&mut tx, new.space).await?;
        let (open,): (i64,) = sqlx::query_as(
            "select count(*) from invites where space_id = $1 and revoked_at is null \
             and (expires_at is null or expires_at > $2) and (max_uses is null or uses < max_uses)",
        )
        .bind(new.space.to_string())
        .bind(now_ms())
        .fetch_one(&mut *tx)
        .await?;
        if open >= i64::from(most) {
            return Ok(None);
        }
        sqlx::query(
            "insert into invites (id, token_hash, space_id, role, by_id, label, expires_at, \
             max_uses, at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(&invite)
        .bind(hash_token(&token))
        .bind(new.space.to_string())
        .bind(new.role.word())
        .bind(actor.user.map(|by| by.to_string()))
        .bind(new.label)
        .bind(new.expires_at)
        .bind(new.max_uses)
        .bind(now_ms())
        .execute(&mut *tx)
        .await?;
        let deed = NewAuditRow {
            actor,
            act: Act::Invite,
            space: Some(new.space),
            target_id: invite.clone(),
            target: new.label,
            detail: new.role.word(),
        };
        audit_log::write(&mut tx, deed).await?;
        tx.commit().await?;
        Ok(Some((invite, token)))
    }

    /// The invite to a space with that token.
    pub async fn space_invite(&self, token: &str) -> Result<Option<SpaceInvite>, StoreError> {
        let found: Option<RawSpaceInvite> = sqlx::query_as(concat!(
            invite_columns!(),
            "where token_hash = $1 and space_id is not null"
        ))
        .bind(hash_token(token))
        .fetch_optional(&self.readers)
        .await?;
        found.map(RawSpaceInvite::read).transpose()
    }

    /// Invites to a space that are not revoked, newest first.
    pub async fn space_invites(&self, space: SpaceId) -> Result<Vec<SpaceInvite>, StoreError> {
        let rows: Vec<RawSpaceInvite> = sqlx::query_as(concat!(
            invite_columns!(),
            "where space_id = $1 and revoked_at is null order by invites.id desc limit 200"
        ))
        .bind(space.to_string())
        .fetch_all(&self.readers)
        .await?;
        rows.into_iter().map(RawSpaceInvite::read).collect()
    }

    /// Lets a user in by an invite. Each user is counted once; of many at its last use, one is let
    /// in.
    pub async fn accept_space_invite(
        &self,
        token: &str,
        user: UserId,
    ) -> Result<Accepted, StoreError> {
        let Some(SpaceInvite {
            invite,
            space,
            role,
            ..
        }) = self.space_invite(token).await?
        else {
            return Ok(Accepted::Refused);
        };
        let mut tx = self.begin().await?;
        if !raise_membership_version(&mut tx, space).await? {
            return Ok(Accepted::Refused);
        }
        let is_first = note_use(&mut tx, &invite.id, user).await?;
        if !take_use(&mut tx, &invite.id, is_first).await? {
            return Ok(Accepted::Refused);
        }
        if role.is_assigned() {
            raise_role(&mut tx, (space, user), role).await?;
        } else {
            grant_by_invite(&mut tx, (space, user)).await?;
        }
        sqlx::query("update users set invite_id = $1 where id = $2 and is_guest = 1")
            .bind(&invite.id)
            .bind(user.to_string())
            .execute(&mut *tx)
            .await?;
        let name = name_within(&mut tx, user).await?.unwrap_or_default();
        if is_first {
            let actor = Actor {
                user: Some(user),
                name: name.clone(),
            };
            let deed = NewAuditRow {
                actor: &actor,
                act: Act::AcceptInvite,
                space: Some(space),
                target_id: invite.id.clone(),
                target: &invite.label,
                detail: role.word(),
            };
            audit_log::write(&mut tx, deed).await?;
        }
        tx.commit().await?;
        Ok(Accepted::Done(space))
    }

    /// Revokes an invite of a space, and takes the roles and grants of those who came by it if
    /// `with_people`; returns whether it was there and not revoked yet.
    pub async fn revoke_space_invite(
        &self,
        actor: &Actor,
        space: SpaceId,
        invite: &str,
        with_people: bool,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        raise_membership_version(&mut tx, space).await?;
        let revoked: Option<(String, String)> = sqlx::query_as(
            "update invites set revoked_at = $1 where id = $2 and space_id = $3 \
             and revoked_at is null returning label, role",
        )
        .bind(now_ms())
        .bind(invite)
        .bind(space.to_string())
        .fetch_optional(&mut *tx)
        .await?;
        let Some((label, role)) = revoked else {
            return Ok(false);
        };
        if with_people {
            take_back(&mut tx, space, invite, &role).await?;
        }
        let detail = if with_people {
            "with those who came by it"
        } else {
            ""
        };
        let deed = NewAuditRow {
            actor,
            act: Act::RevokeInvite,
            space: Some(space),
            target_id: invite.to_owned(),
            target: &label,
            detail,
        };
        audit_log::write(&mut tx, deed).await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// Revokes the invites to a space by which a guest came. Others who came by them stay.
pub(super) async fn revoke_of_guest(
    tx: &mut Tx,
    actor: &Actor,
    (space, guest): (SpaceId, UserId),
) -> Result<(), StoreError> {
    let revoked: Vec<(String, String)> = sqlx::query_as(
        "update invites set revoked_at = $1 where space_id = $2 and revoked_at is null \
         and id in (select invite_uses.invite_id from invite_uses \
         join users on users.id = invite_uses.user_id \
         where users.id = $3 and users.is_guest = 1) returning id, label",
    )
    .bind(now_ms())
    .bind(space.to_string())
    .bind(guest.to_string())
    .fetch_all(&mut **tx)
    .await?;
    for (invite, label) in revoked {
        let deed = NewAuditRow {
            actor,
            act: Act::RevokeInvite,
            space: Some(space),
            target_id: invite,
            target: &label,
            detail: "with the ban of a guest",
        };
        audit_log::write(tx, deed).await?;
    }
    Ok(())
}

/// Notes that a user came by an invite; returns whether for the first time.
async fn note_use(tx: &mut Tx, invite: &str, user: UserId) -> Result<bool, StoreError> {
    let noted = sqlx::query(
        "insert into invite_uses (invite_id, user_id, at) values ($1, $2, $3) \
         on conflict do nothing",
    )
    .bind(invite)
    .bind(user.to_string())
    .bind(now_ms())
    .execute(&mut **tx)
    .await?;
    Ok(noted.rows_affected() > 0)
}

/// Counts a use of an invite; `false` when it is not valid any more.
async fn take_use(tx: &mut Tx, invite: &str, is_first: bool) -> Result<bool, StoreError> {
    let taken: Option<(i64,)> = sqlx::query_as(
        "update invites set uses = uses + $2 where id = $1 and revoked_at is null \
         and (expires_at is null or expires_at > $3) \
         and (max_uses is null or uses < max_uses or $2 = 0) returning uses",
    )
    .bind(invite)
    .bind(i64::from(is_first))
    .bind(now_ms())
    .fetch_optional(&mut **tx)
    .await?;
    Ok(taken.is_some())
}

/// Makes a user a member with that role, unless they own the space or have a role of their own:
/// only a higher one replaces it.
async fn raise_role(
    tx: &mut Tx,
    (space, user): (SpaceId, UserId),
    role: SpaceRole,
) -> Result<(), StoreError> {
    let has: Option<(String,)> =
        sqlx::query_as("select role from space_members where space_id = $1 and user_id = $2")
            .bind(space.to_string())
            .bind(user.to_string())
            .fetch_optional(&mut **tx)
            .await?;
    if has.is_some_and(|(has,)| read_role(&has) >= role) {
        return Ok(());
    }
    sqlx::query(
        "insert into space_members (space_id, user_id, role, at) select $1, users.id, $3, $4 \
         from users where users.id = $2 and not exists (select 1 from spaces \
         where spaces.id = $1 and spaces.creator_id = users.id) \
         on conflict (space_id, user_id) do update set role = excluded.role, at = excluded.at",
    )
    .bind(space.to_string())
    .bind(user.to_string())
    .bind(role.word())
    .bind(now_ms())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn grant_by_invite(tx: &mut Tx, (space, user): (SpaceId, UserId)) -> Result<(), StoreError> {
    sqlx::query(
        "insert into access_grants (space_id, user_id, reason, until) values ($1, $2, $3, $4) \
         on conflict (space_id, user_id, reason) do update set until = excluded.until",
    )
    .bind(space.to_string())
    .bind(user.to_string())
    .bind(GrantReason::Invite.word())
    .bind(i64::MAX)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Takes what people got by an invite. A role that was changed since stays.
async fn take_back(
    tx: &mut Tx,
    space: SpaceId,
    invite: &str,
    role: &str,
) -> Result<(), StoreError> {
    sqlx::query(
        "delete from space_members where space_id = $1 and role = $3 and by_id is null \
         and user_id in (select user_id from invite_uses where invite_id = $2)",
    )
    .bind(space.to_string())
    .bind(invite)
    .bind(role)
    .execute(&mut **tx)
    .await?;
    sqlx::query(
        "delete from access_grants where space_id = $1 and reason = $3 \
         and user_id in (select user_id from invite_uses where invite_id = $2)",
    )
    .bind(space.to_string())
    .bind(invite)
    .bind(GrantReason::Invite.word())
    .execute(&mut **tx)
    .await?;
    Ok(())
}
