//! Reader: the reading half of a socket, which is not read while its client sends too fast or takes
//! nothing.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::tcp::OwnedReadHalf;
use tokio::time::{Instant, Sleep, sleep_until};

use super::SendQueue;

/// Maximum number of bytes read from one socket per [`READ_PERIOD`]; further bytes wait in the
/// kernel, and so with the sender.
pub(super) const READ_BYTES: usize = 64 * 1024;

/// The period of [`READ_BYTES`].
pub(super) const READ_PERIOD: Duration = Duration::from_millis(250);

/// The socket as the WebSocket library sees it: reads go to the socket; the pongs and close frames
/// it writes go through the send queue.
pub(in crate::net::edge) struct SocketReader {
    socket: OwnedReadHalf,
    queue: Arc<SendQueue>,
    /// Start of the period in which `read` bytes were read.
    since: Instant,
    read: usize,
    /// Until when nothing is read, because the sender exceeded the limit.
    pause: Option<Pin<Box<Sleep>>>,
}

impl SocketReader {
    pub(super) fn new(socket: OwnedReadHalf, queue: Arc<SendQueue>) -> Self {
        Self {
            socket,
            queue,
            since: Instant::now(),
            read: 0,
            pause: None,
        }
    }

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
