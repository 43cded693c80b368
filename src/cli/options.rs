//! Options of `serve`. A flag takes precedence over the environment, the environment over the
//! settings file, and the file over the default.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use clap::Args;
use serde::Deserialize;

use crate::cluster::orders::Orders;
use crate::cluster::redis::Redis;
use crate::components::unit::TickRate;
use crate::link::{Links, Secret, Tls};
use crate::media::MediaSecret;
use crate::media::ice::IceSettings;
use crate::media::livekit::LiveKitSettings;
use crate::media::sfu::SfuSettings;
use crate::net::address::Network;
use crate::net::budget::BudgetSettings;
use crate::net::protocol::client::JoinWord;
use crate::settings::{
    ClusterSettings, MetricsSettings, PasswordCost, Quotas, Settings, SignUpPolicy,
};
use crate::store::{DatabaseUrl, Store};

/// Default data folder.
const DATA_DIR: &str = "./data";
/// Default listen address.
const LISTEN: &str = "127.0.0.1:8080";
/// Default address for links from other processes.
const LINK_LISTEN: &str = "127.0.0.1:0";
/// Whether links are encrypted by default.
const LINK_TLS: bool = true;
/// Shortest secret of a cluster, in characters.
const SECRET_CHARS: usize = 32;
/// The settings file that is read if it exists.
const CONFIG: &str = "plaza.toml";
/// Default log filter.
const LOG: &str = "info,sqlx=warn,tower_http=info";

/// Options of the command line, the environment and the file. An option that is not set is `None`.
#[derive(Args, Deserialize, Default, Clone)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ServeArgs {
    /// Address and port to listen on [default: 127.0.0.1:8080]
    #[arg(long, env = "PLAZA_LISTEN", value_name = "ADDRESS:PORT")]
    listen: Option<String>,
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
    /// Let anyone sign up as admin; for tests and demonstrations only
    #[arg(
        long,
        env = "PLAZA_OPEN_ADMIN_SIGNUP",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        value_parser = clap::builder::BoolishValueParser::new(),
    )]
    open_admin_signup: Option<bool>,
    /// Who may sign up: everyone, people with a link from `plaza admin invite`, or no one [default:
    /// open]
    #[arg(long, env = "PLAZA_SIGNUP")]
    signup: Option<SignUpPolicy>,
    /// Ticks of a space per second, 10 to 60 [default: 20]
    #[arg(long, env = "PLAZA_TICK_RATE")]
    tick_rate: Option<u8>,
    /// Type of the message about newcomers in the JSON protocol [default: user-joined]
    #[arg(long, env = "PLAZA_JOIN_EVENT")]
    join_event: Option<JoinWord>,
    /// Other origins whose pages may use this server, separated by commas; `*` for all
    #[arg(
        long,
        env = "PLAZA_ALLOWED_ORIGINS",
        value_delimiter = ',',
        value_name = "ORIGIN"
    )]
    allowed_origins: Option<Vec<String>>,
    /// Sign-ups per minute from one network, and the same number of failed sign-ins, and of
    /// sign-ins at one account, with bursts of twice as many; 0 for no limit [default: 30]
    #[arg(long, env = "PLAZA_AUTH_RATE")]
    auth_rate: Option<u32>,
    /// The longest wait after wrong passwords for one account from one network, in seconds; 0 for
    /// none [default: 300]
    #[arg(long, env = "PLAZA_MAX_GUESS_DELAY", value_name = "SECONDS")]
    max_guess_delay: Option<u64>,
    /// Sessions of one user, 0 for no limit; a further sign-in ends the one that was not used for
    /// longest [default: 100]
    #[arg(long, env = "PLAZA_MAX_SESSIONS_PER_USER", value_name = "COUNT")]
    max_sessions_per_user: Option<u32>,
    /// HTTP requests per second of one user, 0 for no limit; an address may make ten times as many
    /// [default: 20]
    #[arg(long, env = "PLAZA_REQUEST_RATE", value_name = "COUNT")]
    request_rate: Option<u32>,
    /// Changes per second of one user, to elements in spaces and to chat messages, 0 for no limit
    /// [default: 10]
    #[arg(long, env = "PLAZA_EDIT_RATE", value_name = "COUNT")]
    edit_rate: Option<u32>,
    /// Searches per minute of one user, 0 for no limit [default: 60]
    #[arg(long, env = "PLAZA_SEARCH_RATE", value_name = "COUNT")]
    search_rate: Option<u32>,
    /// Uploads per minute of one user, 0 for no limit [default: 30]
    #[arg(long, env = "PLAZA_UPLOAD_RATE", value_name = "COUNT")]
    upload_rate: Option<u32>,
    /// Uploaded pictures of one user that the server decodes, in megapixels per minute, 0 for no
    /// limit [default: 16]
    #[arg(long, env = "PLAZA_PICTURE_RATE", value_name = "MEGAPIXELS")]
    picture_rate: Option<u32>,
    /// Text of messages of one user in all spaces and of direct messages, in KiB per minute, 0 for
    /// no limit [default: 16]
    #[arg(long, env = "PLAZA_TEXT_RATE", value_name = "KIB")]
    text_rate: Option<u32>,
    /// Chat that one space keeps, in MiB, 0 for no limit; the oldest messages are deleted first
    /// [default: 256]
    #[arg(long, env = "PLAZA_MAX_CHAT_PER_SPACE", value_name = "MIB")]
    max_chat_per_space: Option<u64>,
    /// Storage for the uploads of one user, in MiB, 0 for no limit [default: 64]
    #[arg(long, env = "PLAZA_UPLOAD_QUOTA", value_name = "MIB")]
    upload_quota: Option<u64>,
    /// Free space of the disk below which the server takes no pictures, in MiB, 0 for none; the
    /// database needs it [default: 512]
    #[arg(long, env = "PLAZA_MIN_FREE_DISK", value_name = "MIB")]
    min_free_disk: Option<u64>,
    /// Concurrent connections, HTTP and WebSocket, 0 for as many as open files allow; further ones
    /// get a 503 [default: 20000]
    #[arg(long, env = "PLAZA_MAX_CONNECTIONS", value_name = "COUNT")]
    max_connections: Option<usize>,
    /// Concurrent connections from one address; those from this machine are not counted [default:
    /// 1000]
    #[arg(long, env = "PLAZA_MAX_CONNECTIONS_PER_ADDRESS", value_name = "COUNT")]
    max_connections_per_address: Option<usize>,
    /// Concurrent WebSockets of one user, 0 for no limit [default: 20]
    #[arg(long, env = "PLAZA_MAX_SOCKETS_PER_USER", value_name = "COUNT")]
    max_sockets_per_user: Option<usize>,
    /// Spaces that one user may own, 0 for no limit; admins have none [default: 50]
    #[arg(long, env = "PLAZA_MAX_SPACES_PER_USER", value_name = "COUNT")]
    max_spaces_per_user: Option<u32>,
    /// Columns times rows of a space that a user creates without a map, 0 for no limit; admins have
    /// none [default: 250000]
    #[arg(long, env = "PLAZA_MAX_SPACE_TILES", value_name = "COUNT")]
    max_space_tiles: Option<u32>,
    /// Elements that may be placed in one space, 0 for no limit [default: 10000]
    #[arg(long, env = "PLAZA_MAX_OBJECTS_PER_SPACE", value_name = "COUNT")]
    max_objects_per_space: Option<u32>,
    /// Spaces and elements that one user may create per minute, with bursts of the same number; 0
    /// for no limit, admins have none [default: 120]
    #[arg(long, env = "PLAZA_CREATIONS_PER_MINUTE", value_name = "COUNT")]
    creations_per_minute: Option<u32>,
    /// Spaces with people that this process may have open at once, 0 for no limit [default: 2000]
    #[arg(long, env = "PLAZA_MAX_OPEN_SPACES", value_name = "COUNT")]
    max_open_spaces: Option<usize>,
    /// Networks of reverse proxies whose X-Forwarded-For is trusted for a client's address,
    /// separated by commas, as in 10.0.0.0/8
    #[arg(
        long,
        env = "PLAZA_TRUSTED_PROXIES",
        value_delimiter = ',',
        value_name = "NETWORK"
    )]
    trusted_proxies: Option<Vec<String>>,
    /// Threads that tick spaces [default: cores - 1, at least 1]
    #[arg(long, env = "PLAZA_HOST_THREADS", value_name = "COUNT")]
    host_threads: Option<usize>,
    /// The Redis that the processes of a cluster share; without it the process runs alone
    #[arg(
        long,
        env = "PLAZA_REDIS_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    redis_url: Option<String>,
    /// The name of this process, unique in the cluster [default: made up at start]
    #[arg(long, env = "PLAZA_NODE", value_name = "NAME")]
    node: Option<String>,
    /// Address for links from other processes of the cluster [default: 127.0.0.1:0, a free port]
    #[arg(long, env = "PLAZA_LINK_LISTEN", value_name = "ADDRESS:PORT")]
    link_listen: Option<String>,
    /// Address that other processes connect to, when it differs from --link-listen
    #[arg(long, env = "PLAZA_LINK_ADDRESS", value_name = "HOST:PORT")]
    link_address: Option<String>,
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
    /// Encrypt the links between processes, the same for all of them; `--link-tls=false` turns it
    /// off [default: true]
    #[arg(
        long,
        env = "PLAZA_LINK_TLS",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        value_parser = clap::builder::BoolishValueParser::new(),
    )]
    link_tls: Option<bool>,
    /// URL at which clients reach this very process, if they can
    #[arg(long, env = "PLAZA_PUBLIC_URL", value_name = "URL")]
    public_url: Option<String>,
    /// Path below which a reverse proxy serves this server, when the proxy keeps it in its
    /// requests, as in `/plaza`; printed addresses include it
    #[arg(long, env = "PLAZA_BASE_PATH", value_name = "PATH")]
    base_path: Option<String>,
    /// A STUN server, as in `stun:stun.example.org:3478`; may be given more than once
    #[arg(
        long,
        env = "PLAZA_STUN_URL",
        value_delimiter = ',',
        value_name = "URL"
    )]
    stun_url: Option<Vec<String>>,
    /// A TURN server, as in `turn:turn.example.org:3478?transport=udp`; may be given more than once
    #[arg(
        long,
        env = "PLAZA_TURN_URL",
        value_delimiter = ',',
        value_name = "URL"
    )]
    turn_url: Option<Vec<String>>,
    /// Secret shared with the TURN servers: coturn's static-auth-secret
    #[arg(
        long,
        env = "PLAZA_TURN_SECRET",
        value_name = "TEXT",
        hide_env_values = true
    )]
    turn_secret: Option<String>,
    /// File with the secret of the TURN servers
    #[arg(long, env = "PLAZA_TURN_SECRET_FILE", value_name = "FILE")]
    turn_secret_file: Option<PathBuf>,
    /// Lifetime of a password for the TURN servers, in seconds, at least 60 [default: 43200]
    #[arg(long, env = "PLAZA_TURN_TTL", value_name = "SECONDS")]
    turn_ttl: Option<u64>,
    /// Send calls through the TURN servers only, which hides users' addresses from each other
    #[arg(
        long,
        env = "PLAZA_RELAY_ONLY",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        value_parser = clap::builder::BoolishValueParser::new(),
    )]
    relay_only: Option<bool>,
    /// Address of the SFU for calls of more than four, on UDP and TCP, or `off` to connect browsers
    /// with each other only [default: that of --listen, on the next port]
    #[arg(long, env = "PLAZA_MEDIA_LISTEN", value_name = "ADDRESS")]
    media_listen: Option<String>,
    /// Addresses of the SFU that browsers are told, when they are not this machine's own; separated
    /// by commas
    #[arg(
        long,
        env = "PLAZA_MEDIA_ADDRESS",
        value_name = "IP",
        value_delimiter = ','
    )]
    media_address: Option<Vec<String>>,
    /// Address that serves metrics, or `off` [default: 127.0.0.1:9464, or a free port when that one
    /// is taken]
    #[arg(long, env = "PLAZA_METRICS_LISTEN", value_name = "ADDRESS:PORT")]
    metrics_listen: Option<String>,
    /// Serve metrics at the listen address too, without restriction
    #[arg(
        long,
        env = "PLAZA_METRICS_PUBLIC",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        value_parser = clap::builder::BoolishValueParser::new(),
    )]
    metrics_public: Option<bool>,
    /// A LiveKit server that carries calls of more than four instead of this server, as in
    /// `wss://livekit.example.org`
    #[arg(long, env = "PLAZA_LIVEKIT_URL", value_name = "URL")]
    livekit_url: Option<String>,
    /// API key of the LiveKit server
    #[arg(long, env = "PLAZA_LIVEKIT_KEY", value_name = "TEXT")]
    livekit_key: Option<String>,
    /// Secret of the API key
    #[arg(
        long,
        env = "PLAZA_LIVEKIT_SECRET",
        value_name = "TEXT",
        hide_env_values = true
    )]
    livekit_secret: Option<String>,
    /// File with the secret of the API key
    #[arg(long, env = "PLAZA_LIVEKIT_SECRET_FILE", value_name = "FILE")]
    livekit_secret_file: Option<PathBuf>,
    /// What to log, as in `info,plaza=debug` [default: info]
    #[arg(long, env = "PLAZA_LOG")]
    log: Option<String>,
}

/// Options of `serve`.
#[derive(Args)]
pub struct Serve {
    /// A settings file in TOML, with the names of the flags [default: plaza.toml, if it exists]
    #[arg(long, env = "PLAZA_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Run the server itself, without a guardian process that restarts it after a crash; for
    /// containers and systemd
    #[arg(long, env = "PLAZA_NO_GUARDIAN", value_parser = clap::builder::FalseyValueParser::new())]
    no_guardian: bool,
    /// Nonce that the guardian gave this run of the server
    #[arg(long, hide = true)]
    life: Option<u32>,
    #[command(flatten)]
    said: ServeArgs,
}

/// Configuration of `serve`.
#[derive(Debug)]
pub struct ServeConfig {
    /// Listen address.
    pub listen: SocketAddr,
    /// Log filter.
    pub log: String,
    /// Settings of the server.
    pub settings: Settings,
}

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
        let base_path = page.base_path.or(file.base_path).unwrap_or_default();
        let listen = page.listen.or(file.listen);
        let near = listen
            .unwrap_or_else(|| LISTEN.to_owned())
            .replace("0.0.0.0", "127.0.0.1")
            .replace("[::]", "[::1]");
        Ok(format!("http://{near}{}", base_path_of(&base_path)?))
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
    #[arg(
        long,
        env = "PLAZA_LINK_TLS",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        value_parser = clap::builder::BoolishValueParser::new(),
    )]
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

impl Serve {
    /// Combines flags, environment, file and defaults.
    pub fn serve_config(&self) -> anyhow::Result<ServeConfig> {
        let mut config = self
            .said
            .clone()
            .or(file(self.config.as_deref())?)
            .serve_config()?;
        config.settings.life = self.life;
        Ok(config)
    }

    /// Whether this process is to start a guardian, which runs the server.
    pub const fn is_guarded(&self) -> bool {
        !self.no_guardian
    }

    /// Whether a guardian started this process.
    pub const fn has_guardian(&self) -> bool {
        self.life.is_some()
    }
}

impl ServeArgs {
    fn or(self, other: Self) -> Self {
        Self {
            listen: self.listen.or(other.listen),
            data_dir: self.data_dir.or(other.data_dir),
            database_url: self.database_url.or(other.database_url),
            open_admin_signup: self.open_admin_signup.or(other.open_admin_signup),
            signup: self.signup.or(other.signup),
            tick_rate: self.tick_rate.or(other.tick_rate),
            join_event: self.join_event.or(other.join_event),
            allowed_origins: self.allowed_origins.or(other.allowed_origins),
            auth_rate: self.auth_rate.or(other.auth_rate),
            max_guess_delay: self.max_guess_delay.or(other.max_guess_delay),
            max_sessions_per_user: self.max_sessions_per_user.or(other.max_sessions_per_user),
            request_rate: self.request_rate.or(other.request_rate),
            edit_rate: self.edit_rate.or(other.edit_rate),
            search_rate: self.search_rate.or(other.search_rate),
            upload_rate: self.upload_rate.or(other.upload_rate),
            picture_rate: self.picture_rate.or(other.picture_rate),
            text_rate: self.text_rate.or(other.text_rate),
            max_chat_per_space: self.max_chat_per_space.or(other.max_chat_per_space),
            upload_quota: self.upload_quota.or(other.upload_quota),
            min_free_disk: self.min_free_disk.or(other.min_free_disk),
            max_connections: self.max_connections.or(other.max_connections),
            max_connections_per_address: self
                .max_connections_per_address
                .or(other.max_connections_per_address),
            max_sockets_per_user: self.max_sockets_per_user.or(other.max_sockets_per_user),
            max_spaces_per_user: self.max_spaces_per_user.or(other.max_spaces_per_user),
            max_space_tiles: self.max_space_tiles.or(other.max_space_tiles),
            max_objects_per_space: self.max_objects_per_space.or(other.max_objects_per_space),
            creations_per_minute: self.creations_per_minute.or(other.creations_per_minute),
            max_open_spaces: self.max_open_spaces.or(other.max_open_spaces),
            trusted_proxies: self.trusted_proxies.or(other.trusted_proxies),
            host_threads: self.host_threads.or(other.host_threads),
            redis_url: self.redis_url.or(other.redis_url),
            node: self.node.or(other.node),
            link_listen: self.link_listen.or(other.link_listen),
            link_address: self.link_address.or(other.link_address),
            cluster_secret: self.cluster_secret.or(other.cluster_secret),
            cluster_secret_file: self.cluster_secret_file.or(other.cluster_secret_file),
            link_tls: self.link_tls.or(other.link_tls),
            public_url: self.public_url.or(other.public_url),
            base_path: self.base_path.or(other.base_path),
            stun_url: self.stun_url.or(other.stun_url),
            turn_url: self.turn_url.or(other.turn_url),
            turn_secret: self.turn_secret.or(other.turn_secret),
            turn_secret_file: self.turn_secret_file.or(other.turn_secret_file),
            turn_ttl: self.turn_ttl.or(other.turn_ttl),
            relay_only: self.relay_only.or(other.relay_only),
            media_listen: self.media_listen.or(other.media_listen),
            media_address: self.media_address.or(other.media_address),
            metrics_listen: self.metrics_listen.or(other.metrics_listen),
            metrics_public: self.metrics_public.or(other.metrics_public),
            livekit_url: self.livekit_url.or(other.livekit_url),
            livekit_key: self.livekit_key.or(other.livekit_key),
            livekit_secret: self.livekit_secret.or(other.livekit_secret),
            livekit_secret_file: self.livekit_secret_file.or(other.livekit_secret_file),
            log: self.log.or(other.log),
        }
    }

    /// The cluster's settings, if the process belongs to one.
    fn cluster(&self) -> anyhow::Result<Option<ClusterSettings>> {
        let Some(redis_url) = self.redis_url.clone() else {
            return Ok(None);
        };
        if self.database_url.is_none() {
            bail!("processes that share a Redis must share a PostgreSQL too: set --database-url");
        }
        let secret = secret_of(
            self.cluster_secret.as_deref(),
            self.cluster_secret_file.as_deref(),
        )?;
        Ok(Some(ClusterSettings {
            redis_url,
            node: self.node.clone(),
            link_listen: address(self.link_listen.as_deref().unwrap_or(LINK_LISTEN))
                .context("link-listen")?,
            link_address: self.link_address.clone(),
            secret,
            link_tls: self.link_tls.unwrap_or(LINK_TLS),
        }))
    }

    /// STUN and TURN settings, which help calls to connect.
    fn ice(&self) -> anyhow::Result<IceSettings> {
        let defaults = IceSettings::default();
        let turn_secret = secret_text(
            self.turn_secret.as_deref(),
            self.turn_secret_file.as_deref(),
            "TURN servers",
        )?;
        if turn_secret.as_deref().is_some_and(is_published) {
            bail!(
                "the secret of the TURN servers is published in an example, so others could relay \
                through them; `openssl rand -hex 32` makes a new one"
            );
        }
        let turn_urls = ice_urls(self.turn_url.as_deref(), ["turn:", "turns:"])?;
        if turn_urls.is_empty() != turn_secret.is_none() {
            bail!(
                "TURN servers and their secret go together: set --turn-url and --turn-secret or \
                --turn-secret-file"
            );
        }
        let relay_only = self.relay_only.unwrap_or(false);
        if relay_only && turn_urls.is_empty() {
            bail!("relay-only needs a TURN server: set --turn-url");
        }
        Ok(IceSettings {
            stun_urls: ice_urls(self.stun_url.as_deref(), ["stun:", "stuns:"])?,
            turn_urls,
            turn_secret: turn_secret.as_deref().map(MediaSecret::new),
            turn_ttl: match self.turn_ttl {
                None => defaults.turn_ttl,
                Some(seconds @ 60..=604_800) => Duration::from_secs(seconds),
                Some(_) => bail!("turn-ttl is 60 to 604800 seconds"),
            },
            relay_only,
        })
    }

    /// SFU settings; by default it listens at the address for browsers, on the next port.
    fn forwarding(&self, public: SocketAddr) -> anyhow::Result<Option<SfuSettings>> {
        let listen = match self.media_listen.as_deref() {
            Some("off") => return Ok(None),
            Some(said) => Some(address(said).context("media-listen")?),
            None => None,
        };
        let addresses = self.media_address.iter().flatten();
        let addresses = addresses.map(|text| {
            text.parse()
                .with_context(|| format!("`{text}` is not an IP address"))
        });
        let next_port = if public.port() == 0 {
            0
        } else {
            public.port().checked_add(1).unwrap_or(0)
        };
        Ok(Some(SfuSettings {
            listen: listen.unwrap_or(SocketAddr::new(public.ip(), next_port)),
            or_any_port: listen.is_none(),
            addresses: addresses
                .collect::<anyhow::Result<_>>()
                .context("media-address")?,
        }))
    }

    /// LiveKit settings, if a LiveKit server carries calls.
    fn livekit(&self) -> anyhow::Result<Option<LiveKitSettings>> {
        let secret = secret_text(
            self.livekit_secret.as_deref(),
            self.livekit_secret_file.as_deref(),
            "LiveKit key",
        )?;
        match (&self.livekit_url, &self.livekit_key, secret) {
            (None, None, None) => Ok(None),
            (Some(url), Some(key), Some(secret)) if is_socket_url(url) => {
                Ok(Some(LiveKitSettings {
                    url: url.clone(),
                    key: key.clone(),
                    secret: MediaSecret::new(&secret),
                }))
            }
            (Some(_), Some(_), Some(_)) => {
                bail!("livekit-url is where browsers connect, as wss://HOST")
            }
            _ => bail!("--livekit-url, --livekit-key and --livekit-secret go together"),
        }
    }

    fn serve_config(self) -> anyhow::Result<ServeConfig> {
        let listen = self.listen.as_deref().unwrap_or(LISTEN);
        let tick_rate = match self.tick_rate.map(TickRate::new) {
            None => TickRate::DEFAULT,
            Some(Some(rate)) => rate,
            Some(None) => bail!("tick-rate is 10 to 60"),
        };
        let cluster = self.cluster()?;
        let ice = self.ice()?;
        let livekit = self.livekit()?;
        let listen = address(listen)?;
        let forwarding = self.forwarding(listen)?;
        let defaults = Settings::in_folder(self.data_dir.unwrap_or_else(|| DATA_DIR.into()));
        let metrics = match self.metrics_listen.as_deref() {
            None => defaults.metrics,
            Some("off") => None,
            Some(said) => Some(MetricsSettings {
                listen: address(said).context("metrics-listen")?,
                or_any_port: false,
            }),
        };
        Ok(ServeConfig {
            listen,
            log: self.log.unwrap_or_else(|| LOG.to_owned()),
            settings: Settings {
                database_url: database_url(self.database_url.as_deref())?,
                open_admin_signup: self.open_admin_signup.unwrap_or(defaults.open_admin_signup),
                signup: self.signup.unwrap_or_default(),
                tick_rate,
                join_event: self.join_event.unwrap_or_default(),
                allowed_origins: origins(self.allowed_origins.unwrap_or_default())?,
                auth_rate: self.auth_rate.unwrap_or(defaults.auth_rate),
                max_guess_delay: self
                    .max_guess_delay
                    .map_or(defaults.max_guess_delay, Duration::from_secs),
                budgets: BudgetSettings {
                    requests: self.request_rate.unwrap_or(defaults.budgets.requests),
                    edits: self.edit_rate.unwrap_or(defaults.budgets.edits),
                    searches: self.search_rate.unwrap_or(defaults.budgets.searches),
                    uploads: self.upload_rate.unwrap_or(defaults.budgets.uploads),
                    pixels: self.picture_rate.unwrap_or(defaults.budgets.pixels),
                    text: self.text_rate.unwrap_or(defaults.budgets.text),
                    ..defaults.budgets
                },
                upload_quota: bytes_of(self.upload_quota, defaults.upload_quota),
                min_free_disk: self.min_free_disk.map_or(defaults.min_free_disk, |mib| {
                    mib.saturating_mul(1024 * 1024)
                }),
                max_chat_per_space: bytes_of(self.max_chat_per_space, defaults.max_chat_per_space),
                max_connections: self.max_connections.unwrap_or(defaults.max_connections),
                max_connections_per_address: self
                    .max_connections_per_address
                    .unwrap_or(defaults.max_connections_per_address),
                quotas: Quotas {
                    spaces: self.max_spaces_per_user.unwrap_or(defaults.quotas.spaces),
                    tiles: self.max_space_tiles.unwrap_or(defaults.quotas.tiles),
                    objects: self
                        .max_objects_per_space
                        .unwrap_or(defaults.quotas.objects),
                    creations: self
                        .creations_per_minute
                        .unwrap_or(defaults.quotas.creations),
                },
                max_open_spaces: self.max_open_spaces.unwrap_or(defaults.max_open_spaces),
                max_sessions_per_user: self
                    .max_sessions_per_user
                    .unwrap_or(defaults.max_sessions_per_user),
                max_sockets_per_user: self
                    .max_sockets_per_user
                    .unwrap_or(defaults.max_sockets_per_user),
                trusted_proxies: networks(&self.trusted_proxies.unwrap_or_default())?,
                host_threads: match self.host_threads {
                    None => defaults.host_threads,
                    Some(0) => bail!("host-threads is at least 1"),
                    Some(threads) => threads,
                },
                password_cost: PasswordCost::Full,
                cluster,
                public_url: public_url(self.public_url)?,
                base_path: base_path_of(self.base_path.as_deref().unwrap_or_default())?,
                ice,
                forwarding,
                metrics,
                metrics_public: self.metrics_public.unwrap_or(defaults.metrics_public),
                livekit,
                ..defaults
            },
        })
    }
}

/// A setting in MiB as bytes; 0 is no limit.
fn bytes_of(mib: Option<u64>, default: u64) -> u64 {
    match mib {
        None => default,
        Some(0) => u64::MAX,
        Some(mib) => mib.saturating_mul(1024 * 1024),
    }
}

/// The cluster's secret, as given or read from its file.
fn secret_of(said: Option<&str>, file: Option<&Path>) -> anyhow::Result<Secret> {
    let secret = match (said, file) {
        (Some(secret), _) => secret.to_owned(),
        (None, Some(file)) => std::fs::read_to_string(file)
            .with_context(|| format!("cannot read the cluster's secret from {}", file.display()))?,
        (None, None) => {
            bail!(
                "processes that share a Redis need a secret: set --cluster-secret or \
                --cluster-secret-file"
            )
        }
    };
    let secret = secret.trim();
    if secret.chars().count() < SECRET_CHARS {
        bail!(
            "the cluster's secret has at least {SECRET_CHARS} characters; `openssl rand -hex 32` \
            makes a good one"
        );
    }
    if is_published(secret) {
        bail!(
            "the cluster's secret is published in an example; `openssl rand \
            -hex 32` makes a new one"
        );
    }
    Ok(Secret::new(secret))
}

/// Whether a secret is published in an example or typed by hand: a generated one has no words and
/// uses many different characters.
fn is_published(secret: &str) -> bool {
    const WORDS: [&str; 6] = [
        "change", "secret", "example", "plaza", "password", "cluster",
    ];
    let lower = secret.to_ascii_lowercase();
    let distinct: std::collections::BTreeSet<char> = lower.chars().collect();
    distinct.len() < 8
        || "0123456789abcdef".repeat(4).contains(&lower)
        || WORDS.iter().any(|word| lower.contains(word))
}

/// Whether a browser can open a WebSocket at this URL.
fn is_socket_url(url: &str) -> bool {
    let uri = url.parse::<axum::http::Uri>();
    uri.is_ok_and(|uri| matches!(uri.scheme_str(), Some("ws" | "wss")) && uri.authority().is_some())
}

/// An address without a slash at its end.
fn public_url(said: Option<String>) -> anyhow::Result<Option<String>> {
    let said = said.map(|url| url.trim().trim_end_matches('/').to_owned());
    let Some(url) = said.filter(|url| !url.is_empty()) else {
        return Ok(None);
    };
    let uri = url.parse::<axum::http::Uri>();
    let is_web = uri.is_ok_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some()
    });
    if !is_web {
        bail!("public-url is where browsers find this server, as https://HOST, not `{url}`");
    }
    Ok(Some(url))
}

/// A path with a slash in front and none at the end; empty for the root.
fn base_path_of(said: &str) -> anyhow::Result<String> {
    let path = said.trim().trim_matches('/');
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-._~".contains(letter);
    let is_segment = |segment: &str| {
        !segment.is_empty() && !segment.starts_with('.') && segment.chars().all(is_plain)
    };
    if path.is_empty() {
        Ok(String::new())
    } else if path.split('/').all(is_segment) {
        Ok(format!("/{path}"))
    } else {
        bail!("base-path is a path of plain letters, as in /plaza, not `{said}`")
    }
}

/// A secret, as given or read from its file; `None` when it is empty.
fn secret_text(
    said: Option<&str>,
    file: Option<&Path>,
    whose: &str,
) -> anyhow::Result<Option<String>> {
    let text = match (said, file) {
        (Some(said), _) => said.to_owned(),
        (None, Some(file)) => std::fs::read_to_string(file).with_context(|| {
            format!(
                "cannot read the secret of the {whose} from {}",
                file.display()
            )
        })?,
        (None, None) => return Ok(None),
    };
    Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty()))
}

/// URLs of STUN or TURN servers; empty ones are dropped.
fn ice_urls(said: Option<&[String]>, schemes: [&str; 2]) -> anyhow::Result<Vec<String>> {
    let said = said.unwrap_or_default().iter().map(|url| url.trim());
    said.filter(|url| !url.is_empty())
        .map(|url| {
            let host = schemes.iter().find_map(|scheme| url.strip_prefix(scheme));
            match host {
                Some(host) if !host.is_empty() && !host.starts_with('/') => Ok(url.to_owned()),
                _ => bail!(
                    "the address of such a server begins with {} and has a host, not `{url}`",
                    schemes[0]
                ),
            }
        })
        .collect()
}

/// `None` for an empty text, so that an environment variable can be switched off.
fn database_url(said: Option<&str>) -> anyhow::Result<Option<DatabaseUrl>> {
    let said = said.map(str::trim).filter(|url| !url.is_empty());
    Ok(said.map(str::parse).transpose()?)
}

fn address(text: &str) -> anyhow::Result<SocketAddr> {
    std::net::ToSocketAddrs::to_socket_addrs(text)
        .ok()
        .and_then(|mut found| found.next())
        .with_context(|| format!("listen is ADDRESS:PORT, not `{text}`"))
}

/// Networks, or single addresses.
fn networks(said: &[String]) -> anyhow::Result<Vec<Network>> {
    let said = said.iter().map(|network| network.trim());
    said.filter(|network| !network.is_empty())
        .map(|network| {
            let single = || network.parse::<std::net::IpAddr>().map(Network::from);
            let parsed = network.parse::<Network>().or_else(|_| single());
            parsed.with_context(|| {
                format!("a trusted proxy is a network as 10.0.0.0/8 or an address, not `{network}`")
            })
        })
        .collect()
}

/// Origins as browsers send them: scheme, host and port.
fn origins(said: Vec<String>) -> anyhow::Result<Vec<String>> {
    said.into_iter()
        .map(|origin| origin.trim().trim_end_matches('/').to_ascii_lowercase())
        .filter(|origin| !origin.is_empty())
        .map(|origin| {
            let host = origin
                .strip_prefix("http://")
                .or_else(|| origin.strip_prefix("https://"));
            match host {
                Some(host) if !host.is_empty() && !host.contains('/') => Ok(origin),
                _ if origin == "*" => Ok(origin),
                _ => bail!("an allowed origin is https://HOST[:PORT] or *, not `{origin}`"),
            }
        })
        .collect()
}

/// The settings file: the given one, or `plaza.toml` if it exists.
fn file(named: Option<&Path>) -> anyhow::Result<ServeArgs> {
    match named {
        Some(path) => read(path),
        None if Path::new(CONFIG).exists() => read(Path::new(CONFIG)),
        None => Ok(ServeArgs::default()),
    }
}

fn read(path: &Path) -> anyhow::Result<ServeArgs> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    config::Config::builder()
        .add_source(config::File::from_str(&text, config::FileFormat::Toml))
        .build()
        .and_then(config::Config::try_deserialize)
        .map_err(|error| {
            anyhow!(
                "the settings file {} is broken: {}",
                path.display(),
                unquoted(&error.to_string())
            )
        })
}

/// A parser's message without the lines it quotes, since they may contain a password.
fn unquoted(error: &str) -> String {
    let is_quoted = |line: &str| {
        let number = line.split_once('|').map(|(number, _)| number.trim());
        number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let said: Vec<_> = error.lines().filter(|line| !is_quoted(line)).collect();
    said.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(toml: &str) -> anyhow::Result<ServeArgs> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("plaza.toml");
        std::fs::write(&file, toml)?;
        read(&file)
    }

    const MADE: &str = "0b9d1c3f5a7e2846d0f1b3a59c7e8d6240719f8e6d5c4b3a2918f7e6d5c4b3a2";

    #[test]
    fn a_flag_wins_over_the_file_and_the_file_over_the_default() {
        let file = said(
            "listen = \"127.0.0.1:1\"\ntick-rate = 30\nallowed-origins = [\"https://a.example/\"]",
        )
        .unwrap();
        let flags = ServeArgs {
            listen: Some("127.0.0.1:2".into()),
            ..ServeArgs::default()
        };
        let config = flags.or(file).serve_config().unwrap();
        assert_eq!(config.listen.port(), 2);
        assert_eq!(config.settings.tick_rate.per_second(), 30);
        assert_eq!(config.settings.allowed_origins, ["https://a.example"]);
        assert_eq!(config.settings.data_dir, Path::new(DATA_DIR));
    }

    #[test]
    fn the_error_of_a_broken_file_names_it() {
        for broken in [
            "listen = ",
            "lisen = \"127.0.0.1:1\"",
            "tick-rate = \"fast\"",
        ] {
            let error = said(broken)
                .err()
                .map(|error| format!("{error:#}"))
                .unwrap();
            assert!(error.contains("plaza.toml"), "{error}");
        }
    }

    #[test]
    fn the_error_of_a_broken_file_names_the_line_without_its_text() {
        for broken in [
            "database-url = \"postgres://ada:hunter2@db/plaza",
            "database-url = \"hunter2\" oops",
        ] {
            let error = said(broken)
                .err()
                .map(|error| format!("{error:#}"))
                .unwrap();
            assert!(
                error.contains("line 1, column") && !error.contains("hunter2"),
                "{error}"
            );
        }
    }

    #[test]
    fn only_postgresql_urls_are_accepted() {
        let url = |text: &str| database_url(Some(text)).map(|url| url.map(|url| url.to_string()));
        assert_eq!(url(" ").unwrap(), None);
        assert_eq!(
            url("postgres://ada@db/plaza").unwrap().unwrap(),
            "plaza of ada at db:5432"
        );
        assert!(url("plaza.db").is_err());
    }

    #[test]
    fn a_base_path_gets_a_slash_in_front_and_none_at_the_end() {
        for (said, path) in [
            ("", ""),
            ("/", ""),
            ("plaza", "/plaza"),
            ("/tools/plaza/", "/tools/plaza"),
        ] {
            assert_eq!(base_path_of(said).unwrap(), path);
        }
        for said in ["/a//b", "/a b", "/a?b", "/../a", "https://a.example/b"] {
            assert!(base_path_of(said).is_err(), "{said}");
        }
    }

    #[test]
    fn a_cluster_secret_must_be_long_and_random() {
        assert!(secret_of(Some(MADE), None).is_ok());
        for refused in [
            "too short",
            "0b9d1c3f5a7e2846d0f1b3a59c7e8d6",
            "change-me-change-me-change-me",
            "change-me-sixteen-letters-at-least",
            "a secret of the tests that is long enough",
            "a cluster on one machine only, and long",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "0123456789abcdef0123456789abcdef",
        ] {
            let error = secret_of(Some(refused), None).unwrap_err().to_string();
            assert!(error.contains("openssl rand -hex 32"), "{refused}: {error}");
        }
    }

    #[test]
    fn links_are_encrypted_unless_that_is_turned_off() {
        let cluster = |more: &str| {
            let toml = format!(
                "redis-url = \"redis://r\"\ndatabase-url = \"postgres://p@d/p\"\ncluster-secret = \
                \"{MADE}\"\n{more}"
            );
            said(&toml)
                .unwrap()
                .serve_config()
                .unwrap()
                .settings
                .cluster
                .unwrap()
        };
        assert!(cluster("").link_tls);
        assert!(!cluster("link-tls = false").link_tls);
    }

    #[test]
    fn invalid_options_are_refused() {
        for said in [
            ServeArgs {
                tick_rate: Some(9),
                ..ServeArgs::default()
            },
            ServeArgs {
                listen: Some("here".into()),
                ..ServeArgs::default()
            },
            ServeArgs {
                allowed_origins: Some(vec!["example.org".into()]),
                ..ServeArgs::default()
            },
            ServeArgs {
                trusted_proxies: Some(vec!["10.0.0.0/33".into()]),
                ..ServeArgs::default()
            },
            ServeArgs {
                turn_url: Some(vec!["turn:turn.example".into()]),
                ..ServeArgs::default()
            },
            ServeArgs {
                turn_url: Some(vec!["turn:turn.example".into()]),
                turn_secret: Some("change-me-to-a-secret-of-your-own".into()),
                ..ServeArgs::default()
            },
            ServeArgs {
                turn_secret: Some("north".into()),
                ..ServeArgs::default()
            },
            ServeArgs {
                stun_url: Some(vec!["https://stun.example".into()]),
                ..ServeArgs::default()
            },
            ServeArgs {
                relay_only: Some(true),
                ..ServeArgs::default()
            },
            ServeArgs {
                livekit_url: Some("wss://live.example".into()),
                ..ServeArgs::default()
            },
            ServeArgs {
                livekit_url: Some("wss://live.example; script-src *".into()),
                livekit_key: Some("key".into()),
                livekit_secret: Some("secret".into()),
                ..ServeArgs::default()
            },
            ServeArgs {
                public_url: Some("example.org".into()),
                ..ServeArgs::default()
            },
            ServeArgs {
                host_threads: Some(0),
                ..ServeArgs::default()
            },
        ] {
            assert!(said.serve_config().is_err());
        }
    }
}
