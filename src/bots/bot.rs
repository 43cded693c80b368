//! Bot: one client that joins, walks on its own rhythm and notes what it is shown.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use tokio::net::TcpStream;
use tokio::sync::mpsc::UnboundedSender;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};
use tokio_util::sync::CancellationToken;

use super::Behaviour;
use super::report::Observation;
use super::world::World;
use crate::components::fact::Stance;
use crate::net::codec::{decode, encode};
use crate::net::protocol::chat::ChatC2s;
use crate::net::protocol::movement::InputC2s;
use crate::net::protocol::session::HelloC2s;
use crate::net::protocol::{ClientMessage, SCHEMA, SUBPROTOCOL, ServerMessage, VERSION};

/// Tiles across and down that a bot's window shows, like a laptop's.
const VIEW: (u16, u16) = (30, 18);

/// Who counts as near.
const NEAREST: usize = 16;

/// What one bot is to do.
pub(super) struct Plan {
    pub(super) number: u32,
    pub(super) url: String,
    pub(super) token: String,
    pub(super) space: String,
    /// Which of the run's spaces that is: player numbers are of one space only.
    pub(super) room: u32,
    pub(super) behaviour: Behaviour,
    pub(super) rate: f64,
    pub(super) seed: u64,
    pub(super) join_at: Instant,
    pub(super) rest_from: Instant,
}

/// One client.
pub(super) struct Bot {
    pub(super) plan: Plan,
    pub(super) observations: UnboundedSender<Observation>,
    pub(super) stop: CancellationToken,
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Why a bot's connection ended.
type Lost = String;

impl Bot {
    pub(super) async fn run(self) {
        tokio::time::sleep_until(self.plan.join_at.into()).await;
        let asked = Instant::now();
        let joined = tokio::select! {
            joined = self.join() => joined,
            () = self.stop.cancelled() => return,
        };
        match joined {
            Ok((socket, player, width)) => {
                self.note(Observation::Joined { after: asked.elapsed() });
                if let Err(reason) = self.play(socket, player, width).await {
                    self.note(Observation::Lost { reason });
                }
            }
            Err(reason) => self.note(Observation::Failed { reason }),
        }
    }

    fn note(&self, observation: Observation) {
        // The run is over when nobody listens.
        let _ = self.observations.send(observation);
    }

    async fn join(&self) -> Result<(Socket, u32, u16), Lost> {
        let address = format!("{}/ws", self.plan.url.trim_end_matches('/').replacen("http", "ws", 1));
        let mut request = address.into_client_request().map_err(|error| error.to_string())?;
        request
            .headers_mut()
            .insert("sec-websocket-protocol", HeaderValue::from_static(SUBPROTOCOL));
        let (mut socket, _) = tokio_tungstenite::connect_async_with_config(request, None, true)
            .await
            .map_err(|error| error.to_string())?;
        let hello = HelloC2s {
            version: VERSION,
            schema: SCHEMA,
            token: self.plan.token.clone(),
            space: self.plan.space.clone(),
            view_width: VIEW.0,
            view_height: VIEW.1,
        };
        send(&mut socket, &ClientMessage::Hello(hello)).await?;
        loop {
            match receive(&mut socket).await? {
                Some(ServerMessage::Welcome(welcome)) => return Ok((socket, welcome.player, welcome.width)),
                Some(ServerMessage::Refused(refused)) => return Err(refused.message),
                _ => {}
            }
        }
    }

    async fn play(&self, mut socket: Socket, player: u32, width: u16) -> Result<(), Lost> {
        let me = (self.plan.room, player);
        let mut walk = Walk::new(&self.plan);
        let mut world = World::new(width);
        let mut unacknowledged: VecDeque<(u32, Instant)> = VecDeque::new();
        let period = Duration::from_secs_f64(1.0 / self.plan.rate.max(0.01));
        // Open loop: bots keep their own beat, whatever the server does.
        let mut beat = tokio::time::interval(period);
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Burst);
        let mut chat = tokio::time::interval(Duration::from_secs(8));
        let mut last_frame = Instant::now();
        let mut said = 0;
        loop {
            tokio::select! {
                () = self.stop.cancelled() => break,
                _ = beat.tick(), if self.plan.behaviour != Behaviour::Idle => {
                    if Instant::now() < self.plan.rest_from {
                        let input = walk.step();
                        unacknowledged.push_back((input.seq, Instant::now()));
                        send(&mut socket, &ClientMessage::Input(input)).await?;
                    }
                }
                _ = chat.tick(), if self.plan.behaviour == Behaviour::Chat => {
                    said += 1;
                    let text = format!("{}:{said}", self.plan.number);
                    self.note(Observation::Said { at: Instant::now(), text: text.clone() });
                    send(&mut socket, &ClientMessage::Chat(ChatC2s { client_id: said, text })).await?;
                }
                message = receive_sized(&mut socket) => {
                    let (message, bytes) = message?;
                    let now = Instant::now();
                    match message {
                        Some(ServerMessage::Frame(frame)) => {
                            let own = frame.header.own;
                            let is_near = nearest(&world, player, (own.x, own.y));
                            let mut moved = Vec::new();
                            if let Err(wrong) = world.apply(&frame, |other, _| moved.push(other)) {
                                self.note(Observation::ViewError { what: format!("{wrong:?}") });
                            }
                            while let Some((seq, sent)) = unacknowledged.front().copied() {
                                if seq > frame.header.ack {
                                    break;
                                }
                                unacknowledged.pop_front();
                                self.note(Observation::Applied { player: me, tick: frame.header.tick, sent });
                            }
                            let seen = moved.into_iter().filter(|other| *other != player);
                            let room = self.plan.room;
                            let seen = seen.map(|other| ((room, other), is_near.contains(&other))).collect();
                            let gap = now - std::mem::replace(&mut last_frame, now);
                            self.note(Observation::Frame { tick: frame.header.tick, at: now, bytes, gap, seen });
                            walk.own = (own.x, own.y);
                        }
                        Some(ServerMessage::Chat(line)) => {
                            self.note(Observation::Heard { by: me, at: now, text: line.text, own: line.client_id.is_some() });
                        }
                        Some(_) => self.note(Observation::Other { at: now, bytes }),
                        None => {}
                    }
                }
            }
        }
        let place = |(other, (_, stance)): (&u32, &(u16, _))| ((self.plan.room, *other), position_of(stance));
        let places = world.places.iter().map(place);
        self.note(Observation::Rested {
            player: me,
            own: walk.own,
            places: places.collect(),
        });
        send(&mut socket, &ClientMessage::Leave).await
    }
}

fn position_of(stance: &Stance) -> (i32, i32) {
    (stance.position.x, stance.position.y)
}

/// The players nearest to a place, as last shown.
fn nearest(world: &World, player: u32, own: (i32, i32)) -> Vec<u32> {
    let mut others: Vec<(i64, u32)> = world
        .places
        .iter()
        .filter(|(other, _)| **other != player)
        .map(|(other, (_, stance))| {
            let (dx, dy) = (
                i64::from(stance.position.x - own.0),
                i64::from(stance.position.y - own.1),
            );
            (dx * dx + dy * dy, *other)
        })
        .collect();
    if others.len() > NEAREST {
        others.select_nth_unstable(NEAREST - 1);
        others.truncate(NEAREST);
    }
    others.into_iter().map(|(_, other)| other).collect()
}

/// The way a bot goes: straight on for a while, then another way.
struct Walk {
    random: SmallRng,
    behaviour: Behaviour,
    seq: u32,
    direction: u8,
    steps_left: u32,
    home: Option<(i32, i32)>,
    own: (i32, i32),
}

impl Walk {
    fn new(plan: &Plan) -> Self {
        let random = SmallRng::seed_from_u64(plan.seed.wrapping_add(u64::from(plan.number)));
        Self {
            random,
            behaviour: plan.behaviour,
            seq: 0,
            direction: 0,
            steps_left: 0,
            home: None,
            own: (0, 0),
        }
    }

    fn step(&mut self) -> InputC2s {
        if self.steps_left == 0 {
            self.direction = self.turn();
            self.steps_left = self.random.random_range(5..30);
        }
        self.steps_left -= 1;
        self.seq += 1;
        InputC2s {
            seq: self.seq,
            direction: self.direction,
            run: false,
        }
    }

    /// Anywhere; in a crowd back home when too far from it.
    fn turn(&mut self) -> u8 {
        let home = *self.home.get_or_insert(self.own);
        let (dx, dy) = (home.0 - self.own.0, home.1 - self.own.1);
        let strays = self.behaviour == Behaviour::Crowd && dx.abs().max(dy.abs()) > 6 * 64;
        match (strays, dx.abs() > dy.abs()) {
            (false, _) => self.random.random_range(1..=8),
            (true, true) => {
                if dx > 0 {
                    3
                } else {
                    7
                }
            }
            (true, false) => {
                if dy > 0 {
                    5
                } else {
                    1
                }
            }
        }
    }
}

async fn send(socket: &mut Socket, message: &ClientMessage) -> Result<(), Lost> {
    socket
        .send(Message::Binary(encode(message).into()))
        .await
        .map_err(|error| error.to_string())
}

async fn receive(socket: &mut Socket) -> Result<Option<ServerMessage>, Lost> {
    receive_sized(socket).await.map(|(message, _)| message)
}

/// The next message and its size; `None` for pings and the like.
async fn receive_sized(socket: &mut Socket) -> Result<(Option<ServerMessage>, usize), Lost> {
    match socket.next().await {
        None => Err("the connection ended".into()),
        Some(Err(error)) => Err(error.to_string()),
        Some(Ok(Message::Binary(bytes))) => {
            let message = decode(&bytes).map_err(|error| error.to_string())?;
            Ok((Some(message), bytes.len()))
        }
        Some(Ok(Message::Close(frame))) => {
            Err(frame.map_or("closed".into(), |frame| format!("{}: {}", frame.code, frame.reason)))
        }
        Some(Ok(_)) => Ok((None, 0)),
    }
}
