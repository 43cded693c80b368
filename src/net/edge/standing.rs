//! Standing: how the user of a connection stands to its space, read again when an action asks for a
//! permission. A user who was given another role, or muted, need not connect again.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::{Instant, timeout};

use crate::components::id::{SpaceId, UserId};
use crate::components::membership::Membership;
use crate::store::Store;

/// Time for which an answer of the database is used again, so that not every message waits for a
/// query.
const FRESH: Duration = Duration::from_secs(1);

/// Longest wait for the database. After it the last answer counts.
const PATIENCE: Duration = Duration::from_millis(250);

/// When the database last failed to answer. Connections share it: they wait for a database that is
/// gone once a second together, and not each of them.
#[derive(Default)]
pub(super) struct Outage(Mutex<Option<Instant>>);

impl Outage {
    fn is_recent(&self, now: Instant) -> bool {
        let failed = *self.0.lock();
        failed.is_some_and(|failed| now.duration_since(failed) < FRESH)
    }

    fn began(&self, now: Instant, reason: &dyn std::fmt::Display) {
        // Questions that were asked together fail together.
        let is_known = self.is_recent(now);
        *self.0.lock() = Some(now);
        if !is_known {
            tracing::warn!(%reason, "failed to load memberships; the last ones count");
        }
    }
}

/// The standing of a connection's user in the space it joined.
pub(super) struct CurrentStanding {
    user: UserId,
    space: SpaceId,
    last: Membership,
    /// `None` until an action asked for a permission.
    asked: Option<Instant>,
    /// Number of changes in the space that the process knew of when it asked.
    changes: u64,
}

impl CurrentStanding {
    /// Begins with the membership of the join, which counts while the database does not answer.
    pub(super) fn new(user: UserId, space: SpaceId, membership: Membership, changes: u64) -> Self {
        Self {
            user,
            space,
            last: membership,
            asked: None,
            changes,
        }
    }

    /// How the user stood to the space when this was last asked, or at the join.
    pub(super) const fn last(&self) -> &Membership {
        &self.last
    }

    /// The space that the connection joined.
    pub(super) const fn space(&self) -> SpaceId {
        self.space
    }

    /// How the user stands to the space now. `changes` are those that the process knows of.
    pub(super) async fn now(
        &mut self,
        store: &Store,
        outage: &Outage,
        changes: u64,
    ) -> &Membership {
        let is_fresh = self.asked.is_some_and(|asked| asked.elapsed() < FRESH);
        let is_old = !is_fresh || self.changes != changes;
        self.changes = changes;
        if is_old && !outage.is_recent(Instant::now()) {
            // Boxed, because the future of a connection should stay small.
            Box::pin(self.ask(store, outage)).await;
        }
        &self.last
    }

    async fn ask(&mut self, store: &Store, outage: &Outage) {
        let answer = timeout(PATIENCE, store.membership(self.user, self.space)).await;
        let now = Instant::now();
        match answer {
            Ok(Ok(membership)) => self.last = membership.unwrap_or_default(),
            Ok(Err(error)) => outage.began(now, &error),
            Err(_) => outage.began(now, &"the database took too long"),
        }
        self.asked = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failed_answer_spares_the_others_the_wait_for_a_second() {
        let (outage, failed) = (Outage::default(), Instant::now());
        assert!(!outage.is_recent(failed));
        outage.began(failed, &"no answer");
        assert!(outage.is_recent(failed + FRESH / 2));
        assert!(!outage.is_recent(failed + FRESH), "asked again");
    }
}
