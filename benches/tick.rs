//! What a tick costs: crowds that walk, and the search for ways.

use divan::Bencher;
use plaza::components::command::Command;
use plaza::components::direction::Direction;
use plaza::components::grid::Grid;
use plaza::components::id::{PlayerId, UserId};
use plaza::components::plan::Plan;
use plaza::components::player::HeldStep;
use plaza::components::unit::{TickRate, Tile};
use plaza::space::Space;
use plaza::systems::path::{Search, Target};
use uuid::Uuid;

const SIDE: u16 = 100;

fn main() {
    divan::main();
}

/// Pillars everywhere, so that bodies meet walls and ways have corners.
fn pillars() -> Vec<Tile> {
    let tiles = (0..SIDE).flat_map(|y| (0..SIDE).map(move |x| Tile::new(x, y)));
    tiles.filter(|tile| tile.x % 4 == 2 && tile.y % 3 == 1).collect()
}

fn crowd(people: u32) -> Space {
    let plan = Plan {
        width: SIDE,
        height: SIDE,
        blocked: pillars(),
        zones: Vec::new(),
        elements: Vec::new(),
        version: 1,
    };
    let mut space = Space::new(&plan, TickRate::DEFAULT);
    let joins: Vec<Command> = (1..=people)
        .map(|number| Command::Join {
            user: UserId(Uuid::from_u128(u128::from(number))),
            name: format!("walker {number}"),
            avatar: None,
        })
        .collect();
    space.step(&joins);
    space
}

#[divan::bench(args = [200, 1_000])]
fn tick_with_everybody_walking(bencher: Bencher, people: u32) {
    let mut space = crowd(people);
    let mut seq = 0;
    let mut commands = Vec::new();
    bencher.bench_local(|| {
        seq += 1;
        commands.clear();
        commands.extend((1..=people).map(|number| Command::Step {
            player: PlayerId(number),
            step: HeldStep {
                seq,
                direction: Direction::ALL[1 + (number + seq / 16) as usize % 8],
                run: number % 2 == 0,
            },
        }));
        space.step(&commands)
    });
}

#[divan::bench(args = [200, 1_000])]
fn tick_at_rest(bencher: Bencher, people: u32) {
    let mut space = crowd(people);
    bencher.bench_local(|| space.step(&[]));
}

#[divan::bench]
fn way_from_corner_to_corner(bencher: Bencher) {
    let mut grid = Grid::open(SIDE, SIDE);
    for tile in pillars() {
        grid.block(tile);
    }
    let mut search = Search::default();
    bencher.bench_local(|| search.find(&grid, Tile::new(0, 0), Target::On(Tile::new(SIDE - 1, SIDE - 1))));
}

#[divan::bench]
fn no_way_on_a_large_map(bencher: Bencher) {
    let mut grid = Grid::open(256, 256);
    for y in 0..256 {
        grid.block(Tile::new(254, y));
    }
    let mut search = Search::default();
    bencher.bench_local(|| search.find(&grid, Tile::new(0, 0), Target::On(Tile::new(255, 255))));
}
