//! Audit log: what admins did, for admins.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::AppState;
use super::error::{ApiError, Problem};
use super::extract::{Admin, Json, Query};
use crate::store::audit_log::AuditRow;

/// Rows on a page.
const PAGE: u32 = 100;

/// Which rows.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    /// The `before` of the page before.
    before: Option<String>,
}

/// A page of the log.
#[derive(Serialize, ToSchema)]
pub struct AuditLog {
    /// The newest first.
    entries: Vec<AuditEntry>,
    /// Where the next page begins; null at the end.
    #[schema(required)]
    before: Option<String>,
}

/// Something that was done, with the names of that time.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditEntry {
    /// Of the row.
    id: String,
    /// In Unix milliseconds.
    at: i64,
    /// Who did it; null for the command line.
    #[schema(required)]
    actor_id: Option<String>,
    /// Their name; `command line` for that.
    actor: String,
    /// `suspend`, `unsuspend`, `sign-out`, `reset-password`, `make-admin`, `delete-space`,
    /// `delete-upload`; later versions have more.
    action: String,
    /// The space it concerned.
    #[schema(required)]
    space_id: Option<String>,
    /// What it was done to.
    #[schema(required)]
    target_id: Option<String>,
    /// Its name.
    target: String,
    /// A reason, a time.
    detail: String,
}

/// What admins did
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
    let before: Option<Uuid> = match before.as_deref() {
        None | Some("") => None,
        Some(text) => Some(
            text.parse()
                .map_err(|_| ApiError::bad("There is no such page."))?,
        ),
    };
    // One more than is shown tells whether there is more.
    let mut rows = state.store.audit_log(before, PAGE + 1).await?;
    let has_more = rows.len() > PAGE as usize;
    rows.truncate(PAGE as usize);
    let before = rows
        .last()
        .filter(|_| has_more)
        .map(|row| row.id.to_string());
    Ok(Json(AuditLog {
        entries: rows.into_iter().map(AuditEntry::from).collect(),
        before,
    }))
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
