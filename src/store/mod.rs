//! Store: the SQL database of what people made: users, pictures, maps, spaces, and the checkpoints
//! of spaces.
//!
//! May use `components` and the durable events of `space`. Never: HTTP, sockets, running worlds.
//! SQL stands here and nowhere else, one file per table group, in the one dialect that SQLite and
//! PostgreSQL share. Who may do what is decided by the callers.

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
mod folder;
pub mod invites;
pub mod layouts;
pub mod maps;
mod names;
mod opening;
pub mod owners;
pub mod search;
pub mod seed;
pub mod sessions;
pub mod setup;
pub mod spaces;
pub mod uploads;
pub mod users;
mod words;

pub use folder::prepare_folder;
pub use opening::DatabaseUrl;
pub use sessions::SignedIn;
pub use spaces::SpaceRow;
pub use users::Role;

/// What can go wrong with the database.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The data folder cannot be made or written.
    #[error("cannot use the data folder {path}: {source}")]
    Folder {
        /// Which.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The database file cannot be opened.
    #[error("cannot open the database {path}: {source}")]
    Open {
        /// Which.
        path: String,
        /// Why.
        source: sqlx::Error,
    },
    /// The database server cannot be used.
    #[error("cannot use the PostgreSQL database {place}: {why}")]
    Server {
        /// Where it is.
        place: String,
        /// Why.
        why: String,
    },
    /// A newer program changed the tables so that this one cannot use them.
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
    /// A row holds something that this program never wrote.
    #[error("database: {0} is damaged")]
    Corrupt(&'static str),
}

impl StoreError {
    /// Whether the database server is gone or about to be, rather than the question wrong.
    pub fn is_unreachable(&self) -> bool {
        match self {
            Self::Sql(sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed) => {
                true
            }
            // PostgreSQL's class 57: it shuts down, or starts, or a statement took too long.
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
    /// For the one question that stands before every other: whose token it is. It never waits
    /// behind another query.
    checks: AnyPool,
    /// For searches and long lists: few at a time, and each for a second at most.
    searchers: AnyPool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DatabaseKind {
    /// One process, one writing connection.
    Sqlite,
    /// Any number of processes, all of them writing at once.
    Postgres,
}

/// A statement over the texts `given.value` of the JSON array `$1`, for each database: they call
/// what makes rows of it otherwise.
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

/// A statement that each database wants in its own words.
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

/// The array of such a statement.
fn given<T: ToString>(texts: impl Iterator<Item = T>) -> String {
    let array: serde_json::Value = texts.map(|text| text.to_string()).collect();
    array.to_string()
}

type Tx = Transaction<'static, Any>;

/// Names the advisory lock of [`Store::begin_alone`] among those of one database: "plaza" in ASCII.
const ALONE: i64 = 0x70_6c_61_7a_61;

impl Store {
    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query("select 1").execute(&self.readers).await?;
        Ok(())
    }

    /// Closes every connection; what is written is then in the file.
    pub async fn close(&self) {
        self.searchers.close().await;
        self.checks.close().await;
        self.readers.close().await;
        self.writer.close().await;
    }

    /// A transaction that may write. SQLite takes the lock at once: one that reads first and then
    /// writes would fail under load.
    async fn begin(&self) -> Result<Tx, StoreError> {
        let pool = self.writer.clone();
        let statement = match self.kind {
            DatabaseKind::Sqlite => "begin immediate",
            DatabaseKind::Postgres => "begin",
        };
        // A task of its own, because a request may be dropped at any time: sqlx does not know of a
        // transaction that was begun and not answered yet, and would give its connection to the
        // next query.
        let begun = tokio::spawn(async move { pool.begin_with(statement).await });
        Ok(begun.await.map_err(|_| sqlx::Error::WorkerCrashed)??)
    }

    /// A transaction of which there is one at a time, however many processes there are. For those
    /// that change what several spaces are made of, or read it to copy it: they would overlook each
    /// other, or wait for each other in a circle.
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

/// The wall clock in Unix milliseconds, as every table keeps time.
#[expect(clippy::disallowed_methods, reason = "rows say when they were written")]
pub fn now_ms() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Reads an id of a row.
fn id<T: FromStr>(text: &str) -> Result<T, StoreError> {
    text.parse().map_err(|_| StoreError::Corrupt("an id"))
}

/// Reads a length in tiles of a row.
fn tiles(value: i64) -> Result<u16, StoreError> {
    u16::try_from(value).map_err(|_| StoreError::Corrupt("a size"))
}

/// The answer to "write, unless what it belongs to is gone".
fn unless_gone<T>(result: Result<T, sqlx::Error>) -> Result<Option<T>, StoreError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(sqlx::Error::Database(error)) if error.is_foreign_key_violation() => Ok(None),
        Err(error) => Err(error.into()),
    }
}
