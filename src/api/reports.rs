//! Reports: telling those who look after a space about a person, and answering. `report_context`
//! has what the server adds, and `report_list` what they read.

use axum::extract::{Path as Segments, State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::AppState;
use super::access::{Entered, unknown};
use super::address::Address;
use super::empty::Empty;
use super::error::{ApiError, Problem};
use super::extract::{Admin, Caller, Json, Path, Query, UnreadBody};
use super::members::{NO_USER, membership_of};
use super::report_context::{QuoteRequest, of_people, quoted};
use super::report_list::{OwnReportList, PAGE, ReportList, readers_word};
use crate::components::id::{SpaceId, UserId};
use crate::components::long_text::{REPORT_CHARS, long_text};
use crate::components::membership::Membership;
use crate::components::permissions::Permission;
use crate::components::report::{ReportKind, ReportNews};
use crate::store::audit_log::Actor;
use crate::store::reports::{
    ADMIN_RANK, MOST_OPEN, MOST_OPEN_IN_SPACE, MOST_OPEN_IN_SPACE_FOR_GUESTS, MOST_OPEN_OF_GUEST,
    NewReport, QuotedMessage, ReportOutcome, ReportPage, ReportReader, ReportRow, rank,
};

/// Seconds after which a user with too many open reports may try again.
const AGAIN_SECONDS: u64 = 600;

/// A report about a person.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReportRequest {
    /// Id of the person.
    about_id: String,
    /// What it is about: `harassment`, `hate`, `sexual`, `spam`, `impersonation`, `danger` or
    /// `other`.
    kind: String,
    /// What happened: at most 1,000 characters; may be empty, unless the kind is `other`.
    #[serde(default)]
    text: String,
    /// Messages of the person, at most 20.
    #[serde(default)]
    messages: Vec<QuoteRequest>,
}

/// A report that was taken.
#[derive(Serialize, ToSchema)]
pub struct ReportTaken {
    /// Id of the report.
    id: String,
    /// Who reads it: `moderators` of the space above the person, or `admins` of the server.
    to: &'static str,
}

/// An answer to a report.
#[derive(Deserialize, ToSchema)]
pub struct ReportAnswer {
    /// What its author is told: at most 1,000 characters; may be empty.
    #[serde(default)]
    answer: String,
}

/// Page of a list of reports.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ReportQuery {
    /// `open` (the default) or `done`.
    state: Option<String>,
    /// `before` of the previous page.
    before: Option<String>,
}

/// Page of the list for admins.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AdminReportQuery {
    /// `open` (the default) or `done`.
    state: Option<String>,
    /// `before` of the previous page.
    before: Option<String>,
    /// Also reports that moderators of spaces read.
    #[serde(default)]
    all: bool,
}

/// Page of the list of one's own reports.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct OwnReportQuery {
    /// `before` of the previous page.
    before: Option<String>,
}

/// Report a person
///
/// For everyone who may enter the space. The report goes to moderators of the space who are above
/// the person, else to admins of the server. The server adds roles, zones and who was within
/// hearing, as far as it knows. Ten open reports per user, three per guest.
#[utoipa::path(
    post,
    path = "/space/{id}/report",
    operation_id = "report",
    tag = "spaces",
    security(("token" = [])),
    params(("id" = String, Path, description = "The space")),
    request_body = ReportRequest,
    responses(
        (status = 200, body = ReportTaken),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn add(
    State(state): State<AppState>,
    caller: Caller,
    from: Address,
    Path(space): Path<SpaceId>,
    body: UnreadBody<ReportRequest>,
) -> Result<Json<ReportTaken>, ApiError> {
    let permission = Permission::Report;
    let (found, body) = state.read_for(&caller, space, permission, body).await?;
    let kind = ReportKind::from_word(&body.kind).ok_or_else(no_kind)?;
    let text = &*report_text(&body.text)?;
    if kind == ReportKind::Other && text.is_empty() {
        return Err(ApiError::bad("Say what happened."));
    }
    let about: UserId = body.about_id.parse().map_err(|_| ApiError::bad(NO_USER))?;
    if about == caller.user() {
        return Err(ApiError::bad("You cannot report yourself."));
    }
    state.reports.write(caller.user(), &state.budgets)?;
    let theirs = membership_of(&state, space, about).await?;
    let messages = quoted(&state, (space, about), &body.messages).await?;
    let all_text = messages.iter().map(|message| message.text.as_str());
    caller.writes(&state, from, &all_text.chain([text]).collect::<String>())?;
    let report = CheckedReport {
        kind,
        text,
        about,
        messages,
    };
    file(&state, &caller, &found, &theirs, report).await
}

fn no_kind() -> ApiError {
    let words = ReportKind::ALL.map(|kind| format!("`{}`", kind.word()));
    ApiError::bad(format!("A report is about one of {}.", words.join(", ")))
}

/// A report that was checked.
struct CheckedReport<'a> {
    kind: ReportKind,
    text: &'a str,
    about: UserId,
    messages: Vec<QuotedMessage>,
}

async fn file(
    state: &AppState,
    caller: &Caller,
    found: &Entered,
    theirs: &Membership,
    report: CheckedReport<'_>,
) -> Result<Json<ReportTaken>, ApiError> {
    let (space, about, by) = (found.row.id, report.about, caller.user());
    let mut context =
        of_people(state, found, (by, caller.who.shown_name()), (about, theirs)).await?;
    context.messages = report.messages;
    let about_rank = if theirs.standing.is_admin {
        ADMIN_RANK
    } else {
        rank(theirs.standing.role())
    };
    let mut readers = state.store.moderators_above(space, about_rank).await?;
    // The author is not a reader: if no one else is above the person, admins are to know.
    readers.retain(|reader| *reader != by && *reader != about);
    let to_admins = readers.is_empty();
    if to_admins {
        readers = state.store.admins().await?;
        readers.retain(|reader| *reader != about);
    }
    let (most_open, most_in_space) = most_open(caller);
    let new = NewReport {
        space,
        by,
        about,
        kind: report.kind,
        text: report.text,
        context: &context,
        about_rank,
        to_admins,
        most_open,
        most_in_space,
    };
    match state.store.add_report(&new).await? {
        ReportOutcome::Done(id) => {
            let place = (!to_admins).then_some(space);
            state.spaces.tell_of_report(readers, place, ReportNews::New);
            Ok(Json(ReportTaken {
                id: id.to_string(),
                to: readers_word(to_admins),
            }))
        }
        ReportOutcome::TooMany => Err(ApiError::Later {
            detail: format!(
                "You have {} open reports. Wait until one is answered.",
                new.most_open
            ),
            seconds: AGAIN_SECONDS,
        }),
        ReportOutcome::Full => Err(ApiError::Later {
            detail: "There are too many open reports about this space. Try again later.".into(),
            seconds: AGAIN_SECONDS,
        }),
        ReportOutcome::Gone => Err(unknown()),
    }
}

/// Most open reports of the caller, and of their space when it takes one more from them.
const fn most_open(caller: &Caller) -> (i64, i64) {
    if caller.who.is_guest {
        (MOST_OPEN_OF_GUEST, MOST_OPEN_IN_SPACE_FOR_GUESTS)
    } else {
        (MOST_OPEN, MOST_OPEN_IN_SPACE)
    }
}

/// List the reports of a space
///
/// For moderators: those about people with a lower role than theirs. Those for admins of the server
/// are in a list of their own.
#[utoipa::path(
    get,
    path = "/space/{id}/report",
    operation_id = "reports",
    tag = "spaces",
    security(("token" = [])),
    params(("id" = String, Path, description = "The space"), ReportQuery),
    responses(
        (status = 200, body = ReportList),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Path(space): Path<SpaceId>,
    Query(query): Query<ReportQuery>,
) -> Result<Json<ReportList>, ApiError> {
    let found = state.at(space, Some(&caller)).await?;
    let found = found.require(Permission::Moderate)?;
    let page = page(query.state.as_deref(), query.before.as_deref())?;
    let reader = reader(&caller, &found);
    let rows = state.store.reports(space, reader, page).await?;
    let open = state.store.open_reports(space, reader).await?;
    Ok(Json(ReportList::of(rows, open)))
}

/// Answer a report
///
/// It is done then, and its author is told. Of several answers the first counts.
#[utoipa::path(
    post,
    path = "/space/{id}/report/{report}",
    operation_id = "answerReport",
    tag = "spaces",
    security(("token" = [])),
    params(
        ("id" = String, Path, description = "The space"),
        ("report" = String, Path, description = "The report"),
    ),
    request_body = ReportAnswer,
    responses(
        (status = 200, body = Empty),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn answer(
    State(state): State<AppState>,
    caller: Caller,
    Segments((space, report)): Segments<(String, String)>,
    body: UnreadBody<ReportAnswer>,
) -> Result<Json<Empty>, ApiError> {
    let space: SpaceId = space.parse().map_err(|_| unknown())?;
    let permission = Permission::Moderate;
    let (found, body) = state.read_for(&caller, space, permission, body).await?;
    let row = report_of(&state, &report).await?;
    if row.space != space || !reader(&caller, &found).reads(&row) {
        return Err(no_report());
    }
    close(&state, &Actor::from(&caller.who), &row, &body.answer).await
}

/// List reports for admins
///
/// Those about people with no one in the space above them; with `all` also the others.
#[utoipa::path(
    get,
    path = "/admin/report",
    operation_id = "adminReports",
    tag = "admin",
    security(("token" = [])),
    params(AdminReportQuery),
    responses(
        (status = 200, body = ReportList),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn for_admins(
    State(state): State<AppState>,
    admin: Admin,
    Query(query): Query<AdminReportQuery>,
) -> Result<Json<ReportList>, ApiError> {
    let page = page(query.state.as_deref(), query.before.as_deref())?;
    let user = admin.user();
    let rows = state.store.reports_to_admins(user, query.all, page).await?;
    let open = state.store.open_reports_to_admins(user).await?;
    Ok(Json(ReportList::of(rows, open)))
}

/// Answer a report as an admin
#[utoipa::path(
    post,
    path = "/admin/report/{report}",
    operation_id = "answerReportAsAdmin",
    tag = "admin",
    security(("token" = [])),
    params(("report" = String, Path, description = "The report")),
    request_body = ReportAnswer,
    responses(
        (status = 200, body = Empty),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn answer_as_admin(
    State(state): State<AppState>,
    admin: Admin,
    Path(report): Path<String>,
    body: UnreadBody<ReportAnswer>,
) -> Result<Json<Empty>, ApiError> {
    let row = report_of(&state, &report).await?;
    if row.about == Some(admin.user()) {
        return Err(no_report());
    }
    let body = body.read().await?;
    close(&state, &admin.actor(), &row, &body.answer).await
}

/// List one's own reports
///
/// Those that the caller wrote, in all spaces, with their answers.
#[utoipa::path(
    get,
    path = "/report",
    operation_id = "ownReports",
    tag = "people",
    security(("token" = [])),
    params(OwnReportQuery),
    responses(
        (status = 200, body = OwnReportList),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn own(
    State(state): State<AppState>,
    caller: Caller,
    Query(OwnReportQuery { before }): Query<OwnReportQuery>,
) -> Result<Json<OwnReportList>, ApiError> {
    let before = cursor(before.as_deref())?;
    let rows = state
        .store
        .reports_by(caller.user(), before, PAGE + 1)
        .await?;
    Ok(Json(OwnReportList::of(rows)))
}

async fn close(
    state: &AppState,
    actor: &Actor,
    row: &ReportRow,
    answer: &str,
) -> Result<Json<Empty>, ApiError> {
    let answer = report_text(answer)?;
    if !state.store.answer_report(actor, row, &answer).await? {
        return Err(ApiError::bad("This report was answered already."));
    }
    let author: Vec<UserId> = row.by.into_iter().collect();
    state
        .spaces
        .tell_of_report(author, None, ReportNews::Answered);
    Ok(Json(Empty {}))
}

async fn report_of(state: &AppState, report: &str) -> Result<ReportRow, ApiError> {
    let report: Uuid = report.parse().map_err(|_| no_report())?;
    state.store.report(report).await?.ok_or_else(no_report)
}

/// Refusal of a report that is not there, or not for the caller.
fn no_report() -> ApiError {
    ApiError::bad("There is no such report.")
}

const fn reader(caller: &Caller, found: &Entered) -> ReportReader {
    ReportReader {
        user: caller.user(),
        role: found.membership.standing.role(),
    }
}

fn report_text(text: &str) -> Result<String, ApiError> {
    long_text(text, REPORT_CHARS).ok_or_else(|| {
        ApiError::bad("A text has at most 1,000 characters and no control characters.")
    })
}

fn cursor(before: Option<&str>) -> Result<Option<Uuid>, ApiError> {
    match before {
        None | Some("") => Ok(None),
        Some(text) => Ok(Some(
            text.parse()
                .map_err(|_| ApiError::bad("There is no such page."))?,
        )),
    }
}

fn page(state: Option<&str>, before: Option<&str>) -> Result<ReportPage, ApiError> {
    let is_done = match state {
        None | Some("open") => false,
        Some("done") => true,
        Some(_) => return Err(ApiError::bad("A report is `open` or `done`.")),
    };
    Ok(ReportPage {
        is_done,
        before: cursor(before)?,
        limit: PAGE + 1,
    })
}
