//! Disk: pictures leave room on it. A database on a full disk can write no messages and no
//! checkpoints.

use std::io;
use std::path::PathBuf;

use metrics::gauge;

use super::error::ApiError;
use crate::store::free_space;

/// Refuses `bytes` more in the folder unless `reserve` bytes stay free on its disk.
pub async fn leave_room(folder: PathBuf, bytes: u64, reserve: u64) -> Result<(), ApiError> {
    if reserve == 0 {
        return Ok(());
    }
    match measure(folder).await {
        Ok(Some(free)) if free < reserve.saturating_add(bytes) => Err(ApiError::DiskFull(
            "The disk of this server is nearly full: it takes no pictures until its operators have \
            made room.",
        )),
        Ok(_) => Ok(()),
        // The write says more.
        Err(error) => {
            tracing::debug!(%error, "failed to read the free space of the disk");
            Ok(())
        }
    }
}

/// Logs when pictures are refused because less than `reserve` bytes are free.
pub async fn watch(folder: PathBuf, reserve: u64) {
    const MIB: u64 = 1024 * 1024;
    if let Ok(Some(free)) = measure(folder.clone()).await
        && free < reserve
    {
        tracing::warn!(
            folder = %folder.display(),
            "the disk is nearly full: {} MiB are free, and pictures are refused below {} MiB \
            (--min-free-disk)",
            free / MIB,
            reserve / MIB
        );
    }
}

/// Free bytes of the folder's disk, if the system tells. Creates the folder if needed.
#[expect(clippy::cast_precision_loss, reason = "a gauge needs fewer digits")]
async fn measure(folder: PathBuf) -> io::Result<Option<u64>> {
    let measured = tokio::task::spawn_blocking(move || {
        std::fs::create_dir_all(&folder)?;
        free_space(&folder)
    });
    let free = measured.await.map_err(io::Error::other)??;
    if let Some(free) = free {
        gauge!("plaza_disk_free_bytes").set(free as f64);
    }
    Ok(free)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_would_take_the_reserve_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let uploads = home.path().join("uploads");
        for (bytes, reserve, fits) in [
            (0, 1, true),
            (u64::MAX, 1, false),
            (0, u64::MAX, false),
            (u64::MAX, 0, true),
        ] {
            let room = leave_room(uploads.clone(), bytes, reserve).await;
            assert_eq!(room.is_ok(), fits, "{bytes} with {reserve} free");
        }
    }
}
