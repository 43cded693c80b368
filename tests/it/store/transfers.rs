//! Offers of spaces, and the change of owners.

use plaza::components::permissions::{OwnedBy, SpaceRole};
use plaza::store::audit_log::Actor;
use plaza::store::moderation::MuteKind;
use plaza::store::now_ms;
use plaza::store::spaces::Access;
use plaza::store::transfers::TransferOutcome;
use uuid::Uuid;

use super::access::stands;
use super::{Home, on_both};
use plaza::components::id::{SpaceId, UserId};

fn actor(user: UserId, name: &str) -> Actor {
    Actor {
        user: Some(user),
        name: name.into(),
    }
}

async fn a_space_is_offered_and_taken_once(home: Home) {
    let store = &home.store;
    let (ada, bob) = (home.user("ada").await, home.user("bob").await);
    let space = home.space(ada, "Park", Access::Public).await;
    let (by, bobs) = (actor(ada, "ada"), actor(bob, "bob"));
    let at = (space, bob);
    store
        .set_role(&by, at, None, Some(SpaceRole::Member))
        .await
        .unwrap();
    store.mute(&by, at, &[MuteKind::Chat], None).await.unwrap();
    let until = now_ms() + 60_000;
    assert!(store.offer_space(&by, at, until).await.unwrap());
    assert_eq!(stands(&home, bob, space).await.offered_until, until);
    assert_eq!(stands(&home, ada, space).await.offered_until, 0);
    let offer = store.transfer_of(space).await.unwrap().unwrap();
    assert_eq!((offer.to_name.as_str(), offer.by.as_str()), ("bob", "ada"));
    assert_eq!(store.transfers_to(bob).await.unwrap(), [offer]);
    let accept = async |user, most| {
        let accepted = store.accept_space(&bobs, (space, user), most).await;
        accepted.unwrap()
    };
    assert_eq!(accept(ada, 9).await, TransferOutcome::NoOffer);
    assert_eq!(accept(bob, 0).await, TransferOutcome::TooMany);
    assert_eq!(accept(bob, 1).await, TransferOutcome::Done);
    assert_eq!(accept(bob, 9).await, TransferOutcome::NoOffer);
    let (was, is) = (
        stands(&home, ada, space).await,
        stands(&home, bob, space).await,
    );
    assert_eq!(is.standing.owner, OwnedBy::User);
    assert!(!is.is_member && is.mutes.chat == 0, "an owner has no row");
    assert_eq!(was.standing.role(), SpaceRole::Moderator);
    // And back again.
    assert!(store.offer_space(&bobs, (space, ada), until).await.unwrap());
    let back = store.accept_space(&by, (space, ada), 9).await.unwrap();
    assert_eq!(back, TransferOutcome::Done);
    let role = stands(&home, ada, space).await.standing.role();
    assert_eq!(role, SpaceRole::Owner);
}

async fn offers_end_by_time_or_when_they_are_taken_back(home: Home) {
    let store = &home.store;
    let (ada, bob) = (home.user("ada").await, home.user("bob").await);
    let space = home.space(ada, "Park", Access::Public).await;
    let by = actor(ada, "ada");
    let at = (space, bob);
    assert!(store.offer_space(&by, at, now_ms() - 1).await.unwrap());
    assert_eq!(store.transfer_of(space).await.unwrap(), None);
    assert!(store.transfers_to(bob).await.unwrap().is_empty());
    let late = store.accept_space(&by, at, 9).await.unwrap();
    assert_eq!(late, TransferOutcome::NoOffer);
    store.sweep_moderation().await.unwrap();
    assert!(!store.end_offer(&by, space, None).await.unwrap());
    let until = now_ms() + 60_000;
    assert!(store.offer_space(&by, at, until).await.unwrap());
    assert!(!store.end_offer(&by, space, Some(ada)).await.unwrap());
    assert!(store.end_offer(&by, space, Some(bob)).await.unwrap());
    assert_eq!(stands(&home, bob, space).await.offered_until, 0);
    let gone = UserId(Uuid::nil());
    assert!(!store.offer_space(&by, (space, gone), until).await.unwrap());
    let nowhere = SpaceId(Uuid::nil());
    assert!(!store.offer_space(&by, (nowhere, bob), until).await.unwrap());
}

on_both!(
    a_space_is_offered_and_taken_once,
    offers_end_by_time_or_when_they_are_taken_back,
);
