//! What becomes of what is said: forgotten when nobody is there any more, or kept for ever.

use plaza::net::protocol::ClientMessage;
use serde_json::{Value, json};

use crate::clients::GameClient;
use crate::cluster::{Shared, say};
use crate::harness::{Person, TestServer};

async fn kept_space(server: &TestServer, owner: &Person) -> String {
    let request = json!({"name": "Minutes", "dimensions": "20x20", "chat": "kept"});
    let answer = server.post("/space", Some(owner), request).await.fine();
    answer["spaceId"].as_str().unwrap().to_owned()
}

/// What is kept, once that many lines are.
async fn until_kept(server: &TestServer, who: &Person, space: &str, count: usize) -> Value {
    loop {
        let seen = server.get(&format!("/space/{space}/chat"), Some(who)).await.fine();
        if seen["lines"].as_array().unwrap().len() >= count {
            return seen;
        }
    }
}

fn words(seen: &Value) -> Vec<&str> {
    let lines = seen["lines"].as_array().unwrap().iter();
    lines.map(|line| line["message"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn what_is_said_is_paged_back_and_searched() {
    let server = TestServer::start().await;
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let space = kept_space(&server, &ada).await;
    let mut client = GameClient::join(&server.address, &ada, &space).await;
    // Rates hold for people too: ten at once, so a few clients say it.
    let mut said = Vec::new();
    for number in 0..6 {
        let who = server.user(&format!("speaker {number}")).await;
        let mut speaker = GameClient::join(&server.address, &who, &space).await;
        for line in 1..=10 {
            said.push(format!("line {line} of {number}"));
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
    assert_eq!(
        (&found["lines"][0]["username"], &found["lines"][0]["userId"]),
        (&json!("ada"), &json!(ada.id))
    );
    let newest = until_kept(&server, &bob, &space, 50).await;
    assert_eq!(newest["kept"], true);
    assert_eq!(words(&newest), said[11..]);
    let path = format!("/space/{space}/chat?before={}", newest["before"].as_str().unwrap());
    let earlier = server.get(&path, Some(&bob)).await.fine();
    assert_eq!(words(&earlier), said[..11]);
    assert_eq!(earlier["before"], Value::Null);
    server
        .get(&format!("/space/{space}/chat?before=x"), Some(&bob))
        .await
        .refused(400);
    server.get(&format!("/space/{space}/chat"), None).await.refused(403);
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
async fn an_ephemeral_space_forgets_when_the_last_one_leaves() {
    let server = TestServer::start().await;
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    for left in [0, 1] {
        let space = match left {
            0 => server.space(&ada, "20x20").await,
            _ => kept_space(&server, &ada).await,
        };
        let mut client = GameClient::join(&server.address, &ada, &space).await;
        say(&mut client, 1, "between us").await;
        client.say(&ClientMessage::Leave).await;
        assert_eq!(client.ended().await, Some(1000));
        // The goodbye is said before the player is gone.
        while server.get("/spaces", Some(&ada)).await.fine()["mine"][0]["people"] != 0 {}
        let bob = GameClient::join(&server.address, &bob, &space).await;
        assert_eq!(bob.welcome.history.len(), left);
    }
    server.stop().await;
}

#[tokio::test]
async fn what_is_kept_survives_every_process_and_every_service_but_the_database() {
    let mut shared = Shared::new();
    shared.database = crate::services::Database::alone();
    let server = shared.server().await;
    let ada = server.user("ada").await;
    let space = kept_space(&server, &ada).await;
    let mut client = GameClient::join(&server.address, &ada, &space).await;
    say(&mut client, 1, "before").await;
    until_kept(&server, &ada, &space, 1).await;
    // What is said while the database is gone waits in Redis.
    shared.database.kill();
    say(&mut client, 2, "meanwhile").await;
    shared.database.restart();
    assert_eq!(
        words(&until_kept(&server, &ada, &space, 2).await),
        ["before", "meanwhile"]
    );
    server.stop().await;
    shared.redis.kill();
    shared.redis.restart();
    let server = shared.server().await;
    assert_eq!(
        words(&until_kept(&server, &ada, &space, 2).await),
        ["before", "meanwhile"]
    );
    server.stop().await;
}
