//! Tables: the lists of messages and types in `docs/protocol.md`, made from the traced types.
//!
//! What a message means is written there by people: the last column of every row stays.

use std::collections::{BTreeMap, BTreeSet};

use serde_reflection::{ContainerFormat, Format, Named, VariantFormat};

use crate::net::registry::trace::{Leaf, WireTypes, rust_name};

/// The document with new tables between its markers. `messages` are the enums of messages.
pub(super) fn page(types: &WireTypes, messages: [&str; 2], old: &str) -> String {
    let tables = Tables {
        types,
        parts: messages
            .iter()
            .flat_map(|name| parts(types, name))
            .collect(),
    };
    let page = messages.iter().fold(old.to_owned(), |page, name| {
        replaced(&page, name, |meanings| tables.messages(name, meanings))
    });
    replaced(&page, "types", |meanings| tables.parts(meanings))
}

/// Names of the rows in whose last column nothing is written.
pub(super) fn unexplained(page: &str) -> Vec<&str> {
    let lines = page.lines().filter(|line| line.ends_with(" |  |"));
    lines.filter_map(|line| line.split('`').nth(1)).collect()
}

struct Tables<'a> {
    types: &'a WireTypes,
    /// Types that have a row of their own.
    parts: BTreeSet<&'a str>,
}

impl Tables<'_> {
    fn messages(&self, name: &str, meanings: &BTreeMap<String, String>) -> String {
        let rows = self.types.leaves(name).into_iter().map(|leaf| {
            let Leaf {
                numbers,
                names,
                variant,
            } = leaf;
            let numbers: Vec<_> = numbers.iter().map(ToString::to_string).collect();
            let name = names.join(".");
            let fields = self.variant(variant);
            row(
                &format!("| {} | `{name}` | {fields} |", numbers.join(", ")),
                &name,
                meanings,
            )
        });
        let rows: String = rows.collect();
        format!("| # | message | fields | meaning |\n|---|---|---|---|\n{rows}")
    }

    fn parts(&self, meanings: &BTreeMap<String, String>) -> String {
        let rows = self.parts.iter().map(|name| {
            let fields = match self.types.get(name) {
                ContainerFormat::UnitStruct => "–".into(),
                ContainerFormat::NewTypeStruct(inner) => named(inner),
                ContainerFormat::TupleStruct(parts) => listed(parts),
                ContainerFormat::Struct(fields) => field_list(fields),
                ContainerFormat::Enum(variants) => {
                    let variants = variants.iter().map(|(number, variant)| {
                        format!(
                            "{number} `{}`: {}",
                            variant.name,
                            self.variant(&variant.value)
                        )
                    });
                    variants.collect::<Vec<_>>().join("; ")
                }
            };
            let name = stripped(name);
            row(&format!("| `{name}` | {fields} |"), &name, meanings)
        });
        let rows: String = rows.collect();
        format!("| type | fields | meaning |\n|---|---|---|\n{rows}")
    }

    fn variant(&self, variant: &VariantFormat) -> String {
        match variant {
            VariantFormat::Unit => "–".into(),
            VariantFormat::NewType(inner) => match self.types.named(inner) {
                Some((name, ContainerFormat::Struct(fields))) if !self.parts.contains(name) => {
                    field_list(fields)
                }
                _ => named(inner),
            },
            VariantFormat::Tuple(parts) => listed(parts),
            VariantFormat::Struct(fields) => field_list(fields),
            VariantFormat::Variable(_) => unreachable!("no variables are left"),
        }
    }
}

/// Types that stand in a field, a list or an option, so that a message does not show their fields.
fn parts<'a>(types: &'a WireTypes, messages: &'a str) -> BTreeSet<&'a str> {
    let payloads = |name: &str| match types.get(name) {
        ContainerFormat::Enum(variants) => {
            let variants = variants.values();
            let held = variants.filter_map(|variant| match &variant.value {
                VariantFormat::NewType(format) => types.named(format).map(|(name, _)| name),
                _ => None,
            });
            held.collect()
        }
        _ => Vec::new(),
    };
    let mut found = BTreeSet::new();
    let mut enums = vec![messages];
    while let Some(name) = enums.pop() {
        for payload in payloads(name) {
            match types.get(payload) {
                ContainerFormat::Enum(_) => enums.push(payload),
                _ => found.extend(
                    types
                        .direct(payload)
                        .into_iter()
                        .flat_map(|inner| types.reachable(inner).into_iter().collect::<Vec<_>>()),
                ),
            }
        }
    }
    found
}

fn row(front: &str, name: &str, meanings: &BTreeMap<String, String>) -> String {
    let meaning = meanings.get(name).map_or("", String::as_str);
    format!("{front} {meaning} |\n")
}

fn stripped(name: &str) -> String {
    name.replace("S2c", "")
}

fn named(format: &Format) -> String {
    format!("`{}`", stripped(&rust_name(format)))
}

fn listed(parts: &[Format]) -> String {
    let parts: Vec<_> = parts.iter().map(named).collect();
    parts.join(", ")
}

fn field_list(fields: &[Named<Format>]) -> String {
    let fields = fields.iter();
    let fields =
        fields.map(|field| format!("`{}: {}`", field.name, stripped(&rust_name(&field.value))));
    fields.collect::<Vec<_>>().join(", ")
}

/// The page with another table between the markers of that name.
fn replaced(
    page: &str,
    name: &str,
    table: impl FnOnce(&BTreeMap<String, String>) -> String,
) -> String {
    let (begin, end) = (
        format!("<!-- {name} -->\n"),
        format!("<!-- end of {name} -->"),
    );
    let (before, rest) = page
        .split_once(&begin)
        .unwrap_or_else(|| panic!("no line {begin}"));
    let (old, after) = rest
        .split_once(&end)
        .unwrap_or_else(|| panic!("no line {end}"));
    format!("{before}{begin}{}{end}{after}", table(&meanings(old)))
}

/// The last column of a table's rows, by the name in them.
fn meanings(table: &str) -> BTreeMap<String, String> {
    let rows = table.lines().filter_map(|line| {
        let line = line.strip_prefix("| ")?.strip_suffix(" |")?;
        let columns = if line.starts_with('`') { 3 } else { 4 };
        let cells: Vec<_> = line.splitn(columns, " | ").collect();
        let name = line.split('`').nth(1)?;
        (cells.len() == columns).then(|| (name.to_owned(), cells[columns - 1].to_owned()))
    });
    rows.collect()
}

#[test]
fn the_last_column_stays_and_new_rows_have_none() {
    let old = "a\n<!-- x -->\n| 0 | `Old` | `f: u8` | says | more |\n<!-- end of x -->\nb\n";
    let now = replaced(old, "x", |meanings| {
        row("| 0 | `New` | – |", "New", meanings) + &row("| 1 | `Old` | – |", "Old", meanings)
    });
    assert_eq!(
        now,
        "a\n<!-- x -->\n| 0 | `New` | – |  |\n| 1 | `Old` | – | says | more |\n\
         <!-- end of x -->\nb\n"
    );
    assert_eq!(unexplained(&now), ["New"]);
}
