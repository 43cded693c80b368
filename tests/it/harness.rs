//! Harness: a server for each test, on a free port, with its own data folder.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;

use plaza::net::budget::BudgetSettings;
use plaza::server::{ServeError, Server};
use plaza::settings::{PasswordCost, Settings};
use reqwest::{Method, RequestBuilder, StatusCode, header};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::declared;

/// A running server. Every test ends it with [`TestServer::stop`], which panics when anything did
/// not end cleanly.
pub struct TestServer {
    pub address: String,
    pub setup_token: Option<String>,
    /// Address of the metrics, if the settings have one.
    pub metrics: Option<String>,
    client: reqwest::Client,
    folder: Arc<TempDir>,
    shutdown: CancellationToken,
    running: Option<JoinHandle<Result<(), ServeError>>>,
}

/// A user who is signed in.
#[derive(Clone)]
pub struct Person {
    pub id: String,
    pub token: String,
}

/// The answer to a request.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: header::HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map(|value| value.to_str().unwrap())
            .unwrap_or_default()
    }

    /// Checks that it is this refusal, as a problem document.
    #[track_caller]
    pub fn refused(&self, status: u16) {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        assert_eq!(
            self.header("content-type"),
            "application/problem+json",
            "{self:?}"
        );
        let problem = self.json();
        assert_eq!(problem["status"], status);
        assert!(!problem["message"].as_str().unwrap().is_empty());
        assert_eq!(problem["message"], problem["detail"]);
    }

    /// Checks that it succeeded, and returns the document.
    #[track_caller]
    pub fn fine(&self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{self:?}");
        self.json()
    }
}

impl TestServer {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub async fn start_with(change: impl FnOnce(&mut Settings)) -> Self {
        Self::start_in(Arc::new(tempfile::tempdir().unwrap()), change).await
    }

    /// Starts a server on a data folder that may have been used before.
    pub async fn start_in(folder: Arc<TempDir>, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings::in_folder(folder.path());
        // Tests run on full disks, too.
        settings.min_free_disk = 0;
        settings.open_admin_signup = true;
        settings.auth_rate = 0;
        settings.guests.per_hour = 0;
        settings.budgets = BudgetSettings::NONE;
        settings.password_cost = PasswordCost::Token;
        settings.metrics = None;
        change(&mut settings);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Server::prepare(listener, settings).await.unwrap();
        let address = format!("http://{}", server.address().unwrap());
        let metrics = server.metrics_address().unwrap();
        let metrics = metrics.map(|address| format!("http://{address}/metrics"));
        let setup_token = server.setup_token().map(str::to_owned);
        let shutdown = CancellationToken::new();
        let running = Some(tokio::spawn(server.run(shutdown.clone())));
        Self {
            address,
            setup_token,
            metrics,
            client: reqwest::Client::new(),
            folder,
            shutdown,
            running,
        }
    }

    /// Stops the server and returns its data folder.
    pub async fn stop(mut self) -> Arc<TempDir> {
        self.shutdown.cancel();
        self.client = reqwest::Client::new();
        let running = self.running.take().expect("a server is stopped once");
        running
            .await
            .expect("the server did not panic")
            .expect("the server ended well");
        Arc::clone(&self.folder)
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A request to a path below `/api/v1`, or to any other path when it begins with `//`.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = match path.strip_prefix("//") {
            Some(rest) => format!("{}/{rest}", self.address),
            None => format!("{}/api/v1{path}", self.address),
        };
        self.client.request(method, url)
    }

    pub async fn send(&self, request: RequestBuilder) -> Answer {
        let (client, request) = request.build_split();
        let request = request.unwrap();
        let (method, path) = (request.method().clone(), request.url().path().to_owned());
        let response = client.execute(request).await.unwrap();
        let answer = Answer {
            status: response.status(),
            headers: response.headers().clone(),
            text: response.text().await.unwrap(),
        };
        declared::check(&method, &path, &answer);
        answer
    }

    /// One call; `who` is the user, `body` is null for none.
    pub async fn call(
        &self,
        method: &str,
        path: &str,
        who: Option<&Person>,
        body: Value,
    ) -> Answer {
        let mut request = self.request(method.parse().unwrap(), path);
        if let Some(person) = who {
            request = request.bearer_auth(&person.token);
        }
        if !body.is_null() {
            request = request.json(&body);
        }
        self.send(request).await
    }

    pub async fn get(&self, path: &str, who: Option<&Person>) -> Answer {
        self.call("GET", path, who, Value::Null).await
    }

    pub async fn post(&self, path: &str, who: Option<&Person>, body: Value) -> Answer {
        self.call("POST", path, who, body).await
    }

    /// Signs a user up and in.
    pub async fn person(&self, name: &str, kind: &str) -> Person {
        let up = self
            .post(
                "/signup",
                None,
                json!({"username": name, "password": "secret", "type": kind}),
            )
            .await
            .fine();
        let answer = self
            .post(
                "/signin",
                None,
                json!({"username": name, "password": "secret"}),
            )
            .await
            .fine();
        Person {
            id: text(&up["userId"]),
            token: text(&answer["token"]),
        }
    }

    pub async fn user(&self, name: &str) -> Person {
        self.person(name, "user").await
    }

    pub async fn admin(&self) -> Person {
        self.person("the-admin", "admin").await
    }

    /// An element of that size.
    pub async fn element(&self, admin: &Person, width: u16, height: u16) -> String {
        let image = "https://example.org/e.png";
        let body = json!({"imageUrl": image, "width": width, "height": height, "static": true});
        text(&self.post("/admin/element", Some(admin), body).await.fine()["id"])
    }

    /// A space of that user.
    pub async fn space(&self, owner: &Person, dimensions: &str) -> String {
        let body = json!({"name": "Test", "dimensions": dimensions});
        text(&self.post("/space", Some(owner), body).await.fine()["spaceId"])
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        let left_over = self.running.is_some() && !std::thread::panicking();
        assert!(
            !left_over,
            "a test left its server running; end it with stop()"
        );
    }
}

/// The text in a document.
#[track_caller]
pub fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("not a text: {value}"))
        .to_owned()
}

/// The real program in its own process, killed when dropped.
pub struct Process {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
    pub address: String,
}

impl Process {
    /// Starts the server without a guardian.
    pub fn start(folder: &Path, more: &[&str]) -> Self {
        Self::start_with_log(folder, more, Stdio::inherit())
    }

    /// As [`start`](Self::start); warnings and errors are written to `log`.
    pub fn start_with_log(folder: &Path, more: &[&str], log: impl Into<Stdio>) -> Self {
        Self::serve(folder, &[more, &["--no-guardian"]].concat(), log.into())
    }

    /// Starts the server as a person does, with a guardian.
    pub fn guarded(folder: &Path, more: &[&str]) -> Self {
        Self::serve(folder, more, Stdio::inherit())
    }

    fn serve(folder: &Path, more: &[&str], log: Stdio) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_plaza"))
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--log",
                "warn",
                "--metrics-listen",
                "off",
            ])
            .args(["--metrics-public", "--data-dir"])
            .arg(folder)
            .args(more)
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut process = Self {
            child,
            lines,
            address: String::new(),
        };
        process.opens();
        process
    }

    /// Waits until it prints its address, at its start and after each restart.
    pub fn opens(&mut self) {
        let address = self.lines.by_ref().map_while(Result::ok).find_map(|line| {
            line.strip_prefix("Plaza is open: ")
                .map(|address| address.trim_end_matches('/').to_owned())
        });
        self.address = address.expect("the server says where it is");
    }

    /// The id of its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The process id of the server that a guardian runs.
    pub fn server_pid(&self) -> String {
        let pid = self.child.id();
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
        children.trim().to_owned()
    }

    /// Sends a signal to the process itself.
    pub fn signal(&self, name: &str) {
        signal(name, &self.child.id().to_string());
    }

    /// Asks it to stop, and returns its exit code.
    pub fn terminate(&mut self) -> Option<i32> {
        signal("-TERM", &self.child.id().to_string());
        self.child.wait().unwrap().code()
    }
}

/// Sends a signal to the server, as a person would.
pub fn signal(signal: &str, pid: &str) {
    assert!(
        Command::new("kill")
            .args([signal, pid])
            .status()
            .unwrap()
            .success()
    );
}

impl Drop for Process {
    fn drop(&mut self) {
        // A terminated process is already gone.
        let _ = self.child.kill();
        self.child.wait().unwrap();
    }
}
