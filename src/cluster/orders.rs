//! Orders: an operator's orders to a cluster, sent through any of its processes or from a command
//! line.

use super::census::Census;
use super::node::NodeId;
use super::redis::Redis;
use crate::components::id::SpaceId;
use crate::link::{LinkBroadcast, LinkError, Links};

/// Why an order was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// There is only one process.
    #[error("there is only one process; several share a database and a Redis")]
    Alone,
    /// Redis does not answer.
    #[error("the list of processes cannot be read from Redis; try again in a moment")]
    Unknown,
    /// No live process has that name.
    #[error("there is no process {0}; those that run are {1}")]
    NoNode(String, String),
    /// The space is not running.
    #[error("that space is not running; it starts when a player enters it")]
    NotRunning,
    /// The space runs on that process already.
    #[error("the space already runs on {0}")]
    Already(String),
    /// The destination is draining.
    #[error("{0} is being drained and takes no spaces")]
    Draining(String),
    /// The process does not answer.
    #[error(transparent)]
    Link(#[from] LinkError),
}

/// Sends orders to processes.
#[derive(Clone)]
pub struct Orders {
    /// Source of the census; `None` when this process is the only one.
    pub redis: Option<Redis>,
    /// Links to processes; `None` when this process is the only one.
    pub links: Option<Links>,
}

impl Orders {
    /// The census of the cluster.
    pub async fn census(&self) -> Result<Census, OrderError> {
        let redis = self.redis.as_ref().ok_or(OrderError::Alone)?;
        redis.census().await.map_err(|_| OrderError::Unknown)
    }

    /// Starts or stops draining a process.
    pub async fn drain(&self, node: &str, is_draining: bool) -> Result<(), OrderError> {
        let census = self.census().await?;
        let link = link_of(&census, node)?;
        self.tell(&link, LinkBroadcast::Drain(is_draining)).await
    }

    /// Moves a space to a process.
    pub async fn move_space(&self, space: SpaceId, node: &str) -> Result<(), OrderError> {
        let census = self.census().await?;
        link_of(&census, node)?;
        let home = census.home_of(space).ok_or(OrderError::NotRunning)?;
        if home.node.member.node.0 == node {
            return Err(OrderError::Already(node.to_owned()));
        }
        let is_draining = census
            .node(&NodeId(node.to_owned()))
            .is_some_and(|counted| counted.node.is_draining);
        if is_draining {
            return Err(OrderError::Draining(node.to_owned()));
        }
        self.tell(&home.node.link, LinkBroadcast::Move(space, node.to_owned()))
            .await
    }

    async fn tell(&self, link: &str, tell: LinkBroadcast) -> Result<(), OrderError> {
        let links = self.links.as_ref().ok_or(OrderError::Alone)?;
        Ok(links.tell(link, tell).await?)
    }
}

fn link_of(census: &Census, node: &str) -> Result<String, OrderError> {
    if let Some(counted) = census.node(&NodeId(node.to_owned())) {
        return Ok(counted.node.link.clone());
    }
    let names = census
        .nodes()
        .iter()
        .map(|counted| counted.node.member.node.0.as_str());
    let names: Vec<&str> = names.collect();
    Err(OrderError::NoNode(node.to_owned(), names.join(", ")))
}
