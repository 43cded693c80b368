//! Cluster: which process runs which space, for operators; and the address of a space's process,
//! for clients that want to connect to it directly.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::AppState;
use super::error::{ApiError, Problem};
use super::extract::{Admin, Caller, Json, Path};
use crate::cluster::census::{NodeCensus, RunningSpace};
use crate::cluster::orders::OrderError;
use crate::components::id::SpaceId;

/// Processes and running spaces of the cluster.
#[derive(Serialize, ToSchema)]
pub struct ClusterView {
    /// Sorted by name.
    nodes: Vec<NodeEntry>,
    /// Sorted by number of players, most first.
    spaces: Vec<RunningEntry>,
}

/// A process.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NodeEntry {
    /// Name of the process.
    node: String,
    /// Whether this process answered the request.
    is_this: bool,
    /// Public address of this process alone, if it has one.
    #[schema(required)]
    public_url: Option<String>,
    /// Load of its ticks, as a share of one core.
    load: f64,
    /// Players in its spaces.
    people: u32,
    /// Number of spaces it runs.
    spaces: usize,
    /// Whether it hands over its spaces and takes no new ones.
    is_draining: bool,
    /// Remaining time of its lease, in milliseconds; null when it is the only process.
    #[schema(required)]
    lease_ms: Option<u64>,
}

/// A running space.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunningEntry {
    /// Id of the space.
    space_id: String,
    /// Name of the space.
    name: String,
    /// Name of the process that runs it.
    node: String,
    /// Epoch of its ownership: rises each time a process takes it over.
    epoch: u64,
    /// Players in it.
    people: u32,
    /// Duration of a tick, in microseconds.
    tick_micros: u64,
}

/// Destination of a space that is moved.
#[derive(Deserialize, ToSchema)]
pub struct Destination {
    /// Name of the process.
    node: String,
}

/// Process that runs a space.
#[derive(Serialize, ToSchema)]
pub struct ServerView {
    /// Name of the process; null while the space is not running.
    #[schema(required)]
    node: Option<String>,
    /// Public address of that process alone; null when it has none. Any process can serve any
    /// space, so clients may then connect to any address.
    #[schema(required)]
    url: Option<String>,
}

/// Processes and running spaces
///
/// Each process reports at least once a second; the answer is the latest report of each.
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
        load: Duration::from_nanos(counted.node.load).as_secs_f64(),
        people: counted.running.iter().map(|running| running.people).sum(),
        spaces: counted.running.len(),
        is_draining: counted.node.is_draining,
        lease_ms: counted
            .lease
            .map(|lease| u64::try_from(lease.as_millis()).unwrap_or(u64::MAX)),
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

/// Drain a process
///
/// Its spaces move to other processes while players are in them; it takes no new ones. The answer
/// comes before the moves end: watch `spaces` fall to 0.
#[utoipa::path(
    post,
    path = "/admin/node/{node}/drain",
    operation_id = "drain",
    tag = "admin",
    security(("token" = [])),
    params(("node" = String, Path, description = "The name of a process")),
    responses(
        (status = 202, description = "The process was told"),
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

/// Stop draining a process
#[utoipa::path(
    post,
    path = "/admin/node/{node}/undrain",
    operation_id = "undrain",
    tag = "admin",
    security(("token" = [])),
    params(("node" = String, Path, description = "The name of a process")),
    responses(
        (status = 202, description = "The process was told"),
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
/// Players stay connected; the space pauses for a moment. The answer comes before the move ends.
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

/// Find the process of a space
///
/// Optional: every process serves every space. A client that connects to the right process saves a
/// hop.
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
    caller: Caller,
    Path(space): Path<SpaceId>,
) -> Result<Json<ServerView>, ApiError> {
    state.at(space, Some(&caller)).await?;
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
            OrderError::Unknown => Self::Unavailable(
                "The list of processes cannot be read from Redis. Try again in a moment.",
            ),
            OrderError::Link(error) => {
                tracing::warn!(%error, "failed to send an operator's order");
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
