//! Send queue: one client's outgoing messages: events in order, at most one frame, and the socket
//! to which they are written.
//!
//! The caller writes a frame straight to the socket, which saves a task switch for each of the
//! twenty thousand frames that a thousand people receive per second. Bytes that the socket does not
//! take wait here, up to a limit. Events that do not fit are left out, and the relay repairs that
//! once the socket has taken the waiting bytes: a client is never disconnected for what others do,
//! only when its socket takes nothing for [`STUCK_AT_MOST`].

mod buffer;
mod reader;
#[cfg(test)]
mod tests;

use std::io::IoSlice;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::{Buf, Bytes};
use futures_util::task::AtomicWaker;
use parking_lot::Mutex;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

pub(super) use self::buffer::Goodbye;
use self::buffer::SendBuffer;
pub(super) use self::reader::SocketReader;
use super::framing::{Header, Opcode};
use crate::net::protocol::close;
use crate::net::relay::Sink;

/// Maximum size of events waiting for a client that reads slowly, in bytes. A single larger event
/// is let through.
const EVENT_BYTES: usize = 512 * 1024;

/// Size of waiting events from which they are written before the end of the tick, in bytes.
const WRITE_EARLY: usize = 64 * 1024;

/// How long a socket may take none of the waiting bytes.
const STUCK_AT_MOST: Duration = Duration::from_secs(5);

/// Time of taking nothing after which the socket is no longer read: a client that does not read
/// gets no replies.
const DEAF_AFTER: Duration = Duration::from_secs(1);

/// One client's outgoing messages.
pub(super) struct SendQueue {
    socket: OwnedWriteHalf,
    opcode: Opcode,
    waiting: Mutex<SendBuffer>,
    wake: Notify,
    /// Whether the socket has taken nothing for [`DEAF_AFTER`].
    is_stuck: AtomicBool,
    /// Woken when that ends.
    reader: AtomicWaker,
    /// Whether events were left out.
    has_missed: AtomicBool,
    patience: SendPatience,
}

/// How long a socket may take nothing before it is no longer read, and before it is closed.
#[derive(Clone, Copy)]
struct SendPatience {
    deaf: Duration,
    stuck: Duration,
}

impl SendQueue {
    /// The writing and the reading half of a socket.
    pub(super) fn new(socket: TcpStream, is_json: bool) -> (Arc<Self>, SocketReader) {
        let patience = SendPatience {
            deaf: DEAF_AFTER,
            stuck: STUCK_AT_MOST,
        };
        Self::with_patience(socket, is_json, patience)
    }

    fn with_patience(
        socket: TcpStream,
        is_json: bool,
        patience: SendPatience,
    ) -> (Arc<Self>, SocketReader) {
        let (reading, writing) = socket.into_split();
        let queue = Arc::new(Self {
            socket: writing,
            opcode: if is_json {
                Opcode::Text
            } else {
                Opcode::Binary
            },
            waiting: Mutex::default(),
            wake: Notify::new(),
            is_stuck: AtomicBool::new(false),
            reader: AtomicWaker::new(),
            has_missed: AtomicBool::new(false),
            patience,
        });
        let reader = SocketReader::new(reading, Arc::clone(&queue));
        (queue, reader)
    }

    /// Writes waiting bytes until the close frame is written (and returned), the socket fails, or
    /// it takes nothing for too long.
    pub(super) async fn run(&self) -> Option<Goodbye> {
        // Bytes taken at the last progress, and when that was.
        let mut last = (0, None);
        loop {
            let wake = self.wake.notified();
            let (is_left, taken) = {
                let mut waiting = self.waiting.lock();
                waiting.fill(self.opcode);
                waiting.write(&self.socket);
                if waiting.is_broken {
                    return None;
                }
                if waiting.rest.is_empty() && waiting.has_said_goodbye {
                    return waiting.close.clone();
                }
                (!waiting.rest.is_empty(), waiting.taken)
            };
            if !is_left {
                self.listen();
                last.1 = None;
                wake.await;
                continue;
            }
            let since = match last {
                (before, Some(since)) if before == taken => since,
                _ => {
                    self.listen();
                    Instant::now()
                }
            };
            last = (taken, Some(since));
            let is_deaf = self.is_stuck.load(Ordering::Relaxed);
            let SendPatience { deaf, stuck } = self.patience;
            let patience = if is_deaf { stuck } else { deaf };
            // An error shows at the next write.
            if timeout_at(since + patience, self.socket.writable())
                .await
                .is_err()
            {
                if is_deaf {
                    metrics::counter!("plaza_slow_readers_total").increment(1);
                    return Some(too_slow());
                }
                self.is_stuck.store(true, Ordering::Release);
            }
        }
    }

    /// The socket takes bytes again: resumes reading.
    fn listen(&self) {
        if self.is_stuck.swap(false, Ordering::AcqRel) {
            self.reader.wake();
        }
    }

    /// Sends a ping.
    pub(super) fn ping(&self) {
        let mut waiting = self.waiting.lock();
        waiting.owes_ping = true;
        self.send(&mut waiting);
    }

    /// Queues an event and writes it at once if possible.
    pub(super) fn reply(&self, bytes: Bytes) {
        self.event(bytes);
        self.wake.notify_one();
    }

    /// Whether the connection is about to end.
    pub(super) fn is_closing(&self) -> bool {
        self.waiting.lock().close.is_some()
    }

    /// Queues a reply of the library: a framed pong or close. Replies go between other messages,
    /// never inside one, and never after our own close: the library answers the client's close
    /// reply as if it were the first close, and browsers take that for a broken connection. While
    /// the socket takes nothing, only one of each is queued.
    fn answer(&self, mut framed: &[u8]) {
        let mut waiting = self.waiting.lock();
        while let [first, length, ..] = *framed {
            let (frame, behind) = framed.split_at(framed.len().min(2 + usize::from(length & 0x7f)));
            if first & 0x0f == Opcode::Close as u8 {
                waiting.echo = Some(frame.to_vec());
            } else {
                waiting.pong = Some(frame.to_vec());
            }
            framed = behind;
        }
        self.send(&mut waiting);
    }

    /// Writes waiting bytes, unless some are stuck.
    fn send(&self, waiting: &mut SendBuffer) {
        if waiting.rest.is_empty() {
            waiting.take_control();
            waiting.write(&self.socket);
        }
        self.wake.notify_one();
    }
}

fn too_slow() -> Goodbye {
    Goodbye {
        code: close::FLOOD,
        reason: "reading too slowly".into(),
    }
}

impl Sink for SendQueue {
    fn is_free(&self) -> bool {
        let waiting = self.waiting.lock();
        waiting.rest.is_empty() && waiting.close.is_none()
    }

    fn frame(&self, bytes: &[u8]) {
        let mut waiting = self.waiting.lock();
        if waiting.rest.is_empty() {
            waiting.take_events(self.opcode);
        }
        let header = Header::new(self.opcode, bytes.len());
        let written = if waiting.rest.is_empty() {
            let pieces = [IoSlice::new(header.as_slice()), IoSlice::new(bytes)];
            self.socket.try_write_vectored(&pieces).unwrap_or(0)
        } else {
            0
        };
        if written == header.as_slice().len() + bytes.len() {
            return;
        }
        // A broken socket shows when the rest is written.
        waiting.rest.extend_from_slice(header.as_slice());
        waiting.rest.extend_from_slice(bytes);
        if written > 0 {
            waiting.taken += written;
            waiting.rest.advance(written);
        } else {
            waiting.write(&self.socket);
        }
        let is_done = waiting.rest.is_empty() && !waiting.is_broken;
        drop(waiting);
        if !is_done {
            self.wake.notify_one();
        }
    }

    fn event(&self, bytes: Bytes) {
        let mut waiting = self.waiting.lock();
        if waiting.close.is_some() {
            return;
        }
        // After one event is left out, later ones are too, so that the order stays intact.
        let has_room = waiting.event_bytes == 0 || waiting.event_bytes + bytes.len() <= EVENT_BYTES;
        if self.has_missed.load(Ordering::Relaxed) || !has_room {
            self.has_missed.store(true, Ordering::Release);
            metrics::counter!("plaza_events_left_out_total").increment(1);
            return;
        }
        waiting.event_bytes += bytes.len();
        waiting.events.push_back(bytes);
        if waiting.event_bytes >= WRITE_EARLY && waiting.rest.is_empty() {
            waiting.take_events(self.opcode);
            waiting.write(&self.socket);
            drop(waiting);
            self.wake.notify_one();
        }
    }

    fn has_missed(&self) -> bool {
        self.has_missed.load(Ordering::Relaxed)
    }

    fn take_missed(&self) -> bool {
        if !self.has_missed() {
            return false;
        }
        let waiting = self.waiting.lock();
        let is_through = waiting.rest.is_empty() && waiting.events.is_empty();
        if is_through {
            self.has_missed.store(false, Ordering::Release);
        }
        is_through
    }

    fn flush(&self) {
        let is_any = !self.waiting.lock().events.is_empty();
        if is_any {
            self.wake.notify_one();
        }
    }

    fn close(&self, code: u16, reason: &str) {
        self.waiting.lock().close.get_or_insert_with(|| Goodbye {
            code,
            reason: reason.into(),
        });
        self.wake.notify_one();
    }
}
