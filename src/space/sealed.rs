//! Sealed: the header of a checkpoint, and its compression. The header has a magic word, the
//! version and a hash that shows damage.

use super::checkpoint_error::{CheckpointError, VERSION};
use crate::systems::saving::LIMIT;

/// First bytes of every checkpoint. The version follows in two bytes, little endian.
const MAGIC: [u8; 4] = *b"PLZC";
/// First version whose hash covers the version, too.
const HASHES_VERSION: u16 = 6;
/// Length of magic, version and hash.
const HEADER: usize = MAGIC.len() + 2 + 8;
/// Length in bytes below which a body is not compressed.
const SHORT: usize = 1_024;
/// First byte of a body that is not compressed.
const PLAIN: u8 = 0;
/// First byte of a body compressed with LZ4, after its length in four bytes.
const COMPRESSED: u8 = 1;

/// Puts a header before a body.
pub fn seal(version: u16, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER + body.len());
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&version.to_le_bytes());
    bytes.extend_from_slice(&hash(version, body).to_le_bytes());
    bytes.extend_from_slice(body);
    bytes
}

/// Version and body of a sealed checkpoint.
pub fn open(bytes: &[u8]) -> Result<(u16, &[u8]), CheckpointError> {
    let rest = bytes.strip_prefix(&MAGIC).ok_or(CheckpointError::Foreign)?;
    let (version, rest) = rest.split_first_chunk().ok_or(CheckpointError::Foreign)?;
    let found = u16::from_le_bytes(*version);
    if !(1..=VERSION).contains(&found) {
        return Err(CheckpointError::Version { found });
    }
    let (sum, body) = rest.split_first_chunk().ok_or(CheckpointError::Damaged)?;
    if u64::from_le_bytes(*sum) != hash(found, body) {
        return Err(CheckpointError::Damaged);
    }
    Ok((found, body))
}

/// Compresses a record where that is worth it.
pub fn pack(record: &[u8]) -> Vec<u8> {
    if record.len() >= SHORT {
        let compressed = lz4_flex::compress_prepend_size(record);
        // Decompression costs time, so at least an eighth must be saved.
        if compressed.len() < record.len() - record.len() / 8 {
            return [&[COMPRESSED], &*compressed].concat();
        }
    }
    [&[PLAIN], record].concat()
}

/// Undoes [`pack`], and hands the record to `read`.
pub fn unpack<Record>(
    body: &[u8],
    read: impl FnOnce(&[u8]) -> Result<Record, CheckpointError>,
) -> Result<Record, CheckpointError> {
    match body.split_first() {
        Some((&PLAIN, record)) => read(record),
        Some((&COMPRESSED, rest)) => read(&decompress(rest)?),
        Some(_) | None => Err(CheckpointError::Senseless("an unknown compression")),
    }
}

/// Trusts the stated length only up to the size that a space may need.
pub fn decompress(body: &[u8]) -> Result<Vec<u8>, CheckpointError> {
    let malformed =
        |error: lz4_flex::block::DecompressError| CheckpointError::Malformed(error.to_string());
    let (length, _) = lz4_flex::block::uncompressed_size(body).map_err(malformed)?;
    if length > LIMIT {
        return Err(CheckpointError::Senseless(
            "more bytes than any space needs",
        ));
    }
    lz4_flex::decompress_size_prepended(body).map_err(malformed)
}

/// FNV-1a, 64 bits: detects damaged bits, not deliberate changes.
fn hash(version: u16, body: &[u8]) -> u64 {
    let version = version.to_le_bytes();
    let covered = if u16::from_le_bytes(version) >= HASHES_VERSION {
        &version[..]
    } else {
        &[]
    };
    let bytes = covered.iter().chain(body);
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
