//! Private zones: locks, limits, knocking and admission.

use std::collections::{BTreeMap, BTreeSet};

use bevy_ecs::prelude::*;

use super::{Zones, private_zone_of};
use crate::components::denial::Denial;
use crate::components::fact::Fact;
use crate::components::id::PlayerId;
use crate::components::player::Card;
use crate::components::tile_rect::TileRect;
use crate::components::unit::{Tick, TickRate};
use crate::components::zone::{
    MOST_IN_PRIVATE_ZONE, PrivateZoneState, Zone, ZoneCommand, ZoneFact, ZoneOccupancy,
};
use crate::systems::roster::{self, Roster};
use crate::systems::{Outbox, blocked, deny, tell};

/// Seconds between two knocks of a player at the same zone.
const KNOCK_AGAIN: u64 = 2;

/// A private zone.
#[derive(Debug, Clone)]
pub(super) struct PrivateZone {
    pub zone: u16,
    pub area: TileRect,
    pub cap: u16,
    pub locked: bool,
    pub locked_by: Option<PlayerId>,
    pub people: u16,
    pub admitted: BTreeSet<PlayerId>,
    pub knocked: BTreeMap<PlayerId, Tick>,
    pub shown: PrivateZoneState,
    pub shown_at: Tick,
}

impl PrivateZone {
    pub fn new(zone: &Zone, number: u16) -> Self {
        let cap = zone
            .cap
            .unwrap_or(MOST_IN_PRIVATE_ZONE)
            .clamp(1, MOST_IN_PRIVATE_ZONE);
        Self {
            zone: number,
            area: zone.area,
            cap,
            locked: false,
            locked_by: None,
            people: 0,
            admitted: BTreeSet::new(),
            knocked: BTreeMap::new(),
            shown: PrivateZoneState {
                zone: number,
                locked: false,
                people: 0,
                cap,
                locked_by: None,
            },
            shown_at: Tick(0),
        }
    }

    pub const fn state(&self) -> PrivateZoneState {
        PrivateZoneState {
            zone: self.zone,
            locked: self.locked,
            people: self.people,
            cap: self.cap,
            locked_by: self.locked_by,
        }
    }

    pub fn is_closed_to(&self, player: PlayerId) -> bool {
        self.state().is_full() || self.locked && !self.admitted.contains(&player)
    }

    /// One player leaves. The lock opens when the last one does.
    pub fn lose(&mut self) {
        self.people = self.people.saturating_sub(1);
        if self.people == 0 {
            self.open();
        }
    }

    pub fn open(&mut self) {
        self.locked = false;
        self.locked_by = None;
        self.admitted.clear();
        self.knocked.clear();
    }
}

/// Carries out a request about private zones.
pub(in crate::systems) fn apply(world: &mut World, command: ZoneCommand) {
    match command {
        ZoneCommand::Lock {
            player,
            zone,
            locked,
        } => lock(world, player, zone, locked),
        ZoneCommand::Knock { player, zone } => knock(world, player, zone),
    }
}

fn lock(world: &mut World, player: PlayerId, zone: u16, locked: bool) {
    if private_zone_of(world, player) != Some(zone) {
        return deny(world, player, Denial::NotInside);
    }
    let mut zones = world.resource_mut::<Zones>();
    if let Some(private) = zones.private_zone(zone) {
        if locked {
            private.locked = true;
            private.locked_by = Some(player);
        } else {
            private.open();
        }
    }
    zones.update_closed();
}

fn knock(world: &mut World, player: PlayerId, zone: u16) {
    if roster::entity(world, player).is_none() || private_zone_of(world, player) == Some(zone) {
        return;
    }
    let now = *world.resource::<Tick>();
    let patience = KNOCK_AGAIN * u64::from(world.resource::<TickRate>().per_second());
    let mut zones = world.resource_mut::<Zones>();
    let Some(private) = zones
        .private_zone(zone)
        .filter(|private| private.is_closed_to(player))
    else {
        return;
    };
    let heard = private.knocked.get(&player);
    if heard.is_some_and(|heard| now.0 < heard.0 + patience) {
        return;
    }
    private.knocked.insert(player, now);
    let mut to = people_in(world, zone);
    to.retain(|inside| !blocked::has_blocked(world, *inside, player));
    tell(world, Fact::Zone(ZoneFact::Knocked { player, zone, to }));
}

pub(in crate::systems) fn admit(world: &mut World, player: PlayerId, guest: PlayerId) {
    let Some(zone) = private_zone_of(world, player) else {
        return deny(world, player, Denial::NotInside);
    };
    if roster::entity(world, guest).is_none() {
        return deny(world, player, Denial::NotHere);
    }
    if private_zone_of(world, guest) == Some(zone) {
        return;
    }
    let mut zones = world.resource_mut::<Zones>();
    let Some(private) = zones.private_zone(zone) else {
        return;
    };
    let has_knocked = private.knocked.remove(&guest).is_some();
    if private.locked {
        private.admitted.insert(guest);
    }
    // Only a player who asked is told, once, and not by someone they blocked.
    if has_knocked && !blocked::has_blocked(world, guest, player) {
        let player = guest;
        tell(world, Fact::Zone(ZoneFact::Admitted { player, zone }));
    }
}

fn people_in(world: &World, zone: u16) -> Vec<PlayerId> {
    let entities = world.resource::<Roster>().entities();
    let inside = entities.filter(|entity| {
        let occupancy = world.get::<ZoneOccupancy>(*entity);
        occupancy.is_some_and(|occupancy| occupancy.private_zone == Some(zone))
    });
    inside
        .filter_map(|entity| world.get::<Card>(entity).map(|card| card.player))
        .collect()
}

/// Publishes states of private zones: at once when one opens or closes, otherwise once a second.
pub(super) fn publish_states(
    now: Res<Tick>,
    rate: Res<TickRate>,
    mut zones: ResMut<Zones>,
    mut outbox: ResMut<Outbox>,
) {
    for private in &mut zones.private {
        let state = private.state();
        if state == private.shown {
            continue;
        }
        let is_due = now.0 >= private.shown_at.0 + u64::from(rate.per_second());
        if state.locked != private.shown.locked
            || state.is_closed() != private.shown.is_closed()
            || is_due
        {
            private.shown = state;
            private.shown_at = *now;
            outbox.tell(Fact::Zone(ZoneFact::Changed(state)));
        }
    }
}
