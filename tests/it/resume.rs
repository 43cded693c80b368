//! What survives the end of a process, kind or not.

use std::sync::Arc;

use plaza::components::id::SpaceId;
use plaza::store::Store;

use crate::clients::BinaryClient;
use crate::harness::{Person, Process, TestServer};

/// A folder with somebody and a space of theirs.
async fn folder() -> (Arc<tempfile::TempDir>, Person, String) {
    let server = TestServer::start().await;
    let ada = server.user("ada").await;
    let space = server.space(&ada, "40x40").await;
    (server.stop().await, ada, space)
}

/// Walks a bit and says something; answers where it ended, at which tick.
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
async fn a_server_that_stops_in_order_resumes_everything() {
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
    assert!(client.welcome.epoch > 1, "another life of the space");
    server.stop().await;
}

#[tokio::test]
async fn a_killed_server_resumes_from_a_second_ago_at_most() {
    let (folder, ada, space) = folder().await;
    let process = Process::start(folder.path(), &[]);
    let mut client = BinaryClient::join(&process.address, &ada, &space).await;
    let (place, tick) = live(&mut client).await;
    let store = Store::open(folder.path()).await.unwrap();
    let id: SpaceId = space.parse().unwrap();
    let mut seq = 12;
    // The checkpoint comes within a second of the last change; every look waits for a tick that
    // moves nobody.
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
async fn a_checkpoint_that_cannot_be_read_costs_the_places_and_nothing_else() {
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
