//! New passwords: long enough, and not among the most commonly guessed. Existing passwords are not
//! checked.

use super::error::ApiError;
use crate::components::likeness::NameKeys;
use crate::components::name::password_form;

/// Least number of characters of a new password.
pub const LEAST_CHARS: usize = 8;
/// Most bytes of a password.
const MOST_BYTES: usize = 1024;
/// Most digits and symbols around a common word that do not make it uncommon.
const DECORATION: usize = 6;
/// Words of the commonest passwords, one per line. Compiled for Plaza.
const WORDS: &str = include_str!("common_words.txt");
/// Key sequences on keyboards and alphabets; matched in both directions, also repeated.
const WALKS: [&str; 12] = [
    "0123456789",
    "1234567890",
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiop",
    "qwertzuiop",
    "azertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "yxcvbnm",
    "1q2w3e4r5t6y7u8i9o0p",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
    "qazwsxedcrfvtgbyhnujm",
];

/// Requirements for a new password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Demands {
    /// Requirements for real users.
    Usual,
    /// Almost none, for tests and demonstrations.
    Few,
}

/// Checks a new password; returns it in the form in which it is hashed.
pub fn new_password(text: &str, username: &str, demands: Demands) -> Result<String, ApiError> {
    let password = password_form(text);
    if password.is_empty() || text.len() > MOST_BYTES || password.len() > MOST_BYTES {
        return Err(ApiError::bad(format!(
            "A password has 1 to {MOST_BYTES} bytes."
        )));
    }
    if demands == Demands::Few {
        return Ok(password);
    }
    if password.chars().count() < LEAST_CHARS {
        return Err(ApiError::bad(format!(
            "A password has at least {LEAST_CHARS} characters. A few words are easy to remember."
        )));
    }
    if is_common(&password) {
        return Err(ApiError::bad(
            "This password is one of the first that are guessed. Choose another one; a few words \
            are easy to remember.",
        ));
    }
    if is_name(&password, username) {
        return Err(ApiError::bad(
            "The password is nearly the name. Choose another one.",
        ));
    }
    Ok(password)
}

/// Whether it is among the most commonly guessed passwords.
fn is_common(password: &str) -> bool {
    let small = password.to_lowercase();
    is_repetition(&small)
        || WALKS.iter().any(|walk| is_walk(&small, walk))
        || is_decorated(&small, is_common_word)
}

fn is_name(password: &str, username: &str) -> bool {
    let name = NameKeys::of(username).folded;
    NameKeys::of(password).folded == name
        || is_decorated(&password.to_lowercase(), |core| {
            NameKeys::of(core).folded == name
        })
}

fn is_common_word(core: &str) -> bool {
    let plain: String = core.chars().map(plain).collect();
    let is_word = |text: &str| WORDS.lines().any(|word| word == text);
    // A repeated word is as common as the word.
    let half = plain.chars().count() / 2;
    let (first, second) = plain.split_at(plain.char_indices().nth(half).map_or(0, |(at, _)| at));
    is_word(core) || is_word(&plain) || (first == second && is_word(first))
}

/// The letter that a digit or symbol commonly stands for.
const fn plain(letter: char) -> char {
    match letter {
        '0' => 'o',
        '1' | '!' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        letter => letter,
    }
}

/// Whether `holds` is true of the text without some of the digits and symbols around it.
fn is_decorated(text: &str, holds: impl Fn(&str) -> bool) -> bool {
    let is_letter = |letter: char| letter.is_alphabetic();
    let lead = text
        .chars()
        .take_while(|letter| !is_letter(*letter))
        .count();
    let trail = text
        .chars()
        .rev()
        .take_while(|letter| !is_letter(*letter))
        .count();
    let letters: Vec<char> = text.chars().collect();
    let within = |front: usize, back: usize| {
        let end = letters.len().checked_sub(back).filter(|end| *end > front);
        end.is_some_and(|end| holds(&letters[front..end].iter().collect::<String>()))
    };
    (0..=lead.min(DECORATION))
        .any(|front| (0..=trail.min(DECORATION - front)).any(|back| within(front, back)))
}

/// `aaaaaaaa`, `abababab`, `12341234`.
fn is_repetition(text: &str) -> bool {
    let letters: Vec<char> = text.chars().collect();
    (1..=4).any(|unit| {
        letters.len() > unit
            && letters
                .iter()
                .skip(unit)
                .zip(&letters)
                .all(|(one, other)| one == other)
    })
}

/// Whether the text lies on the key sequence, forwards or backwards.
fn is_walk(text: &str, walk: &str) -> bool {
    let backwards: String = walk.chars().rev().collect();
    walk.repeat(2).contains(text) || backwards.repeat(2).contains(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usual(password: &str) -> Result<String, ApiError> {
        new_password(password, "marguerite", Demands::Usual)
    }

    #[test]
    fn short_and_common_passwords_are_refused() {
        for wrong in [
            "",
            "p",
            "seven77",
            "12345678",
            "1234567890",
            "87654321",
            "aaaaaaaa",
            "abababab",
            "12341234",
            "abcdefgh",
            "qwertyui",
            "QWERTZUIOP",
            "asdfghjkl",
            "1q2w3e4r",
            "1qaz2wsx",
            "password",
            "Password1",
            "passw0rd",
            "P@ssw0rd!",
            "password2026",
            "123password",
            "iloveyou",
            "letmein123",
            "football",
            "passwort",
            "sunshine1",
            "princess",
            "adminadmin",
            "welcome2026!",
            "changeme",
            "Marguerite1",
            "marguerite",
        ] {
            assert!(usual(wrong).is_err(), "{wrong:?} was taken");
        }
        assert!(usual(&"p".repeat(1025)).is_err());
    }

    #[test]
    fn other_passwords_are_normalized() {
        for right in [
            "correct horse",
            "very secret",
            "pass-word-1",
            "jaco2mit",
            "dö kärä hüpft",
            "7f9a2c1e",
            "密码很长很长很长",
        ] {
            assert!(usual(right).is_ok(), "{right:?}: {:?}", usual(right));
        }
        assert_eq!(
            usual("pa\u{308}sta mit pesto").unwrap(),
            "p\u{e4}sta mit pesto"
        );
    }

    #[test]
    fn tests_and_demonstrations_may_use_any() {
        assert!(new_password("p", "ada", Demands::Few).is_ok());
        assert!(new_password("", "ada", Demands::Few).is_err());
    }

    #[test]
    fn the_words_are_lower_case_one_per_line() {
        assert!(WORDS.lines().count() > 150);
        for word in WORDS.lines() {
            assert!(
                !word.is_empty() && word == word.to_lowercase().trim(),
                "{word:?}"
            );
        }
    }
}
