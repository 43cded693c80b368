//! Elements: changes of what is placed in a space.

use super::id::PlacementId;
use super::layout::{Placement, SpaceLayout};
use bincode::{Decode, Encode};

/// Changes of the layout that users made.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub enum ElementCommand {
    /// An element was placed. Applied only to the version right before `version`; an older space is
    /// behind and has to reload its layout.
    Place {
        /// Element and its position.
        placement: Placement,
        /// Version of the layout with it.
        version: u32,
    },
    /// A placement was removed. Applied only to the version right before `version`; an older space
    /// is behind and has to reload its layout.
    Remove {
        /// Placement that was removed.
        id: PlacementId,
        /// Version of the layout without it.
        version: u32,
    },
    /// Replace the layout, unless the space has a newer one already. The size stays.
    ReplaceLayout {
        /// The whole layout, as read from the database.
        layout: Box<SpaceLayout>,
    },
}

/// What changed in the layout.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub enum ElementFact {
    /// An element was placed.
    Placed {
        /// Element and its position.
        placement: Placement,
        /// Version of the layout with it.
        version: u32,
    },
    /// A placement was removed.
    Removed {
        /// Placement that was removed.
        id: PlacementId,
        /// Version of the layout without it.
        version: u32,
    },
    /// The map, the zones or any number of elements are different.
    LayoutReplaced {
        /// Version of the new layout.
        version: u32,
    },
}
