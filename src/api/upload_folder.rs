//! Upload folder: the files of uploaded pictures, shared by the processes of a cluster. A file
//! counts only while its row is in the database.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use uuid::Uuid;

use crate::store::{Store, StoreError};

/// Age after which a draft counts as left over: no upload takes that long.
const LEFT_OVER: Duration = Duration::from_hours(1);

/// Folder of uploaded pictures.
#[derive(Debug, Clone)]
pub struct UploadFolder(PathBuf);

impl UploadFolder {
    /// The upload folder in a data folder.
    pub fn of(data_dir: &Path) -> Self {
        Self(data_dir.join("uploads"))
    }

    /// Path of the folder.
    pub fn path(&self) -> PathBuf {
        self.0.clone()
    }

    /// Path of a picture's file.
    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Path of a draft for a running upload. Its name begins with a dot, so it is never served.
    pub async fn draft(&self) -> std::io::Result<PathBuf> {
        tokio::fs::create_dir_all(&self.0).await?;
        Ok(self.0.join(format!(".{}", Uuid::new_v4())))
    }

    /// Writes a picture's file atomically: readers never see half of it.
    pub async fn write(&self, name: &str, bytes: &[u8]) -> std::io::Result<()> {
        let draft = self.draft().await?;
        tokio::fs::write(&draft, bytes).await?;
        tokio::fs::rename(&draft, self.file(name)).await
    }

    /// Removes the files of deleted pictures; returns their number.
    pub async fn remove_dead_files(&self, store: &Store) -> Result<u64, StoreError> {
        store.remove_dead_files(&self.0).await
    }

    /// Removes drafts that were left when a process died.
    pub async fn remove_old_drafts(&self) -> std::io::Result<()> {
        let mut entries = match tokio::fs::read_dir(&self.0).await {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        while let Some(entry) = entries.next_entry().await? {
            if entry.file_name().as_encoded_bytes().starts_with(b".") && is_old(&entry.path()).await
            {
                // Another process may have removed it first.
                let _ = tokio::fs::remove_file(entry.path()).await;
            }
        }
        Ok(())
    }
}

/// Whether the file is old enough that no process is still writing it.
async fn is_old(path: &Path) -> bool {
    let written = tokio::fs::metadata(path)
        .await
        .and_then(|known| known.modified());
    #[expect(
        clippy::disallowed_methods,
        reason = "files say by the wall clock when they were written"
    )]
    let now = SystemTime::now();
    written.is_ok_and(|at| now.duration_since(at).is_ok_and(|age| age > LEFT_OVER))
}
