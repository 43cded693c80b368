//! Invalid input over HTTP: each request is answered, and nothing else is affected.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

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
async fn bytes_that_are_not_json_are_refused() {
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
    assert_eq!(
        server.get("/me", Some(&user)).await.fine()["username"],
        "مرحبا 🎉"
    );
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
        assert_eq!(
            server.get(&format!("/space/{id}"), None).await.fine()["name"],
            right
        );
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
        server
            .post("/space", Some(&user), make(wrong))
            .await
            .refused(400);
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
        server
            .post("/admin/avatar", Some(&admin), body)
            .await
            .refused(400);
    }
    server.stop().await;
}

#[tokio::test]
async fn refused_attempts_say_when_to_retry() {
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
async fn unusual_paths_reach_nothing_private() {
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
        assert!(
            matches!(answer.status.as_u16(), 400 | 404),
            "{path}: {answer:?}"
        );
    }
    server.stop().await;
}

/// Permission is checked before the body is read, since the body may never arrive.
#[tokio::test]
async fn permissions_are_checked_before_a_body_is_read() {
    let server = TestServer::start().await;
    let (ada, eve) = (server.user("ada").await, server.user("eve").await);
    let space = server.space(&ada, "5x5").await;
    let unsigned = [
        "POST /space",
        "POST /space/element",
        "DELETE /space/element",
        "POST /user/metadata",
        "POST /admin/element",
        "POST /admin/avatar",
        "POST /admin/map",
        "POST /upload",
        "POST /user/password",
    ];
    for call in unsigned {
        let answer = without_a_body(&server, call, "").await;
        assert!(answer.starts_with("HTTP/1.1 403 "), "{call}: {answer}");
    }
    let rules = format!("PATCH /space/{space}/chat");
    let settings = format!("PATCH /space/{space}/settings");
    let mine = format!("POST /direct/{}", eve.id);
    for (call, status) in [
        ("POST /admin/element", 403),
        ("POST /admin/avatar", 403),
        ("POST /admin/map", 403),
        (&rules[..], 403),
        (&settings[..], 403),
        (&mine[..], 400),
    ] {
        let answer = without_a_body(&server, call, &eve.token).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{call}: {answer}"
        );
    }
    server.stop().await;
}

/// Head of the answer to a request that announces a body but sends none.
async fn without_a_body(server: &TestServer, call: &str, token: &str) -> String {
    let (method, path) = call.split_once(' ').unwrap();
    let host = server.address.strip_prefix("http://").unwrap();
    let mut socket = TcpStream::connect(host).await.unwrap();
    let token = match token {
        "" => String::new(),
        token => format!("authorization: Bearer {token}\r\n"),
    };
    let head = format!(
        "{method} /api/v1{path} HTTP/1.1\r\nhost: {host}\r\n{token}\
         content-type: application/json\r\ncontent-length: 100\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 4_096];
    let length = socket.read(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer[..length]).into_owned()
}
