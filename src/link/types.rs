//! Types: the text of all types that cross a link. The version of the link is its hash.

use super::LinkBroadcast;
use super::wire::{Greeting, ToEdge, ToHost};
use crate::components::bubble::{BubbleAction, BubbleFact};
use crate::components::call::{CallCommand, CallFact};
use crate::components::chat::{ChatCommand, ChatFact, ChatRefusal, Scope};
use crate::components::command::Command;
use crate::components::denial::Denial;
use crate::components::direction::{Direction, Facing, Motion};
use crate::components::element::{ElementCommand, ElementFact};
use crate::components::fact::Fact;
use crate::components::movement::{MovementCommand, MovementFact};
use crate::components::peers::{MediaRoute, ProximityCommand, ProximityFact, ProximityReason};
use crate::components::player::{Goal, PlayerRef};
use crate::components::presence::{JoinRefusal, PresenceCommand, PresenceFact};
use crate::components::report::ReportNews;
use crate::components::status::{Status, StatusCommand, StatusFact, WaveKind};
use crate::components::zone::{ZoneCommand, ZoneFact, ZoneKind};
use crate::host::{Ending, SpaceUpdate};
use crate::net::registry::golden;
use crate::net::registry::trace::{WireTypes, trace};

fn types() -> WireTypes {
    trace!(
        Greeting,
        ToHost,
        ToEdge,
        LinkBroadcast,
        ReportNews,
        SpaceUpdate,
        Ending,
        Command,
        PresenceCommand,
        MovementCommand,
        ChatCommand,
        ElementCommand,
        CallCommand,
        StatusCommand,
        ZoneCommand,
        ProximityCommand,
        Fact,
        PresenceFact,
        JoinRefusal,
        MovementFact,
        ChatFact,
        ElementFact,
        CallFact,
        StatusFact,
        ZoneFact,
        BubbleFact,
        ProximityFact,
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
