//! Chat: what people say and show to the whole space.
//!
//! Lengths and rates are checked before, in `net::session`.

use std::collections::VecDeque;

use bevy_ecs::prelude::*;

use super::{Outbox, SpaceBuilder, presence};
use crate::components::chat::{ChatLine, HISTORY};
use crate::components::fact::Fact;
use crate::components::id::{ChatId, PlayerId};
use crate::components::player::Card;

/// Emotes that exist.
const EMOTES: u8 = 6;

/// How long after a line the same words of the same user under the same number are that line again, in milliseconds. A
/// client that begins to count anew is not taken for one that repeats itself.
const AGAIN_WITHIN: u64 = 60_000;

/// The newest lines, oldest first.
#[derive(Debug, Default, Resource)]
pub struct History(pub VecDeque<ChatLine>);

impl History {
    /// One more line; the oldest makes room.
    pub fn add(&mut self, line: ChatLine) {
        if self.0.len() >= HISTORY {
            self.0.pop_front();
        }
        self.0.push_back(line);
    }

    /// The line that this one repeats: a client that heard no answer sends it again.
    pub fn find(&self, line: &ChatLine) -> Option<&ChatLine> {
        line.client_id?;
        self.0
            .iter()
            .rev()
            .take_while(|before| before.at.saturating_add(AGAIN_WITHIN) >= line.at)
            .find(|before| (before.user, before.client_id, &before.text) == (line.user, line.client_id, &line.text))
    }
}

/// Whether the history goes when the last person does.
#[derive(Debug, Default, Resource)]
pub struct IsForgetful(pub bool);

/// Adds the history.
pub fn plugin(space: &mut SpaceBuilder) {
    space.world.init_resource::<History>();
    space.world.init_resource::<IsForgetful>();
}

/// Nobody is there any more.
pub(super) fn end(world: &mut World) {
    if world.resource::<IsForgetful>().0 {
        world.resource_mut::<History>().0.clear();
        world.resource_mut::<Outbox>().0.facts.push(Fact::Forgotten);
    }
}

pub(super) fn say(world: &mut World, player: PlayerId, id: ChatId, client_id: Option<u32>, text: String, at: u64) {
    let Some(card) = presence::entity(world, player).and_then(|entity| world.get::<Card>(entity)) else {
        return;
    };
    let line = ChatLine {
        id,
        player,
        user: card.user,
        name: card.name.clone(),
        text,
        at,
        client_id,
    };
    let mut history = world.resource_mut::<History>();
    let fact = if let Some(before) = history.find(&line) {
        // Its number may be another one by now: the sender came back.
        Fact::SaidBefore(ChatLine {
            player,
            ..before.clone()
        })
    } else {
        history.add(line.clone());
        Fact::Said(line)
    };
    world.resource_mut::<Outbox>().0.facts.push(fact);
}

pub(super) fn emote(world: &mut World, player: PlayerId, kind: u8) {
    if kind < EMOTES && presence::entity(world, player).is_some() {
        world
            .resource_mut::<Outbox>()
            .0
            .facts
            .push(Fact::Emoted { player, kind });
    }
}
