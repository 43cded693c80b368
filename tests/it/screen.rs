//! Sharing a screen: only for roles that may, also when that changes while a screen is shared.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use plaza::media::MediaSecret;
use plaza::media::livekit::LiveKitSettings;
use plaza::net::protocol::status::{MediaC2s, StatusC2s};
use plaza::net::protocol::{ClientMessage, ServerMessage};
use serde_json::{Value, json};

use crate::chat::{notice, until};
use crate::clients::BinaryClient;
use crate::harness::{Person, TestServer, text};

const CAMERA: u8 = 2;
const SCREEN: u8 = 4;

async fn share(client: &mut BinaryClient) {
    let media = MediaC2s {
        audio: false,
        video: true,
        screen: true,
    };
    client
        .say(&ClientMessage::Status(StatusC2s::Media(media)))
        .await;
}

/// Waits until others are shown that a player sends these media.
async fn sends(client: &mut BinaryClient, player: u32, media: u8) {
    until(client, |message| match message {
        ServerMessage::Frame(frame) => {
            let mut cards = frame.roster.iter().flat_map(|roster| &roster.came);
            cards
                .any(|card| card.player == player && card.media == media)
                .then_some(())
        }
        _ => None,
    })
    .await;
}

async fn from_role(server: &TestServer, owner: &Person, space: &str, role: &str) {
    let path = format!("/space/{space}");
    let body = json!({"permissions": {"share": role}});
    let view = server.call("PATCH", &path, Some(owner), body).await.fine();
    assert_eq!(view["permissions"]["share"], role);
}

#[tokio::test]
async fn a_screen_is_shown_of_those_only_who_may_share_one() {
    let server = TestServer::start().await;
    let (olga, bob) = (server.user("olga").await, server.user("bob").await);
    let space = server.space(&olga, "9x9").await;
    let mut owner = BinaryClient::join(&server.address, &olga, &space).await;
    let mut client = BinaryClient::join(&server.address, &bob, &space).await;
    let player = client.welcome.player;
    share(&mut client).await;
    sends(&mut owner, player, CAMERA | SCREEN).await;
    // It ends for who may no longer, whether their page stops it or not.
    from_role(&server, &olga, &space, "member").await;
    sends(&mut owner, player, CAMERA).await;
    let told = notice(&mut client).await;
    assert_eq!(told.0, "membership");
    assert_eq!(told.1, "You may not share a screen here any more.");
    share(&mut client).await;
    let (code, told) = notice(&mut client).await;
    assert_eq!(
        (code.as_str(), told.as_str()),
        ("forbidden", "Your role here may not share a screen.")
    );
    share(&mut owner).await;
    let owners = owner.welcome.player;
    sends(&mut client, owners, CAMERA | SCREEN).await;
    let path = format!("/space/{space}/member/{}", bob.id);
    let body = json!({"role": "member"});
    server.call("PUT", &path, Some(&olga), body).await.fine();
    let (_, told) = notice(&mut client).await;
    assert!(told.ends_with("You may share a screen here now."), "{told}");
    share(&mut client).await;
    sends(&mut owner, player, CAMERA | SCREEN).await;
    server.stop().await;
}

#[tokio::test]
async fn the_owner_says_from_which_role_on_screens_are_shared() {
    let server = TestServer::start_with(|settings| {
        settings.livekit = Some(LiveKitSettings {
            url: "wss://live.example".into(),
            key: "the-key".into(),
            secret: MediaSecret::new("the-secret"),
        });
    })
    .await;
    let (olga, bob) = (server.user("olga").await, server.user("bob").await);
    let space = server.space(&olga, "9x9").await;
    let path = format!("/space/{space}");
    for role in ["moderator", "owner", "queen"] {
        let body = json!({"permissions": {"share": role}});
        let answer = server.call("PATCH", &path, Some(&olga), body).await;
        answer.refused(400);
    }
    let may = async |who: &Person| {
        let view = format!("{path}/access-policy");
        let view = server.get(&view, Some(who)).await.fine();
        let may = view["may"].as_array().unwrap().contains(&json!("share"));
        let token = format!("{path}/livekit");
        let token = server.post(&token, Some(who), Value::Null).await.fine();
        let token = text(&token["token"]);
        let claims = token.split('.').nth(1).unwrap();
        let claims = URL_SAFE_NO_PAD.decode(claims).unwrap();
        let claims: Value = serde_json::from_slice(&claims).unwrap();
        let sources = claims["video"]["canPublishSources"].as_array().unwrap();
        assert_eq!(sources.contains(&json!("screen_share")), may);
        assert_eq!(sources.contains(&json!("screen_share_audio")), may);
        may
    };
    assert!(may(&bob).await, "everyone, at first");
    from_role(&server, &olga, &space, "builder").await;
    assert!(!may(&bob).await);
    assert!(may(&olga).await);
    server.stop().await;
}
