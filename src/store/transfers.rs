//! Transfers: offers of an owner to hand a space over, and the change of owners. Each is in the
//! audit log, and raises the version of the space's memberships.

use sqlx::FromRow;

use super::audit_log::{self, Act, Actor, NewAuditRow};
use super::members::{name_within, raise_membership_version};
use super::{Store, StoreError, Tx, id, now_ms, unless_gone};
use crate::components::id::{SpaceId, UserId};
use crate::components::permissions::SpaceRole;

/// An offer of a space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransferRow {
    /// The space.
    pub space: SpaceId,
    /// Its name.
    pub space_name: String,
    /// The user to whom it is offered.
    pub to: UserId,
    /// Their name.
    pub to_name: String,
    /// Name of the user who offers it; empty when they are gone.
    pub by: String,
    /// End of the offer, in Unix milliseconds.
    pub expires_at: i64,
}

#[derive(FromRow)]
struct RawTransfer {
    space_id: String,
    space_name: String,
    to_id: String,
    to_name: String,
    by_name: Option<String>,
    expires_at: i64,
}

impl RawTransfer {
    fn read(self) -> Result<TransferRow, StoreError> {
        Ok(TransferRow {
            space: id(&self.space_id)?,
            space_name: self.space_name,
            to: id(&self.to_id)?,
            to_name: self.to_name,
            by: self.by_name.unwrap_or_default(),
            expires_at: self.expires_at,
        })
    }
}

/// Result of accepting an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransferOutcome {
    /// The user owns the space.
    Done,
    /// There is no offer for them, or it is over.
    NoOffer,
    /// They own as many spaces as they may.
    TooMany,
}

impl Store {
    /// Offers a space to a user until a time, in place of an earlier offer. Returns whether both
    /// are there.
    pub async fn offer_space(
        &self,
        actor: &Actor,
        (space, to): (SpaceId, UserId),
        expires_at: i64,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        if !raise_membership_version(&mut tx, space).await? {
            return Ok(false);
        }
        let offered = sqlx::query(
            "insert into transfers (space_id, to_id, by_id, expires_at) values ($1, $2, $3, $4) \
             on conflict (space_id) do update set to_id = excluded.to_id, \
             by_id = excluded.by_id, expires_at = excluded.expires_at",
        )
        .bind(space.to_string())
        .bind(to.to_string())
        .bind(actor.user.map(|by| by.to_string()))
        .bind(expires_at)
        .execute(&mut *tx)
        .await;
        if unless_gone(offered)?.is_none() {
            return Ok(false);
        }
        note(&mut tx, actor, Act::OfferSpace, (space, to)).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Offer of a space that holds now.
    pub async fn transfer_of(&self, space: SpaceId) -> Result<Option<TransferRow>, StoreError> {
        let row: Option<RawTransfer> = sqlx::query_as(
            "select transfers.space_id, spaces.name as space_name, transfers.to_id, \
             receivers.username as to_name, givers.username as by_name, transfers.expires_at \
             from transfers join spaces on spaces.id = transfers.space_id \
             join users as receivers on receivers.id = transfers.to_id \
             left join users as givers on givers.id = transfers.by_id \
             where transfers.space_id = $1 and transfers.expires_at > $2",
        )
        .bind(space.to_string())
        .bind(now_ms())
        .fetch_optional(&self.readers)
        .await?;
        row.map(RawTransfer::read).transpose()
    }

    /// Offers to a user that hold now.
    pub async fn transfers_to(&self, to: UserId) -> Result<Vec<TransferRow>, StoreError> {
        let rows: Vec<RawTransfer> = sqlx::query_as(
            "select transfers.space_id, spaces.name as space_name, transfers.to_id, \
             receivers.username as to_name, givers.username as by_name, transfers.expires_at \
             from transfers join spaces on spaces.id = transfers.space_id \
             join users as receivers on receivers.id = transfers.to_id \
             left join users as givers on givers.id = transfers.by_id \
             where transfers.to_id = $1 and transfers.expires_at > $2 \
             order by transfers.expires_at, transfers.space_id limit 50",
        )
        .bind(to.to_string())
        .bind(now_ms())
        .fetch_all(&self.readers)
        .await?;
        rows.into_iter().map(RawTransfer::read).collect()
    }

    /// Ends the offer of a space, or only one to that user; returns whether there was one.
    pub async fn end_offer(
        &self,
        actor: &Actor,
        space: SpaceId,
        only_to: Option<UserId>,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        raise_membership_version(&mut tx, space).await?;
        let ended: Option<(String,)> = sqlx::query_as(
            "delete from transfers where space_id = $1 and ($2 = '' or to_id = $2) \
             returning to_id",
        )
        .bind(space.to_string())
        .bind(only_to.map(|to| to.to_string()).unwrap_or_default())
        .fetch_optional(&mut *tx)
        .await?;
        let Some((to,)) = ended else {
            return Ok(false);
        };
        let at = (space, id(&to)?);
        note(&mut tx, actor, Act::EndOffer, at).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// The user to whom a space is offered accepts it, unless they own `most` spaces already. Its
    /// former owner becomes a moderator.
    pub async fn accept_space(
        &self,
        actor: &Actor,
        (space, to): (SpaceId, UserId),
        most: u32,
    ) -> Result<TransferOutcome, StoreError> {
        let mut tx = self.begin().await?;
        // Locks the user's row, so that spaces that they create at the same time are counted.
        sqlx::query("update users set created_at = created_at where id = $1")
            .bind(to.to_string())
            .execute(&mut *tx)
            .await?;
        raise_membership_version(&mut tx, space).await?;
        let taken = sqlx::query(
            "delete from transfers where space_id = $1 and to_id = $2 and expires_at > $3",
        )
        .bind(space.to_string())
        .bind(to.to_string())
        .bind(now_ms())
        .execute(&mut *tx)
        .await?;
        if taken.rows_affected() == 0 {
            return Ok(TransferOutcome::NoOffer);
        }
        let (has,): (i64,) = sqlx::query_as("select count(*) from spaces where creator_id = $1")
            .bind(to.to_string())
            .fetch_one(&mut *tx)
            .await?;
        if has >= i64::from(most) {
            return Ok(TransferOutcome::TooMany);
        }
        let from = change_owner(&mut tx, space, to).await?.unwrap_or(to);
        note(&mut tx, actor, Act::TransferSpace, (space, from)).await?;
        tx.commit().await?;
        Ok(TransferOutcome::Done)
    }
}

/// Makes a user the owner and the former owner a moderator; returns the former owner.
async fn change_owner(
    tx: &mut Tx,
    space: SpaceId,
    to: UserId,
) -> Result<Option<UserId>, StoreError> {
    let (before,): (Option<String>,) =
        sqlx::query_as("select creator_id from spaces where id = $1")
            .bind(space.to_string())
            .fetch_one(&mut **tx)
            .await?;
    sqlx::query("update spaces set creator_id = $2 where id = $1")
        .bind(space.to_string())
        .bind(to.to_string())
        .execute(&mut **tx)
        .await?;
    // Owners have no row of a member, and no one may mute them.
    for statement in [
        "delete from space_members where space_id = $1 and user_id = $2",
        "delete from mutes where space_id = $1 and user_id = $2",
    ] {
        sqlx::query(statement)
            .bind(space.to_string())
            .bind(to.to_string())
            .execute(&mut **tx)
            .await?;
    }
    let Some(before) = before else {
        return Ok(None);
    };
    let before: UserId = id(&before)?;
    sqlx::query(
        "insert into space_members (space_id, user_id, role, at, by_id) \
         values ($1, $2, $3, $4, $5) on conflict (space_id, user_id) do update set \
         role = excluded.role, at = excluded.at, by_id = excluded.by_id",
    )
    .bind(space.to_string())
    .bind(before.to_string())
    .bind(SpaceRole::Moderator.word())
    .bind(now_ms())
    .bind(to.to_string())
    .execute(&mut **tx)
    .await?;
    Ok(Some(before))
}

async fn note(
    tx: &mut Tx,
    actor: &Actor,
    act: Act,
    (space, user): (SpaceId, UserId),
) -> Result<(), StoreError> {
    let name = name_within(tx, user).await?.unwrap_or_default();
    let deed = NewAuditRow {
        actor,
        act,
        space: Some(space),
        target_id: user.to_string(),
        target: &name,
        detail: "",
    };
    audit_log::write(tx, deed).await
}
