//! Vault: the saved state of spaces, which outlives the process that runs them: the newest
//! checkpoint, and the events since.
//!
//! Every write is fenced: a claim with a higher epoch shuts out all lower ones.

use super::node::Member;
use super::ownership::{Epoch, Taken, Unreachable};
use super::record::{Committed, StoredSpace, Write};
use super::redis::Redis;
use crate::components::id::SpaceId;
use crate::space::DurableEvent;
use crate::store::{Store, StoreError};

/// The saved state of a space.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SavedState {
    /// Encoded state of the newest checkpoint.
    pub checkpoint: Option<Vec<u8>>,
    /// Ticks and encoded events since the checkpoint, oldest first.
    pub events: Vec<(u64, Vec<u8>)>,
}

impl SavedState {
    /// Chat events since the checkpoint.
    pub fn chat(&self) -> impl Iterator<Item = DurableEvent> {
        self.events
            .iter()
            .filter_map(|(_, event)| DurableEvent::decode(event).ok())
    }
}

/// Where the state of spaces is saved.
#[derive(Clone)]
pub enum Vault {
    /// In the database.
    Sql(Store),
    /// In Redis; in the database while Redis is gone.
    Redis(Redis, Store),
}

impl Vault {
    /// Fences out every lower epoch.
    pub async fn claim(
        &self,
        space: SpaceId,
        epoch: Epoch,
        me: &Member,
    ) -> Result<Taken, Unreachable> {
        match self {
            // Minting the epoch was the claim.
            Self::Sql(store) => sql_claim(store, space, epoch, me).await,
            Self::Redis(redis, _) => redis.claim(space, epoch, me).await,
        }
    }

    /// Loads the saved state of a space.
    pub async fn load(&self, space: SpaceId) -> Result<SavedState, Unreachable> {
        match self {
            Self::Sql(store) => Ok(sql_load(store, space).await?.into_saved()),
            Self::Redis(redis, store) => {
                let hot = redis.load(space).await?;
                let cold = sql_load(store, space).await?;
                Ok(hot.newest(cold).into_saved())
            }
        }
    }

    /// Writes a checkpoint and events.
    pub async fn commit(
        &self,
        space: SpaceId,
        epoch: Epoch,
        me: &Member,
        write: &Write,
    ) -> Result<Committed, Unreachable> {
        match self {
            Self::Sql(store) => sql_commit(store, space, epoch, write).await,
            Self::Redis(redis, store) => match redis.commit(space, epoch, me, write).await {
                Ok(committed) => Ok(committed),
                // Without Redis, ownership is proven in SQL.
                Err(Unreachable) => match sql_claim(store, space, epoch, me).await? {
                    Taken::Ours => sql_commit(store, space, epoch, write).await,
                    Taken::Fenced | Taken::Impossible => Ok(Committed::Fenced),
                },
            },
        }
    }

    /// Writes a copy of a checkpoint to the database, which survives the loss of Redis.
    pub async fn write_backup(&self, space: SpaceId, epoch: Epoch, checkpoint: &(u64, Vec<u8>)) {
        if let Self::Redis(_, store) = self
            && let Err(error) = store
                .save_checkpoint(space, epoch, checkpoint.0, &checkpoint.1)
                .await
        {
            tracing::warn!(%space, %error, "failed to back up a checkpoint; retry in a minute");
        }
    }

    /// Deletes the saved state of a space.
    pub async fn forget(&self, space: SpaceId) -> Result<(), StoreError> {
        let (Self::Sql(store) | Self::Redis(_, store)) = self;
        if let Self::Redis(redis, _) = self {
            // Redis removes the rest by itself: all keys of a space expire when they are not
            // written for long.
            let _ = redis.forget(space).await;
        }
        store.delete_checkpoint(space).await
    }
}

impl StoredSpace {
    /// The newer checkpoint, and the events of both places; replaying skips duplicates.
    fn newest(self, other: Self) -> Self {
        let age = |found: &Self| {
            found
                .checkpoint
                .as_ref()
                .map(|(epoch, tick, _)| (*epoch, *tick))
        };
        let (mut newer, older) = if age(&other) > age(&self) {
            (other, self)
        } else {
            (self, other)
        };
        newer.events.extend(older.events);
        newer.events.sort_by_key(|(tick, _)| *tick);
        newer
    }

    fn into_saved(self) -> SavedState {
        let tick = self.checkpoint.as_ref().map_or(0, |(_, tick, _)| *tick);
        SavedState {
            checkpoint: self.checkpoint.map(|(.., blob)| blob),
            events: self
                .events
                .into_iter()
                .filter(|(at, _)| *at > tick)
                .collect(),
        }
    }
}

fn unreachable(error: &StoreError) -> Unreachable {
    tracing::warn!(%error, "a query about the ownership of a space failed");
    Unreachable
}

async fn sql_claim(
    store: &Store,
    space: SpaceId,
    epoch: Epoch,
    me: &Member,
) -> Result<Taken, Unreachable> {
    let is_owner = store.is_owner(space, epoch, me.nonce.0).await;
    let is_owner = is_owner.map_err(|error| unreachable(&error))?;
    Ok(if is_owner { Taken::Ours } else { Taken::Fenced })
}

async fn sql_load(store: &Store, space: SpaceId) -> Result<StoredSpace, Unreachable> {
    let checkpoint = store
        .load_checkpoint(space)
        .await
        .map_err(|error| unreachable(&error))?;
    let events = store
        .load_log(space)
        .await
        .map_err(|error| unreachable(&error))?;
    Ok(StoredSpace {
        checkpoint: checkpoint.map(|row| (row.epoch, row.tick, row.blob)),
        events: events
            .into_iter()
            .map(|row| (row.tick, row.event))
            .collect(),
    })
}

async fn sql_commit(
    store: &Store,
    space: SpaceId,
    epoch: Epoch,
    write: &Write,
) -> Result<Committed, Unreachable> {
    let mut is_kept = true;
    if let Some((tick, blob)) = &write.checkpoint {
        let kept = store.save_checkpoint(space, epoch, *tick, blob).await;
        is_kept = kept.map_err(|error| unreachable(&error))?;
    }
    if is_kept && !write.events.is_empty() {
        let kept = store.append_log(space, epoch, &write.events).await;
        is_kept = kept.map_err(|error| unreachable(&error))?;
    }
    Ok(if is_kept {
        Committed::Kept
    } else {
        Committed::Fenced
    })
}
