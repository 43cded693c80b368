//! Bots: the load tester behind `plaza bots`. One process runs many clients that walk and chat, and
//! reports what they saw.
//!
//! May use `net::protocol` and `net::codec` for the bytes. Never: anything inside the server; bots
//! reach it over HTTP, WebSockets and WebRTC only, like any client. `docs/load-testing.md` says how
//! each number is measured.

#![expect(
    clippy::disallowed_methods,
    reason = "a load tester measures real time"
)]

pub mod abuse;
mod account;
mod answer;
mod binary;
mod bot;
mod caller;
mod cursor;
mod decode_error;
mod json;
mod mind;
mod protocol;
mod report;
mod result;
mod shared;
mod tally;
mod view;
mod watcher;
mod wire;
pub mod witness;

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde::Serialize;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use self::account::AccountError;
use self::account::Accounts;
use self::bot::{Bot, BotTask};
pub use self::report::{Bounds, Latency, Report};
use self::shared::{BotSpace, Shared, TrackedBot, micros};
use self::tally::Tally;

/// Time between the last join and the measured time; nothing counts yet.
const WARM_UP: Duration = Duration::from_secs(2);

/// Time for which bots stand still after the measured time, so that their last views can be
/// compared.
const REST: Duration = Duration::from_millis(1_500);

/// Interval of the progress updates.
const REFRESH: Duration = Duration::from_millis(250);

/// Settings of a run.
#[derive(Debug, Clone)]
pub struct BotSettings {
    /// URL of the server, `http://host:port`.
    pub url: String,
    /// Number of bots.
    pub bots: u32,
    /// Number of spaces made for the run, over which bots are spread.
    pub spaces: u32,
    /// Id of an existing space to join instead.
    pub space: Option<String>,
    /// Name of the map of the created spaces; the largest map when absent.
    pub map: Option<String>,
    /// Protocol of the bots.
    pub protocol: Protocol,
    /// Moves of each bot per second; the protocol's usual rate when absent.
    pub rate: Option<f64>,
    /// Measured time.
    pub length: Duration,
    /// Bots that join per second.
    pub ramp: f64,
    /// Behaviour of the bots.
    pub behaviour: Behaviour,
    /// Seed of the bots' decisions; the same seed gives the same walks.
    pub seed: u64,
    /// Whether the created spaces store chat messages.
    pub keeps_chat: bool,
    /// Whether bots send voice and camera, and receive the streams of others, where the SFU carries
    /// calls.
    pub media: bool,
    /// Whether every bot's view is compared with all positions at the end.
    pub verify: bool,
    /// About how many bots watch other players and measure what they see; the others count frames.
    pub watchers: u32,
}

impl Default for BotSettings {
    /// One bot that stands still, for no time.
    fn default() -> Self {
        Self {
            url: String::new(),
            bots: 1,
            spaces: 1,
            space: None,
            map: None,
            protocol: Protocol::Binary,
            rate: None,
            length: Duration::ZERO,
            ramp: 1.0,
            behaviour: Behaviour::Idle,
            seed: 1,
            keeps_chat: false,
            media: false,
            verify: false,
            watchers: 0,
        }
    }
}

impl BotSettings {
    /// Moves of each bot per second. JSON bots walk somewhat slower than people, since faster moves
    /// are rejected.
    pub fn rate(&self) -> f64 {
        let usual = match self.protocol {
            Protocol::Binary => 10.0,
            Protocol::Json => 4.0,
        };
        self.rate.unwrap_or(usual)
    }

    /// Time in which that many bots join.
    fn joining(&self, bots: u32) -> Duration {
        Duration::from_secs_f64(f64::from(bots) / self.ramp.max(0.1))
    }

    /// Whether a bot watches other players. The watchers are scattered evenly over all bots, so
    /// every space has its share.
    fn watches(&self, bot: u32) -> bool {
        let scattered = u64::from(bot.wrapping_mul(0x9e37_79b1));
        self.verify || scattered * u64::from(self.bots) < u64::from(self.watchers) << u32::BITS
    }
}

/// Protocol of the bots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// `plaza.v1`, as the web client speaks.
    Binary,
    /// The JSON protocol.
    Json,
}

/// Behaviour of the bots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Behaviour {
    /// Walks about.
    Wander,
    /// Walks about close to its arrival point, so that all bots are in view of each other.
    Crowd,
    /// Stands still.
    Idle,
    /// Walks about and sends a message now and then.
    Chat,
    /// Groups of up to six bots meet, stand together and chat, part, and form other groups.
    Party,
}

/// Progress of a run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Progress {
    /// Finished share of the run, from 0 to 1.
    pub done: f64,
    /// Whether the measured time has begun.
    pub measures: bool,
    /// Bots in a space now.
    pub inside: u32,
    /// Bots that could not join.
    pub failed: u32,
    /// Connections lost so far.
    pub lost: u32,
    /// Connections that were made again so far.
    pub reconnects: u32,
    /// Frames received by all bots since the measured time began.
    pub frames: u64,
    /// Bytes received by all bots since the measured time began.
    pub bytes: u64,
    /// Seconds measured so far.
    pub seconds: f64,
    /// Move-to-visible latency of the nearest players so far.
    pub near: Latency,
    /// Move-to-visible latency of the other players so far.
    pub far: Latency,
}

/// Runs the bots and returns what they saw. When cancelled early, it reports what there is.
pub async fn run(
    settings: &BotSettings,
    stop: CancellationToken,
    mut progress: impl FnMut(&Progress),
) -> Result<Report, AccountError> {
    let accounts = Accounts::prepare(settings, &stop).await?;
    let tokens: Vec<String> = accounts
        .people
        .iter()
        .map(|person| person.token.clone())
        .collect();
    let shared = Arc::new(share(settings, accounts));
    let done = CancellationToken::new();
    let mut bots = JoinSet::new();
    let spaces = (0..shared.spaces.len()).cycle();
    for ((number, token), space) in (0..).zip(tokens).zip(spaces) {
        let task = BotTask {
            number,
            url: settings.url.clone(),
            token,
            space,
            protocol: settings.protocol,
            behaviour: settings.behaviour,
            media: settings.media,
            watches: settings.watches(number),
            rate: settings.rate(),
            seed: settings.seed,
            join_at: micros(settings.joining(number)),
        };
        bots.spawn(Bot::new(task, Arc::clone(&shared), done.clone()).run());
    }
    let mut refresh = tokio::time::interval(REFRESH);
    refresh.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let end = shared.started + Duration::from_micros(shared.until) + REST;
    let mut ended = None;
    let mut outcomes = Vec::new();
    while !bots.is_empty() {
        tokio::select! {
            outcome = bots.join_next() => outcomes.extend(outcome.and_then(Result::ok)),
            _ = refresh.tick() => progress(&so_far(&shared)),
            () = over(end, &stop), if ended.is_none() => {
                ended = Some(shared.now());
                done.cancel();
            }
        }
    }
    Ok(Report::new(
        settings,
        &shared,
        &outcomes,
        ended.unwrap_or(shared.now()),
    ))
}

async fn over(end: Instant, stop: &CancellationToken) {
    tokio::select! {
        () = tokio::time::sleep_until(end.into()) => {}
        () = stop.cancelled() => {}
    }
}

fn share(settings: &BotSettings, accounts: Accounts) -> Shared {
    let count = u32::try_from(accounts.people.len()).expect("bots are numbered in 32 bits");
    let spaces = accounts.spaces.len().max(1);
    let from = micros(settings.joining(count) + WARM_UP);
    let of_run = (0..).zip(accounts.spaces).map(|(index, space)| {
        let members = (index..count).step_by(spaces).collect();
        BotSpace::new(space.id, space.blocked, members)
    });
    let users = accounts
        .people
        .iter()
        .zip(0..)
        .map(|(person, bot)| (person.user, bot));
    let shards = std::thread::available_parallelism().map_or(1, usize::from);
    Shared {
        started: Instant::now(),
        from,
        until: from + micros(settings.length),
        bots: (0..count).map(|_| TrackedBot::new()).collect(),
        spaces: of_run.collect(),
        users: users.collect(),
        mark: accounts.mark,
        tallies: (0..shards).map(|_| Mutex::new(Tally::new())).collect(),
    }
}

fn so_far(shared: &Shared) -> Progress {
    let mut all = Tally::new();
    for tally in &shared.tallies {
        all.add(&tally.lock());
    }
    let now = shared.now();
    let end = Duration::from_micros(shared.until) + REST;
    Progress {
        done: Duration::from_micros(now).div_duration_f64(end).min(1.0),
        measures: shared.counts(now),
        inside: u32::try_from(all.inside).unwrap_or(0),
        failed: all.failed,
        lost: all.lost,
        reconnects: all.reconnects,
        frames: all.frames,
        bytes: all.bytes,
        seconds: Duration::from_micros(now.min(shared.until).saturating_sub(shared.from))
            .as_secs_f64(),
        near: report::latency(&all.near),
        far: report::latency(&all.far),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_space_has_about_its_share_of_watchers() {
        let watchers = |bots: u32, spaces: u32, watchers: u32, verify: bool| -> Vec<usize> {
            let settings = BotSettings {
                bots,
                verify,
                watchers,
                ..BotSettings::default()
            };
            let of = |space: u32| {
                (space..bots)
                    .step_by(spaces as usize)
                    .filter(|bot| settings.watches(*bot))
            };
            (0..spaces).map(|space| of(space).count()).collect()
        };
        for space in watchers(2_500, 5, 500, false) {
            assert!((95..=105).contains(&space), "{space} of five hundred");
        }
        assert_eq!(watchers(400, 1, 500, false), [400]);
        assert_eq!(watchers(2_500, 1, 500, true), [2_500]);
    }
}
