//! The ground: what is drawn is what blocks, for any change and any way of learning of it. No
//! player is put through a locked door, and no player is left without a way out.

use plaza::components::command::Command;
use plaza::components::denial::Denial;
use plaza::components::direction::Direction;
use plaza::components::element::{ElementCommand, ElementFact};
use plaza::components::fact::Fact;
use plaza::components::follow::{Follow, Followed};
use plaza::components::id::{ElementId, PlacementId, PlayerId};
use plaza::components::layout::{Placement, SpaceLayout};
use plaza::components::movement::MovementCommand;
use plaza::components::peers::ProximityRules;
use plaza::components::player::HeldStep;
use plaza::components::presence::PresenceCommand;
use plaza::components::tile_rect::TileRect;
use plaza::components::unit::{TickRate, Tile};
use plaza::components::zone::{PortalTarget, Zone, ZoneCommand, ZoneFact, ZoneKind};
use plaza::space::Space;
use plaza::store::Store;
use plaza::store::seed::Folder;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::clients::BinaryClient;
use crate::cluster::Shared;
use crate::harness::{Person, TestServer};
use crate::space::join;

/// Waits until a client was told of that map version or a later one.
pub async fn hears_of(client: &mut BinaryClient, version: u32) {
    while client.map_version < version {
        client.next().await.expect("the connection stays");
    }
}

/// Checks that the running space matches its map: a newcomer is told the map's version and the hash
/// of its collision grid.
pub async fn shown_is_solid(server: &TestServer, who: &Person, space: &str) -> Value {
    let newcomer = BinaryClient::join(&server.address, who, space).await;
    let map = server
        .get(&format!("/space/{space}/map"), None)
        .await
        .fine();
    assert_eq!(map["version"], newcomer.welcome.map_version);
    let mut rows: Vec<Vec<u8>> = map["blocked"].as_array().unwrap().iter().map(row).collect();
    for placed in map["elements"].as_array().unwrap() {
        let number = |value: &Value| value.as_u64().unwrap() as usize;
        let print = &placed["element"]["footprint"];
        let (x, y) = (
            number(&placed["x"]) + number(&print["x"]),
            number(&placed["y"]) + number(&print["y"]),
        );
        let is_solid = placed["element"]["static"] == true;
        for row in rows
            .iter_mut()
            .skip(y)
            .take(number(&print["height"]))
            .filter(|_| is_solid)
        {
            row.iter_mut()
                .skip(x)
                .take(number(&print["width"]))
                .for_each(|tile| *tile = b'1');
        }
    }
    let hash = rows.iter().flatten().fold(0x811c_9dc5_u32, |hash, tile| {
        (hash ^ u32::from(*tile == b'1')).wrapping_mul(0x0100_0193)
    });
    assert_eq!(
        hash, newcomer.welcome.grid_hash,
        "what is drawn is what blocks"
    );
    map
}

fn row(text: &Value) -> Vec<u8> {
    text.as_str().unwrap().as_bytes().to_vec()
}

/// Places an element without telling the server, as a process does that cannot reach it.
async fn place_untold(store: &Store, space: &str, element: &str, corner: Tile) -> u32 {
    let (space, element) = (space.parse().unwrap(), element.parse().unwrap());
    store
        .place(space, element, corner, 100)
        .await
        .unwrap()
        .unwrap()
        .1
}

#[tokio::test]
async fn an_unannounced_edit_reaches_the_players_inside() {
    let server = TestServer::start().await;
    let (ada, bob, admin) = (
        server.user("ada").await,
        server.user("bob").await,
        server.admin().await,
    );
    let space = server.space(&ada, "20x20").await;
    let element = server.element(&admin, 2, 1).await;
    let mut inside = BinaryClient::join(&server.address, &ada, &space).await;
    let store = Store::open(server.folder()).await.unwrap();
    let version = place_untold(&store, &space, &element, Tile::new(3, 3)).await;
    hears_of(&mut inside, version).await;
    shown_is_solid(&server, &bob, &space).await;
    // An announced edit after an unannounced one shows that the space is behind, and brings both.
    place_untold(&store, &space, &element, Tile::new(5, 5)).await;
    let body = json!({"spaceId": space, "elementId": element, "x": 7, "y": 7});
    server.post("/space/element", Some(&ada), body).await.fine();
    hears_of(&mut inside, version + 2).await;
    shown_is_solid(&server, &bob, &space).await;
    store.close().await;
    server.stop().await;
}

#[tokio::test]
async fn an_element_placed_while_a_space_opens_blocks() {
    let server = TestServer::start().await;
    let (ada, bob, admin) = (
        server.user("ada").await,
        server.user("bob").await,
        server.admin().await,
    );
    let element = server.element(&admin, 2, 1).await;
    for number in 0..20_u16 {
        let space = server.space(&ada, "20x20").await;
        let body = json!({"spaceId": space, "elementId": element, "x": number % 10, "y": 3});
        let joining = BinaryClient::join(&server.address, &ada, &space);
        let (mut inside, placed) =
            tokio::join!(joining, server.post("/space/element", Some(&ada), body));
        placed.fine();
        hears_of(&mut inside, 2).await;
        shown_is_solid(&server, &bob, &space).await;
    }
    server.stop().await;
}

#[tokio::test]
async fn a_changed_element_changes_in_every_process() {
    let shared = Shared::new();
    let (first, second) = (shared.server().await, shared.server().await);
    let (ada, bob, admin) = (
        first.user("ada").await,
        first.user("bob").await,
        first.admin().await,
    );
    let space = first.space(&ada, "20x20").await;
    let element = first.element(&admin, 1, 1).await;
    let mut inside = BinaryClient::join(&first.address, &ada, &space).await;
    let body = json!({"spaceId": space, "elementId": element, "x": 3, "y": 3});
    second.post("/space/element", Some(&ada), body).await.fine();
    hears_of(&mut inside, 2).await;
    let change = json!({"width": 3, "height": 2});
    let path = format!("/admin/element/{element}");
    second.call("PUT", &path, Some(&admin), change).await.fine();
    hears_of(&mut inside, 3).await;
    shown_is_solid(&second, &bob, &space).await;
    second.stop().await;
    first.stop().await;
}

#[tokio::test]
async fn clients_learn_of_changes_made_during_a_takeover() {
    let shared = Shared::new();
    let folder = tempfile::tempdir().unwrap();
    let watcher = shared.server().await;
    let owner = shared.process(folder.path());
    let (ada, bob, admin) = (
        watcher.user("ada").await,
        watcher.user("bob").await,
        watcher.admin().await,
    );
    let space = watcher.space(&ada, "20x20").await;
    let element = watcher.element(&admin, 2, 2).await;
    // The other process runs the space, since the first request for it came there.
    let there = BinaryClient::join(&owner.address, &ada, &space).await;
    let mut here = BinaryClient::join(&watcher.address, &bob, &space).await;
    here.sees(&ada.id).await;
    drop(owner);
    drop(there);
    let store = Store::connect(&shared.database.url().parse().unwrap())
        .await
        .unwrap();
    let version = place_untold(&store, &space, &element, Tile::new(4, 4)).await;
    let life = here.epoch;
    hears_of(&mut here, version).await;
    here.until(|client, _| client.epoch > life).await;
    shown_is_solid(&watcher, &ada, &space).await;
    store.close().await;
    watcher.stop().await;
}

/// A seed with one space, whose map has a wall in that column.
fn seed(width: u16, wall: u16, zones: &[(&str, &str, u16)]) -> Folder {
    let height = 6;
    let data: Vec<u8> = (0..width * height)
        .map(|at| if at % width == wall { 2 } else { 1 })
        .collect();
    let objects: Vec<Value> = (1..)
        .zip(zones)
        .map(|(id, (name, kind, x))| {
            json!({
                "id": id, "name": name, "type": kind, "x": x * 32, "y": 0, "width": 64, "height": 64
            })
        })
        .collect();
    let map = json!({
        "orientation": "orthogonal", "width": width, "height": height,
        "tilewidth": 32, "tileheight": 32,
        "tilesets": [{"firstgid": 1, "tiles": [
            {"id": 0, "type": "grass-a"},
            {"id": 1, "type": "grass-b",
             "properties": [{"name": "collides", "type": "bool", "value": true}]},
        ]}],
        "layers": [
            {"name": "ground", "type": "tilelayer", "width": width, "height": height, "data": data},
            {"name": "zones", "type": "objectgroup", "objects": objects},
        ],
    });
    Folder::of([
        ("maps/yard.tmj".to_owned(), map.to_string().into_bytes()),
        (
            "spaces.json".to_owned(),
            br#"[{"key": "yard", "name": "Seeded yard", "map": "yard"}]"#.to_vec(),
        ),
    ])
}

async fn yard(server: &TestServer, who: &Person) -> String {
    let spaces = server.get("/spaces", Some(who)).await.fine();
    let mut spaces = spaces["public"].as_array().unwrap().iter();
    let yard = spaces.find(|space| space["name"] == "Seeded yard").unwrap();
    yard["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_reseeded_map_changes_a_running_space() {
    let server = TestServer::start().await;
    let store = Store::open(server.folder()).await.unwrap();
    store
        .seed(&seed(
            12,
            6,
            &[("Door", "spawn", 0), ("Left", "private", 2)],
        ))
        .await
        .unwrap();
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let space = yard(&server, &ada).await;
    let mut inside = BinaryClient::join(&server.address, &ada, &space).await;
    let before = inside.welcome.map_version;
    let zones = [
        ("Door", "spawn", 0),
        ("Right", "private", 8),
        ("Left", "private", 2),
    ];
    store.seed(&seed(12, 3, &zones)).await.unwrap();
    hears_of(&mut inside, before + 1).await;
    let map = shown_is_solid(&server, &bob, &space).await;
    assert_eq!(map["blocked"][2], "000100000000");
    // With another size, the space is opened again.
    store.seed(&seed(9, 3, &zones[..1])).await.unwrap();
    assert_eq!(inside.ended().await, Some(1001));
    let again = BinaryClient::join(&server.address, &ada, &space).await;
    assert_eq!((again.welcome.width, again.welcome.height), (9, 6));
    shown_is_solid(&server, &bob, &space).await;
    store.close().await;
    server.stop().await;
}

// A space without a server.

const RATE: TickRate = TickRate::DEFAULT;

fn plan(width: u16, height: u16, zones: Vec<Zone>) -> SpaceLayout {
    SpaceLayout {
        width,
        height,
        blocked: Vec::new(),
        has_walls: false,
        proximity: ProximityRules::default(),
        zones,
        elements: Vec::new(),
        version: 1,
    }
}

fn zone(kind: ZoneKind, name: &str, (x, y): (u16, u16), width: u16, height: u16) -> Zone {
    let corner = Tile::new(x, y);
    Zone::new(
        kind,
        name.into(),
        TileRect {
            corner,
            width,
            height,
        },
    )
}

fn block(id: u128, version: u32, (x, y): (u16, u16), width: u16, height: u16) -> Command {
    let corner = Tile::new(x, y);
    Command::Element(ElementCommand::Place {
        placement: Placement {
            id: PlacementId(Uuid::from_u128(id)),
            element: ElementId(Uuid::from_u128(7)),
            corner,
            solid: Some(TileRect {
                corner,
                width,
                height,
            }),
        },
        version,
    })
}

fn tile(space: &mut Space, player: u32) -> Tile {
    let snapshot = space.snapshot();
    let found = snapshot
        .players
        .iter()
        .find(|(card, ..)| card.player == PlayerId(player));
    found.unwrap().1.position.tile()
}

fn walk(space: &mut Space, player: u32, direction: Direction, first: u32, steps: u32) {
    for seq in first..first + steps {
        let step = HeldStep {
            seq,
            direction,
            run: false,
        };
        space.step(&[Command::Movement(MovementCommand::Step {
            player: PlayerId(player),
            step,
        })]);
    }
}

#[test]
fn edits_apply_in_order_and_an_early_one_is_held_back() {
    let mut space = Space::new(&plan(8, 8, Vec::new()), RATE);
    let hash = space.snapshot().grid_hash;
    let out = space.step(&[block(2, 3, (5, 5), 1, 1)]);
    assert!(out.facts.is_empty() && space.is_behind());
    assert_eq!((space.version(), space.snapshot().grid_hash), (1, hash));
    space.step(&[block(1, 2, (3, 3), 1, 1)]);
    assert!(space.is_behind());
    assert_eq!(space.version(), 2);
    let mut whole = plan(8, 8, Vec::new());
    whole.version = 3;
    whole.blocked = vec![Tile::new(0, 0)];
    let replace = |plan: &SpaceLayout| {
        Command::Element(ElementCommand::ReplaceLayout {
            layout: Box::new(plan.clone()),
        })
    };
    let out = space.step(&[replace(&whole)]);
    assert_eq!(
        out.facts,
        [Fact::Element(ElementFact::LayoutReplaced { version: 3 })]
    );
    assert!(!space.is_behind());
    let hash = space.snapshot().grid_hash;
    let late = [replace(&whole), block(1, 2, (3, 3), 1, 1)];
    assert!(
        space.step(&late).facts.is_empty(),
        "an old edit changes nothing"
    );
    assert_eq!(space.snapshot().grid_hash, hash);
}

#[test]
fn locks_stay_with_their_zones_when_zones_are_renumbered() {
    let left = || zone(ZoneKind::Private, "Left", (0, 0), 4, 8);
    let mut space = Space::new(
        &plan(
            12,
            8,
            vec![left(), zone(ZoneKind::Spawn, "Door", (1, 1), 1, 1)],
        ),
        RATE,
    );
    space.step(&[join(1)]);
    space.step(&[Command::Zone(ZoneCommand::Lock {
        player: PlayerId(1),
        zone: 0,
        locked: true,
    })]);
    let mut next = plan(
        12,
        8,
        vec![zone(ZoneKind::Private, "Right", (8, 0), 4, 8), left()],
    );
    next.version = 2;
    let out = space.step(&[Command::Element(ElementCommand::ReplaceLayout {
        layout: Box::new(next),
    })]);
    let states = out.facts.iter().filter_map(|fact| match fact {
        Fact::Zone(ZoneFact::Changed(state)) => Some((state.zone, state.locked, state.people)),
        _ => None,
    });
    assert_eq!(states.collect::<Vec<_>>(), [(0, false, 0), (1, true, 1)]);
}

#[test]
fn no_player_is_put_through_a_lock() {
    // A full private zone next to a player who gets a large object on their tile: all free tiles
    // nearby are inside the zone.
    let room = Zone {
        cap: Some(1),
        ..zone(ZoneKind::Private, "Room", (8, 0), 4, 8)
    };
    let mut space = Space::new(
        &plan(
            16,
            8,
            vec![room, zone(ZoneKind::Spawn, "Door", (7, 3), 2, 1)],
        ),
        RATE,
    );
    space.step(&[join(1), join(2)]);
    let (inside, outside) = if tile(&mut space, 1).x == 8 {
        (1, 2)
    } else {
        (2, 1)
    };
    assert_eq!(
        (tile(&mut space, inside).x, tile(&mut space, outside).x),
        (8, 7)
    );
    space.step(&[block(1, 2, (3, 1), 5, 5)]);
    let at = tile(&mut space, outside);
    assert!(at.x < 8, "put into the zone, at {at:?}");
    assert_eq!(
        at,
        Tile::new(7, 0),
        "the nearest place that is not in there"
    );
    // The player inside the zone stays inside.
    space.step(&[block(2, 3, (8, 3), 1, 1)]);
    assert!((8..12).contains(&tile(&mut space, inside).x));
}

#[test]
fn no_player_is_put_through_a_wall() {
    let mut walled = plan(20, 9, vec![zone(ZoneKind::Spawn, "Door", (5, 4), 1, 1)]);
    walled.blocked = (0..9).map(|y| Tile::new(6, y)).collect();
    let mut space = Space::new(&walled, RATE);
    space.step(&[join(1)]);
    space.step(&[block(1, 2, (3, 2), 3, 5)]);
    let at = tile(&mut space, 1);
    assert!(at.x < 6, "put behind the wall, at {at:?}");
}

#[test]
fn a_walled_in_player_goes_to_the_spawn() {
    let mut space = Space::new(
        &plan(20, 20, vec![zone(ZoneKind::Spawn, "Door", (1, 1), 1, 1)]),
        RATE,
    );
    space.step(&[join(1)]);
    walk(&mut space, 1, Direction::Right, 1, 60);
    let at = tile(&mut space, 1);
    assert!(at.x > 8, "{at:?}");
    let walls = [
        (at.x - 1, 0, 1, 3),
        (at.x + 1, 0, 1, 3),
        (at.x, 0, 1, 1),
        (at.x, 2, 1, 1),
    ];
    for ((x, y, width, height), number) in walls.into_iter().zip(1..) {
        space.step(&[block(number, number as u32 + 1, (x, y), width, height)]);
    }
    assert_eq!(tile(&mut space, 1), at);
    let home = Command::Movement(MovementCommand::GoHome {
        player: PlayerId(1),
    });
    space.step(std::slice::from_ref(&home));
    assert_eq!(tile(&mut space, 1), Tile::new(1, 1));
    let too_soon = Fact::Denied {
        player: PlayerId(1),
        why: Denial::HomeTooSoon,
    };
    assert_eq!(space.step(std::slice::from_ref(&home)).facts, [too_soon]);
    for _ in 0..10 * 20 {
        space.step(&[]);
    }
    assert!(space.step(&[home]).facts.is_empty());
}

#[test]
fn a_player_returning_to_a_walled_in_tile_arrives_at_the_spawn() {
    let mut space = Space::new(
        &plan(20, 20, vec![zone(ZoneKind::Spawn, "Door", (1, 1), 1, 1)]),
        RATE,
    );
    space.step(&[join(1)]);
    walk(&mut space, 1, Direction::Right, 1, 60);
    let at = tile(&mut space, 1);
    space.step(&[Command::Presence(PresenceCommand::Leave {
        player: PlayerId(1),
    })]);
    space.step(&[
        block(1, 2, (at.x - 1, 0), 1, 3),
        block(2, 3, (at.x + 1, 0), 1, 3),
    ]);
    space.step(&[block(3, 4, (at.x, 0), 1, 1), block(4, 5, (at.x, 2), 1, 1)]);
    space.step(&[join(1)]);
    assert_eq!(tile(&mut space, 2), Tile::new(1, 1));
}

#[test]
fn a_leader_sees_followers_who_come_through_portals() {
    let portal = Zone {
        target: Some(PortalTarget {
            space: None,
            zone: "Garden".into(),
        }),
        ..zone(ZoneKind::Portal, "Gate", (3, 0), 1, 9)
    };
    let garden = zone(ZoneKind::Spawn, "Garden", (15, 0), 3, 3);
    let mut space = Space::new(
        &plan(
            20,
            9,
            vec![zone(ZoneKind::Spawn, "Door", (1, 4), 1, 1), portal, garden],
        ),
        RATE,
    );
    space.step(&[join(1), join(2)]);
    for player in [1, 2] {
        // The far end is also the spawn.
        if tile(&mut space, player).x > 3 {
            walk(&mut space, player, Direction::Left, 1, 200);
        }
    }
    let (leader, follower) = (PlayerId(1), PlayerId(2));
    let follow = |leader| {
        Command::Follow(Follow {
            player: follower,
            leader,
        })
    };
    let told = |on| {
        Fact::Follow(Followed {
            player: follower,
            leader,
            on,
        })
    };
    assert!(
        space
            .step(&[follow(Some(leader))])
            .facts
            .contains(&told(true))
    );
    assert!(
        !space
            .step(&[follow(Some(leader))])
            .facts
            .contains(&told(true)),
        "told once"
    );
    let step = |direction, seq| {
        Command::Movement(MovementCommand::Step {
            player: leader,
            step: HeldStep {
                seq,
                direction,
                run: false,
            },
        })
    };
    let at = tile(&mut space, 1);
    let direction = if at.x < 3 {
        Direction::Right
    } else {
        Direction::Left
    };
    for seq in 1_000..1_200 {
        space.step(&[step(direction, seq)]);
        if tile(&mut space, 1).x >= 15 && seq > 1_010 {
            break;
        }
    }
    assert!(tile(&mut space, 1).x >= 15 && tile(&mut space, 2).x >= 15);
    assert!(space.step(&[follow(None)]).facts.contains(&told(false)));
    space.step(&[follow(Some(leader))]);
    assert!(
        space
            .step(&[Command::Presence(PresenceCommand::Leave {
                player: follower
            })])
            .facts
            .contains(&told(false))
    );
}
