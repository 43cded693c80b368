//! Sweep: finds changes in the database that this process was not told of: by a command line, or by
//! another process whose message was lost.

use std::time::Duration;

use super::spaces::Spaces;
use crate::store::StoreError;

impl Spaces {
    /// Closes connections whose session has ended, those of users who may not be in their space any
    /// more, and spaces that were deleted, periodically. While the database does not answer, all
    /// stay open.
    pub async fn sweep(self, every: Duration) {
        let mut rounds = tokio::time::interval(every);
        rounds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            rounds.tick().await;
            if let Err(error) = self.look_at_the_database().await {
                tracing::debug!(%error, "failed to read changes from the database");
            }
        }
    }

    async fn look_at_the_database(&self) -> Result<(), StoreError> {
        let (connections, store) = (&self.0.connections, &self.0.store);
        connections.check(store, None).await?;
        connections.check_entry(store, None).await?;
        let open = self.open();
        if open.is_empty() {
            return Ok(());
        }
        for space in self.0.store.gone_spaces(&open).await? {
            self.end_deleted(space).await;
        }
        Ok(())
    }
}
