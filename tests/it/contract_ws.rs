//! The JSON WebSocket contract, over real sockets.

use plaza::net::protocol::client::JoinWord;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::clients::JsonClient;
use crate::harness::{Person, TestServer, text};

/// A server with two users and a space of the first.
async fn scene(dimensions: &str) -> (TestServer, Person, Person, String) {
    let server = TestServer::start().await;
    let ada = server.user("ada").await;
    let bob = server.user("bob").await;
    let space = server.space(&ada, dimensions).await;
    (server, ada, bob, space)
}

fn tile(payload: &Value) -> (i64, i64) {
    (
        payload["x"].as_i64().unwrap(),
        payload["y"].as_i64().unwrap(),
    )
}

fn at(x: i64, y: i64) -> Value {
    json!({"x": x, "y": y})
}

/// Sends a chat message and checks that no client received anything before it.
async fn nothing_before(words: &str, speaker: &mut JsonClient, others: &mut [&mut JsonClient]) {
    speaker.chat(words).await;
    assert_eq!(speaker.expect("new-message").await["message"], words);
    for other in others {
        assert_eq!(other.expect("new-message").await["message"], words);
    }
}

#[tokio::test]
async fn two_clients_receive_exactly_these_messages() {
    let (server, ada, bob, space) = scene("20x20").await;
    let mut first = JsonClient::connect(&server.address).await;
    let joined = first.enter(&ada, &space, json!([])).await;
    let (x, y) = tile(&joined["spawn"]);
    assert_eq!(joined, json!({"spawn": at(x, y), "users": []}));

    let mut second = JsonClient::connect_at(&server.address, "/").await;
    let joined = second.enter(&bob, &space, json!([])).await;
    let (bx, by) = tile(&joined["spawn"]);
    let users = json!([
        {"id": ada.id, "userId": ada.id, "username": "ada", "avatarId": null, "x": x, "y": y}
    ]);
    assert_eq!(joined, json!({"spawn": at(bx, by), "users": users}));
    let newcomer = json!({"userId": bob.id, "username": "bob", "avatarId": null, "x": bx, "y": by});
    assert_eq!(first.expect("user-joined").await, newcomer);

    // Clients of the family add who they are.
    let step = json!({"x": x + 1, "y": y, "userId": ada.id});
    first.say("move", step).await;
    assert_eq!(
        second.expect("movement").await,
        json!({"userId": ada.id, "x": x + 1, "y": y})
    );
    first.say("movement", at(x, y)).await;
    assert_eq!(
        second.expect("movement").await,
        json!({"userId": ada.id, "x": x, "y": y})
    );

    second
        .say(
            "chat-message",
            json!({"spaceId": space, "token": bob.token, "message": " hello "}),
        )
        .await;
    let heard = first.expect("new-message").await;
    assert_eq!(heard, second.expect("new-message").await);
    let (id, sent_at) = (text(&heard["id"]), heard["sentAt"].as_u64().unwrap());
    assert_eq!(
        heard,
        json!({"id": id, "userId": bob.id, "name": "bob", "message": "hello", "sentAt": sent_at})
    );

    second.close().await;
    assert_eq!(first.expect("user-left").await, json!({"userId": bob.id}));
    nothing_before("alone", &mut first, &mut []).await;
    first.close().await;
    server.stop().await;
}

#[tokio::test]
async fn the_word_for_arrivals_follows_the_connection_or_the_server() {
    let server = TestServer::start_with(|settings| settings.join_event = JoinWord::UserJoin).await;
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let eve = server.user("eve").await;
    let space = server.space(&ada, "20x20").await;
    let (mut by_setting, _) = JsonClient::join(&server.address, &ada, &space).await;
    let mut by_url = JsonClient::connect_at(&server.address, "/ws?joinEvent=user-joined").await;
    by_url.enter(&bob, &space, json!([])).await;
    assert_eq!(by_setting.expect("user-join").await["userId"], bob.id);
    let (_third, _) = JsonClient::join(&server.address, &eve, &space).await;
    assert_eq!(by_setting.expect("user-join").await["userId"], eve.id);
    assert_eq!(by_url.expect("user-joined").await["userId"], eve.id);
    server.stop().await;

    let (server, ada, bob, space) = scene("20x20").await;
    let mut root = JsonClient::connect_at(&server.address, "/?joinEvent=user-join").await;
    root.enter(&ada, &space, json!([])).await;
    let (_other, _) = JsonClient::join(&server.address, &bob, &space).await;
    assert_eq!(root.expect("user-join").await["userId"], bob.id);
    let answer = server.get("//ws?joinEvent=nonsense", None).await;
    assert!(answer.status.is_client_error(), "{answer:?}");
    server.stop().await;
}

#[tokio::test]
async fn impossible_steps_are_rejected_to_their_sender_only() {
    let (server, ada, bob, space) = scene("2x1").await;
    let (mut first, joined) = JsonClient::join(&server.address, &ada, &space).await;
    assert_eq!(tile(&joined["spawn"]), (0, 0));
    let (mut second, _) = JsonClient::join(&server.address, &bob, &space).await;
    first.expect("user-joined").await;
    for place in [
        json!({"x": 0, "y": 0}),
        json!({"x": -1, "y": 0}),
        json!({"x": 0, "y": -1}),
        json!({"x": 0, "y": 1}),
        json!({"x": 1, "y": 1}),
        json!({"x": 2, "y": 0}),
        json!({"x": 0.5, "y": 0}),
        json!({"x": 1_000_000, "y": 10_000}),
        json!({"x": 1e300, "y": 0}),
    ] {
        first.say("move", place.clone()).await;
        assert_eq!(first.expect("movement-rejected").await, at(0, 0), "{place}");
    }
    for nonsense in [json!({}), json!({"x": "1", "y": 0}), json!(null), json!([])] {
        first.say("move", nonsense.clone()).await;
        assert_eq!(first.expect_error().await, "invalid-payload", "{nonsense}");
    }
    nothing_before("still here", &mut first, &mut [&mut second]).await;
    first.step(1, 0).await;
    assert_eq!(tile(&second.expect("movement").await), (1, 0));
    first.step(2, 0).await;
    assert_eq!(first.expect("movement-rejected").await, at(1, 0));
    server.stop().await;
}

#[tokio::test]
async fn placed_and_removed_elements_change_the_ground_at_once() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let bob = server.user("bob").await;
    let element = server.element(&admin, 1, 1).await;
    let space = server.space(&admin, "2x1").await;
    let (mut walker, _) = JsonClient::join(&server.address, &admin, &space).await;
    let (mut watcher, _) = JsonClient::join(&server.address, &bob, &space).await;
    walker.expect("user-joined").await;

    let body = json!({"spaceId": space, "elementId": element, "x": 1, "y": 0});
    let placed = server
        .post("/space/element", Some(&admin), body)
        .await
        .fine();
    walker.step(1, 0).await;
    assert_eq!(walker.expect("movement-rejected").await, at(0, 0));

    let body = json!({"id": placed["id"]});
    server
        .call("DELETE", "/space/element", Some(&admin), body)
        .await
        .fine();
    walker.step(1, 0).await;
    assert_eq!(tile(&watcher.expect("movement").await), (1, 0));
    nothing_before("free", &mut walker, &mut [&mut watcher]).await;
    server.stop().await;
}

#[tokio::test]
async fn chat_must_name_the_joined_space_and_user() {
    let (server, ada, bob, space) = scene("20x20").await;
    let (mut first, _) = JsonClient::join(&server.address, &ada, &space).await;
    let (mut second, _) = JsonClient::join(&server.address, &bob, &space).await;
    first.expect("user-joined").await;
    for (payload, code) in [
        (json!({"spaceId": "other", "message": "hi"}), "mismatch"),
        (json!({"token": bob.token, "message": "hi"}), "mismatch"),
        (json!({"message": "  "}), "invalid-message"),
        (json!({"message": "x".repeat(4_001)}), "invalid-message"),
        (json!({"message": 5}), "invalid-payload"),
    ] {
        first.say("chat-message", payload.clone()).await;
        assert_eq!(first.expect_error().await, code, "{payload}");
    }
    nothing_before("heard", &mut first, &mut [&mut second]).await;
    server.stop().await;
}

#[tokio::test]
async fn refused_joins_have_a_reason_and_a_close_code() {
    let (server, ada, _, space) = scene("20x20").await;
    let nowhere = "00000000-0000-4000-8000-000000000000";
    for (token, space, code, close) in [
        ("nonsense", space.as_str(), "unauthorized", 4401),
        ("", space.as_str(), "unauthorized", 4401),
        (ada.token.as_str(), nowhere, "unknown-space", 4404),
        (ada.token.as_str(), "no id at all", "unknown-space", 4404),
    ] {
        let mut client = JsonClient::connect(&server.address).await;
        client
            .say("join", json!({"spaceId": space, "token": token}))
            .await;
        assert_eq!(client.expect_error().await, code);
        assert_eq!(client.expect_close().await, Some(close));
    }
    server.stop().await;
}

#[tokio::test]
async fn unknown_messages_get_an_error_and_the_connection_stays() {
    let (server, ada, _, space) = scene("20x20").await;
    let mut client = JsonClient::connect(&server.address).await;
    client.step(1, 1).await;
    assert_eq!(client.expect_error().await, "not-joined");
    client.chat("hi").await;
    assert_eq!(client.expect_error().await, "not-joined");
    client.say("join", json!({"token": ada.token})).await;
    assert_eq!(client.expect_error().await, "invalid-payload");
    client.enter(&ada, &space, json!([])).await;
    for nonsense in ["", "{", "5", "[]", &"[".repeat(16_000)] {
        client.raw(Message::text(nonsense)).await;
        assert_eq!(
            client.expect_error().await,
            "invalid-json",
            "{nonsense:.20}"
        );
    }
    client.raw(Message::binary(vec![0xff, 0, 1])).await;
    assert_eq!(client.expect_error().await, "invalid-json");
    client.say("dance", json!({})).await;
    assert_eq!(client.expect_error().await, "unknown-type");
    client
        .say("join", json!({"spaceId": space, "token": ada.token}))
        .await;
    assert_eq!(client.expect_error().await, "already-joined");
    nothing_before("alive", &mut client, &mut []).await;
    server.stop().await;
}

#[tokio::test]
async fn oversized_messages_and_floods_end_only_their_connection() {
    let (server, ada, bob, space) = scene("20x20").await;
    let (mut witness, _) = JsonClient::join(&server.address, &ada, &space).await;

    let (mut client, joined) = JsonClient::join(&server.address, &bob, &space).await;
    witness.expect("user-joined").await;
    client.raw(Message::text("x".repeat(16 * 1024 + 1))).await;
    assert_eq!(client.ended().await, Some(1009));
    assert_eq!(witness.expect("user-left").await["userId"], bob.id);

    let (mut client, _) = JsonClient::join(&server.address, &bob, &space).await;
    witness.expect("user-joined").await;
    let far = json!({"type": "move", "payload": {"x": joined["spawn"]["x"], "y": 1_000}});
    client.burst(std::iter::repeat_n(far, 2_000)).await;
    assert_eq!(client.ended().await, Some(4429));
    assert_eq!(witness.expect("user-left").await["userId"], bob.id);
    nothing_before("undisturbed", &mut witness, &mut []).await;
    server.stop().await;
}

#[tokio::test]
async fn fast_chat_is_asked_to_slow_down() {
    let (server, ada, _, space) = scene("20x20").await;
    let (mut client, _) = JsonClient::join(&server.address, &ada, &space).await;
    let line =
        |number: usize| json!({"type": "chat-message", "payload": {"message": number.to_string()}});
    client.burst((0..40).map(line)).await;
    let mut refused = 0;
    let mut heard = 0;
    while refused + heard < 40 {
        let message = client.next().await;
        if message["type"] == "new-message" {
            heard += 1;
        } else {
            assert_eq!(message["payload"]["code"], "slow-down", "{message}");
            refused += 1;
        }
    }
    assert!(
        heard >= 10 && refused > 0,
        "{heard} heard, {refused} refused"
    );
    server.stop().await;
}

#[tokio::test]
async fn a_second_connection_silently_replaces_the_first() {
    let (server, ada, bob, space) = scene("2x1").await;
    let (mut first, _) = JsonClient::join(&server.address, &ada, &space).await;
    let (mut witness, _) = JsonClient::join(&server.address, &bob, &space).await;
    first.expect("user-joined").await;
    first.step(1, 0).await;
    assert_eq!(tile(&witness.expect("movement").await), (1, 0));
    let (mut second, joined) = JsonClient::join(&server.address, &ada, &space).await;
    assert_eq!(first.expect_close().await, Some(4409));
    assert_eq!(
        tile(&joined["spawn"]),
        (1, 0),
        "the player stays where it stood"
    );
    nothing_before("same person", &mut second, &mut [&mut witness]).await;
    second.close().await;
    assert_eq!(witness.expect("user-left").await["userId"], ada.id);
    server.stop().await;
}

#[tokio::test]
async fn history_is_sent_to_clients_that_ask_for_it() {
    let (server, ada, bob, space) = scene("20x20").await;
    let (mut first, _) = JsonClient::join(&server.address, &ada, &space).await;
    first.chat("one").await;
    let one = first.expect("new-message").await;
    first.chat("two").await;
    let two = first.expect("new-message").await;

    let mut asking = JsonClient::connect(&server.address).await;
    asking
        .enter(&bob, &space, json!(["history", "unheard-of"]))
        .await;
    assert_eq!(
        asking.expect("history").await,
        json!({"messages": [one, two]})
    );
    first.expect("user-joined").await;
    asking.close().await;
    first.expect("user-left").await;

    let (mut silent, _) = JsonClient::join(&server.address, &bob, &space).await;
    first.expect("user-joined").await;
    nothing_before("three", &mut first, &mut [&mut silent]).await;
    server.stop().await;
}

#[tokio::test]
async fn a_deleted_space_disconnects_everyone() {
    let (server, ada, bob, space) = scene("20x20").await;
    let (mut first, _) = JsonClient::join(&server.address, &ada, &space).await;
    let (mut second, _) = JsonClient::join(&server.address, &bob, &space).await;
    first.expect("user-joined").await;
    let answer = server
        .call(
            "DELETE",
            &format!("/space/{space}"),
            Some(&ada),
            Value::Null,
        )
        .await;
    answer.fine();
    for client in [&mut first, &mut second] {
        assert_eq!(client.expect_error().await, "space-deleted");
        assert_eq!(client.expect_close().await, Some(4410));
    }
    let mut late = JsonClient::connect(&server.address).await;
    late.say("join", json!({"spaceId": space, "token": ada.token}))
        .await;
    assert_eq!(late.expect_error().await, "unknown-space");
    assert_eq!(late.expect_close().await, Some(4404));
    server.stop().await;
}
