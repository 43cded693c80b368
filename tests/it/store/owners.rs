//! Owners: of all processes that claim a space one gets it, and epochs only rise.

use plaza::store::checkpoints::LogRow;

use super::{Home, on_both};

const ANN: (&str, u64) = ("ann", 0xffff_ffff_ffff_fff1);
const BEN: (&str, u64) = ("ben", 2);

async fn an_epoch_is_minted_once_and_only_rises(home: Home) {
    let (store, space) = (&home.store, home.some_space().await);
    assert_eq!(store.owner(space).await.unwrap(), None);
    assert_eq!(
        store.mint_epoch(space, 0, ANN, 2_000).await.unwrap(),
        Some(1)
    );
    assert_eq!(
        store.mint_epoch(space, 0, BEN, 2_000).await.unwrap(),
        None,
        "it saw an old epoch"
    );
    assert!(store.is_owner(space, 1, ANN.1).await.unwrap());
    store.release_space(space, 1, BEN.1).await.unwrap();
    assert!(
        store.is_owner(space, 1, ANN.1).await.unwrap(),
        "only the owner releases it"
    );
    store.release_space(space, 1, ANN.1).await.unwrap();
    let row = store.owner(space).await.unwrap().unwrap();
    assert_eq!((row.epoch, row.node.as_str()), (1, ""));
    assert_eq!(
        store.mint_epoch(space, 1, BEN, 2_000).await.unwrap(),
        Some(2)
    );
}

async fn a_fresh_proof_keeps_others_out(home: Home) {
    let (store, space) = (&home.store, home.some_space().await);
    store.mint_epoch(space, 0, ANN, 2_000).await.unwrap();
    assert_eq!(store.prove_ownership(ANN.1).await.unwrap(), [(space, 1)]);
    assert_eq!(store.prove_ownership(BEN.1).await.unwrap(), []);
    assert_eq!(
        store.mint_epoch(space, 1, BEN, 600_000).await.unwrap(),
        None
    );
    assert_eq!(
        store.mint_epoch(space, 1, BEN, -1).await.unwrap(),
        Some(2),
        "the proof is old"
    );
    assert_eq!(store.prove_ownership(ANN.1).await.unwrap(), []);
}

async fn a_former_owner_writes_nothing(home: Home) {
    let (store, space) = (&home.store, home.some_space().await);
    store.mint_epoch(space, 0, ANN, 0).await.unwrap();
    assert!(store.save_checkpoint(space, 1, 10, b"ten").await.unwrap());
    let events = [
        (11, b"a".to_vec()),
        (11, b"b".to_vec()),
        (12, b"c".to_vec()),
    ];
    assert!(store.append_log(space, 1, &events).await.unwrap());
    store.mint_epoch(space, 1, BEN, 0).await.unwrap();
    assert!(!store.save_checkpoint(space, 1, 13, b"late").await.unwrap());
    assert!(!store.append_log(space, 1, &events).await.unwrap());
    let log = store.load_log(space).await.unwrap();
    let row = |tick, event: &[u8]| LogRow {
        tick,
        event: event.to_vec(),
    };
    assert_eq!(log, [row(11, b"a"), row(11, b"b"), row(12, b"c")]);
    assert!(
        store
            .save_checkpoint(space, 2, 11, b"eleven")
            .await
            .unwrap()
    );
    assert_eq!(
        store.load_log(space).await.unwrap(),
        [row(12, b"c")],
        "events that the checkpoint covers leave the log"
    );
    assert!(!store.save_checkpoint(space, 2, 10, b"older").await.unwrap());
}

on_both!(
    an_epoch_is_minted_once_and_only_rises,
    a_fresh_proof_keeps_others_out,
    a_former_owner_writes_nothing,
);
