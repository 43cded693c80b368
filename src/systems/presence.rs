//! Presence: players who join, lose their connection, return and leave.
//!
//! Permission to join is checked before, in `net::session`.

use std::collections::BTreeSet;

use bevy_ecs::prelude::*;
use bincode::{Decode, Encode};
use uuid::Uuid;

use super::blocked::Blocked;
use super::player::{Player, admit};
use super::proximity::{Proximity, ProximitySlot};
use super::publish::PublishedState;
use super::remembered::{Remembered, pose};
use super::roster::{Roster, entity, player_of_user};
use super::saving::{self, SectionError};
use super::{
    Outbox, SimulateSystems, SpaceBuilder, arrival, chat, following, home, movement, proximity,
    status, tell, terms, zones,
};
use crate::components::direction::Facing;
use crate::components::fact::Fact;
use crate::components::grid::Grid;
use crate::components::id::{AvatarId, PlayerId, RelayId, UserId};
use crate::components::player::{Avatar, Body, Card, Carry};
use crate::components::presence::{
    DISCONNECTED_SECONDS, Disconnected, PresenceCommand, PresenceFact, RememberedPose,
};
use crate::components::status::{Media, Status};
use crate::components::steering::{MAKE_UP, Steering};
use crate::components::unit::{Position, Tick, TickRate};
use crate::components::zone::ZoneOccupancy;

/// Section of the checkpoint: all players, [`SavedPlayers`].
pub const SECTION: &str = "players";

/// Adds the system that removes disconnected players.
pub fn plugin(space: &mut SpaceBuilder) {
    space.save(SECTION, 1, save, load);
    space
        .tick
        .add_systems(remove_disconnected.in_set(SimulateSystems::LetGo));
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
            terms,
        } if terms::accept(world, user, relay, terms) => {
            join(world, user, name, avatar, arrive, blocked, relay);
        }
        PresenceCommand::Join { .. } => {}
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
        PresenceCommand::Remove { user } => remove(world, user),
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
        let blocked = Blocked(blocked.into_iter().collect());
        let arrived = Player {
            blocked,
            ..Player::new(card, body)
        };
        admit(world, arrived);
    }
    tell(
        world,
        Fact::Presence(PresenceFact::Joined {
            user,
            player,
            again,
            relay,
        }),
    );
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
    let resumed = Player {
        steering,
        slot: ProximitySlot::resuming(),
        blocked: Blocked(blocked.into_iter().collect()),
        ..Player::new(card, body)
    };
    admit(world, resumed);
    let again = false;
    let fact = Fact::Presence(PresenceFact::Joined {
        user,
        player,
        again,
        relay,
    });
    tell(world, fact);
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
    if let Some(mut slot) = world.get_mut::<ProximitySlot>(entity) {
        slot.give_up();
    }
    // No client sends media any longer.
    status::change_media(world, player, Media::default());
}

/// Removes the player of a user who was sent out, if it has no connection.
fn remove(world: &mut World, user: UserId) {
    let Some(player) = player_of_user(world, user) else {
        return;
    };
    let entity = entity(world, player);
    let state = entity.and_then(|entity| world.get::<Disconnected>(entity));
    if state.is_some_and(|state| state.0.is_some()) {
        leave(world, player);
    }
}

fn leave(world: &mut World, player: PlayerId) {
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

fn save(world: &World) -> Vec<u8> {
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
fn load(world: &mut World, version: u16, bytes: &[u8]) -> Result<(), SectionError> {
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
    let slot = if saved.is_disconnected {
        ProximitySlot::default()
    } else {
        ProximitySlot::expected(now, rate)
    };
    let steering = Steering {
        missed: MAKE_UP,
        ..Steering::default()
    };
    let returning = Player {
        steering,
        disconnected: Disconnected(Some(now)),
        slot,
        ..Player::new(card, body)
    };
    admit(world, returning);
    Ok(())
}
