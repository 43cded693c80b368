//! Field: decides which players are near enough to hear and see each other. Plain data, independent
//! of the world.
//!
//! Connections begin and end with a delay, so that players at an edge do not flap. With few players
//! each one has a turn every tick; in a crowd turns come up to eight times less often. A turn
//! judges the pairs of one player, and searches the cells around for the nearest players without a
//! pair. Players at rest have no turns.

mod cells;
mod judging;
mod nearest;
mod pairs;
mod rules;

use std::collections::BTreeSet;
use std::mem;

use self::cells::Cells;
use self::judging::Farthest;
use self::pairs::{Pair, PairId, Pairs, SenseState, TickStamp};
pub use self::rules::Rules;
use self::rules::{BySense, Sense};
use super::slot::PersonSlot;
use crate::components::grid::Grid;
use crate::components::id::PlayerId;
use crate::components::peers::ProximityRules;
use crate::components::unit::{Position, SUBTILES};
use crate::systems::typed_vec::TypedVec;

/// Number of players up to which each has a turn every tick. With up to twice as many a turn comes
/// every second tick, then every fourth and eighth.
const EVERY_TICK: usize = 256;

pub(super) const fn tiles(count: i64) -> i64 {
    let side = count * SUBTILES as i64;
    side * side
}

pub(super) fn squared(a: Position, b: Position) -> i64 {
    let (x, y) = (i64::from(a.x - b.x), i64::from(a.y - b.y));
    x * x + y * y
}

/// What the rules ask about a player in the field. Kept apart from [`FieldPlayer`], because it is
/// read for each player near another.
#[derive(Debug, Clone, Copy, Default)]
struct FieldState {
    player: PlayerId,
    /// Range of the player's voice in tiles, when it differs from the space's.
    range: Option<u8>,
    moves: bool,
    is_here: bool,
}

/// Connections of one sense of a player.
#[derive(Debug, Clone, Copy, Default)]
struct ConnectionCount {
    count: u16,
    /// Cached farthest connected player.
    farthest: Option<Farthest>,
}

/// Connections of a player in the field.
#[derive(Debug, Clone, Default)]
struct FieldPlayer {
    /// Slot of the other and the pair, sorted by slot.
    links: Vec<(PersonSlot, PairId)>,
    connections: BySense<ConnectionCount>,
    awake_until: u64,
    is_dirty: bool,
}

impl FieldPlayer {
    /// The pair with another player, or where its link would be.
    fn pair_with(&self, other: PersonSlot) -> Result<PairId, usize> {
        let at = (self.links).binary_search_by_key(&other, |(other, _)| *other)?;
        self.links.get(at).map(|(_, pair)| *pair).ok_or(at)
    }

    fn link(&mut self, other: PersonSlot, pair: PairId) {
        if let Err(at) = self.pair_with(other) {
            self.links.insert(at, (other, pair));
        }
    }

    fn unlink(&mut self, other: PersonSlot) {
        if let Ok(at) = self.links.binary_search_by_key(&other, |(other, _)| *other) {
            self.links.remove(at);
        }
    }
}

/// Decides which players hear and see each other by distance.
#[derive(Debug, Clone)]
pub struct Field {
    rules: Rules,
    cells: Cells,
    states: TypedVec<PersonSlot, FieldState>,
    players: TypedVec<PersonSlot, FieldPlayer>,
    pairs: Pairs,
    people: usize,
    awake_until: u64,
    /// Pairs of players who must never be connected, the lower number first.
    pub blocked_pairs: BTreeSet<(PlayerId, PlayerId)>,
    /// Grid that stops voices; `None` where walls do not.
    pub walls: Option<Grid>,
    dirty: Vec<PersonSlot>,
    /// Whether a player was cut off and must not be heard any longer.
    is_urgent: bool,
    // Memory that is used again each turn.
    near: Vec<(i64, PersonSlot)>,
    turn: Vec<(PersonSlot, PairId)>,
}

impl Field {
    /// An empty field for a map of this many tiles.
    pub fn new(width: u16, height: u16, rules: Rules) -> Self {
        Self {
            rules,
            cells: Cells::new(width, height),
            states: TypedVec::default(),
            players: TypedVec::default(),
            pairs: Pairs::default(),
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
    pub fn enter(
        &mut self,
        slot: PersonSlot,
        player: PlayerId,
        at: Position,
        moves: bool,
        now: u64,
    ) {
        self.players.reach(slot);
        self.states.reach(slot);
        let state = &mut self.states[slot];
        if !state.is_here {
            *state = FieldState {
                player,
                range: None,
                moves,
                is_here: true,
            };
            self.people += 1;
            self.cells.insert(slot, at);
        }
        self.set_position(slot, at, moves, now);
    }

    /// Sets the position of a player and whether they move.
    pub fn set_position(&mut self, slot: PersonSlot, at: Position, moves: bool, now: u64) {
        self.states[slot].moves = moves;
        self.cells.set_position(slot, at);
        self.wake(slot, now);
    }

    /// Sets the range of a player's voice and hearing in tiles; `None` for that of the space.
    pub fn set_range(&mut self, slot: PersonSlot, range: Option<u8>, now: u64) {
        let state = self.states.get_mut(slot).filter(|state| state.is_here);
        if let Some(state) = state.filter(|state| state.range != range) {
            state.range = range;
            self.wake(slot, now);
        }
    }

    /// Removes a player. All their connections end at once.
    pub fn leave(&mut self, slot: PersonSlot, now: u64) {
        let Some(state) = self.states.get_mut(slot).filter(|state| state.is_here) else {
            return;
        };
        state.is_here = false;
        self.people -= 1;
        self.cells.remove(slot);
        self.is_urgent = true;
        for (other, pair) in mem::take(&mut self.players[slot].links) {
            self.wake(other, now);
            self.drop_pair(pair);
        }
    }

    /// Ends the connection of two players who must not be connected any longer.
    pub fn cut(&mut self, a: PersonSlot, b: PersonSlot) {
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
        for slot in self.players.indexes() {
            let turn = u64::from(u32::from(slot)) + now;
            if !turn.is_multiple_of(period) || !self.is_here(slot) {
                continue;
            }
            // Players at rest are checked now and then, too: one of their nearest may have found
            // nearer players.
            if now <= self.players[slot].awake_until || turn.is_multiple_of(16) {
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
    pub fn resume(&mut self, slots: impl IntoIterator<Item = PersonSlot>, now: u64) {
        let mut found = BTreeSet::new();
        for slot in slots {
            if !self.is_here(slot) {
                continue;
            }
            let near = self.find_near(slot, |rule| rule.off - 1);
            for &(distance, other) in &near {
                let [one, other] = [slot, other].map(|slot| (self.states[slot].player, slot));
                found.insert((distance, one.min(other), one.max(other)));
            }
            self.near = near;
        }
        for (distance, (_, a), (_, b)) in found {
            let Some(pair) = self.pair_of(a, b).or_else(|| self.make_pair(a, b, now)) else {
                continue;
            };
            for sense in [Sense::Hearing, Sense::Sight] {
                let rule = self.rules.sense(sense, self.range_between([a, b]));
                let has_room = [a, b]
                    .into_iter()
                    .all(|end| self.count(end, sense) < rule.most);
                let states = self.pairs.get(pair).states;
                let is_heard = sense == Sense::Hearing || states.hearing.on;
                if distance < rule.off && has_room && is_heard && !states.of(sense).on {
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
        for slot in self.players.indexes() {
            let one = &mut self.players[slot];
            one.links.clear();
            let ended = mem::take(&mut one.connections);
            if ended.hearing.count > 0 {
                self.mark_dirty(slot);
            }
            self.keep_active(slot, now);
        }
        self.pairs.clear();
        self.resume(self.players.indexes(), now);
    }

    /// Slots whose connections changed since the last call.
    pub fn take_dirty(&mut self) -> Vec<PersonSlot> {
        self.is_urgent = false;
        let dirty = mem::take(&mut self.dirty);
        for &slot in &dirty {
            self.players[slot].is_dirty = false;
        }
        dirty
    }

    /// Slots that a player hears, each with whether the player sees them.
    pub fn connected(&self, slot: PersonSlot) -> impl Iterator<Item = (PersonSlot, bool)> {
        let links = self.players.get(slot).map_or(&[][..], |one| &one.links);
        links.iter().filter_map(|&(other, pair)| {
            let states = &self.pairs.get(pair).states;
            states.hearing.on.then_some((other, states.sight.on))
        })
    }

    /// Whether nothing will change until a player moves.
    pub const fn is_settled(&self, now: u64) -> bool {
        now > self.awake_until && self.dirty.is_empty()
    }

    /// Gives a player turns for a while, although they did not move.
    pub fn keep_active(&mut self, slot: PersonSlot, now: u64) {
        if self.is_here(slot) {
            self.wake(slot, now);
        }
    }

    fn is_here(&self, slot: PersonSlot) -> bool {
        self.states.get(slot).is_some_and(|state| state.is_here)
    }

    fn wake(&mut self, slot: PersonSlot, now: u64) {
        let rules = &self.rules;
        let until = now + rules.linger + rules.nearer_for + rules.dwell_moving + 8;
        self.players[slot].awake_until = until;
        self.awake_until = self.awake_until.max(until);
    }

    fn take_turn(&mut self, slot: PersonSlot, now: u64) {
        let near = self.find_near(slot, |rule| rule.on);
        for &(_, other) in &near {
            match self.pair_of(slot, other) {
                Some(pair) => self.pairs.get_mut(pair).near = TickStamp::of(now),
                None => {
                    self.make_pair(slot, other, now);
                }
            }
        }
        self.near = near;
        // A copy, because judging a pair may drop it from the list.
        let mut turn = mem::take(&mut self.turn);
        turn.clone_from(&self.players[slot].links);
        for &(other, id) in &turn {
            let pair = self.pairs.get(id);
            if pair.judged == TickStamp::of(now) {
                continue;
            }
            // Once per round is enough. The first end judges the pair, unless it is at rest.
            let [first, _] = pair.ends;
            if first == slot || now > self.players[other].awake_until {
                self.judge(id, now);
            }
        }
        self.turn = turn;
    }

    fn mark_dirty(&mut self, slot: PersonSlot) {
        let one = &mut self.players[slot];
        // Other players may wait for a place that became free here.
        one.awake_until = one.awake_until.max(self.awake_until);
        if !one.is_dirty {
            one.is_dirty = true;
            self.dirty.push(slot);
        }
    }

    fn range_between(&self, ends: [PersonSlot; 2]) -> u8 {
        let [a, b] = ends.map(|end| self.range_of(end));
        a.min(b)
    }

    fn range_of(&self, slot: PersonSlot) -> u8 {
        let own = self.states[slot].range;
        own.unwrap_or(self.rules.proximity.range_tiles)
    }

    fn state_mut(&mut self, id: PairId, sense: Sense) -> &mut SenseState {
        self.pairs.get_mut(id).states.of_mut(sense)
    }

    fn count(&self, slot: PersonSlot, sense: Sense) -> u16 {
        self.players[slot].connections.of(sense).count
    }

    fn pair_of(&self, a: PersonSlot, b: PersonSlot) -> Option<PairId> {
        self.players.get(a)?.pair_with(b).ok()
    }

    fn make_pair(&mut self, a: PersonSlot, b: PersonSlot, now: u64) -> Option<PairId> {
        if !self.blocked_pairs.is_empty() {
            let [a, b] = [a, b].map(|slot| self.states[slot].player);
            if self.blocked_pairs.contains(&(a.min(b), a.max(b))) {
                return None;
            }
        }
        let id = self.pairs.add(Pair::new([a, b], now));
        self.players[a].link(b, id);
        self.players[b].link(a, id);
        Some(id)
    }

    fn drop_pair(&mut self, id: PairId) {
        if self.pairs.get(id).states.hearing.on {
            self.disconnect(id, Sense::Hearing);
        }
        let [a, b] = self.pairs.get(id).ends;
        self.players[a].unlink(b);
        self.players[b].unlink(a);
        self.pairs.remove(id);
    }
}
