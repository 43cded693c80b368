//! Permissions on sockets: they are those of the moment of the action, not those of joining.

use plaza::components::id::UserId;
use plaza::store::Store;
use plaza::store::audit_log::Actor;
use sqlx::{AnyConnection, Connection};

use crate::chat::{changed, delete, notice, said};
use crate::clients::BinaryClient;
use crate::harness::TestServer;

#[tokio::test]
async fn an_admin_made_while_connected_moderates_without_reconnecting() {
    let server = TestServer::start().await;
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let space = server.space(&ada, "20x20").await;
    let mut owner = BinaryClient::join(&server.address, &ada, &space).await;
    let mut promoted = BinaryClient::join(&server.address, &bob, &space).await;
    owner.chat(1, "spam").await;
    let spam = said(&mut promoted, "spam").await;

    let store = Store::open(server.folder()).await.unwrap();
    let bob: UserId = bob.id.parse().unwrap();
    store.make_admin(&Actor::command_line(), bob).await.unwrap();
    store.close().await;

    promoted.say(&delete(&spam.id)).await;
    assert_eq!(changed(&mut owner).await.text, None, "it is deleted");
    server.stop().await;
}

#[tokio::test]
async fn an_owner_who_lost_the_space_no_longer_moderates_it() {
    let server = TestServer::start().await;
    let [ada, bob, eve] = [
        server.user("ada").await,
        server.user("bob").await,
        server.user("eve").await,
    ];
    let space = server.space(&ada, "20x20").await;
    let mut before = BinaryClient::join(&server.address, &ada, &space).await;
    let mut after = BinaryClient::join(&server.address, &bob, &space).await;
    let mut speaker = BinaryClient::join(&server.address, &eve, &space).await;
    speaker.chat(1, "spam").await;
    let spam = said(&mut before, "spam").await;

    let file = format!("sqlite:{}", server.folder().join("plaza.db").display());
    let mut database = AnyConnection::connect(&file).await.unwrap();
    sqlx::query("update spaces set creator_id = $1 where id = $2")
        .bind(&bob.id)
        .bind(&space)
        .execute(&mut database)
        .await
        .unwrap();
    database.close().await.unwrap();

    before.say(&delete(&spam.id)).await;
    assert_eq!(notice(&mut before).await.0, "forbidden");
    after.say(&delete(&spam.id)).await;
    assert_eq!(changed(&mut speaker).await.text, None, "it is deleted");
    server.stop().await;
}
