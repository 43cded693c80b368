//! Appeal: the text of a space or of the server for people who are kicked, banned, muted or
//! suspended: what they can do about it.

/// Longest text about appeals, in characters.
pub const APPEAL_CHARS: usize = 1_000;

/// A text about appeals: trimmed, plain, maybe empty; `None` if it is too long or has control
/// characters other than line breaks.
pub fn appeal(text: &str) -> Option<String> {
    let text = text.trim().replace("\r\n", "\n");
    let is_plain = text
        .chars()
        .all(|letter| !letter.is_control() || letter == '\n');
    (is_plain && text.chars().count() <= APPEAL_CHARS).then_some(text)
}
