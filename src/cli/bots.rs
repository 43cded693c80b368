//! Bots: `plaza bots` reads the options, shows the progress of the run, and judges its report by
//! the bounds given.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio_util::sync::CancellationToken;

use super::print;
use crate::bots::{self, Behaviour, BotSettings, Bounds, Progress, Protocol};

/// Interval of the progress lines when the output is not a terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Steps of the progress bar.
const STEPS: u32 = 1_000;

/// Options of `bots`.
#[derive(Args)]
pub struct Bots {
    /// URL of the server
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    url: String,
    /// Number of bots
    #[arg(long = "bots", default_value_t = 50)]
    count: u32,
    /// Number of spaces to create, over which the bots are spread
    #[arg(long, default_value_t = 1)]
    spaces: u32,
    /// Id of an existing space to join instead
    #[arg(long, conflicts_with = "spaces")]
    space: Option<String>,
    /// Map of the created spaces, by name; the largest when not given
    #[arg(long)]
    map: Option<String>,
    /// Protocol of the bots
    #[arg(long, value_enum, default_value_t = Protocol::Binary)]
    protocol: Protocol,
    /// Moves of each bot per second: steps of a held direction, or tiles with JSON [default: 10,
    /// with JSON 4]
    #[arg(long, value_parser = per_second)]
    rate: Option<f64>,
    /// How long to measure, as in 90s or 5m
    #[arg(long = "for", default_value = "30s", value_parser = duration)]
    length: Duration,
    /// Bots that join per second, as in 50/s
    #[arg(long, default_value = "50/s", value_parser = per_second)]
    ramp: f64,
    /// Behaviour of the bots
    #[arg(long, value_enum, default_value_t = Behaviour::Wander)]
    behaviour: Behaviour,
    /// Send voice and camera to nearby bots, where the server forwards calls
    #[arg(long)]
    media: bool,
    /// Seed: the same number gives the same walks
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Compare every bot's view with all positions at the end
    #[arg(long)]
    verify: bool,
    /// About how many bots watch others and measure what they see, the others count frames; with
    /// --verify all watch (binary)
    #[arg(long, default_value_t = 500)]
    watchers: u32,
    /// Write the report to this file as JSON
    #[arg(long)]
    json: Option<PathBuf>,
    /// Fail when the near move-to-visible p99 is longer, as in 100ms
    #[arg(long, value_parser = duration)]
    max_p99: Option<Duration>,
    /// Fail when the far move-to-visible p99 is longer
    #[arg(long, value_parser = duration)]
    max_far_p99: Option<Duration>,
    /// Fail when the join p99 is longer
    #[arg(long, value_parser = duration)]
    max_join_p99: Option<Duration>,
    /// Fail when a bot waited longer for a frame
    #[arg(long, value_parser = duration)]
    max_gap: Option<Duration>,
    /// Fail when more connections are lost or fail
    #[arg(long)]
    max_lost: Option<u32>,
    /// Fail when bots missed more chat messages
    #[arg(long)]
    max_missing: Option<u64>,
}

/// Runs the bots; returns `false` when a bound was broken.
pub async fn run(options: Bots) -> anyhow::Result<bool> {
    let bounds = Bounds {
        max_p99: options.max_p99,
        max_far_p99: options.max_far_p99,
        max_join_p99: options.max_join_p99,
        max_gap: options.max_gap,
        max_lost: options.max_lost,
        max_missing: options.max_missing,
    };
    anyhow::ensure!(
        !options.media || options.protocol == Protocol::Binary,
        "--media needs --protocol binary: only binary clients reach the SFU"
    );
    let settings = BotSettings {
        url: options.url,
        bots: options.count,
        spaces: options.spaces,
        space: options.space,
        map: options.map,
        protocol: options.protocol,
        rate: options.rate,
        length: options.length,
        ramp: options.ramp,
        behaviour: options.behaviour,
        seed: options.seed,
        media: options.media,
        keeps_chat: false,
        verify: options.verify,
        watchers: options.watchers,
    };
    let stop = CancellationToken::new();
    let stopping = stop.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            stopping.cancel();
        }
    });
    let mut screen = Screen::new(&settings);
    let report = bots::run(&settings, stop, |progress| screen.show(progress)).await;
    screen.clear();
    let report = report?;
    print::line(report.to_string().trim_end());
    if let Some(path) = options.json {
        let text = serde_json::to_string_pretty(&report)?;
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let broken = bounds.broken_by(&report);
    for sentence in &broken {
        print::complain(&format!("plaza: {sentence}"));
    }
    Ok(broken.is_empty())
}

/// Progress of the run: redrawn in place on a terminal, otherwise a line now and then.
struct Screen {
    bar: Option<ProgressBar>,
    count: u32,
    shown: Option<Instant>,
}

impl Screen {
    fn new(settings: &BotSettings) -> Self {
        let name = |value: Option<clap::builder::PossibleValue>| {
            value.map_or(String::new(), |it| it.get_name().into())
        };
        let title = format!(
            "{} bots at {}: {}, {} moves/s each, {}",
            settings.bots,
            settings.url,
            name(settings.behaviour.to_possible_value()),
            settings.rate(),
            name(settings.protocol.to_possible_value()),
        );
        let bar = std::io::stdout().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(
                Some(STEPS.into()),
                ProgressDrawTarget::stderr_with_hz(4),
            );
            let style = ProgressStyle::with_template(
                "{prefix:.bold}\n{bar:48.cyan/blue} {percent:>3} %  {elapsed}\n{msg}",
            );
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.set_prefix(title.clone());
            bar.set_message("signing up …");
            bar
        });
        if bar.is_none() {
            print::complain(&title);
        }
        Self {
            bar,
            count: settings.bots,
            shown: None,
        }
    }

    fn show(&mut self, progress: &Progress) {
        if let Some(bar) = &self.bar {
            bar.set_position(steps(progress.done));
            bar.set_message(lines(progress, self.count).join("\n"));
        } else if is_due(self.shown) {
            self.shown = Some(now());
            let percent = progress.done * 100.0;
            print::complain(&format!(
                "{percent:.0} %  {}",
                lines(progress, self.count).join("  ")
            ));
        }
    }

    fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share is between 0 and 1"
)]
fn steps(share: f64) -> u64 {
    (share * f64::from(STEPS)) as u64
}

fn is_due(shown: Option<Instant>) -> bool {
    shown.is_none_or(|shown| now() >= shown + LINE_EVERY)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a screen is refreshed in real time"
)]
fn now() -> Instant {
    Instant::now()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "rates are shown with a few digits"
)]
fn lines(progress: &Progress, count: u32) -> [String; 3] {
    let Progress {
        inside,
        failed,
        lost,
        reconnects,
        ..
    } = progress;
    let bots =
        format!("bots  {inside} of {count} in, {failed} failed, {lost} lost, {reconnects} back");
    if progress.seconds <= 0.0 {
        return [bots, "coming in; nothing counts yet".into(), String::new()];
    }
    let (frames, bytes) = (progress.frames as f64, progress.bytes as f64 / 1e6);
    let seconds = progress.seconds;
    let rate = format!(
        "all   {:.0} frames/s, {:.2} MB/s",
        frames / seconds,
        bytes / seconds
    );
    let seen = format!(
        "seen  near p50 {:.0} ms, p99 {:.0} ms; far p50 {:.0} ms, p99 {:.0} ms",
        progress.near.p50, progress.near.p99, progress.far.p50, progress.far.p99
    );
    [bots, rate, seen]
}

/// Parses a number followed by `ms`, `s`, `m`, `h` or `d`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let at = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    let seconds = match unit {
        "ms" => 0.001,
        "s" | "" => 1.0,
        "m" => 60.0,
        "h" => 3_600.0,
        "d" => 86_400.0,
        _ => return Err(format!("unknown unit `{unit}`; use ms, s, m, h or d")),
    };
    let number: f64 = number
        .parse()
        .map_err(|_| format!("`{number}` is not a number"))?;
    Duration::try_from_secs_f64(number * seconds).map_err(|error| error.to_string())
}

/// Parses a number, with or without `/s`.
fn per_second(text: &str) -> Result<f64, String> {
    let number: f64 = text
        .trim_end_matches("/s")
        .parse()
        .map_err(|_| format!("`{text}` is not like 50/s"))?;
    if number > 0.0 && number.is_finite() {
        Ok(number)
    } else {
        Err("the rate must be above 0".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_rates_are_read() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("100ms"), Ok(Duration::from_millis(100)));
        assert_eq!(duration("1.5m"), Ok(Duration::from_secs(90)));
        assert_eq!(per_second("50/s"), Ok(50.0));
        assert_eq!(per_second("0.5"), Ok(0.5));
        for nonsense in ["", "s", "5x", "-1s", "1e400s"] {
            assert!(duration(nonsense).is_err(), "{nonsense}");
        }
        for nonsense in ["", "0/s", "-1", "inf"] {
            assert!(per_second(nonsense).is_err(), "{nonsense}");
        }
    }
}
