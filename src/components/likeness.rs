//! Likeness: which names of users count as the same.
//!
//! Two names are the same when they differ only in case, normal form or letters that look alike
//! (Unicode TR 36, UTS 39). They look too much alike when they differ only in what is easily
//! overlooked, such as a dot at the end.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::canonical_combining_class;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

/// Characters that Unicode counts as visible but fonts draw as blank.
pub(super) const BLANK: [char; 5] = [
    '\u{2800}',
    '\u{1d159}',
    '\u{16fe4}',
    '\u{13441}',
    '\u{13442}',
];

/// Keys for comparing names. Each is unique on a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameKeys {
    /// Equal for names that differ in case, normal form or look-alike letters. Sign-in finds a user
    /// by it.
    pub folded: String,
    /// Equal for names that look the same as they are written. A capital I looks like a small l,
    /// but not after case folding.
    pub seen: String,
    /// The first without what is easily overlooked.
    pub folded_loosely: String,
    /// The second without what is easily overlooked.
    pub seen_loosely: String,
}

impl NameKeys {
    /// The keys of any text, even if today's rules refuse it as a name.
    pub fn of(name: &str) -> Self {
        let name = normal(name);
        let seen = folded(&skeleton(&name));
        let folded = folded(&skeleton(&folded(&name)));
        Self {
            folded_loosely: loosely(&folded),
            seen_loosely: loosely(&seen),
            folded,
            seen,
        }
    }
}

/// A key without what is easily overlooked: marks below letters, and punctuation around the name.
/// A w is two v. The skeleton already makes an m of rn.
fn loosely(key: &str) -> String {
    let plain: String = key
        .nfd()
        .filter(|letter| !is_mark_below(*letter))
        .collect::<String>()
        .replace('w', "vv");
    let trimmed = plain.trim_matches(is_around);
    let kept = if trimmed.is_empty() { &plain } else { trimmed };
    kept.nfkc().collect()
}

/// Whether the character is drawn below a letter (the combining classes of Unicode's section 4.3).
fn is_mark_below(letter: char) -> bool {
    matches!(
        canonical_combining_class(letter),
        202 | 218 | 220 | 222 | 233 | 240
    )
}

/// Whether the character is punctuation, or a space between it and the name.
fn is_around(letter: char) -> bool {
    matches!(
        letter.general_category(),
        GeneralCategory::ConnectorPunctuation
            | GeneralCategory::DashPunctuation
            | GeneralCategory::OpenPunctuation
            | GeneralCategory::ClosePunctuation
            | GeneralCategory::InitialPunctuation
            | GeneralCategory::FinalPunctuation
            | GeneralCategory::OtherPunctuation
            | GeneralCategory::ModifierSymbol
            | GeneralCategory::SpaceSeparator
    )
}

/// Case-folded text. Upper case comes first: ß becomes SS, and both small sigmas become one.
fn folded(text: &str) -> String {
    let small: String = text
        .chars()
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
        .collect();
    small.nfkc().collect()
}

/// Skeleton of UTS 39: look-alike letters become one letter, invisible characters are removed.
fn skeleton(text: &str) -> String {
    let seen: String = unicode_security::skeleton(text)
        .filter(|letter| !BLANK.contains(letter))
        .collect();
    single_spaced(&seen)
}

/// A text in the form in which user names are stored and compared: NFKC with single spaces.
pub fn normal(text: &str) -> String {
    single_spaced(&text.nfkc().collect::<String>())
}

pub(super) fn single_spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn same(one: &str, other: &str) -> bool {
        let (one, other) = (NameKeys::of(one), NameKeys::of(other));
        one.folded == other.folded || one.seen == other.seen
    }

    #[test]
    fn look_alikes_are_one_name() {
        for (one, other) in [
            ("mila", "MILA"),
            ("mila", "mi\u{200b}la"),
            ("Zo\u{e9}", "ZOE\u{301}"),
            ("straße", "STRASSE"),
            ("alice", "аӏісе"),
            ("Alice", "AIice"),
            ("paypal", "paypaI"),
            ("bob", "b0b"),
            ("Σίσυφος", "ΣΊΣΥΦΟΣ"),
            ("ada lovelace", "Ada  Lovelace"),
            ("ada", "ａｄａ"),
        ] {
            assert!(
                same(one, other),
                "{one} and {other}: {:?} {:?}",
                NameKeys::of(one),
                NameKeys::of(other)
            );
        }
        for (one, other) in [
            ("ada", "adam"),
            ("Neil", "Nell"),
            ("zoe", "zoé"),
            ("1-a", "2-a"),
            ("ada b", "adab"),
        ] {
            assert!(!same(one, other), "{one} and {other}");
        }
    }

    #[test]
    fn what_is_easily_overlooked_makes_no_other_name() {
        let alike = |one: &str, other: &str| {
            let (one, other) = (NameKeys::of(one), NameKeys::of(other));
            one.folded_loosely == other.folded_loosely || one.seen_loosely == other.seen_loosely
        };
        for (one, other) in [
            ("Wanda", "VVanda"),
            ("Wanda", "vVANDA"),
            ("Marta", "rnarta"),
            ("Nils", "Nils."),
            ("Nils", "_Nils-"),
            ("Nils", "NILS ·"),
            ("Alice", "AIice!"),
            ("Ada", "Ạda"),
            ("Ada", "Ad\u{331}\u{323}a"),
            ("Ada", "Ada \u{2026}"),
            ("...", "…"),
        ] {
            assert!(alike(one, other), "{one} and {other}");
            assert!(alike(other, one), "{other} and {one}");
        }
        for (one, other) in [
            ("zoe", "zoé"),
            ("Ada", "Ada 2"),
            ("Ada", "Ada 🎉"),
            ("Ada (Sales)", "Ada (Service)"),
            ("Ada (Sales)", "Ada"),
            ("C", "C++"),
            ("O'Brien", "OBrien"),
            ("!", "?"),
        ] {
            assert!(!alike(one, other), "{one} and {other}");
        }
    }

    proptest! {
        #[test]
        fn forms_and_case_do_not_make_another_name(text in "\\PC{1,20}") {
            let key = |text: &str| NameKeys::of(text).folded;
            let known = key(&text);
            prop_assert_eq!(&key(&text.nfd().collect::<String>()), &known);
            prop_assert_eq!(&key(&text.nfkc().collect::<String>()), &known);
            prop_assert_eq!(&key(&text.nfkc().collect::<String>().to_uppercase()), &known);
        }
    }
}
