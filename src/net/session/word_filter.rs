//! Word filter: looks for the words of a list in what people write. `edge::word_filters` has the
//! lists of the server and of spaces.

use aho_corasick::{AhoCorasick, BuildError};

use crate::components::word_filter::{FilterAction, FoldedText, WordList};

/// Checks texts that people write. Other filters than lists of words can stand here, too.
pub trait Filter: Send + Sync {
    /// What is to happen to a text.
    fn check(&self, text: &str) -> Verdict;
}

/// What is to happen to a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing.
    Pass,
    /// Another text is shown in its place, because of this word.
    Redact {
        /// What is shown.
        text: String,
        /// The first of its words that is on the list.
        word: String,
    },
    /// It is refused, because of this word.
    Refuse(String),
    /// It passes, and the audit log notes these words.
    Report(Vec<String>),
}

/// Looks for the words of a list, all of them at once.
#[derive(Debug)]
pub struct WordFilter {
    action: FilterAction,
    words: Vec<String>,
    automaton: AhoCorasick,
}

impl WordFilter {
    /// Compiles a list, which takes some milliseconds for thousands of words.
    pub fn compile(list: &WordList) -> Result<Self, BuildError> {
        let folded = list.words().iter().map(|word| FoldedText::of(word));
        Ok(Self {
            action: list.action(),
            automaton: AhoCorasick::new(folded.map(|word| word.as_str().trim().to_owned()))?,
            words: list.words().to_vec(),
        })
    }

    /// Roughly how many bytes it takes.
    pub fn bytes(&self) -> usize {
        let words = self.words.iter().map(|word| word.len() + 24);
        self.automaton.memory_usage() + words.sum::<usize>()
    }
}

impl Filter for WordFilter {
    fn check(&self, text: &str) -> Verdict {
        let folded = FoldedText::of(text);
        // A longer word may be part of one that is not whole, and hide a shorter one that is.
        let mut found = self
            .automaton
            .find_overlapping_iter(folded.as_str())
            .filter(|found| folded.is_whole(found.start(), found.end()))
            .peekable();
        let Some(first) = found.peek() else {
            return Verdict::Pass;
        };
        let word = self.words[first.pattern()].clone();
        match self.action {
            FilterAction::Refuse => Verdict::Refuse(word),
            FilterAction::Redact => {
                let parts: Vec<_> = found.map(|found| (found.start(), found.end())).collect();
                let text = folded.redact(text, &parts);
                Verdict::Redact { text, word }
            }
            FilterAction::Report => {
                let mut all: Vec<_> = found.map(|found| found.pattern()).collect();
                all.sort_unstable();
                all.dedup();
                Verdict::Report(
                    all.into_iter()
                        .map(|word| self.words[word].clone())
                        .collect(),
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::components::word_filter::MAX_WORDS;

    fn filter(action: FilterAction, words: &[&str]) -> WordFilter {
        let list = WordList::new(action, words.iter().copied(), MAX_WORDS);
        WordFilter::compile(&list.unwrap()).unwrap()
    }

    #[test]
    fn whole_words_are_found_however_they_are_written() {
        let filter = filter(FilterAction::Refuse, &["Darn", "hot dog", "hot dogs are"]);
        for text in [
            "darn",
            "Oh DARN!",
            "ｄａｒｎ",
            "d\u{200b}a\u{200d}rn",
            "d\u{336}arn",
            "(darn)",
        ] {
            assert_eq!(filter.check(text), Verdict::Refuse("Darn".into()), "{text}");
        }
        // The longest one is not whole, and the one inside it is.
        assert_eq!(filter.check("hot dog s"), Verdict::Refuse("hot dog".into()));
        for text in ["", "darning", "undarn", "hot dogs", "d a r n"] {
            assert_eq!(filter.check(text), Verdict::Pass, "{text}");
        }
    }

    #[test]
    fn each_action_has_its_verdict() {
        let text = "Darn, a fig and a FIG";
        let words = ["darn", "fig", "other"];
        assert_eq!(
            filter(FilterAction::Redact, &words).check(text),
            Verdict::Redact {
                text: "••••, a ••• and a •••".into(),
                word: "darn".into()
            }
        );
        assert_eq!(
            filter(FilterAction::Report, &words).check(text),
            Verdict::Report(vec!["darn".into(), "fig".into()])
        );
    }

    #[test]
    fn a_list_as_long_as_may_be_is_compiled_and_takes_little() {
        let words: Vec<String> = (0..MAX_WORDS).map(|n| format!("{n:050}")).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let filter = filter(FilterAction::Redact, &words);
        assert!(filter.bytes() < 8 * 1024 * 1024, "{}", filter.bytes());
        assert_eq!(filter.check("nothing"), Verdict::Pass);
    }
}
