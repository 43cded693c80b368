//! Client: one person's connection to the unit: what they send, and the places in which others come
//! to them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use str0m::bwe::{Bitrate, BweKind};
use str0m::change::{SdpAnswer, SdpOffer};
use str0m::config::DtlsCert;
use str0m::media::{
    Direction, KeyframeRequestKind, MediaAdded, MediaData, MediaKind, MediaTime, Mid, Rid,
};
use str0m::{Candidate, Event, Input, Output, Rtc, RtcConfig, RtcError};

use super::layers::{LayerRequest, Quality};
use super::session::{Source, Stream};
use super::words;
use crate::components::id::{PlayerId, SpaceId};

/// What somebody is taken to show of a picture until they say otherwise, in pixels of height.
const HEIGHT: u32 = 180;

/// What somebody's connection is taken to carry until it was measured.
const FIRST_ESTIMATE: Bitrate = Bitrate::mbps(2);

/// What every line is believed to take while a picture is wished for: some voices and one coarse
/// picture. Estimates go by delays, and those of a busy machine look like those of a slow line.
const LEAST: Bitrate = Bitrate::kbps(400);

/// What a stream takes until it was measured, in bits a second.
const VOICE: u64 = 40_000;
const COARSE: u64 = 150_000;
const FINE: u64 = 600_000;
const SCREEN: u64 = 1_000_000;

/// How often the sender of a picture is asked for a whole one at most.
const KEYFRAME_EVERY: Duration = Duration::from_millis(400);

/// A layer that was silent for longer is not sent any more.
const SILENT: Duration = Duration::from_millis(1_500);

/// What is due at once is due after what others have to do, and frames that come together leave
/// together: each time that a connection's clock is advanced it looks at every stream it has.
const SOON: Duration = Duration::from_millis(2);

/// What is due within this is due now: the pacer lets one packet go each time that the clock is
/// advanced, and counts on one microsecond between them. Where the next waited for its turn, a busy
/// machine would send one packet a turn, and what waits longest, pictures, not at all.
const AT_ONCE: Duration = Duration::from_micros(200);

/// How often the rates of streams are measured.
const MEASURE: Duration = Duration::from_secs(1);

/// What a layer is called; nothing when there is only one.
type StreamName = Option<Rid>;

/// A layer of somebody's stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct LayerName(StreamName);

/// One layer of a stream that somebody sends.
#[derive(Debug)]
struct StreamLayer {
    rid: StreamName,
    /// Bits since it was measured last.
    bits: u64,
    /// Bits a second; nothing until it was measured.
    rate: Option<u64>,
    heard: Instant,
    asked: Option<Instant>,
}

/// A stream that somebody sends.
#[derive(Debug)]
struct IncomingTrack {
    mid: Mid,
    /// From coarse to fine.
    layers: Vec<StreamLayer>,
}

/// A place for somebody else's stream.
#[derive(Debug)]
struct OutgoingStream {
    mid: Mid,
    is_picture: bool,
    feed: Option<Feed>,
    /// Where the clock of the place is: it runs on although those who take turns in it have clocks
    /// of their own.
    last: Option<(u64, Instant)>,
    offset: i128,
}

/// Somebody else's stream, in a place.
#[derive(Debug)]
struct Feed {
    source: Source,
    quality: Quality,
    /// The layer that is forwarded; nothing before the first whole picture.
    layer: Option<LayerName>,
}

/// One person's connection.
pub(super) struct SfuClient {
    rtc: Rtc,
    pub(super) space: SpaceId,
    pub(super) player: PlayerId,
    pub(super) session: String,
    /// What they send, in the order of [`Stream::ALL`].
    tracks: Vec<IncomingTrack>,
    slots: Vec<OutgoingStream>,
    shown: BTreeMap<PlayerId, u32>,
    estimate: u64,
    /// Whether somebody's picture is wished for.
    wants_pictures: bool,
    measured: Instant,
    /// When it wants to be looked at again.
    pub(super) due: Instant,
    /// When its clock is to be advanced: that sends what was written, and takes longer than
    /// anything else.
    clock: Instant,
    /// Whether a packet went since its clock was advanced: the pacer may have another.
    has_sent: bool,
    /// What they were told last; nothing when they may have missed it.
    told: Option<Vec<words::StreamSlot>>,
}

/// What comes out of a connection.
pub(super) enum SfuEvent {
    /// To be sent.
    Packet(str0m::net::Transmit),
    /// A frame of one of their streams.
    Frame(Stream, Box<MediaData>),
    /// They need a whole picture.
    Keyframe(Source, StreamName),
    /// Places, or what fits into them, changed.
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
            tracks: Vec::new(),
            slots: Vec::new(),
            shown: BTreeMap::new(),
            estimate: FIRST_ESTIMATE.as_u64(),
            wants_pictures: false,
            measured: now,
            due: now,
            clock: now,
            has_sent: false,
            told: None,
        }
    }

    /// Agrees on what is sent from now on.
    pub(super) fn accept(&mut self, offer: SdpOffer, now: Instant) -> Result<SdpAnswer, RtcError> {
        self.advance_by(now);
        self.rtc.sdp_api().accept_offer(offer)
    }

    pub(super) fn is_alive(&self) -> bool {
        self.rtc.is_alive()
    }

    pub(super) fn accepts(&self, input: &Input) -> bool {
        self.rtc.accepts(input)
    }

    /// Advances its clock, when it is time for that.
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
            tracing::debug!(player = self.player.0, %error, "a call's connection ends");
            self.rtc.disconnect();
        }
    }

    /// How large they show others. They are told again who comes where: they say it, too, when they
    /// may have missed something.
    pub(super) fn show(&mut self, shown: BTreeMap<u32, u32>) {
        self.told = None;
        self.shown = shown
            .into_iter()
            .map(|(player, height)| (PlayerId(player), height))
            .collect();
    }

    /// The next thing that comes out; nothing until `due`.
    pub(super) fn poll(&mut self, now: Instant) -> Option<SfuEvent> {
        loop {
            let output = match self.rtc.poll_output() {
                Ok(output) => output,
                Err(error) => {
                    tracing::debug!(player = self.player.0, %error, "a call's connection ends");
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
                    if let Some(happening) = self.take(event) {
                        return Some(happening);
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
                let slot = self.slots.iter().find(|slot| slot.mid == request.mid)?;
                let feed = slot.feed.as_ref()?;
                Some(SfuEvent::Keyframe(feed.source, feed.layer?.0))
            }
            Event::EgressBitrateEstimate(
                BweKind::Twcc { estimate, .. } | BweKind::Remb { estimate, .. },
            ) => {
                self.estimate = estimate.as_u64();
                // Packets are sent no faster than is believed of the line: below this no picture
                // would come at all.
                if self.wants_pictures && self.estimate < LEAST.as_u64() {
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
            Direction::RecvOnly => self.tracks.push(IncomingTrack {
                mid: added.mid,
                layers: Vec::new(),
            }),
            Direction::SendOnly => self.slots.push(OutgoingStream {
                mid: added.mid,
                is_picture: added.kind == MediaKind::Video,
                feed: None,
                last: None,
                offset: 0,
            }),
            // No client of ours lays out such a stream.
            Direction::SendRecv | Direction::Inactive => {}
        }
    }

    fn hear(&mut self, frame: MediaData) -> Option<SfuEvent> {
        let number = self
            .tracks
            .iter()
            .position(|track| track.mid == frame.mid)?;
        let stream = *Stream::ALL.get(number)?;
        let layers = &mut self.tracks[number].layers;
        let heard = frame.network_time;
        let bits = frame.data.len() as u64 * 8;
        if let Some(layer) = layers.iter_mut().find(|layer| layer.rid == frame.rid) {
            layer.bits += bits;
            layer.heard = heard;
        } else {
            layers.push(StreamLayer {
                rid: frame.rid,
                bits,
                rate: None,
                heard,
                asked: None,
            });
            // `l` is coarse; the other is called `h`, or not at all when there is only one.
            layers.sort_by_key(|layer| layer.rid != Some(Rid::from("l")));
        }
        if stream.is_picture() && !frame.contiguous {
            self.ask_for_keyframe(stream, frame.rid, heard);
        }
        Some(SfuEvent::Frame(stream, Box::new(frame)))
    }

    /// Asks for a whole picture, unless that was done just now.
    pub(super) fn ask_for_keyframe(&mut self, stream: Stream, rid: StreamName, now: Instant) {
        let Some(track) = self.tracks.get_mut(stream as usize) else {
            return;
        };
        let mid = track.mid;
        let Some(layer) = track.layers.iter_mut().find(|layer| layer.rid == rid) else {
            return;
        };
        if layer
            .asked
            .is_some_and(|asked| now < asked + KEYFRAME_EVERY)
        {
            return;
        }
        layer.asked = Some(now);
        self.advance_by(now);
        if let Some(mut writer) = self.rtc.writer(mid)
            && let Err(error) = writer.request_keyframe(rid, KeyframeRequestKind::Pli)
        {
            tracing::debug!(%error, "a whole picture cannot be asked for");
        }
    }

    /// Measures what their streams take.
    pub(super) fn measure(&mut self, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.measured);
        if passed < MEASURE {
            return false;
        }
        self.measured = now;
        for layer in self.tracks.iter_mut().flat_map(|track| &mut track.layers) {
            let rate = (layer.bits as f64 / passed.as_secs_f64()) as u64;
            layer.bits = 0;
            layer.rate = Some(layer.rate.map_or(rate, |before| before.midpoint(rate)));
        }
        true
    }

    /// The layers of a stream that are sent right now, from coarse to fine.
    fn sent(&self, stream: Stream, now: Instant) -> impl Iterator<Item = &StreamLayer> {
        let layers = self
            .tracks
            .get(stream as usize)
            .map_or(&[][..], |track| &track.layers);
        layers
            .iter()
            .filter(move |layer| now < layer.heard + SILENT)
    }

    /// Whether that layer of theirs is the one for whom wants that much.
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

    /// A picture of theirs as somebody could wish for it who shows it that high.
    pub(super) fn wish(&self, stream: Stream, height: u32, now: Instant) -> LayerRequest {
        let mut sent = self.sent(stream, now);
        let usual = if stream == Stream::Screen {
            SCREEN
        } else {
            COARSE
        };
        let rate = |layer: &StreamLayer, usual: u64| layer.rate.unwrap_or(usual).max(usual / 8);
        LayerRequest {
            source: (self.player, stream),
            height,
            coarse: sent.next().map_or(usual, |layer| rate(layer, usual)),
            fine: sent.next().map(|layer| rate(layer, FINE)),
        }
    }

    /// How high they show somebody's picture.
    pub(super) fn height_of(&self, (player, stream): Source) -> u32 {
        match stream {
            Stream::Screen => u32::MAX,
            _ => self.shown.get(&player).copied().unwrap_or(HEIGHT),
        }
    }

    /// Measures the line anew, beginning with what it is taken to carry.
    fn believe(&mut self, estimate: Bitrate) {
        self.rtc.bwe().reset(estimate);
        self.estimate = estimate.as_u64();
    }

    /// Bits a second that are there for pictures, when so many voices are to be heard.
    pub(super) fn budget(&self, voices: usize) -> u64 {
        self.estimate.saturating_sub(VOICE * voices as u64)
    }

    /// What it would take to give them everything they wish for: bandwidth is looked for up to
    /// that.
    pub(super) fn want(&mut self, pictures: u64, voices: usize, now: Instant) {
        // While only voices went nobody looked at what the line takes: what was made of them says
        // little of it.
        let wants_pictures = pictures > 0;
        if wants_pictures && !self.wants_pictures {
            self.believe(FIRST_ESTIMATE);
        }
        self.wants_pictures = wants_pictures;
        let bits = pictures + VOICE * (voices as u64).max(1);
        self.rtc
            .bwe()
            .set_bitrate(Bitrate::ZERO, Bitrate::bps(bits + bits / 4));
        self.advance_by(now);
    }

    /// Gives these streams places, and lets go of those that others have. What found a place is new
    /// to them.
    pub(super) fn assign(&mut self, wanted: &BTreeMap<Source, Quality>) -> Vec<Source> {
        let mut missing: BTreeMap<Source, Quality> = wanted.clone();
        for slot in &mut self.slots {
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
            let mut free = self.slots.iter_mut().filter(|slot| slot.feed.is_none());
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

    /// Whose streams come in which places.
    pub(super) fn feeds(&self) -> impl Iterator<Item = (usize, Source)> {
        let slots = self.slots.iter().enumerate();
        slots.filter_map(|(number, slot)| Some((number, slot.feed.as_ref()?.source)))
    }

    /// What comes in which places, when that is news to them.
    pub(super) fn news(&mut self) -> Option<Vec<words::StreamSlot>> {
        let slots: Vec<_> = self
            .slots
            .iter()
            .filter_map(|slot| {
                let (player, kind) = slot.feed.as_ref()?.source;
                Some(words::StreamSlot {
                    mid: slot.mid.to_string(),
                    player: player.0,
                    kind,
                })
            })
            .collect();
        if self.told.as_ref() == Some(&slots) {
            return None;
        }
        self.told = Some(slots.clone());
        Some(slots)
    }

    /// How much of the stream in a place is wanted.
    pub(super) fn quality(&self, slot: usize) -> Option<Quality> {
        Some(self.slots.get(slot)?.feed.as_ref()?.quality)
    }

    /// Forwards a frame into a place. `is_wanted` says whether its layer is the one to go over to;
    /// when that needs a whole picture first, the answer is `true`.
    pub(super) fn forward(
        &mut self,
        slot: usize,
        frame: &MediaData,
        is_wanted: bool,
        now: Instant,
    ) -> bool {
        let Some(slot) = self.slots.get_mut(slot) else {
            return false;
        };
        let Some(feed) = &mut slot.feed else {
            return false;
        };
        let is_new = feed.layer != Some(LayerName(frame.rid));
        if is_new {
            if !is_wanted {
                return false;
            }
            if slot.is_picture && !frame.is_keyframe() {
                return true;
            }
            feed.layer = Some(LayerName(frame.rid));
        }
        let frequency = frame.time.frequency();
        let ticks = i128::from(frame.time.numer());
        if is_new {
            slot.offset = slot.last.map_or(0, |(last, at)| {
                let passed = frame.network_time.saturating_duration_since(at);
                let passed =
                    (passed.as_micros() as i128 * i128::from(frequency.get()) / 1_000_000).max(1);
                i128::from(last) + passed - ticks
            });
        }
        let Ok(time) = u64::try_from(ticks + slot.offset) else {
            return false;
        };
        if slot.last.is_none_or(|(last, _)| time > last) {
            slot.last = Some((time, frame.network_time));
        }
        let Some(mut writer) = self.rtc.writer(slot.mid) else {
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
        let time = MediaTime::new(time, frequency);
        if let Err(error) = writer.write(pt, frame.network_time, time, Arc::clone(&frame.data)) {
            tracing::debug!(player = self.player.0, %error, "a frame cannot be forwarded");
        }
        self.advance_by(now + SOON);
        false
    }

    /// Ends the connection.
    pub(super) fn close(&mut self) {
        self.rtc.disconnect();
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use str0m::config::CryptoProvider;
    use str0m::media::Frequency;
    use str0m::net::{Protocol, Receive};

    use super::*;

    const VOICES: usize = 5;

    /// What a packet is to the end that gets it.
    fn arrive(packet: &str0m::net::Transmit, at: Instant) -> Input<'_> {
        let received = Receive::new(
            Protocol::Udp,
            packet.source,
            packet.destination,
            &packet.contents,
        );
        Input::Receive(at, received.expect("one of ours"))
    }

    /// A connection over which so many voices may come, and the browser at its other end.
    fn connected(now: Instant) -> (SfuClient, Rtc, Instant) {
        let host = |port: u16| {
            let address = SocketAddr::from(([127, 0, 0, 1], port));
            Candidate::host(address, Protocol::Udp).expect("a good address")
        };
        let provider: CryptoProvider = str0m::crypto::from_feature_flags();
        let certificate = provider
            .dtls_provider
            .generate_certificate()
            .expect("one is made");
        let who = (SpaceId(uuid::Uuid::nil()), PlayerId(1));
        let mut client = SfuClient::new(who, String::new(), &certificate, &[host(1_000)], now);
        let mut browser = Rtc::builder()
            .clear_codecs()
            .enable_opus(true, false)
            .build(now);
        browser.add_local_candidate(host(2_000));
        let mut change = browser.sdp_api();
        for _ in 0..VOICES {
            change.add_media(MediaKind::Audio, Direction::RecvOnly, None, None, None);
        }
        let (offer, pending) = change.apply().expect("streams were added");
        let answer = client.accept(offer, now).expect("it is a good offer");
        browser
            .sdp_api()
            .accept_answer(pending, answer)
            .expect("it fits the offer");
        let mut at = now;
        for _ in 0..1_000 {
            at += Duration::from_millis(10);
            client.advance(at);
            while let Some(happening) = client.poll(at) {
                if let SfuEvent::Packet(packet) = happening {
                    browser
                        .handle_input(arrive(&packet, at))
                        .expect("it is understood");
                }
            }
            browser
                .handle_input(Input::Timeout(at))
                .expect("time passes");
            loop {
                match browser.poll_output().expect("nothing fails here") {
                    Output::Timeout(_) => break,
                    Output::Transmit(packet) => client.receive(arrive(&packet, at), at),
                    Output::Event(Event::Connected) => return (client, browser, at),
                    Output::Event(_) => {}
                }
            }
        }
        panic!("they do not find each other");
    }

    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "what begins the time of a test says nothing of it"
    )]
    fn voices_that_come_together_go_together() {
        let (mut client, _browser, mut at) = connected(Instant::now());
        // Whatever it had to say about itself.
        for _ in 0..100 {
            at += Duration::from_millis(10);
            client.advance(at);
            while client.poll(at).is_some() {}
        }
        let mids: Vec<Mid> = client.slots.iter().map(|slot| slot.mid).collect();
        assert_eq!(mids.len(), VOICES);
        for mid in mids {
            let writer = client.rtc.writer(mid).expect("it may be written to");
            let pt = writer
                .payload_params()
                .next()
                .expect("opus is agreed on")
                .pt();
            let time = MediaTime::new(960, Frequency::FORTY_EIGHT_KHZ);
            writer
                .write(pt, at, time, vec![7; 80])
                .expect("it was agreed on");
        }
        client.advance_by(at);
        client.advance(at);
        let gone = std::iter::from_fn(|| client.poll(at));
        let packets = gone.filter(
            |happening| matches!(happening, SfuEvent::Packet(packet) if packet.contents.len() > 80),
        );
        assert_eq!(
            packets.count(),
            VOICES,
            "they do not wait for each other's turn"
        );
    }
}
