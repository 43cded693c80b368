//! Users, sessions, the first admin, avatars.

use std::collections::HashSet;

use plaza::components::id::{AvatarId, UserId};
use plaza::store::administration::AdminOutcome;
use plaza::store::audit_log::Actor;
use plaza::store::blocks::BlockOutcome;
use plaza::store::invites::{Admission, InviteState, NewInvite};
use plaza::store::sessions::{SessionEnd, SessionId};
use plaza::store::setup::SetUp;
use plaza::store::spaces::Access;
use plaza::store::suspension::Suspension;
use plaza::store::users::NewUser;
use plaza::store::{Role, now_ms};
use uuid::Uuid;

use super::{Home, on_both};

async fn a_name_belongs_to_one_user(home: Home) {
    let store = &home.store;
    let ada = store
        .add_user("ada", "hash", Role::User)
        .await
        .unwrap()
        .unwrap();
    for taken in ["ada", "ADA", "аdа", "ada "] {
        assert_eq!(
            store.add_user(taken, "other", Role::User).await.unwrap(),
            None,
            "{taken}"
        );
    }
    let known = store.credentials("ada").await.unwrap().unwrap();
    assert_eq!((known.user, known.password_hash.as_str()), (ada, "hash"));
    for same in ["Ada", " ada", "ａｄａ", "a\u{200b}da"] {
        assert_eq!(
            store.credentials(same).await.unwrap().unwrap().user,
            ada,
            "{same:?}"
        );
    }
    for unknown in ["ad", "adam", "", "a\0da"] {
        assert!(
            store.credentials(unknown).await.unwrap().is_none(),
            "{unknown:?}"
        );
    }
    assert!(!store.has_admin().await.unwrap());
    store.make_admin(&Actor::command_line(), ada).await.unwrap();
    assert!(store.has_admin().await.unwrap());
}

async fn a_user_has_the_chosen_avatar(home: Home) {
    let store = &home.store;
    let (ada, bob) = (home.user("ada").await, home.user("bob").await);
    let fox = store.add_avatar("Fox", "/art/fox.svg").await.unwrap();
    let owl = store.add_avatar("Owl", "/art/owl.svg").await.unwrap();
    let names: Vec<_> = store
        .avatars()
        .await
        .unwrap()
        .into_iter()
        .map(|row| row.name)
        .collect();
    assert_eq!(names, ["Fox", "Owl"]);
    let chosen = store.choose_avatar(ada, owl).await.unwrap().unwrap();
    assert_eq!(
        (chosen.id, chosen.image_url.as_str()),
        (owl, "/art/owl.svg")
    );
    let none = AvatarId(Uuid::nil());
    assert_eq!(store.choose_avatar(ada, none).await.unwrap(), None);
    let unknown = UserId(Uuid::nil());
    assert_eq!(store.choose_avatar(unknown, fox).await.unwrap(), None);
    let looks = store.looks(&[bob, unknown, ada]).await.unwrap();
    assert_eq!(
        looks.iter().map(|look| look.user).collect::<Vec<_>>(),
        [bob, ada]
    );
    assert_eq!((&looks[0].avatar, &looks[1].avatar), (&None, &Some(chosen)));
    let elsewhere = "https://pictures.example/elk.png";
    store.add_avatar("Elk", elsewhere).await.unwrap();
    assert_eq!(store.pictures_elsewhere().await.unwrap(), [elsewhere]);
}

async fn a_session_lives_until_it_is_ended(home: Home) {
    let store = &home.store;
    let ada = home.user("ada").await;
    let fox = store.add_avatar("Fox", "/art/fox.svg").await.unwrap();
    let (here, there) = (
        store.sign_in(ada).await.unwrap(),
        store.sign_in(ada).await.unwrap(),
    );
    let who = store.signed_in(&here).await.unwrap().unwrap();
    assert_eq!(
        (who.user, who.name.as_str(), who.role, who.avatar),
        (ada, "ada", Role::User, None)
    );
    store.choose_avatar(ada, fox).await.unwrap().unwrap();
    let avatar = store.signed_in(&here).await.unwrap().unwrap().avatar;
    assert_eq!(avatar.unwrap().id, fox);
    store.sign_out(&here).await.unwrap();
    assert_eq!(store.signed_in(&here).await.unwrap(), None);
    assert!(store.signed_in(&there).await.unwrap().is_some());
    store.sign_out_everywhere(ada).await.unwrap();
    assert_eq!(store.signed_in(&there).await.unwrap(), None);
}

async fn a_user_lists_and_ends_single_sessions(home: Home) {
    let store = &home.store;
    let (ada, bob) = (home.user("ada").await, home.user("bob").await);
    let (here, there) = (
        store.sign_in(ada).await.unwrap(),
        store.sign_in(ada).await.unwrap(),
    );
    let sessions = store.sessions_of(ada, &here).await.unwrap();
    assert_eq!(sessions.len(), 2);
    let other = sessions.iter().find(|session| !session.is_this).unwrap();
    assert!(!store.end_session(bob, &other.id).await.unwrap());
    assert!(store.end_session(ada, &other.id).await.unwrap());
    for unknown in [other.id.as_str(), "", "\0", "%"] {
        assert!(!store.end_session(ada, unknown).await.unwrap());
    }
    assert!(store.signed_in(&here).await.unwrap().is_some());
    assert_eq!(store.signed_in(&there).await.unwrap(), None);
}

async fn sessions_beyond_the_limit_end_the_least_used_first(home: Home) {
    let store = &home.store;
    let (ada, bob) = (home.user("ada").await, home.user("bob").await);
    let bobs = store.sign_in(bob).await.unwrap();
    let mut tokens = Vec::new();
    for _ in 0..4 {
        // The earlier sessions were used longer ago.
        home.suffer("update sessions set used_at = used_at - 60000")
            .await;
        tokens.push(store.sign_in(ada).await.unwrap());
    }
    let newest = &tokens[3];
    assert!(!store.end_excess_sessions(ada, newest, 4).await.unwrap());
    assert!(store.end_excess_sessions(ada, newest, 2).await.unwrap());
    for (token, is_live) in tokens.iter().zip([false, false, true, true]) {
        assert_eq!(store.signed_in(token).await.unwrap().is_some(), is_live);
    }
    let older = &tokens[2];
    assert!(store.end_excess_sessions(ada, older, 1).await.unwrap());
    assert!(store.signed_in(older).await.unwrap().is_some());
    assert!(store.signed_in(&bobs).await.unwrap().is_some());
}

async fn a_new_password_ends_every_other_session(home: Home) {
    let store = &home.store;
    let (ada, bob) = (home.user("ada").await, home.user("bob").await);
    let (here, there) = (
        store.sign_in(ada).await.unwrap(),
        store.sign_in(ada).await.unwrap(),
    );
    let bobs = store.sign_in(bob).await.unwrap();
    store.set_password(ada, "new", Some(&here)).await.unwrap();
    assert_eq!(
        store
            .credentials("ada")
            .await
            .unwrap()
            .unwrap()
            .password_hash,
        "new"
    );
    assert!(store.signed_in(&here).await.unwrap().is_some());
    assert_eq!(store.signed_in(&there).await.unwrap(), None);
    store.set_password(ada, "newer", None).await.unwrap();
    assert_eq!(store.signed_in(&here).await.unwrap(), None);
    assert!(store.signed_in(&bobs).await.unwrap().is_some());
}

async fn ended_sessions_are_told_from_live_ones(home: Home) {
    let store = &home.store;
    let ada = home.user("ada").await;
    let [here, there, old] = [
        store.sign_in(ada).await.unwrap(),
        store.sign_in(ada).await.unwrap(),
        store.sign_in(ada).await.unwrap(),
    ];
    home.suffer("update sessions set expires_at = 1000").await;
    let fresh = store.sign_in(ada).await.unwrap();
    let given =
        [&here, &there, &old, &fresh, &"made up".to_owned()].map(|token| SessionId::of(token));
    let ended = store
        .ended_sessions(&given.iter().cloned().collect())
        .await
        .unwrap();
    let ended: HashSet<SessionId> = ended.into_iter().map(|(session, _)| session).collect();
    let stands = SessionId::of(&fresh);
    assert_eq!(
        ended,
        given
            .into_iter()
            .filter(|session| *session != stands)
            .collect()
    );
    assert_eq!(store.ended_sessions(&HashSet::new()).await.unwrap(), []);
}

async fn a_suspension_holds_until_its_time_or_until_it_is_lifted(home: Home) {
    let store = &home.store;
    let (ada, root) = (home.user("ada").await, home.user("root").await);
    let actor = Actor::command_line();
    store.make_admin(&actor, root).await.unwrap();
    let token = store.sign_in(ada).await.unwrap();
    let given = HashSet::from([SessionId::of(&token)]);
    let reason = "loud".to_owned();
    for until in [None, Some(4_000_000_000_000)] {
        let suspension = Suspension {
            until,
            reason: reason.clone(),
        };
        assert_eq!(
            store.suspend(&actor, ada, &suspension).await.unwrap(),
            AdminOutcome::Done
        );
        let end = SessionEnd::Suspended(suspension.clone());
        assert_eq!(
            store.ended_sessions(&given).await.unwrap(),
            [(SessionId::of(&token), end)]
        );
        let who = store.signed_in(&token).await.unwrap().unwrap();
        assert_eq!(who.suspension, Some(suspension.clone()));
        let known = store.credentials("ada").await.unwrap().unwrap();
        assert_eq!(known.suspension, Some(suspension));
    }
    home.suffer("update users set suspended_until = 1000 where suspended_until is not null")
        .await;
    assert_eq!(store.ended_sessions(&given).await.unwrap(), []);
    assert_eq!(
        store.signed_in(&token).await.unwrap().unwrap().suspension,
        None
    );
    assert_eq!(
        store.unsuspend(&actor, ada).await.unwrap(),
        AdminOutcome::NotSuspended
    );
    let suspension = Suspension {
        until: None,
        reason,
    };
    assert_eq!(
        store.suspend(&actor, root, &suspension).await.unwrap(),
        AdminOutcome::LastAdmin
    );
    assert_eq!(
        store
            .suspend(&actor, UserId(Uuid::nil()), &suspension)
            .await
            .unwrap(),
        AdminOutcome::NoUser
    );
    let users = store.users("A", None, 10).await.unwrap();
    assert_eq!(
        users
            .iter()
            .map(|user| (user.name.as_str(), user.sessions))
            .collect::<Vec<_>>(),
        [("ada", 1)]
    );
    let log = store.audit_log(None, 2).await.unwrap();
    assert_eq!(
        log.iter()
            .map(|row| row.action.as_str())
            .collect::<Vec<_>>(),
        ["suspend", "suspend"]
    );
    let older = store.audit_log(Some(log[1].id), 10).await.unwrap();
    assert_eq!(
        older
            .iter()
            .map(|row| row.action.as_str())
            .collect::<Vec<_>>(),
        ["make-admin"]
    );
}

async fn the_audit_log_has_the_names_of_that_time(home: Home) {
    let store = &home.store;
    let space = home.some_space().await;
    let other = home
        .space(home.user("bob").await, "Other", Access::Unlisted)
        .await;
    let ada = store.credentials("ada").await.unwrap().unwrap().user;
    let root = Actor {
        user: Some(home.user("root").await),
        name: "root".into(),
    };
    let token = store.sign_in(ada).await.unwrap();
    assert_eq!(
        store.sign_out_by(&root, ada).await.unwrap(),
        AdminOutcome::Done
    );
    assert_eq!(store.signed_in(&token).await.unwrap(), None);
    let token = store.sign_in(ada).await.unwrap();
    assert_eq!(
        store.reset_password(&root, ada, "new").await.unwrap(),
        AdminOutcome::Done
    );
    assert_eq!(store.signed_in(&token).await.unwrap(), None);
    assert_eq!(
        store
            .credentials("ada")
            .await
            .unwrap()
            .unwrap()
            .password_hash,
        "new"
    );
    assert_eq!(store.gone_spaces(&[space, other]).await.unwrap(), []);
    assert!(store.delete_space_by(&root, space).await.unwrap());
    assert!(!store.delete_space_by(&root, space).await.unwrap());
    assert_eq!(store.gone_spaces(&[space, other]).await.unwrap(), [space]);
    let unknown = UserId(Uuid::nil());
    assert_eq!(
        store.sign_out_by(&root, unknown).await.unwrap(),
        AdminOutcome::NoUser
    );
    assert_eq!(
        store.reset_password(&root, unknown, "-").await.unwrap(),
        AdminOutcome::NoUser
    );
    let log = store.audit_log(None, 10).await.unwrap();
    let told: Vec<_> = log
        .iter()
        .map(|row| (row.action.as_str(), row.target.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ("delete-space", "S"),
            ("reset-password", "ada"),
            ("sign-out", "ada")
        ]
    );
    assert!(
        log.iter().all(
            |row| row.actor == "root" && row.actor_id == root.user.map(|user| user.to_string())
        )
    );
    assert_eq!(log[0].space, Some(space.to_string()));
}

async fn using_a_session_prolongs_it_and_an_unused_one_ends(home: Home) {
    let store = &home.store;
    let ada = home.user("ada").await;
    let token = store.sign_in(ada).await.unwrap();
    // Twenty days pass; a session lasts thirty.
    let days =
        "update sessions set used_at = used_at - 1728000000, expires_at = expires_at - 1728000000";
    for _ in 0..3 {
        home.suffer(days).await;
        assert!(store.signed_in(&token).await.unwrap().is_some());
    }
    home.suffer(days).await;
    home.suffer(days).await;
    assert_eq!(store.signed_in(&token).await.unwrap(), None);
    // A new session replaces the expired one.
    store.sign_in(ada).await.unwrap();
    home.suffer("update sessions set expires_at = 9000000000000")
        .await;
    assert_eq!(store.signed_in(&token).await.unwrap(), None);
}

async fn the_first_admin_is_made_once(home: Home) {
    let store = &home.store;
    home.user("ada").await;
    let token = store.new_setup_token().await.unwrap().unwrap();
    assert!(store.setup_token_fits(&token).await.unwrap());
    assert!(!store.setup_token_fits("wrong").await.unwrap());
    assert_eq!(
        store.set_up("wrong", "root", "-").await.unwrap(),
        SetUp::Refused
    );
    assert_eq!(
        store.set_up(&token, "ada", "-").await.unwrap(),
        SetUp::NameTaken
    );
    assert!(matches!(
        store.set_up(&token, "root", "-").await.unwrap(),
        SetUp::Done(_)
    ));
    assert_eq!(
        store.set_up(&token, "root2", "-").await.unwrap(),
        SetUp::Refused
    );
    assert!(!store.setup_token_fits(&token).await.unwrap());
    assert_eq!(store.new_setup_token().await.unwrap(), None);
}

async fn a_later_start_makes_a_new_token_and_the_old_one_stops_working(home: Home) {
    let store = &home.store;
    let first = store.new_setup_token().await.unwrap().unwrap();
    home.suffer("update setup set created_at = created_at - 60000")
        .await;
    let second = store.new_setup_token().await.unwrap().unwrap();
    assert!(!store.setup_token_fits(&first).await.unwrap());
    assert!(store.setup_token_fits(&second).await.unwrap());
}

async fn a_user_blocks_and_unblocks_others(home: Home) {
    let store = &home.store;
    let (ada, bob) = (home.user("ada").await, home.user("bob").await);
    let block = async |other, blocked| store.set_blocked(ada, other, blocked).await.unwrap();
    assert_eq!(block(bob, true).await, BlockOutcome::Changed);
    assert_eq!(block(bob, true).await, BlockOutcome::Unchanged);
    assert_eq!(store.blocked_by(ada).await.unwrap(), [bob]);
    assert_eq!(store.blocked_by(bob).await.unwrap(), []);
    assert!(store.is_blocked(bob, ada).await.unwrap(), "both ways");
    let unknown = UserId(Uuid::nil());
    assert_eq!(block(unknown, true).await, BlockOutcome::Refused);
    assert_eq!(block(bob, false).await, BlockOutcome::Changed);
    assert_eq!(block(bob, false).await, BlockOutcome::Unchanged);
    assert!(!store.is_blocked(ada, bob).await.unwrap());
}

async fn old_names_stay_and_the_later_of_two_look_alikes_is_marked(home: Home) {
    let store = &home.store;
    for name in ["mila", "bob", "zoe"] {
        home.user(name).await;
    }
    // As an earlier version left names: without keys.
    home.suffer(
        "update users set name_key = null, name_look = null, name_checked = 0, \
         username = 'Bob' where username = 'zoe'",
    )
    .await;
    home.suffer("update users set name_key = null, name_look = null, name_checked = 0")
        .await;
    let again = home.opened_again().await;
    let users = again.users("", None, 10).await.unwrap();
    let marked: Vec<_> = users.iter().filter(|user| user.looks_alike).collect();
    assert_eq!(users.len(), 3);
    assert!(
        matches!(marked[..], [bob] if bob.name == "Bob"),
        "{marked:?}"
    );
    // Each user signs in by the exact name; other forms of the name mean the earlier user.
    let (bob, later) = (
        again.credentials("bob").await,
        again.credentials("Bob").await,
    );
    let (bob, later) = (bob.unwrap().unwrap().user, later.unwrap().unwrap().user);
    assert_ne!(bob, later);
    assert_eq!(again.credentials("BOB").await.unwrap().unwrap().user, bob);
    let token = again.sign_in(later).await.unwrap();
    let who = again.signed_in(&token).await.unwrap().unwrap();
    assert_eq!(
        (who.name.as_str(), who.shown_name().as_str()),
        ("Bob", "Bob (look-alike)")
    );
    let token = again.sign_in(bob).await.unwrap();
    assert_eq!(
        again.signed_in(&token).await.unwrap().unwrap().shown_name(),
        "bob"
    );
    for alike in ["MILA", "mila.", "b\u{323}ob"] {
        assert_eq!(again.add_user(alike, "-", Role::User).await.unwrap(), None);
    }
    again.close().await;
    store.close().await;
}

async fn old_names_that_look_too_much_alike_stay_and_still_sign_in_as_before(home: Home) {
    let store = &home.store;
    let mut users = Vec::new();
    for name in ["Wanda", "mila", "Nils", "zoe", "ada", "Anna"] {
        users.push(home.user(name).await);
    }
    // As an earlier version left names: with keys, but without looser ones.
    home.suffer(
        "update users set username = 'VVanda', name_key = 'vvanda', name_look = 'vvanda' \
         where username = 'mila'",
    )
    .await;
    home.suffer(
        "update users set username = 'Nils.', name_key = 'nils.', name_look = 'nils.' \
         where username = 'zoe'",
    )
    .await;
    home.suffer(
        "update users set name_key_loose = null, name_look_loose = null, name_loosely_rule = 0, \
         name_loosely_checked = 0 where username in ('Wanda', 'VVanda', 'Nils', 'Nils.')",
    )
    .await;
    // As the version before left others: with looser keys by its own rule.
    home.suffer(
        "update users set username = 'An-na', name_key = 'an-na', name_look = 'an-na', \
         name_key_loose = 'an-na', name_look_loose = 'an-na', name_loosely_rule = 0 \
         where username = 'ada'",
    )
    .await;
    home.suffer("update users set name_loosely_rule = 0 where username = 'Anna'")
        .await;
    let again = home.opened_again().await;
    let rows = again.users("", None, 10).await.unwrap();
    let marked = rows.iter().filter(|user| user.looks_alike);
    let marked: Vec<_> = marked.map(|user| user.name.as_str()).collect();
    assert_eq!(
        (rows.len(), marked),
        (6, vec!["Anna", "Nils.", "VVanda"]),
        "the later one of two has no key, whatever it had before"
    );
    let token = again.sign_in(users[1]).await.unwrap();
    let who = again.signed_in(&token).await.unwrap().unwrap();
    assert_eq!(who.shown_name(), "VVanda (look-alike)");
    let names = ["wanda", "vvanda", "nils", "NILS.", "AN-NA", "anna"];
    for (name, user) in names.iter().zip(users) {
        let known = again.credentials(name).await.unwrap().unwrap();
        assert_eq!(known.user, user, "{name}");
    }
    again.close().await;
    store.close().await;
}

async fn a_hash_is_renewed_unless_the_password_was_changed(home: Home) {
    let store = &home.store;
    let ada = home.user("ada").await;
    store.renew_password_hash(ada, "-", "better").await.unwrap();
    store.renew_password_hash(ada, "-", "worse").await.unwrap();
    assert_eq!(
        store
            .credentials("ada")
            .await
            .unwrap()
            .unwrap()
            .password_hash,
        "better"
    );
}

async fn an_invite_admits_as_many_as_it_is_for_until_it_ends(home: Home) {
    let store = &home.store;
    let by = |token: &str, name: &str| {
        let (store, token, name) = (store.clone(), token.to_owned(), name.to_owned());
        async move {
            let new = NewUser {
                username: &name,
                password_hash: "-",
                role: Role::User,
            };
            store.add_user_by_invite(&token, &new).await.unwrap()
        }
    };
    let new = NewInvite {
        max_uses: Some(2),
        label: "friends".into(),
        ..NewInvite::default()
    };
    let (id, token) = store.add_invite(&new).await.unwrap();
    assert_eq!(by("wrong", "ada").await, Admission::Refused);
    assert!(matches!(by(&token, "ada").await, Admission::Done(_)));
    assert_eq!(by(&token, "ADA").await, Admission::NameTaken);
    let left = store.invite(&token).await.unwrap().unwrap();
    assert_eq!(
        (left.uses, left.state(now_ms())),
        (1, InviteState::Good),
        "a taken name uses no admission"
    );
    assert!(matches!(by(&token, "bob").await, Admission::Done(_)));
    assert_eq!(by(&token, "cy").await, Admission::Refused);
    assert_eq!(
        store.invite(&token).await.unwrap().unwrap().state(now_ms()),
        InviteState::Used
    );

    let ended = NewInvite {
        expires_at: Some(now_ms() - 1),
        ..NewInvite::default()
    };
    let (_, ended) = store.add_invite(&ended).await.unwrap();
    assert_eq!(by(&ended, "cy").await, Admission::Refused);
    assert_eq!(
        store.invite(&ended).await.unwrap().unwrap().state(now_ms()),
        InviteState::Expired
    );

    let (open_id, open) = store.add_invite(&NewInvite::default()).await.unwrap();
    assert!(matches!(by(&open, "cy").await, Admission::Done(_)));
    assert!(store.revoke_invite(&open_id).await.unwrap());
    assert!(!store.revoke_invite(&open_id).await.unwrap());
    assert_eq!(by(&open, "di").await, Admission::Refused);
    let all = store.invites().await.unwrap();
    assert_eq!(all.len(), 3);
    assert!(
        all.iter()
            .any(|invite| invite.id == id && invite.label == "friends" && invite.uses == 2)
    );
    assert_eq!(store.invite(&id).await.unwrap(), None, "the id is no token");
}

on_both!(
    old_names_stay_and_the_later_of_two_look_alikes_is_marked,
    old_names_that_look_too_much_alike_stay_and_still_sign_in_as_before,
    a_hash_is_renewed_unless_the_password_was_changed,
    an_invite_admits_as_many_as_it_is_for_until_it_ends,
    a_name_belongs_to_one_user,
    a_user_has_the_chosen_avatar,
    a_user_blocks_and_unblocks_others,
    a_session_lives_until_it_is_ended,
    sessions_beyond_the_limit_end_the_least_used_first,
    a_user_lists_and_ends_single_sessions,
    a_new_password_ends_every_other_session,
    the_audit_log_has_the_names_of_that_time,
    a_suspension_holds_until_its_time_or_until_it_is_lifted,
    ended_sessions_are_told_from_live_ones,
    using_a_session_prolongs_it_and_an_unused_one_ends,
    the_first_admin_is_made_once,
    a_later_start_makes_a_new_token_and_the_old_one_stops_working,
);
