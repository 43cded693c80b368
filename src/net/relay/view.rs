//! View: what one game client watches, up to which tick it has each cell, and the frame that brings it up to date.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::visible::{Cursor, Visible};
use crate::components::id::PlayerId;
use crate::components::unit::{Position, SUBTILES};
use crate::net::codec::append;
use crate::net::protocol::FRAME_VARIANT;
use crate::net::protocol::frame::{CELL_SIDE, HeaderS2c};
use crate::net::protocol::movement::OwnStateS2c;

/// A cell is watched when it is this close to the window, in 1/64 tile.
const ENTER_MARGIN: i32 = 8 * SUBTILES;

/// And left when it is farther than this: walking along a border does not flap.
const LEAVE_MARGIN: i32 = 16 * SUBTILES;

/// Cells watched at most.
const MAX_CELLS: usize = 25;

/// Tiles shown at most in either direction; a client that claims more is not believed.
const MAX_VIEW: u16 = 64;

/// One client's eyes.
pub struct View {
    width: i32,
    height: i32,
    watched: BTreeMap<u16, Cursor>,
    roster: Cursor,
    sent: Option<(u32, OwnStateS2c)>,
}

impl View {
    /// Eyes that have seen nothing yet.
    pub fn new(width: u16, height: u16) -> Self {
        let mut view = Self {
            width: 0,
            height: 0,
            watched: BTreeMap::new(),
            roster: 0,
            sent: None,
        };
        view.resize(width, height);
        view
    }

    /// The window shows this many tiles now.
    pub fn resize(&mut self, width: u16, height: u16) {
        self.width = i32::from(width.clamp(1, MAX_VIEW)) * SUBTILES;
        self.height = i32::from(height.clamp(1, MAX_VIEW)) * SUBTILES;
    }

    /// What was seen no longer counts: everything is sent anew.
    pub fn rebase(&mut self) {
        self.watched.values_mut().for_each(|cursor| *cursor = 0);
        self.roster = 0;
        self.sent = None;
    }

    /// The tick up to which the roster is known.
    pub const fn roster_cursor(&self) -> Cursor {
        self.roster
    }

    /// The frame that brings the client up to date, when there is anything to tell.
    pub fn compose(&mut self, visible: &mut Visible, player: PlayerId) -> Option<Bytes> {
        let dropped = self.watch(visible, visible.position(player)?);
        let tick = visible.tick().0;
        let mut cells = Vec::with_capacity(self.watched.len());
        for (index, cursor) in &mut self.watched {
            cells.extend(visible.cell(*index, *cursor));
            *cursor = tick;
        }
        let own = (visible.ack(player), visible.own(player));
        let is_news = !cells.is_empty()
            || !dropped.is_empty()
            || self.sent != Some(own)
            || visible.roster_changed_since(self.roster);
        if !is_news {
            return None;
        }
        let roster = visible.roster(self.roster);
        self.roster = tick;
        self.sent = Some(own);
        let header = HeaderS2c {
            tick,
            epoch: visible.epoch(),
            step: 0,
            ack: own.0,
            own: own.1,
        };
        Some(assemble(&header, &roster, &cells, &dropped))
    }

    /// Follows the player: new cells begin at cursor 0, and those too far away are returned.
    fn watch(&mut self, visible: &Visible, position: Position) -> Vec<u16> {
        let near = self.cells_within(visible, position, LEAVE_MARGIN);
        let dropped: Vec<u16> = self
            .watched
            .keys()
            .copied()
            .filter(|index| !near.contains(index))
            .collect();
        for index in &dropped {
            self.watched.remove(index);
        }
        for index in self.cells_within(visible, position, ENTER_MARGIN) {
            if self.watched.len() < MAX_CELLS {
                self.watched.entry(index).or_insert(0);
            }
        }
        dropped
    }

    /// The cells that the window, grown by a margin on each side, touches: the nearest to the player first.
    fn cells_within(&self, visible: &Visible, position: Position, margin: i32) -> Vec<u16> {
        let span = |middle: i32, size: i32, cells: u16| {
            let from = (middle - size / 2 - margin)
                .div_euclid(CELL_SIDE)
                .clamp(0, i32::from(cells) - 1);
            let to = (middle + size / 2 + margin)
                .div_euclid(CELL_SIDE)
                .clamp(0, i32::from(cells) - 1);
            from..=to
        };
        let (own_column, own_row) = (position.x.div_euclid(CELL_SIDE), position.y.div_euclid(CELL_SIDE));
        let mut cells: Vec<(i32, u16)> = span(position.y, self.height, visible.rows())
            .flat_map(|row| {
                span(position.x, self.width, visible.columns()).map(move |column| {
                    let far = (column - own_column).abs().max((row - own_row).abs());
                    (far, row as u16, column as u16)
                })
            })
            .map(|(far, row, column)| (far, row * visible.columns() + column))
            .collect();
        cells.sort_unstable();
        cells.truncate(MAX_CELLS);
        cells.into_iter().map(|(_, index)| index).collect()
    }
}

/// Copies the pieces of a frame behind one another; the bytes are those of `ServerMessage::Frame`.
fn assemble(header: &HeaderS2c, roster: &[u8], cells: &[Bytes], dropped: &[u16]) -> Bytes {
    let length = 48 + roster.len() + cells.iter().map(Bytes::len).sum::<usize>() + 3 * dropped.len();
    let mut bytes = Vec::with_capacity(length);
    bytes.push(FRAME_VARIANT);
    append(header, &mut bytes);
    bytes.extend_from_slice(roster);
    append(&(cells.len() as u64), &mut bytes);
    for cell in cells {
        bytes.extend_from_slice(cell);
    }
    append(&dropped.to_vec(), &mut bytes);
    bytes.into()
}
