//! Standing: how the user of a connection stands to its space, read again when an action asks for a
//! permission. A user who became an admin, or lost a space, need not connect again.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::components::id::{SpaceId, UserId};
use crate::components::permissions::{Permission, Standing, may};
use crate::store::Store;

/// Time for which an answer of the database is used again, so that not every message waits for a
/// query.
const FRESH: Duration = Duration::from_secs(1);

/// Longest wait for the database. After it the last answer counts; without one, the user has no
/// permissions.
const PATIENCE: Duration = Duration::from_millis(250);

/// The standing of a connection's user in the space it joined.
pub(super) struct CurrentStanding {
    user: UserId,
    space: SpaceId,
    last: Standing,
    asked: Option<Instant>,
}

impl CurrentStanding {
    /// Asks the database only when a permission is needed.
    pub(super) fn new(user: UserId, space: SpaceId) -> Self {
        Self {
            user,
            space,
            last: Standing::default(),
            asked: None,
        }
    }

    /// Whether the user may do something in the space now.
    pub(super) async fn may(&mut self, store: &Store, permission: Permission) -> bool {
        if self.asked.is_none_or(|asked| asked.elapsed() >= FRESH) {
            // Boxed, because the future of a connection should stay small.
            Box::pin(self.ask(store)).await;
        }
        may(self.last, permission)
    }

    async fn ask(&mut self, store: &Store) {
        let (user, space) = (self.user, self.space);
        match timeout(PATIENCE, store.standing(user, space)).await {
            Ok(Ok(standing)) => self.last = standing,
            Ok(Err(error)) => tracing::warn!(%space, %error, "failed to load a user's standing"),
            Err(_) => tracing::warn!(%space, "the database took too long for a user's standing"),
        }
        self.asked = Some(Instant::now());
    }
}
