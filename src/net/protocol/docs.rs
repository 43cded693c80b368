//! Docs: the documentation of the protocol's types, read from their source.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// Documentation by item: `Type`, `Type.field` or `Enum.Variant`.
#[derive(Default)]
pub(super) struct Docs(BTreeMap<String, Vec<String>>);

impl Docs {
    /// Reads the files of `src/net/protocol`.
    pub(super) fn read() -> Self {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/net/protocol");
        let mut docs = Self::default();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            // `types.txt` names the same types.
            if path.extension().is_some_and(|ending| ending == "rs") {
                docs.add(&std::fs::read_to_string(path).unwrap());
            }
        }
        docs
    }

    /// Adds the documentation of one source file, formatted by rustfmt.
    fn add(&mut self, source: &str) {
        let mut item = String::new();
        let mut doc = Vec::new();
        for line in source.lines() {
            let code = line.trim_start();
            let (indent, code) = (line.len() - code.len(), code);
            if let Some(text) = code.strip_prefix("///") {
                doc.push(without_links(text.trim()));
                continue;
            }
            if code.starts_with("#[") || code.starts_with(['(', ')']) {
                continue;
            }
            let words = code.strip_prefix("pub ").unwrap_or(code);
            let kind = words
                .strip_prefix("struct ")
                .or_else(|| words.strip_prefix("enum "));
            let name = |text: &str| -> String {
                text.chars()
                    .take_while(|letter| letter.is_alphanumeric() || *letter == '_')
                    .collect()
            };
            match (indent, kind) {
                (0, Some(rest)) => {
                    item = name(rest);
                    self.0.insert(item.clone(), std::mem::take(&mut doc));
                }
                (4, _) if !item.is_empty() && !doc.is_empty() => {
                    let key = format!("{item}.{}", name(words));
                    self.0.insert(key, std::mem::take(&mut doc));
                }
                _ => doc.clear(),
            }
        }
    }

    /// The item's documentation as a comment of TypeScript.
    pub(super) fn comment(&self, item: &str, indent: &str) -> String {
        match self.0.get(item).map(Vec::as_slice) {
            None | Some([]) => String::new(),
            Some([line]) => format!("{indent}/** {line} */\n"),
            Some(lines) => {
                let lines = lines.iter().map(|line| format!("{indent} * {line}\n"));
                format!("{indent}/**\n{}{indent} */\n", lines.collect::<String>())
            }
        }
    }
}

/// The text with links of rustdoc as plain code, without paths and the ending `S2c`.
fn without_links(text: &str) -> String {
    let text = text.replace("[`", "`").replace("`]", "`");
    text.replace("super::", "").replace("S2c`", "`")
}

#[test]
fn documentation_is_found_by_the_name_of_its_item() {
    let mut docs = Docs::default();
    docs.add(
        "/// A type: [`super::OtherS2c`].\n#[derive(Debug)]\npub struct One {\n    /// First.\n    \
         /// Second.\n    #[attribute]\n    pub field: u8,\n}\n\n/// Kinds.\nenum Two {\n    /// A \
         kind.\n    Kind(One),\n}\n",
    );
    assert_eq!(docs.comment("One", ""), "/** A type: `Other`. */\n");
    assert_eq!(
        docs.comment("One.field", "  "),
        "  /**\n   * First.\n   * Second.\n   */\n"
    );
    assert_eq!(docs.comment("Two.Kind", ""), "/** A kind. */\n");
    assert_eq!(docs.comment("Two.Other", ""), "");
}
