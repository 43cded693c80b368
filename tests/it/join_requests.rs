//! Join requests: asking to be let in, and the answers.

use plaza::net::protocol::ClientMessage;
use serde_json::{Value, json};

use crate::chat::notice;
use crate::clients::{BinaryClient, Stranger, hello};
use crate::harness::{Answer, Person, TestServer};

async fn listed(server: &TestServer, owner: &Person) -> String {
    let space = server.space(owner, "9x9").await;
    let body = json!({"accessPolicy": "members", "listed": true});
    let path = format!("/space/{space}");
    server.call("PATCH", &path, Some(owner), body).await.fine();
    space
}

async fn ask(server: &TestServer, who: &Person, space: &str, text: &str) -> Answer {
    let path = format!("/space/{space}/join-request");
    server.post(&path, Some(who), json!({"text": text})).await
}

async fn answer(
    server: &TestServer,
    by: &Person,
    space: &str,
    whose: &Person,
    word: &str,
) -> Answer {
    let path = format!("/space/{space}/join-request/{}", whose.id);
    server.post(&path, Some(by), json!({"answer": word})).await
}

#[tokio::test]
async fn people_who_ask_are_let_in_or_made_members() {
    let server = TestServer::start().await;
    let owner = server.user("olga").await;
    let space = listed(&server, &owner).await;
    let [bob, eve, mia] = [
        server.user("bob").await,
        server.user("eve").await,
        server.user("mia").await,
    ];
    let policy = format!("/space/{space}/access-policy");
    let mut inside = BinaryClient::join(&server.address, &owner, &space).await;
    for person in [&bob, &eve, &mia] {
        let view = server.get(&policy, Some(person)).await.fine();
        assert_eq!(view["refusal"]["code"], "members");
        ask(&server, person, &space, " It is me ").await.fine();
    }
    let (code, told) = notice(&mut inside).await;
    assert_eq!(
        (&*code, &*told),
        ("join-request", "bob asks to join this space.")
    );
    ask(&server, &owner, &space, "").await.refused(400);
    let list = format!("/space/{space}/join-request");
    server.get(&list, Some(&bob)).await.refused(403);
    let requests = server.get(&list, Some(&owner)).await.fine();
    let first = &requests["requests"][0];
    assert_eq!(
        (&first["username"], &first["text"]),
        (&json!("bob"), &json!("It is me"))
    );
    assert!(first["imageUrl"].is_null());
    answer(&server, &bob, &space, &bob, "enter")
        .await
        .refused(403);
    answer(&server, &owner, &space, &bob, "maybe")
        .await
        .refused(400);
    answer(&server, &owner, &space, &bob, "enter").await.fine();
    answer(&server, &owner, &space, &eve, "member").await.fine();
    answer(&server, &owner, &space, &mia, "no").await.fine();
    answer(&server, &owner, &space, &mia, "enter")
        .await
        .refused(400);
    let view = server.get(&policy, Some(&bob)).await.fine();
    assert!(view["refusal"].is_null() && view["role"] == "visitor");
    let view = server.get(&policy, Some(&eve)).await.fine();
    assert!(view["refusal"].is_null() && view["role"] == "member");
    let view = server.get(&policy, Some(&mia)).await.fine();
    assert_eq!(view["refusal"]["code"], "members");
    BinaryClient::join(&server.address, &bob, &space).await;
    let mut client = Stranger::connect(&server.address).await;
    client
        .say(&ClientMessage::Hello(hello(&mia.token, &space)))
        .await;
    assert_eq!(client.refused().await, 4412);
    let requests = server.get(&list, Some(&owner)).await.fine();
    assert_eq!(requests["requests"], json!([]));
    server.stop().await;
}

#[tokio::test]
async fn requests_are_few_short_and_only_where_they_help() {
    let server = TestServer::start().await;
    let (owner, bob) = (server.user("olga").await, server.user("bob").await);
    let space = listed(&server, &owner).await;
    ask(&server, &bob, &space, &"t".repeat(201))
        .await
        .refused(400);
    ask(&server, &bob, &space, "a\u{0}b").await.refused(400);
    ask(&server, &bob, &space, "").await.fine();
    let again = ask(&server, &bob, &space, "").await;
    again.refused(429);
    assert_eq!(again.header("retry-after"), "60");
    let path = format!("/space/{space}/join-request");
    server
        .call("DELETE", &path, Some(&bob), Value::Null)
        .await
        .fine();
    server
        .call("DELETE", &path, Some(&bob), Value::Null)
        .await
        .refused(400);
    let hidden = listed(&server, &owner).await;
    let body = json!({"listed": false});
    let at = format!("/space/{hidden}");
    server.call("PATCH", &at, Some(&owner), body).await.fine();
    ask(&server, &bob, &hidden, "").await.refused(400);
    let locked = server.space(&owner, "9x9").await;
    let body = json!({"accessPolicy": "password", "password": "sesame"});
    let at = format!("/space/{locked}");
    server.call("PATCH", &at, Some(&owner), body).await.fine();
    let refused = ask(&server, &bob, &locked, "").await;
    refused.refused(403);
    assert_eq!(refused.json()["code"], "password");
    server.stop().await;
}
