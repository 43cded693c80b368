//! Cost of a tick: walking crowds, and path searches.

mod crowd;

use divan::Bencher;
use plaza::components::grid::Grid;
use plaza::components::unit::Tile;
use plaza::systems::path::{PathGoal, PathSearch};

use self::crowd::{SIDE, crowd, pillars, steps};

fn main() {
    divan::main();
}

#[divan::bench(args = [200, 1_000])]
fn tick_with_all_walking(bencher: Bencher, people: u32) {
    let mut space = crowd(people);
    let mut seq = 0;
    bencher
        .with_inputs(|| {
            seq += 1;
            steps(people, seq)
        })
        .bench_local_values(|commands| space.step(&commands));
}

#[divan::bench(args = [200, 1_000])]
fn tick_at_rest(bencher: Bencher, people: u32) {
    let mut space = crowd(people);
    bencher.bench_local(|| space.step(&[]));
}

#[divan::bench]
fn path_from_corner_to_corner(bencher: Bencher) {
    let mut grid = Grid::open(SIDE, SIDE);
    for tile in pillars() {
        grid.block(tile);
    }
    let mut search = PathSearch::default();
    bencher.bench_local(|| {
        search.find(
            &grid,
            Tile::new(0, 0),
            PathGoal::On(Tile::new(SIDE - 1, SIDE - 1)),
        )
    });
}

#[divan::bench]
fn no_path_on_a_large_map(bencher: Bencher) {
    let mut grid = Grid::open(256, 256);
    for y in 0..256 {
        grid.block(Tile::new(254, y));
    }
    let mut search = PathSearch::default();
    bencher.bench_local(|| search.find(&grid, Tile::new(0, 0), PathGoal::On(Tile::new(255, 255))));
}
