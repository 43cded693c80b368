//! Vault: the claims, checkpoints and logs of spaces, fenced by their epochs.

use std::collections::HashMap;

use redis::cmd;

use super::Redis;
use crate::cluster::node::Member;
use crate::cluster::ownership::{Epoch, Taken, Unreachable};
use crate::cluster::record::{Committed, StoredSpace, Write};
use crate::components::id::SpaceId;

/// Lifetime of a space's keys after the last write: a week. The database has a permanent copy.
const KEEP_SECONDS: u64 = 7 * 24 * 60 * 60;

impl Redis {
    /// Fences out every lower epoch of a space.
    pub async fn claim(
        &self,
        space: SpaceId,
        epoch: Epoch,
        me: &Member,
    ) -> Result<Taken, Unreachable> {
        let mut script = self.0.scripts.claim.prepare_invoke();
        script
            .key(space_key(space, "own"))
            .arg(epoch)
            .arg(me.nonce.0.to_string())
            .arg(&me.node.0)
            .arg(KEEP_SECONDS);
        let is_ours: i64 = self.run(&script).await?;
        Ok(if is_ours == 1 {
            Taken::Ours
        } else {
            Taken::Fenced
        })
    }

    /// Loads the saved state of a space.
    pub(in crate::cluster) async fn load(
        &self,
        space: SpaceId,
    ) -> Result<StoredSpace, Unreachable> {
        let (epoch, tick, blob): (Option<u64>, Option<u64>, Option<Vec<u8>>) = self
            .ask(
                cmd("hmget")
                    .arg(space_key(space, "ckpt"))
                    .arg("epoch")
                    .arg("tick")
                    .arg("blob"),
            )
            .await?;
        let log: Vec<(String, HashMap<String, Vec<u8>>)> = self
            .ask(cmd("xrange").arg(space_key(space, "log")).arg("-").arg("+"))
            .await?;
        let events = log.into_iter().filter_map(|(id, mut fields)| {
            let tick = id.split('-').next()?.parse().ok()?;
            Some((tick, fields.remove("event")?))
        });
        Ok(StoredSpace {
            checkpoint: epoch
                .zip(tick)
                .zip(blob)
                .map(|((epoch, tick), blob)| (epoch, tick, blob)),
            events: events.collect(),
        })
    }

    /// Writes a checkpoint and events, all or nothing.
    pub async fn commit(
        &self,
        space: SpaceId,
        epoch: Epoch,
        me: &Member,
        write: &Write,
    ) -> Result<Committed, Unreachable> {
        let (tick, blob) = match &write.checkpoint {
            Some((tick, blob)) => (*tick, blob.as_slice()),
            None => (0, [].as_slice()),
        };
        let mut script = self.0.scripts.commit.prepare_invoke();
        script
            .key(space_key(space, "own"))
            .key(space_key(space, "ckpt"))
            .key(space_key(space, "log"))
            .arg(epoch)
            .arg(me.nonce.0.to_string())
            .arg(KEEP_SECONDS)
            .arg(tick)
            .arg(blob);
        for (tick, event) in &write.events {
            script.arg(*tick).arg(event.as_slice());
        }
        let answer: String = self.run(&script).await?;
        Ok(match answer.as_str() {
            "kept" => Committed::Kept,
            "forgotten" => Committed::Forgotten,
            _ => Committed::Fenced,
        })
    }

    /// Releases a space; its epoch stays.
    pub async fn release(
        &self,
        space: SpaceId,
        epoch: Epoch,
        me: &Member,
    ) -> Result<(), Unreachable> {
        let mut script = self.0.scripts.release.prepare_invoke();
        script
            .key(space_key(space, "own"))
            .arg(epoch)
            .arg(me.nonce.0.to_string());
        self.run(&script).await
    }

    /// Deletes everything of a space.
    pub async fn forget(&self, space: SpaceId) -> Result<(), Unreachable> {
        let keys = ["own", "ckpt", "log"].map(|part| space_key(space, part));
        let _: i64 = self.ask(cmd("del").arg(&keys[..])).await?;
        Ok(())
    }
}

fn space_key(space: SpaceId, part: &str) -> String {
    format!("plaza:{{{space}}}:{part}")
}
