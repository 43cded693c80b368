//! Lane: one client's way out: events in order, at most one frame, and the socket they are written
//! to.
//!
//! A frame is written by whoever brings it, straight to the socket, which saves a task switch for
//! each of the twenty thousand frames that a thousand people get in a second. What the socket does
//! not take waits here, bounded in bytes. Events that find no room are left out, and the relay
//! makes up for them once the socket took what waits: a client is never cut off for what others do,
//! only when its socket took nothing for [`STUCK_AT_MOST`].

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use futures_util::task::AtomicWaker;
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::Notify;
use tokio::time::{Instant, Sleep, sleep_until, timeout_at};

use super::framing::{Header, Opcode, goodbye};
use crate::net::protocol::close;
use crate::net::relay::Sink;

/// Bytes of events that may wait for a client that reads slowly. A single larger one is let
/// through.
const EVENT_BYTES: usize = 512 * 1024;

/// Once as many wait, the socket is asked to take them before the tick's end.
const WRITE_EARLY: usize = 64 * 1024;

/// How long a socket may take nothing of what waits for it.
const STUCK_AT_MOST: Duration = Duration::from_secs(5);

/// After which time of taking nothing the socket is no longer read either: a client that does not
/// listen is not answered.
const DEAF_AFTER: Duration = Duration::from_secs(1);

/// Bytes read from one socket in [`READ_PERIOD`] at most; what is more waits in the kernel, and so
/// with its sender.
const READ_BYTES: usize = 64 * 1024;

/// The period of [`READ_BYTES`].
const READ_PERIOD: Duration = Duration::from_millis(250);

/// Capacity that an emptied rest may keep.
const KEEP: usize = 4 * 1024;

/// One client's way out.
pub(super) struct SendQueue {
    socket: OwnedWriteHalf,
    opcode: Opcode,
    waiting: Mutex<QueuedFrame>,
    wake: Notify,
    /// Whether the socket took nothing for [`DEAF_AFTER`].
    is_stuck: AtomicBool,
    /// Who waits for that to end.
    reader: AtomicWaker,
    /// Whether events were left out.
    has_missed: AtomicBool,
    patience: SendPatience,
}

/// How long a socket may take nothing before it is no longer read, and before it is given up.
#[derive(Clone, Copy)]
struct SendPatience {
    deaf: Duration,
    stuck: Duration,
}

#[derive(Default)]
struct QueuedFrame {
    /// Framed already, in part written perhaps.
    rest: BytesMut,
    events: VecDeque<Bytes>,
    event_bytes: usize,
    /// The answer to the client's newest ping; those before it are answered with it.
    pong: Option<Vec<u8>>,
    /// The answer to the client's goodbye.
    echo: Option<Vec<u8>>,
    owes_ping: bool,
    close: Option<Goodbye>,
    has_said_goodbye: bool,
    is_broken: bool,
    /// Bytes that the socket took, all in all.
    taken: u64,
}

/// Why and how the connection ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Goodbye {
    pub(super) code: u16,
    pub(super) reason: String,
}

impl SendQueue {
    /// The way out of a socket, and the way in.
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
        let lane = Arc::new(Self {
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
        let ear = SocketReader {
            socket: reading,
            lane: Arc::clone(&lane),
            since: Instant::now(),
            read: 0,
            pause: None,
        };
        (lane, ear)
    }

    /// Writes what waits, whenever something does, until the goodbye is written, which is answered,
    /// or the socket is broken or takes nothing.
    pub(super) async fn run(&self) -> Option<Goodbye> {
        // What the socket had taken when it took something last, and when that was.
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

    /// The socket takes something: it is read again.
    fn listen(&self) {
        if self.is_stuck.swap(false, Ordering::AcqRel) {
            self.reader.wake();
        }
    }

    /// Asks the client for a sign of life.
    pub(super) fn ping(&self) {
        let mut waiting = self.waiting.lock();
        waiting.owes_ping = true;
        self.send(&mut waiting);
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

    /// What the library answers a client with, framed already: pongs and goodbyes. They go between
    /// other messages, never inside one, and never after our own goodbye: the library answers the
    /// one that a client sends back as if it were the first; browsers take that for a broken
    /// connection. While the socket takes nothing, one of each is owed.
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

    /// Writes what is owed if nothing is stuck.
    fn send(&self, waiting: &mut QueuedFrame) {
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

impl QueuedFrame {
    fn frame(&mut self, opcode: Opcode, payload: &[u8]) {
        self.rest
            .extend_from_slice(Header::new(opcode, payload.len()).as_slice());
        self.rest.extend_from_slice(payload);
    }

    /// Everything that may be written next. Only when nothing is stuck: what waits is counted where
    /// it waits.
    fn fill(&mut self, opcode: Opcode) {
        if self.rest.is_empty() {
            self.take_control();
            self.take_events(opcode);
        }
        self.take_goodbye();
    }

    fn take_control(&mut self) {
        if self.has_said_goodbye {
            return;
        }
        if let Some(pong) = self.pong.take() {
            self.rest.extend_from_slice(&pong);
        }
        if std::mem::take(&mut self.owes_ping) {
            self.frame(Opcode::Ping, &[]);
        }
        if let Some(echo) = self.echo.take() {
            self.rest.extend_from_slice(&echo);
        }
    }

    fn take_events(&mut self, opcode: Opcode) {
        while let Some(event) = self.events.pop_front() {
            self.frame(opcode, &event);
        }
        self.event_bytes = 0;
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
                Ok(written) => {
                    self.taken += written as u64;
                    self.rest.advance(written);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => self.is_broken = true,
            }
        }
        if self.rest.is_empty() && self.rest.capacity() > KEEP {
            self.rest = BytesMut::new();
        }
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
            waiting.taken += written as u64;
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
        // Once one was left out the others are too, so that what comes stays in order.
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

/// The socket as the WebSocket library sees it: it reads; the pongs and goodbyes it answers with go
/// through the lane.
pub(super) struct SocketReader {
    socket: OwnedReadHalf,
    lane: Arc<SendQueue>,
    /// Since when `read` bytes were read.
    since: Instant,
    read: usize,
    /// Until when nothing is read, because more came than may.
    pause: Option<Pin<Box<Sleep>>>,
}

impl SocketReader {
    /// Looks at the clock once in [`READ_BYTES`].
    fn count(&mut self, bytes: usize) {
        self.read += bytes;
        if self.read < READ_BYTES {
            return;
        }
        let due = self.since + READ_PERIOD;
        let now = Instant::now();
        if due > now {
            self.pause = Some(Box::pin(sleep_until(due)));
        }
        self.since = due.max(now);
        self.read = 0;
    }
}

impl AsyncRead for SocketReader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.lane.is_stuck.load(Ordering::Acquire) {
            self.lane.reader.register(context.waker());
            if self.lane.is_stuck.load(Ordering::Acquire) {
                return Poll::Pending;
            }
        }
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(context));
            self.pause = None;
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.socket).poll_read(context, buffer))?;
        self.count(buffer.filled().len() - before);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for SocketReader {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.lane.answer(bytes);
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
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    async fn lane() -> (Arc<SendQueue>, SocketReader, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        let (socket, _) = listener.accept().await.unwrap();
        let patience = SendPatience {
            deaf: Duration::from_millis(20),
            stuck: Duration::from_millis(200),
        };
        let (lane, ear) = SendQueue::with_patience(socket, false, patience);
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
        assert_eq!(
            hear(&mut client, 17).await,
            b"\x82\x03one\x82\x03two\x82\x05frame"
        );
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

    /// Fills everything between here and the client.
    async fn stuff(lane: &SendQueue) {
        let frame = vec![7; 60_000];
        lane.socket.writable().await.unwrap();
        while lane.is_free() {
            lane.frame(&frame);
        }
    }

    #[tokio::test]
    async fn what_waits_is_bounded_and_what_finds_no_room_is_left_out_without_cutting_the_client_off()
     {
        let (lane, _ear, mut client) = lane().await;
        stuff(&lane).await;
        for _ in 0..100_000 {
            lane.event(Bytes::from_static(&[0; 100]));
        }
        assert!(!lane.is_closing());
        assert!(lane.waiting.lock().events.len() * 100 <= EVENT_BYTES);
        assert!(
            lane.has_missed() && !lane.take_missed(),
            "not before what waits is through"
        );
        let writer = Arc::clone(&lane);
        tokio::spawn(async move { writer.run().await });
        while !lane.take_missed() {
            let mut bytes = [0; 8 * 1024];
            tokio::select! {
                read = client.read(&mut bytes) => assert!(read.unwrap() > 0),
                () = tokio::task::yield_now() => {}
            }
        }
        assert!(!lane.has_missed());
    }

    #[tokio::test]
    async fn a_socket_that_takes_nothing_is_no_longer_read_and_then_given_up() {
        let (lane, mut ear, mut client) = lane().await;
        stuff(&lane).await;
        let began = Instant::now();
        let reading = async {
            while !lane.is_stuck.load(Ordering::Relaxed) {
                tokio::task::yield_now().await;
            }
            client.write_all(b"hello?").await.unwrap();
            let mut bytes = [0; 6];
            ear.read_exact(&mut bytes).await
        };
        tokio::select! {
            goodbye = lane.run() => assert_eq!(goodbye, Some(too_slow())),
            read = reading => panic!("it is read: {read:?}"),
        }
        assert!(began.elapsed() >= lane.patience.stuck);
    }

    #[tokio::test]
    async fn a_socket_that_takes_something_now_and_then_stays_and_is_read() {
        let (lane, mut ear, mut client) = lane().await;
        stuff(&lane).await;
        client.write_all(b"hello!").await.unwrap();
        let began = Instant::now();
        let reading = async {
            let mut bytes = vec![0; 64 * 1024];
            while began.elapsed() < lane.patience.stuck * 2 {
                lane.reply(Bytes::from_static(&[0; 100]));
                assert!(client.read(&mut bytes).await.unwrap() > 0);
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            goodbye = lane.run() => panic!("given up: {goodbye:?}"),
            () = reading => {}
        }
        let mut bytes = [0; 6];
        ear.read_exact(&mut bytes).await.unwrap();
    }

    #[tokio::test]
    async fn however_many_pings_come_one_pong_is_owed() {
        let (lane, _ear, _client) = lane().await;
        stuff(&lane).await;
        let before = lane.waiting.lock().rest.len();
        for number in 0..100_000_u32 {
            let mut pong = vec![0x8a, 4];
            pong.extend(number.to_be_bytes());
            lane.answer(&pong);
            lane.ping();
        }
        let waiting = lane.waiting.lock();
        assert_eq!(waiting.rest.len(), before);
        assert_eq!(
            waiting.pong.as_deref(),
            Some(&[0x8a, 4, 0, 1, 0x86, 0x9f][..])
        );
    }

    #[tokio::test]
    async fn what_comes_too_fast_waits_with_its_sender() {
        let (_lane, mut ear, mut client) = lane().await;
        tokio::spawn(async move { client.write_all(&vec![1; READ_BYTES * 3]).await });
        let began = Instant::now();
        let mut bytes = vec![0; READ_BYTES * 3];
        ear.read_exact(&mut bytes).await.unwrap();
        assert!(began.elapsed() >= READ_PERIOD);
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
        lane.answer(b"\x88\x02\x03\xe8");
        drop((lane, ear));
        let mut heard = Vec::new();
        client.read_to_end(&mut heard).await.unwrap();
        assert_eq!(
            heard, b"\x82\x03one\x88\x06\x03\xe8left",
            "and nothing follows"
        );
    }
}
