//! HTTP attacks.

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::{Method, RequestBuilder, multipart};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::{AttackOutcome, Attacker};
use crate::bots::answer::{list, text};

/// HTTP requests that one attacker has in flight at once.
const AT_ONCE: u32 = 16;

/// Connections that one slow attacker holds open.
const HELD: u32 = 100;

/// Pause between two bytes of a slow attacker.
const TRICKLE: Duration = Duration::from_secs(2);

/// Length of the longest message, in characters.
const LONG: usize = 3_900;

impl Attacker {
    async fn send(&self, request: RequestBuilder) -> (AttackOutcome, Value) {
        let request = if self.token.is_empty() {
            request
        } else {
            request.bearer_auth(&self.token)
        };
        match request.send().await {
            Ok(answer) => {
                let outcome = AttackOutcome::of_status(answer.status().as_u16());
                (outcome, answer.json().await.unwrap_or_default())
            }
            Err(_) => (AttackOutcome::Dropped, Value::Null),
        }
    }

    /// Sends many requests at once and counts the outcome of each.
    async fn send_many(&self, requests: impl Iterator<Item = RequestBuilder>) {
        let answers = join_all(requests.map(|request| self.send(request))).await;
        let is_any_taken = answers
            .iter()
            .any(|(outcome, _)| *outcome == AttackOutcome::Taken);
        for (outcome, _) in answers {
            self.count(outcome);
        }
        if !is_any_taken {
            sleep(super::PAUSE).await;
        }
    }

    pub(super) async fn searches(&self) {
        let long = "a".repeat(1_500);
        for number in self.operations() {
            let question = if number % 2 == 0 {
                long.as_str()
            } else {
                "witness"
            };
            let path = self.path(&format!("space/{}/chat?q={question}", self.space()));
            self.send_many((0..AT_ONCE).map(|_| self.http.get(&path)))
                .await;
        }
    }

    pub(super) async fn create_spaces(&self) {
        let element = self.element().await;
        for number in self.operations() {
            let body = json!({ "name": format!("abuse {number}"), "dimensions": "200x200" });
            let (outcome, made) = self
                .send(self.http.post(self.path("space")).json(&body))
                .await;
            self.count_and_pause(outcome).await;
            if let (Some(space), Some(element)) =
                (made.get("spaceId").and_then(Value::as_str), &element)
            {
                let place = |at: u32| {
                    let body = json!({
                    "spaceId": space, "elementId": element, "x": at % 180, "y": number % 180
                    });
                    self.http.post(self.path("space/element")).json(&body)
                };
                self.send_many((0..AT_ONCE).map(place)).await;
            }
        }
    }

    pub(super) async fn edits(&self) {
        let body = json!({ "name": "abuse", "dimensions": "100x100" });
        let (_, made) = self
            .send(self.http.post(self.path("space")).json(&body))
            .await;
        let (Some(space), Some(element)) = (
            made.get("spaceId").and_then(Value::as_str),
            self.element().await,
        ) else {
            return self.count_and_pause(AttackOutcome::Refused).await;
        };
        for number in self.operations() {
            let place = |at: u32| {
                let body = json!({
                "spaceId": space, "elementId": element, "x": at * 2, "y": number % 90
                });
                self.http.post(self.path("space/element")).json(&body)
            };
            self.send_many((0..40).map(place)).await;
        }
    }

    /// The id of an element that can be placed.
    async fn element(&self) -> Option<String> {
        let (_, all) = self.send(self.http.get(self.path("elements"))).await;
        list(&all, "elements")
            .next()
            .map(|element| text(element, "id").to_owned())
    }

    pub(super) async fn uploads(&self) {
        let picture = vec![0_u8; 2 * 1024 * 1024];
        for _ in self.operations() {
            let upload = |_| {
                let part = multipart::Part::bytes(picture.clone()).file_name("a.png");
                let form = multipart::Form::new().part("file", part);
                self.http
                    .post(self.path("upload?kind=chat"))
                    .multipart(form)
            };
            self.send_many((0..4).map(upload)).await;
        }
    }

    pub(super) async fn guesses(&self) {
        for number in self.operations() {
            let guess = |at: u32| {
                let body =
                    json!({ "username": self.name, "password": format!("guess {number} {at}") });
                self.http.post(self.path("signin")).json(&body)
            };
            self.send_many((0..AT_ONCE).map(guess)).await;
        }
    }

    pub(super) async fn direct_messages(&self) {
        for number in self.operations() {
            let write = |at: u32| {
                let body =
                    json!({ "text": "😀".repeat(LONG), "clientId": number * AT_ONCE + at + 1 });
                self.http
                    .post(self.path(&format!("direct/{}", self.user)))
                    .json(&body)
            };
            self.send_many((0..AT_ONCE).map(write)).await;
        }
    }

    pub(super) async fn downloads(&self) {
        let space = self.space();
        let paths = [
            "direct".to_owned(),
            "spaces".to_owned(),
            "maps".to_owned(),
            format!("space/{space}/map"),
            format!("space/{space}/thumbnail"),
            format!("space/{space}/chat"),
            format!("space/{space}/chat/export"),
        ];
        for _ in self.operations() {
            self.send_many(
                paths
                    .iter()
                    .chain(&paths)
                    .map(|path| self.http.get(self.path(path))),
            )
            .await;
        }
    }

    pub(super) async fn unknown(&self) {
        for number in self.operations() {
            let ask = |at: u32| {
                let name = format!("MADEUP{number}X{at}");
                let method = Method::from_bytes(name.as_bytes()).unwrap_or(Method::PATCH);
                self.http.request(method, self.path(&name))
            };
            self.send_many((0..AT_ONCE).map(ask)).await;
        }
    }

    /// Sends HTTP heads and bodies that never end, and holds connections without sending anything.
    pub(super) async fn slow(&self) {
        let forwarded = format!("X-Forwarded-For: {}\r\n", self.address);
        let begin = [
            String::new(),
            format!("GET / HTTP/1.1\r\n{forwarded}X: "),
            format!(
                "POST /api/v1/signin HTTP/1.1\r\nHost: x\r\n{forwarded}Content-Length: \
                200000\r\n\r\n"
            ),
        ];
        let hold = |number: u32| {
            let begin = &begin[number as usize % begin.len()];
            async move {
                for _ in self.operations() {
                    let outcome = self.hold(begin).await;
                    self.count_and_pause(outcome).await;
                }
            }
        };
        join_all((0..HELD).map(hold)).await;
    }

    /// Holds one connection until the server closes it.
    async fn hold(&self, begin: &str) -> AttackOutcome {
        let Ok(mut stream) = TcpStream::connect(self.server).await else {
            return AttackOutcome::Dropped;
        };
        if stream.write_all(begin.as_bytes()).await.is_err() {
            return AttackOutcome::Dropped;
        }
        let mut answer = [0; 64];
        loop {
            tokio::select! {
                read = stream.read(&mut answer) => {
                    let Ok(length @ 1..) = read else { return AttackOutcome::Dropped };
                    return status_of(&answer[..length]);
                }
                () = sleep(TRICKLE) => {
                    if !begin.is_empty() && stream.write_all(b"a").await.is_err() {
                        return AttackOutcome::Dropped;
                    }
                }
            }
        }
    }
}

/// The outcome by the status line of an HTTP answer.
fn status_of(answer: &[u8]) -> AttackOutcome {
    let status = answer.get(9..12).filter(|_| answer.len() > 12);
    let status = status.and_then(|status| std::str::from_utf8(status).ok()?.parse().ok());
    status.map_or(AttackOutcome::Dropped, AttackOutcome::of_status)
}
