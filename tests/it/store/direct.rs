//! Direct messages.

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

async fn a_message_is_stored_once_and_counted_until_it_is_read(home: Home) {
    let store = &home.store;
    let (ada, bob, eve) = (
        home.user("ada").await,
        home.user("bob").await,
        home.user("eve").await,
    );
    let Written::New(first) = write(store, ada, bob, 7, "one\0").await else {
        panic!("it was not there before");
    };
    assert_eq!((&first.text[..], &first.name[..]), ("one\u{fffd}", "ada"));
    assert_eq!(
        write(store, ada, bob, 7, "one\0").await,
        Written::Before(first.clone())
    );
    assert_eq!(write(store, ada, bob, 7, "two").await, Written::OtherWords);
    assert_eq!(
        write(store, ada, UserId(Uuid::nil()), 8, "hello?").await,
        Written::Nobody
    );
    write(store, ada, bob, 9, "two").await;
    write(store, bob, ada, 7, "three").await;
    write(store, eve, ada, 1, "psst").await;
    let words = async |before, limit| {
        let messages = store.directs(bob, ada, before, limit).await.unwrap();
        messages
            .items
            .into_iter()
            .map(|message| message.text)
            .collect::<Vec<_>>()
    };
    assert_eq!(words(None, 9).await, ["three", "two", "one\u{fffd}"]);
    assert_eq!(words(None, 1).await, ["three"]);
    let newest = store
        .directs(ada, bob, None, 1)
        .await
        .unwrap()
        .items
        .remove(0);
    assert_eq!(words(Some(newest.id), 9).await.len(), 2);

    let seen = async |user| {
        let conversations = store.conversations(user, None, 9).await.unwrap();
        let seen = conversations.items.into_iter();
        seen.map(|with| (with.name, with.last.text, with.unread))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        seen(ada).await,
        [
            ("eve".into(), "psst".into(), 1),
            ("bob".into(), "three".into(), 1)
        ]
    );
    assert_eq!(seen(bob).await, [("ada".into(), "three".into(), 2)]);
    store.read_direct(bob, ada, newest.id).await.unwrap();
    store.read_direct(bob, ada, first.id).await.unwrap();
    assert_eq!(seen(bob).await[0].2, 0, "reading does not go back");
    write(store, ada, bob, 10, "four").await;
    assert_eq!(seen(bob).await, [("ada".into(), "four".into(), 1)]);
    let newest = store
        .conversations(ada, None, 1)
        .await
        .unwrap()
        .items
        .remove(0);
    assert_eq!((&newest.name[..], newest.unread), ("bob", 1));
    let older = store
        .conversations(ada, Some(newest.last.id), 9)
        .await
        .unwrap()
        .items;
    assert_eq!(older[0].name, "eve");
    assert_eq!(older.len(), 1);
    store
        .read_direct(bob, UserId(Uuid::nil()), first.id)
        .await
        .unwrap();
    store
        .read_direct(UserId(Uuid::nil()), ada, MessageId(Uuid::nil()))
        .await
        .unwrap();
    assert!(seen(UserId(Uuid::nil())).await.is_empty());
}

/// The newest message comes from a process whose clock is far ahead.
async fn messages_stay_in_the_order_in_which_they_were_written(home: Home) {
    let store = &home.store;
    let (ada, bob) = (home.user("ada").await, home.user("bob").await);
    write(store, ada, bob, 1, "question").await;
    home.suffer("update direct_messages set id = '7fffffff-ffff-7000-8000-00000000000f'")
        .await;
    home.suffer("update direct_conversations set last_id = '7fffffff-ffff-7000-8000-00000000000f'")
        .await;
    write(store, bob, ada, 1, "answer").await;
    write(store, ada, bob, 2, "thanks").await;
    let kept = store.directs(ada, bob, None, 9).await.unwrap().items;
    let words: Vec<_> = kept.iter().map(|message| &message.text[..]).collect();
    assert_eq!(words, ["thanks", "answer", "question"]);
    let newest = store
        .conversations(bob, None, 9)
        .await
        .unwrap()
        .items
        .remove(0);
    assert_eq!((newest.last.text, newest.unread), ("thanks".to_owned(), 2));
}

async fn pages_of_long_messages_are_short_and_lead_to_all_of_them(home: Home) {
    let store = &home.store;
    let ada = home.user("ada").await;
    let long = "x".repeat(16_000);
    let mut bob = None;
    for number in 1..=6 {
        let other = home.user(&format!("user{number}")).await;
        write(store, other, ada, 1, &long).await;
        bob = Some(other);
    }
    let bob = bob.unwrap();
    for number in 2..=6 {
        write(store, ada, bob, number, &long).await;
    }
    let mut sizes = Vec::new();
    let mut before = None;
    loop {
        let page = store.directs(ada, bob, before, 50).await.unwrap();
        sizes.push(page.items.len());
        before = page.items.last().map(|message| message.id);
        if !page.has_more {
            break;
        }
    }
    assert_eq!(sizes, [4, 2]);
    let (mut sizes, mut before) = (Vec::new(), None);
    loop {
        let page = store.conversations(ada, before, 200).await.unwrap();
        sizes.push(page.items.len());
        before = page.items.last().map(|with| with.last.id);
        if !page.has_more {
            break;
        }
    }
    assert_eq!(sizes, [4, 2]);
}

on_both!(
    pages_of_long_messages_are_short_and_lead_to_all_of_them,
    a_message_is_stored_once_and_counted_until_it_is_read,
    messages_stay_in_the_order_in_which_they_were_written,
);
