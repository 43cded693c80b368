//! Forward: the forwarding unit: calls of more people than can talk directly go up once and come
//! down to each who may have them.
//!
//! The space decides who hears and sees whom; the unit follows it ([`room`]) and forwards that,
//! whatever clients ask for. Nothing is decoded. Each client has one connection (WebRTC, kept by
//! str0m): first what it sends, in the order of [`Stream::ALL`], then places in which others come;
//! clients add places as more people are near. All connections share one UDP port and, where UDP
//! does not get through, one TCP port; a thread of its own carries them.
//!
//! May use `components`. Never: spaces, SQL, HTTP; who follows spaces is `cluster::calls`.

mod client;
mod layers;
pub mod session;
mod tcp;
mod thread;
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

/// Bytes of packets that may wait in the kernel while the thread is busy: a tenth of a second of
/// two hundred pictures.
const SOCKET_BUFFER: usize = 4 * 1_024 * 1_024;

/// Where calls arrive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SfuSettings {
    /// Where to listen, on UDP and TCP.
    pub listen: SocketAddr,
    /// Whether any free port does when that one is taken.
    pub or_any_port: bool,
    /// The addresses that browsers are told; those of this machine when there are none.
    pub addresses: Vec<IpAddr>,
}

/// Why calls cannot be forwarded.
#[derive(Debug, thiserror::Error)]
#[error("calls cannot be forwarded on {0}: {1}; say another --media-listen, or `off`")]
pub struct SfuError(SocketAddr, #[source] io::Error);

/// The unit. Cheap to clone; it ends with its last clone.
#[derive(Clone)]
pub struct Sfu {
    orders: UnboundedSender<SfuCommand>,
    address: SocketAddr,
}

/// Something for a player.
pub struct Answer {
    /// For whom.
    pub player: PlayerId,
    /// JSON.
    pub body: String,
}

/// Where answers for the players of one space go.
pub type SfuReplySink = Box<dyn Fn(Answer) + Send>;

enum SfuCommand {
    Open(SpaceId, SfuReplySink),
    Picture(SpaceId, Arc<Snapshot>, Vec<Fact>),
    Tick(SpaceId, Arc<TickOutput>),
    Close(SpaceId),
}

impl Sfu {
    /// Binds its ports and starts its thread.
    pub fn start(settings: &SfuSettings) -> Result<Self, SfuError> {
        let failed = |error| SfuError(settings.listen, error);
        let (udp, tcp) = match bind(settings.listen) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && settings.or_any_port => {
                tracing::warn!(address = %settings.listen, "somebody else listens there; calls \
                    take another port");
                bind(SocketAddr::new(settings.listen.ip(), 0))
            }
            bound => bound,
        }
        .map_err(failed)?;
        let address = udp.local_addr().map_err(failed)?;
        let told = advertised(settings, address.port()).map_err(failed)?;
        let carrier = thread::Carrier::new(&told).map_err(failed)?;
        let (orders, inbox) = unbounded_channel();
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
                    tracing::error!(%error, "calls are no longer forwarded");
                }
            })
            .map_err(failed)?;
        tracing::info!(%address, ?told, "calls of many are forwarded");
        Ok(Self { orders, address })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// A space is followed from now on.
    pub fn open(&self, space: SpaceId, mouth: SfuReplySink) {
        self.order(SfuCommand::Open(space, mouth));
    }

    /// This is how a space is now, and what happened in ticks that were left out.
    pub fn picture(&self, space: SpaceId, picture: Arc<Snapshot>, missed: Vec<Fact>) {
        self.order(SfuCommand::Picture(space, picture, missed));
    }

    /// This happened in a space.
    pub fn tick(&self, space: SpaceId, output: Arc<TickOutput>) {
        self.order(SfuCommand::Tick(space, output));
    }

    /// A space is no longer run here.
    pub fn close(&self, space: SpaceId) {
        self.order(SfuCommand::Close(space));
    }

    fn order(&self, order: SfuCommand) {
        // The thread ends only when nobody is left to order anything, or with a panic that was
        // logged.
        let _ = self.orders.send(order);
    }
}

/// A socket of each kind on the same port.
fn bind(listen: SocketAddr) -> io::Result<(UdpSocket, TcpListener)> {
    let mut last = None;
    // A free port of one kind may be taken in the other.
    for _ in 0..if listen.port() == 0 { 16 } else { 1 } {
        let udp = UdpSocket::bind(listen)?;
        match TcpListener::bind(SocketAddr::new(listen.ip(), udp.local_addr()?.port())) {
            Ok(tcp) => {
                udp.set_nonblocking(true)?;
                tcp.set_nonblocking(true)?;
                // The system may allow less.
                let _ = SockRef::from(&udp).set_recv_buffer_size(SOCKET_BUFFER);
                let _ = SockRef::from(&udp).set_send_buffer_size(SOCKET_BUFFER);
                return Ok((udp, tcp));
            }
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| io::ErrorKind::AddrInUse.into()))
}

/// What browsers are told.
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
        // A machine without a network has only itself to talk to.
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
