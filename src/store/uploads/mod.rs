//! Uploads: pictures in the data folder with their owners, the bytes used by each user, and running
//! uploads.
//!
//! A picture is served only while it has a row here, so deleting the row deletes the picture; its
//! file is removed later, by [`files`]. Where pictures are shown is tracked by [`shown`].

use uuid::Uuid;

use super::audit_log::{self, Act, Actor, NewAuditRow};
use super::{Store, StoreError, Tx, id, now_ms};
use crate::components::id::UserId;

mod files;
mod shown;

use files::{Deleted, bury, revive};
pub use shown::{ShownPicture, pictures_in};
pub(super) use shown::{
    follow_directs, follow_messages, free, free_messages, free_own, shown_in_space,
};

/// Time limit of an upload. Another one of the same user can begin after that.
const RESERVED_MS: i64 = 3 * 60 * 1_000;

/// An uploaded picture to be recorded.
#[derive(Debug, Clone, Copy)]
pub struct Upload<'a> {
    /// Hash that names it: 64 hexadecimal digits.
    pub hash: &'a str,
    /// Hash of the uploaded file, before the picture was encoded again.
    pub source: &'a str,
    /// Extension of its file: `png` or `jpg`.
    pub format: &'a str,
    /// Kind of the picture.
    pub kind: &'a str,
    /// Width, in pixels.
    pub width: u32,
    /// Height, in pixels.
    pub height: u32,
    /// Size of the stored file, in bytes.
    pub size: u64,
}

/// A picture in the data folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadRow {
    /// Hash that names it.
    pub hash: String,
    /// Extension of its file.
    pub format: String,
    /// Id and name of the owner; `None` when the user was deleted.
    pub owner: Option<(UserId, String)>,
    /// Kind given at the upload.
    pub kind: String,
    /// Width, in pixels.
    pub width: u32,
    /// Height, in pixels.
    pub height: u32,
    /// Size of its file, in bytes.
    pub size: u64,
    /// Time of the upload, in Unix milliseconds.
    pub created_at: i64,
    /// Number of places that show it.
    pub uses: Uses,
}

impl UploadRow {
    /// Name of its file.
    pub fn name(&self) -> String {
        format!("{}.{}", self.hash, self.format)
    }
}

/// Number of places that show a picture, by kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Uses {
    /// Messages in spaces.
    pub lines: u32,
    /// Direct messages.
    pub directs: u32,
    /// Avatars.
    pub avatars: u32,
    /// Elements.
    pub elements: u32,
    /// Maps.
    pub maps: u32,
}

impl Uses {
    /// Whether an avatar, an element or a map uses it: deleting it would leave a hole for everyone.
    pub const fn is_in_the_world(&self) -> bool {
        self.avatars > 0 || self.elements > 0 || self.maps > 0
    }
}

/// Bytes reserved for an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    user: UserId,
    name: String,
}

/// Result of reserving bytes for an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reserved {
    /// Reserved.
    Ours(Ticket),
    /// Another upload of the same user is running.
    Busy,
    /// The quota would be exceeded; contains the used bytes.
    Full(u64),
}

/// Result of recording an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// Recorded.
    Added,
    /// The quota is exceeded; contains the used bytes.
    Full(u64),
    /// It took too long: the reservation has expired.
    Expired,
}

#[derive(sqlx::FromRow)]
struct RawUpload {
    hash: String,
    format: String,
    user_id: Option<String>,
    username: Option<String>,
    kind: String,
    width: i64,
    height: i64,
    size: i64,
    created_at: i64,
    line_uses: i64,
    direct_uses: i64,
    avatar_uses: i64,
    element_uses: i64,
    map_uses: i64,
}

/// Columns of [`RawUpload`]. Avatars, elements and maps are few, and refer to their pictures by
/// address.
macro_rules! select_uploads {
    ($rest:literal) => {
        concat!(
            "select uploads.hash, uploads.format, uploads.user_id, users.username, uploads.kind, \
            uploads.width, uploads.height, ",
            "uploads.size, uploads.created_at, ",
            "(select count(*) from line_uploads where line_uploads.hash = uploads.hash) as \
            line_uses, ",
            "(select count(*) from direct_uploads where direct_uploads.hash = uploads.hash) as \
            direct_uses, ",
            "(select count(*) from avatars where image_url like '%/files/' || uploads.hash || \
            '.%') as avatar_uses, ",
            "(select count(*) from elements where image_url like '%/files/' || uploads.hash || \
            '.%') as element_uses, ",
            "(select count(*) from maps where thumbnail like '%/files/' || uploads.hash || '.%') \
            as map_uses ",
            "from uploads left join users on users.id = uploads.user_id ",
            $rest
        )
    };
}

impl Store {
    /// Reserves bytes for an upload: one at a time per user, and at most `quota` in all. A single
    /// statement on one row, so that concurrent uploads cannot both succeed.
    pub async fn reserve_upload(
        &self,
        user: UserId,
        bytes: u64,
        quota: u64,
    ) -> Result<Reserved, StoreError> {
        let name = Uuid::new_v4().to_string();
        let now = self.clock_ms().await?;
        let reserved = sqlx::query(
            "insert into upload_accounts (user_id, used, reserved, ticket, expires_at) \
             select id, 0, $2, $3, $4 from users where id = $1 and $2 <= $6 \
             on conflict (user_id) do update set reserved = excluded.reserved, ticket = \
             excluded.ticket, \
             expires_at = excluded.expires_at where (upload_accounts.ticket = '' or \
             upload_accounts.expires_at < $5) \
             and upload_accounts.used + excluded.reserved <= $6",
        )
        .bind(user.to_string())
        .bind(signed(bytes))
        .bind(&name)
        .bind(now + RESERVED_MS)
        .bind(now)
        .bind(signed(quota))
        .execute(&self.writer)
        .await?;
        if reserved.rows_affected() > 0 {
            return Ok(Reserved::Ours(Ticket { user, name }));
        }
        let taken = self.uploaded_bytes(user).await?;
        Ok(if taken.saturating_add(bytes) > quota {
            Reserved::Full(taken)
        } else {
            Reserved::Busy
        })
    }

    /// Releases the bytes of an upload that does not come.
    pub async fn release_upload(&self, ticket: &Ticket) -> Result<(), StoreError> {
        sqlx::query(
            "update upload_accounts set reserved = 0, ticket = '', expires_at = 0 where user_id = \
            $1 and ticket = $2",
        )
        .bind(ticket.user.to_string())
        .bind(&ticket.name)
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    /// Records an upload whose file exists, in place of its reservation. The same picture is
    /// recorded once.
    pub async fn add_upload(
        &self,
        ticket: &Ticket,
        upload: Upload<'_>,
        quota: u64,
    ) -> Result<Settled, StoreError> {
        let mut tx = self.begin().await?;
        let now = now_ms();
        let added = sqlx::query(
            "insert into uploads (hash, user_id, kind, width, height, size, created_at, format, \
            touched_at, source) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $7, $9) on conflict (hash) do nothing",
        )
        .bind(upload.hash)
        .bind(ticket.user.to_string())
        .bind(upload.kind)
        .bind(i64::from(upload.width))
        .bind(i64::from(upload.height))
        .bind(signed(upload.size))
        .bind(now)
        .bind(upload.format)
        .bind(upload.source)
        .execute(&mut *tx)
        .await?;
        let is_new = added.rows_affected() > 0;
        if !is_new {
            sqlx::query("update uploads set touched_at = $2, source = $3 where hash = $1")
                .bind(upload.hash)
                .bind(now)
                .bind(upload.source)
                .execute(&mut *tx)
                .await?;
        }
        revive(&mut tx, upload.hash, upload.format).await?;
        let settled = sqlx::query(
            "update upload_accounts set used = used + $3, reserved = 0, ticket = '', expires_at = \
            0 \
             where user_id = $1 and ticket = $2 and used + $3 <= $4",
        )
        .bind(ticket.user.to_string())
        .bind(&ticket.name)
        .bind(if is_new { signed(upload.size) } else { 0 })
        .bind(signed(quota))
        .execute(&mut *tx)
        .await?;
        if settled.rows_affected() > 0 {
            tx.commit().await?;
            return Ok(Settled::Added);
        }
        tx.rollback().await?;
        let used = self.uploaded_bytes(ticket.user).await?;
        Ok(if used.saturating_add(upload.size) > quota {
            Settled::Full(used)
        } else {
            Settled::Expired
        })
    }

    /// Name of the picture that a user made of the same file before; it counts as uploaded now.
    pub async fn uploaded_before(
        &self,
        user: UserId,
        source: &str,
    ) -> Result<Option<String>, StoreError> {
        let row: Option<(String, String)> = sqlx::query_as(
            "update uploads set touched_at = $3 where user_id = $1 and source = $2 \
             returning hash, format",
        )
        .bind(user.to_string())
        .bind(source)
        .bind(now_ms())
        .fetch_optional(&self.writer)
        .await?;
        Ok(row.map(|(hash, format)| format!("{hash}.{format}")))
    }

    /// Bytes used by a user.
    pub async fn uploaded_bytes(&self, user: UserId) -> Result<u64, StoreError> {
        let row: Option<(i64,)> =
            sqlx::query_as("select used from upload_accounts where user_id = $1")
                .bind(user.to_string())
                .fetch_optional(&self.readers)
                .await?;
        Ok(row.map_or(0, |(used,)| unsigned(used)))
    }

    /// One picture.
    pub async fn upload(&self, hash: &str) -> Result<Option<UploadRow>, StoreError> {
        let row: Option<RawUpload> = sqlx::query_as(select_uploads!("where uploads.hash = $1"))
            .bind(hash)
            .fetch_optional(&self.readers)
            .await?;
        row.map(RawUpload::read).transpose()
    }

    /// Extension of a picture's file; `None` when there is no such picture.
    pub async fn upload_format(&self, hash: &str) -> Result<Option<String>, StoreError> {
        let row: Option<(String,)> = sqlx::query_as("select format from uploads where hash = $1")
            .bind(hash)
            .fetch_optional(&self.readers)
            .await?;
        Ok(row.map(|(format,)| format))
    }

    /// Pictures of one user, or of all, newest first; only those after `after` in that order.
    pub async fn uploads(
        &self,
        owner: Option<UserId>,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<UploadRow>, StoreError> {
        let rows: Vec<RawUpload> = sqlx::query_as(select_uploads!(
            "where ($1 = '' or uploads.user_id = $1) and ($2 = '' or exists (select 1 from uploads \
            last \
             where last.hash = $2 and (uploads.created_at < last.created_at \
             or (uploads.created_at = last.created_at and uploads.hash < last.hash)))) \
             order by uploads.created_at desc, uploads.hash desc limit $3"
        ))
        .bind(owner.map(|owner| owner.to_string()).unwrap_or_default())
        .bind(after.unwrap_or_default())
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await?;
        rows.into_iter().map(RawUpload::read).collect()
    }

    /// Deletes a picture from everything that shows it, and returns its bytes to its owner's quota;
    /// returns whether it existed. When an admin deletes the picture of another user, `operator` is
    /// recorded in the audit log.
    pub async fn delete_upload(
        &self,
        hash: &str,
        operator: Option<&Actor>,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let deleted: Option<Deleted> = sqlx::query_as(
            "delete from uploads where hash = $1 returning hash, format, user_id, size",
        )
        .bind(hash)
        .fetch_optional(&mut *tx)
        .await?;
        let Some(deleted) = deleted else {
            return Ok(false);
        };
        for statement in [
            "delete from line_uploads where hash = $1",
            "delete from direct_uploads where hash = $1",
        ] {
            sqlx::query(statement).bind(hash).execute(&mut *tx).await?;
        }
        if let Some(actor) = operator {
            let (hash, format, owner, _) = &deleted;
            let owner = owner_name(&mut tx, owner.as_deref()).await?;
            let deed = NewAuditRow {
                actor,
                act: Act::DeleteUpload,
                space: None,
                target_id: hash.clone(),
                target: &format!("{hash}.{format}"),
                detail: &owner.map(|owner| format!("of {owner}")).unwrap_or_default(),
            };
            audit_log::write(&mut tx, deed).await?;
        }
        bury(&mut tx, Some(deleted)).await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// Name of the owner of a picture.
async fn owner_name(tx: &mut Tx, owner: Option<&str>) -> Result<Option<String>, StoreError> {
    Ok(
        sqlx::query_scalar("select username from users where id = $1")
            .bind(owner)
            .fetch_optional(&mut **tx)
            .await?,
    )
}

/// Records that a picture is used, and locks its row until the end of the transaction; returns
/// whether it exists.
async fn touch(tx: &mut Tx, hash: &str, now: i64) -> Result<bool, StoreError> {
    let touched = sqlx::query("update uploads set touched_at = $2 where hash = $1")
        .bind(hash)
        .bind(now)
        .execute(&mut **tx)
        .await?;
    Ok(touched.rows_affected() > 0)
}

/// A size beyond the range of the database counts as no limit.
fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

fn unsigned(bytes: i64) -> u64 {
    u64::try_from(bytes).unwrap_or_default()
}

impl RawUpload {
    fn read(self) -> Result<UploadRow, StoreError> {
        let pixels = |number| {
            u32::try_from(number).map_err(|_| StoreError::Corrupt("the size of a picture"))
        };
        let count = |number| u32::try_from(number).unwrap_or(u32::MAX);
        Ok(UploadRow {
            hash: self.hash,
            format: self.format,
            owner: match self.user_id.zip(self.username) {
                Some((user, name)) => Some((id(&user)?, name)),
                None => None,
            },
            kind: self.kind,
            width: pixels(self.width)?,
            height: pixels(self.height)?,
            size: unsigned(self.size),
            created_at: self.created_at,
            uses: Uses {
                lines: count(self.line_uses),
                directs: count(self.direct_uses),
                avatars: count(self.avatar_uses),
                elements: count(self.element_uses),
                maps: count(self.map_uses),
            },
        })
    }
}
