//! Accounts: who may sign up, which names and passwords are taken, and what guessing costs.

use futures_util::future::join_all;
use plaza::settings::{PasswordCost, SignUpPolicy};
use plaza::store::invites::NewInvite;
use plaza::store::{Store, now_ms};
use serde_json::{Value, json};

use crate::harness::{Answer, Person, TestServer, text};

const GOOD: &str = "correct horse";

fn account(name: &str, password: &str) -> Value {
    json!({"username": name, "password": password})
}

/// A server with the default password rules.
async fn strict(policy: SignUpPolicy) -> TestServer {
    TestServer::start_with(|settings| {
        settings.open_admin_signup = false;
        settings.signup = policy;
        settings.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    })
    .await
}

async fn sign_in_from(server: &TestServer, address: &str, name: &str, password: &str) -> Answer {
    let request = server.request("POST".parse().unwrap(), "/signin");
    let request = request.header("x-forwarded-for", address);
    server.send(request.json(&account(name, password))).await
}

#[tokio::test]
async fn a_closed_server_refuses_sign_up_with_a_reason() {
    let server = strict(SignUpPolicy::Closed).await;
    assert_eq!(server.get("/signup", None).await.fine()["policy"], "closed");
    let answer = server.post("/signup", None, account("ada", GOOD)).await;
    answer.refused(403);
    assert!(answer.text.contains("closed"), "{answer:?}");
    server.post("/signup", None, json!({})).await.refused(400);
    server.stop().await;
}

#[tokio::test]
async fn invites_admit_until_they_are_used_up_or_expire() {
    let server = strict(SignUpPolicy::Invite).await;
    assert_eq!(server.get("/signup", None).await.fine()["policy"], "invite");
    let answer = server.post("/signup", None, account("ada", GOOD)).await;
    answer.refused(403);
    assert!(answer.text.contains("invite"), "{answer:?}");

    let store = Store::open(server.folder()).await.unwrap();
    let invite = async |new: NewInvite| store.add_invite(&new).await.unwrap();
    let up = async |name: &str, token: &str| {
        let body = json!({"username": name, "password": GOOD, "invite": token});
        server.post("/signup", None, body).await
    };
    let (id, twice) = invite(NewInvite {
        max_uses: Some(2),
        ..NewInvite::default()
    })
    .await;
    let path = format!("/invite/{twice}");
    assert_eq!(server.get(&path, None).await.fine()["usesLeft"], 2);
    up("ada", &twice).await.fine();
    up("ada", &twice).await.refused(400);
    assert_eq!(server.get(&path, None).await.fine()["usesLeft"], 1);
    up("bob", &twice).await.fine();
    let over = up("cy", &twice).await;
    over.refused(403);
    assert!(over.text.contains("used up"), "{over:?}");
    let seen = server.get(&path, None).await;
    seen.refused(403);
    assert!(seen.text.contains("used up"), "{seen:?}");

    let (_, expired) = invite(NewInvite {
        expires_at: Some(now_ms()),
        ..NewInvite::default()
    })
    .await;
    let seen = server.get(&format!("/invite/{expired}"), None).await;
    seen.refused(403);
    assert!(seen.text.contains("expired"), "{seen:?}");
    up("cy", &expired).await.refused(403);

    let (endless_id, endless) = invite(NewInvite::default()).await;
    assert!(server.get(&format!("/invite/{endless}"), None).await.fine()["usesLeft"].is_null());
    up("cy", &endless).await.fine();
    store.revoke_invite(&endless_id).await.unwrap();
    up("di", &endless).await.refused(403);
    server.get("/invite/unheard-of", None).await.refused(400);
    server
        .get(&format!("/invite/{id}"), None)
        .await
        .refused(400);
    store.close().await;
    server.stop().await;
}

#[tokio::test]
async fn invisible_and_confusable_names_are_refused() {
    let server = strict(SignUpPolicy::Open).await;
    let up = async |name: &str| {
        server
            .post("/signup", None, account(name, GOOD))
            .await
            .status
            .as_u16()
    };
    for unseen in [
        "\u{200b}",
        "\u{2060}\u{2060}",
        "\u{3164}",
        "\u{2800}",
        "\u{202e}ada",
        "аda",
    ] {
        assert_eq!(up(unseen).await, 400, "{unseen:?}");
    }
    assert_eq!(up("Zo\u{e9}").await, 200);
    let marked = server.post("/signup", None, account("Bo (look-alike)", GOOD));
    let marked = marked.await;
    marked.refused(400);
    assert!(marked.text.contains("look-alike"), "{marked:?}");
    for same in [
        "Zoe\u{301}",
        "ZO\u{c9}",
        "zo\u{200b}\u{e9}",
        "Zo\u{e9}.",
        "Z\u{331}o\u{e9}",
    ] {
        assert_eq!(up(same).await, 400, "{same:?}");
    }
    let typed = server
        .post("/signin", None, account("Zoe\u{301}", GOOD))
        .await
        .fine();
    let zoe = Person {
        id: String::new(),
        token: text(&typed["token"]),
    };
    let me = server.get("/me", Some(&zoe)).await.fine();
    assert_eq!(
        (text(&me["username"]), &me["looksAlike"]),
        ("Zo\u{e9}".into(), &json!(false))
    );
    let space = async |name: &str| {
        let body = json!({"name": name, "dimensions": "5x5"});
        server.post("/space", Some(&zoe), body).await
    };
    for unseen in ["\u{200b}", "a\u{202e}b", "\u{2066}x", "\u{2800}"] {
        space(unseen).await.refused(400);
    }
    space("Büro שלום 👩\u{200d}💻").await.fine();
    server.stop().await;
}

#[tokio::test]
async fn new_passwords_must_be_good_and_old_ones_still_work() {
    let lenient = TestServer::start().await;
    assert_eq!(
        lenient.get("/signup", None).await.fine()["passwordChars"],
        1
    );
    lenient
        .post("/signup", None, account("old", "p"))
        .await
        .fine();
    let folder = lenient.stop().await;
    let server = TestServer::start_in(folder, |settings| settings.open_admin_signup = false).await;
    assert_eq!(server.get("/signup", None).await.fine()["passwordChars"], 8);
    for weak in ["p", "seven77", "password", "12345678", "new-user"] {
        server
            .post("/signup", None, account("new-user", weak))
            .await
            .refused(400);
    }
    server
        .post("/signup", None, account("new-user", "p\u{e4}ss-word"))
        .await
        .fine();
    server
        .post("/signin", None, account("new-user", "pa\u{308}ss-word"))
        .await
        .fine();
    let token = server
        .post("/signin", None, account("old", "p"))
        .await
        .fine();
    let old = Person {
        id: String::new(),
        token: text(&token["token"]),
    };
    let change = |new: &str| json!({"current": "p", "new": new});
    for weak in ["q", "password"] {
        server
            .post("/user/password", Some(&old), change(weak))
            .await
            .refused(400);
    }
    server
        .post("/user/password", Some(&old), change(GOOD))
        .await
        .fine();
    server
        .post("/signin", None, account("old", "p"))
        .await
        .refused(403);
    server
        .post("/signin", None, account("old", GOOD))
        .await
        .fine();
    server.stop().await;
}

#[tokio::test]
async fn signing_in_renews_a_weaker_hash() {
    let server = TestServer::start().await;
    server
        .post("/signup", None, account("ada", GOOD))
        .await
        .fine();
    let hash = async |folder: &std::path::Path| {
        let store = Store::open(folder).await.unwrap();
        let known = store.credentials("ada").await.unwrap().unwrap();
        store.close().await;
        known.password_hash
    };
    let folder = server.stop().await;
    let weak = hash(folder.path()).await;
    let server = TestServer::start_in(folder, |settings| {
        settings.password_cost = PasswordCost::Full;
    })
    .await;
    server
        .post("/signin", None, account("ada", "wrong"))
        .await
        .refused(403);
    server
        .post("/signin", None, account("ada", GOOD))
        .await
        .fine();
    server
        .post("/signin", None, account("ada", GOOD))
        .await
        .fine();
    let folder = server.stop().await;
    let strong = hash(folder.path()).await;
    assert!(
        weak.contains("m=8,") && strong.contains("m=19456,"),
        "{weak} {strong}"
    );
}

#[tokio::test]
async fn guessing_from_many_addresses_does_not_slow_the_owner() {
    let server = strict(SignUpPolicy::Open).await;
    server
        .post("/signup", None, account("ada", GOOD))
        .await
        .fine();
    sign_in_from(&server, "203.0.113.1", "ada", GOOD)
        .await
        .fine();
    // All at once, but no more than the system queues for a busy listener.
    let guesses = (0..120).map(|number| {
        let address = format!("198.51.100.{number}");
        let server = &server;
        async move {
            sign_in_from(server, &address, "ada", "wrong guess")
                .await
                .status
                .as_u16()
        }
    });
    let answers = join_all(guesses).await;
    let judged = answers.iter().filter(|status| **status == 403).count();
    let refused = answers.iter().filter(|status| **status == 429).count();
    assert_eq!(judged + refused, 120, "{answers:?}");
    assert!(judged < 60, "{judged} guesses were judged");
    sign_in_from(&server, "203.0.113.1", "ada", GOOD)
        .await
        .fine();
    // Other users are not affected.
    server
        .post("/signup", None, account("bob", GOOD))
        .await
        .fine();
    sign_in_from(&server, "198.51.100.250", "bob", GOOD)
        .await
        .fine();
    server.stop().await;
}

#[tokio::test]
async fn guessing_from_one_ipv6_network_is_slowed_as_one() {
    let server = strict(SignUpPolicy::Open).await;
    server
        .post("/signup", None, account("ada", GOOD))
        .await
        .fine();
    let mut guesses = 0;
    let refused = loop {
        guesses += 1;
        let address = format!("2001:db8:1:2::{guesses}");
        let answer = sign_in_from(&server, &address, "ADA", "wrong guess").await;
        if answer.status.as_u16() != 403 {
            break answer;
        }
    };
    refused.refused(429);
    assert!(guesses > 5 && refused.header("retry-after").parse::<u64>().unwrap() >= 1);
    sign_in_from(&server, "2001:db8:1:3::1", "ada", GOOD)
        .await
        .fine();
    server.stop().await;
}

#[tokio::test]
async fn wrong_passwords_of_a_network_do_not_refuse_those_who_signed_in_there() {
    let server = TestServer::start_with(|settings| {
        settings.auth_rate = 3;
        settings.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    })
    .await;
    let home = "203.0.113.1";
    let ada = server.user("ada").await;
    sign_in_from(&server, home, "ada", "secret").await.fine();
    for number in 0..6 {
        let name = format!("no one {number}");
        sign_in_from(&server, home, &name, "wrong guess")
            .await
            .refused(403);
    }
    let guess = sign_in_from(&server, home, "no one", "wrong guess").await;
    guess.refused(429);
    sign_in_from(&server, home, "ada", "secret").await.fine();
    // A session counts for the password of its own user, from wherever it is used.
    let away = "203.0.113.2";
    for number in 0..6 {
        let name = format!("no one {number}");
        sign_in_from(&server, away, &name, "wrong guess")
            .await
            .refused(403);
    }
    sign_in_from(&server, away, "ada", "secret")
        .await
        .refused(429);
    let change = server.request("POST".parse().unwrap(), "/user/password");
    let change = change
        .header("x-forwarded-for", away)
        .bearer_auth(&ada.token);
    let body = json!({"current": "secret", "new": GOOD});
    server.send(change.json(&body)).await.fine();
    server.stop().await;
}

#[tokio::test]
async fn right_passwords_are_limited_for_each_account_and_network() {
    let server = TestServer::start_with(|settings| {
        settings.auth_rate = 3;
        settings.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    })
    .await;
    server.user("ada").await;
    let mut times = 0;
    let refused = loop {
        let answer = sign_in_from(&server, "203.0.113.1", "ada", "secret").await;
        if answer.status.as_u16() != 200 {
            break answer;
        }
        times += 1;
        assert!(times < 60);
    };
    refused.refused(429);
    assert!(times >= 6 && !refused.header("retry-after").is_empty());
    sign_in_from(&server, "203.0.113.2", "ada", "secret")
        .await
        .fine();
    for _ in 0..20 {
        server
            .post("/signin", None, account("ada", "secret"))
            .await
            .fine();
    }
    server.stop().await;
}
