//! Audit log: what admins did, with the names of that time. Each row is written in the transaction
//! of what it tells.

use uuid::Uuid;

use super::sessions::SignedIn;
use super::{Store, StoreError, Tx, id, now_ms};
use crate::components::id::{SpaceId, UserId};

/// Who does something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// `None` for a command line.
    pub user: Option<UserId>,
    /// Their name of now.
    pub name: String,
}

impl Actor {
    /// Who may write the database may do everything.
    pub fn command_line() -> Self {
        Self {
            user: None,
            name: "command line".into(),
        }
    }
}

impl From<&SignedIn> for Actor {
    fn from(user: &SignedIn) -> Self {
        Self {
            user: Some(user.user),
            name: user.name.clone(),
        }
    }
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// A user was made an admin.
    MakeAdmin,
    /// A user got another password.
    ResetPassword,
    /// A user may not use the server.
    Suspend,
    /// A user may again.
    Unsuspend,
    /// Every session of a user was ended.
    SignOut,
    /// A space was deleted.
    DeleteSpace,
    /// An upload was deleted.
    DeleteUpload,
}

impl Act {
    /// The word in the table and over HTTP.
    pub const fn word(self) -> &'static str {
        match self {
            Self::MakeAdmin => "make-admin",
            Self::ResetPassword => "reset-password",
            Self::Suspend => "suspend",
            Self::Unsuspend => "unsuspend",
            Self::SignOut => "sign-out",
            Self::DeleteSpace => "delete-space",
            Self::DeleteUpload => "delete-upload",
        }
    }
}

/// Something that is done, on its way into the log.
pub(super) struct NewAuditRow<'a> {
    pub(super) actor: &'a Actor,
    pub(super) act: Act,
    pub(super) space: Option<SpaceId>,
    pub(super) target_id: String,
    pub(super) target: &'a str,
    pub(super) detail: &'a str,
}

/// Something that was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// Rises with time.
    pub id: Uuid,
    /// In Unix milliseconds.
    pub at: i64,
    /// Who did it; `None` for the command line.
    pub actor_id: Option<String>,
    /// Their name then.
    pub actor: String,
    /// One of the words of [`Act`], or of a later version.
    pub action: String,
    /// The space it concerned.
    pub space: Option<String>,
    /// What it was done to.
    pub target_id: Option<String>,
    /// Its name then.
    pub target: String,
    /// What more there is to say: a reason, a time.
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

/// Writes it down, if the transaction is committed.
pub(super) async fn write(tx: &mut Tx, deed: NewAuditRow<'_>) -> Result<(), StoreError> {
    sqlx::query(
        "insert into audit_log (id, space_id, actor_id, actor, action, target_id, target, detail, \
        at) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(Uuid::now_v7().to_string())
    .bind(deed.space.map(|space| space.to_string()))
    .bind(deed.actor.user.map(|user| user.to_string()))
    .bind(&deed.actor.name)
    .bind(deed.act.word())
    .bind(deed.target_id)
    .bind(deed.target)
    .bind(deed.detail)
    .bind(now_ms())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

impl Store {
    /// What was done, the newest first; only what was before that row, when there is one.
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
}
