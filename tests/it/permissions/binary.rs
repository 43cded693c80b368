//! Every message of the binary protocol, sent by each role and by an admin of the server. A new
//! message needs an arm in [`tries`].

use std::collections::BTreeSet;

use plaza::components::permissions::SpaceRole;
use plaza::net::codec::decode;
use plaza::net::protocol::block::BlockC2s;
use plaza::net::protocol::bubble::{BubbleC2s, BubbleS2c};
use plaza::net::protocol::call::{CallC2s, CallS2c, SignalC2s};
use plaza::net::protocol::chat::{
    ChatBeforeC2s, ChatC2s, ChatDeleteC2s, ChatEditC2s, ChatS2c, ChatSendC2s, ReactC2s, TypingC2s,
};
use plaza::net::protocol::close;
use plaza::net::protocol::emote::EmoteC2s;
use plaza::net::protocol::follow::FollowC2s;
use plaza::net::protocol::movement::{InputC2s, MovementC2s, WalkToC2s, WalkToPlayerC2s};
use plaza::net::protocol::session::{PingC2s, SessionC2s, SessionS2c};
use plaza::net::protocol::status::{MediaC2s, SetStatusC2s, StatusC2s, StatusS2c, WaveC2s};
use plaza::net::protocol::zone::{AdmitC2s, KnockC2s, ZoneC2s};
use plaza::net::protocol::{ClientMessage, ServerMessage};
use serde::Deserialize;

use super::{Need, Staff, Table, Watch, Who};
use crate::chat::said;
use crate::clients::{BinaryClient, Stranger, hello, is_chat, is_notice};
use crate::harness::Person;

/// An id of nothing.
const NOTHING: &str = "018f0000-0000-7000-8000-000000000000";

type Test = Box<dyn Fn(&ServerMessage) -> bool>;

/// What follows when a message is carried out.
enum Follows {
    /// The watcher is shown this, and is not when the sender may not do it.
    Others(Test),
    /// The sender is sent this, in any role.
    Sender(Test),
    /// Nothing that others are told of for certain.
    Unseen,
    /// The connection is closed with this code, in any role.
    Close(u16),
}

/// A message, what it needs, and what follows.
struct Try {
    message: ClientMessage,
    need: Need,
    follows: Follows,
}

impl Try {
    /// Whether a message is the answer that the sender waits for.
    const fn answer(&self) -> Option<&Test> {
        match &self.follows {
            Follows::Sender(is_it) => Some(is_it),
            Follows::Others(_) | Follows::Unseen | Follows::Close(_) => None,
        }
    }
}

/// Who and what the messages are about.
struct About {
    /// The sender's player.
    player: u32,
    /// The watcher's player.
    watcher: u32,
    /// Messages of the sender and of the watcher.
    own: [String; 2],
    theirs: [String; 2],
    token: String,
    space: String,
}

fn others(
    message: ClientMessage,
    need: Need,
    is_it: impl Fn(&ServerMessage) -> bool + 'static,
) -> Try {
    let follows = Follows::Others(Box::new(is_it));
    Try {
        message,
        need,
        follows,
    }
}

fn sender(message: ClientMessage, is_it: impl Fn(&ServerMessage) -> bool + 'static) -> Try {
    let follows = Follows::Sender(Box::new(is_it));
    Try {
        message,
        need: Need::Token,
        follows,
    }
}

const fn unseen(message: ClientMessage) -> Try {
    Try {
        message,
        need: Need::Token,
        follows: Follows::Unseen,
    }
}

const fn closes(message: ClientMessage, code: u16) -> Try {
    Try {
        message,
        need: Need::Token,
        follows: Follows::Close(code),
    }
}

/// Tries of the kind of the example, one or more.
fn tries(example: &ClientMessage, about: &About) -> Vec<Try> {
    match example {
        ClientMessage::Hello(_) => {
            let again = ClientMessage::Hello(hello(&about.token, &about.space));
            vec![closes(again, close::MALFORMED)]
        }
        ClientMessage::Input(_) => vec![moves(ClientMessage::Input(InputC2s {
            seq: 1,
            direction: 1,
            run: false,
        }))],
        ClientMessage::Session(kind) => of_session(kind),
        ClientMessage::Movement(kind) => of_movement(kind, about),
        ClientMessage::Chat(kind) => of_chat(kind, about),
        ClientMessage::Emote(_) => {
            let player = about.player;
            let is_it = move |message: &ServerMessage| match message {
                ServerMessage::Emote(emote) => emote.player == player,
                _ => false,
            };
            let emote = ClientMessage::Emote(EmoteC2s { kind: 0 });
            vec![others(emote, Need::Token, is_it)]
        }
        ClientMessage::Call(kind) => of_calls(kind, about),
        ClientMessage::Status(kind) => of_status(kind, about),
        ClientMessage::Zone(kind) => vec![unseen(ClientMessage::Zone(match kind {
            ZoneC2s::Lock(lock) => ZoneC2s::Lock(lock.clone()),
            ZoneC2s::Knock(_) => ZoneC2s::Knock(KnockC2s { zone: 0 }),
            ZoneC2s::Admit(_) => ZoneC2s::Admit(AdmitC2s {
                player: about.watcher,
            }),
        }))],
        ClientMessage::Follow(_) => {
            let player = about.player;
            let is_it = move |message: &ServerMessage| match message {
                ServerMessage::Follow(followed) => followed.player == player,
                _ => false,
            };
            let follow = |player| ClientMessage::Follow(FollowC2s { player });
            vec![
                others(follow(Some(about.watcher)), Need::Token, is_it),
                others(follow(None), Need::Token, is_it),
            ]
        }
        ClientMessage::Bubble(_) => of_bubbles(about),
        ClientMessage::Block(_) => {
            let block = ClientMessage::Block(BlockC2s {
                user: NOTHING.into(),
                blocked: true,
            });
            vec![sender(block, |message| is_notice(message, "not-blocked"))]
        }
    }
}

/// The sender is told of the last input that counted.
fn moves(message: ClientMessage) -> Try {
    sender(message, |message| match message {
        ServerMessage::Frame(frame) => frame.header.own.is_some_and(|own| own.ack >= 1),
        _ => false,
    })
}

fn of_session(kind: &SessionC2s) -> Vec<Try> {
    let message = ClientMessage::Session(kind.clone());
    vec![match kind {
        SessionC2s::View(_) => unseen(message),
        SessionC2s::Ping(ping) => {
            let nonce = ping.nonce;
            sender(message, move |message| {
                matches!(
                    message,
                    ServerMessage::Session(SessionS2c::Pong(answer)) if answer.nonce == nonce
                )
            })
        }
        SessionC2s::Leave => closes(message, close::LEFT),
    }]
}

fn of_movement(kind: &MovementC2s, about: &About) -> Vec<Try> {
    vec![match kind {
        MovementC2s::WalkTo(_) => {
            let walk = WalkToC2s { seq: 2, x: 1, y: 1 };
            moves(ClientMessage::Movement(MovementC2s::WalkTo(walk)))
        }
        MovementC2s::WalkToPlayer(_) => {
            let walk = WalkToPlayerC2s {
                seq: 3,
                player: about.watcher,
            };
            moves(ClientMessage::Movement(MovementC2s::WalkToPlayer(walk)))
        }
        MovementC2s::Home => unseen(ClientMessage::Movement(MovementC2s::Home)),
    }]
}

fn of_chat(kind: &ChatC2s, about: &About) -> Vec<Try> {
    let chat = ClientMessage::Chat;
    let changed = |id: &String| {
        let id = id.clone();
        move |message: &ServerMessage| {
            matches!(
                message,
                ServerMessage::Chat(ChatS2c::Changed(changed)) if changed.id == id
            )
        }
    };
    match kind {
        ChatC2s::Send(_) => {
            let needs = [
                Need::InSpace("WriteToSpace"),
                Need::Token,
                Need::InSpace("Announce"),
            ];
            let send = |(scope, need): (usize, Need)| {
                let text = format!("scope {scope}");
                let message = chat(ChatC2s::Send(ChatSendC2s {
                    client_id: 100,
                    text: text.clone(),
                    scope: scope as u8,
                    reply_to: None,
                }));
                others(message, need, move |message| is_chat(message, &text))
            };
            needs.into_iter().enumerate().map(send).collect()
        }
        ChatC2s::Edit(_) => {
            let edit = |id: &String, need| {
                let text = "edited".to_owned();
                let message = chat(ChatC2s::Edit(ChatEditC2s {
                    id: id.clone(),
                    text,
                }));
                others(message, need, changed(id))
            };
            vec![
                edit(&about.own[0], Need::Token),
                edit(&about.theirs[0], Need::NoOne),
            ]
        }
        ChatC2s::Delete(_) => {
            let delete = |id: &String, need| {
                let message = chat(ChatC2s::Delete(ChatDeleteC2s { id: id.clone() }));
                others(message, need, changed(id))
            };
            vec![
                delete(&about.own[1], Need::Token),
                delete(&about.theirs[1], Need::InSpace("DeleteMessages")),
            ]
        }
        ChatC2s::React(_) => {
            let react = chat(ChatC2s::React(ReactC2s {
                id: about.theirs[0].clone(),
                emoji: "👍".into(),
                on: true,
            }));
            vec![others(react, Need::Token, |message| {
                matches!(message, ServerMessage::Chat(ChatS2c::Reacted(_)))
            })]
        }
        ChatC2s::Typing(_) => {
            let typing = chat(ChatC2s::Typing(TypingC2s { on: true }));
            vec![others(typing, Need::Token, |message| {
                matches!(message, ServerMessage::Chat(ChatS2c::Typing(_)))
            })]
        }
        ChatC2s::Before(_) => {
            let id = about.theirs[0].clone();
            let before = chat(ChatC2s::Before(ChatBeforeC2s { id: id.clone() }));
            vec![sender(before, move |message| {
                matches!(
                    message,
                    ServerMessage::Chat(ChatS2c::History(history))
                        if history.before.as_ref() == Some(&id)
                )
            })]
        }
    }
}

fn of_calls(kind: &CallC2s, about: &About) -> Vec<Try> {
    match kind {
        CallC2s::Signal(_) => {
            let signal = ClientMessage::Call(CallC2s::Signal(SignalC2s {
                player: about.watcher,
                body: "ring".into(),
            }));
            vec![others(signal, Need::Token, |message| match message {
                ServerMessage::Call(CallS2c::Signal(signal)) => signal.body == "ring",
                _ => false,
            })]
        }
        CallC2s::Sfu(request) => {
            let request = CallC2s::Sfu(request.clone());
            vec![unseen(ClientMessage::Call(request))]
        }
    }
}

fn of_status(kind: &StatusC2s, about: &About) -> Vec<Try> {
    let player = about.player;
    vec![match kind {
        StatusC2s::Media(_) => {
            let media = ClientMessage::Status(StatusC2s::Media(MediaC2s {
                audio: true,
                video: true,
                screen: false,
            }));
            let is_it = move |message: &ServerMessage| {
                cards(message).any(|(shown, _, media)| shown == player && media == 3)
            };
            others(media, Need::Token, is_it)
        }
        StatusC2s::Set(_) => {
            let busy = ClientMessage::Status(StatusC2s::Set(SetStatusC2s { status: 1 }));
            let is_it = move |message: &ServerMessage| {
                cards(message).any(|(shown, status, _)| shown == player && status == 1)
            };
            others(busy, Need::Token, is_it)
        }
        StatusC2s::Wave(_) => {
            let wave = ClientMessage::Status(StatusC2s::Wave(WaveC2s {
                player: about.watcher,
                kind: 0,
            }));
            let is_it = move |message: &ServerMessage| {
                matches!(
                    message,
                    ServerMessage::Status(StatusS2c::Waved(waved)) if waved.player == player
                )
            };
            others(wave, Need::Token, is_it)
        }
    }]
}

/// Players, with status and media, whose cards the message shows.
fn cards(message: &ServerMessage) -> impl Iterator<Item = (u32, u8, u8)> {
    let roster = match message {
        ServerMessage::Frame(frame) => frame.roster.as_ref(),
        _ => None,
    };
    let came = roster.into_iter().flat_map(|roster| &roster.came);
    came.map(|card| (card.player, card.status, card.media))
}

fn of_bubbles(about: &About) -> Vec<Try> {
    let player = about.player;
    let act = |action| ClientMessage::Bubble(BubbleC2s { action, bubble: 0 });
    let invited = others(act(0), Need::Token, move |message| {
        matches!(
            message,
            ServerMessage::Bubble(BubbleS2c::Asked(asked)) if asked.player == player
        )
    });
    let others = [3, 4, 5, 6, 7].map(|action| unseen(act(action)));
    std::iter::once(invited).chain(others).collect()
}

#[derive(Deserialize)]
struct Vector {
    hex: String,
    name: String,
}

#[derive(Deserialize)]
struct Vectors {
    client: Vec<Vector>,
}

/// An example of each message of clients. A test of the protocol fails while one is missing.
fn examples() -> Vec<ClientMessage> {
    let vectors = include_str!("../../golden/protocol.json");
    let vectors: Vectors = serde_json::from_str(vectors).unwrap();
    let mut named = BTreeSet::new();
    let first = vectors
        .client
        .into_iter()
        .filter(|vector| named.insert(vector.name.clone()));
    first
        .map(|vector| {
            let digits = vector.hex.as_bytes().chunks(2);
            let bytes = digits.map(|two| {
                let two = str::from_utf8(two).unwrap();
                u8::from_str_radix(two, 16).unwrap()
            });
            decode(&bytes.collect::<Vec<_>>()).unwrap()
        })
        .collect()
}

/// Each message once: the watcher is shown what the sender may do, and nothing else. A muted sender
/// is muted in all.
async fn try_all(staff: &Staff, table: &Table, (who, person): (Who, &Person), is_muted: bool) {
    let mut watch = Watch::join(staff).await;
    let (address, space) = (&staff.server.address, &staff.space);
    let mut client = BinaryClient::join(address, person, space).await;
    let player = watch.meets(&person.id).await;
    let may_write = table.allows(Need::InSpace("WriteToSpace"), who);
    let mut own = [NOTHING.to_owned(), NOTHING.to_owned()];
    for (number, id) in own.iter_mut().enumerate().filter(|_| may_write) {
        let text = format!("own {number} of {}", who.word());
        client.chat(number as u32, &text).await;
        *id = said(&mut client, &text).await.id;
    }
    let about = About {
        player,
        watcher: watch.client.welcome.player,
        own,
        theirs: [watch.says("theirs").await, watch.says("theirs too").await],
        token: person.token.clone(),
        space: space.clone(),
    };
    if is_muted {
        staff.mute(person).await;
        watch.loses(player).await;
    }
    let all = examples();
    let all = all.iter().flat_map(|example| tries(example, &about));
    let (last, all): (Vec<Try>, Vec<Try>) =
        all.partition(|one| matches!(one.follows, Follows::Close(_)));
    for one in &all {
        client.say(&one.message).await;
    }
    is_answered(&mut client, &all).await;
    let shown = watch.rest().await;
    for one in &all {
        let what = format!("{:?} of {}", one.message, who.word());
        match &one.follows {
            Follows::Others(is_it) => {
                let is_taken = is_muted && is_taken_by_mutes(&one.message);
                // Without a role nothing of one's own was there to be changed.
                let is_there = may_write || !is_about(&one.message, NOTHING);
                let expected = table.allows(one.need, who) && is_there && !is_taken;
                assert_eq!(shown.iter().any(is_it), expected, "{what}");
            }
            Follows::Sender(_) | Follows::Unseen | Follows::Close(_) => {}
        }
    }
    watch.leaves().await;
    for one in last {
        let Follows::Close(code) = one.follows else {
            unreachable!()
        };
        let mut client = BinaryClient::join(address, person, space).await;
        client.say(&one.message).await;
        assert_eq!(client.ended().await, Some(code), "{:?}", one.message);
    }
}

/// Whether the message is about the message with that id.
fn is_about(message: &ClientMessage, id: &str) -> bool {
    match message {
        ClientMessage::Chat(ChatC2s::Edit(edit)) => edit.id == id,
        ClientMessage::Chat(ChatC2s::Delete(delete)) => delete.id == id,
        _ => false,
    }
}

/// Whether a user who is muted in chat, voice and video may not say it, or it is not shown.
fn is_taken_by_mutes(message: &ClientMessage) -> bool {
    match message {
        ClientMessage::Chat(message) => match message {
            ChatC2s::Send(_) | ChatC2s::Edit(_) | ChatC2s::React(_) | ChatC2s::Typing(_) => true,
            ChatC2s::Delete(_) | ChatC2s::Before(_) => false,
        },
        ClientMessage::Status(message) => match message {
            StatusC2s::Media(_) => true,
            StatusC2s::Set(_) | StatusC2s::Wave(_) => false,
        },
        ClientMessage::Hello(_)
        | ClientMessage::Input(_)
        | ClientMessage::Session(_)
        | ClientMessage::Movement(_)
        | ClientMessage::Emote(_)
        | ClientMessage::Call(_)
        | ClientMessage::Zone(_)
        | ClientMessage::Follow(_)
        | ClientMessage::Bubble(_)
        | ClientMessage::Block(_) => false,
    }
}

/// Waits until the client was sent all answers, and the server has read everything.
async fn is_answered(client: &mut BinaryClient, tries: &[Try]) {
    let ping = PingC2s { nonce: 77 };
    let ping = ClientMessage::Session(SessionC2s::Ping(ping));
    client.say(&ping).await;
    let mut open: Vec<&Test> = tries.iter().filter_map(Try::answer).collect();
    let is_pong: Test = Box::new(|message| {
        matches!(
            message,
            ServerMessage::Session(SessionS2c::Pong(answer)) if answer.nonce == 77
        )
    });
    open.push(&is_pong);
    client
        .until(|_, message| {
            open.retain(|is_it| !is_it(message));
            open.is_empty()
        })
        .await;
}

#[tokio::test]
async fn each_role_may_say_over_the_binary_protocol_what_the_table_says() {
    let staff = Staff::hired().await;
    for (who, person) in staff.everyone() {
        try_all(&staff, &Table::read(), (who, &person), false).await;
    }
    staff.server.stop().await;
}

#[tokio::test]
async fn each_role_may_say_over_the_binary_protocol_what_the_owner_hands_out() {
    let staff = Staff::hired().await;
    let mut table = Table::read();
    staff.hand_out("say", "member").await;
    table.replace("WriteToSpace", "no no yes yes yes yes");
    for (who, person) in staff.everyone() {
        try_all(&staff, &table, (who, &person), false).await;
    }
    staff.server.stop().await;
}

#[tokio::test]
async fn nothing_that_a_mute_takes_away_is_shown() {
    let staff = Staff::hired().await;
    for (who, person) in staff.everyone() {
        let is_below = matches!(who, Who::Role(role) if role < SpaceRole::Owner);
        if is_below {
            try_all(&staff, &Table::read(), (who, &person), true).await;
        }
    }
    staff.server.stop().await;
}

#[tokio::test]
async fn nothing_is_done_for_a_client_that_has_not_joined() {
    let staff = Staff::hired().await;
    let mut watch = Watch::join(&staff).await;
    let theirs = [watch.says("theirs").await, watch.says("theirs too").await];
    let about = About {
        player: 0,
        watcher: watch.client.welcome.player,
        own: [NOTHING.to_owned(), NOTHING.to_owned()],
        theirs,
        token: "nothing".into(),
        space: staff.space.clone(),
    };
    let before = watch.rest().await;
    assert!(!before.is_empty());
    for example in examples() {
        for one in tries(&example, &about) {
            let mut client = Stranger::connect(&staff.server.address).await;
            client.say(&one.message).await;
            let is_hello = matches!(one.message, ClientMessage::Hello(_));
            let code = if is_hello {
                close::SIGNED_OUT
            } else {
                close::MALFORMED
            };
            assert_eq!(client.refused().await, code, "{:?}", one.message);
        }
    }
    let shown = watch.rest().await;
    let is_quiet = |message: &ServerMessage| matches!(message, ServerMessage::Frame(_));
    let others: Vec<_> = shown.iter().filter(|one| !is_quiet(one)).collect();
    assert_eq!(others.len(), 1, "{others:?}");
    staff.server.stop().await;
}
