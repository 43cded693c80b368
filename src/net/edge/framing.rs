//! Framing: headers of the WebSocket frames that the server sends (RFC 6455, section 5.2): never
//! masked, never fragmented.
//!
//! Reading, which is harder, is left to the library.

/// Opcode of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Opcode {
    Text = 1,
    Binary = 2,
    Close = 8,
    Ping = 9,
}

/// Length of the longest header, in bytes.
const LONGEST: usize = 10;

/// Header of a frame.
pub(super) struct Header {
    bytes: [u8; LONGEST],
    length: usize,
}

impl Header {
    pub(super) fn new(opcode: Opcode, payload: usize) -> Self {
        let first = 0x80 | opcode as u8;
        match (u8::try_from(payload), u16::try_from(payload)) {
            (Ok(short @ ..126), _) => Self::of(&[first, short]),
            (_, Ok(medium)) => {
                let [high, low] = medium.to_be_bytes();
                Self::of(&[first, 126, high, low])
            }
            (_, Err(_)) => {
                let length = (payload as u64).to_be_bytes();
                Self::of(&[[first, 127].as_slice(), &length].concat())
            }
        }
    }

    fn of(header: &[u8]) -> Self {
        let (mut bytes, length) = ([0; LONGEST], header.len());
        bytes[..length].copy_from_slice(header);
        Self { bytes, length }
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

/// Payload of a close frame: the code, then the reason as far as it fits.
pub(super) fn goodbye(code: u16, reason: &str) -> Vec<u8> {
    let mut payload = code.to_be_bytes().to_vec();
    let (fits, _) = reason.split_at(reason.floor_char_boundary(123));
    payload.extend_from_slice(fits.as_bytes());
    payload
}

#[cfg(test)]
mod tests {
    use tungstenite::protocol::{Role, WebSocket};

    use super::*;

    #[test]
    fn the_library_reads_these_frames() {
        for length in [0, 1, 125, 126, 127, 65_535, 65_536, 70_000] {
            let payload = vec![7_u8; length];
            let mut wire = Header::new(Opcode::Binary, length).as_slice().to_vec();
            wire.extend_from_slice(&payload);
            let mut client =
                WebSocket::from_raw_socket(std::io::Cursor::new(wire), Role::Client, None);
            assert_eq!(
                client.read().unwrap().into_data(),
                payload,
                "{length} bytes"
            );
        }
    }

    #[test]
    fn a_long_reason_is_cut_between_characters() {
        let payload = goodbye(4400, &"é".repeat(200));
        assert!(payload.len() <= 125);
        assert!(std::str::from_utf8(&payload[2..]).is_ok());
    }
}
