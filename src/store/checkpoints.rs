//! Checkpoints: the newest saved state of each space, as bytes that only `space` can read, and the
//! log of events since.

use super::{Store, StoreError, column, natural, now_ms, unless_gone};
use crate::components::id::SpaceId;

/// A saved state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckpointRow {
    /// Epoch of the owner that saved it.
    pub epoch: u64,
    /// Tick of the space.
    pub tick: u64,
    /// Encoded state.
    pub blob: Vec<u8>,
}

/// A durable event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRow {
    /// Tick of the space.
    pub tick: u64,
    /// Encoded event.
    pub event: Vec<u8>,
}

impl Store {
    /// Saves a state unless a later owner saved one or took the space; returns whether it was
    /// saved. Log entries up to its tick are deleted, as the state contains them.
    pub async fn save_checkpoint(
        &self,
        space: SpaceId,
        epoch: u64,
        tick: u64,
        blob: &[u8],
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let kept = sqlx::query(
            "insert into checkpoints (space_id, epoch, tick, blob, at) select id, $2, $3, $4, $5 \
            from spaces where id = $1 \
             and not exists (select 1 from space_owner where space_id = $1 and epoch > $2) \
             on conflict (space_id) do update set epoch = excluded.epoch, tick = excluded.tick, \
             blob = excluded.blob, \
             at = excluded.at where checkpoints.epoch < excluded.epoch \
             or (checkpoints.epoch = excluded.epoch and checkpoints.tick <= excluded.tick)",
        )
        .bind(space.to_string())
        .bind(column(epoch))
        .bind(column(tick))
        .bind(blob)
        .bind(now_ms())
        .execute(&mut *tx)
        .await;
        if unless_gone(kept)?.is_none_or(|kept| kept.rows_affected() == 0) {
            return Ok(false);
        }
        sqlx::query("delete from space_log where space_id = $1 and tick <= $2")
            .bind(space.to_string())
            .bind(column(tick))
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(true)
    }

    /// The newest state of a space.
    pub async fn load_checkpoint(
        &self,
        space: SpaceId,
    ) -> Result<Option<CheckpointRow>, StoreError> {
        let row: Option<(i64, i64, Vec<u8>)> =
            sqlx::query_as("select epoch, tick, blob from checkpoints where space_id = $1")
                .bind(space.to_string())
                .fetch_optional(&self.readers)
                .await?;
        Ok(row.map(|(epoch, tick, blob)| CheckpointRow {
            epoch: natural(epoch),
            tick: natural(tick),
            blob,
        }))
    }

    /// Appends events of ticks to the log, all or none; returns whether they were saved, which is
    /// refused when the epoch is over. Duplicates are ignored.
    pub async fn append_log(
        &self,
        space: SpaceId,
        epoch: u64,
        events: &[(u64, Vec<u8>)],
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        for (number, (tick, event)) in events.iter().enumerate() {
            let kept = sqlx::query(
                "insert into space_log (space_id, tick, number, event) select id, $2, $3, $4 from \
                spaces where id = $1 \
                 and not exists (select 1 from space_owner where space_id = $1 and epoch > $5) \
                 on conflict (space_id, tick, number) do update set event = excluded.event",
            )
            .bind(space.to_string())
            .bind(column(*tick))
            .bind(column(number))
            .bind(event)
            .bind(column(epoch))
            .execute(&mut *tx)
            .await;
            if unless_gone(kept)?.is_none_or(|kept| kept.rows_affected() == 0) {
                return Ok(false);
            }
        }
        tx.commit().await?;
        Ok(true)
    }

    /// Events since the checkpoint, oldest first.
    pub async fn load_log(&self, space: SpaceId) -> Result<Vec<LogRow>, StoreError> {
        let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(
            "select tick, event from space_log where space_id = $1 order by tick, number",
        )
        .bind(space.to_string())
        .fetch_all(&self.readers)
        .await?;
        let rows = rows.into_iter().map(|(tick, event)| LogRow {
            tick: natural(tick),
            event,
        });
        Ok(rows.collect())
    }

    /// Deletes the state of a space.
    pub async fn delete_checkpoint(&self, space: SpaceId) -> Result<(), StoreError> {
        sqlx::query("delete from checkpoints where space_id = $1")
            .bind(space.to_string())
            .execute(&self.writer)
            .await?;
        Ok(())
    }
}
