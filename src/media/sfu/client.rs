//! Client: one player's connection to the SFU. `tracks` has the streams they send, `slots` those of
//! others that they receive.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use str0m::bwe::{Bitrate, BweKind};
use str0m::change::{SdpAnswer, SdpOffer};
use str0m::config::DtlsCert;
use str0m::media::{Direction, KeyframeRequestKind, MediaAdded, MediaData, MediaKind};
use str0m::{Candidate, Event, Input, Output, Rtc, RtcConfig, RtcError};

use super::layers::{LayerRequest, Quality};
use super::session::{Source, Stream};
use super::slots::{Forwarding, Slots};
use super::tracks::{StreamName, Tracks};
use super::words;
use crate::components::id::{PlayerId, SpaceId};

/// Height at which a client is assumed to show a video until it says otherwise, in pixels.
const HEIGHT: u32 = 180;

/// Assumed bandwidth of a connection until it is measured.
const FIRST_ESTIMATE: Bitrate = Bitrate::mbps(2);

/// Lowest assumed bandwidth while video is requested: some voices and one coarse video. Estimates
/// go by delay, and the delays of a busy machine look like those of a slow connection.
const LEAST: Bitrate = Bitrate::kbps(400);

/// Assumed bitrate of a voice, in bits per second.
const VOICE: u64 = 40_000;

/// Delay of work that is due at once: other connections come first, and frames that arrive together
/// are sent together. Each time a connection's clock advances, it looks at all its streams.
const SOON: Duration = Duration::from_millis(2);

/// Work that is due within this time is due now. The pacer sends one packet each time the clock
/// advances and expects one microsecond between packets. If each packet waited for the next turn,
/// a busy machine would send one packet per turn, and video, which waits longest, not at all.
const AT_ONCE: Duration = Duration::from_micros(200);

/// One player's connection.
pub(super) struct SfuClient {
    rtc: Rtc,
    pub(super) space: SpaceId,
    pub(super) player: PlayerId,
    pub(super) session: String,
    tracks: Tracks,
    slots: Slots,
    shown: BTreeMap<PlayerId, u32>,
    estimate: u64,
    /// Whether the client requests any video.
    wants_video: bool,
    /// When the connection is due to be served.
    pub(super) due: Instant,
    /// When the clock is due to advance. That sends what was written, and is the most expensive
    /// step.
    clock: Instant,
    /// Whether a packet was sent since the clock advanced: the pacer may have another.
    has_sent: bool,
    /// The slots the client was told last; `None` if it may have missed them.
    told: Option<Vec<words::StreamSlot>>,
}

/// An event of a connection.
pub(super) enum SfuEvent {
    /// A packet to send.
    Packet(str0m::net::Transmit),
    /// A frame of one of the client's streams.
    Frame(Stream, Box<MediaData>),
    /// The client needs a keyframe.
    Keyframe(Source, StreamName),
    /// Slots, or the bandwidth for them, changed.
    Replan,
}

impl SfuClient {
    pub(super) fn new(
        (space, player): (SpaceId, PlayerId),
        session: String,
        certificate: &DtlsCert,
        candidates: &[Candidate],
        now: Instant,
    ) -> Self {
        let mut rtc = RtcConfig::new()
            .set_ice_lite(true)
            .set_dtls_cert(certificate.clone())
            .clear_codecs()
            .enable_opus(true, false)
            .enable_vp8(true)
            .enable_bwe(Some(FIRST_ESTIMATE))
            .build(now);
        for candidate in candidates {
            rtc.add_local_candidate(candidate.clone());
        }
        Self {
            rtc,
            space,
            player,
            session,
            tracks: Tracks::new(now),
            slots: Slots::default(),
            shown: BTreeMap::new(),
            estimate: FIRST_ESTIMATE.as_u64(),
            wants_video: false,
            due: now,
            clock: now,
            has_sent: false,
            told: None,
        }
    }

    /// Accepts an offer, and returns the answer.
    pub(super) fn accept(&mut self, offer: SdpOffer, now: Instant) -> Result<SdpAnswer, RtcError> {
        self.advance_by(now);
        self.rtc.sdp_api().accept_offer(offer)
    }

    /// What names this client in the connectivity checks of its browser. Each offer may change it.
    pub(super) fn ufrag(&mut self) -> String {
        self.rtc.direct_api().local_ice_credentials().ufrag
    }

    pub(super) fn is_alive(&self) -> bool {
        self.rtc.is_alive()
    }

    pub(super) fn accepts(&self, input: &Input) -> bool {
        self.rtc.accepts(input)
    }

    /// Advances the clock if it is due.
    pub(super) fn advance(&mut self, now: Instant) {
        if self.clock <= now {
            self.receive(Input::Timeout(now), now);
        }
    }

    fn advance_by(&mut self, at: Instant) {
        self.clock = self.clock.min(at);
        self.due = self.due.min(at);
    }

    pub(super) fn receive(&mut self, input: Input, now: Instant) {
        self.due = now;
        if let Err(error) = self.rtc.handle_input(input) {
            tracing::debug!(player = self.player.0, %error, "a call connection ended");
            self.rtc.disconnect();
        }
    }

    /// Sets the heights at which the client shows videos. The slots are sent again, since clients
    /// also send this when they may have missed something.
    pub(super) fn show(&mut self, shown: BTreeMap<u32, u32>) {
        self.told = None;
        self.shown = shown
            .into_iter()
            .map(|(player, height)| (PlayerId(player), height))
            .collect();
    }

    /// The next event; `None` until `due`.
    pub(super) fn poll(&mut self, now: Instant) -> Option<SfuEvent> {
        loop {
            let output = match self.rtc.poll_output() {
                Ok(output) => output,
                Err(error) => {
                    tracing::debug!(player = self.player.0, %error, "a call connection ended");
                    self.rtc.disconnect();
                    return None;
                }
            };
            match output {
                Output::Timeout(due) if self.has_sent && due <= now + AT_ONCE => {
                    self.has_sent = false;
                    self.receive(Input::Timeout(due), now);
                }
                Output::Timeout(due) => {
                    self.clock = due.max(now + SOON);
                    self.due = self.clock;
                    return None;
                }
                Output::Transmit(packet) => {
                    self.has_sent = true;
                    return Some(SfuEvent::Packet(packet));
                }
                Output::Event(event) => {
                    if let Some(event) = self.take(event) {
                        return Some(event);
                    }
                }
            }
        }
    }

    fn take(&mut self, event: Event) -> Option<SfuEvent> {
        match event {
            Event::MediaAdded(added) => {
                self.add(&added);
                Some(SfuEvent::Replan)
            }
            Event::MediaData(frame) => self.hear(frame),
            Event::KeyframeRequest(request) => {
                let (source, layer) = self.slots.forwarded(request.mid)?;
                Some(SfuEvent::Keyframe(source, layer))
            }
            Event::EgressBitrateEstimate(
                BweKind::Twcc { estimate, .. } | BweKind::Remb { estimate, .. },
            ) => {
                self.estimate = estimate.as_u64();
                // Packets are sent no faster than the estimate: below this, no video would get
                // through.
                if self.wants_video && self.estimate < LEAST.as_u64() {
                    self.believe(LEAST);
                }
                Some(SfuEvent::Replan)
            }
            Event::IceConnectionStateChange(str0m::IceConnectionState::Disconnected) => {
                self.rtc.disconnect();
                None
            }
            _ => None,
        }
    }

    fn add(&mut self, added: &MediaAdded) {
        match added.direction {
            Direction::RecvOnly => self.tracks.add(added.mid),
            Direction::SendOnly => self.slots.add(added.mid, added.kind == MediaKind::Video),
            // Our clients do not offer such streams.
            Direction::SendRecv | Direction::Inactive => {}
        }
    }

    fn hear(&mut self, frame: MediaData) -> Option<SfuEvent> {
        let stream = self.tracks.hear(&frame)?;
        if stream.is_picture() && !frame.contiguous {
            self.ask_for_keyframe(stream, frame.rid, frame.network_time);
        }
        Some(SfuEvent::Frame(stream, Box::new(frame)))
    }

    /// Requests a keyframe, unless one was requested just now.
    pub(super) fn ask_for_keyframe(&mut self, stream: Stream, rid: StreamName, now: Instant) {
        let Some(mid) = self.tracks.ask(stream, rid, now) else {
            return;
        };
        self.advance_by(now);
        if let Some(mut writer) = self.rtc.writer(mid)
            && let Err(error) = writer.request_keyframe(rid, KeyframeRequestKind::Pli)
        {
            tracing::debug!(%error, "failed to request a keyframe");
        }
    }

    /// Measures the bitrates of the client's streams.
    pub(super) fn measure(&mut self, now: Instant) -> bool {
        self.tracks.measure(now)
    }

    /// Whether `rid` is the layer of the client's stream for that quality.
    pub(super) fn is_layer(
        &self,
        stream: Stream,
        quality: Quality,
        rid: StreamName,
        now: Instant,
    ) -> bool {
        self.tracks.is_layer(stream, quality, rid, now)
    }

    /// The request for the client's video by a receiver that shows it at `height` pixels.
    pub(super) fn request(&self, stream: Stream, height: u32, now: Instant) -> LayerRequest {
        self.tracks.request((self.player, stream), height, now)
    }

    /// Height at which the client shows a video, in pixels.
    pub(super) fn height_of(&self, (player, stream): Source) -> u32 {
        match stream {
            Stream::Screen => u32::MAX,
            _ => self.shown.get(&player).copied().unwrap_or(HEIGHT),
        }
    }

    /// Restarts the bandwidth estimate from the given value.
    fn believe(&mut self, estimate: Bitrate) {
        self.rtc.bwe().reset(estimate);
        self.estimate = estimate.as_u64();
    }

    /// Bits per second left for video when `voices` voices are received.
    pub(super) fn budget(&self, voices: usize) -> u64 {
        self.estimate.saturating_sub(bitrate_of(voices))
    }

    /// Sets the bitrate of everything the client requests; bandwidth is probed up to that.
    pub(super) fn want(&mut self, video: u64, voices: usize, now: Instant) {
        // While only voices were sent, nothing measured the bandwidth: the estimate from that time
        // says little.
        let wants_video = video > 0;
        if wants_video && !self.wants_video {
            self.believe(FIRST_ESTIMATE);
        }
        self.wants_video = wants_video;
        let bits = video + bitrate_of(voices.max(1));
        self.rtc
            .bwe()
            .set_bitrate(Bitrate::ZERO, Bitrate::bps(bits + bits / 4));
        self.advance_by(now);
    }

    /// Assigns slots to these streams, and frees the slots of others. Returns the streams that got
    /// a new slot.
    pub(super) fn assign(&mut self, wanted: &BTreeMap<Source, Quality>) -> Vec<Source> {
        self.slots.assign(wanted)
    }

    /// The occupied slots, with their streams.
    pub(super) fn feeds(&self) -> impl Iterator<Item = (usize, Source)> {
        self.slots.feeds()
    }

    /// The streams in the slots, if they differ from what the client was told.
    pub(super) fn news(&mut self) -> Option<Vec<words::StreamSlot>> {
        let slots = self.slots.listed();
        if self.told.as_ref() == Some(&slots) {
            return None;
        }
        self.told = Some(slots.clone());
        Some(slots)
    }

    /// The quality requested for the stream in a slot.
    pub(super) fn quality(&self, slot: usize) -> Option<Quality> {
        self.slots.quality(slot)
    }

    /// Forwards a frame into a slot. `is_wanted` says whether its layer is the one to switch to.
    /// Returns `true` if the switch needs a keyframe first.
    pub(super) fn forward(
        &mut self,
        slot: usize,
        frame: &MediaData,
        is_wanted: bool,
        now: Instant,
    ) -> bool {
        let (mid, time) = match self.slots.forward(slot, frame, is_wanted) {
            Forwarding::Send(mid, time) => (mid, time),
            Forwarding::Skip => return false,
            Forwarding::NeedsKeyframe => return true,
        };
        let Some(mut writer) = self.rtc.writer(mid) else {
            return false;
        };
        let Some(pt) = writer.match_params(frame.params) else {
            return false;
        };
        if let (Some(level), Some(speaks)) =
            (frame.ext_vals.audio_level, frame.ext_vals.voice_activity)
        {
            writer = writer.audio_level(level, speaks);
        }
        if let Some(orientation) = frame.ext_vals.video_orientation {
            writer = writer.video_orientation(orientation);
        }
        if let Err(error) = writer.write(pt, frame.network_time, time, Arc::clone(&frame.data)) {
            tracing::debug!(player = self.player.0, %error, "failed to forward a frame");
        }
        self.advance_by(now + SOON);
        false
    }

    /// Ends the connection.
    pub(super) fn close(&mut self) {
        self.rtc.disconnect();
    }
}

/// Assumed bitrate of that many voices, in bits per second.
fn bitrate_of(voices: usize) -> u64 {
    VOICE * u64::try_from(voices).unwrap_or(u64::MAX / VOICE)
}

#[cfg(test)]
mod tests;
