//! Field: a spatial index that decides which players are near enough to hear and see each other.
//! Plain data, independent of the world.
//!
//! Connections begin and end with a delay, so that players at an edge do not flap. With few players
//! each one has a turn every tick; in a crowd turns come up to eight times less often. A turn
//! judges the pairs of one player, and searches the cells around for the nearest players without a
//! pair. Players at rest have no turns.

use std::collections::BTreeSet;

use super::sight;
use crate::components::grid::Grid;
use crate::components::id::PlayerId;
use crate::components::peers::ProximityRules;
use crate::components::unit::{Position, SUBTILES, TickRate};

/// Most nearest players that become pairs of a player. More than can be heard, so that there is a
/// candidate for a place that becomes free.
const CANDIDATES: usize = 24;

/// Number of players up to which each has a turn every tick. With up to twice as many a turn comes
/// every second tick, then every fourth and eighth.
const EVERY_TICK: usize = 256;

/// Squared distance that stands for "behind a wall": farther than any map is wide.
const BEHIND_WALL: i64 = 1 << 40;

/// No slot, no pair, no cell.
const NONE: u32 = u32::MAX;

/// Rule of one sense, hearing or sight: distances, and the limit of players at once.
#[derive(Debug, Clone, Copy)]
pub struct SenseRule {
    /// Squared distance at which it begins, in 1/64 tile.
    pub on: i64,
    /// Squared distance at which it ends, in 1/64 tile.
    pub off: i64,
    /// Most players at once. The nearest count.
    pub most: u16,
}

/// All parameters of the field, in ticks and 1/64 tile.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Range and limits of the space.
    pub proximity: ProximityRules,
    /// Ticks of being near until two standing players are connected.
    pub dwell_standing: u64,
    /// Ticks of being near until they are connected when one of them moves.
    pub dwell_moving: u64,
    /// Ticks of being far until they are disconnected.
    pub linger: u64,
    /// How much nearer a newcomer must be to take the place of another, in 1/64 tile.
    pub nearer: i64,
    /// Ticks for which the newcomer must be that much nearer.
    pub nearer_for: u64,
}

pub(super) const fn tiles(count: i64) -> i64 {
    let side = count * SUBTILES as i64;
    side * side
}

impl Rules {
    /// Parameters of a space with these proximity rules, at its tick rate.
    pub fn at(rate: TickRate, proximity: ProximityRules) -> Self {
        let ticks = |millis: u64| (millis * u64::from(rate.per_second())).div_ceil(1_000);
        Self {
            proximity,
            dwell_standing: ticks(250),
            dwell_moving: ticks(600),
            linger: ticks(1_000),
            nearer: i64::from(SUBTILES / 2),
            nearer_for: ticks(1_000),
        }
    }

    /// Rule of a sense at a range in tiles. Voices end one tile beyond the range, or half a tile
    /// beyond a range of one tile. Sight begins two tiles nearer than hearing.
    fn sense(&self, sense: Sense, range: u8) -> SenseRule {
        let (carries, most) = match sense {
            Sense::Hearing => (range, self.proximity.max_audio),
            Sense::Sight => (
                if range > 3 { range - 2 } else { 1 },
                self.proximity.max_video,
            ),
        };
        let on = i64::from(carries) * i64::from(SUBTILES);
        let off = on + i64::from(if range > 1 { SUBTILES } else { SUBTILES / 2 });
        SenseRule {
            on: on.pow(2),
            off: off.pow(2),
            most: most.into(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sense {
    Hearing,
    Sight,
}

/// A tick, or none, in four bytes. A crowd has tens of thousands of pairs, and reading their memory
/// takes most of the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct TickStamp(u32);

impl TickStamp {
    const NEVER: Self = Self(u32::MAX);

    /// Four bytes of ticks last for years before they wrap around.
    const fn of(now: u64) -> Self {
        Self(now as u32)
    }

    /// Ticks between the stamp and now.
    const fn before(self, now: u64) -> u64 {
        (now as u32).wrapping_sub(self.0) as u64
    }

    /// Sets the stamp to now unless it is set. Returns the ticks since it was set.
    fn begin(&mut self, now: u64) -> u64 {
        if *self == Self::NEVER {
            *self = Self::of(now);
        }
        self.before(now)
    }
}

/// State of one sense of a pair.
#[derive(Debug, Clone, Copy)]
struct SenseState {
    /// Tick since which the distance asks for the other state.
    since: TickStamp,
    /// Tick since which this pair is near enough to take the place of another.
    nearer: TickStamp,
    on: bool,
}

impl SenseState {
    const fn new(on: bool) -> Self {
        Self {
            since: TickStamp::NEVER,
            nearer: TickStamp::NEVER,
            on,
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Pair {
    ends: [u32; 2],
    hearing: SenseState,
    sight: SenseState,
    /// Tick in which one of the two was last among the nearest of the other.
    near: TickStamp,
    judged: TickStamp,
}

/// Farthest player connected to a player.
#[derive(Debug, Clone, Copy)]
struct Farthest {
    /// Tick in which it was found.
    at: u64,
    /// Squared distance and pair; `None` when no player is connected.
    found: Option<(i64, u32)>,
}

/// Position of a player in the field. Kept apart from [`FieldPlayer`], because a search for the
/// nearest reads the positions of hundreds.
#[derive(Debug, Clone, Copy)]
struct FieldPosition {
    player: PlayerId,
    at: Position,
    /// Cell of the player, and the neighbours in the cell's list.
    cell: u32,
    before: u32,
    after: u32,
    /// Range of the player's voice in tiles, when it differs from the space's.
    range: Option<u8>,
    moves: bool,
    is_here: bool,
}

/// Connections of a player in the field.
#[derive(Debug, Clone, Default)]
struct FieldPlayer {
    /// Slot of the other and index of the pair, sorted by slot.
    links: Vec<(u32, u32)>,
    heard: u16,
    seen: u16,
    awake_until: u64,
    is_dirty: bool,
    /// Cached farthest connected player, by sense.
    farthest: [Option<Farthest>; 2],
}

/// Spatial index of all players who can be heard by distance.
#[derive(Debug, Clone)]
pub struct Field {
    rules: Rules,
    positions: Vec<FieldPosition>,
    players: Vec<FieldPlayer>,
    pairs: Vec<Pair>,
    free: Vec<u32>,
    cells: Vec<u32>,
    columns: i32,
    rows: i32,
    /// Side of a cell in sub-tiles, as a power of two.
    side: u32,
    people: usize,
    awake_until: u64,
    /// Pairs of players who must never be connected, the lower number first.
    pub blocked_pairs: BTreeSet<(PlayerId, PlayerId)>,
    /// Grid that stops voices; `None` where walls do not.
    pub walls: Option<Grid>,
    dirty: Vec<u32>,
    /// Whether a player was cut off and must not be heard any longer.
    is_urgent: bool,
    near: Vec<(i64, u32)>,
    turn: Vec<(u32, u32)>,
}

pub(super) fn squared(a: Position, b: Position) -> i64 {
    let (x, y) = (i64::from(a.x - b.x), i64::from(a.y - b.y));
    x * x + y * y
}

impl Field {
    /// An empty field for a map of this many tiles.
    pub fn new(width: u16, height: u16, rules: Rules) -> Self {
        // Cells of one tile are best for crowds. A huge map gets larger cells to save memory.
        let side = if u32::from(width) * u32::from(height) <= 1 << 18 {
            6
        } else {
            8
        };
        let cells = |tiles: u16| (i32::from(tiles) * SUBTILES) / (1 << side) + 1;
        let (columns, rows) = (cells(width), cells(height));
        Self {
            rules,
            positions: Vec::new(),
            players: Vec::new(),
            pairs: Vec::new(),
            free: Vec::new(),
            cells: vec![NONE; (columns * rows) as usize],
            columns,
            rows,
            side,
            people: 0,
            awake_until: 0,
            blocked_pairs: BTreeSet::new(),
            walls: None,
            dirty: Vec::new(),
            is_urgent: false,
            near: Vec::new(),
            turn: Vec::new(),
        }
    }

    /// Adds a player, or updates one who is here already. The caller assigns slots from 0.
    pub fn enter(&mut self, slot: u32, player: PlayerId, at: Position, moves: bool, now: u64) {
        while self.players.len() <= slot as usize {
            self.players.push(FieldPlayer::default());
            self.positions.push(FieldPosition {
                player,
                at,
                cell: NONE,
                before: NONE,
                after: NONE,
                range: None,
                moves: false,
                is_here: false,
            });
        }
        let one = &mut self.positions[slot as usize];
        if !one.is_here {
            one.is_here = true;
            one.range = None;
            one.player = player;
            one.at = at;
            self.people += 1;
            self.insert(slot);
        }
        self.set_position(slot, at, moves, now);
    }

    /// Sets the position of a player and whether they move.
    pub fn set_position(&mut self, slot: u32, at: Position, moves: bool, now: u64) {
        let cell = self.cell_of(at);
        let one = &mut self.positions[slot as usize];
        one.at = at;
        one.moves = moves;
        if one.cell != cell {
            self.remove(slot);
            self.insert(slot);
        }
        self.wake(slot, now);
    }

    /// Sets the range of a player's voice and hearing in tiles; `None` for that of the space.
    pub fn set_range(&mut self, slot: u32, range: Option<u8>, now: u64) {
        let one = self
            .positions
            .get_mut(slot as usize)
            .filter(|one| one.is_here);
        if let Some(one) = one.filter(|one| one.range != range) {
            one.range = range;
            self.wake(slot, now);
        }
    }

    /// Removes a player. All their connections end at once.
    pub fn leave(&mut self, slot: u32, now: u64) {
        let Some(one) = self
            .positions
            .get_mut(slot as usize)
            .filter(|one| one.is_here)
        else {
            return;
        };
        one.is_here = false;
        self.people -= 1;
        self.remove(slot);
        self.is_urgent = true;
        let links = std::mem::take(&mut self.players[slot as usize].links);
        for (other, pair) in links {
            self.wake(other, now);
            self.drop_pair(pair);
        }
    }

    /// Ends the connection of two players who must not be connected any longer.
    pub fn cut(&mut self, a: u32, b: u32) {
        if let Some(pair) = self.pair_of(a, b) {
            self.is_urgent = true;
            self.drop_pair(pair);
        }
    }

    /// Gives a turn to each player who is due.
    pub fn update(&mut self, now: u64) {
        if now > self.awake_until {
            return;
        }
        let period = self.period();
        for slot in 0..self.players.len() as u32 {
            let turn = u64::from(slot) + now;
            if !turn.is_multiple_of(period) || !self.positions[slot as usize].is_here {
                continue;
            }
            // Players at rest are checked now and then, too: one of their nearest may have found
            // nearer players.
            if now <= self.players[slot as usize].awake_until || turn.is_multiple_of(16) {
                self.take_turn(slot, now);
            }
        }
    }

    /// Ticks between two turns of a player.
    const fn period(&self) -> u64 {
        match self.people {
            0..=EVERY_TICK => 1,
            people if people <= 2 * EVERY_TICK => 2,
            people if people <= 4 * EVERY_TICK => 4,
            _ => 8,
        }
    }

    /// Whether changes are published in this tick. In a crowd nearly every tick changes something
    /// for nearly every player, so changes are collected until each had a turn. Only players who
    /// were cut off are told at once.
    pub const fn is_told(&self, now: u64) -> bool {
        self.is_urgent || now.is_multiple_of(self.period())
    }

    /// Connects players at once, as if they had been connected before: to those nearer than the
    /// distance at which a connection ends, the nearest first.
    pub fn resume(&mut self, slots: &[u32], now: u64) {
        let mut found = BTreeSet::new();
        for &slot in slots {
            if !self.is_here(slot) {
                continue;
            }
            self.find_near(slot, |rule| rule.off - 1);
            for &(distance, other) in &self.near {
                let ends = [slot, other].map(|slot| self.positions[slot as usize].player);
                let (low, high) = if ends[0] < ends[1] {
                    (slot, other)
                } else {
                    (other, slot)
                };
                let players = ends[0].min(ends[1])..ends[0].max(ends[1]);
                found.insert((distance, players.start, players.end, low, high));
            }
        }
        for (distance, _, _, a, b) in found {
            let Some(pair) = self.pair_of(a, b).or_else(|| self.make_pair(a, b, now)) else {
                continue;
            };
            for sense in [Sense::Hearing, Sense::Sight] {
                let rule = self.rule_of(pair, sense);
                let has_room = [a, b]
                    .into_iter()
                    .all(|end| self.count(end, sense) < rule.most);
                let is_heard = sense == Sense::Hearing || self.pairs[pair as usize].hearing.on;
                if distance < rule.off && has_room && is_heard && !self.sense_state(pair, sense).on
                {
                    self.connect(pair, sense);
                }
            }
        }
    }

    /// The current proximity rules.
    pub const fn proximity_rules(&self) -> ProximityRules {
        self.rules.proximity
    }

    /// Sets proximity rules and walls. All players are connected again, as if the rules had always
    /// been so.
    pub fn set_rules(&mut self, proximity: ProximityRules, walls: Option<Grid>, now: u64) {
        self.rules.proximity = proximity;
        self.walls = walls;
        for pair in 0..self.pairs.len() as u32 {
            if self.pairs[pair as usize].ends != [NONE; 2] {
                self.drop_pair(pair);
            }
        }
        let everyone: Vec<u32> = (0..self.players.len() as u32).collect();
        for slot in &everyone {
            self.keep_active(*slot, now);
        }
        self.resume(&everyone, now);
    }

    /// Slots whose connections changed since the last call.
    pub fn take_dirty(&mut self) -> Vec<u32> {
        self.is_urgent = false;
        let dirty = std::mem::take(&mut self.dirty);
        for &slot in &dirty {
            self.players[slot as usize].is_dirty = false;
        }
        dirty
    }

    /// Slots that a player hears, each with whether the player sees them.
    pub fn connected(&self, slot: u32) -> impl Iterator<Item = (u32, bool)> {
        let links = self
            .players
            .get(slot as usize)
            .map_or(&[][..], |one| &one.links);
        links.iter().filter_map(|&(other, pair)| {
            let pair = &self.pairs[pair as usize];
            pair.hearing.on.then_some((other, pair.sight.on))
        })
    }

    /// Whether nothing will change until a player moves.
    pub const fn is_settled(&self, now: u64) -> bool {
        now > self.awake_until && self.dirty.is_empty()
    }

    /// Gives a player turns for a while, although they did not move.
    pub fn keep_active(&mut self, slot: u32, now: u64) {
        if self.is_here(slot) {
            self.wake(slot, now);
        }
    }

    fn is_here(&self, slot: u32) -> bool {
        self.positions
            .get(slot as usize)
            .is_some_and(|one| one.is_here)
    }

    fn wake(&mut self, slot: u32, now: u64) {
        let rules = &self.rules;
        let until = now + rules.linger + rules.nearer_for + rules.dwell_moving + 8;
        self.players[slot as usize].awake_until = until;
        self.awake_until = self.awake_until.max(until);
    }

    fn take_turn(&mut self, slot: u32, now: u64) {
        let mut turn = std::mem::take(&mut self.turn);
        turn.clear();
        self.find_near(slot, |rule| rule.on);
        for index in 0..self.near.len() {
            let (_, other) = self.near[index];
            match self.pair_of(slot, other) {
                Some(pair) => self.pairs[pair as usize].near = TickStamp::of(now),
                None => {
                    self.make_pair(slot, other, now);
                }
            }
        }
        turn.extend_from_slice(&self.players[slot as usize].links);
        for &(other, pair) in &turn {
            let Pair { ends, judged, .. } = self.pairs[pair as usize];
            // An earlier pair of this turn may have dropped it.
            if !ends.contains(&slot) || judged == TickStamp::of(now) {
                continue;
            }
            // Once per round is enough. The first end judges the pair, unless it is at rest.
            if ends[0] == slot || now > self.players[other as usize].awake_until {
                self.judge(pair, now);
            }
        }
        self.turn = turn;
    }

    fn judge(&mut self, index: u32, now: u64) {
        self.pairs[index as usize].judged = TickStamp::of(now);
        let ends = self.pairs[index as usize].ends;
        let [a, b] = ends.map(|end| &self.positions[end as usize]);
        let apart = squared(a.at, b.at);
        let dwell = if a.moves || b.moves {
            self.rules.dwell_moving
        } else {
            self.rules.dwell_standing
        };
        // A wall counts as the largest distance, with the same delays. Pairs that are far apart
        // need no check for walls.
        let hearing = self.rule_of(index, Sense::Hearing);
        let is_hidden = apart <= hearing.off && !self.is_clear(ends[0], ends[1]);
        let distance = if is_hidden { BEHIND_WALL } else { apart };
        self.judge_sense(index, Sense::Hearing, distance, dwell, now);
        let pair = &self.pairs[index as usize];
        if pair.hearing.on {
            self.judge_sense(index, Sense::Sight, distance, dwell, now);
        } else if apart > hearing.on || pair.near.before(now) > 16 {
            self.drop_pair(index);
        }
    }

    /// Whether no wall is between two players.
    fn is_clear(&self, a: u32, b: u32) -> bool {
        let at = |slot: u32| self.positions[slot as usize].at;
        let walls = self.walls.as_ref();
        walls.is_none_or(|walls| sight::is_clear(walls, at(a), at(b)))
    }

    fn judge_sense(&mut self, index: u32, sense: Sense, distance: i64, dwell: u64, now: u64) {
        let rule = self.rule_of(index, sense);
        let sense_state = self.sense_state(index, sense);
        if sense_state.on {
            if distance < rule.off {
                sense_state.since = TickStamp::NEVER;
            } else if sense_state.since.begin(now) >= self.rules.linger {
                self.disconnect(index, sense);
            }
        } else if distance > rule.on {
            *sense_state = SenseState::new(false);
        } else if sense_state.since.begin(now) >= dwell
            && self.has_room(index, sense, distance, now)
        {
            self.connect(index, sense);
        }
    }

    /// Whether both ends have room for the connection. An end that is full drops its farthest
    /// connection if that one is much farther away.
    fn has_room(&mut self, index: u32, sense: Sense, distance: i64, now: u64) -> bool {
        let most = self.rule_of(index, sense).most;
        let ends = self.pairs[index as usize].ends;
        let full = ends.map(|end| self.count(end, sense) >= most);
        if full == [false, false] {
            return true;
        }
        let enough = (distance.unsigned_abs().isqrt() as i64 + self.rules.nearer).pow(2);
        let mut makes_room = [None; 2];
        for side in 0..2 {
            if !full[side] {
                continue;
            }
            match self.farthest(ends[side], sense, now) {
                Some((farthest, pair)) if farthest >= enough => makes_room[side] = Some(pair),
                _ => {
                    self.sense_state(index, sense).nearer = TickStamp::NEVER;
                    return false;
                }
            }
        }
        let nearer_for = self.rules.nearer_for;
        if self.sense_state(index, sense).nearer.begin(now) < nearer_for {
            return false;
        }
        for pair in makes_room.into_iter().flatten() {
            if self.sense_state(pair, sense).on {
                self.disconnect(pair, sense);
            }
        }
        true
    }

    /// The farthest connected player and their squared distance. A crowd asks for it often, so the
    /// result is cached for one round or until a connection changes.
    fn farthest(&mut self, slot: u32, sense: Sense, now: u64) -> Option<(i64, u32)> {
        let one = &self.players[slot as usize];
        if let Some(Farthest { at, found }) = one.farthest[sense as usize]
            && now < at + self.period()
        {
            return found;
        }
        let at = self.positions[slot as usize].at;
        let connected = one.links.iter().filter(|&&(_, pair)| {
            let pair = &self.pairs[pair as usize];
            match sense {
                Sense::Hearing => pair.hearing.on,
                Sense::Sight => pair.sight.on,
            }
        });
        let distances = connected.map(|&(other, pair)| {
            let other = &self.positions[other as usize];
            (squared(at, other.at), other.player, pair)
        });
        let found = distances.max().map(|(distance, _, pair)| (distance, pair));
        self.players[slot as usize].farthest[sense as usize] = Some(Farthest { at: now, found });
        found
    }

    fn connect(&mut self, index: u32, sense: Sense) {
        *self.sense_state(index, sense) = SenseState::new(true);
        for end in self.pairs[index as usize].ends {
            let one = &mut self.players[end as usize];
            match sense {
                Sense::Hearing => one.heard += 1,
                Sense::Sight => one.seen += 1,
            }
            one.farthest[sense as usize] = None;
            self.mark_dirty(end);
        }
    }

    fn disconnect(&mut self, index: u32, sense: Sense) {
        if sense == Sense::Hearing && self.pairs[index as usize].sight.on {
            self.disconnect(index, Sense::Sight);
        }
        *self.sense_state(index, sense) = SenseState::new(false);
        for end in self.pairs[index as usize].ends {
            let one = &mut self.players[end as usize];
            match sense {
                Sense::Hearing => one.heard -= 1,
                Sense::Sight => one.seen -= 1,
            }
            one.farthest[sense as usize] = None;
            self.mark_dirty(end);
        }
    }

    fn mark_dirty(&mut self, slot: u32) {
        let one = &mut self.players[slot as usize];
        // Other players may wait for a place that became free here.
        one.awake_until = one.awake_until.max(self.awake_until);
        if !one.is_dirty {
            one.is_dirty = true;
            self.dirty.push(slot);
        }
    }

    /// The smaller of both ranges counts, so that the rule is the same for both.
    fn rule_of(&self, index: u32, sense: Sense) -> SenseRule {
        let [a, b] = self.pairs[index as usize]
            .ends
            .map(|end| self.range_of(end));
        self.rules.sense(sense, a.min(b))
    }

    fn range_of(&self, slot: u32) -> u8 {
        self.positions[slot as usize]
            .range
            .unwrap_or(self.rules.proximity.range_tiles)
    }

    fn sense_state(&mut self, index: u32, sense: Sense) -> &mut SenseState {
        let pair = &mut self.pairs[index as usize];
        match sense {
            Sense::Hearing => &mut pair.hearing,
            Sense::Sight => &mut pair.sight,
        }
    }

    fn count(&self, slot: u32, sense: Sense) -> u16 {
        let one = &self.players[slot as usize];
        match sense {
            Sense::Hearing => one.heard,
            Sense::Sight => one.seen,
        }
    }

    fn pair_of(&self, a: u32, b: u32) -> Option<u32> {
        let links = &self.players.get(a as usize)?.links;
        let at = links.binary_search_by_key(&b, |(other, _)| *other).ok()?;
        Some(links[at].1)
    }

    fn make_pair(&mut self, a: u32, b: u32, now: u64) -> Option<u32> {
        if !self.blocked_pairs.is_empty() {
            let [a, b] = [a, b].map(|slot| self.positions[slot as usize].player);
            if self.blocked_pairs.contains(&(a.min(b), a.max(b))) {
                return None;
            }
        }
        let pair = Pair {
            ends: [a, b],
            hearing: SenseState::new(false),
            sight: SenseState::new(false),
            near: TickStamp::of(now),
            judged: TickStamp::NEVER,
        };
        let index = if let Some(index) = self.free.pop() {
            self.pairs[index as usize] = pair;
            index
        } else {
            self.pairs.push(pair);
            self.pairs.len() as u32 - 1
        };
        for (one, other) in [(a, b), (b, a)] {
            let links = &mut self.players[one as usize].links;
            if let Err(at) = links.binary_search_by_key(&other, |(other, _)| *other) {
                links.insert(at, (other, index));
            }
        }
        Some(index)
    }

    fn drop_pair(&mut self, index: u32) {
        if self.pairs[index as usize].hearing.on {
            self.disconnect(index, Sense::Hearing);
        }
        let [a, b] = std::mem::replace(&mut self.pairs[index as usize].ends, [NONE; 2]);
        for (one, other) in [(a, b), (b, a)] {
            let links = &mut self.players[one as usize].links;
            if let Ok(at) = links.binary_search_by_key(&other, |(other, _)| *other) {
                links.remove(at);
            }
        }
        self.free.push(index);
    }

    /// Fills `near` with the nearest other players, none farther than `limit` of the rule between
    /// them.
    fn find_near(&mut self, slot: u32, limit: impl Fn(SenseRule) -> i64) {
        let mut near = std::mem::take(&mut self.near);
        near.clear();
        let from = self.positions[slot as usize].at;
        let range = self.range_of(slot);
        let within = limit(self.rules.sense(Sense::Hearing, range));
        let (column, row) = (from.x >> self.side, from.y >> self.side);
        let mut farthest = within;
        for ring in 0.. {
            // From the position to the nearest edge of the ring.
            let low = |at: i32, cell: i32| at - ((cell - ring + 1) << self.side);
            let high = |at: i32, cell: i32| ((cell + ring) << self.side) - at;
            let edge = low(from.x, column)
                .min(low(from.y, row))
                .min(high(from.x, column))
                .min(high(from.y, row));
            if ring > 0 && (edge > 0 && i64::from(edge).pow(2) > farthest || ring > 16) {
                break;
            }
            let is_inside = |row: &i32| (0..self.rows).contains(row);
            for y in (row - ring..=row + ring).filter(is_inside) {
                let step = if (y - row).abs() == ring { 1 } else { 2 * ring };
                let mut x = column - ring;
                while x <= column + ring {
                    if (0..self.columns).contains(&x) {
                        let mut at = self.cells[(y * self.columns + x) as usize];
                        while at != NONE {
                            let other = &self.positions[at as usize];
                            let distance = squared(from, other.at);
                            // Players with a smaller range or behind a wall must not take the place
                            // of those who are heard.
                            if at != slot
                                && distance <= farthest
                                && self.carries(at, range, distance, &limit)
                                && self.is_clear(slot, at)
                            {
                                near.push((distance, at));
                                if near.len() == 2 * CANDIDATES {
                                    farthest = self.keep_nearest(&mut near);
                                }
                            }
                            at = other.after;
                        }
                    }
                    x += step.max(1);
                }
            }
            if near.len() > CANDIDATES {
                farthest = self.keep_nearest(&mut near);
            } else if near.len() == CANDIDATES {
                farthest = near
                    .iter()
                    .map(|(distance, _)| *distance)
                    .max()
                    .unwrap_or(within);
            }
        }
        self.near = near;
    }

    /// Whether a player at this distance, within a limit of the given range, is also within the
    /// limit of their own range.
    fn carries(
        &self,
        slot: u32,
        range: u8,
        distance: i64,
        limit: impl Fn(SenseRule) -> i64,
    ) -> bool {
        let own = self.range_of(slot);
        own >= range || distance <= limit(self.rules.sense(Sense::Hearing, own))
    }

    /// Keeps the nearest players. At equal distance lower numbers win. Returns the distance of the
    /// farthest who is kept.
    fn keep_nearest(&self, near: &mut Vec<(i64, u32)>) -> i64 {
        let key = |&(distance, slot): &(i64, u32)| (distance, self.positions[slot as usize].player);
        near.select_nth_unstable_by_key(CANDIDATES - 1, key);
        near.truncate(CANDIDATES);
        near[CANDIDATES - 1].0
    }

    fn cell_of(&self, at: Position) -> u32 {
        let column = (at.x >> self.side).clamp(0, self.columns - 1);
        let row = (at.y >> self.side).clamp(0, self.rows - 1);
        (row * self.columns + column) as u32
    }

    fn insert(&mut self, slot: u32) {
        let cell = self.cell_of(self.positions[slot as usize].at);
        let first = std::mem::replace(&mut self.cells[cell as usize], slot);
        let one = &mut self.positions[slot as usize];
        one.cell = cell;
        one.before = NONE;
        one.after = first;
        if first != NONE {
            self.positions[first as usize].before = slot;
        }
    }

    fn remove(&mut self, slot: u32) {
        let one = &mut self.positions[slot as usize];
        let (cell, before, after) = (one.cell, one.before, one.after);
        (one.cell, one.before, one.after) = (NONE, NONE, NONE);
        if cell == NONE {
            return;
        }
        if before == NONE {
            self.cells[cell as usize] = after;
        } else {
            self.positions[before as usize].after = after;
        }
        if after != NONE {
            self.positions[after as usize].before = before;
        }
    }
}
