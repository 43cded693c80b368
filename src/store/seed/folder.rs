//! Seed folder: reads its files, from a disk or from inside the binary, into a plan whose
//! references are all checked.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rust_embed::RustEmbed;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::check::check_name;
use super::tiled::{self, SeedMap};
use super::{Problems, SeedError};
use crate::store::elements::{ElementRow, Footprint};

/// Largest file, in bytes.
const FILE_LIMIT: u64 = 16 * 1024 * 1024;

#[derive(RustEmbed)]
#[folder = "assets/seed"]
#[allow_missing = true]
struct BuiltIn;

/// Files of a seed, by their path in the folder.
#[derive(Debug, Clone, Default)]
pub struct Folder {
    files: BTreeMap<String, Vec<u8>>,
    /// Files that are not read although they look like part of the seed.
    unread: Vec<String>,
    /// Tells whether a built-in picture exists, when that is known.
    pub(super) has_picture: Option<fn(&str) -> bool>,
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
    /// What it is a variant of; the key itself for the only picture of a thing.
    pub family: Option<String>,
    /// What sets it apart in its family.
    #[serde(default)]
    pub variant: String,
    /// Words to search for.
    #[serde(default)]
    pub tags: Vec<String>,
}

/// A public space of a seed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SeedSpace {
    pub key: String,
    pub name: String,
    pub map: String,
}

/// Content of a seed folder.
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
        Self {
            files: files.collect(),
            ..Self::default()
        }
    }

    /// Checks pictures against a set of built-in ones: `avatars/<key>.svg` and the like.
    #[must_use]
    pub fn drawn_with(self, has_picture: fn(&str) -> bool) -> Self {
        Self {
            has_picture: Some(has_picture),
            ..self
        }
    }

    /// A seed of given files, by their path in the folder.
    pub fn of(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Self {
        Self {
            files: files.into_iter().collect(),
            ..Self::default()
        }
    }

    /// Reads a seed from a disk.
    pub fn read(folder: &Path) -> Result<Self, SeedError> {
        let mut seed = Self::default();
        seed.look_into(folder, "")?;
        if seed.files.is_empty() && seed.unread.is_empty() {
            let what = "there is no avatars.json, elements.json, spaces.json or maps/*.tmj in it";
            return Err(Problems::one(&folder.display().to_string(), what));
        }
        Ok(seed)
    }

    /// Reads one folder of the seed, and records files that are not read.
    fn look_into(&mut self, folder: &Path, inside: &str) -> Result<(), SeedError> {
        let unreadable = |source| SeedError::Unreadable {
            file: folder.display().to_string(),
            source,
        };
        for entry in std::fs::read_dir(folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let ending = path
                .extension()
                .map(|ending| ending.to_string_lossy().to_lowercase());
            let file = format!("{inside}{name}");
            if name.starts_with('.') {
                continue;
            }
            if path.is_dir() {
                // Other folders contain pictures and the like.
                if inside.starts_with("maps/") || file == "maps" {
                    self.look_into(&path, &format!("{file}/"))?;
                }
                continue;
            }
            let is_list = ["avatars.json", "elements.json", "spaces.json"].contains(&file.as_str());
            let is_map = inside == "maps/" && ending.as_deref() == Some("tmj");
            if is_list || is_map {
                self.files.insert(file, read_file(&path)?);
            } else if matches!(
                ending.as_deref(),
                Some("json" | "tmj" | "tmx" | "tsj" | "tsx" | "tj" | "tx" | "wam")
            ) {
                self.unread.push(file);
            }
        }
        Ok(())
    }

    /// Parses all files. Problems of single files are in the second part.
    pub(super) fn parse(&self) -> (SeedPlan, Problems) {
        let mut problems = Problems::default();
        for file in &self.unread {
            let what = "it is not read: lists are avatars.json, elements.json and spaces.json, \
                maps are maps/NAME.tmj";
            problems.add(file, what);
        }
        let mut plan = SeedPlan {
            avatars: self.list("avatars.json", &mut problems),
            elements: self.list("elements.json", &mut problems),
            maps: Vec::new(),
            spaces: self.list("spaces.json", &mut problems),
        };
        for element in &plan.elements {
            if let Err(what) = element.check() {
                problems.add(
                    "elements.json",
                    format!("element `{}`: {what}", element.key),
                );
            }
        }
        for (file, bytes) in &self.files {
            let Some(key) = file
                .strip_prefix("maps/")
                .and_then(|name| name.strip_suffix(".tmj"))
            else {
                continue;
            };
            if !is_key(key) {
                problems.add(file, format!("{KEY}; the key of a map is its file's name"));
            }
            match tiled::read(key, bytes) {
                Ok(map) => plan.maps.push(map),
                Err(found) => found.into_iter().for_each(|what| problems.add(file, what)),
            }
        }
        (plan, problems)
    }

    /// A list of items with keys; an absent file is an empty list.
    fn list<T: DeserializeOwned + Keyed>(&self, file: &str, problems: &mut Problems) -> Vec<T> {
        let Some(bytes) = self.files.get(file) else {
            return Vec::new();
        };
        let list: Vec<T> = match serde_json::from_slice(bytes) {
            Ok(list) => list,
            Err(error) => {
                problems.add(file, error.to_string());
                return Vec::new();
            }
        };
        let mut keys = BTreeSet::new();
        for (place, one) in list.iter().enumerate() {
            let (key, name) = (one.key(), one.name());
            if !is_key(key) {
                problems.add(file, format!("entry {}: {KEY}, not `{key}`", place + 1));
            }
            if !keys.insert(key.to_owned()) {
                problems.add(
                    file,
                    format!("entry {}: the key `{key}` occurs twice", place + 1),
                );
            }
            if let Err(what) = check_name(name) {
                problems.add(file, format!("`{key}`: {what}"));
            }
        }
        list
    }
}

/// Rule for keys.
const KEY: &str = "a key is made of a-z, 0-9 and -";

fn is_key(key: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !key.is_empty() && key.bytes().all(plain)
}

fn read_file(path: &Path) -> Result<Vec<u8>, SeedError> {
    let file = || path.display().to_string();
    let unreadable = |source| SeedError::Unreadable {
        file: file(),
        source,
    };
    if std::fs::metadata(path).map_err(unreadable)?.len() > FILE_LIMIT {
        return Err(Problems::one(&file(), "it is larger than 16 MiB"));
    }
    std::fs::read(path).map_err(unreadable)
}

impl SeedElement {
    fn check(&self) -> Result<(), &'static str> {
        if !(1..=1000).contains(&self.width) || !(1..=1000).contains(&self.height) {
            return Err("width and height are 1 to 1000");
        }
        self.check_catalogue()?;
        let inside = self.footprint.is_none_or(|print| {
            print.width > 0
                && print.height > 0
                && u32::from(print.x) + u32::from(print.width) <= u32::from(self.width)
                && u32::from(print.y) + u32::from(print.height) <= u32::from(self.height)
        });
        if inside {
            Ok(())
        } else {
            Err("the footprint reaches outside the element")
        }
    }

    fn check_catalogue(&self) -> Result<(), &'static str> {
        if !is_key(self.family()) {
            return Err("a family is made of a-z, 0-9 and -");
        }
        if self.variant.chars().count() > 100 || self.variant.chars().any(char::is_control) {
            return Err("a variant has up to 100 letters and no control characters");
        }
        let short = |tag: &String| tag.len() <= 40 && is_key(tag);
        if self.tags.len() > 20 || !self.tags.iter().all(short) {
            return Err("tags are up to 20 words of a-z, 0-9 and -");
        }
        Ok(())
    }

    pub(super) fn family(&self) -> &str {
        self.family.as_deref().unwrap_or(&self.key)
    }

    pub(super) fn row(&self) -> ElementRow {
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
