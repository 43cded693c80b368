//! Drills: services and processes fail, and players continue.

use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use plaza::components::chat::{ChatMessage, Scope, Speech};
use plaza::components::id::{ChatId, PlayerId, SpaceId, UserId};
use plaza::net::protocol::ServerMessage;
use plaza::net::protocol::chat::ChatS2c;
use plaza::space::DurableEvent;
use plaza::store::Store;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::clients::BinaryClient;
use crate::cluster::{Shared, hear, say};
use crate::harness::Process;
use crate::services::{Database, Redis, Sentinel};

/// Reads until a later epoch of the space is shown; epoch and tick never decrease on the way.
async fn until_later(client: &mut BinaryClient, epoch: u64) {
    let mut newest = (client.epoch, client.tick);
    client
        .until(|client, _| {
            assert!(newest <= (client.epoch, client.tick), "time went back");
            newest = (client.epoch, client.tick);
            client.epoch > epoch
        })
        .await;
}

#[tokio::test]
async fn a_process_that_was_stopped_resumes_as_a_follower() {
    let shared = Shared::new();
    let server = shared.server().await;
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let space = server.space(&ada, "40x40").await;
    let folder = tempfile::tempdir().unwrap();
    let sleeper: Process = shared.process(folder.path());
    let mut bob_there = BinaryClient::join(&sleeper.address, &bob, &space).await;
    let mut ada_here = BinaryClient::join(&server.address, &ada, &space).await;
    say(&mut bob_there, 1, "good night").await;
    let epoch = ada_here.epoch;
    sleeper.signal("-STOP");
    until_later(&mut ada_here, epoch).await;
    say(&mut ada_here, 1, "he sleeps").await;
    sleeper.signal("-CONT");
    until_later(&mut bob_there, epoch).await;
    say(&mut bob_there, 2, "good morning").await;
    hear(&mut ada_here, "good morning").await;
    let cleo = server.user("cleo").await;
    let cleo = BinaryClient::join(&sleeper.address, &cleo, &space).await;
    let said: Vec<_> = cleo
        .history
        .iter()
        .map(|message| message.text.as_str())
        .collect();
    assert_eq!(said, ["good night", "he sleeps", "good morning"]);
    server.stop().await;
}

/// A link between two processes that can be cut.
struct Line {
    address: String,
    cut: Arc<parking_lot::Mutex<CancellationToken>>,
}

impl Line {
    async fn to(target: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let cut = Arc::new(parking_lot::Mutex::new(CancellationToken::new()));
        let state = Arc::clone(&cut);
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let (token, target) = (state.lock().clone(), target.clone());
                tokio::spawn(async move {
                    let Ok(mut far) = TcpStream::connect(target).await else {
                        return;
                    };
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                        () = token.cancelled() => {}
                    }
                });
            }
        });
        Self { address, cut }
    }

    /// Cuts the link: every connection ends, new ones end at once.
    fn cut(&self) {
        self.cut.lock().cancel();
    }

    fn mend(&self) {
        *self.cut.lock() = CancellationToken::new();
    }
}

#[tokio::test]
async fn players_continue_after_a_link_between_processes_was_cut() {
    let shared = Shared::new();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap();
    drop(free);
    let line = Line::to(port.to_string()).await;
    let address = line.address.clone();
    let settings = shared.settings(Some("host"));
    let host = crate::harness::TestServer::start_with(|all| {
        settings(all);
        let cluster = all.cluster.as_mut().unwrap();
        cluster.link_listen = port;
        cluster.link_address = Some(address);
    })
    .await;
    let edge = shared.named("edge").await;
    let (ada, bob) = (host.user("ada").await, host.user("bob").await);
    let space = host.space(&ada, "40x40").await;
    let mut ada_here = BinaryClient::join(&host.address, &ada, &space).await;
    let mut bob_there = BinaryClient::join(&edge.address, &bob, &space).await;
    say(&mut bob_there, 1, "before").await;
    let epoch = bob_there.epoch;
    line.cut();
    say(&mut ada_here, 1, "can you hear me").await;
    line.mend();
    hear(&mut bob_there, "can you hear me").await;
    say(&mut bob_there, 2, "now I can").await;
    hear(&mut ada_here, "now I can").await;
    assert_eq!(bob_there.epoch, epoch, "its process never changed");
    edge.stop().await;
    host.stop().await;
}

#[tokio::test]
async fn players_continue_while_postgresql_is_down_and_newcomers_wait() {
    let mut shared = Shared::new();
    shared.database = Database::alone();
    let server = shared.server().await;
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let space = server.space(&ada, "40x40").await;
    let mut ada_here = BinaryClient::join(&server.address, &ada, &space).await;
    let mut bob_here = BinaryClient::join(&server.address, &bob, &space).await;
    shared.database.kill();
    for seq in 1..=60 {
        ada_here.hold(seq, if seq % 16 < 8 { 3 } else { 7 }).await;
        ada_here.until(|client, _| client.ack >= seq).await;
    }
    say(&mut ada_here, 1, "who needs a database").await;
    hear(&mut bob_here, "who needs a database").await;
    let refusal = server.get("/me", Some(&ada)).await;
    refusal.refused(503);
    assert_eq!(refusal.header("retry-after"), "3");
    server.get("//healthz", None).await.fine();
    server.get("//readyz", None).await.refused(503);
    let epoch = ada_here.epoch;
    shared.database.restart();
    server.get("/me", Some(&ada)).await.fine();
    say(&mut bob_here, 1, "there it is").await;
    hear(&mut ada_here, "there it is").await;
    assert_eq!(ada_here.epoch, epoch);
    server.stop().await;
}

#[tokio::test]
async fn players_continue_when_a_sentinel_promotes_a_replica() {
    let mut shared = Shared::new();
    let replica = Redis::replica_of(&shared.redis);
    let sentinel = Sentinel::of(&shared.redis);
    sentinel.until_replicas(1);
    shared.redis_url = Some(sentinel.url());
    let server = shared.server().await;
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let space = server.space(&ada, "40x40").await;
    let folder = tempfile::tempdir().unwrap();
    let mut ada_here = BinaryClient::join(&server.address, &ada, &space).await;
    say(&mut ada_here, 1, "to the old master").await;
    let epoch = ada_here.epoch;
    shared.redis.kill();
    say(&mut ada_here, 2, "to PostgreSQL in between").await;
    while !replica.is_master() {}
    // A process that starts now asks the Sentinel for the master, and follows the space.
    let other = shared.process(folder.path());
    let mut bob_there = BinaryClient::join(&other.address, &bob, &space).await;
    let said: Vec<_> = bob_there
        .history
        .iter()
        .map(|message| message.text.as_str())
        .collect();
    assert_eq!(said, ["to the old master", "to PostgreSQL in between"]);
    say(&mut bob_there, 1, "to the new one").await;
    hear(&mut ada_here, "to the new one").await;
    assert_eq!(
        (ada_here.epoch, bob_there.epoch),
        (epoch, epoch),
        "no other process took the space"
    );
    let id: SpaceId = space.parse().unwrap();
    let key = format!("plaza:{{{id}}}:own");
    while replica.ask(&["hget", &key, "epoch"]).trim() != epoch.to_string() {}
    server.stop().await;
}

#[tokio::test]
async fn a_rolling_restart_disconnects_only_clients_of_restarted_processes() {
    let shared = Shared::new();
    let (first, second, stays) = (
        shared.named("first").await,
        shared.named("second").await,
        shared.named("stays").await,
    );
    let owner = stays.user("owner").await;
    let mut clients = Vec::new();
    for (number, host) in [&first, &second, &stays].into_iter().enumerate() {
        let space = stays.space(&owner, "20x20").await;
        let (guest, watcher) = (format!("guest {number}"), format!("watcher {number}"));
        // The first player of a space brings it to their process.
        let guest = stays.user(&guest).await;
        BinaryClient::join(&host.address, &guest, &space).await;
        let watcher = stays.user(&watcher).await;
        clients.push(BinaryClient::join(&stays.address, &watcher, &space).await);
    }
    first.stop().await;
    let first = shared.named("first").await;
    second.stop().await;
    let second = shared.named("second").await;
    for (number, client) in clients.iter_mut().enumerate() {
        if number < 2 {
            let epoch = client.welcome.epoch;
            until_later(client, epoch).await;
        }
        say(client, 1, "still here").await;
    }
    let admin = stays.admin().await;
    let count = async |what: &str| {
        stays.get("/admin/cluster", Some(&admin)).await.fine()[what]
            .as_array()
            .map(Vec::len)
    };
    // Processes are counted once a second.
    while (count("nodes").await, count("spaces").await) != (Some(3), Some(3)) {}
    first.stop().await;
    second.stop().await;
    stays.stop().await;
}

/// A durable event that this version reads.
fn said(text: &str) -> DurableEvent {
    let [id, user] = [1, 2].map(Uuid::from_u128);
    let speech = Speech {
        id: ChatId(id),
        client_id: None,
        text: text.into(),
        at: 1_000,
        scope: Scope::Space,
        reply_to: None,
        may_announce: false,
    };
    DurableEvent::Said(ChatMessage::new(
        PlayerId(1),
        UserId(user),
        "eve".into(),
        speech,
    ))
}

#[tokio::test]
async fn a_takeover_leaves_a_space_with_an_unknown_event_to_a_later_version() {
    let shared = Shared::new();
    let server = shared.server().await;
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let space = server.space(&ada, "40x40").await;
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let later = shared.process(folders[0].path());
    let log = folders[1].path().join("log");
    let earlier = shared.process_with_log(folders[1].path(), File::create(&log).unwrap());
    let ada_there = BinaryClient::join(&later.address, &ada, &space).await;
    let mut bob_here = BinaryClient::join(&earlier.address, &bob, &space).await;
    bob_here.sees(&ada.id).await;

    // Its version writes events that the other one does not know. Then it dies.
    let store = Store::connect(&shared.database.url().parse().unwrap())
        .await
        .unwrap();
    let id: SpaceId = space.parse().unwrap();
    let (epoch, tick) = (bob_here.epoch, bob_here.tick + 100_000);
    let unknown = b"\xc8what this version cannot read".to_vec();
    assert!(
        store
            .append_log(id, epoch, &[(tick, unknown)])
            .await
            .unwrap()
    );
    drop((ada_there, later));
    // The other one tries several times to take the space over for its clients.
    let taking = async { while store.owner(id).await.unwrap().unwrap().epoch < epoch + 3 {} };
    let tried = tokio::time::timeout(Duration::from_mins(1), taking).await;
    tried.expect("it tries again and again");
    let lines = std::fs::read_to_string(&log).unwrap();
    let about = |line: &&str| line.contains("a later version of Plaza saved the space");
    let told: Vec<&str> = lines.lines().filter(about).collect();
    assert_eq!(told.len(), 1, "it says so once: {lines}");
    assert!(
        told[0].contains(&space) && told[0].contains("kind 200"),
        "{told:?}"
    );

    // A later version reads the event, and goes on: here it is replaced by one that all read.
    let known = said("from a later version").encode();
    assert!(
        store
            .append_log(id, u64::from(u32::MAX), &[(tick, known)])
            .await
            .unwrap()
    );
    let ada_again = BinaryClient::join(&server.address, &ada, &space).await;
    assert_eq!(ada_again.history[0].text, "from a later version");
    until_later(&mut bob_here, epoch).await;
    say(&mut bob_here, 1, "still here").await;
    store.close().await;
    drop(earlier);
    server.stop().await;
}

/// A message is acknowledged once, however often it is sent.
#[tokio::test]
async fn a_message_resent_to_another_process_is_shown_once() {
    let shared = Shared::new();
    let (first, second) = (shared.named("first").await, shared.named("second").await);
    let (ada, bob) = (first.user("ada").await, first.user("bob").await);
    let space = first.space(&ada, "40x40").await;
    let mut at_first = BinaryClient::join(&first.address, &ada, &space).await;
    let mut bob_there = BinaryClient::join(&second.address, &bob, &space).await;
    say(&mut at_first, 7, "once").await;
    drop(at_first);
    let mut at_second = BinaryClient::join(&second.address, &ada, &space).await;
    // From the client's view, the answer was lost with the connection.
    say(&mut at_second, 7, "once").await;
    say(&mut at_second, 8, "twice").await;
    let mut lines = Vec::new();
    bob_there
        .until(|_, message| {
            if let ServerMessage::Chat(ChatS2c::Message(line)) = message {
                lines.push(line.text.clone());
            }
            lines.last().is_some_and(|line| line == "twice")
        })
        .await;
    assert_eq!(lines, ["once", "twice"]);
    second.stop().await;
    first.stop().await;
}
