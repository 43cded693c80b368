//! Feed: keeps spaces that run here as SQL says they are.
//!
//! Edits are committed, then told to the process that runs the space: that makes them fast. Telling
//! may fail, or come while the space is opened, moved or taken over, and commands such as `plaza
//! seed` write to SQL alone. So versions are compared after a space was opened, when one missed an
//! edit, and for all of them once a second: that makes them sure.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::MissedTickBehavior;

use super::spaces::{Spaces, SpacesState};
use crate::components::command::Command;
use crate::components::id::SpaceId;
use crate::host::Ending;
use crate::store::StoreError;

/// How often every space is compared with SQL.
const SWEEP: Duration = Duration::from_secs(1);

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FeedQuery {
    /// One space.
    At(SpaceId),
    /// All that run here.
    AtAll,
}

impl Spaces {
    /// What people made of a space was read in that version: when it runs here with an older one it
    /// gets the new one.
    pub fn noticed(&self, space: SpaceId, version: u32) {
        if self
            .opened(space)
            .is_some_and(|(handle, _)| handle.version() < version)
        {
            self.0.look(FeedQuery::At(space));
        }
    }
}

impl SpacesState {
    /// Compares soon.
    pub(super) fn look(&self, what: FeedQuery) {
        // No one listens only while the process ends.
        let _ = self.looks.send(what);
    }

    /// Compares what it is asked to, and everything once a second, until the process ends.
    pub(super) async fn feed(self: Arc<Self>, mut looks: UnboundedReceiver<FeedQuery>) {
        let mut sweep = tokio::time::interval(SWEEP);
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut is_failing = false;
        loop {
            let first = tokio::select! {
                look = looks.recv() => look.unwrap_or(FeedQuery::AtAll),
                _ = sweep.tick() => FeedQuery::AtAll,
                () = self.over.cancelled() => return,
            };
            let mut asked = BTreeSet::new();
            let mut is_all = false;
            for look in std::iter::once(first).chain(std::iter::from_fn(|| looks.try_recv().ok())) {
                match look {
                    FeedQuery::At(space) => drop(asked.insert(space)),
                    FeedQuery::AtAll => is_all = true,
                }
            }
            let open = self.running();
            let spaces: Vec<SpaceId> = open
                .into_iter()
                .filter(|space| is_all || asked.contains(space))
                .collect();
            let failed = self.catch_up(&spaces).await.err();
            let was_failing = std::mem::replace(&mut is_failing, failed.is_some());
            if let Some(error) = failed.filter(|_| !was_failing) {
                tracing::warn!(%error, "spaces that run cannot be compared with the database; it \
                    is tried every second");
            }
        }
    }

    fn running(&self) -> Vec<SpaceId> {
        let open = self.open.lock();
        let open = open.iter().filter(|(_, open)| !open.handle.has_ended());
        open.map(|(space, _)| *space).collect()
    }

    /// Gives spaces that are behind the plan of today.
    async fn catch_up(&self, spaces: &[SpaceId]) -> Result<(), StoreError> {
        for (space, version) in self.store.plan_versions(spaces).await? {
            let Some((handle, scene)) = self.opened(space) else {
                continue;
            };
            if handle.has_ended() || handle.version() >= version {
                continue;
            }
            let Some(plan) = self.store.plan(space).await? else {
                continue;
            };
            metrics::counter!("plaza_plans_reread_total").increment(1);
            if (plan.width, plan.height) != (scene.width, scene.height) {
                tracing::info!(%space, version, "a space has another size now and is opened again");
                handle.close(Ending::Resized);
                continue;
            }
            tracing::debug!(%space, from = handle.version(), to = plan.version, "a space gets a \
                newer plan");
            if handle
                .send(Command::ReplaceLayout {
                    plan: Box::new(plan),
                })
                .is_err()
            {
                tracing::debug!(%space, "an overloaded space gets its newer plan later");
            }
        }
        Ok(())
    }
}
