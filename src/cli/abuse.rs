//! Abuse: `plaza abuse`, and the drill of `plaza chaos` that runs it while bots walk about, which
//! must not notice the attack.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use serde::Serialize;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::bots::duration;
use super::print;
use crate::bots::abuse::{self, AbuseReport, AbuseSettings, Attack};
use crate::bots::{self, Behaviour, BotSettings, Report};

/// Nice value of the attackers: they stand for other machines, so with few cores they run last.
const PRIORITY: i32 = 19;

/// Bots of the drill that measure how soon moves are seen.
const WATCHERS: u32 = 20;

/// Time for which they measure between the two attacks.
const CALM: Duration = Duration::from_secs(20);

/// Interval of the memory readings.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How many times later moves may be seen under attack, at the 99th percentile.
const SLOWER: f64 = 1.5;

/// How many times as much memory the attack may take as an equal one before it. What the server
/// does for attackers is bounded, and nothing adds up.
const LARGER: f64 = 1.2;

/// The metric that counts slowed requests.
const SLOWED: &str = "plaza_slowed_total";

/// Options of `abuse`.
#[derive(Args)]
pub struct Abuse {
    /// URL of a server process on this machine; several separated by commas
    #[arg(long, value_delimiter = ',', default_value = "http://127.0.0.1:8080")]
    url: Vec<String>,
    /// Id of a space to join; several separated by commas
    #[arg(long, value_delimiter = ',')]
    space: Vec<String>,
    /// How long, as in 90s or 5m: a third each with one account, from one address, and from many
    /// addresses
    #[arg(long = "for", default_value = "60s", value_parser = duration)]
    length: Duration,
    /// Number of attackers in the second and third part
    #[arg(long, default_value_t = 100)]
    crowd: u32,
    /// Attacks to run, separated by commas; all when not given
    #[arg(long, value_enum, value_delimiter = ',')]
    attacks: Vec<Attack>,
    /// Write the result to this file as JSON
    #[arg(long)]
    json: Option<PathBuf>,
}

/// Attacks; returns `false` when the server answered any request with an error of its own.
pub async fn run(options: Abuse) -> anyhow::Result<bool> {
    rustix::process::setpriority_process(None, PRIORITY)
        .context("cannot lower this process's priority")?;
    let settings = AbuseSettings {
        urls: options.url,
        spaces: options.space,
        length: options.length,
        crowd: options.crowd,
        attacks: options.attacks,
    };
    let report = abuse::run(&settings).await?;
    print::line(&table(&report));
    if let Some(path) = options.json {
        let text = serde_json::to_string_pretty(&report)?;
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(report.values().all(|outcomes| outcomes.failed == 0))
}

fn table(report: &AbuseReport) -> String {
    let head = "| attack | taken | slowed | refused | dropped | errors of the server \
        |\n|---|---:|---:|---:|---:|---:|";
    let lines = report.iter().map(|(attack, outcomes)| {
        format!(
            "| {} | {} | {} | {} | {} | {} |",
            clap::ValueEnum::to_possible_value(attack)
                .map_or(String::new(), |value| value.get_name().to_owned()),
            outcomes.taken,
            outcomes.slowed,
            outcomes.refused,
            outcomes.dropped,
            outcomes.failed
        )
    });
    std::iter::once(head.to_owned())
        .chain(lines)
        .collect::<Vec<_>>()
        .join("\n")
}

/// Target of the drill.
pub struct AttackTarget {
    /// URLs of the processes.
    pub urls: Vec<String>,
    /// Process ids of their servers.
    pub pids: Vec<i32>,
    /// Ids of the spaces that have players.
    pub spaces: Vec<String>,
}

/// What the drill measured.
#[derive(Debug, Serialize)]
struct DrillFigures {
    /// Near move-to-visible p99 before the attack, in milliseconds.
    calm: f64,
    /// The same under attack.
    attacked: f64,
    /// Memory of all processes before any attack, in MiB.
    memory: f64,
    /// Largest memory of all processes under the first attack, in MiB.
    warm_memory: f64,
    /// Largest memory of all processes under the attack that is judged, in MiB.
    most_memory: f64,
    /// Requests that the servers slowed, by their metric.
    slowed: u64,
    /// Bots that could not join under attack.
    locked_out: u32,
    /// Connections of bots that were lost.
    lost: u32,
}

/// Result of the drill.
#[derive(Debug, Serialize)]
pub struct DrillVerdict {
    #[serde(flatten)]
    figures: DrillFigures,
    /// The limits that were broken, each as a sentence.
    faults: Vec<String>,
}

impl DrillFigures {
    /// The limits that were broken, each as a sentence.
    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut must = |is_so: bool, fault: String| {
            if !is_so {
                faults.push(fault);
            }
        };
        must(
            self.attacked <= self.calm * SLOWER,
            format!(
                "moves are seen after {:.0} ms (p99); without the attack, {:.0} ms",
                self.attacked, self.calm
            ),
        );
        must(
            self.most_memory <= self.warm_memory * LARGER,
            format!(
                "memory grew from {:.0} to {:.0} MiB",
                self.warm_memory, self.most_memory
            ),
        );
        must(
            self.slowed > 0,
            format!("`{SLOWED}` counted nothing in any process"),
        );
        must(
            self.locked_out == 0 && self.lost == 0,
            format!(
                "{} bots could not join, {} were disconnected",
                self.locked_out, self.lost
            ),
        );
        faults
    }
}

impl DrillVerdict {
    fn of(figures: DrillFigures) -> Self {
        let faults = figures.faults();
        Self { figures, faults }
    }

    /// The limits that were broken, each as a sentence.
    pub fn faults(&self) -> &[String] {
        &self.faults
    }

    /// Whether every limit held.
    pub const fn is_passed(&self) -> bool {
        self.faults.is_empty()
    }
}

impl std::fmt::Display for DrillVerdict {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let figures = &self.figures;
        writeln!(
            formatter,
            "abuse: moves seen p99 {:.0} ms in the calm, {:.0} ms under attack; memory {:.0} MiB, \
            {:.0} MiB at most in a first attack, {:.0} MiB at most in an equal one; \
            {} requests and messages slowed; {} bots locked out, {} cut",
            figures.calm,
            figures.attacked,
            figures.memory,
            figures.warm_memory,
            figures.most_memory,
            figures.slowed,
            figures.locked_out,
            figures.lost
        )?;
        if self.is_passed() {
            write!(
                formatter,
                "abuse: passed: p99 is at most {SLOWER} times as long, memory at most {LARGER} \
                times as large as in the first attack"
            )
        } else {
            write!(formatter, "abuse: failed: {}", self.faults.join("; "))
        }
    }
}

/// Attacks the processes for that long, while bots walk in the same spaces. An equal attack before
/// shows how much memory one takes.
pub async fn drill(target: &AttackTarget, length: Duration) -> anyhow::Result<DrillVerdict> {
    let memory = memory(&target.pids);
    let mut first = attackers(target, length)?;
    let warm_memory = most_memory(&target.pids, length).await;
    first.wait().await?;
    let calm = watch(target, CALM).await?;
    let slowed = slowed(&target.urls).await;
    let mut second = attackers(target, length)?;
    let (attacked, most_memory) =
        tokio::join!(watch(target, length), most_memory(&target.pids, length));
    let attacked = attacked?;
    second.wait().await?;
    Ok(DrillVerdict::of(DrillFigures {
        calm: calm.near.p99,
        attacked: attacked.near.p99,
        memory,
        warm_memory,
        most_memory,
        slowed: self::slowed(&target.urls).await.saturating_sub(slowed),
        locked_out: attacked.failed,
        lost: attacked.lost,
    }))
}

/// Starts `plaza abuse` against the processes.
fn attackers(target: &AttackTarget, length: Duration) -> anyhow::Result<Child> {
    let program = std::env::current_exe().context("cannot find this program")?;
    Command::new(program)
        .args([
            "abuse",
            "--url",
            &target.urls.join(","),
            "--space",
            &target.spaces.join(","),
        ])
        .args(["--for", &format!("{}s", length.as_secs())])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("cannot start the attackers")
}

/// Runs bots in the same spaces and returns what they see.
async fn watch(target: &AttackTarget, length: Duration) -> anyhow::Result<Report> {
    let settings = BotSettings {
        url: target
            .urls
            .first()
            .cloned()
            .context("there is no process to attack")?,
        bots: WATCHERS,
        space: target.spaces.first().cloned(),
        length,
        ramp: f64::from(WATCHERS),
        behaviour: Behaviour::Crowd,
        watchers: WATCHERS,
        ..BotSettings::default()
    };
    Ok(bots::run(&settings, CancellationToken::new(), |_| {}).await?)
}

async fn most_memory(pids: &[i32], length: Duration) -> f64 {
    let until = Instant::now() + length;
    let mut most = 0.0_f64;
    while Instant::now() < until {
        most = most.max(memory(pids));
        sleep(LOOK_EVERY).await;
    }
    most
}

/// Memory of the processes, in MiB.
fn memory(pids: &[i32]) -> f64 {
    let resident = |pid: &i32| {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.split_whitespace().next()?.parse::<f64>().ok()
    };
    pids.iter().filter_map(resident).sum::<f64>() / 1024.0
}

/// Requests that all processes slowed.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the counters of Prometheus are whole and not negative"
)]
async fn slowed(urls: &[String]) -> u64 {
    let mut sum = 0.0;
    for url in urls {
        let Ok(answer) = reqwest::get(format!("{url}/metrics")).await else {
            continue;
        };
        let text = answer.text().await.unwrap_or_default();
        let lines = text.lines().filter(|line| line.starts_with(SLOWED));
        sum += lines
            .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
            .sum::<f64>();
    }
    sum as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Exactly at the limits.
    const FIGURES: DrillFigures = DrillFigures {
        calm: 50.0,
        attacked: 75.0,
        memory: 50.0,
        warm_memory: 100.0,
        most_memory: 120.0,
        slowed: 1,
        locked_out: 0,
        lost: 0,
    };

    #[test]
    fn a_drill_within_the_limits_is_passed() {
        let verdict = DrillVerdict::of(FIGURES);
        assert!(verdict.is_passed());
        let said = verdict.to_string();
        assert!(said.contains("passed: p99 is at most 1.5 times"), "{said}");
        let json = serde_json::to_value(verdict).unwrap();
        assert_eq!(json["attacked"], 75.0);
        assert_eq!(json["faults"], serde_json::json!([]));
    }

    #[test]
    fn each_broken_limit_is_named() {
        for (figures, fault) in [
            (
                DrillFigures {
                    attacked: 76.0,
                    ..FIGURES
                },
                "moves are seen after 76 ms",
            ),
            (
                DrillFigures {
                    most_memory: 121.0,
                    ..FIGURES
                },
                "memory grew from 100 to 121 MiB",
            ),
            (
                DrillFigures {
                    slowed: 0,
                    ..FIGURES
                },
                "counted nothing",
            ),
            (
                DrillFigures {
                    locked_out: 1,
                    ..FIGURES
                },
                "1 bots could not join",
            ),
            (DrillFigures { lost: 1, ..FIGURES }, "1 were disconnected"),
        ] {
            let verdict = DrillVerdict::of(figures);
            assert!(!verdict.is_passed());
            let said = verdict.to_string();
            assert!(said.contains("failed: ") && said.contains(fault), "{said}");
            assert_eq!(verdict.faults.len(), 1, "{said}");
        }
    }
}
