//! Opening: connects to the database and migrates its tables.
//!
//! SQLite and PostgreSQL are both accessed through sqlx's `Any`, so that each query is written
//! once. `Any` takes only a URL; other options of a connection are set by its first statements.

use std::fmt;
use std::fmt::Write as _;
use std::path::Path;
use std::str::FromStr;
use std::sync::LazyLock;
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::migrate::Migrator;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AnyConnection, AnyPool, Connection, Error, Executor};

use super::folder::{make_file, prepare_folder};
use super::{DatabaseKind, Store, StoreError};

static MIGRATIONS: LazyLock<Migrator> = LazyLock::new(|| {
    let mut migrations = sqlx::migrate!("./migrations");
    // Migrations of a newer program: see `migrate`.
    migrations.set_ignore_missing(true);
    migrations
});

/// Prefix of the name of a migration that older programs cannot work with.
const BREAKING: &str = "breaking";

/// Reading connections to SQLite.
const READERS: u32 = 4;

/// Connections to PostgreSQL per process. A server allows a hundred by default.
const CONNECTIONS: u32 = 10;

/// Connections reserved for token lookups, and the same number for searches.
const SET_APART: u32 = 2;

/// How long a search waits for one of its connections.
const SEARCH_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a query waits for a connection to PostgreSQL, and a start for the server.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// Oldest PostgreSQL that was maintained when this was written.
const OLDEST_SERVER: u32 = 13;

/// First statements of the writing connection to SQLite. WAL lets readers read during a write.
const SQLITE_WRITER: &str = "pragma journal_mode = wal; pragma synchronous = normal";

/// First statements of reading connections to SQLite.
const SQLITE_READER: &str =
    "pragma journal_mode = wal; pragma synchronous = normal; pragma query_only = on";

/// First statements of connections to PostgreSQL. The timeouts keep a paused process from blocking
/// the others for ever.
const POSTGRES: &str =
    "set statement_timeout = '10s'; set idle_in_transaction_session_timeout = '30s'";

/// First statements of connections for searches.
const POSTGRES_SEARCH: &str =
    "set statement_timeout = '1s'; set idle_in_transaction_session_timeout = '30s'";

/// Address of a PostgreSQL database. It is printed without its password.
#[derive(Clone)]
pub struct DatabaseUrl {
    url: String,
    place: String,
}

/// A text that is not an address of a PostgreSQL database.
#[derive(Debug, thiserror::Error)]
#[error("a database-url is postgres://USER:PASSWORD@HOST:PORT/DATABASE: {0}")]
pub struct InvalidUrl(String);

impl FromStr for DatabaseUrl {
    type Err = InvalidUrl;

    fn from_str(url: &str) -> Result<Self, InvalidUrl> {
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err(InvalidUrl("it begins with postgres://".into()));
        }
        let options: PgConnectOptions = url
            .parse()
            .map_err(|error: Error| InvalidUrl(error.to_string()))?;
        let host = match options.get_socket() {
            Some(folder) => folder.display().to_string(),
            None => format!("{}:{}", options.get_host(), options.get_port()),
        };
        let (user, database) = (options.get_username(), options.get_database());
        Ok(Self {
            url: url.to_owned(),
            place: format!("{} of {user} at {host}", database.unwrap_or(user)),
        })
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.place)
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DatabaseUrl").field(&self.place).finish()
    }
}

impl Store {
    /// Opens the PostgreSQL database if an address is given, otherwise the one in the data folder.
    pub async fn open_either(
        url: Option<&DatabaseUrl>,
        data_dir: &Path,
    ) -> Result<Self, StoreError> {
        match url {
            Some(url) => Self::connect(url).await,
            None => Self::open(data_dir).await,
        }
    }

    /// Opens the database of a data folder. Creates both if needed, and migrates the tables.
    pub async fn open(data_dir: &Path) -> Result<Self, StoreError> {
        prepare_folder(data_dir)?;
        let file = data_dir.join("plaza.db");
        make_file(&file).map_err(|source| StoreError::Folder {
            path: file.display().to_string(),
            source,
        })?;
        let failed = |source| StoreError::Open {
            path: file.display().to_string(),
            source,
        };
        sqlx::any::install_default_drivers();
        let options: AnyConnectOptions = sqlite_url(&file).parse().map_err(failed)?;
        let mut first = AnyConnection::connect_with(&options)
            .await
            .map_err(failed)?;
        first.execute(SQLITE_WRITER).await.map_err(failed)?;
        migrate(&mut first).await?;
        first.close().await?;
        let writer = AnyPoolOptions::new().max_connections(1);
        let readers = AnyPoolOptions::new().max_connections(READERS);
        let checks = AnyPoolOptions::new().max_connections(SET_APART);
        let searchers = checks.clone().acquire_timeout(SEARCH_TIMEOUT);
        let store = Self {
            kind: DatabaseKind::Sqlite,
            checks: pool(checks, SQLITE_READER, &options)
                .await
                .map_err(failed)?,
            searchers: pool(searchers, SQLITE_READER, &options)
                .await
                .map_err(failed)?,
            writer: pool(writer, SQLITE_WRITER, &options)
                .await
                .map_err(failed)?,
            readers: pool(readers, SQLITE_READER, &options)
                .await
                .map_err(failed)?,
        };
        store.check_names().await?;
        Ok(store)
    }

    /// Opens a PostgreSQL database and migrates the tables; several processes take turns.
    pub async fn connect(url: &DatabaseUrl) -> Result<Self, StoreError> {
        let failed = |why| StoreError::Server {
            place: url.to_string(),
            why,
        };
        sqlx::any::install_default_drivers();
        let options: AnyConnectOptions = url.url.parse().map_err(|error| failed(reason(&error)))?;
        let mut first = tokio::time::timeout(ANSWER_TIMEOUT, AnyConnection::connect_with(&options))
            .await
            .map_err(|_| failed(format!("it did not answer within {ANSWER_TIMEOUT:?}")))?
            .map_err(|error| failed(reason(&error)))?;
        let (version,): (String,) = sqlx::query_as("select current_setting('server_version_num')")
            .fetch_one(&mut first)
            .await?;
        check_version(&version).map_err(failed)?;
        migrate(&mut first).await?;
        first.close().await?;
        let connections = AnyPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(ANSWER_TIMEOUT);
        let checks = connections.clone().max_connections(SET_APART);
        let searchers = checks.clone().acquire_timeout(SEARCH_TIMEOUT);
        let unusable = |error| failed(reason(&error));
        let writer = pool(connections, POSTGRES, &options)
            .await
            .map_err(unusable)?;
        let store = Self {
            kind: DatabaseKind::Postgres,
            checks: pool(checks, POSTGRES, &options).await.map_err(unusable)?,
            searchers: pool(searchers, POSTGRES_SEARCH, &options)
                .await
                .map_err(unusable)?,
            readers: writer.clone(),
            writer,
        };
        store.check_names().await?;
        Ok(store)
    }
}

/// A pool of connections with these first statements.
async fn pool(
    pool: AnyPoolOptions,
    first: &'static str,
    options: &AnyConnectOptions,
) -> Result<AnyPool, Error> {
    pool.after_connect(move |connection, _| {
        Box::pin(async move { connection.execute(first).await.map(drop) })
    })
    .connect_with(options.clone())
    .await
}

/// Migrates the tables. A database of a newer program is used as it is, unless that program marked
/// a migration as breaking: other migrations only add.
async fn migrate(connection: &mut AnyConnection) -> Result<(), StoreError> {
    let own = MIGRATIONS
        .iter()
        .map(|migration| migration.version)
        .max()
        .unwrap_or(0);
    let applied =
        "select version, description from _sqlx_migrations where version > $1 order by version";
    let newer: Result<Vec<(i64, String)>, Error> = sqlx::query_as(applied)
        .bind(own)
        .fetch_all(&mut *connection)
        .await;
    let newer = match newer {
        Ok(newer) => newer,
        // A fresh database has no such table.
        Err(Error::Database(_)) => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    if let Some((version, name)) = newer.iter().find(|(_, name)| name.starts_with(BREAKING)) {
        return Err(StoreError::Newer(format!("{version} {name}")));
    }
    if let Some((version, _)) = newer.last() {
        tracing::info!(
            version,
            "the database was migrated by a newer Plaza; this older version can still use it"
        );
    }
    Ok(MIGRATIONS.run_direct(None, connection, false).await?)
}

/// URL of a file that is created if needed. Slashes are encoded too, or `..` in the path would be
/// resolved.
pub(super) fn sqlite_url(file: &Path) -> String {
    let mut url = String::from("sqlite:");
    for byte in file.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() {
            url.push(char::from(*byte));
        } else {
            write!(url, "%{byte:02X}").expect("writing to a string cannot fail");
        }
    }
    url + "?mode=rwc"
}

/// Why a server cannot be used, for its operator.
fn reason(error: &Error) -> String {
    let Error::Database(answer) = error else {
        return match error {
            Error::Io(why) => format!("it cannot be reached ({why})"),
            Error::Tls(why) => format!("the connection cannot be encrypted ({why})"),
            other => other.to_string(),
        };
    };
    let said = answer.message();
    match answer.code().as_deref() {
        Some("28000" | "28P01") => format!("it refuses the user or the password ({said})"),
        Some("3D000") => format!("there is no such database, make it with createdb ({said})"),
        _ => said.to_owned(),
    }
}

/// Checks a server's `server_version_num`.
fn check_version(number: &str) -> Result<(), String> {
    let major = number.parse::<u32>().unwrap_or(0) / 10_000;
    if major >= OLDEST_SERVER {
        return Ok(());
    }
    Err(format!(
        "it is PostgreSQL {major}; {OLDEST_SERVER} or newer is needed"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        for url in [
            "postgres://ada:hunter2@db.example:5433/plaza?sslmode=require",
            "postgresql://ada@db.example:5433/plaza?password=hunter2",
        ] {
            let url: DatabaseUrl = url.parse().unwrap();
            assert_eq!(url.to_string(), "plaza of ada at db.example:5433");
            assert!(!format!("{url:?}").contains("hunter2"));
        }
        for wrong in [
            "mysql://ada:hunter2@db.example/plaza",
            "postgres://ada:hunter2@db.example:many/plaza",
            "postgres://ada:hunter2@db.example/plaza?sslmode=sometimes",
        ] {
            let error = wrong.parse::<DatabaseUrl>().unwrap_err().to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn old_servers_are_named() {
        assert_eq!(check_version("130000"), Ok(()));
        assert_eq!(check_version("170010"), Ok(()));
        assert!(
            check_version("120022")
                .unwrap_err()
                .contains("PostgreSQL 12;")
        );
        assert!(
            check_version("90624")
                .unwrap_err()
                .contains("PostgreSQL 9;")
        );
    }

    #[tokio::test]
    async fn a_data_folder_may_be_called_anything() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a b", "100%41", "?mode=ro", "x/../y", "#ü"] {
            let data = folder.path().join(name);
            std::fs::create_dir_all(folder.path().join("x")).unwrap();
            Store::open(&data).await.unwrap().close().await;
            assert!(data.join("plaza.db").exists(), "{name}");
        }
    }
}
