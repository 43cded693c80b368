//! Emoji: whether a text is exactly one picture, as keyboards of emoji write them.

/// Joins two pictures into one.
const JOINER: char = '\u{200d}';

/// Characters of the longest emoji there are, with some room.
const MAX_CHARS: usize = 16;

/// Whether it is one emoji and nothing else: a picture with what may follow it, several joined to
/// one, or a flag.
pub(super) fn is_one_emoji(text: &str) -> bool {
    if text.chars().count() > MAX_CHARS {
        return false;
    }
    let letters: Vec<char> = text.chars().collect();
    match letters[..] {
        [first, second] if is_flag_letter(first) && is_flag_letter(second) => true,
        ['0'..='9' | '#' | '*', '\u{fe0f}', '\u{20e3}'] => true,
        _ => letters.split(|letter| *letter == JOINER).all(is_picture),
    }
}

/// One picture, and what changes how it looks.
fn is_picture(letters: &[char]) -> bool {
    letters.split_first().is_some_and(|(first, rest)| {
        is_base(*first) && rest.iter().all(|letter| is_modifier(*letter))
    })
}

/// The blocks of Unicode in which pictures stand.
const fn is_base(letter: char) -> bool {
    matches!(letter,
        '\u{a9}' | '\u{ae}' | '\u{203c}' | '\u{2049}' | '\u{2122}' | '\u{2139}' | '\u{2190}'..='\u{21ff}'
        | '\u{2300}'..='\u{23ff}' | '\u{2460}'..='\u{24ff}' | '\u{25a0}'..='\u{27bf}' | '\u{2900}'..='\u{297f}'
        | '\u{2b00}'..='\u{2bff}' | '\u{3030}' | '\u{303d}' | '\u{3297}' | '\u{3299}' | '\u{1f000}'..='\u{1f1e5}'
        | '\u{1f200}'..='\u{1faff}')
}

const fn is_flag_letter(letter: char) -> bool {
    matches!(letter, '\u{1f1e6}'..='\u{1f1ff}')
}

/// Skin tones, "as a picture", and the tags of some flags.
const fn is_modifier(letter: char) -> bool {
    matches!(letter, '\u{1f3fb}'..='\u{1f3ff}' | '\u{fe0f}' | '\u{e0020}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::is_one_emoji;

    #[test]
    fn one_picture_is_one_emoji() {
        for emoji in [
            "👍",
            "👍🏽",
            "❤️",
            "👩\u{200d}🚀",
            "🇳🇱",
            "👨‍👩‍👧‍👦",
            "1️⃣",
            "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
            "✅",
            "🫠",
        ] {
            assert!(is_one_emoji(emoji), "{emoji}");
        }
    }

    #[test]
    fn nothing_else_is() {
        for text in [
            "",
            "a",
            "1",
            "👍👍",
            "👍 ",
            " 👍",
            "\u{200d}",
            "👍\u{200d}",
            "🇳",
            "🇳🇱🇳",
            "<b>",
            "👍a",
            "\u{fe0f}",
        ] {
            assert!(!is_one_emoji(text), "{text}");
        }
        assert!(!is_one_emoji(&"👍\u{200d}".repeat(100)));
    }
}
