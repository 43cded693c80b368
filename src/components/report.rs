//! Report: what a user tells those who look after a space about another user.
//!
//! `store::reports` has the rows, `api::reports` the rules. `cluster::connections` tells people.

use bincode::{Decode, Encode};

/// What a report is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportKind {
    /// Insults, threats, and not leaving a person alone.
    Harassment,
    /// Hate against groups of people.
    Hate,
    /// Sexual words or pictures.
    Sexual,
    /// Advertising, fraud, and the same again and again.
    Spam,
    /// Posing as another person.
    Impersonation,
    /// Someone may come to harm.
    Danger,
    /// Anything else.
    Other,
}

impl ReportKind {
    /// All kinds.
    pub const ALL: [Self; 7] = [
        Self::Harassment,
        Self::Hate,
        Self::Sexual,
        Self::Spam,
        Self::Impersonation,
        Self::Danger,
        Self::Other,
    ];

    /// Its name in tables and messages.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Harassment => "harassment",
            Self::Hate => "hate",
            Self::Sexual => "sexual",
            Self::Spam => "spam",
            Self::Impersonation => "impersonation",
            Self::Danger => "danger",
            Self::Other => "other",
        }
    }

    /// The kind with that name.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// What people are told of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub enum ReportNews {
    /// To those who may answer: there is a new one.
    New,
    /// To its author: it was answered.
    Answered,
}
