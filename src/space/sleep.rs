//! Sleep: a space at rest without a world.
//!
//! A world and its systems take some 200 KiB whatever is in them. What is in them is copied as it
//! is and put into another world when the space wakes, so that a space that slept is the same as
//! one that did not. Copied, not moved: what a world holds lies scattered among what it needs for
//! itself, and would keep every page of it from being given back.

use std::any::Any;

use super::awake::AwakeSpace;
use crate::components::layout::SpaceLayout;
use crate::components::peers::ProximityRules;
use crate::components::unit::{Tick, TickRate};
use crate::systems::elements::Elements;
use crate::systems::presence::{self, Player};
use crate::systems::proximity::Proximity;

/// Nothing: what wakes brings everything along.
fn nowhere() -> SpaceLayout {
    SpaceLayout {
        width: 1,
        height: 1,
        blocked: Vec::new(),
        has_walls: false,
        voices: ProximityRules::default(),
        zones: Vec::new(),
        elements: Vec::new(),
        version: 0,
    }
}

/// A copy of what was in a world.
#[derive(Default)]
pub(super) struct Asleep {
    pub tick: Tick,
    pub is_forwarding: bool,
    pub version: u32,
    pub is_behind: bool,
    pub everybody: Vec<Player>,
    /// Of each kind, in the order of the copiers.
    data: Vec<Option<Box<dyn Any + Send>>>,
}

impl Asleep {
    /// Copies everything in a room.
    pub fn of(room: &AwakeSpace) -> Self {
        let world = &room.world;
        let elements = world.resource::<Elements>();
        Self {
            tick: *world.resource::<Tick>(),
            is_forwarding: world.resource::<Proximity>().is_forwarding(),
            version: elements.version,
            is_behind: elements.is_behind(),
            everybody: presence::everybody(world),
            data: room
                .copiers
                .iter()
                .map(|copier| (copier.copy)(world))
                .collect(),
        }
    }

    /// Puts everything into another room.
    pub fn wake(self, rate: TickRate) -> AwakeSpace {
        let mut room = AwakeSpace::new(&nowhere(), rate);
        let world = &mut room.world;
        for (copier, data) in room.copiers.iter().zip(self.data) {
            if let Some(data) = data {
                (copier.put)(world, data);
            }
        }
        world.insert_resource(self.tick);
        presence::put_everybody(world, self.everybody);
        room
    }
}
