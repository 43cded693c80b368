//! What was said in spaces that keep it.

use plaza::components::chat::ChatLine;
use plaza::components::id::{ChatId, PlayerId, SpaceId, UserId};
use plaza::store::chat::ChatPage;
use uuid::Uuid;

use super::{Home, on_both};

fn line(number: u128, text: &str) -> ChatLine {
    ChatLine {
        id: ChatId(Uuid::from_u128(number)),
        player: PlayerId::default(),
        user: UserId(Uuid::from_u128(7)),
        name: "Ada".into(),
        text: text.into(),
        at: 1_000 + number as u64,
        client_id: None,
    }
}

async fn lines_are_kept_once_and_found_again(home: Home) {
    let (store, space) = (&home.store, home.some_space().await);
    let said: Vec<ChatLine> = ["Hello", "50 % off", "hello again", "bye\0"]
        .iter()
        .zip(1..)
        .map(|(text, number)| line(number, text))
        .collect();
    store.keep_lines(space, &said[..3]).await.unwrap();
    store.keep_lines(space, &said).await.unwrap();
    store.keep_lines(SpaceId(Uuid::nil()), &said).await.unwrap();
    let page = async |search, before, limit| {
        let page = ChatPage { search, before, limit };
        let lines = store.lines(space, page).await.unwrap();
        lines.into_iter().map(|line| line.text).collect::<Vec<_>>()
    };
    assert_eq!(
        page("", None, 9).await,
        ["bye\u{fffd}", "hello again", "50 % off", "Hello"]
    );
    assert_eq!(page("HELLO", None, 9).await, ["hello again", "Hello"]);
    assert_eq!(page("%", None, 9).await, ["50 % off"]);
    assert_eq!(page("", Some(said[3].id), 2).await, ["hello again", "50 % off"]);
    let first = ChatPage {
        search: "",
        before: Some(said[1].id),
        limit: 9,
    };
    assert_eq!(store.lines(space, first).await.unwrap(), said[..1]);
}

on_both!(lines_are_kept_once_and_found_again);
