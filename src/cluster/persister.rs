//! Persister: writes the checkpoints and durable events of one space, in order, until the space has
//! ended.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::Instant;

use super::node::Member;
use super::ownership::{Epoch, Event, Unreachable};
use super::record::{Committed, Write};
use super::shared::{PersistJob, SpacesState};
use crate::components::chat::ChatMessage;
use crate::components::id::SpaceId;
use crate::components::unit::Tick;
use crate::host::{Ending, SpaceHandle};
use crate::space::DurableEvent;
use crate::store::Store;
use crate::store::uploads::{ShownPicture, pictures_in};

/// Delay after a failed write.
const TRY_AGAIN: Duration = Duration::from_millis(250);

/// Tries to save the last state of a space that ended.
const LAST_TRIES: u32 = 20;

/// Interval of copies to the database, which survive the loss of Redis.
const COLD: Duration = Duration::from_mins(1);

/// The task that saves one space.
pub(super) struct Persister {
    pub inner: Arc<SpacesState>,
    pub space: SpaceId,
    pub epoch: Epoch,
    pub me: Member,
    pub handle: SpaceHandle,
    /// Whether chat messages are saved for ever.
    pub keeps_chat: bool,
}

/// Data to be written: the newest checkpoint, and events that are not in it.
#[derive(Default)]
struct PendingWrite {
    write: Write,
    /// Tick up to which everything is saved by this write.
    tick: Option<Tick>,
    /// Chat events to be saved for ever, in a space that does so.
    chat: Vec<DurableEvent>,
    /// Pictures in messages of the newest checkpoint, in a space with ephemeral chat.
    shown: Option<Vec<ShownPicture>>,
    /// Pictures in messages sent in such a space. Those that an edit adds are reported with the
    /// checkpoint; one that another edit takes out before that is swept a day later.
    sent: BTreeSet<ShownPicture>,
}

/// Pictures that a space shows now, and those of all messages since the last report; some of these
/// messages may be deleted already.
type ShownUploads = (Vec<ShownPicture>, BTreeSet<ShownPicture>);

fn pictures_of(message: &ChatMessage) -> impl Iterator<Item = ShownPicture> {
    let names = pictures_in(&message.text).into_iter();
    names.map(|name| ShownPicture {
        hash: name.to_owned(),
        message: message.id,
        author: message.user,
    })
}

/// Writes which pictures a space shows, when that changed: others are deleted. A task of its own,
/// so that it does not delay checkpoints.
async fn tell_shown(store: Store, space: SpaceId, mut seen: UnboundedReceiver<ShownUploads>) {
    let mut before = None;
    let mut sent = BTreeSet::new();
    while let Some((mut now, more)) = seen.recv().await {
        sent.extend(more);
        while let Ok((newer, more)) = seen.try_recv() {
            now = newer;
            sent.extend(more);
        }
        if before.as_ref() == Some(&now) && sent.is_empty() {
            continue;
        }
        match store.show_in_space(space, &now, &sent).await {
            Ok(()) => {
                before = Some(now);
                sent.clear();
            }
            Err(error) => {
                tracing::warn!(%space, %error, "failed to write which pictures a space shows");
            }
        }
    }
}

impl PendingWrite {
    fn add(&mut self, job: PersistJob, keeps_chat: bool) -> Option<Ending> {
        match job {
            PersistJob::Checkpoint(checkpoint) => {
                let tick = checkpoint.tick;
                if !keeps_chat {
                    match checkpoint.history() {
                        Ok(history) => {
                            self.shown = Some(history.iter().flat_map(pictures_of).collect());
                        }
                        Err(error) => {
                            tracing::error!(%error, "failed to read the chat of a checkpoint");
                        }
                    }
                }
                self.write.checkpoint = Some((tick.0, checkpoint.encode()));
                self.tick = self.tick.max(Some(tick));
            }
            PersistJob::Events(tick, events) => {
                if keeps_chat {
                    self.chat.extend_from_slice(&events);
                } else {
                    let said = events.iter().filter_map(DurableEvent::said);
                    self.sent.extend(said.flat_map(pictures_of));
                }
                let events = events.iter().map(|event| (tick.0, event.encode()));
                self.write.events.extend(events);
                self.tick = self.tick.max(Some(tick));
            }
            PersistJob::Ended(ending) => return Some(ending),
        }
        None
    }
}

impl Persister {
    pub(super) async fn run(self, mut inbox: UnboundedReceiver<PersistJob>) {
        let mut batch = Vec::new();
        let mut waiting = PendingWrite::default();
        let mut ending = None;
        let mut cold = Instant::now();
        let mut tries = 0;
        let (shown, seen) = unbounded_channel();
        self.inner
            .tasks
            .spawn(tell_shown(self.inner.store.clone(), self.space, seen));
        loop {
            if waiting.tick.is_none() {
                if let Some(ending) = ending {
                    return self.inner.ended(self.space, self.epoch, ending);
                }
                if inbox.recv_many(&mut batch, usize::MAX).await == 0 {
                    ending = Some(Ending::Stopped);
                }
            }
            batch.extend(std::iter::from_fn(|| inbox.try_recv().ok()));
            for job in batch.drain(..) {
                ending = waiting.add(job, self.keeps_chat).or(ending);
            }
            let Some(tick) = waiting.tick else { continue };
            let is_last = ending.is_some();
            let later = self.save_chat(&mut waiting).await;
            match self
                .inner
                .vault
                .commit(self.space, self.epoch, &self.me, &waiting.write)
                .await
            {
                Ok(Committed::Kept) => {
                    self.handle.committed(tick);
                    if let Some(checkpoint) = &waiting.write.checkpoint
                        && (is_last || cold.elapsed() >= COLD)
                    {
                        cold = Instant::now();
                        self.inner
                            .vault
                            .write_backup(self.space, self.epoch, checkpoint)
                            .await;
                    }
                    if let Some(now) = waiting.shown.take() {
                        // The receiving task ends after this one.
                        let _ = shown.send((now, std::mem::take(&mut waiting.sent)));
                    }
                    waiting = PendingWrite {
                        chat: waiting.chat,
                        sent: waiting.sent,
                        ..PendingWrite::default()
                    };
                    tries = 0;
                    if let Some(checkpoint) = later {
                        if is_last {
                            tracing::error!(space = %self.space, "failed to save the last chat \
                                messages; they are saved when the space opens again");
                        } else {
                            waiting.write.checkpoint = Some(checkpoint);
                            waiting.tick = Some(tick);
                            tokio::time::sleep(TRY_AGAIN).await;
                        }
                    }
                }
                Ok(Committed::Fenced) => {
                    // Another process owns the space: drop all pending writes.
                    waiting = PendingWrite::default();
                    self.inner.happened(Event::Fenced(self.space, self.epoch));
                }
                failed @ (Ok(Committed::Forgotten) | Err(Unreachable)) => {
                    if failed.is_ok() {
                        self.inner
                            .happened(Event::Forgotten(self.space, self.epoch));
                    }
                    tries += 1;
                    if is_last && tries > LAST_TRIES {
                        tracing::error!(space = %self.space, "failed to save the last state of \
                            a space");
                        waiting = PendingWrite::default();
                    } else {
                        tokio::time::sleep(TRY_AGAIN).await;
                    }
                }
            }
        }
    }

    /// Saves chat for ever, before a checkpoint that contains it truncates the log. When that
    /// fails, the checkpoint is taken out and returned, and the log keeps the messages until the
    /// next try.
    async fn save_chat(&self, waiting: &mut PendingWrite) -> Option<(u64, Vec<u8>)> {
        let (tick, _) = waiting.write.checkpoint.as_ref()?;
        if !waiting.chat.is_empty() {
            if let Err(error) = self
                .inner
                .store
                .keep_chat_of(self.space, self.epoch, &waiting.chat)
                .await
            {
                tracing::warn!(space = %self.space, %error, "failed to save chat messages");
                return waiting.write.checkpoint.take();
            }
            waiting.chat.clear();
        }
        waiting.write.events.retain(|(at, _)| at > tick);
        None
    }
}
