//! Long text: plain text of several lines that people write about a space or about each other.

/// Longest text about appeals, in characters.
pub const APPEAL_CHARS: usize = 1_000;

/// Longest text of a report, and of its answer, in characters.
pub const REPORT_CHARS: usize = 1_000;

/// Parses a text of several lines: trimmed, with `\n` between lines, maybe empty. `None` if it has
/// more than `most` characters, or control characters other than line breaks and tabs.
pub fn long_text(text: &str, most: usize) -> Option<String> {
    let text = text.trim().replace("\r\n", "\n");
    let is_plain = text
        .chars()
        .all(|letter| !letter.is_control() || matches!(letter, '\n' | '\t'));
    (is_plain && text.chars().count() <= most).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::long_text;

    #[test]
    fn lines_are_kept_and_what_acts_on_terminals_is_refused() {
        assert_eq!(long_text(" a\r\nb\tc\n", 5), Some("a\nb\tc".into()));
        assert_eq!(long_text("", 5), Some(String::new()));
        for refused in ["a\u{1b}[2J", "a\0", "a\rb", "abcdef"] {
            assert_eq!(long_text(refused, 5), None, "{refused:?}");
        }
    }
}
