//! Permissions: each message and each route, tried by each role in a space and by an admin of the
//! server, and compared with `tests/golden/permissions.json`. Permissions are those of the moment
//! of the action, not those of joining.

mod binary;
mod http;
mod json;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};

use plaza::components::id::UserId;
use plaza::components::permissions::SpaceRole;
use plaza::net::protocol::session::SessionC2s;
use plaza::net::protocol::{ClientMessage, ServerMessage};
use plaza::store::Store;
use plaza::store::audit_log::Actor;
use serde::Deserialize;
use serde_json::json;
use sqlx::{AnyConnection, Connection};

use crate::chat::{changed, delete, notice, said};
use crate::clients::{BinaryClient, is_chat};
use crate::harness::{Person, TestServer, text};
use crate::members::{give, sql};

/// What an action asks for.
#[derive(Debug, Clone, Copy)]
enum Need {
    /// Nothing, not even a token.
    Nothing,
    /// To be signed in, and let into the space if it is about one.
    Token,
    /// A permission in the space.
    InSpace(&'static str),
    /// To have written the message, which is the owner's.
    Author,
    /// No one may do it.
    NoOne,
    /// To be an admin of the server.
    Admin,
}

/// Who acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    /// A role in the space.
    Role(SpaceRole),
    /// An admin of the server, who is a visitor otherwise.
    Admin,
}

impl Who {
    const fn word(self) -> &'static str {
        match self {
            Self::Role(role) => role.word(),
            Self::Admin => "admin",
        }
    }
}

#[derive(Deserialize)]
struct GoldenRow {
    permission: String,
    roles: String,
    admin: String,
}

/// The golden table.
struct Table(Vec<GoldenRow>);

impl Table {
    fn read() -> Self {
        let table = include_str!("../../golden/permissions.json");
        Self(serde_json::from_str(table).unwrap())
    }

    fn allows(&self, need: Need, who: Who) -> bool {
        match need {
            Need::Nothing | Need::Token => true,
            Need::NoOne => false,
            Need::Author => who == Who::Role(SpaceRole::Owner),
            Need::Admin => who == Who::Admin,
            Need::InSpace(permission) => {
                let mut rows = self.0.iter();
                let row = rows.find(|row| row.permission == permission);
                let row = row.unwrap_or_else(|| panic!("{permission} is not in the table"));
                let cell = match who {
                    Who::Role(role) => row.roles.split_whitespace().nth(role as usize),
                    Who::Admin => Some(row.admin.as_str()),
                };
                cell == Some("yes")
            }
        }
    }
}

impl Table {
    /// What the table says after the owner handed out a permission.
    fn replace(&mut self, permission: &str, roles: &str) {
        let mut rows = self.0.iter_mut();
        let row = rows.find(|row| row.permission == permission).unwrap();
        roles.clone_into(&mut row.roles);
    }
}

/// A member who watches what the others are shown.
struct Watch {
    person: Person,
    client: BinaryClient,
    /// Messages said so far.
    said: u32,
}

impl Watch {
    /// A new member joins each time, because rate limits count by user.
    async fn join(staff: &Staff) -> Self {
        let number = staff.messages.fetch_add(1, Ordering::Relaxed);
        let person = staff.server.user(&format!("watcher {number}")).await;
        let given = give(
            &staff.server,
            staff.owner(),
            &staff.space,
            &person,
            "member",
        );
        given.await.fine();
        let client = BinaryClient::join(&staff.server.address, &person, &staff.space).await;
        Self {
            person,
            client,
            said: 0,
        }
    }

    /// Says something; returns the id of the message.
    async fn says(&mut self, text: &str) -> String {
        self.said += 1;
        self.client.chat(self.said, text).await;
        said(&mut self.client, text).await.id
    }

    /// Waits until the two hear each other; returns the player.
    async fn meets(&mut self, user: &str) -> u32 {
        let mut heard = BTreeSet::new();
        loop {
            let message = self.client.next().await.expect("the watcher stays");
            if let ServerMessage::Peers(changed) = &message {
                for peer in &changed.peers {
                    if peer.hear && peer.heard {
                        heard.insert(peer.player);
                    }
                }
            }
            let mut users = self.client.users.iter();
            let player = users.find(|(player, one)| *one == user && heard.contains(*player));
            if let Some((player, _)) = player {
                return *player;
            }
        }
    }

    /// Waits until the player is neither heard nor seen.
    async fn loses(&mut self, player: u32) {
        let is_lost = |message: &ServerMessage| match message {
            ServerMessage::Peers(changed) => {
                let mut peers = changed.peers.iter();
                peers.any(|peer| peer.player == player && !peer.hear && !peer.see)
            }
            _ => false,
        };
        self.client.until(|_, message| is_lost(message)).await;
    }

    /// Leaves, and is not among those who hear the next ones.
    async fn leaves(mut self) {
        let leave = ClientMessage::Session(SessionC2s::Leave);
        self.client.say(&leave).await;
        self.client.ended().await;
    }

    /// What is shown up to now: everything that the server read before this was called.
    async fn rest(&mut self) -> Vec<ServerMessage> {
        self.said += 1;
        let last = format!("that was all {}", self.said);
        self.client.chat(self.said, &last).await;
        let mut seen = Vec::new();
        self.client
            .until(|_, message| {
                seen.push(message.clone());
                is_chat(message, &last)
            })
            .await;
        seen
    }
}

/// A space with one user of each role, from the lowest up, and an element.
pub struct Staff {
    pub server: TestServer,
    pub admin: Person,
    pub space: String,
    pub element: String,
    pub people: Vec<(SpaceRole, Person)>,
    /// Messages that were sent so far.
    messages: AtomicU32,
}

impl Staff {
    pub async fn hired() -> Self {
        let server = TestServer::start().await;
        let admin = server.admin().await;
        let element = server.element(&admin, 1, 1).await;
        let owner = server.user("olga").await;
        let body = json!({"name": "Test", "dimensions": "2x2", "chat": "kept"});
        let space = text(&server.post("/space", Some(&owner), body).await.fine()["spaceId"]);
        let mut people = Vec::new();
        for role in SpaceRole::ALL {
            let person = match role {
                SpaceRole::Owner => owner.clone(),
                _ => server.user(&format!("the-{}", role.word())).await,
            };
            match role {
                SpaceRole::Guest => {
                    let statement = "update users set is_guest = 1 where id = $1";
                    sql(&server, statement, &[&person.id]).await;
                }
                role if role.is_assigned() => {
                    let answer = give(&server, &owner, &space, &person, role.word()).await;
                    answer.fine();
                }
                _ => {}
            }
            people.push((role, person));
        }
        Self {
            server,
            admin,
            space,
            element,
            people,
            messages: AtomicU32::new(1),
        }
    }

    pub fn owner(&self) -> &Person {
        &self.people[SpaceRole::Owner as usize].1
    }

    /// All roles and the admin; the owner last.
    fn everyone(&self) -> Vec<(Who, Person)> {
        let roles = self.people.iter().cloned();
        let mut all: Vec<_> = roles
            .map(|(role, person)| (Who::Role(role), person))
            .collect();
        all.insert(SpaceRole::Owner as usize, (Who::Admin, self.admin.clone()));
        all
    }

    /// Hands out a permission from a role on.
    async fn hand_out(&self, permission: &str, role: &str) {
        let path = format!("/space/{}", self.space);
        let body = json!({"permissions": {permission: role}});
        let answer = self.server.call("PATCH", &path, Some(self.owner()), body);
        answer.await.fine();
    }

    /// Mutes someone in chat, voice and video.
    async fn mute(&self, person: &Person) {
        let path = format!("/space/{}/user/{}/mute", self.space, person.id);
        let body = json!({"what": ["chat", "voice", "video"]});
        let answer = self.server.post(&path, Some(self.owner()), body).await;
        answer.fine();
    }

    /// A message in the stored chat, by the owner.
    async fn message(&self, client: &mut BinaryClient, text: &str) -> String {
        let number = self.messages.fetch_add(1, Ordering::Relaxed);
        client.chat(number, text).await;
        said(client, text).await.id
    }
}

#[tokio::test]
async fn an_admin_made_while_connected_moderates_without_reconnecting() {
    let server = TestServer::start().await;
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let space = server.space(&ada, "20x20").await;
    let mut owner = BinaryClient::join(&server.address, &ada, &space).await;
    let mut promoted = BinaryClient::join(&server.address, &bob, &space).await;
    owner.chat(1, "spam").await;
    let spam = said(&mut promoted, "spam").await;

    let store = Store::open(server.folder()).await.unwrap();
    let bob: UserId = bob.id.parse().unwrap();
    store.make_admin(&Actor::command_line(), bob).await.unwrap();
    store.close().await;

    promoted.say(&delete(&spam.id)).await;
    assert_eq!(changed(&mut owner).await.text, None, "it is deleted");
    server.stop().await;
}

#[tokio::test]
async fn an_owner_who_lost_the_space_no_longer_moderates_it() {
    let server = TestServer::start().await;
    let [ada, bob, eve] = [
        server.user("ada").await,
        server.user("bob").await,
        server.user("eve").await,
    ];
    let space = server.space(&ada, "20x20").await;
    let mut before = BinaryClient::join(&server.address, &ada, &space).await;
    let mut after = BinaryClient::join(&server.address, &bob, &space).await;
    let mut speaker = BinaryClient::join(&server.address, &eve, &space).await;
    speaker.chat(1, "spam").await;
    let spam = said(&mut before, "spam").await;

    let file = format!("sqlite:{}", server.folder().join("plaza.db").display());
    let mut database = AnyConnection::connect(&file).await.unwrap();
    sqlx::query("update spaces set creator_id = $1 where id = $2")
        .bind(&bob.id)
        .bind(&space)
        .execute(&mut database)
        .await
        .unwrap();
    database.close().await.unwrap();

    before.say(&delete(&spam.id)).await;
    assert_eq!(notice(&mut before).await.0, "forbidden");
    after.say(&delete(&spam.id)).await;
    assert_eq!(changed(&mut speaker).await.text, None, "it is deleted");
    server.stop().await;
}
