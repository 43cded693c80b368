//! Visible: a relay's copy of the visible state of a space, by cells, with the tick of each
//! change.
//!
//! A delta is encoded once for each distinct (cell, cursor) of a tick and shared by all clients
//! that need it.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;

use crate::components::direction::Facing;
use crate::components::element::ElementFact;
use crate::components::fact::{Fact, Snapshot, Stance, TickOutput};
use crate::components::id::{PlayerId, UserId};
use crate::components::player::{Card, OwnState};
use crate::components::unit::{Position, Tick, Tile};
use crate::net::codec::encode;
use crate::net::protocol::frame::{
    CELL_SIDE, CELL_TILES, CardS2c, CellS2c, EntryS2c, RosterS2c, StepS2c, pack, place_in_cell,
};
use crate::net::protocol::movement::OwnStateS2c;

/// Ticks for which a cell remembers players who left it; older cursors get the whole cell.
const TOMBSTONES: u64 = 64;

/// The tick up to which a client has something; 0 for nothing.
pub type AckedTick = u64;

/// Ticks after which a player who does not move no longer counts as moving.
const MOVING: u64 = 20;

/// Distance along an axis in one tick above which a move is a jump, in 1/64 tile. At 20 ticks per
/// second no player walks that far.
const JUMP: i32 = 31;

/// Ticks within which a player who did not jump is surely within the 128 sub-tile units that a step
/// can express.
const STEP_TICKS: u64 = 4;

/// Identifies a [`VisiblePlayer`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VisibleId {
    slot: u32,
    player: PlayerId,
}

/// The part of a player that frames contain. All are stored side by side: they are read many times
/// a tick.
#[derive(Debug, Clone, Copy)]
pub struct VisiblePlayer {
    player: PlayerId,
    /// Tick of the last change.
    pub changed: Tick,
    /// Index of the player's cell.
    pub cell: u16,
    anchored: Tick,
    bits: [u8; 3],
}

/// The copy of the visible state.
pub struct Visible {
    tick: Tick,
    epoch: u64,
    version: u32,
    grid_hash: u32,
    columns: u16,
    rows: u16,
    players: BTreeMap<PlayerId, SeenPlayer>,
    spots: Vec<VisiblePlayer>,
    free: Vec<u32>,
    cells: Vec<Cell>,
    roster_gone: Vec<(Tick, PlayerId)>,
    roster_changed: Tick,
    encoded: HashMap<(u16, AckedTick), Option<Bytes>>,
    encoded_rosters: HashMap<AckedTick, Bytes>,
    encodings: u64,
}

struct SeenPlayer {
    card: Card,
    card_changed: Tick,
    own: OwnState,
    slot: u32,
    cell: u16,
    tile: Tile,
}

#[derive(Default)]
struct Cell {
    changed: Tick,
    members: Vec<CellMember>,
    movers: usize,
    left: Vec<(Tick, PlayerId)>,
}

#[derive(Clone, Copy)]
struct CellMember {
    player: PlayerId,
    changed: Tick,
    /// When it entered the cell or jumped: a client that has the cell as of later knows roughly
    /// where it is.
    anchored: Tick,
    bits: [u8; 3],
    slot: u32,
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
            spots: Vec::new(),
            free: Vec::new(),
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

    /// The entry of a player, as long as the player is here.
    pub fn spot(&self, id: VisibleId) -> Option<&VisiblePlayer> {
        self.spots
            .get(id.slot as usize)
            .filter(|spot| spot.player == id.player)
    }

    /// Fills `found` with the other players nearest to a player, searching the cells in that order,
    /// nearest first.
    pub fn nearest(
        &self,
        player: PlayerId,
        cells: impl Iterator<Item = u16>,
        count: usize,
        found: &mut Vec<VisibleId>,
    ) {
        found.clear();
        let Some(from) = self.players.get(&player).map(|seen| seen.own.position) else {
            return;
        };
        let mut nearest: Vec<(i64, VisibleId)> = Vec::with_capacity(4 * count);
        let mut farthest = i64::MAX;
        for index in cells {
            let Some(cell) = self.cells.get(usize::from(index)) else {
                continue;
            };
            let corner = self.corner(index);
            if squared_distance_to_cell(from, corner) >= farthest {
                continue;
            }
            for member in cell.members.iter().filter(|member| member.player != player) {
                let (x, y) = place_in_cell(member.bits);
                let (dx, dy) = (
                    i64::from(corner.x + x - from.x),
                    i64::from(corner.y + y - from.y),
                );
                let distance = dx * dx + dy * dy;
                if distance < farthest {
                    let id = VisibleId {
                        slot: member.slot,
                        player: member.player,
                    };
                    nearest.push((distance, id));
                    if nearest.len() == nearest.capacity() {
                        farthest = keep_nearest(&mut nearest, count);
                    }
                }
            }
            farthest = farthest.min(keep_nearest(&mut nearest, count));
        }
        found.extend(nearest.into_iter().map(|(_, id)| id));
    }

    /// Encodes players as deltas of their cells, one piece per cell. `cursors` gives the tick up to
    /// which the client has a cell.
    pub fn encode_spots(
        &self,
        spots: &mut [VisibleId],
        cursors: impl Fn(u16) -> AckedTick,
        pieces: &mut Vec<Bytes>,
    ) {
        let spot_of = |id: &VisibleId| &self.spots[id.slot as usize];
        spots.sort_unstable_by_key(|id| (spot_of(id).cell, id.player));
        for group in spots.chunk_by(|a, b| spot_of(a).cell == spot_of(b).cell) {
            let index = spot_of(&group[0]).cell;
            let mut moved = MovedPlayers::default();
            for spot in group.iter().map(spot_of) {
                let is_near = is_near(spot.anchored, cursors(index), self.tick);
                moved.add(spot.player, spot.bits, is_near);
            }
            pieces.push(encode(&moved.of_cell(index)).into());
        }
    }

    /// Whether a cursor is too old for a delta.
    pub const fn starts_over(&self, cursor: AckedTick) -> bool {
        cursor == 0 || cursor + TOMBSTONES < self.tick.0
    }

    fn corner(&self, index: u16) -> Position {
        Position {
            x: i32::from(index % self.columns) * CELL_SIDE,
            y: i32::from(index / self.columns) * CELL_SIDE,
        }
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
    pub fn cell(&mut self, index: u16, cursor: AckedTick) -> Option<Bytes> {
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
    pub fn roster(&mut self, cursor: AckedTick) -> Bytes {
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
    pub fn roster_changed_since(&self, cursor: AckedTick) -> bool {
        cursor == 0 || self.roster_changed.0 > cursor
    }

    /// Forgets players who left, as far as every client knows it. Without clients, forgets all of
    /// them.
    pub fn forget_roster_before(&mut self, oldest: Option<AckedTick>) {
        match oldest {
            Some(cursor) => self.roster_gone.retain(|(tick, _)| tick.0 > cursor),
            None => self.roster_gone.clear(),
        }
    }

    /// Counts recently moved players, one cell at a time.
    fn count_movers(&mut self) {
        let tick = self.tick.0;
        for (index, cell) in self.cells.iter_mut().enumerate() {
            if (index as u64 + tick).is_multiple_of(MOVING) {
                let is_moving = |member: &&CellMember| member.changed.0 + MOVING > tick;
                cell.movers = cell.members.iter().filter(is_moving).count();
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
        let slot = if let Some(freed) = self.free.pop() {
            self.spots[freed as usize] = nowhere;
            freed
        } else {
            self.spots.push(nowhere);
            self.spots.len() as u32 - 1
        };
        let seen = SeenPlayer {
            card: card.clone(),
            card_changed: self.tick,
            own: OwnState {
                player: card.player,
                ack: 0,
                position: Position { x: 0, y: 0 },
                carry: crate::components::player::Carry::default(),
                facing: crate::components::direction::Facing::default(),
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
        let spot = &mut self.spots[seen.slot as usize];
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
        // Player number 0 is unused, so an old id of this slot matches no player.
        self.spots[seen.slot as usize].player = PlayerId(0);
        self.free.push(seen.slot);
        self.roster_gone.push((self.tick, player));
        self.roster_changed = self.tick;
    }
}

/// Keeps the nearest `count`; returns the distance of the farthest kept one.
fn keep_nearest(found: &mut Vec<(i64, VisibleId)>, count: usize) -> i64 {
    if found.len() < count {
        return i64::MAX;
    }
    if found.len() > count {
        found.select_nth_unstable_by_key(count - 1, |(distance, _)| *distance);
        found.truncate(count);
    }
    found
        .iter()
        .map(|(distance, _)| *distance)
        .max()
        .unwrap_or(i64::MAX)
}

/// Squared distance from a position to the nearest edge of a cell; 0 inside.
fn squared_distance_to_cell(from: Position, corner: Position) -> i64 {
    let outside = |at: i32, low: i32| i64::from((low - at).max(at - (low + CELL_SIDE - 1)).max(0));
    let (dx, dy) = (outside(from.x, corner.x), outside(from.y, corner.y));
    dx * dx + dy * dy
}

impl Cell {
    fn set(&mut self, member: CellMember) {
        self.changed = member.changed;
        match self
            .members
            .binary_search_by_key(&member.player, |other| other.player)
        {
            Ok(at) => self.members[at] = member,
            Err(at) => self.members.insert(at, member),
        }
    }

    fn remove(&mut self, player: PlayerId, tick: Tick) {
        if let Ok(at) = self
            .members
            .binary_search_by_key(&player, |member| member.player)
        {
            self.members.remove(at);
        }
        self.left
            .retain(|(left, other)| *other != player && left.0 + TOMBSTONES >= tick.0);
        self.left.push((tick, player));
        self.changed = tick;
    }

    fn difference(&self, index: u16, cursor: AckedTick, tick: Tick) -> Option<CellS2c> {
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
            let is_back = |player: &PlayerId| {
                self.members
                    .binary_search_by_key(player, |member| member.player)
                    .is_ok()
            };
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
const fn is_near(anchored: Tick, cursor: AckedTick, tick: Tick) -> bool {
    cursor > 0 && anchored.0 <= cursor && tick.0 - cursor <= STEP_TICKS
}

/// Players who moved in a cell, ascending: with their position, or with a step.
#[derive(Default)]
struct MovedPlayers {
    entries: Vec<EntryS2c>,
    steps: Vec<StepS2c>,
    last_entry: u32,
    last_step: u32,
}

impl MovedPlayers {
    fn add(&mut self, player: PlayerId, bits: [u8; 3], is_near: bool) {
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

    fn of_cell(self, index: u16) -> CellS2c {
        CellS2c {
            index,
            entries: self.entries,
            steps: self.steps,
            ..CellS2c::default()
        }
    }
}
