//! The lobby, the maps of spaces, and the pictures that the server draws.

use serde_json::{Value, json};

use crate::harness::{TestServer, text};

#[tokio::test]
async fn the_lobby_shows_own_and_public_spaces() {
    let server = TestServer::start().await;
    let (ada, bo) = (server.user("ada").await, server.user("bo").await);
    let make =
        |name: &str, public: bool| json!({"name": name, "dimensions": "8x6", "public": public});
    server
        .post("/space", Some(&ada), make("Straße", false))
        .await
        .fine();
    server
        .post("/space", Some(&ada), make("Open 100%", true))
        .await
        .fine();
    let names = |list: &Value| {
        list.as_array()
            .unwrap()
            .iter()
            .map(|one| text(&one["name"]))
            .collect::<Vec<_>>()
    };

    let lobby = server.get("/spaces", Some(&ada)).await.fine();
    assert_eq!(names(&lobby["mine"]), ["Open 100%", "Straße"]);
    assert_eq!(names(&lobby["public"]), ["Plaza"]);
    let entry = &lobby["mine"][0];
    assert_eq!(
        (&entry["people"], &entry["public"], &entry["mine"]),
        (&json!(0), &json!(true), &json!(true))
    );
    assert_eq!(entry["dimensions"], "8x6");

    let lobby = server.get("/spaces", Some(&bo)).await.fine();
    assert_eq!(names(&lobby["mine"]), [""; 0]);
    assert_eq!(names(&lobby["public"]), ["Open 100%", "Plaza"]);
    assert_eq!(
        names(&server.get("/spaces?q=STRA%C3%9FE", Some(&ada)).await.fine()["mine"]),
        ["Straße"]
    );
    assert_eq!(
        names(&server.get("/spaces?q=100%25", Some(&bo)).await.fine()["public"]),
        ["Open 100%"]
    );
    assert_eq!(
        names(&server.get("/spaces?q=%25", Some(&bo)).await.fine()["public"]),
        ["Open 100%"]
    );
    server
        .get("/spaces?cursor=nonsense", Some(&bo))
        .await
        .refused(400);
    server.stop().await;
}

#[tokio::test]
async fn one_owner_cannot_fill_the_first_page_of_the_lobby() {
    let server = TestServer::start().await;
    let (ada, bo, cleo) = (
        server.user("ada").await,
        server.user("bo").await,
        server.user("cleo").await,
    );
    let make = |name: String| json!({"name": name, "dimensions": "5x5", "public": true});
    server
        .post("/space", Some(&ada), make("Ada's".into()))
        .await
        .fine();
    for number in 1..=50 {
        server
            .post("/space", Some(&bo), make(format!("{number}")))
            .await
            .fine();
    }
    let page = async |cursor: &str| {
        let lobby = server
            .get(&format!("/spaces?cursor={cursor}"), Some(&cleo))
            .await
            .fine();
        let list = lobby["public"].as_array().unwrap().iter();
        let names: Vec<String> = list.map(|one| text(&one["name"])).collect();
        (names, lobby["cursor"].as_str().map(str::to_owned))
    };
    let (first, cursor) = page("").await;
    assert_eq!(
        first[..8],
        ["50", "49", "48", "47", "46", "Ada's", "Plaza", "45"]
    );
    let (second, end) = page(&cursor.unwrap()).await;
    assert_eq!(
        (first.len(), &second[..], end),
        (50, &["2".into(), "1".into()][..], None)
    );
    server.stop().await;
}

#[tokio::test]
async fn an_unchanged_lobby_is_not_sent_again() {
    let server = TestServer::start().await;
    let ada = server.user("ada").await;
    let etag = server
        .get("/spaces", Some(&ada))
        .await
        .header("etag")
        .to_owned();
    let again = || {
        server
            .request("GET".parse().unwrap(), "/spaces")
            .bearer_auth(&ada.token)
            .header("if-none-match", &etag)
    };
    let unchanged = server.send(again()).await;
    assert_eq!(
        (unchanged.status.as_u16(), unchanged.text.as_str()),
        (304, "")
    );
    server.space(&ada, "5x5").await;
    assert_eq!(server.send(again()).await.status.as_u16(), 200);
    server.stop().await;
}

#[tokio::test]
async fn maps_and_thumbnails_are_sent_in_the_form_that_is_kept() {
    let server = TestServer::start().await;
    let ada = server.user("ada").await;
    let space = server.space(&ada, "30x20").await;
    for end in ["", "/map", "/thumbnail.svg"] {
        let path = format!("/space/{space}{end}");
        let ask = |accepted| {
            let request = server.request("GET".parse().unwrap(), &path);
            request.header("accept-encoding", accepted)
        };
        let plain = server.send(ask("identity")).await;
        let response = ask("gzip").send().await.unwrap();
        let headers = response.headers().clone();
        assert_eq!(headers["content-encoding"], "gzip", "{path}");
        assert_eq!(headers["vary"], "accept-encoding", "{path}");
        assert_eq!(plain.header("vary"), "accept-encoding", "{path}");
        assert_eq!(plain.header("content-encoding"), "", "{path}");
        assert_eq!(headers.get("etag"), plain.headers.get("etag"), "{path}");
        // What is compressed for each request has no length.
        let length = headers["content-length"].to_str().unwrap().to_owned();
        let body = response.bytes().await.unwrap();
        assert_eq!(length, body.len().to_string(), "{path}");
        assert_eq!(body[..2], [0x1f, 0x8b], "{path}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_space_from_a_seeded_map_can_be_drawn() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let maps = server.get("/maps", None).await.fine();
    for map in maps["maps"].as_array().unwrap() {
        let space = server
            .post(
                "/space",
                Some(&admin),
                json!({"name": "X", "mapId": map["id"]}),
            )
            .await
            .fine();
        let space = text(&space["spaceId"]);
        let drawn = server
            .get(&format!("/space/{space}/map"), None)
            .await
            .fine();
        let (width, height) = (
            drawn["width"].as_u64().unwrap() as usize,
            drawn["height"].as_u64().unwrap() as usize,
        );
        assert_eq!(map["dimensions"], format!("{width}x{height}"));
        let tiles = drawn["tiles"].as_array().unwrap();
        for tile in tiles {
            let picture = server
                .get(&format!("//art/tiles/{}.svg", text(tile)), None)
                .await;
            assert_eq!(picture.status.as_u16(), 200, "{tile}");
        }
        for layer in drawn["layers"].as_array().unwrap() {
            let cells = layer["data"].as_array().unwrap();
            assert_eq!(cells.len(), width * height);
            assert!(
                cells
                    .iter()
                    .all(|cell| cell.as_u64().unwrap() as usize <= tiles.len())
            );
        }
        let blocked: Vec<_> = drawn["blocked"]
            .as_array()
            .unwrap()
            .iter()
            .map(text)
            .collect();
        assert_eq!(blocked.len(), height);
        assert!(blocked.iter().all(|row| row.len() == width));
        assert!(
            drawn["zones"]
                .as_array()
                .unwrap()
                .iter()
                .any(|zone| zone["kind"] == "spawn")
        );
        let picture = server
            .get(&text(&map["thumbnail"]).replacen("/api/v1", "", 1), None)
            .await;
        assert_eq!(picture.header("content-type"), "image/svg+xml");
        assert!(
            picture
                .header("content-security-policy")
                .contains("default-src 'none'")
        );
        assert!(
            picture.text.len() < 250_000,
            "{} is {} bytes",
            map["name"],
            picture.text.len()
        );
        assert!(picture.text.contains("url(#s0)") && picture.text.contains("<use "));
    }
    server.stop().await;
}

#[tokio::test]
async fn the_map_of_a_space_changes_with_its_elements() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let space = server.space(&admin, "10x5").await;
    let element = server.element(&admin, 2, 1).await;
    let path = format!("/space/{space}/map");
    let first = server.get(&path, None).await;
    let document = first.fine();
    assert_eq!(
        (&document["layers"], &document["elements"]),
        (&json!([]), &json!([]))
    );
    assert_eq!(document["blocked"], json!(vec!["0000000000"; 5]));
    let again = || {
        server
            .request("GET".parse().unwrap(), &path)
            .header("if-none-match", first.header("etag"))
    };
    assert_eq!(server.send(again()).await.status.as_u16(), 304);

    let body = json!({"spaceId": space, "elementId": element, "x": 1, "y": 2});
    server
        .post("/space/element", Some(&admin), body)
        .await
        .fine();
    let changed = server.send(again()).await.fine();
    assert!(changed["version"].as_u64() > document["version"].as_u64());
    let kind = &changed["elements"][0]["element"];
    assert_eq!(
        kind["footprint"],
        json!({"x": 0, "y": 0, "width": 2, "height": 1})
    );
    assert_eq!(
        (&kind["static"], &kind["flat"]),
        (&json!(true), &json!(false))
    );
    let picture = server
        .get(&format!("/space/{space}/thumbnail.svg"), None)
        .await;
    assert!(
        picture.text.contains("rx=\".2\""),
        "a picture from elsewhere is a plain rectangle"
    );
    assert!(!picture.text.contains("example.org"));
    server.stop().await;
}
