//! Checkpoints: the newest saved state of each space, as bytes that only `space` can read.

use super::{Store, StoreError, now_ms};
use crate::components::id::SpaceId;

/// A saved state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckpointRow {
    /// Of which ownership.
    pub epoch: u64,
    /// When, in the space's own time.
    pub tick: u64,
    /// What.
    pub blob: Vec<u8>,
}

impl Store {
    /// Keeps a state unless a newer ownership saved one already; answers whether it was kept.
    pub async fn save_checkpoint(
        &self,
        space: SpaceId,
        epoch: u64,
        tick: u64,
        blob: &[u8],
    ) -> Result<bool, StoreError> {
        let kept = sqlx::query(
            "insert into checkpoints (space_id, epoch, tick, blob, at) select id, $2, $3, $4, $5 from spaces where id = $1 \
             on conflict (space_id) do update set epoch = excluded.epoch, tick = excluded.tick, blob = excluded.blob, \
             at = excluded.at where checkpoints.epoch <= excluded.epoch",
        )
        .bind(space.to_string())
        .bind(epoch as i64)
        .bind(tick as i64)
        .bind(blob)
        .bind(now_ms())
        .execute(&self.writer)
        .await?;
        Ok(kept.rows_affected() > 0)
    }

    /// The newest state of a space.
    pub async fn load_checkpoint(&self, space: SpaceId) -> Result<Option<CheckpointRow>, StoreError> {
        let row: Option<(i64, i64, Vec<u8>)> =
            sqlx::query_as("select epoch, tick, blob from checkpoints where space_id = $1")
                .bind(space.to_string())
                .fetch_optional(&self.readers)
                .await?;
        Ok(row.map(|(epoch, tick, blob)| CheckpointRow {
            epoch: epoch as u64,
            tick: tick as u64,
            blob,
        }))
    }

    /// Forgets the state of a space.
    pub async fn delete_checkpoint(&self, space: SpaceId) -> Result<(), StoreError> {
        sqlx::query("delete from checkpoints where space_id = $1")
            .bind(space.to_string())
            .execute(&self.writer)
            .await?;
        Ok(())
    }
}
