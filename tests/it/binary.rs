//! The binary protocol over real sockets.

use std::time::Duration;

use plaza::components::direction::Motion;
use plaza::net::protocol::chat::ChatS2c;
use plaza::net::protocol::element::ElementS2c;
use plaza::net::protocol::emote::EmoteC2s;
use plaza::net::protocol::movement::InputC2s;
use plaza::net::protocol::session::HelloC2s;
use plaza::net::protocol::{ClientMessage, SCHEMA, ServerMessage};
use serde_json::json;

use crate::clients::{BinaryClient, JsonClient, Stranger, hello, is_chat};
use crate::harness::{Person, TestServer, text};

/// A server with two users and a space of the first.
async fn scene(dimensions: &str) -> (TestServer, Person, Person, String) {
    let server = TestServer::start().await;
    let ada = server.user("ada").await;
    let bob = server.user("bob").await;
    let space = server.space(&ada, dimensions).await;
    (server, ada, bob, space)
}

/// Holds a direction for this many steps, waits until each is applied, and releases the key.
async fn walk(client: &mut BinaryClient, first: u32, steps: u32, direction: u8) {
    for seq in first..first + steps {
        client.hold(seq, direction).await;
        client.until(|client, _| client.ack >= seq).await;
    }
    client.hold(first + steps, 0).await;
    client.until(|client, _| client.ack >= first + steps).await;
}

#[tokio::test]
async fn two_players_see_each_other_in_place() {
    let (server, ada, bob, space) = scene("40x40").await;
    let mut first = BinaryClient::join(&server.address, &ada, &space).await;
    let mut second = BinaryClient::join(&server.address, &bob, &space).await;
    let her = second.sees(&ada.id).await;
    first.sees(&bob.id).await;
    let from = first.own.x;
    walk(&mut first, 1, 20, 3).await;
    assert_eq!(
        first.own.x,
        from + 20 * 16,
        "a walker goes five tiles a second"
    );
    let there = first.own;
    second
        .until(|client, _| {
            client.places[&her].position.x == there.x
                && client.places[&her].motion == Motion::Standing
        })
        .await;
    assert_eq!(second.places[&her].position.y, there.y);
    server.stop().await;
}

#[tokio::test]
async fn walls_stop_players() {
    let (server, ada, _, space) = scene("8x8").await;
    let mut client = BinaryClient::join(&server.address, &ada, &space).await;
    walk(&mut client, 1, 60, 1).await;
    assert_eq!(client.own.y, 19, "the body touches the upper border");
    walk(&mut client, 100, 60, 7).await;
    assert_eq!(client.own.x, 19);
    server.stop().await;
}

#[tokio::test]
async fn old_and_repeated_inputs_are_ignored() {
    let (server, ada, _, space) = scene("40x40").await;
    let mut client = BinaryClient::join(&server.address, &ada, &space).await;
    let from = client.own.x;
    walk(&mut client, 10, 1, 3).await;
    for seq in [10, 10, 11, 3, 0] {
        client.hold(seq, 3).await;
    }
    client.ping(1).await;
    walk(&mut client, 20, 1, 3).await;
    assert_eq!(client.own.x, from + 2 * 16);
    server.stop().await;
}

#[tokio::test]
async fn a_walk_ends_on_its_tile() {
    let (server, ada, _, space) = scene("20x20").await;
    let mut client = BinaryClient::join(&server.address, &ada, &space).await;
    client.walk_to(1, 2, 17).await;
    client.until(|client, _| client.own.walking).await;
    client.until(|client, _| !client.own.walking).await;
    assert_eq!((client.own.x / 64, client.own.y / 64), (2, 17));
    server.stop().await;
}

#[tokio::test]
async fn refused_joins_have_a_reason() {
    let (server, ada, _, space) = scene("20x20").await;
    let good = hello(&ada.token, &space);
    let nowhere = "0197a1b2-0000-7000-8000-00000000000f";
    for (hello, code) in [
        (
            HelloC2s {
                schema: SCHEMA ^ 1,
                ..good.clone()
            },
            4426,
        ),
        (
            HelloC2s {
                version: 2,
                ..good.clone()
            },
            4426,
        ),
        (
            HelloC2s {
                token: "nonsense".into(),
                ..good.clone()
            },
            4401,
        ),
        (
            HelloC2s {
                space: nowhere.into(),
                ..good.clone()
            },
            4404,
        ),
        (
            HelloC2s {
                space: "no id at all".into(),
                ..good.clone()
            },
            4404,
        ),
    ] {
        let mut stranger = Stranger::connect(&server.address).await;
        stranger.say(&ClientMessage::Hello(hello)).await;
        assert_eq!(stranger.refused().await, code);
    }
    let mut early = Stranger::connect(&server.address).await;
    early
        .say(&ClientMessage::Input(InputC2s {
            seq: 1,
            direction: 1,
            run: false,
        }))
        .await;
    assert_eq!(early.refused().await, 4400, "no moves before joining");
    let mut wordy = Stranger::connect(&server.address).await;
    wordy.text("{}").await;
    assert_eq!(wordy.refused().await, 4400);
    server.stop().await;
}

#[tokio::test]
async fn invalid_bytes_of_every_length_end_only_their_connection() {
    let (server, ada, _, space) = scene("20x20").await;
    let mut witness = BinaryClient::join(&server.address, &ada, &space).await;
    for length in 0..64_usize {
        let mut stranger = Stranger::connect(&server.address).await;
        let bytes = (0..length)
            .map(|at| (at * 37 + length * 11 + 200) as u8 | 0xc0)
            .collect();
        stranger.bytes(bytes).await;
        assert_eq!(stranger.refused().await, 4400, "{length} bytes");
    }
    witness.bytes(vec![7, 252, 1, 2]).await;
    assert_eq!(witness.ended().await, Some(4400));
    let mut again = BinaryClient::join(&server.address, &ada, &space).await;
    again.ping(5).await;
    server.stop().await;
}

#[tokio::test]
async fn chat_reaches_everyone_and_is_remembered() {
    let (server, ada, bob, space) = scene("20x20").await;
    let mut first = BinaryClient::join(&server.address, &ada, &space).await;
    let mut second = BinaryClient::join(&server.address, &bob, &space).await;
    second.sees(&ada.id).await;
    first.chat(7, "  hello <b>Bob</b> 👋 ").await;
    let ServerMessage::Chat(ChatS2c::Message(own)) = first.event().await else {
        panic!("no chat")
    };
    let ServerMessage::Chat(ChatS2c::Message(heard)) = second.event().await else {
        panic!("no chat")
    };
    assert_eq!(own.client_id, Some(7), "the sender recognises its message");
    assert_eq!(heard.client_id, None);
    assert_eq!(
        (heard.text.as_str(), heard.name.as_str()),
        ("hello <b>Bob</b> 👋", "ada")
    );
    assert_eq!(heard.player, Some(first.welcome.player));
    first.chat(8, " ").await;
    let ServerMessage::Chat(ChatS2c::Refused(refused)) = first.event().await else {
        panic!("no refusal")
    };
    assert_eq!(refused.client_id, 8);

    let cleo = server.user("cleo").await;
    let third = BinaryClient::join(&server.address, &cleo, &space).await;
    let history: Vec<_> = third
        .history
        .iter()
        .map(|line| (line.text.as_str(), line.player))
        .collect();
    assert_eq!(history, [("hello <b>Bob</b> 👋", None)]);
    server.stop().await;
}

#[tokio::test]
async fn emotes_and_elements_are_shown_to_everyone() {
    let (server, ada, bob, space) = scene("20x20").await;
    let admin = server.admin().await;
    let element = server.element(&admin, 1, 1).await;
    let mut first = BinaryClient::join(&server.address, &ada, &space).await;
    let mut second = BinaryClient::join(&server.address, &bob, &space).await;
    second.sees(&ada.id).await;
    first.say(&ClientMessage::Emote(EmoteC2s { kind: 4 })).await;
    let ServerMessage::Emote(emote) = second.event().await else {
        panic!("no emote")
    };
    assert_eq!((emote.player, emote.kind), (first.welcome.player, 4));

    let body = json!({"spaceId": space, "elementId": element, "x": 1, "y": 1});
    let placement = text(&server.post("/space/element", Some(&ada), body).await.fine()["id"]);
    let ServerMessage::Element(ElementS2c::Placed(placed)) = second.event().await else {
        panic!("not placed")
    };
    assert_eq!(
        (
            placed.id.as_str(),
            placed.element.as_str(),
            placed.x,
            placed.y
        ),
        (placement.as_str(), element.as_str(), 1, 1)
    );
    assert!(placed.map_version > second.welcome.map_version);
    let late = BinaryClient::join(&server.address, &server.user("cleo").await, &space).await;
    assert_eq!(late.welcome.map_version, placed.map_version);
    assert_ne!(
        late.welcome.grid_hash, second.welcome.grid_hash,
        "the collision grid changed"
    );

    server
        .call(
            "DELETE",
            "/space/element",
            Some(&ada),
            json!({"id": placement}),
        )
        .await
        .fine();
    let ServerMessage::Element(ElementS2c::Removed(removed)) = second.event().await else {
        panic!("not removed")
    };
    assert_eq!(removed.id, placement);
    server.stop().await;
}

#[tokio::test]
async fn of_ten_joins_at_once_the_last_one_stays() {
    let (server, ada, bob, space) = scene("20x20").await;
    let mut witness = BinaryClient::join(&server.address, &bob, &space).await;
    let mut clients = Vec::new();
    for _ in 0..10 {
        clients.push(BinaryClient::join(&server.address, &ada, &space).await);
    }
    let mut last = clients.pop().expect("ten joined");
    for mut replaced in clients {
        assert_eq!(replaced.ended().await, Some(4409));
    }
    last.ping(1).await;
    let her = witness.sees(&ada.id).await;
    assert_eq!(her, last.welcome.player, "the player stayed the same");
    assert_eq!(witness.users.len(), 2);
    server.stop().await;
}

/// How a connection ends right after it asked to join.
#[derive(Debug, Clone, Copy)]
enum Goodbye {
    Json(u16),
    Binary(u16),
    /// The TCP connection of a JSON client ends; a binary client may come back after that.
    JsonCut,
}

async fn join_and_leave(server: &TestServer, who: &Person, space: &str, goodbye: Goodbye) {
    if let Goodbye::Binary(code) = goodbye {
        let mut client = Stranger::connect(&server.address).await;
        let hello = ClientMessage::Hello(hello(&who.token, space));
        client.say(&hello).await;
        return client.close_with(code).await;
    }
    let mut client = JsonClient::connect(&server.address).await;
    let join = json!({"spaceId": space, "token": who.token});
    client.say("join", join).await;
    if let Goodbye::Json(code) = goodbye {
        client.close_with(code).await;
    }
}

#[tokio::test]
async fn clients_that_close_before_the_welcome_are_gone_at_once() {
    let (server, ada, _, space) = scene("20x20").await;
    let (mut witness, _) = JsonClient::join(&server.address, &ada, &space).await;
    for goodbye in [
        Goodbye::Json(1000),
        Goodbye::Json(1001),
        Goodbye::JsonCut,
        Goodbye::Binary(1000),
        Goodbye::Binary(1001),
    ] {
        let guest = server.user(&format!("{goodbye:?}")).await;
        join_and_leave(&server, &guest, &space, goodbye).await;
        // The promise is a time: two seconds, twice that for a busy machine. Players whose
        // connection broke are kept for thirty.
        let ghost = async {
            assert_eq!(witness.expect("user-joined").await["userId"], guest.id);
            assert_eq!(witness.expect("user-left").await["userId"], guest.id);
        };
        let gone = tokio::time::timeout(Duration::from_secs(4), ghost).await;
        assert!(gone.is_ok(), "{goodbye:?}: still shown");
    }
    server.stop().await;
}

#[tokio::test]
async fn clients_of_both_protocols_meet() {
    let (server, ada, bob, space) = scene("20x20").await;
    let mut game = BinaryClient::join(&server.address, &ada, &space).await;
    let (mut json_client, joined) = JsonClient::join(&server.address, &bob, &space).await;
    assert_eq!(joined["users"][0]["userId"], ada.id);
    let him = game.sees(&bob.id).await;
    let (x, y) = (game.own.x / 64, game.own.y / 64);
    game.walk_to(1, (x - 1) as u16, y as u16).await;
    assert_eq!(
        json_client.expect("movement").await,
        json!({"userId": ada.id, "x": x - 1, "y": y})
    );

    let spawn = (
        joined["spawn"]["x"].as_i64().unwrap(),
        joined["spawn"]["y"].as_i64().unwrap(),
    );
    json_client.step(spawn.0, spawn.1 + 1).await;
    game.until(|client, _| i64::from(client.places[&him].position.y) / 64 == spawn.1 + 1)
        .await;
    json_client.chat("hello over there").await;
    game.until(|_, message| is_chat(message, "hello over there"))
        .await;
    server.stop().await;
}
