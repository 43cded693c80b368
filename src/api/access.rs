//! Access: which spaces a caller may see.

use super::AppState;
use super::error::ApiError;
use crate::components::id::SpaceId;
use crate::store::spaces::SpaceRow;

/// Loads a space that the caller may see: today every space whose id they know.
pub async fn visible(state: &AppState, space: SpaceId) -> Result<SpaceRow, ApiError> {
    state
        .store
        .space(space)
        .await?
        .ok_or_else(|| ApiError::bad("There is no such space."))
}
