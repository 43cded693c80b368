//! Movement: one step of a body over the grid, in whole numbers.
//!
//! `docs/movement.md` describes this file; `web/src/world/movement.ts` mirrors it, and both read
//! `tests/golden/movement.json`. `steering` and `walking` decide which steps are taken.

use crate::components::direction::{Direction, Facing};
use crate::components::grid::Grid;
use crate::components::player::Body;
use crate::components::unit::{BODY_HALF, Position, SUBTILES, TickRate, Tile};

/// Walking, in 1/64 tile per second: 5 tiles a second.
pub const WALK: i32 = 320;
/// Walking on a diagonal, per axis: 320 / √2.
pub const WALK_DIAGONAL: i32 = 226;
/// Running, in 1/64 tile per second: 8 tiles a second.
pub const RUN: i32 = 512;
/// Running on a diagonal, per axis: 512 / √2.
pub const RUN_DIAGONAL: i32 = 362;

/// Barriers besides solid tiles: doors that are closed to a body.
pub trait Barriers {
    /// Whether the middle of the body may move from one tile onto the other.
    fn let_through(&self, from: Tile, to: Tile) -> bool;
}

/// No doors.
impl Barriers for () {
    fn let_through(&self, _: Tile, _: Tile) -> bool {
        true
    }
}

/// Moves a body by one tick in a direction, sliding along solid tiles.
pub fn step(grid: &Grid, rate: TickRate, body: &mut Body, direction: Direction, run: bool) {
    step_through(grid, &(), rate, body, direction, run);
}

/// As [`step`], and stops before closed doors, on each axis separately.
pub fn step_through(
    grid: &Grid,
    doors: &impl Barriers,
    rate: TickRate,
    body: &mut Body,
    direction: Direction,
    run: bool,
) {
    let (right, down) = direction.signs();
    let speed = speed(direction, run);
    let x = stride(&mut body.carry.x, right * speed, rate);
    let y = stride(&mut body.carry.y, down * speed, rate);
    if !go_x(grid, doors, &mut body.position, x) {
        body.carry.x = 0;
    }
    if !go_y(grid, doors, &mut body.position, y) {
        body.carry.y = 0;
    }
    body.facing = facing(direction, body.facing);
}

/// Moves a body by one tick of walking, straight to a position or, while both axes are off, on a
/// diagonal.
pub fn step_towards(
    grid: &Grid,
    doors: &impl Barriers,
    rate: TickRate,
    body: &mut Body,
    to: Position,
) {
    let (right, down) = (to.x - body.position.x, to.y - body.position.y);
    let direction = Direction::from_signs(right, down);
    let speed = speed(direction, false);
    let x =
        stride(&mut body.carry.x, right.signum() * speed, rate).clamp(-right.abs(), right.abs());
    let y = stride(&mut body.carry.y, down.signum() * speed, rate).clamp(-down.abs(), down.abs());
    if !go_x(grid, doors, &mut body.position, x) || x == right {
        body.carry.x = 0;
    }
    if !go_y(grid, doors, &mut body.position, y) || y == down {
        body.carry.y = 0;
    }
    // Small corrections on the way up or down do not turn the head.
    let seen = if down.abs() > 2 * right.abs() {
        Direction::from_signs(0, down)
    } else {
        direction
    };
    body.facing = facing(seen, body.facing);
}

/// Facing after a move in this direction. Sideways wins on diagonals; no direction keeps the
/// facing.
pub const fn facing(direction: Direction, before: Facing) -> Facing {
    match direction {
        Direction::None => before,
        Direction::Up => Facing::Up,
        Direction::Down => Facing::Down,
        Direction::UpRight | Direction::Right | Direction::DownRight => Facing::Right,
        Direction::DownLeft | Direction::Left | Direction::UpLeft => Facing::Left,
    }
}

/// Whether a body with its middle there touches nothing solid.
pub fn is_free(grid: &Grid, position: Position) -> bool {
    covered(position.y).all(|row| covered(position.x).all(|column| !grid.is_solid(column, row)))
}

const fn speed(direction: Direction, run: bool) -> i32 {
    let (right, down) = direction.signs();
    match (right != 0 && down != 0, run) {
        (false, false) => WALK,
        (true, false) => WALK_DIAGONAL,
        (false, true) => RUN,
        (true, true) => RUN_DIAGONAL,
    }
}

/// Whole sub-tiles to move on one axis. The rest stays in the carry.
fn stride(carry: &mut i8, speed: i32, rate: TickRate) -> i32 {
    if speed == 0 {
        *carry = 0;
        return 0;
    }
    let rate = i32::from(rate.per_second());
    let sum = i32::from(*carry) + speed;
    *carry = i8::try_from(sum % rate).unwrap_or_default();
    sum / rate
}

/// Moves along x, unless a door is closed to the body there. Then it stays.
fn go_x(grid: &Grid, doors: &impl Barriers, position: &mut Position, by: i32) -> bool {
    let before = *position;
    let is_free = move_x(grid, position, by);
    if doors.let_through(before.tile(), position.tile()) {
        return is_free;
    }
    *position = before;
    false
}

fn go_y(grid: &Grid, doors: &impl Barriers, position: &mut Position, by: i32) -> bool {
    let before = *position;
    let is_free = move_y(grid, position, by);
    if doors.let_through(before.tile(), position.tile()) {
        return is_free;
    }
    *position = before;
    false
}

/// Moves along x. Returns whether the way was free; if not, the body touches what stopped it.
fn move_x(grid: &Grid, position: &mut Position, by: i32) -> bool {
    position.x += by;
    let Some(column) = leading(position.x, by) else {
        return true;
    };
    let stopped = covered(position.y).any(|row| grid.is_solid(column, row));
    if stopped {
        position.x = touching(column, by);
    }
    !stopped
}

fn move_y(grid: &Grid, position: &mut Position, by: i32) -> bool {
    position.y += by;
    let Some(row) = leading(position.y, by) else {
        return true;
    };
    let stopped = covered(position.x).any(|column| grid.is_solid(column, row));
    if stopped {
        position.y = touching(row, by);
    }
    !stopped
}

/// Column or row of the front edge of a body that moved.
fn leading(middle: i32, by: i32) -> Option<i32> {
    match by.signum() {
        1 => Some((middle + BODY_HALF - 1).div_euclid(SUBTILES)),
        -1 => Some((middle - BODY_HALF).div_euclid(SUBTILES)),
        _ => None,
    }
}

/// Middle of a body that was stopped by the column or row.
const fn touching(obstacle: i32, by: i32) -> i32 {
    if by > 0 {
        obstacle * SUBTILES - BODY_HALF
    } else {
        (obstacle + 1) * SUBTILES + BODY_HALF
    }
}

/// Columns or rows under a body with its middle there.
fn covered(middle: i32) -> std::ops::RangeInclusive<i32> {
    (middle - BODY_HALF).div_euclid(SUBTILES)..=(middle + BODY_HALF - 1).div_euclid(SUBTILES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::components::player::Carry;
    use crate::components::unit::Tile;

    fn walk(grid: &Grid, body: &mut Body, direction: Direction, run: bool, steps: usize) {
        for _ in 0..steps {
            step(grid, TickRate::DEFAULT, body, direction, run);
        }
    }

    #[test]
    fn a_second_of_walking_covers_five_tiles_and_of_running_eight() {
        let grid = Grid::open(40, 40);
        for rate in [10, 20, 30, 60] {
            let rate = TickRate::new(rate).unwrap();
            for (run, speed) in [(false, WALK), (true, RUN)] {
                let mut body = Body::at(Tile::new(5, 5).middle());
                let from = body.position.x;
                for _ in 0..rate.per_second() {
                    step(&grid, rate, &mut body, Direction::Right, run);
                }
                assert_eq!(body.position.x - from, speed);
            }
        }
    }

    #[test]
    fn a_wall_stops_the_body_where_it_touches() {
        let mut grid = Grid::open(5, 5);
        grid.block(Tile::new(3, 2));
        let mut body = Body::at(Tile::new(1, 2).middle());
        walk(&grid, &mut body, Direction::Right, true, 20);
        assert_eq!(body.position.x, 3 * SUBTILES - BODY_HALF);
        assert_eq!(body.carry, Carry::default());
        walk(&grid, &mut body, Direction::Left, true, 20);
        assert_eq!(body.position.x, BODY_HALF);
    }

    #[test]
    fn a_diagonal_slides_along_a_wall() {
        let mut grid = Grid::open(5, 5);
        for y in 0..5 {
            grid.block(Tile::new(3, y));
        }
        let mut body = Body::at(Tile::new(2, 1).middle());
        walk(&grid, &mut body, Direction::DownRight, false, 40);
        assert_eq!(body.position.x, 3 * SUBTILES - BODY_HALF);
        assert_eq!(body.position.y, 5 * SUBTILES - BODY_HALF);
        assert_eq!(body.facing, Facing::Right);
    }

    #[test]
    fn standing_still_forgets_the_carry_and_keeps_the_face() {
        let grid = Grid::open(5, 5);
        let mut body = Body {
            position: Tile::new(2, 2).middle(),
            carry: Carry { x: 5, y: -3 },
            facing: Facing::Up,
        };
        walk(&grid, &mut body, Direction::None, true, 1);
        assert_eq!(
            body,
            Body {
                position: Tile::new(2, 2).middle(),
                carry: Carry::default(),
                facing: Facing::Up
            }
        );
    }
}
