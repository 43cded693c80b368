//! Slots: numbers of the players in the proximity index.

use std::num::NonZeroU32;

/// Number of a player in the proximity index. Numbers of players who left are used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PersonSlot(
    // One more than the number, so that `Option<PersonSlot>` takes four bytes, too.
    NonZeroU32,
);

impl From<u32> for PersonSlot {
    fn from(number: u32) -> Self {
        Self(NonZeroU32::MIN.saturating_add(number))
    }
}

impl From<PersonSlot> for u32 {
    fn from(slot: PersonSlot) -> Self {
        slot.0.get() - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_slot_takes_no_more_memory_than_a_slot() {
        assert_eq!(size_of::<Option<PersonSlot>>(), 4);
        assert_eq!(u32::from(PersonSlot::from(0)), 0);
        assert!(PersonSlot::from(1) < PersonSlot::from(2));
    }
}
