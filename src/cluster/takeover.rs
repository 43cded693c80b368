//! Takeover: carries out the requests of [`Ownership`](super::ownership::Ownership): leases,
//! proofs, and taking a space with the state that its previous owner saved.

use std::sync::Arc;

use super::node::{Member, Node};
use super::ownership::{Epoch, Event, OwnershipRequest, Taken, Unreachable};
use super::record::{Committed, Write};
use super::shared::{SpacesState, TakenSpace};
use super::vault::SavedState;
use crate::components::id::SpaceId;
use crate::components::layout::SpaceLayout;
use crate::components::scene::Scene;
use crate::components::unit::{Tick, TickRate};
use crate::host::monotonic::MonotonicTime;
use crate::space::{Checkpoint, CheckpointError, DurableEvent, Space};
use crate::store::StoreError;

impl SpacesState {
    /// Carries out a request; the answer comes back as an event.
    pub(super) async fn answer(self: Arc<Self>, ask: OwnershipRequest, me: Member) {
        let node = Node {
            member: me.clone(),
            ..self.node()
        };
        let sent = MonotonicTime::now();
        let event = match ask {
            OwnershipRequest::Renew => Event::Renewed {
                sent,
                answer: self.directory.renew(&node).await,
            },
            OwnershipRequest::Prove => Event::Proven {
                by: me.nonce,
                sent,
                answer: self.directory.prove(&me).await,
            },
            OwnershipRequest::Look(space) => {
                Event::Looked(space, self.directory.look(space, &node).await)
            }
            OwnershipRequest::Mint { space, seen, dead } => Event::Minted {
                space,
                by: me.nonce,
                answer: self.directory.mint(space, seen, dead.as_ref(), &me).await,
            },
            OwnershipRequest::Take { space, epoch } => {
                Event::Taken(space, epoch, self.take(space, epoch, &me).await)
            }
            OwnershipRequest::Assert { space, epoch } => {
                Event::Asserted(space, epoch, self.assert(space, epoch, &me).await)
            }
            OwnershipRequest::Release { space, epoch } => {
                self.directory.release(space, epoch, &me).await;
                return;
            }
            OwnershipRequest::HandOver { space, epoch, to } => {
                self.directory.release(space, epoch, &me).await;
                self.handed_over(space, &to).await;
                return;
            }
        };
        self.happened(event);
    }

    /// Claims a space, builds it from the saved state, and saves it under the new epoch.
    async fn take(&self, space: SpaceId, epoch: Epoch, me: &Member) -> Result<Taken, Unreachable> {
        let failed = |error: StoreError| {
            tracing::error!(%space, %error, "failed to read a space");
            Unreachable
        };
        let Some(row) = self.store.space(space).await.map_err(failed)? else {
            return Ok(Taken::Impossible);
        };
        let Some(layout) = self.store.space_layout(space).await.map_err(failed)? else {
            return Ok(Taken::Impossible);
        };
        let claimed = self.vault.claim(space, epoch, me).await?;
        if claimed != Taken::Ours {
            return Ok(claimed);
        }
        let kept = self.vault.load(space).await?;
        let is_new = kept.checkpoint.is_none() && kept.events.is_empty();
        let chat: Vec<DurableEvent> = kept.chat().collect();
        let restored = match restored(kept, &layout, self.rate) {
            Err(error) if error.is_newer() => {
                self.leave_to_a_later_version(space, &error);
                return Ok(Taken::Impossible);
            }
            restored => restored,
        };
        self.unreadable.lock().remove(&space);
        if row.keeps_chat {
            // The previous owner may not have saved its chat yet; the seal truncates the log.
            self.store
                .keep_chat_of(space, epoch, &chat)
                .await
                .map_err(failed)?;
        }
        let mut world = match restored {
            Ok(mut world) => {
                world.forget_before(row.chat_since());
                world
            }
            Err(error) => {
                tracing::error!(%space, %error, "a checkpoint cannot be read; the space starts \
                    fresh");
                Space::new(&layout, self.rate)
            }
        };
        if !row.keeps_chat {
            world.forget_when_empty();
        }
        world.slow_down(row.slow_seconds);
        world.forward_calls(self.forwarder);
        if !is_new {
            let seal = Write {
                checkpoint: Some((world.tick().0, world.checkpoint().encode())),
                events: Vec::new(),
            };
            if self.vault.commit(space, epoch, me, &seal).await? != Committed::Kept {
                return Ok(Taken::Fenced);
            }
        }
        let scene = Scene {
            name: row.name,
            width: layout.width,
            height: layout.height,
            tick_rate: self.rate.per_second(),
        };
        let taken = TakenSpace {
            world,
            scene,
            keeps_chat: row.keeps_chat,
        };
        self.taken.lock().insert((space, epoch), taken);
        Ok(Taken::Ours)
    }

    /// Logs once that a space cannot be read here: its clients ask for it several times a second.
    fn leave_to_a_later_version(&self, space: SpaceId, error: &CheckpointError) {
        if self.unreadable.lock().insert(space) {
            tracing::error!(%space, %error, "a later version of Plaza saved the space; this \
                process leaves it to one that can read it");
        }
    }

    /// Claims a space again in a directory that lost the claim, and has the whole state written
    /// again.
    async fn assert(
        &self,
        space: SpaceId,
        epoch: Epoch,
        me: &Member,
    ) -> Result<Taken, Unreachable> {
        if !self.directory.is_owner(space, epoch, me).await? {
            return Ok(Taken::Fenced);
        }
        let claimed = self.vault.claim(space, epoch, me).await?;
        if claimed == Taken::Ours
            && let Some(open) = self.open.lock().get(&space)
        {
            open.handle.checkpoint();
        }
        Ok(claimed)
    }
}

/// The space as it was saved, with all later events applied. An event that is damaged is lost.
fn restored(
    kept: SavedState,
    layout: &SpaceLayout,
    rate: TickRate,
) -> Result<Space, CheckpointError> {
    let checkpoint = match kept.checkpoint {
        Some(blob) => Checkpoint::decode(&blob)?,
        None => Checkpoint::default(),
    };
    let mut events = Vec::new();
    for (tick, event) in kept.events {
        match DurableEvent::decode(&event) {
            Ok(event) => events.push((Tick(tick), event)),
            Err(error) if error.is_newer() => return Err(error),
            Err(error) => {
                tracing::error!(%error, "an event of a space cannot be decoded and is lost");
            }
        }
    }
    Space::restore(layout, rate, &checkpoint, &events)
}
