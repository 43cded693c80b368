//! Wire: a minimal WebSocket client, small enough for two thousand connections in one process.
//!
//! It reads many small messages in place, out of one buffer per connection, and collects output
//! until it is flushed. It never blocks on a peer that does not read, since a blocked bot could not
//! read either.

use std::io;
use std::ops::Range;

use rand::{Rng, RngExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// First size of a connection's buffer, in bytes.
const BUFFER: usize = 4 * 1024;

/// Largest message, in bytes.
const LONGEST: usize = 16 * 1024 * 1024;

/// Largest answer to the handshake, in bytes.
const LONGEST_HEAD: usize = 16 * 1024;

/// Why a connection cannot be used any longer.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum SocketError {
    /// The socket failed.
    #[error("{0}")]
    Socket(io::ErrorKind),
    /// The connection ended without a close frame.
    #[error("the connection ended")]
    Ended,
    /// The other side closed the connection.
    #[error("closed with {0}: {1}")]
    Closed(u16, String),
    /// The server does not accept a WebSocket at this address.
    #[error("no WebSocket at this address: {0}")]
    NoUpgrade(String),
    /// Bytes that are not a WebSocket frame.
    #[error("not a WebSocket frame")]
    Malformed,
    /// An address that is not like `http://host:port`.
    #[error("the address must be like http://host:port")]
    Address,
}

impl From<io::Error> for SocketError {
    fn from(error: io::Error) -> Self {
        Self::Socket(error.kind())
    }
}

/// A frame that arrived.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum IncomingFrame {
    /// A text or binary message: the range of its bytes.
    Message(Range<usize>),
    /// A ping, to be answered with these bytes.
    Ping(Range<usize>),
    /// Nothing to do.
    Pong,
}

/// The reading half.
pub(super) struct Reader<S = OwnedReadHalf> {
    half: S,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

/// The writing half.
pub(super) struct Writer {
    half: OwnedWriteHalf,
    out: Vec<u8>,
}

/// Connects to a server and asks for a WebSocket.
pub(super) async fn connect(
    url: &str,
    path: &str,
    protocol: Option<&str>,
) -> Result<(Reader, Writer), SocketError> {
    let (host, prefix) = host_of(url)?;
    let with_port = match host.rsplit_once(':') {
        Some((_, port)) if port.parse::<u16>().is_ok() => host.to_owned(),
        _ => format!("{host}:80"),
    };
    let stream = TcpStream::connect(with_port).await?;
    stream.set_nodelay(true)?;
    let key = generate_key();
    let protocol = protocol.map_or(String::new(), |name| {
        format!("sec-websocket-protocol: {name}\r\n")
    });
    let request = format!(
        "GET {prefix}{path} HTTP/1.1\r\nhost: {host}\r\nconnection: Upgrade\r\nupgrade: \
        websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: {key}\r\n{protocol}\r\n"
    );
    let (read, mut write) = stream.into_split();
    write.write_all(request.as_bytes()).await?;
    let mut reader = Reader::new(read);
    let head = loop {
        if let Some(length) = reader
            .held()
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
        {
            let (head, _) = reader.held().split_at(length);
            let head = String::from_utf8_lossy(head).into_owned();
            reader.start += length + 4;
            break head;
        }
        if reader.held().len() > LONGEST_HEAD {
            return Err(SocketError::NoUpgrade("an endless answer".into()));
        }
        reader.fill().await?;
    };
    agreed(&head, &derive_accept_key(key.as_bytes()))?;
    let out = Vec::new();
    Ok((reader, Writer { half: write, out }))
}

/// Splits an address into host with port, and base path.
fn host_of(url: &str) -> Result<(&str, &str), SocketError> {
    let rest = url.strip_prefix("http://").ok_or(SocketError::Address)?;
    let rest = rest.trim_end_matches('/');
    let (host, prefix) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    if host.is_empty() {
        return Err(SocketError::Address);
    }
    Ok((host, prefix))
}

fn agreed(head: &str, accept: &str) -> Result<(), SocketError> {
    let mut lines = head.lines();
    let status = lines.next().unwrap_or_default();
    let is_accepted = lines.any(|line| {
        line.split_once(':').is_some_and(|(name, value)| {
            name.eq_ignore_ascii_case("sec-websocket-accept") && value.trim() == accept
        })
    });
    if status.starts_with("HTTP/1.1 101") && is_accepted {
        Ok(())
    } else {
        Err(SocketError::NoUpgrade(status.to_owned()))
    }
}

impl<S: AsyncReadExt + Unpin> Reader<S> {
    fn new(half: S) -> Self {
        Self {
            half,
            buffer: vec![0; BUFFER],
            start: 0,
            end: 0,
        }
    }

    /// Waits for bytes. Cancelling it loses none.
    pub(super) async fn fill(&mut self) -> Result<(), SocketError> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
        if self.end == self.buffer.len() {
            self.make_room();
        }
        let room = self.buffer.get_mut(self.end..).unwrap_or_default();
        match self.half.read(room).await? {
            0 => Err(SocketError::Ended),
            count => {
                self.end += count;
                Ok(())
            }
        }
    }

    fn make_room(&mut self) {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.end > self.buffer.len() / 2 {
            self.buffer.resize(2 * self.buffer.len(), 0);
        }
    }

    fn held(&self) -> &[u8] {
        self.bytes(self.start..self.end)
    }

    /// The bytes that were read and not used yet.
    pub(super) fn bytes(&self, range: Range<usize>) -> &[u8] {
        self.buffer.get(range).unwrap_or_default()
    }

    /// The next frame that has arrived completely. Its bytes stay in place until the next `fill`.
    pub(super) fn next(&mut self) -> Result<Option<IncomingFrame>, SocketError> {
        let Some((kind, header, length)) = frame_head(self.held())? else {
            return Ok(None);
        };
        if self.held().len() < header + length {
            return Ok(None);
        }
        let from = self.start + header;
        let payload = from..from + length;
        self.start = payload.end;
        match kind {
            0x81 | 0x82 => Ok(Some(IncomingFrame::Message(payload))),
            0x89 => Ok(Some(IncomingFrame::Ping(payload))),
            0x8a => Ok(Some(IncomingFrame::Pong)),
            0x88 => Err(closed(self.bytes(payload))),
            // Plaza does not fragment its messages; fragments would have to be joined here.
            _ => Err(SocketError::Malformed),
        }
    }
}

/// Opcode, head length and payload length of a frame, once its head has arrived.
fn frame_head(bytes: &[u8]) -> Result<Option<(u8, usize, usize)>, SocketError> {
    let [kind, short, rest @ ..] = bytes else {
        return Ok(None);
    };
    let (header, length) = match (short, rest) {
        (126, rest) => match rest.first_chunk() {
            Some(length) => (4, usize::from(u16::from_be_bytes(*length))),
            None => return Ok(None),
        },
        (127, rest) => match rest.first_chunk() {
            Some(length) => (
                10,
                usize::try_from(u64::from_be_bytes(*length)).unwrap_or(usize::MAX),
            ),
            None => return Ok(None),
        },
        (length, _) => (2, usize::from(*length)),
    };
    // A server does not mask; the mask bit would read as a length above 127.
    if (header == 2 && length > 125) || length > LONGEST {
        return Err(SocketError::Malformed);
    }
    Ok(Some((*kind, header, length)))
}

fn closed(payload: &[u8]) -> SocketError {
    match payload {
        [a, b, reason @ ..] => SocketError::Closed(
            u16::from_be_bytes([*a, *b]),
            String::from_utf8_lossy(reason).into_owned(),
        ),
        _ => SocketError::Closed(1005, String::new()),
    }
}

impl Writer {
    /// Appends a binary message to the output.
    pub(super) fn binary(&mut self, payload: &[u8], random: &mut impl Rng) {
        append(&mut self.out, 0x82, payload, random.random());
    }

    /// Appends a text message to the output.
    pub(super) fn text(&mut self, payload: &str, random: &mut impl Rng) {
        append(&mut self.out, 0x81, payload.as_bytes(), random.random());
    }

    /// Appends the answer to a ping.
    pub(super) fn pong(&mut self, payload: &[u8], random: &mut impl Rng) {
        append(&mut self.out, 0x8a, payload, random.random());
    }

    /// Appends a close frame.
    pub(super) fn close(&mut self, random: &mut impl Rng) {
        append(
            &mut self.out,
            0x88,
            &1000_u16.to_be_bytes(),
            random.random(),
        );
    }

    /// Sends what can be sent without waiting.
    pub(super) fn flush(&mut self) -> Result<(), SocketError> {
        if self.out.is_empty() {
            return Ok(());
        }
        match self.half.try_write(&self.out) {
            Ok(count) => {
                self.out.drain(..count);
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether output is left that could not be sent yet.
    pub(super) fn is_waiting(&self) -> bool {
        !self.out.is_empty()
    }

    /// Waits until more can be sent, and sends it.
    pub(super) async fn drain(&mut self) -> Result<(), SocketError> {
        self.half.writable().await?;
        self.flush()
    }
}

fn append(out: &mut Vec<u8>, kind: u8, payload: &[u8], mask: [u8; 4]) {
    out.push(kind);
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(short @ ..126), _) => out.push(0x80 | short),
        (_, Ok(medium)) => {
            out.push(0xfe);
            out.extend_from_slice(&medium.to_be_bytes());
        }
        (_, Err(_)) => {
            out.push(0xff);
            out.extend_from_slice(&(payload.len() as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(&mask);
    out.extend(
        payload
            .iter()
            .zip(mask.iter().cycle())
            .map(|(byte, key)| byte ^ key),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(bytes: &[u8]) -> Reader<&[u8]> {
        let mut reader = Reader::new(&[][..]);
        reader.buffer = bytes.to_vec();
        reader.end = bytes.len();
        reader
    }

    #[test]
    fn frames_are_found_wherever_the_bytes_are_split() {
        let long = [&[0x82, 126, 1, 0][..], &[7; 256]].concat();
        let bytes = [&[0x81, 2, b'h', b'i', 0x89, 1, 9][..], &long].concat();
        for cut in 0..bytes.len() {
            let mut reader = reader(&bytes[..cut]);
            while reader.next().unwrap().is_some() {}
            reader.buffer.extend_from_slice(&bytes[cut..]);
            reader.end = bytes.len();
            while reader.next().unwrap().is_some() {}
            assert_eq!(reader.start, bytes.len(), "cut at {cut}");
        }
        let mut reader = reader(&bytes);
        assert_eq!(reader.next().unwrap(), Some(IncomingFrame::Message(2..4)));
        assert_eq!(reader.next().unwrap(), Some(IncomingFrame::Ping(6..7)));
        assert_eq!(
            reader.next().unwrap(),
            Some(IncomingFrame::Message(11..267))
        );
        assert_eq!(reader.next().unwrap(), None);
    }

    #[test]
    fn a_close_has_its_reason_and_invalid_bytes_are_errors() {
        let closing = reader(&[0x88, 4, 0x03, 0xe9, b'b', b'y']).next();
        assert!(matches!(closing, Err(SocketError::Closed(1001, why)) if why == "by"));
        assert!(matches!(
            reader(&[0x82, 0x85, 0]).next(),
            Err(SocketError::Malformed)
        ));
        let endless = [0x82, 127, 255, 255, 255, 255, 255, 255, 255, 255];
        assert!(matches!(
            reader(&endless).next(),
            Err(SocketError::Malformed)
        ));
    }

    #[test]
    fn sent_frames_are_masked() {
        let mut out = Vec::new();
        append(&mut out, 0x82, &[1, 2, 3, 4, 5], [9, 8, 7, 6]);
        assert_eq!(
            out,
            [0x82, 0x85, 9, 8, 7, 6, 1 ^ 9, 2 ^ 8, 3 ^ 7, 4 ^ 6, 5 ^ 9]
        );
    }

    #[test]
    fn addresses_are_split() {
        assert_eq!(
            host_of("http://127.0.0.1:8080/").unwrap(),
            ("127.0.0.1:8080", "")
        );
        assert_eq!(
            host_of("http://a.example/under").unwrap(),
            ("a.example", "/under")
        );
        assert!(host_of("https://a.example").is_err());
        assert!(host_of("http://").is_err());
    }

    #[test]
    fn only_an_upgrade_is_accepted() {
        let head = "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: yes";
        assert!(agreed(head, "yes").is_ok());
        assert!(agreed(head, "no").is_err());
        assert!(agreed("HTTP/1.1 404 Not Found\r\nsec-websocket-accept: yes", "yes").is_err());
    }
}
