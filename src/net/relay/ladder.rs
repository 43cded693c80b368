//! Ladder: the steps by which a relay reduces its work when it takes longer per tick than a tick
//! lasts.

use std::time::Duration;

/// A step of the ladder. Each step includes those before it; players see its number, operators its
/// name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum OverloadLevel {
    /// No reduction.
    #[default]
    Calm,
    /// Cells other than the player's own are shown half as often.
    Far,
    /// A quarter of the players counts as a crowd.
    Crowd,
    /// Every client gets every second frame only.
    Half,
    /// Newcomers join one by one.
    Queue,
}

impl OverloadLevel {
    const ALL: [Self; 5] = [Self::Calm, Self::Far, Self::Crowd, Self::Half, Self::Queue];

    /// Label of a metric.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::Far => "far",
            Self::Crowd => "crowd",
            Self::Half => "half",
            Self::Queue => "queue",
        }
    }

    /// The next higher step, if there is one.
    fn up(self) -> Option<Self> {
        let above = Self::ALL.iter().skip_while(|step| **step <= self);
        above.copied().next()
    }

    /// The next lower step, if there is one.
    fn down(self) -> Option<Self> {
        let below = Self::ALL.iter().take_while(|step| **step < self);
        below.copied().last()
    }
}

/// Share of the tick period above which a relay is overloaded.
const HIGH: f64 = 0.85;

/// Share of the tick period below which a step can be taken back.
const LOW: f64 = 0.4;

/// Time of overload before the next step is taken.
const UP_AFTER: Duration = Duration::from_secs(1);

/// Time below [`LOW`] before a step is taken back.
const DOWN_AFTER: Duration = Duration::from_secs(5);

/// Weight of one tick in the moving average.
const WEIGHT: f64 = 0.1;

/// Chooses the step.
#[derive(Debug, Default)]
pub struct Ladder {
    step: OverloadLevel,
    share: f64,
    high: Duration,
    low: Duration,
}

impl Ladder {
    /// The current step.
    pub const fn step(&self) -> OverloadLevel {
        self.step
    }

    /// Records a tick of length `period` that took `busy` to show.
    pub fn observe(&mut self, busy: Duration, period: Duration) {
        let share = busy.as_secs_f64() / period.as_secs_f64();
        // A single outlier counts as an overloaded tick at most.
        self.share += (share.min(2.0) - self.share) * WEIGHT;
        self.high = if self.share > HIGH {
            self.high + period
        } else {
            Duration::ZERO
        };
        self.low = if self.share < LOW {
            self.low + period
        } else {
            Duration::ZERO
        };
        let next = if self.high >= UP_AFTER {
            self.step.up()
        } else if self.low >= DOWN_AFTER {
            self.step.down()
        } else {
            None
        };
        if let Some(step) = next {
            self.step = step;
            self.high = Duration::ZERO;
            self.low = Duration::ZERO;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: Duration = Duration::from_millis(50);

    fn after(ladder: &mut Ladder, ticks: u32, busy: u64) -> OverloadLevel {
        (0..ticks).for_each(|_| ladder.observe(Duration::from_millis(busy), TICK));
        ladder.step()
    }

    #[test]
    fn steps_are_taken_one_by_one_and_taken_back_more_slowly() {
        let mut ladder = Ladder::default();
        assert_eq!(after(&mut ladder, 200, 30), OverloadLevel::Calm);
        assert_eq!(after(&mut ladder, 35, 60), OverloadLevel::Far);
        assert_eq!(after(&mut ladder, 200, 60), OverloadLevel::Queue);
        assert_eq!(after(&mut ladder, 120, 5), OverloadLevel::Half);
        assert_eq!(after(&mut ladder, 500, 5), OverloadLevel::Calm);
    }

    #[test]
    fn one_slow_tick_changes_nothing() {
        let mut ladder = Ladder::default();
        assert_eq!(after(&mut ladder, 1, 5_000), OverloadLevel::Calm);
        assert_eq!(after(&mut ladder, 100, 5), OverloadLevel::Calm);
    }

    #[test]
    fn between_the_thresholds_the_step_stays() {
        let mut ladder = Ladder::default();
        after(&mut ladder, 40, 60);
        assert_eq!(after(&mut ladder, 1_000, 30), OverloadLevel::Far);
    }
}
