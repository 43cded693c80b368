//! Store: the SQL database of users, pictures, maps, spaces, chat, and the checkpoints of spaces.
//!
//! May use `components` and the durable events of `space`. Never: HTTP, sockets, running worlds.
//! All SQL is in this module, one file per table group, in the dialect that SQLite and PostgreSQL
//! share. Permissions are checked by the callers.

use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use sqlx::migrate::MigrateError;
use sqlx::{Any, AnyPool, Transaction};

pub mod administration;
pub mod audit_log;
pub mod avatars;
pub mod backup;
pub mod blocks;
pub mod chat;
pub mod checkpoints;
pub mod direct;
pub mod elements;
pub mod entry;
mod folder;
pub mod guests;
pub mod invites;
pub mod join_requests;
pub mod layouts;
pub mod maps;
pub mod members;
mod membership;
pub mod moderation;
mod names;
mod opening;
pub mod owners;
pub mod paging;
pub mod reports;
mod retention;
pub mod search;
pub mod seed;
pub mod server_key;
pub mod sessions;
pub mod setup;
pub mod space_invites;
mod space_settings;
pub mod spaces;
pub mod suspension;
pub mod token;
pub mod transfers;
pub mod uploads;
pub mod users;
mod word_filter;
mod words;

pub use folder::{free_space, prepare_folder};
pub use opening::DatabaseUrl;
pub use sessions::SignedIn;
pub use spaces::SpaceRow;
pub use users::Role;

/// Errors of the database.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The data folder cannot be created or written.
    #[error("cannot use the data folder {path}: {source}")]
    Folder {
        /// Path of the folder.
        path: String,
        /// Error of the file system.
        source: std::io::Error,
    },
    /// The database file cannot be opened.
    #[error("cannot open the database {path}: {source}")]
    Open {
        /// Path of the file.
        path: String,
        /// Error of SQLite.
        source: sqlx::Error,
    },
    /// The database server cannot be used.
    #[error("cannot use the PostgreSQL database {place}: {why}")]
    Server {
        /// Address of the server, without the password.
        place: String,
        /// Reason, for the operator.
        why: String,
    },
    /// A newer version changed the tables in a way that this one cannot use.
    #[error(
        "a newer Plaza changed the database so that this version cannot use it (migration {0}): \
        start the newer version, or \
         restore a backup from before it"
    )]
    Newer(String),
    /// A migration failed.
    #[error("cannot bring the database up to date: {0}")]
    Migrate(#[from] MigrateError),
    /// A query failed.
    #[error("database: {0}")]
    Sql(#[from] sqlx::Error),
    /// A row contains a value that this program never writes.
    #[error("database: {0} is damaged")]
    Corrupt(&'static str),
}

impl StoreError {
    /// Whether the database server is unreachable or shutting down, as opposed to a failed query.
    pub fn is_unreachable(&self) -> bool {
        match self {
            Self::Sql(sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed) => {
                true
            }
            // PostgreSQL's class 57: shutdown, startup, or a statement that took too long.
            Self::Sql(sqlx::Error::Database(error)) => error
                .code()
                .is_some_and(|code| code.starts_with("57P") || code == "57014"),
            _ => false,
        }
    }
}

/// The database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    kind: DatabaseKind,
    readers: AnyPool,
    writer: AnyPool,
    /// Connections for looking up tokens, which happens on every request, so that it never waits
    /// behind another query.
    checks: AnyPool,
    /// Connections for searches and long lists: few at a time, each for a second at most.
    searchers: AnyPool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DatabaseKind {
    /// One process with one writing connection.
    Sqlite,
    /// Any number of processes and writers.
    Postgres,
}

/// A statement over the texts `given.value` of the JSON array `$1`, for each database: the
/// functions that turn an array into rows differ.
macro_rules! over_given {
    ($before:literal, $after:literal) => {
        $crate::store::Statement {
            sqlite: concat!($before, " json_each($1) as given ", $after),
            postgres: concat!(
                $before,
                " json_array_elements_text(cast($1 as json)) as given (value) ",
                $after
            ),
        }
    };
}
use over_given;

/// A statement that differs between the databases.
struct Statement {
    sqlite: &'static str,
    postgres: &'static str,
}

impl DatabaseKind {
    const fn choose(self, statement: &Statement) -> &'static str {
        match self {
            Self::Sqlite => statement.sqlite,
            Self::Postgres => statement.postgres,
        }
    }
}

/// JSON array for such a statement.
fn given<T: ToString>(texts: impl Iterator<Item = T>) -> String {
    let array: serde_json::Value = texts.map(|text| text.to_string()).collect();
    array.to_string()
}

type Tx = Transaction<'static, Any>;

/// Key of the advisory lock of [`Store::begin_alone`]: "plaza" in ASCII.
const ALONE: i64 = 0x70_6c_61_7a_61;

impl Store {
    /// Checks that the database answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query("select 1").execute(&self.readers).await?;
        Ok(())
    }

    /// Closes every connection; everything written is in the file then.
    pub async fn close(&self) {
        self.searchers.close().await;
        self.checks.close().await;
        self.readers.close().await;
        self.writer.close().await;
    }

    /// A transaction that may write. SQLite takes the lock at its start: a transaction that reads
    /// first and then writes would fail under load.
    async fn begin(&self) -> Result<Tx, StoreError> {
        let pool = self.writer.clone();
        let statement = match self.kind {
            DatabaseKind::Sqlite => "begin immediate",
            DatabaseKind::Postgres => "begin",
        };
        // A task of its own, because a request may be dropped at any time: sqlx does not track a
        // transaction whose begin was not answered yet, and would give its connection to the next
        // query.
        let begun = tokio::spawn(async move { pool.begin_with(statement).await });
        Ok(begun.await.map_err(|_| sqlx::Error::WorkerCrashed)??)
    }

    /// A transaction that runs alone, across all processes. For changes of data that several spaces
    /// share, and for copying it: concurrent ones would overlook each other or deadlock.
    async fn begin_alone(&self) -> Result<Tx, StoreError> {
        let mut tx = self.begin().await?;
        if self.kind == DatabaseKind::Postgres {
            sqlx::query("select pg_advisory_xact_lock($1)")
                .bind(ALONE)
                .execute(&mut *tx)
                .await?;
        }
        Ok(tx)
    }
}

/// Wall clock in Unix milliseconds, the time unit of all tables.
#[expect(clippy::disallowed_methods, reason = "rows say when they were written")]
pub fn now_ms() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// A count, a tick or a time as a column has it; one beyond the range of columns is the largest.
fn column(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

/// A count, a tick or a time from a column, which has no negative ones.
fn natural(column: i64) -> u64 {
    u64::try_from(column).unwrap_or(0)
}

/// Parses an id of a row.
fn id<T: FromStr>(text: &str) -> Result<T, StoreError> {
    text.parse().map_err(|_| StoreError::Corrupt("an id"))
}

/// Parses a length in tiles of a row.
fn tiles(value: i64) -> Result<u16, StoreError> {
    u16::try_from(value).map_err(|_| StoreError::Corrupt("a size"))
}

/// Maps a violated foreign key to `None`: the row that it belongs to was deleted.
fn unless_gone<T>(result: Result<T, sqlx::Error>) -> Result<Option<T>, StoreError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(sqlx::Error::Database(error)) if error.is_foreign_key_violation() => Ok(None),
        Err(error) => Err(error.into()),
    }
}
