//! Cells: the players in each cell and when they last changed, so that a delta since any recent
//! tick can be made.

use super::spots::Slot;
use crate::components::id::PlayerId;
use crate::components::unit::Tick;
use crate::net::protocol::frame::{CellS2c, EntryS2c, StepS2c};

/// Ticks for which a cell remembers players who left it; older cursors get the whole cell.
pub(super) const TOMBSTONES: u64 = 64;

/// Ticks after which a player who does not move no longer counts as moving.
pub(super) const MOVING: u64 = 20;

/// Ticks within which a player who did not jump is surely within the 128 sub-tile units that a step
/// can express.
const STEP_TICKS: u64 = 4;

/// The tick up to which a client has something; 0 for nothing.
pub type SentTick = u64;

/// A cell of 16 × 16 tiles.
#[derive(Default)]
pub(super) struct Cell {
    pub(super) changed: Tick,
    /// By number, ascending.
    pub(super) members: Vec<CellMember>,
    /// Number of players who moved lately.
    pub(super) movers: usize,
    left: Vec<(Tick, PlayerId)>,
}

/// A player in a cell.
#[derive(Clone, Copy)]
pub(super) struct CellMember {
    pub(super) player: PlayerId,
    pub(super) changed: Tick,
    /// When it entered the cell or jumped: a client that has the cell as of later knows roughly
    /// where it is.
    pub(super) anchored: Tick,
    pub(super) bits: [u8; 3],
    pub(super) slot: Slot,
}

impl Cell {
    /// Adds or replaces a player.
    pub(super) fn set(&mut self, member: CellMember) {
        self.changed = member.changed;
        match self.place_of(member.player) {
            Ok(at) => self.members[at] = member,
            Err(at) => self.members.insert(at, member),
        }
    }

    /// Where a player is in the list, or belongs.
    fn place_of(&self, player: PlayerId) -> Result<usize, usize> {
        self.members
            .binary_search_by_key(&player, |member| member.player)
    }

    /// Removes a player, and remembers it for a while.
    pub(super) fn remove(&mut self, player: PlayerId, tick: Tick) {
        if let Ok(at) = self.place_of(player) {
            self.members.remove(at);
        }
        self.left
            .retain(|(left, other)| *other != player && left.0 + TOMBSTONES >= tick.0);
        self.left.push((tick, player));
        self.changed = tick;
    }

    /// Counts the players who moved lately.
    pub(super) fn count_movers(&mut self, tick: Tick) {
        let is_moving = |member: &&CellMember| member.changed.0 + MOVING > tick.0;
        self.movers = self.members.iter().filter(is_moving).count();
    }

    /// Changes since the cursor, or everything since 0; `None` if there are none.
    pub(super) fn difference(&self, index: u16, cursor: SentTick, tick: Tick) -> Option<CellS2c> {
        let full = cursor == 0;
        let since = Tick(cursor);
        let mut moved = MovedPlayers::default();
        for member in self
            .members
            .iter()
            .filter(|member| full || member.changed > since)
        {
            moved.add(
                member.player,
                member.bits,
                is_near(member.anchored, cursor, tick),
            );
        }
        let mut cell = moved.of_cell(index);
        cell.full = full;
        if !full {
            let is_back = |player: &PlayerId| self.place_of(*player).is_ok();
            let left = self
                .left
                .iter()
                .filter(|(tick, player)| *tick > since && !is_back(player));
            cell.left = left.map(|(_, player)| player.0).collect();
        }
        let is_news =
            full || !(cell.entries.is_empty() && cell.steps.is_empty() && cell.left.is_empty());
        is_news.then_some(cell)
    }
}

/// Whether a client with that cursor knows the player's position well enough for a step.
pub(super) const fn is_near(anchored: Tick, cursor: SentTick, tick: Tick) -> bool {
    cursor > 0 && anchored.0 <= cursor && tick.0 - cursor <= STEP_TICKS
}

/// Players who moved in a cell, ascending: with their position, or with a step.
#[derive(Default)]
pub(super) struct MovedPlayers {
    entries: Vec<EntryS2c>,
    steps: Vec<StepS2c>,
    last_entry: u32,
    last_step: u32,
}

impl MovedPlayers {
    pub(super) fn add(&mut self, player: PlayerId, bits: [u8; 3], is_near: bool) {
        let last = if is_near {
            &mut self.last_step
        } else {
            &mut self.last_entry
        };
        let gap = player.0 - std::mem::replace(last, player.0);
        if is_near {
            self.steps.push(StepS2c::of(gap, bits));
        } else {
            self.entries.push(EntryS2c { gap, bits });
        }
    }

    /// What is sent about the cell.
    pub(super) fn of_cell(self, index: u16) -> CellS2c {
        CellS2c {
            index,
            entries: self.entries,
            steps: self.steps,
            ..CellS2c::default()
        }
    }
}
