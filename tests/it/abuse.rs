//! Users who overuse the interface are slowed and told so, and others do not notice.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use plaza::net::budget::BudgetSettings;
use plaza::net::edge::HttpTimes;
use plaza::net::protocol::block::BlockC2s;
use plaza::net::protocol::chat::ChatS2c;
use plaza::net::protocol::session::SessionS2c;
use plaza::net::protocol::{ClientMessage, ServerMessage};
use reqwest::StatusCode;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::clients::{BinaryClient, JsonClient, Stranger, hello};
use crate::harness::{Answer, Person, TestServer};

/// A server with these budgets, behind a proxy on this machine.
async fn with_budgets(budgets: BudgetSettings) -> TestServer {
    TestServer::start_with(|settings| {
        settings.budgets = budgets;
        settings.metrics_public = true;
        settings.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await
}

/// Sends requests until one is refused, `most` at most; returns the number of accepted ones and the
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

/// The value of a metric.
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
async fn a_user_who_changes_too_much_is_slowed_alone() {
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
    let refused = refused.expect("constant changes are refused");
    refused.refused(429);
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait), "{refused:?}");
    assert!(metric(&server, "plaza_slowed_total{what=\"edits\"}").await > before);
    // Others, and other requests of the same user, are not slowed.
    let own = server.space(&ben, "10x10").await;
    place(&server, &ben, &own, &element, 0).await.fine();
    server.get("/me", Some(&ada)).await.fine();
    server.stop().await;
}

#[tokio::test]
async fn blocks_count_among_the_changes_of_a_user_in_all_spaces() {
    let server = with_budgets(BudgetSettings {
        edits: 1,
        ..BudgetSettings::default()
    })
    .await;
    let (ada, ben) = (server.user("ada").await, server.user("ben").await);
    let space = server.space(&ada, "10x10").await;
    let mut client = BinaryClient::join(&server.address, &ada, &space).await;
    for number in 0..20 {
        let (user, blocked) = (ben.id.clone(), number % 2 == 0);
        client
            .say(&ClientMessage::Block(BlockC2s { user, blocked }))
            .await;
    }
    let told = client
        .until(|_, message| matches!(message, ServerMessage::Session(SessionS2c::Notice(_))))
        .await;
    let ServerMessage::Session(SessionS2c::Notice(notice)) = told else {
        unreachable!();
    };
    assert_eq!(notice.code, "not-blocked");
    server.stop().await;
}

#[tokio::test]
async fn too_many_password_guesses_and_direct_messages_are_counted() {
    let server = TestServer::start_with(|settings| settings.metrics_public = true).await;
    let (ada, ben) = (server.user("ada").await, server.user("ben").await);
    let slowed =
        async |what: &str| metric(&server, &format!("plaza_slowed_total{{what=\"{what}\"}}")).await;
    // All tests of a process share the counters, so others may raise them too.
    let before = slowed("sign-ins").await;
    let guess = json!({"username": "ada", "password": "a wrong guess"});
    let (_, refused) = until_slowed(100, async || {
        server.post("/signin", None, guess.clone()).await
    })
    .await;
    refused.expect("constant guesses are refused").refused(429);
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
    refused.expect("constant messages are refused").refused(429);
    assert!(slowed("direct messages").await > before);
    server.stop().await;
}

#[tokio::test]
async fn too_many_messages_over_a_socket_are_counted() {
    let server = TestServer::start_with(|settings| settings.metrics_public = true).await;
    let ada = server.user("ada").await;
    let space = server.space(&ada, "10x10").await;
    let mut client = BinaryClient::join(&server.address, &ada, &space).await;
    let series = "plaza_slowed_total{what=\"chat\"}";
    let before = metric(&server, series).await;
    for number in 0..20 {
        client.chat(number, "again").await;
    }
    let is_last = |message: &ServerMessage| matches!(message, ServerMessage::Chat(ChatS2c::Refused(refused)) if refused.client_id == 19);
    client.until(|_, message| is_last(message)).await;
    assert!(metric(&server, series).await > before);
    let (mut grid, _) = JsonClient::join(&server.address, &server.user("ben").await, &space).await;
    let before = metric(&server, series).await;
    for _ in 0..20 {
        grid.chat("again").await;
    }
    while grid.next().await["type"] != "error" {}
    assert!(metric(&server, series).await > before);
    server.stop().await;
}

#[tokio::test]
async fn text_is_limited_for_a_user_over_all_spaces_and_transports() {
    let budgets = BudgetSettings {
        text: 1,
        ..BudgetSettings::default()
    };
    let server = with_budgets(budgets).await;
    let (ada, ben) = (server.user("ada").await, server.user("ben").await);
    let series = "plaza_slowed_total{what=\"text\"}";
    let before = metric(&server, series).await;
    let long = "x".repeat(4_000);
    let mut first =
        BinaryClient::join(&server.address, &ada, &server.space(&ada, "9x9").await).await;
    for number in 1..=2 {
        first.chat(number, &long).await;
        first
            .until(|_, message| matches!(message, ServerMessage::Chat(ChatS2c::Message(_))))
            .await;
    }
    let space = server.space(&ada, "9x9").await;
    let (mut second, _) = JsonClient::join(&server.address, &ada, &space).await;
    second.chat(&long).await;
    second.expect("new-message").await;
    second.chat(&long).await;
    assert_eq!(second.expect_error().await, "slow-down");
    first.chat(3, &long).await;
    let refused = first
        .until(|_, message| matches!(message, ServerMessage::Chat(ChatS2c::Refused(_))))
        .await;
    assert!(format!("{refused:?}").contains("very much"), "{refused:?}");
    let direct = async |from: &Person, to: &Person| {
        let body = json!({"text": long, "clientId": 1});
        let path = format!("/direct/{}", to.id);
        server.post(&path, Some(from), body).await
    };
    let refused = direct(&ada, &ben).await;
    refused.refused(429);
    assert!(refused.header("retry-after").parse::<u64>().unwrap() > 1);
    direct(&ben, &ada).await.fine();
    assert!(metric(&server, series).await >= before + 3.0);
    server.stop().await;
}

#[tokio::test]
async fn an_address_is_slowed_on_every_path_but_health_checks() {
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
    // Files of the web client cost little.
    for _ in 0..400 {
        let file = from("//art/elements/sofa.svg", "203.0.113.9").await;
        assert_eq!(file.status, StatusCode::OK);
    }
    let (count, refused) =
        until_slowed(5_000, async || from("/maps", "203.0.113.7:4711").await).await;
    refused.expect("an address is slowed").refused(429);
    assert!(count >= 200, "an address has as much as ten users: {count}");
    let (_, refused) = until_slowed(100, async || from("/avatars", "203.0.113.7").await).await;
    refused.expect("on every path").refused(429);
    from("//healthz", "203.0.113.7").await.fine();
    from("/maps", "203.0.113.8").await.fine();
    server.stop().await;
}

#[tokio::test]
async fn a_user_is_slowed_across_addresses() {
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
        .expect("a hundred spaces at once are refused")
        .refused(429);
    assert!(count >= 3, "{count}");
    server.stop().await;
}

#[tokio::test]
async fn client_input_creates_no_metric_series() {
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

/// A label must be a fixed word of the program: a value from a client or a database row would
/// create a series that is never removed.
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

/// Timeouts short enough for a test to wait for them.
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

/// Everything that arrives until the server ends the connection.
async fn until_the_end(connection: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    // A reset counts as an end.
    let _ = connection.read_to_end(&mut bytes).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Sends the same text repeatedly until the server ends the connection.
async fn trickle(connection: &mut TcpStream, first: &str, then: &str) -> String {
    let (mut reading, mut writing) = connection.split();
    writing.write_all(first.as_bytes()).await.unwrap();
    let drip = async {
        let mut moments = tokio::time::interval(Duration::from_millis(50));
        loop {
            moments.tick().await;
            if writing.write_all(then.as_bytes()).await.is_err() {
                // The last answer can still be read.
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
async fn slow_connections_end_in_every_phase() {
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
        "POST /api/v1/upload?kind=chat HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\
         Content-Length: 200000\r\nContent-Type: multipart/form-data; boundary=b\r\n\r\n\
         --b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n",
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
async fn active_connections_and_websockets_outlive_the_timeouts() {
    let server = TestServer::start_with(|settings| settings.http_times = SHORT).await;
    let ada = server.user("ada").await;
    let space = server.space(&ada, "10x10").await;
    let mut game = BinaryClient::join(&server.address, &ada, &space).await;
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

#[tokio::test]
async fn a_client_that_reads_nothing_holds_little_memory() {
    let server = TestServer::start_with(|settings| {
        settings.max_connections = 1;
        settings.http_times.stalled = SHORT.stalled;
    })
    .await;
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let address = server.address.trim_start_matches("http://");
    let mut greedy = socket.connect(address.parse().unwrap()).await.unwrap();
    let ask = "GET /api/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n";
    greedy.write_all(ask.repeat(30).as_bytes()).await.unwrap();
    // Until the server gives it up, there is no place for another.
    loop {
        let mut other = connect(&server).await;
        let ask = "GET /api/v1/avatars HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        other.write_all(ask.as_bytes()).await.unwrap();
        if until_the_end(&mut other).await.starts_with("HTTP/1.1 200") {
            break;
        }
    }
    let held = until_the_end(&mut greedy).await.len();
    assert!(held < 200 * 1024, "{held} bytes were in sockets");
    server.stop().await;
}

/// Browsers use HTTP/2 over TLS only.
#[tokio::test]
async fn http2_without_tls_is_refused() {
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
async fn a_full_server_still_answers_health_checks() {
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
async fn requests_through_a_proxy_count_for_their_sender() {
    let server = TestServer::start_with(|settings| {
        settings.max_connections_per_address = 3;
        settings.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    // Each connection waits for the announced body.
    let half = |address: &str| {
        format!(
            "POST /api/v1/signin HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {address}\r\n\
             Content-Length: 9\r\n\r\n"
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
async fn sockets_are_limited_for_each_user() {
    let server = TestServer::start_with(|settings| settings.max_sockets_per_user = 3).await;
    let (ada, ben) = (server.user("ada").await, server.user("ben").await);
    let mut spaces = Vec::new();
    for _ in 0..4 {
        spaces.push(server.space(&ada, "10x10").await);
    }
    let mut inside = Vec::new();
    for space in &spaces[..3] {
        inside.push(BinaryClient::join(&server.address, &ada, space).await);
    }
    let mut more = Stranger::connect(&server.address).await;
    more.say(&ClientMessage::Hello(hello(&ada.token, &spaces[3])))
        .await;
    assert_eq!(more.refused().await, 4429);
    let _other = BinaryClient::join(&server.address, &ben, &spaces[3]).await;
    drop(inside.pop());
    server.stop().await;
}

#[tokio::test]
async fn bodies_of_one_address_take_no_time_from_others() {
    const EACH: usize = 255 * 1024;
    let server = with_budgets(BudgetSettings::default()).await;
    let begin = async |address: &str, length: usize| {
        let mut connection = connect(&server).await;
        let head = format!(
            "POST /api/v1/signin HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {address}\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
        );
        connection.write_all(head.as_bytes()).await.unwrap();
        connection
    };
    let sent = br#"{"username":"ada","#;
    let rest = br#""password":"a wrong guess"}"#;
    let mut slow = begin("203.0.113.8", sent.len() + rest.len()).await;
    slow.write_all(sent).await.unwrap();
    let mut greedy = Vec::new();
    let part = vec![b' '; EACH];
    for _ in 0..300 {
        let mut connection = begin("203.0.113.7", EACH + 1).await;
        // The server may have no room for the last ones.
        let _ = connection.write_all(&part).await;
        greedy.push(connection);
    }
    let mut answers: FuturesUnordered<_> = greedy.iter_mut().map(until_the_end).collect();
    // Until the first of them had to hurry.
    while let Some(answer) = answers.next().await
        && !answer.starts_with("HTTP/1.1 408")
    {}
    slow.write_all(rest).await.unwrap();
    let mut status = [0; 12];
    slow.read_exact(&mut status).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&status), "HTTP/1.1 403");
    server.stop().await;
}
