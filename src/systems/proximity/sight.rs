//! Sight: whether a wall is between two positions, by walking the tiles on the straight line
//! between them.

use crate::components::grid::Grid;
use crate::components::unit::{Position, SUBTILES};

/// Whether no solid tile is on the straight line between two positions, except the tiles they are
/// on. The result is the same from either end. A line exactly through a corner is stopped by two
/// walls that meet there, not by one.
pub(super) fn is_clear(walls: &Grid, a: Position, b: Position) -> bool {
    // Always start at the same end, so that both directions give the same result.
    let (from, to) = if (a.x, a.y) <= (b.x, b.y) {
        (a, b)
    } else {
        (b, a)
    };
    let (width, height) = (i64::from(to.x - from.x), i64::from((to.y - from.y).abs()));
    let down = (to.y - from.y).signum();
    let tile = |at: i32| at.div_euclid(SUBTILES);
    let (mut x, mut y) = (tile(from.x), tile(from.y));
    let end = (tile(to.x), tile(to.y));
    while (x, y) != end {
        // Distances to the next column and the next row, each as a part of the whole line.
        let to_column = i64::from((x + 1) * SUBTILES - from.x) * height;
        let to_row = i64::from(if down > 0 {
            (y + 1) * SUBTILES - from.y
        } else {
            from.y - y * SUBTILES
        }) * width;
        if y == end.1 || x != end.0 && to_column < to_row {
            x += 1;
        } else if x == end.0 || to_row < to_column {
            y += down;
        } else {
            if walls.is_solid(x + 1, y) && walls.is_solid(x, y + down) {
                return false;
            }
            x += 1;
            y += down;
        }
        if (x, y) != end && walls.is_solid(x, y) {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::components::unit::Tile;

    fn walls(rows: &[&str]) -> Grid {
        let mut grid = Grid::open(rows[0].len() as u16, rows.len() as u16);
        for (y, row) in (0..).zip(rows) {
            for (x, _) in row
                .bytes()
                .zip(0..)
                .filter(|(byte, _)| *byte == b'#')
                .map(|(byte, x)| (x, byte))
            {
                grid.block(Tile::new(x, y));
            }
        }
        grid
    }

    fn sees(rows: &[&str], from: (u16, u16), to: (u16, u16)) -> bool {
        let middle = |(x, y)| Tile::new(x, y).middle();
        is_clear(&walls(rows), middle(from), middle(to))
    }

    #[test]
    fn a_wall_is_between_and_a_door_is_not() {
        let rows = ["...#...", "...#...", "......."];
        assert!(!sees(&rows, (1, 0), (5, 0)));
        assert!(sees(&rows, (1, 2), (5, 2)));
        assert!(!sees(&rows, (1, 1), (5, 1)));
        assert!(sees(&rows, (1, 0), (2, 2)));
        assert!(sees(&rows, (3, 2), (3, 2)));
    }

    #[test]
    fn one_corner_lets_through_and_two_that_meet_do_not() {
        assert!(sees(&[".#", ".."], (0, 0), (1, 1)));
        assert!(!sees(&[".#", "#."], (0, 0), (1, 1)));
        assert!(!sees(&["#.", ".#"], (1, 0), (0, 1)));
        assert!(sees(&["..", ".#"], (1, 0), (0, 1)));
    }

    proptest! {
        #[test]
        fn both_ends_see_the_same_and_what_a_fine_walk_finds(
            solid in proptest::collection::vec(proptest::bool::weighted(0.2), 64),
            a in (0_i32..512, 0_i32..512),
            b in (0_i32..512, 0_i32..512),
        ) {
            let mut grid = Grid::open(8, 8);
            for (index, _) in (0_u16..).zip(&solid).filter(|(_, solid)| **solid) {
                grid.block(Tile::new(index % 8, index / 8));
            }
            let place = |(x, y)| Position { x, y };
            let (a, b) = (place(a), place(b));
            let clear = is_clear(&grid, a, b);
            prop_assert_eq!(clear, is_clear(&grid, b, a));
            // Points along the line, none of them on a border of tiles, are never in a wall when it
            // is clear.
            let ends = [a, b].map(|at| (at.x.div_euclid(SUBTILES), at.y.div_euclid(SUBTILES)));
            let steps = 997;
            let is_stopped = (1..steps).any(|step| {
                let at = |from: i32, to: i32| {
                    i64::from(from) * i64::from(steps) + i64::from(to - from) * i64::from(step)
                };
                let side = i64::from(SUBTILES) * i64::from(steps);
                let (x, y) = (at(a.x, b.x), at(a.y, b.y));
                let is_inside = x % side != 0 && y % side != 0;
                let tile = ((x / side) as i32, (y / side) as i32);
                is_inside && !ends.contains(&tile) && grid.is_solid(tile.0, tile.1)
            });
            prop_assert!(!(clear && is_stopped));
        }
    }
}
