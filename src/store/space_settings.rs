//! Space settings: which players hear and see each other. `spaces` reads them with the space.

use super::{Store, StoreError};
use crate::components::id::SpaceId;
use crate::components::peers::ProximityRules;

impl Store {
    /// Sets the proximity rules of a space.
    pub async fn change_proximity_rules(
        &self,
        space: SpaceId,
        rules: ProximityRules,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "update spaces set reach_tiles = $2, most_voices = $3, most_pictures = $4, walls = $5 \
            where id = $1",
        )
        .bind(space.to_string())
        .bind(i64::from(rules.range_tiles))
        .bind(i64::from(rules.max_audio))
        .bind(i64::from(rules.max_video))
        .bind(rules.walls_block.map(i64::from))
        .execute(&self.writer)
        .await?;
        Ok(())
    }
}
