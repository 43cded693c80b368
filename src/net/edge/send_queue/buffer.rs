//! Buffer: what waits for one socket, and in which order it is written.

use std::collections::VecDeque;
use std::io;

use bytes::{Buf, Bytes, BytesMut};
use tokio::net::tcp::OwnedWriteHalf;

use crate::net::edge::framing::{Header, Opcode, goodbye};

/// Capacity that an empty buffer of unsent bytes may keep.
const KEEP: usize = 4 * 1024;

/// Everything that waits for the socket.
#[derive(Default)]
pub(super) struct SendBuffer {
    /// Framed bytes, possibly partly written.
    pub(super) rest: BytesMut,
    pub(super) events: VecDeque<Bytes>,
    pub(super) event_bytes: usize,
    /// The reply to the client's newest ping; it also answers earlier ones.
    pub(super) pong: Option<Vec<u8>>,
    /// The reply to the client's close frame.
    pub(super) echo: Option<Vec<u8>>,
    pub(super) owes_ping: bool,
    pub(super) close: Option<Goodbye>,
    pub(super) has_said_goodbye: bool,
    pub(super) is_broken: bool,
    /// Number of bytes the socket has taken in total.
    pub(super) taken: usize,
}

/// Code and reason of a close frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::net::edge) struct Goodbye {
    pub(in crate::net::edge) code: u16,
    pub(in crate::net::edge) reason: String,
}

impl SendBuffer {
    fn frame(&mut self, opcode: Opcode, payload: &[u8]) {
        self.rest
            .extend_from_slice(Header::new(opcode, payload.len()).as_slice());
        self.rest.extend_from_slice(payload);
    }

    /// Fills the buffer with everything that may be written next. Only when nothing is stuck:
    /// waiting items are counted in their own queues.
    pub(super) fn fill(&mut self, opcode: Opcode) {
        if self.rest.is_empty() {
            self.take_control();
            self.take_events(opcode);
        }
        self.take_goodbye();
    }

    /// Adds replies of the library and pings.
    pub(super) fn take_control(&mut self) {
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

    /// Adds waiting events.
    pub(super) fn take_events(&mut self, opcode: Opcode) {
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
    pub(super) fn write(&mut self, socket: &OwnedWriteHalf) {
        while !self.rest.is_empty() && !self.is_broken {
            match socket.try_write(&self.rest) {
                Ok(0) => self.is_broken = true,
                Ok(written) => {
                    self.taken += written;
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
