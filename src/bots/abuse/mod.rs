//! Abuse: clients that overuse the public interface, as a hostile person or a broken program would.
//!
//! May use `net::protocol` and `net::codec`. Never: anything inside the server. Attacks go only to
//! a server on this machine and are bounded loops that end by themselves. Each attacker sends its
//! own address in `X-Forwarded-For`, as a trusted proxy on loopback would, so it shares no limit
//! with the clients that must not notice the attack.

mod http;
mod socket;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use clap::ValueEnum;
use parking_lot::Mutex;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Url};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};

/// The most operations of one attacker with one attack, regardless of the time left.
const MOST_OPERATIONS: u32 = 20_000;

/// Pause of an attacker between two tries after its connection was refused.
const PAUSE: Duration = Duration::from_millis(50);

/// Timeout of one HTTP request.
const REQUEST_WITHIN: Duration = Duration::from_secs(20);

/// Why an attack cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum AbuseError {
    /// The text is not a server address.
    #[error("{0} is not a server address; write it as http://127.0.0.1:8080")]
    Address(String),
    /// The server is on another machine.
    #[error("{0} is not on this machine; only your own server on loopback may be attacked")]
    NotHere(String),
    /// The server refused to create an account.
    #[error("the server refused to create an account for an attacker: {0}")]
    Account(String),
}

/// What an attacker does repeatedly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Attack {
    /// Sends, edits and reacts to messages of the greatest length
    LongMessages,
    /// Opens a new connection for each burst of messages
    Reconnects,
    /// Sends signals of the greatest size to nearby players
    Signals,
    /// Asks for walks to tiles that cannot be reached
    Walks,
    /// Sends pings and never reads
    Pings,
    /// Sends frames that no client sends
    Malformed,
    /// Holds as many sockets as it gets, both joined and not joined
    Sockets,
    /// Leaves right after asking to join
    HalfJoins,
    /// Searches with long and with common words
    Searches,
    /// Creates spaces and fills them with objects
    Spaces,
    /// Places and removes objects in a burst
    Edits,
    /// Uploads pictures, several at a time
    Uploads,
    /// Guesses the password of an account
    Guesses,
    /// Sends long direct messages to one person
    DirectMessages,
    /// Requests lists, maps, pictures and exports
    Downloads,
    /// Uses methods and addresses that do not exist
    Unknown,
    /// Opens connections and sends a byte now and then
    Slow,
}

/// Settings of an attack.
#[derive(Debug, Clone)]
pub struct AbuseSettings {
    /// URLs of the server's processes, `http://127.0.0.1:port`.
    pub urls: Vec<String>,
    /// Ids of the spaces that have players.
    pub spaces: Vec<String>,
    /// Duration, split into three equal parts: one account, one address, many addresses.
    pub length: Duration,
    /// Number of attackers in the second and third part.
    pub crowd: u32,
    /// Attacks to run; all when empty.
    pub attacks: Vec<Attack>,
}

/// Outcomes of the requests and messages of one attack.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Outcomes {
    /// Accepted by the server. A message counts as accepted once it is written.
    pub taken: u64,
    /// Answered with 429 or 503, or closed with 4429: slow down.
    pub slowed: u64,
    /// Answered with another 4xx, or closed with a reason.
    pub refused: u64,
    /// The connection could not be made, or ended without a reason.
    pub dropped: u64,
    /// Answered with 500: an error of the server.
    pub failed: u64,
}

/// Outcomes by attack.
pub type AbuseReport = BTreeMap<Attack, Outcomes>;

/// One attacker: an address, and an account if it got one.
#[derive(Clone)]
struct Attacker {
    attack: Attack,
    url: String,
    server: SocketAddr,
    address: IpAddr,
    http: Client,
    user: String,
    name: String,
    token: String,
    spaces: Arc<Vec<String>>,
    until: Instant,
    outcomes: Arc<Mutex<AbuseReport>>,
}

/// How one request or message ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AttackOutcome {
    Taken,
    Slowed,
    Refused,
    Dropped,
    Failed,
}

impl AttackOutcome {
    const fn of_status(status: u16) -> Self {
        match status {
            429 | 503 => Self::Slowed,
            500..=599 => Self::Failed,
            400..=499 => Self::Refused,
            _ => Self::Taken,
        }
    }

    /// The outcome for a WebSocket that was closed with this code.
    const fn of_close(code: Option<u16>) -> Self {
        match code {
            Some(4429 | 1013) => Self::Slowed,
            Some(_) => Self::Refused,
            None => Self::Dropped,
        }
    }
}

/// Attacks until the time is over and returns the outcomes.
pub async fn run(settings: &AbuseSettings) -> Result<AbuseReport, AbuseError> {
    let servers = settings
        .urls
        .iter()
        .map(|url| here(url))
        .collect::<Result<Vec<_>, _>>()?;
    let attacks = if settings.attacks.is_empty() {
        Attack::value_variants().to_vec()
    } else {
        settings.attacks.clone()
    };
    let outcomes = Arc::new(Mutex::new(AbuseReport::new()));
    let spaces = Arc::new(settings.spaces.clone());
    let lone = Ipv4Addr::new(198, 18, 0, 1);
    let shared = Ipv4Addr::new(198, 18, 1, 1);
    let many = Ipv4Addr::new(198, 19, 0, 0);
    let part = settings.length / 3;
    let mut account = None;
    for phase in [Phase::OneAccount, Phase::OneAddress, Phase::ManyAddresses] {
        let until = Instant::now() + part;
        let each_once = u32::try_from(attacks.len()).unwrap_or(u32::MAX);
        let count = match phase {
            Phase::OneAccount => each_once,
            Phase::OneAddress | Phase::ManyAddresses => settings.crowd.max(each_once),
        };
        let mut running = JoinSet::new();
        for number in 0..count {
            let address = match phase {
                Phase::OneAccount => lone,
                Phase::OneAddress => shared,
                Phase::ManyAddresses => {
                    Ipv4Addr::from_bits(many.to_bits() + number / 250 * 256 + number % 250 + 1)
                }
            };
            let at = number as usize % servers.len().max(1);
            let Some((server, url)) = servers.get(at).zip(settings.urls.get(at)) else {
                continue;
            };
            let mut attacker = Attacker {
                attack: attacks[number as usize % attacks.len()],
                url: url.trim_end_matches('/').to_owned(),
                server: *server,
                address: address.into(),
                http: client(address.into()),
                user: String::new(),
                name: String::new(),
                token: String::new(),
                spaces: Arc::clone(&spaces),
                until,
                outcomes: Arc::clone(&outcomes),
            };
            match (&account, phase) {
                (Some((user, name, token)), Phase::OneAccount) => {
                    (attacker.user, attacker.name, attacker.token) = (
                        String::clone(user),
                        String::clone(name),
                        String::clone(token),
                    );
                }
                // An address that signs up too often is slowed down; attackers that get no account
                // attack without one.
                _ => match attacker.sign_up().await {
                    Err(error) if account.is_none() => return Err(error),
                    Ok(()) | Err(_) => {}
                },
            }
            account.get_or_insert_with(|| {
                (
                    attacker.user.clone(),
                    attacker.name.clone(),
                    attacker.token.clone(),
                )
            });
            running.spawn(async move {
                let until = attacker.until;
                // Some attacks wait for an answer that never comes.
                let _ = timeout_at(until, attacker.attack()).await;
            });
        }
        while running.join_next().await.is_some() {}
    }
    let report = outcomes.lock().clone();
    Ok(report)
}

/// Creates the attackers of one part, each with its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    OneAccount,
    OneAddress,
    ManyAddresses,
}

/// Parses the address of a server on this machine.
fn here(url: &str) -> Result<SocketAddr, AbuseError> {
    let parsed = Url::parse(url).map_err(|_| AbuseError::Address(url.to_owned()))?;
    let host = parsed.host_str().unwrap_or_default();
    let host = if host == "localhost" {
        "127.0.0.1"
    } else {
        host
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let address: IpAddr = host
        .parse()
        .map_err(|_| AbuseError::NotHere(url.to_owned()))?;
    let port = parsed
        .port_or_known_default()
        .filter(|_| parsed.scheme() == "http")
        .ok_or_else(|| AbuseError::Address(url.to_owned()))?;
    if address.is_loopback() {
        Ok(SocketAddr::new(address, port))
    } else {
        Err(AbuseError::NotHere(url.to_owned()))
    }
}

/// Sends the attacker's address with every request, as a proxy does.
fn client(address: IpAddr) -> Client {
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::try_from(address.to_string()) {
        headers.insert(HeaderName::from_static("x-forwarded-for"), value);
    }
    let built = Client::builder()
        .default_headers(headers)
        .timeout(REQUEST_WITHIN)
        .build();
    built.unwrap_or_default()
}

impl Attacker {
    async fn sign_up(&mut self) -> Result<(), AbuseError> {
        let refused = |error: &dyn std::fmt::Display| AbuseError::Account(error.to_string());
        let id = uuid::Uuid::new_v4().simple().to_string();
        self.name = format!("abuse-{}", &id[..12]);
        let body = json!({ "username": self.name, "password": id, "type": "user" });
        for path in ["signup", "signin"] {
            let answer = self.http.post(self.path(path)).json(&body).send().await;
            let answer = answer.map_err(|error| refused(&error))?;
            let status = answer.status();
            let answer: Value = answer.json().await.unwrap_or_default();
            let text = |key: &str| answer.get(key).and_then(Value::as_str);
            if !status.is_success() {
                let why = text("message").unwrap_or("no reason given");
                return Err(refused(&format!("{status}: {why}")));
            }
            if let Some(user) = text("userId") {
                user.clone_into(&mut self.user);
            }
            if let Some(token) = text("token") {
                token.clone_into(&mut self.token);
            }
        }
        Ok(())
    }

    async fn attack(self) {
        match self.attack {
            Attack::LongMessages => self.long_messages().await,
            Attack::Reconnects => self.reconnects().await,
            Attack::Signals => self.signals().await,
            Attack::Walks => self.walks().await,
            Attack::Pings => self.pings().await,
            Attack::Malformed => self.malformed().await,
            Attack::Sockets => self.sockets().await,
            Attack::HalfJoins => self.half_joins().await,
            Attack::Searches => self.searches().await,
            Attack::Spaces => self.create_spaces().await,
            Attack::Edits => self.edits().await,
            Attack::Uploads => self.uploads().await,
            Attack::Guesses => self.guesses().await,
            Attack::DirectMessages => self.direct_messages().await,
            Attack::Downloads => self.downloads().await,
            Attack::Unknown => self.unknown().await,
            Attack::Slow => self.slow().await,
        }
    }

    fn path(&self, path: &str) -> String {
        format!("{}/api/v1/{path}", self.url)
    }

    /// The space that this attacker joins; attackers are spread over all of them.
    fn space(&self) -> &str {
        let IpAddr::V4(address) = self.address else {
            return "";
        };
        let number = usize::from(address.octets()[3]) + self.attack as usize;
        let at = number % self.spaces.len().max(1);
        self.spaces.get(at).map_or("", String::as_str)
    }

    fn count(&self, outcome: AttackOutcome) {
        let mut all = self.outcomes.lock();
        let outcomes = all.entry(self.attack).or_default();
        let counter = match outcome {
            AttackOutcome::Taken => &mut outcomes.taken,
            AttackOutcome::Slowed => &mut outcomes.slowed,
            AttackOutcome::Refused => &mut outcomes.refused,
            AttackOutcome::Dropped => &mut outcomes.dropped,
            AttackOutcome::Failed => &mut outcomes.failed,
        };
        *counter += 1;
    }

    /// Counts the outcome, and pauses when going on at once would only keep this process busy.
    async fn count_and_pause(&self, outcome: AttackOutcome) {
        self.count(outcome);
        if outcome != AttackOutcome::Taken {
            sleep(PAUSE).await;
        }
    }

    /// The numbers of an attack's operations, until the time is over.
    fn operations(&self) -> impl Iterator<Item = u32> + use<> {
        let until = self.until;
        (0..MOST_OPERATIONS).take_while(move |_| Instant::now() < until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_servers_on_this_machine_are_attacked() {
        assert!(here("http://127.0.0.1:8080").is_ok());
        assert!(here("http://localhost:8080/").is_ok());
        assert!(here("http://[::1]:8080").is_ok());
        for other in [
            "http://10.0.0.1:8080",
            "http://example.org",
            "https://127.0.0.1",
            "8080",
        ] {
            assert!(here(other).is_err(), "{other}");
        }
    }

    #[test]
    fn outcomes_tell_slowed_from_refused() {
        assert_eq!(AttackOutcome::of_status(429), AttackOutcome::Slowed);
        assert_eq!(AttackOutcome::of_status(503), AttackOutcome::Slowed);
        assert_eq!(AttackOutcome::of_status(500), AttackOutcome::Failed);
        assert_eq!(AttackOutcome::of_status(403), AttackOutcome::Refused);
        assert_eq!(AttackOutcome::of_status(200), AttackOutcome::Taken);
        assert_eq!(AttackOutcome::of_close(Some(4429)), AttackOutcome::Slowed);
        assert_eq!(AttackOutcome::of_close(None), AttackOutcome::Dropped);
    }
}
