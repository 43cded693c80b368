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

/// One life of a process: another one after every start, even under the same name. Its upper half
/// is the same from start to end: a process that is declared dead and is not goes on in another
/// life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Nonce(pub u64);

impl Nonce {
    /// The upper half.
    pub const fn life(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// Another life of the same process.
    #[must_use]
    pub const fn again(self, chance: u64) -> Self {
        Self((self.0 & !0xffff_ffff) | (chance & 0xffff_ffff))
    }
}

/// A process in one of its lives: what owns spaces.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Member {
    /// Its name.
    pub node: NodeId,
    /// Its life.
    pub nonce: Nonce,
}

/// A process whose lease stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Which.
    pub member: Member,
    /// Where other processes reach it: `host:port`.
    pub link: String,
    /// Where clients reach it, when they can reach it alone.
    pub public_url: Option<String>,
    /// How busy it is: nanoseconds of ticking a second, and sockets weighed in.
    pub load: u64,
    /// Whether it hands its spaces to others and takes no more.
    pub is_draining: bool,
}

/// In which order processes try to take something over: highest random weight, so that everybody
/// comes to the same order without asking anybody (Thaler and Ravishankar, 1998).
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
    // The last bytes of the key barely reach the upper bits: mixed once more.
    let mixed = (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ (mixed >> 29), node)
}
