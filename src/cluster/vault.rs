//! Vault: where a space outlives the process that runs it: its newest checkpoint, and what happened
//! since.
//!
//! Every write is fenced: whoever has a higher epoch shuts out all before.

use super::node::Member;
use super::ownership::{Epoch, Taken, Unreachable};
use super::redis::Redis;
use crate::components::id::SpaceId;
use crate::space::checkpoint::DurableEvent;
use crate::store::{Store, StoreError};

/// What is written at once, all or nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Write {
    /// The state, and when it was so.
    pub checkpoint: Option<(u64, Vec<u8>)>,
    /// What happened, and when; oldest first. What the state has already need not be here.
    pub events: Vec<(u64, Vec<u8>)>,
}

/// What was found of a space.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SavedState {
    /// The newest state.
    pub checkpoint: Option<Vec<u8>>,
    /// What happened since, and when; oldest first.
    pub events: Vec<(u64, Vec<u8>)>,
}

impl SavedState {
    /// What was said since the state, and what became of it.
    pub fn chat(&self) -> impl Iterator<Item = DurableEvent> {
        self.events
            .iter()
            .filter_map(|(_, event)| DurableEvent::decode(event).ok())
    }
}

/// How a write went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Committed {
    /// It outlives this process.
    Kept,
    /// Somebody has a higher epoch.
    Fenced,
    /// The vault does not know of the claim: it lost its last writes.
    Forgotten,
}

/// Where spaces are kept.
#[derive(Clone)]
pub enum Vault {
    /// In the database.
    Sql(Store),
    /// In Redis, with the database behind it while Redis is gone.
    Redis(Redis, Store),
}

impl Vault {
    /// Shuts out every lower epoch.
    pub async fn claim(
        &self,
        space: SpaceId,
        epoch: Epoch,
        me: &Member,
    ) -> Result<Taken, Unreachable> {
        match self {
            // Minting was the claim.
            Self::Sql(store) => sql_claim(store, space, epoch, me).await,
            Self::Redis(redis, _) => redis.claim(space, epoch, me).await,
        }
    }

    /// What there is of a space.
    pub async fn load(&self, space: SpaceId) -> Result<SavedState, Unreachable> {
        match self {
            Self::Sql(store) => Ok(sql_load(store, space).await?.into_kept()),
            Self::Redis(redis, store) => {
                let hot = redis.load(space).await?;
                let cold = sql_load(store, space).await?;
                Ok(hot.newest(cold).into_kept())
            }
        }
    }

    /// Writes what must outlive this process.
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
                // Ownership is then proven in SQL too.
                Err(Unreachable) => match sql_claim(store, space, epoch, me).await? {
                    Taken::Ours => sql_commit(store, space, epoch, write).await,
                    Taken::Fenced | Taken::Impossible => Ok(Committed::Fenced),
                },
            },
        }
    }

    /// Keeps a copy where it survives the loss of everything hot.
    pub async fn keep_cold(&self, space: SpaceId, epoch: Epoch, checkpoint: &(u64, Vec<u8>)) {
        if let Self::Redis(_, store) = self
            && let Err(error) = store
                .save_checkpoint(space, epoch, checkpoint.0, &checkpoint.1)
                .await
        {
            tracing::warn!(%space, %error, "the cold copy of a checkpoint was not kept; the next \
                one follows in a minute");
        }
    }

    /// Forgets a space that was deleted.
    pub async fn forget(&self, space: SpaceId) -> Result<(), StoreError> {
        let (Self::Sql(store) | Self::Redis(_, store)) = self;
        if let Self::Redis(redis, _) = self {
            // What stays is cleared away by Redis itself: everything of a space expires when nobody
            // writes it for long.
            let _ = redis.forget(space).await;
        }
        store.delete_checkpoint(space).await
    }
}

/// What one place has of a space.
#[derive(Debug, Default)]
pub(super) struct StoredSpace {
    /// Epoch, tick, state.
    pub checkpoint: Option<(Epoch, u64, Vec<u8>)>,
    /// Tick and event.
    pub events: Vec<(u64, Vec<u8>)>,
}

impl StoredSpace {
    /// The newer state, and every event of both places; who replays them knows an event that it has
    /// already.
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

    fn into_kept(self) -> SavedState {
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
    tracing::warn!(%error, "the database did not do what was asked for a space");
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
