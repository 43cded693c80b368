//! Serve: starts a server, says where it is, and stops it when the system asks.

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::signal;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing_subscriber::EnvFilter;

use super::options::{Plan, Serve};
use super::print;
use crate::server::Server;

pub async fn serve(options: &Serve) -> anyhow::Result<()> {
    #[cfg(unix)]
    if options.has_guardian() {
        super::guardian::end_with_guardian()?;
    }
    let Plan { listen, log, settings } = options.plan()?;
    let filter = EnvFilter::try_new(&log).with_context(|| format!("log is not understood: `{log}`"))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("cannot listen on {listen}"))?;
    let server = Server::prepare(listener, settings).await?;
    let signals = Signals::listen()?;
    greet(&server)?;

    let shutdown = CancellationToken::new();
    let tasks = TaskTracker::new();
    tasks.spawn(stop_on_signal(signals, shutdown.clone()));
    tasks.close();
    let outcome = server.run(shutdown.clone()).await;
    shutdown.cancel();
    tasks.wait().await;
    outcome?;
    print::line("Plaza has stopped.");
    Ok(())
}

fn greet(server: &Server) -> anyhow::Result<()> {
    let mut address = server.address()?;
    if address.ip().is_unspecified() {
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    print::line(&format!("Plaza is open: http://{address}/"));
    if let Some(token) = server.setup_token() {
        print::line(&format!(
            "There is no admin yet. Become it here, once: http://{address}/setup?token={token}"
        ));
    }
    Ok(())
}

/// What the system sends to stop a program. Listened to before the address is printed: who reads it may stop us at once.
#[cfg(unix)]
pub struct Signals {
    interrupt: signal::unix::Signal,
    terminate: signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    pub fn listen() -> std::io::Result<Self> {
        use signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    #[expect(clippy::unnecessary_wraps, reason = "other systems can fail here")]
    fn listen() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        let _ = signal::ctrl_c().await;
    }
}

/// Waits for Ctrl-C or SIGTERM, whichever comes first, unless the server ended by itself.
async fn stop_on_signal(mut signals: Signals, shutdown: CancellationToken) {
    tokio::select! {
        () = signals.next() => {}
        () = shutdown.cancelled() => {}
    }
    shutdown.cancel();
}
