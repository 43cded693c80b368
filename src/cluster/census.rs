//! Census: who runs what, how many people are there, and what it costs; as each process says of
//! itself once a second.

use std::collections::HashMap;
use std::time::Duration;

use bincode::{Decode, Encode};

use super::node::{Node, NodeId};
use super::ownership::Epoch;
use crate::components::id::SpaceId;

/// How often a process says what it runs.
pub const COUNT_EVERY: Duration = Duration::from_secs(1);

/// How long that is believed.
pub const REPORT: Duration = Duration::from_secs(5);

/// A space that is run.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct RunningSpace {
    /// Which.
    pub space: SpaceId,
    /// What it is called.
    pub name: String,
    /// In which life.
    pub epoch: Epoch,
    /// How many people are in it.
    pub people: u32,
    /// What its ticks took lately, in nanoseconds a second.
    pub cost: u64,
    /// Ticks a second.
    pub rate: u8,
}

/// A process and what it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeCensus {
    /// Which.
    pub node: Node,
    /// How long its lease still lives; for ever when it is alone.
    pub lease: Option<Duration>,
    /// Its spaces.
    pub running: Vec<RunningSpace>,
}

/// All of them.
#[derive(Debug, Default)]
pub struct Census {
    nodes: Vec<NodeCensus>,
    people: HashMap<SpaceId, u32>,
}

impl Census {
    /// Out of what each process said.
    pub fn new(nodes: Vec<NodeCensus>) -> Self {
        let running = nodes.iter().flat_map(|counted| &counted.running);
        let people = running
            .map(|running| (running.space, running.people))
            .collect();
        Self { nodes, people }
    }

    /// Every process.
    pub fn nodes(&self) -> &[NodeCensus] {
        &self.nodes
    }

    /// How many people are in a space.
    pub fn people(&self, space: SpaceId) -> usize {
        self.people.get(&space).copied().unwrap_or(0) as usize
    }

    /// The process of that name.
    pub fn node(&self, name: &NodeId) -> Option<&NodeCensus> {
        self.nodes
            .iter()
            .find(|counted| counted.node.member.node == *name)
    }

    /// The process that runs a space.
    pub fn home_of(&self, space: SpaceId) -> Option<&NodeCensus> {
        let runs =
            |counted: &&NodeCensus| counted.running.iter().any(|running| running.space == space);
        self.nodes.iter().find(runs)
    }
}
