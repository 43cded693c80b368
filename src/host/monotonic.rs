//! Monotonic: time of a clock that never goes back and keeps running while the machine sleeps.
//!
//! A lease expires while a laptop is closed or a virtual machine is suspended, so it must be
//! measured with such a clock. The `Instant` of `std` stops there.

use std::ops::{Add, Sub};
use std::time::Duration;

#[cfg(any(target_os = "linux", target_os = "android"))]
const CLOCK: rustix::time::ClockId = rustix::time::ClockId::Boottime;

/// Monotonic clock of other systems. Whether it counts sleep differs.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const CLOCK: rustix::time::ClockId = rustix::time::ClockId::Monotonic;

/// Nanoseconds since the machine started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct MonotonicTime(pub u64);

impl MonotonicTime {
    /// Later than every other time.
    pub const NEVER: Self = Self(u64::MAX);

    /// Current time of the boot-time clock.
    pub fn now() -> Self {
        let time = rustix::time::clock_gettime(CLOCK);
        let (seconds, nanos) = (u64::try_from(time.tv_sec), u64::try_from(time.tv_nsec));
        Self(seconds.unwrap_or(0) * 1_000_000_000 + nanos.unwrap_or(0))
    }

    /// Time from `earlier` to this; zero when it is negative.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for MonotonicTime {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(
            self.0
                .saturating_add(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)),
        )
    }
}

impl Sub<Duration> for MonotonicTime {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        Self(
            self.0
                .saturating_sub(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)),
        )
    }
}
