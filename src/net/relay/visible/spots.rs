//! Spots: the part of each player that frames contain, side by side in one list.

use crate::components::id::PlayerId;
use crate::components::unit::Tick;

/// Index of a player in [`Spots`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slot(u32);

impl Slot {
    const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Identifies a [`VisiblePlayer`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VisibleId {
    pub(super) slot: Slot,
    pub(super) player: PlayerId,
}

/// The part of a player that frames contain. All are stored side by side: they are read many times
/// a tick.
#[derive(Debug, Clone, Copy)]
pub struct VisiblePlayer {
    pub(super) player: PlayerId,
    /// Tick of the last change.
    pub changed: Tick,
    /// Index of the player's cell.
    pub cell: u16,
    pub(super) anchored: Tick,
    pub(super) bits: [u8; 3],
}

/// All players, by slot. Slots of players who left are used again.
#[derive(Default)]
pub(super) struct Spots {
    spots: Vec<VisiblePlayer>,
    free: Vec<Slot>,
}

impl Spots {
    /// Adds a player.
    pub(super) fn insert(&mut self, spot: VisiblePlayer) -> Slot {
        if let Some(slot) = self.free.pop()
            && let Some(freed) = self.get_mut(slot)
        {
            *freed = spot;
            return slot;
        }
        let next = u32::try_from(self.spots.len()).expect("players are numbered in 32 bits");
        self.spots.push(spot);
        Slot(next)
    }

    /// The player in a slot.
    pub(super) fn get_mut(&mut self, slot: Slot) -> Option<&mut VisiblePlayer> {
        self.spots.get_mut(slot.index())
    }

    /// The player with that id, as long as it is here.
    pub(super) fn get(&self, id: VisibleId) -> Option<&VisiblePlayer> {
        self.spots
            .get(id.slot.index())
            .filter(|spot| spot.player == id.player)
    }

    /// Removes the player in a slot.
    pub(super) fn remove(&mut self, slot: Slot) {
        if let Some(spot) = self.get_mut(slot) {
            // Player number 0 is unused, so an old id of this slot matches no player.
            spot.player = PlayerId(0);
            self.free.push(slot);
        }
    }
}
