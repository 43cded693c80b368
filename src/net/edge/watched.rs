//! Watched: the socket of an HTTP connection, and the stage of the connection. A WebSocket takes
//! the inner socket.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;

/// Timeouts of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HttpTimes {
    /// For the head of a request, and for the first byte of a connection.
    pub header: Duration,
    /// For a body, plus one second for each 8 KiB of it.
    pub body: Duration,
    /// For silence between requests.
    pub idle: Duration,
    /// For a client that reads nothing of a response. All such waits together may last one second
    /// longer for each 2 KiB that it reads.
    pub stalled: Duration,
}

impl Default for HttpTimes {
    fn default() -> Self {
        Self {
            header: Duration::from_secs(10),
            body: Duration::from_secs(30),
            idle: Duration::from_mins(1),
            stalled: Duration::from_secs(30),
        }
    }
}

/// Minimum rate at which a response is read, in bytes per second. A slow phone is faster.
const SLOWEST_READER: u64 = 2 * 1024;

/// A deadline that is never reached.
const FAR: Duration = Duration::from_hours(1);

/// Stage of a connection, and since when.
#[derive(Debug, Clone, Copy)]
enum ConnectionStage {
    /// Waiting for the head of a request.
    Head(Instant),
    /// Handling a request.
    Working,
    /// Idle: the last response has been sent.
    Idle(Instant),
}

#[derive(Debug, Clone, Copy)]
struct WatchState {
    stage: ConnectionStage,
    /// Since when no byte of a response was taken, while some wait.
    stalled: Option<Instant>,
    /// How long this response waited for its reader before.
    waited: Duration,
    /// Bytes of this response that were taken.
    written: u64,
}

/// State of a connection, updated by its socket and its requests.
#[derive(Debug)]
pub(super) struct Pulse {
    times: HttpTimes,
    state: Mutex<WatchState>,
}

impl Pulse {
    /// State of a new connection.
    pub(super) fn new(times: HttpTimes, now: Instant) -> Self {
        let state = WatchState {
            stage: ConnectionStage::Head(now),
            stalled: None,
            waited: Duration::ZERO,
            written: 0,
        };
        Self {
            times,
            state: Mutex::new(state),
        }
    }

    /// Deadline of the current stage.
    pub(super) fn deadline(&self, now: Instant) -> Instant {
        let state = *self.state.lock();
        let of_stage = match state.stage {
            ConnectionStage::Head(since) => Some(since + self.times.header),
            ConnectionStage::Idle(since) => Some(since + self.times.idle),
            ConnectionStage::Working => None,
        };
        let read = Duration::from_secs(state.written / SLOWEST_READER);
        let left = (self.times.stalled + read).saturating_sub(state.waited);
        let of_writing = state
            .stalled
            .map(|since| since + left.min(self.times.stalled));
        let first = of_stage.into_iter().chain(of_writing).min();
        first.unwrap_or(now + FAR)
    }

    /// The head of a request was read.
    pub(super) fn head_is_there(&self) {
        let mut state = self.state.lock();
        state.stage = ConnectionStage::Working;
        state.waited = Duration::ZERO;
        state.written = 0;
    }

    /// The response was handed over completely.
    pub(super) fn answered(&self, now: Instant) {
        self.state.lock().stage = ConnectionStage::Idle(now);
    }

    fn read(&self, now: Instant) {
        let mut state = self.state.lock();
        if matches!(state.stage, ConnectionStage::Idle(_)) {
            state.stage = ConnectionStage::Head(now);
        }
    }

    fn wrote(&self, outcome: &Poll<io::Result<usize>>, now: Instant) {
        let mut state = self.state.lock();
        match outcome {
            Poll::Ready(outcome) => {
                let since = state.stalled.take();
                state.waited += since.map_or(Duration::ZERO, |since| now.duration_since(since));
                state.written += outcome.as_ref().map_or(0, |bytes| *bytes as u64);
            }
            Poll::Pending if state.stalled.is_none() => state.stalled = Some(now),
            Poll::Pending => {}
        }
    }
}

/// A socket that reports its activity to a [`Pulse`].
pub(super) struct WatchedSocket {
    socket: TcpStream,
    pulse: Arc<Pulse>,
}

impl WatchedSocket {
    pub(super) const fn new(socket: TcpStream, pulse: Arc<Pulse>) -> Self {
        Self { socket, pulse }
    }

    /// The inner socket.
    pub(super) fn into_socket(self) -> TcpStream {
        self.socket
    }
}

impl AsyncRead for WatchedSocket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let outcome = Pin::new(&mut self.socket).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.pulse.read(Instant::now());
        }
        outcome
    }
}

impl AsyncWrite for WatchedSocket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.socket).poll_write(cx, bytes);
        self.pulse.wrote(&outcome, Instant::now());
        outcome
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.socket).poll_write_vectored(cx, bytes);
        self.pulse.wrote(&outcome, Instant::now());
        outcome
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_reads_a_response_byte_by_byte_does_not_keep_it() {
        let times = HttpTimes::default();
        let start = Instant::now();
        let (pulse, mut now) = (Pulse::new(times, start), start);
        pulse.head_is_there();
        while pulse.deadline(now) > now + Duration::from_secs(1) {
            pulse.wrote(&Poll::Pending, now);
            now += Duration::from_secs(5);
            pulse.wrote(&Poll::Ready(Ok(100)), now);
            pulse.wrote(&Poll::Pending, now);
        }
        assert!(now <= start + times.stalled + Duration::from_secs(5));
        // One that reads on at the least rate does.
        pulse.wrote(&Poll::Ready(Ok(0)), now);
        pulse.head_is_there();
        for _ in 0..100 {
            pulse.wrote(&Poll::Pending, now);
            now += Duration::from_secs(5);
            assert!(pulse.deadline(now) > now);
            pulse.wrote(&Poll::Ready(Ok(5 * 2 * 1024)), now);
        }
        pulse.wrote(&Poll::Pending, now);
        assert!(pulse.deadline(now) <= now + times.stalled);
    }

    #[test]
    fn each_stage_has_its_deadline() {
        let times = HttpTimes::default();
        let start = Instant::now();
        let pulse = Pulse::new(times, start);
        assert_eq!(pulse.deadline(start), start + times.header);
        pulse.read(start + Duration::from_secs(1));
        assert_eq!(
            pulse.deadline(start),
            start + times.header,
            "bytes do not give a head more time"
        );
        pulse.head_is_there();
        assert_eq!(pulse.deadline(start), start + FAR);
        pulse.wrote(&Poll::Pending, start);
        pulse.wrote(&Poll::Pending, start + Duration::from_secs(3));
        assert_eq!(pulse.deadline(start), start + times.stalled);
        pulse.wrote(&Poll::Ready(Ok(1)), start);
        let answered = start + Duration::from_secs(5);
        pulse.answered(answered);
        assert_eq!(pulse.deadline(start), answered + times.idle);
        let heard = answered + Duration::from_secs(20);
        pulse.read(heard);
        assert_eq!(pulse.deadline(start), heard + times.header);
    }
}
