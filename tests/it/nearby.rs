//! Nearby: people who walk up to each other are connected, and nobody else is, whatever their client asks for.

use plaza::net::protocol::ServerMessage;
use plaza::net::protocol::bubble::BubbleC2s;
use plaza::net::protocol::chat::ChatC2s;
use plaza::net::protocol::movement::WalkToPlayerC2s;
use plaza::net::protocol::{ClientMessage, peers::SignalC2s, status::BlockC2s};

use crate::clients::GameClient;
use crate::harness::{Person, TestServer};

struct Two {
    server: TestServer,
    space: String,
    ada_user: Person,
    ada: GameClient,
    bob: GameClient,
    bob_user: Person,
}

/// Two people who arrived next to each other in an empty space.
async fn two() -> Two {
    let server = TestServer::start().await;
    let (ada_user, bob_user) = (server.user("ada").await, server.user("bob").await);
    let space = server.space(&ada_user, "40x20").await;
    let mut ada = GameClient::join(&server.address, &ada_user, &space).await;
    let mut bob = GameClient::join(&server.address, &bob_user, &space).await;
    connected(&mut ada).await;
    connected(&mut bob).await;
    Two {
        server,
        space,
        ada_user,
        ada,
        bob,
        bob_user,
    }
}

/// Waits until somebody hears somebody and is heard.
async fn connected(client: &mut GameClient) {
    client
        .until(|_, message| match message {
            ServerMessage::Peers(peers) => peers.peers.iter().any(|peer| peer.hear && peer.heard),
            _ => false,
        })
        .await;
}

/// Waits until somebody is connected to nobody any more.
async fn alone(client: &mut GameClient) {
    client
        .until(|_, message| match message {
            ServerMessage::Peers(peers) => !peers.gone.is_empty() || peers.full && peers.peers.is_empty(),
            _ => false,
        })
        .await;
}

async fn signal(from: &mut GameClient, to: u32, body: &str) {
    let body = body.to_owned();
    from.say(&ClientMessage::Signal(SignalC2s { player: to, body })).await;
}

#[tokio::test]
async fn who_walks_up_is_connected_and_who_walks_away_is_not() {
    let Two {
        server,
        mut ada,
        mut bob,
        ..
    } = two().await;
    let (ada_player, bob_player) = (ada.welcome.player, bob.welcome.player);
    signal(&mut ada, bob_player, "an offer").await;
    let heard = bob
        .until(|_, message| matches!(message, ServerMessage::Signal(_)))
        .await;
    let ServerMessage::Signal(heard) = heard else {
        unreachable!("only signals end the wait")
    };
    assert_eq!((heard.player, heard.body.as_str()), (ada_player, "an offer"));
    // To the left, or to the right when there is no room.
    let direction = if ada.own.x > 20 * 64 { 7 } else { 3 };
    for seq in 1..=48 {
        ada.hold(seq, direction).await;
        ada.until(|client, _| client.ack >= seq).await;
    }
    alone(&mut bob).await;
    // A client that asks all the same is told, and nobody hears it.
    signal(&mut bob, ada_player, "let me listen").await;
    let told = bob
        .until(|_, message| matches!(message, ServerMessage::Notice(_)))
        .await;
    assert!(matches!(told, ServerMessage::Notice(_)));
    bob.chat(1, "can you hear me?").await;
    let next = ada
        .until(|_, message| matches!(message, ServerMessage::Signal(_) | ServerMessage::Chat(_)))
        .await;
    assert!(
        matches!(next, ServerMessage::Chat(_)),
        "no signal came before: {next:?}"
    );
    server.stop().await;
}

#[tokio::test]
async fn two_make_a_bubble_and_whoever_comes_later_is_told_of_it() {
    let Two {
        server,
        space,
        mut ada,
        mut bob,
        ..
    } = two().await;
    let (ada_player, bob_player) = (ada.welcome.player, bob.welcome.player);
    let (seq, player) = (1, ada_player);
    bob.say(&ClientMessage::WalkToPlayer(WalkToPlayerC2s { seq, player }))
        .await;
    bob.until(|client, _| client.ack >= seq && !client.own.walking).await;
    ada.say(&ClientMessage::Bubble(BubbleC2s { deed: 0, bubble: 0 })).await;
    let is_ours = |message: &ServerMessage| match message {
        ServerMessage::Bubbles(told) => told
            .bubbles
            .iter()
            .any(|bubble| !bubble.aside && bubble.players == [ada_player, bob_player]),
        _ => false,
    };
    bob.until(|_, message| is_ours(message)).await;
    bob.until(|_, message| match message {
        ServerMessage::Peers(told) => told.peers.iter().any(|peer| peer.player == ada_player && peer.why == 3),
        _ => false,
    })
    .await;
    let cleo = server.user("cleo").await;
    let mut cleo = GameClient::join(&server.address, &cleo, &space).await;
    cleo.until(|_, message| is_ours(message)).await;
    bob.say(&ClientMessage::Bubble(BubbleC2s { deed: 3, bubble: 0 })).await;
    for client in [&mut ada, &mut cleo] {
        client
            .until(|_, message| match message {
                ServerMessage::Bubbles(told) => told.bubbles.iter().any(|bubble| bubble.players.is_empty()),
                _ => false,
            })
            .await;
    }
    server.stop().await;
}

#[tokio::test]
async fn what_is_said_nearby_is_heard_nearby_and_kept_nowhere() {
    let Two {
        server,
        space,
        mut ada,
        mut bob,
        ..
    } = two().await;
    let whisper = ChatC2s {
        client_id: 4,
        text: "between us".into(),
        scope: 1,
        reply_to: None,
    };
    ada.say(&ClientMessage::Chat(whisper)).await;
    for client in [&mut ada, &mut bob] {
        client
            .until(|_, message| matches!(message, ServerMessage::Chat(line) if line.text == "between us"))
            .await;
    }
    let cleo = server.user("cleo").await;
    let later = GameClient::join(&server.address, &cleo, &space).await;
    assert_eq!(later.welcome.history, []);
    server.stop().await;
}

#[tokio::test]
async fn who_is_blocked_is_away_from_both_and_writes_to_neither() {
    let Two {
        server,
        ada_user,
        mut ada,
        mut bob,
        bob_user,
        ..
    } = two().await;
    let block = |blocked| {
        ClientMessage::Block(BlockC2s {
            user: bob_user.id.clone(),
            blocked,
        })
    };
    ada.say(&block(true)).await;
    alone(&mut ada).await;
    alone(&mut bob).await;
    let body = serde_json::json!({"text": "why?", "clientId": 1});
    let path = format!("/direct/{}", ada_user.id);
    server.post(&path, Some(&bob_user), body.clone()).await.refused(400);
    ada.say(&block(false)).await;
    connected(&mut ada).await;
    connected(&mut bob).await;
    server.post(&path, Some(&bob_user), body).await.fine();
    server.stop().await;
}
