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
}

/// Adds the history.
pub fn plugin(space: &mut SpaceBuilder) {
    space.world.init_resource::<History>();
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
    };
    world.resource_mut::<History>().add(line.clone());
    world
        .resource_mut::<Outbox>()
        .0
        .facts
        .push(Fact::Said { line, client_id });
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
