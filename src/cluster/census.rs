//! Census: processes and running spaces of the cluster with players and cost, as each process
//! reports once a second.

use std::collections::HashMap;
use std::time::Duration;

use bincode::{Decode, Encode};

use super::node::{Node, NodeId};
use super::ownership::Epoch;
use crate::components::id::SpaceId;

/// How often a process reports what it runs.
pub const COUNT_EVERY: Duration = Duration::from_secs(1);

/// How long a report is valid.
pub const REPORT: Duration = Duration::from_secs(5);

/// A running space.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct RunningSpace {
    /// Id of the space.
    pub space: SpaceId,
    /// Name of the space.
    pub name: String,
    /// Epoch of its ownership.
    pub epoch: Epoch,
    /// Players in it.
    pub people: u32,
    /// Recent cost of its ticks, in nanoseconds per second.
    pub cost: u64,
    /// Ticks per second.
    pub rate: u8,
}

/// A process and the spaces it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeCensus {
    /// The process.
    pub node: Node,
    /// Remaining time of its lease; `None` when it is the only process.
    pub lease: Option<Duration>,
    /// Spaces it runs.
    pub running: Vec<RunningSpace>,
}

/// Reports of all processes.
#[derive(Debug, Default)]
pub struct Census {
    nodes: Vec<NodeCensus>,
    /// Players in each space, and the index of its process.
    spaces: HashMap<SpaceId, (u32, usize)>,
}

impl Census {
    /// Builds the census from the report of each process.
    pub fn new(nodes: Vec<NodeCensus>) -> Self {
        // The first process counts while two report the same space.
        let running = nodes.iter().enumerate().rev().flat_map(|(at, counted)| {
            let running = counted.running.iter();
            running.map(move |running| (running.space, (running.people, at)))
        });
        let spaces = running.collect();
        Self { nodes, spaces }
    }

    /// All processes.
    pub fn nodes(&self) -> &[NodeCensus] {
        &self.nodes
    }

    /// Players in a space; 0 when it is not running.
    pub fn people(&self, space: SpaceId) -> usize {
        self.spaces.get(&space).map_or(0, |(people, _)| *people) as usize
    }

    /// The process with that name.
    pub fn node(&self, name: &NodeId) -> Option<&NodeCensus> {
        self.nodes
            .iter()
            .find(|counted| counted.node.member.node == *name)
    }

    /// The process that runs a space.
    pub fn home_of(&self, space: SpaceId) -> Option<&NodeCensus> {
        let (_, at) = self.spaces.get(&space)?;
        self.nodes.get(*at)
    }
}
