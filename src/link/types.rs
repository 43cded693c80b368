//! Types: the text of all types that cross a link. The version of the link is its hash.

use super::LinkBroadcast;
use super::wire::{Greeting, ToEdge, ToHost};
use crate::components::bubble::BubbleAction;
use crate::components::chat::{ChatRefusal, Scope};
use crate::components::command::{Command, PlayerRef};
use crate::components::direction::{Direction, Facing, Motion};
use crate::components::fact::{Denial, Fact};
use crate::components::peers::{MediaRoute, ProximityReason};
use crate::components::player::Goal;
use crate::components::status::{Status, WaveKind};
use crate::components::zone::ZoneKind;
use crate::host::{Ending, SpaceUpdate};
use crate::net::registry::golden;
use crate::net::registry::trace::{WireTypes, trace};

fn types() -> WireTypes {
    trace!(
        Greeting,
        ToHost,
        ToEdge,
        LinkBroadcast,
        SpaceUpdate,
        Ending,
        Command,
        Fact,
        Denial,
        ChatRefusal,
        Scope,
        BubbleAction,
        PlayerRef,
        Goal,
        Direction,
        Facing,
        Motion,
        Status,
        WaveKind,
        ZoneKind,
        ProximityReason,
        MediaRoute,
    )
}

#[test]
fn the_types_of_the_link_are_written_down() {
    golden::compare("src/link/types.txt", &types().text(), "link::types");
}

#[test]
fn types_are_encoded_as_the_text_says() {
    let types = types();
    types.check::<Greeting>("Greeting");
    types.check::<ToHost>("ToHost");
    types.check::<ToEdge>("ToEdge");
}
