//! TCP: calls on networks that block UDP. Each packet has its length in front (RFC 4571); browsers
//! open the connections (RFC 6544).

use std::collections::HashMap;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::{Instant, timeout_at};

use crate::net::address::AddressKey;

/// Maximum number of packets of one connection that wait to be sent; more are dropped.
const WAITING: usize = 256;

/// How long a connection may be silent. Clients send connectivity checks every few seconds.
const SILENT_AT_MOST: Duration = Duration::from_secs(30);

/// Limits on the number of connections.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Maximum in all.
    pub(super) most: usize,
    /// Maximum from one address, including this machine.
    pub(super) per_address: usize,
    /// Maximum that no client is known to use yet. A further one replaces the oldest of them.
    pub(super) strangers: usize,
    /// How long a connection may stay open until a client uses it.
    pub(super) bind_within: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            most: 1_024,
            per_address: 128,
            strangers: 64,
            bind_within: Duration::from_secs(5),
        }
    }
}

/// A packet, or the end of a connection.
pub(super) struct Arrived {
    pub(super) from: SocketAddr,
    pub(super) packet: Option<Vec<u8>>,
}

/// One connection; it closes when this is dropped.
struct TcpPeer {
    packets: Sender<Vec<u8>>,
    since: Instant,
    /// Whether a client uses the connection.
    is_bound: Arc<AtomicBool>,
}

impl TcpPeer {
    fn is_bound(&self) -> bool {
        self.is_bound.load(Ordering::Relaxed)
    }
}

/// All connections.
pub(super) struct Streams {
    listener: TcpListener,
    limits: Limits,
    open: HashMap<SocketAddr, TcpPeer>,
    arrivals: Sender<Arrived>,
    complaints: DefaultDirectRateLimiter,
}

impl Streams {
    pub(super) fn new(listener: TcpListener, limits: Limits) -> (Self, Receiver<Arrived>) {
        let (arrivals, inbox) = channel(WAITING);
        let streams = Self {
            listener,
            limits,
            open: HashMap::new(),
            arrivals,
            complaints: RateLimiter::direct(Quota::per_minute(NonZeroU32::MIN)),
        };
        (streams, inbox)
    }

    /// Accepts the next connection.
    pub(super) async fn accept(&mut self) {
        let (stream, from) = match self.listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Most likely there are no free file handles: wait until other connections end.
                if self.complaints.check().is_ok() {
                    tracing::warn!(%error, "failed to accept a connection for calls");
                }
                return tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        if !self.has_place(from) {
            return;
        }
        let _ = stream.set_nodelay(true);
        let (packets, outgoing) = channel(WAITING);
        let is_bound = Arc::new(AtomicBool::new(false));
        let since = Instant::now();
        let open = TcpPeer {
            packets,
            since,
            is_bound: Arc::clone(&is_bound),
        };
        self.open.insert(from, open);
        let bound = Bound {
            is_bound,
            by: since + self.limits.bind_within,
        };
        tokio::spawn(carry(stream, from, bound, outgoing, self.arrivals.clone()));
    }

    /// Whether another connection from the address is allowed. May close the oldest unused one.
    fn has_place(&mut self, from: SocketAddr) -> bool {
        let key = AddressKey::of(from.ip());
        let here = self
            .open
            .keys()
            .filter(|other| AddressKey::of(other.ip()) == key)
            .count();
        if here >= self.limits.per_address {
            if self.complaints.check().is_ok() {
                tracing::warn!(
                    address = %key,
                    "an address has too many connections for calls; refusing more"
                );
            }
            return false;
        }
        let strangers = self.open.values().filter(|open| !open.is_bound()).count();
        if strangers >= self.limits.strangers || self.open.len() >= self.limits.most {
            let Some(oldest) = self.oldest_of_most() else {
                if self.complaints.check().is_ok() {
                    tracing::warn!(
                        "the maximum number of connections for calls is reached; refusing more"
                    );
                }
                return false;
            };
            self.open.remove(&oldest);
        }
        true
    }

    /// The oldest unused connection of the address that has most of them, so that one address takes
    /// no place from others.
    fn oldest_of_most(&self) -> Option<SocketAddr> {
        let mut strangers: HashMap<AddressKey, (usize, SocketAddr, Instant)> = HashMap::new();
        for (from, open) in self.open.iter().filter(|(_, open)| !open.is_bound()) {
            let key = AddressKey::of(from.ip());
            let (count, oldest, since) = strangers.entry(key).or_insert((0, *from, open.since));
            *count += 1;
            if open.since < *since {
                (*oldest, *since) = (*from, open.since);
            }
        }
        let most = strangers
            .into_values()
            .max_by_key(|(count, _, since)| (*count, std::cmp::Reverse(*since)));
        most.map(|(_, oldest, _)| oldest)
    }

    /// Marks the connection as used by a client.
    pub(super) fn bind(&self, from: SocketAddr) {
        if let Some(open) = self.open.get(&from) {
            open.is_bound.store(true, Ordering::Relaxed);
        }
    }

    pub(super) fn send(&self, to: SocketAddr, packet: &[u8]) {
        if let Some(open) = self.open.get(&to) {
            let _ = open.packets.try_send(packet.to_vec());
        }
    }

    pub(super) fn forget(&mut self, from: SocketAddr) {
        self.open.remove(&from);
    }
}

/// Deadline by which a client has to use the connection.
struct Bound {
    is_bound: Arc<AtomicBool>,
    by: Instant,
}

async fn carry(
    stream: TcpStream,
    from: SocketAddr,
    bound: Bound,
    mut packets: Receiver<Vec<u8>>,
    arrivals: Sender<Arrived>,
) {
    let (mut reading, mut writing) = stream.into_split();
    let read = async {
        loop {
            let start = Instant::now();
            if !bound.is_bound.load(Ordering::Relaxed) && bound.by <= start {
                // No client uses the connection.
                return;
            }
            let mut packet = pin!(async {
                let length = reading.read_u16().await?;
                let mut packet = vec![0; usize::from(length)];
                reading.read_exact(&mut packet).await?;
                std::io::Result::Ok(packet)
            });
            let silent_until = start + SILENT_AT_MOST;
            let packet = loop {
                let is_bound = bound.is_bound.load(Ordering::Relaxed);
                let by = if is_bound { silent_until } else { bound.by };
                match timeout_at(by, packet.as_mut()).await {
                    Ok(Ok(packet)) => break packet,
                    // A client has begun to use the connection since the last check.
                    Err(_) if !is_bound && bound.is_bound.load(Ordering::Relaxed) => {}
                    Ok(Err(_)) | Err(_) => return,
                }
            };
            let arrived = Arrived {
                from,
                packet: Some(packet),
            };
            if arrivals.send(arrived).await.is_err() {
                return;
            }
        }
    };
    let write = async {
        while let Some(packet) = packets.recv().await {
            let Ok(length) = u16::try_from(packet.len()) else {
                continue;
            };
            let framed = [&length.to_be_bytes(), packet.as_slice()].concat();
            if writing.write_all(&framed).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = read => {}
        () = write => {}
    }
    let _ = arrivals.send(Arrived { from, packet: None }).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn listening(limits: Limits) -> (Streams, Receiver<Arrived>, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (streams, arrivals) = Streams::new(listener, limits);
        (streams, arrivals, address)
    }

    /// Whether the other side ended the connection.
    async fn ended(stream: &mut TcpStream) -> bool {
        stream.read_u8().await.is_err()
    }

    #[tokio::test]
    async fn an_unused_connection_is_closed_and_one_of_a_client_stays() {
        let limits = Limits {
            bind_within: Duration::from_millis(300),
            ..Limits::default()
        };
        let (mut streams, mut arrivals, address) = listening(limits).await;
        let mut stranger = TcpStream::connect(address).await.unwrap();
        streams.accept().await;
        let mut client = TcpStream::connect(address).await.unwrap();
        streams.accept().await;
        client.write_all(&[0, 1, 7]).await.unwrap();
        let arrived = arrivals.recv().await.unwrap();
        assert_eq!(arrived.packet, Some(vec![7]));
        streams.bind(arrived.from);
        assert!(ended(&mut stranger).await);
        client.write_all(&[0, 1, 8]).await.unwrap();
        let next = loop {
            let arrived = arrivals.recv().await.unwrap();
            if arrived.from == client.local_addr().unwrap() {
                break arrived;
            }
        };
        assert_eq!(next.packet, Some(vec![8]));
        streams.send(next.from, &[9]);
        let mut answer = [0; 3];
        client.read_exact(&mut answer).await.unwrap();
        assert_eq!(answer, [0, 1, 9]);
    }

    #[tokio::test]
    async fn unused_connections_replace_each_other_and_each_address_has_a_limit() {
        let limits = Limits {
            per_address: 4,
            strangers: 2,
            ..Limits::default()
        };
        let (mut streams, _arrivals, address) = listening(limits).await;
        let mut connections = Vec::new();
        for number in 0..6 {
            let stream = TcpStream::connect(address).await.unwrap();
            streams.accept().await;
            if number < 4 {
                streams.bind(stream.local_addr().unwrap());
            }
            connections.push(stream);
        }
        assert_eq!(streams.open.len(), 4, "the limit for one address");
        assert!(ended(&mut connections[5]).await);
        streams.forget(connections[0].local_addr().unwrap());
        streams.forget(connections[1].local_addr().unwrap());
        let mut strangers = Vec::new();
        for _ in 0..2 {
            strangers.push(TcpStream::connect(address).await.unwrap());
            streams.accept().await;
        }
        streams.forget(connections[2].local_addr().unwrap());
        strangers.push(TcpStream::connect(address).await.unwrap());
        streams.accept().await;
        assert!(
            ended(&mut strangers[0]).await,
            "the oldest unused one is closed"
        );
        assert_eq!(streams.open.len(), 3);
    }
}
