//! Cluster: the processes of `make cluster`, as its file describes them.

use std::path::Path;

use anyhow::Context;
use serde::Deserialize;

use crate::cluster::orders::Orders;
use crate::cluster::redis::Redis;
use crate::link::{Links, Secret, Tls};

/// The cluster, as `make cluster` describes it.
#[derive(Deserialize)]
pub(super) struct ClusterInfo {
    /// URL of the balancer, if there is one.
    pub url: Option<String>,
    pub nodes: Vec<NodeState>,
    pub redis: Service,
    pub postgres: Service,
}

#[derive(Deserialize, Clone)]
pub(super) struct NodeState {
    pub name: String,
    pub url: String,
    pub pid: i32,
    pub command: Vec<String>,
}

#[derive(Deserialize)]
pub(super) struct Service {
    pub pid: i32,
}

impl ClusterInfo {
    pub fn read(file: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(file)
            .with_context(|| format!("cannot read {}: does `make cluster` run?", file.display()))?;
        serde_json::from_str(&text).with_context(|| format!("cannot parse {}", file.display()))
    }

    /// How to reach the processes, from the environment and flags they were started with.
    pub async fn orders(&self) -> anyhow::Result<Orders> {
        let node = self.nodes.first().context("the cluster has no processes")?;
        let url = node
            .flag("--redis-url")
            .context("the processes share no Redis")?;
        let secret = node
            .flag("--cluster-secret")
            .context("the processes share no secret")?;
        let is_encrypted = !node.command.iter().any(|word| word == "--link-tls=false");
        Ok(Orders {
            redis: Some(Redis::open(url).await?),
            links: Some(Links::new(
                Secret::new(secret),
                is_encrypted.then(Tls::new).transpose()?,
            )),
        })
    }
}

impl NodeState {
    fn flag(&self, name: &str) -> Option<&str> {
        let at = self.command.iter().position(|word| word == name)?;
        self.command.get(at + 1).map(String::as_str)
    }

    /// The server that a guardian runs; the process itself when there is no guardian.
    pub fn server(&self) -> i32 {
        let pid = self.pid;
        let children =
            std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        let child = children
            .split_whitespace()
            .next()
            .and_then(|child| child.parse().ok());
        child.unwrap_or(pid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_found() {
        let node = NodeState {
            name: "a".into(),
            url: String::new(),
            pid: 0,
            command: ["plaza", "serve", "--redis-url", "redis://r"]
                .map(str::to_owned)
                .into(),
        };
        assert_eq!(node.flag("--redis-url"), Some("redis://r"));
        assert_eq!(node.flag("--cluster-secret"), None);
    }
}
