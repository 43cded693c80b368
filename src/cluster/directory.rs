//! Directory: the live processes (in Redis) and the owner of each space (in SQL).

use super::census::{Census, RunningSpace};
use super::node::{Member, Node, NodeId, Nonce};
use super::ownership::{Dead, Epoch, Looked, OwnerRecord, PROOF, Renewal, Unreachable};
use super::redis::Redis;
use crate::components::id::SpaceId;
use crate::store::{Store, StoreError};

/// Live processes come from Redis, owners from SQL.
#[derive(Clone)]
pub struct Directory {
    store: Store,
    /// `None` when this process is the only one.
    redis: Option<Redis>,
}

impl Directory {
    /// A directory; without Redis, of a single process.
    pub const fn new(store: Store, redis: Option<Redis>) -> Self {
        Self { store, redis }
    }

    /// Whether there can be other processes.
    pub const fn is_shared(&self) -> bool {
        self.redis.is_some()
    }

    /// Publishes the spaces that this process runs.
    pub async fn report(&self, me: &Member, running: &[RunningSpace]) -> Result<(), Unreachable> {
        match &self.redis {
            None => Ok(()),
            Some(redis) => redis.report(&me.node, running).await,
        }
    }

    /// Latest report of each process; empty when this process is the only one.
    pub async fn census(&self) -> Result<Census, Unreachable> {
        match &self.redis {
            None => Ok(Census::default()),
            Some(redis) => redis.census().await,
        }
    }

    /// Redis; `None` when this process is the only one.
    pub const fn redis(&self) -> Option<&Redis> {
        self.redis.as_ref()
    }

    /// Renews the lease of this process.
    pub async fn renew(&self, me: &Node) -> Result<Renewal, Unreachable> {
        match &self.redis {
            None => Ok(Renewal::Forever),
            Some(redis) => redis.renew(me).await,
        }
    }

    /// Releases the lease at once.
    pub async fn release_lease(&self, me: &Member) {
        if let Some(redis) = &self.redis {
            // It expires by itself otherwise.
            let _ = redis.release_lease(me).await;
        }
    }

    /// Processes whose lease is valid, and the identity of the directory that was asked.
    pub async fn alive(&self, me: &Node) -> Result<(u64, Vec<Node>), Unreachable> {
        match &self.redis {
            None => Ok((0, vec![me.clone()])),
            Some(redis) => redis.alive().await,
        }
    }

    /// Owner of a space, and live processes.
    pub async fn look(&self, space: SpaceId, me: &Node) -> Result<Looked, Unreachable> {
        let row = self
            .store
            .owner(space)
            .await
            .map_err(|error| unreachable(&error))?;
        let row = row.map(|row| OwnerRecord {
            epoch: row.epoch,
            owner: (!row.node.is_empty()).then_some(Member {
                node: NodeId(row.node),
                nonce: Nonce(row.nonce),
            }),
        });
        let (directory, alive) = self.alive(me).await?;
        Ok(Looked {
            row,
            alive,
            directory,
        })
    }

    /// Makes this process the owner, if the epoch is still `seen`.
    pub async fn mint(
        &self,
        space: SpaceId,
        seen: Epoch,
        dead: Option<&Dead>,
        me: &Member,
    ) -> Result<Option<Epoch>, Unreachable> {
        if let (Some(dead), Some(redis)) = (dead, &self.redis)
            && !redis.bury(dead).await?
        {
            return Ok(None);
        }
        // A single process has no rivals with a proof.
        let proof_ms = if self.is_shared() {
            i64::try_from(PROOF.as_millis()).unwrap_or(i64::MAX)
        } else {
            0
        };
        let by = (me.node.0.as_str(), me.nonce.0);
        let minted = self.store.mint_epoch(space, seen, by, proof_ms).await;
        minted.map_err(|error| unreachable(&error))
    }

    /// Spaces that this process owns according to SQL.
    pub async fn prove(&self, me: &Member) -> Result<Vec<(SpaceId, Epoch)>, Unreachable> {
        let proven = self.store.prove_ownership(me.nonce.0).await;
        proven.map_err(|error| unreachable(&error))
    }

    /// Whether this process owns the space according to SQL.
    pub async fn is_owner(
        &self,
        space: SpaceId,
        epoch: Epoch,
        me: &Member,
    ) -> Result<bool, Unreachable> {
        let is_owner = self.store.is_owner(space, epoch, me.nonce.0).await;
        is_owner.map_err(|error| unreachable(&error))
    }

    /// Releases a space.
    pub async fn release(&self, space: SpaceId, epoch: Epoch, me: &Member) {
        if let Some(redis) = &self.redis {
            let _ = redis.release(space, epoch, me).await;
        }
        if let Err(error) = self.store.release_space(space, epoch, me.nonce.0).await {
            tracing::warn!(%space, %error, "failed to release a space; another process can take it \
                over when the lease of this one expires");
        }
    }
}

fn unreachable(error: &StoreError) -> Unreachable {
    tracing::warn!(%error, "failed to read the owner of a space");
    Unreachable
}
