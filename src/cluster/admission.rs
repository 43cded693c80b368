//! Admission: lets a player open a space, and unloads empty ones for it, as `capacity` decides.

use std::collections::HashMap;
use std::sync::Arc;

use super::capacity::{
    AtCapacity, LoadedSpace, RequestedSpace, RequestedSpaces, Requester, to_unload,
};
use super::shared::{OpenedSpace, SpacesState};
use crate::components::id::SpaceId;
use crate::host::Ending;
use crate::host::monotonic::MonotonicTime;

/// A space that is being opened. Dropped when it is open, or cannot be opened.
pub(super) struct OpeningPermit {
    state: Arc<SpacesState>,
    space: SpaceId,
}

impl Drop for OpeningPermit {
    fn drop(&mut self) {
        if let Some(entry) = self.state.requested.lock().get_mut(&self.space) {
            entry.is_opening = false;
        }
    }
}

impl SpacesState {
    /// A place for one more space; empty ones are unloaded for it. `None` when another player is
    /// opening the space already.
    pub(super) fn admit(
        self: &Arc<Self>,
        space: SpaceId,
        by: Requester,
        tiles: usize,
    ) -> Result<Option<OpeningPermit>, AtCapacity> {
        let mut requested = self.requested.lock();
        let mut open = self.open.lock();
        requested.retain(|space, entry| entry.is_opening || open.contains_key(space));
        if requested.get(&space).is_some_and(|entry| entry.is_opening) {
            return Ok(None);
        }
        let loaded = loaded_spaces(&mut open, &requested);
        for unloaded in to_unload(self.max_open, &loaded, by, tiles)? {
            if let Some(open) = open.get_mut(&unloaded) {
                open.is_unloading = true;
                open.handle.close(Ending::Unloaded);
            }
        }
        drop(open);
        let entry = RequestedSpace {
            by,
            tiles,
            is_opening: true,
        };
        requested.insert(space, entry);
        Ok(Some(OpeningPermit {
            state: Arc::clone(self),
            space,
        }))
    }
}

/// All spaces that are open or being opened, without those that will be gone in a moment.
fn loaded_spaces(
    open: &mut HashMap<SpaceId, OpenedSpace>,
    requested: &RequestedSpaces,
) -> Vec<LoadedSpace> {
    let now = MonotonicTime::now();
    let by = |space: &SpaceId| requested.get(space).map(|entry| entry.by);
    let opening = requested
        .iter()
        .filter(|(space, entry)| entry.is_opening && !open.contains_key(space))
        .map(|(space, entry)| LoadedSpace {
            space: *space,
            by: Some(entry.by),
            tiles: entry.tiles,
            empty_since: None,
        });
    let mut loaded: Vec<LoadedSpace> = opening.collect();
    for (space, open) in open {
        let empty_since = open.handle.empty_since(now);
        // A player may have come in before it was unloaded.
        open.is_unloading &= empty_since.is_some();
        if !open.is_unloading && !open.handle.has_ended() {
            loaded.push(LoadedSpace {
                space: *space,
                by: by(space),
                tiles: open.scene.tiles(),
                empty_since,
            });
        }
    }
    loaded
}
