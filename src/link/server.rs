//! Server: shows the spaces of this process to relays in other processes.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use bytes::Bytes;
use governor::{Quota, RateLimiter};
use tokio::io::{AsyncWriteExt, BufReader, split};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::tls::{Channel, Tls};
use super::wire::{
    self, Greeting, LinkBroadcast, Secret, ToEdge, ToHost, VERSION, WireError, frame,
};
use super::{BEAT, GREET_WITHIN, SILENCE, WAITING};
use crate::components::id::SpaceId;
use crate::components::scene::Scene;
use crate::host::SpaceHandle;
use crate::net::few::Few;

/// Maximum number of connections that have not yet proved the secret.
const STRANGERS: usize = 64;

/// Runs the spaces that a link serves.
pub trait Hosting: Clone + Send + Sync + 'static {
    /// Handle of the space, opened if necessary; `None` if it cannot be hosted here.
    fn host(&self, space: SpaceId) -> impl Future<Output = Option<(SpaceHandle, Scene)>> + Send;
    /// Handle of the space, if it is hosted here already.
    fn running(&self, space: SpaceId) -> Option<SpaceHandle>;
    /// Another process changed something.
    fn told(&self, tell: LinkBroadcast) -> impl Future<Output = ()> + Send;
}

/// Accepts connections until `stopping` is cancelled.
pub async fn serve(
    listener: TcpListener,
    secret: Secret,
    tls: Option<Tls>,
    hosting: impl Hosting,
    stopping: CancellationToken,
) {
    let tasks = TaskTracker::new();
    let complaints = Arc::new(RateLimiter::direct(Quota::per_minute(NonZeroU32::MIN)));
    let mut strangers = Few::new(STRANGERS);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stopping.cancelled() => break,
        };
        match accepted {
            Ok((socket, from)) => {
                let (secret, tls) = (secret.clone(), tls.clone());
                let (hosting, stopping) = (hosting.clone(), stopping.clone());
                let (pushed_out, complaints) =
                    (strangers.enter(&stopping), Arc::clone(&complaints));
                tasks.spawn(async move {
                    let greeted = tokio::select! {
                        greeted = timeout(
                            GREET_WITHIN,
                            be_greeted(socket, &secret, tls.as_ref()),
                        ) => greeted,
                        () = pushed_out.cancelled() => return,
                    };
                    let Ok(Ok(Some(channel))) = greeted else {
                        if complaints.check().is_ok() {
                            tracing::warn!(
                                %from,
                                "refused a link connection: wrong secret, another version, or \
                                 different encryption; logged at most once a minute"
                            );
                        }
                        return;
                    };
                    tokio::select! {
                        outcome = connection(channel, hosting) => if let Err(error) = outcome {
                            tracing::debug!(%from, %error, "a link ended");
                        },
                        () = stopping.cancelled() => {}
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "failed to accept a link");
                tokio::time::sleep(BEAT).await;
            }
        }
    }
    tasks.close();
    tasks.wait().await;
}

async fn connection(channel: Channel, hosting: impl Hosting) -> Result<(), WireError> {
    let (reader, mut writer) = split(channel);
    let (out, mut outgoing) = mpsc::channel::<Bytes>(WAITING);
    let writing = tokio::spawn(async move {
        let mut beat = tokio::time::interval(BEAT);
        loop {
            let bytes = tokio::select! {
                bytes = outgoing.recv() => match bytes {
                    Some(bytes) => bytes,
                    None => return,
                },
                _ = beat.tick() => frame(&ToEdge::Beat),
            };
            if writer.write_all(&bytes).await.is_err() || writer.flush().await.is_err() {
                return;
            }
        }
    });
    let mut session = LinkSession {
        hosting,
        out,
        streams: HashMap::new(),
    };
    let outcome = session.listen(BufReader::new(reader)).await;
    for (_, showing) in session.streams {
        showing.abort();
    }
    writing.abort();
    outcome
}

/// Runs the host's half of the greeting. `None` if the peer does not prove the secret.
async fn be_greeted(
    socket: TcpStream,
    secret: &Secret,
    tls: Option<&Tls>,
) -> Result<Option<Channel>, WireError> {
    socket.set_nodelay(true)?;
    let mut channel = Channel::accepting(socket, tls).await?;
    let binding = channel.binding()?;
    let Greeting::Hello { version, challenge } = wire::read_greeting(&mut channel).await? else {
        return Ok(None);
    };
    if version != VERSION {
        let words = format!(
            "it runs another version of Plaza: its link is {VERSION:08x}, not {version:08x}"
        );
        wire::greet(&mut channel, &Greeting::Refused(words)).await?;
        return Ok(None);
    }
    let own = wire::challenge();
    wire::greet(&mut channel, &Greeting::Welcome { challenge: own }).await?;
    let Greeting::Proof(proof) = wire::read_greeting(&mut channel).await? else {
        return Ok(None);
    };
    if !secret.accepts(b"edge", [&challenge, &own], &binding, &proof) {
        return Ok(None);
    }
    let proof = secret.prove(b"host", [&challenge, &own], &binding);
    wire::greet(&mut channel, &Greeting::Proof(proof)).await?;
    Ok(Some(channel))
}

struct LinkSession<H> {
    hosting: H,
    out: mpsc::Sender<Bytes>,
    streams: HashMap<u32, AbortHandle>,
}

impl<H: Hosting> LinkSession<H> {
    async fn listen(
        &mut self,
        mut reader: impl tokio::io::AsyncRead + Unpin,
    ) -> Result<(), WireError> {
        loop {
            let Ok(message) = timeout(SILENCE, wire::read(&mut reader)).await else {
                return Ok(());
            };
            self.obey(message?);
        }
    }

    fn obey(&mut self, message: ToHost) {
        match message {
            ToHost::Beat => {}
            ToHost::Open { request, space } => {
                let (hosting, out) = (self.hosting.clone(), self.out.clone());
                tokio::spawn(async move {
                    let answer = match hosting.host(space).await {
                        Some((_, scene)) => ToEdge::Opened { request, scene },
                        None => ToEdge::Refused { request },
                    };
                    // The peer may have disconnected.
                    let _ = out.send(frame(&answer)).await;
                });
            }
            ToHost::Follow { stream, space } => {
                let showing = show(self.hosting.running(space), stream, self.out.clone());
                self.streams.retain(|_, showing| !showing.is_finished());
                self.streams
                    .insert(stream, tokio::spawn(showing).abort_handle());
            }
            ToHost::Unfollow { stream } => {
                if let Some(showing) = self.streams.remove(&stream) {
                    showing.abort();
                }
            }
            ToHost::Command { space, command } => {
                if let Some(handle) = self.hosting.running(space)
                    && handle.send(command).is_err()
                {
                    metrics::counter!("plaza_commands_dropped_total").increment(1);
                }
            }
            ToHost::Tell(tell) => {
                let hosting = self.hosting.clone();
                tokio::spawn(async move { hosting.told(tell).await });
            }
        }
    }
}

/// Sends updates of a space until it ends or the connection closes. Each tick is encoded once.
async fn show(space: Option<SpaceHandle>, stream: u32, out: mpsc::Sender<Bytes>) {
    if let Some(space) = space {
        let mut seen = space.follow();
        while let Some(seen) = seen.recv().await {
            let bytes = frame(&ToEdge::Seen { stream, seen });
            metrics::counter!("plaza_link_bytes_total").increment(bytes.len() as u64);
            if out.send(bytes).await.is_err() {
                return;
            }
        }
    }
    let _ = out.send(frame(&ToEdge::Over { stream })).await;
}
