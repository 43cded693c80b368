//! Cells: a spatial index of positions, searched ring by ring around one of them.
//!
//! The players of a cell are a list whose links are kept with their positions.

use std::iter;

use crate::components::unit::{Position, SUBTILES};
use crate::systems::proximity::slot::PersonSlot;
use crate::systems::typed_vec::TypedVec;

/// Tiles up to which a map has cells of one tile, which are best for crowds. A larger map gets
/// larger cells to save memory.
const MOST_SMALL_CELLS: u32 = 1 << 18;

/// Side of a tile in sub-tiles, as a power of two.
const TILE_SIDE: u32 = SUBTILES.ilog2();

/// Farthest ring that is searched, in cells.
const LAST_RING: u8 = 16;

/// Position of a player. Small, because a search for the nearest reads those of hundreds.
#[derive(Debug, Clone, Copy)]
struct IndexedPosition {
    at: Position,
    before: Option<PersonSlot>,
    after: Option<PersonSlot>,
}

impl Default for IndexedPosition {
    fn default() -> Self {
        Self {
            at: Position { x: 0, y: 0 },
            before: None,
            after: None,
        }
    }
}

/// Positions of players by cells of the map.
#[derive(Debug, Clone)]
pub(super) struct Cells {
    /// First player in each cell, row by row.
    first: Vec<Option<PersonSlot>>,
    positions: TypedVec<PersonSlot, IndexedPosition>,
    columns: usize,
    rows: usize,
    /// Side of a cell in sub-tiles, as a power of two.
    side: u32,
}

/// The cells at one distance from a cell in the middle, counted in cells.
#[derive(Debug, Clone, Copy)]
pub(super) struct CellRing {
    column: usize,
    row: usize,
    radius: usize,
    /// From the position to the nearest edge of the ring.
    edge: i64,
}

impl CellRing {
    /// Whether every position in this ring and those around it is farther than this squared
    /// distance.
    pub fn is_beyond(&self, distance: i64) -> bool {
        self.edge > 0 && self.edge.pow(2) > distance
    }
}

impl Cells {
    /// Cells without players, for a map of this many tiles.
    pub fn new(width: u16, height: u16) -> Self {
        let side = if u32::from(width) * u32::from(height) <= MOST_SMALL_CELLS {
            TILE_SIDE
        } else {
            TILE_SIDE + 2
        };
        let cells = |tiles: u16| (usize::from(tiles) >> (side - TILE_SIDE)) + 1;
        let (columns, rows) = (cells(width), cells(height));
        Self {
            first: vec![None; columns * rows],
            positions: TypedVec::default(),
            columns,
            rows,
            side,
        }
    }

    /// Position of a player.
    pub fn position(&self, slot: PersonSlot) -> Position {
        self.positions[slot].at
    }

    /// Adds a player.
    pub fn insert(&mut self, slot: PersonSlot, at: Position) {
        self.positions.reach(slot);
        let cell = self.cell_of(at);
        let after = self
            .first
            .get_mut(cell)
            .and_then(|first| first.replace(slot));
        self.positions[slot] = IndexedPosition {
            at,
            before: None,
            after,
        };
        if let Some(after) = after {
            self.positions[after].before = Some(slot);
        }
    }

    /// Removes a player.
    pub fn remove(&mut self, slot: PersonSlot) {
        let IndexedPosition { at, before, after } = self.positions[slot];
        if let Some(before) = before {
            self.positions[before].after = after;
        } else {
            let cell = self.cell_of(at);
            if let Some(first) = self.first.get_mut(cell) {
                *first = after;
            }
        }
        if let Some(after) = after {
            self.positions[after].before = before;
        }
    }

    /// Moves a player who was added.
    pub fn set_position(&mut self, slot: PersonSlot, at: Position) {
        let before = self.position(slot);
        if self.cell_of(before) == self.cell_of(at) {
            self.positions[slot].at = at;
        } else {
            self.remove(slot);
            self.insert(slot, at);
        }
    }

    /// Rings of cells around a position, the nearest first.
    pub fn rings(&self, around: Position) -> impl Iterator<Item = CellRing> + use<> {
        let (column, row) = self.column_and_row(around);
        // From the position to the edges of its own cell.
        let length = 1 << self.side;
        let edges = [around.x, around.y].map(|at| {
            let inside = i64::from(at).rem_euclid(length);
            inside.min(length - inside)
        });
        let nearest = edges.into_iter().min().unwrap_or_default();
        (0..=LAST_RING).map(move |radius| CellRing {
            column,
            row,
            radius: radius.into(),
            edge: nearest + (i64::from(radius) - 1) * length,
        })
    }

    /// Players in a ring, with their positions.
    pub fn players_in(&self, ring: CellRing) -> impl Iterator<Item = (PersonSlot, Position)> {
        self.first_in(ring).flat_map(move |first| {
            let mut next = Some(first);
            iter::from_fn(move || {
                let slot = next?;
                let IndexedPosition { at, after, .. } = self.positions[slot];
                next = after;
                Some((slot, at))
            })
        })
    }

    /// First players of the cells in a ring: its upper and lower row, then its sides.
    fn first_in(&self, ring: CellRing) -> impl Iterator<Item = PersonSlot> {
        let CellRing {
            column,
            row,
            radius,
            ..
        } = ring;
        let columns = column.saturating_sub(radius)..=(column + radius).min(self.columns - 1);
        let upper = row.checked_sub(radius);
        let lower = Some(row + radius).filter(|_| radius > 0);
        let rows = [upper, lower].into_iter().flatten();
        let rows = rows.flat_map(move |y| self.row(y).get(columns.clone()).unwrap_or_default());
        let between = (row + 1).saturating_sub(radius)..(row + radius).min(self.rows);
        let sides = between.flat_map(move |y| {
            let cells = self.row(y);
            let left = column.checked_sub(radius).and_then(|x| cells.get(x));
            [left, cells.get(column + radius)].into_iter().flatten()
        });
        rows.chain(sides).copied().flatten()
    }

    /// The cells of a row; none outside of the map.
    fn row(&self, row: usize) -> &[Option<PersonSlot>] {
        let cells = row * self.columns..(row + 1) * self.columns;
        self.first.get(cells).unwrap_or_default()
    }

    /// Column and row of the cell at a place; the nearest one for a place outside of the map.
    fn column_and_row(&self, at: Position) -> (usize, usize) {
        let cell = |at: i32| usize::try_from(at >> self.side).unwrap_or_default();
        (
            cell(at.x).min(self.columns - 1),
            cell(at.y).min(self.rows - 1),
        )
    }

    fn cell_of(&self, at: Position) -> usize {
        let (column, row) = self.column_and_row(at);
        row * self.columns + column
    }
}
