//! Limits on what one user may create, and how the server reports them.

use plaza::net::protocol::ClientMessage;
use plaza::settings::Quotas;
use serde_json::{Value, json};

use crate::clients::{BinaryClient, JsonClient, Stranger, hello};
use crate::harness::{Answer, Person, TestServer};

/// Checks that the request was refused, and that the answer names the limit and the setting.
#[track_caller]
fn over(answer: &Answer, number: &str, setting: &str) {
    answer.refused(403);
    let message = answer.json()["message"].as_str().unwrap().to_owned();
    assert!(
        message.contains(number) && message.contains(setting),
        "{message}"
    );
}

async fn make(server: &TestServer, who: &Person, dimensions: &str) -> Answer {
    let body = json!({"name": "Mine", "dimensions": dimensions, "public": true});
    server.post("/space", Some(who), body).await
}

fn id_of(answer: &Answer) -> String {
    answer.fine()["spaceId"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_limit_of_owned_spaces_holds_for_concurrent_requests() {
    let server = TestServer::start_with(|settings| settings.quotas.spaces = 3).await;
    let (ada, bob, admin) = (
        server.user("ada").await,
        server.user("bob").await,
        server.admin().await,
    );
    let made = futures_util::future::join_all((0..12).map(|_| make(&server, &ada, "5x5"))).await;
    let fine: Vec<&Answer> = made
        .iter()
        .filter(|answer| answer.status.is_success())
        .collect();
    assert_eq!(fine.len(), 3);
    for refused in made.iter().filter(|answer| !answer.status.is_success()) {
        over(refused, "3 spaces", "--max-spaces-per-user");
    }
    let lobby = server.get("/spaces?q=mine", Some(&bob)).await.fine();
    assert_eq!(lobby["public"].as_array().unwrap().len(), 3);
    make(&server, &bob, "5x5").await.fine();
    for _ in 0..4 {
        make(&server, &admin, "5x5").await.fine();
    }
    let path = format!("/space/{}", id_of(fine[0]));
    server
        .call("DELETE", &path, Some(&ada), Value::Null)
        .await
        .fine();
    make(&server, &ada, "5x5").await.fine();
    server.stop().await;
}

#[tokio::test]
async fn the_limit_of_tiles_exempts_admins_and_maps() {
    let server = TestServer::start().await;
    let (ada, admin) = (server.user("ada").await, server.admin().await);
    over(
        &make(&server, &ada, "1000x251").await,
        "250000 tiles",
        "--max-space-tiles",
    );
    server
        .post(
            "/space",
            Some(&ada),
            json!({"name": "x", "dimensions": "1001x1"}),
        )
        .await
        .refused(400);
    make(&server, &ada, "1000x250").await.fine();
    make(&server, &admin, "1000x1000").await.fine();
    let map = json!({
        "name": "Large", "thumbnail": "/art/x.png", "dimensions": "600x600", "defaultElements": []
    });
    let map = server.post("/admin/map", Some(&admin), map).await.fine();
    let body = json!({"name": "From a map", "mapId": map["id"]});
    server.post("/space", Some(&ada), body).await.fine();
    server.stop().await;
}

#[tokio::test]
async fn elements_per_space_and_creations_per_minute_are_limited() {
    let server = TestServer::start_with(|settings| {
        settings.quotas = Quotas {
            objects: 2,
            creations: 4,
            ..settings.quotas
        };
    })
    .await;
    let (ada, bob, admin) = (
        server.user("ada").await,
        server.user("bob").await,
        server.admin().await,
    );
    let element = server.element(&admin, 1, 1).await;
    let space = id_of(&make(&server, &ada, "5x5").await);
    let place = async || {
        let body = json!({"spaceId": space, "elementId": element, "x": 0, "y": 0});
        server.post("/space/element", Some(&ada), body).await
    };
    place().await.fine();
    place().await.fine();
    over(&place().await, "2 elements", "--max-objects-per-space");
    let slowed = place().await;
    slowed.refused(429);
    assert!(!slowed.header("retry-after").is_empty());
    make(&server, &ada, "5x5").await.refused(429);
    make(&server, &bob, "5x5").await.fine();
    server.stop().await;
}

#[tokio::test]
async fn open_spaces_are_limited_and_stay_joinable() {
    let server = TestServer::start_with(|settings| settings.max_open_spaces = 1).await;
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let (first, second) = (
        server.space(&ada, "5x5").await,
        server.space(&ada, "5x5").await,
    );
    let _inside = BinaryClient::join(&server.address, &ada, &first).await;
    let mut late = Stranger::connect(&server.address).await;
    late.say(&ClientMessage::Hello(hello(&bob.token, &second)))
        .await;
    assert_eq!(late.refused().await, 1001);
    let chat = format!("/space/{second}/chat");
    server
        .call("DELETE", &chat, Some(&ada), Value::Null)
        .await
        .refused(503);
    let _too = BinaryClient::join(&server.address, &bob, &first).await;
    server.stop().await;
}

/// Spaces of that user.
async fn spaces<const COUNT: usize>(server: &TestServer, owner: &Person) -> [String; COUNT] {
    let mut spaces = [const { String::new() }; COUNT];
    for space in &mut spaces {
        *space = server.space(owner, "5x5").await;
    }
    spaces
}

#[tokio::test]
async fn spaces_that_people_left_make_room_for_others() {
    let server = TestServer::start_with(|settings| settings.max_open_spaces = 2).await;
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let spaces: [String; 4] = spaces(&server, &ada).await;
    for space in &spaces {
        let (client, _) = JsonClient::join(&server.address, &ada, space).await;
        client.close().await;
        let people = async || {
            let lobby = server.get("/spaces", Some(&ada)).await.fine();
            let mine = lobby["mine"].as_array().unwrap();
            mine.iter()
                .map(|space| space["people"].as_u64().unwrap())
                .sum::<u64>()
        };
        while people().await > 0 {}
    }
    let _inside = BinaryClient::join(&server.address, &bob, &spaces[0]).await;
    let _too = BinaryClient::join(&server.address, &ada, &spaces[0]).await;
    server.stop().await;
}

#[tokio::test]
async fn one_user_or_one_address_cannot_hold_all_open_spaces() {
    let server = TestServer::start_with(|settings| {
        settings.max_open_spaces = 8;
        settings.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    let ada = server.user("ada").await;
    let spaces: [String; 8] = spaces(&server, &ada).await;
    let join = async |who: &Person, address: &str, space: &str| {
        let mut client = Stranger::connect_from(&server.address, address).await;
        client
            .say(&ClientMessage::Hello(hello(&who.token, space)))
            .await;
        client
    };
    let mut inside = Vec::new();
    for space in &spaces[..2] {
        inside.push(join(&ada, "2001:db8::1", space).await.welcomed().await);
    }
    let mut third = join(&ada, "203.0.113.7", &spaces[2]).await;
    assert_eq!(third.refused().await, 4429);
    for (name, space) in ["cy", "di"].into_iter().zip(&spaces[2..]) {
        let other = server.user(name).await;
        let client = join(&other, "2001:db8::2", space).await;
        inside.push(client.welcomed().await);
    }
    let eve = server.user("eve").await;
    let mut fifth = join(&eve, "2001:db8::3", &spaces[4]).await;
    assert_eq!(fifth.refused().await, 4429);
    inside.push(join(&eve, "2001:db8::3", &spaces[0]).await.welcomed().await);
    let bob = server.user("bob").await;
    inside.push(join(&bob, "203.0.113.7", &spaces[4]).await.welcomed().await);
    assert!(inside.iter().all(Result::is_ok));
    server.stop().await;
}
