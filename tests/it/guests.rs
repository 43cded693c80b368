//! Guests and invites: entering without an account, and links that let people in.

use plaza::settings::SignUpPolicy;
use serde_json::{Value, json};

use crate::clients::BinaryClient;
use crate::harness::{Answer, Person, TestServer, text};

async fn make_invite(server: &TestServer, who: &Person, space: &str, body: Value) -> Answer {
    let path = format!("/space/{space}/invite");
    server.post(&path, Some(who), body).await
}

async fn invite(server: &TestServer, who: &Person, space: &str, body: Value) -> String {
    let made = make_invite(server, who, space, body).await.fine();
    assert_eq!(made["url"], format!("/i/{}", text(&made["token"])));
    text(&made["token"])
}

async fn accept(server: &TestServer, who: &Person, token: &str) -> Answer {
    server
        .post(&format!("/invite/{token}"), Some(who), Value::Null)
        .await
}

async fn guest(server: &TestServer, body: Value) -> Person {
    let made = server.post("/guest", None, body).await.fine();
    Person {
        id: text(&made["userId"]),
        token: text(&made["token"]),
    }
}

async fn change(server: &TestServer, who: &Person, space: &str, body: Value) {
    let path = format!("/space/{space}");
    server.call("PATCH", &path, Some(who), body).await.fine();
}

#[tokio::test]
async fn a_guest_enters_by_an_invite_link_and_is_marked_as_one() {
    let server = TestServer::start().await;
    let owner = server.user("olga").await;
    let space = server.space(&owner, "9x9").await;
    change(&server, &owner, &space, json!({"accessPolicy": "members"})).await;
    let token = invite(&server, &owner, &space, json!({})).await;
    let shown = server.get(&format!("/invite/{token}"), None).await.fine();
    assert_eq!(shown["space"]["id"], space.as_str());
    assert_eq!(shown["space"]["by"], "olga");
    assert_eq!(shown["space"]["role"], "visitor");
    let refused = json!({"name": "Ada", "spaceId": space});
    server.post("/guest", None, refused).await.refused(400);
    let ada = guest(&server, json!({"name": " Ada ", "invite": token})).await;
    let me = server.get("/me", Some(&ada)).await.fine();
    assert_eq!(
        (&me["username"], &me["isGuest"]),
        (&json!("Ada (guest)"), &json!(true))
    );
    let mut owner_inside = BinaryClient::join(&server.address, &owner, &space).await;
    let mut inside = BinaryClient::join(&server.address, &ada, &space).await;
    inside.chat(1, "hello").await;
    let said = crate::chat::said(&mut owner_inside, "hello").await;
    assert_eq!(said.name, "Ada (guest)");

    // What guests may not do.
    for (path, body) in [
        ("/space", json!({"name": "Mine", "dimensions": "5x5"})),
        (&*format!("/space/{space}/invite"), json!({})),
        (
            &*format!("/direct/{}", owner.id),
            json!({"text": "hi", "clientId": 1}),
        ),
        (
            "/user/password",
            json!({"current": "-", "new": "correct horse"}),
        ),
    ] {
        server.post(path, Some(&ada), body).await.refused(403);
    }
    let sign_in = json!({"username": "Ada (guest)", "password": "-"});
    server.post("/signin", None, sign_in).await.refused(403);
    // They answer direct messages.
    let hello = json!({"text": "hi", "clientId": 1});
    let path = format!("/direct/{}", ada.id);
    server.post(&path, Some(&owner), hello.clone()).await.fine();
    let path = format!("/direct/{}", owner.id);
    server.post(&path, Some(&ada), hello).await.fine();
    let list = server.get("/direct", Some(&owner)).await.fine();
    assert_eq!(list["conversations"][0]["username"], "Ada (guest)");

    // An account under the same id.
    let same = json!({"username": "olga", "password": "correct horse"});
    server
        .post("/guest/keep", Some(&ada), same)
        .await
        .refused(400);
    let own = json!({"username": "ada", "password": "correct horse"});
    server
        .post("/guest/keep", Some(&ada), own.clone())
        .await
        .fine();
    server
        .post("/guest/keep", Some(&ada), own.clone())
        .await
        .refused(403);
    let again = server.post("/signin", None, own).await.fine();
    let again = Person {
        id: ada.id.clone(),
        token: text(&again["token"]),
    };
    let me = server.get("/me", Some(&again)).await.fine();
    assert_eq!(
        (&me["userId"], &me["username"]),
        (&json!(ada.id), &json!("ada"))
    );
    inside.ping(2).await;
    server
        .get(&format!("/space/{space}/map"), Some(&again))
        .await
        .fine();
    server.stop().await;
}

#[tokio::test]
async fn an_open_space_takes_guests_until_its_owner_says_otherwise() {
    let server = TestServer::start().await;
    let owner = server.user("olga").await;
    let space = server.space(&owner, "9x9").await;
    let ada = guest(&server, json!({"name": "Ada", "spaceId": space})).await;
    let mut inside = BinaryClient::join(&server.address, &ada, &space).await;
    change(&server, &owner, &space, json!({"guests": false})).await;
    assert_eq!(inside.ended().await, Some(4403));
    let answer = server
        .post("/guest", None, json!({"name": "Ada", "spaceId": space}))
        .await;
    answer.refused(403);
    assert_eq!(answer.json()["code"], "guests");
    let nothing = "018f0000-0000-7000-8000-000000000000";
    for body in [
        json!({"name": "Ada"}),
        json!({"name": "Ada", "spaceId": nothing}),
        json!({"name": "Ada", "spaceId": "x"}),
        json!({"name": "Ada", "invite": "x"}),
        json!({"name": "", "spaceId": space}),
        json!({"name": "Ada (guest)", "spaceId": space}),
        json!({"spaceId": space}),
    ] {
        let what = body.to_string();
        let answer = server.post("/guest", None, body).await;
        assert_eq!(answer.status.as_u16(), 400, "{what}: {answer:?}");
    }
    change(&server, &owner, &space, json!({"guests": true})).await;
    let body = json!({"name": "Ada", "spaceId": space, "avatarId": nothing});
    server.post("/guest", None, body).await.refused(400);
    server.stop().await;
}

#[tokio::test]
async fn guests_are_limited_and_can_be_switched_off() {
    let server = TestServer::start_with(|settings| {
        settings.guests.per_hour = 2;
        settings.guests.most = 3;
        settings.signup = SignUpPolicy::Open;
    })
    .await;
    let owner = server.user("olga").await;
    let space = server.space(&owner, "9x9").await;
    let body = json!({"name": "Ada", "spaceId": space});
    for _ in 0..2 {
        guest(&server, body.clone()).await;
    }
    let answer = server.post("/guest", None, body.clone()).await;
    answer.refused(429);
    assert!(!answer.header("retry-after").is_empty());
    let folder = server.stop().await;
    let server = TestServer::start_in(folder, |settings| settings.guests.most = 3).await;
    guest(&server, body.clone()).await;
    server.post("/guest", None, body.clone()).await.refused(503);
    let folder = server.stop().await;
    let server = TestServer::start_in(folder, |settings| settings.guests.allowed = false).await;
    server.post("/guest", None, body).await.refused(403);
    server.stop().await;
}

#[tokio::test]
async fn an_invite_gives_its_role_once_and_never_a_lower_one() {
    let server = TestServer::start().await;
    let (owner, bob) = (server.user("olga").await, server.user("bob").await);
    let space = server.space(&owner, "9x9").await;
    let builder = invite(
        &server,
        &owner,
        &space,
        json!({"role": "builder", "label": "Crew"}),
    )
    .await;
    let member = invite(&server, &owner, &space, json!({"role": "member"})).await;
    for token in [&builder, &member, &builder] {
        let answer = accept(&server, &bob, token).await.fine();
        assert_eq!(answer["spaceId"], space.as_str());
    }
    let path = format!("/space/{space}/member/{}", bob.id);
    let seen = server.get(&path, Some(&bob)).await.fine();
    assert_eq!(
        (&seen["role"], &seen["isMember"]),
        (&json!("builder"), &json!(true))
    );
    accept(&server, &owner, &member).await.fine();
    let path = format!("/space/{space}/member/{}", owner.id);
    assert_eq!(
        server.get(&path, Some(&owner)).await.fine()["role"],
        "owner"
    );
    let list = format!("/space/{space}/invite");
    server.get(&list, Some(&bob)).await.refused(403);
    let invites = server.get(&list, Some(&owner)).await.fine();
    let uses = invites["invites"].as_array().unwrap().iter();
    let uses: Vec<_> = uses
        .map(|one| (one["role"].clone(), one["uses"].clone()))
        .collect();
    assert_eq!(
        uses,
        [(json!("member"), json!(2)), (json!("builder"), json!(1))]
    );
    assert_eq!(invites["invites"][1]["label"], "Crew");
    let log = server
        .get("/admin/audit-log", Some(&server.admin().await))
        .await
        .fine();
    assert_eq!(log["entries"][0]["action"], "accept-invite");
    server.stop().await;
}

#[tokio::test]
async fn of_fifty_at_the_last_use_of_an_invite_one_comes_in() {
    let server = TestServer::start().await;
    let owner = server.user("olga").await;
    let space = server.space(&owner, "9x9").await;
    change(&server, &owner, &space, json!({"accessPolicy": "members"})).await;
    let token = invite(&server, &owner, &space, json!({"maxUses": 1})).await;
    let mut people = Vec::new();
    for number in 0..50 {
        people.push(server.user(&format!("user{number}")).await);
    }
    let all = people.iter().map(|person| accept(&server, person, &token));
    let answers = futures_util::future::join_all(all).await;
    let mut winners = people
        .iter()
        .zip(&answers)
        .filter(|(_, answer)| answer.status == 200);
    let (winner, _) = winners.next().unwrap();
    assert!(winners.next().is_none(), "one of them");
    for (_, answer) in people
        .iter()
        .zip(&answers)
        .filter(|(_, one)| one.status != 200)
    {
        answer.refused(403);
    }
    BinaryClient::join(&server.address, winner, &space).await;
    accept(&server, winner, &token).await.fine();
    let late = json!({"name": "Ada", "invite": token});
    server.post("/guest", None, late).await.refused(403);
    server.stop().await;
}

#[tokio::test]
async fn a_revoked_invite_can_take_its_people_along() {
    let server = TestServer::start().await;
    let (owner, bob, eve) = (
        server.user("olga").await,
        server.user("bob").await,
        server.user("eve").await,
    );
    let space = server.space(&owner, "9x9").await;
    change(
        &server,
        &owner,
        &space,
        json!({"accessPolicy": "members", "listed": true}),
    )
    .await;
    let (visitors, members) = (
        invite(&server, &owner, &space, json!({})).await,
        invite(&server, &owner, &space, json!({"role": "member"})).await,
    );
    accept(&server, &bob, &visitors).await.fine();
    accept(&server, &eve, &members).await.fine();
    let mut bob_inside = BinaryClient::join(&server.address, &bob, &space).await;
    let mut eve_inside = BinaryClient::join(&server.address, &eve, &space).await;
    let list = format!("/space/{space}/invite");
    let invites = server.get(&list, Some(&owner)).await.fine();
    let id = |index: usize| text(&invites["invites"][index]["id"]);
    let revoke = async |who: &Person, id: String, people: bool| {
        let path = format!("{list}/{id}?people={people}");
        server.call("DELETE", &path, Some(who), Value::Null).await
    };
    revoke(&bob, id(0), false).await.refused(403);
    revoke(&owner, id(0), false).await.fine();
    revoke(&owner, id(0), false).await.refused(400);
    eve_inside.ping(1).await;
    accept(&server, &bob, &members).await.refused(403);
    revoke(&owner, id(1), true).await.fine();
    assert_eq!(bob_inside.ended().await, Some(4412));
    eve_inside.ping(2).await;
    server
        .get(&format!("/invite/{visitors}"), None)
        .await
        .refused(403);
    server.stop().await;
}

#[tokio::test]
async fn nonsense_about_invites_is_refused() {
    let server = TestServer::start().await;
    let (owner, mona) = (server.user("olga").await, server.user("mona").await);
    let space = server.space(&owner, "9x9").await;
    let now = plaza::store::now_ms();
    for body in [
        json!({"role": "moderator"}),
        json!({"role": "owner"}),
        json!({"role": "guest"}),
        json!({"role": "queen"}),
        json!({"expiresAt": now - 1}),
        json!({"expiresAt": i64::MAX}),
        json!({"maxUses": 0}),
        json!({"maxUses": -1}),
        json!({"label": "l".repeat(101)}),
        json!({"label": "a\nb"}),
    ] {
        let what = body.to_string();
        let answer = make_invite(&server, &owner, &space, body).await;
        assert_eq!(answer.status.as_u16(), 400, "{what}");
    }
    // Members who may invite give no role of their own or above.
    let path = format!("/space/{space}/member/{}", mona.id);
    let role = json!({"role": "member"});
    server.call("PUT", &path, Some(&owner), role).await.fine();
    let body = json!({"permissions": {"invite": "member"}});
    change(&server, &owner, &space, body).await;
    make_invite(&server, &mona, &space, json!({"role": "member"}))
        .await
        .refused(403);
    invite(&server, &mona, &space, json!({})).await;
    for _ in 1..50 {
        invite(&server, &owner, &space, json!({})).await;
    }
    make_invite(&server, &owner, &space, json!({}))
        .await
        .refused(403);
    for token in ["x", "", "%00", "0123456789abcdef0123456789abcdef"] {
        let path = format!("/invite/{token}");
        let answer = server.post(&path, Some(&mona), Value::Null).await;
        assert!(
            [400, 404].contains(&answer.status.as_u16()),
            "{token}: {answer:?}"
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn names_that_cannot_be_seen_or_imitate_another_are_not_for_guests() {
    let server = TestServer::start().await;
    let owner = server.user("olga").await;
    let space = server.space(&owner, "9x9").await;
    for name in [
        "\u{200b}\u{200b}",
        "\u{2060}",
        "\u{3164}",
        "\u{2800}",
        "\u{202e}adA",
        "Ada\nLovelace",
        "Ada (guest)",
        "Ada (GUEST)",
        "Ada (gu\u{200b}est)",
        "Ada \u{ff08}guest\u{ff09}",
        // With Cyrillic letters.
        "Ada (gu\u{435}st)",
        "Ada (look-alike)",
        "\u{43e}lga",
    ] {
        let body = json!({"name": name, "spaceId": space});
        let answer = server.post("/guest", None, body).await;
        assert_eq!(answer.status.as_u16(), 400, "{name:?}: {answer:?}");
    }
    // A guest who takes the name of a user is marked as one; letters are read in one form.
    for (name, shown) in [("olga", "olga (guest)"), ("Zoe\u{301}", "Zo\u{e9} (guest)")] {
        let body = json!({"name": name, "spaceId": space});
        let ada = guest(&server, body).await;
        let me = server.get("/me", Some(&ada)).await.fine();
        assert_eq!(me["username"], shown);
        // No account of theirs either: the name is taken, or is too much like one.
        let keep = json!({"username": "OLGA", "password": "correct horse"});
        let answer = server.post("/guest/keep", Some(&ada), keep).await;
        assert_eq!(answer.status.as_u16(), 400, "{answer:?}");
    }
    server.stop().await;
}
