//! The house rules that a compiler does not know: floors, plates, and words that pure rooms must
//! not say.

use std::fs;
use std::path::{Path, PathBuf};

/// Rooms from the lowest floor up; a room may use its own floor's rooms only when it is itself that
/// room. `net` itself is only the hall: its rooms are listed one by one.
const FLOORS: &[&[&str]] = &[
    &["components"],
    &["systems"],
    &["space"],
    &[
        "net::protocol",
        "net::codec",
        "net::address",
        "net::budget",
        "net::few",
    ],
    &["media"],
    &["host"],
    &["link"],
    &["store"],
    &["cluster"],
    &["net::session"],
    &["net::relay"],
    &["net::edge"],
    &["settings"],
    &["api"],
    &["bots"],
    &["server"],
    &["cli"],
];

/// Floors whose rooms lie beside each other and may use each other.
const SHARED_FLOORS: [usize; 1] = [3];

/// Rooms that give the same result for the same commands, always.
const PURE: [&str; 3] = ["components", "systems", "space"];

/// What would make them depend on anything else.
const BANNED: [&str; 16] = [
    "tokio",
    "std::time",
    "Instant",
    "SystemTime",
    "std::net",
    "std::fs",
    "std::io",
    "std::env",
    "std::thread",
    "std::sync",
    "rand",
    "sqlx",
    "axum",
    "tracing",
    "HashMap",
    "HashSet",
];

struct Source {
    path: PathBuf,
    module: String,
    text: String,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    collect(&root().join("src"), &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(found.len() > 10, "the sources were found");
    found
}

fn collect(folder: &Path, found: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).expect("src can be read") {
        let path = entry.expect("src can be read").path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let inside = path
                .strip_prefix(root().join("src"))
                .expect("it was found there");
            let module = inside
                .with_extension("")
                .to_string_lossy()
                .replace('/', "::");
            let module = module.trim_end_matches("::mod").to_owned();
            let text = fs::read_to_string(&path).expect("sources are text");
            let path = path
                .strip_prefix(root())
                .expect("it was found there")
                .to_owned();
            found.push(Source { path, module, text });
        }
    }
}

fn floor(module: &str) -> Option<usize> {
    FLOORS
        .iter()
        .position(|rooms| rooms.iter().any(|room| is_inside(module, room)))
}

fn is_inside(module: &str, room: &str) -> bool {
    module
        .strip_prefix(room)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// The text with comments and the insides of strings blanked, line by line where it was.
fn code_only(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    for line in text.lines() {
        let mut in_string = false;
        let mut characters = line.chars().peekable();
        while let Some(character) = characters.next() {
            match character {
                '/' if !in_string && characters.peek() == Some(&'/') => break,
                '\'' if !in_string && characters.peek() == Some(&'"') => {}
                '\\' if in_string => {
                    characters.next();
                }
                '"' => in_string = !in_string,
                _ if in_string => {}
                _ => code.push(character),
            }
        }
        code.push('\n');
    }
    code
}

/// Every module that the text names by a `crate::` path, with its line; groups in braces are
/// opened.
fn named_modules(code: &str) -> Vec<(usize, String)> {
    let mut named = Vec::new();
    for (start, _) in code.match_indices("crate::") {
        let before = code[..start].chars().next_back();
        if before.is_some_and(|character| character.is_alphanumeric() || character == '_') {
            continue;
        }
        let line = code[..start].matches('\n').count() + 1;
        let mut modules = Vec::new();
        open_path(&code[start + "crate::".len()..], "", &mut modules);
        named.extend(modules.into_iter().map(|module| (line, module)));
    }
    named
}

/// Reads one path at the start of the text and says how many bytes it took.
fn open_path(text: &str, prefix: &str, modules: &mut Vec<String>) -> usize {
    let is_path = |character: char| character.is_alphanumeric() || "_:".contains(character);
    let length = text
        .find(|character| !is_path(character))
        .unwrap_or(text.len());
    let path = format!("{prefix}{}", &text[..length]);
    if !((path.is_empty() || path.ends_with("::")) && text[length..].starts_with('{')) {
        modules.push(path.trim_end_matches(':').to_owned());
        return length;
    }
    let mut at = length + 1;
    while at < text.len() && !text[at..].starts_with('}') {
        if text[at..].starts_with(|character: char| character == ',' || character.is_whitespace()) {
            at += 1;
        } else {
            at += open_path(&text[at..], &path, modules).max(1);
        }
    }
    at + 1
}

fn complaints(check: impl Fn(&Source) -> Vec<(usize, String)>) -> String {
    let all = sources()
        .iter()
        .flat_map(|source| {
            let place = source.path.display().to_string();
            check(source)
                .into_iter()
                .map(move |(line, what)| format!("{place}:{line}: {what}"))
                .collect::<Vec<_>>()
        })
        .collect::<Vec<_>>();
    all.join("\n")
}

fn climbs(module: &str, named: &str) -> bool {
    let (Some(from), Some(to)) = (floor(module), floor(named)) else {
        return false;
    };
    let same_room = FLOORS[from]
        .iter()
        .any(|room| is_inside(module, room) && is_inside(named, room));
    to > from || (to == from && !same_room && !SHARED_FLOORS.contains(&from))
}

#[test]
fn no_room_uses_a_room_above_it() {
    let found = complaints(|source| {
        let named = named_modules(&code_only(&source.text));
        let up = named
            .into_iter()
            .filter(|(_, named)| climbs(&source.module, named));
        up.map(|(line, named)| (line, format!("`{}` must not use `{named}`", source.module)))
            .collect()
    });
    assert!(found.is_empty(), "imports that go up:\n{found}");
}

#[test]
fn every_room_is_on_a_floor() {
    let halls = ["lib", "main", "net"];
    let found = complaints(|source| {
        let is_known = floor(&source.module).is_some() || halls.contains(&source.module.as_str());
        if is_known {
            Vec::new()
        } else {
            vec![(
                1,
                format!("`{}` is on no floor; list it in {}", source.module, file!()),
            )]
        }
    });
    assert!(found.is_empty(), "rooms outside the house:\n{found}");
}

#[test]
fn every_file_has_a_plate_and_something_behind_it() {
    let found = complaints(|source| {
        let mut missing = Vec::new();
        if !source.text.starts_with("//! ") {
            missing.push((1, "does not begin with `//!` and what it is for".to_owned()));
        }
        if code_only(&source.text).trim().is_empty() {
            missing.push((1, "is empty".to_owned()));
        }
        let is_room = FLOORS
            .iter()
            .flat_map(|rooms| rooms.iter())
            .any(|room| source.module == *room);
        for word in ["May use", "Never:"] {
            if is_room
                && source.path.ends_with("mod.rs")
                && !source.text.contains(&format!("//! {word}"))
                && !source.text.contains(&format!(" {word}"))
            {
                missing.push((1, format!("the room's plate does not say `{word}`")));
            }
        }
        missing
    });
    assert!(found.is_empty(), "plates:\n{found}");
}

#[test]
fn pure_rooms_know_no_clock_no_chance_and_no_world_outside() {
    let found = complaints(|source| {
        if !PURE.iter().any(|room| is_inside(&source.module, room)) {
            return Vec::new();
        }
        let code = code_only(&source.text);
        let lines = code.lines().enumerate();
        lines
            .flat_map(|(number, line)| {
                let banned = BANNED.iter().filter(move |word| says(line, word));
                banned.map(move |word| (number + 1, format!("`{word}` in a pure room")))
            })
            .collect()
    });
    assert!(found.is_empty(), "banned words:\n{found}");
}

/// Whether the line has the word as a word.
fn says(line: &str, word: &str) -> bool {
    let part = |character: Option<char>| {
        character.is_some_and(|character| character.is_alphanumeric() || character == '_')
    };
    line.match_indices(word).any(|(start, _)| {
        !part(line[..start].chars().next_back()) && !part(line[start + word.len()..].chars().next())
    })
}

#[test]
fn the_rules_would_notice_a_breach() {
    let code = code_only(
        "//! crate::api\nuse crate::{components::unit, host::{self, pool}};\nlet x = \"crate::store\"; crate::api::f();\n",
    );
    let named = named_modules(&code);
    let found: Vec<(usize, &str)> = named
        .iter()
        .map(|(line, module)| (*line, module.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            (2, "components::unit"),
            (2, "host::self"),
            (2, "host::pool"),
            (3, "api::f")
        ]
    );
    assert!(climbs("systems::movement", "space::Space"));
    assert!(climbs("host", "net::relay::copy"));
    assert!(!climbs("net::codec::frame", "net::protocol"));
    assert!(!climbs("api::spaces", "components::id"));
    assert!(says("let now = Instant::now();", "Instant") && !says("operand", "rand"));
}
