//! The HTTP contract: every call and every status rule.

use serde_json::{Value, json};

use crate::harness::{Person, TestServer, text};

const UNKNOWN: &str = "018f0000-0000-7000-8000-000000000000";

#[tokio::test]
async fn signing_up_takes_a_name_once() {
    let server = TestServer::start().await;
    let up = |body: Value| server.post("/signup", None, body);
    let ada = up(json!({"username": "ada", "password": "p", "type": "user"}))
        .await
        .fine();
    assert!(ada["userId"].is_string());
    up(json!({"username": "ada", "password": "p", "type": "user"}))
        .await
        .refused(400);
    up(json!({"username": " ada ", "password": "p"}))
        .await
        .refused(400);
    up(json!({"username": "bo", "password": "p", "role": "ADMIN"}))
        .await
        .fine();
    up(json!({"username": "cy", "password": "p", "type": "Admin"}))
        .await
        .fine();
    up(json!({"username": "di", "password": "p", "type": "user", "role": "admin"}))
        .await
        .fine();
    up(json!({"username": "ed", "password": "p"})).await.fine();
    for body in [
        json!({"password": "p"}),
        json!({"username": "x"}),
        json!({"username": "", "password": "p"}),
        json!({"username": "x", "password": ""}),
        json!({"username": "x", "password": "p", "type": "king"}),
        json!({"username": 5, "password": "p"}),
        json!([]),
    ] {
        up(body).await.refused(400);
    }
    for (name, role) in [
        ("bo", "admin"),
        ("cy", "admin"),
        ("di", "user"),
        ("ed", "user"),
    ] {
        let token = server
            .post("/signin", None, json!({"username": name, "password": "p"}))
            .await
            .fine();
        let who = Person {
            id: String::new(),
            token: text(&token["token"]),
        };
        assert_eq!(
            server.get("/me", Some(&who)).await.fine()["role"],
            role,
            "{name}"
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn a_request_cannot_make_an_admin() {
    let server = TestServer::start_with(|settings| settings.open_admin_signup = false).await;
    let body = json!({"username": "eve", "password": "p", "type": "admin"});
    server.post("/signup", None, body).await.refused(403);
    server
        .post("/signin", None, json!({"username": "eve", "password": "p"}))
        .await
        .refused(403);
    server.stop().await;
}

#[tokio::test]
async fn signing_in_refuses_everything_else_with_403() {
    let server = TestServer::start().await;
    server.user("ada").await;
    for body in [
        json!({"username": "ada", "password": "wrong"}),
        json!({"username": "unknown", "password": "secret"}),
        json!({"username": "ada"}),
        json!({"username": ["ada"], "password": "secret"}),
        json!("ada"),
    ] {
        server.post("/signin", None, body).await.refused(403);
    }
    let torn = server
        .request("POST".parse().unwrap(), "/signin")
        .body("{\"username\":");
    server.send(torn).await.refused(403);
    server.post("/signin", None, Value::Null).await.refused(403);
    server.stop().await;
}

#[tokio::test]
async fn protected_calls_need_a_valid_token_first() {
    let server = TestServer::start().await;
    let calls = [
        ("POST", "/user/metadata"),
        ("PUT", "/user/metadata"),
        ("POST", "/space"),
        ("DELETE", "/space/nonsense"),
        ("GET", "/space/all"),
        ("POST", "/space/element"),
        ("DELETE", "/space/element"),
        ("DELETE", "/space/element/nonsense"),
        ("POST", "/admin/element"),
        ("PUT", "/admin/element/nonsense"),
        ("POST", "/admin/avatar"),
        ("POST", "/admin/map"),
        ("DELETE", "/admin/space/nonsense"),
        ("GET", "/me"),
        ("GET", "/spaces"),
        ("POST", "/signout"),
        ("POST", "/signout/everywhere"),
        ("POST", "/user/password"),
        ("POST", "/upload?kind=avatar"),
    ];
    for (method, path) in calls {
        let request = || {
            server
                .request(method.parse().unwrap(), path)
                .body("{ not json")
        };
        server.send(request()).await.refused(403);
        for wrong in [
            "Bearer wrong",
            "Bearer",
            "Bearer ",
            "Basic YTpi",
            "wrong",
            "",
        ] {
            server
                .send(request().header("authorization", wrong))
                .await
                .refused(401);
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn open_calls_answer_without_a_token() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let space = server.space(&admin, "10x20").await;
    let looks = server
        .get(
            &format!("/user/metadata/bulk?ids=[{},{UNKNOWN}]", admin.id),
            None,
        )
        .await
        .fine();
    let expected = json!([{"userId": admin.id, "avatarId": null, "imageUrl": null}]);
    assert_eq!(looks["avatars"], expected);
    assert!(server.get("/avatars", None).await.fine()["avatars"].is_array());
    assert!(server.get("/elements", None).await.fine()["elements"].is_array());
    let view = server.get(&format!("/space/{space}"), None).await.fine();
    assert_eq!(view["dimensions"], "10x20");
    let old = json!({"username": "the-admin", "password": "secret"});
    // Signing in is open too; an old token in the header does no harm.
    let stale = server
        .request("POST".parse().unwrap(), "/signin")
        .header("authorization", "Bearer stale")
        .json(&old);
    assert!(server.send(stale).await.fine()["token"].is_string());
    server.stop().await;
}

#[tokio::test]
async fn oversized_or_broken_requests_get_a_problem_document() {
    let server = TestServer::start().await;
    let ada = server.user("ada").await;
    let torn = |method: &str, path: &str| {
        let request = server.request(method.parse().unwrap(), path);
        request.bearer_auth(&ada.token).body("{\"name\":")
    };
    for (method, path) in [
        ("POST", "/signup"),
        ("POST", "/user/metadata"),
        ("PUT", "/user/metadata"),
        ("POST", "/space"),
        ("POST", "/space/element"),
        ("DELETE", "/space/element"),
    ] {
        server.send(torn(method, path)).await.refused(400);
    }
    let large = json!({"name": "x".repeat(300 * 1024), "dimensions": "10x10"});
    server.post("/space", Some(&ada), large).await.refused(413);
    server.stop().await;
}

#[tokio::test]
async fn admin_calls_refuse_others_before_reading_the_body() {
    let server = TestServer::start().await;
    let user = server.user("ada").await;
    for (method, path) in [
        ("POST", "/admin/element"),
        ("PUT", "/admin/element/nonsense"),
        ("POST", "/admin/avatar"),
        ("POST", "/admin/map"),
        ("DELETE", "/admin/space/nonsense"),
    ] {
        let request = server
            .request(method.parse().unwrap(), path)
            .bearer_auth(&user.token)
            .body("{ not json");
        server.send(request).await.refused(403);
    }
    server.stop().await;
}

#[tokio::test]
async fn the_authorization_scheme_ignores_case() {
    let server = TestServer::start().await;
    let user = server.user("ada").await;
    for scheme in ["bearer", "BEARER", "Bearer"] {
        let value = format!("{scheme} {}", user.token);
        server
            .send(
                server
                    .request("GET".parse().unwrap(), "/me")
                    .header("authorization", value),
            )
            .await
            .fine();
    }
    server.stop().await;
}

#[tokio::test]
async fn signing_out_ends_sessions() {
    let server = TestServer::start().await;
    let first = server.user("ada").await;
    let again = |password: &'static str| {
        let server = &server;
        async move {
            let token = server
                .post(
                    "/signin",
                    None,
                    json!({"username": "ada", "password": password}),
                )
                .await
                .fine();
            Person {
                id: String::new(),
                token: text(&token["token"]),
            }
        }
    };
    let (second, third) = (again("secret").await, again("secret").await);
    server
        .post("/signout", Some(&first), Value::Null)
        .await
        .fine();
    server.get("/me", Some(&first)).await.refused(401);
    server.get("/me", Some(&second)).await.fine();
    let change = |current| json!({"current": current, "new": "better"});
    server
        .post("/user/password", Some(&second), change("wrong"))
        .await
        .refused(403);
    server
        .post("/user/password", Some(&second), change("secret"))
        .await
        .fine();
    server.get("/me", Some(&second)).await.fine();
    server.get("/me", Some(&third)).await.refused(401);
    let fourth = again("better").await;
    server
        .post("/signout/everywhere", Some(&fourth), Value::Null)
        .await
        .fine();
    server.get("/me", Some(&second)).await.refused(401);
    server.get("/me", Some(&fourth)).await.refused(401);
    server.stop().await;
}

#[tokio::test]
async fn avatars_are_chosen_and_shown() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let (ada, bo) = (server.user("ada").await, server.user("bo").await);
    let body = json!({"imageUrl": "https://example.org/a.png", "name": "Timmy"});
    let avatar = text(
        &server
            .post("/admin/avatar", Some(&admin), body)
            .await
            .fine()["avatarId"],
    );
    let listed = server.get("/avatars", None).await.fine();
    let entry = listed["avatars"]
        .as_array()
        .unwrap()
        .iter()
        .find(|entry| entry["id"] == avatar.as_str())
        .unwrap();
    assert_eq!(entry["name"], "Timmy");
    assert_eq!(entry["imageUrl"], "https://example.org/a.png");

    server
        .post("/user/metadata", Some(&ada), json!({"avatarId": UNKNOWN}))
        .await
        .refused(400);
    server
        .post("/user/metadata", Some(&ada), json!({"avatarId": "123"}))
        .await
        .refused(400);
    server
        .post("/user/metadata", Some(&ada), json!({}))
        .await
        .refused(400);
    server
        .post("/user/metadata", Some(&ada), json!({"avatarId": avatar}))
        .await
        .fine();
    server
        .call(
            "PUT",
            "/user/metadata",
            Some(&ada),
            json!({"avatarId": avatar}),
        )
        .await
        .fine();
    assert_eq!(
        server.get("/me", Some(&ada)).await.fine()["avatarId"],
        avatar.as_str()
    );

    for ids in [
        format!("[{},{},{UNKNOWN}]", ada.id, bo.id),
        format!("%5B{},{}%5D", ada.id, bo.id),
        format!("[{}, {}]", ada.id, bo.id),
        format!("{},{}", ada.id, bo.id),
    ] {
        let looks = server
            .get(&format!("/user/metadata/bulk?ids={ids}"), Some(&bo))
            .await
            .fine();
        let expected = json!([
            {"userId": ada.id, "avatarId": avatar, "imageUrl": "https://example.org/a.png"},
            {"userId": bo.id, "avatarId": null, "imageUrl": null},
        ]);
        assert_eq!(looks["avatars"], expected, "{ids}");
    }
    let many = vec![ada.id.as_str(); 101].join(",");
    server
        .get(&format!("/user/metadata/bulk?ids=[{many}]"), Some(&bo))
        .await
        .refused(400);
    server
        .get("/user/metadata/bulk", Some(&bo))
        .await
        .refused(400);
    server.stop().await;
}

#[tokio::test]
async fn elements_are_added_and_changed_everywhere() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let element = server.element(&admin, 1, 2).await;
    let space = server.space(&admin, "10x10").await;
    let body = json!({"spaceId": space, "elementId": element, "x": 3, "y": 4});
    server
        .post("/space/element", Some(&admin), body)
        .await
        .fine();
    let path = format!("/admin/element/{element}");
    let put = |path: String, body: Value| {
        let (server, admin) = (&server, &admin);
        async move { server.call("PUT", &path, Some(admin), body).await }
    };
    put(
        path.clone(),
        json!({"imageUrl": "https://example.org/new.png"}),
    )
    .await
    .fine();
    put(path.clone(), json!({"width": 2, "static": false}))
        .await
        .fine();
    let listed = server.get("/elements", None).await.fine();
    let entry = listed["elements"]
        .as_array()
        .unwrap()
        .iter()
        .find(|entry| entry["id"] == element.as_str())
        .unwrap();
    let image = "https://example.org/new.png";
    let expected =
        json!({"id": element, "imageUrl": image, "width": 2, "height": 2, "static": false});
    assert_eq!(*entry, expected);
    let view = server.get(&format!("/space/{space}"), None).await.fine();
    assert_eq!(view["elements"][0]["element"], expected);
    put(
        format!("/admin/element/{UNKNOWN}"),
        json!({"imageUrl": "https://example.org/n.png"}),
    )
    .await
    .refused(400);
    put(
        "/admin/element/nonsense".into(),
        json!({"imageUrl": "https://example.org/n.png"}),
    )
    .await
    .refused(400);
    put(path.clone(), json!({"imageUrl": "javascript:alert(1)"}))
        .await
        .refused(400);
    put(path.clone(), json!({"width": 0})).await.refused(400);
    put(path, json!({"width": "two"})).await.refused(400);
    server.stop().await;
}

#[tokio::test]
async fn spaces_are_made_from_dimensions_or_a_map() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let user = server.user("ada").await;
    let element = server.element(&admin, 1, 1).await;
    let at = |x: u16, y: u16| json!({"elementId": element, "x": x, "y": y});
    let map = json!({"name": "M", "thumbnail": "https://example.org/t.png", "dimensions": "100x200",
        "defaultElements": [at(20, 20), at(18, 20), at(18, 20)]});
    let map = text(&server.post("/admin/map", Some(&admin), map).await.fine()["id"]);
    let empty =
        json!({"name": "E", "thumbnail": "/art/t.svg", "dimensions": "5x5", "defaultElements": []});
    let zone = |kind: &str, reach: Value| {
        json!({
            "kind": kind, "name": "", "x": 1, "y": 1, "width": 2, "height": 2, "reach": reach
        })
    };
    server.post("/admin/map", Some(&admin), empty).await.fine();
    for wrong in [
        json!({"name": "M", "dimensions": "10x10", "defaultElements": [at(10, 0)]}),
        json!({
            "name": "M", "dimensions": "10x10",
            "defaultElements": [{"elementId": UNKNOWN, "x": 0, "y": 0}]
        }),
        json!({"name": "M", "dimensions": "10", "defaultElements": []}),
        json!({"name": "", "dimensions": "10x10", "defaultElements": []}),
        json!({"dimensions": "10x10", "defaultElements": []}),
        json!({"name": "M", "dimensions": "10x10", "zones": [zone("voices", json!(null))]}),
        json!({"name": "M", "dimensions": "10x10", "zones": [zone("voices", json!(0))]}),
        json!({"name": "M", "dimensions": "10x10", "zones": [zone("voices", json!(13))]}),
        json!({"name": "M", "dimensions": "10x10", "zones": [zone("silent", json!(2))]}),
    ] {
        let answer = server.post("/admin/map", Some(&admin), wrong).await;
        answer.refused(400);
    }

    let make = |body: Value| server.post("/space", Some(&user), body);
    let from_map = text(
        &make(json!({"name": "Mine", "dimensions": "1x1", "mapId": map}))
            .await
            .fine()["spaceId"],
    );
    let map_alone = text(&make(json!({"name": "Alone", "mapId": map})).await.fine()["spaceId"]);
    let empty = text(
        &make(json!({"name": "Empty", "dimensions": "30x40"}))
            .await
            .fine()["spaceId"],
    );
    for wrong in [
        json!({"name": "X"}),
        json!({"name": "X", "mapId": UNKNOWN}),
        json!({"name": "X", "dimensions": "10x10", "mapId": "nonsense"}),
        json!({"name": "X", "dimensions": "0x10"}),
        json!({"name": "X", "dimensions": "10x1001"}),
        json!({"name": "X", "dimensions": "10*10"}),
        json!({"name": "", "dimensions": "10x10"}),
        json!({"dimensions": "10x10"}),
    ] {
        make(wrong).await.refused(400);
    }

    let view = server
        .get(&format!("/space/{from_map}"), Some(&user))
        .await
        .fine();
    assert_eq!(view["dimensions"], "100x200");
    assert_eq!(view["space"], json!({"width": 100, "height": 200}));
    assert_eq!(view["name"], "Mine");
    assert_eq!(view["elements"].as_array().unwrap().len(), 3);
    let first = &view["elements"][0];
    assert_eq!((&first["x"], &first["y"]), (&json!(20), &json!(20)));
    assert_eq!(first["element"]["id"], element.as_str());
    assert!(first["id"].is_string());
    for unknown in [UNKNOWN, "nonsense"] {
        let path = format!("/space/{unknown}");
        server.get(&path, Some(&user)).await.refused(400);
    }
    server.get(&format!("/space/{from_map}"), None).await.fine();
    let stale = Person {
        id: String::new(),
        token: "stale".into(),
    };
    server
        .get(&format!("/space/{from_map}"), Some(&stale))
        .await
        .refused(401);

    let all = server.get("/space/all", Some(&user)).await.fine();
    let ids: Vec<_> = all["spaces"]
        .as_array()
        .unwrap()
        .iter()
        .map(|space| text(&space["id"]))
        .collect();
    assert_eq!(ids, [empty, map_alone, from_map]);
    let entry = &all["spaces"][2];
    assert_eq!(
        (text(&entry["thumbnail"]), text(&entry["dimensions"])),
        ("https://example.org/t.png".into(), "100x200".into())
    );
    assert_eq!(
        server.get("/space/all", Some(&admin)).await.fine()["spaces"],
        json!([])
    );
    server.stop().await;
}

#[tokio::test]
async fn lists_of_spaces_come_in_pages_when_asked() {
    let server = TestServer::start_with(|settings| settings.quotas.spaces = 0).await;
    let user = server.user("ada").await;
    let mut made = Vec::new();
    for _ in 0..53 {
        made.push(server.space(&user, "5x5").await);
    }
    made.reverse();
    let ids = |page: &Value| {
        page["spaces"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| text(&one["id"]))
            .collect::<Vec<_>>()
    };
    let all = server.get("/space/all", Some(&user)).await.fine();
    assert_eq!(ids(&all), made);
    assert!(all.get("cursor").is_none());
    let first = server.get("/space/all?cursor=", Some(&user)).await.fine();
    let next = text(&first["cursor"]);
    let second = server
        .get(&format!("/space/all?cursor={next}"), Some(&user))
        .await
        .fine();
    assert_eq!([ids(&first), ids(&second)].concat(), made);
    assert!(second.get("cursor").is_none());
    server
        .get("/space/all?cursor=nonsense", Some(&user))
        .await
        .refused(400);
    server.stop().await;
}

#[tokio::test]
async fn only_the_creator_deletes_a_space() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let (ada, bo) = (server.user("ada").await, server.user("bo").await);
    let space = server.space(&ada, "10x10").await;
    let path = format!("/space/{space}");
    server
        .call("DELETE", &path, Some(&bo), Value::Null)
        .await
        .refused(403);
    server
        .call("DELETE", &path, Some(&admin), Value::Null)
        .await
        .refused(403);
    server
        .call(
            "DELETE",
            &format!("/space/{UNKNOWN}"),
            Some(&ada),
            Value::Null,
        )
        .await
        .refused(400);
    server
        .call("DELETE", "/space/nonsense", Some(&ada), Value::Null)
        .await
        .refused(400);
    server
        .call("DELETE", &path, Some(&ada), Value::Null)
        .await
        .fine();
    server
        .call("DELETE", &path, Some(&ada), Value::Null)
        .await
        .refused(400);
    server.get(&path, Some(&ada)).await.refused(400);
    let other = server.space(&ada, "10x10").await;
    server
        .call(
            "DELETE",
            &format!("/admin/space/{other}"),
            Some(&admin),
            Value::Null,
        )
        .await
        .fine();
    server
        .call(
            "DELETE",
            &format!("/admin/space/{other}"),
            Some(&admin),
            Value::Null,
        )
        .await
        .refused(400);
    server.stop().await;
}

#[tokio::test]
async fn elements_are_placed_and_removed() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let (ada, bo) = (server.user("ada").await, server.user("bo").await);
    let element = server.element(&admin, 2, 3).await;
    let space = server.space(&ada, "10x20").await;
    let place = |space: &str, element: &str, x: i64, y: i64| -> Value {
        json!({"spaceId": space, "elementId": element, "x": x, "y": y})
    };
    let placed = server
        .post("/space/element", Some(&ada), place(&space, &element, 8, 17))
        .await
        .fine();
    let placed = text(&placed["id"]);
    for (x, y) in [(9, 0), (0, 18), (-1, 0), (0, -1), (70000, 0), (i64::MAX, 0)] {
        server
            .post("/space/element", Some(&ada), place(&space, &element, x, y))
            .await
            .refused(400);
    }
    for body in [
        place(UNKNOWN, &element, 0, 0),
        place(&space, UNKNOWN, 0, 0),
        place("x", "y", 0, 0),
        json!({}),
    ] {
        server
            .post("/space/element", Some(&ada), body)
            .await
            .refused(400);
    }
    server
        .post("/space/element", Some(&bo), place(&space, &element, 0, 0))
        .await
        .refused(400);

    let delete = |who, body| server.call("DELETE", "/space/element", who, body);
    delete(Some(&bo), json!({"id": placed})).await.refused(403);
    delete(Some(&admin), json!({"id": placed}))
        .await
        .refused(403);
    delete(Some(&ada), json!({"id": UNKNOWN}))
        .await
        .refused(403);
    delete(Some(&ada), json!({"id": "nonsense"}))
        .await
        .refused(403);
    delete(Some(&ada), json!({})).await.refused(400);
    delete(Some(&ada), json!({"id": placed})).await.fine();
    delete(Some(&ada), json!({"id": placed})).await.refused(403);
    assert_eq!(
        server
            .get(&format!("/space/{space}"), Some(&ada))
            .await
            .fine()["elements"],
        json!([])
    );

    for by_path in [false, true] {
        let placed = server
            .post("/space/element", Some(&ada), place(&space, &element, 0, 0))
            .await
            .fine();
        let id = text(&placed["id"]);
        if by_path {
            let path = format!("/space/element/{id}");
            server
                .call("DELETE", &path, Some(&bo), Value::Null)
                .await
                .refused(403);
            server
                .call("DELETE", &path, Some(&ada), Value::Null)
                .await
                .fine();
        } else {
            delete(Some(&ada), json!({"elementId": id})).await.fine();
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn unknown_paths_and_methods_get_problem_documents() {
    let server = TestServer::start().await;
    server.get("/nothing", None).await.refused(404);
    server.get("//api", None).await.refused(404);
    server.post("//nothing", None, json!({})).await.refused(404);
    server.get("//files/nothing.png", None).await.refused(404);
    server.get("//art/nothing.svg", None).await.refused(404);
    let wrong = server.call("PATCH", "/space/all", None, Value::Null).await;
    wrong.refused(405);
    assert!(wrong.header("allow").contains("GET"), "{wrong:?}");
    server.stop().await;
}

// The calls of the suite that servers of this family are tested with, in its order and with its
// values: no token where it sends none.

const PICTURE: &str = "https://image.example/tree.png?size=32,32";

/// Signs up and in.
async fn enrolled(server: &TestServer, username: &str, kind: &str) -> Person {
    let account = json!({"username": username, "password": "123456", "type": kind});
    let up = server.post("/signup", None, account.clone()).await.fine();
    let into = server.post("/signin", None, account).await.fine();
    Person {
        id: text(&up["userId"]),
        token: text(&into["token"]),
    }
}

async fn walk_through_accounts(server: &TestServer, admin: &Person, user: &Person) {
    let account = json!({"username": "kirat0.5", "password": "123456", "type": "admin"});
    server
        .post("/signup", None, account.clone())
        .await
        .refused(400);
    let nameless = json!({"password": "123456"});
    server.post("/signup", None, nameless).await.refused(400);
    assert!(server.post("/signin", None, account).await.fine()["token"].is_string());
    let wrong = json!({"username": "WrongUsername", "password": "123456"});
    server.post("/signin", None, wrong).await.refused(403);

    let avatar = json!({"imageUrl": PICTURE, "name": "Timmy"});
    let avatar = server
        .post("/admin/avatar", Some(admin), avatar)
        .await
        .fine();
    let id = &avatar["avatarId"];
    let choose = |who, id: &Value| server.post("/user/metadata", who, json!({"avatarId": id}));
    choose(Some(user), &json!("123123123")).await.refused(400);
    choose(Some(user), id).await.fine();
    choose(None, id).await.refused(403);
    let path = format!("/user/metadata/bulk?ids=[{}]", user.id);
    let seen = server.get(&path, None).await.fine();
    let expected = json!([{"userId": user.id, "avatarId": id, "imageUrl": PICTURE}]);
    assert_eq!(seen["avatars"], expected);
    let all = server.get("/avatars", None).await.fine();
    let mut all = all["avatars"].as_array().unwrap().iter();
    assert!(all.any(|avatar| avatar["id"] == *id));
}

/// Elements and a map of them; returns the map and an element.
async fn walk_through_the_catalogue(
    server: &TestServer,
    admin: &Person,
    user: &Person,
) -> (String, String) {
    let element = json!({"imageUrl": PICTURE, "width": 1, "height": 1, "static": true});
    let empty = json!({"thumbnail": PICTURE, "dimensions": "100x200", "name": "Test space",
        "defaultElements": []});
    let avatar = json!({"imageUrl": PICTURE, "name": "Timmy"});
    for (path, body) in [
        ("/admin/element", &element),
        ("/admin/map", &empty),
        ("/admin/avatar", &avatar),
    ] {
        server
            .post(path, Some(user), body.clone())
            .await
            .refused(403);
        server.post(path, Some(admin), body.clone()).await.fine();
    }
    let picture = json!({"imageUrl": PICTURE});
    let put = |who, id: &str| {
        let path = format!("/admin/element/{id}");
        let picture = picture.clone();
        async move { server.call("PUT", &path, Some(who), picture).await }
    };
    put(user, "123").await.refused(403);
    let mut ids = Vec::new();
    for _ in 0..2 {
        let made = server
            .post("/admin/element", Some(admin), element.clone())
            .await;
        ids.push(text(&made.fine()["id"]));
    }
    put(admin, &ids[0]).await.fine();
    let map = json!({"thumbnail": PICTURE, "dimensions": "100x200", "name": "Default space",
        "defaultElements": [{"elementId": ids[0], "x": 20, "y": 20},
            {"elementId": ids[0], "x": 18, "y": 20}, {"elementId": ids[1], "x": 19, "y": 20}]});
    let map = server.post("/admin/map", Some(admin), map).await.fine();
    (text(&map["id"]), ids.remove(0))
}

async fn walk_through_spaces(server: &TestServer, admin: &Person, user: &Person, map: &str) {
    let whole = json!({"name": "Test", "dimensions": "100x200", "mapId": map});
    let bare = json!({"name": "Test", "dimensions": "100x200"});
    let nothing = json!({"name": "Test"});
    server
        .post("/space", Some(user), nothing)
        .await
        .refused(400);
    for body in [whole, bare.clone()] {
        let made = server.post("/space", Some(user), body).await.fine();
        let path = format!("/space/{}", text(&made["spaceId"]));
        let delete = |who| server.call("DELETE", &path, Some(who), Value::Null);
        delete(admin).await.refused(403);
        delete(user).await.fine();
    }
    let unknown = "/space/randomIdDoesntExist";
    server
        .call("DELETE", unknown, Some(user), Value::Null)
        .await
        .refused(400);
    let all = async || server.get("/space/all", Some(admin)).await.fine()["spaces"].clone();
    assert_eq!(all().await, json!([]));
    let made = server.post("/space", Some(admin), bare).await.fine();
    assert_eq!(all().await[0]["id"], made["spaceId"]);
}

async fn walk_through_an_arena(server: &TestServer, user: &Person, map: &str, element: &str) {
    let body = json!({"name": "Test", "dimensions": "100x200", "mapId": map});
    let made = server.post("/space", Some(user), body).await.fine();
    let space = text(&made["spaceId"]);
    server
        .get("/space/123kasdk01", Some(user))
        .await
        .refused(400);
    let path = format!("/space/{space}");
    let arena = async || server.get(&path, Some(user)).await.fine();
    let seen = arena().await;
    assert_eq!(seen["dimensions"], "100x200");
    let count = |seen: &Value| seen["elements"].as_array().unwrap().len();
    assert_eq!(count(&seen), 3);
    let first = json!({"id": seen["elements"][0]["id"]});
    server
        .call("DELETE", "/space/element", Some(user), first)
        .await
        .fine();
    assert_eq!(count(&arena().await), 2);
    let place = |x: u32, y: u32| {
        let body = json!({"elementId": element, "spaceId": space, "x": x, "y": y});
        server.post("/space/element", Some(user), body)
    };
    place(10_000, 210_000).await.refused(400);
    place(50, 20).await.fine();
    assert_eq!(count(&arena().await), 3);
}

#[tokio::test]
async fn a_client_of_the_family_walks_through_all_calls() {
    let server = TestServer::start().await;
    let admin = enrolled(&server, "kirat0.5", "admin").await;
    let user = enrolled(&server, "kirat0.5-user", "user").await;
    walk_through_accounts(&server, &admin, &user).await;
    let (map, element) = walk_through_the_catalogue(&server, &admin, &user).await;
    walk_through_spaces(&server, &admin, &user, &map).await;
    walk_through_an_arena(&server, &user, &map, &element).await;
    server.stop().await;
}
