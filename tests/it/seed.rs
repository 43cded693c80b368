//! Seeding: seeding twice changes nothing, a change updates, and a mistake is named and changes
//! nothing.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use plaza::components::unit::Tile;
use plaza::store::seed::{Folder, SeedReport};

use crate::harness::TestServer;
use crate::store::{Home, on_both};

const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/seed");

fn copy_fixture(to: &Path) {
    std::fs::create_dir_all(to.join("maps")).unwrap();
    for file in [
        "avatars.json",
        "elements.json",
        "spaces.json",
        "maps/yard.tmj",
    ] {
        std::fs::copy(Path::new(FIXTURE).join(file), to.join(file)).unwrap();
    }
}

fn edit(file: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(file).unwrap();
    assert!(
        text.contains(from),
        "{} does not hold {from}",
        file.display()
    );
    std::fs::write(file, text.replacen(from, to, 1)).unwrap();
}

async fn seeding_twice_changes_nothing(home: Home) {
    twice(&home, &Folder::read(Path::new(FIXTURE)).unwrap()).await;
}

async fn seeding_the_built_in_data_twice_changes_nothing(home: Home) {
    twice(&home, &Folder::built_in()).await;
}

async fn twice(home: &Home, folder: &Folder) {
    let store = &home.store;
    assert!(store.is_unseeded().await.unwrap());
    let first = store.seed(folder).await.unwrap();
    assert!(
        first.added > 0 && first.updated == 0 && first.unchanged == 0,
        "{first:?}"
    );
    let second = store.seed(folder).await.unwrap();
    assert_eq!(
        second,
        SeedReport {
            added: 0,
            updated: 0,
            unchanged: first.added
        }
    );
    assert!(!store.is_unseeded().await.unwrap());
}

async fn an_earlier_catalogue_is_brought_up_to_date(home: Home) {
    let store = &home.store;
    let seed = tempfile::tempdir().unwrap();
    copy_fixture(seed.path());
    let first = Folder::read(seed.path()).unwrap();
    store.seed(&first).await.unwrap();
    // As a version without families left it, and an admin changed it.
    home.suffer("update elements set family = '', tags = '', name = 'Mat' where seed_key = 'rug'")
        .await;
    let file = seed.path().join("elements.json");
    edit(
        &file,
        "\"flat\": true",
        "\"flat\": true, \"family\": \"rug\", \"variant\": \"red\", \"tags\": [\"home\", \"floor\"]",
    );
    edit(
        &file,
        "[",
        "[{\"key\": \"stool\", \"name\": \"Stool\", \"width\": 1, \"height\": 1, \"static\": false},",
    );
    let later = Folder::read(seed.path()).unwrap();
    let report = |added, updated, unchanged| SeedReport {
        added,
        updated,
        unchanged,
    };
    let extended = store.extend_catalogue(&later).await.unwrap();
    assert_eq!(extended, report(1, 1, 1));
    assert_eq!(
        store.extend_catalogue(&later).await.unwrap(),
        report(0, 0, 0)
    );
    let rows = store.catalogue().await.unwrap();
    let found: Vec<_> = rows
        .iter()
        .map(|row| (&*row.element.name, &*row.family, &*row.variant))
        .collect();
    assert_eq!(
        found,
        [
            ("Tree", "tree", ""),
            ("Mat", "rug", "red"),
            ("Stool", "stool", "")
        ]
    );
    assert_eq!(rows[1].tags, ["home", "floor"]);
}

async fn a_seeded_space_has_walls_zones_and_solid_elements(home: Home) {
    let store = &home.store;
    store
        .seed(&Folder::read(Path::new(FIXTURE)).unwrap())
        .await
        .unwrap();
    let unknown = plaza::components::id::UserId(uuid::Uuid::nil());
    let page = plaza::store::spaces::Page {
        limit: 10,
        ..Default::default()
    };
    let space = store.public_spaces(unknown, page).await.unwrap().remove(0);
    let layout = store.space_layout(space.id).await.unwrap().unwrap();
    assert_eq!((layout.width, layout.height), (4, 3));
    assert_eq!(layout.blocked, [Tile::new(3, 0), Tile::new(0, 2)]);
    assert_eq!(layout.zones[0].name, "Gate");
    let solid: Vec<_> = layout
        .elements
        .iter()
        .filter_map(|placed| placed.solid)
        .collect();
    assert_eq!(solid.len(), 1);
    assert_eq!(
        (solid[0].corner, solid[0].width, solid[0].height),
        (Tile::new(1, 1), 1, 1)
    );
}

async fn a_change_updates_its_rows_and_the_seeded_space(home: Home) {
    let store = &home.store;
    let seed = tempfile::tempdir().unwrap();
    copy_fixture(seed.path());
    store
        .seed(&Folder::read(seed.path()).unwrap())
        .await
        .unwrap();
    let unknown = plaza::components::id::UserId(uuid::Uuid::nil());
    let page = plaza::store::spaces::Page {
        limit: 10,
        ..Default::default()
    };
    let before = store.public_spaces(unknown, page).await.unwrap().remove(0);

    edit(
        &seed.path().join("maps/yard.tmj"),
        "\"type\": \"tree\", \"x\": 32",
        "\"type\": \"tree\", \"x\": 64",
    );
    edit(&seed.path().join("avatars.json"), "Ann", "Anna");
    let report = store
        .seed(&Folder::read(seed.path()).unwrap())
        .await
        .unwrap();
    assert_eq!((report.added, report.updated), (0, 2), "{report:?}");
    let after = store.public_spaces(unknown, page).await.unwrap().remove(0);
    assert_eq!(after.id, before.id);
    assert!(after.plan_version > before.plan_version);
    assert!(
        store
            .placed(after.id)
            .await
            .unwrap()
            .iter()
            .any(|placed| placed.corner == Tile::new(2, 0))
    );
    assert_eq!(store.avatars().await.unwrap()[0].name, "Anna");
}

async fn a_mistake_is_named_and_nothing_is_loaded(home: Home) {
    let store = &home.store;
    let cases = [
        (
            "avatars.json",
            "\"ann\"",
            "\"Ann!\"",
            "entry 1: a key is made of",
        ),
        ("avatars.json", "[", "", "line 1"),
        (
            "elements.json",
            "\"height\": 2",
            "\"height\": 0",
            "element `tree`",
        ),
        ("elements.json", "\"y\": 1", "\"y\": 2", "footprint"),
        (
            "elements.json",
            "\"flat\": true",
            "\"tags\": [\"two words\"]",
            "element `rug`: tags are",
        ),
        (
            "elements.json",
            "\"flat\": true",
            "\"family\": \"\"",
            "element `rug`: a family is",
        ),
        (
            "elements.json",
            "\"tree\"",
            "\"shrub\"",
            "maps/yard.tmj: there is no element `tree`",
        ),
        (
            "spaces.json",
            "\"yard\"",
            "\"nowhere\"",
            "spaces.json: space `open-yard`: there is no maps/nowhere.tmj",
        ),
        (
            "maps/yard.tmj",
            "\"x\": 32",
            "\"x\": 128",
            "lies outside the map",
        ),
    ];
    for (file, from, to, expected) in cases {
        let seed = tempfile::tempdir().unwrap();
        copy_fixture(seed.path());
        edit(&seed.path().join(file), from, to);
        let error = store
            .seed(&Folder::read(seed.path()).unwrap())
            .await
            .unwrap_err()
            .to_string();
        assert!(
            error.contains(expected),
            "{error:?} does not say {expected:?}"
        );
        assert!(
            store.avatars().await.unwrap().is_empty() && store.maps().await.unwrap().is_empty()
        );
    }
}

async fn a_portal_needs_an_existing_space(home: Home) {
    let store = &home.store;
    let nowhere = uuid::Uuid::from_u128(7).to_string();
    let portal = |space: &str| {
        let seed = tempfile::tempdir().unwrap();
        copy_fixture(seed.path());
        let zone = format!(
            r#"{{"id": 9, "type": "portal", "name": "Out",
            "x": 0, "y": 32, "width": 32, "height": 32,
            "properties": [{{"name": "space", "type": "string", "value": "{space}"}}]}},
            {{"id": 3,"#
        );
        edit(&seed.path().join("maps/yard.tmj"), "{\"id\": 3,", &zone);
        Folder::read(seed.path()).unwrap()
    };
    let error = store.seed(&portal(&nowhere)).await.unwrap_err().to_string();
    assert!(
        error.contains("maps/yard.tmj: zone `Out`: it leads to the space"),
        "{error}"
    );
    let there = home.some_space().await.to_string();
    store.seed(&portal(&there)).await.unwrap();
}

#[test]
fn missing_targets_and_unread_files_are_refused_in_one_report() {
    let seed = tempfile::tempdir().unwrap();
    copy_fixture(seed.path());
    let map = seed.path().join("maps/yard.tmj");
    let portal = |id: u8, space: &str, zone: &str| {
        format!(
            r#"{{"id": {id}, "type": "portal", "name": "P{id}",
            "x": 0, "y": 32, "width": 32, "height": 32, "properties": [
            {{"name": "space", "type": "string", "value": "{space}"}},
            {{"name": "zone", "type": "string", "value": "{zone}"}}]}},"#
        )
    };
    let portals = portal(7, "nowhere", "Gate")
        + &portal(8, "open-yard", "No such door")
        + &portal(9, "open-yard", "Gate");
    edit(&map, "{\"id\": 3,", &(portals + "{\"id\": 3,"));
    std::fs::copy(&map, seed.path().join("maps/Große Halle.tmj")).unwrap();
    std::fs::copy(&map, seed.path().join("maps/hall.json")).unwrap();
    std::fs::write(seed.path().join("maps/hall.tmx"), "<map/>").unwrap();
    std::fs::create_dir(seed.path().join("maps/inner")).unwrap();
    std::fs::copy(&map, seed.path().join("maps/inner/hall.tmj")).unwrap();
    let folder = Folder::read(seed.path())
        .unwrap()
        .drawn_with(|path| path != "avatars/ann.svg" && path != "tiles/grass.svg");
    let problems = [
        "maps/yard.tmj: zone `P7`: it leads to `nowhere`",
        "maps/yard.tmj: zone `P8`: it leads to the zone `No such door`",
        "maps/Große Halle.tmj: a key is made of",
        "maps/hall.json: it is not read",
        "maps/hall.tmx: it is not read",
        "maps/inner/hall.tmj: it is not read",
        "avatars.json: `ann`: there is no picture /art/avatars/ann.svg",
    ];
    let says_all = |report: &str, tile: &str| {
        let tile = format!("maps/yard.tmj: tile `{tile}`: there is no picture");
        for problem in problems.into_iter().chain([tile.as_str()]) {
            let mut lines = report.lines();
            assert!(
                lines.any(|line| line.starts_with(problem)),
                "no line of this says {problem:?}: {report}"
            );
        }
        assert!(!report.contains("`P9`"), "{report}");
    };
    says_all(&folder.check().unwrap_err().to_string(), "grass");
    // The command says the same, and touches no data.
    let elsewhere = tempfile::tempdir().unwrap();
    for arguments in [&["seed", "--check"][..], &["seed"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plaza"));
        command.current_dir(elsewhere.path()).args(arguments);
        let output = command.arg(seed.path()).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(output.stdout.is_empty(), "{output:?}");
        says_all(&String::from_utf8(output.stderr).unwrap(), "wall");
        if arguments.contains(&"--check") {
            let left = std::fs::read_dir(elsewhere.path()).unwrap().count();
            assert_eq!(left, 0, "nothing was made");
        }
    }
}

#[test]
fn a_map_without_a_free_tile_is_refused() {
    let seed = tempfile::tempdir().unwrap();
    copy_fixture(seed.path());
    let map = seed.path().join("maps/yard.tmj");
    let text = std::fs::read_to_string(&map).unwrap();
    let mut map: serde_json::Value = serde_json::from_str(&text).unwrap();
    map["layers"][0]["properties"] =
        serde_json::json!([{"name": "collides", "type": "bool", "value": true}]);
    std::fs::write(seed.path().join("maps/yard.tmj"), map.to_string()).unwrap();
    let error = Folder::read(seed.path())
        .unwrap()
        .check()
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("maps/yard.tmj: everything blocks"),
        "{error}"
    );
}

#[test]
fn the_built_in_seed_has_all_pictures_and_targets() {
    let art = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/art");
    assert!(art.is_dir());
    let has_art = |path: &str| {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("assets/art")
            .join(path)
            .is_file()
    };
    Folder::built_in().drawn_with(has_art).check().unwrap();
}

fn art(folder: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("assets/art")
        .join(folder);
    let mut pictures = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|end| end == "svg") {
            let key = path.file_stem().unwrap().to_string_lossy().into_owned();
            pictures.push((key, std::fs::read_to_string(&path).unwrap()));
        }
    }
    pictures.sort();
    pictures
}

#[test]
fn the_catalogue_has_every_picture_in_its_size() {
    let list = include_str!("../../assets/seed/elements.json");
    let list: Vec<serde_json::Value> = serde_json::from_str(list).unwrap();
    let mut listed: Vec<_> = list
        .iter()
        .map(|entry| entry["key"].as_str().unwrap().to_owned())
        .collect();
    listed.sort();
    let pictures = art("elements");
    let drawn: Vec<_> = pictures.iter().map(|(key, _)| key.clone()).collect();
    assert_eq!(listed, drawn);
    let guide = include_str!("../../docs/maps.md");
    let mut variants = BTreeSet::new();
    for entry in &list {
        let key = entry["key"].as_str().unwrap();
        let pixels = |name: &str| entry[name].as_u64().unwrap() * 32;
        let size = format!("viewBox=\"0 0 {} {}\"", pixels("width"), pixels("height"));
        let place = drawn.iter().position(|drawn| drawn == key).unwrap();
        assert!(pictures[place].1.contains(&size), "{key}: not {size}");
        assert!(
            entry["tags"]
                .as_array()
                .is_some_and(|tags| !tags.is_empty())
        );
        let family = entry["family"].as_str().unwrap();
        assert!(guide.contains(&format!("`{family}`")), "docs: {family}");
        let variant = (family, entry["variant"].to_string());
        assert!(variants.insert(variant), "{key}: this variant occurs twice");
    }
}

#[test]
fn all_colours_of_the_pictures_are_in_the_palette() {
    let palette = include_str!("../../assets/art/palette.json");
    for folder in ["tiles", "elements", "avatars", "avatars/sheets"] {
        for (key, picture) in art(folder) {
            // A reference to a part of the same picture is no colour.
            let picture = picture.replace("href=\"#", "");
            for colour in picture.split("=\"#").skip(1) {
                let colour = format!("\"#{}\"", &colour[..6]);
                assert!(palette.contains(&colour), "{folder}/{key}: {colour}");
            }
        }
    }
}

#[tokio::test]
async fn the_catalogue_is_listed_with_families_and_words() {
    let server = TestServer::start().await;
    let catalogue = server.get("/catalogue", None).await.fine();
    let listed = catalogue["elements"].as_array().unwrap();
    let entry = |url: &str| {
        let is_it = |entry: &&serde_json::Value| entry["imageUrl"] == url;
        listed.iter().find(is_it).unwrap()
    };
    let cart = entry("/art/elements/popcorn-cart.svg");
    assert_eq!(cart["name"], "Popcorn cart");
    assert_eq!(cart["footprint"]["y"], 2);
    assert_eq!(cart["family"], "popcorn-cart");
    assert!(
        cart["tags"]
            .as_array()
            .unwrap()
            .contains(&"festival".into())
    );
    let (rug, red) = (
        entry("/art/elements/rug.svg"),
        entry("/art/elements/rug-plum.svg"),
    );
    assert_eq!(
        (&rug["family"], &rug["flat"]),
        (&red["family"], &red["flat"])
    );
    assert_ne!(rug["variant"], red["variant"]);
    server.stop().await;
}

on_both!(
    an_earlier_catalogue_is_brought_up_to_date,
    seeding_twice_changes_nothing,
    seeding_the_built_in_data_twice_changes_nothing,
    a_seeded_space_has_walls_zones_and_solid_elements,
    a_change_updates_its_rows_and_the_seeded_space,
    a_mistake_is_named_and_nothing_is_loaded,
    a_portal_needs_an_existing_space,
);
