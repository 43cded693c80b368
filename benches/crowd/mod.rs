//! Crowd: players on a map with pillars, and their steps of one tick.

use plaza::components::command::Command;
use plaza::components::direction::Direction;
use plaza::components::id::{PlayerId, RelayId, UserId};
use plaza::components::layout::SpaceLayout;
use plaza::components::movement::MovementCommand;
use plaza::components::peers::ProximityRules;
use plaza::components::player::HeldStep;
use plaza::components::presence::{JoinTerms, PresenceCommand};
use plaza::components::unit::{TickRate, Tile};
use plaza::space::Space;
use uuid::Uuid;

/// Tiles along the side of the map.
pub const SIDE: u16 = 100;

/// Pillars all over the map, so that bodies meet walls and paths have corners.
pub fn pillars() -> Vec<Tile> {
    let tiles = (0..SIDE).flat_map(|y| (0..SIDE).map(move |x| Tile::new(x, y)));
    tiles
        .filter(|tile| tile.x % 4 == 2 && tile.y % 3 == 1)
        .collect()
}

/// A space with this many players.
pub fn crowd(people: u32) -> Space {
    let layout = SpaceLayout {
        width: SIDE,
        height: SIDE,
        blocked: pillars(),
        has_walls: false,
        proximity: ProximityRules::default(),
        zones: Vec::new(),
        elements: Vec::new(),
        version: 1,
    };
    let mut space = Space::new(&layout, TickRate::DEFAULT);
    let joins: Vec<Command> = (1..=people).map(join).collect();
    space.step(&joins);
    space
}

/// User of the player with this number.
pub fn user(number: u32) -> UserId {
    UserId(Uuid::from_u128(u128::from(number)))
}

/// Join command of a user.
pub fn join(number: u32) -> Command {
    Command::Presence(PresenceCommand::Join {
        user: user(number),
        name: format!("walker {number}"),
        avatar: None,
        arrive: None,
        blocked: Vec::new(),
        relay: RelayId::default(),
        terms: JoinTerms::default(),
    })
}

/// One step of each player, in changing directions.
pub fn steps(people: u32, seq: u32) -> Vec<Command> {
    let step = |number: u32| {
        Command::Movement(MovementCommand::Step {
            player: PlayerId(number),
            step: HeldStep {
                seq,
                direction: Direction::ALL[1 + (number + seq / 16) as usize % 8],
                run: number.is_multiple_of(2),
            },
        })
    };
    (1..=people).map(step).collect()
}
