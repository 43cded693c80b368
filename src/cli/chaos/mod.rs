//! Chaos: `plaza chaos` causes every failure that a cluster is built to survive, and prints what
//! clients saw of it.

mod cluster;
mod drills;
mod rows;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::{Instant, sleep};

use self::cluster::{ClusterInfo, NodeState};
use self::drills::Drill;
use self::rows::{Row, milliseconds, row, table};
use super::abuse::{self, DrillVerdict};
use super::print;
use crate::bots::witness::{Unsettled, Witnesses};
use crate::cluster::census::Census;
use crate::cluster::orders::Orders;

/// Undisturbed time before each drill.
const CALM: Duration = Duration::from_secs(2);

/// How long a stopped process stands still.
const STILL: Duration = Duration::from_secs(5);

/// Length of the attack.
const ABUSE: Duration = Duration::from_mins(1);

/// How long the cluster may take to recover.
const PATIENCE: Duration = Duration::from_mins(1);

/// Interval of the checks.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Options of `chaos`.
#[derive(Args)]
pub struct Chaos {
    /// The file that `make cluster` wrote about the cluster
    #[arg(
        long,
        value_name = "FILE",
        default_value = "target/cluster/cluster.json"
    )]
    cluster: PathBuf,
    /// Number of clients that watch
    #[arg(long, default_value_t = 200)]
    bots: u32,
    /// Number of spaces they are spread over
    #[arg(long, default_value_t = 20)]
    spaces: u32,
    /// How often each drill is run
    #[arg(long, default_value_t = 1)]
    rounds: u32,
    /// Drills to run, separated by commas; all when not given
    #[arg(long, value_enum, value_delimiter = ',')]
    drills: Vec<Drill>,
    /// How many times longer than on a quiet machine clients may stand still
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = slack)]
    slack: f64,
    /// Write the table to this file as JSON
    #[arg(long)]
    json: Option<PathBuf>,
}

fn slack(text: &str) -> Result<f64, String> {
    let factor = text.parse::<f64>().ok();
    let factor = factor.filter(|factor| (0.1..=100.0).contains(factor));
    factor.ok_or_else(|| "slack is a number from 0.1 to 100".to_owned())
}

/// Runs the drills; returns `false` when anything was lost, duplicated or shown out of order, when
/// clients stood still for longer than promised, or when an attack was noticed.
pub async fn run(options: Chaos) -> anyhow::Result<bool> {
    let state = ClusterInfo::read(&options.cluster)?;
    let orders = state.orders().await?;
    let urls: Vec<String> = state.nodes.iter().map(|node| node.url.clone()).collect();
    print::complain(&format!(
        "{} clients join {} spaces …",
        options.bots, options.spaces
    ));
    // Every second client knows only the balancer, as people do.
    let balancer = state.url.as_deref();
    let witnesses = Witnesses::gather(&urls, balancer, options.bots, options.spaces).await?;
    settle(&witnesses).await?;
    let drills = if options.drills.is_empty() {
        Drill::value_variants().to_vec()
    } else {
        options.drills
    };
    let mut rows = Vec::new();
    for drill in drills {
        let mut sights = Vec::new();
        let mut verdicts = Vec::new();
        for round in 0..options.rounds {
            print::complain(&format!("{drill:?}, {} of {} …", round + 1, options.rounds));
            sleep(CALM).await;
            let state = ClusterInfo::read(&options.cluster)?;
            witnesses.begin();
            // The process with the most spaces, where a failure affects the most.
            let census = orders.census().await?;
            let spaces = |node: &&NodeState| {
                homes(&census)
                    .filter(|(_, home)| *home == node.name)
                    .count()
            };
            let node = state
                .nodes
                .iter()
                .max_by_key(spaces)
                .context("the cluster has no processes")?;
            verdicts
                .extend(perform(drill, &state, node, &options.cluster, &orders, &witnesses).await?);
            // The failure takes a moment to show.
            sleep(CALM).await;
            settle(&witnesses).await?;
            sights.extend(witnesses.end());
            wait("every process is back", || async {
                let census = orders.census().await.unwrap_or_default();
                census.nodes().len() == state.nodes.len()
            })
            .await?;
        }
        let mut row = row(drill, &sights, &witnesses, &urls).await?;
        row.goal = drill
            .goal()
            .map(|goal| milliseconds(goal.mul_f64(options.slack)));
        row.abuse = verdicts;
        rows.push(row);
    }
    print::line(&table(&rows));
    for verdict in rows.iter().flat_map(|row| &row.abuse) {
        print::line(&format!("\n{verdict}"));
    }
    let faults: Vec<String> = rows.iter().flat_map(Row::faults).collect();
    for fault in &faults {
        print::complain(&format!("plaza: {fault}"));
    }
    if let Some(path) = options.json {
        let text = serde_json::to_string_pretty(&rows)?;
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(faults.is_empty())
}

/// Causes the failure; returns what only the abuse drill measures.
async fn perform(
    drill: Drill,
    state: &ClusterInfo,
    node: &NodeState,
    file: &Path,
    orders: &Orders,
    witnesses: &Witnesses,
) -> anyhow::Result<Option<DrillVerdict>> {
    match drill {
        Drill::Crash => crash(node)?,
        Drill::HostLoss => lose_host(node)?,
        Drill::EachCrash => each(crash, state, file, orders, witnesses).await?,
        Drill::EachHostLoss => each(lose_host, state, file, orders, witnesses).await?,
        Drill::Abuse => {
            let target = abuse::AttackTarget {
                pids: state.nodes.iter().map(NodeState::server).collect(),
                urls: state.nodes.iter().map(|node| node.url.clone()).collect(),
                spaces: witnesses.spaces().to_vec(),
            };
            return abuse::drill(&target, ABUSE).await.map(Some);
        }
        Drill::Pause => still(node.server()).await?,
        Drill::RedisPause => still(state.redis.pid).await?,
        Drill::RedisRestart => {
            signal(state.redis.pid, Signal::KILL)?;
            wait("Redis is back", || async {
                changed(file, |now| now.redis.pid, state.redis.pid)
            })
            .await?;
        }
        Drill::PostgresRestart => {
            signal(state.postgres.pid, Signal::INT)?;
            wait("PostgreSQL is back", || async {
                changed(file, |now| now.postgres.pid, state.postgres.pid)
            })
            .await?;
        }
        Drill::Drain => {
            orders.drain(&node.name, true).await?;
            let left =
                |census: &Census| homes(census).filter(|(_, home)| *home == node.name).count();
            wait("it is empty", || async {
                orders.census().await.is_ok_and(|census| left(&census) == 0)
            })
            .await?;
            orders.drain(&node.name, false).await?;
        }
        Drill::Move => {
            let census = orders.census().await?;
            for (space, home) in homes(&census) {
                let at = state
                    .nodes
                    .iter()
                    .position(|node| node.name == home)
                    .unwrap_or(0);
                let next = &state.nodes[(at + 1) % state.nodes.len()];
                orders.move_space(space, &next.name).await?;
                sleep(LOOK_EVERY).await;
            }
        }
        Drill::Rolling => {
            for node in &state.nodes {
                signal(node.pid, Signal::TERM)?;
                let pid_of = |now: &ClusterInfo| {
                    now.nodes
                        .iter()
                        .find(|other| other.name == node.name)
                        .map_or(0, |node| node.pid)
                };
                wait("it is back", || async { changed(file, pid_of, node.pid) }).await?;
                wait("it answers", || async {
                    let census = orders.census().await.unwrap_or_default();
                    census.nodes().len() == state.nodes.len()
                })
                .await?;
            }
        }
    }
    Ok(None)
}

/// Kills a server; its guardian lives.
fn crash(node: &NodeState) -> anyhow::Result<()> {
    signal(node.server(), Signal::KILL)
}

/// Kills a server and its guardian.
fn lose_host(node: &NodeState) -> anyhow::Result<()> {
    let server = node.server();
    signal(node.pid, Signal::KILL)?;
    if server != node.pid {
        // When the guardian ends, the server starts to shut down; killing it at once prevents that.
        let _ = signal(server, Signal::KILL);
    }
    Ok(())
}

/// Breaks the processes one by one; each time the previous one must be back and all clients
/// recovered.
async fn each(
    breaks: fn(&NodeState) -> anyhow::Result<()>,
    state: &ClusterInfo,
    file: &Path,
    orders: &Orders,
    witnesses: &Witnesses,
) -> anyhow::Result<()> {
    for node in &state.nodes {
        let server = node.server();
        breaks(node)?;
        wait("another server is in its place", || async {
            let now = ClusterInfo::read(file).ok();
            let now =
                now.and_then(|now| now.nodes.into_iter().find(|other| other.name == node.name));
            now.is_some_and(|now| now.pid > 0 && now.server() != server)
        })
        .await?;
        wait("it answers", || async {
            let census = orders.census().await.unwrap_or_default();
            census.nodes().len() == state.nodes.len() && is_ready(&node.url).await
        })
        .await?;
        sleep(CALM).await;
        settle(witnesses).await?;
    }
    Ok(())
}

async fn is_ready(url: &str) -> bool {
    let answer = reqwest::get(format!("{url}/readyz")).await;
    answer.is_ok_and(|answer| answer.status().is_success())
}

/// The running spaces, each with its process.
fn homes(census: &Census) -> impl Iterator<Item = (crate::components::id::SpaceId, &str)> {
    census.nodes().iter().flat_map(|counted| {
        let home = counted.node.member.node.0.as_str();
        counted
            .running
            .iter()
            .map(move |running| (running.space, home))
    })
}

fn changed(file: &Path, pid: impl Fn(&ClusterInfo) -> i32, before: i32) -> bool {
    ClusterInfo::read(file).is_ok_and(|now| pid(&now) != before && pid(&now) != 0)
}

async fn still(pid: i32) -> anyhow::Result<()> {
    signal(pid, Signal::STOP)?;
    sleep(STILL).await;
    signal(pid, Signal::CONT)
}

fn signal(pid: i32, signal: Signal) -> anyhow::Result<()> {
    let found = Pid::from_raw(pid).filter(|_| pid > 1);
    let pid = found.with_context(|| format!("{pid} is not a process id"))?;
    kill_process(pid, signal)
        .with_context(|| format!("process {} cannot be sent a signal", pid.as_raw_nonzero()))
}

/// Waits until all clients have recovered.
async fn settle(witnesses: &Witnesses) -> anyhow::Result<()> {
    let waited = wait("all clients have recovered", || async {
        witnesses.unsettled().is_none()
    })
    .await;
    waited.with_context(|| {
        let left = witnesses.unsettled();
        let Unsettled {
            out,
            silent,
            unanswered,
        } = left;
        format!("{out} clients are out, {silent} without news, {unanswered} without an answer")
    })
}

async fn wait<F: Future<Output = bool>>(what: &str, is_so: impl Fn() -> F) -> anyhow::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while !is_so().await {
        if Instant::now() >= deadline {
            bail!("waited a minute until {what}, in vain");
        }
        sleep(LOOK_EVERY).await;
    }
    Ok(())
}
