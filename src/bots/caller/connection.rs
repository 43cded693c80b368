//! Connection: a bot's connection to the SFU: it offers streams, sends a voice and a camera, and
//! counts what arrives.

use std::collections::HashMap;
use std::future::pending;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

use serde_json::json;
use str0m::change::{SdpAnswer, SdpPendingOffer};
use str0m::format::PayloadParams;
use str0m::media::{Direction, MediaKind, MediaTime, Mid, Rid, Simulcast, SimulcastLayer};
use str0m::net::{Protocol, Receive};
use str0m::{Candidate, Event, IceConnectionState, Input, Output, Rtc};
use tokio::net::UdpSocket;

use super::CallError;
use crate::media::sfu::{Stream, pack};

/// Voice: one Opus packet every 20 ms, at 32 kbit/s.
const VOICE_EVERY: Duration = Duration::from_millis(VOICE_MILLIS);
const VOICE_MILLIS: u64 = 20;
const VOICE: [u8; 80] = [0; 80];

/// Camera: 30 video frames per second in two layers, of 150 and 700 kbit/s; a key frame is about
/// four times as large as other frames.
const CAMERA_EVERY: Duration = Duration::from_nanos(1_000_000_000 / 30);
const LAYERS: [(&str, usize); 2] = [("l", 600), ("h", 2_800)];
const WHOLE: usize = 4;

/// How a VP8 key frame begins, and any other frame.
const KEY_FRAME: [u8; 10] = [0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0xe0, 0x01];
const DELTA_FRAME: [u8; 10] = [0x11, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// Slots for streams of others are added in steps of this size, as browsers do.
const MORE_VOICES: usize = 4;
const MORE_CAMERAS: usize = 3;

/// How long the SFU may take to answer, and how late a bot may be with its media before it skips
/// frames.
const PATIENCE: Duration = Duration::from_secs(5);

/// Part of another player's stream.
pub(super) struct MediaFrame {
    /// The player whose camera it is, if it is a camera.
    pub(super) seen_of: Option<u32>,
    pub(super) bytes: u64,
    pub(super) is_behind_gap: bool,
}

/// A connection to the SFU.
pub(super) struct SfuConnection {
    pub(super) session: String,
    rtc: Rtc,
    /// Streams it sends, in the order of [`Stream::ALL`]; empty before the first offer.
    sends: Vec<Mid>,
    /// Number of slots for voices and for cameras.
    slots: (usize, usize),
    pending: Option<SdpPendingOffer>,
    offered: Instant,
    /// Socket to the SFU, once its address is known.
    way: Option<Way>,
    /// Players by slot, and the slots that are cameras.
    pub(super) places: HashMap<Mid, (u32, bool)>,
    pub(super) arrived: Vec<MediaFrame>,
    /// When the connection's own clock is due.
    clock: Instant,
    is_connected: bool,
    pub(super) has_failed: bool,
    /// Whether receivers asked for a key frame.
    is_asked: bool,
    voice_at: Instant,
    voices: u64,
    camera_at: Instant,
    cameras: u64,
}

struct Way {
    socket: UdpSocket,
    here: SocketAddr,
    there: SocketAddr,
}

impl SfuConnection {
    pub(super) fn new(session: String) -> Self {
        let now = Instant::now();
        let codecs = Rtc::builder()
            .clear_codecs()
            .enable_opus(true, false)
            .enable_vp8(true);
        Self {
            session,
            rtc: codecs.build(now),
            sends: Vec::new(),
            slots: (0, 0),
            pending: None,
            offered: now,
            way: None,
            places: HashMap::new(),
            arrived: Vec::new(),
            clock: now,
            is_connected: false,
            has_failed: false,
            is_asked: true,
            voice_at: now,
            voices: 0,
            camera_at: now,
            cameras: 0,
        }
    }

    /// An offer with slots for this many voices and cameras; `None` when there are enough, or while
    /// an offer is pending.
    pub(super) fn offer(&mut self, (voices, cameras): (usize, usize)) -> Option<String> {
        let slots = (
            voices.next_multiple_of(MORE_VOICES).max(self.slots.0),
            cameras.next_multiple_of(MORE_CAMERAS).max(self.slots.1),
        );
        if self.pending.is_some() || slots == self.slots {
            return None;
        }
        let mut change = self.rtc.sdp_api();
        if self.sends.is_empty() {
            let layers = || Simulcast {
                send: LAYERS.map(|(name, _)| SimulcastLayer::new(name)).to_vec(),
                recv: Vec::new(),
            };
            let sends = Stream::ALL.map(|stream| {
                let layers = (stream == Stream::Camera).then(layers);
                change.add_media(
                    kind(stream.is_picture()),
                    Direction::SendOnly,
                    None,
                    None,
                    layers,
                )
            });
            self.sends = sends.to_vec();
        }
        for (is_camera, more) in [
            (false, slots.0 - self.slots.0),
            (true, slots.1 - self.slots.1),
        ] {
            for _ in 0..more {
                change.add_media(kind(is_camera), Direction::RecvOnly, None, None, None);
            }
        }
        let (offer, pending) = change.apply()?;
        self.slots = slots;
        self.pending = Some(pending);
        self.offered = Instant::now();
        let body =
            json!({ "offer": { "session": self.session, "packed": pack(&offer.to_sdp_string()) } });
        Some(body.to_string())
    }

    /// Applies the SFU's answer to the offer.
    pub(super) fn answered(&mut self, answer: &str) -> Result<(), CallError> {
        let Some(pending) = self.pending.take() else {
            return Ok(());
        };
        if self.way.is_none() {
            self.way = Some(self.go_to(answer)?);
        }
        let answer = SdpAnswer::from_sdp_string(answer)
            .map_err(|error| CallError::Answer(error.to_string()))?;
        self.rtc.sdp_api().accept_answer(pending, answer)?;
        self.clock = Instant::now();
        Ok(())
    }

    /// Connects to the address in the answer.
    fn go_to(&mut self, answer: &str) -> Result<Way, CallError> {
        let there = address(answer)
            .ok_or_else(|| CallError::Answer("it names no address for UDP".into()))?;
        let any = if there.is_ipv4() {
            SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0))
        } else {
            SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0))
        };
        let socket = std::net::UdpSocket::bind(any)?;
        socket.connect(there)?;
        socket.set_nonblocking(true)?;
        let here = socket.local_addr()?;
        let socket = UdpSocket::from_std(socket)?;
        let candidate = Candidate::host(here, Protocol::Udp);
        let candidate = candidate.map_err(|error| CallError::Answer(error.to_string()))?;
        self.rtc.add_local_candidate(candidate);
        Ok(Way {
            socket,
            here,
            there,
        })
    }

    pub(super) fn is_overdue(&self) -> bool {
        self.pending.is_some() && self.offered.elapsed() > PATIENCE
    }

    /// Sends what is due, and returns when the next packet is.
    pub(super) fn turn(&mut self, now: Instant, sends: bool) -> Result<Instant, CallError> {
        if self.is_connected && sends {
            self.speak(now)?;
            self.show(now)?;
        } else {
            (self.voice_at, self.camera_at) = (now + VOICE_EVERY, now + CAMERA_EVERY);
        }
        if self.clock <= now {
            self.rtc.handle_input(Input::Timeout(now))?;
        }
        let due = self.poll()?;
        self.clock = due;
        let patience = if self.pending.is_some() {
            self.offered + PATIENCE
        } else {
            due
        };
        let own = if self.is_connected && sends {
            self.voice_at.min(self.camera_at)
        } else {
            due
        };
        Ok(due.min(own).min(patience.max(now + VOICE_EVERY)))
    }

    fn speak(&mut self, now: Instant) -> Result<(), CallError> {
        caught_up(&mut self.voice_at, now);
        while self.voice_at <= now {
            self.voice_at += VOICE_EVERY;
            self.voices += 1;
            let time = MediaTime::from_millis(self.voices * VOICE_MILLIS);
            self.write(Stream::Microphone, None, now, time, VOICE.to_vec())?;
        }
        Ok(())
    }

    fn show(&mut self, now: Instant) -> Result<(), CallError> {
        caught_up(&mut self.camera_at, now);
        while self.camera_at <= now {
            self.camera_at += CAMERA_EVERY;
            self.cameras += 1;
            let time = MediaTime::from_90khz(self.cameras * 3_000);
            let is_whole = std::mem::take(&mut self.is_asked);
            for (layer, bytes) in LAYERS {
                let (begin, bytes) = if is_whole {
                    (KEY_FRAME, bytes * WHOLE)
                } else {
                    (DELTA_FRAME, bytes)
                };
                let mut frame = begin.to_vec();
                frame.resize(bytes, 0);
                self.write(Stream::Camera, Some(layer), now, time, frame)?;
            }
        }
        Ok(())
    }

    fn write(
        &mut self,
        stream: Stream,
        layer: Option<&str>,
        now: Instant,
        time: MediaTime,
        frame: Vec<u8>,
    ) -> Result<(), CallError> {
        let Some(mut writer) = self
            .sends
            .get(stream as usize)
            .and_then(|mid| self.rtc.writer(*mid))
        else {
            return Ok(());
        };
        // Written media is sent when the clock advances.
        self.clock = now;
        let codec = writer.payload_params().next().map(PayloadParams::pt);
        if let Some(layer) = layer {
            writer = writer.rid(Rid::from(layer));
        }
        match codec {
            Some(codec) => Ok(writer.write(codec, now, time, frame)?),
            None => Ok(()),
        }
    }

    /// Lets the connection do its work, and returns when it is due again.
    fn poll(&mut self) -> Result<Instant, CallError> {
        loop {
            match self.rtc.poll_output()? {
                Output::Timeout(due) => return Ok(due),
                Output::Transmit(packet) => {
                    if let Some(way) = self
                        .way
                        .as_ref()
                        .filter(|way| way.there == packet.destination)
                    {
                        // A packet that cannot be sent at once is lost, as on any network.
                        let _ = way.socket.try_send(&packet.contents);
                    }
                }
                Output::Event(event) => self.happened(event),
            }
        }
    }

    fn happened(&mut self, event: Event) {
        match event {
            Event::Connected => self.is_connected = true,
            Event::IceConnectionStateChange(IceConnectionState::Disconnected) => {
                self.has_failed = true;
            }
            Event::KeyframeRequest(_) => self.is_asked = true,
            Event::MediaData(frame) => {
                let place = self.places.get(&frame.mid).copied();
                self.arrived.push(MediaFrame {
                    seen_of: place.and_then(|(player, is_camera)| is_camera.then_some(player)),
                    bytes: frame.data.len() as u64,
                    is_behind_gap: !frame.contiguous,
                });
            }
            _ => {}
        }
    }

    /// Waits for a packet.
    pub(super) async fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match &self.way {
            Some(way) => way.socket.recv(buffer).await,
            None => pending().await,
        }
    }

    pub(super) fn take(&mut self, packet: &[u8]) -> Result<(), CallError> {
        let Some(way) = &self.way else { return Ok(()) };
        // Packets that do not belong to a call are ignored.
        if let Ok(received) = Receive::new(Protocol::Udp, way.there, way.here, packet) {
            let input = Input::Receive(Instant::now(), received);
            if self.rtc.accepts(&input) {
                self.rtc.handle_input(input)?;
            }
        }
        Ok(())
    }
}

const fn kind(is_camera: bool) -> MediaKind {
    if is_camera {
        MediaKind::Video
    } else {
        MediaKind::Audio
    }
}

/// Skips frames when the bot is far too late.
fn caught_up(at: &mut Instant, now: Instant) {
    if *at + PATIENCE < now {
        *at = now;
    }
}

/// The first UDP address in a session description.
fn address(description: &str) -> Option<SocketAddr> {
    let mut candidates = description
        .lines()
        .filter_map(|line| line.strip_prefix("a=candidate:"));
    candidates.find_map(|candidate| {
        let mut fields = candidate.split(' ').skip(2);
        let is_udp = fields.next()?.eq_ignore_ascii_case("udp");
        let (ip, port) = (fields.nth(1)?, fields.next()?);
        is_udp.then(|| Some(SocketAddr::new(ip.parse().ok()?, port.parse().ok()?)))?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_read_from_the_answer() {
        let answer = "v=0\r\na=candidate:1 1 tcp 9 10.0.0.1 7 typ host tcptype passive\r\n\
            a=candidate:2 1 UDP 8 10.0.0.2 3478 typ host\r\n";
        assert_eq!(address(answer), "10.0.0.2:3478".parse().ok());
        assert_eq!(address("v=0\r\na=candidate:2 1 udp\r\n"), None);
    }
}
