//! Sweep: looks again and again for what was changed in the database without a word to this
//! process: by a command line, or through another process whose word got lost.

use std::time::Duration;

use super::spaces::Spaces;
use crate::store::StoreError;

impl Spaces {
    /// Ends connections whose session has ended, and spaces that were deleted. While the database
    /// does not answer all stay.
    pub async fn sweep(self, every: Duration) {
        let mut rounds = tokio::time::interval(every);
        rounds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            rounds.tick().await;
            if let Err(error) = self.look_at_the_database().await {
                tracing::debug!(%error, "what was changed in the database cannot be seen now");
            }
        }
    }

    async fn look_at_the_database(&self) -> Result<(), StoreError> {
        self.0.connections.check(&self.0.store, None).await?;
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
