//! Movement by golden vectors: the browser predicts with the same numbers, read from the same file.

use std::path::PathBuf;

use plaza::components::direction::{Direction, Facing};
use plaza::components::grid::Grid;
use plaza::components::player::{Body, Carry};
use plaza::components::unit::{Position, TickRate, Tile};
use plaza::systems::movement;
use serde_json::{Value, json};

const MAPS: [(&str, &[&str]); 5] = [
    (
        "open",
        &[
            "........", "........", "........", "........", "........", "........",
        ],
    ),
    (
        "corners",
        &[
            "#########",
            "#.......#",
            "#..#.#..#",
            "#...#...#",
            "#.#...#.#",
            "#.......#",
            "#########",
        ],
    ),
    (
        "corridor",
        &[
            "##########",
            "..........",
            "####.#####",
            "####.#####",
            "####......",
        ],
    ),
    ("single", &["."]),
    (
        "pillars",
        &[
            "............",
            ".#.#.#.#.#..",
            "............",
            "..#.#.#.#.#.",
            "............",
            ".#.#.#.#.#..",
            "............",
        ],
    ),
];

/// A map, a tile, and an offset from its middle in 1/64 tile.
type Start = (&'static str, (u16, u16), (i32, i32));

/// Start positions; the middle of the tile unless an offset in 1/64 tile is given.
const STARTS: [Start; 10] = [
    ("open", (0, 0), (0, 0)),
    ("open", (7, 5), (0, 0)),
    ("open", (3, 3), (13, -13)),
    ("corners", (1, 1), (0, 0)),
    ("corners", (4, 2), (0, 0)),
    ("corners", (5, 3), (-13, 13)),
    ("corridor", (0, 1), (0, 0)),
    ("corridor", (4, 3), (7, 0)),
    ("single", (0, 0), (5, -9)),
    ("pillars", (2, 2), (0, 0)),
];

const RATES: [u8; 3] = [10, 20, 60];

fn grid(rows: &[&str]) -> Grid {
    let mut grid = Grid::open(rows[0].len() as u16, rows.len() as u16);
    for (y, row) in rows.iter().enumerate() {
        for (x, _) in row.bytes().enumerate().filter(|&(_, tile)| tile == b'#') {
            grid.block(Tile::new(x as u16, y as u16));
        }
    }
    grid
}

fn map(name: &str) -> &'static [&'static str] {
    MAPS.iter()
        .find(|map| map.0 == name)
        .expect("the map is listed")
        .1
}

/// Every direction, held long enough to meet a wall, walking and running; then a walk with many
/// turns.
fn steps(salt: u32) -> Vec<(Direction, bool)> {
    let mut steps = Vec::new();
    for round in 0..18 {
        let direction = Direction::ALL[(round * 5 + salt as usize) % 9];
        let run = round % 2 == 1;
        steps.extend(std::iter::repeat_n(
            (direction, run),
            3 + (round * 7 + salt as usize) % 11,
        ));
    }
    let mut state = 0x9e37_79b9_u32.wrapping_mul(salt + 1);
    for _ in 0..80 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        steps.push((Direction::ALL[(state >> 16) as usize % 9], state >> 31 == 1));
    }
    steps
}

fn state(body: &Body) -> Value {
    json!([
        body.position.x,
        body.position.y,
        body.carry.x,
        body.carry.y,
        body.facing as u8
    ])
}

fn run(number: usize, start: Start, rate: u8) -> Value {
    let (name, (x, y), (right, down)) = start;
    let grid = grid(map(name));
    let middle = Tile::new(x, y).middle();
    let mut body = Body {
        position: Position {
            x: middle.x + right,
            y: middle.y + down,
        },
        carry: Carry::default(),
        facing: Facing::Down,
    };
    let rate = TickRate::new(rate).expect("a rate from 10 to 60");
    let first = state(&body);
    let steps = steps(number as u32);
    let states: Vec<Value> = steps
        .iter()
        .map(|&(direction, run)| {
            movement::step(&grid, rate, &mut body, direction, run);
            assert!(
                movement::is_free(&grid, body.position),
                "{name}: {body:?} is inside a wall"
            );
            state(&body)
        })
        .collect();
    json!({
        "map": name,
        "tick_rate": rate.per_second(),
        "start": first,
        "steps": steps
            .iter()
            .map(|&(direction, run)| json!([direction as u8, u8::from(run)]))
            .collect::<Vec<_>>(),
        "states": states,
    })
}

fn golden() -> String {
    let maps: Vec<Value> = MAPS
        .iter()
        .map(|(name, rows)| json!({ "name": name, "rows": rows, "grid_hash": grid(rows).hash() }))
        .collect();
    let mut text = String::from("{\n\"about\": ");
    text += &json!([
        "maps: rows of '.' and '#'; grid_hash: FNV-1a over one byte a tile, 1 where solid",
        "runs: start and states are [x, y, carry_x, carry_y, facing], steps are \
                 [direction, run 0 or 1]; states[i] follows steps[i]"
    ])
    .to_string();
    text += ",\n\"maps\": [\n";
    text += &maps
        .iter()
        .map(Value::to_string)
        .collect::<Vec<_>>()
        .join(",\n");
    text += "\n],\n\"runs\": [\n";
    let runs = RATES.iter().flat_map(|&rate| {
        STARTS
            .iter()
            .enumerate()
            .map(move |(number, &start)| run(number, start, rate))
    });
    text += &runs
        .map(|run| run.to_string())
        .collect::<Vec<_>>()
        .join(",\n");
    text += "\n]\n}\n";
    text
}

#[test]
fn movement_agrees_with_the_golden_vectors() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/movement.json");
    let golden = golden();
    if std::env::var_os("PLAZA_WRITE_GOLDEN").is_some() {
        std::fs::write(&path, &golden).expect("the golden file can be written");
    }
    let kept = std::fs::read_to_string(&path)
        .expect("tests/golden/movement.json is part of the repository");
    assert!(
        kept == golden,
        "movement differs from tests/golden/movement.json; if that is meant, rewrite it with \
         `PLAZA_WRITE_GOLDEN=1 cargo test --test it movement` and change \
         web/src/world/movement.ts with it"
    );
}
