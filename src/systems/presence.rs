//! Presence: players who are in the space, players without a connection, and poses of players who
//! left.
//!
//! Permission to join is checked before, in `net::session`.

use std::collections::VecDeque;

use bevy_ecs::prelude::*;

use super::blocked::Blocked;
use super::proximity::ProximitySlot;
use super::publish::PublishedState;
use super::roster::{Roster, entity};
use super::zones::Zones;
use super::{
    Outbox, SimulateSystems, SpaceBuilder, arrival, chat, following, home, movement, proximity,
    status, zones,
};
use crate::components::direction::{Facing, Motion};
use crate::components::fact::Fact;
use crate::components::grid::Grid;
use crate::components::id::{PlayerId, UserId};
use crate::components::player::{Avatar, Body, Card};
use crate::components::presence::{
    DISCONNECTED_SECONDS, Disconnected, PresenceCommand, PresenceFact, REMEMBERED, RememberedPose,
};
use crate::components::status::{Media, Status};
use crate::components::steering::Steering;
use crate::components::unit::{Position, Tick, TickRate};
use crate::components::walking::Walk;
use crate::components::zone::ZoneOccupancy;

/// All components of a player.
pub type Player = (
    Card,
    Body,
    Motion,
    Steering,
    Walk,
    Disconnected,
    PublishedState,
    ZoneOccupancy,
    ProximitySlot,
    Blocked,
);

/// Poses of users who left, the earliest first.
#[derive(Debug, Clone, Default, Resource)]
pub struct Remembered(pub VecDeque<(UserId, RememberedPose)>);

/// Adds the remembered poses and the system that removes disconnected players.
pub fn plugin(space: &mut SpaceBuilder) {
    space.add(Remembered::default());
    space
        .tick
        .add_systems(remove_disconnected.in_set(SimulateSystems::LetGo));
}

impl Remembered {
    /// Stores the pose of a user. The oldest makes room.
    pub fn keep(&mut self, user: UserId, pose: RememberedPose) {
        self.0.retain(|(other, _)| *other != user);
        if self.0.len() >= REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back((user, pose));
    }

    fn recall(&mut self, user: UserId) -> Option<RememberedPose> {
        let index = self.0.iter().position(|(other, _)| *other == user)?;
        self.0.remove(index).map(|(_, pose)| pose)
    }
}

/// Spawns a player from its parts. `None` when the number or the user is here already.
pub fn admit(
    world: &mut World,
    card: Card,
    body: Body,
    steering: Steering,
    disconnected: Disconnected,
    ear: ProximitySlot,
    blocked: Blocked,
) -> Option<Entity> {
    let (player, user) = (card.player, card.user);
    let roster = world.resource::<Roster>();
    if roster.players.contains_key(&player) || roster.users.contains_key(&user) {
        return None;
    }
    let occupancy = zones::enter_zones(
        &mut world.resource_mut::<Zones>(),
        player,
        body.position.tile(),
    );
    let parts: Player = (
        card,
        body,
        Motion::Standing,
        steering,
        Walk::default(),
        disconnected,
        PublishedState::default(),
        occupancy,
        ear,
        blocked,
    );
    let entity = world.spawn(parts).id();
    let mut roster = world.resource_mut::<Roster>();
    roster.players.insert(player, entity);
    roster.users.insert(user, player);
    roster.next = roster.next.max(PlayerId(player.0.saturating_add(1)));
    Some(entity)
}

/// Copies all players.
pub fn everyone(world: &World) -> Vec<Player> {
    let entities = world.resource::<Roster>().entities();
    let parts = entities.filter_map(|entity| {
        let parts = world.entity(entity);
        Some((
            parts.get::<Card>()?.clone(),
            *parts.get::<Body>()?,
            *parts.get::<Motion>()?,
            parts.get::<Steering>()?.clone(),
            parts.get::<Walk>()?.clone(),
            *parts.get::<Disconnected>()?,
            parts.get::<PublishedState>()?.clone(),
            *parts.get::<ZoneOccupancy>()?,
            *parts.get::<ProximitySlot>()?,
            parts.get::<Blocked>()?.clone(),
        ))
    });
    parts.collect()
}

/// Spawns all players of the roster in another world.
pub fn put_everyone(world: &mut World, everyone: Vec<Player>) {
    for parts in everyone {
        let player = parts.0.player;
        let entity = world.spawn(parts).id();
        world
            .resource_mut::<Roster>()
            .players
            .insert(player, entity);
    }
}

/// Carries out a request about who is in the space.
pub(super) fn apply(world: &mut World, command: PresenceCommand) {
    match command {
        PresenceCommand::Join {
            user,
            name,
            avatar,
            arrive,
            blocked,
        } => join(world, user, name, avatar, arrive, blocked),
        PresenceCommand::Resume {
            card,
            position,
            facing,
            ack,
            blocked,
        } => resume(world, card, position, facing, ack, blocked),
        PresenceCommand::Stay { player } => stay(world, player),
        PresenceCommand::Disconnect { player } => disconnect(world, player),
        PresenceCommand::Leave { player } => leave(world, player),
        PresenceCommand::ChangeAvatar { user, avatar } => change_avatar(world, user, avatar),
    }
}

fn join(
    world: &mut World,
    user: UserId,
    name: String,
    avatar: Option<Avatar>,
    arrive: Option<String>,
    blocked: Vec<UserId>,
) {
    let known = world.resource::<Roster>().users.get(&user).copied();
    let (player, again) = match known {
        Some(player) => (player, true),
        None => (world.resource::<Roster>().next, false),
    };
    let card = Card {
        player,
        user,
        name,
        avatar,
        status: Status::default(),
        media: Media::default(),
    };
    if again {
        come_back(world, card);
        // Blocks that were made elsewhere in the meantime count here, too.
        proximity::block_only(world, user, blocked);
    } else {
        let zone = arrive.and_then(|name| arrival::in_zone(world, player, &name));
        let body = match zone {
            Some(position) => Body::at(position),
            None => arrival_body(world, user, player),
        };
        let (ear, blocked) = (
            ProximitySlot::default(),
            Blocked(blocked.into_iter().collect()),
        );
        admit(
            world,
            card,
            body,
            Steering::default(),
            Disconnected::default(),
            ear,
            blocked,
        );
    }
    world
        .resource_mut::<Outbox>()
        .0
        .facts
        .push(Fact::Presence(PresenceFact::Joined {
            user,
            player,
            again,
        }));
}

/// Brings back a player unknown to the space. When the number was given to another player
/// in the meantime, the user is a new arrival under another number.
fn resume(
    world: &mut World,
    card: Card,
    position: Position,
    facing: Facing,
    ack: u32,
    blocked: Vec<UserId>,
) {
    let (player, user) = (card.player, card.user);
    let roster = world.resource::<Roster>();
    if roster.users.contains_key(&user) || roster.players.contains_key(&player) {
        return join(world, user, card.name, card.avatar, None, blocked);
    }
    let is_free = movement::is_free(world.resource::<Grid>(), position);
    let body = if is_free && zones::is_open(world, player, position.tile()) {
        Body {
            facing,
            ..Body::at(position)
        }
    } else {
        arrival_body(world, user, player)
    };
    let steering = Steering {
        seen: ack,
        ack,
        ..Steering::default()
    };
    let (ear, blocked) = (
        ProximitySlot::resuming(),
        Blocked(blocked.into_iter().collect()),
    );
    admit(
        world,
        card,
        body,
        steering,
        Disconnected::default(),
        ear,
        blocked,
    );
    let again = false;
    let fact = Fact::Presence(PresenceFact::Joined {
        user,
        player,
        again,
    });
    world.resource_mut::<Outbox>().0.facts.push(fact);
}

fn stay(world: &mut World, player: PlayerId) {
    if let Some(mut disconnected) =
        entity(world, player).and_then(|entity| world.get_mut::<Disconnected>(entity))
    {
        disconnected.0 = None;
    }
}

/// A new client controls a player. It counts its inputs from the start and has no state yet.
fn come_back(world: &mut World, card: Card) {
    let Some(entity) = entity(world, card.player) else {
        return;
    };
    let mut player = world.entity_mut(entity);
    if let Some(mut steering) = player.get_mut::<Steering>() {
        steering.held.clear();
        steering.seen = 0;
        steering.ack = 0;
    }
    // "Do not disturb" stays on every device; microphones and cameras are off on arrival.
    let status = player
        .get::<Card>()
        .map_or(card.status, |before| before.status);
    let card = Card { status, ..card };
    player.insert((card, Disconnected::default(), PublishedState::default()));
}

fn arrival_body(world: &mut World, user: UserId, player: PlayerId) -> Body {
    let pose = world.resource_mut::<Remembered>().recall(user);
    let is_open = |pose: &RememberedPose| {
        movement::is_free(world.resource::<Grid>(), pose.position)
            && zones::is_open(world, player, pose.position.tile())
    };
    let Some(pose) = pose.filter(is_open) else {
        return Body::at(arrival::position(world, player));
    };
    let leads_out =
        |world: &World, at: Position| home::Ground::of(world, player).leads_out(at.tile());
    if !leads_out(world, pose.position) {
        let arrival = arrival::position(world, player);
        if leads_out(world, arrival) {
            return Body::at(arrival);
        }
    }
    Body {
        facing: pose.facing,
        ..Body::at(pose.position)
    }
}

fn disconnect(world: &mut World, player: PlayerId) {
    let now = *world.resource::<Tick>();
    let Some(entity) = entity(world, player) else {
        return;
    };
    if let Some(mut disconnected) = world.get_mut::<Disconnected>(entity) {
        disconnected.0.get_or_insert(now);
    }
    if let Some(mut ear) = world.get_mut::<ProximitySlot>(entity) {
        ear.give_up();
    }
    // No client sends media any longer.
    status::change_media(world, player, Media::default());
}

pub(super) fn leave(world: &mut World, player: PlayerId) {
    let Some(entity) = world.resource_mut::<Roster>().players.remove(&player) else {
        return;
    };
    chat::stop_typing(world, player);
    let leaver = world.entity(entity);
    if let (Some(card), Some(body)) = (leaver.get::<Card>(), leaver.get::<Body>()) {
        let user = card.user;
        let pose = RememberedPose {
            position: body.position,
            facing: body.facing,
        };
        world.resource_mut::<Roster>().users.remove(&user);
        world.resource_mut::<Remembered>().keep(user, pose);
        world.resource_mut::<Outbox>().0.gone.push((player, user));
    }
    if let Some(occupancy) = world.get::<ZoneOccupancy>(entity).copied() {
        zones::forget(world, player, occupancy);
    }
    proximity::forget(world, player);
    following::forget(world, player);
    world.despawn(entity);
    if world.resource::<Roster>().people() == 0 {
        chat::end(world);
    }
}

fn change_avatar(world: &mut World, user: UserId, avatar: Option<Avatar>) {
    let roster = world.resource::<Roster>();
    let Some(entity) = roster
        .users
        .get(&user)
        .and_then(|&player| roster.entity(player))
    else {
        return;
    };
    let mut player = world.entity_mut(entity);
    let Some(mut card) = player.get_mut::<Card>() else {
        return;
    };
    if card.avatar != avatar {
        card.avatar = avatar;
        if let Some(mut shown) = player.get_mut::<PublishedState>() {
            shown.card = false;
        }
    }
}

/// Removes players who did not reconnect in time.
fn remove_disconnected(world: &mut World, players: &mut QueryState<(&Card, &Disconnected)>) {
    let patience = DISCONNECTED_SECONDS * u64::from(world.resource::<TickRate>().per_second());
    let now = world.resource::<Tick>().0;
    let is_due = |disconnected: &Disconnected| {
        disconnected
            .0
            .is_some_and(|since| now >= since.0.saturating_add(patience))
    };
    let mut due: Vec<PlayerId> = players
        .iter(world)
        .filter(|(_, disconnected)| is_due(disconnected))
        .map(|(card, _)| card.player)
        .collect();
    due.sort_unstable();
    for player in due {
        leave(world, player);
    }
}
