//! Guardian: runs the server as a child of its own, and starts it again when it crashes.
//!
//! It knows at once that the server is gone, and frees its lease: other processes take its spaces
//! over without waiting until the lease has run out.

use std::process::{ExitCode, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::Context;
use rustix::process::{Pid, Signal};
use tokio::process::{Child, Command};
use tokio::time::{Instant, timeout};

use super::options::Serve;
use super::print;
use super::serve::Signals;
use crate::cluster::node::NodeId;
use crate::cluster::redis::Redis;

/// How long the first start after a crash waits. Each further one waits twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(250);

/// The longest wait: a server that cannot run is not tried more often than that.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// A server that ran for that long has not failed at its start: its next crash counts as the first.
const STEADY: Duration = Duration::from_mins(1);

/// How long freeing a lease may take: it runs out by itself soon after.
const FREE_WITHIN: Duration = Duration::from_secs(2);

/// What a program ends with when it was told something wrong: starting it again would not help.
const MISTAKE: u8 = 2;

/// Which lease the server holds while it lives.
struct Lease {
    redis_url: String,
    node: String,
}

/// Runs the server until it ends well or is told to stop.
pub async fn guard(options: &Serve) -> anyhow::Result<ExitCode> {
    // A mistake is told before anything runs.
    let cluster = options.plan()?.settings.cluster;
    let lease = cluster.map(|cluster| Lease {
        redis_url: cluster.redis_url,
        // The same over all lives of the server, so that a metric or a log can be followed.
        node: cluster
            .node
            .unwrap_or_else(|| format!("node-{:08x}", random())),
    });
    let mut signals = Signals::listen()?;
    let mut wait = FIRST_WAIT;
    loop {
        let life = random();
        let began = Instant::now();
        let mut child = start(lease.as_ref(), life)?;
        let mut is_stopping = false;
        let status = loop {
            tokio::select! {
                status = child.wait() => break status.context("the server cannot be watched")?,
                () = signals.next() => {
                    is_stopping = true;
                    terminate(&child);
                }
            }
        };
        let code = status.code().and_then(|code| u8::try_from(code).ok());
        if is_stopping || matches!(code, Some(0 | MISTAKE)) {
            return Ok(code.map_or(ExitCode::FAILURE, ExitCode::from));
        }
        if let Some(lease) = &lease {
            // It runs out by itself otherwise.
            let _ = timeout(FREE_WITHIN, lease.free(life)).await;
        }
        if began.elapsed() >= STEADY {
            wait = FIRST_WAIT;
        }
        print::complain(&format!(
            "plaza: the server ended ({}); it starts again in {} ms",
            how(status),
            wait.as_millis()
        ));
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = signals.next() => return Ok(ExitCode::SUCCESS),
        }
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

/// The server ends when its guardian does: nobody would start it again.
pub fn end_with_guardian() -> anyhow::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(Signal::TERM))
        .context("the system does not tell when the guardian ends")?;
    Ok(())
}

fn start(lease: Option<&Lease>, life: u32) -> anyhow::Result<Child> {
    let program = std::env::current_exe().context("cannot find the program itself")?;
    let mut command = Command::new(program);
    command.args(std::env::args_os().skip(1));
    command.args(["--no-guardian", "--life", &life.to_string()]);
    if let Some(lease) = lease {
        // The environment stands behind a flag that was given, and is the same then.
        command.env("PLAZA_NODE", &lease.node);
    }
    command.stdin(Stdio::null());
    command.spawn().context("cannot start the server")
}

fn terminate(child: &Child) {
    let pid = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
    if let Some(pid) = pid {
        // It may have ended just now.
        let _ = rustix::process::kill_process(pid, Signal::TERM);
    }
}

impl Lease {
    async fn free(&self, life: u32) -> Result<(), ()> {
        let redis = Redis::open(&self.redis_url).await.map_err(drop)?;
        redis
            .release_life(&NodeId(self.node.clone()), life)
            .await
            .map_err(drop)
    }
}

#[cfg(unix)]
fn how(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (_, Some(signal)) => format!("signal {signal}"),
        _ => "for no known reason".to_owned(),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "every life of a process is another one"
)]
fn random() -> u32 {
    rand::random()
}
