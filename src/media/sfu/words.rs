//! Words: what a client and the forwarding unit say to each other, as JSON.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use serde::{Deserialize, Serialize};
use str0m::change::SdpOffer;

use super::session::Stream;

/// Bytes of a description at most, once it is unpacked.
const MAX_DESCRIPTION: u64 = 128 * 1_024;

/// Streams of one connection at most, in both directions.
const MAX_STREAMS: usize = 48;

/// What a client asks for, each under its own name.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum SfuRequest {
    /// To connect, or to change the connection.
    Offer {
        /// Another one for each connection.
        session: String,
        /// The description (SDP), compressed by zlib (RFC 1950), in base 64: dozens of streams fit
        /// into one message.
        packed: String,
    },
    /// By player, how high it shows their pictures, in pixels; 0 for not at all.
    Show(BTreeMap<u32, u32>),
}

/// What the unit says, each under its own name.
#[derive(Debug, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub(super) enum SfuReply<'a> {
    /// The connection is agreed on.
    Answer {
        /// Of the offer.
        session: &'a str,
        /// The description, as that of the offer.
        packed: String,
    },
    /// Whose streams come in which places of the connection; other places are empty.
    Slots {
        /// Of the connection.
        session: &'a str,
        /// Each place that is in use.
        slots: Vec<StreamSlot>,
    },
    /// The unit knows no connection of this client's: it shall offer one.
    Again {},
    /// An offer was of no use.
    Refused {
        /// Of the offer.
        session: &'a str,
        /// Why.
        reason: String,
    },
}

/// Whose stream comes in a place of the connection.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub(super) struct StreamSlot {
    /// The place, by the name in the description.
    pub mid: String,
    /// Whose.
    pub player: u32,
    /// Which.
    pub kind: Stream,
}

/// Why an offer is of no use; the text is for whoever wrote the client.
#[derive(Debug, thiserror::Error)]
pub enum OfferError {
    /// Not base 64.
    #[error("the description is not in base 64")]
    Encoding,
    /// Not compressed, or far too long.
    #[error("the description cannot be unpacked, or is longer than 128 KiB")]
    Packing,
    /// Too many streams.
    #[error("a connection has at most 48 streams")]
    TooMany,
    /// Not a description.
    #[error("the offer is no description of a session: {0}")]
    Description(String),
}

/// Reads an offer.
pub(super) fn read(packed: &str) -> Result<SdpOffer, OfferError> {
    let text = unpack(packed)?;
    if text.lines().filter(|line| line.starts_with("m=")).count() > MAX_STREAMS {
        return Err(OfferError::TooMany);
    }
    SdpOffer::from_sdp_string(&text).map_err(|error| OfferError::Description(error.to_string()))
}

/// A description as it travels.
pub fn pack(text: &str) -> String {
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::default());
    let packed = packed
        .write_all(text.as_bytes())
        .and_then(|()| packed.finish());
    STANDARD.encode(packed.expect("memory takes everything"))
}

/// A description that has travelled.
pub fn unpack(packed: &str) -> Result<String, OfferError> {
    let packed = STANDARD.decode(packed).map_err(|_| OfferError::Encoding)?;
    let mut text = String::new();
    let mut unpacked = ZlibDecoder::new(packed.as_slice()).take(MAX_DESCRIPTION + 1);
    unpacked
        .read_to_string(&mut text)
        .map_err(|_| OfferError::Packing)?;
    if text.len() as u64 > MAX_DESCRIPTION {
        return Err(OfferError::Packing);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clients_ask_for_is_understood() {
        let offer =
            serde_json::from_str(r#"{"offer":{"session":"a","packed":"eJwDAAAAAAE="}}"#).unwrap();
        assert!(matches!(offer, SfuRequest::Offer { session, .. } if session == "a"));
        let show = serde_json::from_str(r#"{"show":{"7":180,"9":0}}"#).unwrap();
        assert!(
            matches!(show, SfuRequest::Show(show) if show == BTreeMap::from([(7, 180), (9, 0)]))
        );
        assert!(serde_json::from_str::<SfuRequest>(r#"{"subscribe":7}"#).is_err());
    }

    #[test]
    fn an_offer_that_unpacks_to_a_bomb_is_refused() {
        let bomb = pack(&"m".repeat(1 << 24));
        assert!(bomb.len() < 1 << 17);
        assert!(matches!(read(&bomb), Err(OfferError::Packing)));
        assert!(matches!(read("%"), Err(OfferError::Encoding)));
        assert!(matches!(read("AAAA"), Err(OfferError::Packing)));
        assert!(matches!(
            read(&pack(&"m=\n".repeat(49))),
            Err(OfferError::TooMany)
        ));
        assert!(matches!(
            read(&pack("hello")),
            Err(OfferError::Description(_))
        ));
    }
}
