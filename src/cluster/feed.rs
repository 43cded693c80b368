//! Feed: updates running spaces when their layout in SQL changes.
//!
//! An edit is committed first and then sent to the process that runs the space, which is fast. The
//! message may be lost, or come while the space is opened, moved or taken over, and commands such
//! as `plaza seed` write to SQL alone. Versions are therefore also compared after a space was
//! opened, when one missed an edit, and for all spaces once a second.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::MissedTickBehavior;

use super::shared::{FeedQuery, Spaces, SpacesState};
use crate::components::command::Command;
use crate::components::element::ElementCommand;
use crate::components::id::SpaceId;
use crate::host::Ending;
use crate::store::StoreError;

/// How often every space is compared with SQL.
const SWEEP: Duration = Duration::from_secs(1);

impl Spaces {
    /// Called when a version of the layout was read from SQL: a space that runs here with an older
    /// one is updated.
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
    /// Requests a comparison.
    pub(super) fn look(&self, what: FeedQuery) {
        // The receiver is gone only while the process ends.
        let _ = self.looks.send(what);
    }

    /// Compares requested spaces at once and all spaces once a second, until the process ends.
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
            let spaces = if is_all {
                self.running()
            } else {
                asked.into_iter().collect()
            };
            let failed = match self.catch_up(&spaces).await {
                Ok(()) => self.update_silences(&spaces).await.err(),
                Err(error) => Some(error),
            };
            let was_failing = std::mem::replace(&mut is_failing, failed.is_some());
            if let Some(error) = failed.filter(|_| !was_failing) {
                tracing::warn!(%error, "failed to compare running spaces with the database; \
                    retrying every second");
            }
        }
    }

    fn running(&self) -> Vec<SpaceId> {
        let open = self.open.lock();
        let open = open.iter().filter(|(_, open)| !open.handle.has_ended());
        open.map(|(space, _)| *space).collect()
    }

    /// Sends the current layout to spaces with an older version.
    async fn catch_up(&self, spaces: &[SpaceId]) -> Result<(), StoreError> {
        for (space, version) in self.store.plan_versions(spaces).await? {
            let Some((handle, scene)) = self.opened(space) else {
                continue;
            };
            if handle.has_ended() || handle.version() >= version {
                continue;
            }
            let Some(layout) = self.store.space_layout(space).await? else {
                continue;
            };
            metrics::counter!("plaza_plans_reread_total").increment(1);
            if (layout.width, layout.height) != (scene.width, scene.height) {
                tracing::info!(%space, version, "the size of a space changed; opening it again");
                handle.close(Ending::Resized);
                continue;
            }
            tracing::debug!(%space, from = handle.version(), to = layout.version, "updating the \
                layout of a space");
            if handle
                .send(Command::Element(ElementCommand::ReplaceLayout {
                    layout: Box::new(layout),
                }))
                .is_err()
            {
                tracing::debug!(%space, "a space is overloaded; its layout is updated later");
            }
        }
        Ok(())
    }
}
