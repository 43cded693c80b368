//! Harness: a server of its own for each test, on a free port, with its own data folder.

use std::path::Path;
use std::sync::Arc;

use plaza::server::{ServeError, Server};
use plaza::settings::{PasswordCost, Settings};
use reqwest::{Method, RequestBuilder, StatusCode, header};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A running server. Every test ends it with [`TestServer::stop`], which complains of what did not end cleanly.
pub struct TestServer {
    pub address: String,
    pub setup_token: Option<String>,
    client: reqwest::Client,
    folder: Arc<TempDir>,
    shutdown: CancellationToken,
    running: Option<JoinHandle<Result<(), ServeError>>>,
}

/// Somebody who is signed in.
#[derive(Clone)]
pub struct Person {
    pub id: String,
    pub token: String,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: header::HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map(|value| value.to_str().unwrap())
            .unwrap_or_default()
    }

    /// Holds that it is that refusal, as a problem document.
    #[track_caller]
    pub fn refused(&self, status: u16) {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let problem = self.json();
        assert_eq!(problem["status"], status);
        assert!(!problem["message"].as_str().unwrap().is_empty());
        assert_eq!(problem["message"], problem["detail"]);
    }

    /// Holds that it went well, and answers the document.
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

    /// A server over a data folder that may have been used before.
    pub async fn start_in(folder: Arc<TempDir>, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings::in_folder(folder.path());
        settings.open_admin_signup = true;
        settings.auth_rate = 0;
        settings.password_cost = PasswordCost::Token;
        change(&mut settings);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Server::prepare(listener, settings).await.unwrap();
        let address = format!("http://{}", server.address().unwrap());
        let setup_token = server.setup_token().map(str::to_owned);
        let shutdown = CancellationToken::new();
        let running = Some(tokio::spawn(server.run(shutdown.clone())));
        Self {
            address,
            setup_token,
            client: reqwest::Client::new(),
            folder,
            shutdown,
            running,
        }
    }

    /// Ends the server, and answers its data folder.
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

    /// A request to an address below `/api/v1`, or to any other that begins with `//`.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = match path.strip_prefix("//") {
            Some(rest) => format!("{}/{rest}", self.address),
            None => format!("{}/api/v1{path}", self.address),
        };
        self.client.request(method, url)
    }

    pub async fn send(&self, request: RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        Answer {
            status: response.status(),
            headers: response.headers().clone(),
            text: response.text().await.unwrap(),
        }
    }

    /// One call; `who` is the one who asks, `body` null for none.
    pub async fn call(&self, method: &str, path: &str, who: Option<&Person>, body: Value) -> Answer {
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

    /// Signs somebody up and in.
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
            .post("/signin", None, json!({"username": name, "password": "secret"}))
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
        let body = json!({"imageUrl": "https://example.org/e.png", "width": width, "height": height, "static": true});
        text(&self.post("/admin/element", Some(admin), body).await.fine()["id"])
    }

    /// A space of somebody.
    pub async fn space(&self, owner: &Person, dimensions: &str) -> String {
        let body = json!({"name": "Test", "dimensions": dimensions});
        text(&self.post("/space", Some(owner), body).await.fine()["spaceId"])
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        let left_over = self.running.is_some() && !std::thread::panicking();
        assert!(!left_over, "a test left its server running; end it with stop()");
    }
}

/// A text of a document.
#[track_caller]
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}
