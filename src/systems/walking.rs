//! Walking: walks players to a tile, up to another player, or one tile at a time.

use std::collections::VecDeque;

use bevy_ecs::prelude::*;

use super::elements::Elements;
use super::path::{PathGoal, PathOutcome, PathSearch};
use super::roster::Roster;
use super::zones::{Doors, Zones};
use super::{
    Outbox, SimulateSystems, SpaceBuilder, blocked, home, movement, roster, steering, tell,
};
use crate::components::direction::{Direction, Motion};
use crate::components::fact::Fact;
use crate::components::grid::Grid;
use crate::components::id::PlayerId;
use crate::components::movement::{MovementCommand, MovementFact};
use crate::components::player::{Body, Card, Carry, Goal};
use crate::components::steering::Steering;
use crate::components::unit::{Tick, TickRate, Tile};
use crate::components::walking::{Errand, TILE_STEPS, Walk};
use crate::components::zone::ZoneOccupancy;

/// Ticks without progress after which a walk is given up. A search for another path has had its
/// turn by then.
const PATIENCE: u8 = 8;

/// Adds the systems that search paths and walk them.
pub fn plugin(space: &mut SpaceBuilder) {
    // Only working memory: another world has its own.
    space.world.insert_resource(PathSearch::new());
    space.tick.add_systems(
        (check_tile_steps, search_ways, walk_on)
            .chain()
            .in_set(SimulateSystems::Walk),
    );
}

/// Carries out a request to move.
pub(super) fn apply(world: &mut World, command: MovementCommand) {
    match command {
        MovementCommand::Step { player, step } => steering::hold(world, player, step),
        MovementCommand::Walk { player, seq, goal } => walk(world, player, seq, goal),
        MovementCommand::StepTile { player, tile } => step_tile(world, player, tile),
        MovementCommand::GoHome { player } => home::go_home(world, player),
    }
}

fn walk(world: &mut World, player: PlayerId, seq: u32, goal: Goal) {
    let now = *world.resource::<Tick>();
    let goal = within(world.resource::<Grid>(), goal);
    let Some(entity) = roster::entity(world, player) else {
        return;
    };
    let is_kept_away =
        matches!(goal, Goal::Player(other) if blocked::has_blocked(world, other, player));
    let mut walker = world.entity_mut(entity);
    let Ok((mut steering, mut walk, mut body, mut motion)) =
        walker.get_components_mut::<(&mut Steering, &mut Walk, &mut Body, &mut Motion)>()
    else {
        return;
    };
    if seq <= steering.seen {
        return;
    }
    steering.seen = seq;
    steering.give_up();
    if is_kept_away {
        // The player is told the same as a player without a path.
        stop(&mut body, &mut motion, &mut walk);
        tell(world, Fact::Movement(MovementFact::NoPath { player }));
    } else {
        walk.start(Errand::Goal(goal), now);
    }
}

/// Stops a walk towards a player who blocked the walker.
pub(super) fn stop_following(world: &mut World, follower: PlayerId, player: PlayerId) {
    let Some(entity) = roster::entity(world, follower) else {
        return;
    };
    let mut follower = world.entity_mut(entity);
    if let Ok((mut body, mut motion, mut walk)) =
        follower.get_components_mut::<(&mut Body, &mut Motion, &mut Walk)>()
        && walk.errand == Some(Errand::Goal(Goal::Player(player)))
    {
        stop(&mut body, &mut motion, &mut walk);
    }
}

/// A click outside of the map means its border.
fn within(grid: &Grid, goal: Goal) -> Goal {
    match goal {
        Goal::Tile(tile) => Goal::Tile(Tile::new(
            tile.x.min(grid.width().saturating_sub(1)),
            tile.y.min(grid.height().saturating_sub(1)),
        )),
        Goal::Player(_) => goal,
    }
}

/// Two steps may wait, and each is walked at walking speed, so that no client is faster than a
/// walk.
fn step_tile(world: &mut World, player: PlayerId, tile: Tile) {
    let now = *world.resource::<Tick>();
    let is_walkable = world.resource::<Grid>().is_walkable(tile);
    let Some(entity) = roster::entity(world, player) else {
        return;
    };
    let mut mover = world.entity_mut(entity);
    let Ok((body, mut steering, mut walk)) =
        mover.get_components_mut::<(&Body, &mut Steering, &mut Walk)>()
    else {
        return;
    };
    let from = logical_tile(body, &walk);
    let waiting = if walk.errand == Some(Errand::TileSteps) {
        walk.way.len()
    } else {
        0
    };
    if is_walkable && waiting < TILE_STEPS && from.x.abs_diff(tile.x) + from.y.abs_diff(tile.y) == 1
    {
        steering.give_up();
        if walk.errand != Some(Errand::TileSteps) {
            walk.start(Errand::TileSteps, now);
        }
        walk.way.push_back(tile);
    } else {
        let fact = Fact::Movement(MovementFact::StepRejected { player, tile: from });
        tell(world, fact);
    }
}

/// Tile where a client of the JSON protocol believes its player to be: the end of the accepted
/// steps.
fn logical_tile(body: &Body, walk: &Walk) -> Tile {
    let here = body.position.tile();
    if walk.errand == Some(Errand::TileSteps) {
        walk.way.back().copied().unwrap_or(here)
    } else {
        here
    }
}

/// Takes back accepted steps that something solid, or a body that was moved, made impossible.
fn check_tile_steps(
    grid: Res<Grid>,
    mut outbox: ResMut<Outbox>,
    mut walkers: Query<(&Card, &mut Body, &mut Motion, &mut Walk)>,
) {
    let mut rejected = Vec::new();
    for (card, mut body, mut motion, mut walk) in &mut walkers {
        if walk.errand != Some(Errand::TileSteps) {
            continue;
        }
        let here = body.position.tile();
        let is_near = |tile: &Tile| here.x.abs_diff(tile.x).max(here.y.abs_diff(tile.y)) <= 1;
        if walk.stuck < PATIENCE
            && walk.way.front().is_none_or(is_near)
            && walk.way.iter().all(|&tile| grid.is_walkable(tile))
        {
            continue;
        }
        stop(&mut body, &mut motion, &mut walk);
        rejected.push((card.player, here));
    }
    rejected.sort_unstable();
    for (player, tile) in rejected {
        outbox.tell(Fact::Movement(MovementFact::StepRejected { player, tile }));
    }
}

/// Searches paths that are missing or lead to where a player no longer is. The longest waiting
/// comes first.
fn search_ways(
    grid: Res<Grid>,
    roster: Res<Roster>,
    now: Res<Tick>,
    ground: (Res<Zones>, Res<Elements>),
    mut search: ResMut<PathSearch>,
    mut outbox: ResMut<Outbox>,
    mut walkers: Query<(Entity, &Card, &mut Body, &mut Motion, &mut Walk)>,
) {
    let (zones, elements) = ground;
    let mut due = Vec::new();
    for (entity, card, _, _, walk) in &walkers {
        if let Some(Errand::Goal(goal)) = walk.errand {
            let tile = goal_tile(goal, card.player, |player| {
                let (_, _, body, ..) = walkers.get(roster.entity(player)?).ok()?;
                Some(body.position.tile())
            });
            if tile.is_none() || walk.aim != tile || walk.stuck >= PATIENCE {
                due.push((walk.asked, card.player, card.user, entity, goal, tile));
            }
        }
    }
    due.sort_unstable_by_key(|&(asked, player, ..)| (asked, player));
    for (_, player, user, entity, goal, tile) in due {
        if !search.has_room() || !search.is_allowed(user) {
            // Its turn comes when enough of the budget is free again.
            search.is_waited_for = true;
            continue;
        }
        let Ok((_, _, mut body, mut motion, mut walk)) = walkers.get_mut(entity) else {
            continue;
        };
        let found = match tile {
            Some(tile) if walk.stuck < PATIENCE => {
                let target = target(goal, tile);
                let from = body.position.tile();
                let found = if search.is_out_of_reach(&grid, elements.ground, from, target) {
                    PathOutcome::Nothing
                } else {
                    search.find(&zones.ground_for(&grid, player, from), from, target)
                };
                search.charge(user);
                found
            }
            _ => PathOutcome::Nothing,
        };
        walk.asked = *now;
        match found {
            PathOutcome::Way(way) => take_way(&mut body, &mut motion, &mut walk, goal, tile, &way),
            PathOutcome::Nothing => {
                stop(&mut body, &mut motion, &mut walk);
                outbox.tell(Fact::Movement(MovementFact::NoPath { player }));
            }
        }
    }
}

fn goal_tile(
    goal: Goal,
    walker: PlayerId,
    tile_of: impl FnOnce(PlayerId) -> Option<Tile>,
) -> Option<Tile> {
    match goal {
        Goal::Tile(tile) => Some(tile),
        Goal::Player(player) if player == walker => None,
        Goal::Player(player) => tile_of(player),
    }
}

const fn target(goal: Goal, tile: Tile) -> PathGoal {
    match goal {
        Goal::Tile(_) => PathGoal::On(tile),
        Goal::Player(_) => PathGoal::NextTo(tile),
    }
}

fn take_way(
    body: &mut Body,
    motion: &mut Motion,
    walk: &mut Walk,
    goal: Goal,
    aim: Option<Tile>,
    way: &[Tile],
) {
    walk.aim = aim;
    walk.way.clear();
    keep_corners(way, &mut walk.way);
    if !walk.way.is_empty() {
        return;
    }
    match goal {
        // The goal is the tile underfoot. Only a step to its middle is left.
        Goal::Tile(_) => walk.way.push_back(body.position.tile()),
        Goal::Player(_) => arrive(body, motion, walk),
    }
}

/// Keeps the first tile, where the body comes to the middle of the path, and every tile where the
/// path turns.
fn keep_corners(way: &[Tile], corners: &mut VecDeque<Tile>) {
    let step = |from: Tile, to: Tile| {
        (
            i32::from(to.x) - i32::from(from.x),
            i32::from(to.y) - i32::from(from.y),
        )
    };
    let mut before = None;
    for (index, &tile) in way.iter().enumerate() {
        let is_straight = match (before.replace(tile), way.get(index + 1)) {
            (Some(before), Some(&next)) => step(before, tile) == step(tile, next),
            _ => false,
        };
        if !is_straight {
            corners.push_back(tile);
        }
    }
}

fn walk_on(
    grid: Res<Grid>,
    rate: Res<TickRate>,
    mut zones: ResMut<Zones>,
    mut walkers: Query<(&Card, &mut Body, &mut Motion, &mut Walk, &mut ZoneOccupancy)>,
) {
    for (card, mut body, mut motion, mut walk, mut occupancy) in &mut walkers {
        let Some(&next) = walk.way.front() else {
            continue;
        };
        let before = body.position;
        movement::step_towards(
            &grid,
            &Doors::of(&zones, card.player),
            *rate,
            &mut body,
            next.middle(),
        );
        zones.move_to(card.player, &mut occupancy, body.position.tile());
        *motion = Motion::Walking;
        walk.stuck = if body.position == before && before != next.middle() {
            walk.stuck + 1
        } else {
            0
        };
        if body.position == next.middle() {
            walk.way.pop_front();
        }
        if walk.way.is_empty() {
            arrive(&mut body, &mut motion, &mut walk);
        } else if walk.stuck == PATIENCE / 2 {
            walk.aim = None;
        }
    }
}

/// Ends a walk. A player who walked up to another looks at them.
fn arrive(body: &mut Body, motion: &mut Motion, walk: &mut Walk) {
    if let (Some(Errand::Goal(Goal::Player(_))), Some(tile)) = (walk.errand, walk.aim) {
        let there = tile.middle();
        let direction = Direction::from_signs(there.x - body.position.x, there.y - body.position.y);
        body.facing = movement::facing(direction, body.facing);
    }
    stop(body, motion, walk);
}

fn stop(body: &mut Body, motion: &mut Motion, walk: &mut Walk) {
    body.carry = Carry::default();
    *motion = Motion::Standing;
    walk.end();
}
