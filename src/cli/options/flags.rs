//! Flags of `serve`, which are the names in the settings file too.

use std::any::TypeId;
use std::path::PathBuf;

use clap::{Arg, Args};
use serde::Deserialize;

use crate::net::protocol::client::JoinWord;
use crate::settings::{GuestSwitch, SignUpPolicy};

/// Options of the command line, the environment and the file. An option that is not set is `None`.
#[derive(Args, Deserialize, Default, Clone)]
#[command(mut_args(switch))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ServeArgs {
    /// Address and port to listen on [default: 127.0.0.1:8080]
    #[arg(long, env = "PLAZA_LISTEN", value_name = "ADDRESS:PORT")]
    pub(super) listen: Option<String>,
    /// Folder of the uploads, and of the SQLite database [default: ./data]
    #[arg(long, env = "PLAZA_DATA_DIR", value_name = "FOLDER")]
    pub(super) data_dir: Option<PathBuf>,
    /// A PostgreSQL database, as `postgres://USER:PASSWORD@HOST/DATABASE` [default: SQLite in the
    /// data folder]
    #[arg(
        long,
        env = "PLAZA_DATABASE_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    pub(super) database_url: Option<String>,
    /// Let anyone sign up as admin; for tests and demonstrations only
    #[arg(long, env = "PLAZA_OPEN_ADMIN_SIGNUP")]
    pub(super) open_admin_signup: Option<bool>,
    /// Who may sign up: everyone, people with a link from `plaza admin invite`, or no one [default:
    /// open]
    #[arg(long, env = "PLAZA_SIGNUP")]
    pub(super) signup: Option<SignUpPolicy>,
    /// Whether people may enter without an account, in spaces that allow it [default: on]
    #[arg(long, env = "PLAZA_GUESTS")]
    pub(super) guests: Option<GuestSwitch>,
    /// New guests per hour from one network; 0 for no limit [default: 5]
    #[arg(long, env = "PLAZA_GUESTS_PER_HOUR")]
    pub(super) guests_per_hour: Option<u32>,
    /// Guests at the same time [default: 1000]
    #[arg(long, env = "PLAZA_MAX_GUESTS")]
    pub(super) max_guests: Option<u32>,
    /// What users who are suspended are told about appeals, at most 1,000 characters
    #[arg(long, env = "PLAZA_APPEALS_TEXT", value_name = "TEXT")]
    pub(super) appeals_text: Option<String>,
    /// File with words that no one is to write on this server, one in each line; lines that begin
    /// with `#` are comments
    #[arg(long, env = "PLAZA_WORD_FILTER", value_name = "FILE")]
    pub(super) word_filter: Option<PathBuf>,
    /// What happens to a message with such a word: `redact` it, `refuse` the message, or `report`
    /// it in the audit log [default: redact]
    #[arg(long, env = "PLAZA_WORD_FILTER_ACTION", value_name = "ACTION")]
    pub(super) word_filter_action: Option<String>,
    /// Ticks of a space per second, 10 to 60 [default: 20]
    #[arg(long, env = "PLAZA_TICK_RATE")]
    pub(super) tick_rate: Option<u8>,
    /// Type of the message about newcomers in the JSON protocol [default: user-joined]
    #[arg(long, env = "PLAZA_JOIN_EVENT")]
    pub(super) join_event: Option<JoinWord>,
    /// Other origins whose pages may use this server, separated by commas; `*` for all
    #[arg(
        long,
        env = "PLAZA_ALLOWED_ORIGINS",
        value_delimiter = ',',
        value_name = "ORIGIN"
    )]
    pub(super) allowed_origins: Option<Vec<String>>,
    /// Sign-ups per minute from one network, and the same number of failed sign-ins, and of
    /// sign-ins at one account, with bursts of twice as many; 0 for no limit [default: 30]
    #[arg(long, env = "PLAZA_AUTH_RATE")]
    pub(super) auth_rate: Option<u32>,
    /// The longest wait after wrong passwords for one account from one network, in seconds; 0 for
    /// none [default: 300]
    #[arg(long, env = "PLAZA_MAX_GUESS_DELAY", value_name = "SECONDS")]
    pub(super) max_guess_delay: Option<u64>,
    /// Sessions of one user, 0 for no limit; a further sign-in ends the one that was not used for
    /// longest [default: 100]
    #[arg(long, env = "PLAZA_MAX_SESSIONS_PER_USER", value_name = "COUNT")]
    pub(super) max_sessions_per_user: Option<u32>,
    /// HTTP requests per second of one user, 0 for no limit; an address may make ten times as many
    /// [default: 20]
    #[arg(long, env = "PLAZA_REQUEST_RATE", value_name = "COUNT")]
    pub(super) request_rate: Option<u32>,
    /// Changes per second of one user, to elements in spaces and to chat messages, 0 for no limit
    /// [default: 10]
    #[arg(long, env = "PLAZA_EDIT_RATE", value_name = "COUNT")]
    pub(super) edit_rate: Option<u32>,
    /// Searches per minute of one user, 0 for no limit [default: 60]
    #[arg(long, env = "PLAZA_SEARCH_RATE", value_name = "COUNT")]
    pub(super) search_rate: Option<u32>,
    /// Uploads per minute of one user, 0 for no limit [default: 30]
    #[arg(long, env = "PLAZA_UPLOAD_RATE", value_name = "COUNT")]
    pub(super) upload_rate: Option<u32>,
    /// Uploaded pictures of one user that the server decodes, in megapixels per minute, 0 for no
    /// limit [default: 16]
    #[arg(long, env = "PLAZA_PICTURE_RATE", value_name = "MEGAPIXELS")]
    pub(super) picture_rate: Option<u32>,
    /// Text of messages of one user in all spaces and of direct messages, in KiB per minute, 0 for
    /// no limit [default: 16]
    #[arg(long, env = "PLAZA_TEXT_RATE", value_name = "KIB")]
    pub(super) text_rate: Option<u32>,
    /// Chat that one space keeps, in MiB, 0 for no limit; the oldest messages are deleted first
    /// [default: 256]
    #[arg(long, env = "PLAZA_MAX_CHAT_PER_SPACE", value_name = "MIB")]
    pub(super) max_chat_per_space: Option<u64>,
    /// Storage for the uploads of one user, in MiB, 0 for no limit [default: 64]
    #[arg(long, env = "PLAZA_UPLOAD_QUOTA", value_name = "MIB")]
    pub(super) upload_quota: Option<u64>,
    /// Free space of the disk below which the server takes no pictures, in MiB, 0 for none; the
    /// database needs it [default: 512]
    #[arg(long, env = "PLAZA_MIN_FREE_DISK", value_name = "MIB")]
    pub(super) min_free_disk: Option<u64>,
    /// Concurrent connections, HTTP and WebSocket, 0 for as many as open files allow; further ones
    /// get a 503 [default: 20000]
    #[arg(long, env = "PLAZA_MAX_CONNECTIONS", value_name = "COUNT")]
    pub(super) max_connections: Option<usize>,
    /// Concurrent connections from one address; those from this machine are not counted [default:
    /// 1000]
    #[arg(long, env = "PLAZA_MAX_CONNECTIONS_PER_ADDRESS", value_name = "COUNT")]
    pub(super) max_connections_per_address: Option<usize>,
    /// Concurrent WebSockets of one user, 0 for no limit [default: 20]
    #[arg(long, env = "PLAZA_MAX_SOCKETS_PER_USER", value_name = "COUNT")]
    pub(super) max_sockets_per_user: Option<usize>,
    /// Spaces that one user may own, 0 for no limit; admins have none [default: 50]
    #[arg(long, env = "PLAZA_MAX_SPACES_PER_USER", value_name = "COUNT")]
    pub(super) max_spaces_per_user: Option<u32>,
    /// Columns times rows of a space that a user creates without a map, 0 for no limit; admins have
    /// none [default: 250000]
    #[arg(long, env = "PLAZA_MAX_SPACE_TILES", value_name = "COUNT")]
    pub(super) max_space_tiles: Option<u32>,
    /// Elements that may be placed in one space, 0 for no limit [default: 10000]
    #[arg(long, env = "PLAZA_MAX_OBJECTS_PER_SPACE", value_name = "COUNT")]
    pub(super) max_objects_per_space: Option<u32>,
    /// Spaces and elements that one user may create per minute, with bursts of the same number; 0
    /// for no limit, admins have none [default: 120]
    #[arg(long, env = "PLAZA_CREATIONS_PER_MINUTE", value_name = "COUNT")]
    pub(super) creations_per_minute: Option<u32>,
    /// Spaces with people that this process may have open at once, 0 for no limit [default: 2000]
    #[arg(long, env = "PLAZA_MAX_OPEN_SPACES", value_name = "COUNT")]
    pub(super) max_open_spaces: Option<usize>,
    /// Networks of reverse proxies whose X-Forwarded-For is trusted for a client's address,
    /// separated by commas, as in 10.0.0.0/8
    #[arg(
        long,
        env = "PLAZA_TRUSTED_PROXIES",
        value_delimiter = ',',
        value_name = "NETWORK"
    )]
    pub(super) trusted_proxies: Option<Vec<String>>,
    /// Threads that tick spaces [default: cores - 1, at least 1]
    #[arg(long, env = "PLAZA_HOST_THREADS", value_name = "COUNT")]
    pub(super) host_threads: Option<usize>,
    /// The Redis that the processes of a cluster share; without it the process runs alone
    #[arg(
        long,
        env = "PLAZA_REDIS_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    pub(super) redis_url: Option<String>,
    /// The name of this process, unique in the cluster [default: made up at start]
    #[arg(long, env = "PLAZA_NODE", value_name = "NAME")]
    pub(super) node: Option<String>,
    /// Address for links from other processes of the cluster [default: 127.0.0.1:0, a free port]
    #[arg(long, env = "PLAZA_LINK_LISTEN", value_name = "ADDRESS:PORT")]
    pub(super) link_listen: Option<String>,
    /// Address that other processes connect to, when it differs from --link-listen
    #[arg(long, env = "PLAZA_LINK_ADDRESS", value_name = "HOST:PORT")]
    pub(super) link_address: Option<String>,
    /// Secret that all processes of the cluster share
    #[arg(
        long,
        env = "PLAZA_CLUSTER_SECRET",
        value_name = "TEXT",
        hide_env_values = true
    )]
    pub(super) cluster_secret: Option<String>,
    /// File with the cluster's secret
    #[arg(long, env = "PLAZA_CLUSTER_SECRET_FILE", value_name = "FILE")]
    pub(super) cluster_secret_file: Option<PathBuf>,
    /// Encrypt the links between processes, the same for all of them; `--link-tls=false` turns it
    /// off [default: true]
    #[arg(long, env = "PLAZA_LINK_TLS")]
    pub(super) link_tls: Option<bool>,
    /// URL at which clients reach this very process, if they can
    #[arg(long, env = "PLAZA_PUBLIC_URL", value_name = "URL")]
    pub(super) public_url: Option<String>,
    /// Path below which a reverse proxy serves this server, when the proxy keeps it in its
    /// requests, as in `/plaza`; printed addresses include it
    #[arg(long, env = "PLAZA_BASE_PATH", value_name = "PATH")]
    pub(super) base_path: Option<String>,
    /// A STUN server, as in `stun:stun.example.org:3478`; may be given more than once
    #[arg(
        long,
        env = "PLAZA_STUN_URL",
        value_delimiter = ',',
        value_name = "URL"
    )]
    pub(super) stun_url: Option<Vec<String>>,
    /// A TURN server, as in `turn:turn.example.org:3478?transport=udp`; may be given more than once
    #[arg(
        long,
        env = "PLAZA_TURN_URL",
        value_delimiter = ',',
        value_name = "URL"
    )]
    pub(super) turn_url: Option<Vec<String>>,
    /// Secret shared with the TURN servers: coturn's static-auth-secret
    #[arg(
        long,
        env = "PLAZA_TURN_SECRET",
        value_name = "TEXT",
        hide_env_values = true
    )]
    pub(super) turn_secret: Option<String>,
    /// File with the secret of the TURN servers
    #[arg(long, env = "PLAZA_TURN_SECRET_FILE", value_name = "FILE")]
    pub(super) turn_secret_file: Option<PathBuf>,
    /// Lifetime of a password for the TURN servers, in seconds, at least 60 [default: 43200]
    #[arg(long, env = "PLAZA_TURN_TTL", value_name = "SECONDS")]
    pub(super) turn_ttl: Option<u64>,
    /// Send calls through the TURN servers only, which hides users' addresses from each other
    #[arg(long, env = "PLAZA_RELAY_ONLY")]
    pub(super) relay_only: Option<bool>,
    /// Address of the SFU for calls of more than four, on UDP and TCP, or `off` to connect browsers
    /// with each other only [default: that of --listen, on the next port]
    #[arg(long, env = "PLAZA_MEDIA_LISTEN", value_name = "ADDRESS")]
    pub(super) media_listen: Option<String>,
    /// Addresses of the SFU that browsers are told, when they are not this machine's own; separated
    /// by commas
    #[arg(
        long,
        env = "PLAZA_MEDIA_ADDRESS",
        value_name = "IP",
        value_delimiter = ','
    )]
    pub(super) media_address: Option<Vec<String>>,
    /// Address that serves metrics, or `off` [default: 127.0.0.1:9464, or a free port when that one
    /// is taken]
    #[arg(long, env = "PLAZA_METRICS_LISTEN", value_name = "ADDRESS:PORT")]
    pub(super) metrics_listen: Option<String>,
    /// Serve metrics at the listen address too, without restriction
    #[arg(long, env = "PLAZA_METRICS_PUBLIC")]
    pub(super) metrics_public: Option<bool>,
    /// A LiveKit server that carries calls of more than four instead of this server, as in
    /// `wss://livekit.example.org`
    #[arg(long, env = "PLAZA_LIVEKIT_URL", value_name = "URL")]
    pub(super) livekit_url: Option<String>,
    /// API key of the LiveKit server
    #[arg(long, env = "PLAZA_LIVEKIT_KEY", value_name = "TEXT")]
    pub(super) livekit_key: Option<String>,
    /// Secret of the API key
    #[arg(
        long,
        env = "PLAZA_LIVEKIT_SECRET",
        value_name = "TEXT",
        hide_env_values = true
    )]
    pub(super) livekit_secret: Option<String>,
    /// File with the secret of the API key
    #[arg(long, env = "PLAZA_LIVEKIT_SECRET_FILE", value_name = "FILE")]
    pub(super) livekit_secret_file: Option<PathBuf>,
    /// What to log, as in `info,plaza=debug` [default: `info,sqlx=warn,tower_http=info`]
    #[arg(long, env = "PLAZA_LOG")]
    pub(super) log: Option<String>,
}

/// Makes an option of true or false a switch: `--name` turns it on, `--name=false` off. Others stay
/// as they are.
pub(super) fn switch(arg: Arg) -> Arg {
    let is_bool = arg.get_value_parser().type_id() == TypeId::of::<bool>();
    if !is_bool || !arg.get_action().takes_values() {
        return arg;
    }
    arg.num_args(0..=1)
        .require_equals(true)
        .default_missing_value("true")
        .value_parser(clap::builder::BoolishValueParser::new())
}

/// Each field of the first, or else of the second.
macro_rules! either {
    ($one:expr, $other:expr, { $($field:ident),* $(,)? }) => {
        Self { $($field: $one.$field.or($other.$field)),* }
    };
}

impl ServeArgs {
    /// These options, and those of the other where these have none.
    pub(super) fn or(self, other: Self) -> Self {
        either!(self, other, {
            listen, data_dir, database_url, open_admin_signup, signup, guests,
            guests_per_hour, max_guests, appeals_text, word_filter, word_filter_action,
            tick_rate, join_event,
            allowed_origins, auth_rate, max_guess_delay, max_sessions_per_user, request_rate,
            edit_rate, search_rate, upload_rate, picture_rate, text_rate, max_chat_per_space,
            upload_quota, min_free_disk, max_connections, max_connections_per_address,
            max_sockets_per_user,
            max_spaces_per_user, max_space_tiles, max_objects_per_space, creations_per_minute,
            max_open_spaces, trusted_proxies, host_threads, redis_url, node, link_listen,
            link_address, cluster_secret, cluster_secret_file, link_tls, public_url, base_path,
            stun_url, turn_url, turn_secret, turn_secret_file, turn_ttl, relay_only, media_listen,
            media_address, metrics_listen, metrics_public, livekit_url, livekit_key,
            livekit_secret, livekit_secret_file, log,
        })
    }
}
