//! Rules of the source that the compiler does not check: layers, module docs, and names that pure
//! modules must not use.

use std::fs;
use std::path::{Path, PathBuf};

/// Modules from the lowest layer up; one line is one layer. A module uses lower layers only, and
/// modules of one layer do not use each other. `net` only holds modules, which are listed one by
/// one.
const LAYERS: &[&[&str]] = &[
    &["components"],
    &["systems"],
    &["space"],
    &[
        "net::protocol",
        "net::codec",
        "net::registry",
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

/// Indexes of the layers whose modules may use each other.
const SHARED_LAYERS: [usize; 1] = [3];

/// Modules that always give the same result for the same commands.
const PURE: [&str; 3] = ["components", "systems", "space"];

/// Names that would make a pure module depend on time, chance, I/O or the order of a hash map.
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

fn layer_of(module: &str) -> Option<usize> {
    LAYERS
        .iter()
        .position(|layer| layer.iter().any(|listed| is_inside(module, listed)))
}

fn is_inside(module: &str, outer: &str) -> bool {
    module
        .strip_prefix(outer)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// The text without comments and string contents; every line keeps its number.
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

/// Every path in `module`'s code that starts with `crate::`, `super::` or `self::`, as a path from
/// the crate's root, with its line. Groups in braces are opened.
fn named_paths(module: &str, code: &str) -> Vec<(usize, String)> {
    let mut named = Vec::new();
    for root in ["crate::", "super::", "self::"] {
        for (start, _) in code.match_indices(root) {
            let before = code[..start].chars().next_back();
            if before
                .is_some_and(|character| character.is_alphanumeric() || "_:".contains(character))
            {
                continue;
            }
            let line = code[..start].matches('\n').count() + 1;
            let base = module_at(module, &code[..start]);
            let mut paths = Vec::new();
            open_path(&code[start..], "", &mut paths);
            named.extend(paths.iter().map(|path| (line, resolve(&base, path))));
        }
    }
    named.sort_by_key(|(line, _)| *line);
    named
}

/// The module that a place in a file belongs to: the file's own, or one written out inside it.
/// `before` is the file's code up to that place. Relies on rustfmt's indentation.
fn module_at(file: &str, before: &str) -> String {
    let mut open: Vec<(usize, &str)> = Vec::new();
    for line in before.lines() {
        let code = line.trim_start();
        let indent = line.len() - code.len();
        let item = code.strip_prefix("pub ").unwrap_or(code);
        if let Some(name) = item
            .strip_prefix("mod ")
            .and_then(|rest| rest.strip_suffix(" {"))
        {
            open.push((indent, name));
        } else if code == "}" && open.last().is_some_and(|(opened, _)| *opened == indent) {
            open.pop();
        }
    }
    let names = open.iter().map(|(_, name)| *name);
    std::iter::once(file)
        .chain(names)
        .collect::<Vec<_>>()
        .join("::")
}

/// The path from the crate's root that `path` means inside `module`.
fn resolve(module: &str, path: &str) -> String {
    if let Some(path) = path.strip_prefix("crate::") {
        return path.to_owned();
    }
    let mut base: Vec<&str> = module.split("::").collect();
    let mut rest = path.split("::").peekable();
    while let Some(step) = rest.next_if(|step| ["self", "super"].contains(step)) {
        if step == "super" {
            base.pop();
        }
    }
    base.extend(rest);
    base.join("::")
}

/// Reads one path at the start of the text, adds it to `paths` and returns its length in bytes.
fn open_path(text: &str, prefix: &str, paths: &mut Vec<String>) -> usize {
    let is_path = |character: char| character.is_alphanumeric() || "_:".contains(character);
    let length = text
        .find(|character| !is_path(character))
        .unwrap_or(text.len());
    let path = format!("{prefix}{}", &text[..length]);
    if !((path.is_empty() || path.ends_with("::")) && text[length..].starts_with('{')) {
        paths.push(path.trim_end_matches(':').to_owned());
        return length;
    }
    let mut at = length + 1;
    while at < text.len() && !text[at..].starts_with('}') {
        if text[at..].starts_with(|character: char| character == ',' || character.is_whitespace()) {
            at += 1;
        } else {
            at += open_path(&text[at..], &path, paths).max(1);
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

fn goes_up(module: &str, named: &str) -> bool {
    let (Some(from), Some(to)) = (layer_of(module), layer_of(named)) else {
        return false;
    };
    let same_module = LAYERS[from]
        .iter()
        .any(|listed| is_inside(module, listed) && is_inside(named, listed));
    to > from || (to == from && !same_module && !SHARED_LAYERS.contains(&from))
}

#[test]
fn modules_use_only_lower_layers() {
    let found = complaints(|source| {
        let named = named_paths(&source.module, &code_only(&source.text));
        let up = named
            .into_iter()
            .filter(|(_, named)| goes_up(&source.module, named));
        up.map(|(line, named)| (line, format!("`{}` must not use `{named}`", source.module)))
            .collect()
    });
    assert!(found.is_empty(), "imports that go up:\n{found}");
}

#[test]
fn every_module_has_a_layer() {
    let without_layer = ["lib", "main", "net"];
    let found = complaints(|source| {
        let is_known =
            layer_of(&source.module).is_some() || without_layer.contains(&source.module.as_str());
        if is_known {
            Vec::new()
        } else {
            vec![(
                1,
                format!("`{}` has no layer; list it in {}", source.module, file!()),
            )]
        }
    });
    assert!(found.is_empty(), "modules without a layer:\n{found}");
}

#[test]
fn every_file_has_a_module_doc_and_code() {
    let found = complaints(|source| {
        let mut missing = Vec::new();
        if !source.text.starts_with("//! ") {
            missing.push((1, "does not begin with a module doc (`//!`)".to_owned()));
        }
        if code_only(&source.text).trim().is_empty() {
            missing.push((1, "is empty".to_owned()));
        }
        let is_listed = LAYERS
            .iter()
            .flat_map(|layer| layer.iter())
            .any(|listed| source.module == *listed);
        for word in ["May use", "Never:"] {
            if is_listed
                && source.path.ends_with("mod.rs")
                && !source.text.contains(&format!("//! {word}"))
                && !source.text.contains(&format!(" {word}"))
            {
                missing.push((1, format!("the module doc does not say `{word}`")));
            }
        }
        missing
    });
    assert!(found.is_empty(), "module docs:\n{found}");
}

#[test]
fn pure_modules_use_no_clock_randomness_or_io() {
    let found = complaints(|source| {
        if !PURE.iter().any(|pure| is_inside(&source.module, pure)) {
            return Vec::new();
        }
        let code = code_only(&source.text);
        let lines = code.lines().enumerate();
        lines
            .flat_map(|(number, line)| {
                let banned = BANNED.iter().filter(move |word| has_word(line, word));
                banned.map(move |word| (number + 1, format!("`{word}` in a pure module")))
            })
            .collect()
    });
    assert!(found.is_empty(), "banned names:\n{found}");
}

#[test]
fn every_plugin_of_the_systems_is_called() {
    let sources = sources();
    let called: String = sources
        .iter()
        .filter(|source| {
            ["systems", "space"]
                .iter()
                .any(|room| is_inside(&source.module, room))
        })
        .map(|source| code_only(&source.text))
        .collect();
    let forgotten: Vec<&str> = sources
        .iter()
        .filter(|source| is_inside(&source.module, "systems") && source.text.contains("fn plugin("))
        .filter_map(|source| source.module.rsplit("::").next())
        .filter(|name| !called.contains(&format!("{name}::plugin(")))
        .collect();
    assert!(
        forgotten.is_empty(),
        "no space has the plugins of {forgotten:?}: call them in `AwakeSpace::new`"
    );
}

/// Whether the line has the word, whole.
fn has_word(line: &str, word: &str) -> bool {
    let part = |character: Option<char>| {
        character.is_some_and(|character| character.is_alphanumeric() || character == '_')
    };
    line.match_indices(word).any(|(start, _)| {
        !part(line[..start].chars().next_back()) && !part(line[start + word.len()..].chars().next())
    })
}

/// Files that turn roles and owners into a standing for `components::permissions`.
const READS_STANDING: [&str; 4] = [
    "src/components/permissions.rs",
    "src/store/users.rs",
    "src/store/membership.rs",
    "src/api/extract.rs",
];

#[test]
fn only_the_table_of_permissions_asks_who_owns_something_or_is_an_admin() {
    let found = complaints(|source| {
        if READS_STANDING
            .iter()
            .any(|path| source.path == Path::new(path))
        {
            return Vec::new();
        }
        let code = code_only(&source.text);
        let lines = code.lines().enumerate();
        lines
            .filter(|(_, line)| {
                ["is_admin()", "creator ==", "creator !=", ".role =="]
                    .iter()
                    .any(|asked| line.contains(asked))
            })
            .map(|(number, _)| (number + 1, "ask components::permissions::may".to_owned()))
            .collect()
    });
    assert!(
        found.is_empty(),
        "permissions apart from the table:\n{found}"
    );
}

#[test]
fn the_checks_find_breaches() {
    let code = code_only(
        "//! crate::api\nuse crate::{components::unit, host::{self, pool}};\n\
         let x = \"crate::store\"; crate::api::f();\nuse super::{copy, seen::Seen};\n\
         use super::super::edge;\nself::inner::f();\nmod tests {\n    use super::*;\n}\n\
         super::f();\n",
    );
    let named = named_paths("net::relay::view", &code);
    let found: Vec<(usize, &str)> = named
        .iter()
        .map(|(line, path)| (*line, path.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            (2, "components::unit"),
            (2, "host::self"),
            (2, "host::pool"),
            (3, "api::f"),
            (4, "net::relay::copy"),
            (4, "net::relay::seen::Seen"),
            (5, "net::edge"),
            (6, "net::relay::view::inner::f"),
            (8, "net::relay::view"),
            (10, "net::relay::f"),
        ]
    );
    assert!(goes_up("net::relay::view", "net::edge"));
    assert!(goes_up("systems::movement", "space::Space"));
    assert!(goes_up("host", "net::relay::copy"));
    assert!(!goes_up("net::codec::frame", "net::protocol"));
    assert!(!goes_up("api::spaces", "components::id"));
    assert!(has_word("let now = Instant::now();", "Instant") && !has_word("operand", "rand"));
}
