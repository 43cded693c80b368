//! Options of commands other than `serve`: where the data is, and how to reach the processes of a
//! cluster.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use super::file::file;
use super::flags::switch;
use super::values::{base_path, database_url, public_url, secret_of};
use super::{DATA_DIR, LINK_TLS, LISTEN};
use crate::cluster::orders::Orders;
use crate::cluster::redis::Redis;
use crate::link::{Links, Tls};
use crate::store::{DatabaseUrl, Store};

/// Location of the data, for commands that need nothing else.
#[derive(Args)]
pub struct DataOptions {
    /// A settings file in TOML, read for `data-dir` and `database-url` [default: plaza.toml, if it
    /// exists]
    #[arg(long, env = "PLAZA_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder of the uploads, and of the SQLite database [default: ./data]
    #[arg(long, env = "PLAZA_DATA_DIR", value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
    /// A PostgreSQL database, as `postgres://USER:PASSWORD@HOST/DATABASE` [default: SQLite in the
    /// data folder]
    #[arg(
        long,
        env = "PLAZA_DATABASE_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    database_url: Option<String>,
}

/// Options of commands that print a link to a page.
#[derive(Args)]
pub struct PageOptions {
    /// URL at which people reach the server, for the link [default: public-url, or listen and
    /// base-path, of the settings]
    #[arg(long, env = "PLAZA_PUBLIC_URL", value_name = "URL")]
    url: Option<String>,
    /// Read from the environment only, as containers have their settings there.
    #[arg(long, env = "PLAZA_LISTEN", hide = true)]
    listen: Option<String>,
    #[arg(long, env = "PLAZA_BASE_PATH", hide = true)]
    base_path: Option<String>,
}

/// Location of the data.
pub enum DatabaseLocation {
    /// A folder with the uploads and the SQLite database.
    Folder(PathBuf),
    /// A folder with the uploads; everything else is in a PostgreSQL database.
    Server(PathBuf),
}

impl DataOptions {
    /// The URL at which people reach the server, without a slash at the end: the one given, or the
    /// one that follows from the settings.
    pub fn page_url(&self, page: PageOptions) -> anyhow::Result<String> {
        let file = file(self.config.as_deref())?;
        if let Some(url) = public_url(page.url)?.or(public_url(file.public_url)?) {
            return Ok(url);
        }
        let path = page.base_path.or(file.base_path).unwrap_or_default();
        let listen = page.listen.or(file.listen);
        let near = listen
            .unwrap_or_else(|| LISTEN.to_owned())
            .replace("0.0.0.0", "127.0.0.1")
            .replace("[::]", "[::1]");
        Ok(format!("http://{near}{}", base_path(&path)?))
    }

    /// Opens the database.
    pub async fn open(&self) -> anyhow::Result<Store> {
        let (folder, url) = self.find()?;
        Ok(Store::open_either(url.as_ref(), &folder).await?)
    }

    /// Location of the data; nothing is opened.
    pub fn data(&self) -> anyhow::Result<DatabaseLocation> {
        let (folder, url) = self.find()?;
        Ok(if url.is_some() {
            DatabaseLocation::Server(folder)
        } else {
            DatabaseLocation::Folder(folder)
        })
    }

    fn find(&self) -> anyhow::Result<(PathBuf, Option<DatabaseUrl>)> {
        let file = file(self.config.as_deref())?;
        let folder = self.data_dir.clone().or(file.data_dir);
        let url = self.database_url.clone().or(file.database_url);
        Ok((
            folder.unwrap_or_else(|| DATA_DIR.into()),
            database_url(url.as_deref())?,
        ))
    }
}

/// How to reach the processes of a cluster, for the commands that control them.
#[derive(Args)]
#[command(mut_args(switch))]
pub struct Reach {
    /// A settings file in TOML, read for `redis-url` and the secret [default: plaza.toml, if it
    /// exists]
    #[arg(long, env = "PLAZA_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// The Redis that the processes of the cluster share
    #[arg(
        long,
        env = "PLAZA_REDIS_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    redis_url: Option<String>,
    /// Secret that all processes of the cluster share
    #[arg(
        long,
        env = "PLAZA_CLUSTER_SECRET",
        value_name = "TEXT",
        hide_env_values = true
    )]
    cluster_secret: Option<String>,
    /// File with the cluster's secret
    #[arg(long, env = "PLAZA_CLUSTER_SECRET_FILE", value_name = "FILE")]
    cluster_secret_file: Option<PathBuf>,
    /// Whether the links between processes are encrypted [default: true]
    #[arg(long, env = "PLAZA_LINK_TLS")]
    link_tls: Option<bool>,
}

impl Reach {
    /// Connects to Redis; the connection to a process is made with the first command to it.
    pub async fn orders(&self) -> anyhow::Result<Orders> {
        let file = file(self.config.as_deref())?;
        let url = self.redis_url.clone().or(file.redis_url);
        let url =
            url.context("set --redis-url: the Redis that the processes of the cluster share")?;
        let secret = self.cluster_secret.clone().or(file.cluster_secret);
        let secret_file = self
            .cluster_secret_file
            .clone()
            .or(file.cluster_secret_file);
        let secret = secret_of(secret.as_deref(), secret_file.as_deref())?;
        let is_encrypted = self.link_tls.or(file.link_tls).unwrap_or(LINK_TLS);
        Ok(Orders {
            redis: Some(Redis::open(&url).await?),
            links: Some(Links::new(secret, is_encrypted.then(Tls::new).transpose()?)),
        })
    }
}
