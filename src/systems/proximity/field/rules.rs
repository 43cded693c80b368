//! Rules: how near players must be, and for how long, to be connected.

use crate::components::peers::ProximityRules;
use crate::components::unit::{SUBTILES, TickRate};

/// What two players are connected by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sense {
    Hearing,
    Sight,
}

/// One value for each sense.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct BySense<T> {
    pub hearing: T,
    pub sight: T,
}

impl<T> BySense<T> {
    pub const fn of(&self, sense: Sense) -> &T {
        match sense {
            Sense::Hearing => &self.hearing,
            Sense::Sight => &self.sight,
        }
    }

    pub const fn of_mut(&mut self, sense: Sense) -> &mut T {
        match sense {
            Sense::Hearing => &mut self.hearing,
            Sense::Sight => &mut self.sight,
        }
    }
}

/// Rule of one sense: distances, and the limit of players at once.
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
    pub(super) fn sense(&self, sense: Sense, range: u8) -> SenseRule {
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
