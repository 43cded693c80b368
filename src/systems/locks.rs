//! Locks: saves which private zones are locked, and which players may enter them anyway. `zones`
//! locks them and keeps players out.

use bevy_ecs::prelude::*;

use super::SpaceBuilder;
use super::saving::{self, SectionError};
use super::zones::Zones;
use crate::components::id::PlayerId;

/// Section of the checkpoint: number of each locked zone, and players who may enter it.
pub const SECTION: &str = "locks";

/// Saves the locks. Players must be loaded before: a zone without players has no lock.
pub fn plugin(space: &mut SpaceBuilder) {
    space.save(SECTION, 1, save, load);
}

/// The record of version 1.
pub type SavedLocks = Vec<(u16, Vec<u32>)>;

fn save(world: &World) -> Vec<u8> {
    let numbers = |players: Vec<PlayerId>| players.iter().map(|player| player.0).collect();
    let locked = world.resource::<Zones>().locked();
    let locks: SavedLocks = locked
        .map(|(zone, admitted)| (zone, numbers(admitted)))
        .collect();
    saving::write(locks)
}

fn load(world: &mut World, version: u16, bytes: &[u8]) -> Result<(), SectionError> {
    let locks: SavedLocks = saving::read_first(version, bytes)?;
    let mut zones = world.resource_mut::<Zones>();
    for (zone, admitted) in locks {
        zones.lock_again(zone, admitted.into_iter().map(PlayerId));
    }
    Ok(())
}
