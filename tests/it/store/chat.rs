//! Stored chat messages.

use plaza::components::chat::{ChatMessage, MessageChange, MessageReaction, Scope, Speech};
use plaza::components::id::{ChatId, PlayerId, SpaceId, UserId};
use plaza::components::peers::ProximityRules;
use plaza::space::DurableEvent;
use plaza::store::Store;
use plaza::store::chat::ChatPage;
use uuid::Uuid;

use super::{Home, on_both};

pub fn message(number: u128, text: &str) -> ChatMessage {
    let speech = Speech {
        id: ChatId(Uuid::from_u128(number)),
        client_id: None,
        text: text.into(),
        at: 1_000 + number as u64,
        scope: Scope::Space,
        reply_to: None,
        may_announce: false,
    };
    ChatMessage::new(
        PlayerId::default(),
        UserId(Uuid::from_u128(7)),
        "Ada".into(),
        speech,
    )
}

pub fn said(messages: &[ChatMessage]) -> Vec<DurableEvent> {
    messages.iter().cloned().map(DurableEvent::Said).collect()
}

fn texts(messages: Vec<ChatMessage>) -> Vec<String> {
    messages.into_iter().map(|message| message.text).collect()
}

/// All results of a search, page by page.
async fn found(store: &Store, space: SpaceId, search: &str) -> Vec<String> {
    let (mut all, mut before) = (Vec::new(), None);
    loop {
        let page = ChatPage {
            before,
            limit: 2,
            ..ChatPage::default()
        };
        let found = store.search(space, search, page).await.unwrap();
        assert!(found.lines.len() <= 2);
        all.extend(texts(found.lines));
        if found.before.is_none() {
            return all;
        }
        assert_ne!(
            before, found.before,
            "each page continues where the previous one ended"
        );
        before = found.before;
    }
}

async fn messages_are_stored_once_and_found_again(home: Home) {
    let (store, space) = (&home.store, home.some_space().await);
    let messages: Vec<ChatMessage> = ["Hello", "50 % off", "hello again", "bye\0"]
        .iter()
        .zip(1..)
        .map(|(text, number)| message(number, text))
        .collect();
    store.keep_chat(space, &said(&messages[..3])).await.unwrap();
    store.keep_chat(space, &said(&messages)).await.unwrap();
    store
        .keep_chat(SpaceId(Uuid::nil()), &said(&messages))
        .await
        .unwrap();
    let page = async |before, limit| {
        let page = ChatPage {
            before,
            limit,
            ..ChatPage::default()
        };
        texts(store.lines(space, page).await.unwrap().lines)
    };
    assert_eq!(
        page(None, 9).await,
        ["bye\u{fffd}", "hello again", "50 % off", "Hello"]
    );
    assert_eq!(
        page(Some(messages[3].id), 2).await,
        ["hello again", "50 % off"]
    );
    assert_eq!(found(store, space, "HELLO").await, ["hello again", "Hello"]);
    assert_eq!(found(store, space, "hel ag").await, ["hello again"]);
    assert_eq!(found(store, space, "%").await, ["50 % off"]);
    assert_eq!(found(store, SpaceId(Uuid::nil()), "hello").await, [""; 0]);
    let first = ChatPage {
        before: Some(messages[1].id),
        limit: 9,
        ..ChatPage::default()
    };
    assert_eq!(
        store.lines(space, first).await.unwrap().lines,
        messages[..1]
    );
    let late = ChatPage {
        since: 1_004,
        limit: 9,
        ..ChatPage::default()
    };
    assert_eq!(store.lines(space, late).await.unwrap().lines.len(), 1);
    assert_eq!(
        store.line(space, messages[0].id).await.unwrap().as_ref(),
        Some(&messages[0])
    );
    assert_eq!(
        store
            .line(SpaceId(Uuid::nil()), messages[0].id)
            .await
            .unwrap(),
        None
    );
}

async fn message_changes_are_stored_and_idempotent(home: Home) {
    let (store, space) = (&home.store, home.some_space().await);
    let answer = ChatMessage {
        reply_to: Some(message(1, "").id),
        scope: Scope::Announcement,
        ..message(2, "answer")
    };
    let react = |message: &ChatMessage, user, emoji: &str, on| {
        DurableEvent::Reacted(MessageReaction {
            id: message.id,
            user: UserId(Uuid::from_u128(user)),
            emoji: emoji.into(),
            on,
        })
    };
    let change = |message: &ChatMessage, text: Option<&str>, at| {
        DurableEvent::Changed(MessageChange {
            id: message.id,
            text: text.map(Into::into),
            at,
        })
    };
    let (first, gone) = (message(1, "Question"), message(3, "oops"));
    let mut events = said(&[first.clone(), answer.clone(), gone.clone()]);
    events.extend([
        change(&first, Some("Question\0?"), 5),
        react(&first, 7, "👍", true),
        react(&first, 8, "👍", true),
        react(&first, 8, "🎉", true),
        react(&first, 8, "🎉", false),
        react(&gone, 8, "🎉", true),
        change(&gone, None, 6),
        react(&gone, 8, "🎉", true),
        react(&message(9, ""), 8, "🎉", true),
        change(&gone, Some("back?"), 7),
    ]);
    for _ in 0..2 {
        store.keep_chat(space, &events).await.unwrap();
        let page = ChatPage {
            limit: 9,
            ..ChatPage::default()
        };
        let messages = store.lines(space, page).await.unwrap().lines;
        let [deleted, announced, question] = &messages[..] else {
            panic!("three messages, not {messages:?}");
        };
        assert_eq!(announced, &answer);
        assert_eq!(
            (&deleted.text[..], deleted.is_deleted, deleted.edited),
            ("", true, None)
        );
        assert!(deleted.reactions.is_empty());
        assert_eq!(
            (&question.text[..], question.edited),
            ("Question\u{fffd}?", Some(5))
        );
        assert_eq!(question.reactions.len(), 1);
        assert_eq!(question.reactions[0].users.len(), 2);
    }
    store
        .keep_chat(space, &[change(&first, Some("older"), 4)])
        .await
        .unwrap();
    let question = store.line(space, first.id).await.unwrap().unwrap();
    assert_eq!(question.text, "Question\u{fffd}?");
    assert!(found(store, space, "oops").await.is_empty());
    assert_eq!(found(store, space, "question").await, ["Question\u{fffd}?"]);
    let cleared = DurableEvent::Cleared("Ada".into());
    let since = [
        DurableEvent::Said(message(10, "before")),
        cleared,
        DurableEvent::Said(message(4, "after")),
    ];
    let all = ChatPage {
        limit: 9,
        ..ChatPage::default()
    };
    for _ in 0..2 {
        store.keep_chat(space, &since).await.unwrap();
        assert_eq!(
            texts(store.lines(space, all).await.unwrap().lines),
            ["after"]
        );
        assert_eq!(store.line(space, message(10, "").id).await.unwrap(), None);
        assert!(found(store, space, "before").await.is_empty());
    }
    assert_eq!(
        store.forget_old_lines(u64::MAX).await.unwrap(),
        4,
        "pictures that are no longer shown are swept"
    );
    assert_eq!(
        texts(store.lines(space, all).await.unwrap().lines),
        ["after"]
    );
}

/// Two processes whose clocks differ: the later message has the smaller id.
async fn messages_stay_in_the_order_in_which_they_were_stored(home: Home) {
    let (store, space) = (&home.store, home.some_space().await);
    let order = [
        (900, "question"),
        (30, "answer"),
        (800, "thanks"),
        (31, "you are welcome"),
    ];
    for (number, text) in order {
        store
            .keep_chat(space, &said(&[message(number, text)]))
            .await
            .unwrap();
    }
    let mut oldest_first = order.map(|(_, text)| text).to_vec();
    let all = texts(store.lines_after(space, None, 0, 9).await.unwrap().items);
    assert_eq!(all, oldest_first);
    let rest = store
        .lines_after(space, Some(message(30, "").id), 0, 9)
        .await
        .unwrap()
        .items;
    assert_eq!(texts(rest), oldest_first[2..]);
    assert_eq!(
        texts(store.lines_after(space, None, 0, 2).await.unwrap().items),
        oldest_first[..2]
    );
    oldest_first.reverse();
    let mut page = ChatPage {
        limit: 9,
        ..ChatPage::default()
    };
    assert_eq!(
        texts(store.lines(space, page).await.unwrap().lines),
        oldest_first
    );
    page.before = Some(message(800, "").id);
    assert_eq!(
        texts(store.lines(space, page).await.unwrap().lines),
        oldest_first[2..]
    );
    store
        .keep_chat(
            space,
            &said(&[message(1, "you two"), message(2000, "you all")]),
        )
        .await
        .unwrap();
    assert_eq!(
        found(store, space, "you").await,
        ["you all", "you two", "you are welcome"]
    );
}

async fn a_former_owner_stores_nothing_more(home: Home) {
    let (store, space) = (&home.store, home.some_space().await);
    store.mint_epoch(space, 0, ("ann", 1), 0).await.unwrap();
    store
        .keep_chat_of(space, 1, &said(&[message(1, "first")]))
        .await
        .unwrap();
    store.mint_epoch(space, 1, ("ben", 2), 0).await.unwrap();
    store
        .keep_chat_of(space, 1, &said(&[message(2, "not heard")]))
        .await
        .unwrap();
    store
        .keep_chat_of(space, 2, &said(&[message(3, "second")]))
        .await
        .unwrap();
    let kept = store.lines_after(space, None, 0, 9).await.unwrap().items;
    assert_eq!(texts(kept), ["first", "second"]);
}

/// A database that an earlier version wrote: messages without search words, and one that was added
/// after this version had started.
async fn messages_of_an_earlier_version_are_found_in_order(home: Home) {
    let (store, space) = (&home.store, home.some_space().await);
    let messages = [message(1, "long ago"), message(2, "ago, but later")];
    store.keep_chat(space, &said(&messages)).await.unwrap();
    home.suffer("delete from chat_words").await;
    home.suffer("update chat_lines set indexed = 0").await;
    home.suffer("update chat_lines set seq = 0 where text like '%later'")
        .await;
    assert_eq!(
        found(store, space, "ago").await,
        ["long ago"],
        "without its words"
    );
    assert_eq!(store.index_lines().await.unwrap(), 2);
    assert_eq!(store.index_lines().await.unwrap(), 0);
    assert_eq!(
        found(store, space, "ago").await,
        ["ago, but later", "long ago"]
    );
    home.suffer("update chat_lines set text = 'nothing'").await;
    assert!(
        found(store, space, "ago").await.is_empty(),
        "the message itself decides"
    );
}

/// Many words share a prefix, and many messages share a word, so neither narrows the search down.
async fn messages_with_very_common_words_are_found(home: Home) {
    let (store, space) = (&home.store, home.some_space().await);
    let messages: Vec<ChatMessage> = (1..=260)
        .map(|number| match number {
            5 | 250 => message(number, &format!("common{number} and rare")),
            _ => message(number, &format!("common{number} and")),
        })
        .collect();
    store.keep_chat(space, &said(&messages)).await.unwrap();
    let rare = ["common250 and rare", "common5 and rare"];
    for search in ["common and rare", "and rare", "rar comm", "RARE"] {
        assert_eq!(found(store, space, search).await, rare, "{search}");
    }
    assert_eq!(found(store, space, "comm").await.len(), 260);
    assert_eq!(found(store, space, "and").await.len(), 260);
    assert_eq!(found(store, space, "common12").await.len(), 11);
    store.delete_space(space).await.unwrap();
    assert!(
        store
            .lines_after(space, None, 0, 9)
            .await
            .unwrap()
            .items
            .is_empty()
    );
}

async fn old_messages_are_deleted_as_the_space_is_set(home: Home) {
    let (store, space) = (&home.store, home.some_space().await);
    store
        .keep_chat(space, &said(&[message(1, "long ago")]))
        .await
        .unwrap();
    assert_eq!(
        store.forget_old_lines(u64::MAX).await.unwrap(),
        0,
        "kept for ever"
    );
    store.change_chat_rules(space, Some(3), 20).await.unwrap();
    let row = store.space(space).await.unwrap().unwrap();
    assert_eq!((row.retention_days, row.slow_seconds), (Some(3), 20));
    assert_eq!(store.forget_old_lines(u64::MAX).await.unwrap(), 1);
    store.change_chat_rules(space, None, 0).await.unwrap();
    store
        .keep_chat(space, &said(&[message(2, "early"), message(3, "late")]))
        .await
        .unwrap();
    let late = store
        .lines_after(space, None, 1_003, 9)
        .await
        .unwrap()
        .items;
    assert_eq!(late, [message(3, "late")]);
}

async fn the_oldest_messages_make_room_when_a_chat_takes_too_much(home: Home) {
    let (store, space) = (&home.store, home.some_space().await);
    let all = async || texts(store.lines_after(space, None, 0, 99).await.unwrap().items);
    let long = |number: u128| message(number, &format!("{number:->1000}"));
    let messages: Vec<ChatMessage> = (1..=10).map(long).collect();
    store.keep_chat(space, &said(&messages)).await.unwrap();
    // Saved again, they are counted once. Each counts for 1,256 bytes.
    store.keep_chat(space, &said(&messages)).await.unwrap();
    assert_eq!(store.forget_old_lines(10 * 1_256).await.unwrap(), 0);
    assert_eq!(store.forget_old_lines(4 * 1_256 - 1).await.unwrap(), 7);
    assert_eq!(all().await, texts(messages[7..].to_vec()));
    assert!(found(store, space, "7").await.is_empty());
    let longer = DurableEvent::Changed(MessageChange {
        id: messages[9].id,
        text: Some("x".repeat(2_257)),
        at: 5,
    });
    store.keep_chat(space, &[longer]).await.unwrap();
    assert_eq!(store.forget_old_lines(4 * 1_256).await.unwrap(), 1);
    let deleted = DurableEvent::Changed(MessageChange {
        id: messages[9].id,
        text: None,
        at: 6,
    });
    store.keep_chat(space, &[deleted]).await.unwrap();
    assert_eq!(store.forget_old_lines(1_256 + 256).await.unwrap(), 0);
    let cleared = DurableEvent::Cleared("Ada".into());
    let again = [
        cleared,
        DurableEvent::Said(messages[9].clone()),
        DurableEvent::Said(long(11)),
    ];
    store.keep_chat(space, &again).await.unwrap();
    assert_eq!(store.forget_old_lines(2 * 1_256).await.unwrap(), 1);
    assert_eq!(all().await.len(), 2, "only the cleared one is swept");
    assert_eq!(store.forget_old_lines(0).await.unwrap(), 2);
    store.keep_chat(space, &said(&[long(12)])).await.unwrap();
    assert_eq!(store.forget_old_lines(1_256).await.unwrap(), 0);
    assert_eq!(store.forget_old_lines(1_255).await.unwrap(), 1);
}

async fn pages_of_long_messages_are_short_and_lead_to_all_of_them(home: Home) {
    let (store, space) = (&home.store, home.some_space().await);
    let long = |number| message(number, &format!("common {}", "x".repeat(16_000)));
    let messages: Vec<ChatMessage> = (1..=10).map(long).collect();
    store.keep_chat(space, &said(&messages)).await.unwrap();
    for search in ["", "common"] {
        let (mut all, mut before) = (Vec::new(), None);
        loop {
            let page = ChatPage {
                before,
                limit: 50,
                ..ChatPage::default()
            };
            let found = match search {
                "" => store.lines(space, page).await.unwrap(),
                words => store.search(space, words, page).await.unwrap(),
            };
            assert!((1..=5).contains(&found.lines.len()), "{search}");
            all.extend(found.lines);
            before = found.before;
            if before.is_none() {
                break;
            }
        }
        all.reverse();
        assert_eq!(all, messages, "{search}");
    }
    let (mut all, mut is_over) = (Vec::<ChatMessage>::new(), false);
    while !is_over {
        let after = all.last().map(|message| message.id);
        let page = store.lines_after(space, after, 0, 200).await.unwrap();
        assert!(page.items.len() <= 4);
        all.extend(page.items);
        is_over = !page.has_more;
    }
    assert_eq!(all, messages);
    store
        .keep_chat(space, &said(&[message(11, "short"), message(12, "common")]))
        .await
        .unwrap();
    let page = ChatPage {
        limit: 2,
        ..ChatPage::default()
    };
    let newest = store.lines(space, page).await.unwrap();
    assert_eq!(newest.lines.len(), 2);
    assert_eq!(newest.before, Some(message(11, "").id));
}

async fn messages_and_reactions_of_blocked_users_are_left_out(home: Home) {
    let (store, space) = (&home.store, home.some_space().await);
    let bob = UserId(Uuid::from_u128(8));
    let by_bob = |number| ChatMessage {
        user: bob,
        ..message(number, "hello from Bob")
    };
    let mut messages = vec![message(1, "hello"), message(2, "hello again")];
    messages.extend((3..=600).map(by_bob));
    messages.push(message(601, "hello at last"));
    let mut events = said(&messages);
    let react = |user| {
        DurableEvent::Reacted(MessageReaction {
            id: messages[0].id,
            user,
            emoji: "👍".into(),
            on: true,
        })
    };
    events.extend([react(bob), react(messages[0].user)]);
    store.keep_chat(space, &events).await.unwrap();
    for search in ["", "hello"] {
        let (mut all, mut before) = (Vec::new(), None);
        loop {
            let page = ChatPage {
                before,
                limit: 50,
                without: &[bob],
                ..ChatPage::default()
            };
            let found = match search {
                "" => store.lines(space, page).await.unwrap(),
                words => store.search(space, words, page).await.unwrap(),
            };
            all.extend(found.lines);
            before = found.before;
            if before.is_none() {
                break;
            }
        }
        let reactions = all.last().unwrap().reactions.clone();
        assert_eq!(reactions[0].users, [messages[0].user], "{search}");
        let words = ["hello at last", "hello again", "hello"];
        assert_eq!(texts(all), words, "{search}");
    }
}

async fn proximity_rules_are_stored(home: Home) {
    let (store, space) = (&home.store, home.some_space().await);
    let row = store.space(space).await.unwrap().unwrap();
    assert_eq!(
        row.proximity,
        ProximityRules::default(),
        "the default was never changed"
    );
    for walls in [Some(true), Some(false), None] {
        let rules = ProximityRules {
            range_tiles: 8,
            max_audio: 4,
            max_video: 0,
            walls_block: walls,
        };
        store.change_proximity_rules(space, rules).await.unwrap();
        assert_eq!(store.space(space).await.unwrap().unwrap().proximity, rules);
        assert_eq!(
            store.space_layout(space).await.unwrap().unwrap().proximity,
            rules
        );
    }
}

on_both!(
    messages_with_very_common_words_are_found,
    messages_stay_in_the_order_in_which_they_were_stored,
    messages_of_an_earlier_version_are_found_in_order,
    a_former_owner_stores_nothing_more,
    the_oldest_messages_make_room_when_a_chat_takes_too_much,
    pages_of_long_messages_are_short_and_lead_to_all_of_them,
    messages_and_reactions_of_blocked_users_are_left_out,
    proximity_rules_are_stored,
    messages_are_stored_once_and_found_again,
    message_changes_are_stored_and_idempotent,
    old_messages_are_deleted_as_the_space_is_set,
);
