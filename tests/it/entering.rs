//! Entering: who may enter a space, over HTTP and both kinds of sockets, and what happens to people
//! inside when that changes.

use plaza::api::routes::openapi;
use plaza::net::protocol::ClientMessage;
use reqwest::Method;
use serde_json::{Value, json};

use crate::clients::{BinaryClient, JsonClient, Stranger, hello};
use crate::cluster::Shared;
use crate::harness::{Answer, Person, TestServer, text};
use crate::members::sql;

/// Far in the future, in Unix milliseconds.
const FAR: i64 = 4_000_000_000_000;

/// Calls that people need to come in.
const BEFORE_ENTERING: [&str; 6] = [
    "accessPolicy",
    "enterSpace",
    "askToJoin",
    "takeRequestBack",
    // A space may be offered to a user who cannot enter yet; others learn nothing.
    "acceptSpace",
    "endOffer",
];

/// An id of nothing.
const NOTHING: &str = "018f0000-0000-7000-8000-000000000000";

async fn change(server: &TestServer, who: &Person, space: &str, body: Value) -> Answer {
    let path = format!("/space/{space}");
    server.call("PATCH", &path, Some(who), body).await
}

/// Code with which a binary client is refused, and word with which a JSON client is.
async fn refused(server: &TestServer, who: &Person, space: &str) -> (u16, String) {
    let mut binary = Stranger::connect(&server.address).await;
    binary
        .say(&ClientMessage::Hello(hello(&who.token, space)))
        .await;
    let code = binary.refused().await;
    let mut json_client = JsonClient::connect(&server.address).await;
    let join = json!({"spaceId": space, "token": who.token});
    json_client.say("join", join).await;
    let word = json_client.expect_error().await;
    let expected = if code == 4404 { 4404 } else { 4403 };
    assert_eq!(json_client.ended().await, Some(expected), "{word}");
    (code, word)
}

async fn kick_or_ban(server: &TestServer, kind: &str, space: &str, who: &Person) {
    let id = format!("{kind}-{}", who.id);
    let until = FAR.to_string();
    sql(
        server,
        "insert into bans (id, kind, space_id, user_id, until, reason, by_name) \
         values ($1, $2, $3, $4, cast($5 as integer), 'noise', 'ada')",
        &[&id, kind, space, &who.id, &until],
    )
    .await;
}

/// A server with an owner, a visitor and a guest.
async fn three() -> (TestServer, Person, Person, Person) {
    let server = TestServer::start().await;
    let (owner, visitor) = (server.user("olga").await, server.user("vera").await);
    let guest = server.user("gus").await;
    let statement = "update users set is_guest = 1 where id = $1";
    sql(&server, statement, &[&guest.id]).await;
    (server, owner, visitor, guest)
}

#[tokio::test]
async fn every_route_of_a_space_refuses_those_who_may_not_enter() {
    let (server, owner, visitor, guest) = three().await;
    let banned = server.user("bea").await;
    let [hidden, listed, locked, open] = [(); 4].map(|()| server.space(&owner, "9x9"));
    let (hidden, listed) = (hidden.await, listed.await);
    let (locked, open) = (locked.await, open.await);
    let members = json!({"accessPolicy": "members"});
    change(&server, &owner, &hidden, members).await.fine();
    let members = json!({"accessPolicy": "members", "listed": true});
    change(&server, &owner, &listed, members).await.fine();
    let password = json!({"password": "sesame", "accessPolicy": "password"});
    change(&server, &owner, &locked, password).await.fine();
    change(&server, &owner, &open, json!({"guests": false}))
        .await
        .fine();
    kick_or_ban(&server, "ban", &open, &banned).await;

    let document = serde_json::to_value(openapi()).unwrap();
    let mut walked = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap();
            // What people need to come in answers them; placements are found by their own id.
            let is_about_a_space = path.contains("/space/{id}") && !path.contains("/admin/");
            if !is_about_a_space || BEFORE_ENTERING.contains(&id) {
                continue;
            }
            let try_it = async |space: &str, who: Option<&Person>| {
                let path = path.replace("{id}", space);
                let path = path.replace("{line}", NOTHING).replace("{user}", NOTHING);
                let path = path.replace("{invite}", NOTHING);
                let method: Method = method.to_uppercase().parse().unwrap();
                let mut request = server.request(method.clone(), &format!("/{path}"));
                if let Some(person) = who {
                    request = request.bearer_auth(&person.token);
                }
                if method != Method::GET {
                    request = request.json(&json!({}));
                }
                server.send(request).await
            };
            let needs_token = operation["security"][0].get("token").is_some();
            let refused = |answer: Answer, code: Option<&str>| {
                answer.refused(if code.is_some() { 403 } else { 400 });
                assert_eq!(
                    answer.json().get("code"),
                    code.map(Value::from).as_ref(),
                    "{id}"
                );
            };
            if id == "spaceThumbnail" {
                // Pictures are asked for without a token.
                refused(try_it(&hidden, None).await, None);
                refused(try_it(&listed, None).await, Some("members"));
                refused(try_it(&locked, None).await, Some("password"));
                walked += 1;
                continue;
            }
            if !needs_token {
                refused(try_it(&hidden, None).await, None);
                refused(try_it(&locked, None).await, Some("password"));
            }
            refused(try_it(&hidden, Some(&visitor)).await, None);
            refused(try_it(&listed, Some(&visitor)).await, Some("members"));
            refused(try_it(&locked, Some(&visitor)).await, Some("password"));
            refused(try_it(&open, Some(&guest)).await, Some("guests"));
            refused(try_it(&open, Some(&banned)).await, Some("banned"));
            walked += 1;
        }
    }
    assert!(walked >= 15, "{walked}");
    let element = json!({"spaceId": hidden, "elementId": NOTHING, "x": 1, "y": 1});
    let answer = server.post("/space/element", Some(&visitor), element).await;
    answer.refused(400);
    server.stop().await;
}

#[tokio::test]
async fn each_refusal_has_its_code_in_both_protocols() {
    let (server, owner, visitor, guest) = three().await;
    let space = server.space(&owner, "9x9").await;
    let [kicked, banned] = [server.user("kim").await, server.user("bea").await];
    kick_or_ban(&server, "kick", &space, &kicked).await;
    kick_or_ban(&server, "ban", &space, &banned).await;
    let expect = |code: u16, word: &str| (code, word.to_owned());
    assert_eq!(
        refused(&server, &kicked, &space).await,
        expect(4415, "kicked")
    );
    assert_eq!(
        refused(&server, &banned, &space).await,
        expect(4416, "banned")
    );
    let steps = [
        (json!({"guests": false}), &guest, expect(4403, "forbidden")),
        (json!({"opensAt": FAR}), &visitor, expect(4414, "closed")),
        (
            json!({"opensAt": null, "closesAt": 1}),
            &visitor,
            expect(4414, "closed"),
        ),
        (
            json!({"closesAt": null, "accessPolicy": "password", "password": "sesame"}),
            &visitor,
            expect(4411, "password"),
        ),
        (
            json!({"accessPolicy": "members", "listed": true}),
            &visitor,
            expect(4412, "members"),
        ),
        (
            json!({"listed": false}),
            &visitor,
            expect(4404, "unknown-space"),
        ),
    ];
    for (body, who, expected) in steps {
        let what = body.to_string();
        change(&server, &owner, &space, body).await.fine();
        assert_eq!(refused(&server, who, &space).await, expected, "{what}");
        BinaryClient::join(&server.address, &owner, &space).await;
    }
    let unknown = refused(&server, &visitor, NOTHING).await;
    assert_eq!(
        unknown,
        expect(4404, "unknown-space"),
        "as a space that never was"
    );
    server.stop().await;
}

#[tokio::test]
async fn a_password_lets_in_until_it_changes() {
    let (server, owner, visitor, guest) = three().await;
    let space = server.space(&owner, "9x9").await;
    let body = json!({"accessPolicy": "password"});
    change(&server, &owner, &space, body).await.refused(400);
    let body = json!({"accessPolicy": "password", "password": "sesame"});
    change(&server, &owner, &space, body).await.fine();
    let path = format!("/space/{space}/enter");
    let give = async |who: &Person, password: &str| {
        let body = json!({"password": password});
        server.post(&path, Some(who), body).await
    };
    server
        .post(&path, None, json!({"password": "sesame"}))
        .await
        .refused(403);
    give(&visitor, "tahini").await.refused(403);
    assert_eq!(refused(&server, &visitor, &space).await.0, 4411);
    give(&visitor, "sesame").await.fine();
    give(&guest, "sesame").await.fine();
    give(&owner, "anything").await.fine();
    let mut inside = BinaryClient::join(&server.address, &visitor, &space).await;
    BinaryClient::join(&server.address, &guest, &space).await;
    server
        .get(&format!("/space/{space}/map"), Some(&visitor))
        .await
        .fine();
    let body = json!({"password": "tahini"});
    change(&server, &owner, &space, body).await.fine();
    assert_eq!(inside.ended().await, Some(4411));
    give(&visitor, "sesame").await.refused(403);
    let policy = format!("/space/{space}/access-policy");
    let view = server.get(&policy, Some(&visitor)).await.fine();
    assert_eq!(view["refusal"]["code"], "password");
    assert_eq!(view["role"], "visitor");
    let body = json!({"guests": false});
    change(&server, &owner, &space, body).await.fine();
    let answer = give(&guest, "tahini").await;
    answer.refused(403);
    assert_eq!(
        answer.json()["code"],
        "guests",
        "a password makes no account"
    );
    server.stop().await;
}

#[tokio::test]
async fn guessing_the_password_of_a_space_is_slowed_down() {
    let server = TestServer::start().await;
    let (owner, eve) = (server.user("olga").await, server.user("eve").await);
    let space = server.space(&owner, "9x9").await;
    let body = json!({"accessPolicy": "password", "password": "sesame"});
    change(&server, &owner, &space, body).await.fine();
    let path = format!("/space/{space}/enter");
    let tries = (0..100).map(|number| {
        let body = json!({"password": format!("sesame{number}")});
        server.post(&path, Some(&eve), body)
    });
    let answers = futures_util::future::join_all(tries).await;
    let is = |status: u16| move |answer: &&Answer| answer.status == status;
    let checked = answers.iter().filter(is(403)).count();
    // Those that were being checked when the first was found wrong count, too.
    assert!(checked <= 40, "{checked} were checked");
    let slowed = answers.iter().find(is(429)).unwrap();
    assert!(!slowed.header("retry-after").is_empty());
    server.stop().await;
}

#[tokio::test]
async fn a_full_space_takes_moderators_and_those_who_return() {
    let server = TestServer::start().await;
    let owner = server.user("olga").await;
    let space = server.space(&owner, "9x9").await;
    change(&server, &owner, &space, json!({"capacity": 1}))
        .await
        .fine();
    let mut people = Vec::new();
    for number in 0..6 {
        people.push(server.user(&format!("user{number}")).await);
    }
    let joins = people.iter().map(|person| async {
        let mut client = Stranger::connect(&server.address).await;
        let hello = ClientMessage::Hello(hello(&person.token, &space));
        client.say(&hello).await;
        client.welcomed().await
    });
    let answers = futures_util::future::join_all(joins).await;
    let codes: Vec<_> = answers
        .iter()
        .filter_map(|one| one.as_ref().err())
        .collect();
    assert_eq!(codes, [&Some(4413); 5], "one place, one player");
    let inside = answers.iter().position(Result::is_ok).unwrap();
    let again = BinaryClient::join(&server.address, &people[inside], &space).await;
    BinaryClient::join(&server.address, &owner, &space).await;
    drop(again);
    let (other, mut json_client) = (
        &people[(inside + 1) % 6],
        JsonClient::connect(&server.address).await,
    );
    let join = json!({"spaceId": space, "token": other.token});
    json_client.say("join", join).await;
    assert_eq!(json_client.expect_error().await, "full");
    assert_eq!(json_client.ended().await, Some(4403));
    server.stop().await;
}

#[tokio::test]
async fn people_who_may_not_stay_are_disconnected_in_every_process() {
    let shared = Shared::new();
    let (first, second) = (
        shared.server_without_sweep().await,
        shared.server_without_sweep().await,
    );
    let (olga, vera, mia) = (
        first.user("olga").await,
        first.user("vera").await,
        first.user("mia").await,
    );
    let space = first.space(&olga, "9x9").await;
    let path = format!("/space/{space}/member/{}", mia.id);
    let role = json!({"role": "member"});
    first.call("PUT", &path, Some(&olga), role).await.fine();
    let mut visitor = BinaryClient::join(&second.address, &vera, &space).await;
    let (mut json_visitor, _) =
        JsonClient::join(&first.address, &vera, &first.space(&olga, "9x9").await).await;
    let mut member = BinaryClient::join(&second.address, &mia, &space).await;
    let body = json!({"accessPolicy": "members", "listed": true});
    change(&first, &olga, &space, body).await.fine();
    assert_eq!(visitor.ended().await, Some(4412));
    member.ping(1).await;
    json_visitor.chat("I am elsewhere").await;
    json_visitor.expect("new-message").await;
    first
        .call("DELETE", &path, Some(&olga), Value::Null)
        .await
        .fine();
    assert_eq!(member.ended().await, Some(4412));
    json_visitor.close().await;
    second.stop().await;
    first.stop().await;
}

#[tokio::test]
async fn a_change_that_no_one_told_of_is_found_by_the_sweep() {
    let server = TestServer::start().await;
    let (olga, vera) = (server.user("olga").await, server.user("vera").await);
    let space = server.space(&olga, "9x9").await;
    let mut visitor = BinaryClient::join(&server.address, &vera, &space).await;
    sql(
        &server,
        "update spaces set access_policy = 'members', membership_version = membership_version + 1 \
         where id = $1",
        &[&space],
    )
    .await;
    assert_eq!(visitor.ended().await, Some(4404));
    server.stop().await;
}

#[tokio::test]
async fn an_event_ends_at_its_time_without_any_change() {
    let server = TestServer::start_with(|settings| {
        settings.sweep = std::time::Duration::from_millis(50);
    })
    .await;
    let (olga, vera) = (server.user("olga").await, server.user("vera").await);
    let space = server.space(&olga, "9x9").await;
    let soon = plaza::store::now_ms() + 700;
    change(&server, &olga, &space, json!({"closesAt": soon}))
        .await
        .fine();
    let mut owner = BinaryClient::join(&server.address, &olga, &space).await;
    let mut visitor = Stranger::connect(&server.address).await;
    visitor
        .say(&ClientMessage::Hello(hello(&vera.token, &space)))
        .await;
    assert_eq!(
        visitor.ended().await,
        Some(4414),
        "inside, or late on a slow machine"
    );
    owner.ping(1).await;
    server.stop().await;
}

#[tokio::test]
async fn names_are_for_moderators_and_access_is_for_the_owner() {
    let server = TestServer::start().await;
    let (olga, mona, vera) = (
        server.user("olga").await,
        server.user("mona").await,
        server.user("vera").await,
    );
    let space = server.space(&olga, "9x9").await;
    let path = format!("/space/{space}/member/{}", mona.id);
    let role = json!({"role": "moderator"});
    server.call("PUT", &path, Some(&olga), role).await.fine();
    let named = json!({"name": "Garden", "description": "For all\nof us"});
    change(&server, &vera, &space, named.clone())
        .await
        .refused(403);
    let view = change(&server, &mona, &space, named).await.fine();
    assert_eq!(
        (&view["name"], &view["role"]),
        (&json!("Garden"), &json!("moderator"))
    );
    let newcomer = BinaryClient::join(&server.address, &vera, &space).await;
    assert_eq!(newcomer.welcome.space_name, "Garden");
    for body in [
        json!({"listed": true}),
        json!({"accessPolicy": "open"}),
        json!({"guests": true}),
        json!({"capacity": 5}),
        json!({"capacity": null}),
        json!({"opensAt": 5}),
        json!({"permissions": {"say": "member"}}),
        json!({"password": "sesame"}),
    ] {
        change(&server, &mona, &space, body).await.refused(403);
    }
    for body in [
        json!({"name": ""}),
        json!({"description": "d".repeat(501)}),
        json!({"description": "a\u{0}b"}),
        json!({"accessPolicy": "secret"}),
        json!({"capacity": 0}),
        json!({"capacity": 100_001}),
        json!({"capacity": -1}),
        json!({"opensAt": -5}),
        json!({"opensAt": 10, "closesAt": 10}),
        json!({"password": ""}),
        json!({"permissions": {"say": "moderator"}}),
        json!({"permissions": {"build": "guest"}}),
        json!({"permissions": {"copy": "member"}}),
        json!({"permissions": {"invite": "queen"}}),
    ] {
        let what = body.to_string();
        let answer = change(&server, &olga, &space, body).await;
        assert_eq!(answer.status.as_u16(), 400, "{what}");
    }
    let all = json!({
        "listed": true, "guests": false, "capacity": 5, "opensAt": 5, "closesAt": FAR,
        "permissions": {"say": "member", "invite": "member"},
    });
    let view = change(&server, &olga, &space, all).await.fine();
    assert_eq!(
        (&view["capacity"], &view["opensAt"]),
        (&json!(5), &json!(5))
    );
    let view = change(
        &server,
        &olga,
        &space,
        json!({"permissions": {"say": "guest"}}),
    )
    .await;
    assert_eq!(
        view.fine()["permissions"]["invite"],
        "member",
        "absent ones stay"
    );
    let lobby = server.get("/spaces", Some(&vera)).await.fine();
    let entry = &lobby["public"][0];
    assert_eq!(
        (&entry["name"], &entry["guests"]),
        (&json!("Garden"), &json!(false))
    );
    server.stop().await;
}

#[tokio::test]
async fn thumbnails_of_closed_spaces_have_signed_addresses() {
    let (server, owner, visitor, _) = three().await;
    let space = server.space(&owner, "9x9").await;
    let members = json!({"accessPolicy": "members", "listed": true});
    change(&server, &owner, &space, members).await.fine();
    let mine = server.get("/space/all", Some(&owner)).await.fine();
    let address = text(&mine["spaces"][0]["thumbnail"]);
    let picture = server.get(&format!("/{address}"), None).await;
    assert_eq!(picture.status.as_u16(), 200, "{address}");
    let (path, _) = address.split_once('?').unwrap();
    let last = address.chars().last().unwrap();
    let other = if last == '0' { "1" } else { "0" };
    for forged in [
        path.to_owned(),
        format!("{}{other}", &address[..address.len() - 1]),
        address.replace("day=", "day=1"),
        address.replace("signature=", "signature=00"),
        format!("{path}?day=1&signature=zz"),
    ] {
        server.get(&format!("/{forged}"), None).await.refused(403);
    }
    let lobby = server.get("/spaces", Some(&visitor)).await.fine();
    assert_eq!(
        lobby["public"][0]["thumbnail"], "",
        "nothing of it from outside"
    );
    assert_eq!(lobby["public"][0]["accessPolicy"], "members");
    server.stop().await;
}
