//! Checks: parse texts of requests into values that are always valid.

use super::error::ApiError;
use crate::components::name;
use crate::net::session::chat_text;
use crate::store::suspension::is_reason;

/// Longest label of an invite, in characters.
const LABEL_LETTERS: usize = 100;
/// Longest search text, in characters.
const SEARCH_LETTERS: usize = 100;
/// Longest address of a picture, in bytes.
const URL_BYTES: usize = 2048;

/// Parses the name of a space, map, element or avatar.
pub fn name(text: &str) -> Result<String, ApiError> {
    name::title(text).map_err(|error| ApiError::bad(error.to_string()))
}

/// Parses the name of a user.
pub fn username(text: &str) -> Result<String, ApiError> {
    name::username(text).map_err(|error| ApiError::bad(error.to_string()))
}

/// Parses the reason of an admin action: trimmed, 1 to 500 characters.
pub fn reason(text: &str) -> Result<String, ApiError> {
    let reason = text.trim();
    if is_reason(reason) {
        Ok(reason.to_owned())
    } else {
        Err(ApiError::bad(
            "A reason has 1 to 500 characters and no control characters.",
        ))
    }
}

/// Parses a note of those who make invites: trimmed, at most 100 characters, maybe empty.
pub fn label(text: &str) -> Result<String, ApiError> {
    let label = plain(text, LABEL_LETTERS).ok_or_else(|| {
        ApiError::bad(format!(
            "A label has at most {LABEL_LETTERS} letters and no control characters."
        ))
    })?;
    Ok(label.to_owned())
}

/// Parses a short text: trimmed, maybe empty; `None` if it has more characters or one that is a
/// control character.
pub fn plain(text: &str, most: usize) -> Option<&str> {
    let text = text.trim();
    let is_plain = !text.chars().any(char::is_control) && text.chars().count() <= most;
    is_plain.then_some(text)
}

/// Parses `WxH`, each 1 to 1000, width first.
pub fn dimensions(text: &str) -> Result<(u16, u16), ApiError> {
    let side = |digits: &str| {
        let plain =
            (1..=4).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        plain
            .then(|| digits.parse().ok())
            .flatten()
            .filter(|side| (1..=1000).contains(side))
    };
    text.split_once('x')
        .and_then(|(width, height)| Some((side(width)?, side(height)?)))
        .ok_or_else(|| ApiError::bad("Dimensions are WIDTHxHEIGHT, each 1 to 1000."))
}

/// Parses the text of a message: trimmed, 1 to 4,000 characters.
pub fn message(text: &str) -> Result<String, ApiError> {
    chat_text(text).ok_or_else(|| ApiError::bad("A message has 1 to 4,000 characters."))
}

/// Parses a search text; empty matches everything.
pub fn search(text: &str) -> Result<&str, ApiError> {
    let text = text.trim();
    if text.chars().count() > SEARCH_LETTERS {
        return Err(ApiError::bad(format!(
            "A search has at most {SEARCH_LETTERS} letters."
        )));
    }
    Ok(text)
}

/// Parses one side of an element, in tiles.
pub fn side(tiles: u16) -> Result<u16, ApiError> {
    if (1..=1000).contains(&tiles) {
        Ok(tiles)
    } else {
        Err(ApiError::bad("A side has 1 to 1000 tiles."))
    }
}

/// Parses the address of a picture: a path on this server, or http(s).
pub fn image_url(text: &str) -> Result<String, ApiError> {
    let url = text.trim();
    let lower = url.get(..8).unwrap_or(url).to_ascii_lowercase();
    let web = ["http://", "https://"]
        .iter()
        .any(|scheme| lower.starts_with(scheme) && url.len() > scheme.len());
    let ours = url.starts_with('/') && !url.starts_with("//");
    let plain = !url
        .chars()
        .any(|letter| letter.is_control() || letter.is_whitespace() || "\"'<>\\`".contains(letter));
    if (web || ours) && plain && url.len() <= URL_BYTES {
        Ok(url.to_owned())
    } else {
        Err(ApiError::bad(
            "A picture's address is a path on this server or starts with http:// or https://.",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dimensions_are_width_first_and_bounded() {
        assert_eq!(dimensions("100x200").unwrap(), (100, 200));
        assert_eq!(dimensions("0001x1000").unwrap(), (1, 1000));
        for wrong in [
            "", "x", "1x", "x1", "0x1", "1x0", "1001x1", "00001x1", "1X1", " 1x1", "+1x1", "-1x1",
            "1x1x1", "١x١",
        ] {
            assert!(dimensions(wrong).is_err(), "{wrong:?} was taken");
        }
    }

    #[test]
    fn names_may_be_in_any_script_but_not_empty_or_endless() {
        for right in ["a", "  Ada  ", "שלום", "مرحبا", "🎉🎉", &"x".repeat(100)] {
            assert!(name(right).is_ok(), "{right:?} was refused");
        }
        for wrong in ["", "   ", "a\u{0}b", "a\nb", "\u{1b}[31m", &"x".repeat(101)] {
            assert!(name(wrong).is_err(), "{wrong:?} was taken");
        }
    }

    #[test]
    fn pictures_are_never_script() {
        for right in [
            "/art/a.svg",
            "https://example.org/a.png?b=c",
            "HTTP://example.org/é.png",
        ] {
            assert!(image_url(right).is_ok(), "{right:?} was refused");
        }
        for wrong in [
            "",
            "javascript:alert(1)",
            "data:image/png;base64,AA",
            "//evil.example/a",
            "https://",
            "a.png",
            "https://a/\"onload=",
        ] {
            assert!(image_url(wrong).is_err(), "{wrong:?} was taken");
        }
    }
}
