//! Upload folder: the files of pictures, which the processes of a cluster share. A row in the
//! database makes a file a picture.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use uuid::Uuid;

use crate::store::{Store, StoreError};

/// How old a file is before it counts as left over: none is on its way for so long.
const LEFT_OVER: Duration = Duration::from_hours(1);

/// The folder of a server's pictures.
#[derive(Debug, Clone)]
pub struct UploadFolder(PathBuf);

impl UploadFolder {
    /// That of a data folder.
    pub fn of(data_dir: &Path) -> Self {
        Self(data_dir.join("uploads"))
    }

    /// Where a picture's file is.
    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// A file for what is on its way. Its name begins with a dot, so it is never served.
    pub async fn draft(&self) -> std::io::Result<PathBuf> {
        tokio::fs::create_dir_all(&self.0).await?;
        Ok(self.0.join(format!(".{}", Uuid::new_v4())))
    }

    /// Puts a picture's file there; half of it is never seen.
    pub async fn write(&self, name: &str, bytes: &[u8]) -> std::io::Result<()> {
        let draft = self.draft().await?;
        tokio::fs::write(&draft, bytes).await?;
        tokio::fs::rename(&draft, self.file(name)).await
    }

    /// Removes the files of deleted pictures; answers how many.
    pub async fn remove_dead_files(&self, store: &Store) -> Result<u64, StoreError> {
        store.remove_dead_files(&self.0).await
    }

    /// Removes what was on its way when a process died.
    pub async fn remove_old_drafts(&self) -> std::io::Result<()> {
        let mut entries = match tokio::fs::read_dir(&self.0).await {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        while let Some(entry) = entries.next_entry().await? {
            if entry.file_name().as_encoded_bytes().starts_with(b".") && is_old(&entry.path()).await
            {
                // Another process may have been quicker.
                let _ = tokio::fs::remove_file(entry.path()).await;
            }
        }
        Ok(())
    }
}

/// Whether the file has been there for so long that no process is writing it.
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
