//! Lane: what waits to be written to one client: events in order, and at most one frame.

use std::collections::VecDeque;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::net::relay::{Sink, close};

/// Bytes of events that may wait for a client that reads slowly. A single larger one is let through.
const EVENT_BYTES: usize = 64 * 1024;

/// The same for clients of the tile grid, whose every movement is an event.
const GRID_EVENT_BYTES: usize = 512 * 1024;

/// One client's way out.
pub(super) struct Lane {
    bound: usize,
    waiting: Mutex<Waiting>,
    wake: Notify,
}

#[derive(Default)]
struct Waiting {
    events: VecDeque<Bytes>,
    event_bytes: usize,
    frame: Option<Bytes>,
    is_writing: bool,
    close: Option<Goodbye>,
}

/// Why and how the connection ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Goodbye {
    pub(super) code: u16,
    pub(super) reason: String,
}

/// Everything that is to be written now, in one go.
pub(super) struct Batch {
    pub(super) messages: Vec<Bytes>,
    pub(super) close: Option<Goodbye>,
}

impl Lane {
    pub(super) fn new(is_grid: bool) -> Self {
        let bound = if is_grid { GRID_EVENT_BYTES } else { EVENT_BYTES };
        Self {
            bound,
            waiting: Mutex::default(),
            wake: Notify::new(),
        }
    }

    /// Waits until there is something to write and takes all of it.
    pub(super) async fn next(&self) -> Batch {
        loop {
            let wake = self.wake.notified();
            if let Some(batch) = self.take() {
                return batch;
            }
            wake.await;
        }
    }

    /// The batch was written: the next frame may come.
    pub(super) fn written(&self) {
        self.waiting.lock().is_writing = false;
    }

    /// Whether the connection is about to end.
    pub(super) fn is_closing(&self) -> bool {
        self.waiting.lock().close.is_some()
    }

    fn take(&self) -> Option<Batch> {
        let mut waiting = self.waiting.lock();
        if waiting.events.is_empty() && waiting.frame.is_none() && waiting.close.is_none() {
            return None;
        }
        waiting.is_writing = true;
        waiting.event_bytes = 0;
        let frame = waiting.frame.take();
        let messages = waiting.events.drain(..).chain(frame).collect();
        Some(Batch {
            messages,
            close: waiting.close.clone(),
        })
    }
}

impl Sink for Lane {
    fn is_free(&self) -> bool {
        let waiting = self.waiting.lock();
        waiting.frame.is_none() && !waiting.is_writing
    }

    fn frame(&self, bytes: Bytes) {
        self.waiting.lock().frame = Some(bytes);
        self.wake.notify_one();
    }

    fn event(&self, bytes: Bytes) {
        let mut waiting = self.waiting.lock();
        if waiting.close.is_some() {
            return;
        }
        if waiting.event_bytes > 0 && waiting.event_bytes + bytes.len() > self.bound {
            waiting.close = Some(Goodbye {
                code: close::FLOOD,
                reason: "reading too slowly".into(),
            });
        } else {
            waiting.event_bytes += bytes.len();
            waiting.events.push_back(bytes);
        }
        drop(waiting);
        self.wake.notify_one();
    }

    fn close(&self, code: u16, reason: &str) {
        self.waiting.lock().close.get_or_insert_with(|| Goodbye {
            code,
            reason: reason.into(),
        });
        self.wake.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_before_the_frame_and_in_order() {
        let lane = Lane::new(false);
        lane.frame(Bytes::from_static(b"frame"));
        lane.event(Bytes::from_static(b"one"));
        lane.event(Bytes::from_static(b"two"));
        let batch = lane.take().unwrap();
        assert_eq!(batch.messages, [&b"one"[..], b"two", b"frame"]);
        assert!(lane.take().is_none());
    }

    #[test]
    fn no_frame_is_taken_while_one_is_in_flight() {
        let lane = Lane::new(false);
        assert!(lane.is_free());
        lane.frame(Bytes::from_static(b"frame"));
        assert!(!lane.is_free());
        lane.take();
        assert!(!lane.is_free(), "it is being written");
        lane.written();
        assert!(lane.is_free());
    }

    #[test]
    fn whoever_reads_too_slowly_is_let_go_with_what_was_waiting_bounded() {
        let lane = Lane::new(false);
        for _ in 0..100_000 {
            lane.event(Bytes::from_static(&[0; 100]));
        }
        let batch = lane.take().unwrap();
        assert_eq!(batch.close.unwrap().code, close::FLOOD);
        assert!(batch.messages.len() * 100 <= EVENT_BYTES);
    }

    #[test]
    fn one_large_event_is_let_through() {
        let lane = Lane::new(false);
        lane.event(Bytes::from(vec![0; EVENT_BYTES * 2]));
        assert_eq!(lane.take().unwrap().close, None);
    }
}
