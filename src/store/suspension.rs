//! Suspension: why and until when a user may not use the server.

use std::fmt;

use super::now_ms;
use crate::components::utc::utc;

/// End of a suspension without an end: only an admin lifts it.
pub(super) const UNTIL_LIFTED: i64 = i64::MAX;

/// Longest reason of a suspension, in characters.
const LONGEST_REASON: usize = 500;

/// Whether a text is a valid reason.
pub fn is_reason(text: &str) -> bool {
    (1..=LONGEST_REASON).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

/// A suspension of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspension {
    /// End, in Unix milliseconds; `None` until an admin lifts it.
    pub until: Option<i64>,
    /// Reason, shown to the user.
    pub reason: String,
}

impl Suspension {
    /// The suspension in a row; `None` when there is none or it has ended.
    pub(super) fn of_row(until: Option<i64>, reason: Option<String>) -> Option<Self> {
        let until = until.filter(|until| *until > now_ms())?;
        Some(Self {
            until: (until != UNTIL_LIFTED).then_some(until),
            reason: reason.unwrap_or_default(),
        })
    }
}

impl fmt::Display for Suspension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Your account is suspended")?;
        if let Some(until) = self.until {
            write!(f, " until {}", utc(until.cast_unsigned()))?;
        }
        write!(f, ": {}", self.reason)
    }
}
