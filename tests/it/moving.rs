//! Spaces that move between processes while people are in them.

use serde_json::{Value, json};

use crate::clients::{BinaryClient, JsonClient};
use crate::cluster::{Shared, hear, say};
use crate::ground::{hears_of, shown_is_solid};
use crate::harness::{Person, TestServer};

/// Reads the state that admins see, until the condition holds.
async fn until(server: &TestServer, admin: &Person, is_so: impl Fn(&Value) -> bool) -> Value {
    loop {
        let seen = server.get("/admin/cluster", Some(admin)).await.fine();
        if is_so(&seen) {
            return seen;
        }
    }
}

fn home<'a>(seen: &'a Value, space: &str) -> Option<&'a str> {
    let spaces = seen["spaces"].as_array().unwrap();
    let entry = spaces.iter().find(|entry| entry["spaceId"] == *space)?;
    entry["node"].as_str()
}

fn node<'a>(seen: &'a Value, name: &str) -> &'a Value {
    let nodes = seen["nodes"].as_array().unwrap();
    nodes
        .iter()
        .find(|entry| entry["node"] == *name)
        .unwrap_or(&Value::Null)
}

#[tokio::test]
async fn a_space_moves_while_players_walk_talk_and_build() {
    let shared = Shared::new();
    let (first, second) = (shared.named("first").await, shared.named("second").await);
    let admin = first.admin().await;
    let (ada, bob) = (first.user("ada").await, first.user("bob").await);
    let space = first.space(&ada, "40x40").await;
    let mut ada_here = BinaryClient::join(&first.address, &ada, &space).await;
    let mut bob_there = BinaryClient::join(&second.address, &bob, &space).await;
    say(&mut ada_here, 1, "at first").await;
    hear(&mut bob_there, "at first").await;
    let visitor = first.user("visitor").await;
    let element = first.element(&admin, 1, 1).await;
    let mut seq = 0;
    let mut placed = 0_u32;
    for (from, to, most) in [("first", "second", 25), ("second", "first", 50)] {
        until(&first, &admin, |seen| {
            home(seen, &space) == Some(from) && !node(seen, to).is_null()
        })
        .await;
        let epoch = ada_here.epoch;
        let order = json!({"node": to});
        let path = format!("/admin/space/{space}/move");
        assert_eq!(
            second.post(&path, Some(&admin), order.clone()).await.status,
            202
        );
        // Every step is applied, by one process or the other; a lost step is sent again, as the
        // client does.
        while ada_here.epoch == epoch || bob_there.epoch == epoch {
            seq += 1;
            ada_here.hold(seq, 3).await;
            ada_here
                .until(|client, _| client.ack >= seq || client.epoch > epoch)
                .await;
            bob_there.hold(seq, 7).await;
            bob_there
                .until(|client, _| client.ack >= seq || client.epoch > epoch)
                .await;
            // At any moment of the move, and through any process, something is placed; on a slow
            // machine not more than the budget of edits allows.
            if placed == most {
                continue;
            }
            let (x, y) = (placed % 40, placed / 40);
            let object = json!({"spaceId": space, "elementId": element, "x": x, "y": y});
            let through = [&first, &second][placed as usize % 2];
            let answer = through.post("/space/element", Some(&ada), object).await;
            answer.fine();
            placed += 1;
        }
        for client in [&mut ada_here, &mut bob_there] {
            hears_of(client, 1 + placed).await;
        }
        let map = shown_is_solid(&second, &visitor, &space).await;
        assert_eq!(map["elements"].as_array().unwrap().len(), placed as usize);
        say(&mut bob_there, seq, to).await;
        hear(&mut ada_here, to).await;
        until(&second, &admin, |seen| home(seen, &space) == Some(to)).await;
        second.post(&path, Some(&admin), order).await.refused(400);
    }
    let third = first.user("cleo").await;
    let cleo = BinaryClient::join(&second.address, &third, &space).await;
    let said: Vec<_> = cleo
        .history
        .iter()
        .map(|message| message.text.as_str())
        .collect();
    assert_eq!(said, ["at first", "second", "first"]);
    second.stop().await;
    first.stop().await;
}

#[tokio::test]
async fn a_process_is_drained_and_undrained() {
    let shared = Shared::new();
    let (first, second) = (shared.named("first").await, shared.named("second").await);
    let admin = first.admin().await;
    let ada = first.user("ada").await;
    let mut clients = Vec::new();
    for number in 0..6 {
        let who = first.user(&format!("user {number}")).await;
        let space = first.space(&ada, "20x20").await;
        clients.push(BinaryClient::join(&first.address, &who, &space).await);
    }
    let is_full =
        |seen: &Value| node(seen, "first")["spaces"] == 6 && node(seen, "first")["people"] == 6;
    let seen = until(&second, &admin, is_full).await;
    assert_eq!(node(&seen, "second")["isThis"], true);
    let drained = shared.command(&["drain", "first"]).await;
    assert!(drained.status.success(), "{drained:?}");
    for client in &mut clients {
        let epoch = client.welcome.epoch;
        client.until(|client, _| client.epoch > epoch).await;
    }
    let seen = until(&second, &admin, |seen| node(seen, "second")["spaces"] == 6).await;
    assert_eq!(node(&seen, "first")["isDraining"], true);
    first.get("//readyz", None).await.refused(503);
    second.get("//readyz", None).await.fine();
    // A space that is opened now also runs elsewhere, for requests at any process.
    let space = first.space(&ada, "20x20").await;
    let mut ada_here = BinaryClient::join(&first.address, &ada, &space).await;
    until(&second, &admin, |seen| home(seen, &space) == Some("second")).await;
    let lobby = until_lobby(&first, &ada, &space).await;
    assert_eq!(lobby["people"], 1, "people of other processes count");
    let path = format!("/admin/space/{space}/move");
    first
        .post(&path, Some(&admin), json!({"node": "first"}))
        .await
        .refused(400);
    assert!(shared.command(&["undrain", "first"]).await.status.success());
    first.get("//readyz", None).await.fine();
    let epoch = ada_here.epoch;
    let moved = shared.command(&["move", &space, "first"]).await;
    assert!(moved.status.success(), "{moved:?}");
    ada_here.until(|client, _| client.epoch > epoch).await;
    let nodes = String::from_utf8(shared.command(&["nodes"]).await.stdout).unwrap();
    let spaces = String::from_utf8(shared.command(&["spaces"]).await.stdout).unwrap();
    assert!(
        nodes.contains("first") && nodes.contains("second"),
        "{nodes}"
    );
    assert!(
        spaces
            .lines()
            .any(|line| line.starts_with(&format!("{space}  first"))),
        "{spaces}"
    );
    let unknown = shared.command(&["drain", "unknown"]).await;
    assert_eq!(unknown.status.code(), Some(2));
    let words = String::from_utf8(unknown.stderr).unwrap();
    assert_eq!(
        words,
        "plaza: there is no process unknown; those that run are first, second\n"
    );
    second.stop().await;
    first.stop().await;
}

#[tokio::test]
async fn an_overloaded_process_hands_spaces_over() {
    let shared = Shared::new();
    let busy = shared.named("busy").await;
    let admin = busy.admin().await;
    let mut clients = Vec::new();
    // Enough spaces that their ticks are worth moving on any machine.
    for name in ["ada", "bob", "cleo", "dan"] {
        let who = busy.user(name).await;
        for _ in 0..10 {
            let space = busy.space(&who, "20x20").await;
            clients.push(BinaryClient::join(&busy.address, &who, &space).await);
        }
    }
    let idle = shared.named("idle").await;
    let mut seq = 0;
    // Sequence numbers start again in each epoch, except for players in the checkpoint.
    loop {
        seq += 1;
        let epochs: Vec<u64> = clients.iter().map(|client| client.epoch).collect();
        for client in &mut clients {
            client.hold(seq, if seq % 16 < 8 { 3 } else { 7 }).await;
        }
        for (client, epoch) in clients.iter_mut().zip(epochs) {
            client
                .until(|client, _| client.ack >= seq || client.epoch > epoch)
                .await;
        }
        let seen = busy.get("/admin/cluster", Some(&admin)).await.fine();
        if node(&seen, "idle")["spaces"].as_u64() > Some(0) {
            assert!(
                node(&seen, "busy")["spaces"].as_u64() > Some(0),
                "not everything: {seen}"
            );
            break;
        }
    }
    assert!(
        clients
            .iter()
            .any(|client| client.epoch > client.welcome.epoch),
        "the space runs elsewhere and its player is still connected"
    );
    idle.stop().await;
    busy.stop().await;
}

async fn until_lobby(server: &TestServer, who: &Person, space: &str) -> Value {
    loop {
        let lobby = server.get("/spaces", Some(who)).await.fine();
        let mine = lobby["mine"].as_array().unwrap().iter();
        let entry = mine
            .into_iter()
            .find(|entry| entry["id"] == *space)
            .cloned()
            .unwrap();
        if entry["people"] != 0 {
            return entry;
        }
    }
}

#[tokio::test]
async fn a_stopping_process_hands_its_spaces_over_first() {
    let shared = Shared::new();
    let (leaving, staying) = (shared.named("leaving").await, shared.named("staying").await);
    let admin = staying.admin().await;
    let (ada, bob) = (staying.user("ada").await, staying.user("bob").await);
    let space = staying.space(&ada, "40x40").await;
    let mut bob_there = JsonClient::connect(&leaving.address).await;
    bob_there.enter(&bob, &space, json!([])).await;
    let mut ada_here = BinaryClient::join(&staying.address, &ada, &space).await;
    until(&staying, &admin, |seen| {
        home(seen, &space) == Some("leaving")
    })
    .await;
    let epoch = ada_here.epoch;
    let stopping = tokio::spawn(leaving.stop());
    ada_here.until(|client, _| client.epoch > epoch).await;
    bob_there.expect("user-joined").await;
    assert_eq!(bob_there.expect_error().await, "moved");
    assert_eq!(bob_there.ended().await, Some(1001));
    stopping.await.unwrap();
    until(&staying, &admin, |seen| {
        home(seen, &space) == Some("staying")
    })
    .await;
    let server = staying
        .get(&format!("/space/{space}/server"), Some(&ada))
        .await
        .fine();
    assert_eq!(server, json!({"node": "staying", "url": null}));
    staying.stop().await;
}

#[tokio::test]
async fn only_admins_control_a_cluster_and_a_single_process_says_it_is_alone() {
    let server = TestServer::start().await;
    let (admin, ada) = (server.admin().await, server.user("ada").await);
    let space = server.space(&ada, "20x20").await;
    let _client = BinaryClient::join(&server.address, &ada, &space).await;
    for path in ["/admin/node/alone/drain", "/admin/node/alone/undrain"] {
        server.post(path, Some(&ada), json!({})).await.refused(403);
        let refusal = server.post(path, Some(&admin), json!({})).await;
        refusal.refused(400);
        assert!(
            refusal.json()["message"]
                .as_str()
                .unwrap()
                .starts_with("There is only one process")
        );
    }
    server.get("/admin/cluster", Some(&ada)).await.refused(403);
    let seen = until(&server, &admin, |seen| seen["spaces"][0]["people"] == 1).await;
    assert_eq!(home(&seen, &space), Some("alone"));
    assert_eq!(node(&seen, "alone")["leaseMs"], Value::Null);
    server.stop().await;
}
