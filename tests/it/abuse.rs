//! Those who use the interface too much: they are slowed, the server says so, and others notice
//! nothing.

use std::collections::BTreeSet;
use std::time::Duration;

use plaza::net::budget::BudgetSettings;
use plaza::net::edge::HttpTimes;
use plaza::net::protocol::{ClientMessage, ServerMessage};
use reqwest::StatusCode;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::clients::{GameClient, GridClient, Stranger, hello};
use crate::harness::{Answer, Person, TestServer};

/// A server with those budgets, behind a proxy on this machine.
async fn with_budgets(budgets: BudgetSettings) -> TestServer {
    TestServer::start_with(|settings| {
        settings.budgets = budgets;
        settings.metrics_public = true;
        settings.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await
}

/// Asks until it is told to slow down, at most so often; answers how often it went well, and the
/// refusal.
async fn until_slowed(
    most: usize,
    mut ask: impl AsyncFnMut() -> Answer,
) -> (usize, Option<Answer>) {
    for count in 0..most {
        let answer = ask().await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            return (count, Some(answer));
        }
        assert!(!answer.status.is_server_error(), "{answer:?}");
    }
    (most, None)
}

/// What a metric says.
async fn metric(server: &TestServer, series: &str) -> f64 {
    let text = server.get("//metrics", None).await.text;
    let line = text.lines().find_map(|line| line.strip_prefix(series));
    line.map_or(0.0, |value| value.trim().parse().unwrap())
}

async fn place(server: &TestServer, who: &Person, space: &str, element: &str, x: u16) -> Answer {
    let body = json!({"spaceId": space, "elementId": element, "x": x, "y": 0});
    server.post("/space/element", Some(who), body).await
}

#[tokio::test]
async fn a_builder_may_place_forty_elements_at_once() {
    let server = with_budgets(BudgetSettings::default()).await;
    let admin = server.admin().await;
    let element = server.element(&admin, 1, 1).await;
    let ada = server.user("ada").await;
    let space = server.space(&ada, "200x10").await;
    for x in 0..40 {
        place(&server, &ada, &space, &element, x).await.fine();
    }
    server.stop().await;
}

#[tokio::test]
async fn who_changes_too_much_is_slowed_and_nobody_else() {
    let server = with_budgets(BudgetSettings {
        edits: 1,
        ..BudgetSettings::default()
    })
    .await;
    let admin = server.admin().await;
    let element = server.element(&admin, 1, 1).await;
    let (ada, ben) = (server.user("ada").await, server.user("ben").await);
    let space = server.space(&ada, "200x10").await;
    let before = metric(&server, "plaza_slowed_total{what=\"edits\"}").await;
    let (count, refused) = until_slowed(1_000, async || {
        place(&server, &ada, &space, &element, 0).await
    })
    .await;
    assert!(count >= 6, "{count}");
    let refused = refused.expect("nobody changes things all the time");
    refused.refused(429);
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait), "{refused:?}");
    assert!(metric(&server, "plaza_slowed_total{what=\"edits\"}").await > before);
    // Others, and other things that she does, are not slowed.
    let own = server.space(&ben, "10x10").await;
    place(&server, &ben, &own, &element, 0).await.fine();
    server.get("/me", Some(&ada)).await.fine();
    server.stop().await;
}

#[tokio::test]
async fn those_who_guess_or_write_to_others_too_much_are_counted() {
    let server = TestServer::start_with(|settings| settings.metrics_public = true).await;
    let (ada, ben) = (server.user("ada").await, server.user("ben").await);
    let slowed =
        async |what: &str| metric(&server, &format!("plaza_slowed_total{{what=\"{what}\"}}")).await;
    // All tests of a process count in one place: others may raise the number, too.
    let before = slowed("sign-ins").await;
    let guess = json!({"username": "ada", "password": "a wrong guess"});
    let (_, refused) = until_slowed(100, async || {
        server.post("/signin", None, guess.clone()).await
    })
    .await;
    refused.expect("nobody guesses all the time").refused(429);
    assert!(slowed("sign-ins").await > before);
    let before = slowed("direct messages").await;
    let mut number = 0;
    let (_, refused) = until_slowed(100, async || {
        number += 1;
        let body = json!({"text": "hello", "clientId": number});
        server
            .post(&format!("/direct/{}", ben.id), Some(&ada), body)
            .await
    })
    .await;
    refused.expect("nobody writes all the time").refused(429);
    assert!(slowed("direct messages").await > before);
    server.stop().await;
}

#[tokio::test]
async fn those_who_send_too_much_over_a_socket_are_counted() {
    let server = TestServer::start_with(|settings| settings.metrics_public = true).await;
    let ada = server.user("ada").await;
    let space = server.space(&ada, "10x10").await;
    let mut client = GameClient::join(&server.address, &ada, &space).await;
    let series = "plaza_slowed_total{what=\"chat\"}";
    let before = metric(&server, series).await;
    for number in 0..20 {
        client.chat(number, "again").await;
    }
    client
        .until(|_, message| matches!(message, ServerMessage::ChatRefused(refused) if refused.client_id == 19))
        .await;
    assert!(metric(&server, series).await > before);
    let (mut grid, _) = GridClient::join(&server.address, &server.user("ben").await, &space).await;
    let before = metric(&server, series).await;
    for _ in 0..20 {
        grid.chat("again").await;
    }
    while grid.next().await["type"] != "error" {}
    assert!(metric(&server, series).await > before);
    server.stop().await;
}

#[tokio::test]
async fn one_address_is_slowed_whatever_it_asks_and_health_answers_it() {
    let server = with_budgets(BudgetSettings {
        requests: 1,
        ..BudgetSettings::default()
    })
    .await;
    let from = async |path: &str, address: &str| {
        let request = server.request("GET".parse().unwrap(), path);
        server
            .send(request.header("x-forwarded-for", address))
            .await
    };
    // Files of the page cost little.
    for _ in 0..400 {
        let file = from("//art/elements/sofa.svg", "203.0.113.9").await;
        assert_eq!(file.status, StatusCode::OK);
    }
    let (count, refused) =
        until_slowed(5_000, async || from("/maps", "203.0.113.7:4711").await).await;
    refused.expect("an address is slowed").refused(429);
    assert!(count >= 200, "an address has as much as ten users: {count}");
    let (_, refused) = until_slowed(100, async || from("/avatars", "203.0.113.7").await).await;
    refused.expect("whatever it asks for").refused(429);
    from("//healthz", "203.0.113.7").await.fine();
    from("/maps", "203.0.113.8").await.fine();
    server.stop().await;
}

#[tokio::test]
async fn a_user_is_slowed_from_whatever_address_they_ask() {
    let server = TestServer::start_with(|settings| {
        settings.quotas.creations = 3;
        settings.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    let ada = server.user("ada").await;
    let mut number = 0_u32;
    let make = async || {
        number += 1;
        let request = server
            .request("POST".parse().unwrap(), "/space")
            .bearer_auth(&ada.token);
        let address = format!("2001:db8:{number:x}::1");
        let body = json!({"name": "Mine", "dimensions": "10x10"});
        server
            .send(request.header("x-forwarded-for", address).json(&body))
            .await
    };
    let (count, refused) = until_slowed(100, make).await;
    refused
        .expect("nobody makes a hundred spaces at once")
        .refused(429);
    assert!(count >= 3, "{count}");
    server.stop().await;
}

#[tokio::test]
async fn what_a_client_makes_up_is_no_series_of_its_own() {
    let server = TestServer::start_with(|settings| settings.metrics_public = true).await;
    let ada = server.user("ada").await;
    let space = server.space(&ada, "10x10").await;
    for number in 0..50 {
        for path in [
            "/maps".to_owned(),
            format!("/made-up-{number}"),
            format!("//made-up-{number}"),
            format!("/space/{space}"),
        ] {
            let method = format!("MADEUP{number}").parse().unwrap();
            server.send(server.request(method, &path)).await;
        }
    }
    let text = server.get("//metrics", None).await.text;
    assert!(
        !text.to_lowercase().contains("made-up")
            && !text.contains("MADEUP")
            && !text.contains(&space)
    );
    let methods: BTreeSet<&str> = text
        .split("method=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    let known = [
        "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other",
    ];
    assert!(
        methods.contains("other") && methods.iter().all(|method| known.contains(method)),
        "{methods:?}"
    );
    server.stop().await;
}

/// A label may be a word of the program only; each value that clients or their things bring is a
/// series for ever.
#[test]
fn no_metric_is_labelled_by_an_id() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root];
    let mut found = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            for name in ["counter!(", "gauge!(", "histogram!("] {
                for call in text.split(name).skip(1) {
                    let call = call.split(';').next().unwrap_or_default();
                    found += 1;
                    let labels = call.split("=>").skip(1);
                    for label in labels {
                        let label = label.split([',', ')']).next().unwrap_or_default();
                        assert!(
                            !label.contains("to_string") && !label.contains("format!"),
                            "{path:?}: {call}"
                        );
                    }
                }
            }
        }
    }
    assert!(found > 10, "{found}");
}

/// Times short enough for a test that waits for them.
const SHORT: HttpTimes = HttpTimes {
    header: Duration::from_millis(400),
    body: Duration::from_millis(400),
    idle: Duration::from_millis(400),
    stalled: Duration::from_millis(400),
};

async fn connect(server: &TestServer) -> TcpStream {
    TcpStream::connect(server.address.trim_start_matches("http://"))
        .await
        .unwrap()
}

/// Everything that comes until the server ends the connection.
async fn until_the_end(connection: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    // An abrupt end is an end.
    let _ = connection.read_to_end(&mut bytes).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Says the same again and again until the server ends the connection.
async fn trickle(connection: &mut TcpStream, first: &str, then: &str) -> String {
    let (mut reading, mut writing) = connection.split();
    writing.write_all(first.as_bytes()).await.unwrap();
    let drip = async {
        let mut moments = tokio::time::interval(Duration::from_millis(50));
        loop {
            moments.tick().await;
            if writing.write_all(then.as_bytes()).await.is_err() {
                // What was said last is still to be read.
                return std::future::pending().await;
            }
        }
    };
    let mut bytes = Vec::new();
    tokio::select! {
        _ = reading.read_to_end(&mut bytes) => {}
        () = drip => {}
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test]
async fn slow_connections_end_whatever_they_are_slow_at() {
    let server = TestServer::start_with(|settings| settings.http_times = SHORT).await;
    let mut silent = connect(&server).await;
    let (mut head, mut body, mut idle) = (
        connect(&server).await,
        connect(&server).await,
        connect(&server).await,
    );
    let (mut form, ada) = (connect(&server).await, server.user("ada").await);
    let half = "POST /api/v1/signup HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n";
    let picture = format!(
        "POST /api/v1/upload?kind=chat HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Length: 200000\r\n\
         Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n",
        ada.token
    );
    let ask = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    let (silent, head, body, form, idle) = tokio::join!(
        until_the_end(&mut silent),
        trickle(&mut head, "GET / HTTP/1.1\r\nX: ", "a"),
        trickle(&mut body, half, "{"),
        trickle(&mut form, &picture, "a"),
        async {
            idle.write_all(ask.as_bytes()).await.unwrap();
            until_the_end(&mut idle).await
        }
    );
    assert_eq!((silent.as_str(), head.as_str()), ("", ""));
    for answer in [body, form] {
        assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
        let answer = answer.to_lowercase();
        for said in [
            "\r\nconnection: close\r\n",
            "application/problem+json",
            "\"status\":408",
        ] {
            assert!(answer.contains(said), "{answer}");
        }
    }
    assert!(idle.starts_with("HTTP/1.1 200"), "{idle}");
    server.stop().await;
}

#[tokio::test]
async fn a_connection_that_goes_on_asking_and_a_websocket_outlive_the_times() {
    let server = TestServer::start_with(|settings| settings.http_times = SHORT).await;
    let ada = server.user("ada").await;
    let space = server.space(&ada, "10x10").await;
    let mut game = GameClient::join(&server.address, &ada, &space).await;
    let mut connection = connect(&server).await;
    let mut moments = tokio::time::interval(Duration::from_millis(100));
    for _ in 0..10 {
        moments.tick().await;
        connection
            .write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            .await
            .unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"}") {
            assert_ne!(
                connection.read_buf(&mut answer).await.unwrap(),
                0,
                "the connection ended"
            );
        }
    }
    crate::cluster::say(&mut game, 1, "still here").await;
    server.stop().await;
}

/// HTTP/2 is spoken by browsers over TLS alone.
#[tokio::test]
async fn nobody_is_spoken_to_in_http2() {
    let server = TestServer::start().await;
    let mut connection = connect(&server).await;
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    connection.write_all(preface).await.unwrap();
    let said = until_the_end(&mut connection).await;
    assert!(
        said.is_empty() || said.starts_with("HTTP/1.1 4") || said.starts_with("HTTP/1.1 5"),
        "{said:?}"
    );
    server.stop().await;
}

#[tokio::test]
async fn a_full_server_still_tells_how_it_is() {
    let server = TestServer::start_with(|settings| {
        settings.max_connections = 20;
        settings.metrics_public = true;
    })
    .await;
    let mut idle = Vec::new();
    for _ in 0..200 {
        idle.push(connect(&server).await);
    }
    let fresh = async || {
        let url = server.address.clone();
        reqwest::Client::new()
            .get(format!("{url}/api/v1/maps"))
            .send()
            .await
            .unwrap()
    };
    let refused = fresh().await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.headers()["retry-after"], "5");
    for path in ["healthz", "readyz", "metrics"] {
        let url = format!("{}/{path}", server.address);
        let answer = reqwest::Client::new().get(url).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
    }
    drop(idle);
    while fresh().await.status() != StatusCode::OK {}
    server.stop().await;
}

#[tokio::test]
async fn requests_through_a_proxy_count_for_who_sent_them() {
    let server = TestServer::start_with(|settings| {
        settings.max_connections_per_address = 3;
        settings.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    // Each waits for the body that was promised.
    let half = |address: &str| {
        format!(
            "POST /api/v1/signin HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {address}\r\nContent-Length: 9\r\n\r\n"
        )
    };
    let mut waiting = Vec::new();
    for number in 1..=3 {
        let mut connection = connect(&server).await;
        connection
            .write_all(half(&format!("2001:db8:1:2::{number}")).as_bytes())
            .await
            .unwrap();
        waiting.push(connection);
    }
    let ask = async |address: &str| {
        let request = server.request("GET".parse().unwrap(), "/maps");
        server
            .send(request.header("x-forwarded-for", address))
            .await
    };
    while ask("2001:db8:1:2::9").await.status == StatusCode::OK {}
    ask("2001:db8:1:2::9").await.refused(503);
    ask("2001:db8:1:3::9").await.fine();
    drop(waiting);
    while ask("2001:db8:1:2::9").await.status != StatusCode::OK {}
    server.stop().await;
}

#[tokio::test]
async fn a_user_has_so_many_sockets_and_others_are_not_concerned() {
    let server = TestServer::start_with(|settings| settings.max_sockets_per_user = 3).await;
    let (ada, ben) = (server.user("ada").await, server.user("ben").await);
    let mut spaces = Vec::new();
    for _ in 0..4 {
        spaces.push(server.space(&ada, "10x10").await);
    }
    let mut inside = Vec::new();
    for space in &spaces[..3] {
        inside.push(GameClient::join(&server.address, &ada, space).await);
    }
    let mut more = Stranger::connect(&server.address).await;
    more.say(&ClientMessage::Hello(hello(&ada.token, &spaces[3])))
        .await;
    assert_eq!(more.refused().await, 4429);
    let _other = GameClient::join(&server.address, &ben, &spaces[3]).await;
    drop(inside.pop());
    server.stop().await;
}
