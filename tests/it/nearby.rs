//! Proximity: players who walk up to each other are connected, and no others are, for any request
//! of their clients.

use plaza::net::protocol::block::BlockC2s;
use plaza::net::protocol::bubble::{BubbleC2s, BubbleS2c};
use plaza::net::protocol::call::{CallC2s, CallS2c, SignalC2s};
use plaza::net::protocol::chat::{ChatC2s, ChatS2c, ChatSendC2s};
use plaza::net::protocol::follow::FollowC2s;
use plaza::net::protocol::movement::{MovementC2s, WalkToPlayerC2s};
use plaza::net::protocol::session::{HelloC2s, SessionC2s, SessionS2c};
use plaza::net::protocol::zone::{KnockC2s, LockC2s, PortalS2c, ZoneC2s, ZoneS2c};
use plaza::net::protocol::{ClientMessage, ServerMessage};
use serde_json::json;

use crate::clients::{BinaryClient, Stranger, hello, is_chat, is_notice};
use crate::cluster::hear;
use crate::harness::{Person, TestServer, text};
use crate::overload::three_people;

struct Two {
    server: TestServer,
    space: String,
    ada_user: Person,
    ada: BinaryClient,
    bob: BinaryClient,
    bob_user: Person,
}

/// Two players who arrived next to each other in an empty space.
async fn two() -> Two {
    let server = TestServer::start().await;
    let (ada_user, bob_user) = (server.user("ada").await, server.user("bob").await);
    let space = server.space(&ada_user, "40x20").await;
    let mut ada = BinaryClient::join(&server.address, &ada_user, &space).await;
    let mut bob = BinaryClient::join(&server.address, &bob_user, &space).await;
    connected(&mut ada).await;
    connected(&mut bob).await;
    Two {
        server,
        space,
        ada_user,
        ada,
        bob,
        bob_user,
    }
}

/// Waits until a client hears another player and is heard.
pub async fn connected(client: &mut BinaryClient) {
    client
        .until(|_, message| match message {
            ServerMessage::Peers(peers) => peers.peers.iter().any(|peer| peer.hear && peer.heard),
            _ => false,
        })
        .await;
}

/// Waits until a client is connected to no other player.
async fn alone(client: &mut BinaryClient) {
    client
        .until(|_, message| match message {
            ServerMessage::Peers(peers) => {
                !peers.gone.is_empty() || peers.full && peers.peers.is_empty()
            }
            _ => false,
        })
        .await;
}

async fn signal(from: &mut BinaryClient, to: u32, body: &str) {
    let body = body.to_owned();
    from.say(&ClientMessage::Call(CallC2s::Signal(SignalC2s {
        player: to,
        body,
    })))
    .await;
}

#[tokio::test]
async fn nearby_players_are_connected_until_one_walks_away() {
    let Two {
        server,
        mut ada,
        mut bob,
        ..
    } = two().await;
    let (ada_player, bob_player) = (ada.welcome.player, bob.welcome.player);
    signal(&mut ada, bob_player, "an offer").await;
    let heard = bob
        .until(|_, message| matches!(message, ServerMessage::Call(CallS2c::Signal(_))))
        .await;
    let ServerMessage::Call(CallS2c::Signal(heard)) = heard else {
        unreachable!("only signals end the wait")
    };
    assert_eq!(
        (heard.player, heard.body.as_str()),
        (ada_player, "an offer")
    );
    // To the left, or to the right when there is no space on the left.
    let direction = if ada.own.x > 20 * 64 { 7 } else { 3 };
    for seq in 1..=48 {
        ada.hold(seq, direction).await;
        ada.until(|client, _| client.ack >= seq).await;
    }
    alone(&mut bob).await;
    // A client that signals all the same is refused, and no player hears it.
    signal(&mut bob, ada_player, "let me listen").await;
    let told = bob
        .until(|_, message| matches!(message, ServerMessage::Session(SessionS2c::Notice(_))))
        .await;
    let ServerMessage::Session(SessionS2c::Notice(notice)) = told else {
        unreachable!();
    };
    assert_eq!(notice.code, "not-near");
    bob.chat(1, "can you hear me?").await;
    let next = ada
        .until(|_, message| {
            matches!(
                message,
                ServerMessage::Call(CallS2c::Signal(_)) | ServerMessage::Chat(ChatS2c::Message(_))
            )
        })
        .await;
    assert!(
        matches!(next, ServerMessage::Chat(ChatS2c::Message(_))),
        "no signal came before: {next:?}"
    );
    server.stop().await;
}

/// Waits until a client is connected to one player, seen or not.
async fn connected_and_sees(client: &mut BinaryClient, sees: bool) {
    client
        .until(|_, message| match message {
            ServerMessage::Peers(peers) => peers
                .peers
                .iter()
                .any(|peer| peer.hear && peer.heard && peer.see == sees),
            _ => false,
        })
        .await;
}

/// Walks up to a player and waits until both see each other.
async fn walk_up(client: &mut BinaryClient, seq: u32, player: u32) {
    client
        .say(&ClientMessage::Movement(MovementC2s::WalkToPlayer(
            WalkToPlayerC2s { seq, player },
        )))
        .await;
    connected_and_sees(client, true).await;
}

#[tokio::test]
async fn the_owners_proximity_rules_hold_at_once_and_survive_a_restart() {
    let Two {
        server,
        space,
        ada_user,
        ada,
        mut bob,
        bob_user,
    } = two().await;
    let path = format!("/space/{space}/settings");
    walk_up(&mut bob, 1, ada.welcome.player).await;
    let rules = json!({"rangeTiles": 3, "maxAudio": 2, "maxVideo": 0, "wallsBlock": true});
    server
        .call("PATCH", &path, Some(&bob_user), rules.clone())
        .await
        .refused(403);
    server
        .call("PATCH", &path, Some(&ada_user), rules.clone())
        .await
        .fine();
    let told = bob.until(|_, message| is_notice(message, "voices")).await;
    let ServerMessage::Session(SessionS2c::Notice(told)) = told else {
        unreachable!("only notices end the wait")
    };
    let words = "From now on voices carry 3 tiles and stop at walls; \
                 at most 2 voices and no pictures at once.";
    assert_eq!(told.message, words);
    connected_and_sees(&mut bob, false).await;
    // Fields that are left out stay.
    let one = json!({"maxAudio": 4});
    let changed = server
        .call("PATCH", &path, Some(&ada_user), one)
        .await
        .fine();
    let expected = [
        ("rangeTiles", json!(3)),
        ("maxAudio", json!(4)),
        ("maxVideo", json!(0)),
        ("wallsBlock", json!(true)),
    ];
    for (rule, value) in expected.clone() {
        assert_eq!(changed[rule], value, "{rule}");
    }
    assert_eq!(changed["mayChange"], true);
    let wide = json!({"rangeTiles": 13});
    let answer = server.call("PATCH", &path, Some(&ada_user), wide).await;
    answer.refused(400);
    drop((ada, bob));

    let folder = server.stop().await;
    let server = TestServer::start_in(folder, |_| {}).await;
    let seen = server.get(&path, Some(&bob_user)).await.fine();
    for (rule, value) in expected {
        assert_eq!(seen[rule], value, "{rule}");
    }
    assert_eq!(seen["mayChange"], false);
    let _ada = BinaryClient::join(&server.address, &ada_user, &space).await;
    let mut bob = BinaryClient::join(&server.address, &bob_user, &space).await;
    connected_and_sees(&mut bob, false).await;
    // Older clients change them with the rules of the chat.
    let chat = format!("/space/{space}/chat");
    let changed = server
        .call("PATCH", &chat, Some(&ada_user), json!({"pictures": 9}))
        .await
        .fine();
    assert_eq!(
        (&changed["reach"], &changed["pictures"]),
        (&json!(3), &json!(9))
    );
    connected_and_sees(&mut bob, true).await;
    let seen = server.get(&path, Some(&bob_user)).await.fine();
    assert_eq!(seen["maxVideo"], 9);
    server.stop().await;
}

#[tokio::test]
async fn voices_carry_less_far_in_a_quiet_zone() {
    let server = TestServer::start().await;
    let (admin, ada_user, bob_user) = (
        server.admin().await,
        server.user("ada").await,
        server.user("bob").await,
    );
    let map = json!({"name": "Library", "dimensions": "24x8", "zones": [
        {"kind": "spawn", "name": "Door", "x": 10, "y": 4, "width": 1, "height": 1},
        {"kind": "voices", "name": "Desks", "x": 12, "y": 0, "width": 12, "height": 8, "reach": 1},
    ]});
    let map = text(&server.post("/admin/map", Some(&admin), map).await.fine()["id"]);
    let space = json!({"name": "Ours", "mapId": map});
    let space = text(&server.post("/space", Some(&ada_user), space).await.fine()["spaceId"]);
    let drawn = server
        .get(&format!("/space/{space}/map"), None)
        .await
        .fine();
    assert_eq!(drawn["zones"][1]["reach"], 1);
    let mut ada = BinaryClient::join(&server.address, &ada_user, &space).await;
    let mut bob = BinaryClient::join(&server.address, &bob_user, &space).await;
    connected(&mut ada).await;
    // Three tiles away: near enough without the zone.
    bob.walk_to(1, 13, 4).await;
    alone(&mut ada).await;
    bob.walk_to(2, 11, 4).await;
    connected(&mut ada).await;
    server.stop().await;
}

#[tokio::test]
async fn players_make_a_bubble_and_newcomers_are_told_of_it() {
    let Two {
        server,
        space,
        mut ada,
        mut bob,
        ..
    } = two().await;
    let (ada_player, bob_player) = (ada.welcome.player, bob.welcome.player);
    let (seq, player) = (1, ada_player);
    bob.say(&ClientMessage::Movement(MovementC2s::WalkToPlayer(
        WalkToPlayerC2s { seq, player },
    )))
    .await;
    bob.until(|client, _| client.ack >= seq && !client.own.walking)
        .await;
    ada.say(&ClientMessage::Bubble(BubbleC2s {
        action: 0,
        bubble: 0,
    }))
    .await;
    bob.until(|_, message| match message {
        ServerMessage::Bubble(BubbleS2c::Asked(asked)) => {
            asked.player == ada_player && !asked.aside
        }
        _ => false,
    })
    .await;
    let agree = BubbleC2s {
        action: 6,
        bubble: ada_player,
    };
    bob.say(&ClientMessage::Bubble(agree)).await;
    let is_ours = |message: &ServerMessage| match message {
        ServerMessage::Bubble(BubbleS2c::Changed(told)) => told
            .bubbles
            .iter()
            .any(|bubble| !bubble.aside && bubble.players == [ada_player, bob_player]),
        _ => false,
    };
    bob.until(|_, message| is_ours(message)).await;
    bob.until(|_, message| match message {
        ServerMessage::Peers(told) => told
            .peers
            .iter()
            .any(|peer| peer.player == ada_player && peer.why == 3),
        _ => false,
    })
    .await;
    let cleo = server.user("cleo").await;
    let mut cleo = BinaryClient::join(&server.address, &cleo, &space).await;
    cleo.until(|_, message| is_ours(message)).await;
    bob.say(&ClientMessage::Bubble(BubbleC2s {
        action: 3,
        bubble: 0,
    }))
    .await;
    for client in [&mut ada, &mut cleo] {
        client
            .until(|_, message| match message {
                ServerMessage::Bubble(BubbleS2c::Changed(told)) => {
                    told.bubbles.iter().any(|bubble| bubble.players.is_empty())
                }
                _ => false,
            })
            .await;
    }
    server.stop().await;
}

#[tokio::test]
async fn nearby_messages_are_heard_nearby_and_not_stored() {
    let Two {
        server,
        space,
        mut ada,
        mut bob,
        ..
    } = two().await;
    let nearby = ChatSendC2s {
        client_id: 4,
        text: "between us".into(),
        scope: 1,
        reply_to: None,
    };
    ada.say(&ClientMessage::Chat(ChatC2s::Send(nearby))).await;
    for client in [&mut ada, &mut bob] {
        client
            .until(|_, message| is_chat(message, "between us"))
            .await;
    }
    let cleo = server.user("cleo").await;
    let later = BinaryClient::join(&server.address, &cleo, &space).await;
    assert_eq!(later.history, []);
    server.stop().await;
}

#[tokio::test]
async fn blocked_users_are_disconnected_and_cannot_write_to_each_other() {
    let Two {
        server,
        ada_user,
        mut ada,
        mut bob,
        bob_user,
        ..
    } = two().await;
    let block = |blocked| {
        ClientMessage::Block(BlockC2s {
            user: bob_user.id.clone(),
            blocked,
        })
    };
    ada.say(&block(true)).await;
    alone(&mut ada).await;
    alone(&mut bob).await;
    let body = serde_json::json!({"text": "why?", "clientId": 1});
    let path = format!("/direct/{}", ada_user.id);
    server
        .post(&path, Some(&bob_user), body.clone())
        .await
        .refused(400);
    ada.say(&block(false)).await;
    connected(&mut ada).await;
    connected(&mut bob).await;
    server.post(&path, Some(&bob_user), body).await.fine();
    server.stop().await;
}

async fn follow(follower: &mut BinaryClient, leader: &BinaryClient) {
    let player = Some(leader.welcome.player);
    follower
        .say(&ClientMessage::Follow(FollowC2s { player }))
        .await;
}

/// Waits until a client is told whether another player follows its own.
async fn followed(client: &mut BinaryClient, by: &BinaryClient, on: bool) {
    let player = by.welcome.player;
    client
        .until(|_, message| {
            matches!(message, ServerMessage::Follow(followed)
                if (followed.player, followed.on) == (player, on))
        })
        .await;
}

/// Waits until a client is told that its player does not follow; no client may have been told that
/// the player follows theirs.
async fn is_no_follower(client: &mut BinaryClient) {
    client
        .until(|_, message| {
            assert!(!matches!(message, ServerMessage::Follow(followed) if followed.on));
            is_notice(message, "no-follow")
        })
        .await;
}

#[tokio::test]
async fn blocked_users_neither_follow_nor_lead() {
    let Two {
        server,
        mut ada,
        mut bob,
        bob_user,
        ..
    } = two().await;
    let block = |blocked| {
        ClientMessage::Block(BlockC2s {
            user: bob_user.id.clone(),
            blocked,
        })
    };
    follow(&mut bob, &ada).await;
    followed(&mut ada, &bob, true).await;
    ada.say(&block(true)).await;
    followed(&mut ada, &bob, false).await;
    is_no_follower(&mut bob).await;
    follow(&mut bob, &ada).await;
    is_no_follower(&mut bob).await;
    follow(&mut ada, &bob).await;
    is_no_follower(&mut ada).await;
    ada.say(&block(false)).await;
    connected(&mut bob).await;
    follow(&mut bob, &ada).await;
    followed(&mut ada, &bob, true).await;
    server.stop().await;
}

#[tokio::test]
async fn knocks_of_a_blocked_user_do_not_arrive() {
    let server = TestServer::start().await;
    let admin = server.admin().await;
    let map = json!({"name": "Office", "dimensions": "20x8", "zones": [
        {"kind": "spawn", "name": "Door", "x": 2, "y": 2, "width": 2, "height": 2},
        {"kind": "private", "name": "Room", "x": 10, "y": 2, "width": 3, "height": 3},
    ]});
    let map = text(&server.post("/admin/map", Some(&admin), map).await.fine()["id"]);
    let office = json!({"name": "Office", "mapId": map});
    let space = text(&server.post("/space", Some(&admin), office).await.fine()["spaceId"]);
    let [ada_user, bob_user, cleo_user] = three_people(&server).await;
    let mut ada = BinaryClient::join(&server.address, &ada_user, &space).await;
    let mut bob = BinaryClient::join(&server.address, &bob_user, &space).await;
    let mut cleo = BinaryClient::join(&server.address, &cleo_user, &space).await;
    let zone = |message: &ServerMessage| match message {
        ServerMessage::Zone(ZoneS2c::State(zone)) => Some((zone.zone, zone.people, zone.locked)),
        _ => None,
    };
    ada.say(&ClientMessage::Block(BlockC2s {
        user: bob_user.id.clone(),
        blocked: true,
    }))
    .await;
    ada.walk_to(1, 11, 3).await;
    ada.until(|_, message| zone(message) == Some((1, 1, false)))
        .await;
    ada.say(&ClientMessage::Zone(ZoneC2s::Lock(LockC2s {
        zone: 1,
        locked: true,
    })))
    .await;
    cleo.until(|_, message| zone(message) == Some((1, 1, true)))
        .await;
    let knock = ClientMessage::Zone(ZoneC2s::Knock(KnockC2s { zone: 1 }));
    bob.say(&knock).await;
    bob.chat(1, "let me in").await;
    // A later message shows that the knock was handled.
    hear(&mut cleo, "let me in").await;
    cleo.say(&knock).await;
    let told = ada
        .until(|_, message| matches!(message, ServerMessage::Zone(ZoneS2c::Knocked(_))))
        .await;
    let ServerMessage::Zone(ZoneS2c::Knocked(knocked)) = told else {
        unreachable!("only a knock ends the wait")
    };
    assert_eq!(knocked.player, cleo.welcome.player);
    server.stop().await;
}

async fn portal(client: &mut BinaryClient) -> PortalS2c {
    let told = client
        .until(|_, message| matches!(message, ServerMessage::Zone(ZoneS2c::Portal(_))))
        .await;
    let ServerMessage::Zone(ZoneS2c::Portal(portal)) = told else {
        unreachable!("only a portal ends the wait")
    };
    portal
}

#[tokio::test]
async fn only_a_portal_leads_to_its_zone_and_takes_followers_along() {
    let server = TestServer::start().await;
    let (admin, ada_user) = (server.admin().await, server.user("ada").await);
    let map = json!({"name": "There", "dimensions": "40x8", "zones": [
        {"kind": "spawn", "name": "Door", "x": 2, "y": 4, "width": 1, "height": 1},
        {"kind": "portal", "name": "Vault", "x": 30, "y": 4, "width": 1, "height": 1,
         "target": {"zone": "Door"}},
    ]});
    let map = text(&server.post("/admin/map", Some(&admin), map).await.fine()["id"]);
    let there = json!({"name": "There", "mapId": map});
    let there = text(&server.post("/space", Some(&admin), there).await.fine()["spaceId"]);
    let map = json!({"name": "Here", "dimensions": "20x8", "zones": [
        {"kind": "spawn", "name": "Door", "x": 2, "y": 4, "width": 1, "height": 1},
        {"kind": "portal", "name": "Gate", "x": 6, "y": 4, "width": 1, "height": 1,
            "target": {"space": there, "zone": "Vault"}},
    ]});
    let map = text(&server.post("/admin/map", Some(&admin), map).await.fine()["id"]);
    let here = json!({"name": "Here", "mapId": map});
    let here = text(&server.post("/space", Some(&ada_user), here).await.fine()["spaceId"]);
    let mut ada = BinaryClient::join(&server.address, &ada_user, &here).await;
    let cleo_user = server.user("cleo").await;
    let mut cleo = BinaryClient::join(&server.address, &cleo_user, &here).await;
    follow(&mut cleo, &ada).await;
    followed(&mut ada, &cleo, true).await;
    ada.walk_to(1, 6, 4).await;
    let [portal, followers] = [portal(&mut ada).await, portal(&mut cleo).await];
    assert_eq!([&portal.space, &followers.space], [&there, &there]);
    let enter = async |who: &Person, arrive: Option<String>| {
        let mut stranger = Stranger::connect(&server.address).await;
        let hello = HelloC2s {
            arrive,
            ..hello(&who.token, &there)
        };
        stranger.say(&ClientMessage::Hello(hello)).await;
        let mut client = stranger.welcomed().await.unwrap();
        let tile = client.own.x / 64;
        client.say(&ClientMessage::Session(SessionC2s::Leave)).await;
        client.ended().await;
        tile
    };
    let vault = 30..31;
    let bob = server.user("bob").await;
    assert!(
        !vault.contains(&enter(&bob, Some("Vault".into())).await),
        "a name is no ticket"
    );
    assert!(
        !vault.contains(&enter(&bob, Some(portal.arrive.clone())).await),
        "another's ticket"
    );
    assert!(vault.contains(&enter(&ada_user, Some(portal.arrive)).await));
    assert!(vault.contains(&enter(&cleo_user, Some(followers.arrive)).await));
    server.stop().await;
}
