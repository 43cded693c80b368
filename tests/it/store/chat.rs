//! What was said in spaces that keep it.

use plaza::components::chat::{ChatLine, LineChange, LineReaction, Scope, Speech};
use plaza::components::id::{ChatId, PlayerId, SpaceId, UserId};
use plaza::components::peers::VoiceRules;
use plaza::space::DurableEvent;
use plaza::store::chat::ChatPage;
use uuid::Uuid;

use super::{Home, on_both};

fn line(number: u128, text: &str) -> ChatLine {
    let speech = Speech {
        id: ChatId(Uuid::from_u128(number)),
        client_id: None,
        text: text.into(),
        at: 1_000 + number as u64,
        scope: Scope::Space,
        reply_to: None,
        may_moderate: false,
    };
    ChatLine::new(PlayerId::default(), UserId(Uuid::from_u128(7)), "Ada".into(), speech)
}

fn said(lines: &[ChatLine]) -> Vec<DurableEvent> {
    lines.iter().cloned().map(DurableEvent::Said).collect()
}

async fn lines_are_kept_once_and_found_again(home: Home) {
    let (store, space) = (&home.store, home.some_space().await);
    let lines: Vec<ChatLine> = ["Hello", "50 % off", "hello again", "bye\0"]
        .iter()
        .zip(1..)
        .map(|(text, number)| line(number, text))
        .collect();
    store.keep_chat(space, &said(&lines[..3])).await.unwrap();
    store.keep_chat(space, &said(&lines)).await.unwrap();
    store.keep_chat(SpaceId(Uuid::nil()), &said(&lines)).await.unwrap();
    let page = async |search, before, limit| {
        let page = ChatPage {
            search,
            before,
            limit,
            since: 0,
        };
        let lines = store.lines(space, page).await.unwrap();
        lines.into_iter().map(|line| line.text).collect::<Vec<_>>()
    };
    assert_eq!(
        page("", None, 9).await,
        ["bye\u{fffd}", "hello again", "50 % off", "Hello"]
    );
    assert_eq!(page("HELLO", None, 9).await, ["hello again", "Hello"]);
    assert_eq!(page("%", None, 9).await, ["50 % off"]);
    assert_eq!(page("", Some(lines[3].id), 2).await, ["hello again", "50 % off"]);
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
    assert_eq!(store.line(space, lines[0].id).await.unwrap().as_ref(), Some(&lines[0]));
    assert_eq!(store.line(SpaceId(Uuid::nil()), lines[0].id).await.unwrap(), None);
}

async fn what_became_of_lines_is_kept_and_the_same_again_changes_nothing(home: Home) {
    let (store, space) = (&home.store, home.some_space().await);
    let answer = ChatLine {
        reply_to: Some(line(1, "").id),
        scope: Scope::Announcement,
        ..line(2, "answer")
    };
    let react = |line: &ChatLine, user, emoji: &str, on| {
        DurableEvent::Reacted(LineReaction {
            id: line.id,
            user: UserId(Uuid::from_u128(user)),
            emoji: emoji.into(),
            on,
        })
    };
    let change = |line: &ChatLine, text: Option<&str>, at| {
        DurableEvent::Changed(LineChange {
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
        assert_eq!((&question.text[..], question.edited), ("Question\u{fffd}?", Some(5)));
        assert_eq!(question.reactions.len(), 1);
        assert_eq!(question.reactions[0].users.len(), 2);
    }
    store
        .keep_chat(space, &[change(&first, Some("older"), 4)])
        .await
        .unwrap();
    let question = store.line(space, first.id).await.unwrap().unwrap();
    assert_eq!(question.text, "Question\u{fffd}?");
    let search = ChatPage {
        search: "oops",
        limit: 9,
        ..ChatPage::default()
    };
    assert!(store.lines(space, search).await.unwrap().is_empty());
    let cleared = DurableEvent::Cleared("Ada".into());
    store
        .keep_chat(space, &[cleared, DurableEvent::Said(line(4, "after"))])
        .await
        .unwrap();
    let all = ChatPage {
        limit: 9,
        ..ChatPage::default()
    };
    assert_eq!(store.lines(space, all).await.unwrap().len(), 1);
}

async fn old_lines_are_forgotten_where_the_space_wants_it(home: Home) {
    let (store, space) = (&home.store, home.some_space().await);
    store.keep_chat(space, &said(&[line(1, "long ago")])).await.unwrap();
    assert_eq!(store.forget_old_lines().await.unwrap(), 0, "kept for ever");
    store
        .change_chat_rules(space, Some(3), 20, VoiceRules::default())
        .await
        .unwrap();
    let row = store.space(space).await.unwrap().unwrap();
    assert_eq!((row.retention_days, row.slow_seconds), (Some(3), 20));
    assert_eq!(store.forget_old_lines().await.unwrap(), 1);
    store
        .change_chat_rules(space, None, 0, VoiceRules::default())
        .await
        .unwrap();
    store
        .keep_chat(space, &said(&[line(2, "early"), line(3, "late")]))
        .await
        .unwrap();
    store.forget_lines_before(space, 1_003).await.unwrap();
    let all = ChatPage {
        limit: 9,
        ..ChatPage::default()
    };
    assert_eq!(store.lines(space, all).await.unwrap(), [line(3, "late")]);
}

async fn a_space_keeps_how_people_hear_and_see_each_other(home: Home) {
    let (store, space) = (&home.store, home.some_space().await);
    let row = store.space(space).await.unwrap().unwrap();
    assert_eq!(row.voices, VoiceRules::default(), "nobody wanted anything else");
    for walls in [Some(true), Some(false), None] {
        let voices = VoiceRules {
            reach: 8,
            voices: 4,
            pictures: 0,
            walls,
        };
        store.change_chat_rules(space, None, 0, voices).await.unwrap();
        assert_eq!(store.space(space).await.unwrap().unwrap().voices, voices);
        assert_eq!(store.plan(space).await.unwrap().unwrap().voices, voices);
    }
}

on_both!(
    a_space_keeps_how_people_hear_and_see_each_other,
    lines_are_kept_once_and_found_again,
    what_became_of_lines_is_kept_and_the_same_again_changes_nothing,
    old_lines_are_forgotten_where_the_space_wants_it,
);
