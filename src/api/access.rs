//! Access: which spaces a caller may see.

use super::AppState;
use super::error::ApiError;
use crate::components::id::SpaceId;
use crate::store::layouts::LayoutRow;
use crate::store::spaces::SpaceRow;

/// Loads a space that the caller may see: today every space whose id they know.
pub async fn visible(state: &AppState, space: SpaceId) -> Result<SpaceRow, ApiError> {
    state.store.space(space).await?.ok_or_else(unknown)
}

/// Loads the layout of a space that the caller may see.
pub async fn layout(state: &AppState, space: SpaceId) -> Result<LayoutRow, ApiError> {
    let layout = state.store.layout(space).await?;
    layout.ok_or_else(unknown)
}

fn unknown() -> ApiError {
    ApiError::bad("There is no such space.")
}
