//! Bots: `plaza bots`: reads the options, shows how the run goes, and judges its report by the bounds given.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::{Args, ValueEnum};
use tokio_util::sync::CancellationToken;

use super::print;
use crate::bots::{self, Behaviour, Bounds, Collector, Settings};

/// Options of `bots`.
#[derive(Args)]
pub struct Bots {
    /// Where the server is
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    url: String,
    /// How many bots
    #[arg(long = "bots", default_value_t = 50)]
    count: u32,
    /// Spaces made for the run, the bots spread over them
    #[arg(long, default_value_t = 1)]
    spaces: u32,
    /// An existing space to join instead, by its id
    #[arg(long, conflicts_with = "spaces")]
    space: Option<String>,
    /// The map of the spaces made, by name; the largest when not given
    #[arg(long)]
    map: Option<String>,
    /// Moves of each bot per second
    #[arg(long, default_value_t = 10.0)]
    rate: f64,
    /// How long to measure, as in 90s or 5m
    #[arg(long = "for", default_value = "30s", value_parser = duration)]
    length: Duration,
    /// Bots that join per second, as in 50/s
    #[arg(long, default_value = "50/s", value_parser = per_second)]
    ramp: f64,
    /// What the bots do
    #[arg(long, value_enum, default_value_t = Behaviour::Wander)]
    behaviour: Behaviour,
    /// The same number walks the same ways
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Compare at the end what every bot sees with where everybody is
    #[arg(long)]
    verify: bool,
    /// Write the report to this file as JSON
    #[arg(long)]
    json: Option<PathBuf>,
    /// Fail when move-to-visible p99 is longer, as in 100ms
    #[arg(long, value_parser = duration)]
    max_p99: Option<Duration>,
    /// Fail when more bots are lost or do not get in
    #[arg(long)]
    max_lost: Option<u32>,
}

/// Runs the bots; `false` when a bound was broken.
pub async fn run(options: Bots) -> anyhow::Result<bool> {
    let settings = Settings {
        url: options.url,
        bots: options.count,
        spaces: options.spaces,
        space: options.space,
        map: options.map,
        rate: options.rate,
        length: options.length,
        ramp: options.ramp,
        behaviour: options.behaviour,
        seed: options.seed,
        verify: options.verify,
    };
    print::status(&format!(
        "{} bots, {} moves/s each, {}: signing up …",
        settings.bots,
        settings.rate,
        settings
            .behaviour
            .to_possible_value()
            .map_or(String::new(), |value| value.get_name().to_owned())
    ));
    let stop = CancellationToken::new();
    let stopping = stop.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            stopping.cancel();
        }
    });
    let count = settings.bots;
    let report = bots::run(&settings, stop, |seen| print::status(&progress(seen, count))).await?;
    print::status("");
    print::line(report.to_string().trim_end());
    if let Some(path) = options.json {
        let text = serde_json::to_string_pretty(&report)?;
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let broken = Bounds {
        max_p99: options.max_p99,
        max_lost: options.max_lost,
    }
    .broken_by(&report);
    for sentence in &broken {
        print::complain(&format!("plaza: {sentence}"));
    }
    Ok(broken.is_empty())
}

fn progress(seen: &Collector, count: u32) -> String {
    let near = seen.near();
    format!(
        "{:>3.0} %   {} of {count} in   {} frames   near p50 {:.0} ms, p99 {:.0} ms",
        seen.progress() * 100.0,
        seen.connected,
        seen.frames,
        near.p50,
        near.p99
    )
}

/// A number with `ms`, `s`, `m` or `h` behind it.
fn duration(text: &str) -> Result<Duration, String> {
    let at = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    let seconds = match unit {
        "ms" => 0.001,
        "s" | "" => 1.0,
        "m" => 60.0,
        "h" => 3_600.0,
        _ => return Err(format!("`{unit}` is no unit; use ms, s, m or h")),
    };
    let number: f64 = number.parse().map_err(|_| format!("`{number}` is no number"))?;
    Duration::try_from_secs_f64(number * seconds).map_err(|error| error.to_string())
}

/// A number, perhaps with `/s` behind it.
fn per_second(text: &str) -> Result<f64, String> {
    let number: f64 = text
        .trim_end_matches("/s")
        .parse()
        .map_err(|_| format!("`{text}` is not like 50/s"))?;
    if number > 0.0 && number.is_finite() {
        Ok(number)
    } else {
        Err("more than 0, please".into())
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
