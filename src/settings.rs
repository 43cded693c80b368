//! Settings: how a server is to run. Reading them from flags, environment and file is done by
//! `cli`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::components::peers::SfuEndpoint;
use crate::components::unit::TickRate;
use crate::components::word_filter::WordList;
use crate::link::Secret;
use crate::media::ice::IceSettings;
use crate::media::livekit::LiveKitSettings;
use crate::media::sfu::SfuSettings;
use crate::net::address::Network;
use crate::net::budget::BudgetSettings;
use crate::net::edge::HttpTimes;
use crate::net::protocol::client::JoinWord;
use crate::store::DatabaseUrl;

/// Cost of a password hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordCost {
    /// The parameters of OWASP's password storage cheat sheet for Argon2id: 19 MiB, two passes.
    Full,
    /// The least that the method allows, for tests that sign up hundreds of users.
    Token,
}

/// Who may sign up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignUpPolicy {
    /// Everyone.
    #[default]
    Open,
    /// People with an invite.
    Invite,
    /// No one.
    Closed,
}

impl SignUpPolicy {
    /// Its name in settings and answers.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Invite => "invite",
            Self::Closed => "closed",
        }
    }
}

/// Settings of a process of a cluster.
#[derive(Debug, Clone)]
pub struct ClusterSettings {
    /// Address of the Redis that all processes share.
    pub redis_url: String,
    /// Name of this process; generated when absent.
    pub node: Option<String>,
    /// Address on which links from other processes are accepted.
    pub link_listen: SocketAddr,
    /// Address for links from other processes, when it differs from `link_listen`.
    pub link_address: Option<String>,
    /// Secret that all processes share.
    pub secret: Secret,
    /// Whether links are encrypted; the same for all processes.
    pub link_tls: bool,
}

/// Limits for one user; 0 for no limit. Admins have no limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quotas {
    /// Spaces that a user owns.
    pub spaces: u32,
    /// Columns times rows of a space that is made without a map.
    pub tiles: u32,
    /// Elements placed in one space.
    pub objects: u32,
    /// Spaces and elements created per minute, with bursts of as many.
    pub creations: u32,
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            spaces: 50,
            tiles: 250_000,
            objects: 10_000,
            creations: 120,
        }
    }
}

/// Guests: people who enter without an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GuestSettings {
    /// Whether there are any. Spaces decide for themselves, too.
    pub allowed: bool,
    /// New guests an hour from one network; 0 for no limit.
    pub per_hour: u32,
    /// Most guests at the same time.
    pub most: u32,
}

impl Default for GuestSettings {
    fn default() -> Self {
        Self {
            allowed: true,
            per_hour: 5,
            most: 1_000,
        }
    }
}

/// Whether the server takes guests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GuestSwitch {
    /// Where a space takes them.
    On,
    /// Nowhere.
    Off,
}

/// Listener for metrics.
#[derive(Debug, Clone, Copy)]
pub struct MetricsSettings {
    /// Address and port.
    pub listen: SocketAddr,
    /// Whether another port may be used when this one is taken.
    pub or_any_port: bool,
}

/// Settings of a server.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Folder with the uploads, and with the database unless PostgreSQL is used.
    pub data_dir: PathBuf,
    /// Address of a PostgreSQL database to use instead of the one in the data folder.
    pub database_url: Option<DatabaseUrl>,
    /// Whether everyone may sign up as admin; for tests and demonstrations.
    pub open_admin_signup: bool,
    /// Who may sign up.
    pub signup: SignUpPolicy,
    /// Guests.
    pub guests: GuestSettings,
    /// What is said about appeals to users who are suspended; may be empty.
    pub appeals_text: String,
    /// Words that no one is to write here.
    pub word_filter: WordList,
    /// Ticks per second of a space.
    pub tick_rate: TickRate,
    /// Name of the event for new players in the JSON protocol.
    pub join_event: JoinWord,
    /// Other origins whose pages may use this server; `*` for all.
    pub allowed_origins: Vec<String>,
    /// Sign-ups and failed sign-ins per minute from one network, and sign-ins from there at one
    /// account, with bursts of twice as many; 0 for no limit.
    pub auth_rate: u32,
    /// The longest wait after wrong passwords for one account from one network; 0 for none.
    pub max_guess_delay: Duration,
    /// Sessions of one user; a further sign-in ends the one that was not used for longest. 0 for no
    /// limit.
    pub max_sessions_per_user: u32,
    /// Rate limits of each user.
    pub budgets: BudgetSettings,
    /// Cost of a password hash.
    pub password_cost: PasswordCost,
    /// Bytes that the pictures of one user may take.
    pub upload_quota: u64,
    /// Bytes of the disk that pictures leave free; 0 for none.
    pub min_free_disk: u64,
    /// Bytes of chat that one space keeps; the oldest messages are deleted first.
    pub max_chat_per_space: u64,
    /// Concurrent connections, HTTP and WebSockets; 0 for the limit of the system.
    pub max_connections: usize,
    /// Concurrent connections from one address; 0 for no limit.
    pub max_connections_per_address: usize,
    /// Concurrent WebSockets of one user; 0 for no limit.
    pub max_sockets_per_user: usize,
    /// Time limits for a request and between requests of a connection.
    pub http_times: HttpTimes,
    /// Limits on what one user may create.
    pub quotas: Quotas,
    /// Most spaces that this process opens for players; 0 for no limit.
    pub max_open_spaces: usize,
    /// Networks of reverse proxies whose `X-Forwarded-For` is trusted.
    pub trusted_proxies: Vec<Network>,
    /// Threads that tick spaces.
    pub host_threads: usize,
    /// Interval of checks of the database for sessions and spaces that ended without a message. Not
    /// a setting of the command line; tests shorten or disable it.
    pub sweep: Duration,
    /// Settings of a cluster; `None` for a single process.
    pub cluster: Option<ClusterSettings>,
    /// Upper half of the nonce, which all incarnations of this process share; random when absent.
    pub life: Option<u32>,
    /// Public address of this process alone, if clients can reach it.
    pub public_url: Option<String>,
    /// Path in front of every address, such as `/plaza`, for proxies that pass it on; empty for
    /// none.
    pub base_path: String,
    /// STUN and TURN servers for calls.
    pub ice: IceSettings,
    /// Listener for metrics; `None` without one of their own.
    pub metrics: Option<MetricsSettings>,
    /// Whether the public address serves metrics too.
    pub metrics_public: bool,
    /// Settings of the SFU in this server; `None` when it is switched off.
    pub forwarding: Option<SfuSettings>,
    /// LiveKit server that forwards large calls instead, for which clients get tokens.
    pub livekit: Option<LiveKitSettings>,
}

impl Settings {
    /// Default settings, as of `plaza serve` without options.
    pub fn in_folder(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            database_url: None,
            open_admin_signup: false,
            signup: SignUpPolicy::default(),
            guests: GuestSettings::default(),
            appeals_text: String::new(),
            word_filter: WordList::default(),
            tick_rate: TickRate::DEFAULT,
            join_event: JoinWord::default(),
            allowed_origins: Vec::new(),
            auth_rate: 30,
            max_guess_delay: Duration::from_mins(5),
            max_sessions_per_user: 100,
            budgets: BudgetSettings::default(),
            password_cost: PasswordCost::Full,
            upload_quota: 64 * 1024 * 1024,
            min_free_disk: 512 * 1024 * 1024,
            max_chat_per_space: 256 * 1024 * 1024,
            max_connections: 20_000,
            max_connections_per_address: 1_000,
            max_sockets_per_user: 20,
            http_times: HttpTimes::default(),
            quotas: Quotas::default(),
            max_open_spaces: 2_000,
            trusted_proxies: Vec::new(),
            host_threads: spare_cores(),
            sweep: Duration::from_secs(2),
            cluster: None,
            life: None,
            public_url: None,
            base_path: String::new(),
            ice: IceSettings::default(),
            metrics: Some(MetricsSettings {
                listen: SocketAddr::from(([127, 0, 0, 1], 9464)),
                or_any_port: true,
            }),
            metrics_public: false,
            forwarding: None,
            livekit: None,
        }
    }

    /// Which SFU forwards large calls: LiveKit when it is set, otherwise the one in this server
    /// unless it is switched off.
    pub const fn forwarder(&self) -> SfuEndpoint {
        match (&self.livekit, &self.forwarding) {
            (Some(_), _) => SfuEndpoint::LiveKit,
            (None, Some(_)) => SfuEndpoint::BuiltIn,
            (None, None) => SfuEndpoint::Nobody,
        }
    }
}

/// All cores but one, which is left to sockets and other work; at least one.
fn spare_cores() -> usize {
    std::thread::available_parallelism()
        .map_or(1, |cores| cores.get() - 1)
        .max(1)
}
