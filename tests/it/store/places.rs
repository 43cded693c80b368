//! Elements, maps, spaces and their checkpoints.

use plaza::components::id::{ElementId, MapId, PlacementId, SpaceId};
use plaza::components::membership::AccessPolicy;
use plaza::components::unit::Tile;
use plaza::store::elements::ElementChange;
use plaza::store::maps::{MapDocument, NewMap};
use plaza::store::spaces::{Access, NewSpace, Page};
use uuid::Uuid;

use super::{Home, on_both};

fn names(rows: &[plaza::store::SpaceRow]) -> Vec<&str> {
    rows.iter().map(|row| row.name.as_str()).collect()
}

async fn only_the_given_fields_of_an_element_change(home: Home) {
    let store = &home.store;
    let rug = store
        .add_element("/art/rug.svg", (2, 3), false)
        .await
        .unwrap();
    let desk = store
        .add_element("/art/desk.svg", (1, 1), true)
        .await
        .unwrap();
    let all = store.elements().await.unwrap();
    assert_eq!(
        all.iter().map(|row| row.id).collect::<Vec<_>>(),
        [rug, desk]
    );
    let change = ElementChange {
        width: Some(4),
        is_static: Some(true),
        ..ElementChange::default()
    };
    assert_eq!(store.change_element(rug, &change).await.unwrap(), Some(rug));
    let changed = store.element(rug).await.unwrap().unwrap();
    assert_eq!(
        (changed.image_url.as_str(), changed.width, changed.height),
        ("/art/rug.svg", 4, 3)
    );
    assert!(changed.is_static && !changed.flat && changed.footprint.is_none());
    let unknown = ElementId(Uuid::nil());
    assert_eq!(store.change_element(unknown, &change).await.unwrap(), None);
    assert_eq!(store.element(unknown).await.unwrap(), None);
}

async fn a_space_made_from_a_map_has_its_elements(home: Home) {
    let store = &home.store;
    let ada = home.user("ada").await;
    let desk = store
        .add_element("/art/desk.svg", (1, 1), true)
        .await
        .unwrap();
    let new = NewMap {
        name: "Office".into(),
        thumbnail: Some("/art/office.png".into()),
        width: 10,
        height: 8,
        elements: vec![(desk, Tile::new(1, 2)), (desk, Tile::new(3, 4))],
        zones: Vec::new(),
    };
    let map = store.add_map(&new).await.unwrap();
    assert_eq!(
        store.maps().await.unwrap(),
        [store.map(map).await.unwrap().unwrap()]
    );
    assert_eq!(store.map(MapId(Uuid::nil())).await.unwrap(), None);
    assert_eq!(
        store.map_document(map).await.unwrap(),
        MapDocument::default()
    );
    let standing = store.map_placed(map).await.unwrap();
    assert_eq!(
        standing
            .iter()
            .map(|placed| placed.corner)
            .collect::<Vec<_>>(),
        [Tile::new(1, 2), Tile::new(3, 4)]
    );

    let space = NewSpace {
        name: "Ours".into(),
        creator: ada,
        map: Some(map),
        access: Access::Public,
        policy: AccessPolicy::Open,
        width: 10,
        height: 8,
        keeps_chat: false,
    };
    let space = store.add_space(&space).await.unwrap();
    let row = store.space(space).await.unwrap().unwrap();
    assert_eq!(
        (row.map, row.creator, row.plan_version),
        (Some(map), Some(ada), 1)
    );
    assert_eq!(row.thumbnail.as_deref(), Some("/art/office.png"));
    let placed = store.placed(space).await.unwrap();
    assert_eq!(
        placed
            .iter()
            .map(|placed| placed.corner)
            .collect::<Vec<_>>(),
        [Tile::new(1, 2), Tile::new(3, 4)]
    );
    let mut there = standing.iter().chain(&placed).map(|placed| placed.id);
    assert!(
        there.all(|id| id != PlacementId(Uuid::nil())) && standing[0].id != placed[0].id,
        "a separate copy"
    );

    store
        .change_element(desk, &ElementChange::default())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        store.space_layout(space).await.unwrap().unwrap().version,
        2,
        "spaces that show it see the change"
    );
}

async fn a_placed_element_is_removed_once(home: Home) {
    let store = &home.store;
    let space = home.some_space().await;
    let desk = store
        .add_element("/art/desk.svg", (1, 1), true)
        .await
        .unwrap();
    let (placement, version) = store
        .place(space, desk, Tile::new(1, 1), 10)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(version, 2);
    assert_eq!(
        store.space_of_placement(placement).await.unwrap(),
        Some(space)
    );
    assert_eq!(
        store
            .unplace(SpaceId(Uuid::nil()), placement)
            .await
            .unwrap(),
        None
    );
    assert_eq!(store.unplace(space, placement).await.unwrap(), Some(3));
    assert_eq!(store.unplace(space, placement).await.unwrap(), None);
    assert_eq!(store.space_of_placement(placement).await.unwrap(), None);
    let unknown = ElementId(Uuid::nil());
    assert_eq!(
        store
            .place(space, unknown, Tile::new(1, 1), 10)
            .await
            .unwrap(),
        None
    );
    assert_eq!(
        store
            .place(SpaceId(Uuid::nil()), desk, Tile::new(1, 1), 10)
            .await
            .unwrap(),
        None
    );
    assert_eq!(
        store.space_layout(space).await.unwrap().unwrap().version,
        3,
        "refused changes have no effect"
    );
}

async fn the_spaces_of_one_user_are_limited(home: Home) {
    let store = &home.store;
    let (ada, bob) = (home.user("ada").await, home.user("bob").await);
    let new = |creator| NewSpace {
        name: "One of many".into(),
        creator,
        map: None,
        access: Access::Unlisted,
        policy: AccessPolicy::Open,
        width: 5,
        height: 5,
        keeps_chat: false,
    };
    let of_ada = new(ada);
    let all =
        futures_util::future::join_all((0..6).map(|_| store.add_space_within(&of_ada, 2))).await;
    let made: Vec<SpaceId> = all.into_iter().filter_map(Result::unwrap).collect();
    assert_eq!(made.len(), 2, "also when they ask at once");
    assert!(
        store
            .add_space_within(&new(bob), 2)
            .await
            .unwrap()
            .is_some()
    );
    store.delete_space(made[0]).await.unwrap();
    assert!(store.add_space_within(&of_ada, 2).await.unwrap().is_some());
}

async fn the_elements_of_a_space_are_limited(home: Home) {
    let store = &home.store;
    let space = home.some_space().await;
    let desk = store
        .add_element("/art/desk.svg", (1, 1), true)
        .await
        .unwrap();
    for room in [true, true, false] {
        assert_eq!(
            store
                .place(space, desk, Tile::new(0, 0), 2)
                .await
                .unwrap()
                .is_some(),
            room
        );
    }
}

async fn a_deleted_space_leaves_nothing_behind(home: Home) {
    let store = &home.store;
    let space = home.some_space().await;
    let desk = store
        .add_element("/art/desk.svg", (1, 1), true)
        .await
        .unwrap();
    let (placement, _) = store
        .place(space, desk, Tile::new(1, 1), 10)
        .await
        .unwrap()
        .unwrap();
    store.save_checkpoint(space, 1, 1, b"x").await.unwrap();
    assert!(store.delete_space(space).await.unwrap());
    assert!(!store.delete_space(space).await.unwrap());
    assert!(store.space_of_placement(placement).await.unwrap().is_none());
    assert!(store.load_checkpoint(space).await.unwrap().is_none());
    assert!(!store.save_checkpoint(space, 1, 2, b"late").await.unwrap());
    assert!(store.space_layout(space).await.unwrap().is_none());
}

async fn spaces_are_listed_page_by_page_with_the_newest_first(home: Home) {
    let store = &home.store;
    let (ada, bob) = (home.user("ada").await, home.user("bob").await);
    for name in ["One", "Two", "Three"] {
        home.space(ada, name, Access::Public).await;
    }
    home.space(ada, "Hidden", Access::Unlisted).await;
    let first = Page {
        limit: 2,
        ..Page::default()
    };
    let newest = store.public_spaces(bob, first).await.unwrap();
    assert_eq!(names(&newest), ["Three", "Two"]);
    let second = Page {
        after: Some(newest[1].id),
        ..first
    };
    assert_eq!(
        names(&store.public_spaces(bob, second).await.unwrap()),
        ["One"]
    );
    assert_eq!(
        names(&store.public_spaces(ada, first).await.unwrap()),
        [""; 0]
    );
    assert_eq!(
        names(&store.spaces_of(ada, first).await.unwrap()),
        ["Hidden", "Three"]
    );
    assert_eq!(names(&store.spaces_of(bob, first).await.unwrap()), [""; 0]);
}

async fn one_owners_public_spaces_do_not_fill_the_first_page(home: Home) {
    let store = &home.store;
    let (ada, bob) = (home.user("ada").await, home.user("bob").await);
    home.space(bob, "Bob's", Access::Public).await;
    for number in 1..=7 {
        home.space(ada, &format!("{number}"), Access::Public).await;
        home.space(ada, "Hidden", Access::Unlisted).await;
    }
    let cleo = home.user("cleo").await;
    let front = Page {
        limit: u32::MAX,
        ..Page::default()
    };
    let listed = store.public_spaces(cleo, front).await.unwrap();
    assert_eq!(names(&listed), ["7", "6", "5", "4", "3", "Bob's"]);
    let behind = Page {
        is_behind: true,
        ..front
    };
    assert_eq!(
        names(&store.public_spaces(cleo, behind).await.unwrap()),
        ["2", "1"]
    );
    let searched = Page {
        search: "1",
        ..behind
    };
    assert_eq!(
        names(&store.public_spaces(cleo, searched).await.unwrap()),
        ["1"]
    );
}

async fn a_search_folds_case_in_any_script_and_knows_no_wildcards(home: Home) {
    let store = &home.store;
    let (ada, bob) = (home.user("ada").await, home.user("bob").await);
    for name in ["ÄPFEL 50%", "a_b", "back\\slash"] {
        home.space(ada, name, Access::Public).await;
    }
    let cases: [(&str, &[&str]); 7] = [
        ("äpfel", &["ÄPFEL 50%"]),
        ("0%", &["ÄPFEL 50%"]),
        ("A_B", &["a_b"]),
        ("a%b", &[]),
        ("K\\S", &["back\\slash"]),
        ("'", &[]),
        ("\0", &[]),
    ];
    for (search, expected) in cases {
        let page = Page {
            search,
            limit: u32::MAX,
            ..Page::default()
        };
        assert_eq!(
            names(&store.public_spaces(bob, page).await.unwrap()),
            expected,
            "{search:?}"
        );
        assert_eq!(
            names(&store.spaces_of(ada, page).await.unwrap()),
            expected,
            "{search:?}"
        );
    }
}

async fn an_older_ownership_cannot_overwrite_a_checkpoint(home: Home) {
    let store = &home.store;
    let space = home.some_space().await;
    assert!(store.save_checkpoint(space, 2, 10, b"two").await.unwrap());
    assert!(!store.save_checkpoint(space, 1, 99, b"one").await.unwrap());
    assert!(
        store
            .save_checkpoint(space, 2, 11, &[0, 255, 0])
            .await
            .unwrap()
    );
    let kept = store.load_checkpoint(space).await.unwrap().unwrap();
    assert_eq!(
        (kept.epoch, kept.tick, kept.blob.as_slice()),
        (2, 11, [0, 255, 0].as_slice())
    );
    store.delete_checkpoint(space).await.unwrap();
    assert_eq!(store.load_checkpoint(space).await.unwrap(), None);
}

async fn a_layout_and_its_version_are_read_together(home: Home) {
    let store = &home.store;
    let (space, other) = (home.some_space().await, SpaceId(Uuid::nil()));
    let desk = store
        .add_element("/art/desk.svg", (1, 1), true)
        .await
        .unwrap();
    for number in 1..4 {
        let layout = store.layout(space).await.unwrap().unwrap();
        assert_eq!(layout.placed.len() + 1, number);
        assert_eq!(layout.space_layout().version as usize, number);
        let versions = store.plan_versions(&[other, space]).await.unwrap();
        assert_eq!(versions, [(space, number as u32)]);
        store
            .place(space, desk, Tile::new(1, 1), 9)
            .await
            .unwrap()
            .unwrap();
    }
    assert!(store.layout(other).await.unwrap().is_none());
    let many: Vec<SpaceId> = (1..1_200)
        .map(|id| SpaceId(Uuid::from_u128(id)))
        .chain([space])
        .collect();
    assert_eq!(store.plan_versions(&many).await.unwrap(), [(space, 4)]);
    assert!(store.plan_versions(&[]).await.unwrap().is_empty());
}

on_both!(
    the_spaces_of_one_user_are_limited,
    a_layout_and_its_version_are_read_together,
    only_the_given_fields_of_an_element_change,
    a_space_made_from_a_map_has_its_elements,
    a_placed_element_is_removed_once,
    the_elements_of_a_space_are_limited,
    a_deleted_space_leaves_nothing_behind,
    spaces_are_listed_page_by_page_with_the_newest_first,
    one_owners_public_spaces_do_not_fill_the_first_page,
    a_search_folds_case_in_any_script_and_knows_no_wildcards,
    an_older_ownership_cannot_overwrite_a_checkpoint,
);
