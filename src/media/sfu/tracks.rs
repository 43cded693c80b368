//! Tracks: the streams that a client sends, with the layers of each and their bitrates.

use std::time::{Duration, Instant};

use str0m::media::{MediaData, Mid, Rid};

use super::layers::{LayerRequest, Quality};
use super::session::Stream;
use crate::components::id::PlayerId;

/// Assumed bitrates of video until they are measured, in bits per second.
const COARSE: u64 = 150_000;
const FINE: u64 = 600_000;
const SCREEN: u64 = 1_000_000;

/// Shortest interval between keyframe requests to the sender of a video.
const KEYFRAME_EVERY: Duration = Duration::from_millis(400);

/// A layer that was silent for longer counts as no longer sent.
const SILENT: Duration = Duration::from_millis(1_500);

/// Interval at which the bitrates of streams are measured.
const MEASURE: Duration = Duration::from_secs(1);

/// Id of a layer; `None` if the stream has only one.
pub(super) type StreamName = Option<Rid>;

/// One layer of a stream that the client sends.
#[derive(Debug)]
struct StreamLayer {
    rid: StreamName,
    /// Bits since the last measurement.
    bits: u64,
    /// Bits per second; `None` until measured.
    rate: Option<u64>,
    heard: Instant,
    asked: Option<Instant>,
}

/// A stream that the client sends.
#[derive(Debug)]
struct IncomingTrack {
    mid: Mid,
    /// Sorted from coarse to fine.
    layers: Vec<StreamLayer>,
}

/// Tracks the client sends, in the order of [`Stream::ALL`].
#[derive(Debug)]
pub(super) struct Tracks {
    tracks: Vec<IncomingTrack>,
    measured: Instant,
}

impl Tracks {
    pub(super) const fn new(now: Instant) -> Self {
        Self {
            tracks: Vec::new(),
            measured: now,
        }
    }

    /// Adds the next track of the client's offer.
    pub(super) fn add(&mut self, mid: Mid) {
        let layers = Vec::new();
        self.tracks.push(IncomingTrack { mid, layers });
    }

    /// Counts a frame; returns its stream.
    pub(super) fn hear(&mut self, frame: &MediaData) -> Option<Stream> {
        let tracks = self.tracks.iter_mut().zip(Stream::ALL);
        let (track, stream) = tracks
            .into_iter()
            .find(|(track, _)| track.mid == frame.mid)?;
        let bits = 8 * u64::try_from(frame.data.len()).unwrap_or(u64::MAX / 8);
        let layers = &mut track.layers;
        if let Some(layer) = layers.iter_mut().find(|layer| layer.rid == frame.rid) {
            layer.bits += bits;
            layer.heard = frame.network_time;
        } else {
            layers.push(StreamLayer {
                rid: frame.rid,
                bits,
                rate: None,
                heard: frame.network_time,
                asked: None,
            });
            // `l` is the coarse layer; the other is `h`, or has no id if it is the only one.
            layers.sort_by_key(|layer| layer.rid != Some(Rid::from("l")));
        }
        Some(stream)
    }

    /// The track in which a keyframe is to be requested, unless one was requested just now.
    pub(super) fn ask(&mut self, stream: Stream, rid: StreamName, now: Instant) -> Option<Mid> {
        let mut tracks = self.tracks.iter_mut().zip(Stream::ALL);
        let (track, _) = tracks.find(|(_, of)| *of == stream)?;
        let layer = track.layers.iter_mut().find(|layer| layer.rid == rid)?;
        if layer
            .asked
            .is_some_and(|asked| now < asked + KEYFRAME_EVERY)
        {
            return None;
        }
        layer.asked = Some(now);
        Some(track.mid)
    }

    /// Measures the bitrates when it is time; returns whether it did.
    pub(super) fn measure(&mut self, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.measured);
        if passed < MEASURE {
            return false;
        }
        self.measured = now;
        for layer in self.tracks.iter_mut().flat_map(|track| &mut track.layers) {
            let rate = u128::from(layer.bits) * 1_000_000 / passed.as_micros();
            let rate = u64::try_from(rate).unwrap_or(u64::MAX);
            layer.bits = 0;
            layer.rate = Some(layer.rate.map_or(rate, |before| before.midpoint(rate)));
        }
        true
    }

    /// The layers of a stream that are being sent, from coarse to fine.
    fn sent(&self, stream: Stream, now: Instant) -> impl Iterator<Item = &StreamLayer> {
        let tracks = self.tracks.iter().zip(Stream::ALL);
        let track = tracks.filter(move |(_, of)| *of == stream);
        track
            .flat_map(|(track, _)| &track.layers)
            .filter(move |layer| now < layer.heard + SILENT)
    }

    /// Whether `rid` is the layer of a stream for that quality.
    pub(super) fn is_layer(
        &self,
        stream: Stream,
        quality: Quality,
        rid: StreamName,
        now: Instant,
    ) -> bool {
        let mut sent = self.sent(stream, now);
        let layer = match quality {
            Quality::Coarse => sent.next(),
            Quality::Fine => sent.last(),
        };
        layer.is_some_and(|layer| layer.rid == rid)
    }

    /// The request for a video of this player by a receiver that shows it at `height` pixels.
    pub(super) fn request(
        &self,
        (player, stream): (PlayerId, Stream),
        height: u32,
        now: Instant,
    ) -> LayerRequest {
        let mut sent = self.sent(stream, now);
        let usual = if stream == Stream::Screen {
            SCREEN
        } else {
            COARSE
        };
        let rate = |layer: &StreamLayer, usual: u64| layer.rate.unwrap_or(usual).max(usual / 8);
        LayerRequest {
            source: (player, stream),
            height,
            coarse: sent.next().map_or(usual, |layer| rate(layer, usual)),
            fine: sent.next().map(|layer| rate(layer, FINE)),
        }
    }
}
