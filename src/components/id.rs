//! Ids: identifiers that are valid across processes and restarts. An `Entity` is never one of them.

use std::fmt;
use std::str::FromStr;

use bincode::de::Decoder;
use bincode::enc::Encoder;
use bincode::error::{DecodeError, EncodeError};
use bincode::{Decode, Encode};
use uuid::Uuid;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[cfg_attr(test, derive(serde::Deserialize), serde(from = "[u8; 16]"))]
        pub struct $name(pub Uuid);

        #[cfg(test)]
        impl From<[u8; 16]> for $name {
            fn from(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }
        }

        impl Encode for $name {
            fn encode<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
                self.0.as_bytes().encode(encoder)
            }
        }

        impl<Context> Decode<Context> for $name {
            fn decode<D: Decoder<Context = Context>>(decoder: &mut D) -> Result<Self, DecodeError> {
                Ok(Self(Uuid::from_bytes(Decode::decode(decoder)?)))
            }
        }

        bincode::impl_borrow_decode!($name);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::from_str(text).map(Self)
            }
        }
    };
}

uuid_id!(
    /// A user of this server.
    UserId
);
uuid_id!(
    /// A space that people join.
    SpaceId
);
uuid_id!(
    /// An element of the catalogue: an image with a size in tiles.
    ElementId
);
uuid_id!(
    /// An element placed at one position of one space.
    PlacementId
);
uuid_id!(
    /// An avatar image.
    AvatarId
);
uuid_id!(
    /// A template of spaces.
    MapId
);
uuid_id!(
    /// One chat message.
    ChatId
);
uuid_id!(
    /// One direct message.
    MessageId
);
uuid_id!(
    /// A list of words of a space's word filter. A changed list has another id.
    WordListId
);

/// A user's player in one space. Small, so that it takes few bytes on the wire. Never reused while
/// the space lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct PlayerId(pub u32);

/// The relay through which a client joins a space. Random, and different in each process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct RelayId(pub u64);
