//! Path search: unreachable targets are not searched for, and the searches of one user do not slow
//! others.

use plaza::components::command::Command;
use plaza::components::element::ElementCommand;
use plaza::components::fact::Fact;
use plaza::components::id::{ElementId, PlacementId, PlayerId, UserId};
use plaza::components::layout::{Placement, SpaceLayout};
use plaza::components::movement::{MovementCommand, MovementFact};
use plaza::components::peers::ProximityRules;
use plaza::components::player::Goal;
use plaza::components::presence::PresenceCommand;
use plaza::components::searching::SearchBudget;
use plaza::components::tile_rect::TileRect;
use plaza::components::unit::{TickRate, Tile};
use plaza::components::zone::{Zone, ZoneKind};
use plaza::space::Space;
use uuid::Uuid;

use crate::space::join;

const SIDE: u16 = 128;

/// A field with the spawn in a corner, an island of one tile, and a block of stone behind a wall.
fn layout() -> SpaceLayout {
    let spawn = TileRect {
        corner: Tile::new(0, 0),
        width: 2,
        height: 1,
    };
    let around = |x: u16, y: u16| {
        (x - 1..=x + 1).flat_map(move |x| (y - 1..=y + 1).map(move |y| Tile::new(x, y)))
    };
    let island = Tile::new(100, 100);
    let stone = around(100, 20).chain([Tile::new(98, 20)]);
    let moat = around(100, 100).filter(|tile| *tile != island);
    // A second wall with free tiles inside, so that the tiles nearest to the stone are unreachable.
    let wall = (96..=104).flat_map(|x| (16..=24).map(move |y| Tile::new(x, y)));
    let wall = wall.filter(|tile| tile.x == 96 || tile.x == 104 || tile.y == 16 || tile.y == 24);
    SpaceLayout {
        width: SIDE,
        height: SIDE,
        blocked: stone.chain(moat).chain(wall).collect(),
        has_walls: false,
        proximity: ProximityRules::default(),
        zones: vec![Zone::new(ZoneKind::Spawn, "door".into(), spawn)],
        elements: Vec::new(),
        version: 1,
    }
}

fn space() -> Space {
    space_of(&layout())
}

fn space_of(layout: &SpaceLayout) -> Space {
    let mut space = Space::new(layout, TickRate::DEFAULT);
    space.step(&[join(1), join(2)]);
    space
}

fn walk(player: u32, seq: u32, x: u16, y: u16) -> Command {
    Command::Movement(MovementCommand::Walk {
        player: PlayerId(player),
        seq,
        goal: Goal::Tile(Tile::new(x, y)),
    })
}

#[test]
fn unreachable_targets_are_refused_without_a_search() {
    let mut space = space();
    for seq in 1..100 {
        let output = space.step(&[walk(1, seq, 100, 100)]);
        assert!(output.facts.contains(&Fact::Movement(MovementFact::NoPath {
            player: PlayerId(1)
        })));
        // The first one learns the ground, and pays for it.
        assert_eq!(space.searched() > 0, seq == 1);
    }
}

/// Asks for a way to the island; returns whether there is one.
fn reaches_the_island(space: &mut Space, seq: u32) -> bool {
    let output = space.step(&[walk(1, seq, 100, 100)]);
    let none = Fact::Movement(MovementFact::NoPath {
        player: PlayerId(1),
    });
    !output.facts.contains(&none)
}

#[test]
fn an_unreachable_target_is_searched_for_again_after_the_ground_changed() {
    let corner = Tile::new(99, 100);
    let bridge = Placement {
        id: PlacementId(Uuid::from_u128(3)),
        element: ElementId(Uuid::from_u128(7)),
        corner,
        solid: Some(TileRect {
            corner,
            width: 1,
            height: 1,
        }),
    };
    let mut layout = layout();
    layout.blocked.retain(|tile| *tile != corner);
    layout.elements.push(bridge.clone());
    let mut space = space_of(&layout);
    assert!(!reaches_the_island(&mut space, 1));
    let id = bridge.id;
    space.step(&[Command::Element(ElementCommand::Remove { id, version: 2 })]);
    assert!(reaches_the_island(&mut space, 2));
    space.step(&[Command::Element(ElementCommand::Place {
        placement: bridge,
        version: 3,
    })]);
    assert!(!reaches_the_island(&mut space, 3));
    layout.elements.clear();
    layout.version = 4;
    let layout = Box::new(layout);
    space.step(&[Command::Element(ElementCommand::ReplaceLayout { layout })]);
    assert!(reaches_the_island(&mut space, 4));
}

/// Runs one tick of spaces that share a budget, each with its commands; returns the number of tiles
/// searched.
fn tick_all(budget: &mut SearchBudget, spaces: &mut [Space], command: &Command) -> usize {
    budget.pass(50_000);
    let searched = spaces.iter_mut().map(|space| {
        space.lend_searching(std::mem::take(budget));
        space.step(std::slice::from_ref(command));
        *budget = space.take_searching().expect("the budget is returned");
        space.searched()
    });
    searched.sum()
}

#[test]
fn one_users_searches_are_limited_across_spaces() {
    let mut spaces: Vec<Space> = (0..16).map(|_| space()).collect();
    let mut budget = SearchBudget::default();
    let ticks = 400;
    let searched = |seq| tick_all(&mut budget, &mut spaces, &walk(1, seq, 100, 20));
    let searched: usize = (1..=ticks).map(searched).sum();
    let seconds = ticks as usize / 20;
    assert!(
        searched > 0 && searched <= 65_536 * 2 + 32_768 * seconds,
        "{searched} tiles"
    );
    assert!(tick_all(&mut budget, &mut spaces, &walk(2, 1, 40, 40)) > 0);
    let output = spaces[0].step(&[]);
    assert!(
        output
            .stances
            .iter()
            .any(|(player, _)| *player == PlayerId(2)),
        "the other walks"
    );
}

#[test]
fn leaving_ends_a_search() {
    let mut space = space();
    let mut budget = SearchBudget::default();
    let user = UserId(Uuid::from_u128(1));
    budget.spend(user, 200_000);
    space.step(&[Command::Presence(PresenceCommand::Leave {
        player: PlayerId(1),
    })]);
    space.step(&[join(1)]);
    let again = space
        .snapshot()
        .players
        .iter()
        .find(|(card, ..)| card.user == user)
        .map(|(card, ..)| card.player);
    let walk = walk(again.expect("the user is back").0, 1, 40, 40);
    space.lend_searching(budget);
    space.step(&[walk]);
    assert_eq!(space.searched(), 0);
}

#[test]
fn a_walk_waits_for_its_search() {
    let mut space = space();
    let mut budget = SearchBudget::default();
    budget.spend(UserId(Uuid::from_u128(9)), usize::MAX);
    space.lend_searching(budget);
    space.step(&[walk(1, 1, 40, 40)]);
    for _ in 0..300 {
        assert_eq!(space.step(&[]).stances, []);
    }
    space.lend_searching(SearchBudget::default());
    space.step(&[]);
    assert!(space.searched() > 0);
    assert!(
        space
            .step(&[])
            .stances
            .iter()
            .any(|(player, _)| *player == PlayerId(1))
    );
}
