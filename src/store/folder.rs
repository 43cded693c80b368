//! Data folder: created, checked, and protected from other users of the machine.
//!
//! It contains password hashes, sessions and saved chat.

use std::path::Path;

use super::StoreError;

/// Creates a folder if needed, checks that it is writable, and removes access of other users.
pub fn prepare_folder(folder: &Path) -> Result<(), StoreError> {
    let probe = folder.join(format!(".write-probe-{}", std::process::id()));
    let failed = |source| StoreError::Folder {
        path: folder.display().to_string(),
        source,
    };
    make(folder)
        .and_then(|()| std::fs::write(&probe, b""))
        .and_then(|()| std::fs::remove_file(&probe))
        .map_err(failed)?;
    #[cfg(unix)]
    private::close(folder);
    Ok(())
}

/// Free bytes of the disk of a folder, for users that are not root; `None` where the system does
/// not tell.
pub fn free_space(folder: &Path) -> std::io::Result<Option<u64>> {
    #[cfg(unix)]
    {
        let found = rustix::fs::statvfs(folder)?;
        Ok(Some(found.f_bavail.saturating_mul(found.f_frsize)))
    }
    #[cfg(not(unix))]
    {
        let _ = folder;
        Ok(None)
    }
}

/// Creates a folder that only its owner may enter.
fn make(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Creates an empty file that only its owner may read, if needed. `SQLite` uses it as a new
/// database, and gives the files next to it the same mode.
pub(super) fn make_file(file: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file).map(drop)
}

#[cfg(unix)]
mod private {
    use std::fs::{Permissions, symlink_metadata};
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    /// Permissions of other users.
    const OTHERS: u32 = 0o077;

    /// Set on shared folders such as /tmp, which must stay open.
    const STICKY: u32 = 0o1000;

    /// Files of this program besides the uploads.
    const FILES: [&str; 3] = ["plaza.db", "plaza.db-wal", "plaza.db-shm"];

    /// Removes the permissions of other users, and logs it in one line. A folder with other
    /// contents keeps its mode: only this program's files in it are protected.
    pub(super) fn close(folder: &Path) {
        let uploads = folder.join("uploads");
        let mut closed = 0_usize;
        let mut failed = None;
        let mut protect = |path: &Path| match protect(path) {
            Ok(was_open) => closed += usize::from(was_open),
            Err(error) => failed = Some((path.display().to_string(), error)),
        };
        for name in FILES {
            protect(&folder.join(name));
        }
        // Files in a protected folder cannot be reached.
        if is_open(&uploads) && is_open(folder) {
            for entry in std::fs::read_dir(&uploads).into_iter().flatten().flatten() {
                protect(&entry.path());
            }
        }
        protect(&uploads);
        if is_ours(folder) {
            protect(folder);
        }
        if closed > 0 {
            tracing::warn!(folder = %folder.display(), closed, "other users of this machine could \
                read the data; now they cannot");
        }
        if let Some((path, error)) = failed {
            tracing::warn!(%path, %error, "other users of this machine may be able to read the \
                data, and that cannot be changed");
        }
    }

    fn is_open(path: &Path) -> bool {
        symlink_metadata(path).is_ok_and(|found| found.permissions().mode() & OTHERS != 0)
    }

    /// Whether the folder contains only data of this program.
    fn is_ours(folder: &Path) -> bool {
        let is_known = |name: &str| name == "uploads" || name.starts_with("plaza.");
        let is_shared =
            symlink_metadata(folder).is_ok_and(|found| found.permissions().mode() & STICKY != 0);
        let mut entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        !is_shared && entries.all(|entry| entry.file_name().to_str().is_some_and(is_known))
    }

    /// Removes the permissions; returns whether there were any. A symbolic link is left alone: its
    /// target was chosen by the operator.
    fn protect(path: &Path) -> std::io::Result<bool> {
        let Ok(found) = symlink_metadata(path) else {
            return Ok(false);
        };
        let mode = found.permissions().mode();
        if found.is_symlink() || mode & OTHERS == 0 {
            return Ok(false);
        }
        std::fs::set_permissions(path, Permissions::from_mode(mode & !OTHERS & 0o7777))?;
        Ok(true)
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::fs::{Permissions, metadata, set_permissions, write};
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::store::Store;

    fn mode(path: &Path) -> u32 {
        metadata(path).unwrap().permissions().mode() & 0o777
    }

    fn open(path: &Path, mode: u32) {
        set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    #[tokio::test]
    async fn other_users_cannot_read_what_is_made_nor_what_was_there() {
        let home = tempfile::tempdir().unwrap();
        let data = home.path().join("a/data");
        let store = Store::open(&data).await.unwrap();
        store
            .add_user("ada", "-", crate::store::Role::User)
            .await
            .unwrap();
        let files = ["plaza.db", "plaza.db-wal", "plaza.db-shm"].map(|name| data.join(name));
        assert_eq!(mode(&data), 0o700);
        for file in &files {
            assert_eq!(mode(file), 0o600, "{}", file.display());
        }
        let upload = data.join("uploads/picture.png");
        std::fs::create_dir(data.join("uploads")).unwrap();
        write(&upload, b"png").unwrap();
        for file in files.iter().chain([&upload]) {
            open(file, 0o644);
        }
        open(&data.join("uploads"), 0o755);
        open(&data, 0o755);
        prepare_folder(&data).unwrap();
        for file in files.iter().chain([&upload]) {
            assert_eq!(mode(file), 0o600, "{}", file.display());
        }
        assert_eq!((mode(&data), mode(&data.join("uploads"))), (0o700, 0o700));
        store.close().await;
    }

    #[tokio::test]
    async fn a_folder_with_other_things_in_it_keeps_its_mode() {
        let home = tempfile::tempdir().unwrap();
        write(home.path().join("letters.txt"), b"mine").unwrap();
        open(&home.path().join("letters.txt"), 0o644);
        open(home.path(), 0o755);
        let store = Store::open(home.path()).await.unwrap();
        assert_eq!(mode(home.path()), 0o755);
        assert_eq!(mode(&home.path().join("letters.txt")), 0o644);
        assert_eq!(mode(&home.path().join("plaza.db")), 0o600);
        store.close().await;
    }
}
