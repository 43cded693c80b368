//! TCP: for networks that let no UDP through: packets, each with its length in front (RFC 4571), over connections that browsers open
//! (RFC 6544).

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::timeout;

/// Connections at most.
const MOST: usize = 1_024;

/// Packets of one connection that wait to be sent; more are lost, as on any network.
const WAITING: usize = 256;

/// How long a connection may be silent: whoever is connected asks every few seconds whether the other one is there still.
const SILENT_AT_MOST: Duration = Duration::from_secs(30);

/// A packet, or the end of a connection.
pub(super) struct Arrived {
    pub(super) from: SocketAddr,
    pub(super) packet: Option<Vec<u8>>,
}

/// All connections.
pub(super) struct Streams {
    listener: TcpListener,
    open: HashMap<SocketAddr, Sender<Vec<u8>>>,
    arrivals: Sender<Arrived>,
}

impl Streams {
    pub(super) fn new(listener: TcpListener) -> (Self, Receiver<Arrived>) {
        let (arrivals, inbox) = channel(WAITING);
        let open = HashMap::new();
        (
            Self {
                listener,
                open,
                arrivals,
            },
            inbox,
        )
    }

    /// Takes the next connection that comes.
    pub(super) async fn accept(&mut self) {
        let (stream, from) = match self.listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file handles, most likely: others end meanwhile.
                tracing::warn!(%error, "no connection for calls can be taken");
                return tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        if self.open.len() >= MOST {
            return;
        }
        let _ = stream.set_nodelay(true);
        let (sender, packets) = channel(WAITING);
        self.open.insert(from, sender);
        tokio::spawn(carry(stream, from, packets, self.arrivals.clone()));
    }

    pub(super) fn send(&self, to: SocketAddr, packet: &[u8]) {
        if let Some(stream) = self.open.get(&to) {
            let _ = stream.try_send(packet.to_vec());
        }
    }

    pub(super) fn forget(&mut self, from: SocketAddr) {
        self.open.remove(&from);
    }
}

async fn carry(stream: TcpStream, from: SocketAddr, mut packets: Receiver<Vec<u8>>, arrivals: Sender<Arrived>) {
    let (mut reading, mut writing) = stream.into_split();
    let read = async {
        loop {
            let packet = timeout(SILENT_AT_MOST, async {
                let length = reading.read_u16().await?;
                let mut packet = vec![0; usize::from(length)];
                reading.read_exact(&mut packet).await?;
                std::io::Result::Ok(packet)
            });
            let Ok(Ok(packet)) = packet.await else { return };
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
