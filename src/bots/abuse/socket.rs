//! WebSocket attacks.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use rand::RngExt;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, client_async};
use tungstenite::Message;
use tungstenite::client::IntoClientRequest;
use tungstenite::http::HeaderValue;

use super::{AttackOutcome, Attacker};
use crate::net::codec::{decode, encode};
use crate::net::protocol::call::{CallC2s, SignalC2s};
use crate::net::protocol::chat::{ChatC2s, ChatEditC2s, ChatS2c, ChatSendC2s, ReactC2s};
use crate::net::protocol::movement::{MovementC2s, WalkToC2s, WalkToPlayerC2s};
use crate::net::protocol::session::{HelloC2s, SessionS2c};
use crate::net::protocol::{ClientMessage, SCHEMA, SUBPROTOCOL, ServerMessage, VERSION};

/// Length of the longest message, in characters of four bytes each.
const LONG: usize = 3_900;

/// Size of the largest signal, in bytes.
const SIGNAL: usize = 12 * 1024;

/// Sockets that one attacker tries to hold open.
const HELD: usize = 300;

/// Timeout of connecting and joining.
const WITHIN: Duration = Duration::from_secs(5);

/// Pause between two bursts.
const BEAT: Duration = Duration::from_millis(20);

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A socket that has joined a space.
struct Joined {
    socket: Socket,
    /// The ids of the messages received.
    messages: Vec<String>,
    /// Other players in view.
    players: Vec<u32>,
}

/// How a socket ended.
struct Ended(AttackOutcome);

impl Attacker {
    /// Opens a socket, with the JSON protocol when `subprotocol` is `None`.
    async fn open(&self, subprotocol: Option<&'static str>) -> Result<Socket, Ended> {
        let address = format!("ws://{}/ws?space={}", self.server, self.space());
        let mut request = address
            .into_client_request()
            .map_err(|_| Ended(AttackOutcome::Dropped))?;
        if let Some(name) = subprotocol {
            let name = HeaderValue::from_static(name);
            request.headers_mut().insert("sec-websocket-protocol", name);
        }
        if let Ok(address) = HeaderValue::try_from(self.address.to_string()) {
            request.headers_mut().insert("x-forwarded-for", address);
        }
        let connecting = async {
            let stream = TcpStream::connect(self.server)
                .await
                .map_err(tungstenite::Error::Io)?;
            client_async(request, MaybeTlsStream::Plain(stream)).await
        };
        match timeout(WITHIN, connecting).await {
            Ok(Ok((socket, _))) => Ok(socket),
            Ok(Err(tungstenite::Error::Http(answer))) => {
                Err(Ended(AttackOutcome::of_status(answer.status().as_u16())))
            }
            Ok(Err(_)) | Err(_) => Err(Ended(AttackOutcome::Dropped)),
        }
    }

    fn hello(&self) -> Message {
        binary(&ClientMessage::Hello(HelloC2s {
            version: VERSION,
            schema: SCHEMA,
            token: self.token.clone(),
            space: self.space().to_owned(),
            view_width: 20,
            view_height: 12,
            arrive: None,
        }))
    }

    async fn join(&self) -> Result<Joined, Ended> {
        let mut socket = self.open(Some(SUBPROTOCOL)).await?;
        send(&mut socket, self.hello()).await?;
        let mut joined = Joined {
            socket,
            messages: Vec::new(),
            players: Vec::new(),
        };
        let welcomed = async {
            loop {
                if joined.hear().await? {
                    return Ok(());
                }
            }
        };
        timeout(WITHIN, welcomed)
            .await
            .unwrap_or(Err(Ended(AttackOutcome::Dropped)))?;
        Ok(joined)
    }

    /// Joins repeatedly, and repeats `burst` in each connection until it ends.
    async fn in_space(&self, mut burst: impl FnMut(&Joined, u32) -> Vec<ClientMessage>) {
        let mut numbers = self.operations();
        while numbers.next().is_some() {
            let mut joined = match self.join().await {
                Ok(joined) => joined,
                Err(Ended(outcome)) => {
                    self.count_and_pause(outcome).await;
                    continue;
                }
            };
            for number in numbers.by_ref() {
                let done = async {
                    for message in burst(&joined, number) {
                        send(&mut joined.socket, binary(&message)).await?;
                        self.count(AttackOutcome::Taken);
                    }
                    joined.drain().await
                };
                if let Err(Ended(outcome)) = done.await {
                    self.count_and_pause(outcome).await;
                    break;
                }
            }
        }
    }

    pub(super) async fn long_messages(&self) {
        self.in_space(|joined, number| {
            let text = "😀".repeat(LONG);
            let mut burst = vec![chat(number, text.clone())];
            if let Some(id) = joined.messages.last() {
                burst.push(ClientMessage::Chat(ChatC2s::Edit(ChatEditC2s {
                    id: id.clone(),
                    text,
                })));
                let (emoji, on) = ("👍".to_owned(), number % 2 == 0);
                burst.push(ClientMessage::Chat(ChatC2s::React(ReactC2s {
                    id: id.clone(),
                    emoji,
                    on,
                })));
            }
            burst
        })
        .await;
    }

    /// Opens a new connection for each burst, in both protocols.
    pub(super) async fn reconnects(&self) {
        for number in self.operations() {
            let outcome = if number % 2 == 0 {
                self.burst_binary(number).await
            } else {
                self.burst_json(number).await
            };
            match outcome {
                Ok(()) => self.count(AttackOutcome::Taken),
                Err(Ended(outcome)) => self.count_and_pause(outcome).await,
            }
        }
    }

    async fn burst_binary(&self, number: u32) -> Result<(), Ended> {
        let mut joined = self.join().await?;
        for at in 0..10 {
            let message = chat(number * 10 + at, "a".repeat(LONG));
            send(&mut joined.socket, binary(&message)).await?;
        }
        joined.drain().await
    }

    async fn burst_json(&self, number: u32) -> Result<(), Ended> {
        let mut socket = self.open(None).await?;
        let join =
            json!({ "type": "join", "payload": { "spaceId": self.space(), "token": self.token } });
        send(&mut socket, text(&join)).await?;
        for at in 0..10 {
            let message = format!("{number} {at} {}", "b".repeat(LONG));
            let say = json!({ "type": "chat-message", "payload": { "message": message } });
            send(&mut socket, text(&say)).await?;
        }
        read_now(&mut socket, |_| {}).await
    }

    pub(super) async fn signals(&self) {
        let body = "x".repeat(SIGNAL);
        self.in_space(|joined, number| {
            let Some(player) = joined
                .players
                .get(number as usize % joined.players.len().max(1))
            else {
                return Vec::new();
            };
            let walk = WalkToPlayerC2s {
                seq: number + 1,
                player: *player,
            };
            let signal = || {
                ClientMessage::Call(CallC2s::Signal(SignalC2s {
                    player: *player,
                    body: body.clone(),
                }))
            };
            vec![
                ClientMessage::Movement(MovementC2s::WalkToPlayer(walk)),
                signal(),
                signal(),
                signal(),
            ]
        })
        .await;
    }

    pub(super) async fn walks(&self) {
        self.in_space(|_, number| {
            let walk = |at: u32| {
                let on_map = |number: u32| u16::try_from(number % 60).unwrap_or_default();
                let (x, y) = (on_map(number * 7 + at), on_map(number * 13 + at));
                ClientMessage::Movement(MovementC2s::WalkTo(WalkToC2s {
                    seq: number * 8 + at + 1,
                    x,
                    y,
                }))
            };
            (0..8).map(walk).collect()
        })
        .await;
    }

    /// Sends pings of the greatest size on a socket that never joins and never reads.
    pub(super) async fn pings(&self) {
        let mut numbers = self.operations();
        while numbers.next().is_some() {
            let mut socket = match self.open(Some(SUBPROTOCOL)).await {
                Ok(socket) => socket,
                Err(Ended(outcome)) => {
                    self.count_and_pause(outcome).await;
                    continue;
                }
            };
            for _ in numbers.by_ref() {
                let ping = Message::Ping(vec![65; 125].into());
                let Ok(Ok(())) = timeout(WITHIN, socket.send(ping)).await else {
                    // The server stopped reading, or closed the connection.
                    self.count(AttackOutcome::Slowed);
                    break;
                };
                self.count(AttackOutcome::Taken);
            }
        }
    }

    /// Sends bytes that decode to nothing, and text on a binary connection.
    pub(super) async fn malformed(&self) {
        for number in self.operations() {
            let outcome = async {
                let mut socket = self.open((number % 2 == 0).then_some(SUBPROTOCOL)).await?;
                let mut bytes = vec![0_u8; number as usize % 2_000];
                rand::rng().fill(&mut bytes[..]);
                send(&mut socket, Message::Binary(bytes.into())).await?;
                send(&mut socket, Message::Text("[[[[{".into())).await?;
                until_closed(&mut socket).await
            };
            let Err(Ended(outcome)) = outcome.await else {
                continue;
            };
            self.count_and_pause(outcome).await;
        }
    }

    /// Holds sockets open; every second one joins.
    pub(super) async fn sockets(&self) {
        let mut held = Vec::new();
        for number in self.operations() {
            if held.len() >= HELD {
                sleep(WITHIN).await;
                held.clear();
            }
            let opened = async {
                let mut socket = self.open(Some(SUBPROTOCOL)).await?;
                if number % 2 == 0 {
                    send(&mut socket, self.hello()).await?;
                }
                Ok::<_, Ended>(socket)
            };
            match opened.await {
                Ok(socket) => {
                    self.count(AttackOutcome::Taken);
                    held.push(socket);
                }
                Err(Ended(outcome)) => self.count_and_pause(outcome).await,
            }
        }
    }

    pub(super) async fn half_joins(&self) {
        for _ in self.operations() {
            let outcome = async {
                let mut socket = self.open(Some(SUBPROTOCOL)).await?;
                send(&mut socket, self.hello()).await
            };
            match outcome.await {
                Ok(()) => self.count(AttackOutcome::Taken),
                Err(Ended(outcome)) => self.count_and_pause(outcome).await,
            }
            sleep(BEAT).await;
        }
    }
}

impl Joined {
    /// Reads one message and returns whether it is the welcome.
    async fn hear(&mut self) -> Result<bool, Ended> {
        let message = next(&mut self.socket).await?;
        Ok(self.note(&message))
    }

    /// Remembers the ids that attacks can use; returns whether the message is the welcome.
    fn note(&mut self, message: &Message) -> bool {
        let Message::Binary(bytes) = message else {
            return false;
        };
        let Ok(message) = decode::<ServerMessage>(bytes) else {
            return false;
        };
        if let ServerMessage::Session(SessionS2c::Welcome(_)) = message {
            return true;
        }
        if let ServerMessage::Chat(ChatS2c::Message(message_seen)) = &message {
            self.messages.push(message_seen.id.clone());
            let excess = self.messages.len().saturating_sub(50);
            self.messages.drain(..excess);
        }
        if let ServerMessage::Frame(frame) = message
            && let Some(roster) = frame.roster
        {
            self.players
                .extend(roster.came.iter().map(|card| card.player));
            self.players.retain(|player| !roster.gone.contains(player));
        }
        false
    }

    /// Reads what arrives for one beat.
    async fn drain(&mut self) -> Result<(), Ended> {
        let reading = async {
            loop {
                self.hear().await?;
            }
        };
        timeout(BEAT, reading).await.unwrap_or(Ok(()))
    }
}

async fn next(socket: &mut Socket) -> Result<Message, Ended> {
    match socket.next().await {
        Some(Ok(Message::Close(frame))) => {
            let code = frame.map(|frame| frame.code.into());
            Err(Ended(AttackOutcome::of_close(code)))
        }
        Some(Ok(message)) => Ok(message),
        Some(Err(_)) | None => Err(Ended(AttackOutcome::Dropped)),
    }
}

async fn read_now(socket: &mut Socket, mut take: impl FnMut(Message)) -> Result<(), Ended> {
    let reading = async {
        loop {
            take(next(socket).await?);
        }
    };
    timeout(BEAT, reading).await.unwrap_or(Ok(()))
}

async fn until_closed(socket: &mut Socket) -> Result<(), Ended> {
    let reading = async {
        loop {
            next(socket).await?;
        }
    };
    timeout(WITHIN, reading)
        .await
        .unwrap_or(Err(Ended(AttackOutcome::Dropped)))
}

async fn send(socket: &mut Socket, message: Message) -> Result<(), Ended> {
    match timeout(WITHIN, socket.send(message)).await {
        Ok(Ok(())) => Ok(()),
        // The server's close frame can still be read.
        Ok(Err(_)) => Err(match next(socket).await {
            Err(ended) => ended,
            Ok(_) => Ended(AttackOutcome::Dropped),
        }),
        // The server stopped reading.
        Err(_) => Err(Ended(AttackOutcome::Slowed)),
    }
}

fn chat(client_id: u32, text: String) -> ClientMessage {
    ClientMessage::Chat(ChatC2s::Send(ChatSendC2s {
        client_id,
        text,
        scope: 0,
        reply_to: None,
    }))
}

fn text(value: &Value) -> Message {
    Message::Text(value.to_string().into())
}

fn binary(message: &ClientMessage) -> Message {
    Message::Binary(encode(message).into())
}
