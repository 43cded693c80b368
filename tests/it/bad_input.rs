//! Bad input over HTTP: each gets its answer, and nothing else is disturbed.

use serde_json::{Value, json};

use crate::harness::TestServer;

#[tokio::test]
async fn large_bodies_are_refused_and_the_server_lives_on() {
    let server = TestServer::start().await;
    let user = server.user("ada").await;
    let large = format!("{{\"name\":\"{}\"}}", "x".repeat(300 * 1024));
    for path in ["/signup", "/signin", "/space"] {
        let request = server
            .request("POST".parse().unwrap(), path)
            .bearer_auth(&user.token)
            .body(large.clone());
        server.send(request).await.refused(413);
    }
    server.get("/me", Some(&user)).await.fine();
    server.stop().await;
}

#[tokio::test]
async fn deep_json_is_refused() {
    let server = TestServer::start().await;
    let user = server.user("ada").await;
    for deep in [
        "[".repeat(100_000),
        "{\"a\":".repeat(40_000),
        format!("{{\"x\":{}1{}}}", "[".repeat(9000), "]".repeat(9000)),
    ] {
        let request = server
            .request("POST".parse().unwrap(), "/space")
            .bearer_auth(&user.token)
            .body(deep);
        server.send(request).await.refused(400);
    }
    server.stop().await;
}

#[tokio::test]
async fn bytes_that_are_no_json_are_refused() {
    let server = TestServer::start().await;
    let user = server.user("ada").await;
    for body in [
        b"".to_vec(),
        b"\xff\xfe".to_vec(),
        b"null".to_vec(),
        b"\0\0\0".to_vec(),
        b"{\"name\":\"\xc3\x28\"}".to_vec(),
    ] {
        let request = server
            .request("POST".parse().unwrap(), "/space")
            .bearer_auth(&user.token)
            .body(body);
        server.send(request).await.refused(400);
    }
    server.stop().await;
}

#[tokio::test]
async fn names_of_every_script_are_kept_and_others_refused() {
    let server = TestServer::start().await;
    let user = server.user("مرحبا 🎉").await;
    assert_eq!(server.get("/me", Some(&user)).await.fine()["username"], "مرحبا 🎉");
    let make = |name: &str| json!({"name": name, "dimensions": "5x5"});
    for right in [
        "שלום עולם",
        "🎉🎉🎉",
        "<script>alert(1)</script>",
        "'; drop table spaces; --",
        "a",
    ] {
        let answer = server.post("/space", Some(&user), make(right)).await.fine();
        let id = answer["spaceId"].as_str().unwrap();
        assert_eq!(server.get(&format!("/space/{id}"), None).await.fine()["name"], right);
    }
    for wrong in [
        "",
        "   ",
        "a\u{0}",
        "a\u{7}b",
        "\u{1b}[2J",
        &"x".repeat(101),
        &"x".repeat(10_000),
    ] {
        server.post("/space", Some(&user), make(wrong)).await.refused(400);
        let up = json!({"username": wrong, "password": "p"});
        server.post("/signup", None, up).await.refused(400);
    }
    let long = json!({"username": "bo", "password": "p".repeat(1025)});
    server.post("/signup", None, long).await.refused(400);
    server.stop().await;
}

#[tokio::test]
async fn wrong_types_are_refused() {
    let server = TestServer::start().await;
    let user = server.user("ada").await;
    for body in [
        json!({"name": 1, "dimensions": "5x5"}),
        json!({"name": "x", "dimensions": 5}),
        json!({"name": "x", "dimensions": "5x5", "public": "yes"}),
        json!({"name": "x", "mapId": {"a": 1}}),
        json!([{"name": "x"}]),
        json!("x"),
    ] {
        server.post("/space", Some(&user), body).await.refused(400);
    }
    server.stop().await;
}

#[tokio::test]
async fn pictures_may_not_be_script() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    for url in [
        "javascript:alert(1)",
        "data:text/html,x",
        "//evil.example/x.png",
        "",
        "x.png",
        "https://a/\"><script>",
    ] {
        let body = json!({"imageUrl": url, "name": "x"});
        server.post("/admin/avatar", Some(&admin), body).await.refused(400);
    }
    server.stop().await;
}

#[tokio::test]
async fn too_many_attempts_are_told_when_to_come_back() {
    let server = TestServer::start_with(|settings| settings.auth_rate = 2).await;
    let attempt = || server.post("/signin", None, json!({"username": "ada", "password": "x"}));
    for _ in 0..4 {
        attempt().await.refused(403);
    }
    let answer = attempt().await;
    answer.refused(429);
    let wait: u64 = answer.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait));
    server.get("/avatars", None).await.fine();
    server.stop().await;
}

#[tokio::test]
async fn odd_paths_reach_nothing_they_should_not() {
    let server = TestServer::start().await;
    for path in [
        "//files/..%2fplaza.db",
        "//files/%2e%2e%2fplaza.db.png",
        "//art/..%2f..%2fCargo.toml",
        "//art/%2e%2e/%2e%2e/Cargo.toml",
        "//assets/..%2f..%2fpackage.json",
        "//api/v1/space/%00",
        "//api/v1/space/%ff",
    ] {
        let answer = server.call("GET", path, None, Value::Null).await;
        assert!(matches!(answer.status.as_u16(), 400 | 404), "{path}: {answer:?}");
    }
    server.stop().await;
}
