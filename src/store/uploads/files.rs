//! Files: deletion of files without a picture, and registration of files to be written. Both are
//! recorded in the database first, so that a crash neither leaves files behind nor removes needed
//! ones, whichever process sweeps the shared folder.

use std::io::ErrorKind;
use std::path::Path;

use super::super::{Store, StoreError, Tx};

/// How long a file may exist without its row while it is being written.
const WRITING_MS: i64 = 60 * 60 * 1_000;

/// Most files removed per sweep.
const SWEEP: i64 = 500;

/// Hash, extension, owner and bytes of a picture whose row was deleted.
pub(super) type Deleted = (String, String, Option<String>, i64);

impl Store {
    /// Records that a file is about to be written: it is removed later unless it becomes a picture.
    pub async fn expect_file(&self, name: &str) -> Result<(), StoreError> {
        sqlx::query(
            "insert into dead_uploads (name, due_at) values ($1, $2) \
             on conflict (name) do update set due_at = excluded.due_at",
        )
        .bind(name)
        .bind(self.clock_ms().await? + WRITING_MS)
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    /// Removes the files of deleted pictures, and those that never became one; returns their
    /// number.
    pub async fn remove_dead_files(&self, folder: &Path) -> Result<u64, StoreError> {
        let now = self.clock_ms().await?;
        let due: Vec<(String,)> = sqlx::query_as(
            "select name from dead_uploads where due_at <= $1 order by due_at limit $2",
        )
        .bind(now)
        .bind(SWEEP)
        .fetch_all(&self.readers)
        .await?;
        let mut removed = 0;
        for (name,) in due {
            let mut tx = self.begin().await?;
            // The same picture may be uploaded again at this moment. Its writer waits for this
            // lock, or had it first: then the file is not due.
            let held = sqlx::query(
                "update dead_uploads set due_at = due_at where name = $1 and due_at <= $2",
            )
            .bind(&name)
            .bind(now)
            .execute(&mut *tx)
            .await?;
            if held.rows_affected() == 0 {
                continue;
            }
            match tokio::fs::remove_file(folder.join(&name)).await {
                Ok(()) => removed += 1,
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(source) => {
                    let path = folder.join(&name).display().to_string();
                    return Err(StoreError::Folder { path, source });
                }
            }
            sqlx::query("delete from dead_uploads where name = $1")
                .bind(&name)
                .execute(&mut *tx)
                .await?;
            tx.commit().await?;
        }
        Ok(removed)
    }
}

/// Called when a file has become a picture: it is not to be removed.
pub(super) async fn revive(tx: &mut Tx, hash: &str, format: &str) -> Result<(), StoreError> {
    sqlx::query("delete from dead_uploads where name = $1")
        .bind(format!("{hash}.{format}"))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Schedules the removal of a deleted picture's file, and returns its bytes to the owner's quota.
pub(super) async fn bury(tx: &mut Tx, deleted: Option<Deleted>) -> Result<(), StoreError> {
    let Some((hash, format, owner, size)) = deleted else {
        return Ok(());
    };
    sqlx::query(
        "insert into dead_uploads (name, due_at) values ($1, 0) on conflict (name) do \
        update set due_at = 0",
    )
    .bind(format!("{hash}.{format}"))
    .execute(&mut **tx)
    .await?;
    sqlx::query(
        "update upload_accounts set used = case when used > $2 then used - $2 else 0 end \
        where user_id = $1",
    )
    .bind(owner)
    .bind(size)
    .execute(&mut **tx)
    .await?;
    Ok(())
}
