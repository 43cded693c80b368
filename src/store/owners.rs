//! Owners: the process that runs a space, and its epoch. Epochs only rise; a process that takes a
//! space mints the next one.

use super::{DatabaseKind, Store, StoreError, column, id, natural, now_ms};
use crate::components::id::SpaceId;

/// Latest owner of a space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnerRow {
    /// Highest epoch so far.
    pub epoch: u64,
    /// Name of the process; empty when it released the space.
    pub node: String,
    /// Incarnation of that process.
    pub nonce: u64,
}

impl Store {
    /// Latest owner of a space; `None` when it never had one.
    pub async fn owner(&self, space: SpaceId) -> Result<Option<OwnerRow>, StoreError> {
        let row: Option<(i64, String, String)> =
            sqlx::query_as("select epoch, node, nonce from space_owner where space_id = $1")
                .bind(space.to_string())
                .fetch_optional(&self.readers)
                .await?;
        row.map(|(epoch, node, nonce)| {
            Ok(OwnerRow {
                epoch: natural(epoch),
                node,
                nonce: read_nonce(&nonce)?,
            })
        })
        .transpose()
    }

    /// Makes a process the owner, if the epoch is still `seen` (0 for none) and no owner proved
    /// ownership within `proof_ms`. Returns the new epoch, or `None`.
    pub async fn mint_epoch(
        &self,
        space: SpaceId,
        seen: u64,
        (node, nonce): (&str, u64),
        proof_ms: i64,
    ) -> Result<Option<u64>, StoreError> {
        let epoch = seen + 1;
        let now = self.clock_ms().await?;
        let minted = sqlx::query(
            "insert into space_owner (space_id, epoch, node, nonce) select id, $2, $3, $4 from \
            spaces where id = $1 \
             on conflict (space_id) do update set epoch = excluded.epoch, node = excluded.node, \
             nonce = excluded.nonce, \
             proven_at = null where space_owner.epoch = $5 and (space_owner.proven_at is null \
             or space_owner.node = '' or space_owner.proven_at < $6)",
        )
        .bind(space.to_string())
        .bind(column(epoch))
        .bind(node)
        .bind(write_nonce(nonce))
        .bind(column(seen))
        .bind(now - proof_ms)
        .execute(&self.writer)
        .await?;
        Ok((minted.rows_affected() > 0).then_some(epoch))
    }

    /// Records that a process is alive while the directory is not available; returns the spaces
    /// that it owns.
    pub async fn prove_ownership(&self, nonce: u64) -> Result<Vec<(SpaceId, u64)>, StoreError> {
        let now = self.clock_ms().await?;
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "update space_owner set proven_at = $1 where nonce = $2 and node <> '' returning \
            space_id, epoch",
        )
        .bind(now)
        .bind(write_nonce(nonce))
        .fetch_all(&self.writer)
        .await?;
        rows.into_iter()
            .map(|(space, epoch)| Ok((id(&space)?, natural(epoch))))
            .collect()
    }

    /// Whether the process owns the space in that epoch.
    pub async fn is_owner(
        &self,
        space: SpaceId,
        epoch: u64,
        nonce: u64,
    ) -> Result<bool, StoreError> {
        let row = self.owner(space).await?;
        Ok(row.is_some_and(|row| row.epoch == epoch && row.nonce == nonce && !row.node.is_empty()))
    }

    /// Releases a space, if the process still owns it in that epoch. The epoch stays.
    pub async fn release_space(
        &self,
        space: SpaceId,
        epoch: u64,
        nonce: u64,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "update space_owner set node = '', nonce = '', proven_at = null where space_id = $1 \
            and epoch = $2 and nonce = $3",
        )
        .bind(space.to_string())
        .bind(column(epoch))
        .bind(write_nonce(nonce))
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    /// Clock for the age of proofs: that of the database, which all processes share.
    pub(super) async fn clock_ms(&self) -> Result<i64, StoreError> {
        match self.kind {
            DatabaseKind::Sqlite => Ok(now_ms()),
            DatabaseKind::Postgres => {
                let clock = "select cast(extract(epoch from clock_timestamp()) * 1000 as bigint)";
                Ok(sqlx::query_scalar(clock).fetch_one(&self.readers).await?)
            }
        }
    }
}

/// Nonces use all 64 bits and `bigint` is signed, so they are stored in hexadecimal.
fn write_nonce(nonce: u64) -> String {
    format!("{nonce:016x}")
}

fn read_nonce(text: &str) -> Result<u64, StoreError> {
    if text.is_empty() {
        return Ok(0);
    }
    u64::from_str_radix(text, 16).map_err(|_| StoreError::Corrupt("a nonce"))
}
