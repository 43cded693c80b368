//! The folder: its files, from a disk or from inside the binary, read into a plan in which every name leads somewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rust_embed::RustEmbed;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::SeedError;
use super::tiled::{self, SeedMap};
use crate::store::elements::{ElementRow, Footprint};

/// Largest file, in bytes.
const FILE_LIMIT: u64 = 16 * 1024 * 1024;

#[derive(RustEmbed)]
#[folder = "assets/seed"]
#[allow_missing = true]
struct BuiltIn;

/// The files of a seed, by their path in the folder.
#[derive(Debug, Clone, Default)]
pub struct Folder {
    files: BTreeMap<String, Vec<u8>>,
}

/// An avatar of a seed; its picture is `/art/avatars/<key>.svg`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SeedAvatar {
    pub key: String,
    pub name: String,
}

/// An element of a seed; its picture is `/art/elements/<key>.svg`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SeedElement {
    pub key: String,
    pub name: String,
    pub width: u16,
    pub height: u16,
    #[serde(rename = "static")]
    pub is_static: bool,
    #[serde(default)]
    pub flat: bool,
    pub footprint: Option<Footprint>,
}

/// A public space of a seed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SeedSpace {
    pub key: String,
    pub name: String,
    pub map: String,
}

/// What a folder asks for.
#[derive(Debug, Default)]
pub(super) struct SeedPlan {
    pub avatars: Vec<SeedAvatar>,
    pub elements: Vec<SeedElement>,
    pub maps: Vec<SeedMap>,
    pub spaces: Vec<SeedSpace>,
}

impl Folder {
    /// The seed inside the binary.
    pub fn built_in() -> Self {
        let files = BuiltIn::iter().filter_map(|path| {
            let file = BuiltIn::get(&path)?;
            Some((path.replace('\\', "/"), file.data.into_owned()))
        });
        Self { files: files.collect() }
    }

    /// These files, by their path in the folder.
    pub fn of(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Self {
        let files = files.into_iter().collect();
        Self { files }
    }

    /// Whether it could be loaded: every file makes sense and every name leads somewhere.
    pub fn check(&self) -> Result<(), SeedError> {
        self.plan().map(drop)
    }

    /// A seed on a disk.
    pub fn read(folder: &Path) -> Result<Self, SeedError> {
        let mut files = BTreeMap::new();
        for name in ["avatars.json", "elements.json", "spaces.json"] {
            if folder.join(name).is_file() {
                files.insert(name.to_owned(), read_file(&folder.join(name))?);
            }
        }
        if folder.join("maps").is_dir() {
            let unreadable = |source| SeedError::Unreadable {
                file: folder.join("maps").display().to_string(),
                source,
            };
            for entry in std::fs::read_dir(folder.join("maps")).map_err(unreadable)? {
                let path = entry.map_err(unreadable)?.path();
                let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
                if Path::new(name).extension().is_some_and(|ending| ending == "tmj") {
                    files.insert(format!("maps/{name}"), read_file(&path)?);
                }
            }
        }
        if files.is_empty() {
            let what = "there is no avatars.json, elements.json, spaces.json or maps/*.tmj in it".to_owned();
            return Err(SeedError::Invalid {
                file: folder.display().to_string(),
                what,
            });
        }
        Ok(Self { files })
    }

    /// Reads all files and holds them against each other.
    pub(super) fn plan(&self) -> Result<SeedPlan, SeedError> {
        let elements: Vec<SeedElement> = self.list("elements.json")?;
        for element in &elements {
            element.check()?;
        }
        let known: BTreeMap<&str, &SeedElement> = elements.iter().map(|one| (one.key.as_str(), one)).collect();
        let mut maps = Vec::new();
        for (file, bytes) in &self.files {
            if let Some(key) = file.strip_prefix("maps/").and_then(|name| name.strip_suffix(".tmj")) {
                let map = tiled::read(key, bytes)
                    .and_then(|map| check_elements(&map, &known).map(|()| map))
                    .map_err(|what| SeedError::Invalid {
                        file: file.clone(),
                        what,
                    })?;
                maps.push(map);
            }
        }
        let spaces: Vec<SeedSpace> = self.list("spaces.json")?;
        for space in &spaces {
            if !maps.iter().any(|map| map.key == space.map) {
                let what = format!("space `{}`: there is no maps/{}.tmj", space.key, space.map);
                return Err(SeedError::Invalid {
                    file: "spaces.json".into(),
                    what,
                });
            }
        }
        Ok(SeedPlan {
            avatars: self.list("avatars.json")?,
            elements,
            maps,
            spaces,
        })
    }

    /// A list of things with keys; an absent file is an empty list.
    fn list<T: DeserializeOwned + Keyed>(&self, file: &str) -> Result<Vec<T>, SeedError> {
        let invalid = |what| SeedError::Invalid {
            file: file.to_owned(),
            what,
        };
        let Some(bytes) = self.files.get(file) else {
            return Ok(Vec::new());
        };
        let list: Vec<T> = serde_json::from_slice(bytes).map_err(|error| invalid(error.to_string()))?;
        let mut keys = BTreeSet::new();
        for (place, one) in list.iter().enumerate() {
            let (key, name) = (one.key(), one.name());
            let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            if key.is_empty() || !key.bytes().all(plain) {
                let what = format!("entry {}: a key is made of a-z, 0-9 and -, not `{key}`", place + 1);
                return Err(invalid(what));
            }
            if !keys.insert(key.to_owned()) {
                return Err(invalid(format!("entry {}: the key `{key}` occurs twice", place + 1)));
            }
            check_name(name).map_err(|what| invalid(format!("`{key}`: {what}")))?;
        }
        Ok(list)
    }
}

fn read_file(path: &Path) -> Result<Vec<u8>, SeedError> {
    let file = || path.display().to_string();
    let unreadable = |source| SeedError::Unreadable { file: file(), source };
    if std::fs::metadata(path).map_err(unreadable)?.len() > FILE_LIMIT {
        return Err(SeedError::Invalid {
            file: file(),
            what: "it is larger than 16 MiB".into(),
        });
    }
    std::fs::read(path).map_err(unreadable)
}

/// A name as the interface takes it.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    let letters = name.trim().chars().count();
    if letters == 0 || letters > 100 || name.chars().any(char::is_control) {
        return Err("a name has 1 to 100 letters and no control characters".into());
    }
    Ok(())
}

fn check_elements(map: &SeedMap, known: &BTreeMap<&str, &SeedElement>) -> Result<(), String> {
    for (key, corner) in &map.elements {
        let element = known
            .get(key.as_str())
            .ok_or_else(|| format!("there is no element `{key}` in elements.json"))?;
        if !element.row().fits(*corner, map.width, map.height) {
            return Err(format!(
                "element `{key}` at tile {},{} lies outside the map",
                corner.x, corner.y
            ));
        }
    }
    Ok(())
}

impl SeedElement {
    fn check(&self) -> Result<(), SeedError> {
        let invalid = |what: &str| SeedError::Invalid {
            file: "elements.json".into(),
            what: format!("element `{}`: {what}", self.key),
        };
        if !(1..=1000).contains(&self.width) || !(1..=1000).contains(&self.height) {
            return Err(invalid("width and height are 1 to 1000"));
        }
        let inside = self.footprint.is_none_or(|print| {
            print.width > 0
                && print.height > 0
                && u32::from(print.x) + u32::from(print.width) <= u32::from(self.width)
                && u32::from(print.y) + u32::from(print.height) <= u32::from(self.height)
        });
        if inside {
            Ok(())
        } else {
            Err(invalid("the footprint reaches outside the element"))
        }
    }

    fn row(&self) -> ElementRow {
        ElementRow {
            id: crate::components::id::ElementId(uuid::Uuid::nil()),
            name: self.name.clone(),
            image_url: String::new(),
            width: self.width,
            height: self.height,
            is_static: self.is_static,
            flat: self.flat,
            footprint: self.footprint,
        }
    }
}

trait Keyed {
    fn key(&self) -> &str;
    fn name(&self) -> &str;
}

macro_rules! keyed {
    ($($kind:ty),*) => {
        $(impl Keyed for $kind {
            fn key(&self) -> &str {
                &self.key
            }

            fn name(&self) -> &str {
                &self.name
            }
        })*
    };
}

keyed!(SeedAvatar, SeedElement, SeedSpace);
