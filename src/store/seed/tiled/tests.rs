//! Tests: what a map may contain, and how everything else is reported.

use serde_json::{Value, json};

use super::*;
use crate::components::zone::ZoneKind;

fn map() -> Value {
    json!({
        "orientation": "orthogonal", "width": 2, "height": 2, "tilewidth": 32, "tileheight": 32,
        "tilesets": [{"firstgid": 1, "tiles": [
            {"id": 0, "type": "grass"},
            {"id": 1, "type": "wall", "properties": [
                {"name": "collides", "type": "bool", "value": true},
            ]},
        ]}],
        "layers": [
            {"name": "ground", "type": "tilelayer", "width": 2, "height": 2,
             "data": [1, 1, 1, 2]},
            {"name": "zones", "type": "objectgroup", "objects": [
                {"id": 1, "name": "Door", "type": "spawn", "x": 0, "y": 32,
                 "width": 64, "height": 32},
            ]},
        ],
    })
}

type Change = fn(&mut Value);

fn refusal(change: impl FnOnce(&mut Value)) -> String {
    let mut map = map();
    change(&mut map);
    read("small", map.to_string().as_bytes())
        .unwrap_err()
        .join("\n")
}

#[test]
fn a_small_map_is_read() {
    let map = read("small", map().to_string().as_bytes()).unwrap();
    assert_eq!(map.document.tiles, ["grass", "wall"]);
    assert_eq!(map.document.layers[0].data, [1, 1, 1, 2]);
    assert_eq!(map.document.blocked, ["00", "01"]);
    assert_eq!(map.document.zones[0].width, 2);
    assert_eq!(map.name, "small");
    assert!(!map.document.walls);
}

#[test]
fn a_map_can_block_voices_by_its_walls() {
    let mut walled = map();
    walled["properties"] = json!([{ "name": "walls", "type": "bool", "value": true }]);
    assert!(
        read("small", walled.to_string().as_bytes())
            .unwrap()
            .document
            .walls
    );
}

#[test]
fn a_voices_zone_has_a_reach() {
    let voices = |kind: &str, reach: Value| {
        let mut map = map();
        let zone = &mut map["layers"][1]["objects"][0];
        zone["type"] = json!(kind);
        zone["properties"] = json!([{ "name": "reach", "type": "int", "value": reach }]);
        read("small", map.to_string().as_bytes())
    };
    let zones = voices("voices", json!(2)).unwrap().document.zones();
    assert_eq!((zones[0].kind, zones[0].reach), (ZoneKind::Voices, Some(2)));
    for (expected, kind, reach) in [
        ("a `reach` of 1 to 12 tiles", "voices", json!(0)),
        ("a `reach` of 1 to 12 tiles", "voices", json!(300)),
        ("is a whole number", "voices", json!(1.5)),
        ("only a voices zone has `reach`", "spawn", json!(2)),
    ] {
        let what = voices(kind, reach).unwrap_err().join("\n");
        assert!(
            what.contains(expected),
            "{what:?} does not say {expected:?}"
        );
    }
    assert!(
        refusal(|map| map["layers"][1]["objects"][0]["type"] = json!("voices")).contains("`reach`")
    );
}

#[test]
fn turned_tiles_are_refused_with_their_place() {
    let what = refusal(|map| map["layers"][0]["data"][3] = json!(0x8000_0002_u32));
    assert!(what.contains("layer `ground`: cell 1,1: turned"), "{what}");
}

#[test]
fn unsupported_content_is_reported() {
    let cases: [(&str, Change); 9] = [
        ("cell 0,0: there is no tile 9", |map| {
            map["layers"][0]["data"][0] = json!(9);
        }),
        ("3 cells instead of 4", |map| {
            map["layers"][0]["data"] = json!([1, 1, 1]);
        }),
        ("list of numbers", |map| {
            map["layers"][0]["data"] = json!("AAAA");
        }),
        ("embedded", |map| {
            map["tilesets"][0]["source"] = json!("tiles.tsx");
        }),
        ("not infinite", |map| map["infinite"] = json!(true)),
        ("1 to 1000", |map| map["width"] = json!(0)),
        ("inside the map", |map| {
            map["layers"][1]["objects"][0]["width"] = json!(96);
        }),
        ("snap it to the grid", |map| {
            map["layers"][1]["objects"][0]["x"] = json!(7);
        }),
        ("object 1 (`Door`): its type is the kind", |map| {
            map["layers"][1]["objects"][0]["type"] = json!("lava");
        }),
    ];
    for (expected, change) in cases {
        let what = refusal(change);
        assert!(
            what.contains(expected),
            "{what:?} does not say {expected:?}"
        );
    }
}

#[test]
fn content_that_would_look_different_is_refused() {
    let cases: [(&str, Change); 17] = [
        ("layer `ground`: `visible`", |map| {
            map["layers"][0]["visible"] = json!(false);
        }),
        ("layer `ground`: `opacity`", |map| {
            map["layers"][0]["opacity"] = json!(0.3);
        }),
        ("layer `ground`: `offsetx`", |map| {
            map["layers"][0]["offsetx"] = json!(16);
        }),
        ("layer `ground`: `tintcolor`", |map| {
            map["layers"][0]["tintcolor"] = json!("#ff0000");
        }),
        ("layer `ground`: `parallaxx`", |map| {
            map["layers"][0]["parallaxx"] = json!(0.5);
        }),
        ("layer `zones`: `offsetx`", |map| {
            map["layers"][1]["offsetx"] = json!(64);
        }),
        ("layer `zones`: object 1 (`Door`): `rotation`", |map| {
            map["layers"][1]["objects"][0]["rotation"] = json!(90);
        }),
        ("`ellipse`", |map| {
            map["layers"][1]["objects"][0]["ellipse"] = json!(true);
        }),
        ("`polygon`", |map| {
            map["layers"][1]["objects"][0]["polygon"] = json!([{"x": 0, "y": 0}]);
        }),
        ("`template`", |map| {
            map["layers"][1]["objects"][0] = json!({"id": 1, "template": "a.tj", "x": 0, "y": 0});
        }),
        ("`gid`", |map| {
            map["layers"][1]["objects"][0]["gid"] = json!(1);
        }),
        ("tile 1: `animation`", |map| {
            map["tilesets"][0]["tiles"][1]["animation"] = json!([{"duration": 100, "tileid": 0}]);
        }),
        ("the tileset: its tiles are 32 × 32", |map| {
            map["tilesets"][0]["tilewidth"] = json!(64);
        }),
        ("tile 0: its picture is 32 × 32", |map| {
            map["tilesets"][0]["tiles"][0]["imagewidth"] = json!(64);
        }),
        ("`backgroundcolor`", |map| {
            map["backgroundcolor"] = json!("#003300");
        }),
        ("a `type` and a `class`", |map| {
            map["layers"][1]["objects"][0]["class"] = json!("spawn");
        }),
        ("the property `wals` is not known", |map| {
            map["properties"] = json!([{ "name": "wals", "type": "bool", "value": true }]);
        }),
    ];
    for (expected, change) in cases {
        let what = refusal(change);
        assert!(
            what.contains(expected),
            "{what:?} does not say {expected:?}"
        );
    }
}

#[test]
fn all_problems_of_a_map_are_reported_at_once() {
    let what = refusal(|map| {
        map["backgroundcolor"] = json!("#003300");
        map["layers"][0]["visible"] = json!(false);
        map["layers"][0]["data"] = json!([9, 9, 1, 1]);
        map["layers"][1]["objects"][0]["x"] = json!(7);
    });
    assert_eq!(what.lines().count(), 5, "{what}");
}
