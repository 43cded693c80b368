//! Thread: serves the packets of all connections, and gives each client the streams that its
//! session allows.

mod requests;
mod streams;

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use metrics::{counter, gauge};
use str0m::config::{CryptoProvider, DtlsCert};
use str0m::net::{Protocol, Receive, TcpType};
use str0m::{Candidate, Input};
use tokio::net::UdpSocket;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::sleep_until;

use super::client::{SfuClient, SfuEvent};
use super::origins::Origins;
use super::session::{SfuSession, Source};
use super::tcp::{Arrived, Limits, Streams};
use super::words::SfuReply;
use super::{Answer, SfuCommand, SfuReplySink};
use crate::components::id::{PlayerId, SpaceId};

/// Maximum number of packets read before connections are served again.
const BATCH: usize = 64;

/// Size of the receive buffer in bytes; no network carries longer packets.
const PACKET: usize = 2_048;

/// Interval at which bitrates are measured and streams are assigned again, at the latest.
const BEAT: Duration = Duration::from_secs(1);

/// A space that the SFU follows.
struct FollowedSpace {
    session: SfuSession,
    sink: SfuReplySink,
    clients: BTreeMap<PlayerId, u64>,
    /// Receivers of each stream: client id and slot.
    routes: HashMap<Source, Vec<(u64, usize)>>,
    /// Whether streams have to be assigned again.
    is_dirty: bool,
}

impl FollowedSpace {
    fn say(&self, player: PlayerId, said: &SfuReply<'_>) {
        match serde_json::to_string(said) {
            Ok(body) => (self.sink)(Answer { player, body }),
            Err(error) => tracing::error!(%error, "failed to encode a reply"),
        }
    }
}

/// All state except the sockets.
pub(super) struct Carrier {
    /// Local addresses reported to str0m: the first address of each family.
    local: Vec<SocketAddr>,
    candidates: Vec<Candidate>,
    certificate: DtlsCert,
    spaces: HashMap<SpaceId, FollowedSpace>,
    clients: HashMap<u64, SfuClient>,
    next: u64,
    origins: Origins,
    beat: Instant,
}

/// Runs until the last sender of commands is dropped.
pub(super) async fn run(
    mut carrier: Carrier,
    udp: std::net::UdpSocket,
    tcp: std::net::TcpListener,
    mut commands: UnboundedReceiver<SfuCommand>,
) -> io::Result<()> {
    let udp = UdpSocket::from_std(udp)?;
    let (mut streams, mut arrivals) =
        Streams::new(tokio::net::TcpListener::from_std(tcp)?, Limits::default());
    let mut buffer = vec![0; PACKET];
    let mut due = now();
    loop {
        // A turn looks at every client. Strangers' packets and connections cause none.
        let has_work = tokio::select! {
            command = commands.recv() => match command {
                Some(command) => {
                    carrier.command(command, now());
                    true
                }
                None => return Ok(()),
            },
            readable = udp.readable() => {
                readable?;
                carrier.read(&udp, &mut buffer)
            }
            Some(Arrived { from, packet }) = arrivals.recv() => if let Some(packet) = packet {
                let is_ours = carrier.receive(Protocol::Tcp, from, &packet, now());
                if is_ours {
                    streams.bind(from);
                }
                is_ours
            } else {
                streams.forget(from);
                carrier.origins.forget_source(from);
                false
            },
            () = streams.accept() => false,
            () = sleep_until(due.into()) => true,
        };
        let now = now();
        if has_work || due <= now {
            due = carrier.turn(now, &udp, &streams);
        }
    }
}

impl Carrier {
    /// No clients yet. Browsers are told the addresses `told`.
    pub(super) fn new(told: &[SocketAddr]) -> io::Result<Self> {
        let mut candidates = Vec::new();
        for address in told {
            let tcp = Candidate::builder()
                .tcp()
                .host(*address)
                .tcptype(TcpType::Passive);
            for candidate in [Candidate::host(*address, Protocol::Udp), tcp.build()] {
                candidates.push(candidate.map_err(|error| io::Error::other(error.to_string()))?);
            }
        }
        let mut local: Vec<SocketAddr> = Vec::new();
        for address in told {
            if !local
                .iter()
                .any(|known| known.is_ipv4() == address.is_ipv4())
            {
                local.push(*address);
            }
        }
        let provider: CryptoProvider = str0m::crypto::from_feature_flags();
        let certificate = provider
            .dtls_provider
            .generate_certificate()
            .ok_or_else(|| io::Error::other("failed to generate a certificate"))?;
        Ok(Self {
            local,
            candidates,
            certificate,
            spaces: HashMap::new(),
            clients: HashMap::new(),
            next: 0,
            origins: Origins::default(),
            beat: now(),
        })
    }

    /// Reads packets that have arrived. Returns whether one of them belongs to a client.
    fn read(&mut self, udp: &UdpSocket, buffer: &mut [u8]) -> bool {
        let mut is_any_ours = false;
        for _ in 0..BATCH {
            match udp.try_recv_from(buffer) {
                Ok((length, from)) => {
                    is_any_ours |= self.receive(Protocol::Udp, from, &buffer[..length], now());
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // An error of an earlier packet (such as ICMP unreachable) is reported here.
                Err(error) => tracing::trace!(%error, "failed to read a packet of a call"),
            }
        }
        is_any_ours
    }

    /// Passes a packet to its client. Returns whether it belongs to one.
    fn receive(
        &mut self,
        proto: Protocol,
        source: SocketAddr,
        packet: &[u8],
        now: Instant,
    ) -> bool {
        let candidates = self.origins.candidates(source, packet);
        if candidates == [None; 2] {
            return false;
        }
        let here = self
            .local
            .iter()
            .find(|local| local.is_ipv4() == source.is_ipv4());
        let Some(destination) = here.copied() else {
            return false;
        };
        let Ok(received) = Receive::new(proto, source, destination, packet) else {
            return false;
        };
        let input = Input::Receive(now, received);
        let accepts = |id: &u64| {
            let client = self.clients.get(id);
            client.is_some_and(|client| client.accepts(&input))
        };
        let Some(id) = candidates.into_iter().flatten().find(accepts) else {
            return false;
        };
        if !self.origins.learn(source, id) {
            return false;
        }
        if let Some(client) = self.clients.get_mut(&id) {
            client.receive(input, now);
        }
        true
    }

    /// Does everything that is due, and returns the next deadline.
    fn turn(&mut self, now: Instant, udp: &UdpSocket, streams: &Streams) -> Instant {
        if now >= self.beat + BEAT {
            self.beat = now;
            for client in self.clients.values_mut() {
                client.measure(now);
            }
            let mut streams = 0;
            for followed in self.spaces.values_mut() {
                followed.is_dirty |= !followed.clients.is_empty();
                streams += followed.routes.values().map(Vec::len).sum::<usize>();
            }
            gauge!("plaza_forward_streams").set(measured(streams));
        }
        loop {
            let dirty: Vec<SpaceId> = self
                .spaces
                .iter()
                .filter_map(|(space, followed)| followed.is_dirty.then_some(*space))
                .collect();
            for space in dirty {
                self.assign_streams(space, now);
            }
            let due: Vec<u64> = self
                .clients
                .iter()
                .filter_map(|(id, client)| (client.due <= now).then_some(*id))
                .collect();
            if due.is_empty() {
                break;
            }
            for id in due {
                self.look_after(id, now, udp, streams);
            }
        }
        self.clients
            .values()
            .map(|client| client.due)
            .min()
            .map_or(self.beat + BEAT, |due| due.min(self.beat + BEAT))
    }

    /// Advances a connection, and handles its events.
    fn look_after(&mut self, id: u64, now: Instant, udp: &UdpSocket, streams: &Streams) {
        let Some(client) = self.clients.get_mut(&id) else {
            return;
        };
        client.advance(now);
        while let Some(client) = self.clients.get_mut(&id) {
            let Some(event) = client.poll(now) else {
                break;
            };
            let (space, player) = (client.space, client.player);
            match event {
                SfuEvent::Packet(packet) if packet.proto == Protocol::Udp => {
                    // A packet that the socket does not take is lost, as on any network.
                    if udp
                        .try_send_to(&packet.contents, packet.destination)
                        .is_err()
                    {
                        counter!("plaza_forward_packets_dropped_total").increment(1);
                    }
                }
                SfuEvent::Packet(packet) => streams.send(packet.destination, &packet.contents),
                SfuEvent::Frame(stream, frame) => {
                    self.forward(id, (player, stream), space, &frame, now);
                }
                SfuEvent::Keyframe((player, stream), rid) => {
                    let sender = self
                        .spaces
                        .get(&space)
                        .and_then(|followed| followed.clients.get(&player));
                    if let Some(sender) = sender.and_then(|id| self.clients.get_mut(id)) {
                        sender.ask_for_keyframe(stream, rid, now);
                    }
                }
                SfuEvent::Replan => {
                    if let Some(followed) = self.spaces.get_mut(&space) {
                        followed.is_dirty = true;
                    }
                }
            }
        }
        let ended = self.clients.get(&id).filter(|client| !client.is_alive());
        if let Some((space, player)) = ended.map(|client| (client.space, client.player)) {
            self.end(id);
            if let Some(followed) = self.spaces.get_mut(&space) {
                followed.is_dirty = true;
                if followed.clients.get(&player) == Some(&id) {
                    followed.clients.remove(&player);
                }
            }
        }
    }
}

/// A count as a gauge shows it.
#[expect(clippy::cast_precision_loss, reason = "a gauge needs fewer digits")]
const fn measured(count: usize) -> f64 {
    count as f64
}

#[expect(
    clippy::disallowed_methods,
    reason = "packets are timed as they arrive"
)]
fn now() -> Instant {
    Instant::now()
}
