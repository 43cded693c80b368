//! What survives the end of a process, by shutdown or by crash.

use std::sync::Arc;

use plaza::components::id::SpaceId;
use plaza::net::protocol::ClientMessage;
use plaza::space::Checkpoint;
use plaza::store::Store;
use plaza::systems::saving::Section;

use crate::clients::{BinaryClient, Stranger, hello};
use crate::harness::{Person, Process, TestServer};

/// A folder with a user and a space of that user.
async fn folder() -> (Arc<tempfile::TempDir>, Person, String) {
    let server = TestServer::start().await;
    let ada = server.user("ada").await;
    let space = server.space(&ada, "40x40").await;
    (server.stop().await, ada, space)
}

/// Walks and sends a message; returns the final position and its tick.
async fn live(client: &mut BinaryClient) -> ((i32, i32), u64) {
    for seq in 1..=12 {
        client.hold(seq, 3).await;
        client.until(|client, _| client.ack >= seq).await;
    }
    client.chat(1, "remember me").await;
    client.event().await;
    ((client.own.x, client.own.y), client.tick)
}

#[tokio::test]
async fn everything_survives_a_shutdown() {
    let (folder, ada, space) = folder().await;
    let server = TestServer::start_in(Arc::clone(&folder), |_| {}).await;
    let mut client = BinaryClient::join(&server.address, &ada, &space).await;
    let (place, _) = live(&mut client).await;
    let stopping = tokio::spawn(server.stop());
    assert_eq!(
        client.ended().await,
        Some(1001),
        "the client is told to come back"
    );
    stopping.await.unwrap();

    let server = TestServer::start_in(folder, |_| {}).await;
    let client = BinaryClient::join(&server.address, &ada, &space).await;
    assert_eq!((client.own.x, client.own.y), place);
    assert_eq!(client.history[0].text, "remember me");
    assert!(client.welcome.epoch > 1, "another epoch of the space");
    server.stop().await;
}

#[tokio::test]
async fn a_killed_server_loses_a_second_at_most() {
    let (folder, ada, space) = folder().await;
    let process = Process::start(folder.path(), &[]);
    let mut client = BinaryClient::join(&process.address, &ada, &space).await;
    let (place, tick) = live(&mut client).await;
    let store = Store::open(folder.path()).await.unwrap();
    let id: SpaceId = space.parse().unwrap();
    let mut seq = 12;
    // The checkpoint is written within a second of the last change; each look waits for a tick
    // without movement.
    while store
        .load_checkpoint(id)
        .await
        .unwrap()
        .is_none_or(|kept| kept.tick < tick)
    {
        seq += 1;
        client.hold(seq, 0).await;
        client.until(|client, _| client.ack >= seq).await;
    }
    store.close().await;
    drop(process);

    let process = Process::start(folder.path(), &[]);
    let client = BinaryClient::join(&process.address, &ada, &space).await;
    assert_eq!((client.own.x, client.own.y), place);
    assert_eq!(client.history[0].text, "remember me");
    drop(process);
}

#[tokio::test]
async fn an_unreadable_checkpoint_loses_only_positions() {
    let (folder, ada, space) = folder().await;
    let store = Store::open(folder.path()).await.unwrap();
    store
        .save_checkpoint(space.parse().unwrap(), 9, 9, b"not a checkpoint")
        .await
        .unwrap();
    store.close().await;
    let server = TestServer::start_in(folder, |_| {}).await;
    let client = BinaryClient::join(&server.address, &ada, &space).await;
    assert_eq!(client.history, []);
    assert_eq!(client.welcome.epoch, 10, "time still goes forward");
    server.stop().await;
}

#[tokio::test]
async fn the_checkpoint_of_a_later_version_is_left_to_it() {
    let later = Checkpoint::seal(99, b"what this version cannot read");
    is_left_to_a_later_version(later, None).await;
}

#[tokio::test]
async fn a_section_of_a_later_version_is_left_to_it() {
    let chat = Section {
        name: "chat".into(),
        version: 99,
        bytes: b"what this version cannot read".into(),
    };
    let later = Checkpoint {
        sections: vec![chat],
        ..Checkpoint::default()
    };
    is_left_to_a_later_version(later.encode(), None).await;
}

#[tokio::test]
async fn an_event_of_a_later_version_is_left_to_it() {
    let event = b"\xc8what this version cannot read".to_vec();
    is_left_to_a_later_version(Checkpoint::default().encode(), Some(event)).await;
}

async fn is_left_to_a_later_version(later: Vec<u8>, event: Option<Vec<u8>>) {
    let (folder, ada, space) = folder().await;
    let id: SpaceId = space.parse().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    store.save_checkpoint(id, 9, 9, &later).await.unwrap();
    let events: Vec<(u64, Vec<u8>)> = event.map(|event| (10, event)).into_iter().collect();
    store.append_log(id, 9, &events).await.unwrap();
    let server = TestServer::start_in(Arc::clone(&folder), |_| {}).await;
    let mut stranger = Stranger::connect(&server.address).await;
    let hello = ClientMessage::Hello(hello(&ada.token, &space));
    stranger.say(&hello).await;
    assert_eq!(stranger.refused().await, 1001, "the client tries again");
    server.stop().await;
    let kept = store.load_checkpoint(id).await.unwrap().unwrap();
    assert_eq!(
        (kept.epoch, kept.blob),
        (9, later),
        "nothing was overwritten"
    );
    let log = store.load_log(id).await.unwrap();
    let log: Vec<_> = log.into_iter().map(|row| (row.tick, row.event)).collect();
    assert_eq!(log, events, "nor forgotten");

    // A version that reads it goes on under a higher epoch.
    let readable = Checkpoint::default().encode();
    store.save_checkpoint(id, 10, 10, &readable).await.unwrap();
    store.close().await;
    let server = TestServer::start_in(folder, |_| {}).await;
    BinaryClient::join(&server.address, &ada, &space).await;
    server.stop().await;
}
