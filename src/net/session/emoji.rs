//! Emoji: checks whether a text is exactly one emoji, as emoji keyboards write them.

/// Zero-width joiner, which joins two symbols into one emoji.
const JOINER: char = '\u{200d}';

/// Maximum number of characters of an emoji, with some reserve.
const MAX_CHARS: usize = 16;

/// Whether the text is one emoji and nothing else: a symbol with modifiers, several joined symbols,
/// or a flag.
pub(super) fn is_one_emoji(text: &str) -> bool {
    if text.chars().count() > MAX_CHARS {
        return false;
    }
    let letters: Vec<char> = text.chars().collect();
    match letters[..] {
        [first, second] if is_flag_letter(first) && is_flag_letter(second) => true,
        ['0'..='9' | '#' | '*', '\u{fe0f}', '\u{20e3}'] => true,
        _ => letters.split(|letter| *letter == JOINER).all(is_symbol),
    }
}

/// Whether the characters are one symbol with its modifiers.
fn is_symbol(letters: &[char]) -> bool {
    letters.split_first().is_some_and(|(first, rest)| {
        is_base(*first) && rest.iter().all(|letter| is_modifier(*letter))
    })
}

/// Whether the character is in a Unicode block of symbols.
const fn is_base(letter: char) -> bool {
    matches!(
        letter,
        '\u{a9}'
            | '\u{ae}'
            | '\u{203c}'
            | '\u{2049}'
            | '\u{2122}'
            | '\u{2139}'
            | '\u{2190}'..='\u{21ff}'
            | '\u{2300}'..='\u{23ff}'
            | '\u{2460}'..='\u{24ff}'
            | '\u{25a0}'..='\u{27bf}'
            | '\u{2900}'..='\u{297f}'
            | '\u{2b00}'..='\u{2bff}'
            | '\u{3030}'
            | '\u{303d}'
            | '\u{3297}'
            | '\u{3299}'
            | '\u{1f000}'..='\u{1f1e5}'
            | '\u{1f200}'..='\u{1faff}'
    )
}

const fn is_flag_letter(letter: char) -> bool {
    matches!(letter, '\u{1f1e6}'..='\u{1f1ff}')
}

/// Skin tones, the emoji variation selector, and the tags of some flags.
const fn is_modifier(letter: char) -> bool {
    matches!(letter, '\u{1f3fb}'..='\u{1f3ff}' | '\u{fe0f}' | '\u{e0020}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::is_one_emoji;

    #[test]
    fn one_symbol_is_one_emoji() {
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
    fn other_texts_are_not_one_emoji() {
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
