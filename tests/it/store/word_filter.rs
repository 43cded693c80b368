//! Word filters of spaces.

use plaza::components::word_filter::{FilterAction, WordList};
use plaza::store::audit_log::Actor;
use plaza::store::spaces::Access;

use super::access::stands;
use super::{Home, on_both};
use plaza::components::id::SpaceId;
use uuid::Uuid;

fn list(words: &[&str]) -> WordList {
    WordList::new(FilterAction::Report, words.iter().copied(), 10).unwrap()
}

async fn a_changed_list_has_another_id_and_an_empty_one_has_none(home: Home) {
    let store = &home.store;
    let (ada, bob) = (home.user("ada").await, home.user("bob").await);
    let space = home.space(ada, "Park", Access::Public).await;
    let before = stands(&home, bob, space).await;
    assert_eq!(before.word_filter, None);
    let actor = Actor::command_line();
    let words = list(&["darn", "hot dog"]);
    assert!(store.change_word_list(&actor, space, &words).await.unwrap());
    let with = stands(&home, bob, space).await;
    assert!(with.version > before.version);
    let first = with.word_filter.unwrap();
    assert_eq!(store.word_list_of(space).await.unwrap(), Some(first));
    assert_eq!(store.word_list(first).await.unwrap(), Some(words));
    let words = list(&["fig"]);
    assert!(store.change_word_list(&actor, space, &words).await.unwrap());
    let second = stands(&home, bob, space).await.word_filter.unwrap();
    assert_ne!(first, second);
    assert_eq!(store.word_list(first).await.unwrap(), None);
    let none = WordList::default();
    assert!(store.change_word_list(&actor, space, &none).await.unwrap());
    assert_eq!(stands(&home, bob, space).await.word_filter, None);
    assert_eq!(store.word_list(second).await.unwrap(), None);
    let log = store.audit_log_of(space, true, None, 10).await.unwrap();
    let details: Vec<&str> = log.iter().map(|row| row.detail.as_str()).collect();
    assert_eq!(
        details,
        [
            "word filter: none",
            "word filter: words: 1, report",
            "word filter: words: 2, report"
        ]
    );
    let nowhere = SpaceId(Uuid::nil());
    assert!(
        !store
            .change_word_list(&actor, nowhere, &none)
            .await
            .unwrap()
    );
}

async fn words_that_are_reported_are_in_the_part_of_the_log_about_people(home: Home) {
    let store = &home.store;
    let ada = home.user("ada").await;
    let space = home.space(ada, "Park", Access::Public).await;
    store
        .note_filtered(Some(space), ada, "“darn”")
        .await
        .unwrap();
    store.note_filtered(None, ada, "“fig”").await.unwrap();
    let log = store.audit_log_of(space, false, None, 10).await.unwrap();
    assert_eq!(log.len(), 1);
    assert_eq!(
        (log[0].actor.as_str(), log[0].target.as_str()),
        ("word filter", "ada")
    );
    assert_eq!(store.audit_log(None, 10).await.unwrap().len(), 2);
}

on_both!(
    a_changed_list_has_another_id_and_an_empty_one_has_none,
    words_that_are_reported_are_in_the_part_of_the_log_about_people,
);
