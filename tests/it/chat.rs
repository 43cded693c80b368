//! Storage of chat messages: forgotten when the last player leaves, or kept.

use plaza::components::chat::HISTORY;
use plaza::net::protocol::block::BlockC2s;
use plaza::net::protocol::chat::{
    ChatC2s, ChatChangedS2c, ChatDeleteC2s, ChatEditC2s, ChatMessageS2c, ChatS2c, ChatSendC2s,
    ReactC2s, TypingC2s,
};
use plaza::net::protocol::direct::DirectMessageS2c;
use plaza::net::protocol::session::{SessionC2s, SessionS2c};
use plaza::net::protocol::{ClientMessage, ServerMessage};
use serde_json::{Value, json};

use crate::clients::BinaryClient;
use crate::cluster::{Shared, say};
use crate::harness::{Person, TestServer, text};
use crate::overload::three_people;

async fn kept_space(server: &TestServer, owner: &Person) -> String {
    let request = json!({"name": "Minutes", "dimensions": "20x20", "chat": "kept"});
    let answer = server.post("/space", Some(owner), request).await.fine();
    answer["spaceId"].as_str().unwrap().to_owned()
}

/// Waits until this many messages are stored, and returns them.
pub async fn until_kept(server: &TestServer, who: &Person, space: &str, count: usize) -> Value {
    loop {
        let seen = server
            .get(&format!("/space/{space}/chat"), Some(who))
            .await
            .fine();
        if seen["lines"].as_array().unwrap().len() >= count {
            return seen;
        }
    }
}

fn words(seen: &Value) -> Vec<&str> {
    let lines = seen["lines"].as_array().unwrap().iter();
    lines
        .map(|line| line["message"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn chat_history_is_paged_and_searched() {
    let server = TestServer::start().await;
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let space = kept_space(&server, &ada).await;
    let mut client = BinaryClient::join(&server.address, &ada, &space).await;
    // The rate limit holds here too, so several clients send the messages.
    let mut said = Vec::new();
    for number in 0..6 {
        let who = server.user(&format!("speaker {number}")).await;
        let mut speaker = BinaryClient::join(&server.address, &who, &space).await;
        for line in 1..=10 {
            said.push(format!("message {line} of {number}"));
            say(&mut speaker, line, said.last().unwrap()).await;
        }
    }
    say(&mut client, 1, "Decision: we build it").await;
    said.push("Decision: we build it".into());
    let found = loop {
        let path = format!("/space/{space}/chat?q=decision");
        let found = server.get(&path, Some(&bob)).await.fine();
        if found["lines"] != json!([]) {
            break found;
        }
    };
    assert_eq!(words(&found), ["Decision: we build it"]);
    let longest = format!("/space/{space}/chat?q={}", "ä".repeat(100));
    assert_eq!(
        server.get(&longest, Some(&bob)).await.fine()["lines"],
        json!([])
    );
    let longer = server.get(&format!("{longest}b"), Some(&bob)).await;
    longer.refused(400);
    assert!(longer.text.contains("100 letters"), "{longer:?}");
    server
        .get(&format!("/spaces?q={}", "a".repeat(101)), Some(&bob))
        .await
        .refused(400);
    assert_eq!(
        (&found["lines"][0]["username"], &found["lines"][0]["userId"]),
        (&json!("ada"), &json!(ada.id))
    );
    let newest = until_kept(&server, &bob, &space, 50).await;
    assert_eq!(newest["kept"], true);
    assert_eq!(words(&newest), said[11..]);
    let path = format!(
        "/space/{space}/chat?before={}",
        newest["before"].as_str().unwrap()
    );
    let earlier = server.get(&path, Some(&bob)).await.fine();
    assert_eq!(words(&earlier), said[..11]);
    assert_eq!(earlier["before"], Value::Null);
    server
        .get(&format!("/space/{space}/chat?before=x"), Some(&bob))
        .await
        .refused(400);
    server
        .get(&format!("/space/{space}/chat"), None)
        .await
        .refused(403);
    server
        .post(
            "/space",
            Some(&ada),
            json!({"name": "x", "dimensions": "9x9", "chat": "sometimes"}),
        )
        .await
        .refused(400);
    server.stop().await;
}

#[tokio::test]
async fn an_ephemeral_space_forgets_when_the_last_player_leaves() {
    let server = TestServer::start().await;
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    for left in [0, 1] {
        let space = match left {
            0 => server.space(&ada, "20x20").await,
            _ => kept_space(&server, &ada).await,
        };
        let mut client = BinaryClient::join(&server.address, &ada, &space).await;
        say(&mut client, 1, "between us").await;
        client.say(&ClientMessage::Session(SessionC2s::Leave)).await;
        assert_eq!(client.ended().await, Some(1000));
        // The client gets its goodbye before the player is removed.
        while server.get("/spaces", Some(&ada)).await.fine()["mine"][0]["people"] != 0 {}
        let bob = BinaryClient::join(&server.address, &bob, &space).await;
        assert_eq!(bob.history.len(), left);
    }
    server.stop().await;
}

#[tokio::test]
async fn stored_chat_survives_all_processes_and_redis() {
    let mut shared = Shared::new();
    shared.database = crate::services::Database::alone();
    let server = shared.server().await;
    let ada = server.user("ada").await;
    let space = kept_space(&server, &ada).await;
    let mut client = BinaryClient::join(&server.address, &ada, &space).await;
    say(&mut client, 1, "before").await;
    until_kept(&server, &ada, &space, 1).await;
    // While the database is down, messages wait in Redis.
    shared.database.kill();
    say(&mut client, 2, "in between").await;
    shared.database.restart();
    assert_eq!(
        words(&until_kept(&server, &ada, &space, 2).await),
        ["before", "in between"]
    );
    server.stop().await;
    shared.redis.kill();
    shared.redis.restart();
    let server = shared.server().await;
    assert_eq!(
        words(&until_kept(&server, &ada, &space, 2).await),
        ["before", "in between"]
    );
    server.stop().await;
}

/// Reads messages until `pick` accepts one.
pub async fn until<T>(
    client: &mut BinaryClient,
    mut pick: impl FnMut(&ServerMessage) -> Option<T>,
) -> T {
    let mut picked = None;
    client
        .until(|_, message| {
            picked = pick(message);
            picked.is_some()
        })
        .await;
    picked.expect("it was seen")
}

pub async fn said(client: &mut BinaryClient, text: &str) -> ChatMessageS2c {
    until(client, |message| match message {
        ServerMessage::Chat(ChatS2c::Message(chat)) if chat.text == text => Some(chat.clone()),
        _ => None,
    })
    .await
}

pub async fn changed(client: &mut BinaryClient) -> ChatChangedS2c {
    until(client, |message| match message {
        ServerMessage::Chat(ChatS2c::Changed(change)) => Some(change.clone()),
        _ => None,
    })
    .await
}

pub async fn notice(client: &mut BinaryClient) -> (String, String) {
    until(client, |message| match message {
        ServerMessage::Session(SessionS2c::Notice(notice)) => {
            Some((notice.code.clone(), notice.message.clone()))
        }
        _ => None,
    })
    .await
}

fn edit(id: &str, text: &str) -> ClientMessage {
    ClientMessage::Chat(ChatC2s::Edit(ChatEditC2s {
        id: id.into(),
        text: text.into(),
    }))
}

pub fn delete(id: &str) -> ClientMessage {
    ClientMessage::Chat(ChatC2s::Delete(ChatDeleteC2s { id: id.into() }))
}

#[tokio::test]
async fn edits_deletions_replies_and_reactions_survive_a_restart() {
    let server = TestServer::start().await;
    let (ada, bob, admin) = (
        server.user("ada").await,
        server.user("bob").await,
        server.admin().await,
    );
    let space = kept_space(&server, &ada).await;
    let mut owner = BinaryClient::join(&server.address, &ada, &space).await;
    let mut guest = BinaryClient::join(&server.address, &bob, &space).await;
    guest.chat(1, "helo").await;
    let line = said(&mut owner, "helo").await;
    guest.say(&edit(&line.id, " hello ")).await;
    let change = changed(&mut owner).await;
    assert_eq!(
        (&change.id, change.text.as_deref()),
        (&line.id, Some("hello"))
    );
    // A message of another user.
    owner.say(&edit(&line.id, "I was wrong")).await;
    assert_eq!(notice(&mut owner).await.0, "forbidden");
    let answer = ClientMessage::Chat(ChatC2s::Send(ChatSendC2s {
        client_id: 1,
        text: "welcome".into(),
        scope: 0,
        reply_to: Some(line.id.clone()),
    }));
    owner.say(&answer).await;
    let answer = said(&mut guest, "welcome").await;
    assert_eq!(answer.reply_to.as_ref(), Some(&line.id));
    guest
        .say(&ClientMessage::Chat(ChatC2s::React(ReactC2s {
            id: answer.id.clone(),
            emoji: "🎉".into(),
            on: true,
        })))
        .await;
    let reacted = until(&mut owner, |message| match message {
        ServerMessage::Chat(ChatS2c::Reacted(reacted)) => Some(reacted.clone()),
        _ => None,
    })
    .await;
    assert_eq!(
        (&reacted.id, &reacted.user, reacted.on),
        (&answer.id, &bob.id, true)
    );
    guest.chat(2, "spam").await;
    let spam = said(&mut owner, "spam").await;
    guest.say(&delete(&answer.id)).await;
    assert_eq!(
        notice(&mut guest).await.0,
        "forbidden",
        "a guest deletes no others"
    );
    owner.say(&delete(&spam.id)).await;
    assert_eq!(changed(&mut guest).await.text, None);

    let folder = server.stop().await;
    let server = TestServer::start_in(folder, |_| {}).await;
    let guest = BinaryClient::join(&server.address, &bob, &space).await;
    let [first, second, third] = &guest.history[..] else {
        panic!("not three messages but {:?}", guest.history);
    };
    assert_eq!((&first.text[..], first.edited), ("hello", Some(change.at)));
    assert_eq!(
        (&second.reactions[0].emoji[..], &second.reactions[0].users),
        ("🎉", &vec![bob.id.clone()])
    );
    assert!(third.deleted && third.text.is_empty());
    let kept = server
        .get(&format!("/space/{space}/chat"), Some(&admin))
        .await
        .fine();
    assert_eq!(words(&kept), ["hello", "welcome", ""]);
    assert_eq!(kept["lines"][1]["replyTo"], json!(first.id));
    assert_eq!(
        kept["lines"][1]["reactions"],
        json!([{"emoji": "🎉", "userIds": [bob.id]}])
    );
    assert_eq!(kept["lines"][2]["deleted"], true);
    server.stop().await;
}

#[tokio::test]
async fn old_messages_are_changed_over_http_and_shown_at_once() {
    let server = TestServer::start().await;
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let space = kept_space(&server, &ada).await;
    let mut owner = BinaryClient::join(&server.address, &ada, &space).await;
    let mut guest = BinaryClient::join(&server.address, &bob, &space).await;
    say(&mut guest, 1, "frist").await;
    let kept = until_kept(&server, &ada, &space, 1).await;
    let id = kept["lines"][0]["id"].as_str().unwrap();
    let path = format!("/space/{space}/chat/{id}");
    let request = json!({"message": "first"});
    server
        .call("PATCH", &path, Some(&ada), request.clone())
        .await
        .refused(403);
    server
        .call("PATCH", &path, Some(&bob), json!({"message": " "}))
        .await
        .refused(400);
    server
        .call("PATCH", &path, Some(&bob), request)
        .await
        .fine();
    assert_eq!(changed(&mut owner).await.text.as_deref(), Some("first"));
    server
        .call("DELETE", &path, Some(&ada), Value::Null)
        .await
        .fine();
    assert_eq!(changed(&mut guest).await.text.as_deref(), Some("first"));
    assert_eq!(changed(&mut guest).await.text, None);
    server
        .call("DELETE", &path, Some(&ada), Value::Null)
        .await
        .refused(400);
    server
        .call(
            "DELETE",
            &format!("/space/{space}/chat/x"),
            Some(&ada),
            Value::Null,
        )
        .await
        .refused(400);
    server.stop().await;
}

#[tokio::test]
async fn changes_of_old_messages_do_not_reach_a_user_who_blocked_the_author() {
    let server = TestServer::start().await;
    let [ada, bob, cleo] = three_people(&server).await;
    let space = kept_space(&server, &ada).await;
    let mut blocker = BinaryClient::join(&server.address, &ada, &space).await;
    let mut author = BinaryClient::join(&server.address, &bob, &space).await;
    let mut other = BinaryClient::join(&server.address, &cleo, &space).await;
    say(&mut author, 1, "old words").await;
    say(&mut other, 1, "fine words").await;
    let kept = until_kept(&server, &ada, &space, 2).await;
    let path = |line: usize| format!("/space/{space}/chat/{}", text(&kept["lines"][line]["id"]));
    for number in 0..HISTORY / 10 {
        let speaker = server.user(&format!("speaker {number}")).await;
        let mut speaker = BinaryClient::join(&server.address, &speaker, &space).await;
        for line in 1..10 {
            speaker.chat(line, "news").await;
        }
        say(&mut speaker, 10, "news").await;
    }
    let user = bob.id.clone();
    blocker
        .say(&ClientMessage::Block(BlockC2s {
            user,
            blocked: true,
        }))
        .await;
    say(&mut blocker, 1, "blocked").await;
    for (line, who) in [(0, &bob), (1, &cleo)] {
        let request = json!({"message": "other words"});
        server
            .call("PATCH", &path(line), Some(who), request)
            .await
            .fine();
    }
    assert_eq!(
        changed(&mut blocker).await.id,
        text(&kept["lines"][1]["id"])
    );
    assert_eq!(changed(&mut other).await.id, text(&kept["lines"][0]["id"]));
    server.stop().await;
}

#[tokio::test]
async fn messages_of_a_blocked_user_are_left_out_over_http_too() {
    let server = TestServer::start().await;
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let space = kept_space(&server, &ada).await;
    let mut owner = BinaryClient::join(&server.address, &ada, &space).await;
    let mut guest = BinaryClient::join(&server.address, &bob, &space).await;
    say(&mut owner, 1, "hello from Ada").await;
    say(&mut guest, 1, "hello from Bob").await;
    let kept = until_kept(&server, &ada, &space, 2).await;
    assert_eq!(words(&kept), ["hello from Ada", "hello from Bob"]);
    let block = BlockC2s {
        user: bob.id.clone(),
        blocked: true,
    };
    owner.say(&ClientMessage::Block(block)).await;
    let path = format!("/space/{space}/chat");
    while words(&server.get(&path, Some(&ada)).await.fine()).len() > 1 {}
    for query in ["", "?q=hello"] {
        let path = format!("{path}{query}");
        let seen = server.get(&path, Some(&ada)).await.fine();
        assert_eq!(words(&seen), ["hello from Ada"], "{query}");
        let seen = server.get(&path, Some(&bob)).await.fine();
        assert_eq!(words(&seen).len(), 2, "{query}");
    }
    let export = server.get(&format!("{path}/export"), Some(&ada)).await;
    assert!(export.text.contains("from Bob"), "who moderates reads all");
    server.stop().await;
}

#[tokio::test]
async fn typing_is_shown_until_the_message_is_sent() {
    let server = TestServer::start().await;
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let space = server.space(&ada, "20x20").await;
    let mut typist = BinaryClient::join(&server.address, &ada, &space).await;
    let mut other = BinaryClient::join(&server.address, &bob, &space).await;
    typist
        .say(&ClientMessage::Chat(ChatC2s::Typing(TypingC2s {
            on: true,
        })))
        .await;
    let typing = |message: &ServerMessage| match message {
        ServerMessage::Chat(ChatS2c::Typing(typing)) => Some((typing.player, typing.on)),
        _ => None,
    };
    let me = typist.welcome.player;
    assert_eq!(until(&mut other, typing).await, (me, true));
    typist.chat(1, "there").await;
    assert_eq!(until(&mut other, typing).await, (me, false));
    said(&mut other, "there").await;
    typist
        .say(&ClientMessage::Chat(ChatC2s::Typing(TypingC2s {
            on: true,
        })))
        .await;
    assert_eq!(until(&mut other, typing).await, (me, true));
    // Without further input it ends after some ticks.
    assert_eq!(until(&mut other, typing).await, (me, false));
    server.stop().await;
}

#[tokio::test]
async fn slow_mode_and_the_byte_limit_hold_for_edits_over_http_too() {
    let server = TestServer::start().await;
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let space = kept_space(&server, &ada).await;
    let mut guest = BinaryClient::join(&server.address, &bob, &space).await;
    for number in 1..=2 {
        say(&mut guest, number, "frist").await;
    }
    let kept = until_kept(&server, &ada, &space, 2).await;
    let id = |number: usize| kept["lines"][number]["id"].as_str().unwrap();
    let patch = async |number: usize, text: &str| {
        let path = format!("/space/{space}/chat/{}", id(number));
        let body = json!({ "message": text });
        server.call("PATCH", &path, Some(&bob), body).await
    };
    patch(0, "first").await.fine();
    let rules = format!("/space/{space}/chat");
    let slow = json!({"slowModeSeconds": 3600});
    server.call("PATCH", &rules, Some(&ada), slow).await.fine();
    let refused = patch(0, "more").await;
    refused.refused(429);
    let waits = refused.header("retry-after").parse::<u64>().unwrap();
    assert!((3_000..=3_600).contains(&waits), "{waits}");
    guest.say(&edit(id(0), "over the socket")).await;
    let (code, words) = loop {
        let (code, words) = notice(&mut guest).await;
        if words.contains("again") {
            break (code, words);
        }
    };
    assert_eq!(code, "slow-mode", "{words}");
    let fast = json!({"slowModeSeconds": 0});
    server.call("PATCH", &rules, Some(&ada), fast).await.fine();
    let (long, mut accepted) = ("👋".repeat(4_000), 0);
    let refused = loop {
        let answer = patch(accepted % 2, &format!("{accepted}{}", &long[8..])).await;
        if answer.status == 429 {
            break answer;
        }
        answer.fine();
        accepted += 1;
    };
    assert!((5..20).contains(&accepted), "{accepted} long edits at once");
    refused.refused(429);
    server.stop().await;
}

#[tokio::test]
async fn chat_rules_of_the_owner_hold_at_once() {
    let server = TestServer::start().await;
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let space = kept_space(&server, &ada).await;
    let path = format!("/space/{space}/chat");
    let slow = json!({"slowModeSeconds": 3600});
    server
        .call("PATCH", &path, Some(&bob), slow.clone())
        .await
        .refused(403);
    for wrong in [
        json!({"slowModeSeconds": 21_601}),
        json!({"retentionDays": 0}),
        json!({"retentionDays": "x"}),
        json!({"reach": 1}),
        json!({"reach": 13}),
        json!({"voices": 0}),
        json!({"voices": 17}),
        json!({"pictures": 10}),
        json!({"pictures": -1}),
        json!({"walls": "brick"}),
    ] {
        server
            .call("PATCH", &path, Some(&ada), wrong)
            .await
            .refused(400);
    }
    let mut owner = BinaryClient::join(&server.address, &ada, &space).await;
    let mut guest = BinaryClient::join(&server.address, &bob, &space).await;
    say(&mut guest, 1, "before").await;
    server.call("PATCH", &path, Some(&ada), slow).await.fine();
    assert_eq!(notice(&mut guest).await.0, "slow-mode");
    server
        .call("PATCH", &path, Some(&ada), json!({"reach": 8}))
        .await
        .fine();
    let (code, words) = notice(&mut guest).await;
    assert_eq!(code, "voices");
    assert!(words.contains("8 tiles;"), "{words}");
    server
        .call("PATCH", &path, Some(&ada), json!({"reach": 5}))
        .await
        .fine();
    guest.chat(2, "too soon").await;
    let refused = until(&mut guest, |message| match message {
        ServerMessage::Chat(ChatS2c::Refused(refused)) => Some(refused.message.clone()),
        _ => None,
    })
    .await;
    assert!(refused.contains("minutes"), "{refused}");
    say(&mut owner, 1, "one").await;
    say(&mut owner, 2, "and two").await;
    let rules = server
        .call("PATCH", &path, Some(&ada), json!({"retentionDays": 30}))
        .await
        .fine();
    let expected = json!({"retentionDays": 30, "slowModeSeconds": 3600,
        "reach": 5, "voices": 16, "pictures": 9,
        "walls": null, "mayModerate": true});
    assert_eq!(rules, expected);
    let seen = server.get(&path, Some(&bob)).await.fine();
    assert_eq!(
        (&seen["slowModeSeconds"], &seen["mayModerate"]),
        (&json!(3600), &json!(false))
    );
    server
        .call("PATCH", &path, Some(&ada), json!({"retentionDays": null}))
        .await
        .fine();
    let seen = server.get(&path, Some(&bob)).await.fine();
    assert_eq!(seen["retentionDays"], Value::Null);
    server.stop().await;
}

#[tokio::test]
async fn the_owner_exports_the_chat_and_deletes_it_for_all() {
    let server = TestServer::start().await;
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let space = kept_space(&server, &ada).await;
    let path = format!("/space/{space}/chat");
    let mut guest = BinaryClient::join(&server.address, &bob, &space).await;
    say(&mut guest, 1, "one\ntwo").await;
    until_kept(&server, &bob, &space, 1).await;
    server
        .get(&format!("{path}/export"), Some(&bob))
        .await
        .refused(403);
    let export = server.get(&format!("{path}/export"), Some(&ada)).await;
    assert_eq!(export.fine()[0]["message"], "one\ntwo");
    assert!(export.header("content-disposition").contains("chat.json"));
    let export = server
        .get(&format!("{path}/export?format=text"), Some(&ada))
        .await;
    assert!(
        export.text.ends_with("Z bob: one\n    two\n"),
        "{}",
        export.text
    );
    server
        .get(&format!("{path}/export?format=x"), Some(&ada))
        .await
        .refused(400);

    server
        .call("DELETE", &path, Some(&bob), Value::Null)
        .await
        .refused(403);
    server
        .call("DELETE", &path, Some(&ada), Value::Null)
        .await
        .fine();
    let (code, message) = notice(&mut guest).await;
    assert_eq!(code, "chat-cleared");
    assert!(message.contains("ada"), "{message}");
    say(&mut guest, 2, "afterwards").await;
    loop {
        let kept = server.get(&path, Some(&bob)).await.fine();
        if words(&kept) == ["afterwards"] {
            break;
        }
    }
    let late = BinaryClient::join(&server.address, &ada, &space).await;
    assert_eq!(late.history.len(), 1);
    server.stop().await;
}

async fn write_to(
    server: &TestServer,
    from: &Person,
    to: &Person,
    client_id: u32,
    text: &str,
) -> crate::harness::Answer {
    let body = json!({"text": text, "clientId": client_id});
    server
        .post(&format!("/direct/{}", to.id), Some(from), body)
        .await
}

async fn direct(client: &mut BinaryClient) -> DirectMessageS2c {
    until(client, |message| match message {
        ServerMessage::Direct(message) => Some(message.clone()),
        _ => None,
    })
    .await
}

#[tokio::test]
async fn a_direct_message_reaches_its_recipient_in_any_space_and_no_other_user() {
    let server = TestServer::start().await;
    let (ada, bob, eve) = (
        server.user("ada").await,
        server.user("bob").await,
        server.user("eve").await,
    );
    let here = server.space(&ada, "20x20").await;
    let there = server.space(&ada, "20x20").await;
    // No user is connected yet.
    let first = write_to(&server, &ada, &bob, 1, " hello ").await.fine();
    assert_eq!(
        (&first["text"], &first["name"]),
        (&json!("hello"), &json!("ada"))
    );
    assert_eq!(
        write_to(&server, &ada, &bob, 1, "hello").await.fine(),
        first,
        "sent again"
    );
    write_to(&server, &ada, &bob, 1, "other words")
        .await
        .refused(400);
    write_to(&server, &ada, &bob, 2, " ").await.refused(400);
    write_to(&server, &ada, &ada, 3, "me").await.refused(400);
    let unknown = Person {
        id: here.clone(),
        ..bob.clone()
    };
    write_to(&server, &ada, &unknown, 4, "hello?")
        .await
        .refused(400);
    let list = server.get("/direct", Some(&bob)).await.fine();
    let [with] = &list["conversations"].as_array().unwrap()[..] else {
        panic!("one conversation, not {list}");
    };
    assert_eq!(
        (&with["username"], &with["unread"]),
        (&json!("ada"), &json!(1))
    );
    assert_eq!(
        server.get("/direct", Some(&eve)).await.fine()["conversations"],
        json!([])
    );

    let mut sender = BinaryClient::join(&server.address, &ada, &here).await;
    let mut reader = BinaryClient::join(&server.address, &bob, &there).await;
    let mut other = BinaryClient::join(&server.address, &bob, &here).await;
    let mut stranger = BinaryClient::join(&server.address, &eve, &here).await;
    write_to(&server, &ada, &bob, 5, "are you there?")
        .await
        .fine();
    for client in [&mut reader, &mut other] {
        let line = direct(client).await;
        assert_eq!(
            (&line.text[..], &line.from, line.client_id),
            ("are you there?", &ada.id, None)
        );
    }
    let own = direct(&mut sender).await;
    assert_eq!((own.client_id, &own.to), (Some(5), &bob.id));
    stranger.chat(1, "lalala").await;
    let next = until(&mut stranger, |message| match message {
        ServerMessage::Chat(ChatS2c::Message(_)) => Some(true),
        ServerMessage::Direct(_) => Some(false),
        _ => None,
    });
    assert!(next.await, "eve must not see it");

    let path = format!("/direct/{}", ada.id);
    let seen = server.get(&path, Some(&bob)).await.fine();
    assert_eq!(seen["messages"].as_array().unwrap().len(), 2);
    let request = json!({"upTo": own.id});
    server
        .post(&format!("{path}/read"), Some(&bob), request)
        .await
        .fine();
    server
        .post(&format!("{path}/read"), Some(&bob), json!({"upTo": "x"}))
        .await
        .refused(400);
    let list = server.get("/direct", Some(&bob)).await.fine();
    assert_eq!(list["conversations"][0]["unread"], 0);
    let before = server
        .get(&format!("{path}?before={}", own.id), Some(&bob))
        .await
        .fine();
    assert_eq!(before["messages"].as_array().unwrap().len(), 1);
    server.get(&path, None).await.refused(403);
    for client_id in 10..20 {
        write_to(&server, &eve, &bob, client_id, "buy this").await;
    }
    write_to(&server, &eve, &bob, 20, "buy this")
        .await
        .refused(429);
    server.stop().await;
}

#[tokio::test]
async fn direct_messages_cross_processes() {
    let shared = Shared::new();
    let (one, two) = (shared.server().await, shared.server().await);
    let (ada, bob) = (one.user("ada").await, one.user("bob").await);
    let space = two.space(&bob, "20x20").await;
    let mut reader = BinaryClient::join(&two.address, &bob, &space).await;
    write_to(&one, &ada, &bob, 1, "over there").await.fine();
    assert_eq!(direct(&mut reader).await.text, "over there");
    two.stop().await;
    one.stop().await;
}
