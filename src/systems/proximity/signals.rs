//! Signals: WebRTC signalling between clients, and between clients and the SFU. The bodies are
//! opaque here.

use bevy_ecs::prelude::*;

use super::{ForwardedBy, Peers};
use crate::components::call::{CallCommand, CallFact};
use crate::components::denial::Denial;
use crate::components::fact::Fact;
use crate::components::id::PlayerId;
use crate::components::peers::SfuEndpoint;
use crate::components::player::PlayerRef;
use crate::systems::{Outbox, deny, roster};

/// Passes a signal on to its receiver.
pub fn signal(world: &mut World, command: CallCommand) {
    match command {
        CallCommand::Signal { player, to, body } => send_to_peer(world, player, to, body),
        CallCommand::SfuRequest { player, body } => send_sfu_request(world, player, body),
        CallCommand::SfuReply { player, body } => send_sfu_reply(world, player, body),
    }
}

/// Passes a signal to a peer, and only to that peer.
fn send_to_peer(world: &mut World, player: PlayerId, to: PlayerRef, body: String) {
    let to = match to {
        PlayerRef::Player(to) => Some(to),
        PlayerRef::User(user) => roster::player_of_user(world, user),
    };
    let is_peer = |to: &PlayerId| world.resource::<Peers>().between(player, *to).is_some();
    match to.filter(is_peer) {
        Some(to) => {
            let fact = Fact::Call(CallFact::Signalled { player, to, body });
            world.resource_mut::<Outbox>().0.facts.push(fact);
        }
        None => deny(world, player, Denial::NotConnected),
    }
}

/// Passes a request to the SFU, if there is one.
fn send_sfu_request(world: &mut World, player: PlayerId, body: String) {
    if world.resource::<ForwardedBy>().0 != SfuEndpoint::BuiltIn {
        return deny(world, player, Denial::NoSfu);
    }
    let fact = Fact::Call(CallFact::SfuRequested { player, body });
    world.resource_mut::<Outbox>().0.facts.push(fact);
}

/// Passes a reply of the SFU to the player.
fn send_sfu_reply(world: &mut World, player: PlayerId, body: String) {
    let fact = Fact::Call(CallFact::SfuReplied { player, body });
    world.resource_mut::<Outbox>().0.facts.push(fact);
}
