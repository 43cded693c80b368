//! Signals: WebRTC signalling between clients, and between clients and the SFU. The bodies are
//! opaque here.

use bevy_ecs::prelude::*;

use super::{ForwardedBy, Peers};
use crate::components::command::PlayerRef;
use crate::components::fact::{Denial, Fact};
use crate::components::id::PlayerId;
use crate::components::peers::SfuEndpoint;
use crate::systems::{Outbox, deny, roster};

/// Passes a signal to a peer, and only to that peer.
pub fn signal(world: &mut World, player: PlayerId, to: PlayerRef, body: String) {
    let to = match to {
        PlayerRef::Player(to) => Some(to),
        PlayerRef::User(user) => roster::player_of_user(world, user),
    };
    let is_peer = |to: &PlayerId| world.resource::<Peers>().between(player, *to).is_some();
    match to.filter(is_peer) {
        Some(to) => {
            let fact = Fact::Signalled { player, to, body };
            world.resource_mut::<Outbox>().0.facts.push(fact);
        }
        None => deny(world, player, Denial::NotConnected),
    }
}

/// Passes a request to the SFU, if there is one.
pub fn send_sfu_request(world: &mut World, player: PlayerId, body: String) {
    if world.resource::<ForwardedBy>().0 != SfuEndpoint::Unit {
        return deny(world, player, Denial::NoUnit);
    }
    let fact = Fact::SfuRequested { player, body };
    world.resource_mut::<Outbox>().0.facts.push(fact);
}

/// Passes a reply of the SFU to the player.
pub fn send_sfu_reply(world: &mut World, player: PlayerId, body: String) {
    let fact = Fact::SfuReplied { player, body };
    world.resource_mut::<Outbox>().0.facts.push(fact);
}
