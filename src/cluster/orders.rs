//! Orders: what an operator asks of a cluster, through any of its processes or from a command line
//! beside them.

use super::census::Census;
use super::node::NodeId;
use super::redis::Redis;
use crate::components::id::SpaceId;
use crate::link::{LinkBroadcast, LinkError, Links};

/// Why an order was not given.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// There is only one process.
    #[error("there is only one process; several share a database and a Redis")]
    Alone,
    /// Redis does not answer.
    #[error("Redis does not say who lives; try again in a moment")]
    Unknown,
    /// No process of that name lives.
    #[error("there is no process {0}; those that run are {1}")]
    NoNode(String, String),
    /// Nobody runs the space.
    #[error("nobody runs that space now; it runs when somebody enters it")]
    NotRunning,
    /// It would not move.
    #[error("the space is run by {0} already")]
    Already(String),
    /// The other one takes nothing.
    #[error("{0} is being drained and takes no spaces")]
    Draining(String),
    /// The process does not answer.
    #[error(transparent)]
    Link(#[from] LinkError),
}

/// A way to tell processes what to do.
#[derive(Clone)]
pub struct Orders {
    /// Says who lives; nothing when this process is alone.
    pub redis: Option<Redis>,
    /// To them; nothing when this process is alone.
    pub links: Option<Links>,
}

impl Orders {
    /// Who runs what.
    pub async fn census(&self) -> Result<Census, OrderError> {
        let redis = self.redis.as_ref().ok_or(OrderError::Alone)?;
        redis.census().await.map_err(|_| OrderError::Unknown)
    }

    /// Lets a process hand every space to others and take no more, or do again.
    pub async fn drain(&self, node: &str, is_draining: bool) -> Result<(), OrderError> {
        let census = self.census().await?;
        let link = link_of(&census, node)?;
        self.tell(&link, LinkBroadcast::Drain(is_draining)).await
    }

    /// Lets a space move to a process.
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
