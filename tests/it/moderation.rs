//! Moderation: kicks, bans, mutes and lockdowns, over HTTP, and what people inside see of them.

use plaza::components::membership::ExclusionKind;
use plaza::components::permissions::SpaceRole;
use plaza::net::protocol::chat::{ChatC2s, ChatS2c, ReactC2s};
use plaza::net::protocol::session::SessionS2c;
use plaza::net::protocol::{ClientMessage, ServerMessage};
use plaza::store::Store;
use plaza::store::audit_log::Actor;
use plaza::store::members::MemberOutcome;
use plaza::store::moderation::{MuteKind, NewExclusion};
use serde_json::{Value, json};

use crate::chat::{notice, until};
use crate::clients::{BinaryClient, JsonClient, Stranger, hello};
use crate::cluster::Shared;
use crate::harness::{Answer, Person, TestServer, text};

async fn act(
    server: &TestServer,
    by: &Person,
    space: &str,
    (what, on): (&str, &Person),
    body: Value,
) -> Answer {
    let path = format!("/space/{space}/user/{}/{what}", on.id);
    server.post(&path, Some(by), body).await
}

async fn lift(
    server: &TestServer,
    by: &Person,
    space: &str,
    (what, on): (&str, &Person),
) -> Answer {
    let path = format!("/space/{space}/user/{}/{what}", on.id);
    server.call("DELETE", &path, Some(by), Value::Null).await
}

async fn refused(server: &TestServer, who: &Person, space: &str) -> u16 {
    let mut client = Stranger::connect(&server.address).await;
    client
        .say(&ClientMessage::Hello(hello(&who.token, space)))
        .await;
    client.refused().await
}

#[tokio::test]
async fn a_kicked_user_leaves_every_process_and_may_return_later() {
    let shared = Shared::new();
    let (first, second) = (
        shared.server_without_sweep().await,
        shared.server_without_sweep().await,
    );
    let (olga, bob) = (first.user("olga").await, first.user("bob").await);
    let space = first.space(&olga, "9x9").await;
    let (mut owner, _) = JsonClient::join(&first.address, &olga, &space).await;
    let mut there = BinaryClient::join(&second.address, &bob, &space).await;
    owner.expect("user-joined").await;
    let body = json!({"minutes": 10, "reason": "too loud"});
    act(&first, &olga, &space, ("kick", &bob), body)
        .await
        .fine();
    assert_eq!(there.ended().await, Some(4415));
    let gone = owner.expect("user-left").await;
    assert_eq!(gone["userId"], bob.id.as_str());
    assert_eq!(refused(&second, &bob, &space).await, 4415);
    let answer = first.get(&format!("/space/{space}/map"), Some(&bob)).await;
    answer.refused(403);
    assert_eq!(answer.json()["code"], "kicked");
    let message = text(&answer.json()["message"]);
    assert!(message.starts_with("olga sent you out") && message.ends_with("too loud"));
    lift(&second, &olga, &space, ("kick", &bob)).await.fine();
    lift(&second, &olga, &space, ("kick", &bob))
        .await
        .refused(400);
    BinaryClient::join(&second.address, &bob, &space).await;
    second.stop().await;
    first.stop().await;
}

#[tokio::test]
async fn a_banned_user_is_out_and_their_invites_do_not_help() {
    let server = TestServer::start().await;
    let (olga, bob) = (server.user("olga").await, server.user("bob").await);
    let space = server.space(&olga, "9x9").await;
    let made = format!("/space/{space}/invite");
    let made = server
        .post(&made, Some(&olga), json!({"role": "member"}))
        .await
        .fine();
    let invite = format!("/invite/{}", text(&made["token"]));
    server.post(&invite, Some(&bob), Value::Null).await.fine();
    let (mut json_bob, _) = JsonClient::join(&server.address, &bob, &space).await;
    act(
        &server,
        &olga,
        &space,
        ("ban", &bob),
        json!({"reason": "spam"}),
    )
    .await
    .fine();
    assert_eq!(json_bob.expect_error().await, "banned");
    assert_eq!(json_bob.ended().await, Some(4403));
    let answer = server.post(&invite, Some(&bob), Value::Null).await;
    answer.refused(403);
    assert_eq!(answer.json()["code"], "banned");
    let list = server
        .get(&format!("/space/{space}/sanction"), Some(&olga))
        .await
        .fine();
    let entry = &list["sanctions"][0];
    assert_eq!(
        (&entry["what"], &entry["username"]),
        (&json!("ban"), &json!("bob"))
    );
    assert!(entry["until"].is_null());
    lift(&server, &olga, &space, ("ban", &bob)).await.fine();
    BinaryClient::join(&server.address, &bob, &space).await;
    let path = format!("/space/{space}/member/{}", bob.id);
    let seen = server.get(&path, Some(&bob)).await.fine();
    assert_eq!(seen["role"], "visitor", "the role is gone");
    server.stop().await;
}

#[tokio::test]
async fn a_banned_guest_does_not_return_under_another_name() {
    let server = TestServer::start().await;
    let olga = server.user("olga").await;
    let space = server.space(&olga, "9x9").await;
    let enter = |name: &str| json!({"name": name, "spaceId": space});
    let made = server.post("/guest", None, enter("Eve")).await.fine();
    let eve = Person {
        id: text(&made["userId"]),
        token: text(&made["token"]),
    };
    let mut inside = BinaryClient::join(&server.address, &eve, &space).await;
    let body = json!({"networkHours": 1});
    act(&server, &olga, &space, ("ban", &eve), body)
        .await
        .fine();
    assert_eq!(inside.ended().await, Some(4416));
    server
        .post("/guest", None, enter("Adam"))
        .await
        .refused(403);
    let other = server.space(&olga, "9x9").await;
    let body = json!({"name": "Adam", "spaceId": other});
    server.post("/guest", None, body).await.fine();
    // Accounts from the same network are not affected, nor is the moderator.
    let bob = server.user("bob").await;
    BinaryClient::join(&server.address, &bob, &space).await;
    BinaryClient::join(&server.address, &olga, &space).await;
    server.stop().await;
}

#[tokio::test]
async fn a_muted_user_neither_writes_nor_reacts_until_it_is_lifted() {
    let server = TestServer::start().await;
    let (olga, bob) = (server.user("olga").await, server.user("bob").await);
    let body = json!({"name": "Test", "dimensions": "9x9", "chat": "kept"});
    let space = text(&server.post("/space", Some(&olga), body).await.fine()["spaceId"]);
    let mut owner = BinaryClient::join(&server.address, &olga, &space).await;
    let mut client = BinaryClient::join(&server.address, &bob, &space).await;
    client.chat(1, "before").await;
    let before = crate::chat::said(&mut owner, "before").await;
    let body = json!({"what": ["chat"], "minutes": 10});
    act(&server, &olga, &space, ("mute", &bob), body)
        .await
        .fine();
    let (code, told) = notice(&mut client).await;
    assert_eq!(code, "membership");
    assert!(told.starts_with("You cannot write here until"), "{told}");
    client.chat(2, "after").await;
    let refused = until(&mut client, |message| match message {
        ServerMessage::Chat(ChatS2c::Refused(refused)) => Some(refused.message.clone()),
        _ => None,
    })
    .await;
    assert!(refused.contains("muted"), "{refused}");
    let react = ClientMessage::Chat(ChatC2s::React(ReactC2s {
        id: before.id.clone(),
        emoji: "👍".into(),
        on: true,
    }));
    client.say(&react).await;
    assert_eq!(notice(&mut client).await.0, "muted");
    let path = format!("/space/{space}/chat/{}", before.id);
    loop {
        let body = json!({"message": "after"});
        let answer = server.call("PATCH", &path, Some(&bob), body).await;
        // Not stored yet: about a second.
        if answer.status == 400 {
            tokio::task::yield_now().await;
            continue;
        }
        answer.refused(403);
        assert_eq!(answer.json()["code"], "muted");
        break;
    }
    let (mut json_bob, _) = JsonClient::join(&server.address, &bob, &space).await;
    json_bob.chat("hello").await;
    assert_eq!(json_bob.expect_error().await, "muted");
    lift(&server, &olga, &space, ("mute", &bob)).await.fine();
    lift(&server, &olga, &space, ("mute", &bob))
        .await
        .refused(400);
    let (mut json_bob, _) = JsonClient::join(&server.address, &bob, &space).await;
    json_bob.chat("hello again").await;
    json_bob.expect("new-message").await;
    json_bob.close().await;
    server.stop().await;
}

#[tokio::test]
async fn a_user_muted_in_calls_is_neither_heard_nor_seen() {
    let server = TestServer::start().await;
    let (olga, bob) = (server.user("olga").await, server.user("bob").await);
    let space = server.space(&olga, "2x2").await;
    let mut owner = BinaryClient::join(&server.address, &olga, &space).await;
    let client = BinaryClient::join(&server.address, &bob, &space).await;
    let bobs_player = client.welcome.player;
    let heard = |message: &ServerMessage| match message {
        ServerMessage::Peers(changed) => {
            let mut peers = changed.peers.iter();
            let peer = peers.find(|peer| peer.player == bobs_player)?;
            Some((peer.hear, peer.see))
        }
        _ => None,
    };
    while until(&mut owner, heard).await != (true, true) {}
    let body = json!({"what": ["voice"]});
    act(&server, &olga, &space, ("mute", &bob), body)
        .await
        .fine();
    while until(&mut owner, heard).await != (false, true) {}
    let body = json!({"what": ["video", "voice"]});
    act(&server, &olga, &space, ("mute", &bob), body)
        .await
        .fine();
    while until(&mut owner, heard).await != (false, false) {}
    // Also after coming back.
    drop(client);
    let mut client = BinaryClient::join(&server.address, &bob, &space).await;
    client.ping(1).await;
    lift(&server, &olga, &space, ("mute", &bob)).await.fine();
    while until(&mut owner, heard).await != (true, true) {}
    server.stop().await;
}

#[tokio::test]
async fn a_lockdown_keeps_newcomers_out_and_lets_people_inside_return() {
    let server = TestServer::start().await;
    let (olga, bob, eve) = (
        server.user("olga").await,
        server.user("bob").await,
        server.user("eve").await,
    );
    let space = server.space(&olga, "9x9").await;
    let mut inside = BinaryClient::join(&server.address, &bob, &space).await;
    let path = format!("/space/{space}/lockdown");
    server
        .post(&path, Some(&bob), json!({"minutes": 30}))
        .await
        .refused(403);
    for minutes in [0, 14, 1_441, -15] {
        let body = json!({"minutes": minutes});
        server.post(&path, Some(&olga), body).await.refused(400);
    }
    server
        .post(&path, Some(&olga), json!({"minutes": 30}))
        .await
        .fine();
    inside.ping(1).await;
    assert_eq!(refused(&server, &eve, &space).await, 4414);
    let again = BinaryClient::join(&server.address, &bob, &space).await;
    BinaryClient::join(&server.address, &olga, &space).await;
    server
        .call("DELETE", &path, Some(&olga), Value::Null)
        .await
        .fine();
    BinaryClient::join(&server.address, &eve, &space).await;
    drop(again);
    server.stop().await;
}

#[tokio::test]
async fn moderators_act_on_lower_roles_only() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let (olga, mona, mike, bob) = (
        server.user("olga").await,
        server.user("mona").await,
        server.user("mike").await,
        server.user("bob").await,
    );
    let space = server.space(&olga, "9x9").await;
    for moderator in [&mona, &mike] {
        let path = format!("/space/{space}/member/{}", moderator.id);
        let role = json!({"role": SpaceRole::Moderator.word()});
        server.call("PUT", &path, Some(&olga), role).await.fine();
    }
    let bodies = [
        ("kick", json!({})),
        ("mute", json!({"what": ["chat"]})),
        ("ban", json!({})),
    ];
    for (what, body) in &bodies {
        for (by, on) in [
            (&bob, &mona),
            (&mona, &mike),
            (&mona, &mona),
            (&mona, &olga),
            (&mona, &admin),
            (&olga, &admin),
            (&olga, &olga),
        ] {
            act(&server, by, &space, (what, on), body.clone())
                .await
                .refused(403);
        }
        act(&server, &mona, &space, (what, &bob), body.clone())
            .await
            .fine();
        lift(&server, &mona, &space, (what, &bob)).await.fine();
        act(&server, &admin, &space, (what, &mike), body.clone())
            .await
            .refused(403);
        act(&server, &admin, &space, (what, &bob), body.clone())
            .await
            .fine();
        lift(&server, &admin, &space, (what, &bob)).await.fine();
    }
    for (what, body) in [
        ("kick", json!({"minutes": 0})),
        ("kick", json!({"minutes": 61})),
        ("kick", json!({"minutes": -5})),
        ("kick", json!({"reason": "r".repeat(501)})),
        ("kick", json!({"reason": "a\u{0}b"})),
        ("mute", json!({})),
        ("mute", json!({"what": []})),
        ("mute", json!({"what": ["everything"]})),
        ("mute", json!({"what": ["chat"], "minutes": 0})),
        ("ban", json!({"hours": 0})),
        ("ban", json!({"hours": 9_000})),
        ("ban", json!({"networkHours": 25})),
    ] {
        act(&server, &olga, &space, (what, &bob), body)
            .await
            .refused(400);
    }
    let unknown = Person {
        id: "018f0000-0000-7000-8000-000000000000".into(),
        token: String::new(),
    };
    act(&server, &olga, &space, ("ban", &unknown), json!({}))
        .await
        .refused(400);

    // The log of the space: people for moderators, everything for the owner.
    let named = json!({"capacity": 50});
    server
        .call("PATCH", &format!("/space/{space}"), Some(&olga), named)
        .await
        .fine();
    let path = format!("/space/{space}/audit-log");
    server.get(&path, Some(&bob)).await.refused(403);
    let actions = async |who: &Person| -> Vec<String> {
        let log = server.get(&path, Some(who)).await.fine();
        let entries = log["entries"].as_array().unwrap().iter();
        entries.map(|entry| text(&entry["action"])).collect()
    };
    assert_eq!(actions(&olga).await[0], "change-space");
    let of_moderator = actions(&mona).await;
    assert_eq!(of_moderator[0], "lift-ban");
    assert!(!of_moderator.contains(&"change-space".to_owned()));
    server
        .get(&format!("{path}?before=x"), Some(&olga))
        .await
        .refused(400);
    server.stop().await;
}

/// Whether the observer hears and sees the player, whenever that changes.
fn peer_of(message: &ServerMessage, player: u32) -> Option<(bool, bool)> {
    match message {
        ServerMessage::Peers(changed) => {
            let mut peers = changed.peers.iter();
            let peer = peers.find(|peer| peer.player == player)?;
            Some((peer.hear, peer.see))
        }
        _ => None,
    }
}

#[tokio::test]
async fn a_user_banned_while_joining_does_not_stay() {
    let server = TestServer::start().await;
    let olga = server.user("olga").await;
    let space = server.space(&olga, "9x9").await;
    let mut owner = BinaryClient::join(&server.address, &olga, &space).await;
    let mut people = Vec::new();
    for number in 0..20 {
        people.push(server.user(&format!("user{number}")).await);
    }
    let joins = people.iter().map(|person| async {
        let mut client = Stranger::connect(&server.address).await;
        let hello = ClientMessage::Hello(hello(&person.token, &space));
        client.say(&hello).await;
        client.ended().await
    });
    let bans = people.iter().map(|person| async {
        let ban = act(&server, &olga, &space, ("ban", person), json!({}));
        ban.await.fine();
    });
    let joins = futures_util::future::join_all(joins);
    let bans = futures_util::future::join_all(bans);
    let (codes, _) = futures_util::future::join(joins, bans).await;
    assert_eq!(codes, [Some(4416); 20], "refused, or sent out");
    // Those who were there for a moment are gone.
    owner.ping(1).await;
    while owner.users.len() > 1 {
        owner.next().await.unwrap();
    }
    server.stop().await;
}

#[tokio::test]
async fn what_a_moderator_does_counts_at_other_processes_without_any_message() {
    let shared = Shared::new();
    let (first, second) = (shared.server().await, shared.server().await);
    let (olga, bob, eve, kim) = (
        first.user("olga").await,
        first.user("bob").await,
        first.user("eve").await,
        first.user("kim").await,
    );
    let space = first.space(&olga, "2x2").await;
    let mut owner = BinaryClient::join(&first.address, &olga, &space).await;
    let mut muted = BinaryClient::join(&second.address, &bob, &space).await;
    let mut banned = BinaryClient::join(&second.address, &eve, &space).await;
    let mut kicked = BinaryClient::join(&second.address, &kim, &space).await;
    let player = muted.welcome.player;
    let is_heard = |message: &ServerMessage| peer_of(message, player);
    while until(&mut owner, is_heard).await != (true, true) {}

    // As if the messages to both processes were lost: they are told nothing.
    let url = shared.database.url().parse().unwrap();
    let (store, by) = (Store::connect(&url).await.unwrap(), Actor::command_line());
    let at = |person: &Person| (space.parse().unwrap(), person.id.parse().unwrap());
    let all = [MuteKind::Chat, MuteKind::Voice, MuteKind::Video];
    assert!(store.mute(&by, at(&bob), &all, None).await.unwrap());
    for (kind, on) in [(ExclusionKind::Kick, &kim), (ExclusionKind::Ban, &eve)] {
        let (space, user) = at(on);
        let new = NewExclusion {
            space,
            user,
            kind,
            until: Some(plaza::store::now_ms() + 600_000),
            reason: "noise",
            network_until: None,
            revokes_invites: false,
        };
        assert!(store.exclude(&by, &new).await.unwrap());
    }
    while until(&mut owner, is_heard).await != (false, false) {}
    assert_eq!(banned.ended().await, Some(4416));
    assert_eq!(kicked.ended().await, Some(4415));
    assert_eq!(notice(&mut muted).await.0, "membership");
    muted.chat(1, "hello").await;
    let is_refused = until(&mut muted, |message| match message {
        ServerMessage::Chat(ChatS2c::Refused(_)) => Some(true),
        ServerMessage::Chat(ChatS2c::Message(_)) => Some(false),
        _ => None,
    });
    assert!(is_refused.await);
    let (_, user) = at(&bob);
    assert!(store.unmute(&by, at(&bob)).await.unwrap());
    while until(&mut owner, is_heard).await != (true, true) {}
    let (space, _) = at(&bob);
    let role = Some(SpaceRole::Moderator);
    let given = store.set_role(&by, (space, user), None, role).await;
    assert_eq!(given.unwrap(), MemberOutcome::Done);
    let told = until(&mut muted, |message| match message {
        ServerMessage::Session(SessionS2c::Notice(notice)) => {
            Some(notice.message.clone()).filter(|text| text.contains("moderator"))
        }
        _ => None,
    });
    let told = told.await;
    assert!(told.starts_with("You are a moderator"), "{told}");
    store.close().await;
    second.stop().await;
    first.stop().await;
}

#[tokio::test]
async fn what_a_space_says_about_appeals_is_told_wherever_it_refuses() {
    const TEXT: &str = "Write to help@example.org.\nWe answer in a day.";
    let server = TestServer::start().await;
    let (olga, bob) = (server.user("olga").await, server.user("bob").await);
    let space = server.space(&olga, "9x9").await;
    let path = format!("/space/{space}");
    let set = |text: String| json!({"appeal": text});
    server
        .call("PATCH", &path, Some(&bob), set(TEXT.into()))
        .await
        .refused(403);
    for wrong in ["a".repeat(1_001), "a\u{0}b".into()] {
        let answer = server.call("PATCH", &path, Some(&olga), set(wrong)).await;
        answer.refused(400);
    }
    let text_of_it = format!(" {TEXT} ");
    let changed = server.call("PATCH", &path, Some(&olga), set(text_of_it));
    assert_eq!(changed.await.fine()["appeal"], TEXT);
    let (mut json_bob, _) = JsonClient::join(&server.address, &bob, &space).await;
    act(&server, &olga, &space, ("ban", &bob), json!({}))
        .await
        .fine();
    let told = text(&json_bob.expect("error").await["message"]);
    let expected = format!("olga banned you from this space.\n\n{TEXT}");
    assert_eq!(told, expected);
    let answer = server.get(&format!("{path}/map"), Some(&bob)).await;
    answer.refused(403);
    assert_eq!(answer.json()["message"], expected);
    let view = format!("{path}/access-policy");
    let view = server.get(&view, Some(&bob)).await.fine();
    assert_eq!(view["refusal"]["message"], expected);
    assert_eq!(view["appeal"], TEXT, "for people who are muted");
    assert_eq!(refused(&server, &bob, &space).await, 4416);
    server.stop().await;
}
