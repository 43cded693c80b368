//! Names: which texts are allowed as names of users and spaces. Which names count as the same is
//! decided by `likeness`.

use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, UnicodeEmoji, UnicodeGeneralCategory};
use unicode_script::{Script, UnicodeScript};
use unicode_security::mixed_script::AugmentedScriptSet;

use super::likeness::{BLANK, NameKeys, normal, single_spaced};

/// Longest name of a user, in characters.
pub const USERNAME_CHARS: usize = 64;
/// Longest name of a space, map, element or avatar, in characters.
pub const TITLE_CHARS: usize = 100;
/// Most combining marks on one letter. More run into the lines above and below.
const MARKS_ON_A_LETTER: usize = 4;

/// What the server adds, in brackets, to the name of a guest.
pub(super) const GUEST: &str = "guest";

/// What the server adds, in brackets, to the name of a user that looks like an earlier one's.
const LOOK_ALIKE: &str = "look-alike";

/// What a name does not claim to be, in English, which is the language of this program.
const ROLES: [&str; 12] = [
    "admin",
    "administrator",
    GUEST,
    "mod",
    "moderator",
    "official",
    "operator",
    "owner",
    "plaza",
    "server",
    "staff",
    "system",
];

const JOINER: char = '\u{200d}';
const NON_JOINER: char = '\u{200c}';
const EMOJI_STYLE: char = '\u{fe0f}';

/// Why a text is not a valid name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// No visible character, or too many characters.
    #[error("A name has 1 to {0} letters.")]
    Length(usize),
    /// Control characters, invisible characters, or characters that change the direction of text.
    #[error("A name has no invisible characters and no control characters.")]
    Invisible,
    /// Marks without a letter, or too many on one letter.
    #[error("A name has no marks without a letter, and at most {MARKS_ON_A_LETTER} on one.")]
    Marks,
    /// Letters of several scripts. Letters that look alike could imitate another name.
    #[error(
        "A name is written in one script: do not mix, for example, Latin and Cyrillic letters."
    )]
    MixedScripts,
    /// Contains the mark that the server adds to names.
    #[error("A name does not contain “{LOOK_ALIKE}”: the server marks names with it.")]
    Mark,
    /// Claims a role in brackets or behind a dash.
    #[error(
        "A name does not claim a role, as “(admin)” or “– moderator” would: others could believe \
        it."
    )]
    Role,
}

/// The name of a user in stored form: NFKC, single spaces, nothing invisible, one script.
pub fn username(text: &str) -> Result<String, NameError> {
    let name = checked(text, USERNAME_CHARS, normal)?;
    if !is_of_one_script(&name) {
        return Err(NameError::MixedScripts);
    }
    if is_marked(&name) {
        return Err(NameError::Mark);
    }
    if claims_role(&name) {
        return Err(NameError::Role);
    }
    Ok(name)
}

/// The name of a user with the mark of one that looks like an earlier user's.
pub fn marked(name: &str) -> String {
    format!("{name} ({LOOK_ALIKE})")
}

/// Whether a name has the mark, in any spelling that looks like it.
fn is_marked(name: &str) -> bool {
    let [mark, _] = spellings(LOOK_ALIKE);
    spellings(name).iter().any(|name| name.contains(&mark))
}

/// The letters and digits of a text, the same for spellings that look alike.
fn spellings(text: &str) -> [String; 2] {
    // A capital I looks like an l, and both may stand for the i.
    let letters = |key: String| {
        let letters = key.chars().filter(|letter| letter.is_alphanumeric());
        letters.collect::<String>().replace('i', "l")
    };
    let keys = NameKeys::of(text);
    [letters(keys.folded_loosely), letters(keys.seen_loosely)]
}

/// Whether a name claims a role: in brackets, or behind a dash or another sign. People may be
/// called Owner or Mod.
fn claims_role(name: &str) -> bool {
    let letters: Vec<char> = name.chars().collect();
    let mut signs = (0..letters.len())
        .filter(|at| is_before_claim(&letters, *at))
        .peekable();
    if signs.peek().is_none() {
        return false;
    }
    let roles = ROLES.map(|role| {
        let [folded, _] = spellings(role);
        folded
    });
    let is_role = |text: &str| {
        let text = text.trim_matches(|letter: char| !letter.is_alphanumeric());
        // (admin 2), but not the zero of (0wner).
        [text, text.trim_end_matches(char::is_numeric)]
            .iter()
            .any(|text| spellings(text).iter().any(|text| roles.contains(text)))
    };
    signs.any(|at| {
        let behind = letters.get(at + 1..).unwrap_or_default();
        let length = (0..behind.len()).find(|next| is_before_claim(&letters, at + 1 + next));
        let part: String = behind.iter().take(length.unwrap_or(behind.len())).collect();
        let mut words = part.split_whitespace().rev();
        let last = words.find(|word| word.contains(char::is_alphabetic));
        is_role(&part) || last.is_some_and(is_role) || is_role(&behind.iter().collect::<String>())
    })
}

/// Whether the sign at this index sets off what follows it from the name: a bracket, or another
/// sign unless it joins two words. An apostrophe and a dot do not, as in J. Staff.
fn is_before_claim(letters: &[char], at: usize) -> bool {
    let is_open = |at: Option<usize>| {
        let beside = at.map(|at| letters.get(at));
        beside.flatten().is_none_or(|letter| letter.is_whitespace())
    };
    let is_apart = || is_open(at.checked_sub(1)) || is_open(Some(at + 1));
    match letters.get(at) {
        None | Some('.' | '\'' | '’') => false,
        Some(letter) => match letter.general_category() {
            GeneralCategory::OpenPunctuation
            | GeneralCategory::ClosePunctuation
            | GeneralCategory::InitialPunctuation
            | GeneralCategory::FinalPunctuation
            | GeneralCategory::OtherPunctuation
            | GeneralCategory::MathSymbol
            | GeneralCategory::OtherSymbol => true,
            GeneralCategory::DashPunctuation | GeneralCategory::ConnectorPunctuation => is_apart(),
            _ => false,
        },
    }
}

/// The name of a space, map, element or avatar in stored form: NFC, single spaces, nothing
/// invisible. It may mix scripts, and signs such as ½ and ™ stay as they are.
pub fn title(text: &str) -> Result<String, NameError> {
    checked(text, TITLE_CHARS, |text| {
        single_spaced(&text.nfc().collect::<String>())
    })
}

fn checked(text: &str, most: usize, form: impl Fn(&str) -> String) -> Result<String, NameError> {
    // Checked before spaces are joined: a line break in a name is refused, not repaired.
    let text = text.trim();
    if text
        .chars()
        .any(|letter| letter.is_control() || is_line_break(letter))
    {
        return Err(NameError::Invisible);
    }
    // A letter is up to four characters before normalization. Reject much longer texts before the
    // work of normalizing them.
    if text.chars().nth(most * 4).is_some() {
        return Err(NameError::Length(most));
    }
    let name = form(text);
    if name.is_empty() || name.chars().count() > most {
        return Err(NameError::Length(most));
    }
    let letters: Vec<char> = name.chars().collect();
    if (0..letters.len()).any(|at| is_unseen(&letters, at)) {
        return Err(NameError::Invisible);
    }
    if are_marks_loose(&letters) {
        return Err(NameError::Marks);
    }
    Ok(name)
}

const fn is_line_break(letter: char) -> bool {
    matches!(letter, '\u{2028}' | '\u{2029}')
}

/// Whether the character at this index is invisible.
fn is_unseen(letters: &[char], at: usize) -> bool {
    let (before, rest) = letters.split_at(at);
    let Some((&letter, after)) = rest.split_first() else {
        return false;
    };
    let (before, after) = (before.last().copied(), after.first().copied());
    match letter {
        // 👩‍💻 and ❤️ are one picture each.
        EMOJI_STYLE => !before.is_some_and(UnicodeEmoji::is_emoji_char),
        JOINER
            if before.is_some_and(is_picture) && after.is_some_and(UnicodeEmoji::is_emoji_char) =>
        {
            false
        }
        // Joiners change how letters of some scripts are drawn, and only between such letters.
        JOINER | NON_JOINER => !(before.is_some_and(is_joined) && after.is_some_and(is_joined)),
        _ if BLANK.contains(&letter) || is_ignorable(letter) => true,
        _ => matches!(
            letter.general_category(),
            GeneralCategory::Control
                | GeneralCategory::Format
                | GeneralCategory::LineSeparator
                | GeneralCategory::ParagraphSeparator
                | GeneralCategory::PrivateUse
                | GeneralCategory::Surrogate
        ),
    }
}

fn is_picture(letter: char) -> bool {
    letter == EMOJI_STYLE || letter.is_emoji_char_or_emoji_component()
}

/// Whether letters of that script are drawn joined to each other.
fn is_joined(letter: char) -> bool {
    matches!(
        letter.script(),
        Script::Arabic
            | Script::Syriac
            | Script::Mongolian
            | Script::Devanagari
            | Script::Bengali
            | Script::Gurmukhi
            | Script::Gujarati
            | Script::Oriya
            | Script::Tamil
            | Script::Telugu
            | Script::Kannada
            | Script::Malayalam
            | Script::Sinhala
            | Script::Khmer
            | Script::Myanmar
            | Script::Inherited
    ) && letter != JOINER
        && letter != NON_JOINER
}

/// Whether Unicode allows fonts to leave the character out (`Default_Ignorable_Code_Point`).
fn is_ignorable(letter: char) -> bool {
    let mut text = [0; 4];
    unicode_security::skeleton(letter.encode_utf8(&mut text))
        .next()
        .is_none()
}

fn are_marks_loose(letters: &[char]) -> bool {
    let is_mark = |letter: &char| {
        matches!(
            letter.general_category(),
            GeneralCategory::NonspacingMark | GeneralCategory::EnclosingMark
        ) && *letter != EMOJI_STYLE
    };
    let mut on_this = MARKS_ON_A_LETTER;
    for letter in letters {
        on_this = if is_mark(letter) {
            on_this + 1
        } else if *letter == ' ' {
            MARKS_ON_A_LETTER
        } else {
            0
        };
        if on_this > MARKS_ON_A_LETTER {
            return true;
        }
    }
    false
}

/// Whether all letters are of one script. Chinese, Japanese and Korean are each written in several
/// scripts, and with Latin ("highly restrictive" of UTS 39).
fn is_of_one_script(name: &str) -> bool {
    if !AugmentedScriptSet::for_str(name).is_empty() {
        return true;
    }
    let others: String = name
        .chars()
        .filter(|letter| letter.script() != Script::Latin)
        .collect();
    let set = AugmentedScriptSet::for_str(&others);
    set.hanb || set.jpan || set.kore
}

/// Normal form of passwords before hashing, so that the way a keyboard composes accents does not
/// matter.
pub fn password_form(text: &str) -> String {
    text.nfkc().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_of_any_one_script_are_taken() {
        for right in [
            "a",
            "  Ada  ",
            "Zoé",
            "Zoe\u{301}",
            "שלום",
            "مرحبا",
            "Иван",
            "田中さん",
            "Tanaka 田中",
            "김철수",
            "🎉🎉",
            "❤\u{fe0f}",
            "👩\u{200d}💻 Kay",
            "O'Brien-Smith 3",
            "दिल्ली",
            "می\u{200c}خواهم",
            "ﬁx",
        ] {
            assert!(username(right).is_ok(), "{right:?}: {:?}", username(right));
        }
        assert_eq!(username(" Zoe\u{301}  B ").unwrap(), "Zoé B");
        assert_eq!(username("Ａｄａ").unwrap(), "Ada");
        assert_eq!(title(" Cafe\u{301}  №½ ").unwrap(), "Café №½");
    }

    #[test]
    fn invisible_names_are_refused() {
        for wrong in [
            "",
            "   ",
            "\u{200b}\u{200b}",
            "\u{2060}",
            "\u{3164}",
            "\u{115f}a",
            "\u{2800}",
            "\u{202e}ada",
            "a\u{200b}da",
            "a\u{200d}da",
            "ad\u{200c}a",
            "\u{ad}ada",
            "ada\u{feff}",
            "a\nb",
            "a\u{2028}b",
            "a\u{0}b",
            "\u{1b}[31m",
            "a\u{fe0f}",
            "\u{e0041}a",
            "\u{e000}",
            "\u{2066}ada\u{2069}",
            "\u{61c}ada",
            "\u{34f}a",
            "\u{301}",
            "a \u{301}b",
            "a\u{332}\u{332}\u{332}\u{332}\u{332}",
        ] {
            assert!(
                username(wrong).is_err(),
                "{wrong:?} was taken as a user's name"
            );
            assert!(title(wrong).is_err(), "{wrong:?} was taken as a title");
        }
        assert_eq!(username(&"x".repeat(65)), Err(NameError::Length(64)));
        assert_eq!(title(&"x".repeat(101)), Err(NameError::Length(100)));
        assert_eq!(
            username(&"ﷺ".repeat(10)),
            Err(NameError::Length(64)),
            "what NFKC makes longer"
        );
    }

    #[test]
    fn scripts_are_mixed_in_titles_only() {
        for mixed in ["аda", "pаypal", "Ωmega", "ada שלום"] {
            assert_eq!(username(mixed), Err(NameError::MixedScripts), "{mixed}");
            assert!(title(mixed).is_ok());
        }
    }

    #[test]
    fn the_servers_mark_is_not_a_name() {
        for marked in [
            marked("Ada"),
            "Ada [Look alike]".into(),
            "Ada ｟LOOK‑AL1KE｠.".into(),
            "Ada – Iook\u{323}-aIike".into(),
            "Ada (look alike) 1".into(),
            "Ada (l.o.o.k alike) of Bo".into(),
        ] {
            assert_eq!(username(&marked), Err(NameError::Mark), "{marked}");
        }
        for name in ["Ada (Sales)", "Luca Likeness", "Look", "Alike"] {
            assert!(username(name).is_ok(), "{name}");
        }
    }

    #[test]
    fn a_name_claims_no_role() {
        for claim in [
            "Wanda (admin)",
            "Wanda [Moderator]",
            "Wanda - owner",
            "Wanda —0WNER!",
            "Wanda (server)",
            "Wanda(staff",
            "[Admin] Wanda",
            "*MOD* Wanda",
            "Wanda | official staff",
            "Wanda/mod",
            "Wanda (ADMlN) 2",
            "Wanda (rnod)",
            "Wanda (the owner)",
            "Wanda (a-d m i n)",
            "Wanda ⒨⒪⒟",
            "Wanda 🛡 mod",
            "Wanda – plaza",
        ] {
            assert_eq!(username(claim), Err(NameError::Role), "{claim}");
        }
        for name in [
            "admin",
            "Owner",
            "System",
            "Mod Sun",
            "Wanda Owner",
            "J. Staff",
            "Ben Miller-Staff",
            "Sound-System",
            "Wanda (nomad)",
            "Wanda (Modena)",
            "Staff, Wanda",
            "Modesty - Blaise",
            "D’Owner",
        ] {
            assert_eq!(username(name), Ok(name.to_owned()));
        }
    }

    proptest! {
        #[test]
        fn a_name_that_is_kept_is_kept_as_it_is(text in "\\PC{1,20}") {
            if let Ok(name) = username(&text) {
                prop_assert_eq!(username(&name), Ok(name.clone()));
                prop_assert_eq!(NameKeys::of(&name), NameKeys::of(&text));
            }
        }

        #[test]
        fn invisible_characters_do_not_make_another_name(
            text in "[a-zà-ÿа-я0-9]{1,12}",
            at in 0_usize..12,
            which in 0_usize..5,
        ) {
            let hidden = ['\u{200b}', '\u{2060}', '\u{ad}', '\u{202e}', '\u{3164}'][which];
            let mut letters: Vec<char> = text.chars().collect();
            letters.insert(at.min(letters.len()), hidden);
            let text_with: String = letters.into_iter().collect();
            prop_assert_eq!(NameKeys::of(&text_with), NameKeys::of(&text));
            prop_assert!(username(&text_with).is_err());
        }
    }
}
