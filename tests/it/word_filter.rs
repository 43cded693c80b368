//! Word filters of spaces and of the server: messages over every protocol, direct messages, and
//! names.

use plaza::components::word_filter::{FilterAction, WordList};
use plaza::net::protocol::chat::{ChatC2s, ChatEditC2s, ChatS2c};
use plaza::net::protocol::{ClientMessage, ServerMessage};
use serde_json::{Value, json};

use crate::chat::{changed, notice, said, until, until_kept};
use crate::clients::{BinaryClient, JsonClient};
use crate::cluster::Shared;
use crate::harness::{Answer, Person, TestServer, text};

async fn filter(
    server: &TestServer,
    by: &Person,
    space: &str,
    action: &str,
    words: &[&str],
) -> Answer {
    let path = format!("/space/{space}/word-filter");
    let body = json!({"action": action, "words": words});
    server.call("PUT", &path, Some(by), body).await
}

async fn refused(client: &mut BinaryClient) -> String {
    until(client, |message| match message {
        ServerMessage::Chat(ChatS2c::Refused(refused)) => Some(refused.message.clone()),
        _ => None,
    })
    .await
}

async fn kept_space(server: &TestServer, owner: &Person) -> String {
    let body = json!({"name": "Test", "dimensions": "9x9", "chat": "kept"});
    text(&server.post("/space", Some(owner), body).await.fine()["spaceId"])
}

fn edit(id: &str, text: &str) -> ClientMessage {
    ClientMessage::Chat(ChatC2s::Edit(ChatEditC2s {
        id: id.into(),
        text: text.into(),
    }))
}

#[tokio::test]
async fn a_space_redacts_words_for_all_but_its_moderators() {
    let server = TestServer::start().await;
    let (olga, bob, eve) = (
        server.user("olga").await,
        server.user("bob").await,
        server.user("eve").await,
    );
    let space = kept_space(&server, &olga).await;
    let mut owner = BinaryClient::join(&server.address, &olga, &space).await;
    let mut client = BinaryClient::join(&server.address, &bob, &space).await;
    let (mut json_eve, _) = JsonClient::join(&server.address, &eve, &space).await;
    client.chat(1, "darn").await;
    said(&mut owner, "darn").await;
    filter(&server, &olga, &space, "redact", &["Darn", "hot dog"])
        .await
        .fine();
    client.chat(2, "Well, DARN it, a hot  dog! Darning.").await;
    let shown = said(&mut owner, "Well, •••• it, a ••••••••! Darning.").await;
    said(&mut client, &shown.text).await;
    json_eve.chat("ｄａｒｎ!").await;
    said(&mut owner, "••••!").await;
    client.say(&edit(&shown.id, "da\u{200b}rn")).await;
    let change = changed(&mut owner).await;
    assert_eq!(change.text.as_deref(), Some("•••••"));
    owner.chat(3, "I may say darn.").await;
    said(&mut client, "I may say darn.").await;
    // Also what only the database knows is changed with the filter.
    let seen = until_kept(&server, &bob, &space, 4).await;
    assert_eq!(seen["lines"][1]["message"], "•••••");
    let path = format!("/space/{space}/chat/{}", shown.id);
    let body = json!({"message": "darn again"});
    server.call("PATCH", &path, Some(&bob), body).await.fine();
    assert_eq!(
        changed(&mut owner).await.text.as_deref(),
        Some("•••• again")
    );
    filter(&server, &olga, &space, "redact", &[]).await.fine();
    client.chat(4, "darn").await;
    said(&mut owner, "darn").await;
    json_eve.close().await;
    server.stop().await;
}

#[tokio::test]
async fn a_refused_message_says_which_word_and_reaches_no_one_in_any_process() {
    let shared = Shared::new();
    let (first, second) = (
        shared.server_without_sweep().await,
        shared.server_without_sweep().await,
    );
    let (olga, bob, eve) = (
        first.user("olga").await,
        first.user("bob").await,
        first.user("eve").await,
    );
    let space = kept_space(&first, &olga).await;
    let mut owner = BinaryClient::join(&first.address, &olga, &space).await;
    let mut client = BinaryClient::join(&second.address, &bob, &space).await;
    client.chat(1, "before").await;
    let before = said(&mut owner, "before").await;
    filter(&first, &olga, &space, "refuse", &["Darn"])
        .await
        .fine();
    // Told to the other process, which takes a moment.
    let mut number = 2;
    let why = loop {
        client.chat(number, &format!("darn {number}")).await;
        let answer = until(&mut client, |message| match message {
            ServerMessage::Chat(ChatS2c::Refused(refused)) => Some(Some(refused.message.clone())),
            ServerMessage::Chat(ChatS2c::Message(_)) => Some(None),
            _ => None,
        })
        .await;
        number += 1;
        if let Some(why) = answer {
            break why;
        }
    };
    assert_eq!(why, "The word filter of this space does not allow “Darn”.");
    client.say(&edit(&before.id, "darn!")).await;
    let (code, told) = notice(&mut client).await;
    assert_eq!((code.as_str(), told.as_str()), ("filtered", why.as_str()));
    let (mut json_eve, _) = JsonClient::join(&second.address, &eve, &space).await;
    json_eve.chat("darn").await;
    assert_eq!(json_eve.expect_error().await, "filtered");
    json_eve.close().await;
    let path = format!("/space/{space}/chat/{}", before.id);
    let answer = loop {
        let body = json!({"message": "darn"});
        let answer = first.call("PATCH", &path, Some(&bob), body).await;
        // Not stored yet: about a second.
        if answer.status != 400 {
            break answer;
        }
        tokio::task::yield_now().await;
    };
    answer.refused(403);
    assert_eq!(answer.json()["code"], "filtered");
    client.chat(number, "after").await;
    said(&mut owner, "after").await;
    second.stop().await;
    first.stop().await;
}

#[tokio::test]
async fn reported_words_are_shown_and_noted_once_a_minute() {
    let server = TestServer::start().await;
    let (olga, bob) = (server.user("olga").await, server.user("bob").await);
    let space = kept_space(&server, &olga).await;
    let mut owner = BinaryClient::join(&server.address, &olga, &space).await;
    let mut client = BinaryClient::join(&server.address, &bob, &space).await;
    filter(&server, &olga, &space, "report", &["darn", "fig"])
        .await
        .fine();
    for (number, words) in [(1, "a fig, darn"), (2, "darn once more")] {
        client.chat(number, words).await;
        said(&mut owner, words).await;
    }
    let path = format!("/space/{space}/audit-log");
    let log = server.get(&path, Some(&olga)).await.fine();
    let entries = log["entries"].as_array().unwrap().iter();
    let noted: Vec<&Value> = entries
        .filter(|entry| entry["action"] == "filter-words")
        .collect();
    assert_eq!(noted.len(), 1, "{log}");
    assert_eq!(noted[0]["targetId"], bob.id.as_str());
    assert_eq!(noted[0]["target"], "bob");
    assert_eq!(noted[0]["detail"], "“darn”, “fig”");
    assert!(noted[0]["actorId"].is_null());
    server.stop().await;
}

#[tokio::test]
async fn the_list_of_the_server_holds_for_messages_everywhere_and_for_names() {
    let words = WordList::new(FilterAction::Refuse, ["darn"], 10).unwrap();
    let server = TestServer::start_with(|settings| settings.word_filter = words).await;
    let admin = server.admin().await;
    let (olga, bob) = (server.user("olga").await, server.user("bob").await);
    let space = server.space(&olga, "9x9").await;
    let mut client = BinaryClient::join(&server.address, &bob, &space).await;
    client.chat(1, "darn").await;
    let why = refused(&mut client).await;
    assert_eq!(why, "The word filter of this server does not allow “darn”.");
    let direct = format!("/direct/{}", olga.id);
    let write = |text: &str, number: u32| json!({"text": text, "clientId": number});
    let answer = server.post(&direct, Some(&bob), write("Darn!", 1)).await;
    answer.refused(403);
    assert_eq!(answer.json()["code"], "filtered");
    let body = write("darn", 2);
    server.post(&direct, Some(&admin), body).await.fine();

    let named = |name: &str| json!({"name": name, "dimensions": "9x9"});
    let answer = server.post("/space", Some(&olga), named("Darn club")).await;
    answer.refused(403);
    server
        .post("/space", Some(&admin), named("Darn club"))
        .await
        .fine();
    let path = format!("/space/{space}");
    for body in [json!({"name": "Darn club"}), json!({"description": "darn"})] {
        let answer = server.call("PATCH", &path, Some(&olga), body).await;
        answer.refused(403);
        assert_eq!(answer.json()["code"], "filtered");
    }
    let guest = |name: &str| json!({"name": name, "spaceId": space});
    server
        .post("/guest", None, guest("Darn Eve"))
        .await
        .refused(403);
    let account = json!({"username": "darn", "password": "correct horse", "type": "user"});
    server.post("/signup", None, account).await.refused(403);
    server.stop().await;
}

#[tokio::test]
async fn names_of_guests_are_not_redacted_but_refused() {
    let server = TestServer::start().await;
    let olga = server.user("olga").await;
    let space = server.space(&olga, "9x9").await;
    filter(&server, &olga, &space, "redact", &["darn"])
        .await
        .fine();
    let guest = |name: &str| json!({"name": name, "spaceId": space});
    let answer = server.post("/guest", None, guest("Darn")).await;
    answer.refused(403);
    assert_eq!(answer.json()["code"], "filtered");
    let made = server.post("/guest", None, guest("Eve")).await.fine();
    let eve = Person {
        id: text(&made["userId"]),
        token: text(&made["token"]),
    };
    let keep = json!({"username": "Darn", "password": "correct horse"});
    // The list is that of the space, and accounts are of the whole server.
    server.post("/guest/keep", Some(&eve), keep).await.fine();
    server.stop().await;
}

#[tokio::test]
async fn moderators_alone_read_and_change_a_list_and_bad_ones_are_refused() {
    let server = TestServer::start().await;
    let (olga, mona, bob) = (
        server.user("olga").await,
        server.user("mona").await,
        server.user("bob").await,
    );
    let space = server.space(&olga, "9x9").await;
    let path = format!("/space/{space}/member/{}", mona.id);
    let role = json!({"role": "moderator"});
    server.call("PUT", &path, Some(&olga), role).await.fine();
    let path = format!("/space/{space}/word-filter");
    let seen = server.get(&path, Some(&mona)).await.fine();
    assert_eq!(seen, json!({"action": "redact", "words": []}));
    let changed = filter(&server, &mona, &space, "report", &["Darn", " darn ", ""]).await;
    assert_eq!(
        changed.fine(),
        json!({"action": "report", "words": ["Darn"]})
    );
    assert_eq!(
        server.get(&path, Some(&olga)).await.fine(),
        json!({"action": "report", "words": ["Darn"]})
    );
    server.get(&path, Some(&bob)).await.refused(403);
    filter(&server, &bob, &space, "redact", &["a"])
        .await
        .refused(403);
    let many: Vec<String> = (0..2_001).map(|number| number.to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let long = "a".repeat(51);
    for (action, words) in [
        ("burn", vec!["a"]),
        ("redact", vec!["\u{200b}"]),
        ("redact", vec![long.as_str()]),
        ("redact", many.clone()),
    ] {
        filter(&server, &olga, &space, action, &words)
            .await
            .refused(400);
    }
    filter(&server, &olga, &space, "redact", &many[1..])
        .await
        .fine();
    server.stop().await;
}
