//! Registry: the types of a protocol as text, and a hash of that text.
//!
//! May use `codec`. Never: sockets, state. Tests of `net::protocol` and `link` trace their types,
//! and fail while the text next to the types (`types.txt`) is not theirs. Both sides of a
//! connection compare the hash, so they refuse each other instead of misreading bytes.

#[cfg(test)]
pub(crate) mod golden;
#[cfg(test)]
mod samples;
#[cfg(test)]
pub(crate) mod trace;

/// FNV-1a hash of a text.
pub const fn hash(text: &str) -> u32 {
    let mut rest = text.as_bytes();
    let mut hash = 0x811c_9dc5_u32;
    while let [byte, behind @ ..] = rest {
        hash = (hash ^ *byte as u32).wrapping_mul(0x0100_0193);
        rest = behind;
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_fnv_1a_and_differs_by_one_letter() {
        assert_eq!(hash(""), 0x811c_9dc5);
        assert_eq!(hash("foobar"), 0xbf9c_f968);
        assert_ne!(hash("a: u16"), hash("a: u32"));
    }
}
