//! ICE and TURN: who gets which servers, with passwords that a real TURN server accepts; tokens for
//! `LiveKit`.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use plaza::media::MediaSecret;
use plaza::media::livekit::LiveKitSettings;
use plaza::media::sfu::SfuSettings;
use serde_json::{Value, json};

use crate::harness::{TestServer, text};
use crate::services::Turn;

#[tokio::test]
async fn only_signed_in_users_get_the_servers() {
    let server = TestServer::start_with(|settings| {
        settings.ice.stun_urls = vec!["stun:stun.example:3478".into()];
        settings.ice.turn_urls = vec!["turn:turn.example:3478".into()];
        settings.ice.turn_secret = Some(MediaSecret::new("north"));
        settings.ice.turn_ttl = Duration::from_mins(10);
        settings.ice.relay_only = true;
    })
    .await;
    server.get("/ice", None).await.refused(403);
    let ada = server.user("ada").await;
    let answer = server.get("/ice", Some(&ada)).await;
    assert_eq!(answer.header("cache-control"), "no-store");
    let ice = answer.fine();
    assert_eq!(
        ice["iceServers"][0],
        json!({"urls": ["stun:stun.example:3478"]})
    );
    let turn = &ice["iceServers"][1];
    assert_eq!(turn["urls"], json!(["turn:turn.example:3478"]));
    let expiry = ice["expiresAt"].as_u64().unwrap() / 1_000;
    assert_eq!(turn["username"], format!("{expiry}:{}", ada.id));
    assert_eq!(ice["relayOnly"], true);
    server.stop().await;
}

#[tokio::test]
async fn without_servers_there_are_none() {
    let server = TestServer::start().await;
    let ada = server.user("ada").await;
    let ice = server.get("/ice", Some(&ada)).await.fine();
    assert_eq!(ice["iceServers"], json!([]));
    assert_eq!(ice["relayOnly"], false);
    assert_eq!(ice["forwarder"], "nobody");
    server.stop().await;
}

#[tokio::test]
async fn clients_are_told_what_forwards_and_livekit_precedes_the_sfu() {
    for (has_livekit, forwarder) in [(false, "unit"), (true, "livekit")] {
        let server = TestServer::start_with(|settings| {
            settings.forwarding = Some(SfuSettings {
                listen: ([127, 0, 0, 1], 0).into(),
                or_any_port: false,
                addresses: Vec::new(),
            });
            settings.livekit = has_livekit.then(livekit);
        })
        .await;
        let ada = server.user("ada").await;
        assert_eq!(
            server.get("/ice", Some(&ada)).await.fine()["forwarder"],
            forwarder
        );
        // Pages may ask a LiveKit server why it refused a connection.
        let page = server
            .request("GET".parse().unwrap(), "//")
            .header("accept", "text/html");
        let policy = server
            .send(page)
            .await
            .header("content-security-policy")
            .to_owned();
        assert_eq!(
            policy.contains("connect-src 'self' https://live.example wss://live.example;"),
            has_livekit,
            "{policy}"
        );
        server.stop().await;
    }
}

#[tokio::test]
async fn a_turn_server_accepts_only_minted_passwords() {
    let turn = Turn::start("north");
    let url = turn.url();
    let server = TestServer::start_with(|settings| {
        settings.ice.turn_urls = vec![url];
        settings.ice.turn_secret = Some(MediaSecret::new("north"));
    })
    .await;
    let ada = server.user("ada").await;
    let ice = server.get("/ice", Some(&ada)).await.fine();
    let given = &ice["iceServers"][0];
    let (username, password) = (text(&given["username"]), text(&given["credential"]));
    assert!(turn.carries(&username, &password));
    assert!(!turn.carries(&username, "guessed"));
    // A user cannot extend the lifetime, or use another user's name.
    assert!(!turn.carries(&format!("9{username}"), &password));
    server.stop().await;
}

fn livekit() -> LiveKitSettings {
    LiveKitSettings {
        url: "wss://live.example".into(),
        key: "the-key".into(),
        secret: MediaSecret::new("the-secret"),
    }
}

#[tokio::test]
async fn a_livekit_token_is_for_the_space_and_the_caller() {
    let server = TestServer::start_with(|settings| {
        settings.livekit = Some(livekit());
    })
    .await;
    let ada = server.user("ada").await;
    let space = server.space(&ada, "20x20").await;
    let path = format!("/space/{space}/livekit");
    server.post(&path, None, Value::Null).await.refused(403);
    server
        .post("/space/nowhere/livekit", Some(&ada), Value::Null)
        .await
        .refused(400);
    let answer = server.post(&path, Some(&ada), Value::Null).await.fine();
    assert_eq!(answer["url"], "wss://live.example");
    let token = text(&answer["token"]);
    let parts: Vec<&str> = token.split('.').collect();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
    assert_eq!(claims["iss"], "the-key");
    assert_eq!(claims["sub"], ada.id);
    assert_eq!(claims["video"]["room"], space);
    assert_eq!(claims["video"]["roomJoin"], true);
    assert_eq!(claims["video"]["canPublish"], true);
    assert!(claims["exp"].as_u64() > claims["nbf"].as_u64());
    server.stop().await;
}

#[tokio::test]
async fn without_a_livekit_server_there_are_no_tokens() {
    let server = TestServer::start().await;
    let ada = server.user("ada").await;
    let space = server.space(&ada, "20x20").await;
    let answer = server
        .post(&format!("/space/{space}/livekit"), Some(&ada), Value::Null)
        .await;
    answer.refused(400);
    assert!(answer.text.contains("--livekit-url"));
    server.stop().await;
}

#[tokio::test]
async fn a_livekit_token_of_a_muted_user_publishes_nothing() {
    let server = TestServer::start_with(|settings| {
        settings.livekit = Some(livekit());
    })
    .await;
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let space = server.space(&ada, "20x20").await;
    let mute = format!("/space/{space}/user/{}/mute", bob.id);
    let body = serde_json::json!({"what": ["voice", "video"]});
    server.post(&mute, Some(&ada), body).await.fine();
    let path = format!("/space/{space}/livekit");
    let answer = server.post(&path, Some(&bob), Value::Null).await.fine();
    let token = text(&answer["token"]);
    let parts: Vec<&str> = token.split('.').collect();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
    assert_eq!(claims["video"]["canPublish"], false);
    assert_eq!(claims["video"]["canSubscribe"], true);
    server.stop().await;
}
