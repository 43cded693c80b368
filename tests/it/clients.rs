//! Test clients of both protocols, over real sockets. Every wait ends with a message; [`PATIENCE`]
//! only ends a broken run.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use plaza::components::fact::Stance;
use plaza::components::unit::Position;
use plaza::net::codec::{decode, encode};
use plaza::net::protocol::bubble::BubbleS2c;
use plaza::net::protocol::chat::{ChatC2s, ChatMessageS2c, ChatS2c, ChatSendC2s};
use plaza::net::protocol::element::ElementS2c;
use plaza::net::protocol::frame::{CELL_SIDE, CELL_TILES, FrameS2c, unpack};
use plaza::net::protocol::movement::{InputC2s, MovementC2s, OwnStateS2c, WalkToC2s};
use plaza::net::protocol::session::{HelloC2s, PingC2s, SessionC2s, SessionS2c, WelcomeS2c};
use plaza::net::protocol::zone::ZoneS2c;
use plaza::net::protocol::{ClientMessage, SCHEMA, SUBPROTOCOL, ServerMessage, VERSION};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::harness::{Person, text};

/// How long a message may take before the run counts as broken.
const PATIENCE: Duration = Duration::from_mins(1);

/// Whether a message is a notice with that code.
pub fn is_notice(message: &ServerMessage, code: &str) -> bool {
    matches!(message, ServerMessage::Session(SessionS2c::Notice(notice)) if notice.code == code)
}

/// Whether a message is a chat message with that text.
pub fn is_chat(message: &ServerMessage, text: &str) -> bool {
    matches!(message, ServerMessage::Chat(ChatS2c::Message(chat)) if chat.text == text)
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// What a socket received.
#[derive(Debug)]
enum Heard {
    Bytes(Vec<u8>),
    Closed(Option<u16>),
}

async fn connect(server: &str, path: &str, protocol: Option<&'static str>) -> Socket {
    connect_from(server, path, protocol, None).await
}

async fn connect_from(
    server: &str,
    path: &str,
    protocol: Option<&'static str>,
    forwarded_for: Option<&str>,
) -> Socket {
    let address = format!("{}{path}", server.replacen("http", "ws", 1));
    let mut request = address.into_client_request().unwrap();
    if let Some(protocol) = protocol {
        let value = HeaderValue::from_static(protocol);
        request
            .headers_mut()
            .insert("sec-websocket-protocol", value);
    }
    if let Some(address) = forwarded_for {
        let value = HeaderValue::from_str(address).unwrap();
        request.headers_mut().insert("x-forwarded-for", value);
    }
    tokio_tungstenite::connect_async(request).await.unwrap().0
}

async fn hear(socket: &mut Socket) -> Heard {
    let heard = async {
        loop {
            match socket.next().await {
                Some(Ok(Message::Text(text))) => return Heard::Bytes(text.as_bytes().to_vec()),
                Some(Ok(Message::Binary(bytes))) => return Heard::Bytes(bytes.to_vec()),
                Some(Ok(Message::Close(frame))) => {
                    return Heard::Closed(frame.map(|frame| frame.code.into()));
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Heard::Closed(None),
            }
        }
    };
    let heard = tokio::time::timeout(PATIENCE, heard).await;
    heard.expect("the server says something in time")
}

async fn all_bytes(socket: &mut Socket) -> (Vec<Vec<u8>>, Option<u16>) {
    let mut all = Vec::new();
    loop {
        match hear(socket).await {
            Heard::Bytes(bytes) => all.push(bytes),
            Heard::Closed(code) => return (all, code),
        }
    }
}

/// Closes, and checks that the server answers the close frame.
async fn close(mut socket: Socket, code: u16) {
    let frame = CloseFrame {
        code: code.into(),
        reason: "".into(),
    };
    socket.close(Some(frame)).await.unwrap();
    loop {
        if let Heard::Closed(answer) = hear(&mut socket).await {
            assert_eq!(answer, Some(code), "the server answers the close frame");
            return;
        }
    }
}

/// A client of the JSON protocol.
pub struct JsonClient {
    socket: Socket,
}

impl JsonClient {
    pub async fn connect(server: &str) -> Self {
        Self::connect_at(server, "/ws").await
    }

    pub async fn connect_at(server: &str, path: &str) -> Self {
        let socket = connect(server, path, None).await;
        Self { socket }
    }

    /// Connects and joins; returns the client and the payload of `space-joined`.
    pub async fn join(server: &str, who: &Person, space: &str) -> (Self, Value) {
        let mut client = Self::connect(server).await;
        let joined = client.enter(who, space, json!([])).await;
        (client, joined)
    }

    /// Joins and returns the payload of `space-joined`.
    pub async fn enter(&mut self, who: &Person, space: &str, features: Value) -> Value {
        let payload = json!({"spaceId": space, "token": who.token, "features": features});
        self.say("join", payload).await;
        self.expect("space-joined").await
    }

    pub async fn say(&mut self, kind: &str, payload: Value) {
        self.raw(Message::text(
            json!({"type": kind, "payload": payload}).to_string(),
        ))
        .await;
    }

    pub async fn step(&mut self, x: i64, y: i64) {
        self.say("move", json!({"x": x, "y": y})).await;
    }

    pub async fn chat(&mut self, message: &str) {
        self.say("chat-message", json!({"message": message})).await;
    }

    pub async fn raw(&mut self, message: Message) {
        self.socket.send(message).await.unwrap();
    }

    /// Sends many messages in one write; the server may close the connection before the end.
    pub async fn burst(&mut self, messages: impl IntoIterator<Item = Value>) {
        for message in messages {
            if self
                .socket
                .feed(Message::text(message.to_string()))
                .await
                .is_err()
            {
                return;
            }
        }
        let _ = self.socket.flush().await;
    }

    /// The next message, of any type.
    pub async fn next(&mut self) -> Value {
        match hear(&mut self.socket).await {
            Heard::Bytes(bytes) => serde_json::from_slice(&bytes).unwrap(),
            closed @ Heard::Closed(_) => panic!("a message was expected, not {closed:?}"),
        }
    }

    /// The payload of the next message, which must be of that type.
    pub async fn expect(&mut self, kind: &str) -> Value {
        let mut message = self.next().await;
        assert_eq!(message["type"], kind, "{message}");
        message["payload"].take()
    }

    /// The code of the next message, which must be an error with a text for people.
    pub async fn expect_error(&mut self) -> String {
        let payload = self.expect("error").await;
        assert!(!text(&payload["message"]).is_empty());
        text(&payload["code"])
    }

    /// Reads to the end; returns the close code.
    pub async fn ended(&mut self) -> Option<u16> {
        loop {
            if let Heard::Closed(code) = hear(&mut self.socket).await {
                return code;
            }
        }
    }

    /// Reads to the end; returns all bytes, and the close code.
    pub async fn all_bytes(&mut self) -> (Vec<Vec<u8>>, Option<u16>) {
        all_bytes(&mut self.socket).await
    }

    /// Expects a close next, and returns its code.
    pub async fn expect_close(&mut self) -> Option<u16> {
        match hear(&mut self.socket).await {
            Heard::Closed(code) => code,
            Heard::Bytes(bytes) => panic!("not closed but {}", String::from_utf8_lossy(&bytes)),
        }
    }

    /// Closes, and checks that the server answers the close frame.
    pub async fn close(self) {
        self.close_with(1000).await;
    }

    /// Closes with a code; a closed page sends 1001.
    pub async fn close_with(self, code: u16) {
        close(self.socket, code).await;
    }
}

/// A client of the binary protocol, which applies the frames it gets.
pub struct BinaryClient {
    socket: Socket,
    pub welcome: WelcomeS2c,
    /// Chat history sent at the join.
    pub history: Vec<ChatMessageS2c>,
    pub own: OwnStateS2c,
    pub ack: u32,
    pub epoch: u64,
    pub tick: u64,
    /// Position of every player in view.
    pub places: HashMap<u32, Stance>,
    /// The user behind each player.
    pub users: HashMap<u32, String>,
    /// The newest version of the map that it was told of.
    pub map_version: u32,
    held: HashMap<u32, u16>,
}

/// A connection of the binary protocol that has not sent anything yet.
pub struct Stranger {
    socket: Socket,
}

pub fn hello(token: &str, space: &str) -> HelloC2s {
    HelloC2s {
        version: VERSION,
        schema: SCHEMA,
        token: token.to_owned(),
        space: space.to_owned(),
        view_width: 30,
        view_height: 20,
        arrive: None,
    }
}

impl Stranger {
    pub async fn connect(server: &str) -> Self {
        let socket = connect(server, "/ws", Some(SUBPROTOCOL)).await;
        Self { socket }
    }

    /// Connects through a trusted proxy that names this address.
    pub async fn connect_from(server: &str, address: &str) -> Self {
        let socket = connect_from(server, "/ws", Some(SUBPROTOCOL), Some(address)).await;
        Self { socket }
    }

    pub async fn say(&mut self, message: &ClientMessage) {
        self.bytes(encode(message)).await;
    }

    pub async fn bytes(&mut self, bytes: Vec<u8>) {
        self.socket.send(Message::binary(bytes)).await.unwrap();
    }

    /// Sends raw bytes; returns whether the connection still accepted them.
    pub async fn frame(&mut self, message: Message) -> bool {
        self.socket.send(message).await.is_ok()
    }

    /// Reads to the end; returns the close code.
    pub async fn ended(&mut self) -> Option<u16> {
        loop {
            if let Heard::Closed(code) = hear(&mut self.socket).await {
                return code;
            }
        }
    }

    /// Reads to the end; returns all bytes, and the close code.
    pub async fn all_bytes(&mut self) -> (Vec<Vec<u8>>, Option<u16>) {
        all_bytes(&mut self.socket).await
    }

    pub async fn text(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.unwrap();
    }

    /// Closes with a code; a closed page sends 1001.
    pub async fn close_with(self, code: u16) {
        close(self.socket, code).await;
    }

    /// Expects a refusal, followed by a close with the same code; returns the code.
    pub async fn refused(&mut self) -> u16 {
        let Heard::Bytes(bytes) = hear(&mut self.socket).await else {
            panic!("closed without a reason");
        };
        let Ok(ServerMessage::Refused(refused)) = decode(&bytes) else {
            panic!("not refused");
        };
        assert!(!refused.message.is_empty());
        match hear(&mut self.socket).await {
            Heard::Closed(code) => assert_eq!(code, Some(refused.code)),
            Heard::Bytes(_) => panic!("something follows the refusal"),
        }
        refused.code
    }

    /// Waits until the client has joined; the close code when it is refused.
    pub async fn welcomed(mut self) -> Result<BinaryClient, Option<u16>> {
        loop {
            let bytes = match hear(&mut self.socket).await {
                Heard::Bytes(bytes) => bytes,
                Heard::Closed(code) => return Err(code),
            };
            if let ServerMessage::Session(SessionS2c::Welcome(welcome)) = decode(&bytes).unwrap() {
                let Heard::Bytes(bytes) = hear(&mut self.socket).await else {
                    panic!("closed behind the welcome");
                };
                let Ok(ServerMessage::Chat(ChatS2c::History(history))) = decode(&bytes) else {
                    panic!("the history follows the welcome");
                };
                return Ok(BinaryClient {
                    socket: self.socket,
                    history: history.messages,
                    own: welcome.own,
                    ack: 0,
                    epoch: welcome.epoch,
                    tick: welcome.tick,
                    places: HashMap::new(),
                    users: HashMap::new(),
                    map_version: welcome.map_version,
                    held: HashMap::new(),
                    welcome,
                });
            }
        }
    }
}

impl BinaryClient {
    pub async fn join(server: &str, who: &Person, space: &str) -> Self {
        let mut stranger = Stranger::connect(server).await;
        stranger
            .say(&ClientMessage::Hello(hello(&who.token, space)))
            .await;
        stranger.welcomed().await.expect("the client is let in")
    }

    pub async fn say(&mut self, message: &ClientMessage) {
        self.socket
            .send(Message::binary(encode(message)))
            .await
            .unwrap();
    }

    pub async fn bytes(&mut self, bytes: Vec<u8>) {
        self.socket.send(Message::binary(bytes)).await.unwrap();
    }

    pub async fn hold(&mut self, seq: u32, direction: u8) {
        let run = false;
        self.say(&ClientMessage::Input(InputC2s {
            seq,
            direction,
            run,
        }))
        .await;
    }

    pub async fn walk_to(&mut self, seq: u32, x: u16, y: u16) {
        self.say(&ClientMessage::Movement(MovementC2s::WalkTo(WalkToC2s {
            seq,
            x,
            y,
        })))
        .await;
    }

    pub async fn chat(&mut self, client_id: u32, text: &str) {
        let text = text.to_owned();
        self.say(&ClientMessage::Chat(ChatC2s::Send(ChatSendC2s {
            client_id,
            text,
            scope: 0,
            reply_to: None,
        })))
        .await;
    }

    /// Sends a ping and waits for the answer; the server has then read everything sent before.
    pub async fn ping(&mut self, nonce: u32) {
        self.say(&ClientMessage::Session(SessionC2s::Ping(PingC2s { nonce })))
            .await;
        let is_answer = |message: &ServerMessage| matches!(message, ServerMessage::Session(SessionS2c::Pong(pong)) if pong.nonce == nonce);
        self.until(|_, message| is_answer(message)).await;
    }

    /// The next message, applied if it is a frame; the close code at the end.
    pub async fn next(&mut self) -> Result<ServerMessage, Option<u16>> {
        let bytes = match hear(&mut self.socket).await {
            Heard::Bytes(bytes) => bytes,
            Heard::Closed(code) => return Err(code),
        };
        let message = decode(&bytes).expect("the server's bytes are a message");
        match &message {
            ServerMessage::Frame(frame) => self.apply(frame),
            ServerMessage::Element(element) => {
                let version = match element {
                    ElementS2c::Placed(placed) => placed.map_version,
                    ElementS2c::Removed(removed) => removed.map_version,
                    ElementS2c::MapChanged(changed) => changed.map_version,
                };
                self.map_version = self.map_version.max(version);
            }
            _ => {}
        }
        Ok(message)
    }

    /// Reads until the condition holds after a message, and returns that message.
    pub async fn until(
        &mut self,
        mut holds: impl FnMut(&Self, &ServerMessage) -> bool,
    ) -> ServerMessage {
        loop {
            let message = self.next().await.expect("the connection stays");
            if holds(self, &message) {
                return message;
            }
        }
    }

    /// The next message that is not a frame.
    pub async fn event(&mut self) -> ServerMessage {
        let is_about_places = |message: &ServerMessage| {
            matches!(
                message,
                ServerMessage::Frame(_)
                    | ServerMessage::Peers(_)
                    | ServerMessage::Zone(ZoneS2c::State(_))
                    | ServerMessage::Bubble(BubbleS2c::Changed(_))
            )
        };
        self.until(|_, message| !is_about_places(message)).await
    }

    /// Reads to the end; returns the close code.
    pub async fn ended(&mut self) -> Option<u16> {
        loop {
            if let Err(code) = self.next().await {
                return code;
            }
        }
    }

    /// The player of that user, once it is in view.
    pub async fn sees(&mut self, user: &str) -> u32 {
        loop {
            let found = self.users.iter().find(|(_, seen)| *seen == user);
            if let Some((&player, _)) = found
                && self.places.contains_key(&player)
            {
                return player;
            }
            self.next().await.expect("the connection stays");
        }
    }

    fn apply(&mut self, frame: &FrameS2c) {
        let (before, now) = (
            (self.epoch, self.tick),
            (frame.header.epoch, frame.header.tick),
        );
        assert!(
            now > before || self.users.is_empty(),
            "time goes back from {before:?} to {now:?}"
        );
        self.epoch = frame.header.epoch;
        self.tick = frame.header.tick;
        if let Some(own) = frame.header.own {
            self.own = own.state;
            self.ack = own.ack;
        }
        let roster = frame.roster.clone().unwrap_or_default();
        if roster.full {
            let came = |player: &u32| roster.came.iter().any(|card| card.player == *player);
            self.users.retain(|player, _| came(player));
            self.places.retain(|player, _| came(player));
        }
        for card in &roster.came {
            self.users.insert(card.player, card.user.clone());
        }
        let columns = self.welcome.width.div_ceil(CELL_TILES);
        for cell in &frame.cells {
            let corner = Position {
                x: i32::from(cell.index % columns) * CELL_SIDE,
                y: i32::from(cell.index / columns) * CELL_SIDE,
            };
            if cell.full {
                self.forget_cell(cell.index, |_| true);
            }
            self.forget_cell(cell.index, |player| cell.left.contains(&player));
            let mut player = 0;
            for entry in &cell.entries {
                player += entry.gap;
                self.held.insert(player, cell.index);
                self.places.insert(
                    player,
                    unpack(entry.bits, corner).expect("a stance that exists"),
                );
            }
            let mut player = 0;
            for step in &cell.steps {
                player += step.gap;
                let stance = self
                    .places
                    .get_mut(&player)
                    .expect("a player who takes a step is in view");
                *stance = step.stance(stance.position).expect("a stance that exists");
            }
        }
        for dropped in &frame.dropped {
            self.forget_cell(*dropped, |_| true);
        }
        for gone in &roster.gone {
            self.users.remove(gone);
            self.places.remove(gone);
        }
    }

    fn forget_cell(&mut self, cell: u16, which: impl Fn(u32) -> bool) {
        let held = &self.held;
        self.places
            .retain(|player, _| held.get(player) != Some(&cell) || !which(*player));
    }
}
