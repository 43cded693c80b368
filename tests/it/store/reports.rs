//! Reports: who reads them, how many are open, and the answer.

use plaza::components::id::{ChatId, SpaceId, UserId};
use plaza::components::permissions::SpaceRole;
use plaza::components::report::ReportKind;
use plaza::store::audit_log::Actor;
use plaza::store::reports::{
    ADMIN_RANK, NewReport, QuotedMessage, ReportContext, ReportOutcome, ReportPage, ReportPerson,
    ReportReader, ReportRow, rank,
};
use plaza::store::spaces::Access;
use uuid::Uuid;

use super::chat::{message, said};
use super::{Home, on_both};

const OPEN: ReportPage = ReportPage {
    is_done: false,
    before: None,
    limit: 10,
};

fn context() -> ReportContext {
    ReportContext {
        by: ReportPerson {
            name: "bob".into(),
            role: "visitor".into(),
            zone: Some("Library".into()),
        },
        about: ReportPerson {
            name: "eve".into(),
            role: "member".into(),
            zone: None,
        },
        hearers: Some(vec!["bob".into()]),
        was_inside: Some(true),
        messages: vec![QuotedMessage {
            id: "m".into(),
            text: "boo".into(),
            at: 7,
            is_stored: false,
            later: Some(String::new()),
        }],
    }
}

fn report(context: &ReportContext, space: SpaceId, (by, about): (UserId, UserId)) -> NewReport<'_> {
    NewReport {
        space,
        by,
        about,
        kind: ReportKind::Spam,
        text: "again\nand again",
        context,
        about_rank: rank(SpaceRole::Member),
        to_admins: false,
        most_open: 2,
        most_in_space: 500,
    }
}

fn moderator(user: UserId) -> ReportReader {
    ReportReader {
        user,
        role: SpaceRole::Moderator,
    }
}

fn texts(rows: &[ReportRow]) -> Vec<&str> {
    rows.iter().map(|row| row.text.as_str()).collect()
}

async fn a_report_is_read_by_those_above_and_answered_once(home: Home) {
    let store = &home.store;
    let [ada, bob, eve, mia] = [
        home.user("ada").await,
        home.user("bob").await,
        home.user("eve").await,
        home.user("mia").await,
    ];
    let space = home.space(ada, "Park", Access::Public).await;
    let context = context();
    let new = report(&context, space, (bob, eve));
    let ReportOutcome::Done(id) = store.add_report(&new).await.unwrap() else {
        panic!("it was not taken");
    };
    let read = store.reports(space, moderator(mia), OPEN).await.unwrap();
    let row = &read[0];
    assert_eq!((row.id, row.space, row.is_done), (id, space, false));
    assert_eq!((row.by, row.about), (Some(bob), Some(eve)));
    assert_eq!((&*row.kind, &*row.space_name), ("spam", "Park"));
    assert_eq!(row.context, context);
    assert_eq!(store.report(id).await.unwrap().as_ref(), Some(row));
    assert_eq!(store.report(Uuid::nil()).await.unwrap(), None);
    assert_eq!(store.open_reports(space, moderator(mia)).await.unwrap(), 1);
    let member = ReportReader {
        user: mia,
        role: SpaceRole::Member,
    };
    for reader in [moderator(eve), member] {
        assert_eq!(store.reports(space, reader, OPEN).await.unwrap(), []);
        assert_eq!(store.open_reports(space, reader).await.unwrap(), 0);
        assert!(!reader.reads(row));
    }
    assert!(moderator(mia).reads(row));
    let by = Actor {
        user: Some(mia),
        name: "mia".into(),
    };
    assert!(store.answer_report(&by, row, "We spoke.").await.unwrap());
    assert!(!store.answer_report(&by, row, "Again.").await.unwrap());
    assert_eq!(
        store.reports(space, moderator(mia), OPEN).await.unwrap(),
        []
    );
    let done = ReportPage {
        is_done: true,
        ..OPEN
    };
    let done = store.reports(space, moderator(mia), done).await.unwrap();
    let row = &done[0];
    assert_eq!((&*row.answer, &*row.done_name), ("We spoke.", "mia"));
    assert!(row.is_done && row.done_at.is_some());
    let log = store.audit_log_of(space, false, None, 9).await.unwrap();
    assert_eq!((&*log[0].action, &*log[0].target), ("answer-report", "eve"));
    assert_eq!(store.reports_by(bob, None, 9).await.unwrap(), done);
    assert_eq!(store.reports_by(bob, Some(id), 9).await.unwrap(), []);
    assert_eq!(store.reports_by(eve, None, 9).await.unwrap(), []);
    home.suffer("update reports set at = 5").await;
    store.sweep_moderation().await.unwrap();
    assert_eq!(store.report(id).await.unwrap(), None);
}

async fn reports_of_a_user_are_bounded_and_paged(home: Home) {
    let store = &home.store;
    let [ada, bob, eve] = [
        home.user("ada").await,
        home.user("bob").await,
        home.user("eve").await,
    ];
    let space = home.space(ada, "Park", Access::Public).await;
    let context = context();
    let new = report(&context, space, (bob, eve));
    for text in ["first", "second"] {
        let outcome = store
            .add_report(&NewReport {
                text,
                ..new.clone()
            })
            .await;
        assert!(matches!(outcome.unwrap(), ReportOutcome::Done(_)));
    }
    let outcome = store.add_report(&new).await.unwrap();
    assert_eq!(outcome, ReportOutcome::TooMany);
    let page = ReportPage { limit: 1, ..OPEN };
    let newest = store.reports(space, moderator(ada), page).await.unwrap();
    assert_eq!(texts(&newest), ["second"]);
    let page = ReportPage {
        before: Some(newest[0].id),
        ..page
    };
    let older = store.reports(space, moderator(ada), page).await.unwrap();
    assert_eq!(texts(&older), ["first"]);
    let nowhere = NewReport {
        space: SpaceId(Uuid::nil()),
        by: ada,
        ..new.clone()
    };
    let outcome = store.add_report(&nowhere).await.unwrap();
    assert_eq!(outcome, ReportOutcome::Gone);
    home.suffer("update reports set by_id = 'gone'").await;
    let outcome = store.add_report(&new).await.unwrap();
    assert!(
        matches!(outcome, ReportOutcome::Done(_)),
        "others' count for others"
    );
}

async fn reports_about_those_above_all_go_to_admins(home: Home) {
    let store = &home.store;
    let [ada, bob, mia, root] = [
        home.user("ada").await,
        home.user("bob").await,
        home.user("mia").await,
        home.user("root").await,
    ];
    home.suffer("update users set role = 'admin' where username = 'root'")
        .await;
    let space = home.space(ada, "Park", Access::Public).await;
    let by = Actor::command_line();
    let role = Some(SpaceRole::Moderator);
    store.set_role(&by, (space, mia), None, role).await.unwrap();
    let above = async |role| {
        let mut above = store.moderators_above(space, role).await.unwrap();
        above.sort_unstable();
        above
    };
    let mut both = vec![ada, mia];
    both.sort_unstable();
    assert_eq!(above(rank(SpaceRole::Builder)).await, both);
    assert_eq!(above(rank(SpaceRole::Moderator)).await, [ada]);
    assert_eq!(above(rank(SpaceRole::Owner)).await, []);
    assert_eq!(above(ADMIN_RANK).await, []);
    assert_eq!(store.admins().await.unwrap(), [root]);
    let context = context();
    let about_owner = NewReport {
        about_rank: rank(SpaceRole::Owner),
        to_admins: true,
        ..report(&context, space, (bob, ada))
    };
    store.add_report(&about_owner).await.unwrap();
    let about_mia = NewReport {
        about_rank: rank(SpaceRole::Moderator),
        ..report(&context, space, (bob, mia))
    };
    store.add_report(&about_mia).await.unwrap();
    let owner = ReportReader {
        user: ada,
        role: SpaceRole::Owner,
    };
    let read = store.reports(space, owner, OPEN).await.unwrap();
    assert_eq!(read.len(), 1);
    assert_eq!(read[0].about, Some(mia));
    let to_admins = async |all| store.reports_to_admins(root, all, OPEN).await.unwrap();
    assert_eq!(to_admins(false).await.len(), 1);
    assert_eq!(to_admins(true).await.len(), 2);
    assert_eq!(store.open_reports_to_admins(root).await.unwrap(), 1);
    assert_eq!(store.open_reports_to_admins(ada).await.unwrap(), 0);
    assert_eq!(store.reports_to_admins(ada, false, OPEN).await.unwrap(), []);
    assert!(store.answer_report(&by, &read[0], "").await.unwrap());
    let log = store.audit_log_of(space, true, None, 9).await.unwrap();
    let acts: Vec<&str> = log.iter().map(|row| row.action.as_str()).collect();
    assert!(
        !acts.contains(&"answer-report"),
        "she reads this log: {acts:?}"
    );
    let log = store.audit_log(None, 9).await.unwrap();
    assert_eq!(log[0].action, "answer-report");
}

async fn messages_are_found_by_id_in_their_space(home: Home) {
    let store = &home.store;
    let ada = home.user("ada").await;
    let space = home.space(ada, "Park", Access::Public).await;
    let other = home.space(ada, "Yard", Access::Public).await;
    let [one, two] = [1, 2].map(|number| ChatId(Uuid::from_u128(number)));
    let messages = said(&[message(1, "text 1"), message(2, "text 2")]);
    store.keep_chat(space, &messages).await.unwrap();
    let found = store.lines_by_id(space, &[two, ChatId(Uuid::nil())]).await;
    let found = found.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].id, &*found[0].text), (two, "text 2"));
    assert_eq!(store.lines_by_id(other, &[one, two]).await.unwrap(), []);
    assert_eq!(store.lines_by_id(space, &[]).await.unwrap(), []);
    home.suffer("update spaces set chat_cleared = 1").await;
    let found = store.lines_by_id(space, &[one, two]).await.unwrap();
    assert_eq!(found.len(), 1, "what was cleared is gone");
}

on_both!(
    a_report_is_read_by_those_above_and_answered_once,
    reports_of_a_user_are_bounded_and_paged,
    reports_about_those_above_all_go_to_admins,
    messages_are_found_by_id_in_their_space,
);
