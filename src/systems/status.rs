//! Status: availability and media of players, and calls for attention.

use bevy_ecs::prelude::*;

use super::proximity::Peers;
use super::publish::PublishedState;
use super::zones::private_zone_of;
use super::{blocked, deny, roster, tell, zones};
use crate::components::denial::Denial;
use crate::components::fact::Fact;
use crate::components::id::PlayerId;
use crate::components::player::Card;
use crate::components::status::{Media, Status, StatusCommand, StatusFact, WaveKind};

/// Carries out a request about the availability of players.
pub(super) fn apply(world: &mut World, command: StatusCommand) {
    match command {
        StatusCommand::ChangeMedia { player, media } => change_media(world, player, media),
        StatusCommand::ChangeStatus { player, status } => change_status(world, player, status),
        StatusCommand::Wave { player, to, kind } => wave(world, player, to, kind),
        StatusCommand::StopScreen { player } => {
            change_card(world, player, |card| card.media.screen = false);
        }
    }
}

fn change_status(world: &mut World, player: PlayerId, status: Status) {
    change_card(world, player, |card| card.status = status);
}

pub(super) fn change_media(world: &mut World, player: PlayerId, media: Media) {
    change_card(world, player, |card| card.media = media);
}

fn change_card(world: &mut World, player: PlayerId, change: impl FnOnce(&mut Card)) {
    let Some(entity) = roster::entity(world, player) else {
        return;
    };
    let mut player = world.entity_mut(entity);
    let Some(mut card) = player.get_mut::<Card>() else {
        return;
    };
    let before = card.clone();
    change(&mut card);
    let is_news = before != *card;
    if is_news && let Some(mut shown) = player.get_mut::<PublishedState>() {
        shown.card = false;
    }
}

/// Asks every player who hears this one to follow. Blocked players and those with "do not disturb"
/// do not hear the player, so they are not among them.
fn lead(world: &mut World, player: PlayerId) {
    let kind = WaveKind::Lead;
    let hearers = world.resource::<Peers>().hearers(player);
    for to in hearers {
        tell(world, Fact::Status(StatusFact::Waved { player, to, kind }));
    }
}

/// Sends a wave. A player with "do not disturb" is not told. A blocked sender gets the same
/// refusal.
fn wave(world: &mut World, player: PlayerId, to: PlayerId, kind: WaveKind) {
    let card = roster::entity(world, to).and_then(|entity| world.get::<Card>(entity));
    let Some(status) = card.map(|card| card.status) else {
        return deny(world, player, Denial::NotHere);
    };
    if player == to && kind == WaveKind::Lead {
        return lead(world, player);
    }
    if player == to || roster::entity(world, player).is_none() {
        return;
    }
    if status == Status::DoNotDisturb || blocked::is_blocked_pair(world, player, to) {
        return deny(world, player, Denial::DoNotDisturb);
    }
    tell(world, Fact::Status(StatusFact::Waved { player, to, kind }));
    // A player who is rung for may come in, too.
    if kind == WaveKind::Ring && private_zone_of(world, player).is_some() {
        zones::admit(world, player, to);
    }
}
