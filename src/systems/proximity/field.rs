//! Field: who is near enough to whom to hear and see them, with patience at the edges: plain data, no world.
//!
//! Everybody has a turn every tick while there are few, every second or fourth in a crowd. In a turn the pairs of that one
//! are judged, and the nearest who make no pair with them yet are looked for, in cells of a tile. What lies still has no turns.

use std::collections::BTreeSet;

use super::sight;
use crate::components::grid::Grid;
use crate::components::id::PlayerId;
use crate::components::peers::USUAL_REACH;
use crate::components::unit::{Position, SUBTILES, TickRate};

/// Nearest people that make pairs with somebody: more than can be heard, so that whoever leaves makes room for the next.
const CANDIDATES: usize = 24;

/// People up to whom everybody has a turn each tick; with twice as many it is every second one, beyond that every fourth.
const UNHURRIED: usize = 256;

/// Farther than any map is wide, squared.
const BEHIND: i64 = 1 << 40;

/// No slot, no pair.
const NONE: u32 = u32::MAX;

/// One sense: from how far on, how far off, and how many at once.
#[derive(Debug, Clone, Copy)]
pub struct SenseRule {
    /// Begins at this distance, squared, in 1/64 tile.
    pub on: i64,
    /// Ends at this one.
    pub off: i64,
    /// At most so many, the nearest.
    pub most: u16,
}

/// All numbers, in ticks and 1/64 tile.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Voices.
    pub hearing: SenseRule,
    /// Pictures.
    pub sight: SenseRule,
    /// From how far on, and off, both senses reach when one of two wants it quiet: squared, in 1/64 tile.
    pub quiet: (i64, i64),
    /// Ticks of being near until two who stand are connected.
    pub dwell_standing: u64,
    /// And when one of them moves.
    pub dwell_moving: u64,
    /// Ticks of being far until they no longer are.
    pub linger: u64,
    /// How much nearer a newcomer must be to take another's place...
    pub nearer: i64,
    /// ...and for how many ticks.
    pub nearer_for: u64,
}

pub(super) const fn tiles(count: i64) -> i64 {
    let side = count * SUBTILES as i64;
    side * side
}

/// Voices that carry so many tiles end one tile beyond,
const fn hearing(reach: u8) -> SenseRule {
    SenseRule {
        on: tiles(reach as i64),
        off: tiles(reach as i64 + 1),
        most: 16,
    }
}

/// and pictures begin two tiles nearer.
const fn sight(reach: u8) -> SenseRule {
    let reach = if reach > 3 { reach - 2 } else { 1 };
    SenseRule {
        on: tiles(reach as i64),
        off: tiles(reach as i64 + 1),
        most: 9,
    }
}

impl Rules {
    /// The numbers of every space, at its rate.
    pub fn at(rate: TickRate) -> Self {
        let ticks = |millis: u64| (millis * u64::from(rate.per_second())).div_ceil(1_000);
        Self {
            hearing: hearing(USUAL_REACH),
            sight: sight(USUAL_REACH),
            quiet: (tiles(1), tiles(3) / 4),
            dwell_standing: ticks(250),
            dwell_moving: ticks(600),
            linger: ticks(1_000),
            nearer: i64::from(SUBTILES / 2),
            nearer_for: ticks(1_000),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sense {
    Hearing,
    Sight,
}

/// How far one sense of a pair has come.
#[derive(Debug, Clone, Copy, Default)]
struct Bond {
    on: bool,
    /// Since when the distance is one at which it should be the other way.
    since: Option<u64>,
    /// Since when this one is near enough to take somebody's place.
    nearer: Option<u64>,
}

#[derive(Debug, Clone, Copy)]
struct Pair {
    ends: [u32; 2],
    hearing: Bond,
    sight: Bond,
    /// When one of them was last among the nearest of the other.
    near: u64,
    judged: u64,
}

/// Who is connected to somebody and farthest away.
#[derive(Debug, Clone, Copy)]
struct Farthest {
    /// The tick in which that was found.
    at: u64,
    /// How far, squared, and the pair; nothing when nobody is connected.
    found: Option<(i64, u32)>,
}

/// One of the field's people.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "what somebody does, wants, is and is due for are independent"
)]
struct Slot {
    player: PlayerId,
    at: Position,
    moves: bool,
    is_quiet: bool,
    is_here: bool,
    /// Cell that it is in, and its neighbours there.
    cell: u32,
    before: u32,
    after: u32,
    /// The other and the pair, by the other's slot.
    links: Vec<(u32, u32)>,
    heard: u16,
    seen: u16,
    awake_until: u64,
    is_dirty: bool,
    /// The connected one who is farthest away, by sense, when that was looked for.
    farthest: [Option<Farthest>; 2],
}

/// Everybody who can be heard by distance.
#[derive(Debug)]
pub struct Field {
    rules: Rules,
    slots: Vec<Slot>,
    pairs: Vec<Pair>,
    free: Vec<u32>,
    cells: Vec<u32>,
    columns: i32,
    rows: i32,
    /// Sub-tiles along the side of a cell, as a power of two.
    side: u32,
    people: usize,
    awake_until: u64,
    /// Who must never be connected, the lower number first.
    pub kept_apart: BTreeSet<(PlayerId, PlayerId)>,
    /// What nobody is heard through; nothing where walls are open to voices.
    pub walls: Option<Grid>,
    dirty: Vec<u32>,
    near: Vec<(i64, u32)>,
    turn: Vec<(u32, u32)>,
}

pub(super) fn squared(a: Position, b: Position) -> i64 {
    let (x, y) = (i64::from(a.x - b.x), i64::from(a.y - b.y));
    x * x + y * y
}

impl Field {
    /// Nobody, on a map of that many tiles.
    pub fn new(width: u16, height: u16, rules: Rules) -> Self {
        // Cells of a tile are best for crowds; a huge map gets larger ones, so that they do not fill the memory.
        let side = if u32::from(width) * u32::from(height) <= 1 << 18 {
            6
        } else {
            8
        };
        let cells = |tiles: u16| (i32::from(tiles) * SUBTILES) / (1 << side) + 1;
        let (columns, rows) = (cells(width), cells(height));
        Self {
            rules,
            slots: Vec::new(),
            pairs: Vec::new(),
            free: Vec::new(),
            cells: vec![NONE; (columns * rows) as usize],
            columns,
            rows,
            side,
            people: 0,
            awake_until: 0,
            kept_apart: BTreeSet::new(),
            walls: None,
            dirty: Vec::new(),
            near: Vec::new(),
            turn: Vec::new(),
        }
    }

    /// Somebody is there, or is there again. Slots are numbers from 0 that the caller gives out.
    pub fn enter(&mut self, slot: u32, player: PlayerId, at: Position, moves: bool, now: u64) {
        while self.slots.len() <= slot as usize {
            self.slots.push(Slot {
                player,
                at,
                moves: false,
                is_quiet: false,
                is_here: false,
                cell: NONE,
                before: NONE,
                after: NONE,
                links: Vec::new(),
                heard: 0,
                seen: 0,
                awake_until: 0,
                is_dirty: false,
                farthest: [None; 2],
            });
        }
        let one = &mut self.slots[slot as usize];
        if !one.is_here {
            one.is_here = true;
            one.is_quiet = false;
            one.player = player;
            one.at = at;
            self.people += 1;
            self.put(slot);
        }
        self.stand(slot, at, moves, now);
    }

    /// Somebody stands elsewhere, or moves now, or no longer does.
    pub fn stand(&mut self, slot: u32, at: Position, moves: bool, now: u64) {
        let cell = self.cell_of(at);
        let one = &mut self.slots[slot as usize];
        one.at = at;
        one.moves = moves;
        if one.cell != cell {
            self.take(slot);
            self.put(slot);
        }
        self.wake(slot, now);
    }

    /// Somebody wants only those right beside them, or no longer.
    pub fn hush(&mut self, slot: u32, is_quiet: bool, now: u64) {
        let one = self.slots.get_mut(slot as usize).filter(|one| one.is_here);
        if let Some(one) = one.filter(|one| one.is_quiet != is_quiet) {
            one.is_quiet = is_quiet;
            self.wake(slot, now);
        }
    }

    /// Somebody is no longer there: whatever connected them is cut at once.
    pub fn leave(&mut self, slot: u32, now: u64) {
        let Some(one) = self.slots.get_mut(slot as usize).filter(|one| one.is_here) else {
            return;
        };
        one.is_here = false;
        self.people -= 1;
        self.take(slot);
        let links = std::mem::take(&mut self.slots[slot as usize].links);
        for (other, pair) in links {
            self.wake(other, now);
            self.drop_pair(pair);
        }
    }

    /// Cuts two who must not be connected any more.
    pub fn cut(&mut self, a: u32, b: u32) {
        if let Some(pair) = self.pair_of(a, b) {
            self.drop_pair(pair);
        }
    }

    /// Gives whoever is due their turn.
    pub fn look(&mut self, now: u64) {
        if now > self.awake_until {
            return;
        }
        let period = match self.people {
            0..=UNHURRIED => 1,
            people if people <= 2 * UNHURRIED => 2,
            _ => 4,
        };
        for slot in 0..self.slots.len() as u32 {
            let one = &self.slots[slot as usize];
            let turn = u64::from(slot) + now;
            // The sleepers are asked now and then, too: somebody may be among their nearest who has nearer ones.
            let is_due =
                one.is_here && turn.is_multiple_of(period) && (now <= one.awake_until || turn.is_multiple_of(16));
            if is_due {
                self.take_turn(slot, now);
            }
        }
    }

    /// Connects somebody at once to whoever they may have been connected to: those nearer than where it would have ended,
    /// the nearest first.
    pub fn resume(&mut self, slots: &[u32], now: u64) {
        let mut found = BTreeSet::new();
        for &slot in slots {
            if !self.slots.get(slot as usize).is_some_and(|one| one.is_here) {
                continue;
            }
            self.find_near(slot, self.rules.hearing.off - 1);
            for &(distance, other) in &self.near {
                let ends = [self.slots[slot as usize].player, self.slots[other as usize].player];
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
                let rule = self.rule(pair, sense);
                let has_room = [a, b].into_iter().all(|end| self.count(end, sense) < rule.most);
                let is_heard = sense == Sense::Hearing || self.pairs[pair as usize].hearing.on;
                if distance < rule.off && has_room && is_heard && !self.bond(pair, sense).on {
                    self.connect(pair, sense);
                }
            }
        }
    }

    /// From now on voices carry so many tiles; whether they did not before.
    pub fn set_reach(&mut self, reach: u8, now: u64) -> bool {
        let is_new = self.rules.hearing.on != hearing(reach).on;
        if is_new {
            (self.rules.hearing, self.rules.sight) = (hearing(reach), sight(reach));
            for slot in 0..self.slots.len() as u32 {
                self.rouse(slot, now);
            }
        }
        is_new
    }

    /// Everybody whose connections changed since this was asked last.
    pub fn take_dirty(&mut self) -> Vec<u32> {
        let dirty = std::mem::take(&mut self.dirty);
        for &slot in &dirty {
            self.slots[slot as usize].is_dirty = false;
        }
        dirty
    }

    /// Everybody whom somebody hears, and whether they see them.
    pub fn connected(&self, slot: u32) -> impl Iterator<Item = (u32, bool)> {
        let links = self.slots.get(slot as usize).map_or(&[][..], |one| &one.links);
        links.iter().filter_map(|&(other, pair)| {
            let pair = &self.pairs[pair as usize];
            pair.hearing.on.then_some((other, pair.sight.on))
        })
    }

    /// Whether nothing will change until somebody moves.
    pub const fn is_settled(&self, now: u64) -> bool {
        now > self.awake_until
    }

    /// Gives somebody turns for a while, although they did not move.
    pub fn rouse(&mut self, slot: u32, now: u64) {
        if self.slots.get(slot as usize).is_some_and(|one| one.is_here) {
            self.wake(slot, now);
        }
    }

    fn wake(&mut self, slot: u32, now: u64) {
        let rules = &self.rules;
        let until = now + rules.linger + rules.nearer_for + rules.dwell_moving + 8;
        self.slots[slot as usize].awake_until = until;
        self.awake_until = self.awake_until.max(until);
    }

    fn take_turn(&mut self, slot: u32, now: u64) {
        let mut turn = std::mem::take(&mut self.turn);
        turn.clear();
        self.find_near(slot, self.rules.hearing.on);
        for index in 0..self.near.len() {
            let (_, other) = self.near[index];
            match self.pair_of(slot, other) {
                Some(pair) => self.pairs[pair as usize].near = now,
                None => {
                    self.make_pair(slot, other, now);
                }
            }
        }
        turn.extend_from_slice(&self.slots[slot as usize].links);
        for &(_, pair) in &turn {
            // An earlier one of this turn may have ended it.
            let is_mine = self.pairs[pair as usize].ends.contains(&slot);
            if is_mine && self.pairs[pair as usize].judged != now {
                self.judge(pair, now);
            }
        }
        self.turn = turn;
    }

    fn judge(&mut self, index: u32, now: u64) {
        self.pairs[index as usize].judged = now;
        let ends = self.pairs[index as usize].ends;
        let [a, b] = ends.map(|end| &self.slots[end as usize]);
        let apart = squared(a.at, b.at);
        let dwell = if a.moves || b.moves {
            self.rules.dwell_moving
        } else {
            self.rules.dwell_standing
        };
        // Behind a wall is as far as can be, with the same patience. What is far anyway need not be looked at.
        let is_hidden = apart <= self.rules.hearing.off && !self.is_clear(ends[0], ends[1]);
        let distance = if is_hidden { BEHIND } else { apart };
        self.judge_sense(index, Sense::Hearing, distance, dwell, now);
        let pair = &self.pairs[index as usize];
        if pair.hearing.on {
            self.judge_sense(index, Sense::Sight, distance, dwell, now);
        } else if apart > self.rules.hearing.on || now > pair.near + 16 {
            self.drop_pair(index);
        }
    }

    /// Whether no wall is between two.
    fn is_clear(&self, a: u32, b: u32) -> bool {
        let at = |slot: u32| self.slots[slot as usize].at;
        let walls = self.walls.as_ref();
        walls.is_none_or(|walls| sight::is_clear(walls, at(a), at(b)))
    }

    fn judge_sense(&mut self, index: u32, sense: Sense, distance: i64, dwell: u64, now: u64) {
        let rule = self.rule(index, sense);
        let bond = self.bond(index, sense);
        if bond.on {
            if distance < rule.off {
                bond.since = None;
            } else if now - *bond.since.get_or_insert(now) >= self.rules.linger {
                self.disconnect(index, sense);
            }
        } else if distance > rule.on {
            *bond = Bond::default();
        } else if now - *bond.since.get_or_insert(now) >= dwell && self.has_room(index, sense, distance, now) {
            self.connect(index, sense);
        }
    }

    /// Whether both have room for one another; whoever is much farther away from somebody full makes it.
    fn has_room(&mut self, index: u32, sense: Sense, distance: i64, now: u64) -> bool {
        let most = self.rule(index, sense).most;
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
                    self.bond(index, sense).nearer = None;
                    return false;
                }
            }
        }
        let nearer_for = self.rules.nearer_for;
        let bond = self.bond(index, sense);
        if now - *bond.nearer.get_or_insert(now) < nearer_for {
            return false;
        }
        for pair in makes_room.into_iter().flatten() {
            if self.bond(pair, sense).on {
                self.disconnect(pair, sense);
            }
        }
        true
    }

    /// The connected one who is farthest away, and how far. In a crowd that is asked often: it is found once a tick, and again
    /// when a connection changed.
    fn farthest(&mut self, slot: u32, sense: Sense, now: u64) -> Option<(i64, u32)> {
        let one = &self.slots[slot as usize];
        if let Some(Farthest { at, found }) = one.farthest[sense as usize]
            && at == now
        {
            return found;
        }
        let connected = one.links.iter().filter(|&&(_, pair)| {
            let pair = &self.pairs[pair as usize];
            match sense {
                Sense::Hearing => pair.hearing.on,
                Sense::Sight => pair.sight.on,
            }
        });
        let distances = connected.map(|&(other, pair)| {
            let other = &self.slots[other as usize];
            (squared(one.at, other.at), other.player, pair)
        });
        let found = distances.max().map(|(distance, _, pair)| (distance, pair));
        self.slots[slot as usize].farthest[sense as usize] = Some(Farthest { at: now, found });
        found
    }

    fn connect(&mut self, index: u32, sense: Sense) {
        *self.bond(index, sense) = Bond {
            on: true,
            ..Bond::default()
        };
        for end in self.pairs[index as usize].ends {
            let one = &mut self.slots[end as usize];
            match sense {
                Sense::Hearing => one.heard += 1,
                Sense::Sight => one.seen += 1,
            }
            one.farthest[sense as usize] = None;
            self.soil(end);
        }
    }

    fn disconnect(&mut self, index: u32, sense: Sense) {
        if sense == Sense::Hearing && self.pairs[index as usize].sight.on {
            self.disconnect(index, Sense::Sight);
        }
        *self.bond(index, sense) = Bond::default();
        for end in self.pairs[index as usize].ends {
            let one = &mut self.slots[end as usize];
            match sense {
                Sense::Hearing => one.heard -= 1,
                Sense::Sight => one.seen -= 1,
            }
            one.farthest[sense as usize] = None;
            self.soil(end);
        }
    }

    fn soil(&mut self, slot: u32) {
        let one = &mut self.slots[slot as usize];
        // Whoever got room may have others who wait for it.
        one.awake_until = one.awake_until.max(self.awake_until);
        if !one.is_dirty {
            one.is_dirty = true;
            self.dirty.push(slot);
        }
    }

    /// The smaller of both reaches counts, so that it is the same for both.
    fn rule(&self, index: u32, sense: Sense) -> SenseRule {
        let rule = match sense {
            Sense::Hearing => self.rules.hearing,
            Sense::Sight => self.rules.sight,
        };
        let ends = self.pairs[index as usize].ends;
        if ends.into_iter().any(|end| self.slots[end as usize].is_quiet) {
            let (on, off) = self.rules.quiet;
            SenseRule { on, off, ..rule }
        } else {
            rule
        }
    }

    fn bond(&mut self, index: u32, sense: Sense) -> &mut Bond {
        let pair = &mut self.pairs[index as usize];
        match sense {
            Sense::Hearing => &mut pair.hearing,
            Sense::Sight => &mut pair.sight,
        }
    }

    fn count(&self, slot: u32, sense: Sense) -> u16 {
        let one = &self.slots[slot as usize];
        match sense {
            Sense::Hearing => one.heard,
            Sense::Sight => one.seen,
        }
    }

    fn pair_of(&self, a: u32, b: u32) -> Option<u32> {
        let links = &self.slots.get(a as usize)?.links;
        let at = links.binary_search_by_key(&b, |(other, _)| *other).ok()?;
        Some(links[at].1)
    }

    fn make_pair(&mut self, a: u32, b: u32, now: u64) -> Option<u32> {
        if !self.kept_apart.is_empty() {
            let [a, b] = [a, b].map(|slot| self.slots[slot as usize].player);
            if self.kept_apart.contains(&(a.min(b), a.max(b))) {
                return None;
            }
        }
        let pair = Pair {
            ends: [a, b],
            hearing: Bond::default(),
            sight: Bond::default(),
            near: now,
            judged: NEVER,
        };
        let index = if let Some(index) = self.free.pop() {
            self.pairs[index as usize] = pair;
            index
        } else {
            self.pairs.push(pair);
            self.pairs.len() as u32 - 1
        };
        for (one, other) in [(a, b), (b, a)] {
            let links = &mut self.slots[one as usize].links;
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
            let links = &mut self.slots[one as usize].links;
            if let Ok(at) = links.binary_search_by_key(&other, |(other, _)| *other) {
                links.remove(at);
            }
        }
        self.free.push(index);
    }

    /// Fills `near` with the others nearest to somebody, none farther than that.
    fn find_near(&mut self, slot: u32, within: i64) {
        let mut near = std::mem::take(&mut self.near);
        near.clear();
        let from = self.slots[slot as usize].at;
        let (column, row) = (from.x >> self.side, from.y >> self.side);
        let mut farthest = within;
        for ring in 0.. {
            // From the place to the nearest edge of the ring.
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
                            let other = &self.slots[at as usize];
                            let distance = squared(from, other.at);
                            // Whoever is behind a wall takes no place from those who are not.
                            if at != slot && distance <= farthest && self.is_clear(slot, at) {
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
                farthest = near.iter().map(|(distance, _)| *distance).max().unwrap_or(within);
            }
        }
        self.near = near;
    }

    /// Keeps the nearest, those of lower numbers when several are as far; answers how far the farthest of them is.
    fn keep_nearest(&self, near: &mut Vec<(i64, u32)>) -> i64 {
        let key = |&(distance, slot): &(i64, u32)| (distance, self.slots[slot as usize].player);
        near.select_nth_unstable_by_key(CANDIDATES - 1, key);
        near.truncate(CANDIDATES);
        near[CANDIDATES - 1].0
    }

    fn cell_of(&self, at: Position) -> u32 {
        let column = (at.x >> self.side).clamp(0, self.columns - 1);
        let row = (at.y >> self.side).clamp(0, self.rows - 1);
        (row * self.columns + column) as u32
    }

    fn put(&mut self, slot: u32) {
        let cell = self.cell_of(self.slots[slot as usize].at);
        let first = std::mem::replace(&mut self.cells[cell as usize], slot);
        let one = &mut self.slots[slot as usize];
        one.cell = cell;
        one.before = NONE;
        one.after = first;
        if first != NONE {
            self.slots[first as usize].before = slot;
        }
    }

    fn take(&mut self, slot: u32) {
        let one = &mut self.slots[slot as usize];
        let (cell, before, after) = (one.cell, one.before, one.after);
        (one.cell, one.before, one.after) = (NONE, NONE, NONE);
        if cell == NONE {
            return;
        }
        if before == NONE {
            self.cells[cell as usize] = after;
        } else {
            self.slots[before as usize].after = after;
        }
        if after != NONE {
            self.slots[after as usize].before = before;
        }
    }
}

/// No tick has this number.
const NEVER: u64 = u64::MAX;
