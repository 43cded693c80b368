//! Lane: one client's way out: events in order, at most one frame, and the socket they are written to.
//!
//! A frame is written by whoever brings it, straight to the socket, which saves a task switch for each of the twenty
//! thousand frames that a thousand people get in a second. What the socket does not take waits here, bounded.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes, BytesMut};
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::Notify;

use super::framing::{Header, Opcode, goodbye};
use crate::net::relay::{Sink, close};

/// Bytes of events that may wait for a client that reads slowly. A single larger one is let through.
const EVENT_BYTES: usize = 64 * 1024;

/// The same for clients of the tile grid, whose every movement is an event.
const GRID_EVENT_BYTES: usize = 512 * 1024;

/// Capacity that an emptied rest may keep.
const KEEP: usize = 4 * 1024;

/// One client's way out.
pub(super) struct Lane {
    socket: OwnedWriteHalf,
    bound: usize,
    opcode: Opcode,
    waiting: Mutex<Waiting>,
    wake: Notify,
}

#[derive(Default)]
struct Waiting {
    /// Framed already, in part written perhaps.
    rest: BytesMut,
    events: VecDeque<Bytes>,
    event_bytes: usize,
    close: Option<Goodbye>,
    has_said_goodbye: bool,
    is_broken: bool,
}

/// Why and how the connection ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Goodbye {
    pub(super) code: u16,
    pub(super) reason: String,
}

impl Lane {
    /// The way out of a socket, and the way in.
    pub(super) fn new(socket: TcpStream, is_grid: bool) -> (Arc<Self>, Ear) {
        let (reading, writing) = socket.into_split();
        let lane = Arc::new(Self {
            socket: writing,
            bound: if is_grid { GRID_EVENT_BYTES } else { EVENT_BYTES },
            opcode: if is_grid { Opcode::Text } else { Opcode::Binary },
            waiting: Mutex::default(),
            wake: Notify::new(),
        });
        let ear = Ear {
            socket: reading,
            lane: Arc::clone(&lane),
        };
        (lane, ear)
    }

    /// Writes what waits, whenever something does, until the goodbye is written, which is answered, or the socket is broken.
    pub(super) async fn run(&self) -> Option<Goodbye> {
        loop {
            let wake = self.wake.notified();
            let is_stuck = {
                let mut waiting = self.waiting.lock();
                waiting.take_events(self.opcode);
                waiting.take_goodbye();
                waiting.write(&self.socket);
                if waiting.is_broken {
                    return None;
                }
                if waiting.rest.is_empty() && waiting.has_said_goodbye {
                    return waiting.close.clone();
                }
                !waiting.rest.is_empty()
            };
            if is_stuck {
                // An error shows at the next write.
                let _ = self.socket.writable().await;
            } else {
                wake.await;
            }
        }
    }

    /// Asks the client for a sign of life.
    pub(super) fn ping(&self) {
        self.control(Header::new(Opcode::Ping, 0).as_slice());
    }

    /// An event that waits for no frame.
    pub(super) fn reply(&self, bytes: Bytes) {
        self.event(bytes);
        self.wake.notify_one();
    }

    /// Whether the connection is about to end.
    pub(super) fn is_closing(&self) -> bool {
        self.waiting.lock().close.is_some()
    }

    /// Bytes that are framed already: between other messages, never inside one, and never after the goodbye. The library
    /// answers the goodbye that a client sends back as if it were the first; browsers take that for a broken connection.
    fn control(&self, framed: &[u8]) {
        let mut waiting = self.waiting.lock();
        if waiting.has_said_goodbye {
            return;
        }
        waiting.rest.extend_from_slice(framed);
        waiting.write(&self.socket);
        drop(waiting);
        self.wake.notify_one();
    }
}

impl Waiting {
    fn frame(&mut self, opcode: Opcode, payload: &[u8]) {
        self.rest
            .extend_from_slice(Header::new(opcode, payload.len()).as_slice());
        self.rest.extend_from_slice(payload);
    }

    fn take_events(&mut self, opcode: Opcode) {
        // Only when nothing is stuck: what waits is counted as events, not as rest.
        if self.rest.is_empty() {
            while let Some(event) = self.events.pop_front() {
                self.frame(opcode, &event);
            }
            self.event_bytes = 0;
        }
    }

    fn take_goodbye(&mut self) {
        if let Some(Goodbye { code, reason }) = &self.close
            && self.events.is_empty()
            && !self.has_said_goodbye
        {
            let payload = goodbye(*code, reason);
            self.has_said_goodbye = true;
            self.frame(Opcode::Close, &payload);
        }
    }

    /// As much of the rest as the socket takes now.
    fn write(&mut self, socket: &OwnedWriteHalf) {
        while !self.rest.is_empty() && !self.is_broken {
            match socket.try_write(&self.rest) {
                Ok(0) => self.is_broken = true,
                Ok(written) => self.rest.advance(written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => self.is_broken = true,
            }
        }
        if self.rest.is_empty() && self.rest.capacity() > KEEP {
            self.rest = BytesMut::new();
        }
    }
}

impl Sink for Lane {
    fn is_free(&self) -> bool {
        let waiting = self.waiting.lock();
        waiting.rest.is_empty() && waiting.close.is_none()
    }

    fn frame(&self, bytes: &[u8]) {
        let mut waiting = self.waiting.lock();
        waiting.take_events(self.opcode);
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
        if waiting.event_bytes > 0 && waiting.event_bytes + bytes.len() > self.bound {
            waiting.close = Some(Goodbye {
                code: close::FLOOD,
                reason: "reading too slowly".into(),
            });
            drop(waiting);
            self.wake.notify_one();
        } else {
            waiting.event_bytes += bytes.len();
            waiting.events.push_back(bytes);
        }
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

/// The socket as the WebSocket library sees it: it reads; the pongs and goodbyes it answers with go through the lane.
pub(super) struct Ear {
    socket: OwnedReadHalf,
    lane: Arc<Lane>,
}

impl AsyncRead for Ear {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(context, buffer)
    }
}

impl AsyncWrite for Ear {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.lane.control(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;
    use tokio::net::TcpListener;

    use super::*;

    async fn lane() -> (Arc<Lane>, Ear, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (socket, _) = listener.accept().await.unwrap();
        let (lane, ear) = Lane::new(socket, false);
        (lane, ear, client)
    }

    async fn hear(client: &mut TcpStream, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        client.read_exact(&mut bytes).await.unwrap();
        bytes
    }

    #[tokio::test]
    async fn events_come_before_the_frame_and_in_order() {
        let (lane, _ear, mut client) = lane().await;
        lane.event(Bytes::from_static(b"one"));
        lane.event(Bytes::from_static(b"two"));
        lane.frame(b"frame");
        tokio::spawn(async move { lane.run().await });
        assert_eq!(hear(&mut client, 17).await, b"\x82\x03one\x82\x03two\x82\x05frame");
    }

    #[tokio::test]
    async fn no_frame_is_taken_while_one_is_stuck_and_every_byte_arrives_in_the_end() {
        let (lane, _ear, mut client) = lane().await;
        let frame = vec![7; 60_000];
        let mut sent = 0_usize;
        lane.socket.writable().await.unwrap();
        while lane.is_free() {
            lane.frame(&frame);
            sent += 1;
        }
        let writer = Arc::clone(&lane);
        tokio::spawn(async move { writer.run().await });
        for _ in 0..sent {
            assert_eq!(hear(&mut client, 4).await, [0x82, 126, 0xea, 0x60]);
            assert_eq!(hear(&mut client, frame.len()).await, frame);
        }
        lane.event(Bytes::from_static(b"on we go"));
        lane.flush();
        assert_eq!(hear(&mut client, 10).await, b"\x82\x08on we go");
    }

    #[tokio::test]
    async fn whoever_reads_too_slowly_is_let_go_with_what_was_waiting_bounded() {
        let (lane, _ear, _client) = lane().await;
        for _ in 0..100_000 {
            lane.event(Bytes::from_static(&[0; 100]));
        }
        let waiting = lane.waiting.lock();
        assert_eq!(waiting.close.as_ref().unwrap().code, close::FLOOD);
        assert!(waiting.events.len() * 100 <= EVENT_BYTES);
    }

    #[tokio::test]
    async fn one_large_event_is_let_through() {
        let (lane, _ear, _client) = lane().await;
        lane.event(Bytes::from(vec![0; EVENT_BYTES * 2]));
        assert!(!lane.is_closing());
    }

    #[tokio::test]
    async fn the_goodbye_comes_last() {
        let (lane, ear, mut client) = lane().await;
        lane.event(Bytes::from_static(b"one"));
        lane.close(close::LEFT, "left");
        let goodbye = lane.run().await.unwrap();
        assert_eq!(goodbye.code, close::LEFT);
        lane.control(b"\x88\x02\x03\xe8");
        drop((lane, ear));
        let mut heard = Vec::new();
        client.read_to_end(&mut heard).await.unwrap();
        assert_eq!(heard, b"\x82\x03one\x88\x06\x03\xe8left", "and nothing follows");
    }
}
