//! Directory: which processes live, and which of them owns a space.

use super::census::{Census, RunningSpace};
use super::node::{Member, Node, NodeId, Nonce};
use super::ownership::{Dead, Epoch, Looked, OwnerRecord, PROOF, Renewal, Unreachable};
use super::redis::Redis;
use crate::components::id::SpaceId;
use crate::store::{Store, StoreError};

/// Who lives; SQL says who owns.
#[derive(Clone)]
pub struct Directory {
    store: Store,
    /// Nothing when this process is alone.
    redis: Option<Redis>,
}

impl Directory {
    /// Alone without Redis.
    pub const fn new(store: Store, redis: Option<Redis>) -> Self {
        Self { store, redis }
    }

    /// Whether there can be other processes.
    pub const fn is_shared(&self) -> bool {
        self.redis.is_some()
    }

    /// Lets others know what this process runs.
    pub async fn report(&self, me: &Member, running: &[RunningSpace]) -> Result<(), Unreachable> {
        match &self.redis {
            None => Ok(()),
            Some(redis) => redis.report(&me.node, running).await,
        }
    }

    /// Every process with what it runs, as each said lately. Nothing when this process is alone.
    pub async fn census(&self) -> Result<Census, Unreachable> {
        match &self.redis {
            None => Ok(Census::default()),
            Some(redis) => redis.census().await,
        }
    }

    /// The Redis that says who lives; nothing when this process is alone.
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

    /// Gives the lease up at once.
    pub async fn release_lease(&self, me: &Member) {
        if let Some(redis) = &self.redis {
            // It runs out by itself otherwise.
            let _ = redis.release_lease(me).await;
        }
    }

    /// Every process whose lease stands, and the identity of the directory that says so.
    pub async fn alive(&self, me: &Node) -> Result<(u64, Vec<Node>), Unreachable> {
        match &self.redis {
            None => Ok((0, vec![me.clone()])),
            Some(redis) => redis.alive().await,
        }
    }

    /// Who owns a space, and who lives.
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

    /// Makes this process the owner, if nothing changed since that epoch was seen.
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
        // Alone there is nobody else who could have proven anything.
        let proof_ms = if self.is_shared() {
            PROOF.as_millis() as i64
        } else {
            0
        };
        let by = (me.node.0.as_str(), me.nonce.0);
        let minted = self.store.mint_epoch(space, seen, by, proof_ms).await;
        minted.map_err(|error| unreachable(&error))
    }

    /// What SQL says is still this process's.
    pub async fn prove(&self, me: &Member) -> Result<Vec<(SpaceId, Epoch)>, Unreachable> {
        let proven = self.store.prove_ownership(me.nonce.0).await;
        proven.map_err(|error| unreachable(&error))
    }

    /// Whether SQL says that a space is this process's.
    pub async fn is_owner(
        &self,
        space: SpaceId,
        epoch: Epoch,
        me: &Member,
    ) -> Result<bool, Unreachable> {
        let is_owner = self.store.is_owner(space, epoch, me.nonce.0).await;
        is_owner.map_err(|error| unreachable(&error))
    }

    /// Gives a space up.
    pub async fn release(&self, space: SpaceId, epoch: Epoch, me: &Member) {
        if let Some(redis) = &self.redis {
            let _ = redis.release(space, epoch, me).await;
        }
        if let Err(error) = self.store.release_space(space, epoch, me.nonce.0).await {
            tracing::warn!(%space, %error, "a space was not given up; it is taken over when the \
                lease of this process is");
        }
    }
}

fn unreachable(error: &StoreError) -> Unreachable {
    tracing::warn!(%error, "the database did not say who owns a space");
    Unreachable
}
