//! Publish: writes what changed in a tick to its output.

use bevy_ecs::prelude::*;

use super::proximity::Proximity;
use super::{Outbox, SpaceBuilder, TickSystems};
use crate::components::direction::Motion;
use crate::components::fact::Stance;
use crate::components::player::{Body, Card, OwnState};
use crate::components::steering::Steering;
use crate::components::unit::Tick;
use crate::components::walking::Walk;

/// State of a player as it was published last.
#[derive(Debug, Clone, PartialEq, Eq, Default, Component)]
pub struct PublishedState {
    /// Whether the card was published.
    pub card: bool,
    /// Stance that was published.
    pub stance: Option<Stance>,
    /// Exact state that was published.
    pub own: Option<OwnState>,
}

/// Components of a player that are published.
pub type PublishedQuery = (
    &'static Card,
    &'static Body,
    &'static Motion,
    &'static Steering,
    &'static Walk,
);

/// Adds the publishing system.
pub fn plugin(space: &mut SpaceBuilder) {
    space
        .tick
        .add_systems(write_down.in_set(TickSystems::Publish));
}

/// Stance of a player as others see it, and exact state for the player's own client.
pub fn observe(
    card: &Card,
    body: &Body,
    motion: Motion,
    steering: &Steering,
    walk: &Walk,
) -> (Stance, OwnState) {
    let stance = Stance {
        position: body.position,
        facing: body.facing,
        motion,
    };
    let own = OwnState {
        player: card.player,
        ack: steering.ack,
        position: body.position,
        carry: body.carry,
        facing: body.facing,
        walking: walk.errand.is_some(),
    };
    (stance, own)
}

fn write_down(
    now: Res<Tick>,
    mut outbox: ResMut<Outbox>,
    proximity: Res<Proximity>,
    mut players: Query<(PublishedQuery, &mut PublishedState)>,
) {
    let output = &mut outbox.0;
    for ((card, body, motion, steering, walk), mut shown) in &mut players {
        let (stance, own) = observe(card, body, *motion, steering, walk);
        if !shown.card {
            shown.card = true;
            output.cards.push(proximity.shown(card));
        }
        if shown.stance != Some(stance) {
            shown.stance = Some(stance);
            output.stances.push((card.player, stance));
        }
        if shown.own != Some(own) {
            shown.own = Some(own);
            output.own.push(own);
        }
    }
    output.tick = *now;
    output.cards.sort_unstable_by_key(|card| card.player);
    output.stances.sort_unstable_by_key(|(player, _)| *player);
    output.own.sort_unstable_by_key(|own| own.player);
    output.gone.sort_unstable();
}
