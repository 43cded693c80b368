//! Errors: one error type, answered as a problem document (RFC 9457) that also carries `message`.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::components::membership::EntryRefusal;
use crate::net::budget::Slowed;
use crate::net::edge::word_filters::Filtered;
use crate::net::edge::{CutBody, refusal};
use crate::store::StoreError;

/// Seconds of `retry-after`: another process takes over within that time.
const RETRY_AFTER: u64 = 3;

/// Why a request was refused.
#[derive(Debug)]
pub enum ApiError {
    /// Malformed request, or an unknown id: 400.
    Bad(String),
    /// The token is malformed, expired or revoked: 401.
    Unauthorized,
    /// Not signed in, or not allowed: 403.
    Forbidden(&'static str),
    /// The account is suspended: 403, with this reason.
    Suspended(String),
    /// The caller may not enter the space, or is muted: 403, or 400 when the space is not to be
    /// known.
    Refused(Refused),
    /// A quota would be exceeded: 403. The text names the limit and its setting.
    OverQuota(String),
    /// No such page: 404.
    NotFound,
    /// The path exists but not with this method: 405.
    MethodNotAllowed,
    /// The body did not arrive in time: 408, and the connection ends.
    TooSlow(&'static str),
    /// The body is larger than this number of bytes: 413.
    TooLarge(usize),
    /// Too many requests; try again after this number of seconds: 429.
    TooMany(u64),
    /// Refused for this number of seconds, with the reason: 429.
    Later {
        /// The reason, and how long to wait.
        detail: String,
        /// Seconds to wait.
        seconds: u64,
    },
    /// Only one such request at a time: 429.
    OneAtATime(&'static str),
    /// Internal error: 500. The reason is logged, not sent.
    Internal,
    /// Temporarily unable to serve: 503.
    Unavailable(&'static str),
    /// There is no room on the disk: 507.
    DiskFull(&'static str),
}

/// Why a caller may not enter a space, or not write there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Word for programs; `None` when the space is not to be known.
    code: Option<&'static str>,
    /// Reason, in sentences for people.
    reason: String,
}

impl Refused {
    /// The refusal as programs and people read it.
    pub fn of(why: &EntryRefusal) -> Self {
        Self {
            code: refusal::word(why),
            reason: refusal::reason(why),
        }
    }

    /// Word for programs; `None` when the space is not to be known.
    pub const fn code(&self) -> Option<&'static str> {
        self.code
    }

    /// The reason, in sentences for people.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// A text has a word that people are not to write.
    pub fn filtered(why: &Filtered) -> Self {
        Self {
            code: Some(refusal::FILTERED),
            reason: why.reason(),
        }
    }

    /// The caller is muted in the chat until then, in Unix milliseconds.
    pub fn muted(until: i64) -> Self {
        Self {
            code: Some(refusal::MUTED),
            reason: refusal::muted(until),
        }
    }
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

/// A problem document.
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// Always `about:blank`: the status says what kind of problem it is.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The status in words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What is wrong, in a sentence for people.
    detail: String,
    /// The same as `detail`.
    message: String,
    /// Why the caller may not enter a space: `kicked`, `banned`, `guests`, `password`, `members`,
    /// `closed` or `full`; or `muted` or `filtered`. Later versions may have more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    code: Option<&'static str>,
}

impl ApiError {
    /// A refusal with 400.
    pub fn bad(detail: impl Into<String>) -> Self {
        Self::Bad(detail.into())
    }

    const fn status(&self) -> StatusCode {
        match self {
            Self::Bad(_) | Self::Refused(Refused { code: None, .. }) => StatusCode::BAD_REQUEST,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Refused(_) | Self::Forbidden(_) | Self::Suspended(_) | Self::OverQuota(_) => {
                StatusCode::FORBIDDEN
            }
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooSlow(_) => StatusCode::REQUEST_TIMEOUT,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooMany(_) | Self::Later { .. } | Self::OneAtATime(_) => {
                StatusCode::TOO_MANY_REQUESTS
            }
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::DiskFull(_) => StatusCode::INSUFFICIENT_STORAGE,
        }
    }

    /// What is wrong, in a sentence for people.
    pub fn detail(&self) -> String {
        match self {
            Self::Bad(detail) | Self::OverQuota(detail) | Self::Later { detail, .. } => {
                detail.clone()
            }
            Self::Unauthorized => {
                "The token is malformed, expired or revoked: sign in again.".into()
            }
            Self::Forbidden(detail)
            | Self::TooSlow(detail)
            | Self::Unavailable(detail)
            | Self::DiskFull(detail)
            | Self::OneAtATime(detail) => (*detail).into(),
            Self::Suspended(reason) => reason.clone(),
            Self::Refused(refused) => refused.reason.clone(),
            Self::NotFound => "There is nothing at this address.".into(),
            Self::MethodNotAllowed => "This address does not take that method.".into(),
            Self::TooLarge(limit) if *limit >= 1024 * 1024 => {
                format!(
                    "This is too large: at most {} MiB are taken here.",
                    limit / 1024 / 1024
                )
            }
            Self::TooLarge(limit) => format!(
                "This is too large: at most {} KiB are taken here.",
                limit / 1024
            ),
            Self::TooMany(seconds) => format!("Too many attempts: try again in {seconds} s."),
            Self::Internal => "Something went wrong on the server; it has been noted.".into(),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = self.status();
        let detail = self.detail();
        let code = match &self {
            Self::Refused(refused) => refused.code,
            _ => None,
        };
        let problem = Problem {
            code,
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            message: detail.clone(),
            detail,
        };
        let mut response = (status, axum::Json(problem)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        match self {
            Self::TooMany(seconds) | Self::Later { seconds, .. } => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            }
            Self::Unavailable(_) | Self::OneAtATime(_) => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER));
            }
            Self::TooSlow(_) => {
                // Unread bytes of the body may still arrive, so the connection cannot be reused.
                headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            Self::Unauthorized => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            _ => {}
        }
        response
    }
}

impl From<CutBody> for ApiError {
    fn from(cut: CutBody) -> Self {
        match cut {
            CutBody::TooSlow => Self::TooSlow("What you sent did not arrive in time."),
            CutBody::NoRoom => {
                Self::Unavailable("Too much arrives at this moment. Try again in a few seconds.")
            }
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "a query failed");
        if error.is_unreachable() {
            return Self::Unavailable("The database does not answer. Try again in a moment.");
        }
        Self::Internal
    }
}

impl From<Slowed> for ApiError {
    fn from(slowed: Slowed) -> Self {
        Self::TooMany(slowed.seconds)
    }
}
