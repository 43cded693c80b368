//! Keep: writes what one space leaves, in order, until the space has ended.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::Instant;

use super::node::Member;
use super::ownership::{Epoch, Event, Unreachable};
use super::spaces::SpacesState;
use super::vault::{Committed, Write};
use crate::components::chat::ChatMessage;
use crate::components::id::{ChatId, SpaceId};
use crate::components::unit::Tick;
use crate::host::{Ending, SpaceHandle};
use crate::space::checkpoint::{Checkpoint, DurableEvent};
use crate::store::Store;
use crate::store::uploads::pictures_in;

/// How long after a write that failed the next one is tried.
const TRY_AGAIN: Duration = Duration::from_millis(250);

/// How long a space that ended tries to keep its last state.
const LAST_TRIES: u32 = 20;

/// How often a copy goes where it survives the loss of everything hot.
const COLD: Duration = Duration::from_mins(1);

/// What there is to keep.
pub(super) enum PersistJob {
    /// A state.
    Checkpoint(Box<Checkpoint>),
    /// What happened at a tick.
    Events(Tick, Vec<DurableEvent>),
    /// No more comes.
    Ended(Ending),
}

/// The task of one space.
pub(super) struct Persister {
    pub inner: Arc<SpacesState>,
    pub space: SpaceId,
    pub epoch: Epoch,
    pub me: Member,
    pub handle: SpaceHandle,
    /// Whether what is said stays for ever.
    pub keeps_chat: bool,
}

/// What waits to be written: the newest state, and what is not in it.
#[derive(Default)]
struct PendingWrite {
    write: Write,
    /// Up to which tick everything is kept when this is written.
    tick: Option<Tick>,
    /// What became of lines and is not kept for ever yet, where it shall be.
    chat: Vec<DurableEvent>,
    /// Which lines of the newest state show pictures, in a space that forgets them.
    shown: Option<PersistedMessages>,
    /// The pictures of lines that were said there.
    said: BTreeSet<String>,
}

/// Lines, and the names of pictures that they show.
type PersistedMessages = Vec<(ChatId, String)>;

/// What a space shows, and the pictures of all that was said since it told last: some of it may be
/// deleted already.
type ShownUploads = (PersistedMessages, BTreeSet<String>);

fn shown(history: &[ChatMessage]) -> PersistedMessages {
    let pictures_of = |line: &ChatMessage| {
        let names = pictures_in(&line.text);
        names
            .into_iter()
            .map(|name| (line.id, name.to_owned()))
            .collect::<Vec<_>>()
    };
    history.iter().flat_map(pictures_of).collect()
}

/// Says which pictures a space shows, when that is news: the others are deleted. It is a task of
/// its own: what is kept must not wait for it.
async fn tell_shown(store: Store, space: SpaceId, mut seen: UnboundedReceiver<ShownUploads>) {
    let mut before = None;
    let mut said = BTreeSet::new();
    while let Some((mut now, more)) = seen.recv().await {
        said.extend(more);
        while let Ok((newer, more)) = seen.try_recv() {
            now = newer;
            said.extend(more);
        }
        if before.as_ref() == Some(&now) && said.is_empty() {
            continue;
        }
        match store.show_in_space(space, &now, &said).await {
            Ok(()) => {
                before = Some(now);
                said.clear();
            }
            Err(error) => {
                tracing::warn!(%space, %error, "which pictures a space shows is not known yet")
            }
        }
    }
}

impl PendingWrite {
    fn add(&mut self, keep: PersistJob, keeps_chat: bool) -> Option<Ending> {
        match keep {
            PersistJob::Checkpoint(checkpoint) => {
                let tick = checkpoint.tick;
                if !keeps_chat {
                    self.shown = Some(shown(&checkpoint.history));
                }
                self.write.checkpoint = Some((tick.0, checkpoint.encode()));
                self.tick = self.tick.max(Some(tick));
            }
            PersistJob::Events(tick, events) => {
                if keeps_chat {
                    self.chat.extend_from_slice(&events);
                } else {
                    let texts = events.iter().filter_map(DurableEvent::text);
                    self.said
                        .extend(texts.flat_map(pictures_in).map(str::to_owned));
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
            for keep in batch.drain(..) {
                ending = waiting.add(keep, self.keeps_chat).or(ending);
            }
            let Some(tick) = waiting.tick else { continue };
            let is_last = ending.is_some();
            let later = self.keep_chat(&mut waiting).await;
            match self
                .inner
                .vault
                .commit(self.space, self.epoch, &self.me, &waiting.write)
                .await
            {
                Ok(Committed::Kept) => {
                    self.handle.kept(tick);
                    if let Some(checkpoint) = &waiting.write.checkpoint
                        && (is_last || cold.elapsed() >= COLD)
                    {
                        cold = Instant::now();
                        self.inner
                            .vault
                            .keep_cold(self.space, self.epoch, checkpoint)
                            .await;
                    }
                    if let Some(now) = waiting.shown.take() {
                        // That task ends after this one.
                        let _ = shown.send((now, std::mem::take(&mut waiting.said)));
                    }
                    waiting = PendingWrite {
                        chat: waiting.chat,
                        said: waiting.said,
                        ..PendingWrite::default()
                    };
                    tries = 0;
                    if let Some(checkpoint) = later {
                        if is_last {
                            tracing::error!(space = %self.space, "what was said last could not be \
                                kept for ever yet; it is when the space opens again");
                        } else {
                            waiting.write.checkpoint = Some(checkpoint);
                            waiting.tick = Some(tick);
                            tokio::time::sleep(TRY_AGAIN).await;
                        }
                    }
                }
                Ok(Committed::Fenced) => {
                    // Nothing of it counts any more.
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
                        tracing::error!(space = %self.space, "the last state of a space was not \
                            kept");
                        waiting = PendingWrite::default();
                    } else {
                        tokio::time::sleep(TRY_AGAIN).await;
                    }
                }
            }
        }
    }

    /// Keeps what was said for ever, before a state that has it makes the log forget it. When that
    /// fails, the state waits: it is taken out and answered, and the log holds the lines until
    /// then.
    async fn keep_chat(&self, waiting: &mut PendingWrite) -> Option<(u64, Vec<u8>)> {
        let (tick, _) = waiting.write.checkpoint.as_ref()?;
        if !waiting.chat.is_empty() {
            if let Err(error) = self
                .inner
                .store
                .keep_chat_of(self.space, self.epoch, &waiting.chat)
                .await
            {
                tracing::warn!(space = %self.space, %error, "what was said is not kept for ever yet");
                return waiting.write.checkpoint.take();
            }
            waiting.chat.clear();
        }
        waiting.write.events.retain(|(at, _)| at > tick);
        None
    }
}
