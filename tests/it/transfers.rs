//! Transfers: an owner offers a space, and the user to whom it is offered accepts or declines.

use serde_json::{Value, json};

use crate::chat::notice;
use crate::clients::BinaryClient;
use crate::cluster::Shared;
use crate::harness::{Answer, Person, TestServer, text};

async fn offer(server: &TestServer, by: &Person, space: &str, to: &str) -> Answer {
    let path = format!("/space/{space}/transfer");
    server.post(&path, Some(by), json!({"username": to})).await
}

async fn end(server: &TestServer, by: &Person, space: &str) -> Answer {
    let path = format!("/space/{space}/transfer");
    server.call("DELETE", &path, Some(by), Value::Null).await
}

async fn accept(server: &TestServer, by: &Person, space: &str) -> Answer {
    let path = format!("/space/{space}/transfer/accept");
    server.post(&path, Some(by), Value::Null).await
}

async fn role(server: &TestServer, who: &Person, space: &str) -> String {
    let path = format!("/space/{space}/access-policy");
    text(&server.get(&path, Some(who)).await.fine()["role"])
}

async fn offers(server: &TestServer, who: &Person) -> Vec<Value> {
    let list = server.get("/transfer", Some(who)).await.fine();
    list["offers"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_space_changes_its_owner_for_people_inside_in_every_process() {
    let shared = Shared::new();
    let (first, second) = (
        shared.server_without_sweep().await,
        shared.server_without_sweep().await,
    );
    let (olga, bob) = (first.user("olga").await, first.user("bob").await);
    let space = first.space(&olga, "9x9").await;
    let mut owner = BinaryClient::join(&first.address, &olga, &space).await;
    let mut client = BinaryClient::join(&second.address, &bob, &space).await;
    let made = offer(&first, &olga, &space, "bob").await.fine();
    assert_eq!(made["offer"]["userId"], bob.id.as_str());
    let (code, told) = notice(&mut client).await;
    assert_eq!(
        (code.as_str(), told.as_str()),
        (
            "membership",
            "You are offered this space: accept or decline it."
        )
    );
    let path = format!("/space/{space}/access-policy");
    let view = second.get(&path, Some(&bob)).await.fine();
    assert_eq!(view["offeredUntil"], made["offer"]["expiresAt"]);
    let listed = offers(&second, &bob).await;
    assert_eq!(
        (&listed[0]["spaceId"], &listed[0]["by"]),
        (&json!(space), &json!("olga"))
    );
    accept(&second, &bob, &space).await.fine();
    let (_, told) = notice(&mut client).await;
    assert_eq!(told, "You own this space now.");
    let (_, told) = notice(&mut owner).await;
    assert_eq!(told, "You are a moderator of this space now.");
    assert_eq!(role(&first, &bob, &space).await, "owner");
    assert_eq!(role(&first, &olga, &space).await, "moderator");
    assert!(offers(&second, &bob).await.is_empty());
    accept(&second, &bob, &space).await.refused(400);
    // The one who owned it may not take it back, or delete it.
    offer(&first, &olga, &space, "olga").await.refused(403);
    let path = format!("/space/{space}");
    first
        .call("DELETE", &path, Some(&olga), Value::Null)
        .await
        .refused(403);
    let log = format!("/space/{space}/audit-log");
    let log = second.get(&log, Some(&bob)).await.fine();
    let entries = log["entries"].as_array().unwrap().iter();
    let entries: Vec<(String, String)> = entries
        .map(|entry| (text(&entry["action"]), text(&entry["target"])))
        .collect();
    let expected = [("transfer-space", "olga"), ("offer-space", "bob")];
    assert_eq!(
        entries,
        expected.map(|(act, target)| (act.to_owned(), target.to_owned()))
    );
    let mine = second.get("/space/all", Some(&bob)).await.fine();
    assert_eq!(mine["spaces"][0]["id"], space.as_str());
    second.stop().await;
    first.stop().await;
}

#[tokio::test]
async fn an_offer_is_withdrawn_declined_or_replaced() {
    let server = TestServer::start().await;
    let (olga, bob, eve) = (
        server.user("olga").await,
        server.user("bob").await,
        server.user("eve").await,
    );
    // For members only and not listed: who is no member does not know it, but decides about it.
    let body = json!({"name": "Test", "dimensions": "9x9", "accessPolicy": "members"});
    let space = text(&server.post("/space", Some(&olga), body).await.fine()["spaceId"]);
    offer(&server, &olga, &space, "bob").await.fine();
    end(&server, &olga, &space).await.fine();
    accept(&server, &bob, &space).await.refused(400);
    end(&server, &olga, &space).await.refused(400);
    offer(&server, &olga, &space, "bob").await.fine();
    end(&server, &eve, &space).await.refused(400);
    end(&server, &bob, &space).await.fine();
    assert!(offers(&server, &bob).await.is_empty());
    offer(&server, &olga, &space, "bob").await.fine();
    offer(&server, &olga, &space, "eve").await.fine();
    accept(&server, &bob, &space).await.refused(400);
    assert!(offers(&server, &bob).await.is_empty());
    let path = format!("/space/{space}/transfer");
    let seen = server.get(&path, Some(&olga)).await.fine();
    assert_eq!(seen["offer"]["username"], "eve");
    server.get(&path, Some(&eve)).await.refused(400);
    accept(&server, &eve, &space).await.fine();
    assert_eq!(role(&server, &eve, &space).await, "owner");
    let seen = server.get(&path, Some(&eve)).await.fine();
    assert_eq!(seen, json!({"offer": null}));
    server.stop().await;
}

#[tokio::test]
async fn who_may_not_own_a_space_does_not_get_one() {
    let server = TestServer::start_with(|settings| settings.quotas.spaces = 1).await;
    let (olga, bob, mona) = (
        server.user("olga").await,
        server.user("bob").await,
        server.user("mona").await,
    );
    let space = server.space(&olga, "9x9").await;
    let path = format!("/space/{space}/member/{}", mona.id);
    let body = json!({"role": "moderator"});
    server.call("PUT", &path, Some(&olga), body).await.fine();
    for by in [&mona, &bob] {
        offer(&server, by, &space, "bob").await.refused(403);
    }
    for to in ["olga", "nobody"] {
        offer(&server, &olga, &space, to).await.refused(400);
    }
    let ban = format!("/space/{space}/user/{}/ban", bob.id);
    server.post(&ban, Some(&mona), json!({})).await.fine();
    offer(&server, &olga, &space, "bob").await.refused(400);
    server
        .call("DELETE", &ban, Some(&mona), Value::Null)
        .await
        .fine();
    offer(&server, &olga, &space, "bob").await.fine();
    server.post(&ban, Some(&mona), json!({})).await.fine();
    let answer = accept(&server, &bob, &space).await;
    answer.refused(403);
    assert_eq!(answer.json()["code"], "banned");
    server
        .call("DELETE", &ban, Some(&mona), Value::Null)
        .await
        .fine();
    let own = server.space(&bob, "9x9").await;
    let answer = accept(&server, &bob, &space).await;
    answer.refused(403);
    assert!(text(&answer.json()["message"]).contains("--max-spaces-per-user"));
    let path = format!("/space/{own}");
    server
        .call("DELETE", &path, Some(&bob), Value::Null)
        .await
        .fine();
    accept(&server, &bob, &space).await.fine();
    assert_eq!(role(&server, &bob, &space).await, "owner");
    server.stop().await;
}
