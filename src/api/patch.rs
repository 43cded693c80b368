//! Patch: fields of requests that change a part of a resource.

use serde::{Deserialize, Deserializer};

/// A field of a change: tells "null" from "absent".
#[derive(Clone, Copy, Default)]
pub(super) enum Patch<T> {
    #[default]
    AsItIs,
    For(T),
}

impl<T: Copy> Patch<T> {
    /// The new value if there is one, otherwise the current one.
    pub const fn or(&self, now: T) -> T {
        match *self {
            Self::AsItIs => now,
            Self::For(wanted) => wanted,
        }
    }

    /// The new value, if there is one.
    pub const fn given(&self) -> Option<T> {
        match *self {
            Self::AsItIs => None,
            Self::For(wanted) => Some(wanted),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self::For)
    }
}
