//! Bots: the load tester behind `plaza bots`: many players from one process, who walk and chat, and
//! what they saw.
//!
//! May use `net::protocol` and `net::codec` for the bytes. Never: anything of the server's inside;
//! it talks to a server over HTTP, WebSockets and WebRTC only, like any client.
//! `docs/load-testing.md` says how each number is measured.

#![expect(
    clippy::disallowed_methods,
    reason = "a load tester measures real time"
)]

pub mod abuse;
mod account;
mod binary;
mod bot;
mod caller;
mod cursor;
mod dialect;
mod json;
mod mind;
mod report;
mod shared;
mod tally;
mod view;
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
use self::shared::{BotSpace, Shared, TrackedBot};
use self::tally::Tally;

/// Between the last join and the measured time: what is seen meanwhile does not count.
const WARM_UP: Duration = Duration::from_secs(2);

/// After the measured time bots stand still for so long: their last views can be compared.
const REST: Duration = Duration::from_millis(1_500);

/// How often the screen is told.
const REFRESH: Duration = Duration::from_millis(250);

/// What a run should be like.
#[derive(Debug, Clone)]
pub struct BotSettings {
    /// Where the server is, `http://host:port`.
    pub url: String,
    /// How many bots.
    pub bots: u32,
    /// Spread over how many spaces, made for the run; 0 to use `space`.
    pub spaces: u32,
    /// An existing space to join instead.
    pub space: Option<String>,
    /// The map of the spaces made, by name; the largest when absent.
    pub map: Option<String>,
    /// What they speak.
    pub protocol: Protocol,
    /// Moves of each bot per second; as fits the protocol when absent.
    pub rate: Option<f64>,
    /// How long to measure.
    pub length: Duration,
    /// Bots that join per second.
    pub ramp: f64,
    /// What they do.
    pub behaviour: Behaviour,
    /// The same number walks the same ways.
    pub seed: u64,
    /// Whether the spaces made keep what is said.
    pub keeps_chat: bool,
    /// Whether bots send a voice and a camera, and take what comes, where the forwarding unit
    /// carries calls.
    pub media: bool,
    /// Whether every bot's view is compared with where everybody is, at the end.
    pub verify: bool,
    /// About how many bots look at others and measure what they see. The others count frames.
    pub watchers: u32,
}

impl Default for BotSettings {
    /// One bot that stands still for no time at all.
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
    /// Moves of each bot per second: on the tile grid somewhat slower than people walk, since
    /// faster ones are rejected.
    pub fn rate(&self) -> f64 {
        let usual = match self.protocol {
            Protocol::Binary => 10.0,
            Protocol::Json => 4.0,
        };
        self.rate.unwrap_or(usual)
    }

    /// Whether a bot looks at others. Those who do are scattered over all bots, whatever the spaces
    /// these are dealt out to.
    fn watches(&self, bot: u32) -> bool {
        let scattered = u64::from(bot.wrapping_mul(0x9e37_79b1));
        self.verify || scattered * u64::from(self.bots) < u64::from(self.watchers) << u32::BITS
    }
}

/// What bots speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// `plaza.v1`, as the game client does.
    Binary,
    /// The JSON WebSocket of the tile grid.
    Json,
}

/// What bots do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Behaviour {
    /// Walks about.
    Wander,
    /// Walks about close to where it arrived, so that everybody is in view of everybody.
    Crowd,
    /// Stands still.
    Idle,
    /// Walks about and says something now and then.
    Chat,
    /// Groups of up to six walk up to each other, stand together and chat, go apart, and find other
    /// groups.
    Party,
}

/// How a run goes, for whoever watches it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Progress {
    /// From 0 to 1.
    pub done: f64,
    /// Whether what is seen counts by now.
    pub measures: bool,
    /// Bots in now.
    pub inside: u32,
    /// Bots that did not come in.
    pub failed: u32,
    /// Connections lost so far.
    pub lost: u32,
    /// Connections made again so far.
    pub reconnects: u32,
    /// Of all bots, since the measured time began.
    pub frames: u64,
    /// The same.
    pub bytes: u64,
    /// Seconds measured so far.
    pub seconds: f64,
    /// Move-to-visible so far.
    pub near: Latency,
    /// For others farther off.
    pub far: Latency,
}

/// Runs the bots and says what they saw. Cancelled early, it reports what there is.
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
    for (number, token) in tokens.into_iter().enumerate() {
        let plan = BotTask {
            number: number as u32,
            url: settings.url.clone(),
            token,
            room: number % shared.rooms.len(),
            protocol: settings.protocol,
            behaviour: settings.behaviour,
            media: settings.media,
            watches: settings.watches(number as u32),
            rate: settings.rate(),
            seed: settings.seed,
            join_at: (number as f64 / settings.ramp.max(0.1) * 1e6) as u64,
        };
        bots.spawn(Bot::new(plan, Arc::clone(&shared), done.clone()).run());
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
    let count = accounts.people.len();
    let spaces = accounts.spaces.len().max(1);
    let joining = Duration::from_secs_f64(count as f64 / settings.ramp.max(0.1));
    let from = (joining + WARM_UP).as_micros() as u64;
    let rooms = accounts
        .spaces
        .into_iter()
        .enumerate()
        .map(|(room, space)| {
            let members = (room..count)
                .step_by(spaces)
                .map(|bot| bot as u32)
                .collect();
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
        until: from + settings.length.as_micros() as u64,
        bots: (0..count).map(|_| TrackedBot::new()).collect(),
        rooms: rooms.collect(),
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
    let end = shared.until + REST.as_micros() as u64;
    Progress {
        done: (now as f64 / end as f64).min(1.0),
        measures: shared.counts(now),
        inside: all.inside.max(0) as u32,
        failed: all.failed,
        lost: all.lost,
        reconnects: all.reconnects,
        frames: all.frames,
        bytes: all.bytes,
        seconds: now.min(shared.until).saturating_sub(shared.from) as f64 / 1e6,
        near: report::latency(&all.near),
        far: report::latency(&all.far),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn about_as_many_watch_as_asked_for_in_every_space() {
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
