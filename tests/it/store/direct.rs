//! What people wrote to one another.

use plaza::components::id::{MessageId, UserId};
use plaza::store::Store;
use plaza::store::direct::{NewMessage, Written};
use uuid::Uuid;

use super::{Home, on_both};

async fn write(store: &Store, from: UserId, to: UserId, client_id: u32, text: &str) -> Written {
    let new = NewMessage {
        from,
        to,
        client_id,
        text,
    };
    store.write_direct(new).await.unwrap()
}

async fn a_message_is_kept_once_and_counted_until_it_is_read(home: Home) {
    let store = &home.store;
    let (ada, bob, eve) = (home.user("ada").await, home.user("bob").await, home.user("eve").await);
    let Written::New(first) = write(store, ada, bob, 7, "one\0").await else {
        panic!("it was not there before");
    };
    assert_eq!((&first.text[..], &first.name[..]), ("one\u{fffd}", "ada"));
    assert_eq!(write(store, ada, bob, 7, "one\0").await, Written::Before(first.clone()));
    assert_eq!(write(store, ada, bob, 7, "two").await, Written::OtherWords);
    assert_eq!(
        write(store, ada, UserId(Uuid::nil()), 8, "anybody?").await,
        Written::Nobody
    );
    write(store, ada, bob, 9, "two").await;
    write(store, bob, ada, 7, "three").await;
    write(store, eve, ada, 1, "psst").await;
    let words = async |before, limit| {
        let messages = store.directs(bob, ada, before, limit).await.unwrap();
        messages.into_iter().map(|message| message.text).collect::<Vec<_>>()
    };
    assert_eq!(words(None, 9).await, ["three", "two", "one\u{fffd}"]);
    assert_eq!(words(None, 1).await, ["three"]);
    let newest = store.directs(ada, bob, None, 1).await.unwrap().remove(0);
    assert_eq!(words(Some(newest.id), 9).await.len(), 2);

    let seen = async |user| {
        let conversations = store.conversations(user, 9).await.unwrap();
        let seen = conversations.into_iter();
        seen.map(|with| (with.name, with.last.text, with.unread))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        seen(ada).await,
        [("eve".into(), "psst".into(), 1), ("bob".into(), "three".into(), 1)]
    );
    assert_eq!(seen(bob).await, [("ada".into(), "three".into(), 2)]);
    store.read_direct(bob, ada, newest.id).await.unwrap();
    store.read_direct(bob, ada, first.id).await.unwrap();
    assert_eq!(seen(bob).await[0].2, 0, "reading does not go back");
    store.read_direct(bob, UserId(Uuid::nil()), first.id).await.unwrap();
    store
        .read_direct(UserId(Uuid::nil()), ada, MessageId(Uuid::nil()))
        .await
        .unwrap();
    assert!(seen(UserId(Uuid::nil())).await.is_empty());
}

on_both!(a_message_is_kept_once_and_counted_until_it_is_read);
