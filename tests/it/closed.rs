//! Closed spaces: not one byte of them goes to those who may not enter, by any route or socket. An
//! invite-only space is like one that never was.

use plaza::api::routes::openapi;
use plaza::net::protocol::ClientMessage;
use reqwest::Method;
use serde_json::{Value, json};

use crate::chat::until_kept;
use crate::clients::{BinaryClient, JsonClient, Stranger, hello};
use crate::harness::{Answer, Person, TestServer, text};
use crate::members::{give, sql};

/// An id of nothing.
const NOTHING: &str = "018f0000-0000-7000-8000-000000000000";

/// Calls that answer those who may not enter, so that they can come in.
const FROM_OUTSIDE: [&str; 2] = ["accessPolicy", "askToJoin"];

/// What is inside of each space, and nowhere else.
const SECRETS: [&str; 5] = [
    "the-inmate",
    "whispered words",
    "secret.png",
    "Hidden label",
    "Our zone",
];

/// How a space is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Closed {
    InviteOnly,
    Members,
    Password,
    LockedDown,
}

impl Closed {
    const ALL: [Self; 4] = [
        Self::InviteOnly,
        Self::Members,
        Self::Password,
        Self::LockedDown,
    ];

    /// The code of a refusal over HTTP, and the close code.
    const fn refusal(self) -> (&'static str, u16) {
        match self {
            Self::InviteOnly => ("", 4404),
            Self::Members => ("members", 4412),
            Self::Password => ("password", 4411),
            Self::LockedDown => ("closed", 4414),
        }
    }

    fn change(self) -> Value {
        match self {
            Self::InviteOnly => json!({"accessPolicy": "members", "listed": false}),
            Self::Members => json!({"accessPolicy": "members", "listed": true}),
            Self::Password => json!({"accessPolicy": "password", "password": "sesame"}),
            Self::LockedDown => json!({"listed": true}),
        }
    }
}

/// A closed space with people and things in it.
struct Place {
    closed: Closed,
    space: String,
    placed: String,
    inside: BinaryClient,
}

struct Town {
    server: TestServer,
    inmate: Person,
    visitor: Person,
    guest: Person,
    places: Vec<Place>,
}

impl Town {
    async fn built() -> Self {
        let server = TestServer::start().await;
        let (admin, owner) = (server.admin().await, server.user("olga").await);
        let inmate = server.user("the-inmate").await;
        let (visitor, guest) = (server.user("vera").await, server.user("gus").await);
        let statement = "update users set is_guest = 1 where id = $1";
        sql(&server, statement, &[&guest.id]).await;
        let image = json!({
            "imageUrl": "https://example.org/secret.png", "width": 1, "height": 1, "static": true
        });
        let element = server.post("/admin/element", Some(&admin), image).await;
        let element = text(&element.fine()["id"]);
        let map = json!({"name": "Yard", "dimensions": "9x9", "zones": [
            {"kind": "private", "name": "Our zone", "x": 5, "y": 5, "width": 2, "height": 2},
        ]});
        let map = server.post("/admin/map", Some(&admin), map).await.fine();
        let mut closed_ones = Vec::new();
        for closed in Closed::ALL {
            let body = json!({"name": "Closed", "mapId": map["id"], "chat": "kept"});
            let space = server.post("/space", Some(&owner), body).await.fine();
            let space = text(&space["spaceId"]);
            let thing = json!({"spaceId": space, "elementId": element, "x": 1, "y": 1});
            let placed = server.post("/space/element", Some(&owner), thing).await;
            let path = format!("/space/{space}");
            let invite = json!({"label": "Hidden label"});
            server
                .post(&format!("{path}/invite"), Some(&owner), invite)
                .await
                .fine();
            let change = server.call("PATCH", &path, Some(&owner), closed.change());
            change.await.fine();
            if closed != Closed::LockedDown {
                give(&server, &owner, &space, &inmate, "member")
                    .await
                    .fine();
            }
            let mut inside = BinaryClient::join(&server.address, &inmate, &space).await;
            inside.chat(1, "whispered words").await;
            until_kept(&server, &owner, &space, 1).await;
            if closed == Closed::LockedDown {
                let path = format!("{path}/lockdown");
                let body = json!({"minutes": 30});
                server.post(&path, Some(&owner), body).await.fine();
            }
            closed_ones.push(Place {
                closed,
                space,
                placed: text(&placed.fine()["id"]),
                inside,
            });
        }
        Self {
            server,
            inmate,
            visitor,
            guest,
            places: closed_ones,
        }
    }

    async fn ask(&self, route: &Route, space: &str, who: Option<&Person>) -> Answer {
        let mut path = route
            .path
            .replace("/space/{id}", &format!("/space/{space}"));
        for name in ["{line}", "{user}", "{invite}"] {
            path = path.replace(name, NOTHING);
        }
        let mut request = self
            .server
            .request(route.method.clone(), &format!("/{path}"));
        if let Some(person) = who {
            request = request.bearer_auth(&person.token);
        }
        if route.method != Method::GET {
            let body = json!({"spaceId": space, "elementId": NOTHING, "x": 1, "y": 1,
                "password": "tahini", "text": "please"});
            request = request.json(&body);
        }
        self.server.send(request).await
    }
}

struct Route {
    operation: String,
    method: Method,
    path: String,
}

/// Every route that names a space.
fn routes() -> Vec<Route> {
    let document = serde_json::to_value(openapi()).unwrap();
    let mut routes = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let names_one = path.contains("/space/{id}") || path.ends_with("/space/element");
            if names_one {
                routes.push(Route {
                    operation: text(&operation["operationId"]),
                    method: method.to_uppercase().parse().unwrap(),
                    path: path.clone(),
                });
            }
        }
    }
    assert!(routes.len() >= 40, "{}", routes.len());
    routes
}

/// What a client learns from an answer.
fn seen(answer: &Answer) -> (u16, String, Vec<String>) {
    let headers = answer.headers.iter().filter(|(name, _)| *name != "date");
    let headers = headers.map(|(name, value)| format!("{name}: {value:?}"));
    let status = answer.status.as_u16();
    (status, answer.text.clone(), headers.collect())
}

fn has_no_secret(text: &str, what: &str) {
    for secret in SECRETS {
        assert!(!text.contains(secret), "{what} tells {secret}: {text}");
    }
}

#[tokio::test]
async fn no_route_gives_anything_of_a_closed_space_away() {
    let town = Town::built().await;
    let strangers = [None, Some(&town.visitor), Some(&town.guest)];
    for route in routes() {
        for who in strangers {
            let nothing = town.ask(&route, NOTHING, who).await;
            for place in &town.places {
                let what = format!("{} of {:?}", route.operation, place.closed);
                let answer = town.ask(&route, &place.space, who).await;
                has_no_secret(&answer.text, &what);
                if place.closed == Closed::InviteOnly {
                    assert_eq!(seen(&answer), seen(&nothing), "{what}");
                    continue;
                }
                let status = answer.status.as_u16();
                let is_from_outside = FROM_OUTSIDE.contains(&route.operation.as_str());
                // Without an account there is nothing to be locked out of.
                assert!(is_from_outside || status >= 400, "{what}: {answer:?}");
                let (code, _) = place.closed.refusal();
                let asks_for_more = route.path.contains("/admin/")
                    || who.is_none() && nothing.status.as_u16() == 403
                    || nothing.text == answer.text
                    || is_from_outside;
                if !asks_for_more {
                    let given = answer.json()["code"].clone();
                    let is_guest = who.is_some_and(|who| who.id == town.guest.id);
                    let of_guests = is_guest && given == "guests";
                    let is_it = given == code || of_guests || route.operation == "enterSpace";
                    assert!(is_it, "{what}: {answer:?}");
                }
            }
        }
    }
    for who in [&town.visitor, &town.guest] {
        for path in ["/spaces", "/spaces?q=closed", "/space/all", "/direct"] {
            let answer = town.server.get(path, Some(who)).await;
            has_no_secret(&answer.text, path);
            assert!(!answer.text.contains(&town.places[0].space), "{path}");
        }
        for place in &town.places {
            let path = format!("/space/element/{}", place.placed);
            let answer = town.server.call("DELETE", &path, Some(who), Value::Null);
            let nothing = format!("/space/element/{NOTHING}");
            let nothing = town.server.call("DELETE", &nothing, Some(who), Value::Null);
            assert_eq!(seen(&answer.await), seen(&nothing.await), "{path}");
        }
    }
    town.server.stop().await;
}

#[tokio::test]
async fn no_socket_gives_anything_of_a_closed_space_away() {
    let town = Town::built().await;
    let address = &town.server.address;
    let binary = async |space: &str, who: &Person| {
        let mut client = Stranger::connect(address).await;
        let hello = ClientMessage::Hello(hello(&who.token, space));
        client.say(&hello).await;
        client.all_bytes().await
    };
    let json = async |space: &str, who: &Person| {
        let mut client = JsonClient::connect(address).await;
        let join = json!({"spaceId": space, "token": who.token, "features": ["history", "nearby"]});
        client.say("join", join).await;
        client.all_bytes().await
    };
    for who in [&town.visitor, &town.guest] {
        for place in &town.places {
            let what = format!("{:?}", place.closed);
            for (is_json, (bytes, code)) in [
                (false, binary(&place.space, who).await),
                (true, json(&place.space, who).await),
            ] {
                assert_eq!(bytes.len(), 1, "one message to {what}");
                has_no_secret(&String::from_utf8_lossy(&bytes[0]), &what);
                let (_, expected) = place.closed.refusal();
                let expected = match (is_json, expected) {
                    (false, code) | (true, code @ 4404) => code,
                    (true, _) => 4403,
                };
                assert_eq!(code, Some(expected), "{what}");
            }
        }
        let hidden = &town.places[0].space;
        assert_eq!(binary(hidden, who).await, binary(NOTHING, who).await);
        assert_eq!(json(hidden, who).await, json(NOTHING, who).await);
    }
    town.server.stop().await;
}

#[tokio::test]
async fn those_inside_go_on_reading_in_a_lockdown() {
    let mut town = Town::built().await;
    let mut place = town.places.pop().unwrap();
    assert_eq!(place.closed, Closed::LockedDown);
    let (server, map) = (&town.server, format!("/space/{}/map", place.space));
    server.get(&map, Some(&town.inmate)).await.fine();
    let chat = format!("/space/{}/chat", place.space);
    server.get(&chat, Some(&town.inmate)).await.fine();
    server.get(&map, Some(&town.visitor)).await.refused(403);
    server.get(&map, None).await.refused(403);
    // Also while they connect again.
    place.inside.ping(1).await;
    drop(place.inside);
    let mut again = BinaryClient::join(&server.address, &town.inmate, &place.space).await;
    server.get(&map, Some(&town.inmate)).await.fine();
    again.ping(2).await;
    // A stranger at the door is not inside.
    let mut outside = Stranger::connect(&server.address).await;
    let hello = ClientMessage::Hello(hello(&town.visitor.token, &place.space));
    outside.say(&hello).await;
    assert_eq!(outside.refused().await, 4414);
    server.get(&map, Some(&town.visitor)).await.refused(403);
    town.server.stop().await;
}
