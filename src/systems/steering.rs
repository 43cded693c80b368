//! Steering: applies steps of held directions, no faster than time passes.

use std::collections::VecDeque;

use bevy_ecs::prelude::*;
use bincode::{Decode, Encode};

use super::roster::{self, Roster};
use super::saving::{self, SectionError};
use super::zones::{Doors, Zones};
use super::{SimulateSystems, SpaceBuilder, movement};
use crate::components::direction::{Direction, Motion};
use crate::components::grid::Grid;
use crate::components::id::PlayerId;
use crate::components::player::{Body, Card, HeldStep};
use crate::components::steering::{MAKE_UP, QUEUE, Steering};
use crate::components::unit::TickRate;
use crate::components::walking::Walk;
use crate::components::zone::ZoneOccupancy;

/// Section of the checkpoint: which steps of each player were applied.
pub const SECTION: &str = "steering";

/// Adds the steering system. Players must be loaded before.
pub fn plugin(space: &mut SpaceBuilder) {
    space.save(SECTION, 1, save, load);
    space
        .tick
        .add_systems(take_steps.in_set(SimulateSystems::Steer));
}

pub(super) fn hold(world: &mut World, player: PlayerId, step: HeldStep) {
    let Some(entity) = roster::entity(world, player) else {
        return;
    };
    let mut player = world.entity_mut(entity);
    let Ok((mut steering, mut walk)) = player.get_components_mut::<(&mut Steering, &mut Walk)>()
    else {
        return;
    };
    if step.seq <= steering.seen {
        return;
    }
    steering.seen = step.seq;
    if step.direction != Direction::None {
        walk.end();
    } else if walk.errand.is_some() {
        // Releasing a key does not end a walk, and there is nothing to stop.
        steering.ack = step.seq;
        return;
    }
    if steering.held.len() == QUEUE
        && let Some(dropped) = steering.held.pop_front()
    {
        steering.ack = dropped.seq;
    }
    steering.held.push_back(step);
}

fn take_steps(
    grid: Res<Grid>,
    rate: Res<TickRate>,
    mut zones: ResMut<Zones>,
    mut players: Query<(
        &Card,
        &mut Body,
        &mut Motion,
        &mut Steering,
        &Walk,
        &mut ZoneOccupancy,
    )>,
) {
    for (card, mut body, mut motion, mut steering, walk, mut occupancy) in &mut players {
        if walk.errand.is_some() {
            continue;
        }
        if steering.held.is_empty() {
            miss(&mut steering, &mut motion);
            continue;
        }
        steering.missed = 0;
        if steering.held.len() > 1 && steering.make_up > 0 {
            steering.make_up -= 1;
            let doors = Doors::of(&zones, card.player);
            take_one(&grid, &doors, *rate, &mut body, &mut motion, &mut steering);
            zones.move_to(card.player, &mut occupancy, body.position.tile());
        }
        let doors = Doors::of(&zones, card.player);
        take_one(&grid, &doors, *rate, &mut body, &mut motion, &mut steering);
        // At once: the last place in a private zone goes to one player.
        zones.move_to(card.player, &mut occupancy, body.position.tile());
    }
}

/// A late step does not end a movement yet. The player stands when the step can no longer be made
/// up for.
fn miss(steering: &mut Steering, motion: &mut Motion) {
    if steering.make_up < MAKE_UP {
        steering.make_up += 1;
    }
    if steering.missed < MAKE_UP {
        steering.missed += 1;
    } else if *motion != Motion::Standing {
        *motion = Motion::Standing;
    }
}

fn take_one(
    grid: &Grid,
    doors: &Doors,
    rate: TickRate,
    body: &mut Body,
    motion: &mut Motion,
    steering: &mut Steering,
) {
    let Some(step) = steering.held.pop_front() else {
        return;
    };
    movement::step_through(grid, doors, rate, body, step.direction, step.run);
    steering.ack = step.seq;
    *motion = match (step.direction, step.run) {
        (Direction::None, _) => Motion::Standing,
        (_, false) => Motion::Walking,
        (_, true) => Motion::Running,
    };
}

/// The record of version 1, of one player. Steps that wait are not saved: clients send all that
/// were not acknowledged again.
#[derive(Debug, Encode, Decode)]
pub struct SavedSteering {
    /// Number of the player.
    pub player: u32,
    /// Highest input number that was applied.
    pub ack: u32,
    /// Ticks without a step that may still be made up for.
    pub make_up: u8,
}

fn save(world: &World) -> Vec<u8> {
    let entities = world.resource::<Roster>().entities();
    let saved = entities.filter_map(|entity| {
        let (card, steering) = world
            .get::<Card>(entity)
            .zip(world.get::<Steering>(entity))?;
        Some(SavedSteering {
            player: card.player.0,
            ack: steering.ack,
            make_up: steering.make_up,
        })
    });
    saving::write(saved.collect::<Vec<_>>())
}

fn load(world: &mut World, version: u16, bytes: &[u8]) -> Result<(), SectionError> {
    let saved: Vec<SavedSteering> = saving::read_first(version, bytes)?;
    for one in saved {
        if let Some(entity) = roster::entity(world, PlayerId(one.player)) {
            world.entity_mut(entity).insert(Steering {
                held: VecDeque::new(),
                make_up: one.make_up.min(MAKE_UP),
                missed: MAKE_UP,
                seen: one.ack,
                ack: one.ack,
            });
        }
    }
    Ok(())
}
