//! Elements: pictures with a size in tiles, and the part of them that blocks.

use serde::{Deserialize, Serialize};
use sqlx::AnyConnection;
use uuid::Uuid;

use super::{Store, StoreError, id, now_ms, tiles, uploads};
use crate::components::id::{ElementId, PlacementId, SpaceId};
use crate::components::layout::Placement;
use crate::components::tile_rect::TileRect;
use crate::components::unit::Tile;

/// Part of an element that blocks, in tiles from its top left corner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Footprint {
    /// Column of the left side.
    pub x: u16,
    /// Row of the top side.
    pub y: u16,
    /// Width.
    pub width: u16,
    /// Height.
    pub height: u16,
}

/// An element that can be placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ElementRow {
    /// Id of the element.
    pub id: ElementId,
    /// Name; may be empty.
    pub name: String,
    /// Address of the picture.
    pub image_url: String,
    /// Width of the picture, in tiles.
    pub width: u16,
    /// Height of the picture, in tiles.
    pub height: u16,
    /// Whether it blocks movement.
    pub is_static: bool,
    /// Whether players are always drawn over it, as on a rug or a marking.
    pub flat: bool,
    /// The part that blocks; `None` for all of it.
    pub footprint: Option<Footprint>,
}

impl ElementRow {
    /// The part that blocks when the element is static.
    pub fn footprint(&self) -> Footprint {
        self.footprint.unwrap_or(Footprint {
            x: 0,
            y: 0,
            width: self.width,
            height: self.height,
        })
    }

    /// Whether all of it lies inside a space of that size.
    pub fn fits(&self, corner: Tile, width: u16, height: u16) -> bool {
        u32::from(corner.x) + u32::from(self.width) <= u32::from(width)
            && u32::from(corner.y) + u32::from(self.height) <= u32::from(height)
    }

    /// The tiles that it blocks when placed there, in a space of that size.
    pub(super) fn solid(&self, corner: Tile, width: u16, height: u16) -> Option<TileRect> {
        let print = self.footprint();
        let (x, y) = (
            corner.x.saturating_add(print.x),
            corner.y.saturating_add(print.y),
        );
        let area = TileRect {
            corner: Tile::new(x, y),
            width: print.width.min(width.saturating_sub(x)),
            height: print.height.min(height.saturating_sub(y)),
        };
        (self.is_static && area.width > 0 && area.height > 0).then_some(area)
    }
}

/// An element as it is found in the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogueRow {
    /// The element.
    pub element: ElementRow,
    /// What it is a picture of; the other pictures of it have the same family.
    pub family: String,
    /// What sets it apart in its family.
    pub variant: String,
    /// Words to search for.
    pub tags: Vec<String>,
}

/// A placed element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlacedElement {
    /// Id of the placement.
    pub id: PlacementId,
    /// Top left tile of the picture.
    pub corner: Tile,
    /// The element.
    pub element: ElementRow,
}

impl PlacedElement {
    /// The placement as the running space uses it.
    pub fn placement(&self, width: u16, height: u16) -> Placement {
        Placement {
            id: self.id,
            element: self.element.id,
            corner: self.corner,
            solid: self.element.solid(self.corner, width, height),
        }
    }
}

/// A change of an element; `None` stays as it is.
#[derive(Debug, Clone, Default)]
pub struct ElementChange {
    /// Address of the picture.
    pub image_url: Option<String>,
    /// Width, in tiles.
    pub width: Option<u16>,
    /// Height, in tiles.
    pub height: Option<u16>,
    /// Whether it blocks.
    pub is_static: Option<bool>,
}

#[derive(sqlx::FromRow)]
pub(super) struct RawElement {
    element_id: String,
    name: String,
    image_url: String,
    width: i64,
    height: i64,
    is_static: i64,
    flat: i64,
    footprint: Option<String>,
}

impl RawElement {
    pub(super) fn read(self) -> Result<ElementRow, StoreError> {
        let footprint = self
            .footprint
            .map(|text| serde_json::from_str(&text))
            .transpose();
        Ok(ElementRow {
            id: id(&self.element_id)?,
            name: self.name,
            image_url: self.image_url,
            width: tiles(self.width)?,
            height: tiles(self.height)?,
            is_static: self.is_static != 0,
            flat: self.flat != 0,
            footprint: footprint.map_err(|_| StoreError::Corrupt("a footprint"))?,
        })
    }
}

#[derive(sqlx::FromRow)]
struct RawCatalogueRow {
    #[sqlx(flatten)]
    element: RawElement,
    family: String,
    variant: String,
    tags: String,
}

impl RawCatalogueRow {
    fn read(self) -> Result<CatalogueRow, StoreError> {
        Ok(CatalogueRow {
            element: self.element.read()?,
            family: self.family,
            variant: self.variant,
            tags: self.tags.split_whitespace().map(str::to_owned).collect(),
        })
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct RawPlaced {
    placement_id: String,
    x: i64,
    y: i64,
    #[sqlx(flatten)]
    element: RawElement,
}

impl RawPlaced {
    pub(super) fn read(self) -> Result<PlacedElement, StoreError> {
        Ok(PlacedElement {
            id: id(&self.placement_id)?,
            corner: Tile::new(tiles(self.x)?, tiles(self.y)?),
            element: self.element.read()?,
        })
    }
}

impl Store {
    /// All elements, oldest first.
    pub async fn elements(&self) -> Result<Vec<ElementRow>, StoreError> {
        let rows: Vec<RawElement> = sqlx::query_as(
            "select id as element_id, name, image_url, width, height, is_static, flat, footprint \
             from elements order by id",
        )
        .fetch_all(&self.readers)
        .await?;
        rows.into_iter().map(RawElement::read).collect()
    }

    /// All elements, oldest first, with what they are found by.
    pub async fn catalogue(&self) -> Result<Vec<CatalogueRow>, StoreError> {
        let rows: Vec<RawCatalogueRow> = sqlx::query_as(
            "select id as element_id, name, image_url, width, height, is_static, flat, footprint, \
             family, variant, tags from elements order by id",
        )
        .fetch_all(&self.readers)
        .await?;
        rows.into_iter().map(RawCatalogueRow::read).collect()
    }

    /// One element.
    pub async fn element(&self, element: ElementId) -> Result<Option<ElementRow>, StoreError> {
        let row: Option<RawElement> = sqlx::query_as(
            "select id as element_id, name, image_url, width, height, is_static, flat, footprint \
             from elements where id = $1",
        )
        .bind(element.to_string())
        .fetch_optional(&self.readers)
        .await?;
        row.map(RawElement::read).transpose()
    }

    /// Adds an element; a static one blocks as a whole.
    pub async fn add_element(
        &self,
        image_url: &str,
        (width, height): (u16, u16),
        is_static: bool,
    ) -> Result<ElementId, StoreError> {
        let element = ElementId(Uuid::now_v7());
        sqlx::query(
            "insert into elements (id, name, image_url, width, height, is_static, flat, \
            created_at) \
             values ($1, '', $2, $3, $4, $5, 0, $6)",
        )
        .bind(element.to_string())
        .bind(image_url)
        .bind(i64::from(width))
        .bind(i64::from(height))
        .bind(i64::from(is_static))
        .bind(now_ms())
        .execute(&self.writer)
        .await?;
        Ok(element)
    }

    /// Changes an element everywhere; `None` when it is unknown. A footprint that no longer fits is
    /// dropped.
    pub async fn change_element(
        &self,
        element: ElementId,
        change: &ElementChange,
    ) -> Result<Option<ElementId>, StoreError> {
        let mut tx = self.begin_alone().await?;
        let before: Option<(String,)> =
            sqlx::query_as("select image_url from elements where id = $1")
                .bind(element.to_string())
                .fetch_optional(&mut *tx)
                .await?;
        let resized = change.width.is_some() || change.height.is_some();
        let changed = sqlx::query(
            "update elements set image_url = coalesce($2, image_url), width = coalesce($3, width), \
             height = coalesce($4, height), is_static = coalesce($5, is_static), \
             footprint = case when $6 = 1 then null else footprint end where id = $1",
        )
        .bind(element.to_string())
        .bind(change.image_url.as_deref())
        .bind(change.width.map(i64::from))
        .bind(change.height.map(i64::from))
        .bind(change.is_static.map(i64::from))
        .bind(i64::from(resized))
        .execute(&mut *tx)
        .await?;
        if changed.rows_affected() == 0 {
            return Ok(None);
        }
        sqlx::query(
            "update spaces set plan_version = plan_version + 1 \
             where id in (select space_id from space_elements where element_id = $1)",
        )
        .bind(element.to_string())
        .execute(&mut *tx)
        .await?;
        let (before,) = before.unwrap_or_default();
        let replaced = uploads::pictures_in(&before)
            .into_iter()
            .map(str::to_owned)
            .collect();
        uploads::free(&mut tx, &replaced).await?;
        tx.commit().await?;
        Ok(Some(element))
    }

    /// Placed elements of a space, in the order of placing.
    pub async fn placed(&self, space: SpaceId) -> Result<Vec<PlacedElement>, StoreError> {
        read_placed(&mut *self.readers.acquire().await?, space).await
    }
}

/// Placed elements of a space, over a given connection.
pub(super) async fn read_placed(
    connection: &mut AnyConnection,
    space: SpaceId,
) -> Result<Vec<PlacedElement>, StoreError> {
    let rows: Vec<RawPlaced> = sqlx::query_as(
        "select space_elements.id as placement_id, x, y, elements.id as element_id, name, \
        image_url, width, height, \
         is_static, flat, footprint from space_elements join elements on elements.id = \
         space_elements.element_id \
         where space_id = $1 order by space_elements.id",
    )
    .bind(space.to_string())
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(RawPlaced::read).collect()
}
