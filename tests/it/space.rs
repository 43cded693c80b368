//! A space as its host drives it: properties that hold for any commands.

use std::collections::{BTreeMap, VecDeque};

use plaza::components::bubble::{BubbleAction, BubbleCommand};
use plaza::components::chat::{
    COMMON_REACTIONS, ChatCommand, ChatFact, ChatRefusal, MessageChange, OTHER_REACTION_KINDS,
    REACTION_KINDS, REACTION_KINDS_OF_USER, Scope, Speech, TYPING_SECONDS,
};
use plaza::components::command::Command;
use plaza::components::direction::Direction;
use plaza::components::element::ElementCommand;
use plaza::components::emote::Emote;
use plaza::components::fact::{Fact, TickOutput};
use plaza::components::grid::Grid;
use plaza::components::id::{ChatId, ElementId, PlacementId, PlayerId, RelayId, UserId};
use plaza::components::layout::{Placement, SpaceLayout};
use plaza::components::movement::{MovementCommand, MovementFact};
use plaza::components::peers::{ProximityFact, ProximityRules};
use plaza::components::player::{Goal, HeldStep};
use plaza::components::presence::{JoinTerms, PresenceCommand, PresenceFact};
use plaza::components::tile_rect::TileRect;
use plaza::components::unit::{Position, SUBTILES, Tick, TickRate, Tile};
use plaza::components::zone::{Zone, ZoneCommand, ZoneKind};
use plaza::space::{Checkpoint, CheckpointError, DurableEvent, Space};
use plaza::systems::movement::{self, RUN};
use plaza::systems::path::{self, PathGoal, PathOutcome, PathSearch};
use proptest::prelude::*;
use uuid::Uuid;

const RATE: TickRate = TickRate::DEFAULT;

fn layout(rows: &[&str]) -> SpaceLayout {
    let tiles = rows.iter().enumerate().flat_map(|(y, row)| {
        let walls = row.bytes().enumerate().filter(|&(_, byte)| byte == b'#');
        walls.map(move |(x, _)| Tile::new(x as u16, y as u16))
    });
    SpaceLayout {
        width: rows[0].len() as u16,
        height: rows.len() as u16,
        blocked: tiles.collect(),
        has_walls: false,
        proximity: ProximityRules::default(),
        zones: Vec::new(),
        elements: Vec::new(),
        version: 1,
    }
}

/// A layout on which everyone arrives at one tile.
fn plan_from(rows: &[&str], spawn: Tile) -> SpaceLayout {
    let area = TileRect {
        corner: spawn,
        width: 1,
        height: 1,
    };
    let zone = Zone::new(ZoneKind::Spawn, "door".into(), area);
    SpaceLayout {
        zones: vec![zone],
        ..layout(rows)
    }
}

fn user(number: u128) -> UserId {
    UserId(Uuid::from_u128(number))
}

/// A user who joins, with that number as the id.
pub fn join(number: u128) -> Command {
    Command::Presence(PresenceCommand::Join {
        user: user(number),
        name: format!("user {number}"),
        avatar: None,
        arrive: None,
        blocked: Vec::new(),
        relay: RelayId::default(),
        terms: JoinTerms::default(),
    })
}

fn held(player: u32, seq: u32, direction: Direction, run: bool) -> Command {
    Command::Movement(MovementCommand::Step {
        player: PlayerId(player),
        step: HeldStep {
            seq,
            direction,
            run,
        },
    })
}

fn walk_to(player: u32, seq: u32, x: u16, y: u16) -> Command {
    Command::Movement(MovementCommand::Walk {
        player: PlayerId(player),
        seq,
        goal: Goal::Tile(Tile::new(x, y)),
    })
}

fn step_tile(player: u32, x: u16, y: u16) -> Command {
    Command::Movement(MovementCommand::StepTile {
        player: PlayerId(player),
        tile: Tile::new(x, y),
    })
}

fn desk(id: u128, corner: Tile, width: u16, height: u16) -> Placement {
    Placement {
        id: PlacementId(Uuid::from_u128(id)),
        element: ElementId(Uuid::from_u128(7)),
        corner,
        solid: Some(TileRect {
            corner,
            width,
            height,
        }),
    }
}

fn place(placement: Placement) -> Command {
    Command::Element(ElementCommand::Place {
        placement,
        version: 2,
    })
}

fn position(space: &mut Space, player: u32) -> Position {
    let snapshot = space.snapshot();
    let found = snapshot
        .players
        .iter()
        .find(|(card, ..)| card.player == PlayerId(player));
    found.expect("the player is here").1.position
}

fn rest(space: &mut Space, ticks: usize) -> Vec<Fact> {
    (0..ticks).flat_map(|_| space.step(&[]).facts).collect()
}

#[test]
fn a_second_join_gets_the_full_state_and_is_not_announced_again() {
    let mut space = Space::new(&layout(&["....", "...."]), RATE);
    assert!(space.is_resting());
    let first = space.step(&[join(1)]);
    let joined = |again| {
        Fact::Presence(PresenceFact::Joined {
            user: user(1),
            player: PlayerId(1),
            again,
            relay: RelayId::default(),
        })
    };
    assert_eq!(first.facts, [joined(false)]);
    assert_eq!(
        (first.cards.len(), first.stances.len(), first.own.len()),
        (1, 1, 1)
    );
    let quiet = space.step(&[]);
    assert_eq!(
        quiet,
        TickOutput {
            tick: Tick(2),
            ..TickOutput::default()
        }
    );
    let again = space.step(&[join(1)]);
    assert_eq!(again.facts, [joined(true)]);
    assert_eq!(
        (again.cards.len(), again.stances.len(), again.own.len()),
        (1, 1, 1)
    );
    assert_eq!(space.people(), 1);
}

#[test]
fn disconnected_players_stay_half_a_minute() {
    let mut space = Space::new(&layout(&["...."]), RATE);
    space.step(&[join(1)]);
    space.step(&[disconnect(1)]);
    for _ in 0..30 * 20 - 1 {
        assert!(space.step(&[]).gone.is_empty());
    }
    assert_eq!(space.step(&[]).gone, [(PlayerId(1), user(1))]);
    assert!(space.is_resting());
}

#[test]
fn a_returning_player_is_where_they_left() {
    let mut space = Space::new(&layout(&["........", "........"]), RATE);
    space.step(&[join(1), walk_to(1, 1, 7, 1)]);
    rest(&mut space, 60);
    assert_eq!(position(&mut space, 1).tile(), Tile::new(7, 1));
    space.step(&[leave(1)]);
    let out = space.step(&[join(1)]);
    assert_eq!(out.stances[0].0, PlayerId(2));
    assert_eq!(out.stances[0].1.position.tile(), Tile::new(7, 1));
}

#[test]
fn arrivals_are_scattered_over_the_free_tiles_of_the_spawn_zone() {
    let mut layout = layout(&["......", ".####.", "......"]);
    let area = TileRect {
        corner: Tile::new(0, 0),
        width: 6,
        height: 2,
    };
    layout.zones = vec![Zone::new(ZoneKind::Spawn, "door".into(), area)];
    let mut space = Space::new(&layout, RATE);
    let out = space.step(&(1..=8).map(join).collect::<Vec<_>>());
    let mut tiles: Vec<Tile> = out
        .stances
        .iter()
        .map(|(_, stance)| stance.position.tile())
        .collect();
    tiles.sort_unstable();
    tiles.dedup();
    assert_eq!(tiles.len(), 8, "eight people on eight free tiles");
    assert!(tiles.iter().all(|tile| tile.y < 2));
}

#[test]
fn a_map_without_free_tiles_still_admits_players() {
    let mut space = Space::new(&layout(&["###", "###"]), RATE);
    space.step(&[
        join(1),
        held(1, 1, Direction::Right, true),
        walk_to(1, 2, 0, 0),
    ]);
    rest(&mut space, 20);
    assert_eq!(space.people(), 1);
}

#[test]
fn inputs_are_acknowledged_in_order_and_old_ones_ignored() {
    let mut space = Space::new(&layout(&["................"]), RATE);
    space.step(&[join(1)]);
    let out = space.step(&[
        held(1, 5, Direction::Right, false),
        held(1, 5, Direction::Right, true),
        held(1, 3, Direction::Left, true),
    ]);
    assert_eq!(out.own[0].ack, 5);
    assert_eq!(space.step(&[]).own, []);
    let flood: Vec<Command> = (6..=20)
        .map(|seq| held(1, seq, Direction::Right, false))
        .collect();
    let out = space.step(&flood);
    assert!(out.own[0].ack >= 13, "dropped steps are acknowledged");
    for _ in 0..8 {
        space.step(&[]);
    }
    assert_eq!(space.snapshot().players[0].2.ack, 20);
}

#[test]
fn a_click_on_a_desk_leads_to_its_nearest_side() {
    let mut space = Space::new(
        &plan_from(
            &[".........", "....##...", "....##...", "........."],
            Tile::new(0, 1),
        ),
        RATE,
    );
    space.step(&[join(1), walk_to(1, 1, 5, 1)]);
    let facts = rest(&mut space, 100);
    assert!(
        !facts
            .iter()
            .any(|fact| matches!(fact, Fact::Movement(MovementFact::NoPath { .. })))
    );
    let tile = position(&mut space, 1).tile();
    assert!(
        tile.x.abs_diff(5).max(tile.y.abs_diff(1)) == 1,
        "{tile:?} is next to the desk"
    );
}

#[test]
fn a_walled_off_tile_has_no_path() {
    let mut space = Space::new(
        &plan_from(&["....#..", "....#..", "....#.."], Tile::new(0, 0)),
        RATE,
    );
    let mut facts = space.step(&[join(1), walk_to(1, 1, 6, 1)]).facts;
    facts.extend(rest(&mut space, 10));
    assert!(facts.contains(&Fact::Movement(MovementFact::NoPath {
        player: PlayerId(1)
    })));
}

#[test]
fn a_walk_finds_another_way_when_an_element_blocks_it() {
    let mut space = Space::new(
        &plan_from(&["..........", "..........", ".........."], Tile::new(0, 1)),
        RATE,
    );
    space.step(&[join(1), walk_to(1, 1, 9, 1)]);
    rest(&mut space, 4);
    space.step(&[place(desk(1, Tile::new(5, 0), 1, 2))]);
    rest(&mut space, 80);
    assert_eq!(position(&mut space, 1), Tile::new(9, 1).middle());
}

#[test]
fn walking_up_to_a_player_follows_them_and_stops_next_to_them() {
    let mut space = Space::new(
        &plan_from(
            &["....................", "...................."],
            Tile::new(0, 0),
        ),
        RATE,
    );
    space.step(&[join(1), join(2), walk_to(2, 1, 15, 1)]);
    let chase = Command::Movement(MovementCommand::Walk {
        player: PlayerId(1),
        seq: 1,
        goal: Goal::Player(PlayerId(2)),
    });
    rest(&mut space, 20);
    space.step(&[chase]);
    rest(&mut space, 150);
    let (first, second) = (
        position(&mut space, 1).tile(),
        position(&mut space, 2).tile(),
    );
    assert_eq!(second, Tile::new(15, 1));
    assert_eq!(
        first.x.abs_diff(second.x).max(first.y.abs_diff(second.y)),
        1
    );
    assert!(!space.snapshot().players[0].2.walking);
}

#[test]
fn tile_steps_go_one_tile_at_walking_speed() {
    let mut space = Space::new(
        &plan_from(&[".....", "#....", "....."], Tile::new(0, 0)),
        RATE,
    );
    space.step(&[join(1)]);
    let reject = |x, y| {
        Fact::Movement(MovementFact::StepRejected {
            player: PlayerId(1),
            tile: Tile::new(x, y),
        })
    };
    for (x, y) in [(0, 0), (1, 1), (2, 0), (0, 1), (700, 700)] {
        assert_eq!(
            space.step(&[step_tile(1, x, y)]).facts,
            [reject(0, 0)],
            "to {x}, {y}"
        );
    }
    let out = space.step(&[step_tile(1, 1, 0), step_tile(1, 2, 0), step_tile(1, 3, 0)]);
    assert_eq!(out.facts, [reject(2, 0)]);
    rest(&mut space, 6);
    assert_ne!(
        position(&mut space, 1),
        Tile::new(2, 0).middle(),
        "two tiles take eight ticks"
    );
    rest(&mut space, 1);
    assert_eq!(position(&mut space, 1), Tile::new(2, 0).middle());
}

#[test]
fn an_element_placed_on_a_player_moves_them_aside_and_its_removal_opens_the_ground() {
    let mut space = Space::new(&plan_from(&["....", "....", "...."], Tile::new(1, 1)), RATE);
    let hash = space.snapshot().grid_hash;
    space.step(&[join(1)]);
    let placement = desk(3, Tile::new(1, 1), 1, 1);
    let out = space.step(&[place(placement.clone())]);
    assert_eq!(out.stances.len(), 1);
    assert_eq!(position(&mut space, 1), Tile::new(1, 0).middle());
    assert_ne!(space.snapshot().grid_hash, hash);
    space.step(&[Command::Element(ElementCommand::Remove {
        id: placement.id,
        version: 3,
    })]);
    assert_eq!(
        (space.snapshot().grid_hash, space.snapshot().version),
        (hash, 3)
    );
}

fn speech(id: u128, text: &str, at: u64) -> Speech {
    Speech {
        id: ChatId(Uuid::from_u128(id)),
        client_id: None,
        text: text.into(),
        at,
        scope: Scope::Space,
        reply_to: None,
        may_announce: false,
    }
}

fn say(player: u32, id: u128, text: &str, at: u64) -> Command {
    Command::Chat(ChatCommand::Send {
        player: PlayerId(player),
        speech: speech(id, text, at),
    })
}

fn change(player: u32, id: u128, text: Option<&str>, may_delete: bool) -> Command {
    Command::Chat(ChatCommand::Edit {
        player: PlayerId(player),
        change: MessageChange {
            id: ChatId(Uuid::from_u128(id)),
            text: text.map(Into::into),
            at: 9,
        },
        may_announce: false,
        may_delete,
    })
}

fn leave(player: u32) -> Command {
    let player = PlayerId(player);
    Command::Presence(PresenceCommand::Leave { player })
}

fn disconnect(player: u32) -> Command {
    let player = PlayerId(player);
    Command::Presence(PresenceCommand::Disconnect { player })
}

fn react(player: u32, id: u128, emoji: &str, on: bool) -> Command {
    Command::Chat(ChatCommand::React {
        player: PlayerId(player),
        message: ChatId(Uuid::from_u128(id)),
        emoji: emoji.into(),
        on,
    })
}

/// The reason why the only request was refused.
fn refusal(output: &TickOutput) -> ChatRefusal {
    let is_about_peers =
        |fact: &&Fact| matches!(fact, Fact::Proximity(ProximityFact::PeersChanged { .. }));
    let facts: Vec<_> = (output.facts.iter())
        .filter(|fact| !is_about_peers(fact))
        .collect();
    match facts[..] {
        [Fact::Chat(ChatFact::Refused { why, .. })] => *why,
        _ => panic!("not refused but {facts:?}"),
    }
}

#[test]
fn own_messages_are_changed_and_deleted_and_others_only_by_moderators() {
    let mut space = Space::new(&layout(&["...."]), RATE);
    space.step(&[join(1), join(2)]);
    space.step(&[say(1, 1, "helo", 0), say(2, 2, "rude", 0)]);
    assert_eq!(
        refusal(&space.step(&[change(2, 1, Some("mine"), true)])),
        ChatRefusal::NotYours,
        "only the author edits a message"
    );
    assert_eq!(
        refusal(&space.step(&[change(1, 2, None, false)])),
        ChatRefusal::NotYours
    );
    space.step(&[change(1, 1, Some("hello"), false), react(2, 2, "👍", true)]);
    space.step(&[change(1, 2, None, true)]);
    assert_eq!(
        refusal(&space.step(&[change(2, 2, Some("again"), false)])),
        ChatRefusal::Gone
    );
    assert_eq!(
        refusal(&space.step(&[react(2, 2, "👍", true)])),
        ChatRefusal::Gone
    );
    assert_eq!(
        refusal(&space.step(&[change(1, 3, None, true)])),
        ChatRefusal::Gone
    );
    assert!(
        space
            .step(&[change(1, 1, Some("hello"), false)])
            .facts
            .is_empty(),
        "nothing new"
    );
    let history = space.snapshot().history;
    assert_eq!(
        (&history[0].text[..], history[0].edited),
        ("hello", Some(9))
    );
    assert_eq!((&history[1].text[..], history[1].is_deleted), ("", true));
    assert!(history[1].reactions.is_empty());
}

/// Number of facts about messages; players who stand near each other also get connected.
fn of_lines(output: &TickOutput) -> usize {
    let is_of_lines =
        |fact: &&Fact| !matches!(fact, Fact::Proximity(ProximityFact::PeersChanged { .. }));
    output.facts.iter().filter(is_of_lines).count()
}

#[test]
fn reactions_are_counted_once_each_and_limited() {
    let mut space = Space::new(&layout(&["...."]), RATE);
    space.step(&[join(1), join(2), say(1, 1, "hello", 0)]);
    space.step(&[join(1), join(2)]);
    let twice = space.step(&[
        react(2, 1, "👍", true),
        react(2, 1, "👍", true),
        react(2, 1, "🎉", false),
    ]);
    assert_eq!(of_lines(&twice), 1);
    space.step(&[react(1, 1, "👍", true)]);
    let reactions = |space: &mut Space| space.snapshot().history[0].reactions.clone();
    assert_eq!(reactions(&mut space)[0].users.len(), 2);
    space.step(&[react(1, 1, "👍", false), react(2, 1, "👍", false)]);
    assert!(reactions(&mut space).is_empty());
    let people = (OTHER_REACTION_KINDS / REACTION_KINDS_OF_USER) as u32;
    let late = people + 1;
    space.step(&(1..=u128::from(late)).map(join).collect::<Vec<_>>());
    for person in 1..=people {
        let kind = |number| react(person, 1, &format!("{person} {number}"), true);
        let kinds: Vec<_> = (0..REACTION_KINDS_OF_USER).map(kind).collect();
        assert_eq!(of_lines(&space.step(&kinds)), REACTION_KINDS_OF_USER);
        let own = space.step(&[kind(REACTION_KINDS_OF_USER)]);
        assert_eq!(refusal(&own), ChatRefusal::TooManyReactions);
    }
    let left = OTHER_REACTION_KINDS % REACTION_KINDS_OF_USER;
    let last: Vec<_> = (0..left)
        .map(|number| react(late, 1, &format!("last {number}"), true))
        .collect();
    assert_eq!(of_lines(&space.step(&last)), left);
    let full = space.step(&[react(late, 1, "one more", true)]);
    assert_eq!(refusal(&full), ChatRefusal::TooManyReactions);
    assert_eq!(
        of_lines(&space.step(&[react(late, 1, "1 0", true)])),
        1,
        "of a kind that is there"
    );
    let (others, own) = (1 + late, COMMON_REACTIONS.len() / 2);
    let joining = [join(others.into()), join((others + 1).into())];
    space.step(&joining);
    for (person, emoji) in (0..).zip(COMMON_REACTIONS) {
        let common = react(others + person / own as u32, 1, emoji, true);
        assert_eq!(of_lines(&space.step(&[common])), 1, "{emoji} has a place");
    }
    assert_eq!(reactions(&mut space).len(), REACTION_KINDS);
    let saved = space.checkpoint();
    assert!(Space::restore(&layout(&["...."]), RATE, &saved, &[]).is_ok());
}

#[test]
fn slow_mode_exempts_moderators() {
    let mut space = Space::new(&layout(&["...."]), RATE);
    space.step(&[join(1), join(2), say(1, 1, "before", 1_000)]);
    let told = space.step(&[Command::Chat(ChatCommand::SetSlowMode { seconds: 10 })]);
    assert_eq!(told.facts, [Fact::Chat(ChatFact::SlowMode { seconds: 10 })]);
    assert!(
        space
            .step(&[Command::Chat(ChatCommand::SetSlowMode { seconds: 10 })])
            .facts
            .is_empty()
    );
    let early = space.step(&[say(1, 2, "too soon", 3_500)]);
    assert_eq!(refusal(&early), ChatRefusal::TooSoon { seconds: 8 });
    let is_said = |output: TickOutput| {
        output
            .facts
            .iter()
            .any(|fact| matches!(fact, Fact::Chat(ChatFact::Said(_))))
    };
    assert!(is_said(space.step(&[say(2, 3, "another", 3_500)])));
    assert!(is_said(space.step(&[say(1, 4, "in time", 11_000)])));
    let owner = Speech {
        may_announce: true,
        ..speech(5, "order, please", 11_001)
    };
    let player = PlayerId(1);
    assert!(is_said(space.step(&[Command::Chat(ChatCommand::Send {
        player,
        speech: owner
    })])));
    space.step(&[Command::Chat(ChatCommand::SetSlowMode { seconds: 0 })]);
    assert!(is_said(space.step(&[say(1, 6, "as I like", 11_002)])));
}

#[test]
fn slow_mode_limits_edits_and_lets_a_slip_be_corrected() {
    let mut space = Space::new(&layout(&["...."]), RATE);
    space.step(&[Command::Chat(ChatCommand::SetSlowMode { seconds: 10 })]);
    space.step(&[join(1), say(1, 1, "frist", 1_000)]);
    let edit = |text: Option<&str>, at, may_announce| {
        Command::Chat(ChatCommand::Edit {
            player: PlayerId(1),
            change: MessageChange {
                id: ChatId(Uuid::from_u128(1)),
                text: text.map(str::to_owned),
                at,
            },
            may_announce,
            may_delete: false,
        })
    };
    let is_changed = |output: TickOutput| {
        let mut facts = output.facts.iter();
        facts.any(|fact| matches!(fact, Fact::Chat(ChatFact::Changed { .. })))
    };
    assert!(is_changed(space.step(&[edit(Some("first"), 2_000, false)])));
    let early = space.step(&[edit(Some("first, and more"), 3_500, false)]);
    assert_eq!(refusal(&early), ChatRefusal::TooSoon { seconds: 9 });
    assert!(is_changed(space.step(&[edit(
        Some("as owner"),
        3_500,
        true
    )])));
    // Another process had the message changed over HTTP.
    let change = MessageChange {
        id: ChatId(Uuid::from_u128(1)),
        text: Some("over HTTP".into()),
        at: 12_000,
    };
    let author = user(1);
    assert!(is_changed(space.step(&[Command::Chat(
        ChatCommand::ApplyEdit { change, author }
    )])));
    let early = space.step(&[edit(Some("more"), 14_000, false)]);
    assert_eq!(refusal(&early), ChatRefusal::TooSoon { seconds: 8 });
    space.step(&[Command::Chat(ChatCommand::SetSlowMode { seconds: 20 })]);
    let early = space.step(&[edit(Some("more"), 14_000, false)]);
    assert_eq!(refusal(&early), ChatRefusal::TooSoon { seconds: 18 });
    assert!(is_changed(space.step(&[edit(None, 14_000, false)])));
}

#[test]
fn typing_ends_with_the_message_after_a_silence_or_with_the_player() {
    let mut space = Space::new(&layout(&["...."]), RATE);
    space.step(&[join(1), join(2)]);
    let types = |on| {
        let player = PlayerId(1);
        Command::Chat(ChatCommand::Typing { player, on })
    };
    let told = |output: &TickOutput| {
        let mut told = output.facts.iter();
        told.find_map(|fact| match fact {
            Fact::Chat(ChatFact::Typing { on, .. }) => Some(*on),
            _ => None,
        })
    };
    assert_eq!(told(&space.step(&[types(true)])), Some(true));
    assert_eq!(told(&space.step(&[types(true)])), None, "it is known");
    assert_eq!(told(&space.step(&[types(false)])), Some(false));
    space.step(&[types(true)]);
    assert_eq!(told(&space.step(&[say(1, 1, "hello", 0)])), Some(false));
    space.step(&[types(true)]);
    let silence = (1..=u64::from(RATE.per_second()) * TYPING_SECONDS)
        .position(|_| told(&space.step(&[])) == Some(false));
    assert_eq!(silence, Some(99));
    space.step(&[types(true)]);
    let player = PlayerId(1);
    assert_eq!(
        told(&space.step(&[Command::Presence(PresenceCommand::Leave { player })])),
        Some(false)
    );
    assert_eq!(
        told(&space.step(&[types(true)])),
        None,
        "no player is there"
    );
}

#[test]
fn message_changes_are_in_the_checkpoint_and_in_durable_events() {
    let mut space = Space::new(&layout(&["...."]), RATE);
    space.step(&[join(1), join(2)]);
    let before = space.checkpoint();
    let answer = Speech {
        reply_to: Some(ChatId(Uuid::from_u128(1))),
        client_id: Some(7),
        ..speech(2, "answer", 5)
    };
    let player = PlayerId(2);
    let output = space.step(&[
        say(1, 1, "question", 4),
        Command::Chat(ChatCommand::Send {
            player,
            speech: answer,
        }),
        say(1, 3, "oops", 6),
        change(1, 1, Some("question?"), false),
        change(1, 3, None, false),
        react(2, 1, "❤️", true),
        react(1, 1, "❤️", true),
    ]);
    let kept = space.checkpoint();
    assert_eq!(Checkpoint::decode(&kept.encode()).as_ref(), Ok(&kept));
    let event = |tick: Tick, fact: &Fact| {
        let event = DurableEvent::of(fact).expect("all of it is kept");
        (tick, DurableEvent::decode(&event.encode()).unwrap())
    };
    let facts = output.facts.iter();
    let mut events: Vec<_> = facts.map(|fact| event(output.tick, fact)).collect();
    let replayed = |events: &[_]| {
        let mut space = Space::restore(&layout(&["...."]), RATE, &before, events).unwrap();
        (space.tick(), space.snapshot().history)
    };
    assert_eq!(replayed(&events), (output.tick, kept.history().unwrap()));
    let output = space.step(&[Command::Chat(ChatCommand::Clear { by: "Ada".into() })]);
    events.push(event(output.tick, &output.facts[0]));
    assert!(replayed(&events).1.is_empty() && space.snapshot().history.is_empty());
}

#[test]
fn nearby_messages_need_a_nearby_player_and_are_not_remembered() {
    let mut space = Space::new(&layout(&["...."]), RATE);
    space.step(&[join(1)]);
    let speech = Speech {
        scope: Scope::Nearby,
        ..speech(1, "psst", 0)
    };
    let player = PlayerId(1);
    let output = space.step(&[Command::Chat(ChatCommand::Send { player, speech })]);
    assert_eq!(refusal(&output), ChatRefusal::NobodyNear);
    assert!(space.snapshot().history.is_empty());
}

#[test]
fn only_moderators_announce() {
    let mut space = Space::new(&layout(&["...."]), RATE);
    space.step(&[join(1)]);
    let mut announce = |may_announce| {
        let speech = Speech {
            scope: Scope::Announcement,
            may_announce,
            ..speech(1, "hear, hear", 0)
        };
        let player = PlayerId(1);
        space.step(&[Command::Chat(ChatCommand::Send { player, speech })])
    };
    assert_eq!(refusal(&announce(false)), ChatRefusal::NoAnnouncer);
    let said = announce(true).facts;
    assert!(matches!(&said[..], [Fact::Chat(ChatFact::Said(message))]
        if message.scope == Scope::Announcement));
}

#[test]
fn the_space_remembers_the_last_fifty_messages() {
    let mut space = Space::new(&layout(&["...."]), RATE);
    space.step(&[join(1)]);
    for number in 0..60 {
        space.step(&[say(1, number, &format!("message {number}"), 0)]);
    }
    let history = space.snapshot().history;
    assert_eq!(history.len(), 50);
    assert_eq!(history[0].text, "message 10");
    assert_eq!(history[49].text, "message 59");
}

#[test]
fn a_message_that_is_sent_again_is_stored_once() {
    let mut space = Space::new(&layout(&["...."]), RATE);
    space.step(&[join(1)]);
    let mut say = |id: u128, client_id, text: &str, at| {
        let speech = Speech {
            client_id,
            ..speech(id, text, at)
        };
        let player = PlayerId(1);
        let output = space.step(&[Command::Chat(ChatCommand::Send { player, speech })]);
        let [fact] = &output.facts[..] else {
            panic!("one message, one fact")
        };
        match fact {
            Fact::Chat(ChatFact::Said(line)) => (true, line.id.0.as_u128()),
            Fact::Chat(ChatFact::SaidBefore(line)) => (false, line.id.0.as_u128()),
            _ => panic!("something else happened"),
        }
    };
    assert_eq!(say(1, Some(7), "hello", 1_000), (true, 1));
    assert_eq!(
        say(2, Some(7), "hello", 5_000),
        (false, 1),
        "its sender heard no answer"
    );
    assert_eq!(
        say(3, Some(7), "goodbye", 6_000),
        (true, 3),
        "a client that restarts its counter"
    );
    assert_eq!(
        say(4, Some(7), "hello", 70_000),
        (true, 4),
        "that was long ago"
    );
    assert_eq!(say(5, None, "hello", 70_000), (true, 5));
    assert_eq!(space.snapshot().history.len(), 4);
}

#[test]
fn checkpoints_of_other_versions_are_refused_by_number() {
    let mut bytes = Space::new(&layout(&["."]), RATE).checkpoint().encode();
    bytes[4] = 9;
    assert_eq!(
        Checkpoint::decode(&bytes),
        Err(CheckpointError::Version { found: 9 })
    );
    assert_eq!(
        Checkpoint::decode(b"something else"),
        Err(CheckpointError::Foreign)
    );
}

#[test]
fn commands_resent_after_a_restart_count_once() {
    let layout = plan_from(&["........"; 3], Tile::new(1, 1));
    let steps = || {
        (1..=4)
            .map(|seq| held(1, seq, Direction::Right, false))
            .collect::<Vec<_>>()
    };
    let x = |space: &mut Space| space.snapshot().players[0].2.position.x;
    let mut whole = Space::new(&layout, RATE);
    whole.step(&[join(1)]);
    let start = x(&mut whole);
    whole.step(&steps());
    // Some of it was applied; the rest waits in a queue that is lost.
    let mut restored = Space::restore(&layout, RATE, &whole.checkpoint(), &[]).unwrap();
    assert!(start < x(&mut restored));
    for _ in 0..4 {
        whole.step(&[]);
    }
    assert!(x(&mut restored) < x(&mut whole));
    let player = PlayerId(1);
    restored.step(&[Command::Presence(PresenceCommand::Stay { player })]);
    for _ in 0..6 {
        restored.step(&steps());
    }
    assert_eq!(x(&mut restored), x(&mut whole));
    for _ in 0..60 * 20 {
        restored.step(&[]);
    }
    assert_eq!(restored.people(), 1, "a connected player stays");
}

#[test]
fn a_large_checkpoint_is_compressed_and_a_false_length_is_refused() {
    let mut space = Space::new(&layout(&["...."; 4]), RATE);
    space.step(&(1..=200).map(join).collect::<Vec<_>>());
    let checkpoint = space.checkpoint();
    let kept = checkpoint.encode();
    let plain: usize = checkpoint.sections.iter().map(|one| one.bytes.len()).sum();
    assert!(kept.len() < plain - plain / 8, "users have similar names");
    assert_eq!(Checkpoint::decode(&kept).as_ref(), Ok(&checkpoint));
    let eternal = Checkpoint {
        tick: Tick(u64::MAX),
        ..checkpoint
    };
    assert!(matches!(
        Checkpoint::decode(&eternal.encode()),
        Err(CheckpointError::Senseless(_))
    ));
    let bodies = [(5, &[][..]), (Checkpoint::VERSION, &[1][..])];
    for (version, compressed) in bodies {
        let huge = Checkpoint::seal(version, &[compressed, &[0xff; 64]].concat());
        assert!(matches!(
            Checkpoint::decode(&huge),
            Err(CheckpointError::Senseless(_))
        ));
        let cut = Checkpoint::seal(version, &[compressed, &[0, 1, 0, 0, 7]].concat());
        assert!(matches!(
            Checkpoint::decode(&cut),
            Err(CheckpointError::Malformed(_))
        ));
    }
}

#[test]
fn a_restored_player_inside_a_wall_is_moved() {
    let open = plan_from(&["....", "...."], Tile::new(1, 0));
    let mut space = Space::new(&open, RATE);
    space.step(&[join(1)]);
    let walled = plan_from(&[".#..", "...."], Tile::new(0, 0));
    let mut space = Space::restore(&walled, RATE, &space.checkpoint(), &[]).unwrap();
    assert!(
        walled
            .blocked
            .iter()
            .all(|&wall| position(&mut space, 1).tile() != wall)
    );
}

// Properties for any commands.

/// A command of the property tests, with small numbers so that commands meet the same players and
/// tiles.
fn command() -> impl Strategy<Value = Command> {
    let player = 1_u32..6;
    let tile = (0_u16..13, 0_u16..11).prop_map(|(x, y)| Tile::new(x, y));
    let direction = (0_usize..9).prop_map(|number| Direction::ALL[number]);
    let step = (player.clone(), 0_u32..4_000, direction, any::<bool>());
    let goal = prop_oneof![
        tile.clone().prop_map(Goal::Tile),
        player
            .clone()
            .prop_map(|number| Goal::Player(PlayerId(number)))
    ];
    let placement = (0_u128..4, tile.clone(), 0_u16..4, 0_u16..4)
        .prop_map(|(id, tile, w, h)| desk(id, tile, w, h));
    prop_oneof![
        2 => (1_u128..5).prop_map(join),
        1 => player.clone().prop_map(disconnect),
        1 => player.clone().prop_map(leave),
        20 => step.prop_map(|(player, seq, direction, run)| held(player, seq, direction, run)),
        8 => (player.clone(), 0_u32..4_000, goal)
            .prop_map(|(player, seq, goal)| {
                let player = PlayerId(player);
                Command::Movement(MovementCommand::Walk { player, seq, goal })
            }),
        8 => (player.clone(), tile).prop_map(|(player, tile)| {
            let player = PlayerId(player);
            Command::Movement(MovementCommand::StepTile { player, tile })
        }),
        2 => placement.clone().prop_map(place),
        1 => (0_u128..4)
            .prop_map(|id| Command::Element(ElementCommand::Remove {
                id: PlacementId(Uuid::from_u128(id)),
                version: 5,
            })),
        1 => (map(), proptest::collection::vec(placement, 0..3)).prop_map(|(layout, elements)| {
            // A database has each placement once.
            let elements: BTreeMap<_, _> =
                elements.into_iter().map(|placement| (placement.id, placement)).collect();
            let elements = elements.into_values().collect();
            let layout = Box::new(SpaceLayout { elements, ..layout });
            Command::Element(ElementCommand::ReplaceLayout { layout })
        }),
        2 => (player.clone(), 0_u128..9)
            .prop_map(|(player, id)| say(player, id, "words", id as u64)),
        1 => (player.clone(), 0_u128..9, any::<bool>())
            .prop_map(|(player, id, gone)| change(player, id, (!gone).then_some("other"), false)),
        1 => (player.clone(), 0_u128..9, any::<bool>())
            .prop_map(|(player, id, on)| react(player, id, "👍", on)),
        1 => (player, any::<u8>())
            .prop_map(|(player, kind)| Command::Emote(Emote { player: PlayerId(player), kind })),
    ]
}

/// Zones of every class that has an effect, on the map of a test.
fn zones() -> Vec<Zone> {
    let kinds = [
        ZoneKind::Private,
        ZoneKind::Silent,
        ZoneKind::Stage,
        ZoneKind::Voices,
    ];
    let zone = |(kind, x): (ZoneKind, u16)| {
        let area = TileRect {
            corner: Tile::new(x, 0),
            width: 3,
            height: 9,
        };
        Zone::new(kind, format!("{kind:?}"), area)
    };
    kinds.into_iter().zip((0..).step_by(4)).map(zone).collect()
}

/// The same, with the commands between players.
fn command_among_people() -> impl Strategy<Value = Command> {
    let player = || (1_u32..6).prop_map(PlayerId);
    let action = prop_oneof![
        any::<bool>().prop_map(|is_aside| BubbleAction::Form { is_aside }),
        (1_u32..4).prop_map(BubbleAction::Join),
        any::<bool>().prop_map(BubbleAction::Lock),
        Just(BubbleAction::Leave),
    ];
    prop_oneof![
        30 => command(),
        2 => (player(), action)
            .prop_map(|(player, action)| Command::Bubble(BubbleCommand { player, action })),
        1 => (player(), any::<bool>()).prop_map(|(player, locked)| {
            Command::Zone(ZoneCommand::Lock { player, zone: 0, locked })
        }),
        1 => (player(), any::<bool>())
            .prop_map(|(player, on)| Command::Chat(ChatCommand::Typing { player, on })),
        1 => player().prop_map(|player| Command::Zone(ZoneCommand::Knock { player, zone: 0 })),
    ]
}

/// Commands tick by tick. The sequence numbers of a player mostly rise, and every edit makes the
/// next version.
fn ticks(most: usize) -> impl Strategy<Value = Vec<Vec<Command>>> {
    ticks_of(command(), most)
}

fn ticks_of(
    command: impl Strategy<Value = Command>,
    most: usize,
) -> impl Strategy<Value = Vec<Vec<Command>>> {
    proptest::collection::vec(proptest::collection::vec(command, 0..5), 1..most).prop_map(
        |mut ticks| {
            let mut next = 2..;
            for (number, commands) in ticks.iter_mut().enumerate() {
                for (place, command) in commands.iter_mut().enumerate() {
                    let rising = (number * 8 + place) as u32;
                    match command {
                        Command::Movement(MovementCommand::Step { step, .. })
                            if step.seq % 10 != 0 =>
                        {
                            step.seq = rising;
                        }
                        Command::Movement(MovementCommand::Walk { seq, .. }) if *seq % 10 != 0 => {
                            *seq = rising;
                        }
                        Command::Element(
                            ElementCommand::Place { version, .. }
                            | ElementCommand::Remove { version, .. },
                        ) => {
                            *version = next.next().unwrap();
                        }
                        Command::Element(ElementCommand::ReplaceLayout { layout }) => {
                            layout.version = next.next().unwrap();
                        }
                        _ => {}
                    }
                }
            }
            ticks
        },
    )
}

/// Random maps of 12 × 10 with a corner that no test element covers, so that there always is a free
/// tile.
fn map() -> impl Strategy<Value = SpaceLayout> {
    proptest::collection::vec(proptest::bool::weighted(0.25), 16 * 14).prop_map(|walls| {
        SpaceLayout {
            width: 16,
            height: 14,
            blocked: walls
                .iter()
                .enumerate()
                .filter(|&(index, &wall)| wall && index != 16 * 14 - 1)
                .map(|(index, _)| Tile::new((index % 16) as u16, (index / 16) as u16))
                .collect(),
            has_walls: false,
            proximity: ProximityRules::default(),
            zones: Vec::new(),
            elements: Vec::new(),
            version: 1,
        }
    })
}

/// The collision grid as the commands leave it, computed without the code of the space.
struct Shadow {
    layout: SpaceLayout,
    placements: BTreeMap<PlacementId, Placement>,
}

impl Shadow {
    fn apply(&mut self, command: &Command) -> bool {
        match command {
            Command::Element(ElementCommand::Place { placement, .. }) => {
                self.placements.insert(placement.id, placement.clone());
            }
            Command::Element(ElementCommand::Remove { id, .. }) => {
                self.placements.remove(id);
            }
            Command::Element(ElementCommand::ReplaceLayout { layout }) => {
                self.layout = (**layout).clone();
                let placements = layout.elements.iter();
                self.placements = placements
                    .map(|placement| (placement.id, placement.clone()))
                    .collect();
            }
            _ => return false,
        }
        true
    }

    fn grid(&self) -> Grid {
        let mut grid = Grid::open(self.layout.width, self.layout.height);
        let solid = self
            .placements
            .values()
            .filter_map(|placement| placement.solid);
        for tile in self
            .layout
            .blocked
            .iter()
            .copied()
            .chain(solid.flat_map(TileRect::tiles))
        {
            grid.block(tile);
        }
        grid
    }
}

/// Shortest distances by relaxing until nothing changes: slow, but obviously correct, also with
/// diagonal costs.
fn shortest(grid: &Grid, from: Tile) -> BTreeMap<(i32, i32), u32> {
    let mut costs = BTreeMap::from([((i32::from(from.x), i32::from(from.y)), 0)]);
    let mut border = VecDeque::from([(i32::from(from.x), i32::from(from.y))]);
    while let Some(at) = border.pop_front() {
        for step in (-1..=1)
            .flat_map(|x| (-1..=1).map(move |y| (x, y)))
            .filter(|&step| step != (0, 0))
        {
            let to = (at.0 + step.0, at.1 + step.1);
            let cost = costs[&at] + if step.0 != 0 && step.1 != 0 { 99 } else { 70 };
            let free = !grid.is_solid(to.0, to.1)
                && !grid.is_solid(to.0, at.1)
                && !grid.is_solid(at.0, to.1);
            if free && costs.get(&to).is_none_or(|&known| known > cost) {
                costs.insert(to, cost);
                border.push_back(to);
            }
        }
    }
    costs
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(96)
    })]

    #[test]
    fn no_player_is_ever_inside_a_wall(layout in map(), ticks in ticks(120)) {
        let mut space = Space::new(&layout, RATE);
        let mut shadow = Shadow { layout, placements: BTreeMap::new() };
        for commands in &ticks {
            space.step(commands);
            for command in commands {
                shadow.apply(command);
            }
            let grid = shadow.grid();
            let snapshot = space.snapshot();
            prop_assert_eq!(snapshot.grid_hash, grid.hash());
            for (card, stance, _) in snapshot.players {
                let at = stance.position;
                prop_assert!(movement::is_free(&grid, at), "{:?} at {:?}", card.player, at);
            }
        }
    }

    #[test]
    fn no_player_is_ever_faster_than_allowed(layout in map(), ticks in ticks(120)) {
        let mut space = Space::new(&layout, RATE);
        space.step(&[join(1), join(2), join(3), join(4)]);
        let mut tracks: BTreeMap<PlayerId, Vec<Position>> = BTreeMap::new();
        for commands in &ticks {
            let still = commands.iter().filter(|command| !matches!(command,
                Command::Element(_)));
            let still: Vec<Command> = still.cloned().collect();
            space.step(&still);
            for (card, stance, _) in space.snapshot().players {
                tracks.entry(card.player).or_default().push(stance.position);
            }
        }
        // Positions are whole sub-tiles; the carry may add one over a window.
        let allowed = |ticks: usize| (ticks as i32 + 4) * RUN / i32::from(RATE.per_second()) + 1;
        for (player, track) in tracks {
            for (start, from) in track.iter().enumerate() {
                for (ticks, to) in track[start..].iter().enumerate() {
                    let far = (to.x - from.x).abs().max((to.y - from.y).abs());
                    prop_assert!(far <= allowed(ticks), "{player:?} went {far} in {ticks} ticks");
                }
            }
        }
    }

    #[test]
    fn the_same_commands_give_the_same_outputs(layout in map(), ticks in ticks(60)) {
        let mut spaces = [Space::new(&layout, RATE), Space::new(&layout, RATE)];
        for commands in &ticks {
            let [first, second] = spaces.each_mut().map(|space| space.step(commands));
            prop_assert_eq!(first, second);
        }
        let [first, second] = spaces.each_mut().map(|space| (space.snapshot(), space.checkpoint()));
        prop_assert_eq!(first, second);
    }

    #[test]
    fn a_sleeping_space_equals_one_that_never_sleeps(
        layout in map(),
        ticks in ticks_of(command_among_people(), 120),
        naps in proptest::collection::vec(0_usize..400, 1..6),
    ) {
        let layout = SpaceLayout { zones: zones(), ..layout };
        let [mut awake, mut sleeper] = [Space::new(&layout, RATE), Space::new(&layout, RATE)];
        for number in 0..400 {
            let commands = ticks.get(number).map_or(&[][..], Vec::as_slice);
            if naps.contains(&number) {
                sleeper.sleep();
            }
            prop_assert_eq!(awake.step(commands), sleeper.step(commands), "tick {}", number);
            prop_assert_eq!(
                (awake.people(), awake.tick(), awake.is_still()),
                (sleeper.people(), sleeper.tick(), sleeper.is_still())
            );
        }
        prop_assert_eq!(
            (awake.snapshot(), awake.checkpoint()),
            (sleeper.snapshot(), sleeper.checkpoint())
        );
    }

    #[test]
    fn a_restored_space_has_the_same_future(
        layout in map(),
        before in ticks(60),
        after in ticks(60),
    ) {
        let is_ground = |command: &Command| matches!(command,
            Command::Element(_));
        let mut space = Space::new(&layout, RATE);
        for commands in &before {
            let others = commands.iter().filter(|command| !is_ground(command));
            let commands: Vec<Command> = others.cloned().collect();
            space.step(&commands);
        }
        // Walks and waiting steps are not in the checkpoint, so they end first.
        while space.snapshot().players.iter().any(|(_, _, own)| own.walking) {
            space.step(&[]);
        }
        rest(&mut space, 16);
        let kept = space.checkpoint();
        let decoded = Checkpoint::decode(&kept.encode());
        prop_assert_eq!(decoded.as_ref(), Ok(&kept));
        let mut restored = Space::restore(&layout, RATE, &kept, &[]).unwrap();
        // Players are disconnected until they join again. Everything else is saved as it was.
        let but_players = |mut checkpoint: Checkpoint| {
            checkpoint.sections.retain(|section| section.name != "players");
            checkpoint
        };
        prop_assert_eq!(but_players(restored.checkpoint()), but_players(kept.clone()));
        let saved = restored.checkpoint();
        let mut again = Space::restore(&layout, RATE, &saved, &[]).unwrap();
        prop_assert_eq!(again.checkpoint(), saved);
        let stances = |space: &mut Space| -> Vec<_> {
            space.snapshot().players.iter().map(|player| player.1).collect()
        };
        prop_assert_eq!(stances(&mut restored), stances(&mut space));
        let everybody: Vec<Command> = space.snapshot().players.into_iter().map(|(card, ..)|
            Command::Presence(PresenceCommand::Join {
                user: card.user, name: card.name, avatar: None, arrive: None, blocked: Vec::new(),
                relay: RelayId::default(),
                terms: JoinTerms::default(),
            })).collect();
        // Players at the edge of hearing are connected afresh: see the tests of proximity.
        let step = |space: &mut Space, commands: &[Command]| {
            let mut output = space.step(commands);
            let is_of_peers = |fact: &Fact| {
                matches!(fact, Fact::Proximity(ProximityFact::PeersChanged { .. }))
            };
            output.facts.retain(|fact| !is_of_peers(fact));
            output
        };
        prop_assert_eq!(step(&mut space, &everybody), step(&mut restored, &everybody));
        for commands in &after {
            prop_assert_eq!(step(&mut space, commands), step(&mut restored, commands));
        }
    }

    #[test]
    fn no_bytes_make_the_decoder_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let _ = Checkpoint::decode(&bytes);
        let mut space = Space::new(&layout(&["...", "..."]), RATE);
        space.step(&[join(1), join(2), leave(2)]);
        let good = space.checkpoint().encode();
        let mut changed = good.clone();
        let index = at.index(changed.len());
        changed[index] = byte;
        prop_assert_eq!(Checkpoint::decode(&changed).is_ok(), changed == good);
        prop_assert!(Checkpoint::decode(&good[..index]).is_err());
        let mut longer = good;
        longer.extend(&bytes);
        prop_assert_eq!(Checkpoint::decode(&longer).is_ok(), bytes.is_empty());
    }

    #[test]
    fn paths_are_walkable_and_shortest(
        layout in map(),
        from in (0_u16..16, 0_u16..14),
        to in (0_u16..16, 0_u16..14),
    ) {
        let grid = Shadow { layout, placements: BTreeMap::new() }.grid();
        let (from, to) = (Tile::new(from.0, from.1), Tile::new(to.0, to.1));
        prop_assume!(grid.is_walkable(from) && grid.is_walkable(to));
        let costs = shortest(&grid, from);
        let expected = costs.get(&(i32::from(to.x), i32::from(to.y)));
        match PathSearch::default().find(&grid, from, PathGoal::On(to)) {
            PathOutcome::Nothing => prop_assert_eq!(expected, None),
            PathOutcome::Way(way) => {
                let mut at = (i32::from(from.x), i32::from(from.y));
                let mut cost = 0;
                for tile in way {
                    let step = (i32::from(tile.x) - at.0, i32::from(tile.y) - at.1);
                    let is_one = step.0.abs().max(step.1.abs()) == 1;
                    prop_assert!(is_one && path::is_step(&grid, at, step));
                    cost += if step.0 != 0 && step.1 != 0 { 99 } else { 70 };
                    at = (at.0 + step.0, at.1 + step.1);
                }
                prop_assert_eq!(at, (i32::from(to.x), i32::from(to.y)));
                prop_assert_eq!(Some(&cost), expected);
            }
        }
    }

    #[test]
    fn every_walk_within_reach_arrives(
        layout in map(),
        goal in (0_u16..16, 0_u16..14),
        nudge in 0_usize..9,
    ) {
        let grid = Shadow { layout: layout.clone(), placements: BTreeMap::new() }.grid();
        let mut space = Space::new(&layout, RATE);
        space.step(&[join(1)]);
        for seq in 1..4 {
            space.step(&[held(1, seq, Direction::ALL[nudge], true)]);
        }
        let goal = Tile::new(goal.0, goal.1);
        prop_assume!(grid.is_walkable(goal));
        let from = position(&mut space, 1).tile();
        let is_near = shortest(&grid, from).contains_key(&(i32::from(goal.x), i32::from(goal.y)));
        let mut facts = space.step(&[walk_to(1, 10, goal.x, goal.y)]).facts;
        facts.extend(rest(&mut space, 16 * 14 * 6));
        prop_assert_eq!(facts.is_empty(), is_near, "{:?}", facts);
        if is_near {
            prop_assert_eq!(position(&mut space, 1), goal.middle());
        }
    }
}

#[test]
fn sub_tiles_and_tiles_agree() {
    assert_eq!(Tile::new(3, 4).middle().tile(), Tile::new(3, 4));
    assert_eq!(SUBTILES % 2, 0, "a tile has a middle");
}
