//! Bots: the load tester behind `plaza bots`: many players from one process, who walk and chat, and what they saw.
//!
//! May use `net::protocol` and `net::codec` for the bytes. Never: anything of the server's inside; it talks to a server over
//! HTTP and WebSockets only, like any client.

#![expect(clippy::disallowed_methods, reason = "a load tester measures real time")]

mod account;
mod bot;
mod report;
mod world;

use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use self::account::AccountError;
use self::account::Accounts;
use self::bot::{Bot, Plan};
pub use self::report::{Bounds, Collector, Report};

/// What a run should be like.
#[derive(Debug, Clone)]
pub struct Settings {
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
    /// Moves of each bot per second.
    pub rate: f64,
    /// How long to measure.
    pub length: Duration,
    /// Bots that join per second.
    pub ramp: f64,
    /// What they do.
    pub behaviour: Behaviour,
    /// The same number walks the same ways.
    pub seed: u64,
    /// Whether every bot's view is compared with where everybody is, at the end.
    pub verify: bool,
}

/// What bots do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Behaviour {
    /// Walks about.
    Wander,
    /// Walks about close to where it arrived, so that everybody is in view of everybody.
    Crowd,
    /// Stands still.
    Idle,
    /// Walks about and says something now and then.
    Chat,
}

/// Runs the bots and says what they saw. Cancelled early, it reports what there is.
pub async fn run(
    settings: &Settings,
    stop: CancellationToken,
    mut progress: impl FnMut(&Collector),
) -> Result<Report, AccountError> {
    let accounts = Accounts::prepare(settings, &stop).await?;
    let (sender, mut seen) = mpsc::unbounded_channel();
    let mut bots = JoinSet::new();
    let started = Instant::now();
    let count = accounts.tokens.len();
    let joining = Duration::from_secs_f64(count as f64 / settings.ramp.max(0.1));
    // What is seen while bots still come in, and in the second after, does not count.
    let measure_from = started + joining + Duration::from_secs(2);
    let measure_until = measure_from + settings.length;
    let done = CancellationToken::new();
    for (number, token) in accounts.tokens.into_iter().enumerate() {
        let bot = Bot {
            plan: Plan {
                number: number as u32,
                url: settings.url.clone(),
                token,
                space: accounts.spaces[number % accounts.spaces.len()].clone(),
                room: (number % accounts.spaces.len()) as u32,
                behaviour: settings.behaviour,
                rate: settings.rate,
                seed: settings.seed,
                join_at: started + Duration::from_secs_f64(number as f64 / settings.ramp.max(0.1)),
                rest_from: measure_until,
            },
            observations: sender.clone(),
            stop: done.clone(),
        };
        bots.spawn(bot.run());
    }
    drop(sender);
    let mut collector = Collector::new(count as u32, measure_from, measure_until);
    let mut refresh = tokio::time::interval(Duration::from_millis(500));
    // After the measured time bots stand still for a second, so that their last views can be compared.
    let end = tokio::time::sleep_until((measure_until + Duration::from_millis(1_500)).into());
    tokio::pin!(end);
    let mut batch = Vec::new();
    loop {
        tokio::select! {
            count = seen.recv_many(&mut batch, 4_096) => {
                if count == 0 {
                    break;
                }
                for observation in batch.drain(..) {
                    collector.take(observation);
                }
            }
            _ = refresh.tick() => progress(&collector),
            () = &mut end, if !done.is_cancelled() => done.cancel(),
            () = stop.cancelled(), if !done.is_cancelled() => done.cancel(),
        }
    }
    while bots.join_next().await.is_some() {}
    progress(&collector);
    Ok(collector.report(settings.verify))
}
