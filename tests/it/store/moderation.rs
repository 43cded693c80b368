//! Kicks, bans, mutes and lockdowns, and join requests.

use plaza::components::membership::ExclusionKind;
use plaza::components::permissions::SpaceRole;
use plaza::store::audit_log::Actor;
use plaza::store::entry::GrantReason;
use plaza::store::join_requests::{AskOutcome, RequestAnswer};
use plaza::store::moderation::{MuteKind, NewExclusion};
use plaza::store::now_ms;
use plaza::store::space_invites::NewSpaceInvite;
use plaza::store::spaces::Access;
use uuid::Uuid;

use super::access::stands;
use super::{Home, on_both};
use plaza::components::id::{SpaceId, UserId};

async fn a_ban_ends_the_membership_and_is_lifted_once(home: Home) {
    let store = &home.store;
    let (ada, bob) = (home.user("ada").await, home.user("bob").await);
    let space = home.space(ada, "Park", Access::Public).await;
    let by = Actor {
        user: Some(ada),
        name: "ada".into(),
    };
    let at = (space, bob);
    let member = Some(SpaceRole::Member);
    store.set_role(&by, at, None, member).await.unwrap();
    let reason = GrantReason::Invite;
    store.grant_access(at, reason, i64::MAX, 0).await.unwrap();
    let ban = NewExclusion {
        space,
        user: bob,
        kind: ExclusionKind::Ban,
        until: None,
        reason: "noise",
        network_until: Some(now_ms() + 60_000),
        revokes_invites: false,
    };
    assert!(store.exclude(&by, &ban).await.unwrap());
    let bobs = stands(&home, bob, space).await;
    let exclusion = bobs.exclusion.clone().unwrap();
    assert_eq!(
        (exclusion.kind, exclusion.until),
        (ExclusionKind::Ban, None)
    );
    assert_eq!(
        (exclusion.reason.as_str(), exclusion.by.as_str()),
        ("noise", "ada")
    );
    assert!(!bobs.is_member && bobs.grant_until == 0);
    let kick = NewExclusion {
        kind: ExclusionKind::Kick,
        until: Some(now_ms() + 60_000),
        reason: "",
        ..ban
    };
    assert!(store.exclude(&by, &kick).await.unwrap());
    let exclusion = stands(&home, bob, space).await.exclusion.unwrap();
    assert_eq!(
        exclusion.kind,
        ExclusionKind::Ban,
        "the one that lasts longest"
    );
    let sanctions = store.sanctions(space).await.unwrap();
    let what: Vec<&str> = sanctions.iter().map(|row| row.what.as_str()).collect();
    assert_eq!(
        what.len(),
        2,
        "accounts have no banned network: {sanctions:?}"
    );
    assert!(what.contains(&"kick") && what.contains(&"ban"));
    assert_eq!(sanctions[0].name.as_deref(), Some("bob"));
    let lift = async |kind| store.lift_exclusion(&by, at, kind).await.unwrap();
    assert!(lift(ExclusionKind::Ban).await);
    assert!(!lift(ExclusionKind::Ban).await);
    let exclusion = stands(&home, bob, space).await.exclusion.unwrap();
    assert_eq!(exclusion.kind, ExclusionKind::Kick);
    home.suffer("update bans set until = 5 where kind = 'kick'")
        .await;
    assert_eq!(stands(&home, bob, space).await.exclusion, None);
    assert!(!lift(ExclusionKind::Kick).await, "it is over");
    for (space, user) in [(SpaceId(Uuid::nil()), bob), (space, UserId(Uuid::nil()))] {
        let gone = NewExclusion { space, user, ..ban };
        assert!(!store.exclude(&by, &gone).await.unwrap());
    }
    let rows = store.audit_log_of(space, false, None, 10).await.unwrap();
    let acts: Vec<(&str, &str)> = rows
        .iter()
        .map(|row| (row.action.as_str(), row.detail.as_str()))
        .collect();
    assert_eq!(acts[0], ("lift-ban", ""));
    assert_eq!(acts[1].0, "kick");
    assert_eq!(acts[2], ("ban", "until lifted: noise"));
}

async fn a_banned_guest_may_take_their_network_along(home: Home) {
    let store = &home.store;
    let ada = home.user("ada").await;
    let space = home.space(ada, "Park", Access::Public).await;
    let other = home.space(ada, "Yard", Access::Public).await;
    let by = Actor::command_line();
    let guest = store.add_guest("Eve (guest)", None, Some("net"), 9).await;
    let guest = guest.unwrap().unwrap();
    let ban = NewExclusion {
        space,
        user: guest,
        kind: ExclusionKind::Ban,
        until: None,
        reason: "",
        network_until: Some(now_ms() + 60_000),
        revokes_invites: false,
    };
    assert!(store.exclude(&by, &ban).await.unwrap());
    let is_banned = async |space, network| store.is_network_banned(space, network).await.unwrap();
    assert!(is_banned(space, "net").await);
    assert!(!is_banned(space, "other").await && !is_banned(other, "net").await);
    assert!(stands(&home, ada, space).await.exclusion.is_none());
    home.suffer("update bans set until = 5 where network is not null")
        .await;
    assert!(!is_banned(space, "net").await);
    store.sweep_moderation().await.unwrap();
    assert_eq!(store.sanctions(space).await.unwrap().len(), 1);
}

async fn a_banned_guest_may_take_their_invite_along_but_no_other(home: Home) {
    let store = &home.store;
    let (ada, bob) = (home.user("ada").await, home.user("bob").await);
    let space = home.space(ada, "Park", Access::Public).await;
    let by = Actor::command_line();
    let guest = store.add_guest("Eve (guest)", None, None, 9).await;
    let guest = guest.unwrap().unwrap();
    let new = NewSpaceInvite {
        space,
        role: SpaceRole::Visitor,
        label: "",
        expires_at: i64::MAX,
        max_uses: None,
    };
    let mut open = Vec::new();
    for user in [guest, bob] {
        let invite = store.add_space_invite(&by, &new, 9).await.unwrap();
        let (invite, token) = invite.unwrap();
        store.accept_space_invite(&token, user).await.unwrap();
        open.push(invite);
    }
    let ban = |user| NewExclusion {
        space,
        user,
        kind: ExclusionKind::Ban,
        until: None,
        reason: "",
        network_until: None,
        revokes_invites: true,
    };
    let still_open = async || {
        let invites = store.space_invites(space).await.unwrap();
        let ids = invites.into_iter().map(|one| one.invite.id);
        ids.collect::<Vec<_>>()
    };
    // Bob has an account, and answers for himself alone.
    assert!(store.exclude(&by, &ban(bob)).await.unwrap());
    assert_eq!(still_open().await.len(), 2);
    assert!(store.exclude(&by, &ban(guest)).await.unwrap());
    assert_eq!(still_open().await, open[1..]);
    let log = store.audit_log_of(space, false, None, 2).await.unwrap();
    let acts: Vec<&str> = log.iter().map(|row| row.action.as_str()).collect();
    assert_eq!(acts, ["ban", "revoke-invite"]);
}

async fn mutes_are_by_kind_and_end(home: Home) {
    let store = &home.store;
    let (ada, bob) = (home.user("ada").await, home.user("bob").await);
    let space = home.space(ada, "Park", Access::Public).await;
    let (by, at) = (Actor::command_line(), (space, bob));
    let until = now_ms() + 60_000;
    let mute = async |kinds: &[MuteKind], until| store.mute(&by, at, kinds, until).await.unwrap();
    assert!(mute(&[MuteKind::Chat, MuteKind::Voice], Some(until)).await);
    assert!(mute(&[MuteKind::Video], None).await);
    let mutes = stands(&home, bob, space).await.mutes;
    assert_eq!(
        (mutes.chat, mutes.voice, mutes.video),
        (until, until, i64::MAX)
    );
    let silences = store.silences(space).await.unwrap();
    assert_eq!(silences.len(), 1);
    assert!(silences[0].silence.voice && silences[0].silence.video);
    assert_eq!((silences[0].user, silences[0].until), (bob, until));
    assert_eq!(store.sanctions(space).await.unwrap().len(), 3);
    home.suffer("update mutes set until = 5 where what = 'voice'")
        .await;
    let silences = store.silences(space).await.unwrap();
    assert!(!silences[0].silence.voice && silences[0].silence.video);
    assert!(store.unmute(&by, at).await.unwrap());
    assert!(!store.unmute(&by, at).await.unwrap());
    assert_eq!(store.silences(space).await.unwrap(), []);
    let unknown = (space, UserId(Uuid::nil()));
    assert!(
        !store
            .mute(&by, unknown, &[MuteKind::Chat], None)
            .await
            .unwrap()
    );
}

async fn a_lockdown_begins_and_ends(home: Home) {
    let store = &home.store;
    let ada = home.user("ada").await;
    let space = home.space(ada, "Park", Access::Public).await;
    let by = Actor::command_line();
    for until in [Some(i64::MAX), None] {
        assert!(store.lock_down(&by, space, until).await.unwrap());
        assert_eq!(stands(&home, ada, space).await.rules.lockdown_until, until);
    }
    let nowhere = SpaceId(Uuid::nil());
    assert!(!store.lock_down(&by, nowhere, None).await.unwrap());
    home.suffer("update audit_log set at = 5").await;
    store.sweep_moderation().await.unwrap();
    assert_eq!(store.audit_log_of(space, true, None, 9).await.unwrap(), []);
}

async fn a_request_is_answered_once(home: Home) {
    let store = &home.store;
    let (ada, bob) = (home.user("ada").await, home.user("bob").await);
    let space = home.space(ada, "Park", Access::Public).await;
    let (by, at) = (Actor::command_line(), (space, bob));
    let ask = async |space, text: &str| store.ask_to_join((space, bob), text).await.unwrap();
    assert_eq!(ask(space, "hello").await, AskOutcome::Done);
    assert_eq!(
        ask(space, "hello").await,
        AskOutcome::TooMany,
        "a moment ago"
    );
    home.suffer("update join_requests set at = at - 100000")
        .await;
    assert_eq!(ask(space, "again").await, AskOutcome::Done);
    let open = store.join_requests(space).await.unwrap();
    assert_eq!(
        (open.len(), open[0].text.as_str(), open[0].user),
        (1, "again", bob)
    );
    let answers = [RequestAnswer::Enter(60_000), RequestAnswer::Member];
    let all = answers.map(|answer| store.answer_request(&by, at, answer));
    let all = futures_util::future::join_all(all).await;
    assert_eq!(
        all.into_iter().filter(|one| *one.as_ref().unwrap()).count(),
        1
    );
    let bobs = stands(&home, bob, space).await;
    assert!(
        bobs.is_member != (bobs.grant_until > now_ms()),
        "one of both"
    );
    assert_eq!(store.join_requests(space).await.unwrap(), []);
    assert!(!store.take_request_back(at).await.unwrap());
    for number in 0..4 {
        home.suffer("update join_requests set at = at - 100000")
            .await;
        let other = home.space(ada, "Yard", Access::Public).await;
        let expected = if number < 3 {
            AskOutcome::Done
        } else {
            AskOutcome::TooMany
        };
        assert_eq!(ask(other, "").await, expected, "three are open");
        if number == 0 {
            assert!(store.take_request_back((other, bob)).await.unwrap());
            home.suffer("update join_requests set at = at - 100000")
                .await;
            assert_eq!(ask(other, "").await, AskOutcome::Done);
        }
    }
    let nowhere = (SpaceId(Uuid::nil()), ada);
    assert_eq!(
        store.ask_to_join(nowhere, "").await.unwrap(),
        AskOutcome::Gone
    );
    let no = RequestAnswer::No;
    assert!(!store.answer_request(&by, nowhere, no).await.unwrap());
}

on_both!(
    a_ban_ends_the_membership_and_is_lifted_once,
    a_banned_guest_may_take_their_network_along,
    a_banned_guest_may_take_their_invite_along_but_no_other,
    mutes_are_by_kind_and_end,
    a_lockdown_begins_and_ends,
    a_request_is_answered_once,
);
