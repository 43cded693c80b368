//! Send queue: one client's outgoing messages: events in order, at most one frame, and the socket
//! to which they are written.
//!
//! The caller writes a frame straight to the socket, which saves a task switch for each of the
//! twenty thousand frames that a thousand people receive per second. Bytes that the socket does not
//! take wait here, up to a limit. Events that do not fit are left out, and the relay repairs that
//! once the socket has taken the waiting bytes: a client is never disconnected for what others do,
//! only when its socket takes nothing for [`STUCK_AT_MOST`].

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

/// Maximum number of bytes read from one socket per [`READ_PERIOD`]; further bytes wait in the
/// kernel, and so with the sender.
const READ_BYTES: usize = 64 * 1024;

/// The period of [`READ_BYTES`].
const READ_PERIOD: Duration = Duration::from_millis(250);

/// Capacity that an empty buffer of unsent bytes may keep.
const KEEP: usize = 4 * 1024;

/// One client's outgoing messages.
pub(super) struct SendQueue {
    socket: OwnedWriteHalf,
    opcode: Opcode,
    waiting: Mutex<QueuedFrame>,
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

#[derive(Default)]
struct QueuedFrame {
    /// Framed bytes, possibly partly written.
    rest: BytesMut,
    events: VecDeque<Bytes>,
    event_bytes: usize,
    /// The reply to the client's newest ping; it also answers earlier ones.
    pong: Option<Vec<u8>>,
    /// The reply to the client's close frame.
    echo: Option<Vec<u8>>,
    owes_ping: bool,
    close: Option<Goodbye>,
    has_said_goodbye: bool,
    is_broken: bool,
    /// Number of bytes the socket has taken in total.
    taken: u64,
}

/// Code and reason of a close frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Goodbye {
    pub(super) code: u16,
    pub(super) reason: String,
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
        let reader = SocketReader {
            socket: reading,
            queue: Arc::clone(&queue),
            since: Instant::now(),
            read: 0,
            pause: None,
        };
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

    /// Fills the buffer with everything that may be written next. Only when nothing is stuck:
    /// waiting items are counted in their own queues.
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

    /// Writes as much of the buffer as the socket takes.
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

/// The socket as the WebSocket library sees it: reads go to the socket; the pongs and close frames
/// it writes go through the send queue.
pub(super) struct SocketReader {
    socket: OwnedReadHalf,
    queue: Arc<SendQueue>,
    /// Start of the period in which `read` bytes were read.
    since: Instant,
    read: usize,
    /// Until when nothing is read, because the sender exceeded the limit.
    pause: Option<Pin<Box<Sleep>>>,
}

impl SocketReader {
    /// Counts bytes read; looks at the clock once per [`READ_BYTES`].
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
        if self.queue.is_stuck.load(Ordering::Acquire) {
            self.queue.reader.register(context.waker());
            if self.queue.is_stuck.load(Ordering::Acquire) {
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
        self.queue.answer(bytes);
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

    async fn queue() -> (Arc<SendQueue>, SocketReader, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        let (socket, _) = listener.accept().await.unwrap();
        let patience = SendPatience {
            deaf: Duration::from_millis(20),
            stuck: Duration::from_millis(200),
        };
        let (queue, reader) = SendQueue::with_patience(socket, false, patience);
        (queue, reader, client)
    }

    async fn hear(client: &mut TcpStream, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        client.read_exact(&mut bytes).await.unwrap();
        bytes
    }

    #[tokio::test]
    async fn events_come_before_the_frame_and_in_order() {
        let (queue, _reader, mut client) = queue().await;
        queue.event(Bytes::from_static(b"one"));
        queue.event(Bytes::from_static(b"two"));
        queue.frame(b"frame");
        tokio::spawn(async move { queue.run().await });
        assert_eq!(
            hear(&mut client, 17).await,
            b"\x82\x03one\x82\x03two\x82\x05frame"
        );
    }

    #[tokio::test]
    async fn no_frame_is_accepted_while_one_is_stuck_and_every_byte_arrives() {
        let (queue, _reader, mut client) = queue().await;
        let frame = vec![7; 60_000];
        let mut sent = 0_usize;
        queue.socket.writable().await.unwrap();
        while queue.is_free() {
            queue.frame(&frame);
            sent += 1;
        }
        let writer = Arc::clone(&queue);
        tokio::spawn(async move { writer.run().await });
        for _ in 0..sent {
            assert_eq!(hear(&mut client, 4).await, [0x82, 126, 0xea, 0x60]);
            assert_eq!(hear(&mut client, frame.len()).await, frame);
        }
        queue.event(Bytes::from_static(b"on we go"));
        queue.flush();
        assert_eq!(hear(&mut client, 10).await, b"\x82\x08on we go");
    }

    /// Fills all buffers between here and the client.
    async fn stuff(queue: &SendQueue) {
        let frame = vec![7; 60_000];
        queue.socket.writable().await.unwrap();
        while queue.is_free() {
            queue.frame(&frame);
        }
    }

    #[tokio::test]
    async fn waiting_events_are_bounded_and_the_client_stays_connected() {
        let (queue, _reader, mut client) = queue().await;
        stuff(&queue).await;
        for _ in 0..100_000 {
            queue.event(Bytes::from_static(&[0; 100]));
        }
        assert!(!queue.is_closing());
        assert!(queue.waiting.lock().events.len() * 100 <= EVENT_BYTES);
        assert!(
            queue.has_missed() && !queue.take_missed(),
            "not before the waiting bytes are sent"
        );
        let writer = Arc::clone(&queue);
        tokio::spawn(async move { writer.run().await });
        while !queue.take_missed() {
            let mut bytes = [0; 8 * 1024];
            tokio::select! {
                read = client.read(&mut bytes) => assert!(read.unwrap() > 0),
                () = tokio::task::yield_now() => {}
            }
        }
        assert!(!queue.has_missed());
    }

    #[tokio::test]
    async fn a_socket_that_takes_nothing_is_no_longer_read_and_then_closed() {
        let (queue, mut reader, mut client) = queue().await;
        stuff(&queue).await;
        let began = Instant::now();
        let reading = async {
            while !queue.is_stuck.load(Ordering::Relaxed) {
                tokio::task::yield_now().await;
            }
            client.write_all(b"hello?").await.unwrap();
            let mut bytes = [0; 6];
            reader.read_exact(&mut bytes).await
        };
        tokio::select! {
            goodbye = queue.run() => assert_eq!(goodbye, Some(too_slow())),
            read = reading => panic!("it is read: {read:?}"),
        }
        assert!(began.elapsed() >= queue.patience.stuck);
    }

    #[tokio::test]
    async fn a_socket_that_takes_something_now_and_then_stays_and_is_read() {
        let (queue, mut reader, mut client) = queue().await;
        stuff(&queue).await;
        client.write_all(b"hello!").await.unwrap();
        let began = Instant::now();
        let reading = async {
            let mut bytes = vec![0; 64 * 1024];
            while began.elapsed() < queue.patience.stuck * 2 {
                queue.reply(Bytes::from_static(&[0; 100]));
                assert!(client.read(&mut bytes).await.unwrap() > 0);
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            goodbye = queue.run() => panic!("given up: {goodbye:?}"),
            () = reading => {}
        }
        let mut bytes = [0; 6];
        reader.read_exact(&mut bytes).await.unwrap();
    }

    #[tokio::test]
    async fn however_many_pings_arrive_one_pong_is_queued() {
        let (queue, _reader, _client) = queue().await;
        stuff(&queue).await;
        let before = queue.waiting.lock().rest.len();
        for number in 0..100_000_u32 {
            let mut pong = vec![0x8a, 4];
            pong.extend(number.to_be_bytes());
            queue.answer(&pong);
            queue.ping();
        }
        let waiting = queue.waiting.lock();
        assert_eq!(waiting.rest.len(), before);
        assert_eq!(
            waiting.pong.as_deref(),
            Some(&[0x8a, 4, 0, 1, 0x86, 0x9f][..])
        );
    }

    #[tokio::test]
    async fn bytes_that_arrive_too_fast_wait_with_the_sender() {
        let (_queue, mut reader, mut client) = queue().await;
        tokio::spawn(async move { client.write_all(&vec![1; READ_BYTES * 3]).await });
        let began = Instant::now();
        let mut bytes = vec![0; READ_BYTES * 3];
        reader.read_exact(&mut bytes).await.unwrap();
        assert!(began.elapsed() >= READ_PERIOD);
    }

    #[tokio::test]
    async fn one_large_event_is_let_through() {
        let (queue, _reader, _client) = queue().await;
        queue.event(Bytes::from(vec![0; EVENT_BYTES * 2]));
        assert!(!queue.is_closing());
    }

    #[tokio::test]
    async fn the_close_frame_is_last() {
        let (queue, reader, mut client) = queue().await;
        queue.event(Bytes::from_static(b"one"));
        queue.close(close::LEFT, "left");
        let goodbye = queue.run().await.unwrap();
        assert_eq!(goodbye.code, close::LEFT);
        queue.answer(b"\x88\x02\x03\xe8");
        drop((queue, reader));
        let mut heard = Vec::new();
        client.read_to_end(&mut heard).await.unwrap();
        assert_eq!(
            heard, b"\x82\x03one\x88\x06\x03\xe8left",
            "and nothing follows"
        );
    }
}
