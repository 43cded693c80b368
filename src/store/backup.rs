//! Backup and restore: one file with the database and the uploads of a data folder, made while the
//! server runs.
//!
//! The file is a tar archive: `plaza.db`, `uploads/…`, and last `manifest.json` with the length and
//! SHA-256 of each file. A file without a manifest is incomplete. The database is copied by `vacuum
//! into`, as of one moment, while others write. Uploads are copied after it and never change under
//! their names, so all uploads that the database names are included.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sqlx::any::AnyConnectOptions;
use sqlx::{AnyConnection, Connection, Executor};

use super::folder::{free_space, make_file, prepare_folder};
use super::opening::sqlite_url;
use super::token::hex;
use super::{StoreError, now_ms};

/// Format of the archive, for later versions.
const FORMAT: &str = "plaza sqlite 1";

const DATABASE: &str = "plaza.db";
const UPLOADS: &str = "uploads";
const MANIFEST: &str = "manifest.json";

/// Folder of a restore until it is known to be complete.
const RESTORING: &str = ".restoring";

/// Longest manifest, in bytes: a line for each of half a million uploads.
const LONGEST_MANIFEST: u64 = 128 << 20;

/// Why a backup was not made or not restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is nothing to copy.
    #[error("there is no database in {0}: say --data-dir")]
    NoDatabase(String),
    /// The disk is too full.
    #[error("{folder} has {free} MB free, and the copy needs {needed} MB while it is made")]
    Full {
        /// Folder on that disk.
        folder: String,
        /// Free megabytes.
        free: u64,
        /// Needed megabytes.
        needed: u64,
    },
    /// The backup file exists already.
    #[error("{0} is there already; a backup overwrites nothing")]
    Exists(String),
    /// The target folder is not empty.
    #[error("{0} is not empty: a backup is brought back into an empty data folder")]
    NotEmpty(String),
    /// The file is not a backup, or incomplete.
    #[error("this is not a whole backup: {0}")]
    Broken(String),
    /// A disk or file failed.
    #[error("{0}: {1}")]
    Io(String, #[source] io::Error),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A statement failed.
    #[error("database: {0}")]
    Sql(#[from] sqlx::Error),
}

/// Manifest of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    format: String,
    /// Version of the program that made it.
    pub plaza: String,
    /// Time of the backup, in Unix milliseconds.
    pub made: i64,
    /// Number of users.
    pub users: i64,
    /// Number of spaces.
    pub spaces: i64,
    files: BTreeMap<String, ManifestEntry>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct ManifestEntry {
    bytes: u64,
    sha256: String,
}

impl Manifest {
    /// Number of uploads.
    pub fn uploads(&self) -> usize {
        self.files.len().saturating_sub(1)
    }

    /// Size of all files, in bytes.
    pub fn bytes(&self) -> u64 {
        self.files.values().map(|entry| entry.bytes).sum()
    }
}

/// A file that is removed when this is dropped.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        // It may have been moved to its destination already.
        let _ = fs::remove_file(&self.0);
    }
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> BackupError {
    let path = path.display().to_string();
    move |error| BackupError::Io(path, error)
}

fn broken(why: impl Into<String>) -> BackupError {
    BackupError::Broken(why.into())
}

/// Copies a data folder into a file, or to standard output without one, whether the server runs or
/// not.
pub async fn backup(data_dir: &Path, to: Option<&Path>) -> Result<Manifest, BackupError> {
    let database = data_dir.join(DATABASE);
    if !database.exists() {
        return Err(BackupError::NoDatabase(data_dir.display().to_string()));
    }
    if let Some(to) = to.filter(|to| to.exists()) {
        return Err(BackupError::Exists(to.display().to_string()));
    }
    has_room(data_dir, &database)?;
    let copy = Temporary(data_dir.join(format!("plaza.backup-{}.db", std::process::id())));
    make_file(&copy.0).map_err(at(&copy.0))?;
    let mut connection = connect(&database).await?;
    sqlx::query("vacuum into $1")
        .bind(
            copy.0
                .to_str()
                .ok_or_else(|| broken("the data folder's name is no text"))?,
        )
        .execute(&mut connection)
        .await?;
    connection.close().await?;
    let (users, spaces) = check(&copy.0).await?;
    let manifest = Manifest {
        format: FORMAT.into(),
        plaza: env!("CARGO_PKG_VERSION").into(),
        made: now_ms(),
        users,
        spaces,
        files: BTreeMap::new(),
    };
    let (uploads, to) = (data_dir.join(UPLOADS), to.map(Path::to_owned));
    blocking(move || match to {
        None => pack(io::stdout().lock(), manifest, &copy.0, &uploads),
        Some(to) => {
            let partial = Temporary(with_suffix(&to, ".partial"));
            make_file(&partial.0).map_err(at(&partial.0))?;
            let file = File::create(&partial.0).map_err(at(&partial.0))?;
            let manifest = pack(BufWriter::new(&file), manifest, &copy.0, &uploads)?;
            file.sync_all().map_err(at(&partial.0))?;
            fs::rename(&partial.0, &to).map_err(at(&to))?;
            Ok(manifest)
        }
    })
    .await
}

/// Reads a backup to its end and compares it with its manifest.
pub async fn verify(from: Option<&Path>) -> Result<Manifest, BackupError> {
    let from = from.map(Path::to_owned);
    blocking(move || {
        unpack(from.as_deref(), |_, content| {
            io::copy(content, &mut io::sink()).map(drop)
        })
    })
    .await
}

/// Restores a backup into an empty data folder, all or nothing. Sessions are deleted unless they
/// are to be kept: one that was ended after the backup would be valid again.
pub async fn restore(
    from: Option<&Path>,
    data_dir: &Path,
    keeps_sessions: bool,
) -> Result<Manifest, BackupError> {
    let is_left = |name: &std::ffi::OsStr| name != "lost+found";
    let mut entries = fs::read_dir(data_dir).into_iter().flatten().flatten();
    if entries.any(|entry| is_left(&entry.file_name())) {
        return Err(BackupError::NotEmpty(data_dir.display().to_string()));
    }
    prepare_folder(data_dir)?;
    let restoring = data_dir.join(RESTORING);
    let restored = restore_into(from, &restoring, keeps_sessions).await;
    let moved = restored.and_then(|manifest| {
        let uploads = restoring.join(UPLOADS);
        if uploads.exists() {
            fs::rename(&uploads, data_dir.join(UPLOADS)).map_err(at(&uploads))?;
        }
        let database = restoring.join(DATABASE);
        fs::rename(&database, data_dir.join(DATABASE)).map_err(at(&database))?;
        Ok(manifest)
    });
    let removed = fs::remove_dir_all(&restoring).map_err(at(&restoring));
    let manifest = moved?;
    removed?;
    Ok(manifest)
}

async fn restore_into(
    from: Option<&Path>,
    folder: &Path,
    keeps_sessions: bool,
) -> Result<Manifest, BackupError> {
    prepare_folder(folder)?;
    let (from, target) = (from.map(Path::to_owned), folder.to_owned());
    let manifest = blocking(move || {
        unpack(from.as_deref(), |name, content| {
            let path = target.join(name);
            if let Some(parent) = path.parent() {
                prepare_folder(parent).map_err(io::Error::other)?;
            }
            make_file(&path)?;
            let mut file = File::create(&path)?;
            io::copy(content, &mut file)?;
            file.sync_all()
        })
    })
    .await?;
    let database = folder.join(DATABASE);
    check(&database).await?;
    if !keeps_sessions {
        let mut connection = connect(&database).await?;
        connection.execute("delete from sessions").await?;
        connection.execute("delete from setup").await?;
        connection.close().await?;
    }
    Ok(manifest)
}

/// Runs blocking work on its own thread.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BackupError> + Send + 'static,
) -> Result<T, BackupError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| broken(format!("the task failed ({error})")))?
}

/// Checks for space of twice the database: its copy, and the growth of the log during the copy.
fn has_room(folder: &Path, database: &Path) -> Result<(), BackupError> {
    let needed = fs::metadata(database).map_err(at(database))?.len() * 2;
    match free_space(folder).map_err(at(folder))? {
        Some(free) if free < needed => Err(BackupError::Full {
            folder: folder.display().to_string(),
            free: free >> 20,
            needed: (needed >> 20) + 1,
        }),
        _ => Ok(()),
    }
}

async fn connect(file: &Path) -> Result<AnyConnection, BackupError> {
    sqlx::any::install_default_drivers();
    let options: AnyConnectOptions = sqlite_url(file).parse()?;
    Ok(AnyConnection::connect_with(&options).await?)
}

/// Checks that a database is intact; returns its numbers of users and spaces.
async fn check(file: &Path) -> Result<(i64, i64), BackupError> {
    let mut connection = connect(file).await?;
    let (verdict,): (String,) = sqlx::query_as("pragma integrity_check(1)")
        .fetch_one(&mut connection)
        .await?;
    if verdict != "ok" {
        return Err(broken(format!("the database is damaged ({verdict})")));
    }
    let (orphans,): (i64,) = sqlx::query_as("select count(*) from pragma_foreign_key_check")
        .fetch_one(&mut connection)
        .await?;
    if orphans > 0 {
        return Err(broken(format!(
            "{orphans} rows of the database belong to nothing"
        )));
    }
    let counts: (i64, i64) =
        sqlx::query_as("select (select count(*) from users), (select count(*) from spaces)")
            .fetch_one(&mut connection)
            .await?;
    connection.close().await?;
    Ok(counts)
}

/// Writes the archive; returns the manifest with every file in it.
fn pack(
    out: impl Write,
    mut manifest: Manifest,
    database: &Path,
    uploads: &Path,
) -> Result<Manifest, BackupError> {
    let mut archive = tar::Builder::new(out);
    let mut files = vec![(DATABASE.to_owned(), database.to_owned())];
    if uploads.is_dir() {
        find(uploads, UPLOADS, &mut files)?;
    }
    for (name, path) in files {
        let file = match File::open(&path) {
            Ok(file) => file,
            // An upload that was deleted just now.
            Err(error) if error.kind() == io::ErrorKind::NotFound && name != DATABASE => continue,
            Err(error) => return Err(at(&path)(error)),
        };
        let bytes = file.metadata().map_err(at(&path))?.len();
        let mut hashing = Hashing::new(BufReader::new(file).take(bytes));
        let mut header = header(bytes);
        archive
            .append_data(&mut header, &name, &mut hashing)
            .map_err(at(&path))?;
        let sha256 = hashing.end();
        manifest.files.insert(name, ManifestEntry { bytes, sha256 });
    }
    let text = serde_json::to_vec_pretty(&manifest).map_err(|error| broken(error.to_string()))?;
    let written = archive.append_data(&mut header(text.len() as u64), MANIFEST, text.as_slice());
    let flushed = written
        .and_then(|()| archive.into_inner())
        .and_then(|mut out| out.flush());
    flushed.map_err(|error| BackupError::Io("the backup".into(), error))?;
    Ok(manifest)
}

fn header(bytes: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes);
    header.set_mode(0o600);
    header.set_mtime(now_ms().unsigned_abs() / 1000);
    header
}

/// Finds every file below a folder; names of temporary files begin with a dot, and are skipped.
fn find(folder: &Path, name: &str, files: &mut Vec<(String, PathBuf)>) -> Result<(), BackupError> {
    let mut entries: Vec<_> = fs::read_dir(folder)
        .map_err(at(folder))?
        .flatten()
        .collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let (Some(own), Ok(kind)) = (
            entry.file_name().to_str().map(str::to_owned),
            entry.file_type(),
        ) else {
            continue;
        };
        let name = format!("{name}/{own}");
        if kind.is_dir() {
            find(&entry.path(), &name, files)?;
        } else if kind.is_file() && !own.starts_with('.') {
            files.push((name, entry.path()));
        }
    }
    Ok(())
}

/// Passes every file of an archive to a callback, and checks the files against the manifest.
fn unpack(
    from: Option<&Path>,
    mut take: impl FnMut(&Path, &mut dyn Read) -> io::Result<()>,
) -> Result<Manifest, BackupError> {
    let input: Box<dyn Read> = match from {
        Some(path) => Box::new(BufReader::new(File::open(path).map_err(at(path))?)),
        None => Box::new(io::stdin().lock()),
    };
    let torn = |error: io::Error| broken(format!("it cannot be read to its end ({error})"));
    let mut archive = tar::Archive::new(input);
    let mut found = BTreeMap::new();
    let mut manifest: Option<Manifest> = None;
    for entry in archive.entries().map_err(torn)? {
        let mut entry = entry.map_err(torn)?;
        let path = entry.path().map_err(torn)?.into_owned();
        let name = name_of(&path).filter(|_| entry.header().entry_type().is_file());
        let name =
            name.ok_or_else(|| broken(format!("`{}` does not belong into one", path.display())))?;
        if name == MANIFEST {
            let mut text = Vec::new();
            entry
                .by_ref()
                .take(LONGEST_MANIFEST)
                .read_to_end(&mut text)
                .map_err(torn)?;
            let read = serde_json::from_slice(&text);
            manifest = Some(
                read.map_err(|error| broken(format!("its manifest cannot be read ({error})")))?,
            );
            continue;
        }
        let bytes = entry.size();
        let mut hashing = Hashing::new(&mut entry);
        take(&path, &mut hashing).map_err(|error| BackupError::Io(name.clone(), error))?;
        let sha256 = hashing.end();
        if found
            .insert(name.clone(), ManifestEntry { bytes, sha256 })
            .is_some()
        {
            return Err(broken(format!("it has {name} twice")));
        }
    }
    let manifest =
        manifest.ok_or_else(|| broken("it has no manifest: it was cut off, or is none"))?;
    if manifest.format != FORMAT {
        return Err(broken(format!(
            "its format is `{}`, and this version reads `{FORMAT}`; Plaza {} made it",
            manifest.format, manifest.plaza
        )));
    }
    if let Some(name) = manifest
        .files
        .iter()
        .find(|(name, entry)| found.get(*name) != Some(*entry))
    {
        return Err(broken(format!(
            "{} is missing, or is not what was put in",
            name.0
        )));
    }
    if found.len() != manifest.files.len() || !found.contains_key(DATABASE) {
        return Err(broken("its files are not those of its manifest"));
    }
    Ok(manifest)
}

/// Name of a file that may be in a backup; `None` for others.
fn name_of(path: &Path) -> Option<String> {
    let mut parts = path.components();
    let is_plain = parts.all(|part| matches!(part, Component::Normal(_)));
    let name = path.to_str().filter(|_| is_plain)?;
    let belongs = name == DATABASE || name == MANIFEST || name.starts_with("uploads/");
    belongs.then(|| name.to_owned())
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// A reader that hashes what it reads.
struct Hashing<R> {
    inner: R,
    hash: Sha256,
}

impl<R: Read> Hashing<R> {
    fn new(inner: R) -> Self {
        let hash = Sha256::new();
        Self { inner, hash }
    }

    fn end(self) -> String {
        hex(&self.hash.finalize())
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        self.hash.update(&buffer[..length]);
        Ok(length)
    }
}
