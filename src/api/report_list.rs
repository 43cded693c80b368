//! Report list: reports as those who answer them, and those who wrote them, read them.

use serde::Serialize;
use utoipa::ToSchema;

use crate::components::id::UserId;
use crate::store::paging::ListPage;
use crate::store::reports::{QuotedMessage, ReportPerson, ReportRow};

/// Reports on a page.
pub const PAGE: u32 = 20;

/// One page of reports.
#[derive(Serialize, ToSchema)]
pub struct ReportList {
    /// Newest first.
    reports: Vec<ReportEntry>,
    /// Number of open reports, of all pages.
    open: u64,
    /// Cursor of the next page; null on the last one.
    #[schema(required)]
    before: Option<String>,
}

/// A report. Names and roles are those of its time.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReportEntry {
    /// Id of the report.
    id: String,
    /// The space.
    space_id: String,
    /// Name of the space.
    space_name: String,
    /// What it is about, as in a new report.
    kind: String,
    /// Text.
    text: String,
    /// Time, in Unix milliseconds.
    at: i64,
    /// Who wrote it.
    by: PersonEntry,
    /// Who it is about.
    about: PersonEntry,
    /// Whether the person was in the space; null when the server did not know.
    #[schema(required)]
    was_inside: Option<bool>,
    /// Names of those who heard the person, at most 50; null when the server did not know, or the
    /// person was not inside.
    #[schema(required)]
    hearers: Option<Vec<String>>,
    /// Quoted messages.
    messages: Vec<QuoteEntry>,
    /// `open` or `done`.
    state: &'static str,
    /// Answer to the author; may be empty.
    answer: String,
    /// Name of the one who answered; empty while it is open.
    done_by: String,
    /// Time of the answer, in Unix milliseconds; null while it is open.
    #[schema(required)]
    done_at: Option<i64>,
    /// Who reads it, as in the answer to a new report.
    to: &'static str,
}

/// A person in a report.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PersonEntry {
    /// Id of the user.
    #[schema(required)]
    user_id: Option<String>,
    /// Name.
    username: String,
    /// Role in the space.
    role: String,
    /// Name of the zone in which they stood; null for none, or when the server did not know.
    #[schema(required)]
    zone: Option<String>,
}

impl PersonEntry {
    fn of(user: Option<UserId>, person: ReportPerson) -> Self {
        Self {
            user_id: user.map(|user| user.to_string()),
            username: person.name,
            role: person.role,
            zone: person.zone,
        }
    }
}

/// A quoted message. It was said: the server has checked that.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct QuoteEntry {
    /// Id of the message.
    id: String,
    /// Text, as the author of the report saw it.
    text: String,
    /// Time, in Unix milliseconds.
    at: u64,
    /// Whether the space had it; messages to people nearby are not stored.
    stored: bool,
    /// What it said when the report came, if that was something else; empty when it was deleted.
    #[schema(required)]
    later: Option<String>,
}

impl From<QuotedMessage> for QuoteEntry {
    fn from(message: QuotedMessage) -> Self {
        Self {
            id: message.id,
            text: message.text,
            at: message.at,
            stored: message.is_stored,
            later: message.later,
        }
    }
}

/// One page of one's own reports.
#[derive(Serialize, ToSchema)]
pub struct OwnReportList {
    /// Newest first.
    reports: Vec<OwnReport>,
    /// Cursor of the next page; null on the last one.
    #[schema(required)]
    before: Option<String>,
}

/// A report as its author sees it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OwnReport {
    /// Id of the report.
    id: String,
    /// Name of the space.
    space_name: String,
    /// Name of the person.
    about: String,
    /// What it is about.
    kind: String,
    /// Text.
    text: String,
    /// Time, in Unix milliseconds.
    at: i64,
    /// `open` or `done`.
    state: &'static str,
    /// Answer; may be empty.
    answer: String,
    /// Time of the answer, in Unix milliseconds; null while it is open.
    #[schema(required)]
    done_at: Option<i64>,
}

const fn state_word(is_done: bool) -> &'static str {
    if is_done { "done" } else { "open" }
}

/// Who reads a report.
pub const fn readers_word(to_admins: bool) -> &'static str {
    if to_admins { "admins" } else { "moderators" }
}

impl From<ReportRow> for ReportEntry {
    fn from(row: ReportRow) -> Self {
        let context = row.context;
        let messages = context.messages.into_iter();
        Self {
            id: row.id.to_string(),
            space_id: row.space.to_string(),
            space_name: row.space_name,
            kind: row.kind,
            text: row.text,
            at: row.at,
            by: PersonEntry::of(row.by, context.by),
            about: PersonEntry::of(row.about, context.about),
            was_inside: context.was_inside,
            hearers: context.hearers,
            messages: messages.map(QuoteEntry::from).collect(),
            state: state_word(row.is_done),
            answer: row.answer,
            done_by: row.done_name,
            done_at: row.done_at,
            to: readers_word(row.to_admins),
        }
    }
}

impl From<ReportRow> for OwnReport {
    fn from(row: ReportRow) -> Self {
        Self {
            id: row.id.to_string(),
            space_name: row.space_name,
            about: row.context.about.name,
            kind: row.kind,
            text: row.text,
            at: row.at,
            state: state_word(row.is_done),
            answer: row.answer,
            done_at: row.done_at,
        }
    }
}

/// The rows of a page, and the cursor of the next one.
fn cut(rows: Vec<ReportRow>) -> (Vec<ReportRow>, Option<String>) {
    let ListPage { items, has_more } = ListPage::of(rows, PAGE);
    let last = items.last().filter(|_| has_more);
    let before = last.map(|row| row.id.to_string());
    (items, before)
}

impl OwnReportList {
    /// The page of rows of which one may be too many.
    pub fn of(rows: Vec<ReportRow>) -> Self {
        let (rows, before) = cut(rows);
        Self {
            reports: rows.into_iter().map(OwnReport::from).collect(),
            before,
        }
    }
}

impl ReportList {
    /// The page of rows of which one may be too many.
    pub fn of(rows: Vec<ReportRow>, open: u64) -> Self {
        let (rows, before) = cut(rows);
        Self {
            reports: rows.into_iter().map(ReportEntry::from).collect(),
            open,
            before,
        }
    }
}
