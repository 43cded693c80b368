//! Golden: one test vector for every message, read by these tests and by those of the web client.

use super::block::BlockC2s;
use super::bubble::{
    BubbleAskedS2c, BubbleC2s, BubbleKnockedS2c, BubbleS2c, BubbleStateS2c, BubblesS2c,
};
use super::call::{CallC2s, CallS2c, SfuC2s, SfuS2c, SignalC2s, SignalS2c};
use super::chat::{
    ChatBeforeC2s, ChatC2s, ChatChangedS2c, ChatDeleteC2s, ChatEditC2s, ChatMessageS2c,
    ChatRefusedS2c, ChatS2c, ChatSendC2s, HistoryS2c, ReactC2s, ReactedS2c, ReactionS2c, TypingC2s,
    TypingS2c,
};
use super::direct::DirectMessageS2c;
use super::element::{ElementPlacedS2c, ElementRemovedS2c, ElementS2c, MapChangedS2c};
use super::emote::{EmoteC2s, EmoteS2c};
use super::follow::{FollowC2s, FollowedS2c};
use super::frame::{
    AvatarS2c, CardS2c, CellS2c, EntryS2c, FrameS2c, HeaderS2c, OwnS2c, RosterS2c, StepS2c,
};
use super::movement::{InputC2s, MovementC2s, OwnStateS2c, WalkToC2s, WalkToPlayerC2s};
use super::peers::{PeerS2c, PeersS2c};
use super::session::{
    HelloC2s, MissedS2c, NoticeS2c, PingC2s, PongS2c, RefusedS2c, SessionC2s, SessionS2c, ViewC2s,
    WelcomeS2c,
};
use super::status::{MediaC2s, SetStatusC2s, StatusC2s, StatusS2c, WaveC2s, WavedS2c};
use super::zone::{
    AdmitC2s, AdmittedS2c, KnockC2s, KnockedS2c, LockC2s, PortalS2c, ZoneC2s, ZoneS2c, ZoneStateS2c,
};
use super::{
    ClientMessage, FRAME_VARIANT, HELLO_VARIANT, REFUSED_VARIANT, ServerMessage, VERSION, close,
};
use crate::net::codec::{decode, encode};

/// A player between two tiles, with a carry in both directions.
pub const OWN: OwnStateS2c = OwnStateS2c {
    x: 1_312,
    y: -7,
    carry_x: 6,
    carry_y: -19,
    facing: 3,
    walking: true,
};

#[expect(clippy::too_many_lines, reason = "one vector of every message")]
pub(super) fn client_messages() -> Vec<(&'static str, ClientMessage)> {
    vec![
        (
            "Hello",
            ClientMessage::Hello(HelloC2s {
                version: VERSION,
                schema: 0x0102_0304,
                token: "t0ken".into(),
                space: "0197a1b2-0000-7000-8000-000000000001".into(),
                view_width: 46,
                view_height: 300,
                arrive: Some("The door".into()),
            }),
        ),
        (
            "Input",
            ClientMessage::Input(InputC2s {
                seq: 70_000,
                direction: 4,
                run: true,
            }),
        ),
        (
            "WalkTo",
            ClientMessage::Movement(MovementC2s::WalkTo(WalkToC2s {
                seq: 250,
                x: 251,
                y: 999,
            })),
        ),
        (
            "WalkToPlayer",
            ClientMessage::Movement(MovementC2s::WalkToPlayer(WalkToPlayerC2s {
                seq: 251,
                player: u32::MAX,
            })),
        ),
        (
            "Chat",
            ClientMessage::Chat(ChatC2s::Send(ChatSendC2s {
                client_id: 3,
                text: "hello, wörld 👋".into(),
                scope: 2,
                reply_to: Some("0197a1b2-0000-7000-8000-00000000000a".into()),
            })),
        ),
        ("Emote", ClientMessage::Emote(EmoteC2s { kind: 5 })),
        (
            "View",
            ClientMessage::Session(SessionC2s::View(ViewC2s {
                width: 12,
                height: 26,
            })),
        ),
        (
            "Ping",
            ClientMessage::Session(SessionC2s::Ping(PingC2s { nonce: 65_536 })),
        ),
        ("Leave", ClientMessage::Session(SessionC2s::Leave)),
        (
            "Signal",
            ClientMessage::Call(CallC2s::Signal(SignalC2s {
                player: 70_000,
                body: "{\"candidate\":null}".into(),
            })),
        ),
        (
            "Media",
            ClientMessage::Status(StatusC2s::Media(MediaC2s {
                audio: true,
                video: false,
                screen: true,
            })),
        ),
        (
            "Status",
            ClientMessage::Status(StatusC2s::Set(SetStatusC2s { status: 3 })),
        ),
        (
            "Wave",
            ClientMessage::Status(StatusC2s::Wave(WaveC2s {
                player: 251,
                kind: 2,
            })),
        ),
        (
            "Lock",
            ClientMessage::Zone(ZoneC2s::Lock(LockC2s {
                zone: 300,
                locked: true,
            })),
        ),
        (
            "Knock",
            ClientMessage::Zone(ZoneC2s::Knock(KnockC2s { zone: 2 })),
        ),
        (
            "Admit",
            ClientMessage::Zone(ZoneC2s::Admit(AdmitC2s { player: 12 })),
        ),
        (
            "Block",
            ClientMessage::Block(BlockC2s {
                user: "0197a1b2-0000-7000-8000-00000000000b".into(),
                blocked: true,
            }),
        ),
        (
            "Forward",
            ClientMessage::Call(CallC2s::Sfu(SfuC2s {
                body: "{\"want\":[]}".into(),
            })),
        ),
        (
            "ChatEdit",
            ClientMessage::Chat(ChatC2s::Edit(ChatEditC2s {
                id: "l1".into(),
                text: "hello, world".into(),
            })),
        ),
        (
            "ChatDelete",
            ClientMessage::Chat(ChatC2s::Delete(ChatDeleteC2s { id: "l1".into() })),
        ),
        (
            "React",
            ClientMessage::Chat(ChatC2s::React(ReactC2s {
                id: "l1".into(),
                emoji: "👩‍🚀".into(),
                on: true,
            })),
        ),
        (
            "Typing",
            ClientMessage::Chat(ChatC2s::Typing(TypingC2s { on: false })),
        ),
        (
            "Bubble",
            ClientMessage::Bubble(BubbleC2s {
                deed: 2,
                bubble: 300,
            }),
        ),
        (
            "ChatBefore",
            ClientMessage::Chat(ChatC2s::Before(ChatBeforeC2s { id: "l1".into() })),
        ),
        ("Home", ClientMessage::Movement(MovementC2s::Home)),
        (
            "Follow",
            ClientMessage::Follow(FollowC2s { player: Some(300) }),
        ),
        ("Follow", ClientMessage::Follow(FollowC2s { player: None })),
    ]
}

fn message(client_id: Option<u32>, player: Option<u32>) -> ChatMessageS2c {
    ChatMessageS2c {
        id: "0197a1b2-0000-7000-8000-00000000000a".into(),
        client_id,
        player,
        user: "0197a1b2-0000-7000-8000-00000000000b".into(),
        name: "Zoë ‏שלום".into(),
        text: "<b>not bold</b>".into(),
        at: 1_795_000_000_123,
        scope: 1,
        reply_to: Some("l0".into()),
        edited: Some(1_795_000_009_000),
        deleted: false,
        reactions: vec![ReactionS2c {
            emoji: "❤️".into(),
            users: vec!["u1".into(), "u2".into()],
            more: 300,
        }],
    }
}

fn frame() -> FrameS2c {
    FrameS2c {
        header: HeaderS2c {
            tick: 123_456,
            epoch: 2,
            step: 0,
            own: Some(OwnS2c {
                ack: 300,
                state: OWN,
            }),
        },
        roster: Some(RosterS2c {
            full: true,
            came: vec![
                CardS2c {
                    player: 1,
                    user: "u1".into(),
                    name: "Ada".into(),
                    avatar: Some(AvatarS2c {
                        id: "a1".into(),
                        image_url: "/art/avatars/fox.svg".into(),
                    }),
                    status: 0,
                    media: 0,
                },
                CardS2c {
                    player: 900,
                    user: "u2".into(),
                    name: "Bo".into(),
                    avatar: None,
                    status: 3,
                    media: 5,
                },
            ],
            gone: vec![7, 4_000_000_000],
        }),
        cells: vec![
            CellS2c {
                index: 0,
                full: true,
                left: vec![],
                steps: vec![],
                entries: vec![
                    EntryS2c {
                        gap: 1,
                        bits: [0xff, 0xff, 0x2f],
                    },
                    EntryS2c {
                        gap: 899,
                        bits: [0, 0, 0x90],
                    },
                ],
            },
            CellS2c {
                index: 300,
                full: false,
                left: vec![5, 6],
                entries: vec![],
                steps: vec![
                    StepS2c {
                        gap: 14,
                        low: [0xff, 0x80],
                        turn: 9,
                    },
                    StepS2c {
                        gap: 15,
                        low: [0, 1],
                        turn: 0,
                    },
                    StepS2c {
                        gap: 4_000_000_000,
                        low: [2, 3],
                        turn: 6,
                    },
                ],
            },
        ],
        dropped: vec![12, 251],
    }
}

/// A typical frame: one player moved.
fn steady_frame() -> FrameS2c {
    FrameS2c {
        header: HeaderS2c {
            tick: 123_457,
            epoch: 2,
            step: 1,
            own: None,
        },
        roster: None,
        cells: vec![CellS2c {
            index: 7,
            steps: vec![StepS2c {
                gap: 9,
                low: [5, 6],
                turn: 4,
            }],
            ..CellS2c::default()
        }],
        dropped: vec![],
    }
}

/// Cells with every kind of list.
pub(super) fn cells() -> Vec<CellS2c> {
    [frame(), steady_frame()]
        .into_iter()
        .flat_map(|frame| frame.cells)
        .collect()
}

#[expect(clippy::too_many_lines, reason = "one vector of every message")]
pub(super) fn server_messages() -> Vec<(&'static str, ServerMessage)> {
    vec![
        (
            "Welcome",
            ServerMessage::Session(SessionS2c::Welcome(WelcomeS2c {
                player: 12,
                epoch: 3,
                tick: (1 << 53) - 1,
                tick_rate: 20,
                space_name: "Plaza".into(),
                width: 60,
                height: 1_000,
                map_version: 4,
                grid_hash: 0xdead_beef,
                own: OWN,
                blocked: vec!["0197a1b2-0000-7000-8000-00000000000b".into()],
            })),
        ),
        (
            "Refused",
            ServerMessage::Refused(RefusedS2c {
                code: 4404,
                message: "There is no such space.".into(),
            }),
        ),
        ("Frame", ServerMessage::Frame(frame())),
        ("Frame", ServerMessage::Frame(steady_frame())),
        (
            "Chat",
            ServerMessage::Chat(ChatS2c::Message(message(Some(3), Some(12)))),
        ),
        (
            "ChatRefused",
            ServerMessage::Chat(ChatS2c::Refused(ChatRefusedS2c {
                client_id: 3,
                message: "Too long.".into(),
            })),
        ),
        (
            "Emote",
            ServerMessage::Emote(EmoteS2c {
                player: 12,
                kind: 0,
            }),
        ),
        (
            "ElementPlaced",
            ServerMessage::Element(ElementS2c::Placed(ElementPlacedS2c {
                id: "p1".into(),
                element: "e1".into(),
                x: 3,
                y: 4,
                map_version: 5,
            })),
        ),
        (
            "ElementRemoved",
            ServerMessage::Element(ElementS2c::Removed(ElementRemovedS2c {
                id: "p1".into(),
                map_version: 6,
            })),
        ),
        (
            "MapChanged",
            ServerMessage::Element(ElementS2c::MapChanged(MapChangedS2c { map_version: 7 })),
        ),
        (
            "Pong",
            ServerMessage::Session(SessionS2c::Pong(PongS2c {
                nonce: 65_536,
                tick: 251,
            })),
        ),
        (
            "Notice",
            ServerMessage::Session(SessionS2c::Notice(NoticeS2c {
                code: "no-path".into(),
                message: "No way leads there.".into(),
            })),
        ),
        (
            "Peers",
            ServerMessage::Peers(PeersS2c {
                full: true,
                peers: vec![
                    PeerS2c {
                        player: 3,
                        hear: true,
                        heard: true,
                        see: false,
                        seen: false,
                        gain: 255,
                        why: 0,
                        route: 0,
                        polite: false,
                    },
                    PeerS2c {
                        player: 900,
                        hear: true,
                        heard: false,
                        see: true,
                        seen: false,
                        gain: 191,
                        why: 2,
                        route: 1,
                        polite: true,
                    },
                ],
                gone: vec![5, 70_000],
            }),
        ),
        (
            "Signal",
            ServerMessage::Call(CallS2c::Signal(SignalS2c {
                player: 12,
                body: "{\"description\":{\"type\":\"offer\"}}".into(),
            })),
        ),
        (
            "Waved",
            ServerMessage::Status(StatusS2c::Waved(WavedS2c {
                player: 12,
                kind: 1,
            })),
        ),
        (
            "Zone",
            ServerMessage::Zone(ZoneS2c::State(ZoneStateS2c {
                zone: 300,
                locked: true,
                people: 4,
                cap: 251,
                locked_by: Some(12),
            })),
        ),
        (
            "Knocked",
            ServerMessage::Zone(ZoneS2c::Knocked(KnockedS2c {
                player: 12,
                zone: 2,
            })),
        ),
        (
            "Admitted",
            ServerMessage::Zone(ZoneS2c::Admitted(AdmittedS2c { zone: 2 })),
        ),
        (
            "Portal",
            ServerMessage::Zone(ZoneS2c::Portal(PortalS2c {
                space: "0197a1b2-0000-7000-8000-000000000001".into(),
                arrive: "The door".into(),
            })),
        ),
        (
            "Forward",
            ServerMessage::Call(CallS2c::Sfu(SfuS2c {
                body: "{\"candidate\":null}".into(),
            })),
        ),
        (
            "ChatChanged",
            ServerMessage::Chat(ChatS2c::Changed(ChatChangedS2c {
                id: "l1".into(),
                text: None,
                at: 1_795_000_010_000,
            })),
        ),
        (
            "Reacted",
            ServerMessage::Chat(ChatS2c::Reacted(ReactedS2c {
                id: "l1".into(),
                user: "u1".into(),
                emoji: "🇳🇱".into(),
                on: false,
            })),
        ),
        (
            "Typing",
            ServerMessage::Chat(ChatS2c::Typing(TypingS2c {
                player: 300,
                on: true,
            })),
        ),
        (
            "Direct",
            ServerMessage::Direct(DirectMessageS2c {
                id: "d1".into(),
                client_id: Some(9),
                from: "u1".into(),
                name: "Ada".into(),
                to: "u2".into(),
                text: "just you".into(),
                at: 1_795_000_011_000,
            }),
        ),
        (
            "Bubbles",
            ServerMessage::Bubble(BubbleS2c::Changed(BubblesS2c {
                full: true,
                bubbles: vec![
                    BubbleStateS2c {
                        bubble: 1,
                        aside: false,
                        locked: true,
                        players: vec![3, 70_000],
                    },
                    BubbleStateS2c {
                        bubble: 300,
                        aside: true,
                        locked: false,
                        players: vec![],
                    },
                ],
            })),
        ),
        (
            "BubbleKnocked",
            ServerMessage::Bubble(BubbleS2c::Knocked(BubbleKnockedS2c { player: 251 })),
        ),
        (
            "History",
            ServerMessage::Chat(ChatS2c::History(HistoryS2c {
                before: Some("l9".into()),
                lines: vec![message(None, None)],
                more: true,
            })),
        ),
        (
            "Missed",
            ServerMessage::Session(SessionS2c::Missed(MissedS2c { map_version: 300 })),
        ),
        (
            "BubbleAsked",
            ServerMessage::Bubble(BubbleS2c::Asked(BubbleAskedS2c {
                player: 251,
                aside: true,
            })),
        ),
        (
            "Followed",
            ServerMessage::Follow(FollowedS2c {
                player: 300,
                on: true,
            }),
        ),
    ]
}

#[test]
fn every_message_reads_back_as_it_was_written() {
    for (_, message) in client_messages() {
        assert_eq!(decode::<ClientMessage>(&encode(&message)).unwrap(), message);
    }
    for (_, message) in server_messages() {
        assert_eq!(decode::<ServerMessage>(&encode(&message)).unwrap(), message);
    }
}

#[test]
fn a_cut_or_longer_message_is_refused() {
    for (name, message) in client_messages() {
        let bytes = encode(&message);
        for length in 0..bytes.len() {
            assert!(
                decode::<ClientMessage>(&bytes[..length]).is_err(),
                "{name} cut to {length} bytes"
            );
        }
        assert!(
            decode::<ClientMessage>(&[&bytes[..], &[0]].concat()).is_err(),
            "{name} with an extra byte"
        );
    }
}

#[test]
fn frames_hellos_and_refusals_begin_with_the_numbers_that_are_read_and_written_by_hand() {
    assert_eq!(encode(&ServerMessage::Frame(frame()))[0], FRAME_VARIANT);
    let (_, hello) = &client_messages()[0];
    let front = encode(&(HELLO_VARIANT, VERSION, 0x0102_0304_u32));
    assert!(encode(hello).starts_with(&front));
    let (code, message) = (close::OUTDATED, "Reload.".to_owned());
    let front = encode(&(REFUSED_VARIANT, code, &message));
    let refused = ServerMessage::Refused(RefusedS2c { code, message });
    assert_eq!(encode(&refused), front);
}
