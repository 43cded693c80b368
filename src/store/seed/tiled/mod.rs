//! Tiled: reads the part of Tiled's JSON map format (TMJ 1.10) that Plaza's maps use, and reports
//! everything else.

mod builder;
mod format;
#[cfg(test)]
mod tests;

use self::builder::Builder;
use self::format::{TiledMap, text, unknown};
use super::check::check_name;
use super::strict;
use crate::components::unit::Tile;
use crate::store::maps::{MapDocument, zone_problems};

/// Properties that a map may have.
const MAP_PROPERTIES: [&str; 3] = ["name", "description", "walls"];
/// Longest description, in letters.
const DESCRIPTION_LETTERS: usize = 500;

/// A map of a seed.
#[derive(Debug)]
pub(super) struct SeedMap {
    /// Name of the file without its extension.
    pub key: String,
    pub name: String,
    pub description: String,
    pub width: u16,
    pub height: u16,
    pub document: MapDocument,
    /// Keys of elements and their tiles.
    pub elements: Vec<(String, Tile)>,
}

impl SeedMap {
    /// Name of the file it was read from.
    pub fn file(&self) -> String {
        format!("maps/{}.tmj", self.key)
    }
}

/// Reads a map. Each problem contains its place in the file and a description.
pub(super) fn read(key: &str, bytes: &[u8]) -> Result<SeedMap, Vec<String>> {
    let raw: TiledMap = serde_json::from_slice(bytes).map_err(|error| vec![error.to_string()])?;
    raw.check().map_err(|what| vec![what])?;
    let mut problems: Vec<String> = strict::problems(&raw.extra, strict::MAP).collect();
    problems.extend(unknown(&raw.properties, &MAP_PROPERTIES, "a map"));
    let name = text(&raw.properties, "name").and_then(|name| {
        let name = name.unwrap_or_else(|| key.to_owned());
        check_name(&name).map(|()| name)
    });
    let description = text(&raw.properties, "description").and_then(|text| {
        let text = text.unwrap_or_default();
        // PostgreSQL cannot store a text with a NUL.
        if text.chars().count() > DESCRIPTION_LETTERS || text.contains('\0') {
            return Err(format!(
                "the description has at most {DESCRIPTION_LETTERS} letters and no NUL"
            ));
        }
        Ok(text)
    });
    let mut builder = Builder::new(&raw, &mut problems);
    for layer in &raw.layers {
        let found = builder.problems.len();
        builder.layer(layer);
        for problem in &mut builder.problems[found..] {
            *problem = format!("layer `{}`: {problem}", layer.name);
        }
    }
    let together = zone_problems(&builder.zones, raw.width, raw.height);
    builder.problems.extend(together);
    let elements = std::mem::take(&mut builder.elements);
    let document = builder.document();
    match (name, description) {
        (Ok(name), Ok(description)) if problems.is_empty() => Ok(SeedMap {
            key: key.to_owned(),
            name,
            description,
            width: raw.width,
            height: raw.height,
            elements,
            document,
        }),
        (name, description) => {
            problems.extend(name.err());
            problems.extend(description.err());
            Err(problems)
        }
    }
}
