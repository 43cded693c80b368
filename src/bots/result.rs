//! Result: what one bot reports at the end.

use super::protocol::Rested;

/// What one bot saw and heard.
#[derive(Debug, Default)]
pub(super) struct BotResult {
    pub(super) bot: u32,
    pub(super) space: usize,
    /// One bit for each message of its space that it heard.
    pub(super) heard: Vec<u64>,
    /// Intervals in which it was in the space, in microseconds since the start.
    pub(super) inside: Vec<(u64, u64)>,
    pub(super) rested: Option<Rested>,
}

impl BotResult {
    /// Records that it heard a message of its space; returns whether that is the first time.
    pub(super) fn hear(&mut self, message: u32) -> bool {
        let (word, bit) = (message as usize / 64, 1 << (message % 64));
        if self.heard.len() <= word {
            self.heard.resize(word + 1, 0);
        }
        let Some(bits) = self.heard.get_mut(word) else {
            return false;
        };
        let is_new = *bits & bit == 0;
        *bits |= bit;
        is_new
    }

    /// Whether it heard that message of its space.
    pub(super) fn has_heard(&self, message: usize) -> bool {
        self.heard
            .get(message / 64)
            .is_some_and(|word| word >> (message % 64) & 1 == 1)
    }

    /// Whether it was in the space for the whole interval.
    pub(super) fn was_in(&self, from: u64, to: u64) -> bool {
        self.inside
            .iter()
            .any(|(since, until)| *since <= from && to <= *until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_remembered_by_one_bit_each() {
        let mut outcome = BotResult::default();
        assert!(outcome.hear(70));
        assert!(!outcome.hear(70));
        assert!(outcome.has_heard(70) && !outcome.has_heard(69) && !outcome.has_heard(1_000));
    }

    #[test]
    fn being_in_means_the_whole_interval() {
        let outcome = BotResult {
            inside: vec![(10, 20), (30, 40)],
            ..BotResult::default()
        };
        assert!(outcome.was_in(10, 20) && outcome.was_in(31, 39));
        assert!(!outcome.was_in(15, 35) && !outcome.was_in(5, 15));
    }
}
