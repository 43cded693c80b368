//! Presence: who is in the space, who only seems to be, and where those who left have stood.
//!
//! Whether somebody may come in is decided before, in `net::session`.

use std::collections::{BTreeMap, VecDeque};

use bevy_ecs::prelude::*;

use super::proximity::{Blocked, ProximitySlot};
use super::publish::PublishedState;
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
use crate::components::presence::{Disconnected, REMEMBERED, RememberedPose, VANISHED_SECONDS};
use crate::components::status::{Media, Status};
use crate::components::steering::Steering;
use crate::components::unit::{Position, Tick, TickRate};
use crate::components::walking::Walk;
use crate::components::zone::ZoneOccupancy;

/// Everybody in the space, by number and by user.
#[derive(Debug, Clone, Resource)]
pub struct Roster {
    players: BTreeMap<PlayerId, Entity>,
    users: BTreeMap<UserId, PlayerId>,
    /// The number of the next who comes.
    pub next: PlayerId,
}

/// Everything that is known of somebody who is in a space.
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

/// Where those stood who left, who left first in front.
#[derive(Debug, Clone, Default, Resource)]
pub struct Remembered(pub VecDeque<(UserId, RememberedPose)>);

/// Adds an empty roster and what lets the vanished go.
pub fn plugin(space: &mut SpaceBuilder) {
    space.add(Roster {
        players: BTreeMap::new(),
        users: BTreeMap::new(),
        next: PlayerId(1),
    });
    space.add(Remembered::default());
    space
        .tick
        .add_systems(let_vanished_go.in_set(SimulateSystems::LetGo));
}

impl Roster {
    /// How many are here, vanished ones too.
    pub fn people(&self) -> usize {
        self.players.len()
    }

    /// The entity of a player.
    pub fn entity(&self, player: PlayerId) -> Option<Entity> {
        self.players.get(&player).copied()
    }

    /// Everybody, by rising number.
    pub fn entities(&self) -> impl Iterator<Item = Entity> {
        self.players.values().copied()
    }
}

impl Remembered {
    /// Keeps a user's place; the one kept longest makes room.
    pub fn keep(&mut self, user: UserId, place: RememberedPose) {
        self.0.retain(|(other, _)| *other != user);
        if self.0.len() >= REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back((user, place));
    }

    fn recall(&mut self, user: UserId) -> Option<RememberedPose> {
        let index = self.0.iter().position(|(other, _)| *other == user)?;
        self.0.remove(index).map(|(_, place)| place)
    }
}

/// The entity of a player who is here.
pub(super) fn entity(world: &World, player: PlayerId) -> Option<Entity> {
    world.resource::<Roster>().entity(player)
}

/// The player of a user who is here.
pub(super) fn player_of_user(world: &World, user: UserId) -> Option<PlayerId> {
    world.resource::<Roster>().users.get(&user).copied()
}

/// The entity of a user who is here.
pub(super) fn entity_of_user(world: &World, user: UserId) -> Option<Entity> {
    entity(world, player_of_user(world, user)?)
}

/// Makes a player out of their parts; nothing when the number or the user is here already.
pub fn admit(
    world: &mut World,
    card: Card,
    body: Body,
    steering: Steering,
    vanished: Disconnected,
    ear: ProximitySlot,
    blocked: Blocked,
) -> Option<Entity> {
    let (player, user) = (card.player, card.user);
    let roster = world.resource::<Roster>();
    if roster.players.contains_key(&player) || roster.users.contains_key(&user) {
        return None;
    }
    let whereabouts = zones::whereabouts(
        &mut world.resource_mut::<Zones>(),
        player,
        body.position.tile(),
    );
    let somebody: Player = (
        card,
        body,
        Motion::Standing,
        steering,
        Walk::default(),
        vanished,
        PublishedState::default(),
        whereabouts,
        ear,
        blocked,
    );
    let entity = world.spawn(somebody).id();
    let mut roster = world.resource_mut::<Roster>();
    roster.players.insert(player, entity);
    roster.users.insert(user, player);
    roster.next = roster.next.max(PlayerId(player.0.saturating_add(1)));
    Some(entity)
}

/// Copies everybody.
pub fn everybody(world: &World) -> Vec<Player> {
    let entities = world.resource::<Roster>().entities();
    let parts = entities.filter_map(|entity| {
        let somebody = world.entity(entity);
        Some((
            somebody.get::<Card>()?.clone(),
            *somebody.get::<Body>()?,
            *somebody.get::<Motion>()?,
            somebody.get::<Steering>()?.clone(),
            somebody.get::<Walk>()?.clone(),
            *somebody.get::<Disconnected>()?,
            somebody.get::<PublishedState>()?.clone(),
            *somebody.get::<ZoneOccupancy>()?,
            *somebody.get::<ProximitySlot>()?,
            somebody.get::<Blocked>()?.clone(),
        ))
    });
    parts.collect()
}

/// Puts everybody whom the roster knows into another world.
pub fn put_everybody(world: &mut World, everybody: Vec<Player>) {
    for somebody in everybody {
        let player = somebody.0.player;
        let entity = world.spawn(somebody).id();
        world
            .resource_mut::<Roster>()
            .players
            .insert(player, entity);
    }
}

pub(super) fn join(
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
        // What was blocked elsewhere meanwhile counts here, too.
        proximity::block_only(world, user, blocked);
    } else {
        let zone = arrive.and_then(|name| arrival::in_zone(world, player, &name));
        let body = match zone {
            Some(position) => Body::at(position),
            None => place_to_arrive(world, user, player),
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
    world.resource_mut::<Outbox>().0.facts.push(Fact::Joined {
        user,
        player,
        again,
    });
}

/// Somebody whom the space does not know any more is here all the same. When the number was given
/// to somebody else meanwhile it is a new arrival, under another one.
pub(super) fn resume(
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
    let body = if is_free && arrival::is_open(world, player, position.tile()) {
        Body {
            facing,
            ..Body::at(position)
        }
    } else {
        place_to_arrive(world, user, player)
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
    let fact = Fact::Joined {
        user,
        player,
        again,
    };
    world.resource_mut::<Outbox>().0.facts.push(fact);
}

pub(super) fn stay(world: &mut World, player: PlayerId) {
    if let Some(mut vanished) =
        entity(world, player).and_then(|entity| world.get_mut::<Disconnected>(entity))
    {
        vanished.0 = None;
    }
}

/// Somebody new holds the keys of a player: a client counts its inputs from the start, and knows
/// nothing yet.
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
    // Whoever wants peace has it on every device; microphones and cameras are off on arrival.
    let status = player
        .get::<Card>()
        .map_or(card.status, |before| before.status);
    let card = Card { status, ..card };
    player.insert((card, Disconnected::default(), PublishedState::default()));
}

fn place_to_arrive(world: &mut World, user: UserId, player: PlayerId) -> Body {
    let place = world.resource_mut::<Remembered>().recall(user);
    let is_open = |place: &RememberedPose| {
        movement::is_free(world.resource::<Grid>(), place.position)
            && arrival::is_open(world, player, place.position.tile())
    };
    let Some(place) = place.filter(is_open) else {
        return Body::at(arrival::position(world, player));
    };
    let leads_out =
        |world: &World, at: Position| home::Ground::of(world, player).leads_out(at.tile());
    if !leads_out(world, place.position) {
        let arrival = arrival::position(world, player);
        if leads_out(world, arrival) {
            return Body::at(arrival);
        }
    }
    Body {
        facing: place.facing,
        ..Body::at(place.position)
    }
}

pub(super) fn vanish(world: &mut World, player: PlayerId) {
    let now = *world.resource::<Tick>();
    let Some(entity) = entity(world, player) else {
        return;
    };
    if let Some(mut vanished) = world.get_mut::<Disconnected>(entity) {
        vanished.0.get_or_insert(now);
    }
    if let Some(mut ear) = world.get_mut::<ProximitySlot>(entity) {
        ear.give_up();
    }
    // Nobody sends anything any more.
    status::change_media(world, player, Media::default());
}

pub(super) fn leave(world: &mut World, player: PlayerId) {
    let Some(entity) = world.resource_mut::<Roster>().players.remove(&player) else {
        return;
    };
    chat::fall_silent(world, player);
    let leaver = world.entity(entity);
    if let (Some(card), Some(body)) = (leaver.get::<Card>(), leaver.get::<Body>()) {
        let user = card.user;
        let place = RememberedPose {
            position: body.position,
            facing: body.facing,
        };
        world.resource_mut::<Roster>().users.remove(&user);
        world.resource_mut::<Remembered>().keep(user, place);
        world.resource_mut::<Outbox>().0.gone.push((player, user));
    }
    if let Some(whereabouts) = world.get::<ZoneOccupancy>(entity).copied() {
        zones::forget(world, player, whereabouts);
    }
    proximity::forget(world, player);
    following::forget(world, player);
    world.despawn(entity);
    if world.resource::<Roster>().people() == 0 {
        chat::end(world);
    }
}

pub(super) fn change_avatar(world: &mut World, user: UserId, avatar: Option<Avatar>) {
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

/// Whoever vanished and did not come back in time leaves.
fn let_vanished_go(world: &mut World, players: &mut QueryState<(&Card, &Disconnected)>) {
    let patience = VANISHED_SECONDS * u64::from(world.resource::<TickRate>().per_second());
    let now = world.resource::<Tick>().0;
    let is_due = |vanished: &Disconnected| {
        vanished
            .0
            .is_some_and(|since| now >= since.0.saturating_add(patience))
    };
    let mut due: Vec<PlayerId> = players
        .iter(world)
        .filter(|(_, vanished)| is_due(vanished))
        .map(|(card, _)| card.player)
        .collect();
    due.sort_unstable();
    for player in due {
        leave(world, player);
    }
}
