//! The SFU: in a bubble of more than four the server forwards exactly what each player may hear and
//! see, for any request of a client.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures_util::future::select_all;
use plaza::components::call::CallCommand;
use plaza::components::command::Command;
use plaza::components::denial::Denial;
use plaza::components::fact::Fact;
use plaza::components::id::{PlayerId, RelayId, UserId};
use plaza::components::layout::SpaceLayout;
use plaza::components::peers::{MediaRoute, ProximityRules, SfuEndpoint};
use plaza::components::presence::{JoinTerms, PresenceCommand};
use plaza::components::unit::TickRate;
use plaza::media::sfu::{SfuSettings, Stream, pack, unpack};
use plaza::net::protocol::call::{CallC2s, CallS2c, SfuC2s};
use plaza::net::protocol::chat::ChatS2c;
use plaza::net::protocol::status::{MediaC2s, StatusC2s};
use plaza::net::protocol::{ClientMessage, ServerMessage};
use plaza::space::Space;
use serde_json::{Value, json};
use str0m::change::{SdpAnswer, SdpPendingOffer};
use str0m::media::{Direction, MediaKind, MediaTime, Mid, Rid, Simulcast, SimulcastLayer};
use str0m::net::{Protocol, Receive, TcpType};
use str0m::{Candidate, Event, Input, Output, Rtc};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::{sleep_until, timeout};
use uuid::Uuid;

use crate::clients::{BinaryClient, is_notice};
use crate::harness::TestServer;

/// Longest wait of any step in these tests.
const PATIENCE: Duration = Duration::from_mins(1);

async fn server() -> TestServer {
    TestServer::start_with(|settings| {
        settings.forwarding = Some(SfuSettings {
            listen: "127.0.0.1:0".parse().expect("this is an address"),
            or_any_port: false,
            addresses: Vec::new(),
        });
    })
    .await
}

/// This many players in the middle of an empty space.
async fn bubble(server: &TestServer, people: usize) -> Vec<BinaryClient> {
    let owner = server.user("owner").await;
    let space = server.space(&owner, "20x20").await;
    let mut clients = Vec::new();
    for number in 0..people {
        let who = server.user(&format!("person{number}")).await;
        let mut client = BinaryClient::join(&server.address, &who, &space).await;
        client.walk_to(1, 10, 10).await;
        clients.push(client);
    }
    clients
}

/// Waits until all other nearby players are heard and seen through the SFU.
async fn forwarded(client: &mut BinaryClient, others: usize) {
    let mut near = BTreeMap::new();
    let full = client.until(|_, message| {
        if let ServerMessage::Peers(peers) = message {
            if peers.full {
                near.clear();
            }
            near.extend(peers.peers.iter().map(|peer| (peer.player, *peer)));
            near.retain(|player, _| !peers.gone.contains(player));
        }
        near.len() == others && near.values().all(|peer| peer.route == 1 && peer.see)
    });
    full.await;
}

enum Way {
    Udp(UdpSocket),
    Tcp(Box<OwnedReadHalf>, OwnedWriteHalf, SocketAddr),
}

/// The scripted browser of one player.
struct Caller {
    rtc: Box<Rtc>,
    way: Way,
    here: SocketAddr,
    sends: Vec<Mid>,
    pending: Option<SdpPendingOffer>,
    session: String,
    due: Instant,
    frames: u64,
    /// What arrived, by slot.
    heard: BTreeMap<String, Vec<Vec<u8>>>,
}

impl Caller {
    /// Offers four streams and this many slots for others, and applies the answer.
    async fn connect(game: &mut BinaryClient, over_tcp: bool) -> Self {
        let now = now();
        let udp = UdpSocket::bind("127.0.0.1:0")
            .await
            .expect("a port is free");
        let config = Rtc::builder()
            .clear_codecs()
            .enable_opus(true, false)
            .enable_vp8(true);
        let mut rtc = Box::new(config.build(now));
        let mut change = rtc.sdp_api();
        let layers = Simulcast {
            send: vec![SimulcastLayer::new("l"), SimulcastLayer::new("h")],
            recv: vec![],
        };
        let sends = Stream::ALL.map(|stream| {
            let layers = (stream == Stream::Camera).then(|| layers.clone());
            change.add_media(kind(stream), Direction::SendOnly, None, None, layers)
        });
        for number in 0..6 {
            let kind = if number % 2 == 0 {
                MediaKind::Audio
            } else {
                MediaKind::Video
            };
            change.add_media(kind, Direction::RecvOnly, None, None, None);
        }
        let (offer, pending) = change.apply().expect("streams were added");
        let mut caller = Self {
            rtc,
            here: udp.local_addr().expect("it is bound"),
            way: Way::Udp(udp),
            sends: sends.to_vec(),
            pending: Some(pending),
            session: format!("of {}", game.welcome.player),
            due: now,
            frames: 0,
            heard: BTreeMap::new(),
        };
        game.say(&caller.offer(&offer.to_sdp_string())).await;
        let answer = said(game, |said| said["answer"].is_object()).await;
        let answer = &answer["answer"];
        assert_eq!(answer["session"], caller.session.as_str());
        let answer = answer["packed"].as_str().expect("it is a text");
        let answer = unpack(answer).expect("the SFU packs it well");
        if over_tcp {
            let candidate = answer.lines().find(|line| line.contains("tcptype passive"));
            let fields: Vec<_> = candidate.expect("TCP is offered").split(' ').collect();
            let there: SocketAddr = format!("{}:{}", fields[4], fields[5])
                .parse()
                .expect("an address");
            let stream = TcpStream::connect(there).await.expect("it listens");
            caller.here = stream.local_addr().expect("it is connected");
            let (read, write) = stream.into_split();
            caller.way = Way::Tcp(Box::new(read), write, there);
            let active = Candidate::builder()
                .tcp()
                .host(caller.here)
                .tcptype(TcpType::Active)
                .build();
            caller
                .rtc
                .add_local_candidate(active.expect("a good address"));
        } else {
            let host = Candidate::host(caller.here, Protocol::Udp).expect("a good address");
            caller.rtc.add_local_candidate(host);
        }
        let pending = caller.pending.take().expect("it was offered");
        let answer = SdpAnswer::from_sdp_string(&answer).expect("a description");
        caller
            .rtc
            .sdp_api()
            .accept_answer(pending, answer)
            .expect("it fits the offer");
        caller
    }

    /// Goes on from another address, as after a change of the network.
    async fn restart(&mut self, game: &mut BinaryClient) {
        let udp = UdpSocket::bind("127.0.0.1:0")
            .await
            .expect("a port is free");
        self.here = udp.local_addr().expect("it is bound");
        self.way = Way::Udp(udp);
        let mut change = self.rtc.sdp_api();
        change.ice_restart(false);
        let (offer, pending) = change.apply().expect("it restarts");
        game.say(&self.offer(&offer.to_sdp_string())).await;
        let answer = said(game, |said| said["answer"].is_object()).await;
        let answer = answer["answer"]["packed"].as_str().expect("it is a text");
        let answer = unpack(answer).expect("the SFU packs it well");
        let answer = SdpAnswer::from_sdp_string(&answer).expect("a description");
        let accepted = self.rtc.sdp_api().accept_answer(pending, answer);
        accepted.expect("it fits the offer");
        let host = Candidate::host(self.here, Protocol::Udp).expect("a good address");
        self.rtc.add_local_candidate(host);
        self.due = now();
        self.heard.clear();
    }

    fn offer(&self, text: &str) -> ClientMessage {
        let body =
            json!({ "offer": { "session": self.session, "packed": pack(text) } }).to_string();
        ClientMessage::Call(CallC2s::Sfu(SfuC2s { body }))
    }

    /// Sends a voice and a camera in two layers. Every tenth video frame is a key frame.
    fn send(&mut self, name: &str, now: Instant) {
        self.frames += 1;
        let voice = format!("voice of {name}").into_bytes();
        let time = MediaTime::from_millis(self.frames * 20);
        if let Some(writer) = self.rtc.writer(self.sends[0]) {
            let pt = writer
                .payload_params()
                .next()
                .expect("opus is agreed on")
                .pt();
            writer
                .write(pt, now, time, voice)
                .expect("it was agreed on");
        }
        for layer in ["l", "h"] {
            let first = if self.frames % 10 == 1 { 0x10 } else { 0x11 };
            let picture = [
                &[first, 0, 0, 0x9d, 0x01, 0x2a, 2, 0, 2, 0],
                layer.as_bytes(),
                name.as_bytes(),
            ]
            .concat();
            if let Some(writer) = self.rtc.writer(self.sends[1]) {
                let pt = writer
                    .payload_params()
                    .next()
                    .expect("VP8 is agreed on")
                    .pt();
                let written = writer.rid(Rid::from(layer)).write(pt, now, time, picture);
                written.expect("it was agreed on");
            }
        }
        self.due = now;
    }

    /// Advances the connection's clock.
    async fn turn(&mut self, now: Instant) {
        if self.due <= now {
            self.rtc
                .handle_input(Input::Timeout(now))
                .expect("time passes");
        }
        loop {
            match self.rtc.poll_output().expect("nothing fails here") {
                Output::Timeout(due) => {
                    self.due = due;
                    return;
                }
                Output::Transmit(packet) => match &mut self.way {
                    Way::Udp(udp) => {
                        let sent = udp.send_to(&packet.contents, packet.destination).await;
                        sent.expect("loopback takes everything");
                    }
                    Way::Tcp(_, write, there) if packet.destination == *there => {
                        let length =
                            u16::try_from(packet.contents.len()).expect("packets are short");
                        let framed = [&length.to_be_bytes()[..], &packet.contents].concat();
                        write.write_all(&framed).await.expect("it is connected");
                    }
                    Way::Tcp(..) => {}
                },
                Output::Event(Event::MediaData(frame)) => {
                    let place = self.heard.entry(frame.mid.to_string()).or_default();
                    place.push(frame.data.to_vec());
                }
                Output::Event(_) => {}
            }
        }
    }

    /// Waits for a packet.
    async fn arrived(&mut self) -> (Protocol, SocketAddr, Vec<u8>) {
        match &mut self.way {
            Way::Udp(udp) => {
                let mut buffer = vec![0; 2_048];
                let (length, from) = udp
                    .recv_from(&mut buffer)
                    .await
                    .expect("loopback loses nothing");
                buffer.truncate(length);
                (Protocol::Udp, from, buffer)
            }
            Way::Tcp(read, _, there) => {
                let length = read.read_u16().await.expect("it is connected");
                let mut packet = vec![0; usize::from(length)];
                read.read_exact(&mut packet).await.expect("it is connected");
                (Protocol::Tcp, *there, packet)
            }
        }
    }

    fn has(&self, what: &[u8]) -> bool {
        let mut frames = self.heard.values().flatten();
        frames.any(|frame| frame.windows(what.len()).any(|part| part == what))
    }
}

const fn kind(stream: Stream) -> MediaKind {
    if stream.is_picture() {
        MediaKind::Video
    } else {
        MediaKind::Audio
    }
}

/// Waits for a message of the SFU that `pick` accepts.
async fn said(game: &mut BinaryClient, mut holds: impl FnMut(&Value) -> bool) -> Value {
    let mut found = Value::Null;
    let heard = game.until(|_, message| {
        if let ServerMessage::Call(CallS2c::Sfu(forward)) = message {
            found = serde_json::from_str(&forward.body).expect("the SFU speaks JSON");
        }
        !found.is_null() && holds(&found)
    });
    heard.await;
    found
}

async fn show_media(game: &mut BinaryClient) {
    let media = MediaC2s {
        audio: true,
        video: true,
        screen: false,
    };
    game.say(&ClientMessage::Status(StatusC2s::Media(media)))
        .await;
}

/// Lets all players send until the condition holds.
async fn talk(
    callers: &mut [(&str, &mut Caller)],
    mut until: impl FnMut(&[(&str, &mut Caller)]) -> bool,
) {
    let talking = async {
        let mut speak = now();
        while !until(callers) {
            let now = now();
            if now >= speak {
                speak += Duration::from_millis(20);
                for (name, caller) in callers.iter_mut() {
                    caller.send(name, now);
                }
            }
            let mut due = speak;
            for (_, caller) in callers.iter_mut() {
                caller.turn(now).await;
                due = due.min(caller.due);
            }
            let arrivals = callers.iter_mut().enumerate().map(|(number, (_, caller))| {
                Box::pin(async move {
                    let arrived = caller.arrived().await;
                    (number, arrived)
                })
            });
            let arrived = tokio::select! {
                biased;
                (arrived, ..) = select_all(arrivals) => arrived,
                () = sleep_until(due.into()) => continue,
            };
            let (number, (proto, from, packet)) = arrived;
            let caller = &mut *callers[number].1;
            let received =
                Receive::new(proto, from, caller.here, &packet).expect("the SFU sends packets");
            let input = Input::Receive(self::now(), received);
            if caller.rtc.accepts(&input) {
                caller.rtc.handle_input(input).expect("packets are fine");
                caller.due = self::now();
            }
        }
    };
    timeout(PATIENCE, talking).await.expect("it holds in time");
}

#[expect(clippy::disallowed_methods, reason = "packets are real")]
fn now() -> Instant {
    Instant::now()
}

#[tokio::test]
async fn in_a_bubble_of_five_media_goes_through_the_sfu() {
    let server = server().await;
    let mut people = bubble(&server, 5).await;
    let [ada, bo, cleo, ..] = &mut people[..] else {
        unreachable!("five came")
    };
    for person in [&mut *ada, &mut *bo, &mut *cleo] {
        show_media(person).await;
        forwarded(person, 4).await;
    }
    let mut of_ada = Caller::connect(ada, false).await;
    let mut of_bo = Caller::connect(bo, false).await;
    let mut of_cleo = Caller::connect(cleo, true).await;
    let mut callers = [
        ("Ada", &mut of_ada),
        ("Bo", &mut of_bo),
        ("Cleo", &mut of_cleo),
    ];
    let hears = |caller: &Caller, names: [&str; 2]| {
        names.iter().all(|name| {
            let (voice, coarse) = (format!("voice of {name}"), format!("l{name}"));
            caller.has(voice.as_bytes()) && caller.has(coarse.as_bytes())
        })
    };
    // On a busy machine a fine frame may come before the request for small videos is there.
    let is_fine = |frames: &Vec<Vec<u8>>| {
        let last = frames.last().expect("something came here");
        last.windows(2).any(|part| part == b"\0h")
    };
    let are_small = |caller: &Caller| !caller.heard.values().any(is_fine);
    talk(&mut callers, |callers| {
        callers.iter().all(|(_, caller)| are_small(caller))
            && hears(callers[0].1, ["Bo", "Cleo"])
            && hears(callers[1].1, ["Ada", "Cleo"])
            && hears(callers[2].1, ["Ada", "Bo"])
    })
    .await;
    for (name, caller) in &callers {
        assert!(
            !caller.has(format!("voice of {name}").as_bytes()),
            "{name} hears themself"
        );
        for frames in caller.heard.values() {
            let is_of = |name: &&str| frames.iter().all(|frame| frame.ends_with(name.as_bytes()));
            assert!(
                ["Ada", "Bo", "Cleo"].iter().any(is_of),
                "a slot belongs to one player: frames do not mix"
            );
        }
    }
    callers[1].1.restart(bo).await;
    talk(&mut callers, |callers| hears(callers[1].1, ["Ada", "Cleo"])).await;
    callers[0].1.heard.clear();
    talk(&mut callers, |callers| callers[0].1.has(b"voice of Bo")).await;
    server.stop().await;
}

#[tokio::test]
async fn a_large_video_gets_the_fine_layer_and_a_hidden_one_none() {
    let server = server().await;
    let mut people = bubble(&server, 5).await;
    let [ada, bo, ..] = &mut people[..] else {
        unreachable!("five came")
    };
    for person in [&mut *ada, &mut *bo] {
        show_media(person).await;
        forwarded(person, 4).await;
    }
    let mut of_ada = Caller::connect(ada, false).await;
    let mut of_bo = Caller::connect(bo, false).await;
    let show = |height: u32, player: u32| {
        let body = json!({ "show": { player.to_string(): height } }).to_string();
        ClientMessage::Call(CallC2s::Sfu(SfuC2s { body }))
    };
    let player = ada.welcome.player;
    bo.say(&show(720, player)).await;
    let mut callers = [("Ada", &mut of_ada), ("Bo", &mut of_bo)];
    talk(&mut callers, |callers| callers[1].1.has(b"hAda")).await;
    bo.say(&show(0, player)).await;
    let slots = said(bo, |said| {
        let slots = said["slots"]["slots"].as_array();
        slots.is_some_and(|slots| {
            !slots.is_empty() && slots.iter().all(|slot| slot["kind"] != "camera")
        })
    });
    let slots = slots.await;
    assert_eq!(
        slots["slots"]["slots"][0]["kind"], "microphone",
        "the voice stays"
    );
    server.stop().await;
}

#[tokio::test]
async fn a_distant_player_gets_nothing_by_asking() {
    let server = server().await;
    let mut people = bubble(&server, 5).await;
    let [ada, bo, far, ..] = &mut people[..] else {
        unreachable!("five came")
    };
    for person in [&mut *ada, &mut *bo, &mut *far] {
        show_media(person).await;
        forwarded(person, 4).await;
    }
    let mut of_ada = Caller::connect(ada, false).await;
    let mut of_far = Caller::connect(far, false).await;
    talk(
        &mut [("Ada", &mut of_ada), ("Far", &mut of_far)],
        |callers| callers[1].1.has(b"voice of Ada"),
    )
    .await;
    far.walk_to(2, 0, 0).await;
    far.until(|_, message| matches!(message, ServerMessage::Peers(peers) if peers.gone.len() == 4))
        .await;
    let emptied = said(far, |said| {
        said["slots"]["slots"].as_array().is_some_and(Vec::is_empty)
    })
    .await;
    assert!(emptied["slots"]["slots"].is_array());
    of_far.heard.clear();
    // The connection is idle; the request of a player far away does not change that.
    let body = json!({ "show": { ada.welcome.player.to_string(): 720 } }).to_string();
    far.say(&ClientMessage::Call(CallC2s::Sfu(SfuC2s { body })))
        .await;
    let said_before = of_ada.frames;
    let mut callers = [("Ada", &mut of_ada), ("Far", &mut of_far)];
    talk(&mut callers, |callers| {
        callers[0].1.frames > said_before + 50
    })
    .await;
    // Frames that were on their way at the last step may still arrive.
    let late = of_far.heard.values().map(Vec::len).sum::<usize>();
    assert!(late < 10, "{late} frames came to a player who hears no one");
    server.stop().await;
}

#[tokio::test]
async fn an_unexpected_offer_is_refused_with_a_reason() {
    let server = server().await;
    let mut people = bubble(&server, 1).await;
    let body = json!({ "offer": { "session": "s", "packed": "AAAA" } }).to_string();
    people[0]
        .say(&ClientMessage::Call(CallC2s::Sfu(SfuC2s {
            body: body.clone(),
        })))
        .await;
    // Whether to listen depends on the space, which has no bubble to forward, so nothing follows.
    people[0].chat(1, "still here").await;
    people[0]
        .until(|_, message| matches!(message, ServerMessage::Chat(ChatS2c::Message(_))))
        .await;
    server.stop().await;

    let without = TestServer::start().await;
    let mut people = bubble(&without, 1).await;
    people[0]
        .say(&ClientMessage::Call(CallC2s::Sfu(SfuC2s { body })))
        .await;
    people[0]
        .until(|_, message| is_notice(message, "no-unit"))
        .await;
    without.stop().await;
}

/// An empty space of ten by ten tiles with an SFU.
fn layout() -> SpaceLayout {
    SpaceLayout {
        width: 10,
        height: 10,
        blocked: Vec::new(),
        has_walls: false,
        proximity: ProximityRules::default(),
        zones: Vec::new(),
        elements: Vec::new(),
        version: 1,
    }
}

fn join(space: &mut Space, number: u32) {
    let join = Command::Presence(PresenceCommand::Join {
        user: UserId(Uuid::from_u128(number.into())),
        name: format!("person{number}"),
        avatar: None,
        arrive: None,
        blocked: Vec::new(),
        relay: RelayId::default(),
        terms: JoinTerms::default(),
    });
    space.step(&[join]);
    wait(space);
}

#[test]
fn with_another_media_server_the_space_has_no_sfu() {
    let mut space = Space::new(&layout(), TickRate::DEFAULT);
    space.forward_calls(SfuEndpoint::LiveKit);
    for number in 1..=5 {
        join(&mut space, number);
    }
    let peers = space.peers().of(PlayerId(1));
    assert!(!peers.is_empty() && peers.iter().all(|peer| peer.route == MediaRoute::Forwarded));
    let output = space.step(&[Command::Call(CallCommand::SfuRequest {
        player: PlayerId(1),
        body: "{}".into(),
    })]);
    assert!(output.facts.iter().any(|fact| matches!(
        fact,
        Fact::Denied {
            player: PlayerId(1),
            why: Denial::NoSfu
        }
    )));
}

/// Long enough for nearby players to be connected, or disconnected.
fn wait(space: &mut Space) {
    for _ in 0..60 {
        space.step(&[]);
    }
}

#[test]
fn a_bubble_is_forwarded_from_the_fifth_player_until_three_are_left() {
    let mut space = Space::new(&layout(), TickRate::DEFAULT);
    space.forward_calls(SfuEndpoint::BuiltIn);
    for number in 1..=4 {
        join(&mut space, number);
    }
    assert!(!space.is_forwarding());
    join(&mut space, 5);
    for player in 1..=5 {
        let peers = space.peers().of(PlayerId(player));
        assert!(!peers.is_empty() && peers.iter().all(|peer| peer.route == MediaRoute::Forwarded));
    }
    let kept = space.checkpoint();
    for (player, is_forwarding) in [(5, true), (4, false)] {
        space.step(&[Command::Presence(PresenceCommand::Leave {
            player: PlayerId(player),
        })]);
        wait(&mut space);
        assert_eq!(
            space.is_forwarding(),
            is_forwarding,
            "after player {player} left"
        );
    }
    // A player who continues after a restart is forwarded from the first tick on.
    let mut again = Space::restore(&layout(), TickRate::DEFAULT, &kept, &[]).unwrap();
    again.forward_calls(SfuEndpoint::BuiltIn);
    again.step(&[]);
    assert!(again.is_forwarding());
}
