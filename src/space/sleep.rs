//! Sleep: a space at rest without a world.
//!
//! A world and its systems take some 200 KiB even when they are empty. Their contents are copied,
//! and inserted into a new world when the space wakes, so that a space that slept is the same as
//! one that did not. They are copied, not moved: data allocated by a world lies between its own
//! allocations and would keep whole pages in use.

use std::any::Any;

use super::awake::AwakeSpace;
use crate::components::layout::SpaceLayout;
use crate::components::peers::ProximityRules;
use crate::components::unit::{Tick, TickRate};
use crate::systems::elements::Elements;
use crate::systems::player::{self, Player};
use crate::systems::proximity::Proximity;

/// An empty layout, for a world whose contents are inserted afterwards.
fn empty_layout() -> SpaceLayout {
    SpaceLayout {
        width: 1,
        height: 1,
        blocked: Vec::new(),
        has_walls: false,
        proximity: ProximityRules::default(),
        zones: Vec::new(),
        elements: Vec::new(),
        version: 0,
    }
}

/// Copy of the contents of a world.
#[derive(Default)]
pub(super) struct Asleep {
    pub tick: Tick,
    pub is_forwarding: bool,
    pub version: u32,
    pub is_behind: bool,
    pub players: Vec<Player>,
    /// Copies of the resources, in the order of the copiers.
    data: Vec<Option<Box<dyn Any + Send>>>,
}

impl Asleep {
    /// Copies the contents of a space.
    pub fn of(awake: &AwakeSpace) -> Self {
        let world = &awake.world;
        let elements = world.resource::<Elements>();
        Self {
            tick: *world.resource::<Tick>(),
            is_forwarding: world.resource::<Proximity>().is_forwarding(),
            version: elements.version,
            is_behind: elements.is_behind(),
            players: player::copy_all(world),
            data: awake
                .copiers
                .iter()
                .map(|copier| (copier.copy)(world))
                .collect(),
        }
    }

    /// Puts the contents into a new world.
    pub fn wake(self, rate: TickRate) -> AwakeSpace {
        let mut awake = AwakeSpace::new(&empty_layout(), rate);
        let world = &mut awake.world;
        for (copier, data) in awake.copiers.iter().zip(self.data) {
            if let Some(data) = data {
                (copier.put)(world, data);
            }
        }
        world.insert_resource(self.tick);
        player::put_all(world, self.players);
        awake
    }
}
