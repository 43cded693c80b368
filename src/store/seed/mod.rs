//! Seed: fills a database from a folder. Seeding twice changes nothing; seeding a changed folder
//! updates what changed.

use std::collections::BTreeMap;
use std::fmt;

use sqlx::AnyConnection;
use uuid::Uuid;

use super::spaces::copy_map_elements;
use super::{Store, StoreError, Tx, id, now_ms};
use crate::components::id::{MapId, SpaceId};

mod check;
mod elements;
mod folder;
mod references;
mod strict;
mod tiled;

pub use folder::Folder;
use folder::{SeedAvatar, SeedPlan, SeedSpace};
use tiled::SeedMap;

/// Why a folder was not loaded. Nothing of it is in the database then.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// Files have invalid or unsupported content.
    #[error("{0}")]
    Invalid(Problems),
    /// A file cannot be read.
    #[error("cannot read {file}: {source}")]
    Unreadable {
        /// Path of the file.
        file: String,
        /// Error of the file system.
        source: std::io::Error,
    },
    /// The database refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for SeedError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// All problems of a seed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Problems(Vec<SeedProblem>);

/// One problem of a seed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct SeedProblem {
    file: String,
    /// Place in the file, and problem.
    what: String,
}

impl Problems {
    fn add(&mut self, file: &str, what: impl Into<String>) {
        let what = what.into();
        self.0.push(SeedProblem {
            file: file.to_owned(),
            what,
        });
    }

    /// A single problem.
    fn one(file: &str, what: impl Into<String>) -> SeedError {
        let mut problems = Self::default();
        problems.add(file, what);
        SeedError::Invalid(problems)
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.len() > 1 {
            writeln!(f, "{} problems; nothing was loaded", self.0.len())?;
        }
        for (number, SeedProblem { file, what }) in self.0.iter().enumerate() {
            let end = if number + 1 < self.0.len() { "\n" } else { "" };
            write!(f, "{file}: {what}{end}")?;
        }
        Ok(())
    }
}

/// Result of seeding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SeedReport {
    /// Number of added items.
    pub added: usize,
    /// Number of updated items.
    pub updated: usize,
    /// Number of unchanged items.
    pub unchanged: usize,
}

impl fmt::Display for SeedReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Seeded: {} added, {} updated, {} unchanged.",
            self.added, self.updated, self.unchanged
        )
    }
}

impl SeedReport {
    fn count(&mut self, outcome: SeedOutcome) {
        match outcome {
            SeedOutcome::Added => self.added += 1,
            SeedOutcome::Updated => self.updated += 1,
            SeedOutcome::Unchanged => self.unchanged += 1,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SeedOutcome {
    Added,
    Updated,
    Unchanged,
}

impl Store {
    /// Whether this database was never seeded.
    pub async fn is_unseeded(&self) -> Result<bool, StoreError> {
        is_unseeded(&mut *self.readers.acquire().await?).await
    }

    /// Loads a folder, all or nothing.
    pub async fn seed(&self, folder: &Folder) -> Result<SeedReport, SeedError> {
        let plan = folder.plan()?;
        let mut tx = self.begin_alone().await?;
        let report = load(&mut tx, &plan).await?;
        tx.commit().await?;
        Ok(report)
    }

    /// Loads a folder unless the database was seeded before; of several processes that start
    /// together, one does it.
    pub async fn seed_if_fresh(&self, folder: &Folder) -> Result<Option<SeedReport>, SeedError> {
        if !self.is_unseeded().await? {
            return Ok(None);
        }
        let plan = folder.plan()?;
        let mut tx = self.begin_alone().await?;
        if !is_unseeded(&mut tx).await? {
            return Ok(None);
        }
        let report = load(&mut tx, &plan).await?;
        tx.commit().await?;
        Ok(Some(report))
    }
}

async fn is_unseeded(connection: &mut AnyConnection) -> Result<bool, StoreError> {
    let row: Option<(i64,)> =
        sqlx::query_as("select cast(1 as bigint) from maps where seed_key is not null limit 1")
            .fetch_optional(connection)
            .await?;
    Ok(row.is_none())
}

async fn load(tx: &mut Tx, plan: &SeedPlan) -> Result<SeedReport, SeedError> {
    check_targets(tx, plan).await?;
    let mut report = SeedReport::default();
    for avatar in &plan.avatars {
        report.count(seed_avatar(tx, avatar).await?);
    }
    let mut elements = BTreeMap::new();
    for element in &plan.elements {
        let (id, outcome) = elements::seed(tx, element).await?;
        elements.insert(element.key.as_str(), id);
        report.count(outcome);
    }
    for map in &plan.maps {
        report.count(seed_map(tx, map, &elements).await?);
    }
    for space in &plan.spaces {
        report.count(seed_space(tx, space).await?);
    }
    Ok(report)
}

/// Checks that spaces exist which portals name by id.
async fn check_targets(tx: &mut Tx, plan: &SeedPlan) -> Result<(), SeedError> {
    let mut problems = Problems::default();
    for map in &plan.maps {
        for (zone, space) in references::ids(map) {
            let known: Option<(String,)> = sqlx::query_as("select id from spaces where id = $1")
                .bind(space.to_string())
                .fetch_optional(&mut **tx)
                .await?;
            if known.is_none() {
                let what =
                    format!("zone `{zone}`: it leads to the space {space}, which is not there");
                problems.add(&map.file(), what);
            }
        }
    }
    if problems.0.is_empty() {
        return Ok(());
    }
    Err(SeedError::Invalid(problems))
}

async fn seed_avatar(tx: &mut Tx, avatar: &SeedAvatar) -> Result<SeedOutcome, SeedError> {
    let image_url = format!("/art/avatars/{}.svg", avatar.key);
    let known: Option<(String, String)> =
        sqlx::query_as("select name, image_url from avatars where seed_key = $1")
            .bind(&avatar.key)
            .fetch_optional(&mut **tx)
            .await?;
    let outcome = match known {
        Some((name, url)) if name == avatar.name && url == image_url => {
            return Ok(SeedOutcome::Unchanged);
        }
        Some(_) => SeedOutcome::Updated,
        None => SeedOutcome::Added,
    };
    sqlx::query(
        "insert into avatars (id, name, image_url, seed_key, created_at) values ($1, $2, $3, $4, \
        $5) \
         on conflict (seed_key) do update set name = excluded.name, image_url = excluded.image_url",
    )
    .bind(Uuid::now_v7().to_string())
    .bind(&avatar.name)
    .bind(image_url)
    .bind(&avatar.key)
    .bind(now_ms())
    .execute(&mut **tx)
    .await?;
    Ok(outcome)
}

async fn seed_map(
    tx: &mut Tx,
    map: &SeedMap,
    elements: &BTreeMap<&str, String>,
) -> Result<SeedOutcome, SeedError> {
    let document = serde_json::to_string(&map.document).expect("a document is plain data");
    let standing: Vec<(String, i64, i64)> = map
        .elements
        .iter()
        .map(|(key, tile)| {
            (
                elements[key.as_str()].clone(),
                i64::from(tile.x),
                i64::from(tile.y),
            )
        })
        .collect();
    let wanted = (
        map.name.clone(),
        map.description.clone(),
        i64::from(map.width),
        i64::from(map.height),
        document,
    );
    let known: Option<(String, String, i64, i64, String)> = sqlx::query_as(
        "select name, description, width, height, document from maps where seed_key = $1",
    )
    .bind(&map.key)
    .fetch_optional(&mut **tx)
    .await?;
    let known_standing: Vec<(String, i64, i64)> = sqlx::query_as(
        "select element_id, x, y from map_elements where map_id = (select id from maps where \
        seed_key = $1) order by id",
    )
    .bind(&map.key)
    .fetch_all(&mut **tx)
    .await?;
    let outcome = match known {
        Some(known) if known == wanted && known_standing == standing => {
            return Ok(SeedOutcome::Unchanged);
        }
        Some(_) => SeedOutcome::Updated,
        None => SeedOutcome::Added,
    };
    let (map_id,): (String,) = sqlx::query_as(
        "insert into maps (id, name, description, width, height, document, seed_key, created_at) \
         values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (seed_key) do update set name = \
         excluded.name, \
         description = excluded.description, width = excluded.width, height = excluded.height, \
         document = excluded.document returning id",
    )
    .bind(Uuid::now_v7().to_string())
    .bind(wanted.0)
    .bind(wanted.1)
    .bind(wanted.2)
    .bind(wanted.3)
    .bind(wanted.4)
    .bind(&map.key)
    .bind(now_ms())
    .fetch_one(&mut **tx)
    .await?;
    sqlx::query("delete from map_elements where map_id = $1")
        .bind(&map_id)
        .execute(&mut **tx)
        .await?;
    for (element, x, y) in standing {
        sqlx::query(
            "insert into map_elements (id, map_id, element_id, x, y) values ($1, $2, $3, $4, $5)",
        )
        .bind(Uuid::now_v7().to_string())
        .bind(&map_id)
        .bind(element)
        .bind(x)
        .bind(y)
        .execute(&mut **tx)
        .await?;
    }
    if outcome == SeedOutcome::Updated {
        renew_spaces(tx, id(&map_id)?).await?;
    }
    Ok(outcome)
}

/// Tiles belong to the map, so every space made from it changes with it. Placed elements belong to
/// the owner of a space; only seeded spaces get the map's new elements.
async fn renew_spaces(tx: &mut Tx, map: MapId) -> Result<(), SeedError> {
    sqlx::query(
        "update spaces set plan_version = plan_version + 1, width = (select width from maps where \
        id = $1), \
         height = (select height from maps where id = $1) where map_id = $1",
    )
    .bind(map.to_string())
    .execute(&mut **tx)
    .await?;
    let seeded: Vec<(String,)> = sqlx::query_as(
        "select id from spaces where map_id = $1 and seed_key is not null order by id",
    )
    .bind(map.to_string())
    .fetch_all(&mut **tx)
    .await?;
    for (space,) in seeded {
        replace_map_elements(tx, map, id(&space)?).await?;
    }
    Ok(())
}

async fn replace_map_elements(tx: &mut Tx, map: MapId, space: SpaceId) -> Result<(), SeedError> {
    sqlx::query("delete from space_elements where space_id = $1 and from_map = 1")
        .bind(space.to_string())
        .execute(&mut **tx)
        .await?;
    Ok(copy_map_elements(tx, map, space).await?)
}

async fn seed_space(tx: &mut Tx, space: &SeedSpace) -> Result<SeedOutcome, SeedError> {
    let (map, width, height): (String, i64, i64) =
        sqlx::query_as("select id, width, height from maps where seed_key = $1")
            .bind(&space.map)
            .fetch_one(&mut **tx)
            .await?;
    let known: Option<(String, Option<String>)> =
        sqlx::query_as("select name, map_id from spaces where seed_key = $1")
            .bind(&space.key)
            .fetch_optional(&mut **tx)
            .await?;
    let (outcome, moved) = match known {
        Some((name, at)) if name == space.name && at.as_deref() == Some(&map) => {
            return Ok(SeedOutcome::Unchanged);
        }
        Some((_, at)) => (SeedOutcome::Updated, at.as_deref() != Some(&map)),
        None => (SeedOutcome::Added, true),
    };
    let (space_id,): (String,) = sqlx::query_as(
        "insert into spaces (id, name, search, map_id, access, width, height, plan_version, \
        seed_key, created_at, guests) \
         values ($1, $2, $3, $4, 'public', $5, $6, 1, $7, $8, 1) on conflict (seed_key) \
         do update set name = excluded.name, search = excluded.search, \
         map_id = excluded.map_id, width = excluded.width, \
         height = excluded.height, plan_version = spaces.plan_version + 1 returning id",
    )
    .bind(Uuid::now_v7().to_string())
    .bind(&space.name)
    .bind(space.name.to_lowercase())
    .bind(&map)
    .bind(width)
    .bind(height)
    .bind(&space.key)
    .bind(now_ms())
    .fetch_one(&mut **tx)
    .await?;
    if moved {
        replace_map_elements(tx, id(&map)?, id(&space_id)?).await?;
    }
    Ok(outcome)
}
