//! Audit log: the record of what admins and moderators did.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::AppState;
use super::error::{ApiError, Problem};
use super::extract::{Admin, Caller, Json, Path, Query};
use crate::components::id::SpaceId;
use crate::components::permissions::Permission;
use crate::store::audit_log::AuditRow;
use crate::store::paging::ListPage;

/// Rows per page.
const PAGE: u32 = 100;

/// Page of the audit log.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    /// `before` of the previous page.
    before: Option<String>,
}

/// One page of the audit log.
#[derive(Serialize, ToSchema)]
pub struct AuditLog {
    /// Newest first.
    entries: Vec<AuditEntry>,
    /// Cursor of the next page; null on the last one.
    #[schema(required)]
    before: Option<String>,
}

/// One action, with the names at that time.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditEntry {
    /// Id of the row.
    id: String,
    /// Time, in Unix milliseconds.
    at: i64,
    /// User who acted; null for the command line and the word filter.
    #[schema(required)]
    actor_id: Option<String>,
    /// Name of that user; `command line` when there is none.
    actor: String,
    /// Action: `suspend`, `unsuspend`, `sign-out`, `reset-password`, `make-admin`, `delete-space`,
    /// `delete-upload`, `set-role`, `change-space`, `invite`, `revoke-invite`, `accept-invite`,
    /// `kick`, `lift-kick`, `ban`, `lift-ban`, `mute`, `unmute`, `lockdown`, `answer-request`,
    /// `answer-report`, `filter-words`, `offer-space`, `end-offer`, `transfer-space`; later
    /// versions have more.
    action: String,
    /// Space concerned, if any.
    #[schema(required)]
    space_id: Option<String>,
    /// Id of the target, if any.
    #[schema(required)]
    target_id: Option<String>,
    /// Name of the target.
    target: String,
    /// Details, for example a reason or a time.
    detail: String,
}

/// Read the audit log
#[utoipa::path(
    get,
    path = "/admin/audit-log",
    operation_id = "auditLog",
    tag = "admin",
    security(("token" = [])),
    params(AuditQuery),
    responses(
        (status = 200, body = AuditLog),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn show(
    State(state): State<AppState>,
    _admin: Admin,
    Query(AuditQuery { before }): Query<AuditQuery>,
) -> Result<Json<AuditLog>, ApiError> {
    let before = page(before.as_deref())?;
    let rows = state.store.audit_log(before, PAGE + 1).await?;
    Ok(Json(AuditLog::of(rows)))
}

/// Read the audit log of a space
///
/// For moderators: what was done to people. For the owner also changes of the space itself.
#[utoipa::path(
    get,
    path = "/space/{id}/audit-log",
    operation_id = "spaceAuditLog",
    tag = "spaces",
    security(("token" = [])),
    params(("id" = String, Path, description = "The space"), AuditQuery),
    responses(
        (status = 200, body = AuditLog),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn of_space(
    State(state): State<AppState>,
    caller: Caller,
    Path(space): Path<SpaceId>,
    Query(AuditQuery { before }): Query<AuditQuery>,
) -> Result<Json<AuditLog>, ApiError> {
    let found = state.at(space, Some(&caller)).await?;
    let found = found.require(Permission::Moderate)?;
    let before = page(before.as_deref())?;
    let is_whole = found.may(Permission::ManageAccess);
    let rows = state
        .store
        .audit_log_of(space, is_whole, before, PAGE + 1)
        .await?;
    Ok(Json(AuditLog::of(rows)))
}

/// Start of a page; none for the first one.
fn page(before: Option<&str>) -> Result<Option<Uuid>, ApiError> {
    match before {
        None | Some("") => Ok(None),
        Some(text) => Ok(Some(
            text.parse()
                .map_err(|_| ApiError::bad("There is no such page."))?,
        )),
    }
}

impl AuditLog {
    fn of(rows: Vec<AuditRow>) -> Self {
        let ListPage {
            items: rows,
            has_more,
        } = ListPage::of(rows, PAGE);
        let before = rows
            .last()
            .filter(|_| has_more)
            .map(|row| row.id.to_string());
        Self {
            entries: rows.into_iter().map(AuditEntry::from).collect(),
            before,
        }
    }
}

impl From<AuditRow> for AuditEntry {
    fn from(row: AuditRow) -> Self {
        Self {
            id: row.id.to_string(),
            at: row.at,
            actor_id: row.actor_id,
            actor: row.actor,
            action: row.action,
            space_id: row.space,
            target_id: row.target_id,
            target: row.target,
            detail: row.detail,
        }
    }
}
