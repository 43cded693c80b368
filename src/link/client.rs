//! Client: follows spaces that other processes host.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::io::{AsyncWriteExt, BufReader, split};
use tokio::net::TcpStream;
use tokio::sync::{Mutex as AsyncMutex, mpsc, oneshot};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::tls::{Channel, Tls};
use super::wire::{
    self, Greeting, LinkBroadcast, Secret, ToEdge, ToHost, VERSION, WireError, frame,
};
use super::{BEAT, GREET_WITHIN, SILENCE, WAITING};
use crate::components::command::Command;
use crate::components::id::SpaceId;
use crate::components::scene::Scene;
use crate::host::{SendError, SpaceUpdate};

/// Maximum number of updates that wait for a relay. A relay that falls further behind follows
/// again and starts from a snapshot.
const BACKLOG: usize = 64;

/// Time limit for another process to open a space.
const OPEN_WITHIN: std::time::Duration = std::time::Duration::from_secs(5);

/// Why a space of another process cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The process is not running, or does not answer.
    #[error("the other process cannot be reached: {0}")]
    Unreachable(String),
    /// The process has another secret, another version, or other encryption.
    #[error("the other process cannot be linked: {0}")]
    Refused(String),
    /// The process does not host the space.
    #[error("the other process does not run the space")]
    NotThere,
}

impl From<WireError> for LinkError {
    fn from(error: WireError) -> Self {
        Self::Unreachable(error.to_string())
    }
}

/// The links to other processes, connected on first use. Cheap to clone.
#[derive(Clone)]
pub struct Links(Arc<LinkState>);

struct LinkState {
    secret: Secret,
    tls: Option<Tls>,
    peers: Mutex<HashMap<String, Arc<SharedPeer>>>,
}

/// The connection to one address, if there is one. The lock lets one task connect at a time.
type SharedPeer = AsyncMutex<Option<Arc<LinkPeer>>>;

/// A connection to one other process.
struct LinkPeer {
    out: mpsc::Sender<Bytes>,
    next: AtomicU32,
    streams: Mutex<HashMap<u32, mpsc::Sender<SpaceUpdate>>>,
    requests: Mutex<HashMap<u32, oneshot::Sender<Option<Scene>>>>,
    over: CancellationToken,
}

/// A space that another process runs. Cheap to clone.
#[derive(Clone)]
pub struct RemoteSpace {
    space: SpaceId,
    peer: Arc<LinkPeer>,
}

impl Links {
    /// No links yet. Either all processes of a cluster encrypt their links, or none does.
    pub fn new(secret: Secret, tls: Option<Tls>) -> Self {
        let peers = Mutex::default();
        Self(Arc::new(LinkState { secret, tls, peers }))
    }

    /// Asks the process at that address to host a space; it may host it already.
    pub async fn open(
        &self,
        address: &str,
        space: SpaceId,
    ) -> Result<(RemoteSpace, Scene), LinkError> {
        let peer = self.peer(address).await?;
        let request = peer.next.fetch_add(1, Ordering::Relaxed);
        let (tell, told) = oneshot::channel();
        peer.requests.lock().insert(request, tell);
        peer.say(&ToHost::Open { request, space }).await?;
        let answer = tokio::select! {
            answer = timeout(OPEN_WITHIN, told) => answer,
            () = peer.over.cancelled() => {
                return Err(LinkError::Unreachable("the link broke".into()));
            }
        };
        peer.requests.lock().remove(&request);
        match answer {
            Ok(Ok(Some(scene))) => Ok((RemoteSpace { space, peer }, scene)),
            Ok(_) => Err(LinkError::NotThere),
            Err(_) => Err(LinkError::Unreachable("no answer in time".into())),
        }
    }

    /// Sends a broadcast message to the process at that address.
    pub async fn tell(&self, address: &str, tell: LinkBroadcast) -> Result<(), LinkError> {
        self.peer(address).await?.say(&ToHost::Tell(tell)).await
    }

    async fn peer(&self, address: &str) -> Result<Arc<LinkPeer>, LinkError> {
        let place = Arc::clone(self.0.peers.lock().entry(address.to_owned()).or_default());
        let mut place = place.lock().await;
        if let Some(peer) = place.as_ref().filter(|peer| !peer.over.is_cancelled()) {
            return Ok(Arc::clone(peer));
        }
        let connecting = timeout(
            GREET_WITHIN,
            connect(address, &self.0.secret, self.0.tls.as_ref()),
        );
        let channel = connecting
            .await
            .map_err(|_| LinkError::Unreachable("no answer in time".into()))??;
        let peer = LinkPeer::start(channel);
        *place = Some(Arc::clone(&peer));
        Ok(peer)
    }
}

async fn connect(address: &str, secret: &Secret, tls: Option<&Tls>) -> Result<Channel, LinkError> {
    let socket = TcpStream::connect(address).await.map_err(WireError::Io)?;
    socket.set_nodelay(true).map_err(WireError::Io)?;
    let mut channel = Channel::connecting(socket, tls).await.map_err(|error| {
        LinkError::Refused(format!(
            "it does not encrypt its links as this process does ({error})"
        ))
    })?;
    let binding = channel.binding().map_err(WireError::Io)?;
    let own = wire::challenge();
    let hello = Greeting::Hello {
        version: VERSION,
        challenge: own,
    };
    wire::greet(&mut channel, &hello).await?;
    let challenge = match wire::read_greeting(&mut channel).await? {
        Greeting::Welcome { challenge } => challenge,
        Greeting::Refused(words) => return Err(LinkError::Refused(words)),
        Greeting::Hello { .. } | Greeting::Proof(_) => {
            return Err(LinkError::Refused("it sent an unexpected greeting".into()));
        }
    };
    let proof = secret.prove(b"edge", [&own, &challenge], &binding);
    wire::greet(&mut channel, &Greeting::Proof(proof)).await?;
    let other_secret = || LinkError::Refused("it has another secret".into());
    // A host that does not accept the proof closes the connection.
    match wire::read_greeting(&mut channel)
        .await
        .map_err(|_| other_secret())?
    {
        Greeting::Proof(proof) if secret.accepts(b"host", [&own, &challenge], &binding, &proof) => {
            Ok(channel)
        }
        Greeting::Refused(words) => Err(LinkError::Refused(words)),
        Greeting::Hello { .. } | Greeting::Welcome { .. } | Greeting::Proof(_) => {
            Err(other_secret())
        }
    }
}

impl LinkPeer {
    fn start(channel: Channel) -> Arc<Self> {
        let (reader, mut writer) = split(channel);
        let (out, mut outgoing) = mpsc::channel::<Bytes>(WAITING);
        let peer = Arc::new(Self {
            out,
            next: AtomicU32::new(1),
            streams: Mutex::default(),
            requests: Mutex::default(),
            over: CancellationToken::new(),
        });
        let over = peer.over.clone();
        tokio::spawn(async move {
            let mut beat = tokio::time::interval(BEAT);
            loop {
                let bytes = tokio::select! {
                    bytes = outgoing.recv() => match bytes {
                        Some(bytes) => bytes,
                        None => break,
                    },
                    _ = beat.tick() => frame(&ToHost::Beat),
                    () = over.cancelled() => break,
                };
                if writer.write_all(&bytes).await.is_err() || writer.flush().await.is_err() {
                    break;
                }
            }
            over.cancel();
        });
        // The task also ends when the last user of the peer is gone: the writer then closes the
        // socket, and the other side closes its half.
        let (weak, over) = (Arc::downgrade(&peer), peer.over.clone());
        tokio::spawn(async move {
            let mut reader = BufReader::new(reader);
            loop {
                let read = tokio::select! {
                    read = timeout(SILENCE, wire::read::<ToEdge>(&mut reader)) => read,
                    () = over.cancelled() => break,
                };
                let (Ok(Ok(message)), Some(peer)) = (read, weak.upgrade()) else {
                    break;
                };
                peer.hear(message);
            }
            over.cancel();
            if let Some(peer) = weak.upgrade() {
                // Followers see the end of their channel.
                peer.streams.lock().clear();
                peer.requests.lock().clear();
            }
        });
        peer
    }

    fn hear(&self, message: ToEdge) {
        match message {
            ToEdge::Beat => {}
            ToEdge::Opened { request, scene } => self.answer(request, Some(scene)),
            ToEdge::Refused { request } => self.answer(request, None),
            ToEdge::Over { stream } => drop(self.streams.lock().remove(&stream)),
            ToEdge::Seen { stream, seen } => {
                let mut streams = self.streams.lock();
                let Some(sender) = streams.get(&stream) else {
                    return;
                };
                if sender.try_send(seen).is_err() {
                    // The follower is gone or too slow. It follows again if it still needs
                    // the space.
                    streams.remove(&stream);
                    drop(streams);
                    let _ = self.out.try_send(frame(&ToHost::Unfollow { stream }));
                }
            }
        }
    }

    fn answer(&self, request: u32, scene: Option<Scene>) {
        if let Some(tell) = self.requests.lock().remove(&request) {
            // The caller may have stopped waiting.
            let _ = tell.send(scene);
        }
    }

    async fn say(&self, message: &ToHost) -> Result<(), LinkError> {
        let said = self.out.send(frame(message)).await;
        said.map_err(|_| LinkError::Unreachable("the link broke".into()))
    }
}

impl Drop for LinkPeer {
    fn drop(&mut self) {
        self.over.cancel();
    }
}

impl RemoteSpace {
    /// Id of the space.
    pub const fn id(&self) -> SpaceId {
        self.space
    }

    /// Whether the connection to the space's process is closed.
    pub fn has_ended(&self) -> bool {
        self.peer.over.is_cancelled()
    }

    /// Sends a command. It is applied at the next tick, if it arrives in time.
    pub fn send(&self, command: Command) -> Result<(), SendError> {
        if self.has_ended() {
            return Err(SendError::Ended);
        }
        let bytes = frame(&ToHost::Command {
            space: self.space,
            command,
        });
        self.peer.out.try_send(bytes).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => SendError::Overloaded,
            mpsc::error::TrySendError::Closed(_) => SendError::Ended,
        })
    }

    /// Follows the space: a snapshot first, then every update.
    pub fn follow(&self) -> mpsc::Receiver<SpaceUpdate> {
        let (sender, receiver) = mpsc::channel(BACKLOG);
        let stream = self.peer.next.fetch_add(1, Ordering::Relaxed);
        let follow = frame(&ToHost::Follow {
            stream,
            space: self.space,
        });
        let mut streams = self.peer.streams.lock();
        // If the link is closed or full, the receiver ends at once.
        if !self.has_ended() && self.peer.out.try_send(follow).is_ok() {
            streams.insert(stream, sender);
        }
        receiver
    }
}
