//! Likeness: which names of users count as the same.
//!
//! Two names are the same when they differ only in case, normal form or letters that look alike
//! (Unicode TR 36, UTS 39). They look too much alike when they differ only in what is easily
//! overlooked, such as a dot at the end.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::canonical_combining_class;
use unicode_properties::{GeneralCategory, UnicodeEmoji, UnicodeGeneralCategory};
use unicode_script::{Script, UnicodeScript};

/// Characters that Unicode counts as visible but fonts draw as blank.
pub(super) const BLANK: [char; 5] = [
    '\u{2800}',
    '\u{1d159}',
    '\u{16fe4}',
    '\u{13441}',
    '\u{13442}',
];

/// Number of the rule of the looser keys. A change of the rule raises it: servers then work out the
/// keys of all names again.
pub const LOOSE_RULE: i64 = 2;

/// Keys for comparing names. Each is unique on a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameKeys {
    /// Equal for names that differ in case, normal form or look-alike letters. Sign-in finds a user
    /// by it.
    pub folded: String,
    /// Equal for names that look the same as they are written. A capital I looks like a small l,
    /// but not after case folding.
    pub seen: String,
    /// The first without what is easily overlooked, by [`LOOSE_RULE`].
    pub folded_loosely: String,
    /// The second without what is easily overlooked.
    pub seen_loosely: String,
}

impl NameKeys {
    /// The keys of any text, even if today's rules refuse it as a name.
    pub fn of(name: &str) -> Self {
        let name = normal(name);
        let seen = |name: &str| folded(&skeleton(name));
        let bare = without_overlooked(&name);
        Self {
            folded: seen(&folded(&name)),
            seen: seen(&name),
            folded_loosely: loosely(&seen(&folded(&bare))),
            seen_loosely: loosely(&seen(&bare)),
        }
    }
}

/// A name without what is easily overlooked: points and vowel signs that many leave out, marks
/// below letters, punctuation around the name, and dashes and dots inside its words. From the name
/// as it was written, because look-alikes of punctuation can be letters.
fn without_overlooked(name: &str) -> String {
    let plain: String = name
        .nfd()
        .filter(|letter| !is_left_out(*letter) && !is_mark_below(*letter) && is_visible(*letter))
        .nfc()
        .collect();
    if plain.is_empty() {
        return name.to_owned();
    }
    let trimmed = plain.trim_matches(is_around);
    if trimmed.is_empty() {
        return plain;
    }
    let letters: Vec<char> = trimmed.chars().collect();
    let is_kept = |at: usize, letter: char| {
        if !is_inside_words(letter) {
            return true;
        }
        let (before, after) = letters.split_at(at);
        let before = before.iter().rfind(|letter| !is_inside_words(**letter));
        let after = after.iter().find(|letter| !is_inside_words(**letter));
        let is_beside =
            |is: fn(char) -> bool| [before, after].map(|one| one.copied().is_some_and(is));
        // 1.2 is not 12.
        is_beside(char::is_whitespace).contains(&true) || is_beside(char::is_numeric) == [true; 2]
    };
    let all = letters.iter().copied().enumerate();
    let kept = all.filter(|(at, letter)| is_kept(*at, *letter));
    kept.map(|(_, letter)| letter).collect()
}

/// A key without marks below letters, with a w as two v. The skeleton already makes an m of rn.
fn loosely(key: &str) -> String {
    let plain = key.nfd().filter(|letter| !is_mark_below(*letter));
    plain
        .collect::<String>()
        .replace('w', "vv")
        .nfkc()
        .collect()
}

fn is_visible(letter: char) -> bool {
    !skeleton(letter.encode_utf8(&mut [0; 4])).is_empty() || letter.is_whitespace()
}

/// Whether the character is a point or vowel sign of Hebrew, Arabic or Syriac, which are often left
/// out, or only makes a word longer.
fn is_left_out(letter: char) -> bool {
    let is_mark = letter.general_category() == GeneralCategory::NonspacingMark;
    let is_of_them = matches!(
        letter.script(),
        Script::Hebrew | Script::Arabic | Script::Syriac
    );
    // The classes are theirs alone, and some of the signs are of no script.
    matches!(letter, '\u{640}' | '\u{7fa}')
        || is_mark && (is_of_them || matches!(canonical_combining_class(letter), 10..=36))
}

/// Whether the character is drawn below a letter (the combining classes of Unicode's section 4.3).
fn is_mark_below(letter: char) -> bool {
    matches!(
        canonical_combining_class(letter),
        202 | 218 | 220 | 222 | 233 | 240
    )
}

/// Whether the character, around a name, makes no other name: punctuation, small signs, and spaces
/// between them and the name. Pictures do, and so does a plus (C and C++).
fn is_around(letter: char) -> bool {
    let category = letter.general_category();
    match category {
        GeneralCategory::MathSymbol => letter != '+',
        GeneralCategory::OtherSymbol => !letter.is_emoji_char() || is_small_sign(letter),
        GeneralCategory::ModifierSymbol | GeneralCategory::SpaceSeparator => true,
        _ => {
            is_punctuation(category)
                || is_small_sign(letter)
                || !letter.is_numeric() && looks_like_punctuation(letter)
        }
    }
}

const fn is_punctuation(category: GeneralCategory) -> bool {
    matches!(
        category,
        GeneralCategory::ConnectorPunctuation
            | GeneralCategory::DashPunctuation
            | GeneralCategory::OpenPunctuation
            | GeneralCategory::ClosePunctuation
            | GeneralCategory::InitialPunctuation
            | GeneralCategory::FinalPunctuation
            | GeneralCategory::OtherPunctuation
    )
}

/// Whether the character is as small as a dot: raised and lowered signs between letters, and emoji
/// that are hardly pictures.
const fn is_small_sign(letter: char) -> bool {
    matches!(
        letter,
        '\u{2b0}'..='\u{2ff}' | '\u{559}' | '\u{2e2f}' | '\u{a700}'..='\u{a721}'
            | '\u{a788}'..='\u{a78a}' | '\u{a78f}' | '©' | '®' | '▪' | '▫'
    )
}

/// Whether it is a letter that looks like punctuation, such as that of clicks (ǃ).
fn looks_like_punctuation(letter: char) -> bool {
    let mut text = [0; 4];
    let mut seen = unicode_security::skeleton(letter.encode_utf8(&mut text)).peekable();
    seen.peek().is_some() && seen.all(|sign| is_punctuation(sign.general_category()))
}

/// Whether the character, inside a word, makes no other word: dashes, underscores, dots in the
/// middle and on the line, and small signs. An apostrophe does (O'Brien), also as a small sign.
fn is_inside_words(letter: char) -> bool {
    match letter {
        '.' | ',' | '·' | '•' | '‧' | '∙' | '⋅' | '・' | '᛫' | '⸱' | '⸳' | 'ꞏ' | '°' => {
            true
        }
        _ if is_small_sign(letter) => skeleton(letter.encode_utf8(&mut [0; 4])) != "'",
        _ => matches!(
            letter.general_category(),
            GeneralCategory::DashPunctuation | GeneralCategory::ConnectorPunctuation
        ),
    }
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
            ("Nils", "Nils\u{fe58}"),
            ("Nils", "—Nils―"),
            ("Tom", "Tomˌ"),
            ("Tom", "Toˌm"),
            ("Nils", "Nils°"),
            ("Nils", "Nils~"),
            ("Nils", "Nils^"),
            ("Nils", "Nils ★"),
            ("Nils", "Nils®"),
            ("Nils", "Nilsǃ"),
            ("Anna", "An-na"),
            ("Anna", "An_na"),
            ("Anna", "An—na"),
            ("Anna", "An.-na"),
            ("Nils", "Ni·ls"),
            ("Nils", "Ni.ls"),
            ("Nils2", "Nils-2"),
            ("ジョンスミス", "ジョン・スミス"),
            ("محمد", "محـمد"),
            ("محمد", "مُحَمَّد"),
            ("דוד", "דָּוִד"),
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
            ("OʼBrien", "OBrien"),
            ("!", "?"),
            ("ada b", "adab"),
            ("ada - b", "adab"),
            ("Team 1.2", "Team 12"),
            ("ミキ", "ミキー"),
            ("سام", "شام"),
            ("نور", "تور"),
            ("علي ١", "علي ١٠"),
            ("हरु", "हर"),
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
