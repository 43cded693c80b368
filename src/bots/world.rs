//! World: what one client has been shown, built from its frames as `docs/protocol.md` tells.

use std::collections::HashMap;

use crate::components::fact::Stance;
use crate::components::unit::Position;
use crate::net::protocol::frame::{CELL_SIDE, CELL_TILES, FrameS2c, unpack};

/// Who is where, as far as one client knows.
pub(super) struct World {
    columns: u16,
    /// Each player in view: the cell it is held in, where it stands, and the tick of that news.
    pub(super) places: HashMap<u32, (u16, Stance)>,
    last: (u64, u64),
}

/// What is wrong with a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrong {
    /// Its (epoch, tick) does not rise.
    TimeGoesBack,
    /// A stance that does not exist.
    NoStance,
}

impl World {
    pub(super) fn new(width: u16) -> Self {
        Self {
            columns: width.div_ceil(CELL_TILES),
            places: HashMap::new(),
            last: (0, 0),
        }
    }

    /// Applies a frame; calls `moved` for every player it has news of.
    pub(super) fn apply(&mut self, frame: &FrameS2c, mut moved: impl FnMut(u32, &Stance)) -> Result<(), Wrong> {
        let now = (frame.header.epoch, frame.header.tick);
        if now <= self.last {
            return Err(Wrong::TimeGoesBack);
        }
        self.last = now;
        if frame.roster.full {
            self.places
                .retain(|player, _| frame.roster.came.iter().any(|card| card.player == *player));
        }
        for cell in &frame.cells {
            let (column, row) = (
                i32::from(cell.index % self.columns),
                i32::from(cell.index / self.columns),
            );
            let corner = Position {
                x: column * CELL_SIDE,
                y: row * CELL_SIDE,
            };
            if cell.full {
                self.places.retain(|_, (held, _)| *held != cell.index);
            }
            for player in &cell.left {
                if self.places.get(player).is_some_and(|(held, _)| *held == cell.index) {
                    self.places.remove(player);
                }
            }
            let mut player = 0_u32;
            for entry in &cell.entries {
                player = player.wrapping_add(entry.gap);
                let stance = unpack(entry.bits, corner).ok_or(Wrong::NoStance)?;
                self.places.insert(player, (cell.index, stance));
                moved(player, &stance);
            }
        }
        for dropped in &frame.dropped {
            self.places.retain(|_, (held, _)| held != dropped);
        }
        for gone in &frame.roster.gone {
            self.places.remove(gone);
        }
        Ok(())
    }
}
