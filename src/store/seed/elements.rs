//! Elements of a seed: what is drawn of them, and the words by which they are found.

use std::collections::BTreeMap;

use sqlx::AnyConnection;
use uuid::Uuid;

use super::folder::{Folder, SeedElement};
use super::{SeedError, SeedOutcome, SeedReport};
use crate::store::{Store, StoreError, Tx, now_ms};

/// What spaces show of an element.
#[derive(PartialEq, Eq, sqlx::FromRow)]
struct Shown {
    name: String,
    image_url: String,
    width: i64,
    height: i64,
    is_static: i64,
    flat: i64,
    footprint: Option<String>,
}

/// What an element is found by.
#[derive(PartialEq, Eq, sqlx::FromRow)]
struct Words {
    family: String,
    variant: String,
    tags: String,
}

#[derive(PartialEq, Eq, sqlx::FromRow)]
struct Columns {
    #[sqlx(flatten)]
    shown: Shown,
    #[sqlx(flatten)]
    words: Words,
}

impl Columns {
    fn of(element: &SeedElement) -> Self {
        let footprint = element
            .footprint
            .map(|print| serde_json::to_string(&print).expect("a footprint is plain data"));
        Self {
            shown: Shown {
                name: element.name.clone(),
                image_url: format!("/art/elements/{}.svg", element.key),
                width: i64::from(element.width),
                height: i64::from(element.height),
                is_static: i64::from(element.is_static),
                flat: i64::from(element.flat),
                footprint,
            },
            words: Words {
                family: element.family().to_owned(),
                variant: element.variant.clone(),
                tags: element.tags.join(" "),
            },
        }
    }
}

impl Store {
    /// Brings a database that an earlier version seeded up to date: elements that it lacks are
    /// added, and those without a family get their words. What admins changed in them stays.
    pub async fn extend_catalogue(&self, folder: &Folder) -> Result<SeedReport, SeedError> {
        let elements = folder.plan()?.elements;
        let mut report = SeedReport::default();
        let known = families(&mut *self.readers.acquire().await?).await?;
        let is_done = |element: &SeedElement| known.get(&element.key) == Some(&true);
        if elements.iter().all(is_done) {
            return Ok(report);
        }
        let mut tx = self.begin_alone().await?;
        let known = families(&mut tx).await?;
        for element in &elements {
            report.count(match known.get(&element.key) {
                Some(true) => SeedOutcome::Unchanged,
                Some(false) => write_words(&mut tx, element).await?,
                None => seed(&mut tx, element).await?.1,
            });
        }
        tx.commit().await?;
        Ok(report)
    }
}

/// Whether an element has a family, by its key.
async fn families(connection: &mut AnyConnection) -> Result<BTreeMap<String, bool>, StoreError> {
    let rows: Vec<(String, String)> =
        sqlx::query_as("select seed_key, family from elements where seed_key is not null")
            .fetch_all(connection)
            .await?;
    let entry = |(key, family): (String, String)| (key, !family.is_empty());
    Ok(rows.into_iter().map(entry).collect())
}

async fn write_words(tx: &mut Tx, element: &SeedElement) -> Result<SeedOutcome, StoreError> {
    let Words {
        family,
        variant,
        tags,
    } = Columns::of(element).words;
    sqlx::query("update elements set family = $2, variant = $3, tags = $4 where seed_key = $1")
        .bind(&element.key)
        .bind(family)
        .bind(variant)
        .bind(tags)
        .execute(&mut **tx)
        .await?;
    Ok(SeedOutcome::Updated)
}

/// Adds or updates an element, and returns its id.
pub(super) async fn seed(
    tx: &mut Tx,
    element: &SeedElement,
) -> Result<(String, SeedOutcome), SeedError> {
    let wanted = Columns::of(element);
    let known: Option<Columns> = sqlx::query_as(
        "select name, image_url, width, height, is_static, flat, footprint, family, variant, tags \
         from elements where seed_key = $1",
    )
    .bind(&element.key)
    .fetch_optional(&mut **tx)
    .await?;
    let outcome = match &known {
        Some(known) if *known == wanted => SeedOutcome::Unchanged,
        Some(_) => SeedOutcome::Updated,
        None => SeedOutcome::Added,
    };
    let looks_different = known.is_some_and(|known| known.shown != wanted.shown);
    let id = write(tx, &element.key, wanted).await?;
    if looks_different {
        sqlx::query(
            "update spaces set plan_version = plan_version + 1 \
             where id in (select space_id from space_elements where element_id = $1)",
        )
        .bind(&id)
        .execute(&mut **tx)
        .await?;
    }
    Ok((id, outcome))
}

async fn write(tx: &mut Tx, key: &str, wanted: Columns) -> Result<String, SeedError> {
    let Columns { shown, words } = wanted;
    let (id,): (String,) = sqlx::query_as(
        "insert into elements (id, name, image_url, width, height, is_static, flat, footprint, \
        seed_key, created_at, family, variant, tags) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) on conflict (seed_key) do \
         update set name = excluded.name, \
         image_url = excluded.image_url, width = excluded.width, height = excluded.height, \
         is_static = excluded.is_static, flat = excluded.flat, footprint = excluded.footprint, \
         family = excluded.family, variant = excluded.variant, tags = excluded.tags \
         returning id",
    )
    .bind(Uuid::now_v7().to_string())
    .bind(shown.name)
    .bind(shown.image_url)
    .bind(shown.width)
    .bind(shown.height)
    .bind(shown.is_static)
    .bind(shown.flat)
    .bind(shown.footprint)
    .bind(key)
    .bind(now_ms())
    .bind(words.family)
    .bind(words.variant)
    .bind(words.tags)
    .fetch_one(&mut **tx)
    .await?;
    Ok(id)
}
