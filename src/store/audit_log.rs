//! Audit log: actions of admins, with the names at that time. Each row is written in the
//! transaction of its action.

use uuid::Uuid;

use super::{Store, StoreError, Tx, id, now_ms};
use crate::components::id::{SpaceId, UserId};

/// The user or command line that acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// `None` for a command line and the word filter.
    pub user: Option<UserId>,
    /// Current name.
    pub name: String,
}

impl Actor {
    /// Access to the database is enough to be allowed everything.
    pub fn command_line() -> Self {
        Self {
            user: None,
            name: "command line".into(),
        }
    }

    /// The word filter, which notes words for no user.
    pub(super) fn word_filter() -> Self {
        Self {
            user: None,
            name: "word filter".into(),
        }
    }
}

/// Kind of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// A user became an admin.
    MakeAdmin,
    /// A user's password was reset.
    ResetPassword,
    /// A user was suspended.
    Suspend,
    /// A suspension was lifted.
    Unsuspend,
    /// All sessions of a user were ended.
    SignOut,
    /// A space was deleted.
    DeleteSpace,
    /// An upload was deleted.
    DeleteUpload,
    /// A user's role in a space was changed.
    SetRole,
    /// A user was kicked from a space.
    Kick,
    /// A kick was lifted.
    LiftKick,
    /// A user was banned from a space.
    Ban,
    /// A ban was lifted.
    LiftBan,
    /// A user was muted in a space.
    Mute,
    /// The mutes of a user were lifted.
    Unmute,
    /// A space was locked down, or a lockdown was ended.
    Lockdown,
    /// A report was answered.
    AnswerReport,
    /// A join request was answered.
    AnswerRequest,
    /// An invite to a space was made.
    Invite,
    /// An invite to a space was revoked.
    RevokeInvite,
    /// A user came by an invite to a space.
    AcceptInvite,
    /// A space was changed: its name, who may enter it, or roles of permissions.
    ChangeSpace,
    /// A space was offered to a user.
    OfferSpace,
    /// An offer of a space was withdrawn or declined.
    EndOffer,
    /// A user to whom a space was offered owns it now.
    TransferSpace,
    /// A user wrote words of a word filter that reports.
    FilterWords,
}

impl Act {
    /// Its name in the table and over HTTP.
    pub const fn word(self) -> &'static str {
        match self {
            Self::MakeAdmin => "make-admin",
            Self::ResetPassword => "reset-password",
            Self::Suspend => "suspend",
            Self::Unsuspend => "unsuspend",
            Self::SignOut => "sign-out",
            Self::DeleteSpace => "delete-space",
            Self::DeleteUpload => "delete-upload",
            Self::SetRole => "set-role",
            Self::Kick => "kick",
            Self::LiftKick => "lift-kick",
            Self::Ban => "ban",
            Self::LiftBan => "lift-ban",
            Self::Mute => "mute",
            Self::Unmute => "unmute",
            Self::Lockdown => "lockdown",
            Self::AnswerReport => "answer-report",
            Self::AnswerRequest => "answer-request",
            Self::Invite => "invite",
            Self::RevokeInvite => "revoke-invite",
            Self::AcceptInvite => "accept-invite",
            Self::ChangeSpace => "change-space",
            Self::OfferSpace => "offer-space",
            Self::EndOffer => "end-offer",
            Self::TransferSpace => "transfer-space",
            Self::FilterWords => "filter-words",
        }
    }
}

/// A row to be written.
pub(super) struct NewAuditRow<'a> {
    pub(super) actor: &'a Actor,
    pub(super) act: Act,
    pub(super) space: Option<SpaceId>,
    pub(super) target_id: String,
    pub(super) target: &'a str,
    pub(super) detail: &'a str,
}

/// A row of the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// Id; rises with time.
    pub id: Uuid,
    /// Time, in Unix milliseconds.
    pub at: i64,
    /// User who acted; `None` for the command line.
    pub actor_id: Option<String>,
    /// Name of that user at that time.
    pub actor: String,
    /// Action: a name of [`Act`], or of a later version.
    pub action: String,
    /// Space concerned, if any.
    pub space: Option<String>,
    /// Id of the target, if any.
    pub target_id: Option<String>,
    /// Name of the target at that time.
    pub target: String,
    /// Details, for example a reason or a time.
    pub detail: String,
}

type AuditColumns = (
    String,
    i64,
    Option<String>,
    String,
    String,
    Option<String>,
    Option<String>,
    String,
    String,
);

/// Writes a row within a transaction.
pub(super) async fn write(tx: &mut Tx, row: NewAuditRow<'_>) -> Result<(), StoreError> {
    sqlx::query(
        "insert into audit_log (id, space_id, actor_id, actor, action, target_id, target, detail, \
        at) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(Uuid::now_v7().to_string())
    .bind(row.space.map(|space| space.to_string()))
    .bind(row.actor.user.map(|user| user.to_string()))
    .bind(&row.actor.name)
    .bind(row.act.word())
    .bind(row.target_id)
    .bind(row.target)
    .bind(row.detail)
    .bind(now_ms())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

impl Store {
    /// Rows of the log, newest first; only those before the given row, if any.
    pub async fn audit_log(
        &self,
        before: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<AuditRow>, StoreError> {
        let rows: Vec<AuditColumns> = sqlx::query_as(
            "select id, at, actor_id, actor, action, space_id, target_id, target, detail from \
            audit_log \
             where $1 = '' or id < $1 order by id desc limit $2",
        )
        .bind(before.map(|before| before.to_string()).unwrap_or_default())
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await?;
        read(rows)
    }

    /// As [`audit_log`](Self::audit_log), of one space; without changes of the space itself unless
    /// `is_whole`.
    pub async fn audit_log_of(
        &self,
        space: SpaceId,
        is_whole: bool,
        before: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<AuditRow>, StoreError> {
        let rows: Vec<AuditColumns> = sqlx::query_as(
            "select id, at, actor_id, actor, action, space_id, target_id, target, detail from \
             audit_log where space_id = $1 and ($2 = '' or id < $2) \
             and ($3 = 1 or action <> 'change-space') order by id desc limit $4",
        )
        .bind(space.to_string())
        .bind(before.map(|before| before.to_string()).unwrap_or_default())
        .bind(i64::from(is_whole))
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await?;
        read(rows)
    }
}

fn read(rows: Vec<AuditColumns>) -> Result<Vec<AuditRow>, StoreError> {
    rows.into_iter()
        .map(
            |(row, at, actor_id, actor, action, space, target_id, target, detail)| {
                Ok(AuditRow {
                    id: id(&row)?,
                    at,
                    actor_id,
                    actor,
                    action,
                    space,
                    target_id,
                    target,
                    detail,
                })
            },
        )
        .collect()
}
