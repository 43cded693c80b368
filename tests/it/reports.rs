//! Reports: what they quote and who reads them, over HTTP, and what people inside are told.

use plaza::net::protocol::ClientMessage;
use plaza::net::protocol::chat::{ChatC2s, ChatMessageS2c, ChatSendC2s};
use plaza::store::token::hex;
use serde_json::{Value, json};

use crate::administration::fine;
use crate::chat::{changed, delete, notice, said, until_kept};
use crate::clients::BinaryClient;
use crate::cluster::Shared;
use crate::harness::{Answer, Person, TestServer, text};
use crate::nearby::connected;

async fn report(
    server: &TestServer,
    by: &Person,
    space: &str,
    about: &Person,
    messages: Value,
) -> Answer {
    let body = json!({
        "aboutId": about.id,
        "kind": "harassment",
        "text": "Look at\nthis.",
        "messages": messages,
    });
    let path = format!("/space/{space}/report");
    server.post(&path, Some(by), body).await
}

async fn list(server: &TestServer, who: &Person, space: &str) -> Value {
    let path = format!("/space/{space}/report");
    server.get(&path, Some(who)).await.fine()
}

async fn give(server: &TestServer, by: &Person, space: &str, to: &Person, role: &str) {
    let path = format!("/space/{space}/member/{}", to.id);
    let body = json!({"role": role});
    server.call("PUT", &path, Some(by), body).await.fine();
}

/// The message as a report quotes it with its proof.
fn proven(message: &ChatMessageS2c) -> Value {
    let mac = hex(&message.mac);
    json!({"id": message.id, "text": message.text, "at": message.at, "mac": mac})
}

async fn say_nearby(client: &mut BinaryClient, client_id: u32, text: &str) {
    let message = ChatSendC2s {
        client_id,
        text: text.into(),
        scope: 1,
        reply_to: None,
    };
    client
        .say(&ClientMessage::Chat(ChatC2s::Send(message)))
        .await;
}

#[tokio::test]
async fn a_message_nearby_is_proven_and_a_forged_one_is_refused() {
    let server = TestServer::start().await;
    let [olga, bob, eve] = [
        server.user("olga").await,
        server.user("bob").await,
        server.user("eve").await,
    ];
    // So small that everyone is near.
    let space = server.space(&olga, "4x4").await;
    let other = server.space(&olga, "4x4").await;
    let mut moderator = BinaryClient::join(&server.address, &olga, &space).await;
    let mut listener = BinaryClient::join(&server.address, &bob, &space).await;
    let mut speaker = BinaryClient::join(&server.address, &eve, &space).await;
    connected(&mut speaker).await;
    say_nearby(&mut speaker, 1, "between us").await;
    let heard = said(&mut listener, "between us").await;
    assert_eq!(heard.mac.len(), 16);
    let own = said(&mut speaker, "between us").await;
    assert_eq!(own.mac, heard.mac, "one signature for all");
    let quote = proven(&heard);
    for (field, value) in [
        ("text", json!("between them")),
        ("at", json!(heard.at + 1)),
        ("id", json!("0197a1b2-0000-7000-8000-00000000000a")),
        ("mac", json!("00".repeat(16))),
        ("mac", json!("no hexadecimal")),
    ] {
        let mut forged = quote.clone();
        forged[field] = value;
        let answer = report(&server, &bob, &space, &eve, json!([forged])).await;
        answer.refused(400);
        let message = text(&answer.json()["message"]);
        assert!(message.contains("was not said like this"), "{message}");
    }
    // Another person's, and another space's.
    let wrong = report(&server, &bob, &space, &olga, json!([quote])).await;
    wrong.refused(400);
    let wrong = report(&server, &bob, &other, &eve, json!([quote])).await;
    wrong.refused(400);
    let taken = report(&server, &bob, &space, &eve, json!([quote, quote])).await;
    assert_eq!(taken.fine()["to"], "moderators");
    assert_eq!(notice(&mut moderator).await.0, "report");
    let seen = list(&server, &olga, &space).await;
    assert_eq!(seen["open"], 1);
    let seen = &seen["reports"][0];
    assert_eq!(seen["kind"], "harassment");
    assert_eq!(seen["text"], "Look at\nthis.");
    assert_eq!(seen["about"]["username"], "eve");
    assert_eq!(seen["about"]["role"], "visitor");
    assert_eq!(seen["by"]["userId"], bob.id.as_str());
    assert_eq!(seen["wasInside"], true);
    let hearers = seen["hearers"].as_array().unwrap();
    assert!(hearers.contains(&json!("bob")), "{hearers:?}");
    let quotes = seen["messages"].as_array().unwrap();
    assert_eq!(quotes.len(), 1, "the same message counts once");
    assert_eq!(quotes[0]["text"], "between us");
    assert_eq!(quotes[0]["stored"], false);
    assert!(quotes[0]["later"].is_null());
    server.stop().await;
}

#[tokio::test]
async fn a_stored_message_is_quoted_by_id_and_a_deleted_one_by_its_proof() {
    let server = TestServer::start().await;
    let [olga, bob, eve] = [
        server.user("olga").await,
        server.user("bob").await,
        server.user("eve").await,
    ];
    let body = json!({"name": "Test", "dimensions": "9x9", "chat": "kept"});
    let space = text(&server.post("/space", Some(&olga), body).await.fine()["spaceId"]);
    let mut client = BinaryClient::join(&server.address, &eve, &space).await;
    client.chat(1, "rude").await;
    let message = said(&mut client, "rude").await;
    until_kept(&server, &olga, &space, 1).await;
    let by_id = json!([{"id": message.id}]);
    report(&server, &bob, &space, &eve, by_id.clone())
        .await
        .fine();
    let other = report(&server, &bob, &space, &olga, by_id.clone()).await;
    other.refused(400);
    let late = BinaryClient::join(&server.address, &bob, &space).await;
    assert_eq!(
        late.history[0].mac, message.mac,
        "the history is signed, too"
    );
    client.say(&delete(&message.id)).await;
    changed(&mut client).await;
    let path = format!("/space/{space}/chat");
    // In the database after about a second.
    while server.get(&path, Some(&olga)).await.fine()["lines"][0]["deleted"] != true {
        tokio::task::yield_now().await;
    }
    let answer = report(&server, &bob, &space, &eve, by_id).await;
    answer.refused(400);
    let told = text(&answer.json()["message"]);
    assert!(told.starts_with("There is no such message"), "{told}");
    report(&server, &bob, &space, &eve, json!([proven(&message)]))
        .await
        .fine();
    let seen = list(&server, &olga, &space).await;
    let quote = &seen["reports"][0]["messages"][0];
    assert_eq!(
        (&quote["text"], &quote["later"]),
        (&json!("rude"), &json!(""))
    );
    assert_eq!(quote["stored"], true);
    assert_eq!(seen["reports"][0]["wasInside"], true);
    server.stop().await;
}

#[tokio::test]
async fn a_report_goes_to_those_above_and_its_author_is_told_the_answer() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let [olga, mia, max, bob] = [
        server.user("olga").await,
        server.user("mia").await,
        server.user("max").await,
        server.user("bob").await,
    ];
    let space = server.space(&olga, "9x9").await;
    for moderator in [&mia, &max] {
        give(&server, &olga, &space, moderator, "moderator").await;
    }
    let mut inside = BinaryClient::join(&server.address, &bob, &space).await;
    let none = json!([]);
    // About a moderator: for the owner alone.
    report(&server, &bob, &space, &mia, none.clone())
        .await
        .fine();
    assert_eq!(list(&server, &mia, &space).await["open"], 0);
    assert_eq!(list(&server, &max, &space).await["reports"], json!([]));
    let seen = list(&server, &olga, &space).await;
    assert_eq!(seen["open"], 1);
    let id = text(&seen["reports"][0]["id"]);
    let path = format!("/space/{space}/report/{id}");
    let body = json!({"answer": "I spoke to her."});
    server
        .post(&path, Some(&bob), body.clone())
        .await
        .refused(403);
    server
        .post(&path, Some(&max), body.clone())
        .await
        .refused(400);
    server
        .post(&path, Some(&mia), body.clone())
        .await
        .refused(400);
    let long = json!({"answer": "a".repeat(1_001)});
    server.post(&path, Some(&olga), long).await.refused(400);
    server.post(&path, Some(&olga), body.clone()).await.fine();
    server.post(&path, Some(&olga), body).await.refused(400);
    assert_eq!(notice(&mut inside).await.0, "report-answered");
    let own = server.get("/report", Some(&bob)).await.fine();
    let own = &own["reports"][0];
    assert_eq!(
        (&own["state"], &own["about"]),
        (&json!("done"), &json!("mia"))
    );
    assert_eq!(own["answer"], "I spoke to her.");
    assert!(own["doneAt"].is_number());
    let done = format!("/space/{space}/report?state=done");
    let seen = server.get(&done, Some(&olga)).await.fine();
    assert_eq!(seen["reports"][0]["doneBy"], "olga");
    assert_eq!(server.get(&done, Some(&max)).await.fine()["reports"], none);
    // About the owner, and by the only one above: for admins of the server.
    let taken = report(&server, &bob, &space, &olga, none.clone()).await;
    assert_eq!(taken.fine()["to"], "admins");
    let taken = report(&server, &olga, &space, &mia, none.clone()).await;
    assert_eq!(taken.fine()["to"], "admins");
    assert_eq!(list(&server, &olga, &space).await["open"], 0);
    server.get("/admin/report", Some(&olga)).await.refused(403);
    let seen = server.get("/admin/report", Some(&admin)).await.fine();
    assert_eq!(seen["open"], 2);
    assert_eq!(seen["reports"][1]["about"]["role"], "owner");
    let path = format!("/admin/report/{}", text(&seen["reports"][1]["id"]));
    server
        .post(&path, Some(&olga), json!({}))
        .await
        .refused(403);
    server.post(&path, Some(&admin), json!({})).await.fine();
    let all = server
        .get("/admin/report?all=true&state=done", Some(&admin))
        .await;
    assert_eq!(all.fine()["reports"].as_array().unwrap().len(), 2);
    let audit = server.get("/admin/audit-log", Some(&admin)).await.fine();
    assert_eq!(audit["entries"][0]["action"], "answer-report");
    let folder = server.stop().await;
    let table = fine(folder.path(), &["reports"]).await;
    let about_mia = table
        .lines()
        .find(|line| line.contains("mia (moderator) by olga"));
    let id = about_mia.unwrap().split(' ').next().unwrap();
    assert!(table.contains("Look at this."), "{table}");
    let told = fine(
        folder.path(),
        &["reports", "--answer", id, "--text", "Seen."],
    )
    .await;
    assert_eq!(told.trim(), "The report is answered.");
    let table = fine(folder.path(), &["reports"]).await;
    assert_eq!(table.trim(), "There are no reports.");
    let table = fine(folder.path(), &["reports", "--done", "--all"]).await;
    assert_eq!(table.matches("answered by").count(), 3, "{table}");
}

#[tokio::test]
async fn reports_are_bounded_and_say_what_is_wrong() {
    let server = TestServer::start().await;
    let [olga, bob] = [server.user("olga").await, server.user("bob").await];
    let space = server.space(&olga, "9x9").await;
    let path = format!("/space/{space}/report");
    let enter = json!({"name": "Eve", "spaceId": space});
    let made = server.post("/guest", None, enter).await.fine();
    let eve = Person {
        id: text(&made["userId"]),
        token: text(&made["token"]),
    };
    let quotes: Vec<Value> = (0..21).map(|_| json!({"id": space})).collect();
    for (body, words) in [
        (
            json!({"aboutId": bob.id, "kind": "rudeness"}),
            "is about one of",
        ),
        (
            json!({"aboutId": bob.id, "kind": "other"}),
            "Say what happened",
        ),
        (
            json!({"aboutId": eve.id, "kind": "spam"}),
            "report yourself",
        ),
        (json!({"aboutId": "x", "kind": "spam"}), "no such user"),
        (json!({"aboutId": space, "kind": "spam"}), "no such user"),
        (
            json!({"aboutId": bob.id, "kind": "spam", "text": "a".repeat(1_001)}),
            "at most 1,000",
        ),
        (
            json!({"aboutId": bob.id, "kind": "spam", "messages": [{"id": space}]}),
            "no such message",
        ),
    ] {
        let answer = server.post(&path, Some(&eve), body.clone()).await;
        answer.refused(400);
        let message = text(&answer.json()["message"]);
        assert!(message.contains(words), "{body}: {message}");
    }
    let many = report(&server, &bob, &space, &eve, json!(quotes)).await;
    many.refused(400);
    for number in 0..4 {
        let answer = report(&server, &eve, &space, &bob, json!([])).await;
        if number < 3 {
            answer.fine();
        } else {
            answer.refused(429);
            assert!(text(&answer.json()["message"]).starts_with("You have 3 open reports"));
        }
    }
    let answer = server.post(&path, None, json!({})).await;
    answer.refused(403);
    server.get(&path, Some(&bob)).await.refused(403);
    for wrong in ["state=later", "before=x"] {
        let wrong = format!("{path}?{wrong}");
        server.get(&wrong, Some(&olga)).await.refused(400);
    }
    let body = json!({"accessPolicy": "members", "listed": false});
    let at = format!("/space/{space}");
    server.call("PATCH", &at, Some(&olga), body).await.fine();
    let outside = report(&server, &bob, &space, &olga, json!([])).await;
    outside.refused(400);
    server.stop().await;
}

#[tokio::test]
async fn every_process_proves_what_was_said_in_any_and_tells_moderators() {
    let shared = Shared::new();
    let (first, second) = (shared.server().await, shared.server().await);
    let [olga, bob, eve] = [
        first.user("olga").await,
        first.user("bob").await,
        first.user("eve").await,
    ];
    let space = first.space(&olga, "9x9").await;
    let mut speaker = BinaryClient::join(&first.address, &eve, &space).await;
    let mut moderator = BinaryClient::join(&second.address, &olga, &space).await;
    speaker.chat(1, "loud").await;
    let there = said(&mut moderator, "loud").await;
    let here = said(&mut speaker, "loud").await;
    assert_eq!(here.mac, there.mac, "processes share the key");
    // The second process does not run the space, and does not know who is inside.
    report(&second, &bob, &space, &eve, json!([proven(&here)]))
        .await
        .fine();
    assert_eq!(notice(&mut moderator).await.0, "report");
    let seen = list(&first, &olga, &space).await;
    assert!(seen["reports"][0]["wasInside"].is_null());
    assert!(seen["reports"][0]["hearers"].is_null());
    report(&first, &bob, &space, &eve, json!([])).await.fine();
    assert_eq!(notice(&mut moderator).await.0, "report");
    let seen = list(&first, &olga, &space).await;
    assert_eq!(seen["reports"][0]["wasInside"], true);
    second.stop().await;
    first.stop().await;
}
