//! Messages: what goes into the state machine of ownership and what comes out of it.

use crate::cluster::node::{Member, Node, Nonce};
use crate::components::id::SpaceId;
use crate::host::monotonic::MonotonicTime;

/// Number of an ownership of a space; rises with each owner.
pub type Epoch = u64;

/// A request to SQL, the directory or the vault; each answer comes back as an [`Event`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnershipRequest {
    /// Renew the lease of this process: [`Event::Renewed`].
    Renew,
    /// Prove in SQL which spaces this process still owns: [`Event::Proven`].
    Prove,
    /// Look up the owner of a space and the live processes: [`Event::Looked`].
    Look(SpaceId),
    /// Become the owner if the epoch is still `seen`: [`Event::Minted`].
    Mint {
        /// Space to own.
        space: SpaceId,
        /// Epoch that was seen; 0 for none.
        seen: Epoch,
        /// Previous owner, whose lease seems to have expired. It must first be declared dead in the
        /// directory, which refuses when the lease is valid after all, and which refuses every
        /// later renewal of that incarnation, so that no late renewal can succeed.
        dead: Option<Dead>,
    },
    /// Claim in the directory, load from the vault, and save the loaded state under the new epoch:
    /// [`Event::Taken`].
    Take {
        /// Space to take.
        space: SpaceId,
        /// The new epoch.
        epoch: Epoch,
    },
    /// Claim in the directory again under the same epoch, and write the whole state again:
    /// [`Event::Asserted`].
    Assert {
        /// Space to assert.
        space: SpaceId,
        /// Its current epoch.
        epoch: Epoch,
    },
    /// Release the ownership. There is no answer.
    Release {
        /// Space to release.
        space: SpaceId,
        /// Its epoch.
        epoch: Epoch,
    },
    /// Release the ownership, and ask another process to take the space at once.
    HandOver {
        /// Space to hand over.
        space: SpaceId,
        /// Its epoch.
        epoch: Epoch,
        /// Process that takes it.
        to: Box<Node>,
    },
}

/// An action for the driver to carry out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnershipAction {
    /// Send a request.
    Ask(OwnershipRequest),
    /// Run spaces until this time, not longer.
    ServeUntil(MonotonicTime),
    /// Start to tick the space that was taken.
    Serve(SpaceId, Epoch),
    /// Stop ticking the space and save nothing of it: another process owns it.
    Drop(SpaceId, Epoch),
    /// Answer those who requested the space.
    Route(SpaceId, SpaceRoute),
}

/// Where a requested space runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SpaceRoute {
    /// In this process, with this epoch.
    Here(Epoch),
    /// In another process, or in one that is to be asked to run it.
    At(Box<Node>),
    /// Nowhere: it cannot be taken now.
    Unavailable,
}

/// Row of the owners table. Rows are never deleted, or an epoch could be used twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnerRecord {
    /// Highest epoch so far.
    pub epoch: Epoch,
    /// Owner; `None` after it was released.
    pub owner: Option<Member>,
}

/// A process whose lease seems to have expired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dead {
    /// The process and its incarnation.
    pub member: Member,
    /// Identity of the directory that was asked: another one may have lost the lease.
    pub directory: u64,
}

/// Result of looking up a space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looked {
    /// Row of the owners table, if the space ever had an owner.
    pub row: Option<OwnerRecord>,
    /// Processes whose lease is valid.
    pub alive: Vec<Node>,
    /// Identity of the directory that was asked.
    pub directory: u64,
}

/// Result of a renewal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewal {
    /// The lease is valid.
    Held {
        /// Identity of the directory; changes after a failover or a restart.
        directory: u64,
    },
    /// There is only this process: its lease never expires.
    Forever,
    /// This incarnation was declared dead, or another process runs under the same name.
    Dead,
}

/// Result of taking or asserting a space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// This process owns it.
    Ours,
    /// Another process has a higher epoch.
    Fenced,
    /// The space was deleted, or its saved state cannot be used.
    Impossible,
}

/// A service refused or did not answer in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unreachable;

/// Input of the state machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Time passed.
    Wake,
    /// The space is requested here; it may run here or elsewhere.
    Wanted(SpaceId),
    /// Another process asks this one to run the space.
    Asked(SpaceId),
    /// The space ended because it is not needed; its last checkpoint is saved.
    Ended(SpaceId, Epoch),
    /// The space stopped ticking for a handover; its last checkpoint is saved.
    Left {
        /// Space that was left.
        space: SpaceId,
        /// Its epoch.
        epoch: Epoch,
        /// Process that takes it.
        to: Box<Node>,
    },
    /// The vault refused a write to a space: another process has a higher epoch.
    Fenced(SpaceId, Epoch),
    /// The vault has no claim of this process on the space: it lost its last writes.
    Forgotten(SpaceId, Epoch),
    /// Answer to [`OwnershipRequest::Renew`].
    Renewed {
        /// When the request was sent.
        sent: MonotonicTime,
        /// The answer.
        answer: Result<Renewal, Unreachable>,
    },
    /// Answer to [`OwnershipRequest::Prove`].
    Proven {
        /// Incarnation that asked.
        by: Nonce,
        /// When the request was sent.
        sent: MonotonicTime,
        /// The spaces owned according to SQL.
        answer: Result<Vec<(SpaceId, Epoch)>, Unreachable>,
    },
    /// Answer to [`OwnershipRequest::Look`].
    Looked(SpaceId, Result<Looked, Unreachable>),
    /// Answer to [`OwnershipRequest::Mint`].
    Minted {
        /// The space.
        space: SpaceId,
        /// Incarnation that asked.
        by: Nonce,
        /// The new epoch; `None` when another process was faster.
        answer: Result<Option<Epoch>, Unreachable>,
    },
    /// Answer to [`OwnershipRequest::Take`].
    Taken(SpaceId, Epoch, Result<Taken, Unreachable>),
    /// Answer to [`OwnershipRequest::Assert`].
    Asserted(SpaceId, Epoch, Result<Taken, Unreachable>),
}
