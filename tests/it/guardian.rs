//! The guardian: a crashed server is restarted, and its spaces continue elsewhere without waiting.

use crate::clients::BinaryClient;
use crate::cluster::{Shared, say};
use crate::harness::{Process, signal};

#[tokio::test]
async fn a_killed_server_restarts_and_a_stopped_one_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let mut plaza = Process::guarded(folder.path(), &[]);
    let first = plaza.server_pid();
    signal("-KILL", &first);
    plaza.opens();
    assert_ne!(plaza.server_pid(), first);
    let health = reqwest::get(format!("{}/healthz", plaza.address))
        .await
        .unwrap();
    assert!(health.status().is_success());
    assert_eq!(plaza.terminate(), Some(0));
}

#[tokio::test]
async fn a_mistake_in_the_options_is_reported_once() {
    let folder = tempfile::tempdir().unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_plaza"))
        .args(["serve", "--tick-rate", "7", "--data-dir"])
        .arg(folder.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "plaza: tick-rate is 10 to 60\n"
    );
}

#[tokio::test]
async fn players_of_other_processes_continue_when_a_guarded_server_is_killed() {
    let shared = Shared::new();
    let server = shared.named("stays").await;
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let space = server.space(&ada, "40x40").await;
    let folder = tempfile::tempdir().unwrap();
    let flags = shared.flags();
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let mut plaza = Process::guarded(
        folder.path(),
        &[&flags[..], &["--node", "guarded"]].concat(),
    );
    let mut bob_there = BinaryClient::join(&plaza.address, &bob, &space).await;
    let mut ada_here = BinaryClient::join(&server.address, &ada, &space).await;
    say(&mut bob_there, 1, "before").await;
    let epoch = ada_here.epoch;
    signal("-KILL", &plaza.server_pid());
    ada_here.until(|client, _| client.epoch > epoch).await;
    say(&mut ada_here, 1, "after").await;
    // The same node name is used again at once: the lease of the previous run is released.
    plaza.opens();
    let bob_back = BinaryClient::join(&plaza.address, &bob, &space).await;
    let said: Vec<_> = bob_back
        .history
        .iter()
        .map(|message| message.text.as_str())
        .collect();
    assert_eq!(said, ["before", "after"]);
    assert_eq!(plaza.terminate(), Some(0));
    server.stop().await;
}
