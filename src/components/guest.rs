//! Guest: the names of people without an account.

use super::name::{GUEST, NameError, username};

/// Longest name of a guest without its mark, in characters.
const GUEST_CHARS: usize = 50;

/// The name of a guest in stored form: that of a user, shorter, with the mark of guests, which no
/// user can choose.
pub fn guest_name(text: &str) -> Result<String, NameError> {
    let name = username(text)?;
    if name.chars().count() > GUEST_CHARS {
        return Err(NameError::Length(GUEST_CHARS));
    }
    Ok(format!("{name} ({GUEST})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_of_guests_is_the_servers_to_give() {
        assert_eq!(guest_name(" Ada ").unwrap(), "Ada (guest)");
        for wrong in [
            "",
            "Ada (guest)",
            "Ada [Guest]",
            "Ada - guest",
            "a\u{0}",
            &"a".repeat(51),
        ] {
            assert!(guest_name(wrong).is_err(), "{wrong:?}");
        }
        assert!(username("Ada (guest)").is_err());
        assert!(username("Guest").is_ok(), "people may be called so");
    }
}
