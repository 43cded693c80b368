//! Settings: how a server is to run. Reading them from flags, environment and file is the business
//! of `cli`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::components::peers::SfuEndpoint;
use crate::components::unit::TickRate;
use crate::link::Secret;
use crate::media::ice::IceSettings;
use crate::media::livekit::LiveKitSettings;
use crate::media::sfu::SfuSettings;
use crate::net::address::Network;
use crate::net::budget::BudgetSettings;
use crate::net::edge::HttpTimes;
use crate::net::protocol::client::JoinWord;
use crate::store::DatabaseUrl;

/// How much work one password hash is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordCost {
    /// What OWASP's password storage cheat sheet advises for Argon2id: 19 MiB, two passes.
    Full,
    /// As little as the method allows, for tests that sign up hundreds.
    Token,
}

/// Who may sign up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignUpPolicy {
    /// Everyone.
    #[default]
    Open,
    /// Those who have an invite.
    Invite,
    /// No one.
    Closed,
}

impl SignUpPolicy {
    /// As it stands in settings and answers.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Invite => "invite",
            Self::Closed => "closed",
        }
    }
}

/// How a process is one of many.
#[derive(Debug, Clone)]
pub struct ClusterSettings {
    /// The Redis that all share.
    pub redis_url: String,
    /// The name of this process; made up when there is none.
    pub node: Option<String>,
    /// Where other processes connect.
    pub link_listen: SocketAddr,
    /// What other processes connect to, when it is not where this one listens.
    pub link_address: Option<String>,
    /// What all processes know, and nobody else.
    pub secret: Secret,
    /// Whether nobody may read along between processes; the same for all of them.
    pub link_tls: bool,
}

/// What one person may make, 0 for no limit. Admins make what they like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quotas {
    /// Spaces that one person owns.
    pub spaces: u32,
    /// Columns times rows of a space that is made without a map.
    pub tiles: u32,
    /// Elements that stand in one space.
    pub objects: u32,
    /// Spaces and elements placed a minute, with bursts of as many.
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

/// Where metrics are told.
#[derive(Debug, Clone, Copy)]
pub struct MetricsSettings {
    /// Address and port.
    pub listen: SocketAddr,
    /// Whether another port does when this one is taken.
    pub or_any_port: bool,
}

/// How a server is to run.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the uploads are, and the database unless it is a server.
    pub data_dir: PathBuf,
    /// The PostgreSQL database to use instead of the one in the data folder.
    pub database_url: Option<DatabaseUrl>,
    /// Whether anybody may sign up as admin; for tests and demonstrations.
    pub open_admin_signup: bool,
    /// Who may sign up.
    pub signup: SignUpPolicy,
    /// Steps of a space per second.
    pub tick_rate: TickRate,
    /// What newcomers are called in the JSON protocol.
    pub join_event: JoinWord,
    /// Other origins whose pages may use this server; `*` for all.
    pub allowed_origins: Vec<String>,
    /// Sign-ups a minute from one network, and failed sign-ins, with bursts of twice as many; 0 for
    /// no limit.
    pub auth_rate: u32,
    /// The longest wait after wrong passwords for one account from one network; 0 for none.
    pub max_guess_delay: Duration,
    /// How much each user may ask of the server in a while.
    pub budgets: BudgetSettings,
    /// How much work one password hash is.
    pub password_cost: PasswordCost,
    /// Bytes that the pictures of one user may take.
    pub upload_quota: u64,
    /// Connections at once, HTTP and WebSockets; 0 for as many as the system allows.
    pub max_connections: usize,
    /// Connections at once from one address; 0 for no limit.
    pub max_connections_per_address: usize,
    /// WebSockets of one user at once; 0 for no limit.
    pub max_sockets_per_user: usize,
    /// How long a connection may take for a request and between requests.
    pub http_times: HttpTimes,
    /// What one person may make.
    pub quotas: Quotas,
    /// Spaces that this process opens at most for people who come in; 0 for no limit.
    pub max_open_spaces: usize,
    /// Networks of reverse proxies, whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
    /// Threads that tick spaces.
    pub host_threads: usize,
    /// How often the database is looked through for what ended without a word: sessions, spaces. No
    /// setting; tests wait for words alone.
    pub sweep: Duration,
    /// How the process is one of many; nothing when it is alone.
    pub cluster: Option<ClusterSettings>,
    /// What all lives of this process have in common; made up when there is none.
    pub life: Option<u32>,
    /// Where clients reach this very process, when they can.
    pub public_url: Option<String>,
    /// The path in front of every address, as `/plaza`, for proxies that keep it; empty for none.
    pub base_path: String,
    /// What helps calls find their way.
    pub ice: IceSettings,
    /// Where metrics are told; nothing when nowhere of their own.
    pub metrics: Option<MetricsSettings>,
    /// Whether they are told at the address for browsers too.
    pub metrics_public: bool,
    /// Where the calls of many are forwarded; nothing when they are not.
    pub forwarding: Option<SfuSettings>,
    /// Another server that forwards them instead, to which clients are given tokens.
    pub livekit: Option<LiveKitSettings>,
}

impl Settings {
    /// What `plaza serve` runs with when it is told nothing else.
    pub fn in_folder(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            database_url: None,
            open_admin_signup: false,
            signup: SignUpPolicy::default(),
            tick_rate: TickRate::DEFAULT,
            join_event: JoinWord::default(),
            allowed_origins: Vec::new(),
            auth_rate: 30,
            max_guess_delay: Duration::from_mins(5),
            budgets: BudgetSettings::default(),
            password_cost: PasswordCost::Full,
            upload_quota: 64 * 1024 * 1024,
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

    /// Who carries the calls of many: a `LiveKit` server was asked for, the unit is there unless it
    /// was switched off.
    pub const fn forwarder(&self) -> SfuEndpoint {
        match (&self.livekit, &self.forwarding) {
            (Some(_), _) => SfuEndpoint::LiveKit,
            (None, Some(_)) => SfuEndpoint::Unit,
            (None, None) => SfuEndpoint::Nobody,
        }
    }
}

/// One core is left to sockets and everything else.
fn spare_cores() -> usize {
    std::thread::available_parallelism()
        .map_or(1, |cores| cores.get() - 1)
        .max(1)
}
