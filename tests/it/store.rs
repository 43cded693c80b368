//! The store: checkpoints are fenced, deleting cascades, many writers do not get in each other's way.

use plaza::components::id::SpaceId;
use plaza::components::unit::Tile;
use plaza::store::spaces::{Access, NewSpace};
use plaza::store::{Role, Store};

async fn store_with_space() -> (tempfile::TempDir, Store, SpaceId) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    let creator = store.add_user("ada", "-", Role::User).await.unwrap().unwrap();
    let new = NewSpace {
        name: "S".into(),
        creator,
        map: None,
        access: Access::Unlisted,
        width: 10,
        height: 8,
    };
    let space = store.add_space(&new).await.unwrap();
    (folder, store, space)
}

#[tokio::test]
async fn an_older_ownership_cannot_overwrite_a_checkpoint() {
    let (_folder, store, space) = store_with_space().await;
    assert!(store.save_checkpoint(space, 2, 10, b"two").await.unwrap());
    assert!(!store.save_checkpoint(space, 1, 99, b"one").await.unwrap());
    assert!(store.save_checkpoint(space, 2, 11, b"two again").await.unwrap());
    let kept = store.load_checkpoint(space).await.unwrap().unwrap();
    assert_eq!(
        (kept.epoch, kept.tick, kept.blob.as_slice()),
        (2, 11, b"two again".as_slice())
    );
    store.delete_checkpoint(space).await.unwrap();
    assert_eq!(store.load_checkpoint(space).await.unwrap(), None);
}

#[tokio::test]
async fn a_deleted_space_leaves_nothing_behind() {
    let (_folder, store, space) = store_with_space().await;
    let element = store.add_element("/art/x.svg", (1, 1), true).await.unwrap();
    let (placement, version) = store.place(space, element, Tile::new(1, 1), 10).await.unwrap().unwrap();
    assert_eq!(version, 2);
    store.save_checkpoint(space, 1, 1, b"x").await.unwrap();
    assert!(store.delete_space(space).await.unwrap());
    assert!(!store.delete_space(space).await.unwrap());
    assert!(store.space_of_placement(placement).await.unwrap().is_none());
    assert!(store.load_checkpoint(space).await.unwrap().is_none());
    assert!(!store.save_checkpoint(space, 1, 2, b"late").await.unwrap());
    assert!(store.plan(space).await.unwrap().is_none());
}

#[tokio::test]
async fn a_space_takes_only_so_many_elements() {
    let (_folder, store, space) = store_with_space().await;
    let element = store.add_element("/art/x.svg", (1, 1), true).await.unwrap();
    assert!(store.place(space, element, Tile::new(0, 0), 2).await.unwrap().is_some());
    assert!(store.place(space, element, Tile::new(0, 0), 2).await.unwrap().is_some());
    assert!(store.place(space, element, Tile::new(0, 0), 2).await.unwrap().is_none());
}

#[tokio::test]
async fn many_writers_and_readers_at_once_all_succeed() {
    let (_folder, store, space) = store_with_space().await;
    let element = store.add_element("/art/x.svg", (1, 1), true).await.unwrap();
    let work: Vec<_> = (0..40)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move {
                store
                    .place(space, element, Tile::new(number % 10, 0), 1000)
                    .await
                    .unwrap()
                    .unwrap();
                store.save_checkpoint(space, 1, u64::from(number), b"x").await.unwrap();
                store.plan(space).await.unwrap().unwrap();
            })
        })
        .collect();
    for one in work {
        one.await.unwrap();
    }
    let plan = store.plan(space).await.unwrap().unwrap();
    assert_eq!((plan.elements.len(), plan.version), (40, 41));
}

#[tokio::test]
async fn what_is_written_is_there_after_opening_again() {
    let (folder, store, space) = store_with_space().await;
    store.save_checkpoint(space, 1, 7, b"state").await.unwrap();
    store.close().await;
    let again = Store::open(folder.path()).await.unwrap();
    assert_eq!(again.space(space).await.unwrap().unwrap().name, "S");
    assert_eq!(again.load_checkpoint(space).await.unwrap().unwrap().tick, 7);
}
