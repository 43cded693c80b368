//! Words: the messages between a client and the SFU, as JSON.

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

/// Maximum length of an unpacked description, in bytes.
const MAX_DESCRIPTION: u64 = 128 * 1_024;

/// Maximum number of streams of one connection, in both directions.
const MAX_STREAMS: usize = 48;

/// A client's request, as an object with one key.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum SfuRequest {
    /// Connects, or changes the connection.
    Offer {
        /// Id that the client chose for the connection.
        session: String,
        /// The description (SDP), compressed by zlib (RFC 1950), in base64. Compressed, dozens of
        /// streams fit into one message.
        packed: String,
    },
    /// Height at which the client shows each player's video, in pixels; 0 for hidden.
    Show(BTreeMap<u32, u32>),
}

/// A reply of the SFU, as an object with one key.
#[derive(Debug, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub(super) enum SfuReply<'a> {
    /// Accepts an offer.
    Answer {
        /// Session of the offer.
        session: &'a str,
        /// The description, packed like that of the offer.
        packed: String,
    },
    /// Which streams come in which slots of the connection; other slots are empty.
    Slots {
        /// Session of the connection.
        session: &'a str,
        /// The slots in use.
        slots: Vec<StreamSlot>,
    },
    /// The SFU has no connection of this client; the client should offer one.
    Again {},
    /// Refuses an offer.
    Refused {
        /// Session of the offer.
        session: &'a str,
        /// Reason, in English.
        reason: String,
    },
}

/// A stream in a slot of the connection.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub(super) struct StreamSlot {
    /// Id of the slot in the description.
    pub mid: String,
    /// Player who sends the stream.
    pub player: u32,
    /// Kind of the stream.
    pub kind: Stream,
}

/// Why an offer is refused. The text is for the author of the client.
#[derive(Debug, thiserror::Error)]
pub enum OfferError {
    /// The text is not base64.
    #[error("the description is not in base 64")]
    Encoding,
    /// The bytes are not compressed, or too long when unpacked.
    #[error("the description cannot be unpacked, or is longer than 128 KiB")]
    Packing,
    /// The offer has too many streams.
    #[error("a connection has at most 48 streams")]
    TooMany,
    /// The text is not an SDP offer.
    #[error("the offer is not a session description: {0}")]
    Description(String),
}

/// Unpacks and parses an offer.
pub(super) fn read(packed: &str) -> Result<SdpOffer, OfferError> {
    let text = unpack(packed)?;
    if text.lines().filter(|line| line.starts_with("m=")).count() > MAX_STREAMS {
        return Err(OfferError::TooMany);
    }
    SdpOffer::from_sdp_string(&text).map_err(|error| OfferError::Description(error.to_string()))
}

/// Packs a description: zlib, then base64.
pub fn pack(text: &str) -> String {
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::default());
    let packed = packed
        .write_all(text.as_bytes())
        .and_then(|()| packed.finish());
    STANDARD.encode(packed.expect("memory takes everything"))
}

/// Unpacks a description.
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
    fn requests_of_clients_are_parsed() {
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
    fn an_offer_that_unpacks_to_too_much_is_refused() {
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
