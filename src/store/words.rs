//! Words: text index of chat messages.
//!
//! A message matches when each part of a search, separated by spaces, stands in it at the beginning
//! of a word, in any case. The index stores which words are in which message; its results are
//! compared with the message itself, which decides.

use std::collections::BTreeSet;

use unicode_segmentation::UnicodeSegmentation;

use super::{StoreError, Tx};

/// Most different words of a message in the index.
const MOST_WORDS: usize = 256;

/// Most bytes of a word in the index. Longer words are found by their beginning, and compared in
/// the message.
const WORD_BYTES: usize = 48;

/// Words per statement.
const AT_ONCE: usize = 16;

/// A text in the form that searches compare.
pub(super) fn folded(text: &str) -> String {
    text.to_lowercase()
}

/// Ranges of the words in a folded text. Combining marks stay with their letters, symbols like `%`
/// and emoji are words, punctuation is none; in scripts without spaces each character is a word.
fn spans(text: &str) -> Vec<(usize, usize)> {
    let mut spans = Vec::new();
    for (start, segment) in text.split_word_bound_indices() {
        if segment.chars().any(char::is_alphanumeric) {
            let mut from = start;
            for (at, letter) in segment
                .char_indices()
                .filter(|(_, letter)| is_punctuation(*letter))
            {
                spans.extend((from < start + at).then_some((from, start + at)));
                from = start + at + letter.len_utf8();
            }
            let end = start + segment.len();
            spans.extend((from < end).then_some((from, end)));
        } else if segment
            .chars()
            .all(|letter| !letter.is_whitespace() && !letter.is_control())
            && !segment.chars().all(is_punctuation)
        {
            spans.push((start, start + segment.len()));
        }
    }
    spans
}

const fn is_punctuation(letter: char) -> bool {
    match letter {
        '%' | '#' | '$' | '@' | '+' | '=' | '&' => false,
        '\u{b7}' | '\u{2010}'..='\u{2027}' | '\u{203f}' | '\u{3001}' | '\u{3002}' => true,
        _ => letter.is_ascii_punctuation(),
    }
}

/// The part of a word that the index stores.
fn key(word: &str) -> &str {
    let (key, _) = word.split_at(word.floor_char_boundary(WORD_BYTES));
    key
}

/// Words of a text, as the index stores them.
pub(super) fn keys(text: &str) -> BTreeSet<String> {
    let folded = folded(text);
    let words = spans(&folded)
        .into_iter()
        .filter_map(|(from, to)| Some(key(folded.get(from..to)?).to_owned()));
    // The first words of the text, not of the alphabet.
    let mut keys = BTreeSet::new();
    for word in words {
        if keys.len() >= MOST_WORDS {
            break;
        }
        keys.insert(word);
    }
    keys
}

/// A search.
pub(super) struct WordQuery {
    parts: Vec<String>,
}

impl WordQuery {
    /// Splits a search into its parts.
    pub fn new(search: &str) -> Self {
        Self {
            parts: folded(search)
                .split_whitespace()
                .map(str::to_owned)
                .collect(),
        }
    }

    /// Prefixes of words that a matching message must have, the longest first: fewest messages have
    /// it.
    pub fn keys(&self) -> Vec<String> {
        let of_part = |part: &String| {
            spans(part)
                .into_iter()
                .filter_map(|(from, to)| Some(key(part.get(from..to)?).to_owned()))
                .collect::<Vec<_>>()
        };
        let mut keys: Vec<String> = self.parts.iter().flat_map(of_part).collect();
        keys.sort_by_key(|key| std::cmp::Reverse(key.len()));
        keys.dedup();
        keys
    }

    /// Whether a text matches every part.
    pub fn is_in(&self, text: &str) -> bool {
        let folded = folded(text);
        if !self.parts.iter().all(|part| folded.contains(part.as_str())) {
            return false;
        }
        let spans = spans(&folded);
        self.parts.iter().all(|part| {
            // Punctuation begins no word.
            let is_anywhere = part.chars().next().is_some_and(is_punctuation);
            folded.match_indices(part.as_str()).any(|(at, _)| {
                is_anywhere || spans.binary_search_by_key(&at, |(from, _)| *from).is_ok()
            })
        })
    }
}

/// The smallest key after all words with this prefix. No byte of UTF-8 is 255.
pub(super) fn behind(key: &str) -> Vec<u8> {
    let mut bytes = key.as_bytes().to_vec();
    if let Some(last) = bytes.last_mut() {
        *last += 1;
    }
    bytes
}

/// Adds the words of a message to the index; existing ones stay.
pub(super) async fn add(tx: &mut Tx, space: &str, seq: i64, text: &str) -> Result<(), StoreError> {
    let keys: Vec<String> = keys(text).into_iter().collect();
    for keys in keys.chunks(AT_ONCE) {
        let mut statement = sqlx::query(
            "insert into chat_words (space_id, seq, word) values ($1, $2, $3), ($1, $2, $4), ($1, \
            $2, $5), ($1, $2, $6), \
             ($1, $2, $7), ($1, $2, $8), ($1, $2, $9), ($1, $2, $10), ($1, $2, $11), ($1, $2, \
             $12), ($1, $2, $13), \
             ($1, $2, $14), ($1, $2, $15), ($1, $2, $16), ($1, $2, $17), ($1, $2, $18) on conflict \
             do nothing",
        )
        .bind(space.to_owned())
        .bind(seq);
        for key in filled_up(keys) {
            statement = statement.bind(key);
        }
        statement.execute(&mut **tx).await?;
    }
    Ok(())
}

/// Removes the words of a message from the index.
pub(super) async fn remove(
    tx: &mut Tx,
    space: &str,
    seq: i64,
    text: &str,
) -> Result<(), StoreError> {
    let keys: Vec<String> = keys(text).into_iter().collect();
    for keys in keys.chunks(AT_ONCE) {
        let mut statement = sqlx::query(
            "delete from chat_words where space_id = $1 and seq = $2 and word in \
             ($3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
        )
        .bind(space.to_owned())
        .bind(seq);
        for key in filled_up(keys) {
            statement = statement.bind(key);
        }
        statement.execute(&mut **tx).await?;
    }
    Ok(())
}

/// Pads the keys to the size of a statement by repeating the last one.
fn filled_up(keys: &[String]) -> impl Iterator<Item = Vec<u8>> {
    let last = keys.last().into_iter().cycle();
    keys.iter()
        .chain(last)
        .take(AT_ONCE)
        .map(|key| key.as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_found(search: &str, text: &str) -> bool {
        let wanted = WordQuery::new(search);
        let keys = keys(text);
        let by_index = wanted
            .keys()
            .iter()
            .all(|key| keys.iter().any(|word| word.starts_with(key.as_str())));
        assert!(
            by_index || !wanted.is_in(text),
            "the index hides {text:?} from {search:?}"
        );
        wanted.is_in(text)
    }

    #[test]
    fn a_message_is_found_by_the_beginnings_of_its_words() {
        for (search, text) in [
            ("hell", "Oh, HELLO there"),
            ("there hello", "hello there"),
            ("db", "copy plaza.db away"),
            ("plaza.d", "copy plaza.db away"),
            ("don't", "I don't"),
            ("50%", "now 50% off"),
            ("%", "now 50 % off"),
            ("?!", "what?!"),
            ("東京", "明日は東京へ"),
            ("👍", "fine 👍🏽"),
            ("стра", "Улица Странная"),
            ("_case", "snake_case"),
            ("e\u{301}t", "un e\u{301}te\u{301}"),
            ("", "anything"),
        ] {
            assert!(is_found(search, text), "{search:?} in {text:?}");
        }
        for (search, text) in [
            ("ello", "hello"),
            ("50%", "50 %"),
            ("hello", "hell"),
            ("京東", "東京"),
        ] {
            assert!(!is_found(search, text), "{search:?} in {text:?}");
        }
    }

    #[test]
    fn the_index_stores_a_bounded_part_of_any_message() {
        let many: String =
            (0..4_000).fold(String::new(), |all, number| all + &format!("{number} "));
        assert_eq!(keys(&many).len(), MOST_WORDS);
        assert!(keys(&many).contains("255") && !keys(&many).contains("256"));
        let long = "ä".repeat(4_000);
        assert!(keys(&long).iter().all(|key| key.len() <= WORD_BYTES));
        assert!(is_found(&"ä".repeat(100), &long));
    }

    #[test]
    fn words_with_a_prefix_lie_between_two_keys() {
        for (key, word, is_between) in [
            ("ab", "ab", true),
            ("ab", "abz", true),
            ("ab", "ac", false),
            ("ä", "äß", true),
        ] {
            let word = word.as_bytes();
            assert_eq!(
                word >= key.as_bytes() && word < &behind(key)[..],
                is_between
            );
        }
    }
}
