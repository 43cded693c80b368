//! Concurrency: the results are the same whether a database has one writer or many.

use std::future::Future;
use std::path::Path;

use futures_util::future::join_all;
use plaza::components::id::{ElementId, SpaceId};
use plaza::components::unit::Tile;
use plaza::store::elements::ElementChange;
use plaza::store::invites::{Admission, NewInvite};
use plaza::store::seed::Folder;
use plaza::store::setup::SetUp;
use plaza::store::spaces::Access;
use plaza::store::users::NewUser;
use plaza::store::{Role, Store};

use super::{Home, on_both};

const SEED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/seed");

/// Does something many times at once, half of it through another process's store.
async fn at_once<F: Future<Output: Send + 'static> + Send + 'static>(
    home: &Home,
    count: usize,
    work: impl Fn(Store, usize) -> F,
) -> Vec<F::Output> {
    let stores = [home.store.clone(), home.opened_again().await];
    let tasks = (0..count).map(|number| tokio::spawn(work(stores[number % 2].clone(), number)));
    let done = join_all(tasks.collect::<Vec<_>>()).await;
    stores[1].close().await;
    done.into_iter().map(Result::unwrap).collect()
}

async fn desk(home: &Home) -> ElementId {
    home.store
        .add_element("/art/desk.svg", (1, 1), true)
        .await
        .unwrap()
}

async fn many_writers_and_readers_all_succeed(home: Home) {
    let (space, desk) = (home.some_space().await, desk(&home).await);
    at_once(&home, 40, move |store, number| async move {
        let corner = Tile::new(number as u16 % 10, 0);
        store
            .place(space, desk, corner, 1000)
            .await
            .unwrap()
            .unwrap();
        store
            .save_checkpoint(space, 1, number as u64, b"x")
            .await
            .unwrap();
        store.space_layout(space).await.unwrap().unwrap();
    })
    .await;
    let layout = home.store.space_layout(space).await.unwrap().unwrap();
    assert_eq!((layout.elements.len(), layout.version), (40, 41));
}

async fn a_name_is_given_to_one_user(home: Home) {
    let added = at_once(&home, 10, |store, _| async move {
        store.add_user("ada", "-", Role::User).await.unwrap()
    });
    assert_eq!(added.await.into_iter().flatten().count(), 1);
}

async fn the_last_use_of_an_invite_admits_one(home: Home) {
    let new = NewInvite {
        max_uses: Some(1),
        ..NewInvite::default()
    };
    let (_, token) = home.store.add_invite(&new).await.unwrap();
    let came = at_once(&home, 50, move |store, number| {
        let token = token.clone();
        async move {
            let name = format!("guest {number}");
            let new = NewUser {
                username: &name,
                password_hash: "-",
                role: Role::User,
            };
            store.add_user_by_invite(&token, &new).await.unwrap()
        }
    });
    let came = came.await;
    assert_eq!(
        came.iter()
            .filter(|end| matches!(end, Admission::Done(_)))
            .count(),
        1
    );
    assert!(!came.contains(&Admission::NameTaken));
}

async fn processes_that_start_together_check_names_once(home: Home) {
    for number in 0..300 {
        home.user(&format!("person {number}")).await;
    }
    home.suffer("update users set name_key = null, name_look = null, name_checked = 0")
        .await;
    let opened = join_all((0..4).map(|_| home.opened_again())).await;
    let users = home.store.users("", None, 500).await.unwrap();
    assert_eq!(users.len(), 300);
    assert!(users.iter().all(|user| !user.looks_alike));
    for store in opened {
        assert!(store.credentials("PERSON 299").await.unwrap().is_some());
        store.close().await;
    }
}

async fn the_last_free_place_is_given_once(home: Home) {
    let (space, desk) = (home.some_space().await, desk(&home).await);
    let placed = at_once(&home, 12, move |store, _| async move {
        store.place(space, desk, Tile::new(0, 0), 5).await.unwrap()
    });
    assert_eq!(placed.await.into_iter().flatten().count(), 5);
    assert_eq!(
        home.store
            .space_layout(space)
            .await
            .unwrap()
            .unwrap()
            .version,
        6
    );
}

async fn a_placement_is_removed_by_one(home: Home) {
    let (space, desk) = (home.some_space().await, desk(&home).await);
    let (placement, _) = home
        .store
        .place(space, desk, Tile::new(0, 0), 5)
        .await
        .unwrap()
        .unwrap();
    let removed = at_once(&home, 8, move |store, _| async move {
        store.unplace(space, placement).await.unwrap()
    });
    assert_eq!(removed.await.into_iter().flatten().collect::<Vec<_>>(), [3]);
}

async fn a_space_may_be_deleted_while_elements_are_placed(home: Home) {
    let (ada, desk) = (home.user("ada").await, desk(&home).await);
    for _ in 0..5 {
        let space = home.space(ada, "S", Access::Public).await;
        let deleted = at_once(&home, 24, move |store, number| async move {
            match number % 4 {
                0 => return store.delete_space(space).await.unwrap(),
                1 => drop(store.save_checkpoint(space, 1, 1, b"x").await.unwrap()),
                2 => drop(
                    store
                        .change_element(desk, &ElementChange::default())
                        .await
                        .unwrap()
                        .unwrap(),
                ),
                _ => {
                    if let Some((placement, _)) = store
                        .place(space, desk, Tile::new(0, 0), 100)
                        .await
                        .unwrap()
                    {
                        store.unplace(space, placement).await.unwrap();
                    }
                }
            }
            false
        });
        assert_eq!(
            deleted.await.into_iter().filter(|deleted| *deleted).count(),
            1
        );
        assert!(home.store.load_checkpoint(space).await.unwrap().is_none());
    }
}

async fn changes_to_elements_of_many_spaces_do_not_deadlock(home: Home) {
    let ada = home.user("ada").await;
    let elements = [desk(&home).await, desk(&home).await];
    let mut spaces = Vec::<SpaceId>::new();
    for _ in 0..4 {
        let space = home.space(ada, "S", Access::Public).await;
        for element in elements {
            home.store
                .place(space, element, Tile::new(0, 0), 100)
                .await
                .unwrap()
                .unwrap();
        }
        spaces.push(space);
    }
    let first = spaces[0];
    at_once(&home, 24, move |store, number| async move {
        let element = elements[number % 2];
        store
            .change_element(element, &ElementChange::default())
            .await
            .unwrap()
            .unwrap();
        store
            .place(first, element, Tile::new(0, 0), 100)
            .await
            .unwrap()
            .unwrap();
    })
    .await;
    for (space, version) in [(spaces[0], 3 + 24 + 24), (spaces[3], 3 + 24)] {
        assert_eq!(
            home.store
                .space_layout(space)
                .await
                .unwrap()
                .unwrap()
                .version,
            version
        );
    }
}

async fn a_fresh_database_is_filled_once(home: Home) {
    let folder = Folder::read(Path::new(SEED)).unwrap();
    let filled = at_once(&home, 6, |store, _| {
        let folder = folder.clone();
        async move { store.seed_if_fresh(&folder).await.unwrap() }
    });
    assert_eq!(filled.await.into_iter().flatten().count(), 1);
    assert_eq!(home.store.seed(&folder).await.unwrap().added, 0);
}

async fn the_first_admin_is_made_by_one(home: Home) {
    let token = home.store.new_setup_token().await.unwrap().unwrap();
    let made = at_once(&home, 8, |store, number| {
        let token = token.clone();
        async move {
            store
                .set_up(&token, &format!("root{number}"), "-")
                .await
                .unwrap()
        }
    });
    let made = made.await;
    assert_eq!(
        made.iter()
            .filter(|end| matches!(end, SetUp::Done(_)))
            .count(),
        1
    );
    assert!(!made.contains(&SetUp::NameTaken));
}

async fn people_sign_in_while_they_sign_out(home: Home) {
    let ada = home.user("ada").await;
    for _ in 0..10 {
        home.store.sign_in(ada).await.unwrap();
    }
    home.suffer("update sessions set expires_at = 1").await;
    at_once(&home, 24, move |store, number| async move {
        let token = store.sign_in(ada).await.unwrap();
        store.end_excess_sessions(ada, &token, 2).await.unwrap();
        match number % 3 {
            0 => store.sign_out_everywhere(ada).await.unwrap(),
            1 => store.set_password(ada, "new", None).await.unwrap(),
            _ => {}
        }
    })
    .await;
}

async fn a_cancelled_request_leaves_no_transaction_behind(home: Home) {
    let (space, desk) = (home.some_space().await, desk(&home).await);
    for patience in 0..60 {
        let mut polls = 0;
        let mut place = Box::pin(home.store.place(space, desk, Tile::new(0, 0), 1000));
        // The request is dropped after this many steps.
        std::future::poll_fn(|context| {
            polls += 1;
            match place.as_mut().poll(context) {
                std::task::Poll::Pending if polls <= patience => std::task::Poll::Pending,
                _ => std::task::Poll::Ready(()),
            }
        })
        .await;
        drop(place);
        home.store.add_avatar("Fox", "/art/fox.svg").await.unwrap();
    }
    home.store.close().await;
    assert_eq!(home.opened_again().await.avatars().await.unwrap().len(), 60);
}

on_both!(
    many_writers_and_readers_all_succeed,
    a_name_is_given_to_one_user,
    the_last_use_of_an_invite_admits_one,
    processes_that_start_together_check_names_once,
    the_last_free_place_is_given_once,
    a_placement_is_removed_by_one,
    a_space_may_be_deleted_while_elements_are_placed,
    changes_to_elements_of_many_spaces_do_not_deadlock,
    a_fresh_database_is_filled_once,
    the_first_admin_is_made_by_one,
    people_sign_in_while_they_sign_out,
    a_cancelled_request_leaves_no_transaction_behind,
);

#[tokio::test]
async fn one_of_many_starting_processes_makes_the_setup_token() {
    let home = Home::on_a_server().await;
    let made = at_once(&home, 8, |store, _| async move {
        store.new_setup_token().await.unwrap()
    });
    let tokens: Vec<_> = made.await.into_iter().flatten().collect();
    assert_eq!(tokens.len(), 1);
    assert!(home.store.setup_token_fits(&tokens[0]).await.unwrap());
}

#[tokio::test]
async fn processes_that_start_together_migrate_once() {
    let database = crate::services::Database::new();
    let url: plaza::store::DatabaseUrl = database.url().parse().unwrap();
    let stores = join_all((0..6).map(|_| Store::connect(&url))).await;
    for store in stores {
        let store = store.unwrap();
        assert!(store.is_unseeded().await.unwrap());
        store.close().await;
    }
}
