//! Players: their components, how they are spawned, and how they are copied while a space sleeps.

use bevy_ecs::prelude::*;

use super::blocked::Blocked;
use super::proximity::ProximitySlot;
use super::publish::PublishedState;
use super::roster::Roster;
use super::zones::{self, Zones};
use crate::components::direction::Motion;
use crate::components::id::PlayerId;
use crate::components::player::{Body, Card};
use crate::components::presence::Disconnected;
use crate::components::steering::Steering;
use crate::components::walking::Walk;
use crate::components::zone::ZoneOccupancy;

/// All components of a player.
#[derive(Debug, Clone, Bundle)]
pub struct Player {
    /// What others see of the user.
    pub card: Card,
    /// Position and facing.
    pub body: Body,
    /// Movement of the last tick.
    pub motion: Motion,
    /// Inputs of a held direction.
    pub steering: Steering,
    /// Walk to a goal.
    pub walk: Walk,
    /// When the connection was lost.
    pub disconnected: Disconnected,
    /// What clients were told.
    pub published: PublishedState,
    /// Zones in which the player stands.
    pub occupancy: ZoneOccupancy,
    /// Part in proximity.
    pub slot: ProximitySlot,
    /// Users the player blocked.
    pub blocked: Blocked,
}

impl Player {
    /// A player with a connection who stands still.
    pub(super) fn new(card: Card, body: Body) -> Self {
        Self {
            card,
            body,
            motion: Motion::Standing,
            steering: Steering::default(),
            walk: Walk::default(),
            disconnected: Disconnected::default(),
            published: PublishedState::default(),
            occupancy: ZoneOccupancy::default(),
            slot: ProximitySlot::default(),
            blocked: Blocked::default(),
        }
    }

    fn copy(player: EntityRef<'_>) -> Option<Self> {
        Some(Self {
            card: player.get::<Card>()?.clone(),
            body: *player.get::<Body>()?,
            motion: *player.get::<Motion>()?,
            steering: player.get::<Steering>()?.clone(),
            walk: player.get::<Walk>()?.clone(),
            disconnected: *player.get::<Disconnected>()?,
            published: player.get::<PublishedState>()?.clone(),
            occupancy: *player.get::<ZoneOccupancy>()?,
            slot: *player.get::<ProximitySlot>()?,
            blocked: player.get::<Blocked>()?.clone(),
        })
    }
}

/// Spawns a player in the zones at its position. Does nothing when the number or the user is here
/// already.
pub(super) fn admit(world: &mut World, mut player: Player) {
    let (number, user) = (player.card.player, player.card.user);
    let roster = world.resource::<Roster>();
    if roster.players.contains_key(&number) || roster.users.contains_key(&user) {
        return;
    }
    player.occupancy = zones::enter_zones(
        &mut world.resource_mut::<Zones>(),
        number,
        player.body.position.tile(),
    );
    let entity = world.spawn(player).id();
    let mut roster = world.resource_mut::<Roster>();
    roster.players.insert(number, entity);
    roster.users.insert(user, number);
    roster.next = roster.next.max(PlayerId(number.0.saturating_add(1)));
}

/// Copies all players.
pub fn copy_all(world: &World) -> Vec<Player> {
    let entities = world.resource::<Roster>().entities();
    entities
        .filter_map(|entity| Player::copy(world.entity(entity)))
        .collect()
}

/// Spawns copies of all players of the roster in another world.
pub fn put_all(world: &mut World, players: Vec<Player>) {
    for player in players {
        let number = player.card.player;
        let entity = world.spawn(player).id();
        world
            .resource_mut::<Roster>()
            .players
            .insert(number, entity);
    }
}
