//! SFU: forwards calls of more people than can connect directly. Each client sends its streams once
//! and receives those that it may have.
//!
//! The space decides which players hear and see each other; the SFU follows it ([`session`]) and
//! forwards only that, not what clients ask for. Nothing is decoded. Each client has one WebRTC
//! connection (by str0m): first the tracks it sends, in the order of [`Stream::ALL`], then slots in
//! which it receives streams of others. Clients add slots as more people come near. All connections
//! share one UDP port and, where UDP is blocked, one TCP port. A dedicated thread serves them.
//!
//! May use `components`. Never: spaces, SQL, HTTP; `cluster::calls` follows the spaces.

mod client;
mod layers;
mod origins;
pub mod session;
mod slots;
mod tcp;
mod thread;
mod tracks;
mod words;

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::sync::Arc;

use socket2::SockRef;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

pub use self::session::Stream;
pub use self::words::{OfferError, pack, unpack};
use crate::components::fact::{Fact, Snapshot, TickOutput};
use crate::components::id::{PlayerId, SpaceId};

/// Receive buffer of the UDP socket in bytes: a tenth of a second of two hundred video streams.
const SOCKET_BUFFER: usize = 4 * 1_024 * 1_024;

/// Addresses of the SFU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SfuSettings {
    /// Address to listen on, for UDP and TCP.
    pub listen: SocketAddr,
    /// Whether to use any free port if that one is taken.
    pub or_any_port: bool,
    /// Addresses that browsers are told; empty for those of this machine.
    pub addresses: Vec<IpAddr>,
}

/// Why the SFU cannot start: the address, and the error of binding it.
#[derive(Debug, thiserror::Error)]
#[error("calls cannot be forwarded on {0}: {1}; say another --media-listen, or `off`")]
pub struct SfuError(SocketAddr, #[source] io::Error);

/// The SFU. Cheap to clone; it stops when the last clone is dropped.
#[derive(Clone)]
pub struct Sfu {
    commands: UnboundedSender<SfuCommand>,
    address: SocketAddr,
}

/// A reply to a player.
pub struct Answer {
    /// The recipient.
    pub player: PlayerId,
    /// The reply, as JSON.
    pub body: String,
}

/// Takes the replies for the players of one space.
pub type SfuReplySink = Box<dyn Fn(Answer) + Send>;

enum SfuCommand {
    Open(SpaceId, SfuReplySink),
    Snapshot(SpaceId, Arc<Snapshot>, Vec<Fact>),
    Tick(SpaceId, Arc<TickOutput>),
    Close(SpaceId),
}

impl Sfu {
    /// Binds the ports and starts the thread.
    pub fn start(settings: &SfuSettings) -> Result<Self, SfuError> {
        let failed = |error| SfuError(settings.listen, error);
        let (udp, tcp) = match bind(settings.listen) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && settings.or_any_port => {
                tracing::warn!(
                    address = %settings.listen,
                    "the port for calls is taken; using another one"
                );
                bind(SocketAddr::new(settings.listen.ip(), 0))
            }
            bound => bound,
        }
        .map_err(failed)?;
        let address = udp.local_addr().map_err(failed)?;
        let told = advertised(settings, address.port()).map_err(failed)?;
        let carrier = thread::Carrier::new(&told).map_err(failed)?;
        let (commands, inbox) = unbounded_channel();
        let work = move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime.block_on(thread::run(carrier, udp, tcp, inbox))
        };
        std::thread::Builder::new()
            .name("forward".into())
            .spawn(move || {
                if let Err(error) = work() {
                    tracing::error!(%error, "the SFU stopped");
                }
            })
            .map_err(failed)?;
        tracing::info!(%address, ?told, "the SFU listens");
        Ok(Self { commands, address })
    }

    /// The address it listens on.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Starts to follow a space.
    pub fn open(&self, space: SpaceId, sink: SfuReplySink) {
        self.send(SfuCommand::Open(space, sink));
    }

    /// Replaces the state of a space; `missed` are the facts of the ticks that were left out.
    pub fn snapshot(&self, space: SpaceId, snapshot: Arc<Snapshot>, missed: Vec<Fact>) {
        self.send(SfuCommand::Snapshot(space, snapshot, missed));
    }

    /// Applies one tick of a space.
    pub fn tick(&self, space: SpaceId, output: Arc<TickOutput>) {
        self.send(SfuCommand::Tick(space, output));
    }

    /// Stops following a space that is no longer hosted here.
    pub fn close(&self, space: SpaceId) {
        self.send(SfuCommand::Close(space));
    }

    fn send(&self, command: SfuCommand) {
        // This fails only if the thread panicked, which was logged.
        let _ = self.commands.send(command);
    }
}

/// Binds UDP and TCP sockets to the same port.
fn bind(listen: SocketAddr) -> io::Result<(UdpSocket, TcpListener)> {
    let mut last = None;
    // A port that is free for UDP may be taken for TCP.
    for _ in 0..if listen.port() == 0 { 16 } else { 1 } {
        let udp = UdpSocket::bind(listen)?;
        match TcpListener::bind(SocketAddr::new(listen.ip(), udp.local_addr()?.port())) {
            Ok(tcp) => {
                udp.set_nonblocking(true)?;
                tcp.set_nonblocking(true)?;
                // The system may limit this to a smaller buffer.
                let _ = SockRef::from(&udp).set_recv_buffer_size(SOCKET_BUFFER);
                let _ = SockRef::from(&udp).set_send_buffer_size(SOCKET_BUFFER);
                return Ok((udp, tcp));
            }
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| io::ErrorKind::AddrInUse.into()))
}

/// Addresses that browsers are told.
fn advertised(settings: &SfuSettings, port: u16) -> io::Result<Vec<SocketAddr>> {
    let mut addresses = settings.addresses.clone();
    if addresses.is_empty() && !settings.listen.ip().is_unspecified() {
        addresses.push(settings.listen.ip());
    }
    if addresses.is_empty() {
        let mut found: Vec<IpAddr> = if_addrs::get_if_addrs()?
            .iter()
            .filter(|interface| !interface.is_link_local())
            .map(if_addrs::Interface::ip)
            .filter(|ip| ip.is_ipv4() || settings.listen.is_ipv6())
            .collect();
        // A machine without a network offers its loopback addresses.
        if found.iter().any(|ip| !ip.is_loopback()) {
            found.retain(|ip| !ip.is_loopback());
        }
        addresses = found;
    }
    Ok(addresses
        .into_iter()
        .map(|ip| SocketAddr::new(ip, port))
        .collect())
}
