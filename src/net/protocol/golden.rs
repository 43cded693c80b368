//! Golden: examples of every message, read by these tests and by those of the web client. Those of
//! a domain are in its file.

use super::block::BlockC2s;
use super::bubble::{BubbleC2s, BubbleS2c};
use super::call::{CallC2s, CallS2c};
use super::chat::{ChatC2s, ChatS2c};
use super::direct::DirectMessageS2c;
use super::element::ElementS2c;
use super::emote::{EmoteC2s, EmoteS2c};
use super::follow::{FollowC2s, FollowedS2c};
use super::frame::{
    AvatarS2c, CardS2c, CellS2c, EntryS2c, FrameS2c, HeaderS2c, OwnS2c, RosterS2c, StepS2c,
};
use super::movement::{InputC2s, MovementC2s, OWN};
use super::peers::PeersS2c;
use super::session::{HelloC2s, RefusedS2c, SessionC2s, SessionS2c};
use super::status::{StatusC2s, StatusS2c};
use super::zone::{ZoneC2s, ZoneS2c};
use super::{
    ClientMessage, FRAME_VARIANT, HELLO_VARIANT, REFUSED_VARIANT, ServerMessage, VERSION, close,
};
use crate::net::codec::{decode, encode};

/// The messages of each domain, as those of the whole protocol.
macro_rules! all {
    ($messages:ident: $($variant:ident($type:ty)),+ $(,)?) => {
        [$(<$type>::examples().into_iter().map($messages::$variant).collect::<Vec<_>>()),+].concat()
    };
}

pub(super) fn client_messages() -> Vec<ClientMessage> {
    all!(ClientMessage:
        Hello(HelloC2s),
        Input(InputC2s),
        Session(SessionC2s),
        Movement(MovementC2s),
        Chat(ChatC2s),
        Emote(EmoteC2s),
        Call(CallC2s),
        Status(StatusC2s),
        Zone(ZoneC2s),
        Follow(FollowC2s),
        Bubble(BubbleC2s),
        Block(BlockC2s),
    )
}

pub(super) fn server_messages() -> Vec<ServerMessage> {
    all!(ServerMessage:
        Session(SessionS2c),
        Refused(RefusedS2c),
        Frame(FrameS2c),
        Chat(ChatS2c),
        Emote(EmoteS2c),
        Element(ElementS2c),
        Peers(PeersS2c),
        Call(CallS2c),
        Status(StatusS2c),
        Zone(ZoneS2c),
        Bubble(BubbleS2c),
        Follow(FollowedS2c),
        Direct(DirectMessageS2c),
    )
}

impl FrameS2c {
    fn examples() -> Vec<Self> {
        vec![frame(), steady_frame()]
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

#[test]
fn every_message_reads_back_as_it_was_written() {
    for message in client_messages() {
        assert_eq!(decode::<ClientMessage>(&encode(&message)).unwrap(), message);
    }
    for message in server_messages() {
        assert_eq!(decode::<ServerMessage>(&encode(&message)).unwrap(), message);
    }
}

#[test]
fn a_cut_or_longer_message_is_refused() {
    for message in client_messages() {
        let bytes = encode(&message);
        for length in 0..bytes.len() {
            assert!(
                decode::<ClientMessage>(&bytes[..length]).is_err(),
                "{message:?} cut to {length} bytes"
            );
        }
        assert!(
            decode::<ClientMessage>(&[&bytes[..], &[0]].concat()).is_err(),
            "{message:?} with an extra byte"
        );
    }
}

#[test]
fn frames_hellos_and_refusals_begin_with_the_numbers_that_are_read_and_written_by_hand() {
    assert_eq!(encode(&ServerMessage::Frame(frame()))[0], FRAME_VARIANT);
    let hello = ClientMessage::Hello(HelloC2s::examples().remove(0));
    let front = encode(&(HELLO_VARIANT, VERSION, 0x0102_0304_u32));
    assert!(encode(&hello).starts_with(&front));
    let (code, message) = (close::OUTDATED, "Reload.".to_owned());
    let front = encode(&(REFUSED_VARIANT, code, &message));
    let refused = ServerMessage::Refused(RefusedS2c { code, message });
    assert_eq!(encode(&refused), front);
}
