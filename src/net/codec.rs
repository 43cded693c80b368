//! Codec: values to bytes and back, the only place that knows bincode.
//!
//! Bytes from outside are decoded under a size limit and must be used up to the last one.

use bincode::config::{Configuration, Limit, LittleEndian, Varint};
use bincode::{Decode, Encode};

/// The largest message taken from a client, in bytes.
pub const MAX_MESSAGE: usize = 16 * 1024;

/// The largest value decoded at all, in bytes: bounds what a length prefix can make us allocate.
const MAX_VALUE: usize = 4 * 1024 * 1024;

const CONFIG: Configuration<LittleEndian, Varint, Limit<MAX_VALUE>> =
    bincode::config::standard().with_limit::<MAX_VALUE>();

/// Why bytes are no message.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// They do not spell the type.
    #[error("not a message: {0}")]
    Malformed(#[from] bincode::error::DecodeError),
    /// There are bytes behind the value.
    #[error("{0} bytes too many")]
    Trailing(usize),
}

/// The bytes of a value.
pub fn encode<T: Encode>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    append(value, &mut bytes);
    bytes
}

/// Writes the bytes of a value behind what is there.
pub fn append<T: Encode>(value: &T, bytes: &mut Vec<u8>) {
    bincode::encode_into_std_write(value, bytes, CONFIG)
        .expect("writing to memory within the limit cannot fail");
}

/// The value that exactly these bytes spell.
pub fn decode<T: Decode<()>>(bytes: &[u8]) -> Result<T, DecodeError> {
    let (value, used) = bincode::decode_from_slice(bytes, CONFIG)?;
    match bytes.len() - used {
        0 => Ok(value),
        trailing => Err(DecodeError::Trailing(trailing)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_that_lies_is_refused_without_allocating() {
        let hostile = [0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0, 0];
        assert!(decode::<Vec<u64>>(&hostile).is_err());
        assert!(decode::<String>(&hostile).is_err());
    }

    #[test]
    fn trailing_bytes_are_refused() {
        let mut bytes = encode(&7_u32);
        bytes.push(0);
        assert!(matches!(
            decode::<u32>(&bytes),
            Err(DecodeError::Trailing(1))
        ));
    }
}
