//! Layouts: the full layout of a space, as of one version.
//!
//! `spaces.plan_version` rises in every transaction that changes the map, the zones or the placed
//! elements of a space. Reads here use one database snapshot, so the content belongs to the version
//! that is read with it.

use sqlx::AssertSqlSafe;

use super::elements::{PlacedElement, read_placed};
use super::maps::{MapDocument, read_document};
use super::spaces::read_space;
use super::{DatabaseKind, SpaceRow, Store, StoreError, Tx, id};
use crate::components::id::SpaceId;
use crate::components::layout::SpaceLayout;

/// Spaces per query.
const AT_ONCE: usize = 500;

/// A space with its map and placed elements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayoutRow {
    /// The space; its `plan_version` is that of the whole layout.
    pub space: SpaceRow,
    /// Document of its map; empty when it has none.
    pub document: MapDocument,
    /// Placed elements, in the order of placing.
    pub placed: Vec<PlacedElement>,
}

impl LayoutRow {
    /// Layout for the running space.
    pub fn space_layout(&self) -> SpaceLayout {
        let SpaceRow { width, height, .. } = self.space;
        let placed = self.placed.iter();
        SpaceLayout {
            width,
            height,
            blocked: self.document.blocked_tiles(),
            has_walls: self.document.walls,
            proximity: self.space.proximity,
            zones: self.document.zones(),
            elements: placed
                .map(|placed| placed.placement(width, height))
                .collect(),
            version: self.space.plan_version,
        }
    }
}

impl Store {
    /// A space with its map and placed elements, all as of one version.
    pub async fn layout(&self, space: SpaceId) -> Result<Option<LayoutRow>, StoreError> {
        let mut tx = self.begin_snapshot().await?;
        let Some(row) = read_space(&mut tx, space).await? else {
            return Ok(None);
        };
        let document = match row.map {
            Some(map) => read_document(&mut tx, map).await?,
            None => MapDocument::default(),
        };
        let placed = read_placed(&mut tx, space).await?;
        tx.rollback().await?;
        Ok(Some(LayoutRow {
            space: row,
            document,
            placed,
        }))
    }

    /// Layout for the running space.
    pub async fn space_layout(&self, space: SpaceId) -> Result<Option<SpaceLayout>, StoreError> {
        Ok(self
            .layout(space)
            .await?
            .map(|layout| layout.space_layout()))
    }

    /// Versions of the given spaces; deleted ones are left out.
    pub async fn plan_versions(
        &self,
        spaces: &[SpaceId],
    ) -> Result<Vec<(SpaceId, u32)>, StoreError> {
        let mut versions = Vec::with_capacity(spaces.len());
        for spaces in spaces.chunks(AT_ONCE) {
            let places: Vec<String> = (1..=spaces.len())
                .map(|number| format!("${number}"))
                .collect();
            let places = places.join(", ");
            // The text contains only the numbers of bound parameters, nothing from outside.
            let query = AssertSqlSafe(format!(
                "select id, plan_version from spaces where id in ({places})"
            ));
            let query = spaces.iter().fold(sqlx::query_as(query), |query, space| {
                query.bind(space.to_string())
            });
            let rows: Vec<(String, i64)> = query.fetch_all(&self.readers).await?;
            for (space, version) in rows {
                let version = u32::try_from(version)
                    .map_err(|_| StoreError::Corrupt("the version of a layout"))?;
                versions.push((id(&space)?, version));
            }
        }
        Ok(versions)
    }

    /// A read-only transaction that sees everything as of its first query.
    async fn begin_snapshot(&self) -> Result<Tx, StoreError> {
        let pool = self.readers.clone();
        let statement = match self.kind {
            DatabaseKind::Sqlite => "begin",
            DatabaseKind::Postgres => "begin isolation level repeatable read read only",
        };
        // In a task of its own for the same reason as in `begin`.
        let begun = tokio::spawn(async move { pool.begin_with(statement).await });
        Ok(begun.await.map_err(|_| sqlx::Error::WorkerCrashed)??)
    }
}
