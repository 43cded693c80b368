//! Uploads: whose pictures lie in the data folder.

use super::{Store, StoreError, now_ms};
use crate::components::id::UserId;

/// A picture that was uploaded.
#[derive(Debug, Clone, Copy)]
pub struct Upload<'a> {
    /// SHA-256 of the stored file, in hexadecimal.
    pub hash: &'a str,
    /// What it is for.
    pub kind: &'a str,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Bytes of the stored file.
    pub size: usize,
}

impl Store {
    /// Bytes of what a user has brought.
    pub async fn uploaded_bytes(&self, user: UserId) -> Result<u64, StoreError> {
        let (bytes,): (i64,) =
            sqlx::query_as("select cast(coalesce(sum(size), 0) as bigint) from uploads where user_id = $1")
                .bind(user.to_string())
                .fetch_one(&self.readers)
                .await?;
        Ok(u64::try_from(bytes).unwrap_or_default())
    }

    /// Notes an upload; the same picture twice is noted once.
    pub async fn add_upload(&self, user: UserId, upload: Upload<'_>) -> Result<(), StoreError> {
        sqlx::query(
            "insert into uploads (hash, user_id, kind, width, height, size, created_at) \
             values ($1, $2, $3, $4, $5, $6, $7) on conflict (hash) do nothing",
        )
        .bind(upload.hash)
        .bind(user.to_string())
        .bind(upload.kind)
        .bind(i64::from(upload.width))
        .bind(i64::from(upload.height))
        .bind(upload.size as i64)
        .bind(now_ms())
        .execute(&self.writer)
        .await?;
        Ok(())
    }
}
