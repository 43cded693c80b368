//! Chaos: `plaza chaos` causes every failure that a cluster is built to survive, and prints what
//! clients saw of it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

use super::abuse::{self, DrillVerdict};
use super::print;
use crate::bots::witness::{HIT, Sight, Unsettled, Witnesses};
use crate::cluster::census::Census;
use crate::cluster::orders::Orders;
use crate::cluster::redis::Redis;
use crate::link::{Links, Secret, Tls};

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

/// A failure to cause in a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Drill {
    /// Kill a server; its guardian lives
    Crash,
    /// Kill a server and its guardian together, as when a machine fails
    HostLoss,
    /// Stop a server for five seconds
    Pause,
    /// Kill Redis, and start it again empty
    RedisRestart,
    /// Stop Redis for five seconds
    RedisPause,
    /// Shut `PostgreSQL` down and start it again
    PostgresRestart,
    /// Drain a process of all its spaces, and undrain it
    Drain,
    /// Move the spaces to another process, one by one
    Move,
    /// Shut the processes down one by one; each starts again
    Rolling,
    /// Kill the servers one by one; their guardians live
    EachCrash,
    /// Kill the servers one by one, each together with its guardian
    EachHostLoss,
    /// For a minute, attack from one account, one address and many addresses
    Abuse,
}

impl Drill {
    /// How long affected clients may stand still at the 99th percentile, if that is promised.
    const fn goal(self) -> Option<Duration> {
        match self {
            // Its guardian releases the lease at once.
            Self::Crash | Self::EachCrash => Some(Duration::from_secs(1)),
            // The lease ends by itself.
            Self::HostLoss | Self::EachHostLoss => Some(Duration::from_millis(3_500)),
            Self::Pause
            | Self::RedisRestart
            | Self::RedisPause
            | Self::PostgresRestart
            | Self::Drain
            | Self::Move
            | Self::Rolling
            | Self::Abuse => None,
        }
    }

    fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or(String::new(), |value| value.get_name().to_owned())
    }
}

/// The cluster, as `make cluster` describes it.
#[derive(Deserialize)]
struct ClusterInfo {
    /// URL of the balancer, if there is one.
    url: Option<String>,
    nodes: Vec<NodeState>,
    redis: Service,
    postgres: Service,
}

#[derive(Deserialize, Clone)]
struct NodeState {
    name: String,
    url: String,
    pid: i32,
    command: Vec<String>,
}

#[derive(Deserialize)]
struct Service {
    pid: i32,
}

/// What clients saw of one drill.
#[derive(Debug, Serialize)]
struct Row {
    drill: Drill,
    /// Clients that noticeably waited for news.
    hit: usize,
    /// How long those clients waited, in milliseconds.
    p50: u64,
    p99: u64,
    max: u64,
    /// The longest p99 that is allowed, in milliseconds.
    goal: Option<u64>,
    /// Connections that were lost.
    cuts: u32,
    acknowledged: usize,
    lost: usize,
    doubled: usize,
    /// The farthest jump of a player, in tiles.
    jump: f64,
    back: u32,
    /// Verdict of each round of the abuse drill; empty for others.
    abuse: Vec<DrillVerdict>,
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
            .map(|goal| goal.mul_f64(options.slack).as_millis() as u64);
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

impl Row {
    /// What went wrong, each as a sentence.
    fn faults(&self) -> Vec<String> {
        let Self { p99, cuts, .. } = self;
        let mut faults = Vec::new();
        if let Some(goal) = self.goal.filter(|goal| p99 > goal) {
            faults.push(format!(
                "clients stood still for {p99} ms (p99); {goal} ms are allowed"
            ));
        }
        for (count, what) in [
            (self.lost, "acknowledged messages were lost"),
            (self.doubled, "messages were stored or shown twice"),
            (self.back as usize, "frames were older than an earlier one"),
        ] {
            if count > 0 {
                faults.push(format!("{count} {what}"));
            }
        }
        for verdict in &self.abuse {
            faults.extend_from_slice(verdict.faults());
            if *cuts > 0 {
                faults.push(format!("{cuts} connections of other clients ended"));
            }
        }
        let name = self.drill.name();
        faults
            .iter()
            .map(|fault| format!("{name}: {fault}"))
            .collect()
    }
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

async fn row(
    drill: Drill,
    sights: &[Sight],
    witnesses: &Witnesses,
    urls: &[String],
) -> anyhow::Result<Row> {
    let mut said: HashMap<&str, Vec<&str>> = HashMap::new();
    for (space, text) in sights.iter().flat_map(|sight| &sight.acknowledged) {
        said.entry(space).or_default().push(text);
    }
    let (mut lost, mut doubled) = (
        0,
        sights
            .iter()
            .map(|sight| sight.doubled as usize)
            .sum::<usize>(),
    );
    for (space, lines) in &said {
        // Messages are stored within a second.
        let deadline = Instant::now() + CALM * 5;
        let kept = loop {
            let kept = witnesses.kept(&urls[0], space).await?;
            if lines.iter().all(|line| kept.contains_key(*line)) || Instant::now() >= deadline {
                break kept;
            }
            sleep(LOOK_EVERY).await;
        };
        lost += lines
            .iter()
            .filter(|line| !kept.contains_key(**line))
            .count();
        doubled += lines
            .iter()
            .filter(|line| kept.get(**line).is_some_and(|times| *times > 1))
            .count();
    }
    let mut gaps: Vec<u64> = sights
        .iter()
        .filter(|sight| sight.gap > HIT)
        .map(|sight| sight.gap.as_millis() as u64)
        .collect();
    gaps.sort_unstable();
    Ok(Row {
        drill,
        hit: gaps.len(),
        p50: percentile(&gaps, 50),
        p99: percentile(&gaps, 99),
        max: percentile(&gaps, 100),
        goal: None,
        cuts: sights.iter().map(|sight| sight.cuts).sum(),
        acknowledged: said.values().map(Vec::len).sum(),
        lost,
        doubled,
        jump: sights.iter().map(|sight| sight.jump).fold(0.0, f64::max),
        back: sights.iter().map(|sight| sight.back).sum(),
        abuse: Vec::new(),
    })
}

/// A percentile by the nearest-rank method; 0 for no values.
fn percentile(sorted: &[u64], percent: usize) -> u64 {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or(0)
}

/// The table in Markdown, ready to be published.
fn table(rows: &[Row]) -> String {
    let head = "| drill | clients hit | stood still p50 | p99 | allowed p99 | max | disconnects \
        | messages acknowledged | lost | doubled | largest jump |\n\
                |---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|";
    let lines = rows.iter().map(|row| {
        let goal = row.goal.map_or("–".to_owned(), |goal| format!("{goal} ms"));
        format!(
            "| {} | {} | {} ms | {} ms | {goal} | {} ms | {} | {} | {} | {} | {:.1} tiles |",
            row.drill.name(),
            row.hit,
            row.p50,
            row.p99,
            row.max,
            row.cuts,
            row.acknowledged,
            row.lost,
            row.doubled,
            row.jump
        )
    });
    std::iter::once(head.to_owned())
        .chain(lines)
        .collect::<Vec<_>>()
        .join("\n")
}

impl ClusterInfo {
    fn read(file: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(file)
            .with_context(|| format!("cannot read {}: does `make cluster` run?", file.display()))?;
        serde_json::from_str(&text).with_context(|| format!("cannot parse {}", file.display()))
    }

    /// How to reach the processes, from the environment and flags they were started with.
    async fn orders(&self) -> anyhow::Result<Orders> {
        let node = self.nodes.first().context("the cluster has no processes")?;
        let url = node
            .flag("--redis-url")
            .context("the processes share no Redis")?;
        let secret = node
            .flag("--cluster-secret")
            .context("the processes share no secret")?;
        let is_encrypted = !node.command.iter().any(|word| word == "--link-tls=false");
        Ok(Orders {
            redis: Some(Redis::open(url).await?),
            links: Some(Links::new(
                Secret::new(secret),
                is_encrypted.then(Tls::new).transpose()?,
            )),
        })
    }
}

impl NodeState {
    fn flag(&self, name: &str) -> Option<&str> {
        let at = self.command.iter().position(|word| word == name)?;
        self.command.get(at + 1).map(String::as_str)
    }

    /// The server that a guardian runs; the process itself when there is no guardian.
    fn server(&self) -> i32 {
        let pid = self.pid;
        let children =
            std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        let child = children
            .split_whitespace()
            .next()
            .and_then(|child| child.parse().ok());
        child.unwrap_or(pid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_ranks() {
        let gaps: Vec<u64> = (1..=200).collect();
        assert_eq!(
            [50, 99, 100].map(|percent| percentile(&gaps, percent)),
            [100, 198, 200]
        );
        assert_eq!(percentile(&[7], 50), 7);
        assert_eq!(percentile(&[], 99), 0);
    }

    #[test]
    fn a_row_says_each_promise_that_was_broken() {
        let mut row = Row {
            drill: Drill::EachCrash,
            hit: 9,
            p50: 400,
            p99: 1_000,
            max: 1_400,
            goal: Some(1_000),
            cuts: 9,
            acknowledged: 50,
            lost: 0,
            doubled: 0,
            jump: 0.5,
            back: 0,
            abuse: Vec::new(),
        };
        assert!(row.faults().is_empty(), "{:?}", row.faults());
        (row.p99, row.lost) = (1_001, 2);
        assert_eq!(
            row.faults(),
            [
                "each-crash: clients stood still for 1001 ms (p99); 1000 ms are allowed",
                "each-crash: 2 acknowledged messages were lost",
            ]
        );
        row.goal = None;
        assert_eq!(row.faults().len(), 1);
    }

    #[test]
    fn flags_are_found() {
        let node = NodeState {
            name: "a".into(),
            url: String::new(),
            pid: 0,
            command: ["plaza", "serve", "--redis-url", "redis://r"]
                .map(str::to_owned)
                .into(),
        };
        assert_eq!(node.flag("--redis-url"), Some("redis://r"));
        assert_eq!(node.flag("--cluster-secret"), None);
    }
}
