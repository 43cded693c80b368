//! Word filter: lists of words that people are not to write, and texts in the form in which words
//! are compared. `net::session` looks for the words.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};

use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};
use unicode_script::{Script, UnicodeScript};
use unicode_segmentation::UnicodeSegmentation;

/// Most words of a space's list.
pub const MAX_WORDS: usize = 2_000;

/// Most characters of a word.
pub const MAX_WORD_CHARS: usize = 50;

/// What happens to a text with a word of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FilterAction {
    /// The word is made unreadable.
    #[default]
    Redact,
    /// The text is refused.
    Refuse,
    /// The text passes, and the audit log notes its words.
    Report,
}

impl FilterAction {
    /// Its name in tables and messages.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Redact => "redact",
            Self::Refuse => "refuse",
            Self::Report => "report",
        }
    }

    /// The action with that name.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Redact, Self::Refuse, Self::Report]
            .into_iter()
            .find(|action| action.word() == word)
    }
}

/// Words that people are not to write, and what happens when they do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WordList {
    action: FilterAction,
    words: Vec<String>,
}

/// Why words are no list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WordListError {
    /// There are more than that many.
    TooMany(usize),
    /// A word has too many characters.
    TooLong(String),
    /// A word has no character that can be looked for.
    Blank(String),
}

impl std::error::Error for WordListError {}

impl fmt::Display for WordListError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMany(most) => write!(f, "A word filter has at most {most} words."),
            Self::TooLong(word) => {
                let begin: String = word.chars().take(20).collect();
                write!(
                    f,
                    "A word has at most {MAX_WORD_CHARS} characters; one begins with “{begin}”."
                )
            }
            Self::Blank(word) => write!(
                f,
                "“{}” has no character to look for.",
                word.escape_unicode()
            ),
        }
    }
}

impl WordList {
    /// A list of these words, without empty ones and those that count as the same.
    pub fn new<'a>(
        action: FilterAction,
        words: impl IntoIterator<Item = &'a str>,
        most: usize,
    ) -> Result<Self, WordListError> {
        let (mut kept, mut known) = (Vec::new(), BTreeSet::new());
        for word in words {
            let word = word.trim();
            if word.is_empty() {
                continue;
            }
            if word.chars().count() > MAX_WORD_CHARS {
                return Err(WordListError::TooLong(word.to_owned()));
            }
            let folded = FoldedText::of(word).text;
            // One character may fold to eighteen.
            if folded.chars().count() > MAX_WORD_CHARS {
                return Err(WordListError::TooLong(word.to_owned()));
            }
            if folded.trim().is_empty() || word.contains(char::is_control) {
                return Err(WordListError::Blank(word.to_owned()));
            }
            if known.insert(folded) {
                kept.push(word.to_owned());
            }
            if kept.len() > most {
                return Err(WordListError::TooMany(most));
            }
        }
        Ok(Self {
            action,
            words: kept,
        })
    }

    /// What happens to a text with one of the words.
    pub const fn action(&self) -> FilterAction {
        self.action
    }

    /// The words, as they were written.
    pub fn words(&self) -> &[String] {
        &self.words
    }
}

/// A text as words are compared: after NFKC, in lower case, without characters and marks that take
/// no width, and with a single space for any white space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoldedText {
    text: String,
    /// For each byte, where the character that it comes from begins in the original.
    origins: Vec<u32>,
}

impl FoldedText {
    /// The folded form of a text.
    pub fn of(text: &str) -> Self {
        let mut folded = Self {
            text: String::with_capacity(text.len()),
            origins: Vec::with_capacity(text.len()),
        };
        for (at, cluster) in text.grapheme_indices(true) {
            // Messages and names are far shorter than 4 GiB.
            let at = u32::try_from(at).unwrap_or(u32::MAX);
            for letter in cluster.nfkc().flat_map(char::to_lowercase) {
                folded.push(letter, at);
            }
        }
        folded
    }

    fn push(&mut self, letter: char, at: u32) {
        let letter = match letter {
            letter if letter.is_whitespace() => ' ',
            letter if has_no_width(letter) => return,
            letter => letter,
        };
        if letter == ' ' && self.text.ends_with(' ') {
            return;
        }
        self.text.push(letter);
        self.origins.resize(self.text.len(), at);
    }

    /// The folded text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the bytes from `start` to `end` are not a part of a longer word.
    pub fn is_whole(&self, start: usize, end: usize) -> bool {
        self.is_between_words(start) && self.is_between_words(end)
    }

    fn is_between_words(&self, at: usize) -> bool {
        let (Some(before), Some(after)) = (self.text.get(..at), self.text.get(at..)) else {
            return false;
        };
        let neighbours = before.chars().next_back().zip(after.chars().next());
        !neighbours.is_some_and(|(one, other)| is_joined(one) && is_joined(other))
    }

    /// The original, which has to be the one that was folded, with a dot in place of each character
    /// of these parts of the folded text.
    pub fn redact(&self, original: &str, parts: &[(usize, usize)]) -> String {
        // How many parts begin at each byte of the original, less those that end there.
        let mut edges = vec![0_i32; original.len() + 1];
        for &(start, end) in parts {
            let (first, last) = (self.origin(start), self.origin(end.saturating_sub(1)));
            let after = original
                .get(last..)
                .and_then(|rest| rest.graphemes(true).next())
                .map_or(original.len(), |cluster| last + cluster.len());
            edges[first.min(original.len())] += 1;
            edges[after] -= 1;
        }
        let (mut text, mut depth) = (String::with_capacity(original.len()), 0);
        for (at, cluster) in original.grapheme_indices(true) {
            depth += edges[at];
            if depth > 0 {
                text.push('•');
            } else {
                text.write_str(cluster).expect("writing to a string");
            }
        }
        text
    }

    fn origin(&self, at: usize) -> usize {
        self.origins.get(at).map_or(0, |origin| *origin as usize)
    }
}

/// Whether a character is invisible, or a mark that stands on letters of any script. Marks of one
/// script are a part of its words.
fn has_no_width(letter: char) -> bool {
    match letter.general_category() {
        GeneralCategory::Format | GeneralCategory::Control => true,
        GeneralCategory::NonspacingMark | GeneralCategory::EnclosingMark => {
            letter.script() == Script::Inherited
        }
        // Fillers, which are letters by their category.
        _ => matches!(letter, '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'),
    }
}

/// Whether a character is a part of words that have spaces between them.
fn is_joined(letter: char) -> bool {
    let is_mark = matches!(
        letter.general_category(),
        GeneralCategory::NonspacingMark
            | GeneralCategory::EnclosingMark
            | GeneralCategory::SpacingMark
    );
    let is_spaced = !matches!(
        letter.script(),
        Script::Han
            | Script::Hiragana
            | Script::Katakana
            | Script::Thai
            | Script::Lao
            | Script::Khmer
            | Script::Myanmar
    );
    (letter.is_alphanumeric() || is_mark) && is_spaced
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(words: &[&str]) -> Result<WordList, WordListError> {
        WordList::new(FilterAction::Redact, words.iter().copied(), 3)
    }

    #[test]
    fn a_list_has_each_word_once_as_it_was_written() {
        let made = list(&["Darn", " ", "ＤＡＲＮ", "d\u{200b}arn", "two  words"]).unwrap();
        assert_eq!(made.words(), ["Darn", "two  words"]);
        assert_eq!(list(&["a", "b", "c", "d"]), Err(WordListError::TooMany(3)));
        assert!(list(&["a", "b", "c", "A"]).is_ok());
        let long = "a".repeat(MAX_WORD_CHARS + 1);
        assert_eq!(list(&[&long]), Err(WordListError::TooLong(long.clone())));
        let folded = "\u{fdfa}".repeat(3);
        assert_eq!(
            list(&[&folded]),
            Err(WordListError::TooLong(folded.clone()))
        );
        for blank in ["\u{200b}", "\u{301}", "a\u{0}b"] {
            assert!(matches!(list(&[blank]), Err(WordListError::Blank(_))));
        }
    }

    #[test]
    fn texts_are_compared_without_case_width_and_marks_without_width() {
        for (text, folded) in [
            ("DARN", "darn"),
            ("ｄａｒｎ", "darn"),
            ("d\u{200b}a\u{ad}r\u{2060}n", "darn"),
            ("d\u{336}a\u{336}r\u{336}n\u{336}", "darn"),
            ("CAFÉ", "café"),
            ("cafe\u{301}", "café"),
            ("İ", "i"),
            ("a\t\n b", "a b"),
            ("❤\u{fe0f}", "❤"),
        ] {
            assert_eq!(FoldedText::of(text).as_str(), folded, "{text:?}");
        }
    }

    #[test]
    fn words_end_where_letters_do_and_anywhere_in_scripts_without_spaces() {
        let is_whole = |text: &str, word: &str| {
            let folded = FoldedText::of(text);
            let at = folded.as_str().find(word).unwrap();
            folded.is_whole(at, at + word.len())
        };
        for text in ["ass", "ass!", "(ass)", "_ass_", "x.ass.y", "an ass is"] {
            assert!(is_whole(text, "ass"), "{text}");
        }
        for text in ["class", "assume", "passes", "ass2"] {
            assert!(!is_whole(text, "ass"), "{text}");
        }
        assert!(is_whole("他是笨蛋吗", "笨蛋"));
        assert!(!is_whole("कमल", "कम"));
    }

    #[test]
    fn redaction_keeps_all_else_as_it_was() {
        let redact = |text: &str, word: &str| {
            let folded = FoldedText::of(text);
            let found = folded.as_str().match_indices(word);
            let parts: Vec<_> = found.map(|(at, word)| (at, at + word.len())).collect();
            folded.redact(text, &parts)
        };
        assert_eq!(redact("Well, DaRn it", "darn"), "Well, •••• it");
        assert_eq!(redact("ｄａｒｎ É", "darn"), "•••• É");
        assert_eq!(redact("ﬁne ﬁ", "fi"), "•ne •");
        assert_eq!(redact("a  b 👩‍💻", "a b"), "•••• 👩‍💻");
        assert_eq!(redact("d\u{200b}arn!", "darn"), "•••••!");
        assert_eq!(redact("none", "darn"), "none");
    }
}
