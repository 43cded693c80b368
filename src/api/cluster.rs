//! Cluster: which process runs what, for whoever operates them; and where a space is, for whoever
//! wants in.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::error::{ApiError, Problem};
use super::extract::{Admin, Caller, Json, Path};
use super::{AppState, spaces};
use crate::cluster::census::{NodeCensus, RunningSpace};
use crate::cluster::orders::OrderError;
use crate::components::id::SpaceId;

/// Every process and every space that is run.
#[derive(Serialize, ToSchema)]
pub struct ClusterView {
    /// By name.
    nodes: Vec<NodeEntry>,
    /// Those with the most people first.
    spaces: Vec<RunningEntry>,
}

/// A process.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NodeEntry {
    /// Its name.
    node: String,
    /// Whether it is the one that answers.
    is_this: bool,
    /// Where clients reach it alone, if they can.
    #[schema(required)]
    public_url: Option<String>,
    /// What its ticks take, as a share of one core.
    load: f64,
    /// People in its spaces.
    people: u32,
    /// How many spaces it runs.
    spaces: usize,
    /// Whether it hands its spaces to others and takes no more.
    is_draining: bool,
    /// How long its lease still lives, in milliseconds; nothing when it is the only process.
    #[schema(required)]
    lease_ms: Option<u64>,
}

/// A space that is run.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunningEntry {
    /// Which.
    space_id: String,
    /// What it is called.
    name: String,
    /// The process that runs it.
    node: String,
    /// How often it was taken so far.
    epoch: u64,
    /// How many people are in it.
    people: u32,
    /// What a tick takes, in microseconds.
    tick_micros: u64,
}

/// Where a space shall go.
#[derive(Deserialize, ToSchema)]
pub struct Destination {
    /// The name of a process.
    node: String,
}

/// Where a space is.
#[derive(Serialize, ToSchema)]
pub struct ServerView {
    /// The process that runs it; nothing while nobody does.
    #[schema(required)]
    node: Option<String>,
    /// Where clients reach that process alone. Nothing when they cannot: any process will do then,
    /// and always does.
    #[schema(required)]
    url: Option<String>,
}

/// Who runs what
///
/// As every process said of itself within the last second.
#[utoipa::path(
    get,
    path = "/admin/cluster",
    operation_id = "cluster",
    tag = "admin",
    security(("token" = [])),
    responses(
        (status = 200, body = ClusterView),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn show(State(state): State<AppState>, _admin: Admin) -> Json<ClusterView> {
    let census = state.spaces.census();
    let me = state.spaces.name();
    let nodes = census.nodes().iter().map(|counted| NodeEntry {
        node: counted.node.member.node.0.clone(),
        is_this: counted.node.member.node == me,
        public_url: counted.node.public_url.clone(),
        load: counted.node.load as f64 / 1e9,
        people: counted.running.iter().map(|running| running.people).sum(),
        spaces: counted.running.len(),
        is_draining: counted.node.is_draining,
        lease_ms: counted.lease.map(|lease| lease.as_millis() as u64),
    });
    let mut spaces: Vec<RunningEntry> = census.nodes().iter().flat_map(entries).collect();
    spaces.sort_by(|a, b| (b.people, &a.name).cmp(&(a.people, &b.name)));
    Json(ClusterView {
        nodes: nodes.collect(),
        spaces,
    })
}

fn entries(counted: &NodeCensus) -> impl Iterator<Item = RunningEntry> {
    counted
        .running
        .iter()
        .map(|running: &RunningSpace| RunningEntry {
            space_id: running.space.to_string(),
            name: running.name.clone(),
            node: counted.node.member.node.0.clone(),
            epoch: running.epoch,
            people: running.people,
            tick_micros: running.cost / u64::from(running.rate.max(1)) / 1_000,
        })
}

/// Empty a process
///
/// Its spaces move to the others while people are in them; it takes no more. Answered before that
/// is done: the number of its spaces falls to nothing.
#[utoipa::path(
    post,
    path = "/admin/node/{node}/drain",
    operation_id = "drain",
    tag = "admin",
    security(("token" = [])),
    params(("node" = String, Path, description = "The name of a process")),
    responses(
        (status = 202, description = "It was told"),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = 503, body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn drain(
    State(state): State<AppState>,
    _admin: Admin,
    Path(node): Path<String>,
) -> Result<StatusCode, ApiError> {
    state.spaces.orders().drain(&node, true).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Let a process take spaces again
#[utoipa::path(
    post,
    path = "/admin/node/{node}/undrain",
    operation_id = "undrain",
    tag = "admin",
    security(("token" = [])),
    params(("node" = String, Path, description = "The name of a process")),
    responses(
        (status = 202, description = "It was told"),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = 503, body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn undrain(
    State(state): State<AppState>,
    _admin: Admin,
    Path(node): Path<String>,
) -> Result<StatusCode, ApiError> {
    state.spaces.orders().drain(&node, false).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Move a space to another process
///
/// People stay connected and see it stand still for a moment. Answered before that is done.
#[utoipa::path(
    post,
    path = "/admin/space/{id}/move",
    operation_id = "moveSpace",
    tag = "admin",
    security(("token" = [])),
    params(("id" = String, Path, description = "The space")),
    responses(
        (status = 202, description = "Its process was told"),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = 503, body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn move_space(
    State(state): State<AppState>,
    _admin: Admin,
    Path(space): Path<SpaceId>,
    Json(Destination { node }): Json<Destination>,
) -> Result<StatusCode, ApiError> {
    state.spaces.orders().move_space(space, &node).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Where a space is run
///
/// Every process serves every space, so nobody has to ask. A client that connects to the process
/// itself saves a hop.
#[utoipa::path(
    get,
    path = "/space/{id}/server",
    operation_id = "spaceServer",
    tag = "spaces",
    security(("token" = [])),
    params(("id" = String, Path, description = "The space")),
    responses(
        (status = 200, body = ServerView),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn server(
    State(state): State<AppState>,
    _caller: Caller,
    Path(space): Path<SpaceId>,
) -> Result<Json<ServerView>, ApiError> {
    spaces::visible(&state, space).await?;
    let census = state.spaces.census();
    let home = census.home_of(space).map(|counted| &counted.node);
    Ok(Json(ServerView {
        node: home.map(|node| node.member.node.0.clone()),
        url: home.and_then(|node| node.public_url.clone()),
    }))
}

impl From<OrderError> for ApiError {
    fn from(error: OrderError) -> Self {
        match error {
            OrderError::Unknown => {
                Self::Unavailable("Redis does not say who lives. Try again in a moment.")
            }
            OrderError::Link(error) => {
                tracing::warn!(%error, "an order was not given");
                Self::Unavailable("That process does not answer. Try again in a moment.")
            }
            other => {
                let mut words = other.to_string();
                if let Some(first) = words.get_mut(..1) {
                    first.make_ascii_uppercase();
                }
                Self::Bad(format!("{words}."))
            }
        }
    }
}
