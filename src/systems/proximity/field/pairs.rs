//! Pairs: two players who are near each other, and how far their connection has come.

use super::rules::BySense;
use crate::systems::proximity::slot::PersonSlot;
use crate::systems::typed_vec::TypedVec;

/// Index of a pair. Those of dropped pairs are used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PairId(u32);

impl From<u32> for PairId {
    fn from(number: u32) -> Self {
        Self(number)
    }
}

impl From<PairId> for u32 {
    fn from(pair: PairId) -> Self {
        pair.0
    }
}

/// A tick, or none, in four bytes. A crowd has tens of thousands of pairs, and reading their memory
/// takes most of the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TickStamp(u32);

impl TickStamp {
    pub const NEVER: Self = Self(u32::MAX);

    /// Four bytes of ticks last for years before they wrap around.
    #[expect(clippy::cast_possible_truncation, reason = "stamps wrap around")]
    pub const fn of(now: u64) -> Self {
        Self(now as u32)
    }

    /// Ticks between the stamp and now.
    pub fn before(self, now: u64) -> u64 {
        Self::of(now).0.wrapping_sub(self.0).into()
    }

    /// Sets the stamp to now unless it is set. Returns the ticks since it was set.
    pub fn begin(&mut self, now: u64) -> u64 {
        if *self == Self::NEVER {
            *self = Self::of(now);
        }
        self.before(now)
    }
}

/// State of one sense of a pair.
#[derive(Debug, Clone, Copy)]
pub(super) struct SenseState {
    /// Tick since which the distance asks for the other state.
    pub since: TickStamp,
    /// Tick since which this pair is near enough to take the place of another.
    pub nearer: TickStamp,
    pub on: bool,
}

impl SenseState {
    pub const fn new(on: bool) -> Self {
        Self {
            since: TickStamp::NEVER,
            nearer: TickStamp::NEVER,
            on,
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Pair {
    pub ends: [PersonSlot; 2],
    pub states: BySense<SenseState>,
    /// Tick in which one of the two was last among the nearest of the other.
    pub near: TickStamp,
    pub judged: TickStamp,
}

impl Pair {
    pub const fn new(ends: [PersonSlot; 2], now: u64) -> Self {
        Self {
            ends,
            states: BySense {
                hearing: SenseState::new(false),
                sight: SenseState::new(false),
            },
            near: TickStamp::of(now),
            judged: TickStamp::NEVER,
        }
    }
}

/// All pairs. The players know which of them are theirs.
#[derive(Debug, Clone, Default)]
pub(super) struct Pairs {
    all: TypedVec<PairId, Pair>,
    free: Vec<PairId>,
}

impl Pairs {
    pub fn get(&self, id: PairId) -> &Pair {
        &self.all[id]
    }

    pub fn get_mut(&mut self, id: PairId) -> &mut Pair {
        &mut self.all[id]
    }

    /// Adds a pair. Returns its index.
    pub fn add(&mut self, pair: Pair) -> PairId {
        if let Some(id) = self.free.pop() {
            self.all[id] = pair;
            id
        } else {
            self.all.push(pair)
        }
    }

    /// Removes a pair.
    pub fn remove(&mut self, id: PairId) {
        self.free.push(id);
    }

    /// Removes all pairs.
    pub fn clear(&mut self) {
        self.all.clear();
        self.free.clear();
    }
}
