//! Reports: what people told about others, where they stood, and what was answered. Names and roles
//! are those of that time, because a report outlives its people.

use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use uuid::Uuid;

use super::audit_log::{self, Act, Actor, NewAuditRow};
use super::chat::RawMessageRow;
use super::{Statement, Store, StoreError, Tx, given, id, now_ms, over_given, unless_gone};
use crate::components::chat::ChatMessage;
use crate::components::id::{ChatId, SpaceId, UserId};
use crate::components::permissions::SpaceRole;
use crate::components::report::ReportKind;

/// Most open reports of a user.
pub const MOST_OPEN: i64 = 10;
/// Most open reports of a guest.
pub const MOST_OPEN_OF_GUEST: i64 = 3;
/// Most open reports of a space: more than people read.
pub const MOST_OPEN_IN_SPACE: i64 = 500;
/// Open reports of a space above which guests cannot report: accounts still can.
pub const MOST_OPEN_IN_SPACE_FOR_GUESTS: i64 = 250;

/// Rank of a server's admin: above every role in a space.
pub const ADMIN_RANK: i64 = 6;

/// Selects messages of a space by their ids.
const BY_ID: Statement = over_given!(
    "select id, seq, user_id, name, text, at, scope, reply_to, edited_at, deleted from chat_lines \
     where space_id = $2 and seq > (select chat_cleared from spaces where id = $2) \
     and id in (select given.value from",
    ")"
);

/// A person at the time of a report.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ReportPerson {
    /// Name.
    pub name: String,
    /// Role in the space.
    pub role: String,
    /// Zone in which they stood, if any.
    pub zone: Option<String>,
}

/// A message as it was quoted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct QuotedMessage {
    /// Id of the message.
    pub id: String,
    /// Text, as the author of the report saw it.
    pub text: String,
    /// Time, in Unix milliseconds.
    pub at: u64,
    /// Whether the space has it, too: messages to people nearby are not stored.
    pub is_stored: bool,
    /// What it said when the report came, if that was something else; empty when it was deleted.
    pub later: Option<String>,
}

/// What the server knew when a report came.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ReportContext {
    /// Who wrote it.
    pub by: ReportPerson,
    /// Who it is about.
    pub about: ReportPerson,
    /// Names of those who heard the reported person then; `None` when the server did not know who
    /// was inside.
    pub hearers: Option<Vec<String>>,
    /// Whether the reported person was in the space; `None` when the server did not know.
    pub was_inside: Option<bool>,
    /// Quoted messages, in the order of the report.
    pub messages: Vec<QuotedMessage>,
}

/// A report to be stored.
#[derive(Debug, Clone)]
pub struct NewReport<'a> {
    /// The space.
    pub space: SpaceId,
    /// Who wrote it.
    pub by: UserId,
    /// Who it is about.
    pub about: UserId,
    /// What it is about.
    pub kind: ReportKind,
    /// Text; may be empty.
    pub text: &'a str,
    /// What the server knows about it.
    pub context: &'a ReportContext,
    /// Rank of the reported person.
    pub about_rank: i64,
    /// Whether it is for the admins of the server.
    pub to_admins: bool,
    /// Most open reports of this user.
    pub most_open: i64,
    /// Most open reports of the space for this user to report.
    pub most_in_space: i64,
}

/// Result of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportOutcome {
    /// It was stored under this id.
    Done(Uuid),
    /// The user has too many open reports.
    TooMany,
    /// The space has too many open reports.
    Full,
    /// The space is gone.
    Gone,
}

/// A report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportRow {
    /// Id; rises with time.
    pub id: Uuid,
    /// The space.
    pub space: SpaceId,
    /// Name of the space now.
    pub space_name: String,
    /// Who wrote it.
    pub by: Option<UserId>,
    /// Who it is about.
    pub about: Option<UserId>,
    /// What it is about: the word of a [`ReportKind`], or of a later version.
    pub kind: String,
    /// Text.
    pub text: String,
    /// What the server knew.
    pub context: ReportContext,
    /// Whether it was answered.
    pub is_done: bool,
    /// Answer to the author; may be empty.
    pub answer: String,
    /// Name of the one who answered.
    pub done_name: String,
    /// Time of the answer, in Unix milliseconds.
    pub done_at: Option<i64>,
    /// Rank of the reported person.
    pub about_rank: i64,
    /// Whether it is for the admins of the server.
    pub to_admins: bool,
    /// Time, in Unix milliseconds.
    pub at: i64,
}

#[derive(FromRow)]
struct RawReport {
    id: String,
    space_id: String,
    space_name: String,
    by_id: Option<String>,
    about_id: Option<String>,
    kind: String,
    text: String,
    context: String,
    state: String,
    answer: String,
    done_name: String,
    done_at: Option<i64>,
    about_rank: i64,
    to_admins: i64,
    at: i64,
}

impl RawReport {
    fn read(self) -> Result<ReportRow, StoreError> {
        Ok(ReportRow {
            id: id(&self.id)?,
            space: id(&self.space_id)?,
            space_name: self.space_name,
            by: self.by_id.as_deref().map(id).transpose()?,
            about: self.about_id.as_deref().map(id).transpose()?,
            kind: self.kind,
            text: self.text,
            // A context that only a later version can read is left out.
            context: serde_json::from_str(&self.context).unwrap_or_default(),
            is_done: self.state != OPEN,
            answer: self.answer,
            done_name: self.done_name,
            done_at: self.done_at,
            about_rank: self.about_rank,
            to_admins: self.to_admins != 0,
            at: self.at,
        })
    }
}

/// State of a report without an answer.
const OPEN: &str = "open";
/// State of an answered report.
const DONE: &str = "done";

const fn state(is_done: bool) -> &'static str {
    if is_done { DONE } else { OPEN }
}

/// Which reports to list, newest first.
#[derive(Debug, Clone, Copy)]
pub struct ReportPage {
    /// The answered ones, or the open ones.
    pub is_done: bool,
    /// Only those before this one.
    pub before: Option<Uuid>,
    /// Most reports on the page.
    pub limit: u32,
}

impl ReportPage {
    fn before(self) -> String {
        self.before
            .map(|before| before.to_string())
            .unwrap_or_default()
    }
}

/// Who reads the reports of a space: those about lower ranks, and never about themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportReader {
    /// The reader.
    pub user: UserId,
    /// Role of the reader in the space.
    pub role: SpaceRole,
}

impl ReportReader {
    /// Whether this person reads the report.
    pub fn reads(self, report: &ReportRow) -> bool {
        !report.to_admins && report.about_rank < rank(self.role) && report.about != Some(self.user)
    }
}

/// Place of a role in the chain of roles, as `about_rank` stores it: never change a number.
pub const fn rank(role: SpaceRole) -> i64 {
    match role {
        SpaceRole::Guest => 0,
        SpaceRole::Visitor => 1,
        SpaceRole::Member => 2,
        SpaceRole::Builder => 3,
        SpaceRole::Moderator => 4,
        SpaceRole::Owner => 5,
    }
}

/// Selects reports by a condition that follows.
macro_rules! select_reports {
    ($condition:literal) => {
        concat!(
            "select reports.id, reports.space_id, spaces.name as space_name, reports.by_id, \
             reports.about_id, reports.kind, reports.text, reports.context, reports.state, \
             reports.answer, reports.done_name, reports.done_at, reports.about_rank, \
             reports.to_admins, reports.at from reports \
             join spaces on spaces.id = reports.space_id where ",
            $condition
        )
    };
}

impl Store {
    /// Stores a report.
    pub async fn add_report(&self, new: &NewReport<'_>) -> Result<ReportOutcome, StoreError> {
        let mut tx = self.begin().await?;
        // Locks the user's row, so that reports at once are counted one after the other.
        sqlx::query("update users set created_at = created_at where id = $1")
            .bind(new.by.to_string())
            .execute(&mut *tx)
            .await?;
        if open_by(&mut tx, new.by).await? >= new.most_open {
            return Ok(ReportOutcome::TooMany);
        }
        let (open,): (i64,) =
            sqlx::query_as("select count(*) from reports where space_id = $1 and state = 'open'")
                .bind(new.space.to_string())
                .fetch_one(&mut *tx)
                .await?;
        if open >= new.most_in_space {
            return Ok(ReportOutcome::Full);
        }
        let report = Uuid::now_v7();
        let context = serde_json::to_string(new.context).expect("a context is plain data");
        let added = sqlx::query(
            "insert into reports (id, space_id, by_id, about_id, kind, text, context, about_rank, \
             to_admins, at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(report.to_string())
        .bind(new.space.to_string())
        .bind(new.by.to_string())
        .bind(new.about.to_string())
        .bind(new.kind.word())
        .bind(new.text)
        .bind(context)
        .bind(new.about_rank)
        .bind(i64::from(new.to_admins))
        .bind(now_ms())
        .execute(&mut *tx)
        .await;
        if unless_gone(added)?.is_none() {
            return Ok(ReportOutcome::Gone);
        }
        tx.commit().await?;
        Ok(ReportOutcome::Done(report))
    }

    /// Reports of a space that this person reads.
    pub async fn reports(
        &self,
        space: SpaceId,
        reader: ReportReader,
        page: ReportPage,
    ) -> Result<Vec<ReportRow>, StoreError> {
        let rows: Vec<RawReport> = sqlx::query_as(select_reports!(
            "reports.space_id = $1 and reports.state = $2 and reports.to_admins = 0 \
             and reports.about_rank < $3 and coalesce(reports.about_id, '') <> $4 \
             and ($5 = '' or reports.id < $5) order by reports.id desc limit $6"
        ))
        .bind(space.to_string())
        .bind(state(page.is_done))
        .bind(rank(reader.role))
        .bind(reader.user.to_string())
        .bind(page.before())
        .bind(i64::from(page.limit))
        .fetch_all(&self.readers)
        .await?;
        rows.into_iter().map(RawReport::read).collect()
    }

    /// Number of open reports of a space that this person reads.
    pub async fn open_reports(
        &self,
        space: SpaceId,
        reader: ReportReader,
    ) -> Result<u64, StoreError> {
        let (open,): (i64,) = sqlx::query_as(
            "select count(*) from reports where space_id = $1 and state = 'open' \
             and to_admins = 0 and about_rank < $2 and coalesce(about_id, '') <> $3",
        )
        .bind(space.to_string())
        .bind(rank(reader.role))
        .bind(reader.user.to_string())
        .fetch_one(&self.readers)
        .await?;
        Ok(super::natural(open))
    }

    /// Reports for the admins of the server; with `is_all` also those for moderators. None is about
    /// the reader.
    pub async fn reports_to_admins(
        &self,
        reader: UserId,
        is_all: bool,
        page: ReportPage,
    ) -> Result<Vec<ReportRow>, StoreError> {
        let rows: Vec<RawReport> = sqlx::query_as(select_reports!(
            "reports.state = $1 and (reports.to_admins = 1 or $2 = 1) \
             and coalesce(reports.about_id, '') <> $3 and ($4 = '' or reports.id < $4) \
             order by reports.id desc limit $5"
        ))
        .bind(state(page.is_done))
        .bind(i64::from(is_all))
        .bind(reader.to_string())
        .bind(page.before())
        .bind(i64::from(page.limit))
        .fetch_all(&self.readers)
        .await?;
        rows.into_iter().map(RawReport::read).collect()
    }

    /// Number of open reports for the admins of the server; without those about the reader.
    pub async fn open_reports_to_admins(&self, reader: UserId) -> Result<u64, StoreError> {
        let (open,): (i64,) = sqlx::query_as(
            "select count(*) from reports where state = 'open' and to_admins = 1 \
             and coalesce(about_id, '') <> $1",
        )
        .bind(reader.to_string())
        .fetch_one(&self.readers)
        .await?;
        Ok(super::natural(open))
    }

    /// Reports that a user wrote, newest first.
    pub async fn reports_by(
        &self,
        user: UserId,
        before: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<ReportRow>, StoreError> {
        let rows: Vec<RawReport> = sqlx::query_as(select_reports!(
            "reports.by_id = $1 and ($2 = '' or reports.id < $2) \
             order by reports.id desc limit $3"
        ))
        .bind(user.to_string())
        .bind(before.map(|before| before.to_string()).unwrap_or_default())
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await?;
        rows.into_iter().map(RawReport::read).collect()
    }

    /// One report.
    pub async fn report(&self, report: Uuid) -> Result<Option<ReportRow>, StoreError> {
        let row: Option<RawReport> = sqlx::query_as(select_reports!("reports.id = $1"))
            .bind(report.to_string())
            .fetch_optional(&self.readers)
            .await?;
        row.map(RawReport::read).transpose()
    }

    /// Answers a report; returns whether it was open. Of two answers at once, the first counts.
    pub async fn answer_report(
        &self,
        actor: &Actor,
        report: &ReportRow,
        answer: &str,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let answered = sqlx::query(
            "update reports set state = 'done', answer = $1, done_by = $2, done_name = $3, \
             done_at = $4 where id = $5 and state = 'open'",
        )
        .bind(answer)
        .bind(actor.user.map(|by| by.to_string()))
        .bind(&actor.name)
        .bind(now_ms())
        .bind(report.id.to_string())
        .execute(&mut *tx)
        .await?;
        if answered.rows_affected() == 0 {
            return Ok(false);
        }
        // Moderators read the log of the space: that one of them was reported is not for them.
        let is_for_all = !report.to_admins && report.about_rank < rank(SpaceRole::Moderator);
        let deed = NewAuditRow {
            actor,
            act: Act::AnswerReport,
            space: is_for_all.then_some(report.space),
            target_id: report
                .about
                .map(|user| user.to_string())
                .unwrap_or_default(),
            target: &report.context.about.name,
            detail: &report.kind,
        };
        audit_log::write(&mut tx, deed).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// The owner and the moderators of a space who are above a rank. Admins of the server are left
    /// out.
    pub async fn moderators_above(
        &self,
        space: SpaceId,
        about_rank: i64,
    ) -> Result<Vec<UserId>, StoreError> {
        let rows: Vec<(String,)> = sqlx::query_as(
            "select creator_id from spaces where id = $1 and creator_id is not null and $2 < $3 \
             union select user_id from space_members where space_id = $1 \
             and role = 'moderator' and $2 < $4",
        )
        .bind(space.to_string())
        .bind(about_rank)
        .bind(rank(SpaceRole::Owner))
        .bind(rank(SpaceRole::Moderator))
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(|(user,)| id(user)).collect()
    }

    /// The admins of the server.
    pub async fn admins(&self) -> Result<Vec<UserId>, StoreError> {
        let rows: Vec<(String,)> = sqlx::query_as("select id from users where role = 'admin'")
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(|(user,)| id(user)).collect()
    }

    /// Messages of a space by their ids, in no order. Unknown ones are left out.
    pub async fn lines_by_id(
        &self,
        space: SpaceId,
        messages: &[ChatId],
    ) -> Result<Vec<ChatMessage>, StoreError> {
        let rows: Vec<RawMessageRow> = sqlx::query_as(self.kind.choose(&BY_ID))
            .bind(given(messages.iter()))
            .bind(space.to_string())
            .fetch_all(&self.readers)
            .await?;
        rows.into_iter().map(|row| row.read(Vec::new())).collect()
    }
}

async fn open_by(tx: &mut Tx, user: UserId) -> Result<i64, StoreError> {
    let (open,): (i64,) =
        sqlx::query_as("select count(*) from reports where by_id = $1 and state = 'open'")
            .bind(user.to_string())
            .fetch_one(&mut **tx)
            .await?;
    Ok(open)
}
