//! Replacing: gives a running space another layout, with its players inside.

use bevy_ecs::prelude::*;

use super::elements::{self, Elements};
use super::{arrival, proximity, tell, zones};
use crate::components::element::{ElementCommand, ElementFact};
use crate::components::fact::Fact;
use crate::components::grid::Grid;
use crate::components::layout::SpaceLayout;

/// Carries out a change of the layout.
pub(super) fn apply(world: &mut World, command: ElementCommand) {
    match command {
        ElementCommand::Place { placement, version } => elements::place(world, placement, version),
        ElementCommand::Remove { id, version } => elements::remove(world, id, version),
        ElementCommand::ReplaceLayout { layout } => replace(world, *layout),
    }
}

/// Replaces the layout of the space. An older layout, or one of another size, changes nothing.
fn replace(world: &mut World, layout: SpaceLayout) {
    let grid = world.resource::<Grid>();
    let is_newer = layout.version > world.resource::<Elements>().version;
    if !is_newer || (layout.width, layout.height) != (grid.width(), grid.height()) {
        return;
    }
    elements::replace(world, &layout);
    arrival::replace(world, &layout);
    zones::replace(world, &layout);
    proximity::replace(world, &layout);
    let fact = Fact::Element(ElementFact::LayoutReplaced {
        version: layout.version,
    });
    tell(world, fact);
}
