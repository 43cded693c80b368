//! Serve: starts a server, prints its addresses, and stops it on a signal.

use std::io::IsTerminal;
use std::net::{IpAddr, SocketAddr};

use anyhow::Context;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing_subscriber::EnvFilter;

use super::options::{Serve, ServeConfig};
use super::print;
use super::signals::Signals;
use crate::server::Server;
use crate::settings::Settings;

pub async fn serve(options: &Serve) -> anyhow::Result<()> {
    #[cfg(unix)]
    if options.has_guardian() {
        super::guardian::end_with_guardian()?;
    }
    let ServeConfig {
        listen,
        log,
        settings,
    } = options.serve_config()?;
    let filter =
        EnvFilter::try_new(&log).with_context(|| format!("log is not understood: `{log}`"))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(has_colours())
        .init();
    #[cfg(unix)]
    raise_open_files();
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

/// Raises the process's limit of open files as far as the system allows; each connection is one.
#[cfg(unix)]
fn raise_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current == maximum {
        return;
    }
    let raised = Rlimit {
        current: maximum,
        maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, ?current, "the limit of open files stays as it is, and so does the \
            number of connections");
    }
}

/// Whether log output has colours: only on a terminal, and not when `NO_COLOR` is set
/// (<https://no-color.org>).
fn has_colours() -> bool {
    std::io::stderr().is_terminal()
        && std::env::var_os("NO_COLOR").is_none_or(|said| said.is_empty())
}

/// Prints the addresses of the server, for this machine and for others, and what works there.
fn greet(server: &Server) -> anyhow::Result<()> {
    let listening = server.address()?;
    let mut near = listening;
    if near.ip().is_unspecified() {
        near.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    let Settings {
        base_path,
        public_url,
        ..
    } = &*server.state().settings;
    print::line(&format!("Plaza is open: http://{near}{base_path}/"));
    if let Some(token) = server.setup_token() {
        print::line(&format!(
            "There is no admin yet. Open this link once to become the admin: \
            http://{near}{base_path}/setup?token={token}"
        ));
    }
    for line in elsewhere(
        public_url.as_deref(),
        listening,
        base_path,
        &own_addresses(),
    ) {
        print::line(&line);
    }
    Ok(())
}

/// The lines about access from other machines.
fn elsewhere(
    public_url: Option<&str>,
    listening: SocketAddr,
    base_path: &str,
    own: &[IpAddr],
) -> Vec<String> {
    const WITHOUT: &str = "  Everything works there except microphone, camera, screen sharing and \
        notifications, which browsers allow only on https. docs/operations.md says how to set up \
        https.";
    if let Some(url) = public_url {
        let mut lines = vec![format!("Others reach it at {url}/")];
        lines.extend(url.starts_with("http://").then(|| WITHOUT.to_owned()));
        return lines;
    }
    if listening.ip().is_loopback() {
        return vec![format!(
            "Only this machine reaches it, and a proxy on it. Start it with --listen 0.0.0.0:{} to \
            let others in.",
            listening.port()
        )];
    }
    let is_any = listening.ip().is_unspecified();
    let own = own.iter().filter(|ip| ip.is_ipv4() || listening.is_ipv6());
    let reached: Vec<IpAddr> = if is_any {
        own.copied().collect()
    } else {
        vec![listening.ip()]
    };
    if reached.is_empty() {
        return vec!["This machine has no address by which others could reach it.".to_owned()];
    }
    let port = listening.port();
    let mut lines: Vec<String> = reached
        .into_iter()
        .map(|ip| {
            format!(
                "Others reach it at http://{}{base_path}/",
                SocketAddr::new(ip, port)
            )
        })
        .collect();
    lines.push(WITHOUT.to_owned());
    lines
}

/// The addresses of this machine in its networks.
fn own_addresses() -> Vec<IpAddr> {
    let found = if_addrs::get_if_addrs().unwrap_or_default();
    let found = found
        .iter()
        .filter(|interface| !interface.is_loopback() && !interface.is_link_local());
    found.map(if_addrs::Interface::ip).collect()
}

/// Waits for Ctrl-C or SIGTERM, whichever comes first, unless the server ended by itself.
async fn stop_on_signal(mut signals: Signals, shutdown: CancellationToken) {
    tokio::select! {
        () = signals.next() => {}
        () = shutdown.cancelled() => {}
    }
    shutdown.cancel();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(public_url: Option<&str>, listening: &str) -> Vec<String> {
        let own = ["192.0.2.7", "2001:db8::7"].map(|ip| ip.parse().unwrap());
        elsewhere(public_url, listening.parse().unwrap(), "/plaza", &own)
    }

    #[test]
    fn printed_addresses_say_how_others_reach_the_server() {
        let lines = told(None, "0.0.0.0:8080");
        assert_eq!(lines[0], "Others reach it at http://192.0.2.7:8080/plaza/");
        assert!(
            lines[1].contains("microphone") && lines.len() == 2,
            "{lines:?}"
        );
        assert_eq!(
            told(None, "[::]:8080")[1],
            "Others reach it at http://[2001:db8::7]:8080/plaza/"
        );
        assert!(told(None, "127.0.0.1:8080")[0].contains("--listen 0.0.0.0:8080"));
        assert_eq!(
            told(Some("https://a.example"), "0.0.0.0:8080"),
            ["Others reach it at https://a.example/"]
        );
    }
}
