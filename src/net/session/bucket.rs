//! Bucket: a token bucket with a steady rate and a burst.

use std::time::{Duration, Instant};

/// A token bucket. It fills steadily; each message takes one token.
#[derive(Debug, Clone)]
pub(super) struct Bucket {
    /// Time in which one token is filled.
    cost: Duration,
    /// Time in which the bucket is filled completely.
    burst: Duration,
    /// Time at which the bucket was empty; it has filled since then.
    empty_at: Instant,
}

impl Bucket {
    /// `count` messages per `period`, up to `burst` of them at once.
    pub(super) fn new(now: Instant, count: u32, period: Duration, burst: u32) -> Self {
        let cost = period / count;
        let burst = cost * burst;
        Self {
            cost,
            burst,
            empty_at: now.checked_sub(burst).unwrap_or(now),
        }
    }

    /// Takes one token, if there is one.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        let saved = now.saturating_duration_since(self.empty_at);
        if saved < self.cost {
            return false;
        }
        let kept = saved.min(self.burst).saturating_sub(self.cost);
        self.empty_at = now.checked_sub(kept).unwrap_or(now);
        true
    }

    /// Takes `count` tokens, even if there are fewer. Returns the time until the debt is paid.
    pub(super) fn charge(&mut self, count: u32, now: Instant) -> Duration {
        let saved = now.saturating_duration_since(self.empty_at).min(self.burst);
        let since = self.empty_at.max(now.checked_sub(saved).unwrap_or(now));
        self.empty_at = since + self.cost * count;
        self.wait(now)
    }

    /// Time until there is a token.
    pub(super) fn wait(&self, now: Instant) -> Duration {
        self.empty_at.saturating_duration_since(now)
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests need any start time")]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_allowed_then_the_steady_rate() {
        let start = Instant::now() + Duration::from_mins(1);
        let mut bucket = Bucket::new(start, 10, Duration::from_secs(10), 3);
        let taken = (0..10).filter(|_| bucket.take(start)).count();
        assert_eq!(taken, 3);
        assert!(!bucket.take(start + Duration::from_millis(999)));
        assert!(bucket.take(start + Duration::from_secs(1)));
        assert!(!bucket.take(start + Duration::from_millis(1_500)));
    }

    #[test]
    fn a_long_silence_fills_the_bucket_only_to_its_burst() {
        let start = Instant::now() + Duration::from_mins(1);
        let mut bucket = Bucket::new(start, 1, Duration::from_secs(1), 2);
        let later = start + Duration::from_hours(1);
        assert_eq!((0..10).filter(|_| bucket.take(later)).count(), 2);
    }
}
