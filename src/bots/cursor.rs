//! Byte reader: reads the bytes of cells and chat messages in place, without building values.
//!
//! A bot gets frames of hundreds of entries twenty times a second and needs three numbers of each,
//! so decoding whole frames with `net::codec` would be wasted work. `docs/replication.md` states
//! the encoding; the tests compare this reader with the codec.

use super::decode_error::ViewError;

/// Reads from the front of a byte slice.
pub(super) struct ByteReader<'a>(pub(super) &'a [u8]);

impl<'a> ByteReader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], ViewError> {
        let (front, rest) = self.0.split_at_checked(count).ok_or(ViewError::Malformed)?;
        self.0 = rest;
        Ok(front)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ViewError> {
        let (front, rest) = self
            .0
            .split_first_chunk::<N>()
            .ok_or(ViewError::Malformed)?;
        self.0 = rest;
        Ok(*front)
    }

    pub(super) fn byte(&mut self) -> Result<u8, ViewError> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn flag(&mut self) -> Result<bool, ViewError> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(ViewError::Malformed),
        }
    }

    /// The four lowest bits of a byte, lowest first; an error when another bit is set.
    pub(super) fn flags(&mut self) -> Result<[bool; 4], ViewError> {
        match self.byte()? {
            byte @ 0..16 => Ok([1, 2, 4, 8].map(|bit| byte & bit != 0)),
            _ => Err(ViewError::Malformed),
        }
    }

    /// The length of an optional list; 0 when it is absent.
    pub(super) fn count_if(&mut self, is_there: bool) -> Result<u64, ViewError> {
        if is_there { self.number() } else { Ok(0) }
    }

    #[inline]
    pub(super) fn number(&mut self) -> Result<u64, ViewError> {
        match self.byte()? {
            251 => self
                .array()
                .map(|bytes| u64::from(u16::from_le_bytes(bytes))),
            252 => self
                .array()
                .map(|bytes| u64::from(u32::from_le_bytes(bytes))),
            253 => self.array().map(u64::from_le_bytes),
            254..=255 => Err(ViewError::Malformed),
            small => Ok(u64::from(small)),
        }
    }

    #[inline]
    pub(super) fn short(&mut self) -> Result<u16, ViewError> {
        self.number()?.try_into().map_err(|_| ViewError::Malformed)
    }

    #[inline]
    pub(super) fn long(&mut self) -> Result<u32, ViewError> {
        self.number()?.try_into().map_err(|_| ViewError::Malformed)
    }

    /// Three bytes as a number.
    #[inline]
    pub(super) fn bits(&mut self) -> Result<u32, ViewError> {
        self.array::<3>()
            .map(|[a, b, c]| u32::from_le_bytes([a, b, c, 0]))
    }

    pub(super) fn text(&mut self) -> Result<&'a str, ViewError> {
        let length = self.number()?;
        let bytes = self.take(usize::try_from(length).map_err(|_| ViewError::Malformed)?)?;
        std::str::from_utf8(bytes).map_err(|_| ViewError::Malformed)
    }

    /// An optional value: a flag, followed by the value when the flag is set.
    pub(super) fn option<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, ViewError>,
    ) -> Result<Option<T>, ViewError> {
        if self.flag()? {
            read(self).map(Some)
        } else {
            Ok(None)
        }
    }

    /// An error unless every byte was read.
    pub(super) fn end(&self) -> Result<(), ViewError> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(ViewError::Malformed)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::codec::encode;

    #[test]
    fn numbers_and_texts_are_read_as_the_codec_writes_them() {
        for number in [
            0,
            1,
            250,
            251,
            65_535,
            65_536,
            u64::from(u32::MAX),
            u64::MAX,
        ] {
            assert_eq!(ByteReader(&encode(&number)).number(), Ok(number));
        }
        let text = "wörld".to_owned();
        assert_eq!(ByteReader(&encode(&text)).text(), Ok(text.as_str()));
        let some = encode(&Some(7_u32));
        assert_eq!(ByteReader(&some).option(ByteReader::long), Ok(Some(7)));
    }

    #[test]
    fn truncated_bytes_and_false_lengths_are_errors() {
        assert_eq!(ByteReader(&[253, 1, 2]).number(), Err(ViewError::Malformed));
        let endless = [253, 255, 255, 255, 255, 255, 255, 255, 255];
        assert_eq!(ByteReader(&endless).text(), Err(ViewError::Malformed));
        assert_eq!(ByteReader(&[2]).flag(), Err(ViewError::Malformed));
    }
}
