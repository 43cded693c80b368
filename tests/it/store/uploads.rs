//! Uploads: space is reserved before they arrive, they stay until the last place that shows them is
//! gone, and their files are deleted after that.

use std::collections::BTreeSet;
use std::path::Path;

use plaza::components::chat::{ChatMessage, MessageChange, Scope, Speech};
use plaza::components::id::{ChatId, PlayerId, SpaceId, UserId};
use plaza::components::membership::AccessPolicy;
use plaza::space::DurableEvent;
use plaza::store::Store;
use plaza::store::direct::NewMessage;
use plaza::store::elements::ElementChange;
use plaza::store::spaces::{Access, NewSpace};
use plaza::store::uploads::{Reserved, Settled, ShownPicture, Ticket, Upload, Uses};
use uuid::Uuid;

use super::{Home, on_both};

const QUOTA: u64 = 6_000_000_000;

fn hash(number: u8) -> String {
    format!("{number:064x}")
}

fn url(number: u8) -> String {
    format!("/files/{}.png", hash(number))
}

async fn ticket(store: &Store, user: UserId, bytes: u64) -> Ticket {
    match store.reserve_upload(user, bytes, QUOTA).await.unwrap() {
        Reserved::Ours(ticket) => ticket,
        refused => panic!("{refused:?}"),
    }
}

fn picture(hash: &str, size: u64) -> Upload<'_> {
    Upload {
        hash,
        source: &hash[4..],
        format: "png",
        kind: "chat",
        width: 3,
        height: 2,
        size,
    }
}

async fn bring(store: &Store, user: UserId, number: u8, size: u64) {
    let ticket = ticket(store, user, size).await;
    let settled = store
        .add_upload(&ticket, picture(&hash(number), size), QUOTA)
        .await;
    assert_eq!(settled.unwrap(), Settled::Added);
}

async fn kept_space(store: &Store, creator: UserId) -> SpaceId {
    let new = NewSpace {
        name: "S".into(),
        creator,
        map: None,
        access: Access::Unlisted,
        policy: AccessPolicy::Open,
        width: 9,
        height: 9,
        keeps_chat: true,
    };
    store.add_space(&new).await.unwrap()
}

fn said(number: u128, user: UserId, text: String) -> DurableEvent {
    let speech = Speech {
        id: ChatId(Uuid::from_u128(number)),
        client_id: None,
        text,
        at: 1_000 + number as u64,
        scope: Scope::Space,
        reply_to: None,
        may_announce: false,
    };
    DurableEvent::Said(ChatMessage::new(
        PlayerId::default(),
        user,
        "Ada".into(),
        speech,
    ))
}

fn changed(number: u128, text: Option<String>) -> DurableEvent {
    DurableEvent::Changed(MessageChange {
        id: ChatId(Uuid::from_u128(number)),
        text,
        at: 5_000,
    })
}

async fn is_there(store: &Store, number: u8) -> bool {
    store.upload_format(&hash(number)).await.unwrap().is_some()
}

async fn bytes_are_reserved_once_for_concurrent_requests(home: Home) {
    let (ada, bob) = (home.user("ada").await, home.user("bob").await);
    let other = home.opened_again().await;
    let both = [home.store.clone(), other.clone()];
    let ask = |number: usize| {
        let store = both[number % 2].clone();
        tokio::spawn(async move { store.reserve_upload(ada, 1_000, QUOTA).await.unwrap() })
    };
    let answers = futures_util::future::join_all((0..16).map(ask)).await;
    let mut ours: Vec<Ticket> = Vec::new();
    for answer in answers {
        match answer.unwrap() {
            Reserved::Ours(ticket) => ours.push(ticket),
            refused => assert_eq!(refused, Reserved::Busy),
        }
    }
    let [first] = ours.as_slice() else {
        panic!("{ours:?}")
    };
    // A reservation does not block other users, nor the next one of this user once it is released.
    home.store
        .release_upload(&ticket(&home.store, bob, 1).await)
        .await
        .unwrap();
    home.store.release_upload(first).await.unwrap();
    assert_eq!(
        other
            .add_upload(first, picture(&hash(1), 9), QUOTA)
            .await
            .unwrap(),
        Settled::Expired
    );
    assert!(!is_there(&home.store, 1).await);
    // Half of the quota goes to the first, and what counts is the received size, not the reserved
    // one.
    bring(&home.store, ada, 1, QUOTA - 10).await;
    let refused = other.reserve_upload(ada, 11, QUOTA).await.unwrap();
    assert_eq!(refused, Reserved::Full(QUOTA - 10));
    let small = ticket(&home.store, ada, 10).await;
    let grown = home
        .store
        .add_upload(&small, picture(&hash(2), 11), QUOTA)
        .await
        .unwrap();
    assert_eq!(grown, Settled::Full(QUOTA - 10));
    home.suffer("update upload_accounts set expires_at = 1")
        .await;
    bring(&other, ada, 2, 10).await;
    assert_eq!(home.store.uploaded_bytes(ada).await.unwrap(), QUOTA);
    assert_eq!(
        home.store
            .reserve_upload(UserId(Uuid::nil()), 1, QUOTA)
            .await
            .unwrap(),
        Reserved::Busy
    );
    other.close().await;
}

async fn a_picture_stays_until_the_last_message_that_shows_it(home: Home) {
    let (store, ada) = (&home.store, home.user("ada").await);
    let space = kept_space(store, ada).await;
    let other = kept_space(store, ada).await;
    for number in 1..=7 {
        bring(store, ada, number, 100).await;
    }
    let events = [
        said(1, ada, format!("![]({}) ![]({})", url(1), url(2))),
        said(2, ada, format!("![]({})", url(1))),
        said(3, ada, format!("![]({})", url(3))),
        said(4, ada, format!("![]({})", url(4))),
    ];
    store.keep_chat(space, &events).await.unwrap();
    store.keep_chat(space, &events).await.unwrap();
    let elsewhere = [
        said(11, ada, format!("![]({})", url(4))),
        said(12, ada, format!("![]({})", url(5))),
    ];
    store.keep_chat(other, &elsewhere).await.unwrap();
    let uses = store.upload(&hash(1)).await.unwrap().unwrap().uses;
    assert_eq!(
        uses,
        Uses {
            lines: 2,
            ..Uses::default()
        }
    );
    store.keep_chat(space, &[changed(1, None)]).await.unwrap();
    assert!(is_there(store, 1).await && !is_there(store, 2).await);
    store
        .keep_chat(space, &[changed(2, Some("words".into()))])
        .await
        .unwrap();
    assert!(!is_there(store, 1).await, "its text no longer shows it");
    store.keep_chat(space, &events).await.unwrap();
    assert!(!is_there(store, 1).await, "deleted messages stay deleted");
    store.keep_chat(space, &[changed(3, None)]).await.unwrap();
    assert!(!is_there(store, 3).await && is_there(store, 4).await);
    store
        .keep_chat(space, &[DurableEvent::Cleared("ada".into())])
        .await
        .unwrap();
    assert!(is_there(store, 4).await, "another space shows it");
    let both = [said(5, ada, format!("![]({})", url(6))), changed(5, None)];
    store.keep_chat(space, &both).await.unwrap();
    assert!(
        !is_there(store, 6).await,
        "it was deleted before it was stored"
    );
    store.delete_space(other).await.unwrap();
    assert!(!is_there(store, 4).await && !is_there(store, 5).await);
    let third = kept_space(store, ada).await;
    bring(store, ada, 8, 100).await;
    let shown = said(21, ada, format!("![]({})", url(8)));
    store.keep_chat(third, &[shown]).await.unwrap();
    let admin = plaza::store::audit_log::Actor::command_line();
    assert!(store.delete_space_by(&admin, third).await.unwrap());
    assert!(
        !is_there(store, 8).await,
        "an admin deletes a space in another way"
    );
    assert!(is_there(store, 7).await, "nothing showed it yet");
    assert_eq!(store.uploaded_bytes(ada).await.unwrap(), 100);
}

async fn old_messages_take_their_pictures_along(home: Home) {
    let (store, ada) = (&home.store, home.user("ada").await);
    let space = kept_space(store, ada).await;
    bring(store, ada, 1, 100).await;
    store
        .keep_chat(space, &[said(1, ada, format!("![]({})", url(1)))])
        .await
        .unwrap();
    store.forget_old_lines(u64::MAX).await.unwrap();
    assert!(is_there(store, 1).await);
    home.suffer("update spaces set chat_retention_days = 1")
        .await;
    store.forget_old_lines(u64::MAX).await.unwrap();
    assert!(!is_there(store, 1).await);
}

async fn an_ephemeral_space_reports_the_pictures_it_shows(home: Home) {
    let (store, space) = (&home.store, home.some_space().await);
    let ada = home.user("bea").await;
    bring(store, ada, 1, 100).await;
    bring(store, ada, 2, 100).await;
    let shown = |message, number| shown_by(ada, message, number);
    let first = [shown(1, 1), shown(2, 2), shown(3, 9)];
    let none = BTreeSet::new();
    store.show_in_space(space, &first, &none).await.unwrap();
    store
        .show_in_space(space, &[shown(4, 1)], &BTreeSet::from([shown(4, 1)]))
        .await
        .unwrap();
    assert!(is_there(store, 1).await && !is_there(store, 2).await);
    store.show_in_space(space, &[], &none).await.unwrap();
    assert!(!is_there(store, 1).await);
    // The message was sent and deleted before the space reported it.
    bring(store, ada, 3, 100).await;
    store
        .show_in_space(space, &[], &BTreeSet::from([shown(5, 3)]))
        .await
        .unwrap();
    assert!(!is_there(store, 3).await);
}

fn shown_by(author: UserId, message: u128, number: u8) -> ShownPicture {
    ShownPicture {
        hash: hash(number),
        message: ChatId(Uuid::from_u128(message)),
        author,
    }
}

async fn a_message_of_another_user_never_deletes_a_picture(home: Home) {
    let (store, ada, bob) = (&home.store, home.user("bea").await, home.user("bob").await);
    // Ada sends her picture nearby, so nothing in the database shows it. Bob knows its address.
    bring(store, ada, 1, 100).await;
    let said = |number| said(number, bob, format!("![]({})", url(1)));
    let space = kept_space(store, bob).await;
    store.keep_chat(space, &[said(1)]).await.unwrap();
    store.keep_chat(space, &[changed(1, None)]).await.unwrap();
    assert!(is_there(store, 1).await, "he deleted his message");
    let edited = changed(2, Some("words".into()));
    store.keep_chat(space, &[said(2), edited]).await.unwrap();
    assert!(is_there(store, 1).await, "he edited his message");
    store.keep_chat(space, &[said(3)]).await.unwrap();
    let cleared = DurableEvent::Cleared("bob".into());
    store.keep_chat(space, &[said(4), cleared]).await.unwrap();
    store.forget_old_lines(u64::MAX).await.unwrap();
    assert!(is_there(store, 1).await, "he cleared his space");
    store.keep_chat(space, &[said(5)]).await.unwrap();
    home.suffer("update spaces set chat_retention_days = 1")
        .await;
    store.forget_old_lines(u64::MAX).await.unwrap();
    assert!(is_there(store, 1).await, "his message expired");
    store.keep_chat(space, &[said(6)]).await.unwrap();
    store.delete_space(space).await.unwrap();
    assert!(is_there(store, 1).await, "he deleted his space");
    let space = kept_space(store, bob).await;
    store.keep_chat(space, &[said(7)]).await.unwrap();
    let admin = plaza::store::audit_log::Actor::command_line();
    store.delete_space_by(&admin, space).await.unwrap();
    assert!(is_there(store, 1).await, "an admin deleted his space");
    let (space, his) = (home.some_space().await, [shown_by(bob, 8, 1)]);
    let sent = BTreeSet::from(his.clone());
    store.show_in_space(space, &his, &sent).await.unwrap();
    store.show_in_space(space, &[], &sent).await.unwrap();
    assert!(is_there(store, 1).await, "his space forgot his message");
    assert_eq!(store.sweep_uploads().await.unwrap(), 0);
    assert_eq!(store.uploaded_bytes(ada).await.unwrap(), 100);
    // Her own message deletes it, while one of his does not show it.
    let space = kept_space(store, bob).await;
    store
        .keep_chat(space, &[said(9), said_by_ada(10, ada)])
        .await
        .unwrap();
    store.keep_chat(space, &[changed(10, None)]).await.unwrap();
    assert!(is_there(store, 1).await, "his message shows it");
    store.keep_chat(space, &[changed(9, None)]).await.unwrap();
    store
        .keep_chat(space, &[said_by_ada(11, ada)])
        .await
        .unwrap();
    store.keep_chat(space, &[changed(11, None)]).await.unwrap();
    assert!(!is_there(store, 1).await, "it was hers alone");
}

fn said_by_ada(number: u128, ada: UserId) -> DurableEvent {
    said(number, ada, format!("![]({})", url(1)))
}

async fn elements_and_maps_show_pictures_too(home: Home) {
    let (store, ada, bob) = (&home.store, home.user("ada").await, home.user("bob").await);
    for number in 1..=3 {
        bring(store, ada, number, 100).await;
    }
    let element = store.add_element(&url(1), (1, 1), true).await.unwrap();
    let avatar = store.add_avatar("Me", &url(2)).await.unwrap();
    let new = NewMessage {
        from: ada,
        to: bob,
        client_id: 1,
        text: &format!("![]({})", url(3)),
    };
    store.write_direct(new).await.unwrap();
    store.write_direct(new).await.unwrap();
    let uses = async |number| store.upload(&hash(number)).await.unwrap().unwrap().uses;
    assert!(uses(1).await.is_in_the_world() && uses(2).await.is_in_the_world());
    assert_eq!(
        uses(3).await,
        Uses {
            directs: 1,
            ..Uses::default()
        }
    );
    home.suffer("update uploads set touched_at = 1").await;
    assert_eq!(store.sweep_uploads().await.unwrap(), 0);
    let change = ElementChange {
        image_url: Some("/art/a.svg".into()),
        width: None,
        height: None,
        is_static: None,
    };
    store.change_element(element, &change).await.unwrap();
    assert!(!is_there(store, 1).await);
    assert!(store.delete_avatar(avatar).await.unwrap());
    assert!(!store.delete_avatar(avatar).await.unwrap());
    assert!(!is_there(store, 2).await && is_there(store, 3).await);
}

async fn unused_pictures_are_swept_a_day_later(home: Home) {
    let (store, space) = (&home.store, home.some_space().await);
    let ada = home.user("bea").await;
    for number in 1..=3 {
        bring(store, ada, number, 100).await;
    }
    store
        .show_in_space(space, &[shown_by(ada, 1, 2)], &BTreeSet::new())
        .await
        .unwrap();
    assert_eq!(store.sweep_uploads().await.unwrap(), 0);
    home.suffer("update uploads set touched_at = 1 where size = 100 and hash not like '%3'")
        .await;
    assert_eq!(store.sweep_uploads().await.unwrap(), 1);
    assert!(!is_there(store, 1).await && is_there(store, 2).await && is_there(store, 3).await);
    // The space ended without a report, long ago.
    home.suffer("update line_uploads set at = 1").await;
    assert_eq!(store.sweep_uploads().await.unwrap(), 1);
    assert!(!is_there(store, 2).await && is_there(store, 3).await);
}

fn names(folder: &Path) -> Vec<String> {
    let files = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = files
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

async fn only_files_of_deleted_pictures_are_removed(home: Home) {
    let (store, ada) = (&home.store, home.user("ada").await);
    let folder = tempfile::tempdir().unwrap();
    let name = |number| format!("{}.png", hash(number));
    for number in 1..=3 {
        store.expect_file(&name(number)).await.unwrap();
        std::fs::write(folder.path().join(name(number)), b"picture").unwrap();
    }
    std::fs::write(folder.path().join("theirs.png"), b"picture").unwrap();
    bring(store, ada, 1, 7).await;
    bring(store, ada, 2, 7).await;
    assert!(store.delete_upload(&hash(1), None).await.unwrap());
    assert!(!store.delete_upload(&hash(1), None).await.unwrap());
    assert_eq!(store.remove_dead_files(folder.path()).await.unwrap(), 1);
    assert_eq!(
        names(folder.path()),
        [name(2), name(3), "theirs.png".into()]
    );
    // The process that wrote the third one died before the upload was recorded.
    home.suffer("update dead_uploads set due_at = 1").await;
    assert_eq!(store.remove_dead_files(folder.path()).await.unwrap(), 1);
    assert_eq!(names(folder.path()), [name(2), "theirs.png".into()]);
    // The same picture is uploaded again after its deletion, before its file was removed.
    store.delete_upload(&hash(2), None).await.unwrap();
    store.expect_file(&name(2)).await.unwrap();
    bring(store, ada, 2, 7).await;
    assert_eq!(store.remove_dead_files(folder.path()).await.unwrap(), 0);
    assert_eq!(names(folder.path()), [name(2), "theirs.png".into()]);
}

async fn pictures_are_listed_newest_first(home: Home) {
    let (store, ada, bob) = (&home.store, home.user("ada").await, home.user("bob").await);
    for number in 1..=5 {
        bring(
            store,
            if number == 3 { bob } else { ada },
            number,
            u64::from(number),
        )
        .await;
    }
    home.suffer("update uploads set created_at = size / 2")
        .await;
    let list = async |owner, after: Option<u8>, limit| {
        let after = after.map(hash);
        let rows = store.uploads(owner, after.as_deref(), limit).await.unwrap();
        rows.into_iter().map(|row| row.size).collect::<Vec<_>>()
    };
    assert_eq!(list(None, None, 9).await, [5, 4, 3, 2, 1]);
    assert_eq!(list(Some(ada), None, 2).await, [5, 4]);
    assert_eq!(list(Some(ada), Some(4), 9).await, [2, 1]);
    let row = store.upload(&hash(3)).await.unwrap().unwrap();
    assert_eq!(row.owner, Some((bob, "bob".into())));
    assert_eq!(
        (row.name(), row.width, row.height),
        (format!("{}.png", hash(3)), 3, 2)
    );
    bring(store, bob, 3, 3).await;
    assert_eq!(
        store.uploaded_bytes(bob).await.unwrap(),
        3,
        "the same picture counts once"
    );
    home.suffer("update uploads set touched_at = 1").await;
    let source = &hash(3)[4..];
    let before = async |user, source| store.uploaded_before(user, source).await.unwrap();
    assert_eq!(before(bob, source).await, Some(row.name()));
    assert_eq!(before(ada, source).await, None);
    assert_eq!(before(bob, "other").await, None);
    assert_eq!(store.sweep_uploads().await.unwrap(), 4, "his counts as new");
}

on_both!(
    bytes_are_reserved_once_for_concurrent_requests,
    a_picture_stays_until_the_last_message_that_shows_it,
    old_messages_take_their_pictures_along,
    an_ephemeral_space_reports_the_pictures_it_shows,
    a_message_of_another_user_never_deletes_a_picture,
    elements_and_maps_show_pictures_too,
    unused_pictures_are_swept_a_day_later,
    only_files_of_deleted_pictures_are_removed,
    pictures_are_listed_newest_first,
);
