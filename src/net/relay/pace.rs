//! Pace: how often a cell is shown, by distance and crowd, so that everybody who watches it at the
//! same pace shares its bytes.

use super::ladder::Step;

/// How far a cell is from the player's own, in cells: the larger of columns and rows.
pub type Ring = u16;

/// People who move in a cell from which on it is shown half as often, and a quarter.
const CROWDS: [usize; 2] = [80, 250];

/// Ticks from one showing of a cell to the next.
pub fn period(ring: Ring, movers: usize, step: Step) -> u64 {
    let distance = match ring {
        0 => 1,
        1 => 2,
        _ => 4,
    };
    let far = if ring > 0 && step >= Step::Far { 2 } else { 1 };
    let crowds = if step >= Step::Crowd {
        CROWDS.map(|crowd| crowd / 4)
    } else {
        CROWDS
    };
    let crowd = crowds.iter().filter(|crowd| movers > **crowd).count();
    (distance * far) << crowd
}

/// The last tick, not after `now`, at which a cell of that pace was to be shown. Cells take turns,
/// so that no tick has all the work.
pub const fn last_due(index: u16, period: u64, now: u64) -> u64 {
    now.saturating_sub((now + index as u64) % period)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_far_or_crowded_is_shown_less_often() {
        assert_eq!(period(0, 10, Step::Calm), 1);
        assert_eq!(period(1, 10, Step::Calm), 2);
        assert_eq!(period(3, 80, Step::Calm), 4);
        assert_eq!(period(0, 81, Step::Calm), 2);
        assert_eq!(period(2, 251, Step::Calm), 16);
        assert_eq!(period(1, 10, Step::Far), 4);
        assert_eq!(period(0, 21, Step::Crowd), 2);
    }

    #[test]
    fn slower_paces_fall_on_ticks_of_faster_ones_and_a_cell_has_its_turn_once_a_period() {
        for index in 0..9 {
            for now in 100..200 {
                if last_due(index, 8, now) == now {
                    assert_eq!(last_due(index, 4, now), now);
                }
            }
            let turns = (100..116)
                .filter(|now| last_due(index, 4, *now) == *now)
                .count();
            assert_eq!(turns, 4);
        }
    }
}
