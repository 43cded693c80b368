//! Roles in a space: who may do what, over HTTP and over both kinds of sockets, and giving roles.

use std::sync::atomic::{AtomicU32, Ordering};

use plaza::components::permissions::SpaceRole;
use plaza::net::protocol::ClientMessage;
use plaza::net::protocol::chat::{ChatC2s, ChatS2c, ChatSendC2s};
use plaza::net::protocol::{ServerMessage, session::SessionS2c};
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::{AnyConnection, Connection};

use crate::chat::{changed, delete, notice, said, until};
use crate::clients::{BinaryClient, JsonClient};
use crate::cluster::Shared;
use crate::harness::{Answer, Person, TestServer, text};

/// A space with one user of each role, from the lowest up, and an element.
struct Staff {
    server: TestServer,
    admin: Person,
    space: String,
    element: String,
    people: Vec<(SpaceRole, Person)>,
    /// Messages that were sent so far.
    messages: AtomicU32,
}

/// Runs SQL on the database of a server.
pub async fn sql(server: &TestServer, statement: &'static str, values: &[&str]) {
    let file = format!("sqlite:{}", server.folder().join("plaza.db").display());
    let mut database = AnyConnection::connect(&file).await.unwrap();
    let mut query = sqlx::query(statement);
    for value in values {
        query = query.bind((*value).to_owned());
    }
    query.execute(&mut database).await.unwrap();
    database.close().await.unwrap();
}

impl Staff {
    async fn hired() -> Self {
        let server = TestServer::start().await;
        let admin = server.admin().await;
        let element = server.element(&admin, 1, 1).await;
        let owner = server.user("olga").await;
        let body = json!({"name": "Test", "dimensions": "20x20", "chat": "kept"});
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

    fn owner(&self) -> &Person {
        &self.people[SpaceRole::Owner as usize].1
    }

    /// A message in the stored chat, by the owner.
    async fn message(&self, client: &mut BinaryClient, text: &str) -> String {
        let number = self.messages.fetch_add(1, Ordering::Relaxed);
        client.chat(number, text).await;
        said(client, text).await.id
    }

    /// Tries over HTTP what the permission allows; `None` for what is for sockets alone.
    async fn try_over_http(&self, permission: &str, who: &Person, stored: &str) -> Option<bool> {
        let (server, space) = (&self.server, &self.space);
        let chat = format!("/space/{space}/chat");
        let answer = match permission {
            "UseAccount" => {
                let body = json!({"name": "Mine", "dimensions": "5x5"});
                server.post("/space", Some(who), body).await
            }
            "Build" => {
                let body = json!({"spaceId": space, "elementId": self.element, "x": 1, "y": 1});
                server.post("/space/element", Some(who), body).await
            }
            "DeleteMessages" => {
                let path = format!("{chat}/{stored}");
                server.call("DELETE", &path, Some(who), Value::Null).await
            }
            "ManageChat" => {
                let body = json!({"slowModeSeconds": 0});
                server.call("PATCH", &chat, Some(who), body).await
            }
            "KeepChat" => {
                // Each asks for another number of days, so that each is a change.
                let days = 10 + self.people.iter().position(|(_, one)| one.id == who.id)?;
                let body = json!({"retentionDays": days});
                server.call("PATCH", &chat, Some(who), body).await
            }
            "Invite" => {
                let path = format!("/space/{space}/invite");
                server.post(&path, Some(who), json!({})).await
            }
            "AnswerJoinRequests" => {
                let path = format!("/space/{space}/join-request");
                server.get(&path, Some(who)).await
            }
            "Moderate" => {
                server
                    .get(&format!("/space/{space}/sanction"), Some(who))
                    .await
            }
            "DescribeSpace" => {
                let body = json!({"description": "Ours"});
                let path = format!("/space/{space}");
                server.call("PATCH", &path, Some(who), body).await
            }
            "ManageAccess" => {
                let body = json!({"capacity": 50});
                let path = format!("/space/{space}");
                server.call("PATCH", &path, Some(who), body).await
            }
            "AssignRoles" => {
                server
                    .get(&format!("/space/{space}/member"), Some(who))
                    .await
            }
            "ExportChat" => server.get(&format!("{chat}/export"), Some(who)).await,
            _ => return None,
        };
        Some(is_allowed(&answer))
    }
}

/// Whether it was done. What is refused is refused as such.
#[track_caller]
fn is_allowed(answer: &Answer) -> bool {
    let status = answer.status.as_u16();
    assert!([200, 400, 403].contains(&status), "{answer:?}");
    status == 200
}

async fn give(server: &TestServer, by: &Person, space: &str, to: &Person, role: &str) -> Answer {
    let path = format!("/space/{space}/member/{}", to.id);
    server
        .call("PUT", &path, Some(by), json!({"role": role}))
        .await
}

async fn take(server: &TestServer, by: &Person, space: &str, from: &Person) -> Answer {
    let path = format!("/space/{space}/member/{}", from.id);
    server.call("DELETE", &path, Some(by), Value::Null).await
}

#[derive(Deserialize)]
struct GoldenRow {
    permission: String,
    roles: String,
}

/// Permissions with the roles that have them, in their order.
fn golden() -> Vec<(String, Vec<bool>)> {
    let table: Vec<GoldenRow> =
        serde_json::from_str(include_str!("../golden/permissions.json")).unwrap();
    let rows = table.into_iter().map(|row| {
        let cells = row.roles.split_whitespace().map(|cell| cell == "yes");
        (row.permission, cells.collect())
    });
    rows.collect()
}

#[tokio::test]
async fn each_role_may_do_over_http_what_the_table_says() {
    let staff = Staff::hired().await;
    let mut owner = BinaryClient::join(&staff.server.address, staff.owner(), &staff.space).await;
    let mut tried = 0;
    for (permission, cells) in golden() {
        for ((role, person), expected) in staff.people.iter().zip(&cells) {
            let stored = if permission == "DeleteMessages" {
                let name = format!("for the {}", role.word());
                let id = staff.message(&mut owner, &name).await;
                is_stored(&staff, &id).await;
                id
            } else {
                String::new()
            };
            let allowed = staff.try_over_http(&permission, person, &stored).await;
            if let Some(allowed) = allowed {
                assert_eq!(allowed, *expected, "{permission} for the {}", role.word());
                tried += 1;
            }
        }
    }
    assert!(tried >= 12 * SpaceRole::ALL.len(), "{tried}");
    staff.server.stop().await;
}

/// Waits until a message is in the database, about a second after it was sent.
async fn is_stored(staff: &Staff, id: &str) {
    let path = format!("/space/{}/chat", staff.space);
    loop {
        let page = staff.server.get(&path, Some(staff.owner())).await.fine();
        let mut lines = page["lines"].as_array().unwrap().iter();
        if lines.any(|line| line["id"] == id) {
            return;
        }
        tokio::task::yield_now().await;
    }
}

fn announce(client_id: u32, text: &str) -> ClientMessage {
    ClientMessage::Chat(ChatC2s::Send(ChatSendC2s {
        client_id,
        text: text.into(),
        scope: 2,
        reply_to: None,
    }))
}

/// Whether the message of that number was shown, or refused.
async fn is_shown(client: &mut BinaryClient, number: u32, words: &str) -> bool {
    until(client, |message| match message {
        ServerMessage::Chat(ChatS2c::Message(chat)) if chat.text == words => Some(true),
        ServerMessage::Chat(ChatS2c::Refused(refused)) if refused.client_id == number => {
            Some(false)
        }
        _ => None,
    })
    .await
}

#[tokio::test]
async fn each_role_may_do_over_the_binary_protocol_what_the_table_says() {
    let staff = Staff::hired().await;
    let mut owner = BinaryClient::join(&staff.server.address, staff.owner(), &staff.space).await;
    let table = golden();
    let expected = |permission: &str, role: SpaceRole| {
        let row = table.iter().find(|(name, _)| name == permission);
        row.unwrap().1[role as usize]
    };
    for (role, person) in &staff.people {
        let what = role.word();
        if *role == SpaceRole::Owner {
            continue;
        }
        let spam = staff.message(&mut owner, &format!("spam for {what}")).await;
        let mut client = BinaryClient::join(&staff.server.address, person, &staff.space).await;
        let hello = format!("hello of {what}");
        client.chat(7, &hello).await;
        let shown = is_shown(&mut client, 7, &hello).await;
        assert_eq!(
            shown,
            expected("WriteToSpace", *role),
            "a message of {what}"
        );
        let news = format!("news of {what}");
        client.say(&announce(8, &news)).await;
        let shown = is_shown(&mut client, 8, &news).await;
        assert_eq!(
            shown,
            expected("Announce", *role),
            "an announcement of {what}"
        );
        client.say(&delete(&spam)).await;
        let deleted = until(&mut client, |message| match message {
            ServerMessage::Chat(ChatS2c::Changed(change)) => Some(change.text.is_none()),
            ServerMessage::Session(SessionS2c::Notice(notice)) if notice.code == "forbidden" => {
                Some(false)
            }
            _ => None,
        })
        .await;
        assert_eq!(
            deleted,
            expected("DeleteMessages", *role),
            "a deletion of {what}"
        );
    }
    staff.server.stop().await;
}

#[tokio::test]
async fn what_the_owner_hands_out_counts_in_both_protocols() {
    let staff = Staff::hired().await;
    let statement = "update spaces set permission_roles = '{\"say\": \"member\"}' where id = $1";
    sql(&staff.server, statement, &[&staff.space]).await;
    for (role, person) in &staff.people {
        let is_allowed = *role >= SpaceRole::Member;
        let words = format!("hello of {}", role.word());
        let mut client = BinaryClient::join(&staff.server.address, person, &staff.space).await;
        client.chat(3, &words).await;
        assert_eq!(
            is_shown(&mut client, 3, &words).await,
            is_allowed,
            "{words}"
        );
        let (mut client, _) = JsonClient::join(&staff.server.address, person, &staff.space).await;
        client.chat(&words).await;
        loop {
            let message = client.next().await;
            match message["type"].as_str().unwrap() {
                "new-message" => assert!(is_allowed, "{words}"),
                "error" => {
                    assert!(!is_allowed, "{words}");
                    assert_eq!(message["payload"]["code"], "forbidden");
                }
                _ => continue,
            }
            break;
        }
        client.close().await;
    }
    staff.server.stop().await;
}

#[tokio::test]
async fn roles_are_given_below_ones_own_and_to_lower_ones() {
    let staff = Staff::hired().await;
    let (server, space) = (&staff.server, &staff.space);
    let fred = server.user("fred").await;
    for (role, person) in &staff.people {
        for given in SpaceRole::ALL.into_iter().filter(|role| role.is_assigned()) {
            let answer = give(server, person, space, &fred, given.word()).await;
            let may = *role >= SpaceRole::Moderator && *role > given;
            assert_eq!(
                answer.status == 200,
                may,
                "{role:?} gives {given:?}: {answer:?}"
            );
            if may {
                let path = format!("/space/{space}/member/{}", fred.id);
                let seen = server.get(&path, Some(person)).await.fine();
                assert_eq!(seen["role"], given.word());
                take(server, staff.owner(), space, &fred).await.fine();
            } else {
                answer.refused(403);
            }
        }
        // No one acts on people of their own or a higher role.
        for (other, them) in &staff.people {
            if *other == SpaceRole::Guest || person.id == them.id {
                continue;
            }
            let answer = give(server, person, space, them, "member").await;
            let may = *role >= SpaceRole::Moderator && role > other;
            assert_eq!(
                answer.status == 200,
                may,
                "{role:?} on {other:?}: {answer:?}"
            );
            if may && other.is_assigned() {
                give(server, staff.owner(), space, them, other.word())
                    .await
                    .fine();
            } else if may {
                take(server, staff.owner(), space, them).await.fine();
            }
        }
    }
    staff.server.stop().await;
}

#[tokio::test]
async fn nonsense_about_roles_is_refused() {
    let staff = Staff::hired().await;
    let (server, space, owner) = (&staff.server, &staff.space, staff.owner());
    let fred = server.user("fred").await;
    for role in ["owner", "visitor", "guest", "Member", "", "queen"] {
        give(server, owner, space, &fred, role).await.refused(400);
    }
    give(server, owner, space, &staff.people[0].1, "member")
        .await
        .refused(400);
    give(server, owner, space, owner, "member")
        .await
        .refused(403);
    give(server, owner, space, &staff.admin, "member")
        .await
        .refused(403);
    let unknown = Person {
        id: "018f0000-0000-7000-8000-000000000000".into(),
        token: String::new(),
    };
    give(server, owner, space, &unknown, "member")
        .await
        .refused(400);
    give(server, owner, &unknown.id, &fred, "member")
        .await
        .refused(400);
    let list = format!("/space/{space}/member");
    for body in [json!({}), json!({"username": "no one", "role": "member"})] {
        server.post(&list, Some(owner), body).await.refused(400);
    }
    let answer = server.get(&format!("{list}?after=x"), Some(owner)).await;
    answer.refused(400);
    let added = json!({"username": " FRED ", "role": "builder"});
    let answer = server.post(&list, Some(owner), added).await.fine();
    assert_eq!(answer["userId"], fred.id.as_str());
    let members = server.get(&list, Some(owner)).await.fine();
    assert_eq!(members["owner"]["username"], "olga");
    let names = members["members"].as_array().unwrap().iter();
    let names: Vec<String> = names.map(|one| text(&one["username"])).collect();
    assert_eq!(
        names,
        ["the-member", "the-builder", "the-moderator", "fred"]
    );
    // Members leave by themselves, and see their own role.
    take(server, &fred, space, &fred).await.fine();
    let own = server
        .get(&format!("{list}/{}", fred.id), Some(&fred))
        .await
        .fine();
    assert_eq!(
        (&own["role"], &own["isMember"]),
        (&json!("visitor"), &json!(false))
    );
    let path = format!("{list}/{}", owner.id);
    server.get(&path, Some(&fred)).await.refused(403);
    staff.server.stop().await;
}

#[tokio::test]
async fn a_role_counts_within_a_second_in_every_process() {
    let shared = Shared::new();
    let (first, second) = (
        shared.server_without_sweep().await,
        shared.server_without_sweep().await,
    );
    let (ada, bob) = (first.user("ada").await, first.user("bob").await);
    let space = first.space(&ada, "40x40").await;
    let mut owner = BinaryClient::join(&first.address, &ada, &space).await;
    let mut bob_there = BinaryClient::join(&second.address, &bob, &space).await;
    owner.chat(1, "spam").await;
    let spam = said(&mut bob_there, "spam").await;
    bob_there.say(&delete(&spam.id)).await;
    assert_eq!(notice(&mut bob_there).await.0, "forbidden");
    give(&first, &ada, &space, &bob, "moderator").await.fine();
    bob_there.say(&delete(&spam.id)).await;
    // The process may know the earlier role for a second.
    loop {
        let deleted = until(&mut bob_there, |message| match message {
            ServerMessage::Chat(ChatS2c::Changed(_)) => Some(true),
            ServerMessage::Session(SessionS2c::Notice(_)) => Some(false),
            _ => None,
        })
        .await;
        if deleted {
            break;
        }
        bob_there.say(&delete(&spam.id)).await;
    }
    assert_eq!(changed(&mut owner).await.text, None);
    second.stop().await;
    first.stop().await;
}
