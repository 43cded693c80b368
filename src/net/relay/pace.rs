//! Pace: how often a cell is sent, by distance and crowd, so that all clients that watch it at the
//! same pace share its bytes.

use super::ladder::OverloadLevel;

/// Distance of a cell from the player's own, in cells: the larger of columns and rows.
pub type Ring = u16;

/// Numbers of moving players from which a cell is shown half, and a quarter, as often.
const CROWDS: [usize; 2] = [80, 250];

/// Number of ticks between two frames that show a cell.
pub fn period(ring: Ring, movers: usize, step: OverloadLevel) -> u64 {
    let distance = match ring {
        0 => 1,
        1 => 2,
        _ => 4,
    };
    let far = if ring > 0 && step >= OverloadLevel::Far {
        2
    } else {
        1
    };
    let crowds = if step >= OverloadLevel::Crowd {
        CROWDS.map(|crowd| crowd / 4)
    } else {
        CROWDS
    };
    let crowd = crowds.iter().filter(|crowd| movers > **crowd).count();
    (distance * far) << crowd
}

/// The last tick, at most `now`, at which a cell of that period was due. Cells are staggered, so
/// that no tick has all the work.
pub const fn last_due(index: u16, period: u64, now: u64) -> u64 {
    now.saturating_sub((now + index as u64) % period)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distant_and_crowded_cells_are_shown_less_often() {
        assert_eq!(period(0, 10, OverloadLevel::Calm), 1);
        assert_eq!(period(1, 10, OverloadLevel::Calm), 2);
        assert_eq!(period(3, 80, OverloadLevel::Calm), 4);
        assert_eq!(period(0, 81, OverloadLevel::Calm), 2);
        assert_eq!(period(2, 251, OverloadLevel::Calm), 16);
        assert_eq!(period(1, 10, OverloadLevel::Far), 4);
        assert_eq!(period(0, 21, OverloadLevel::Crowd), 2);
    }

    #[test]
    fn slow_periods_fall_on_ticks_of_fast_ones_and_each_cell_is_due_once_a_period() {
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
