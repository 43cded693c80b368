//! Guardian: runs the server as a child process, and starts it again when it crashes.
//!
//! It notices at once when the server is gone, and releases the server's lease, so that other
//! processes take over its spaces without waiting for the lease to expire.

use std::process::{ExitCode, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::Context;
use rustix::process::{Pid, Signal};
use tokio::process::{Child, Command};
use tokio::time::{Instant, timeout};

use super::options::Serve;
use super::print;
use super::signals::Signals;
use crate::cluster::node::NodeId;
use crate::cluster::redis::Redis;

/// Wait before the first restart after a crash; each further wait is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(250);

/// The longest wait before a restart.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// A server that ran this long started well: its next crash counts as the first.
const STEADY: Duration = Duration::from_mins(1);

/// Timeout of releasing a lease, which expires soon after in any case.
const FREE_WITHIN: Duration = Duration::from_secs(2);

/// Exit code of a program that was given wrong options: starting it again would not help.
const MISTAKE: u8 = 2;

/// Identifies the lease that the running server holds.
struct Lease {
    redis_url: String,
    node: String,
}

/// Runs the server until it ends without a crash or is told to stop.
pub async fn guard(options: &Serve) -> anyhow::Result<ExitCode> {
    // Mistakes in the options are reported before anything runs.
    let cluster = options.serve_config()?.settings.cluster;
    let lease = cluster.map(|cluster| Lease {
        redis_url: cluster.redis_url,
        // The same for every run of the server, so that metrics and logs can be followed across
        // restarts.
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
                status = child.wait() => break status.context("cannot wait for the server")?,
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
            // Otherwise it expires by itself.
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

/// Ends the server when its guardian ends, since nothing would restart it.
pub fn end_with_guardian() -> anyhow::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(Signal::TERM))
        .context("the system does not report when the guardian ends")?;
    Ok(())
}

fn start(lease: Option<&Lease>, life: u32) -> anyhow::Result<Child> {
    let program = std::env::current_exe().context("cannot find the program itself")?;
    let mut command = Command::new(program);
    command.args(std::env::args_os().skip(1));
    command.args(["--no-guardian", "--life", &life.to_string()]);
    if let Some(lease) = lease {
        // A flag that was given wins over the environment, which the child inherits.
        command.env("PLAZA_NODE", &lease.node);
    }
    command.stdin(Stdio::null());
    command.spawn().context("cannot start the server")
}

fn terminate(child: &Child) {
    let pid = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
    if let Some(pid) = pid {
        // The child may have ended just now.
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
    reason = "every run of the server has another nonce"
)]
fn random() -> u32 {
    rand::random()
}
