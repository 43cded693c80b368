//! Visible: a relay's copy of the visible state of a space, by cells, with the tick of each
//! change.
//!
//! A delta is encoded once for each distinct (cell, cursor) of a tick and shared by all clients
//! that need it.

mod cells;
mod nearest;
mod spots;

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;

pub use self::cells::SentTick;
use self::cells::{Cell, CellMember, MOVING, TOMBSTONES};
use self::spots::{Slot, Spots};
pub use self::spots::{VisibleId, VisiblePlayer};
use crate::components::direction::Facing;
use crate::components::element::ElementFact;
use crate::components::fact::{Fact, Snapshot, Stance, TickOutput};
use crate::components::id::{PlayerId, UserId};
use crate::components::player::{Card, Carry, OwnState};
use crate::components::unit::{Position, Tick, Tile};
use crate::net::codec::encode;
use crate::net::protocol::frame::{CELL_TILES, CardS2c, RosterS2c, pack};
use crate::net::protocol::movement::OwnStateS2c;

/// Distance along an axis in one tick above which a move is a jump, in 1/64 tile. At 20 ticks per
/// second no player walks that far.
const JUMP: i32 = 31;

/// The copy of the visible state.
pub struct Visible {
    tick: Tick,
    epoch: u64,
    version: u32,
    grid_hash: u32,
    columns: u16,
    rows: u16,
    players: BTreeMap<PlayerId, SeenPlayer>,
    spots: Spots,
    cells: Vec<Cell>,
    roster_gone: Vec<(Tick, PlayerId)>,
    roster_changed: Tick,
    encoded: HashMap<(u16, SentTick), Option<Bytes>>,
    encoded_rosters: HashMap<SentTick, Bytes>,
    encodings: u64,
}

struct SeenPlayer {
    card: Card,
    card_changed: Tick,
    own: OwnState,
    slot: Slot,
    cell: u16,
    tile: Tile,
}

impl Visible {
    /// An empty space of that many tiles.
    pub fn new(width: u16, height: u16) -> Self {
        let (columns, rows) = (width.div_ceil(CELL_TILES), height.div_ceil(CELL_TILES));
        Self {
            tick: Tick::default(),
            epoch: 0,
            version: 0,
            grid_hash: 0,
            columns,
            rows,
            players: BTreeMap::new(),
            spots: Spots::default(),
            cells: std::iter::repeat_with(Cell::default)
                .take(usize::from(columns) * usize::from(rows))
                .collect(),
            roster_gone: Vec::new(),
            roster_changed: Tick::default(),
            encoded: HashMap::new(),
            encoded_rosters: HashMap::new(),
            encodings: 0,
        }
    }

    /// The last tick applied.
    pub const fn tick(&self) -> Tick {
        self.tick
    }

    /// Epoch of the space.
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Version of the layout.
    pub const fn version(&self) -> u32 {
        self.version
    }

    /// Hash of the collision grid.
    pub const fn grid_hash(&self) -> u32 {
        self.grid_hash
    }

    /// Columns of cells.
    pub const fn columns(&self) -> u16 {
        self.columns
    }

    /// Number of rows of cells.
    pub const fn rows(&self) -> u16 {
        self.rows
    }

    /// Number of deltas encoded so far: in the steady state one per tick for each cell in which a
    /// player moved.
    pub const fn encodings(&self) -> u64 {
        self.encodings
    }

    /// All player numbers, ascending.
    pub fn players(&self) -> impl Iterator<Item = PlayerId> {
        self.players.keys().copied()
    }

    /// The public data of a player.
    pub fn card(&self, player: PlayerId) -> Option<&Card> {
        self.players.get(&player).map(|seen| &seen.card)
    }

    /// The user of a player.
    pub fn user_of(&self, player: PlayerId) -> Option<UserId> {
        self.card(player).map(|card| card.user)
    }

    /// Exact position and facing of a player.
    pub fn stand(&self, player: PlayerId) -> Option<(Position, Facing)> {
        let own = &self.players.get(&player)?.own;
        Some((own.position, own.facing))
    }

    /// The tile of a player, as last sent to JSON clients.
    pub fn tile_of(&self, player: PlayerId) -> Option<Tile> {
        self.players.get(&player).map(|seen| seen.tile)
    }

    /// Exact state of a player; the map's corner for a player who is not here.
    pub fn own(&self, player: PlayerId) -> OwnStateS2c {
        self.players.get(&player).map_or(
            OwnStateS2c {
                x: 0,
                y: 0,
                carry_x: 0,
                carry_y: 0,
                facing: 0,
                walking: false,
            },
            |seen| OwnStateS2c::from(&seen.own),
        )
    }

    /// Number of the last applied input of a player, and its exact state; `None` for a player who
    /// is not here.
    pub fn own_and_ack(&self, player: PlayerId) -> Option<(u32, OwnStateS2c)> {
        let seen = self.players.get(&player)?;
        Some((seen.own.ack, OwnStateS2c::from(&seen.own)))
    }

    /// Number of players who moved in a cell lately.
    pub fn movers(&self, index: u16) -> usize {
        self.cells
            .get(usize::from(index))
            .map_or(0, |cell| cell.movers)
    }

    /// Whether a cursor is too old for a delta.
    pub const fn starts_over(&self, cursor: SentTick) -> bool {
        cursor == 0 || cursor + TOMBSTONES < self.tick.0
    }

    /// Starts from a snapshot.
    pub fn rebase(&mut self, snapshot: &Snapshot, epoch: u64) {
        let encodings = self.encodings;
        let (columns, rows) = (self.columns, self.rows);
        *self = Self {
            columns,
            rows,
            encodings,
            ..Self::new(columns * CELL_TILES, rows * CELL_TILES)
        };
        self.tick = snapshot.tick;
        self.epoch = epoch;
        self.version = snapshot.version;
        self.grid_hash = snapshot.grid_hash;
        self.roster_changed = snapshot.tick;
        for (card, stance, own) in &snapshot.players {
            self.enroll(card);
            self.place(card.player, stance);
            self.set_own(own);
            self.cross(card.player);
        }
    }

    /// Applies one tick; returns the players who joined.
    pub fn apply(&mut self, output: &TickOutput) -> Vec<PlayerId> {
        self.tick = output.tick;
        self.encoded.clear();
        self.encoded_rosters.clear();
        self.count_movers();
        let newcomers: Vec<PlayerId> = output
            .cards
            .iter()
            .map(|card| card.player)
            .filter(|player| !self.players.contains_key(player))
            .collect();
        for card in &output.cards {
            self.enroll(card);
        }
        for (player, stance) in &output.stances {
            self.place(*player, stance);
        }
        for own in &output.own {
            self.set_own(own);
        }
        for player in &newcomers {
            self.cross(*player);
        }
        for (player, _) in &output.gone {
            self.remove(*player);
        }
        for fact in &output.facts {
            if let Fact::Element(
                ElementFact::Placed { version, .. }
                | ElementFact::Removed { version, .. }
                | ElementFact::LayoutReplaced { version },
            ) = fact
            {
                self.version = *version;
            }
        }
        if let Some(hash) = output.grid_hash {
            self.grid_hash = hash;
        }
        newcomers
    }

    /// The previous and the current tile of a player, if the tile changed since the last call.
    pub fn cross(&mut self, player: PlayerId) -> Option<(Tile, Tile)> {
        let seen = self.players.get_mut(&player)?;
        let tile = seen.own.position.tile();
        let left = std::mem::replace(&mut seen.tile, tile);
        (left != tile).then_some((left, tile))
    }

    /// Encoded changes of a cell since the cursor; `None` if there are none.
    pub fn cell(&mut self, index: u16, cursor: SentTick) -> Option<Bytes> {
        let cell = self.cells.get(usize::from(index))?;
        let cursor = if self.starts_over(cursor) { 0 } else { cursor };
        if cursor > 0 && cell.changed.0 <= cursor {
            return None;
        }
        if let Some(bytes) = self.encoded.get(&(index, cursor)) {
            return bytes.clone();
        }
        let bytes = cell
            .difference(index, cursor, self.tick)
            .map(|difference| Bytes::from(encode(&difference)));
        self.encodings += 1;
        self.encoded.insert((index, cursor), bytes.clone());
        bytes
    }

    /// Encoded roster changes since the cursor; an empty list is a byte too.
    pub fn roster(&mut self, cursor: SentTick) -> Bytes {
        if !self.roster_changed_since(cursor) {
            return Bytes::from_static(&[0]);
        }
        if let Some(bytes) = self.encoded_rosters.get(&cursor) {
            return bytes.clone();
        }
        let since = Tick(cursor);
        let came = if cursor > 0 && self.roster_changed <= since {
            Vec::new()
        } else {
            let changed = self
                .players
                .values()
                .filter(|seen| cursor == 0 || seen.card_changed > since);
            changed.map(|seen| CardS2c::from(&seen.card)).collect()
        };
        let gone = if cursor == 0 {
            Vec::new()
        } else {
            self.roster_gone
                .iter()
                .filter(|(tick, _)| *tick > since)
                .map(|(_, player)| player.0)
                .collect()
        };
        let bytes = Bytes::from(encode(&Some(RosterS2c {
            full: cursor == 0,
            came,
            gone,
        })));
        self.encoded_rosters.insert(cursor, bytes.clone());
        bytes
    }

    /// Whether any player joined, left or changed since the cursor.
    pub fn roster_changed_since(&self, cursor: SentTick) -> bool {
        cursor == 0 || self.roster_changed.0 > cursor
    }

    /// Forgets players who left, as far as every client knows it. Without clients, forgets all of
    /// them.
    pub fn forget_roster_before(&mut self, oldest: Option<SentTick>) {
        match oldest {
            Some(cursor) => self.roster_gone.retain(|(tick, _)| tick.0 > cursor),
            None => self.roster_gone.clear(),
        }
    }

    /// Counts recently moved players, one cell at a time.
    fn count_movers(&mut self) {
        for (index, cell) in (self.tick.0..).zip(&mut self.cells) {
            if index.is_multiple_of(MOVING) {
                cell.count_movers(self.tick);
            }
        }
    }

    fn enroll(&mut self, card: &Card) {
        self.roster_changed = self.tick;
        if let Some(seen) = self.players.get_mut(&card.player) {
            seen.card = card.clone();
            seen.card_changed = self.tick;
            return;
        }
        let nowhere = VisiblePlayer {
            player: card.player,
            changed: self.tick,
            cell: u16::MAX,
            anchored: self.tick,
            bits: [0; 3],
        };
        let slot = self.spots.insert(nowhere);
        let seen = SeenPlayer {
            card: card.clone(),
            card_changed: self.tick,
            own: OwnState {
                player: card.player,
                ack: 0,
                position: Position { x: 0, y: 0 },
                carry: Carry::default(),
                facing: Facing::default(),
                walking: false,
            },
            slot,
            cell: u16::MAX,
            tile: Tile::new(u16::MAX, u16::MAX),
        };
        self.players.insert(card.player, seen);
    }

    fn place(&mut self, player: PlayerId, stance: &Stance) {
        let Some(seen) = self.players.get_mut(&player) else {
            return;
        };
        let from = std::mem::replace(&mut seen.own.position, stance.position);
        let tile = stance.position.tile();
        let index = (tile.y / CELL_TILES) * self.columns + tile.x / CELL_TILES;
        let before = std::mem::replace(&mut seen.cell, index);
        let Some(spot) = self.spots.get_mut(seen.slot) else {
            return;
        };
        let is_far = |a: i32, b: i32| a.abs_diff(b) > JUMP.unsigned_abs();
        let is_elsewhere = before != index
            || is_far(from.x, stance.position.x)
            || is_far(from.y, stance.position.y);
        *spot = VisiblePlayer {
            player,
            changed: self.tick,
            cell: index,
            anchored: if is_elsewhere {
                self.tick
            } else {
                spot.anchored
            },
            bits: pack(stance),
        };
        let member = CellMember {
            player,
            changed: spot.changed,
            anchored: spot.anchored,
            bits: spot.bits,
            slot: seen.slot,
        };
        if before != index
            && let Some(cell) = self.cells.get_mut(usize::from(before))
        {
            cell.remove(player, self.tick);
        }
        if let Some(cell) = self.cells.get_mut(usize::from(index)) {
            cell.set(member);
        }
    }

    fn set_own(&mut self, own: &OwnState) {
        if let Some(seen) = self.players.get_mut(&own.player) {
            seen.own = *own;
        }
    }

    fn remove(&mut self, player: PlayerId) {
        let Some(seen) = self.players.remove(&player) else {
            return;
        };
        if let Some(cell) = self.cells.get_mut(usize::from(seen.cell)) {
            cell.remove(player, self.tick);
        }
        self.spots.remove(seen.slot);
        self.roster_gone.push((self.tick, player));
        self.roster_changed = self.tick;
    }
}
