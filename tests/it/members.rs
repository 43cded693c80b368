//! Roles in a space: giving and taking them, and what the owner hands out. What each role may do is
//! in `permissions`.

use plaza::components::permissions::SpaceRole;
use plaza::net::protocol::chat::ChatS2c;
use plaza::net::protocol::{ServerMessage, session::SessionS2c};
use serde_json::{Value, json};
use sqlx::{AnyConnection, Connection};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::chat::{changed, delete, notice, said, until};
use crate::clients::{BinaryClient, JsonClient};
use crate::cluster::Shared;
use crate::harness::{Answer, Person, TestServer, text};
use crate::permissions::Staff;

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

pub async fn give(
    server: &TestServer,
    by: &Person,
    space: &str,
    to: &Person,
    role: &str,
) -> Answer {
    let path = format!("/space/{space}/member/{}", to.id);
    server
        .call("PUT", &path, Some(by), json!({"role": role}))
        .await
}

async fn take(server: &TestServer, by: &Person, space: &str, from: &Person) -> Answer {
    let path = format!("/space/{space}/member/{}", from.id);
    server.call("DELETE", &path, Some(by), Value::Null).await
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

/// A request whose head has arrived, and whose body the server waits for.
struct LateBody(TcpStream);

impl LateBody {
    async fn begin(server: &TestServer, path: &str, by: &Person, length: usize) -> Self {
        let mut connection = TcpStream::connect(server.address.trim_start_matches("http://"))
            .await
            .unwrap();
        let head = format!(
            "POST /api/v1{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
             Authorization: Bearer {}\r\nContent-Length: {length}\r\nExpect: 100-continue\r\n\r\n",
            by.token
        );
        connection.write_all(head.as_bytes()).await.unwrap();
        // The server says this when it begins to read the body, after its first checks.
        let mut said = [0; 25];
        connection.read_exact(&mut said).await.unwrap();
        assert_eq!(&said, b"HTTP/1.1 100 Continue\r\n\r\n");
        Self(connection)
    }

    /// Sends the body. Returns the status of the answer.
    async fn send(mut self, body: &str) -> u16 {
        self.0.write_all(body.as_bytes()).await.unwrap();
        let mut answer = String::new();
        self.0.read_to_string(&mut answer).await.unwrap();
        answer.split(' ').nth(1).unwrap().parse().unwrap()
    }
}

#[tokio::test]
async fn what_is_lost_while_a_body_arrives_counts_no_more() {
    let server = TestServer::start().await;
    let (owner, moderator) = (server.user("olga").await, server.user("mia").await);
    let space = server.space(&owner, "9x9").await;
    give(&server, &owner, &space, &moderator, "moderator")
        .await
        .fine();
    let (lockdown, body) = (format!("/space/{space}/lockdown"), r#"{"minutes": 15}"#);
    let begin = || LateBody::begin(&server, &lockdown, &moderator, body.len());
    assert_eq!(begin().await.send(body).await, 200);
    let late = begin().await;
    take(&server, &owner, &space, &moderator).await.fine();
    assert_eq!(late.send(body).await, 403);

    // A session that ended.
    give(&server, &owner, &space, &moderator, "moderator")
        .await
        .fine();
    let late = begin().await;
    let plans = r#"{"dimensions": "9x9", "name": "Late"}"#;
    let making = LateBody::begin(&server, "/space", &moderator, plans.len()).await;
    server
        .post("/signout/everywhere", Some(&moderator), Value::Null)
        .await
        .fine();
    assert_eq!(late.send(body).await, 401);
    assert_eq!(making.send(plans).await, 401);
    server.stop().await;
}
