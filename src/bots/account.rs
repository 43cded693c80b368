//! Accounts: creates users and spaces for a run, over the public HTTP API.

use std::time::Duration;

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::BotSettings;
use super::answer::{list, text, whole};

/// Concurrent requests while signing up.
const AT_ONCE: usize = 8;

/// Why a run cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The server did not answer.
    #[error("the server at {url} did not answer: {error}")]
    Unreachable {
        /// URL of the server.
        url: String,
        /// Error of the HTTP client.
        error: reqwest::Error,
    },
    /// The server refused a request.
    #[error("the server answered {status} to {what}: {message}")]
    Refused {
        /// Method and path of the request.
        what: String,
        /// Status of the answer.
        status: StatusCode,
        /// Message of the answer.
        message: String,
    },
    /// The map does not exist.
    #[error("there is no map called “{0}”; see GET /api/v1/maps")]
    NoMap(String),
}

/// The users of a run and the spaces they join.
pub(super) struct Accounts {
    pub(super) people: Vec<BotAccount>,
    pub(super) spaces: Vec<CreatedSpace>,
    /// Prefix of this run's messages, which tells them from those of other runs.
    pub(super) mark: String,
}

/// One user of the run.
pub(super) struct BotAccount {
    pub(super) user: u128,
    pub(super) token: String,
}

/// One space of the run.
pub(super) struct CreatedSpace {
    pub(super) id: String,
    /// Tiles that block walking, by row.
    pub(super) blocked: Vec<Vec<bool>>,
}

#[derive(Clone)]
struct Api {
    http: Client,
    url: String,
}

impl Accounts {
    pub(super) async fn prepare(
        settings: &BotSettings,
        stop: &CancellationToken,
    ) -> Result<Self, AccountError> {
        let api = Api {
            http: Client::new(),
            url: settings.url.trim_end_matches('/').to_owned(),
        };
        let run = uuid::Uuid::now_v7().simple().to_string();
        // The end of the id is random, so two runs do not use the same names.
        let run = &run[run.len() - 6..];
        let avatars = api.avatars().await?;
        let mut waiting = JoinSet::new();
        let mut people = Vec::new();
        let mut given = avatars.iter().cycle();
        for number in 0..settings.bots {
            if stop.is_cancelled() {
                break;
            }
            if waiting.len() >= AT_ONCE
                && let Some(Ok(person)) = waiting.join_next().await
            {
                people.push(person?);
            }
            let (api, name) = (api.clone(), format!("{number}-{run}"));
            let avatar = given.next().cloned();
            waiting.spawn(async move { api.account(&name, avatar.as_deref()).await });
        }
        while let Some(Ok(person)) = waiting.join_next().await {
            people.push(person?);
        }
        let mut ids: Vec<String> = settings.space.iter().cloned().collect();
        if ids.is_empty() && !people.is_empty() {
            let map = api.map(settings.map.as_deref()).await?;
            // Spaces are dealt out to several owners, since the server limits how many one user
            // owns.
            for (number, person) in (0..settings.spaces.max(1)).zip(people.iter().cycle()) {
                let chat = if settings.keeps_chat {
                    "kept"
                } else {
                    "ephemeral"
                };
                let body =
                    json!({ "name": format!("bots {run} {number}"), "mapId": map, "chat": chat });
                let made = api.post("/space", Some(&person.token), &body).await?;
                ids.push(text(&made, "spaceId").to_owned());
            }
        }
        let mut spaces = Vec::new();
        for id in ids {
            let path = format!("/space/{id}/map");
            let map = api
                .answer(&format!("GET {path}"), api.http.get(api.path(&path)))
                .await?;
            let blocked = blocked(&map);
            spaces.push(CreatedSpace { id, blocked });
        }
        let mark = run.to_owned();
        Ok(Self {
            people,
            spaces,
            mark,
        })
    }
}

/// The tiles of a map that block walking: its own walls and its static elements.
fn blocked(map: &Value) -> Vec<Vec<bool>> {
    let mut blocked: Vec<Vec<bool>> = list(map, "blocked")
        .filter_map(|row| Some(row.as_str()?.bytes().map(|tile| tile == b'1').collect()))
        .collect();
    for element in list(map, "elements") {
        let kind = element.get("element");
        let kind = kind.filter(|kind| kind.get("static") == Some(&Value::Bool(true)));
        let Some(print) = kind.and_then(|kind| kind.get("footprint")) else {
            continue;
        };
        let left = whole(element, "x") + whole(print, "x");
        let top = whole(element, "y") + whole(print, "y");
        for row in blocked.iter_mut().skip(top).take(whole(print, "height")) {
            for tile in row.iter_mut().skip(left).take(whole(print, "width")) {
                *tile = true;
            }
        }
    }
    blocked
}

impl Api {
    async fn account(&self, name: &str, avatar: Option<&str>) -> Result<BotAccount, AccountError> {
        let password = uuid::Uuid::new_v4().to_string();
        let body = json!({ "username": name, "password": password, "type": "user" });
        let signed_up = self.post("/signup", None, &body).await?;
        let user = uuid::Uuid::try_parse(text(&signed_up, "userId"));
        let signed_in = self.post("/signin", None, &body).await?;
        let token = text(&signed_in, "token").to_owned();
        if let Some(avatar) = avatar {
            self.post(
                "/user/metadata",
                Some(&token),
                &json!({ "avatarId": avatar }),
            )
            .await?;
        }
        let user = user.unwrap_or_default().as_u128();
        Ok(BotAccount { user, token })
    }

    /// The ids of all avatars.
    async fn avatars(&self) -> Result<Vec<String>, AccountError> {
        let answer = self
            .answer("GET /avatars", self.http.get(self.path("/avatars")))
            .await?;
        let avatars = list(&answer, "avatars");
        Ok(avatars
            .map(|avatar| text(avatar, "id").to_owned())
            .collect())
    }

    /// The id of the map with that name, or of the largest map when no name is given.
    async fn map(&self, name: Option<&str>) -> Result<String, AccountError> {
        let answer = self
            .answer("GET /maps", self.http.get(self.path("/maps")))
            .await?;
        let mut maps = list(&answer, "maps");
        let area = |map: &Value| -> u64 {
            text(map, "dimensions")
                .split('x')
                .filter_map(|side| side.parse::<u64>().ok())
                .product()
        };
        let map = match name {
            Some(name) => maps.find(|map| text(map, "name").eq_ignore_ascii_case(name)),
            None => maps.max_by_key(|map| area(map)),
        };
        map.map(|map| text(map, "id").to_owned())
            .ok_or_else(|| AccountError::NoMap(name.unwrap_or("any name").to_owned()))
    }

    /// Posts; when the server answers 429, waits a second and tries again.
    async fn post(
        &self,
        path: &str,
        token: Option<&str>,
        body: &Value,
    ) -> Result<Value, AccountError> {
        loop {
            let mut request = self.http.post(self.path(path)).json(body);
            if let Some(token) = token {
                request = request.bearer_auth(token);
            }
            match self.answer(&format!("POST {path}"), request).await {
                Err(AccountError::Refused {
                    status: StatusCode::TOO_MANY_REQUESTS,
                    ..
                }) => {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                answer => return answer,
            }
        }
    }

    async fn answer(
        &self,
        what: &str,
        request: reqwest::RequestBuilder,
    ) -> Result<Value, AccountError> {
        let unreachable = |error| AccountError::Unreachable {
            url: self.url.clone(),
            error,
        };
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let body: Value = response.json().await.unwrap_or_default();
        if status.is_success() {
            return Ok(body);
        }
        let message = body.get("message").and_then(Value::as_str);
        let message = message.unwrap_or("no reason given").to_owned();
        Err(AccountError::Refused {
            what: what.to_owned(),
            status,
            message,
        })
    }

    fn path(&self, path: &str) -> String {
        format!("{}/api/v1{path}", self.url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn walls_and_footprints_block() {
        let kind = |fixed: bool| {
            let footprint = json!({"x": 1, "y": 0, "width": 5, "height": 1});
            json!({"static": fixed, "footprint": footprint})
        };
        let map = json!({
                    "blocked": ["100", "000", "000"],
                    "elements": [
        {"x": 0, "y": 1, "element": kind(true)},
        {"x": 0, "y": 2, "element": kind(false)},
        ],
                });
        let expected = [[true, false, false], [false, true, true], [false; 3]];
        assert_eq!(blocked(&map), expected);
    }
}
