//! What was said in spaces that keep it.

use plaza::components::chat::{ChatMessage, MessageChange, MessageReaction, Scope, Speech};
use plaza::components::id::{ChatId, PlayerId, SpaceId, UserId};
use plaza::components::peers::ProximityRules;
use plaza::space::DurableEvent;
use plaza::store::Store;
use plaza::store::chat::ChatPage;
use uuid::Uuid;

use super::{Home, on_both};

fn line(number: u128, text: &str) -> ChatMessage {
    let speech = Speech {
        id: ChatId(Uuid::from_u128(number)),
        client_id: None,
        text: text.into(),
        at: 1_000 + number as u64,
        scope: Scope::Space,
        reply_to: None,
        may_moderate: false,
    };
    ChatMessage::new(
        PlayerId::default(),
        UserId(Uuid::from_u128(7)),
        "Ada".into(),
        speech,
    )
}

fn said(lines: &[ChatMessage]) -> Vec<DurableEvent> {
    lines.iter().cloned().map(DurableEvent::Said).collect()
}

fn texts(lines: Vec<ChatMessage>) -> Vec<String> {
    lines.into_iter().map(|message| message.text).collect()
}

/// Everything that a search finds, page by page.
async fn found(store: &Store, space: SpaceId, search: &str) -> Vec<String> {
    let (mut all, mut before) = (Vec::new(), None);
    loop {
        let page = ChatPage {
            before,
            limit: 2,
            since: 0,
        };
        let found = store.search(space, search, page).await.unwrap();
        assert!(found.lines.len() <= 2);
        all.extend(texts(found.lines));
        if found.before.is_none() {
            return all;
        }
        assert_ne!(
            before, found.before,
            "each page goes on where the one before ended"
        );
        before = found.before;
    }
}

async fn lines_are_kept_once_and_found_again(home: Home) {
    let (store, space) = (&home.store, home.some_space().await);
    let lines: Vec<ChatMessage> = ["Hello", "50 % off", "hello again", "bye\0"]
        .iter()
        .zip(1..)
        .map(|(text, number)| line(number, text))
        .collect();
    store.keep_chat(space, &said(&lines[..3])).await.unwrap();
    store.keep_chat(space, &said(&lines)).await.unwrap();
    store
        .keep_chat(SpaceId(Uuid::nil()), &said(&lines))
        .await
        .unwrap();
    let page = async |before, limit| {
        let page = ChatPage {
            before,
            limit,
            since: 0,
        };
        texts(store.lines(space, page).await.unwrap())
    };
    assert_eq!(
        page(None, 9).await,
        ["bye\u{fffd}", "hello again", "50 % off", "Hello"]
    );
    assert_eq!(
        page(Some(lines[3].id), 2).await,
        ["hello again", "50 % off"]
    );
    assert_eq!(found(store, space, "HELLO").await, ["hello again", "Hello"]);
    assert_eq!(found(store, space, "hel ag").await, ["hello again"]);
    assert_eq!(found(store, space, "%").await, ["50 % off"]);
    assert_eq!(found(store, SpaceId(Uuid::nil()), "hello").await, [""; 0]);
    let first = ChatPage {
        before: Some(lines[1].id),
        limit: 9,
        ..ChatPage::default()
    };
    assert_eq!(store.lines(space, first).await.unwrap(), lines[..1]);
    let late = ChatPage {
        since: 1_004,
        limit: 9,
        ..ChatPage::default()
    };
    assert_eq!(store.lines(space, late).await.unwrap().len(), 1);
    assert_eq!(
        store.line(space, lines[0].id).await.unwrap().as_ref(),
        Some(&lines[0])
    );
    assert_eq!(
        store.line(SpaceId(Uuid::nil()), lines[0].id).await.unwrap(),
        None
    );
}

async fn what_became_of_lines_is_kept_and_the_same_again_changes_nothing(home: Home) {
    let (store, space) = (&home.store, home.some_space().await);
    let answer = ChatMessage {
        reply_to: Some(line(1, "").id),
        scope: Scope::Announcement,
        ..line(2, "answer")
    };
    let react = |line: &ChatMessage, user, emoji: &str, on| {
        DurableEvent::Reacted(MessageReaction {
            id: line.id,
            user: UserId(Uuid::from_u128(user)),
            emoji: emoji.into(),
            on,
        })
    };
    let change = |line: &ChatMessage, text: Option<&str>, at| {
        DurableEvent::Changed(MessageChange {
            id: line.id,
            text: text.map(Into::into),
            at,
        })
    };
    let (first, gone) = (line(1, "Question"), line(3, "oops"));
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
        react(&line(9, ""), 8, "🎉", true),
        change(&gone, Some("back?"), 7),
    ]);
    for _ in 0..2 {
        store.keep_chat(space, &events).await.unwrap();
        let page = ChatPage {
            limit: 9,
            ..ChatPage::default()
        };
        let lines = store.lines(space, page).await.unwrap();
        let [deleted, announced, question] = &lines[..] else {
            panic!("three lines, not {lines:?}");
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
        DurableEvent::Said(line(10, "before")),
        cleared,
        DurableEvent::Said(line(4, "after")),
    ];
    let all = ChatPage {
        limit: 9,
        ..ChatPage::default()
    };
    for _ in 0..2 {
        store.keep_chat(space, &since).await.unwrap();
        assert_eq!(texts(store.lines(space, all).await.unwrap()), ["after"]);
        assert_eq!(store.line(space, line(10, "").id).await.unwrap(), None);
        assert!(found(store, space, "before").await.is_empty());
    }
    assert_eq!(
        store.forget_old_lines().await.unwrap(),
        4,
        "what is shown no longer is swept"
    );
    assert_eq!(texts(store.lines(space, all).await.unwrap()), ["after"]);
}

/// Two processes whose clocks differ: what was said later has the smaller id.
async fn lines_stay_in_the_order_in_which_they_were_kept(home: Home) {
    let (store, space) = (&home.store, home.some_space().await);
    let order = [
        (900, "question"),
        (30, "answer"),
        (800, "thanks"),
        (31, "you are welcome"),
    ];
    for (number, text) in order {
        store
            .keep_chat(space, &said(&[line(number, text)]))
            .await
            .unwrap();
    }
    let mut oldest_first = order.map(|(_, text)| text).to_vec();
    let all = texts(store.lines_after(space, None, 0, 9).await.unwrap());
    assert_eq!(all, oldest_first);
    let rest = store
        .lines_after(space, Some(line(30, "").id), 0, 9)
        .await
        .unwrap();
    assert_eq!(texts(rest), oldest_first[2..]);
    assert_eq!(
        texts(store.lines_after(space, None, 0, 2).await.unwrap()),
        oldest_first[..2]
    );
    oldest_first.reverse();
    let mut page = ChatPage {
        limit: 9,
        ..ChatPage::default()
    };
    assert_eq!(texts(store.lines(space, page).await.unwrap()), oldest_first);
    page.before = Some(line(800, "").id);
    assert_eq!(
        texts(store.lines(space, page).await.unwrap()),
        oldest_first[2..]
    );
    store
        .keep_chat(space, &said(&[line(1, "you two"), line(2000, "you all")]))
        .await
        .unwrap();
    assert_eq!(
        found(store, space, "you").await,
        ["you all", "you two", "you are welcome"]
    );
}

async fn who_lost_a_space_keeps_nothing_more_of_it(home: Home) {
    let (store, space) = (&home.store, home.some_space().await);
    store.mint_epoch(space, 0, ("ann", 1), 0).await.unwrap();
    store
        .keep_chat_of(space, 1, &said(&[line(1, "first")]))
        .await
        .unwrap();
    store.mint_epoch(space, 1, ("ben", 2), 0).await.unwrap();
    store
        .keep_chat_of(space, 1, &said(&[line(2, "nobody heard it")]))
        .await
        .unwrap();
    store
        .keep_chat_of(space, 2, &said(&[line(3, "second")]))
        .await
        .unwrap();
    let kept = store.lines_after(space, None, 0, 9).await.unwrap();
    assert_eq!(texts(kept), ["first", "second"]);
}

/// As a database looks that an earlier version wrote: lines without words, and one that it added
/// after this version had begun.
async fn what_an_earlier_version_kept_is_found_and_stays_in_its_order(home: Home) {
    let (store, space) = (&home.store, home.some_space().await);
    let lines = [line(1, "long ago"), line(2, "ago, but later")];
    store.keep_chat(space, &said(&lines)).await.unwrap();
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
        "the line itself decides"
    );
}

/// So many words begin alike, and so many lines have one word, that neither helps to find the rest.
async fn every_line_is_found_however_common_its_words_are(home: Home) {
    let (store, space) = (&home.store, home.some_space().await);
    let lines: Vec<ChatMessage> = (1..=260)
        .map(|number| match number {
            5 | 250 => line(number, &format!("common{number} and rare")),
            _ => line(number, &format!("common{number} and")),
        })
        .collect();
    store.keep_chat(space, &said(&lines)).await.unwrap();
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
            .is_empty()
    );
}

async fn old_lines_are_forgotten_where_the_space_wants_it(home: Home) {
    let (store, space) = (&home.store, home.some_space().await);
    store
        .keep_chat(space, &said(&[line(1, "long ago")]))
        .await
        .unwrap();
    assert_eq!(store.forget_old_lines().await.unwrap(), 0, "kept for ever");
    store
        .change_chat_rules(space, Some(3), 20, ProximityRules::default())
        .await
        .unwrap();
    let row = store.space(space).await.unwrap().unwrap();
    assert_eq!((row.retention_days, row.slow_seconds), (Some(3), 20));
    assert_eq!(store.forget_old_lines().await.unwrap(), 1);
    store
        .change_chat_rules(space, None, 0, ProximityRules::default())
        .await
        .unwrap();
    store
        .keep_chat(space, &said(&[line(2, "early"), line(3, "late")]))
        .await
        .unwrap();
    let late = store.lines_after(space, None, 1_003, 9).await.unwrap();
    assert_eq!(late, [line(3, "late")]);
}

async fn a_space_keeps_how_people_hear_and_see_each_other(home: Home) {
    let (store, space) = (&home.store, home.some_space().await);
    let row = store.space(space).await.unwrap().unwrap();
    assert_eq!(
        row.voices,
        ProximityRules::default(),
        "nobody wanted anything else"
    );
    for walls in [Some(true), Some(false), None] {
        let voices = ProximityRules {
            reach: 8,
            voices: 4,
            pictures: 0,
            walls,
        };
        store
            .change_chat_rules(space, None, 0, voices)
            .await
            .unwrap();
        assert_eq!(store.space(space).await.unwrap().unwrap().voices, voices);
        assert_eq!(store.plan(space).await.unwrap().unwrap().voices, voices);
    }
}

on_both!(
    every_line_is_found_however_common_its_words_are,
    lines_stay_in_the_order_in_which_they_were_kept,
    what_an_earlier_version_kept_is_found_and_stays_in_its_order,
    who_lost_a_space_keeps_nothing_more_of_it,
    a_space_keeps_how_people_hear_and_see_each_other,
    lines_are_kept_once_and_found_again,
    what_became_of_lines_is_kept_and_the_same_again_changes_nothing,
    old_lines_are_forgotten_where_the_space_wants_it,
);
