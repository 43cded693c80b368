//! Slots: the places in a client's connection for streams of other players, and the clock of each.

use std::collections::BTreeMap;
use std::time::Instant;

use str0m::media::{MediaData, MediaTime, Mid};

use super::layers::Quality;
use super::session::Source;
use super::tracks::StreamName;
use super::words;

/// Id of a layer that is being forwarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct LayerName(StreamName);

/// The stream of another player in a slot.
#[derive(Debug)]
struct Feed {
    source: Source,
    quality: Quality,
    /// The layer that is forwarded; `None` before the first keyframe.
    layer: Option<LayerName>,
}

/// A slot for a stream of another player.
#[derive(Debug)]
struct OutgoingStream {
    mid: Mid,
    is_picture: bool,
    feed: Option<Feed>,
    /// Last media time in the slot, and when. The slot's clock is continuous, although each sender
    /// that uses it has a clock of its own.
    last: Option<(u64, Instant)>,
    offset: i128,
}

/// What becomes of a frame.
pub(super) enum Forwarding {
    /// It is sent in this track at this time.
    Send(Mid, MediaTime),
    /// It is not sent.
    Skip,
    /// It is not sent: the switch to its layer needs a keyframe first.
    NeedsKeyframe,
}

/// The slots of a client.
#[derive(Debug, Default)]
pub(super) struct Slots(Vec<OutgoingStream>);

impl Slots {
    /// Adds a slot that the client offers.
    pub(super) fn add(&mut self, mid: Mid, is_picture: bool) {
        self.0.push(OutgoingStream {
            mid,
            is_picture,
            feed: None,
            last: None,
            offset: 0,
        });
    }

    /// Tracks of all slots.
    #[cfg(test)]
    pub(super) fn mids(&self) -> Vec<Mid> {
        self.0.iter().map(|slot| slot.mid).collect()
    }

    /// The stream and layer in the slot of this track.
    pub(super) fn forwarded(&self, mid: Mid) -> Option<(Source, StreamName)> {
        let slot = self.0.iter().find(|slot| slot.mid == mid)?;
        let feed = slot.feed.as_ref()?;
        Some((feed.source, feed.layer?.0))
    }

    /// Assigns slots to these streams, and frees the slots of others. Returns the streams that got
    /// a new slot.
    pub(super) fn assign(&mut self, wanted: &BTreeMap<Source, Quality>) -> Vec<Source> {
        let mut missing: BTreeMap<Source, Quality> = wanted.clone();
        for slot in &mut self.0 {
            if let Some(feed) = &mut slot.feed {
                match missing.remove(&feed.source) {
                    Some(quality) => feed.quality = quality,
                    None => slot.feed = None,
                }
            }
        }
        let mut placed = Vec::new();
        for (source, quality) in missing {
            let is_picture = source.1.is_picture();
            let mut free = self.0.iter_mut().filter(|slot| slot.feed.is_none());
            if let Some(slot) = free.find(|slot| slot.is_picture == is_picture) {
                slot.feed = Some(Feed {
                    source,
                    quality,
                    layer: None,
                });
                placed.push(source);
            }
        }
        placed
    }

    /// The occupied slots, with their streams.
    pub(super) fn feeds(&self) -> impl Iterator<Item = (usize, Source)> {
        let slots = self.0.iter().enumerate();
        slots.filter_map(|(number, slot)| Some((number, slot.feed.as_ref()?.source)))
    }

    /// The occupied slots, as the client is told of them.
    pub(super) fn listed(&self) -> Vec<words::StreamSlot> {
        let slots = self.0.iter().filter_map(|slot| {
            let (player, kind) = slot.feed.as_ref()?.source;
            Some(words::StreamSlot {
                mid: slot.mid.to_string(),
                player: player.0,
                kind,
            })
        });
        slots.collect()
    }

    /// The quality requested for the stream in a slot.
    pub(super) fn quality(&self, slot: usize) -> Option<Quality> {
        Some(self.0.get(slot)?.feed.as_ref()?.quality)
    }

    /// Places a frame in a slot and on its clock. `is_wanted` says whether its layer is the one to
    /// switch to.
    pub(super) fn forward(
        &mut self,
        slot: usize,
        frame: &MediaData,
        is_wanted: bool,
    ) -> Forwarding {
        let Some(slot) = self.0.get_mut(slot) else {
            return Forwarding::Skip;
        };
        let Some(feed) = &mut slot.feed else {
            return Forwarding::Skip;
        };
        let layer = Some(LayerName(frame.rid));
        if feed.layer != layer {
            if !is_wanted {
                return Forwarding::Skip;
            }
            if slot.is_picture && !frame.is_keyframe() {
                return Forwarding::NeedsKeyframe;
            }
            feed.layer = layer;
            slot.continue_clock(frame);
        }
        match slot.time_of(frame) {
            Some(time) => Forwarding::Send(slot.mid, time),
            None => Forwarding::Skip,
        }
    }
}

impl OutgoingStream {
    /// Sets the slot's clock so that it goes on with this frame, from another sender or layer.
    fn continue_clock(&mut self, frame: &MediaData) {
        let ticks = i128::from(frame.time.numer());
        let frequency = i128::from(frame.time.frequency().get());
        self.offset = self.last.map_or(0, |(last, at)| {
            let passed = frame.network_time.saturating_duration_since(at).as_micros();
            let passed = i128::try_from(passed).unwrap_or(i128::MAX / frequency);
            i128::from(last) + (passed * frequency / 1_000_000).max(1) - ticks
        });
    }

    /// Time of a frame on the slot's clock.
    fn time_of(&mut self, frame: &MediaData) -> Option<MediaTime> {
        let time = u64::try_from(i128::from(frame.time.numer()) + self.offset).ok()?;
        if self.last.is_none_or(|(last, _)| time > last) {
            self.last = Some((time, frame.network_time));
        }
        Some(MediaTime::new(time, frame.time.frequency()))
    }
}
