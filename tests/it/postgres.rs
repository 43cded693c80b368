//! A server on PostgreSQL: one user's day, several processes, and messages to the operator.

use std::process::{Command, Stdio};
use std::time::Duration;

use futures_util::future::join_all;
use plaza::settings::Settings;
use plaza::store::Store;
use serde_json::json;
use sqlx::{AnyConnection, Connection, Executor};

use crate::clients::BinaryClient;
use crate::harness::{TestServer, text};
use crate::services::Database;

/// Makes a server use that database.
fn over(database: &Database) -> impl Fn(&mut Settings) {
    let url = database.url();
    move |settings| settings.database_url = Some(url.parse().unwrap())
}

#[tokio::test]
async fn a_users_state_survives_a_restart() {
    let database = Database::new();
    let server = TestServer::start_with(over(&database)).await;
    let (admin, ada) = (server.admin().await, server.user("ada").await);
    let element = server.element(&admin, 1, 1).await;
    let map = json!({"thumbnail": "https://example.org/m.png", "dimensions": "40x30",
        "name": "Yard",
        "defaultElements": [{"elementId": element, "x": 20, "y": 20}]});
    let map = text(&server.post("/admin/map", Some(&admin), map).await.fine()["id"]);
    let space = json!({"name": "Ours", "dimensions": "40x30", "mapId": map});
    let space = text(&server.post("/space", Some(&ada), space).await.fine()["spaceId"]);
    let avatars = server.get("/avatars", None).await.fine();
    let avatar = text(&avatars["avatars"][0]["id"]);
    let choice = json!({"avatarId": avatar});
    server
        .post("/user/metadata", Some(&ada), choice)
        .await
        .fine();

    let mut client = BinaryClient::join(&server.address, &ada, &space).await;
    for seq in 1..=12 {
        client.hold(seq, 3).await;
        client.until(|client, _| client.ack >= seq).await;
    }
    client.chat(1, "remember me").await;
    client.event().await;
    let place = (client.own.x, client.own.y);
    let stopping = tokio::spawn(server.stop());
    assert_eq!(client.ended().await, Some(1001));
    let folder = stopping.await.unwrap();
    assert!(
        !folder.path().join("plaza.db").exists(),
        "no data is in SQLite"
    );

    let server = TestServer::start_in(folder, over(&database)).await;
    let client = BinaryClient::join(&server.address, &ada, &space).await;
    assert_eq!((client.own.x, client.own.y), place);
    assert_eq!(client.history[0].text, "remember me");
    let me = server.get("/me", Some(&ada)).await.fine();
    assert_eq!(text(&me["avatarId"]), avatar);
    server.get("//readyz", None).await.fine();
    server.stop().await;
}

#[tokio::test]
async fn texts_that_only_postgresql_refuses_get_a_clear_error() {
    let database = Database::new();
    let server = TestServer::start_with(over(&database)).await;
    let ada = server.user("ada").await;
    let nul = json!({"username": "a\0da", "password": "secret"});
    server.post("/signin", None, nul.clone()).await.refused(403);
    server.post("/signup", None, nul).await.refused(400);
    for path in ["/spaces?q=%00", "/upload?after=%00"] {
        server.get(path, Some(&ada)).await.refused(400);
    }
    let space = json!({"name": "a\0b", "dimensions": "10x10"});
    server.post("/space", Some(&ada), space).await.refused(400);
    server.stop().await;
}

#[tokio::test]
async fn a_search_takes_a_second_at_most_and_a_user_has_one_at_a_time() {
    let database = Database::new();
    let server = TestServer::start_with(over(&database)).await;
    let ada = server.user("ada").await;
    let space = server.space(&ada, "10x10").await;
    let path = format!("/space/{space}/chat?q=tea");
    let mut other = AnyConnection::connect(&database.url()).await.unwrap();
    let lock = "begin; lock table chat_lines in access exclusive mode";
    other.execute(lock).await.unwrap();
    // Other statements may take ten seconds.
    let search = server.get(&path, Some(&ada));
    let overdue = tokio::time::timeout(Duration::from_secs(8), search).await;
    overdue.expect("the search is cut off").refused(503);
    loop {
        let both = [(); 2].map(|()| server.get(&path, Some(&ada)));
        let both = join_all(both).await.into_iter();
        let mut status: Vec<_> = both.map(|answer| answer.status.as_u16()).collect();
        status.sort_unstable();
        if status == [429, 503] {
            break;
        }
        // One may have ended before the other began.
        assert_eq!(status, [503, 503]);
    }
    other.execute("rollback").await.unwrap();
    other.close().await.unwrap();
    server.get(&path, Some(&ada)).await.fine();
    server.stop().await;
}

#[tokio::test]
async fn servers_that_start_together_fill_the_database_once() {
    let database = Database::new();
    let servers = join_all((0..4).map(|_| TestServer::start_with(over(&database)))).await;
    let links = servers
        .iter()
        .filter(|server| server.setup_token.is_some())
        .count();
    assert_eq!(links, 1, "one of them prints the link, and it works");
    let alone = TestServer::start().await;
    let seeded = alone.get("/avatars", None).await.fine();
    let shared = servers[0].get("/avatars", None).await.fine();
    let count = |answer: &serde_json::Value| answer["avatars"].as_array().unwrap().len();
    assert_eq!(count(&shared), count(&seeded));
    alone.stop().await;
    for server in servers {
        server.stop().await;
    }
}

fn plaza(arguments: &[&str], url: &str) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_plaza"))
        .args(arguments)
        .current_dir(folder.path())
        .env("PLAZA_DATABASE_URL", url)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

#[tokio::test]
async fn every_command_uses_the_database() {
    let database = Database::new();
    let url = database.url();
    for (arguments, expected) in [
        (vec!["migrate"], "up to date"),
        (vec!["admin", "create", "root"], "root is an admin now"),
        (
            vec!["admin", "reset-password", "root"],
            "root has a new password",
        ),
        (
            vec!["seed", concat!(env!("CARGO_MANIFEST_DIR"), "/assets/seed")],
            "Seeded: ",
        ),
    ] {
        let (code, said) = plaza(&arguments, &url);
        assert!(
            code == Some(0) && said.contains(expected),
            "{arguments:?}: {said}"
        );
    }
    let store = Store::connect(&url.parse().unwrap()).await.unwrap();
    assert!(store.has_admin().await.unwrap() && !store.is_unseeded().await.unwrap());
    store.close().await;
}

#[test]
fn an_unusable_database_is_reported_in_one_line_without_the_password() {
    let database = Database::new();
    let user = database.make_user("right-password");
    let nowhere = tempfile::tempdir().unwrap();
    let nowhere = nowhere.path().to_str().unwrap().replace('/', "%2F");
    for (url, expected) in [
        (
            format!("postgres://ada:hunter2@{nowhere}/plaza"),
            "it cannot be reached",
        ),
        (
            database.url_of(&format!("{user}:hunter2")),
            "it refuses the user or the password",
        ),
        (
            database.url().replace("test_", "none_"),
            "there is no such database",
        ),
        (
            "mysql://ada:hunter2@localhost/plaza".into(),
            "it begins with postgres://",
        ),
        (
            "postgres://ada:hunter2@localhost:port/plaza".into(),
            "a database-url is",
        ),
    ] {
        let (code, said) = plaza(&["serve", "--listen", "127.0.0.1:0"], &url);
        assert_eq!(code, Some(2), "{said}");
        assert!(
            said.contains(expected) && said.lines().count() == 1,
            "{said}"
        );
        assert!(!said.contains("hunter2"), "{said}");
    }
    let (code, said) = plaza(
        &["migrate"],
        &database.url_of(&format!("{user}:right-password")),
    );
    assert_eq!(code, Some(0), "{said}");
}
