//! Elements: pictures with a size in tiles that can be placed in spaces.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::empty::Empty;
use super::error::{ApiError, Problem};
use super::extract::{Admin, Json, Path};
use super::{AppState, check};
use crate::components::id::ElementId;
use crate::store::elements::{CatalogueRow, ElementChange, ElementRow, Footprint};

/// All elements.
#[derive(Serialize, ToSchema)]
pub struct ElementList {
    /// Oldest first.
    elements: Vec<ElementEntry>,
}

/// An element.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ElementEntry {
    /// Id of the element.
    pub id: String,
    /// Address of the picture.
    pub image_url: String,
    /// Width, in tiles.
    pub width: u16,
    /// Height, in tiles.
    pub height: u16,
    /// Whether it blocks movement.
    pub r#static: bool,
}

/// The catalogue.
#[derive(Serialize, ToSchema)]
pub struct Catalogue {
    /// Oldest first.
    elements: Vec<CatalogueEntry>,
}

/// An element, and what it is found by.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CatalogueEntry {
    #[serde(flatten)]
    element: ElementEntry,
    /// Name; may be empty.
    name: String,
    /// Whether people are always drawn over it, as on a rug.
    flat: bool,
    /// The part that blocks when the element does; null for all of it.
    footprint: Option<Footprint>,
    /// What it is a picture of; the other pictures of it have the same family. Empty for elements
    /// that admins added.
    family: String,
    /// What sets it apart in its family.
    variant: String,
    /// Words to search for.
    tags: Vec<String>,
}

/// A request to add an element.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewElement {
    /// Address of the picture: a path on this server, or http(s).
    image_url: String,
    /// Width in tiles, 1 to 1000.
    width: u16,
    /// Height in tiles, 1 to 1000.
    height: u16,
    /// Whether it blocks movement.
    r#static: bool,
}

/// A change of an element; absent fields stay as they are.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ElementUpdate {
    /// Address of the picture: a path on this server, or http(s).
    image_url: Option<String>,
    /// Width in tiles, 1 to 1000.
    width: Option<u16>,
    /// Height in tiles, 1 to 1000.
    height: Option<u16>,
    /// Whether it blocks movement.
    r#static: Option<bool>,
}

/// The object that was created.
#[derive(Serialize, ToSchema)]
pub struct IdAnswer {
    /// Its id.
    pub id: String,
}

impl From<&ElementRow> for ElementEntry {
    fn from(row: &ElementRow) -> Self {
        Self {
            id: row.id.to_string(),
            image_url: row.image_url.clone(),
            width: row.width,
            height: row.height,
            r#static: row.is_static,
        }
    }
}

/// List elements
#[utoipa::path(
    get,
    path = "/elements",
    operation_id = "elements",
    tag = "maps",
    responses((status = 200, body = ElementList)),
)]
pub async fn list(State(state): State<AppState>) -> Result<Json<ElementList>, ApiError> {
    let elements = state.store.elements().await?;
    Ok(Json(ElementList {
        elements: elements.iter().map(ElementEntry::from).collect(),
    }))
}

impl From<CatalogueRow> for CatalogueEntry {
    fn from(row: CatalogueRow) -> Self {
        Self {
            element: ElementEntry::from(&row.element),
            name: row.element.name,
            flat: row.element.flat,
            footprint: row.element.footprint,
            family: row.family,
            variant: row.variant,
            tags: row.tags,
        }
    }
}

/// List elements with their families
///
/// As `/elements`, with names, families, variants and words to search for.
#[utoipa::path(
    get,
    path = "/catalogue",
    operation_id = "catalogue",
    tag = "maps",
    responses((status = 200, body = Catalogue)),
)]
pub async fn catalogue(State(state): State<AppState>) -> Result<Json<Catalogue>, ApiError> {
    let rows = state.store.catalogue().await?;
    Ok(Json(Catalogue {
        elements: rows.into_iter().map(CatalogueEntry::from).collect(),
    }))
}

/// Add an element
#[utoipa::path(
    post,
    path = "/admin/element",
    operation_id = "addElement",
    tag = "admin",
    security(("token" = [])),
    request_body = NewElement,
    responses(
        (status = 200, body = IdAnswer),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn add(
    State(state): State<AppState>,
    _admin: Admin,
    Json(new): Json<NewElement>,
) -> Result<Json<IdAnswer>, ApiError> {
    let image_url = check::image_url(&new.image_url)?;
    let size = (check::side(new.width)?, check::side(new.height)?);
    let element = state
        .store
        .add_element(&image_url, size, new.r#static)
        .await?;
    Ok(Json(IdAnswer {
        id: element.to_string(),
    }))
}

/// Change an element
///
/// The change shows at once everywhere the element is placed.
#[utoipa::path(
    put,
    path = "/admin/element/{id}",
    operation_id = "changeElement",
    tag = "admin",
    security(("token" = [])),
    params(("id" = String, Path, description = "The element")),
    request_body = ElementUpdate,
    responses(
        (status = 200, body = Empty),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn change(
    State(state): State<AppState>,
    _admin: Admin,
    Path(element): Path<ElementId>,
    Json(update): Json<ElementUpdate>,
) -> Result<Json<Empty>, ApiError> {
    let change = ElementChange {
        image_url: update
            .image_url
            .as_deref()
            .map(check::image_url)
            .transpose()?,
        width: update.width.map(check::side).transpose()?,
        height: update.height.map(check::side).transpose()?,
        is_static: update.r#static,
    };
    let known = state.store.change_element(element, &change).await?;
    known.ok_or_else(|| ApiError::bad("There is no such element."))?;
    state.spaces.look_everywhere();
    Ok(Json(Empty {}))
}
