//! Room: makes room for a space that a player opens, as `shares` decides.

use std::collections::HashMap;
use std::sync::Arc;

use super::shared::{OpenedSpace, SpacesState};
use super::shares::{NoRoom, Occupant, Opener, OpenerEntry, Openers, room};
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
        if let Some(entry) = self.state.openers.lock().get_mut(&self.space) {
            entry.is_opening = false;
        }
    }
}

impl SpacesState {
    /// A place for one more space; empty ones are unloaded for it. `None` when another player is
    /// opening the space already.
    pub(super) fn make_room(
        self: &Arc<Self>,
        space: SpaceId,
        by: Opener,
        tiles: usize,
    ) -> Result<Option<OpeningPermit>, NoRoom> {
        let mut openers = self.openers.lock();
        let mut open = self.open.lock();
        openers.retain(|space, entry| entry.is_opening || open.contains_key(space));
        if openers.get(&space).is_some_and(|entry| entry.is_opening) {
            return Ok(None);
        }
        let occupants = occupants(&mut open, &openers);
        for unloaded in room(self.max_open, &occupants, by, tiles)? {
            if let Some(open) = open.get_mut(&unloaded) {
                open.is_unloading = true;
                open.handle.close(Ending::Unloaded);
            }
        }
        drop(open);
        let entry = OpenerEntry {
            by,
            tiles,
            is_opening: true,
        };
        openers.insert(space, entry);
        Ok(Some(OpeningPermit {
            state: Arc::clone(self),
            space,
        }))
    }
}

/// All spaces that are open or being opened, without those that will be gone in a moment.
fn occupants(open: &mut HashMap<SpaceId, OpenedSpace>, openers: &Openers) -> Vec<Occupant> {
    let now = MonotonicTime::now();
    let by = |space: &SpaceId| openers.get(space).map(|entry| entry.by);
    let opening = openers
        .iter()
        .filter(|(space, entry)| entry.is_opening && !open.contains_key(space))
        .map(|(space, entry)| Occupant {
            space: *space,
            by: Some(entry.by),
            tiles: entry.tiles,
            empty_since: None,
        });
    let mut occupants: Vec<Occupant> = opening.collect();
    for (space, open) in open {
        let empty_since = open.handle.empty_since(now);
        // A player may have come in before it was unloaded.
        open.is_unloading &= empty_since.is_some();
        if !open.is_unloading && !open.handle.has_ended() {
            occupants.push(Occupant {
                space: *space,
                by: by(space),
                tiles: open.scene.tiles(),
                empty_since,
            });
        }
    }
    occupants
}
