//! Whether the version of the link between processes rises with its types.

use std::fs;
use std::path::{Path, PathBuf};

/// Folders and files whose encoded types travel between processes.
const SOURCES: [&str; 3] = ["src/components", "src/host/mod.rs", "src/link/wire.rs"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn texts(path: &Path) -> Vec<String> {
    if path.is_file() {
        return vec![fs::read_to_string(path).unwrap()];
    }
    let mut files: Vec<_> = fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files.iter().flat_map(|file| texts(file)).collect()
}

/// Definitions of the types that are encoded, without comments and white space, sorted.
fn definitions(text: &str) -> Vec<String> {
    let bare: String = text
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default().trim())
        .filter(|line| !line.is_empty())
        .collect();
    let derives = bare.match_indices("#[derive(");
    let mut found: Vec<_> = derives
        .filter_map(|(start, _)| {
            let item = &bare[start..];
            let (names, behind) = item.split_once(")]")?;
            let is_encoded = names.split(['(', ',']).any(|name| name.trim() == "Encode");
            is_encoded.then(|| one_item(behind).replace(' ', ""))
        })
        .collect();
    found.sort();
    found
}

/// The text up to the end of its first item.
fn one_item(text: &str) -> &str {
    let mut depth = 0_usize;
    for (at, sign) in text.char_indices() {
        match sign {
            '{' => depth += 1,
            '}' if depth == 1 => return &text[..=at],
            '}' => depth -= 1,
            ';' if depth == 0 => return &text[..=at],
            _ => {}
        }
    }
    text
}

fn version() -> String {
    let text = fs::read_to_string(root().join("src/link/wire.rs")).unwrap();
    let (_, behind) = text.split_once("const VERSION: u32 = ").unwrap();
    behind.split(';').next().unwrap().to_owned()
}

#[test]
fn a_change_of_a_type_on_the_link_has_a_new_version() {
    let file = root().join("tests/golden/link.txt");
    let all: Vec<_> = SOURCES
        .iter()
        .flat_map(|source| texts(&root().join(source)))
        .flat_map(|text| definitions(&text))
        .collect();
    assert!(all.len() > 40, "the types were found: {}", all.len());
    let now = format!("version {}\n{}\n", version(), all.join("\n"));
    let kept = fs::read_to_string(&file).unwrap_or_default();
    if kept == now {
        return;
    }
    let is_raised = kept.lines().next() != now.lines().next();
    assert!(
        is_raised,
        "a type that travels between processes changed: raise VERSION in src/link/wire.rs, then \
         run the tests once with PLAZA_WRITE_GOLDEN=1"
    );
    assert!(
        std::env::var_os("PLAZA_WRITE_GOLDEN").is_some(),
        "the version of the link is new: run the tests once with PLAZA_WRITE_GOLDEN=1"
    );
    fs::write(&file, now).unwrap();
}

#[test]
fn definitions_are_compared_without_comments_and_spaces() {
    let text = "/// A type.\n#[derive(Debug, Encode)]\npub struct A {\n    /// Field.\n    pub a: u8,\n}\n\
                #[derive(Debug)]\nstruct B;\n#[derive(Encode, Decode)]\npub struct C(pub u8);\n";
    assert_eq!(
        definitions(text),
        ["pubstructA{puba:u8,}", "pubstructC(pubu8);"]
    );
}
