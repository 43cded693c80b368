//! Presence: players who are in the space, players without a connection, and poses of players who
//! left.
//!
//! Permission to join is checked before, in `net::session`.

use std::collections::{BTreeSet, VecDeque};

use bevy_ecs::prelude::*;
use bincode::{Decode, Encode};
use uuid::Uuid;

use super::blocked::Blocked;
use super::proximity::{Proximity, ProximitySlot};
use super::publish::PublishedState;
use super::roster::{Roster, entity};
use super::saving::{self, SectionError};
use super::zones::Zones;
use super::{
    Outbox, SimulateSystems, SpaceBuilder, arrival, chat, following, home, movement, proximity,
    status, zones,
};
use crate::components::direction::{Facing, Motion};
use crate::components::fact::Fact;
use crate::components::grid::Grid;
use crate::components::id::{AvatarId, PlayerId, RelayId, UserId};
use crate::components::player::{Avatar, Body, Card, Carry};
use crate::components::presence::{
    DISCONNECTED_SECONDS, Disconnected, PresenceCommand, PresenceFact, REMEMBERED, RememberedPose,
};
use crate::components::status::{Media, Status};
use crate::components::steering::{MAKE_UP, Steering};
use crate::components::unit::{Position, SUBTILES, Tick, TickRate};
use crate::components::walking::Walk;
use crate::components::zone::ZoneOccupancy;

/// Section of the checkpoint: all players, [`SavedPlayers`].
pub const PLAYERS: &str = "players";
/// Section of the checkpoint: poses of users who left, the earliest first, [`SavedPose`].
pub const REMEMBERED_POSES: &str = "remembered";
/// Most tiles on one side of a map.
const MAX_SIDE: i32 = 1_000;

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
    space.save(PLAYERS, 1, save_players, load_players);
    space.save(REMEMBERED_POSES, 1, save_poses, load_poses);
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
            relay,
        } => join(world, user, name, avatar, arrive, blocked, relay),
        PresenceCommand::Resume {
            card,
            position,
            facing,
            ack,
            blocked,
            relay,
        } => resume(world, card, position, facing, ack, blocked, relay),
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
    relay: RelayId,
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
            relay,
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
    relay: RelayId,
) {
    let (player, user) = (card.player, card.user);
    let roster = world.resource::<Roster>();
    if roster.users.contains_key(&user) || roster.players.contains_key(&player) {
        return join(world, user, card.name, card.avatar, None, blocked, relay);
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
        relay,
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

/// The record of players, version 1. `Text` is borrowed when it is written.
#[derive(Debug, Encode, Decode)]
pub struct SavedPlayers<Text> {
    /// Number of the next new player.
    pub next: u32,
    /// Players, including disconnected ones, by ascending number.
    pub players: Vec<SavedPlayer<Text>>,
}

/// One player in [`SavedPlayers`].
#[derive(Debug, Encode, Decode)]
pub struct SavedPlayer<Text> {
    /// Number of the player.
    pub player: u32,
    /// User of the player.
    pub user: [u8; 16],
    /// Name over the head.
    pub name: Text,
    /// Id and image of the avatar.
    pub avatar: Option<([u8; 16], Text)>,
    /// Number of the status.
    pub status: u8,
    /// Bits of the media that are on.
    pub media: u8,
    /// Position of the body in sub-tiles.
    pub position: (i32, i32),
    /// Movement that did not fill a sub-tile yet.
    pub carry: (i8, i8),
    /// Number of the facing.
    pub facing: u8,
    /// Whether the player had no connection.
    pub is_disconnected: bool,
}

/// Pose of a user who left, version 1.
#[derive(Debug, Encode, Decode)]
pub struct SavedPose {
    /// The user.
    pub user: [u8; 16],
    /// Position in sub-tiles.
    pub position: (i32, i32),
    /// Number of the facing.
    pub facing: u8,
}

fn save_players(world: &World) -> Vec<u8> {
    let roster = world.resource::<Roster>();
    let players = roster.entities().filter_map(|entity| {
        let player = world.entity(entity);
        let (card, body) = player.get::<Card>().zip(player.get::<Body>())?;
        let avatar = card.avatar.as_ref();
        Some(SavedPlayer {
            player: card.player.0,
            user: card.user.0.into_bytes(),
            name: card.name.as_str(),
            avatar: avatar.map(|avatar| (avatar.id.0.into_bytes(), avatar.image_url.as_str())),
            status: card.status as u8,
            media: card.media.bits(),
            position: (body.position.x, body.position.y),
            carry: (body.carry.x, body.carry.y),
            facing: body.facing as u8,
            is_disconnected: player.get::<Disconnected>()?.0.is_some(),
        })
    });
    saving::write(SavedPlayers {
        next: roster.next.0,
        players: players.collect(),
    })
}

/// All players count as disconnected until they join again. A player who would stand in something
/// solid is moved out of it.
fn load_players(world: &mut World, version: u16, bytes: &[u8]) -> Result<(), SectionError> {
    let SavedPlayers::<String> { next, players } = saving::read_first(version, bytes)?;
    if !players.is_sorted_by(|a, b| a.player < b.player) {
        return Err(SectionError::Senseless("players are out of order"));
    }
    if players.last().is_some_and(|last| last.player >= next) {
        return Err(SectionError::Senseless(
            "a player has a number that was not given yet",
        ));
    }
    let mut users = BTreeSet::new();
    for saved in players {
        if !users.insert(saved.user) {
            return Err(SectionError::Senseless("a user is there twice"));
        }
        admit_again(world, saved)?;
    }
    let mut roster = world.resource_mut::<Roster>();
    roster.next = roster.next.max(PlayerId(next));
    Ok(())
}

fn admit_again(world: &mut World, saved: SavedPlayer<String>) -> Result<(), SectionError> {
    let (now, rate) = (*world.resource::<Tick>(), *world.resource::<TickRate>());
    let no_status = SectionError::Senseless("a player has a status that does not exist");
    let card = Card {
        player: PlayerId(saved.player),
        user: UserId(Uuid::from_bytes(saved.user)),
        name: saved.name,
        avatar: saved.avatar.map(|(id, image_url)| Avatar {
            id: AvatarId(Uuid::from_bytes(id)),
            image_url,
        }),
        status: Status::from_wire(saved.status).ok_or(no_status)?,
        media: Media::from_bits(saved.media),
    };
    let RememberedPose { position, facing } = pose(saved.position, saved.facing)?;
    let mut body = Body {
        facing,
        ..Body::at(position)
    };
    if movement::is_free(world.resource::<Grid>(), position) {
        // The tick rate may differ from the one when the carry was saved.
        let most = i16::from(rate.per_second());
        let (x, y) = saved.carry;
        if [x, y].iter().all(|&carry| i16::from(carry).abs() < most) {
            body.carry = Carry { x, y };
        }
    } else {
        let map = world.resource::<Proximity>().map_ground().clone();
        body.position = home::restored(world, &map, card.player, position);
    }
    let ear = if saved.is_disconnected {
        ProximitySlot::default()
    } else {
        ProximitySlot::expected(now, rate)
    };
    let steering = Steering {
        missed: MAKE_UP,
        ..Steering::default()
    };
    let disconnected = Disconnected(Some(now));
    let blocked = Blocked::default();
    admit(world, card, body, steering, disconnected, ear, blocked);
    Ok(())
}

fn save_poses(world: &World) -> Vec<u8> {
    let remembered = world.resource::<Remembered>().0.iter();
    let poses = remembered.map(|(user, pose)| SavedPose {
        user: user.0.into_bytes(),
        position: (pose.position.x, pose.position.y),
        facing: pose.facing as u8,
    });
    saving::write(poses.collect::<Vec<_>>())
}

fn load_poses(world: &mut World, version: u16, bytes: &[u8]) -> Result<(), SectionError> {
    let poses: Vec<SavedPose> = saving::read_first(version, bytes)?;
    if poses.len() > REMEMBERED {
        return Err(SectionError::Senseless("too many poses are remembered"));
    }
    let remembered = poses.into_iter().map(|saved| {
        let user = UserId(Uuid::from_bytes(saved.user));
        Ok((user, pose(saved.position, saved.facing)?))
    });
    world.resource_mut::<Remembered>().0 = remembered.collect::<Result<_, _>>()?;
    Ok(())
}

fn pose((x, y): (i32, i32), facing: u8) -> Result<RememberedPose, SectionError> {
    let inside = 0..MAX_SIDE * SUBTILES;
    if !inside.contains(&x) || !inside.contains(&y) {
        return Err(SectionError::Senseless(
            "a player stands outside of every map",
        ));
    }
    let no_facing = SectionError::Senseless("a player has a facing that does not exist");
    Ok(RememberedPose {
        position: Position { x, y },
        facing: Facing::from_wire(facing).ok_or(no_facing)?,
    })
}
