//! Leases: which processes live, what they publish of themselves, and which were declared dead.

use std::time::Duration;

use redis::cmd;
use serde::{Deserialize, Serialize};

use super::{NODES, Redis, milliseconds};
use crate::cluster::census::{Census, NodeCensus, REPORT, RunningSpace};
use crate::cluster::node::{Member, Node, NodeId, Nonce};
use crate::cluster::ownership::{Dead, LEASE, Renewal, Unreachable};

/// How long a dead incarnation is remembered, in seconds: longer than a process can be paused and
/// still do harm.
const REMEMBER_DEAD_SECONDS: u64 = 24 * 60 * 60;

/// What a process publishes with its lease.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Record {
    link: String,
    public_url: Option<String>,
    load: u64,
    is_draining: bool,
}

impl Redis {
    /// Renews a lease, and publishes the record of the process.
    pub async fn renew(&self, node: &Node) -> Result<Renewal, Unreachable> {
        let record = Record {
            link: node.link.clone(),
            public_url: node.public_url.clone(),
            load: node.load,
            is_draining: node.is_draining,
        };
        let record = serde_json::to_string(&record).map_err(|_| Unreachable)?;
        let Member { node, nonce } = &node.member;
        let mut script = self.0.scripts.renew.prepare_invoke();
        script
            .key(lease_key(node))
            .key(NODES)
            .key(dead_key(*nonce))
            .arg(nonce.0.to_string())
            .arg(milliseconds(LEASE))
            .arg(record)
            .arg(&node.0);
        let (is_held, run_id): (i64, String) = self.run(&script).await?;
        let directory = identity(&run_id);
        Ok(if is_held == 1 {
            Renewal::Held { directory }
        } else {
            Renewal::Dead
        })
    }

    /// Releases the lease of a process that has ended, so that others can take over at once.
    pub async fn release_lease(&self, me: &Member) -> Result<(), Unreachable> {
        let mut script = self.0.scripts.release_lease.prepare_invoke();
        script.key(lease_key(&me.node)).arg(me.nonce.0.to_string());
        self.run(&script).await
    }

    /// Releases the lease of any incarnation with this upper half.
    pub async fn release_life(&self, node: &NodeId, life: u32) -> Result<(), Unreachable> {
        let nonce: Option<String> = self
            .ask(cmd("hget").arg(lease_key(node)).arg("nonce"))
            .await?;
        let nonce = nonce.and_then(|nonce| nonce.parse().ok()).map(Nonce);
        match nonce.filter(|nonce| nonce.life() == life) {
            None => Ok(()),
            Some(nonce) => {
                let node = node.clone();
                self.release_lease(&Member { node, nonce }).await
            }
        }
    }

    /// Processes whose lease is valid, and the identity of this Redis.
    pub async fn alive(&self) -> Result<(u64, Vec<Node>), Unreachable> {
        let mut script = self.0.scripts.names.prepare_invoke();
        let (run_id, names): (String, Vec<String>) = self.run(script.key(NODES)).await?;
        let mut alive = Vec::new();
        for name in names {
            let node = NodeId(name);
            let values: Vec<Option<String>> = self
                .ask(
                    cmd("hmget")
                        .arg(lease_key(&node))
                        .arg("nonce")
                        .arg("record"),
                )
                .await?;
            let [Some(nonce), Some(record)] = values.as_slice() else {
                let _: Result<i64, _> = self.ask(cmd("srem").arg(NODES).arg(&node.0)).await;
                continue;
            };
            let (Ok(nonce), Ok(record)) = (nonce.parse(), serde_json::from_str::<Record>(record))
            else {
                tracing::warn!(%node, "the record of a process cannot be decoded");
                continue;
            };
            alive.push(Node {
                member: Member {
                    node,
                    nonce: Nonce(nonce),
                },
                link: record.link,
                public_url: record.public_url,
                load: record.load,
                is_draining: record.is_draining,
            });
        }
        alive.sort_unstable_by(|a, b| a.member.cmp(&b.member));
        Ok((identity(&run_id), alive))
    }

    /// Publishes the spaces that a process runs.
    pub async fn report(&self, node: &NodeId, running: &[RunningSpace]) -> Result<(), Unreachable> {
        let bytes = bincode::encode_to_vec(running, bincode::config::standard())
            .map_err(|_| Unreachable)?;
        let mut set = cmd("set");
        set.arg(running_key(node)).arg(bytes).arg("px");
        self.ask(set.arg(milliseconds(REPORT))).await
    }

    /// Latest report of each process.
    pub async fn census(&self) -> Result<Census, Unreachable> {
        let mut nodes = Vec::new();
        for node in self.alive().await?.1 {
            let (running, lease) = self.reported(&node.member.node).await?;
            nodes.push(NodeCensus {
                node,
                lease: Some(lease),
                running,
            });
        }
        Ok(Census::new(nodes))
    }

    async fn reported(&self, node: &NodeId) -> Result<(Vec<RunningSpace>, Duration), Unreachable> {
        let lease: i64 = self.ask(cmd("pttl").arg(lease_key(node))).await?;
        let bytes: Option<Vec<u8>> = self.ask(cmd("get").arg(running_key(node))).await?;
        let running = bytes.and_then(|bytes| {
            let decoded = bincode::decode_from_slice(&bytes, bincode::config::standard());
            // A report of another version cannot be decoded: its spaces are not shown while both
            // versions run.
            decoded.ok().map(|(running, _)| running)
        });
        Ok((
            running.unwrap_or_default(),
            Duration::from_millis(u64::try_from(lease).unwrap_or(0)),
        ))
    }

    /// Declares an incarnation dead, unless its lease is valid or this is not the Redis that
    /// reported the expiry. It can never be renewed again.
    pub async fn bury(&self, dead: &Dead) -> Result<bool, Unreachable> {
        let mut script = self.0.scripts.bury.prepare_invoke();
        script
            .key(lease_key(&dead.member.node))
            .key(dead_key(dead.member.nonce))
            .arg(dead.member.nonce.0.to_string())
            .arg(REMEMBER_DEAD_SECONDS);
        let (is_buried, run_id): (i64, String) = self.run(&script).await?;
        Ok(is_buried == 1 && identity(&run_id) == dead.directory)
    }
}

fn lease_key(node: &NodeId) -> String {
    format!("plaza:{{nodes}}:lease:{node}")
}

fn running_key(node: &NodeId) -> String {
    format!("plaza:{{nodes}}:running:{node}")
}

fn dead_key(nonce: Nonce) -> String {
    format!("plaza:{{nodes}}:dead:{:016x}", nonce.0)
}

/// Identity of a Redis: a hash of its run id, which changes with a restart and differs between
/// servers.
fn identity(run_id: &str) -> u64 {
    run_id
        .get(..16)
        .and_then(|start| u64::from_str_radix(start, 16).ok())
        .unwrap_or(0)
}
