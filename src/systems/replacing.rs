//! Replacing: gives a space that runs another plan: other ground, zones and elements, with
//! everybody inside.

use bevy_ecs::prelude::*;

use super::elements::{self, Elements};
use super::{Outbox, arrival, proximity, zones};
use crate::components::fact::Fact;
use crate::components::grid::Grid;
use crate::components::layout::SpaceLayout;

/// From now on the space is as the plan says. An older plan, or one of another size, changes
/// nothing.
pub(super) fn replace(world: &mut World, plan: SpaceLayout) {
    let grid = world.resource::<Grid>();
    let is_newer = plan.version > world.resource::<Elements>().version;
    if !is_newer || (plan.width, plan.height) != (grid.width(), grid.height()) {
        return;
    }
    elements::replace(world, &plan);
    arrival::replace(world, &plan);
    zones::replace(world, &plan);
    proximity::replace(world, &plan);
    let fact = Fact::LayoutReplaced {
        version: plan.version,
    };
    world.resource_mut::<Outbox>().0.facts.push(fact);
}
