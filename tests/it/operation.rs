//! Running the server: set-up, health, metrics, the client's page, and the command line.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use plaza::settings::MetricsSettings;
use serde_json::{Value, json};

use crate::harness::{Person, TestServer, text};

fn plaza(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plaza"));
    command
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn lines(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

/// Runs a command that must fail with one line and exit code 2.
#[track_caller]
fn refused(command: &mut Command, expected: &str) {
    let output = command.output().unwrap();
    let (_, stderr) = lines(&output);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(
        stderr.contains(expected),
        "{stderr:?} does not say {expected:?}"
    );
}

fn started(child: &mut Child) -> Vec<String> {
    let mut reader = BufReader::new(child.stdout.as_mut().unwrap());
    let mut line = || {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        line
    };
    vec![line(), line()]
}

fn signal(child: &Child, name: &str) {
    let done = Command::new("kill")
        .args([name, &child.id().to_string()])
        .status()
        .unwrap();
    assert!(done.success());
}

#[tokio::test]
async fn the_first_admin_is_made_once_by_the_printed_link() {
    let server = TestServer::start_with(|settings| settings.open_admin_signup = false).await;
    assert_eq!(server.get("/setup", None).await.fine()["needed"], true);
    let token = server.setup_token.clone().unwrap();
    let body = |token: &str, name: &str| -> Value {
        json!({"token": token, "username": name, "password": "correct horse"})
    };
    let is_good = async |token: &str| {
        server
            .get(&format!("/setup?token={token}"), None)
            .await
            .fine()["good"]
            == true
    };
    assert!(is_good(&token).await && !is_good("wrong").await);
    assert!(server.get("/setup", None).await.fine()["good"].is_null());
    let weak = json!({"token": token, "username": "root", "password": "short"});
    server.post("/setup", None, weak).await.refused(400);
    server
        .post("/setup", None, body("wrong", "root"))
        .await
        .refused(403);
    server
        .post("/setup", None, body(&token, ""))
        .await
        .refused(400);
    let ada = json!({"username": "ada", "password": "correct horse"});
    server.post("/signup", None, ada).await.fine();
    server
        .post("/setup", None, body(&token, "ada"))
        .await
        .refused(400);
    server
        .post("/setup", None, body(&token, "root"))
        .await
        .fine();
    server
        .post("/setup", None, body(&token, "root2"))
        .await
        .refused(403);
    assert_eq!(server.get("/setup", None).await.fine()["needed"], false);
    assert!(!is_good(&token).await, "it was used");
    let answer = server
        .post(
            "/signin",
            None,
            json!({"username": "root", "password": "correct horse"}),
        )
        .await
        .fine();
    let root = Person {
        id: String::new(),
        token: text(&answer["token"]),
    };
    assert_eq!(server.get("/me", Some(&root)).await.fine()["role"], "admin");

    let folder = server.stop().await;
    let again = TestServer::start_in(folder, |_| {}).await;
    assert_eq!(again.setup_token, None);
    assert_eq!(
        again.get("/me", Some(&root)).await.fine()["username"],
        "root"
    );
    again.stop().await;
}

#[tokio::test]
async fn health_and_metrics_answer() {
    let server = TestServer::start_with(|settings| settings.metrics_public = true).await;
    server.get("//healthz", None).await.fine();
    server.get("//readyz", None).await.fine();
    server.get("/space/nonsense", None).await.refused(400);
    let metrics = server.get("//metrics", None).await;
    assert!(metrics.header("content-type").starts_with("text/plain"));
    assert!(metrics.text.contains(
        "plaza_http_requests_total{method=\"GET\",route=\"/api/v1/space/{id}\",status=\"400\"}"
    ));
    assert!(
        !metrics.text.contains("nonsense"),
        "a path of a client must not become a label"
    );
    server.stop().await;
}

#[tokio::test]
async fn no_page_can_be_shown_inside_another_site() {
    let server = TestServer::start().await;
    for path in [
        "//",
        "//s/some-space",
        "//help.html",
        "//api/docs/",
        "//api/docs/index.html",
    ] {
        let page = server
            .request("GET".parse().unwrap(), path)
            .header("accept", "text/html");
        let page = server.send(page).await;
        // Without a built client there is no help page.
        if page.status.as_u16() == 404 && path == "//help.html" {
            continue;
        }
        assert!(
            page.header("content-type").starts_with("text/html"),
            "{path}"
        );
        let policy = page.header("content-security-policy");
        assert!(
            policy.contains("default-src") && policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
        assert!(
            !policy.contains("script-src *") && !policy.contains("'unsafe-eval'"),
            "{path}: {policy}"
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn pages_may_load_admin_pictures_and_reach_all_processes() {
    let server = TestServer::start_with(|settings| {
        settings.public_url = Some("https://a.plaza.example".into());
    })
    .await;
    let admin = server.admin().await;
    let avatar = json!({ "name": "Elsewhere", "imageUrl": "https://pictures.example/ada.png" });
    server
        .post("/admin/avatar", Some(&admin), avatar)
        .await
        .fine();
    let page = server
        .request("GET".parse().unwrap(), "//")
        .header("accept", "text/html");
    let policy = server
        .send(page)
        .await
        .header("content-security-policy")
        .to_owned();
    assert!(
        policy.contains("img-src 'self' data: blob: https://pictures.example;"),
        "{policy}"
    );
    assert!(
        policy.contains("connect-src 'self' https://a.plaza.example wss://a.plaza.example;"),
        "{policy}"
    );
    server.stop().await;
}

#[tokio::test]
async fn with_a_base_path_every_address_of_a_page_is_below_it() {
    let bare = TestServer::start().await;
    let kept = TestServer::start_with(|settings| settings.base_path = "/tools/plaza".into()).await;
    let get = async |server: &TestServer, path: &str| {
        let page = server
            .request("GET".parse().unwrap(), path)
            .header("accept", "text/html");
        server.send(page).await
    };
    for (path, way) in [
        ("/", "./"),
        ("/avatar", "./"),
        ("/s/1", "../"),
        ("/s/1/", "../../"),
        ("/i/an-invite", "../"),
    ] {
        // One proxy strips the path, the other keeps it.
        for (server, asked) in [
            (&bare, format!("/{path}")),
            (&kept, format!("//tools/plaza{path}")),
        ] {
            let page = get(server, &asked).await;
            assert!(
                page.text.contains(&format!("<base href=\"{way}\"")),
                "{asked}: {}",
                page.text
            );
            assert!(
                !page.text.contains("=\"/"),
                "an address from the root: {}",
                page.text
            );
        }
    }
    for server in [&bare, &kept] {
        assert_eq!(get(server, "//healthz").await.status.as_u16(), 200);
        assert!(get(server, "//api/docs").await.text.contains("swagger-ui"));
        let document = get(server, "//api/openapi.json").await.fine();
        assert_eq!(document["servers"][0]["url"], "..");
    }
    assert_eq!(
        get(&kept, "//tools/plaza/api/v1/setup")
            .await
            .status
            .as_u16(),
        200
    );
    // Another path with the same beginning.
    assert!(
        get(&kept, "//tools/plazas")
            .await
            .text
            .contains("<base href=\"../\"")
    );
    for server in [bare, kept] {
        server.stop().await;
    }
}

#[tokio::test]
async fn metrics_have_their_own_address() {
    let server = TestServer::start_with(|settings| {
        settings.metrics = Some(MetricsSettings {
            listen: "127.0.0.1:0".parse().unwrap(),
            or_any_port: false,
        });
    })
    .await;
    server.get("//metrics", None).await.refused(404);
    let url = server.metrics.clone().unwrap();
    let text = reqwest::get(&url).await.unwrap().text().await.unwrap();
    assert!(text.contains("# HELP plaza_clients "), "{text}");
    let other = reqwest::get(url.replace("/metrics", "/api/v1/avatars"))
        .await
        .unwrap();
    assert_eq!(other.status().as_u16(), 404, "nothing else is there");
    // Another server finds the address in use.
    let taken = url
        .trim_start_matches("http://")
        .trim_end_matches("/metrics")
        .parse()
        .unwrap();
    let second = TestServer::start_with(|settings| {
        settings.metrics = Some(MetricsSettings {
            listen: taken,
            or_any_port: true,
        });
    })
    .await;
    assert_ne!(second.metrics, server.metrics);
    reqwest::get(second.metrics.clone().unwrap()).await.unwrap();
    second.stop().await;
    server.stop().await;
}

#[tokio::test]
async fn the_log_has_no_colours_and_names_a_proxy_that_is_not_trusted() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = plaza(folder.path());
    command.args([
        "serve",
        "--no-guardian",
        "--listen",
        "127.0.0.1:0",
        "--data-dir",
        "data",
    ]);
    let mut child = command.args(["--log", "info"]).spawn().unwrap();
    let said = started(&mut child).concat();
    let (_, address) = said.split_once("Plaza is open: ").unwrap();
    let address = address.lines().next().unwrap().trim_end_matches('/');
    let client = reqwest::Client::new();
    for forwarded in ["203.0.113.7", "203.0.113.8"] {
        let health = client.get(format!("{address}/healthz"));
        let answer = health.header("x-forwarded-for", forwarded).send().await;
        assert!(answer.unwrap().status().is_success());
    }
    signal(&child, "-TERM");
    let (_, log) = lines(&child.wait_with_output().unwrap());
    assert!(log.contains("metrics are told"), "{log}");
    assert!(!log.contains('\u{1b}'), "{log}");
    let warned = log
        .lines()
        .filter(|line| line.contains("--trusted-proxies"));
    let warned: Vec<_> = warned.collect();
    assert!(
        warned.len() == 1 && warned[0].contains("WARN") && warned[0].contains("127.0.0.1"),
        "{log}"
    );
}

#[tokio::test]
async fn pages_serve_the_client_and_files_have_safe_headers() {
    let server = TestServer::start().await;
    for path in ["//", "//s/some-space", "//lobby", "//setup?token=x"] {
        let page = server
            .send(
                server
                    .request("GET".parse().unwrap(), path)
                    .header("accept", "text/html,*/*"),
            )
            .await;
        assert_eq!(page.status.as_u16(), 200, "{path}");
        assert!(page.header("content-type").starts_with("text/html"));
        assert_eq!(page.header("cache-control"), "no-cache");
        let policy = page.header("content-security-policy");
        assert!(
            policy.contains("script-src 'self';") && policy.contains("connect-src 'self';"),
            "{policy}"
        );
        assert!(policy.contains("img-src 'self' data: blob:;"), "{policy}");
    }
    let script = server
        .send(
            server
                .request("GET".parse().unwrap(), "//missing.js")
                .header("accept", "*/*"),
        )
        .await;
    script.refused(404);
    let art = server.get("//art/elements/sofa.svg", None).await;
    assert_eq!(
        (
            art.header("content-type"),
            art.header("x-content-type-options")
        ),
        ("image/svg+xml", "nosniff")
    );
    assert!(
        art.header("content-security-policy")
            .contains("default-src 'none'")
    );
    let again = server.request("GET".parse().unwrap(), "//art/elements/sofa.svg");
    assert_eq!(
        server
            .send(again.header("if-none-match", art.header("etag")))
            .await
            .status
            .as_u16(),
        304
    );
    server.stop().await;
}

#[tokio::test]
async fn only_allowed_origins_are_let_in() {
    let server = TestServer::start_with(|settings| {
        settings.allowed_origins = vec!["https://a.example".into()];
    })
    .await;
    let ask = |origin: &str| {
        server
            .request("GET".parse().unwrap(), "/avatars")
            .header("origin", origin)
    };
    let allowed = server.send(ask("https://a.example")).await;
    assert_eq!(
        allowed.header("access-control-allow-origin"),
        "https://a.example"
    );
    let other = server.send(ask("https://b.example")).await;
    assert_eq!(other.header("access-control-allow-origin"), "");
    server.stop().await;
}

/// Asks to open a socket, as through a reverse proxy.
async fn knock(
    server: &TestServer,
    forwarded_for: &str,
) -> (u16, String, Option<reqwest::Upgraded>) {
    let request = server
        .request("GET".parse().unwrap(), "//ws")
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .header("x-forwarded-for", forwarded_for);
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let retry = response.headers().get("retry-after");
    let retry = retry.map_or_else(String::new, |value| value.to_str().unwrap().to_owned());
    let socket = if status == 101 {
        response.upgrade().await.ok()
    } else {
        None
    };
    (status, retry, socket)
}

#[tokio::test]
async fn connections_above_the_limits_are_told_to_retry() {
    let server = TestServer::start_with(|settings| {
        settings.max_connections = 3;
        settings.max_connections_per_address = 2;
        settings.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    })
    .await;
    let first = knock(&server, "203.0.113.1").await;
    let second = knock(&server, "203.0.113.1").await;
    assert_eq!((first.0, second.0), (101, 101));
    let (status, retry, _) = knock(&server, "203.0.113.1").await;
    assert_eq!(
        (status, retry.as_str()),
        (503, "5"),
        "too many from one address"
    );
    let third = knock(&server, "203.0.113.2").await;
    assert_eq!(third.0, 101);
    assert_eq!(
        knock(&server, "203.0.113.3").await.0,
        503,
        "too many in all"
    );
    drop(third);
    // The slot is free once the server has noticed the end.
    while knock(&server, "203.0.113.3").await.0 != 101 {}
    drop((first, second));
    server.stop().await;
}

#[tokio::test]
async fn a_request_without_an_upgrade_is_refused() {
    let server = TestServer::start().await;
    let plain = server
        .send(server.request("GET".parse().unwrap(), "//ws"))
        .await;
    assert_eq!(plain.status.as_u16(), 426);
    let keyless = server.request("GET".parse().unwrap(), "//ws");
    let keyless = keyless
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13");
    assert_eq!(server.send(keyless).await.status.as_u16(), 400);
    server.stop().await;
}

#[test]
fn the_server_prints_its_address_and_stops_on_sigterm() {
    let folder = tempfile::tempdir().unwrap();
    for (name, below) in [("-TERM", ""), ("-INT", "/tools/plaza")] {
        let mut child = plaza(folder.path())
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir", "data"])
            .env("PLAZA_BASE_PATH", below)
            .spawn()
            .unwrap();
        let said = started(&mut child);
        let address = said[0].trim().strip_prefix("Plaza is open: http://");
        let address = address
            .and_then(|address| address.strip_suffix('/'))
            .unwrap();
        let path = address.trim_start_matches(|letter| letter != '/');
        assert!(
            address.starts_with("127.0.0.1:") && path == below,
            "{said:?}"
        );
        let link = format!(" http://{address}/setup?token=");
        assert!(said[1].contains(&link), "{said:?}");
        signal(&child, name);
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }
}

#[test]
fn a_mistake_of_the_operator_is_one_line_and_exit_code_2() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    refused(
        plaza(folder.path()).args(["serve", "--listen", &address]),
        &format!("cannot listen on {address}"),
    );
    refused(
        plaza(folder.path()).args(["serve", "--listen", "here"]),
        "listen is ADDRESS:PORT",
    );
    std::fs::write(folder.path().join("file"), b"").unwrap();
    let unwritable = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--data-dir",
        "file/data",
    ];
    refused(
        plaza(folder.path()).args(unwritable),
        "cannot use the data folder file/data",
    );
    refused(
        plaza(folder.path()).args(["serve", "--config", "none.toml"]),
        "cannot read none.toml",
    );
    refused(plaza(folder.path()).args(["seed", "nowhere"]), "nowhere");
    refused(
        plaza(folder.path()).args(["admin", "reset-password", "unknown"]),
        "there is no user unknown",
    );
    std::fs::write(folder.path().join("plaza.toml"), "lisen = 1").unwrap();
    refused(plaza(folder.path()).args(["serve"]), "plaza.toml is broken");
}

#[test]
fn settings_come_from_the_environment_too() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = plaza(folder.path());
    command
        .arg("serve")
        .env("PLAZA_LISTEN", "127.0.0.1:0")
        .env("PLAZA_TICK_RATE", "5");
    refused(&mut command, "tick-rate is 10 to 60");
}

#[test]
fn invites_are_made_listed_and_revoked_on_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let said = |arguments: &[&str]| {
        let output = plaza(folder.path())
            .arg("admin")
            .args(arguments)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        lines(&output).0
    };
    assert!(said(&["invites"]).contains("There are no invites"));
    let made = said(&[
        "invite",
        "--for",
        "2d",
        "--uses",
        "3",
        "--label",
        "the team",
        "--url",
        "https://plaza.example/",
    ]);
    let link = made.lines().next().unwrap();
    let token = link.strip_prefix("https://plaza.example/i/").unwrap();
    assert_eq!(token.len(), 32, "{link}");
    assert!(
        made.contains("3 people for 48 hours") || made.contains("3 people for 2 days"),
        "{made}"
    );
    let id = made.trim().rsplit(' ').next().unwrap();
    let listed = said(&["invites"]);
    assert!(
        listed.contains(id) && listed.contains("0 of 3") && listed.contains("the team"),
        "{listed}"
    );
    assert!(!listed.contains(token), "the token is shown once");
    said(&["invites", "--revoke", id]);
    assert!(said(&["invites"]).contains("taken back"));
    assert!(said(&["invite", "--for", "never"]).starts_with("http://127.0.0.1:8080/i/"));
    // Below a path of a proxy, from either place of the settings.
    let settings = [
        ("PLAZA_LISTEN", "0.0.0.0:80"),
        ("PLAZA_BASE_PATH", "tools/plaza/"),
    ];
    let mut command = plaza(folder.path());
    let output = command.args(["admin", "invite"]).envs(settings).output();
    let (link, _) = lines(&output.unwrap());
    assert!(
        link.starts_with("http://127.0.0.1:80/tools/plaza/i/"),
        "{link}"
    );
    let file = folder.path().join("plaza.toml");
    std::fs::write(&file, "listen = \"[::]:80\"\nbase-path = \"/plaza\"").unwrap();
    assert!(said(&["invite"]).starts_with("http://[::1]:80/plaza/i/"));
    std::fs::write(&file, "public-url = \"https://a.example/plaza/\"").unwrap();
    assert!(said(&["invite"]).starts_with("https://a.example/plaza/i/"));
    refused(
        plaza(folder.path()).args(["admin", "invites", "--revoke", id]),
        "there is no valid invite",
    );
}

#[test]
fn admins_and_passwords_are_set_on_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let made_up = plaza(folder.path())
        .args(["admin", "create", "root"])
        .output()
        .unwrap();
    let (said, _) = lines(&made_up);
    assert!(
        made_up.status.success()
            && said.contains("shown this once: ")
            && said.contains("root is an admin"),
        "{said}"
    );
    let mut reset = plaza(folder.path());
    let mut child = reset
        .args(["admin", "reset-password", "root"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(b"well chosen\n")
        .unwrap();
    let (said, _) = lines(&child.wait_with_output().unwrap());
    assert!(
        !said.contains("shown this once") && said.contains("new password"),
        "{said}"
    );
    let mut weak = plaza(folder.path())
        .args(["admin", "reset-password", "root"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    weak.stdin
        .take()
        .unwrap()
        .write_all(b"password1\n")
        .unwrap();
    let weak = weak.wait_with_output().unwrap();
    assert_eq!(weak.status.code(), Some(2));
    assert!(
        lines(&weak).1.contains("first that are guessed"),
        "{weak:?}"
    );
    std::fs::write(folder.path().join("plaza.toml"), "data-dir = \"elsewhere\"").unwrap();
    refused(
        plaza(folder.path()).args(["admin", "reset-password", "root"]),
        "there is no user root",
    );
    assert!(folder.path().join("elsewhere/plaza.db").exists());
    let document = plaza(folder.path()).arg("openapi").output().unwrap();
    assert!(serde_json::from_slice::<serde_json::Value>(&document.stdout).is_ok());
    assert!(
        plaza(folder.path())
            .arg("migrate")
            .output()
            .unwrap()
            .status
            .success()
    );
}
