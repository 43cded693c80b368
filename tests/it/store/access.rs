//! Memberships: roles, rules of entering, and what changes them.

use plaza::components::id::{SpaceId, UserId};
use plaza::components::membership::{AccessPolicy, EntryRules, Membership};
use plaza::components::permissions::{OwnedBy, SpaceRole};
use plaza::store::audit_log::Actor;
use plaza::store::members::MemberOutcome;
use plaza::store::spaces::Access;
use uuid::Uuid;

use super::{Home, on_both};

pub(super) async fn stands(home: &Home, user: UserId, space: SpaceId) -> Membership {
    let found = home.store.membership(user, space).await.unwrap();
    found.expect("both are there")
}

fn actor(user: UserId, name: &str) -> Actor {
    Actor {
        user: Some(user),
        name: name.into(),
    }
}

async fn owners_admins_and_visitors_are_told_apart(home: Home) {
    let store = &home.store;
    let (ada, bob) = (home.user("ada").await, home.user("bob").await);
    let space = home.space(ada, "Park", Access::Public).await;
    let owner = stands(&home, ada, space).await;
    assert_eq!(owner.standing.owner, OwnedBy::User);
    assert_eq!(owner.standing.role(), SpaceRole::Owner);
    let rules = EntryRules {
        policy: AccessPolicy::Open,
        is_listed: true,
        guests: true,
        ..EntryRules::default()
    };
    assert_eq!(owner.rules, rules, "a new open space");
    assert_eq!(store.space(space).await.unwrap().unwrap().rules, rules);
    let visitor = stands(&home, bob, space).await;
    assert_eq!(visitor.standing.owner, OwnedBy::Another);
    assert_eq!(visitor.standing.role(), SpaceRole::Visitor);
    assert!(!visitor.is_member && visitor.exclusion.is_none() && visitor.grant_until == 0);
    store.make_admin(&Actor::command_line(), bob).await.unwrap();
    let admin = stands(&home, bob, space).await;
    assert_eq!(admin.standing.role(), SpaceRole::Moderator);
    for (user, space) in [(bob, SpaceId(Uuid::nil())), (UserId(Uuid::nil()), space)] {
        assert_eq!(store.membership(user, space).await.unwrap(), None);
    }
    let other = home.space(bob, "Yard", Access::Unlisted).await;
    let pairs = [(ada, space), (bob, other), (ada, SpaceId(Uuid::nil()))];
    let found = store.memberships(&pairs).await.unwrap();
    assert_eq!(found.len(), 2, "those that are gone are left out");
    let theirs = found
        .iter()
        .filter(|(.., one)| one.standing.owner == OwnedBy::User);
    assert_eq!(theirs.count(), 2);
}

async fn a_role_is_given_changed_and_taken_once(home: Home) {
    let store = &home.store;
    let (ada, bob, eve) = (
        home.user("ada").await,
        home.user("bob").await,
        home.user("eve").await,
    );
    let space = home.space(ada, "Park", Access::Public).await;
    let by = actor(ada, "ada");
    let version = stands(&home, bob, space).await.version;
    let set = async |user, was, role| {
        let at = (space, user);
        store.set_role(&by, at, was, role).await.unwrap()
    };
    let (member, builder) = (Some(SpaceRole::Member), Some(SpaceRole::Builder));
    assert_eq!(set(bob, None, member).await, MemberOutcome::Done);
    assert_eq!(set(bob, None, builder).await, MemberOutcome::Changed);
    assert_eq!(set(bob, builder, member).await, MemberOutcome::Changed);
    assert_eq!(set(bob, member, builder).await, MemberOutcome::Done);
    assert_eq!(set(eve, None, member).await, MemberOutcome::Done);
    let unknown = UserId(Uuid::nil());
    assert_eq!(set(unknown, None, member).await, MemberOutcome::Changed);
    let bobs = stands(&home, bob, space).await;
    assert_eq!(
        (bobs.standing.role, bobs.is_member),
        (SpaceRole::Builder, true)
    );
    assert_eq!(bobs.version, version + 3, "refused changes do not count");
    let versions = store
        .membership_versions(&[space, SpaceId(Uuid::nil())])
        .await
        .unwrap();
    assert_eq!(versions, [(space, version + 3)]);

    let page = store.members(space, None, 1).await.unwrap();
    assert_eq!(page.len(), 1);
    assert_eq!((page[0].user, page[0].name.as_str()), (bob, "bob"));
    assert_eq!(page[0].by.as_deref(), Some("ada"));
    let page = store.members(space, Some(bob), 10).await.unwrap();
    assert_eq!(page.iter().map(|row| row.user).collect::<Vec<_>>(), [eve]);
    assert_eq!(
        store.name_of_user(eve).await.unwrap().as_deref(),
        Some("eve")
    );
    assert_eq!(store.name_of_user(unknown).await.unwrap(), None);

    assert_eq!(set(bob, member, None).await, MemberOutcome::Changed);
    assert_eq!(set(bob, builder, None).await, MemberOutcome::Done);
    assert!(!stands(&home, bob, space).await.is_member);
    let log = store.audit_log(None, 10).await.unwrap();
    let log: Vec<_> = log
        .iter()
        .map(|row| {
            (
                row.action.as_str(),
                row.target.as_str(),
                row.detail.as_str(),
            )
        })
        .collect();
    assert_eq!(
        log,
        [
            ("set-role", "bob", "builder → none"),
            ("set-role", "eve", "none → member"),
            ("set-role", "bob", "member → builder"),
            ("set-role", "bob", "none → member"),
        ]
    );
}

async fn spaces_from_before_are_open_and_without_guests(home: Home) {
    let ada = home.user("ada").await;
    let space = home.space(ada, "Park", Access::Unlisted).await;
    // As the previous version writes a row.
    home.suffer(
        "insert into spaces (id, name, search, creator_id, access, width, height, plan_version, \
         created_at) select '018f0000-0000-7000-8000-00000000000a', name, search, creator_id, \
         access, width, height, plan_version, created_at from spaces",
    )
    .await;
    let old: SpaceId = "018f0000-0000-7000-8000-00000000000a".parse().unwrap();
    let rules = stands(&home, ada, old).await.rules;
    assert_eq!(rules, EntryRules::default());
    assert!(stands(&home, ada, space).await.rules.guests, "a new one");
}

on_both!(
    owners_admins_and_visitors_are_told_apart,
    a_role_is_given_changed_and_taken_once,
    spaces_from_before_are_open_and_without_guests,
);
