//! Caller: sends a bot's voice and camera to the SFU, as a browser does in a large conversation
//! bubble, and counts the streams that arrive.
//!
//! The packets have the sizes and times of a real voice and of a real camera in two layers; their
//! content is empty.
//! nothing to be heard or seen in it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::future::pending;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::json;
use str0m::change::{SdpAnswer, SdpPendingOffer};
use str0m::format::PayloadParams;
use str0m::media::{Direction, MediaKind, MediaTime, Mid, Rid, Simulcast, SimulcastLayer};
use str0m::net::{Protocol, Receive};
use str0m::{Candidate, Event, IceConnectionState, Input, Output, Rtc, RtcError};
use tokio::net::UdpSocket;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::sleep_until;

use super::shared::Shared;
use crate::components::peers::MediaRoute;
use crate::media::sfu::{Stream, pack, unpack};
use crate::net::protocol::peers::PeerS2c;

/// Voice: one Opus packet every 20 ms, at 32 kbit/s.
const VOICE_EVERY: Duration = Duration::from_millis(20);
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

/// Largest packet, in bytes; no network passes longer ones.
const PACKET: usize = 2_048;

/// How long the SFU may take to answer, and how late a bot may be with its media before it skips
/// frames.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the connection to the server tells the caller.
enum CallerOrder {
    /// The players that the bot now sees through the SFU, the number it hears, and whether anyone
    /// hears or sees the bot through it.
    Near {
        sees: BTreeSet<u32>,
        hears: usize,
        sends: bool,
    },
    /// A message of the SFU.
    Said(String),
}

/// The calls of a bot; dropping it ends them.
pub(super) struct BotCaller {
    orders: UnboundedSender<CallerOrder>,
    says: UnboundedReceiver<String>,
}

impl BotCaller {
    pub(super) fn new(shared: Arc<Shared>, bot: u32) -> Self {
        let (orders, inbox) = unbounded_channel();
        let (outbox, says) = unbounded_channel();
        tokio::spawn(async move {
            let mut calls = Calls {
                shared,
                bot,
                says: outbox,
                sees: BTreeMap::new(),
                hears: 0,
                sends: false,
                connection: None,
                connections: 0,
            };
            if let Err(error) = calls.run(inbox).await {
                calls.complain(&error);
            }
        });
        Self { orders, says }
    }

    /// Updates the nearby players and how each is heard and seen.
    pub(super) fn near<'a>(&self, peers: impl Iterator<Item = &'a PeerS2c>) {
        let (mut sees, mut hears, mut sends) = (BTreeSet::new(), 0, false);
        for peer in peers.filter(|peer| peer.route == MediaRoute::Forwarded as u8) {
            sends |= peer.heard || peer.seen;
            hears += usize::from(peer.hear);
            if peer.see {
                sees.insert(peer.player);
            }
        }
        // The calls may have ended with an error, which was already reported.
        let _ = self.orders.send(CallerOrder::Near { sees, hears, sends });
    }

    /// Passes a message of the SFU on.
    pub(super) fn hear(&self, body: String) {
        let _ = self.orders.send(CallerOrder::Said(body));
    }

    /// The next message to the SFU.
    pub(super) fn says(&mut self) -> Option<String> {
        self.says.try_recv().ok()
    }
}

/// Why calls ended.
#[derive(Debug, thiserror::Error)]
enum CallError {
    #[error("the connection to the SFU failed: {0}")]
    Connection(#[from] RtcError),
    #[error("the connection to the SFU broke")]
    Broken,
    #[error("packets cannot be sent: {0}")]
    Socket(#[from] io::Error),
    #[error("the SFU's answer cannot be used: {0}")]
    Answer(String),
    #[error("the SFU refused: {0}")]
    Refused(String),
    #[error("the SFU did not answer within 5 seconds")]
    Silence,
}

/// Messages of the SFU, by name.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum SfuMessage {
    Answer {
        session: String,
        packed: String,
    },
    Slots {
        session: String,
        slots: Vec<IncomingSlot>,
    },
    Again {},
    Refused {
        session: String,
        reason: String,
    },
}

/// The player whose stream arrives in a slot.
#[derive(Deserialize)]
struct IncomingSlot {
    mid: String,
    player: u32,
    kind: String,
}

/// State of a bot's calls.
struct Calls {
    shared: Arc<Shared>,
    bot: u32,
    says: UnboundedSender<String>,
    /// Players it sees, with the time since which their first video frame is awaited.
    sees: BTreeMap<u32, Option<u64>>,
    /// Number of players it hears.
    hears: usize,
    /// Whether any player hears or sees it.
    sends: bool,
    connection: Option<SfuConnection>,
    /// Number of connections it has made.
    connections: u32,
}

impl Calls {
    async fn run(&mut self, mut inbox: UnboundedReceiver<CallerOrder>) -> Result<(), CallError> {
        let mut packet = vec![0; PACKET];
        loop {
            let Some(connection) = &mut self.connection else {
                let Some(order) = inbox.recv().await else {
                    return Ok(());
                };
                self.obey(order)?;
                continue;
            };
            let due = connection.turn(Instant::now(), self.sends)?;
            for frame in connection.arrived.drain(..) {
                let now = self.shared.now();
                let mut tally = self.shared.tally(self.bot);
                if let Some(since) = frame
                    .seen_of
                    .and_then(|player| self.sees.get_mut(&player)?.take())
                {
                    tally.picture.saturating_record(now.saturating_sub(since));
                }
                if self.shared.counts(now) {
                    tally.media_frames += 1;
                    tally.media_bytes += frame.bytes;
                    tally.media_gaps += u64::from(frame.is_behind_gap);
                }
            }
            let broken = connection.has_failed.then_some(CallError::Broken);
            if let Some(error) =
                broken.or_else(|| connection.is_overdue().then_some(CallError::Silence))
            {
                self.complain(&error);
                self.open();
                continue;
            }
            tokio::select! {
                order = inbox.recv() => match order {
                    Some(order) => self.obey(order)?,
                    None => return Ok(()),
                },
                length = connection.receive(&mut packet) => {
                    let length = length?;
                    connection.take(&packet[..length])?;
                }
                () = sleep_until(due.into()) => {}
            }
        }
    }

    fn complain(&self, error: &CallError) {
        self.shared.tally(self.bot).because(error.to_string());
    }

    fn obey(&mut self, order: CallerOrder) -> Result<(), CallError> {
        match order {
            CallerOrder::Near { sees, hears, sends } => {
                let now = self.shared.now();
                self.sees.retain(|player, _| sees.contains(player));
                for player in sees {
                    self.sees.entry(player).or_insert_with(|| {
                        self.shared.tally(self.bot).pictures_awaited += 1;
                        Some(now)
                    });
                }
                (self.hears, self.sends) = (hears, sends);
                if self.connection.is_none() && (sends || !self.sees.is_empty()) {
                    self.open();
                }
                self.make_places();
            }
            CallerOrder::Said(body) => {
                let said = serde_json::from_str(&body)
                    .map_err(|error| CallError::Answer(error.to_string()))?;
                self.hear(said)?;
            }
        }
        Ok(())
    }

    fn hear(&mut self, said: SfuMessage) -> Result<(), CallError> {
        let current = self.connection.as_mut();
        let of =
            |session: String| move |connection: &&mut SfuConnection| connection.session == session;
        match said {
            SfuMessage::Answer { session, packed } => {
                if let Some(connection) = current.filter(of(session)) {
                    let answer =
                        unpack(&packed).map_err(|error| CallError::Answer(error.to_string()))?;
                    connection.answered(&answer)?;
                }
                self.make_places();
            }
            SfuMessage::Slots { session, slots } => {
                if let Some(connection) = current.filter(of(session)) {
                    let places = slots.iter().map(|slot| {
                        let is_camera = slot.kind == "camera";
                        (Mid::from(slot.mid.as_str()), (slot.player, is_camera))
                    });
                    connection.places = places.collect();
                }
            }
            SfuMessage::Again {} => self.open(),
            SfuMessage::Refused { session, reason } => {
                if current.filter(of(session)).is_some() {
                    self.complain(&CallError::Refused(reason));
                    self.connection = None;
                }
            }
        }
        Ok(())
    }

    /// Offers a new connection, replacing the current one.
    fn open(&mut self) {
        self.connections += 1;
        self.connection = Some(SfuConnection::new(format!(
            "{} {}",
            self.bot, self.connections
        )));
        self.make_places();
    }

    /// Makes sure that there are slots for all nearby players.
    fn make_places(&mut self) {
        let places = (self.hears.max(1), self.sees.len().max(1));
        if let Some(offer) = self
            .connection
            .as_mut()
            .and_then(|connection| connection.offer(places))
        {
            // The receiver is gone when the bot is.
            let _ = self.says.send(offer);
        }
    }
}

/// Part of another player's stream.
struct MediaFrame {
    /// The player whose camera it is, if it is a camera.
    seen_of: Option<u32>,
    bytes: u64,
    is_behind_gap: bool,
}

/// A connection to the SFU.
struct SfuConnection {
    session: String,
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
    places: HashMap<Mid, (u32, bool)>,
    arrived: Vec<MediaFrame>,
    /// When the connection's own clock is due.
    clock: Instant,
    is_connected: bool,
    has_failed: bool,
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
    fn new(session: String) -> Self {
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
    fn offer(&mut self, (voices, cameras): (usize, usize)) -> Option<String> {
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
    fn answered(&mut self, answer: &str) -> Result<(), CallError> {
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

    fn is_overdue(&self) -> bool {
        self.pending.is_some() && self.offered.elapsed() > PATIENCE
    }

    /// Sends what is due, and returns when the next packet is.
    fn turn(&mut self, now: Instant, sends: bool) -> Result<Instant, CallError> {
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
            let time = MediaTime::from_millis(self.voices * VOICE_EVERY.as_millis() as u64);
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
    async fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match &self.way {
            Some(way) => way.socket.recv(buffer).await,
            None => pending().await,
        }
    }

    fn take(&mut self, packet: &[u8]) -> Result<(), CallError> {
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
        .filter_map(|connection| connection.strip_prefix("a=candidate:"));
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
