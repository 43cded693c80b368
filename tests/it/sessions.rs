//! Sessions and sockets: a socket ends with the session that opened it, in every process, and with
//! no other session.

use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};

use crate::clients::{BinaryClient, JsonClient};
use crate::cluster::Shared;
use crate::harness::{Person, TestServer, text};

/// So long that a test sees no second sweep: what happens is caused by messages alone.
pub const NEVER: Duration = Duration::from_hours(24);

/// A socket ends within a second of its session. The promise itself is a time, so it is measured:
/// with twice that, because tests share a busy machine, but far below any other way to end.
const AT_ONCE: Duration = Duration::from_secs(2);

/// A command line notifies no process: the sweep of every two seconds finds what it did, within 2.5
/// seconds. Again, twice that.
const AFTER_A_COMMAND: Duration = Duration::from_secs(5);

/// Waits for a promise that must be kept in that time.
async fn within<T>(time: Duration, what: &str, kept: impl Future<Output = T>) -> T {
    let kept = tokio::time::timeout(time, kept).await;
    kept.unwrap_or_else(|_| panic!("{what}: nothing ended in {time:?}"))
}

/// Opens another session of a user.
async fn again(server: &TestServer, name: &str, person: &Person) -> Person {
    let body = json!({"username": name, "password": "secret"});
    let answer = server.post("/signin", None, body).await.fine();
    Person {
        id: person.id.clone(),
        token: text(&answer["token"]),
    }
}

/// Checks that the client is still connected: it gets an answer.
async fn is_served(client: &mut BinaryClient) {
    client.ping(1).await;
}

/// What a user does, with which token, and whether the session that does it goes on.
const ENDINGS: [(&str, &str); 3] = [
    ("/signout", "stolen"),
    ("/signout/everywhere", "own"),
    ("/user/password", "own"),
];

async fn end(server: &TestServer, path: &str, who: &Person) {
    let body = match path {
        "/user/password" => json!({"current": "secret", "new": "quite another one"}),
        _ => Value::Null,
    };
    server.post(path, Some(who), body).await.fine();
}

#[tokio::test]
async fn a_socket_ends_at_once_with_its_session_in_both_protocols() {
    let server = TestServer::start_with(|settings| settings.sweep = NEVER).await;
    for (number, (path, by)) in ENDINGS.into_iter().enumerate() {
        let name = format!("ada-{number}");
        let own = server.user(&name).await;
        let (stolen, elsewhere) = (
            again(&server, &name, &own).await,
            again(&server, &name, &own).await,
        );
        let space = server.space(&own, "40x40").await;
        let other_space = server.space(&own, "40x40").await;
        let third_space = server.space(&own, "40x40").await;
        let mut game = BinaryClient::join(&server.address, &stolen, &space).await;
        let (mut json_client, _) = JsonClient::join(&server.address, &stolen, &other_space).await;
        let mut stays = BinaryClient::join(&server.address, &elsewhere, &third_space).await;
        end(&server, path, if by == "own" { &own } else { &stolen }).await;
        within(AT_ONCE, path, async {
            assert_eq!(game.ended().await, Some(4401), "{path}");
            assert_eq!(json_client.expect_error().await, "unauthorized", "{path}");
            assert_eq!(json_client.ended().await, Some(4401), "{path}");
            if path != "/signout" {
                assert_eq!(stays.ended().await, Some(4401), "{path}");
            }
        })
        .await;
        if path == "/signout" {
            is_served(&mut stays).await;
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn a_sign_in_beyond_the_limit_ends_an_earlier_session_and_its_sockets() {
    let server = TestServer::start_with(|settings| {
        settings.sweep = NEVER;
        settings.max_sessions_per_user = 1;
    })
    .await;
    let ada = server.user("ada").await;
    let bob = server.user("bob").await;
    let space = server.space(&ada, "40x40").await;
    let mut client = BinaryClient::join(&server.address, &ada, &space).await;
    let mut bob = BinaryClient::join(&server.address, &bob, &space).await;
    let later = again(&server, "ada", &ada).await;
    assert_eq!(client.ended().await, Some(4401));
    server.get("/me", Some(&ada)).await.refused(401);
    server.get("/me", Some(&later)).await.fine();
    is_served(&mut bob).await;
    server.stop().await;
}

#[tokio::test]
async fn the_session_that_changes_the_password_stays() {
    let server = TestServer::start_with(|settings| settings.sweep = NEVER).await;
    let own = server.user("ada").await;
    let space = server.space(&own, "40x40").await;
    let mut client = BinaryClient::join(&server.address, &own, &space).await;
    end(&server, "/user/password", &own).await;
    is_served(&mut client).await;
    client.chat(7, "still here").await;
    client.event().await;
    server.stop().await;
}

#[tokio::test]
async fn a_command_that_writes_to_the_database_ends_sockets_too() {
    let server = TestServer::start().await;
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let space = server.space(&ada, "40x40").await;
    let other_space = server.space(&ada, "40x40").await;
    let mut game = BinaryClient::join(&server.address, &ada, &space).await;
    let (mut json_client, _) = JsonClient::join(&server.address, &ada, &other_space).await;
    let mut bob = BinaryClient::join(&server.address, &bob, &space).await;
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_plaza"));
    command.args(["admin", "reset-password", "ada", "--data-dir"]);
    let done = command
        .arg(server.folder())
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    assert!(done.status.success(), "{done:?}");
    within(AFTER_A_COMMAND, "reset-password", async {
        assert_eq!(game.ended().await, Some(4401));
        assert_eq!(json_client.ended().await, Some(4401));
    })
    .await;
    is_served(&mut bob).await;
    server.stop().await;
}

#[tokio::test]
async fn sockets_end_in_every_process_of_a_cluster() {
    let shared = Shared::new();
    let (first, second) = (
        shared.server_without_sweep().await,
        shared.server_without_sweep().await,
    );
    for (number, (path, by)) in ENDINGS.into_iter().enumerate() {
        let name = format!("ada-{number}");
        let own = first.user(&name).await;
        let stolen = again(&first, &name, &own).await;
        let space = first.space(&own, "40x40").await;
        let mut there = BinaryClient::join(&second.address, &stolen, &space).await;
        end(&first, path, if by == "own" { &own } else { &stolen }).await;
        let ended = within(AT_ONCE, path, there.ended()).await;
        assert_eq!(ended, Some(4401), "{path}");
    }
    // The sweep finds what messages miss: a command line notifies no process.
    let sweeping = TestServer::start_with(shared.settings(None)).await;
    let ada = first.user("ada").await;
    let space = first.space(&ada, "40x40").await;
    let mut there = BinaryClient::join(&sweeping.address, &ada, &space).await;
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_plaza"));
    command.args([
        "admin",
        "reset-password",
        "ada",
        "--database-url",
        &shared.database.url(),
    ]);
    let done = command.stdin(Stdio::null()).output().await.unwrap();
    assert!(done.status.success(), "{done:?}");
    let ended = within(AFTER_A_COMMAND, "reset-password", there.ended()).await;
    assert_eq!(ended, Some(4401));
    for server in [sweeping, second, first] {
        server.stop().await;
    }
}

#[tokio::test]
async fn one_session_is_ended_from_another_one() {
    let server = TestServer::start_with(|settings| settings.sweep = NEVER).await;
    let ada = server.user("ada").await;
    let again = json!({"username": "ada", "password": "secret"});
    let again = server.post("/signin", None, again).await.fine();
    let there = Person {
        id: ada.id.clone(),
        token: text(&again["token"]),
    };
    let space = server.space(&ada, "9x9").await;
    let mut client = BinaryClient::join(&server.address, &there, &space).await;
    let list = server.get("/me/session", Some(&ada)).await.fine();
    let sessions = list["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 2);
    let other = sessions.iter().find(|one| one["isThis"] == false).unwrap();
    let path = format!("/me/session/{}", text(&other["id"]));
    let bob = server.user("bob").await;
    server
        .call("DELETE", &path, Some(&bob), Value::Null)
        .await
        .refused(400);
    server
        .call("DELETE", &path, Some(&ada), Value::Null)
        .await
        .fine();
    assert_eq!(client.ended().await, Some(4401));
    server.get("/me", Some(&there)).await.refused(401);
    server.get("/me", Some(&ada)).await.fine();
    server.stop().await;
}
