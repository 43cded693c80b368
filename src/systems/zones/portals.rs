//! Portals: players who step onto one are moved to its other end.

use std::collections::BTreeSet;

use bevy_ecs::prelude::*;

use super::Zones;
use crate::components::direction::Motion;
use crate::components::fact::Fact;
use crate::components::grid::Grid;
use crate::components::id::PlayerId;
use crate::components::player::{Body, Card};
use crate::components::steering::Steering;
use crate::components::unit::Tile;
use crate::components::walking::Walk;
use crate::components::zone::{PortalTarget, ZoneFact, ZoneOccupancy};
use crate::systems::Outbox;
use crate::systems::following::Following;
use crate::systems::roster::Roster;
use crate::systems::scatter::{clipped, scattered};

type Steps<'a> = (
    &'a Card,
    &'a mut Body,
    &'a mut Motion,
    &'a mut Steering,
    &'a mut Walk,
    &'a mut ZoneOccupancy,
);

/// Moves players who came onto a portal to its other end. Arriving on a portal is not a step onto
/// it.
pub(super) fn step_through(
    grid: Res<Grid>,
    roster: Res<Roster>,
    following: Res<Following>,
    mut zones: ResMut<Zones>,
    mut outbox: ResMut<Outbox>,
    mut players: Query<Steps>,
) {
    if zones.is_plain() {
        return;
    }
    let mut stepped = Vec::new();
    for (card, body, _, _, _, mut occupancy) in &mut players {
        let tile = body.position.tile();
        zones.move_to(card.player, &mut occupancy, tile);
        let portal = zones.portal_at(tile);
        if std::mem::replace(&mut occupancy.portal, portal) != portal
            && let Some(portal) = portal
        {
            stepped.push((card.player, portal));
        }
    }
    stepped.sort_unstable();
    following.add_followers(&mut stepped);
    for (player, portal) in stepped {
        let Some(PortalTarget { space, zone }) = zones
            .all
            .get(usize::from(portal))
            .and_then(|zone| zone.target.clone())
        else {
            continue;
        };
        if let Some(space) = space {
            let arrive = zone;
            outbox.tell(Fact::Zone(ZoneFact::TookPortal {
                player,
                space,
                arrive,
            }));
            continue;
        }
        let Some(entity) = roster.entity(player) else {
            continue;
        };
        let Ok((_, mut body, mut motion, mut steering, mut walk, mut occupancy)) =
            players.get_mut(entity)
        else {
            continue;
        };
        let Some(tile) = zones.exit_of(&grid, player, &zone) else {
            continue;
        };
        *body = Body {
            facing: body.facing,
            ..Body::at(tile.middle())
        };
        *motion = Motion::Standing;
        steering.give_up();
        walk.end();
        zones.move_to(player, &mut occupancy, tile);
        occupancy.portal = zones.portal_at(tile);
    }
}

impl Zones {
    /// Tile at the other end of a portal, another one for each player. `None` when there is no room
    /// or it is closed.
    fn exit_of(&self, grid: &Grid, player: PlayerId, name: &str) -> Option<Tile> {
        let end = self.all.iter().find(|zone| zone.name == name)?;
        let is_open = |tile: &Tile| grid.is_walkable(*tile) && self.is_open_to(player, *tile);
        let tiles: Vec<Tile> = clipped(grid, end.area).tiles().filter(is_open).collect();
        scattered(&tiles, &BTreeSet::new(), player)
    }
}
