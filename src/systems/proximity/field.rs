//! Field: who is near enough to whom to hear and see them, with patience at the edges: plain data,
//! no world.
//!
//! Everybody has a turn every tick while there are few, and up to eight times less often in a
//! crowd. In a turn the pairs of that one are judged, and the nearest who make no pair with them
//! yet are looked for, in cells of a tile. What lies still has no turns.

use std::collections::BTreeSet;

use super::sight;
use crate::components::grid::Grid;
use crate::components::id::PlayerId;
use crate::components::peers::ProximityRules;
use crate::components::unit::{Position, SUBTILES, TickRate};

/// Nearest people that make pairs with somebody: more than can be heard, so that whoever leaves
/// makes room for the next.
const CANDIDATES: usize = 24;

/// People up to whom everybody has a turn each tick; with up to twice as many it is every second
/// one, then every fourth and eighth.
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
    /// How far, and how many at once.
    pub voices: ProximityRules,
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

impl Rules {
    /// The numbers of a space, at its rate.
    pub fn at(rate: TickRate, voices: ProximityRules) -> Self {
        let ticks = |millis: u64| (millis * u64::from(rate.per_second())).div_ceil(1_000);
        Self {
            voices,
            dwell_standing: ticks(250),
            dwell_moving: ticks(600),
            linger: ticks(1_000),
            nearer: i64::from(SUBTILES / 2),
            nearer_for: ticks(1_000),
        }
    }

    /// Voices that carry so many tiles end one tile beyond, or half a tile when it is only those
    /// right beside; pictures begin two tiles nearer.
    fn sense(&self, sense: Sense, reach: u8) -> SenseRule {
        let (carries, most) = match sense {
            Sense::Hearing => (reach, self.voices.max_audio),
            Sense::Sight => (if reach > 3 { reach - 2 } else { 1 }, self.voices.max_video),
        };
        let on = i64::from(carries) * i64::from(SUBTILES);
        let off = on + i64::from(if reach > 1 { SUBTILES } else { SUBTILES / 2 });
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

/// A tick, or none, in four bytes: a crowd has tens of thousands of pairs, and most of the time for
/// them is spent on memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct TickStamp(u32);

impl TickStamp {
    const NEVER: Self = Self(u32::MAX);

    /// Ticks go on for years before they come round.
    const fn of(now: u64) -> Self {
        Self(now as u32)
    }

    /// Ticks since then.
    const fn before(self, now: u64) -> u64 {
        (now as u32).wrapping_sub(self.0) as u64
    }

    /// Begins now, unless it did before; ticks since it began.
    fn begin(&mut self, now: u64) -> u64 {
        if *self == Self::NEVER {
            *self = Self::of(now);
        }
        self.before(now)
    }
}

/// How far one sense of a pair has come.
#[derive(Debug, Clone, Copy)]
struct SenseState {
    /// Since when the distance is one at which it should be the other way.
    since: TickStamp,
    /// Since when this one is near enough to take somebody's place.
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
    /// When one of them was last among the nearest of the other.
    near: TickStamp,
    judged: TickStamp,
}

/// Who is connected to somebody and farthest away.
#[derive(Debug, Clone, Copy)]
struct Farthest {
    /// The tick in which that was found.
    at: u64,
    /// How far, squared, and the pair; nothing when nobody is connected.
    found: Option<(i64, u32)>,
}

/// Where one of the field's people is: apart from the rest, because whoever looks for the nearest
/// looks at this of hundreds.
#[derive(Debug, Clone, Copy)]
struct FieldPosition {
    player: PlayerId,
    at: Position,
    /// Cell that it is in, and its neighbours there.
    cell: u32,
    before: u32,
    after: u32,
    /// How far it carries from there, when not as in the whole space.
    reach: Option<u8>,
    moves: bool,
    is_here: bool,
}

/// How one of the field's people is connected.
#[derive(Debug, Clone, Default)]
struct FieldPlayer {
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
#[derive(Debug, Clone)]
pub struct Field {
    rules: Rules,
    spots: Vec<FieldPosition>,
    slots: Vec<FieldPlayer>,
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
    /// Whether somebody was cut off who must not be heard for another moment.
    is_urgent: bool,
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
        // Cells of a tile are best for crowds; a huge map gets larger ones, so that they do not
        // fill the memory.
        let side = if u32::from(width) * u32::from(height) <= 1 << 18 {
            6
        } else {
            8
        };
        let cells = |tiles: u16| (i32::from(tiles) * SUBTILES) / (1 << side) + 1;
        let (columns, rows) = (cells(width), cells(height));
        Self {
            rules,
            spots: Vec::new(),
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
            is_urgent: false,
            near: Vec::new(),
            turn: Vec::new(),
        }
    }

    /// Somebody is there, or is there again. Slots are numbers from 0 that the caller gives out.
    pub fn enter(&mut self, slot: u32, player: PlayerId, at: Position, moves: bool, now: u64) {
        while self.slots.len() <= slot as usize {
            self.slots.push(FieldPlayer::default());
            self.spots.push(FieldPosition {
                player,
                at,
                cell: NONE,
                before: NONE,
                after: NONE,
                reach: None,
                moves: false,
                is_here: false,
            });
        }
        let one = &mut self.spots[slot as usize];
        if !one.is_here {
            one.is_here = true;
            one.reach = None;
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
        let one = &mut self.spots[slot as usize];
        one.at = at;
        one.moves = moves;
        if one.cell != cell {
            self.take(slot);
            self.put(slot);
        }
        self.wake(slot, now);
    }

    /// Somebody's voice and ears carry so many tiles, or as far as in the whole space.
    pub fn carry(&mut self, slot: u32, reach: Option<u8>, now: u64) {
        let one = self.spots.get_mut(slot as usize).filter(|one| one.is_here);
        if let Some(one) = one.filter(|one| one.reach != reach) {
            one.reach = reach;
            self.wake(slot, now);
        }
    }

    /// Somebody is no longer there: whatever connected them is cut at once.
    pub fn leave(&mut self, slot: u32, now: u64) {
        let Some(one) = self.spots.get_mut(slot as usize).filter(|one| one.is_here) else {
            return;
        };
        one.is_here = false;
        self.people -= 1;
        self.take(slot);
        self.is_urgent = true;
        let links = std::mem::take(&mut self.slots[slot as usize].links);
        for (other, pair) in links {
            self.wake(other, now);
            self.drop_pair(pair);
        }
    }

    /// Cuts two who must not be connected any more.
    pub fn cut(&mut self, a: u32, b: u32) {
        if let Some(pair) = self.pair_of(a, b) {
            self.is_urgent = true;
            self.drop_pair(pair);
        }
    }

    /// Gives whoever is due their turn.
    pub fn look(&mut self, now: u64) {
        if now > self.awake_until {
            return;
        }
        let period = self.period();
        for slot in 0..self.slots.len() as u32 {
            let turn = u64::from(slot) + now;
            if !turn.is_multiple_of(period) || !self.spots[slot as usize].is_here {
                continue;
            }
            // The sleepers are asked now and then, too: somebody may be among their nearest who has
            // nearer ones.
            if now <= self.slots[slot as usize].awake_until || turn.is_multiple_of(16) {
                self.take_turn(slot, now);
            }
        }
    }

    /// Ticks from somebody's turn to their next.
    const fn period(&self) -> u64 {
        match self.people {
            0..=UNHURRIED => 1,
            people if people <= 2 * UNHURRIED => 2,
            people if people <= 4 * UNHURRIED => 4,
            _ => 8,
        }
    }

    /// Whether what changed is told in this tick. In a crowd something does for nearly everybody in
    /// every tick: it waits until everybody had a turn and is told together, but for those who were
    /// cut off.
    pub const fn is_told(&self, now: u64) -> bool {
        self.is_urgent || now.is_multiple_of(self.period())
    }

    /// Connects somebody at once to whoever they may have been connected to: those nearer than
    /// where it would have ended, the nearest first.
    pub fn resume(&mut self, slots: &[u32], now: u64) {
        let mut found = BTreeSet::new();
        for &slot in slots {
            if !self.is_here(slot) {
                continue;
            }
            self.find_near(slot, |rule| rule.off - 1);
            for &(distance, other) in &self.near {
                let ends = [slot, other].map(|slot| self.spots[slot as usize].player);
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
                if distance < rule.off && has_room && is_heard && !self.bond(pair, sense).on {
                    self.connect(pair, sense);
                }
            }
        }
    }

    /// The rules by which people are connected.
    pub const fn voices(&self) -> ProximityRules {
        self.rules.voices
    }

    /// From now on these rules hold, and these walls: everybody is connected anew, as if they
    /// always had.
    pub fn rule(&mut self, voices: ProximityRules, walls: Option<Grid>, now: u64) {
        self.rules.voices = voices;
        self.walls = walls;
        for pair in 0..self.pairs.len() as u32 {
            if self.pairs[pair as usize].ends != [NONE; 2] {
                self.drop_pair(pair);
            }
        }
        let everybody: Vec<u32> = (0..self.slots.len() as u32).collect();
        for slot in &everybody {
            self.rouse(*slot, now);
        }
        self.resume(&everybody, now);
    }

    /// Everybody whose connections changed since this was asked last.
    pub fn take_dirty(&mut self) -> Vec<u32> {
        self.is_urgent = false;
        let dirty = std::mem::take(&mut self.dirty);
        for &slot in &dirty {
            self.slots[slot as usize].is_dirty = false;
        }
        dirty
    }

    /// Everybody whom somebody hears, and whether they see them.
    pub fn connected(&self, slot: u32) -> impl Iterator<Item = (u32, bool)> {
        let links = self
            .slots
            .get(slot as usize)
            .map_or(&[][..], |one| &one.links);
        links.iter().filter_map(|&(other, pair)| {
            let pair = &self.pairs[pair as usize];
            pair.hearing.on.then_some((other, pair.sight.on))
        })
    }

    /// Whether nothing will change until somebody moves.
    pub const fn is_settled(&self, now: u64) -> bool {
        now > self.awake_until && self.dirty.is_empty()
    }

    /// Gives somebody turns for a while, although they did not move.
    pub fn rouse(&mut self, slot: u32, now: u64) {
        if self.is_here(slot) {
            self.wake(slot, now);
        }
    }

    fn is_here(&self, slot: u32) -> bool {
        self.spots.get(slot as usize).is_some_and(|one| one.is_here)
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
        turn.extend_from_slice(&self.slots[slot as usize].links);
        for &(other, pair) in &turn {
            let Pair { ends, judged, .. } = self.pairs[pair as usize];
            // An earlier one of this turn may have ended it.
            if !ends.contains(&slot) || judged == TickStamp::of(now) {
                continue;
            }
            // Once in a round is enough: the turn is that of its first, unless that one sleeps.
            if ends[0] == slot || now > self.slots[other as usize].awake_until {
                self.judge(pair, now);
            }
        }
        self.turn = turn;
    }

    fn judge(&mut self, index: u32, now: u64) {
        self.pairs[index as usize].judged = TickStamp::of(now);
        let ends = self.pairs[index as usize].ends;
        let [a, b] = ends.map(|end| &self.spots[end as usize]);
        let apart = squared(a.at, b.at);
        let dwell = if a.moves || b.moves {
            self.rules.dwell_moving
        } else {
            self.rules.dwell_standing
        };
        // Behind a wall is as far as can be, with the same patience. What is far anyway need not be
        // looked at.
        let hearing = self.rule_of(index, Sense::Hearing);
        let is_hidden = apart <= hearing.off && !self.is_clear(ends[0], ends[1]);
        let distance = if is_hidden { BEHIND } else { apart };
        self.judge_sense(index, Sense::Hearing, distance, dwell, now);
        let pair = &self.pairs[index as usize];
        if pair.hearing.on {
            self.judge_sense(index, Sense::Sight, distance, dwell, now);
        } else if apart > hearing.on || pair.near.before(now) > 16 {
            self.drop_pair(index);
        }
    }

    /// Whether no wall is between two.
    fn is_clear(&self, a: u32, b: u32) -> bool {
        let at = |slot: u32| self.spots[slot as usize].at;
        let walls = self.walls.as_ref();
        walls.is_none_or(|walls| sight::is_clear(walls, at(a), at(b)))
    }

    fn judge_sense(&mut self, index: u32, sense: Sense, distance: i64, dwell: u64, now: u64) {
        let rule = self.rule_of(index, sense);
        let bond = self.bond(index, sense);
        if bond.on {
            if distance < rule.off {
                bond.since = TickStamp::NEVER;
            } else if bond.since.begin(now) >= self.rules.linger {
                self.disconnect(index, sense);
            }
        } else if distance > rule.on {
            *bond = SenseState::new(false);
        } else if bond.since.begin(now) >= dwell && self.has_room(index, sense, distance, now) {
            self.connect(index, sense);
        }
    }

    /// Whether both have room for one another; whoever is much farther away from somebody full
    /// makes it.
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
                    self.bond(index, sense).nearer = TickStamp::NEVER;
                    return false;
                }
            }
        }
        let nearer_for = self.rules.nearer_for;
        if self.bond(index, sense).nearer.begin(now) < nearer_for {
            return false;
        }
        for pair in makes_room.into_iter().flatten() {
            if self.bond(pair, sense).on {
                self.disconnect(pair, sense);
            }
        }
        true
    }

    /// The connected one who is farthest away, and how far. In a crowd that is asked often: it is
    /// found as often as somebody has a turn, and again when a connection changed.
    fn farthest(&mut self, slot: u32, sense: Sense, now: u64) -> Option<(i64, u32)> {
        let one = &self.slots[slot as usize];
        if let Some(Farthest { at, found }) = one.farthest[sense as usize]
            && now < at + self.period()
        {
            return found;
        }
        let at = self.spots[slot as usize].at;
        let connected = one.links.iter().filter(|&&(_, pair)| {
            let pair = &self.pairs[pair as usize];
            match sense {
                Sense::Hearing => pair.hearing.on,
                Sense::Sight => pair.sight.on,
            }
        });
        let distances = connected.map(|&(other, pair)| {
            let other = &self.spots[other as usize];
            (squared(at, other.at), other.player, pair)
        });
        let found = distances.max().map(|(distance, _, pair)| (distance, pair));
        self.slots[slot as usize].farthest[sense as usize] = Some(Farthest { at: now, found });
        found
    }

    fn connect(&mut self, index: u32, sense: Sense) {
        *self.bond(index, sense) = SenseState::new(true);
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
        *self.bond(index, sense) = SenseState::new(false);
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
    fn rule_of(&self, index: u32, sense: Sense) -> SenseRule {
        let [a, b] = self.pairs[index as usize]
            .ends
            .map(|end| self.reach_of(end));
        self.rules.sense(sense, a.min(b))
    }

    fn reach_of(&self, slot: u32) -> u8 {
        self.spots[slot as usize]
            .reach
            .unwrap_or(self.rules.voices.range_tiles)
    }

    fn bond(&mut self, index: u32, sense: Sense) -> &mut SenseState {
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
            let [a, b] = [a, b].map(|slot| self.spots[slot as usize].player);
            if self.kept_apart.contains(&(a.min(b), a.max(b))) {
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

    /// Fills `near` with the others nearest to somebody, none farther than that limit of what
    /// carries between them.
    fn find_near(&mut self, slot: u32, limit: impl Fn(SenseRule) -> i64) {
        let mut near = std::mem::take(&mut self.near);
        near.clear();
        let from = self.spots[slot as usize].at;
        let reach = self.reach_of(slot);
        let within = limit(self.rules.sense(Sense::Hearing, reach));
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
                            let other = &self.spots[at as usize];
                            let distance = squared(from, other.at);
                            // Whoever carries less far, or is behind a wall, takes no place from
                            // those who are heard.
                            if at != slot
                                && distance <= farthest
                                && self.carries(at, reach, distance, &limit)
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

    /// Whether somebody at that distance, within a limit of the reach given, is within that of
    /// their own too.
    fn carries(
        &self,
        slot: u32,
        reach: u8,
        distance: i64,
        limit: impl Fn(SenseRule) -> i64,
    ) -> bool {
        let own = self.reach_of(slot);
        own >= reach || distance <= limit(self.rules.sense(Sense::Hearing, own))
    }

    /// Keeps the nearest, those of lower numbers when several are as far; answers how far the
    /// farthest of them is.
    fn keep_nearest(&self, near: &mut Vec<(i64, u32)>) -> i64 {
        let key = |&(distance, slot): &(i64, u32)| (distance, self.spots[slot as usize].player);
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
        let cell = self.cell_of(self.spots[slot as usize].at);
        let first = std::mem::replace(&mut self.cells[cell as usize], slot);
        let one = &mut self.spots[slot as usize];
        one.cell = cell;
        one.before = NONE;
        one.after = first;
        if first != NONE {
            self.spots[first as usize].before = slot;
        }
    }

    fn take(&mut self, slot: u32) {
        let one = &mut self.spots[slot as usize];
        let (cell, before, after) = (one.cell, one.before, one.after);
        (one.cell, one.before, one.after) = (NONE, NONE, NONE);
        if cell == NONE {
            return;
        }
        if before == NONE {
            self.cells[cell as usize] = after;
        } else {
            self.spots[before as usize].after = after;
        }
        if after != NONE {
            self.spots[after as usize].before = before;
        }
    }
}
