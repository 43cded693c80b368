//! A cluster: one process runs a space, all processes show it, and it survives the loss of its
//! process.

use std::path::Path;
use std::process::Stdio;

use plaza::cluster::node::{Member, Node, NodeId, Nonce};
use plaza::cluster::ownership::{Dead, Renewal, Taken};
use plaza::cluster::record::{Committed, Write};
use plaza::cluster::redis::Redis as Directory;
use plaza::cluster::vault::{SavedState, Vault};
use plaza::components::id::SpaceId;
use plaza::link::Secret;
use plaza::net::protocol::chat::ChatS2c;
use plaza::net::protocol::{ServerMessage, close};
use plaza::settings::{ClusterSettings, Settings};
use plaza::store::Store;
use uuid::Uuid;

use crate::clients::{BinaryClient, is_chat};
use crate::harness::{Person, Process, TestServer};
use crate::services::{Database, Redis};
use crate::sessions::NEVER;
use crate::store::Home;

const SECRET: &str = "5d0e7c1b9a3f48266e8d2c4b0a1f3957d8e6c4b2a09f7e5d3c1b0a8f6e4d2c19";

/// What the processes of a cluster share.
pub struct Shared {
    pub database: Database,
    pub redis: Redis,
    /// Redis address given to the processes instead of the real one.
    pub redis_url: Option<String>,
    /// Whether links are encrypted.
    pub link_tls: bool,
}

impl Shared {
    pub fn new() -> Self {
        Self {
            database: Database::new(),
            redis: Redis::start(),
            redis_url: None,
            link_tls: true,
        }
    }

    fn redis_url(&self) -> String {
        self.redis_url.clone().unwrap_or_else(|| self.redis.url())
    }

    pub fn settings(&self, node: Option<&str>) -> impl FnOnce(&mut Settings) {
        let (database, redis) = (self.database.url(), self.redis_url());
        let node = node.map(str::to_owned);
        let link_tls = self.link_tls;
        move |settings| {
            settings.database_url = Some(database.parse().unwrap());
            settings.cluster = Some(ClusterSettings {
                redis_url: redis,
                node,
                link_listen: "127.0.0.1:0".parse().unwrap(),
                link_address: None,
                secret: Secret::new(SECRET),
                link_tls,
            });
        }
    }

    pub async fn server(&self) -> TestServer {
        TestServer::start_with(self.settings(None)).await
    }

    /// A process that learns of ended sessions from other processes only, without its own sweep.
    pub async fn server_without_sweep(&self) -> TestServer {
        TestServer::start_with(|settings| {
            self.settings(None)(settings);
            settings.sweep = NEVER;
        })
        .await
    }

    pub async fn named(&self, node: &str) -> TestServer {
        TestServer::start_with(self.settings(Some(node))).await
    }

    pub fn process(&self, folder: &Path) -> Process {
        self.process_with_log(folder, Stdio::inherit())
    }

    /// As [`process`](Self::process); warnings and errors are written to `log`.
    pub fn process_with_log(&self, folder: &Path, log: impl Into<Stdio>) -> Process {
        let flags = self.flags();
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        Process::start_with_log(folder, &flags, log)
    }

    /// Settings of a process of this cluster.
    pub fn flags(&self) -> [String; 6] {
        let (database, redis) = (self.database.url(), self.redis_url());
        [
            "--database-url",
            &database,
            "--redis-url",
            &redis,
            "--cluster-secret",
            SECRET,
        ]
        .map(str::to_owned)
    }

    /// A command that controls the processes.
    pub async fn command(&self, words: &[&str]) -> std::process::Output {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_plaza"));
        command
            .arg("admin")
            .args(words)
            .args(["--cluster-secret", SECRET]);
        command
            .args(["--redis-url", &self.redis_url()])
            .output()
            .await
            .unwrap()
    }
}

/// Sends a message and waits until it is acknowledged.
pub async fn say(client: &mut BinaryClient, client_id: u32, text: &str) {
    client.chat(client_id, text).await;
    client
        .until(|_, message| {
            matches!(message, ServerMessage::Chat(ChatS2c::Message(chat))
                if chat.client_id == Some(client_id))
        })
        .await;
}

pub async fn hear(client: &mut BinaryClient, text: &str) {
    client.until(|_, message| is_chat(message, text)).await;
}

async fn people(server: &TestServer) -> (Person, Person, String) {
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let space = server.space(&ada, "40x40").await;
    (ada, bob, space)
}

#[tokio::test]
async fn a_space_runs_once_and_is_shared_by_all_processes() {
    let shared = Shared::new();
    let (first, second) = (shared.server().await, shared.server().await);
    let (ada, bob, space) = people(&first).await;
    let mut at_first = BinaryClient::join(&first.address, &ada, &space).await;
    let mut at_second = BinaryClient::join(&second.address, &bob, &space).await;
    assert_eq!(at_first.epoch, at_second.epoch, "one epoch of the space");
    let bob_here = at_first.sees(&bob.id).await;
    at_second.sees(&ada.id).await;
    let start = at_first.places[&bob_here];
    for seq in 1..=8 {
        at_second.hold(seq, 3).await;
    }
    at_second.until(|client, _| client.ack >= 8).await;
    at_first
        .until(|client, _| client.places[&bob_here] != start)
        .await;
    say(&mut at_second, 1, "from the other side").await;
    hear(&mut at_first, "from the other side").await;
    second.stop().await;
    first.stop().await;
}

#[tokio::test]
async fn a_user_has_one_client_in_a_space_whatever_process_it_goes_through() {
    let shared = Shared::new();
    let (first, second) = (shared.server().await, shared.server().await);
    let (ada, bob, space) = people(&first).await;
    let mut bob = BinaryClient::join(&first.address, &bob, &space).await;
    for (text, before, after) in [
        ("from the second", &first, &second),
        ("from the first", &second, &first),
    ] {
        let mut replaced = BinaryClient::join(&before.address, &ada, &space).await;
        let mut newest = BinaryClient::join(&after.address, &ada, &space).await;
        assert_eq!(replaced.ended().await, Some(close::REPLACED));
        bob.sees(&ada.id).await;
        say(&mut newest, 1, text).await;
        hear(&mut bob, text).await;
    }
    second.stop().await;
    first.stop().await;
}

#[tokio::test]
async fn players_continue_when_the_process_of_their_space_is_killed() {
    let shared = Shared::new();
    let server = shared.server().await;
    let (ada, bob, space) = people(&server).await;
    let folder = tempfile::tempdir().unwrap();
    let doomed = shared.process(folder.path());
    let mut bob_there = BinaryClient::join(&doomed.address, &bob, &space).await;
    let mut ada_here = BinaryClient::join(&server.address, &ada, &space).await;
    let epoch = ada_here.epoch;
    ada_here.sees(&bob.id).await;
    say(&mut ada_here, 1, "before").await;
    say(&mut bob_there, 1, "and from bob").await;
    drop(doomed);
    // No disconnect and no going back: only frames of a later epoch.
    ada_here.until(|client, _| client.epoch > epoch).await;
    say(&mut ada_here, 2, "after").await;
    let bob_back = BinaryClient::join(&server.address, &bob, &space).await;
    let said: Vec<_> = bob_back
        .history
        .iter()
        .map(|message| message.text.as_str())
        .collect();
    assert_eq!(
        said,
        ["before", "and from bob", "after"],
        "every acknowledged message, once, in order"
    );
    server.stop().await;
}

#[tokio::test]
async fn a_process_that_shuts_down_hands_its_spaces_over() {
    let shared = Shared::new();
    let (leaving, staying) = (shared.server().await, shared.server().await);
    let (ada, bob, space) = people(&staying).await;
    let mut bob_there = BinaryClient::join(&leaving.address, &bob, &space).await;
    let mut ada_here = BinaryClient::join(&staying.address, &ada, &space).await;
    let epoch = ada_here.epoch;
    ada_here.sees(&bob.id).await;
    let stopping = tokio::spawn(leaving.stop());
    assert_eq!(
        bob_there.ended().await,
        Some(1001),
        "its own clients are told to come back"
    );
    ada_here.until(|client, _| client.epoch > epoch).await;
    stopping.await.unwrap();
    BinaryClient::join(&staying.address, &bob, &space).await;
    staying.stop().await;
}

#[tokio::test]
async fn players_continue_while_redis_is_down_and_after_it_returns_empty() {
    let mut shared = Shared::new();
    let server = shared.server().await;
    let (ada, _, space) = people(&server).await;
    let mut client = BinaryClient::join(&server.address, &ada, &space).await;
    say(&mut client, 1, "with redis").await;
    let epoch = client.epoch;
    shared.redis.kill();
    say(&mut client, 2, "without").await;
    for seq in 1..=60 {
        client.hold(seq, if seq % 16 < 8 { 3 } else { 7 }).await;
        client.until(|client, _| client.ack >= seq).await;
    }
    shared.redis.restart();
    say(&mut client, 3, "with an empty one").await;
    for seq in 61..=120 {
        client.hold(seq, if seq % 16 < 8 { 3 } else { 7 }).await;
        client.until(|client, _| client.ack >= seq).await;
    }
    assert_eq!(client.epoch, epoch, "no other process took the space");
    server.stop().await;
}

/// Bytes that a process has sent to the edges of others so far.
async fn sent_over_links(process: &Process) -> f64 {
    let metrics = reqwest::get(format!("{}/metrics", process.address))
        .await
        .unwrap();
    let metrics = metrics.text().await.unwrap();
    let count = metrics
        .lines()
        .find_map(|line| line.strip_prefix("plaza_link_bytes_total "));
    count.map_or(0.0, |count| count.parse().unwrap())
}

/// Bytes per tick that the process running a space sends to all other processes, while one player
/// walks to and fro.
async fn bytes_per_tick(host: &Process, walker: &mut BinaryClient, seq: &mut u32) -> f64 {
    let (before, from) = (sent_over_links(host).await, walker.tick);
    for _ in 0..64 {
        *seq += 1;
        let now = *seq;
        walker.hold(now, if now % 16 < 8 { 3 } else { 7 }).await;
        walker.until(|client, _| client.ack >= now).await;
    }
    (sent_over_links(host).await - before) / (walker.tick - from) as f64
}

#[tokio::test]
async fn the_host_sends_each_tick_once_to_an_edge_for_any_number_of_watchers() {
    let shared = Shared::new();
    let folders: Vec<_> = (0..3).map(|_| tempfile::tempdir().unwrap()).collect();
    let processes: Vec<_> = folders
        .iter()
        .map(|folder| shared.process(folder.path()))
        .collect();
    let [host, edges @ ..] = &processes[..] else {
        unreachable!("three were started")
    };
    let people = shared.server().await;
    let ada = people.user("ada").await;
    let space = people.space(&ada, "40x40").await;
    let mut walker = BinaryClient::join(&host.address, &ada, &space).await;
    let mut watchers = Vec::new();
    let mut seq = 0;
    let mut costs = Vec::new();
    for round in 0..2 {
        let more = if round == 0 { 1 } else { 12 };
        for edge in edges {
            for _ in 0..more {
                let who = people.user(&format!("watcher {}", watchers.len())).await;
                watchers.push(BinaryClient::join(&edge.address, &who, &space).await);
            }
        }
        for watcher in &mut watchers {
            watcher.sees(&ada.id).await;
        }
        // The snapshots for the newcomers do not count as the cost of a tick.
        bytes_per_tick(host, &mut walker, &mut seq).await;
        costs.push(bytes_per_tick(host, &mut walker, &mut seq).await);
    }
    let [with_two, with_many] = costs[..] else {
        unreachable!("two rounds were walked")
    };
    assert!(with_two > 0.0, "there are links");
    assert!(
        with_many < with_two * 1.25,
        "2 watch: {with_two:.1} bytes a tick, 26 watch: {with_many:.1}"
    );
    people.stop().await;
}

#[tokio::test]
async fn processes_with_unencrypted_links_share_spaces() {
    let shared = Shared {
        link_tls: false,
        ..Shared::new()
    };
    let (first, second) = (shared.server().await, shared.server().await);
    let (ada, bob, space) = people(&first).await;
    let mut at_first = BinaryClient::join(&first.address, &ada, &space).await;
    let mut at_second = BinaryClient::join(&second.address, &bob, &space).await;
    say(&mut at_second, 1, "over a plain link").await;
    hear(&mut at_first, "over a plain link").await;
    second.stop().await;
    first.stop().await;
}

fn member(node: &str, nonce: u64) -> Member {
    Member {
        node: NodeId(node.into()),
        nonce: Nonce(nonce),
    }
}

fn node(node: &str, nonce: u64) -> Node {
    Node {
        member: member(node, nonce),
        link: "127.0.0.1:1".into(),
        public_url: None,
        load: 5,
        is_draining: false,
    }
}

#[tokio::test]
async fn a_lease_keeps_its_name_and_expired_nonces_stay_invalid() {
    let redis = Redis::start();
    let directory = Directory::open(&redis.url()).await.unwrap();
    let Ok(Renewal::Held {
        directory: identity,
    }) = directory.renew(&node("ann", 1)).await
    else {
        panic!("the first lease is granted");
    };
    assert_eq!(
        directory.renew(&node("ann", 2)).await,
        Ok(Renewal::Dead),
        "the name is taken"
    );
    assert_eq!(
        directory.alive().await.unwrap(),
        (identity, vec![node("ann", 1)])
    );
    let ann = |directory| Dead {
        member: member("ann", 1),
        directory,
    };
    assert_eq!(
        directory.bury(&ann(identity)).await,
        Ok(false),
        "its lease stands"
    );
    directory.release_lease(&member("ann", 1)).await.unwrap();
    assert_eq!(directory.alive().await.unwrap().1, []);
    assert_eq!(
        directory.bury(&ann(identity + 1)).await,
        Ok(false),
        "another Redis said so"
    );
    assert_eq!(directory.bury(&ann(identity)).await, Ok(true));
    assert_eq!(directory.renew(&node("ann", 1)).await, Ok(Renewal::Dead));
    assert!(matches!(
        directory.renew(&node("ann", 3)).await,
        Ok(Renewal::Held { .. })
    ));
}

/// The contract of every vault.
async fn a_vault_fences_previous_owners(
    vault: Vault,
    space: SpaceId,
    [ann, ben]: [Member; 2],
    mints: Option<&Store>,
) {
    let mint = async |seen: u64, by: &Member| {
        if let Some(store) = mints {
            let minted = store
                .mint_epoch(space, seen, (&by.node.0, by.nonce.0), 0)
                .await
                .unwrap();
            assert_eq!(minted, Some(seen + 1));
        }
    };
    mint(0, &ann).await;
    let write = |tick: u64, state: Option<&[u8]>, events: &[(u64, &[u8])]| Write {
        checkpoint: state.map(|state| (tick, state.to_vec())),
        events: events
            .iter()
            .map(|(tick, event)| (*tick, event.to_vec()))
            .collect(),
    };
    assert_eq!(vault.claim(space, 1, &ann).await, Ok(Taken::Ours));
    assert_eq!(vault.load(space).await, Ok(SavedState::default()));
    let first = write(5, Some(b"five"), &[(6, b"a"), (6, b"b"), (7, b"c")]);
    assert_eq!(
        vault.commit(space, 1, &ann, &first).await,
        Ok(Committed::Kept)
    );
    let kept = vault.load(space).await.unwrap();
    assert_eq!(kept.checkpoint.as_deref(), Some(&b"five"[..]));
    assert_eq!(kept.events, first.events);
    let second = write(6, Some(b"six"), &[(8, b"d")]);
    assert_eq!(
        vault.commit(space, 1, &ann, &second).await,
        Ok(Committed::Kept)
    );
    mint(1, &ben).await;
    assert_eq!(vault.claim(space, 2, &ben).await, Ok(Taken::Ours));
    assert_eq!(
        vault
            .commit(space, 1, &ann, &write(9, Some(b"late"), &[]))
            .await,
        Ok(Committed::Fenced)
    );
    assert_eq!(vault.claim(space, 1, &ann).await, Ok(Taken::Fenced));
    let kept = vault.load(space).await.unwrap();
    assert_eq!(kept.checkpoint.as_deref(), Some(&b"six"[..]));
    assert_eq!(kept.events, [(7, b"c".to_vec()), (8, b"d".to_vec())]);
    assert_eq!(
        vault
            .commit(space, 2, &ben, &write(9, None, &[(9, b"e")]))
            .await,
        Ok(Committed::Kept)
    );
    vault.forget(space).await.unwrap();
    assert_eq!(vault.load(space).await.unwrap().checkpoint, None);
}

#[tokio::test]
async fn the_sql_vault_meets_its_contract() {
    for home in [Home::in_a_folder().await, Home::on_a_server().await] {
        let [ann, ben] = [member("ann", 1), member("ben", 2)];
        let space = home.some_space().await;
        // Epochs are minted where the vault is.
        let vault = Vault::Sql(home.store.clone());
        a_vault_fences_previous_owners(vault, space, [ann, ben], Some(&home.store)).await;
    }
}

#[tokio::test]
async fn the_redis_cluster_vault_meets_its_contract() {
    let folder = tempfile::tempdir().unwrap();
    let (redis, home) = (Redis::cluster(folder.path()), Home::on_a_server().await);
    let url = redis.url().replace("redis://", "redis+cluster://");
    let directory = Directory::open(&url).await.unwrap();
    assert!(matches!(
        directory.renew(&node("ann", 1)).await,
        Ok(Renewal::Held { .. })
    ));
    assert_eq!(directory.alive().await.unwrap().1, [node("ann", 1)]);
    let vault = Vault::Redis(directory, home.store.clone());
    let space = SpaceId(Uuid::from_u128(1));
    a_vault_fences_previous_owners(vault, space, [member("ann", 1), member("ben", 2)], None).await;
}

#[tokio::test]
async fn the_redis_vault_meets_its_contract() {
    let (redis, home) = (Redis::start(), Home::on_a_server().await);
    let directory = Directory::open(&redis.url()).await.unwrap();
    let vault = Vault::Redis(directory.clone(), home.store.clone());
    let space = SpaceId(Uuid::from_u128(1));
    a_vault_fences_previous_owners(
        vault.clone(),
        space,
        [member("ann", 1), member("ben", 2)],
        None,
    )
    .await;
    let unknown = vault
        .commit(
            SpaceId(Uuid::from_u128(2)),
            1,
            &member("ann", 1),
            &Write::default(),
        )
        .await;
    assert_eq!(
        unknown,
        Ok(Committed::Forgotten),
        "a Redis that lost its last writes says so"
    );
}

#[tokio::test]
async fn an_unusable_redis_is_named_without_its_password() {
    let error = Directory::open("redis://:hush@127.0.0.1:1")
        .await
        .err()
        .unwrap()
        .to_string();
    assert!(
        error.contains("127.0.0.1:1") && !error.contains("hush"),
        "{error}"
    );
    assert!(Directory::open("nonsense").await.is_err());
}
