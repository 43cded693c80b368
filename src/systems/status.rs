//! Status: what people say about themselves, and how they call for one another's attention.

use bevy_ecs::prelude::*;

use super::proximity::Peers;
use super::publish::PublishedState;
use super::zones::{area_of, deny};
use super::{Outbox, presence, proximity, zones};
use crate::components::fact::{Denial, Fact};
use crate::components::id::PlayerId;
use crate::components::player::Card;
use crate::components::status::{Media, Status, WaveKind};

pub(super) fn change_status(world: &mut World, player: PlayerId, status: Status) {
    change_card(world, player, |card| card.status = status);
}

pub(super) fn change_media(world: &mut World, player: PlayerId, media: Media) {
    change_card(world, player, |card| card.media = media);
}

fn change_card(world: &mut World, player: PlayerId, change: impl FnOnce(&mut Card)) {
    let Some(entity) = presence::entity(world, player) else {
        return;
    };
    let mut player = world.entity_mut(entity);
    let Some(mut card) = player.get_mut::<Card>() else {
        return;
    };
    let before = (card.status, card.media);
    change(&mut card);
    let is_news = before != (card.status, card.media);
    if is_news && let Some(mut shown) = player.get_mut::<PublishedState>() {
        shown.card = false;
    }
}

/// Asks everybody who hears somebody to come along: nobody among them is kept away, or wants peace.
fn lead(world: &mut World, player: PlayerId) {
    let kind = WaveKind::Lead;
    let hearers = world.resource::<Peers>().hearers(player);
    let waves = hearers
        .into_iter()
        .map(|to| Fact::Waved { player, to, kind });
    world.resource_mut::<Outbox>().0.facts.extend(waves);
}

/// Whoever does not want to be disturbed hears of no wave. Somebody who is kept away is told
/// nothing more than that.
pub(super) fn wave(world: &mut World, player: PlayerId, to: PlayerId, kind: WaveKind) {
    let card = presence::entity(world, to).and_then(|entity| world.get::<Card>(entity));
    let Some(status) = card.map(|card| card.status) else {
        return deny(world, player, Denial::NotHere);
    };
    if player == to && kind == WaveKind::Lead {
        return lead(world, player);
    }
    if player == to || presence::entity(world, player).is_none() {
        return;
    }
    if status == Status::DoNotDisturb || proximity::is_apart(world, player, to) {
        return deny(world, player, Denial::DoNotDisturb);
    }
    world
        .resource_mut::<Outbox>()
        .0
        .facts
        .push(Fact::Waved { player, to, kind });
    // Whoever is rung for may come in, too.
    if kind == WaveKind::Ring && area_of(world, player).is_some() {
        zones::admit(world, player, to);
    }
}
