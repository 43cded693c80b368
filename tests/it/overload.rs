//! Overload: what one client sends and asks for never disconnects or blocks another.

use std::collections::BTreeSet;
use std::sync::Arc;

use plaza::components::chat::COMMON_REACTIONS;
use plaza::net::protocol::block::BlockC2s;
use plaza::net::protocol::call::{CallC2s, CallS2c, SignalC2s};
use plaza::net::protocol::chat::{
    ChatBeforeC2s, ChatC2s, ChatEditC2s, ChatMessageS2c, ChatS2c, HistoryS2c, ReactC2s,
    ReactionS2c, TypingC2s,
};
use plaza::net::protocol::emote::EmoteC2s;
use plaza::net::protocol::peers::PeersS2c;
use plaza::net::protocol::session::SessionC2s;
use plaza::net::protocol::{ClientMessage, ServerMessage};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use crate::clients::{BinaryClient, JsonClient, Stranger, is_chat};
use crate::cluster::say;
use crate::harness::{Person, TestServer, text};

/// Almost the longest message: 4,000 characters of four bytes.
fn long(number: usize) -> String {
    format!("{}{number:03}", "😀".repeat(3_997))
}

async fn kept_space(server: &TestServer, owner: &Person) -> String {
    let request = json!({"name": "Minutes", "dimensions": "20x20", "chat": "kept"});
    text(&server.post("/space", Some(owner), request).await.fine()["spaceId"])
}

async fn history(client: &mut BinaryClient, before: &str) -> HistoryS2c {
    let id = before.to_owned();
    client
        .say(&ClientMessage::Chat(ChatC2s::Before(ChatBeforeC2s { id })))
        .await;
    let answer = client
        .until(|_, message| matches!(message, ServerMessage::Chat(ChatS2c::History(_))))
        .await;
    let ServerMessage::Chat(ChatS2c::History(history)) = answer else {
        unreachable!("only a history ends the wait")
    };
    assert_eq!(history.before.as_deref(), Some(before));
    history
}

fn bytes(messages: &[ChatMessageS2c]) -> usize {
    messages
        .iter()
        .map(|message| plaza::net::codec::encode(message).len())
        .sum()
}

/// Pages that a connection reads; no more than it may at once.
const LOOKS_BACK: usize = 15;

/// Joins and pages back to the beginning; every page is small.
async fn read_all(server: &TestServer, who: &Person, space: &str) -> Vec<ChatMessageS2c> {
    let mut client = BinaryClient::join(&server.address, who, space).await;
    let mut messages = client.history.clone();
    assert!(
        !messages.is_empty() && bytes(&messages) <= 32 * 1024,
        "{} bytes",
        bytes(&messages)
    );
    for page in 1.. {
        if page % LOOKS_BACK == 0 {
            client = BinaryClient::join(&server.address, who, space).await;
        }
        let earlier = history(&mut client, &messages[0].id.clone()).await;
        assert!(
            bytes(&earlier.messages) <= 32 * 1024,
            "{} bytes",
            bytes(&earlier.messages)
        );
        messages.splice(..0, earlier.messages);
        if !earlier.more {
            break;
        }
    }
    client.ping(1).await;
    messages
}

/// The numbers at the end of the messages.
fn endings(messages: &[ChatMessageS2c]) -> Vec<&str> {
    let numbers = messages
        .iter()
        .map(|message| message.text.trim_start_matches('😀'));
    numbers.collect()
}

pub async fn three_people(server: &TestServer) -> [Person; 3] {
    [
        server.user("ada").await,
        server.user("bob").await,
        server.user("cleo").await,
    ]
}

#[tokio::test]
async fn everyone_can_join_a_space_full_of_long_messages_and_reactions() {
    let server = TestServer::start().await;
    let owner = server.user("owner").await;
    let space = kept_space(&server, &owner).await;
    for speaker in 0..13 {
        let who = server.user(&format!("speaker {speaker}")).await;
        let mut client = BinaryClient::join(&server.address, &who, &space).await;
        for id in 0..4 {
            say(&mut client, id, &long(speaker * 4 + id as usize)).await;
        }
    }
    let late = server.user("late").await;
    let lines = read_all(&server, &late, &space).await;
    assert_eq!(lines.len(), 50);
    assert!(bytes(&lines) > 50 * 15_900, "{} bytes", bytes(&lines));
    // A hundred people react with five emoji to each of four messages.
    for fan in 0..100 {
        let who = server.user(&format!("fan {fan}")).await;
        let mut client = BinaryClient::join(&server.address, &who, &space).await;
        let others = "😀😃😄😁😆😅🙂🙃😉😊😇😍".chars().map(String::from);
        let common = COMMON_REACTIONS.map(String::from).into_iter();
        let kinds: Vec<String> = common.chain(others).collect();
        for line in &lines[46..] {
            for emoji in &kinds[fan % 4 * 5..][..5] {
                let react = ReactC2s {
                    id: line.id.clone(),
                    emoji: emoji.clone(),
                    on: true,
                };
                client
                    .say(&ClientMessage::Chat(ChatC2s::React(react)))
                    .await;
            }
        }
        client.ping(1).await;
    }
    let seen = loop {
        let seen = read_all(&server, &late, &space).await;
        let mut kinds = seen[46..].iter().flat_map(|line| &line.reactions);
        let is_whole = |kind: &ReactionS2c| kind.users.len() + kind.more as usize == 25;
        if kinds.clone().count() == 4 * 20 && kinds.clone().all(is_whole) {
            assert!(kinds.all(|kind| kind.users.len() == 16));
            break seen;
        }
    };
    let mut json_client = JsonClient::connect(&server.address).await;
    json_client.enter(&owner, &space, json!(["history"])).await;
    let mut page = json_client.expect("history").await;
    let mut count = 0;
    for number in 1.. {
        let messages = page["messages"].as_array().unwrap();
        assert!(page.to_string().len() <= 33 * 1024);
        count += messages.len();
        if page["more"] != true {
            break;
        }
        let before = json!({"before": messages[0]["id"]});
        if number % LOOKS_BACK == 0 {
            json_client = JsonClient::connect(&server.address).await;
            json_client.enter(&owner, &space, json!([])).await;
        }
        json_client.say("history", before).await;
        page = loop {
            let mut message = json_client.next().await;
            if message["type"] == "history" {
                break message["payload"].take();
            }
        };
    }
    assert_eq!(count, 50);
    drop(json_client);
    let folder = server.stop().await;
    let server = TestServer::start_in(Arc::clone(&folder), |_| {}).await;
    let again = read_all(&server, &owner, &space).await;
    assert_eq!(endings(&again), endings(&seen));
    let reactions = |lines: &[ChatMessageS2c]| {
        let kinds = lines.iter().flat_map(|line| &line.reactions);
        kinds
            .map(|kind| kind.users.len() + kind.more as usize)
            .sum::<usize>()
    };
    assert_eq!((reactions(&seen), reactions(&again)), (2_000, 2_000));
    server.stop().await;
}

#[tokio::test]
async fn signals_slow_only_their_sender_down() {
    let server = TestServer::start().await;
    let [ada_user, bob_user, cleo_user] = three_people(&server).await;
    let space = server.space(&ada_user, "5x5").await;
    let mut ada = BinaryClient::join(&server.address, &ada_user, &space).await;
    let mut bob = BinaryClient::join(&server.address, &bob_user, &space).await;
    let mut json_client = JsonClient::connect(&server.address).await;
    json_client
        .enter(&cleo_user, &space, json!(["nearby"]))
        .await;
    let mut near = BTreeSet::new();
    bob.until(|_, message| {
        if let ServerMessage::Peers(peers) = message {
            near.extend(peers.peers.iter().map(|peer| peer.player));
        }
        near.len() == 2
    })
    .await;
    let ada_player = ada.welcome.player;
    let cleo_player = bob.sees(&cleo_user.id).await;
    for number in 0..12 {
        for to in [ada_player, cleo_player] {
            let body = format!("{number:05}").repeat(2_457);
            bob.say(&ClientMessage::Call(CallC2s::Signal(SignalC2s {
                player: to,
                body,
            })))
            .await;
        }
    }
    for number in 0..12 {
        let signal = ada
            .until(|_, message| matches!(message, ServerMessage::Call(CallS2c::Signal(_))))
            .await;
        assert!(
            matches!(signal, ServerMessage::Call(CallS2c::Signal(signal))
                if signal.body.starts_with(&format!("{number:05}")))
        );
    }
    let mut heard = 0;
    while heard < 12 {
        heard += usize::from(json_client.next().await["type"] == "signal");
    }
    ada.ping(1).await;
    bob.ping(1).await;
    server.stop().await;
}

#[tokio::test]
async fn message_changes_never_disconnect_others() {
    let server = TestServer::start().await;
    let [ada_user, bob_user] = [server.user("ada").await, server.user("bob").await];
    let space = kept_space(&server, &ada_user).await;
    let mut ada = BinaryClient::join(&server.address, &ada_user, &space).await;
    let (mut json_client, _) =
        JsonClient::join(&server.address, &server.user("cleo").await, &space).await;
    let mut bob = BinaryClient::join(&server.address, &bob_user, &space).await;
    say(&mut bob, 1, "hello").await;
    let id = bob.history.first().map(|line| line.id.clone());
    let id = if let Some(id) = id {
        id
    } else {
        let line = ada
            .until(|_, message| matches!(message, ServerMessage::Chat(ChatS2c::Message(_))))
            .await;
        let ServerMessage::Chat(ChatS2c::Message(line)) = line else {
            unreachable!("only messages end the wait")
        };
        line.id
    };
    for number in 0..20 {
        let edit = ChatEditC2s {
            id: id.clone(),
            text: long(number),
        };
        bob.say(&ClientMessage::Chat(ChatC2s::Edit(edit))).await;
    }
    bob.ping(1).await;
    bob.say(&ClientMessage::Session(SessionC2s::Leave)).await;
    while server
        .get(&format!("/space/{space}/chat"), Some(&bob_user))
        .await
        .fine()["lines"]
        == json!([])
    {}
    let path = format!("/space/{space}/chat/{id}");
    let edit = |number| {
        server.call(
            "PATCH",
            &path,
            Some(&bob_user),
            json!({"message": long(number)}),
        )
    };
    futures_util::future::join_all((100..140).map(edit)).await;
    // A user who changes messages too fast is told so; the last change succeeds in the end.
    while server
        .call("PATCH", &path, Some(&bob_user), json!({"message": "done"}))
        .await
        .status
        != 200
    {}
    ada.until(|_, message| {
        matches!(message, ServerMessage::Chat(ChatS2c::Changed(change))
            if change.text.as_deref() == Some("done"))
    })
    .await;
    ada.ping(1).await;
    say(&mut ada, 2, "still here").await;
    while json_client.next().await["payload"]["message"] != "still here" {}
    server.stop().await;
}

#[tokio::test]
async fn sockets_that_only_ping_or_send_invalid_bytes_are_closed() {
    let server = TestServer::start().await;
    let mut stranger = Stranger::connect(&server.address).await;
    for _ in 0..200 {
        if !stranger.frame(Message::Ping(vec![65; 125].into())).await {
            break;
        }
    }
    assert_eq!(stranger.ended().await, Some(4429));
    let data = |bytes: &[u8], code| Message::Frame(Frame::message(bytes.to_vec(), code, true));
    for (frame, code) in [
        (data(b"?", OpCode::Data(Data::Reserved(5))), 1002),
        (data(b"\xc3\x28", OpCode::Data(Data::Text)), 1007),
    ] {
        let mut stranger = Stranger::connect(&server.address).await;
        assert!(stranger.frame(frame).await);
        assert_eq!(stranger.ended().await, Some(code));
    }
    server.stop().await;
}

#[tokio::test]
async fn nothing_of_a_blocked_user_arrives() {
    let server = TestServer::start().await;
    let [ada_user, bob_user, cleo_user] = three_people(&server).await;
    let space = server.space(&ada_user, "5x5").await;
    let mut ada = BinaryClient::join(&server.address, &ada_user, &space).await;
    let mut cleo = BinaryClient::join(&server.address, &cleo_user, &space).await;
    say(&mut cleo, 1, "before").await;
    let mut bob = BinaryClient::join(&server.address, &bob_user, &space).await;
    let line = bob.history[0].id.clone();
    let ada_player = ada.welcome.player;
    let meets = |peers: &PeersS2c| peers.peers.iter().any(|peer| peer.player == ada_player);
    bob.until(|_, message| matches!(message, ServerMessage::Peers(peers) if meets(peers)))
        .await;
    ada.say(&ClientMessage::Block(BlockC2s {
        user: bob_user.id.clone(),
        blocked: true,
    }))
    .await;
    // When the peers are gone, the space knows of the block.
    bob.until(|_, message| {
        matches!(message, ServerMessage::Peers(peers) if peers.gone.contains(&ada_player))
    })
    .await;
    let bother = async |bob: &mut BinaryClient, words: &str, emoji: &str| {
        bob.say(&ClientMessage::Chat(ChatC2s::Typing(TypingC2s {
            on: true,
        })))
        .await;
        bob.say(&ClientMessage::Emote(EmoteC2s { kind: 1 })).await;
        let react = ReactC2s {
            id: line.clone(),
            emoji: emoji.into(),
            on: true,
        };
        bob.say(&ClientMessage::Chat(ChatC2s::React(react))).await;
        say(bob, 5, words).await;
    };
    bother(&mut bob, "look at me", "👍").await;
    say(&mut cleo, 2, "fence").await;
    let bob_player = bob.welcome.player;
    ada.until(|_, message| {
        match message {
            ServerMessage::Chat(ChatS2c::Typing(typing)) => assert_ne!(typing.player, bob_player),
            ServerMessage::Emote(emote) => assert_ne!(emote.player, bob_player),
            ServerMessage::Chat(ChatS2c::Reacted(reacted)) => assert_ne!(reacted.user, bob_user.id),
            ServerMessage::Chat(ChatS2c::Message(line)) => assert_ne!(line.user, bob_user.id),
            _ => {}
        }
        is_chat(message, "fence")
    })
    .await;
    // Nor later, in either protocol.
    let ada = BinaryClient::join(&server.address, &ada_user, &space).await;
    let words: Vec<_> = ada
        .history
        .iter()
        .map(|message| message.text.as_str())
        .collect();
    assert_eq!(words, ["before", "fence"]);
    assert_eq!(ada.history[0].reactions, []);
    drop(ada);
    let mut json_client = JsonClient::connect(&server.address).await;
    json_client
        .enter(&ada_user, &space, json!(["history", "nearby"]))
        .await;
    let seen: BTreeSet<String> = json_client.expect("history").await["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| text(&message["message"]))
        .collect();
    assert_eq!(seen, BTreeSet::from(["before".into(), "fence".into()]));
    bother(&mut bob, "look at me now", "👎").await;
    say(&mut cleo, 3, "second fence").await;
    loop {
        let message: Value = json_client.next().await;
        if message["payload"]["message"] == "second fence" {
            break;
        }
        // Who is here, and where, is shown to everybody.
        if !["user-joined", "user-left", "movement"].contains(&&text(&message["type"])[..]) {
            assert!(!message.to_string().contains(&bob_user.id), "{message}");
        }
    }
    server.stop().await;
}
