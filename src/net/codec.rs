//! Codec: encodes and decodes values. The only module that knows the bincode configuration.
//!
//! Bytes from clients are decoded under a size limit, and no byte may be left over.

use bincode::config::{Configuration, Limit, LittleEndian, Varint};
use bincode::{Decode, Encode};

/// Maximum length of a message from a client, in bytes.
pub const MAX_MESSAGE: usize = 16 * 1024;

/// Maximum size of a decoded value in bytes. Bounds what a length prefix can make us allocate.
const MAX_VALUE: usize = 4 * 1024 * 1024;

const CONFIG: Configuration<LittleEndian, Varint, Limit<MAX_VALUE>> =
    bincode::config::standard().with_limit::<MAX_VALUE>();

/// Why bytes could not be decoded.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The bytes do not encode the type.
    #[error("not a message: {0}")]
    Malformed(#[from] bincode::error::DecodeError),
    /// Bytes are left over after the value.
    #[error("{0} bytes too many")]
    Trailing(usize),
}

/// Encodes a value.
pub fn encode<T: Encode>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    append(value, &mut bytes);
    bytes
}

/// Appends an encoded value to `bytes`.
pub fn append<T: Encode>(value: &T, bytes: &mut Vec<u8>) {
    bincode::encode_into_std_write(value, bytes, CONFIG)
        .expect("writing to memory within the limit cannot fail");
}

/// Decodes a value from exactly these bytes.
pub fn decode<T: Decode<()>>(bytes: &[u8]) -> Result<T, DecodeError> {
    let (value, used) = bincode::decode_from_slice(bytes, CONFIG)?;
    match bytes.len() - used {
        0 => Ok(value),
        trailing => Err(DecodeError::Trailing(trailing)),
    }
}

/// Decodes a value from the front of these bytes. Returns the bytes behind it, too.
pub fn decode_front<T: Decode<()>>(bytes: &[u8]) -> Result<(T, &[u8]), DecodeError> {
    let (value, used) = bincode::decode_from_slice(bytes, CONFIG)?;
    let (_, rest) = bytes.split_at(used);
    Ok((value, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_false_length_is_refused_without_allocating() {
        let hostile = [0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0, 0];
        assert!(decode::<Vec<u64>>(&hostile).is_err());
        assert!(decode::<String>(&hostile).is_err());
    }

    #[test]
    fn a_value_at_the_front_leaves_the_bytes_behind_it() {
        let bytes = [&encode(&300_u16)[..], &[9, 8]].concat();
        let (value, behind) = decode_front::<u16>(&bytes).unwrap();
        assert_eq!((value, behind), (300, &[9, 8][..]));
        assert!(decode_front::<u16>(&bytes[..2]).is_err());
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
