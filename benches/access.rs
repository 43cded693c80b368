//! Access control: how soon a moderator's action shows, also when no process is told of it, what
//! the checks of a join cost, and what the sweep of a thousand spaces does.
//!
//! One process with SQLite, and clients of the JSON protocol in the same program: the figures are
//! upper bounds.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark says what it expects by unwrapping, and prints"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use plaza::cluster::connections::{Connections, Registration};
use plaza::components::id::{SpaceId, UserId};
use plaza::components::membership::{AccessPolicy, ExclusionKind};
use plaza::net::budget::BudgetSettings;
use plaza::server::Server;
use plaza::settings::{PasswordCost, Settings};
use plaza::store::audit_log::Actor;
use plaza::store::moderation::NewExclusion;
use plaza::store::sessions::SessionId;
use plaza::store::spaces::{Access, NewSpace};
use plaza::store::{Role, Store, now_ms};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};
use tokio_util::sync::CancellationToken;
use tungstenite::Message;

/// People who are kicked, one after the other.
const KICKED: usize = 200;
/// People who are sent out together without a message.
const UNTOLD: usize = 50;
const JOINS: usize = 300;
const SPACES: usize = 1_000;
const SWEEPS: u32 = 50;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

#[derive(Clone)]
struct Person {
    id: String,
    token: String,
}

/// A server with a space for members and its owner.
struct Town {
    folder: TempDir,
    address: String,
    http: reqwest::Client,
    owner: Person,
    space: String,
}

#[tokio::main]
async fn main() {
    let stop = CancellationToken::new();
    let folder = tempfile::tempdir().unwrap();
    let mut settings = Settings::in_folder(folder.path());
    settings.min_free_disk = 0;
    settings.open_admin_signup = true;
    settings.auth_rate = 0;
    settings.budgets = BudgetSettings::NONE;
    settings.password_cost = PasswordCost::Token;
    settings.metrics = None;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = Server::prepare(listener, settings).await.unwrap();
    let address = format!("http://{}", server.address().unwrap());
    let running = tokio::spawn(server.run(stop.clone()));
    let town = Town::founded(folder, address).await;

    report("kicked, until the others see it", &town.kicks().await);
    report("the same, if no one is told", &town.untold().await);
    report("joining a space for members", &town.joins().await);
    report("of which the membership", &town.memberships().await);
    stop.cancel();
    running.await.unwrap().unwrap();
    sweep().await;
}

fn report(what: &str, times: &[Duration]) {
    let mut times = times.to_vec();
    times.sort_unstable();
    let at = |share: usize| {
        let index = (times.len() * share / 100).min(times.len() - 1);
        times[index].as_secs_f64() * 1_000.0
    };
    println!(
        "{what}: p50 {:.2} ms, p99 {:.2} ms, of {}",
        at(50),
        at(99),
        times.len()
    );
}

impl Town {
    async fn founded(folder: TempDir, address: String) -> Self {
        let mut town = Self {
            folder,
            address,
            http: reqwest::Client::new(),
            owner: Person {
                id: String::new(),
                token: String::new(),
            },
            space: String::new(),
        };
        town.owner = town.person("olga").await;
        let body = json!({"name": "Hall", "dimensions": "20x20", "accessPolicy": "members"});
        let made = town.post("/space", Some(&town.owner), body).await;
        text(&made["spaceId"]).clone_into(&mut town.space);
        town
    }

    async fn call(&self, method: &str, path: &str, who: Option<&Person>, body: Value) -> Value {
        let url = format!("{}/api/v1{path}", self.address);
        let mut request = self.http.request(method.parse().unwrap(), url).json(&body);
        if let Some(person) = who {
            request = request.bearer_auth(&person.token);
        }
        let answer = request.send().await.unwrap();
        let answer = answer.error_for_status().unwrap();
        answer.json().await.unwrap()
    }

    async fn post(&self, path: &str, who: Option<&Person>, body: Value) -> Value {
        self.call("POST", path, who, body).await
    }

    async fn person(&self, name: &str) -> Person {
        let body = json!({"username": name, "password": "a long secret", "type": "user"});
        let up = self.post("/signup", None, body.clone()).await;
        let signed_in = self.post("/signin", None, body).await;
        Person {
            id: text(&up["userId"]).to_owned(),
            token: text(&signed_in["token"]).to_owned(),
        }
    }

    async fn members(&self, kind: &str, count: usize) -> Vec<Person> {
        let mut all = Vec::new();
        for number in 0..count {
            let person = self.person(&format!("{kind}{number}")).await;
            let path = format!("/space/{}/member/{}", self.space, person.id);
            let role = json!({"role": "member"});
            self.call("PUT", &path, Some(&self.owner), role).await;
            all.push(person);
        }
        all
    }

    async fn join(&self, who: &Person) -> (Socket, Duration) {
        let url = format!("{}/ws", self.address.replacen("http", "ws", 1));
        let (mut socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
        let join = json!({
            "type": "join", "payload": {"spaceId": self.space, "token": who.token}
        });
        let start = now();
        socket.send(Message::text(join.to_string())).await.unwrap();
        until(&mut socket, "space-joined").await;
        (socket, start.elapsed())
    }

    async fn kicks(&self) -> Vec<Duration> {
        let people = self.members("kicked", KICKED).await;
        let (mut watch, _) = self.join(&self.owner).await;
        let mut times = Vec::new();
        for person in &people {
            let (socket, _) = self.join(person).await;
            until(&mut watch, "user-joined").await;
            let start = now();
            let path = format!("/space/{}/user/{}/kick", self.space, person.id);
            let kick = self.post(&path, Some(&self.owner), json!({}));
            let (_, seen) = tokio::join!(kick, async {
                until(&mut watch, "user-left").await;
                start.elapsed()
            });
            times.push(seen);
            drop(socket);
        }
        times
    }

    /// The database alone knows of it.
    async fn untold(&self) -> Vec<Duration> {
        let people = self.members("untold", UNTOLD).await;
        let (mut watch, _) = self.join(&self.owner).await;
        let mut sockets = Vec::new();
        for person in &people {
            sockets.push(self.join(person).await);
            until(&mut watch, "user-joined").await;
        }
        let store = Store::open(self.folder.path()).await.unwrap();
        let by = Actor::command_line();
        let mut times = Vec::new();
        for person in &people {
            let new = NewExclusion {
                space: self.space.parse().unwrap(),
                user: person.id.parse().unwrap(),
                kind: ExclusionKind::Kick,
                until: Some(now_ms() + 600_000),
                reason: "",
                network_until: None,
                revokes_invites: false,
            };
            let start = now();
            assert!(store.exclude(&by, &new).await.unwrap());
            until(&mut watch, "user-left").await;
            times.push(start.elapsed());
        }
        store.close().await;
        times
    }

    async fn joins(&self) -> Vec<Duration> {
        let person = self.members("comer", 1).await.remove(0);
        let mut times = Vec::new();
        for _ in 0..JOINS {
            let (mut socket, time) = self.join(&person).await;
            times.push(time);
            socket.close(None).await.unwrap();
            while socket.next().await.is_some_and(|message| message.is_ok()) {}
        }
        times
    }

    async fn memberships(&self) -> Vec<Duration> {
        let store = Store::open(self.folder.path()).await.unwrap();
        let (user, space) = (self.owner.id.parse().unwrap(), self.space.parse().unwrap());
        let mut times = Vec::new();
        for _ in 0..JOINS {
            let start = now();
            store.membership(user, space).await.unwrap().unwrap();
            times.push(start.elapsed());
        }
        store.close().await;
        times
    }
}

/// What the sweeps of a process with one player in each of many spaces use.
async fn sweep() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    let connections = Connections::default();
    let mut open: Vec<Registration> = Vec::new();
    let mut spaces = Vec::new();
    for number in 0..SPACES {
        let (user, space, session) = settle(&store, number).await;
        let mut registration = connections.open(session, Arc::new(|_| {}));
        registration.belongs_to(user);
        registration.enters(space);
        let membership = store.membership(user, space).await.unwrap().unwrap();
        registration.entered(space, &membership);
        open.push(registration);
        spaces.push(space);
    }
    let start = processor_time();
    for _ in 0..SWEEPS {
        // Every two seconds.
        connections.check(&store, None).await.unwrap();
        connections.check_entry(&store, None).await.unwrap();
        store.gone_spaces(&spaces).await.unwrap();
        // Every second, for mutes in calls.
        for _ in 0..2 {
            store.membership_versions(&spaces).await.unwrap();
        }
    }
    let used = processor_time().saturating_sub(start) / SWEEPS;
    println!(
        "sweeping {} spaces: {:.1} ms each two seconds, {:.2} % of a core",
        open.len(),
        used.as_secs_f64() * 1_000.0,
        used.as_secs_f64() / 2.0 * 100.0
    );
    store.close().await;
}

/// A user with a session and a space.
async fn settle(store: &Store, number: usize) -> (UserId, SpaceId, SessionId) {
    let name = format!("user{number}");
    let user = store.add_user(&name, "-", Role::User).await.unwrap();
    let user = user.unwrap();
    let token = store.sign_in(user).await.unwrap();
    let new = NewSpace {
        name: "Hall".into(),
        creator: user,
        map: None,
        access: Access::Unlisted,
        policy: AccessPolicy::Open,
        width: 10,
        height: 10,
        keeps_chat: false,
    };
    let space = store.add_space(&new).await.unwrap();
    (user, space, SessionId::of(&token))
}

/// Reads until a message of that type.
async fn until(socket: &mut Socket, kind: &str) {
    loop {
        let message = socket.next().await.unwrap().unwrap();
        if let Message::Text(text) = message {
            let message: Value = serde_json::from_str(&text).unwrap();
            if message["type"] == kind {
                return;
            }
        }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// Processor time of this program, to a hundredth of a second.
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let fields = fields.split(' ').skip(11).take(2);
    let ticks: u64 = fields.map(|ticks| ticks.parse::<u64>().unwrap()).sum();
    Duration::from_millis(ticks * 10)
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn now() -> Instant {
    Instant::now()
}
