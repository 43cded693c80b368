//! Checkpoints: what a space saves is loaded again, by later builds and after a rollback, and no
//! bytes do harm.

use std::path::PathBuf;

use plaza::components::chat::{ChatCommand, ChatMessage, MessageChange, Scope, Speech};
use plaza::components::command::Command;
use plaza::components::fact::Snapshot;
use plaza::components::id::{AvatarId, ChatId, PlayerId, RelayId, UserId};
use plaza::components::layout::SpaceLayout;
use plaza::components::movement::MovementCommand;
use plaza::components::peers::ProximityRules;
use plaza::components::player::{Avatar, Goal};
use plaza::components::presence::{JoinTerms, PresenceCommand};
use plaza::components::status::{Media, Status, StatusCommand};
use plaza::components::tile_rect::TileRect;
use plaza::components::unit::{Tick, TickRate, Tile};
use plaza::components::zone::{Zone, ZoneCommand, ZoneKind};
use plaza::space::{Checkpoint, CheckpointError, DurableEvent, Space};
use plaza::systems::saving::Section;
use uuid::Uuid;

/// First line of the golden checkpoints with sections.
const SECTIONED: usize = 5;

fn layout() -> SpaceLayout {
    let area = |x, width| TileRect {
        corner: Tile::new(x, 0),
        width,
        height: 4,
    };
    SpaceLayout {
        width: 12,
        height: 4,
        blocked: vec![Tile::new(11, 3)],
        has_walls: false,
        proximity: ProximityRules::default(),
        zones: vec![
            Zone::new(ZoneKind::Spawn, "door".into(), area(6, 3)),
            Zone::new(ZoneKind::Private, "office".into(), area(0, 3)),
        ],
        elements: Vec::new(),
        version: 1,
    }
}

fn user(number: u128) -> UserId {
    UserId(Uuid::from_u128(number))
}

fn join(number: u128) -> Command {
    Command::Presence(PresenceCommand::Join {
        user: user(number),
        name: format!("user {number}"),
        avatar: (number == 1).then(|| Avatar {
            id: AvatarId(Uuid::from_u128(77)),
            image_url: "/avatars/77.png".into(),
        }),
        arrive: None,
        blocked: (number == 3).then(|| user(9)).into_iter().collect(),
        relay: RelayId::default(),
        terms: JoinTerms::default(),
    })
}

fn say(player: u32, id: u128, text: &str) -> Command {
    Command::Chat(ChatCommand::Send {
        player: PlayerId(player),
        speech: Speech {
            id: ChatId(Uuid::from_u128(id)),
            client_id: Some(id as u32 + 100),
            text: text.into(),
            at: 1_000 + id as u64,
            scope: if id == 4 {
                Scope::Announcement
            } else {
                Scope::Space
            },
            reply_to: (id == 2).then(|| ChatId(Uuid::from_u128(1))),
            may_announce: true,
        },
    })
}

fn change(player: u32, id: u128, text: Option<&str>) -> Command {
    Command::Chat(ChatCommand::Edit {
        player: PlayerId(player),
        change: MessageChange {
            id: ChatId(Uuid::from_u128(id)),
            text: text.map(str::to_owned),
            at: 2_000,
        },
        may_announce: false,
        may_delete: false,
    })
}

fn walk_to(player: u32, x: u16, y: u16) -> Command {
    Command::Movement(MovementCommand::Walk {
        player: PlayerId(player),
        seq: 5,
        goal: Goal::Tile(Tile::new(x, y)),
    })
}

/// A space with something in everything that a checkpoint holds: an avatar, a status, a block, a
/// locked area, a player without a connection, one who left, and messages of all kinds.
fn village() -> Space {
    let mut space = Space::new(&layout(), TickRate::DEFAULT);
    space.step(&[join(1), join(2), join(3), join(4), join(5)]);
    space.step(&[
        walk_to(1, 10, 1),
        walk_to(2, 1, 1),
        walk_to(4, 10, 3),
        walk_to(5, 2, 2),
    ]);
    for _ in 0..200 {
        space.step(&[]);
    }
    let (player, status) = (PlayerId(2), Status::DoNotDisturb);
    space.step(&[
        Command::Status(StatusCommand::ChangeStatus { player, status }),
        Command::Status(StatusCommand::ChangeMedia {
            player: PlayerId(1),
            media: Media::from_bits(1),
        }),
        Command::Zone(ZoneCommand::Lock {
            player,
            zone: 1,
            locked: true,
        }),
        Command::Presence(PresenceCommand::Disconnect {
            player: PlayerId(3),
        }),
        Command::Presence(PresenceCommand::Leave {
            player: PlayerId(4),
        }),
        say(1, 1, "question"),
        say(2, 2, "answer"),
        say(2, 3, "oops"),
        say(1, 4, "hear, hear"),
        change(1, 1, Some("question?")),
        change(2, 3, None),
        Command::Chat(ChatCommand::React {
            player: PlayerId(1),
            message: ChatId(Uuid::from_u128(2)),
            emoji: "❤️".into(),
            on: true,
        }),
    ]);
    space.step(&[]);
    space
}

fn restore(checkpoint: &Checkpoint) -> Result<Space, CheckpointError> {
    Space::restore(&layout(), TickRate::DEFAULT, checkpoint, &[])
}

fn section(name: &str, version: u16, bytes: &[u8]) -> Section {
    Section {
        name: name.into(),
        version,
        bytes: bytes.to_vec(),
    }
}

fn by_name(mut sections: Vec<Section>) -> Vec<Section> {
    sections.sort_by(|a, b| a.name.cmp(&b.name));
    sections
}

fn golden_file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name)
}

/// Lines of hexadecimal bytes.
fn golden(name: &str) -> Vec<Vec<u8>> {
    let text = std::fs::read_to_string(golden_file(name)).expect("it is in the repository");
    let byte = |digits: &[u8]| {
        let digits = std::str::from_utf8(digits).expect("digits are ASCII");
        u8::from_str_radix(digits, 16).expect("two digits")
    };
    let bytes = |line: &str| line.as_bytes().chunks(2).map(byte).collect();
    text.lines().map(bytes).collect()
}

/// The messages as far as an earlier version of the checkpoint knew them.
fn history_of(version: usize, whole: &Snapshot) -> Vec<ChatMessage> {
    let text_only = |message: &ChatMessage| ChatMessage {
        client_id: message.client_id.filter(|_| version > 1),
        scope: Scope::Space,
        reply_to: None,
        edited: None,
        is_deleted: false,
        reactions: Vec::new(),
        ..message.clone()
    };
    let messages = whole.history.iter();
    if version > 3 {
        messages.cloned().collect()
    } else {
        messages.map(text_only).collect()
    }
}

#[test]
fn checkpoints_of_every_version_are_loaded() {
    let whole = village().snapshot();
    for (index, bytes) in golden("checkpoints.txt").iter().enumerate() {
        let version = index + 1;
        let checkpoint = Checkpoint::decode(bytes).expect("it was saved by an earlier build");
        assert_eq!(checkpoint.tick, Tick(204));
        let mut space = restore(&checkpoint).expect("it was saved by an earlier build");
        let mut loaded = space.snapshot();
        assert_eq!(loaded.history, history_of(version, &whole));
        for ((card, ..), (known, ..)) in loaded.players.iter_mut().zip(&whole.players) {
            if version <= 3 {
                (card.status, card.media) = (known.status, known.media);
            }
        }
        assert_eq!(loaded.players, whole.players, "version {version}");
        let is_locked = loaded.private_zones.iter().any(|zone| zone.locked);
        assert_eq!(is_locked, version > 3, "locks came with version 4");
        let again = space.step(&[join(4)]);
        assert_eq!(again.stances[0].0, PlayerId(6), "the next number is saved");
        let stands = again.stances[0].1.position.tile();
        assert_eq!(stands, Tile::new(10, 3), "where user 4 left");
    }
}

#[test]
fn the_last_record_of_everything_has_what_the_first_sections_had() {
    let golden = golden("checkpoints.txt");
    let first = Checkpoint::decode(&golden[SECTIONED]).expect("it has sections");
    let saved = by_name(first.sections);
    for bytes in &golden[3..SECTIONED] {
        let legacy = Checkpoint::decode(bytes).expect("versions 4 and 5 are read");
        assert_eq!(by_name(legacy.sections), saved);
    }
}

#[test]
fn the_bytes_of_a_checkpoint_change_only_on_purpose() {
    let (now, golden) = (village().checkpoint(), golden("checkpoints.txt"));
    let last = golden.last().map(|bytes| Checkpoint::decode(bytes));
    if golden.len() > SECTIONED && last == Some(Ok(now.clone())) {
        return;
    }
    let now = now.encode();
    if std::env::var_os("PLAZA_WRITE_GOLDEN").is_some() {
        let lines = golden.iter().chain([&now]);
        let hex = |bytes: &Vec<u8>| {
            let digits = bytes.iter().map(|byte| format!("{byte:02x}"));
            digits.collect::<String>() + "\n"
        };
        let text: String = lines.map(hex).collect();
        std::fs::write(golden_file("checkpoints.txt"), text).expect("it can be written");
        return;
    }
    panic!(
        "a section has other bytes than in the last line of tests/golden/checkpoints.txt: give it \
         another version, load the earlier ones too, and add a line with PLAZA_WRITE_GOLDEN=1"
    );
}

#[test]
fn durable_events_of_every_kind_are_loaded() {
    let events: Vec<(Tick, DurableEvent)> = golden("durable_events.txt")
        .iter()
        .map(|bytes| DurableEvent::decode(bytes).expect("it was saved by an earlier build"))
        .map(|event| (Tick(300), event))
        .collect();
    for (bytes, (_, event)) in golden("durable_events.txt").iter().zip(&events).skip(1) {
        assert_eq!(&event.encode(), bytes, "{event:?}");
    }
    let restored = |events: &[_]| {
        let fresh = Checkpoint::default();
        Space::restore(&layout(), TickRate::DEFAULT, &fresh, events).expect("nothing is wrong")
    };
    let mut space = restored(&events[..4]);
    assert_eq!(space.tick(), Tick(300));
    let history = space.snapshot().history;
    assert_eq!(history.len(), 1, "the same message twice counts once");
    assert_eq!(history[0].text, "edited");
    assert_eq!(history[0].reactions[0].users, [user(2)]);
    assert_eq!(restored(&events).snapshot().history, [], "it was cleared");
    assert_eq!(
        DurableEvent::decode(&[99]),
        Err(CheckpointError::Event { kind: 99 })
    );
}

#[test]
fn a_section_that_no_system_knows_is_carried_along() {
    let mut checkpoint = village().checkpoint();
    let later = section("games", 7, b"what this build cannot read");
    checkpoint.sections.insert(1, later.clone());
    let mut space = restore(&Checkpoint::decode(&checkpoint.encode()).unwrap()).unwrap();
    space.step(&[join(1)]);
    space.sleep();
    space.step(&[say(1, 9, "still here")]);
    let saved = space.checkpoint();
    let games = saved.sections.iter().filter(|one| one.name == "games");
    assert_eq!(games.collect::<Vec<_>>(), [&later]);
    assert_eq!(saved.history().unwrap().len(), 5);
}

#[test]
fn a_later_version_of_a_known_section_is_left_to_later_builds() {
    let mut checkpoint = village().checkpoint();
    // A damaged section before it must not hide it.
    checkpoint.sections[0].bytes = b"damaged".to_vec();
    let chat = |checkpoint: &mut Checkpoint, version| {
        let mut sections = checkpoint.sections.iter_mut();
        sections.find(|one| one.name == "chat").unwrap().version = version;
    };
    chat(&mut checkpoint, 2);
    let error = restore(&checkpoint).err().expect("it is not read");
    assert!(error.is_newer(), "{error}");
    chat(&mut checkpoint, 1);
    let error = restore(&checkpoint).err().expect("it is damaged");
    assert!(!error.is_newer(), "{error}");
}

#[test]
fn sections_with_impossible_values_are_refused() {
    let whole = village().checkpoint();
    for index in 0..whole.sections.len() {
        let with = |bytes: &[u8]| {
            let mut checkpoint = whole.clone();
            checkpoint.sections[index].bytes = bytes.to_vec();
            restore(&checkpoint)
        };
        let bytes = &whole.sections[index].bytes;
        assert!(with(bytes).is_ok());
        assert!(with(&[bytes, &[0][..]].concat()).is_err(), "bytes too many");
        for at in (0..bytes.len()).step_by(5) {
            assert!(with(&bytes[..at]).is_err(), "{:?}", whole.sections[index]);
            // Other bytes may make sense, but never a panic.
            let mut bytes = bytes.clone();
            bytes[at] = !bytes[at];
            if let Ok(mut space) = with(&bytes) {
                space.step(&[]);
                restore(&space.checkpoint()).expect("what is saved is loaded");
            }
        }
    }
    let mut twice = whole.clone();
    twice.sections.push(whole.sections[0].clone());
    assert!(matches!(
        Checkpoint::decode(&twice.encode()),
        Err(CheckpointError::Senseless(_))
    ));
}

#[test]
fn a_system_without_a_section_starts_fresh() {
    let mut checkpoint = village().checkpoint();
    checkpoint.sections.retain(|section| section.name == "chat");
    let mut space = restore(&checkpoint).unwrap();
    assert_eq!(space.people(), 0);
    assert_eq!(space.snapshot().history, village().snapshot().history);
}
