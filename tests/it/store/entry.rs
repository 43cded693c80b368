//! Entering: passwords of spaces, access grants, guests, and invites to spaces.

use plaza::components::membership::{AccessPolicy, ExclusionKind};
use plaza::components::permissions::{PermissionRoles, SpaceRole};
use plaza::store::audit_log::Actor;
use plaza::store::direct::NewMessage;
use plaza::store::entry::{GrantReason, SpaceChange};
use plaza::store::guests::Kept;
use plaza::store::moderation::NewExclusion;
use plaza::store::now_ms;
use plaza::store::server_key::SignedFor;
use plaza::store::space_invites::{Accepted, NewSpaceInvite};
use plaza::store::spaces::Access;
use uuid::Uuid;

use super::access::stands;
use super::{Home, on_both};
use plaza::components::id::{SpaceId, UserId};

async fn only_the_given_properties_of_a_space_change(home: Home) {
    let store = &home.store;
    let ada = home.user("ada").await;
    let space = home.space(ada, "Park", Access::Unlisted).await;
    let by = Actor::command_line();
    let all = SpaceChange {
        name: Some("Garden".into()),
        description: Some("Ours".into()),
        appeal: Some("Write to us.".into()),
        access: Some(Access::Public),
        policy: Some(AccessPolicy::Password),
        password_hash: Some("hash".into()),
        guests: Some(false),
        capacity: Some(Some(7)),
        opens_at: Some(Some(10)),
        closes_at: Some(Some(20)),
        roles: Some(PermissionRoles {
            say: SpaceRole::Member,
            ..PermissionRoles::default()
        }),
    };
    let version = stands(&home, ada, space).await.version;
    assert!(
        store
            .change_space(&by, space, &all, "all of it")
            .await
            .unwrap()
    );
    let row = store.space(space).await.unwrap().unwrap();
    assert_eq!(
        (row.name.as_str(), row.description.as_str()),
        ("Garden", "Ours")
    );
    assert_eq!(row.appeal, "Write to us.");
    assert_eq!(row.access, Access::Public);
    assert_eq!(row.rules.policy, AccessPolicy::Password);
    assert_eq!((row.rules.capacity, row.rules.guests), (Some(7), false));
    assert_eq!(
        (row.rules.opens_at, row.rules.closes_at),
        (Some(10), Some(20))
    );
    assert_eq!(row.roles.say, SpaceRole::Member);
    let password = store.space_password(space).await.unwrap().unwrap();
    assert_eq!((password.hash.as_str(), password.version), ("hash", 1));
    let nothing = SpaceChange::default();
    assert!(store.change_space(&by, space, &nothing, "").await.unwrap());
    assert_eq!(store.space(space).await.unwrap().unwrap(), row);
    let opened = SpaceChange {
        capacity: Some(None),
        opens_at: Some(None),
        ..SpaceChange::default()
    };
    assert!(store.change_space(&by, space, &opened, "").await.unwrap());
    let rules = stands(&home, ada, space).await.rules;
    assert_eq!(
        (rules.capacity, rules.opens_at, rules.closes_at),
        (None, None, Some(20))
    );
    assert_eq!(stands(&home, ada, space).await.version, version + 3);
    let nowhere = SpaceId(Uuid::nil());
    assert!(!store.change_space(&by, nowhere, &all, "").await.unwrap());
    assert_eq!(store.space_password(nowhere).await.unwrap(), None);
    let log = store.audit_log(None, 10).await.unwrap();
    assert_eq!((log.len(), log[2].detail.as_str()), (3, "all of it"));
}

async fn a_grant_ends_at_its_time_or_with_the_password(home: Home) {
    let store = &home.store;
    let (ada, bob) = (home.user("ada").await, home.user("bob").await);
    let space = home.space(ada, "Park", Access::Unlisted).await;
    let by = Actor::command_line();
    let password = SpaceChange {
        password_hash: Some("hash".into()),
        ..SpaceChange::default()
    };
    store.change_space(&by, space, &password, "").await.unwrap();
    let (at, later) = ((space, bob), now_ms() + 60_000);
    let grant = async |reason, until, version| {
        store
            .grant_access(at, reason, until, version)
            .await
            .unwrap()
    };
    let holds = async || stands(&home, bob, space).await.grant_until;
    assert!(grant(GrantReason::Password, later, 1).await);
    assert_eq!(holds().await, later);
    store.change_space(&by, space, &password, "").await.unwrap();
    assert_eq!(holds().await, 0, "another password");
    assert!(grant(GrantReason::Request, later + 1, 0).await);
    assert!(grant(GrantReason::Invite, 5, 0).await);
    assert_eq!(holds().await, later + 1, "the longest counts");
    assert_eq!(store.delete_ended_grants().await.unwrap(), 1);
    assert_eq!(holds().await, later + 1);
    let unknown = (space, UserId(Uuid::nil()));
    let reason = GrantReason::Request;
    assert!(!store.grant_access(unknown, reason, later, 0).await.unwrap());
}

async fn who_was_inside_counts_against_the_lockdown_alone(home: Home) {
    let store = &home.store;
    let (ada, bob) = (home.user("ada").await, home.user("bob").await);
    let space = home.space(ada, "Park", Access::Unlisted).await;
    let (by, until) = (Actor::command_line(), now_ms() + 60_000);
    let lock = async |until| store.lock_down(&by, space, until).await.unwrap();
    let unknown = (UserId(Uuid::nil()), space, until);
    let note = async |until| {
        let inside = [(bob, space, until), unknown];
        store.note_inside(&inside).await.unwrap();
    };
    let noted = async || {
        let membership = stands(&home, bob, space).await;
        (membership.inside_until, membership.grant_until)
    };
    note(until).await;
    assert_eq!(noted().await, (0, 0), "there is no lockdown");
    assert!(lock(Some(until)).await);
    note(until - 1).await;
    assert_eq!(noted().await, (0, 0), "there is another lockdown");
    note(until).await;
    note(until).await;
    assert_eq!(noted().await, (until, 0));
    assert!(lock(Some(until)).await);
    assert_eq!(noted().await, (0, 0), "a new lockdown");
    note(until).await;
    let kick = NewExclusion {
        space,
        user: bob,
        kind: ExclusionKind::Kick,
        until: Some(now_ms()),
        reason: "",
        network_until: None,
        revokes_invites: false,
    };
    assert!(store.exclude(&by, &kick).await.unwrap());
    assert_eq!(noted().await, (0, 0), "sent out");
}

async fn all_processes_have_one_key(home: Home) {
    let other = home.opened_again().await;
    let (one, two) = tokio::join!(home.store.server_key(), other.server_key());
    let signature = one.unwrap().sign(SignedFor::Thumbnail, &[b"x"]);
    assert!(
        two.unwrap()
            .verify(SignedFor::Thumbnail, &[b"x"], &signature)
    );
    other.close().await;
}

async fn guests_have_a_name_and_are_swept(home: Home) {
    let store = &home.store;
    let fox = store.add_avatar("Fox", "/art/fox.svg").await.unwrap();
    let add = async |name: &str, most| store.add_guest(name, Some(fox), None, most).await.unwrap();
    let ada = add("Ada (guest)", 2).await.unwrap();
    let bob = add("Ada (guest)", 2).await.unwrap();
    assert_eq!(add("Eve (guest)", 2).await, None, "as many as there may be");
    let token = store.sign_in_guest(ada).await.unwrap();
    let who = store.signed_in(&token).await.unwrap().unwrap();
    assert_eq!((who.name.as_str(), who.is_guest), ("Ada (guest)", true));
    assert_eq!(who.shown_name(), "Ada (guest)");
    assert_eq!(who.avatar.unwrap().id, fox);
    assert_eq!(
        store.users("", None, 10).await.unwrap(),
        [],
        "guests have no account"
    );
    assert_eq!(
        store.sweep_guests().await.unwrap(),
        0,
        "they came a moment ago"
    );
    home.suffer("update users set created_at = created_at - 7200000")
        .await;
    assert_eq!(
        store.sweep_guests().await.unwrap(),
        1,
        "the one without a session"
    );
    assert_eq!(store.name_of_user(bob).await.unwrap(), None);
    home.suffer("update sessions set expires_at = expires_at - 86400000")
        .await;
    let eve = home.user("eve").await;
    store.delete_guest(eve).await.unwrap();
    assert_eq!(store.sweep_guests().await.unwrap(), 1);
    assert_eq!(
        store.name_of_user(eve).await.unwrap().as_deref(),
        Some("eve")
    );
    let ada = add("Ada (guest)", 2).await.unwrap();
    store.delete_guest(ada).await.unwrap();
    assert_eq!(store.name_of_user(ada).await.unwrap(), None);
}

async fn a_guest_becomes_a_user_under_the_same_id(home: Home) {
    let store = &home.store;
    let bob = home.user("bob").await;
    let ada = store
        .add_guest("Ada (guest)", None, Some("net"), 9)
        .await
        .unwrap()
        .unwrap();
    let token = store.sign_in_guest(ada).await.unwrap();
    let keep = async |name: &str| store.keep_guest(ada, name, "hash").await.unwrap();
    assert_eq!(keep("BOB").await, Kept::NameTaken);
    assert_eq!(keep("ada").await, Kept::Done);
    assert_eq!(keep("ada2").await, Kept::NoGuest);
    assert_eq!(
        store.keep_guest(bob, "rob", "hash").await.unwrap(),
        Kept::NoGuest
    );
    let who = store.signed_in(&token).await.unwrap().unwrap();
    assert_eq!(
        (who.user, who.name.as_str(), who.is_guest),
        (ada, "ada", false)
    );
    let known = store.credentials("ADA").await.unwrap().unwrap();
    assert_eq!((known.user, known.password_hash.as_str()), (ada, "hash"));
    assert!(!store.has_written(bob, ada).await.unwrap());
    let hello = NewMessage {
        from: bob,
        to: ada,
        client_id: 1,
        text: "hello",
    };
    store.write_direct(hello).await.unwrap();
    assert!(store.has_written(bob, ada).await.unwrap());
    assert!(!store.has_written(ada, bob).await.unwrap());
}

async fn invites_let_in_as_many_as_they_say(home: Home) {
    let store = &home.store;
    let (ada, bob, eve) = (
        home.user("ada").await,
        home.user("bob").await,
        home.user("eve").await,
    );
    let space = home.space(ada, "Park", Access::Unlisted).await;
    let by = Actor {
        user: Some(ada),
        name: "ada".into(),
    };
    let new = |role, max_uses| NewSpaceInvite {
        space,
        role,
        label: "Crew",
        expires_at: now_ms() + 60_000,
        max_uses,
    };
    let add = async |role, max_uses| {
        let new = new(role, max_uses);
        store.add_space_invite(&by, &new, 2).await.unwrap()
    };
    let (visitors, token) = add(SpaceRole::Visitor, Some(1)).await.unwrap();
    let (_, members) = add(SpaceRole::Member, None).await.unwrap();
    assert_eq!(add(SpaceRole::Member, None).await, None, "two are open");
    assert_eq!(
        store.invite(&token).await.unwrap(),
        None,
        "it admits to no server"
    );
    let found = store.space_invite(&token).await.unwrap().unwrap();
    assert_eq!((found.space, found.role), (space, SpaceRole::Visitor));
    assert_eq!(found.by.as_deref(), Some("ada"));
    let accept = async |token: &str, user| store.accept_space_invite(token, user).await.unwrap();
    let people = [bob, eve];
    let all = people.map(|user| accept(&token, user));
    let all = futures_util::future::join_all(all).await;
    assert_eq!(
        all.iter()
            .filter(|one| **one == Accepted::Done(space))
            .count(),
        1
    );
    let first = people[usize::from(all[1] == Accepted::Done(space))];
    assert_eq!(
        accept(&token, first).await,
        Accepted::Done(space),
        "no second use"
    );
    assert_eq!(stands(&home, first, space).await.grant_until, i64::MAX);
    assert_eq!(accept(&members, first).await, Accepted::Done(space));
    assert_eq!(
        stands(&home, first, space).await.standing.role,
        SpaceRole::Member
    );
    assert_eq!(accept(&members, ada).await, Accepted::Done(space));
    assert!(
        !stands(&home, ada, space).await.is_member,
        "owners stay owners"
    );
    assert_eq!(accept("nothing", bob).await, Accepted::Refused);

    let revoke = async |invite: &str, people| {
        store
            .revoke_space_invite(&by, space, invite, people)
            .await
            .unwrap()
    };
    let uses: Vec<_> = store.space_invites(space).await.unwrap();
    let uses: Vec<_> = uses.iter().map(|one| one.invite.uses).collect();
    assert_eq!(uses, [2, 1]);
    assert!(revoke(&visitors, true).await);
    assert!(!revoke(&visitors, true).await);
    assert_eq!(stands(&home, first, space).await.grant_until, 0);
    assert!(
        stands(&home, first, space).await.is_member,
        "by another invite"
    );
    assert_eq!(accept(&token, first).await, Accepted::Refused);
    home.suffer("update invites set expires_at = 5").await;
    assert_eq!(accept(&members, bob).await, Accepted::Refused);
    let actions: Vec<String> = store
        .audit_log(None, 20)
        .await
        .unwrap()
        .into_iter()
        .map(|row| row.action)
        .collect();
    let expected = [
        "revoke-invite",
        "accept-invite",
        "accept-invite",
        "accept-invite",
        "invite",
        "invite",
    ];
    assert_eq!(actions, expected);
}

on_both!(
    only_the_given_properties_of_a_space_change,
    a_grant_ends_at_its_time_or_with_the_password,
    who_was_inside_counts_against_the_lockdown_alone,
    all_processes_have_one_key,
    guests_have_a_name_and_are_swept,
    a_guest_becomes_a_user_under_the_same_id,
    invites_let_in_as_many_as_they_say,
);
