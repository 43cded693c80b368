//! Space elements: placing and removing elements while players are inside.

use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;

use super::AppState;
use super::elements::IdAnswer;
use super::empty::Empty;
use super::error::{ApiError, Problem};
use super::extract::{Caller, Json, Path};
use crate::components::command::Command;
use crate::components::element::ElementCommand;
use crate::components::id::{PlacementId, SpaceId};
use crate::components::permissions::Permission;
use crate::components::unit::Tile;
use crate::store::elements::PlacedElement;
use crate::store::{SpaceRow, now_ms};

/// A request to place an element.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlaceRequest {
    /// Id of the space.
    space_id: String,
    /// Id of the element.
    element_id: String,
    /// Leftmost column.
    x: u16,
    /// Topmost row.
    y: u16,
}

/// A request to remove a placed element.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RemoveRequest {
    /// Id of the placed element.
    id: Option<String>,
    /// Alias of `id`, for clients that use this name.
    element_id: Option<String>,
}

/// Place an element
#[utoipa::path(
    post,
    path = "/space/element",
    operation_id = "placeElement",
    tag = "spaces",
    security(("token" = [])),
    request_body = PlaceRequest,
    responses(
        (status = 200, body = IdAnswer),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn place(
    State(state): State<AppState>,
    caller: Caller,
    Json(body): Json<PlaceRequest>,
) -> Result<Json<IdAnswer>, ApiError> {
    let no_space = || ApiError::bad("There is no such space, or it is not yours.");
    let no_element = || ApiError::bad("There is no such element.");
    let space = body.space_id.parse().map_err(|_| no_space())?;
    let space = buildable(&state, space, &caller)
        .await?
        .ok_or_else(no_space)?;
    let element = state
        .store
        .element(body.element_id.parse().map_err(|_| no_element())?)
        .await?;
    let element = element.ok_or_else(no_element)?;
    let corner = Tile::new(body.x, body.y);
    if !element.fits(corner, space.width, space.height) {
        return Err(ApiError::bad("The element would lie outside the space."));
    }
    caller.creates(&state)?;
    let most = match state.settings.quotas.objects {
        0 => u32::MAX,
        most => most,
    };
    let placed = state
        .store
        .place(space.id, element.id, corner, most)
        .await?;
    let (id, version) = placed.ok_or_else(|| {
        ApiError::OverQuota(format!(
            "At most {most} elements stand in a space here (--max-objects-per-space). Remove one \
            first."
        ))
    })?;
    let placement = PlacedElement {
        id,
        corner,
        element,
    }
    .placement(space.width, space.height);
    state.spaces.tell(
        space.id,
        Command::Element(ElementCommand::Place { placement, version }),
    );
    Ok(Json(IdAnswer { id: id.to_string() }))
}

/// The space, if the caller may enter it and build in it.
async fn buildable(
    state: &AppState,
    space: SpaceId,
    caller: &Caller,
) -> Result<Option<SpaceRow>, ApiError> {
    let entered = state.stands(space, Some(caller)).await?;
    let is_inside = state.is_inside(space, Some(caller));
    let entered = entered.filter(|entered| {
        let membership = &entered.membership;
        membership.enter(now_ms(), is_inside).is_ok() && membership.may(Permission::Build)
    });
    Ok(entered.map(|entered| entered.row))
}

/// Remove a placed element
#[utoipa::path(
    delete,
    path = "/space/element",
    operation_id = "removeElement",
    tag = "spaces",
    security(("token" = [])),
    request_body = RemoveRequest,
    responses(
        (status = 200, body = Empty),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn remove(
    State(state): State<AppState>,
    caller: Caller,
    Json(body): Json<RemoveRequest>,
) -> Result<Json<Empty>, ApiError> {
    let id = body
        .id
        .or(body.element_id)
        .ok_or_else(|| ApiError::bad("Give the id of the placement."))?;
    remove_placement(&state, &caller, &id).await
}

/// Remove a placed element (same without a body)
#[utoipa::path(
    delete,
    path = "/space/element/{id}",
    operation_id = "removeElementByPath",
    tag = "spaces",
    security(("token" = [])),
    params(("id" = String, Path, description = "The placement")),
    responses(
        (status = 200, body = Empty),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn remove_by_path(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Empty>, ApiError> {
    remove_placement(&state, &caller, &id).await
}

async fn remove_placement(
    state: &AppState,
    caller: &Caller,
    id: &str,
) -> Result<Json<Empty>, ApiError> {
    const REFUSED: ApiError =
        ApiError::Forbidden("There is no such element here, or the space is not yours.");
    let id: PlacementId = id.parse().map_err(|_| REFUSED)?;
    let space = state.store.space_of_placement(id).await?.ok_or(REFUSED)?;
    let space = buildable(state, space, caller).await?.ok_or(REFUSED)?;
    let version = state.store.unplace(space.id, id).await?.ok_or(REFUSED)?;
    state.spaces.tell(
        space.id,
        Command::Element(ElementCommand::Remove { id, version }),
    );
    Ok(Json(Empty {}))
}
