//! Tally: the counters of some of the bots during a run; the sum over all tallies is shown on the
//! screen and in the report.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

/// Longest time that histograms hold, in microseconds.
const LONGEST: u64 = 3_600_000_000;

/// Counters and histograms; times are in microseconds.
pub(super) struct Tally {
    pub(super) connected: u32,
    /// Bots that are in a space now.
    pub(super) inside: i64,
    pub(super) failed: u32,
    pub(super) lost: u32,
    pub(super) reconnects: u32,
    pub(super) reasons: BTreeMap<String, u32>,
    pub(super) join: Histogram<u64>,
    pub(super) near: Histogram<u64>,
    pub(super) far: Histogram<u64>,
    pub(super) chat: Histogram<u64>,
    /// From an offer to its answer.
    pub(super) signal: Histogram<u64>,
    /// From seeing a player through the SFU to their first video frame.
    pub(super) picture: Histogram<u64>,
    pub(super) outages: Histogram<u64>,
    pub(super) lateness: Histogram<u64>,
    pub(super) frames: u64,
    pub(super) bytes: u64,
    pub(super) moves: u64,
    pub(super) rejected: u64,
    pub(super) largest_gap: u64,
    pub(super) refused_messages: u64,
    pub(super) duplicated: u64,
    pub(super) edits: u64,
    pub(super) signals: u64,
    pub(super) refused_signals: u64,
    /// Players seen through the SFU, whose video should arrive.
    pub(super) pictures_awaited: u64,
    /// Media frames of others that came through the SFU, and how many of them followed a lost
    /// frame.
    pub(super) media_frames: u64,
    pub(super) media_bytes: u64,
    pub(super) media_gaps: u64,
    pub(super) wrong: u64,
}

impl Tally {
    pub(super) fn new() -> Self {
        let histogram = || {
            Histogram::new_with_bounds(1, LONGEST, 3).expect("these bounds are fit for a histogram")
        };
        Self {
            connected: 0,
            inside: 0,
            failed: 0,
            lost: 0,
            reconnects: 0,
            reasons: BTreeMap::new(),
            join: histogram(),
            near: histogram(),
            far: histogram(),
            chat: histogram(),
            signal: histogram(),
            picture: histogram(),
            outages: histogram(),
            lateness: histogram(),
            frames: 0,
            bytes: 0,
            moves: 0,
            rejected: 0,
            largest_gap: 0,
            refused_messages: 0,
            duplicated: 0,
            edits: 0,
            signals: 0,
            refused_signals: 0,
            pictures_awaited: 0,
            media_frames: 0,
            media_bytes: 0,
            media_gaps: 0,
            wrong: 0,
        }
    }

    /// Counts a reason.
    pub(super) fn because(&mut self, reason: String) {
        *self.reasons.entry(reason).or_default() += 1;
    }

    /// Records the latency of a move; `apart` is the time between two moves.
    pub(super) fn saw(&mut self, is_near: bool, latency: u64, apart: u64) {
        let histogram = if is_near {
            &mut self.near
        } else {
            &mut self.far
        };
        // A late answer also delayed the moves due in between; the histogram adds them.
        let _ = histogram.record_correct(latency.min(LONGEST), apart);
    }

    /// Adds another tally.
    pub(super) fn add(&mut self, other: &Self) {
        self.connected += other.connected;
        self.inside += other.inside;
        self.failed += other.failed;
        self.lost += other.lost;
        self.reconnects += other.reconnects;
        for (reason, count) in &other.reasons {
            *self.reasons.entry(reason.clone()).or_default() += count;
        }
        for (mine, its) in [
            (&mut self.join, &other.join),
            (&mut self.near, &other.near),
            (&mut self.far, &other.far),
            (&mut self.chat, &other.chat),
            (&mut self.signal, &other.signal),
            (&mut self.picture, &other.picture),
            (&mut self.outages, &other.outages),
            (&mut self.lateness, &other.lateness),
        ] {
            mine.add(its).expect("all have the same bounds");
        }
        self.frames += other.frames;
        self.bytes += other.bytes;
        self.moves += other.moves;
        self.rejected += other.rejected;
        self.largest_gap = self.largest_gap.max(other.largest_gap);
        self.refused_messages += other.refused_messages;
        self.duplicated += other.duplicated;
        self.pictures_awaited += other.pictures_awaited;
        self.media_frames += other.media_frames;
        self.media_bytes += other.media_bytes;
        self.media_gaps += other.media_gaps;
        self.edits += other.edits;
        self.signals += other.signals;
        self.refused_signals += other.refused_signals;
        self.wrong += other.wrong;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_wait_counts_for_all_the_moves_it_delayed() {
        let mut tally = Tally::new();
        tally.saw(true, 1_000_000, 100_000);
        assert_eq!(tally.near.len(), 10);
        tally.saw(true, 50_000, 100_000);
        assert_eq!(tally.near.len(), 11);
        let mut all = Tally::new();
        all.add(&tally);
        all.add(&tally);
        assert_eq!((all.near.len(), all.far.len()), (22, 0));
    }
}
