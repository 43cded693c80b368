//! View: the cells that one binary client watches, the tick up to which it has each of them, and
//! the frame that brings it up to date.

use std::ops::RangeInclusive;

use bytes::Bytes;

use super::ladder::OverloadLevel;
use super::pace::{self, Ring};
use super::visible::{SentTick, Visible, VisibleId};
use crate::components::id::PlayerId;
use crate::components::unit::{Position, SUBTILES};
use crate::net::codec::append;
use crate::net::protocol::FRAME_VARIANT;
use crate::net::protocol::frame::{CELL_SIDE, HeaderS2c, OwnS2c};
use crate::net::protocol::movement::OwnStateS2c;

/// Distance from the window within which a cell becomes watched, in 1/64 tile.
const ENTER_MARGIN: i32 = 8 * SUBTILES;

/// Distance beyond which it is no longer watched: larger, so that cells at a border do not flap.
const LEAVE_MARGIN: i32 = 16 * SUBTILES;

/// Maximum number of watched cells.
const MAX_CELLS: usize = 25;

/// Maximum number of visible tiles in either direction; larger claims are not believed.
const MAX_VIEW: u16 = 64;

/// Maximum number of whole cells in one frame, nearest first: a new client sees its surroundings at
/// once and the rest within a few ticks.
const WHOLE_CELLS: usize = 4;

/// Number of nearest players that are shown every tick, regardless of the pace of their cell.
pub const NEAREST: usize = 16;

/// Ticks after which the nearest players are determined again.
const LOOK_AGAIN: u64 = 8;

/// The view of one binary client.
pub struct ClientView {
    width: i32,
    height: i32,
    /// Watched cells, nearest first.
    watched: Vec<WatchedCell>,
    /// Spans of cells within both margins when the watched cells were chosen.
    spans: Option<[Span; 2]>,
    own_cell: (i32, i32),
    nearest: Vec<VisibleId>,
    looked: u64,
    roster: SentTick,
    last: u64,
    sent: Option<(u32, OwnStateS2c)>,
}

struct WatchedCell {
    ring: Ring,
    index: u16,
    cursor: SentTick,
}

/// A range of columns and one of rows of cells.
type Span = (RangeInclusive<i32>, RangeInclusive<i32>);

/// Buffers that are reused for every frame.
#[derive(Default)]
pub struct Scratch {
    /// The frame.
    pub frame: Vec<u8>,
    cells: Vec<Bytes>,
    shown: Vec<u16>,
    near: Vec<VisibleId>,
}

impl ClientView {
    /// A view that has been sent nothing.
    pub fn new(width: u16, height: u16) -> Self {
        let mut view = Self {
            width: 0,
            height: 0,
            watched: Vec::new(),
            spans: None,
            own_cell: (0, 0),
            nearest: Vec::new(),
            looked: 0,
            roster: 0,
            last: 0,
            sent: None,
        };
        view.resize(width, height);
        view
    }

    /// Sets the number of visible tiles.
    pub fn resize(&mut self, width: u16, height: u16) {
        self.width = i32::from(width.clamp(1, MAX_VIEW)) * SUBTILES;
        self.height = i32::from(height.clamp(1, MAX_VIEW)) * SUBTILES;
        self.spans = None;
    }

    /// Discards all cursors: everything is sent again.
    pub fn rebase(&mut self) {
        self.watched
            .iter_mut()
            .for_each(|watched| watched.cursor = 0);
        self.nearest.clear();
        self.looked = 0;
        self.roster = 0;
        self.last = 0;
        self.sent = None;
    }

    /// The tick up to which the client has the roster.
    pub const fn roster_cursor(&self) -> SentTick {
        self.roster
    }

    /// Writes the frame that brings the client up to date into `scratch`. Returns `false` if there
    /// is nothing to send.
    pub fn compose(
        &mut self,
        visible: &mut Visible,
        player: PlayerId,
        step: OverloadLevel,
        scratch: &mut Scratch,
    ) -> bool {
        let Some((ack, own)) = visible.own_and_ack(player) else {
            return false;
        };
        let tick = visible.tick().0;
        let dropped = self.watch(visible, Position { x: own.x, y: own.y });
        scratch.cells.clear();
        scratch.shown.clear();
        self.show_due_cells(visible, step, scratch);
        self.show_nearest(visible, player, scratch);
        let is_own_news = self.sent != Some((ack, own));
        let is_news = !scratch.cells.is_empty()
            || !dropped.is_empty()
            || is_own_news
            || visible.roster_changed_since(self.roster);
        self.last = tick;
        if !is_news {
            return false;
        }
        let roster = visible.roster(self.roster);
        self.roster = tick;
        self.sent = Some((ack, own));
        let header = HeaderS2c {
            tick,
            epoch: visible.epoch(),
            step: step as u8,
            own: is_own_news.then_some(OwnS2c { ack, state: own }),
        };
        assemble(
            &header,
            &roster,
            &scratch.cells,
            &dropped,
            &mut scratch.frame,
        );
        true
    }

    /// Adds the cells that are due, or that were due while the client was busy.
    fn show_due_cells(
        &mut self,
        visible: &mut Visible,
        step: OverloadLevel,
        scratch: &mut Scratch,
    ) {
        let tick = visible.tick().0;
        let mut whole = 0;
        for watched in &mut self.watched {
            let index = watched.index;
            if visible.starts_over(watched.cursor) {
                if whole == WHOLE_CELLS {
                    continue;
                }
                whole += 1;
            } else {
                let period = pace::period(watched.ring, visible.movers(index), step);
                if pace::last_due(index, period, tick) <= watched.cursor {
                    continue;
                }
            }
            scratch.cells.extend(visible.cell(index, watched.cursor));
            scratch.shown.push(index);
            watched.cursor = tick;
        }
    }

    /// Adds nearest players who moved and whose cell is not in this frame. They are written as
    /// deltas of their cells; when such a cell is due, it repeats them.
    fn show_nearest(&mut self, visible: &Visible, player: PlayerId, scratch: &mut Scratch) {
        let tick = visible.tick().0;
        if self.looked == 0 || self.looked + LOOK_AGAIN <= tick {
            self.looked = tick;
            let cells = self.watched.iter().map(|watched| watched.index);
            visible.nearest(player, cells, NEAREST, &mut self.nearest);
        }
        scratch.near.clear();
        scratch
            .near
            .extend(self.nearest.iter().copied().filter(|id| {
                visible.spot(*id).is_some_and(|spot| {
                    spot.changed.0 > self.last
                        && !scratch.shown.contains(&spot.cell)
                        && self
                            .watched
                            .iter()
                            .any(|watched| watched.index == spot.cell && watched.cursor > 0)
                })
            }));
        let cursor_of = |index: u16| {
            let watched = self.watched.iter().find(|watched| watched.index == index);
            watched.map_or(0, |watched| watched.cursor)
        };
        visible.encode_spots(&mut scratch.near, cursor_of, &mut scratch.cells);
    }

    /// Follows the player: adds new cells with cursor 0, and returns the cells that are too far.
    fn watch(&mut self, visible: &Visible, position: Position) -> Vec<u16> {
        let spans = [ENTER_MARGIN, LEAVE_MARGIN].map(|margin| self.span(visible, position, margin));
        let own_cell = (
            position.x.div_euclid(CELL_SIDE),
            position.y.div_euclid(CELL_SIDE),
        );
        if self.spans.as_ref() == Some(&spans) && self.own_cell == own_cell {
            return Vec::new();
        }
        self.own_cell = own_cell;
        self.looked = 0;
        let [enter, leave] = spans
            .clone()
            .map(|span| cells_of(&span, own_cell, visible.columns()));
        self.spans = Some(spans);
        let mut dropped = Vec::new();
        self.watched.retain_mut(|watched| {
            let near = leave.iter().find(|(_, index)| *index == watched.index);
            if let Some((ring, _)) = near {
                watched.ring = *ring;
            } else {
                dropped.push(watched.index);
            }
            near.is_some()
        });
        for (ring, index) in enter {
            if self.watched.len() < MAX_CELLS
                && self.watched.iter().all(|watched| watched.index != index)
            {
                self.watched.push(WatchedCell {
                    ring,
                    index,
                    cursor: 0,
                });
            }
        }
        self.watched
            .sort_unstable_by_key(|watched| (watched.ring, watched.index));
        dropped
    }

    /// The span of cells that the window, extended by a margin on each side, touches.
    fn span(&self, visible: &Visible, position: Position, margin: i32) -> Span {
        let span = |middle: i32, size: i32, cells: u16| {
            let cell = |at: i32| at.div_euclid(CELL_SIDE).clamp(0, i32::from(cells) - 1);
            cell(middle - size / 2 - margin)..=cell(middle + size / 2 + margin)
        };
        (
            span(position.x, self.width, visible.columns()),
            span(position.y, self.height, visible.rows()),
        )
    }
}

/// The cells of a span with their distance from the own one: the nearest, up to the maximum.
fn cells_of(
    (columns, rows): &Span,
    (own_column, own_row): (i32, i32),
    width: u16,
) -> Vec<(Ring, u16)> {
    let mut cells: Vec<(Ring, u16)> = rows
        .clone()
        .flat_map(|row| columns.clone().map(move |column| (column, row)))
        .filter_map(|(column, row)| {
            let ring = column.abs_diff(own_column).max(row.abs_diff(own_row));
            let (column, row) = (u16::try_from(column).ok()?, u16::try_from(row).ok()?);
            Some((Ring::try_from(ring).ok()?, row * width + column))
        })
        .collect();
    cells.sort_unstable();
    cells.truncate(MAX_CELLS);
    cells
}

/// Concatenates the pieces of a frame; the bytes equal those of `ServerMessage::Frame`.
fn assemble(
    header: &HeaderS2c,
    roster: &[u8],
    cells: &[Bytes],
    dropped: &[u16],
    frame: &mut Vec<u8>,
) {
    frame.clear();
    frame.push(FRAME_VARIANT);
    append(header, frame);
    frame.extend_from_slice(roster);
    append(&cells.len(), frame);
    for cell in cells {
        frame.extend_from_slice(cell);
    }
    append(&dropped.len(), frame);
    for index in dropped {
        append(index, frame);
    }
}
