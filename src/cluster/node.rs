//! Node: one process of a cluster, as the others know it.

use std::fmt;

/// The name of a process, unique among those that run at the same time.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub String);

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Incarnation of a process: new after every start, even under the same name. The upper half stays
/// the same from start to end: a live process that was declared dead continues with a new lower
/// half.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Nonce(pub u64);

impl Nonce {
    /// The upper half.
    pub const fn life(self) -> u32 {
        let [a, b, c, d, ..] = self.0.to_be_bytes();
        u32::from_be_bytes([a, b, c, d])
    }

    /// A new incarnation of the same process.
    #[must_use]
    pub const fn again(self, chance: u64) -> Self {
        Self((self.0 & !0xffff_ffff) | (chance & 0xffff_ffff))
    }
}

/// One incarnation of a process: the owner of spaces.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Member {
    /// Name of the process.
    pub node: NodeId,
    /// Its incarnation.
    pub nonce: Nonce,
}

/// A process whose lease is valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The process and its incarnation.
    pub member: Member,
    /// Address for links from other processes: `host:port`.
    pub link: String,
    /// Public address of this process alone, if it has one.
    pub public_url: Option<String>,
    /// Load: nanoseconds of ticking per second, with the number of sockets weighed in.
    pub load: u64,
    /// Whether it hands over its spaces and takes no new ones.
    pub is_draining: bool,
}

/// Rank of a process for taking over a key, by highest random weight: every process computes the
/// same order without communication (Thaler and Ravishankar, 1998).
pub fn rank(candidates: &[Node], of: &NodeId, key: u128) -> usize {
    let own = weight(of, key);
    candidates
        .iter()
        .filter(|other| other.member.node != *of && weight(&other.member.node, key) > own)
        .count()
}

/// FNV-1a: the same on every machine and in every version, which `std`'s hashers do not promise.
fn weight(node: &NodeId, key: u128) -> (u64, &NodeId) {
    let hash = node
        .0
        .bytes()
        .chain(key.to_le_bytes())
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    // The last bytes of the key barely reach the upper bits, so the hash is mixed once more.
    let mixed = (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ (mixed >> 29), node)
}
