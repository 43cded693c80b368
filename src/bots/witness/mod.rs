//! Witness: clients that walk and chat while a cluster is being broken, and record what they saw.
//!
//! A witness behaves as the web client does. It reconnects through another process, sends
//! unacknowledged messages again, and ignores states older than the last one.

mod notes;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use parking_lot::Mutex;
use rand::RngExt;
use serde_json::Value;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};
use tokio_tungstenite::connect_async;
use tokio_util::sync::CancellationToken;
use tungstenite::Message;
use tungstenite::client::IntoClientRequest;
use tungstenite::http::HeaderValue;

use self::notes::Notes;
pub use self::notes::Sight;
use super::account::{AccountError, Accounts};
use super::answer::{list, text};
use super::{Behaviour, BotSettings};
use crate::net::codec::{decode, encode};
use crate::net::protocol::chat::{ChatC2s, ChatS2c, ChatSendC2s};
use crate::net::protocol::movement::InputC2s;
use crate::net::protocol::session::{HelloC2s, SessionS2c};
use crate::net::protocol::{ClientMessage, SCHEMA, SUBPROTOCOL, ServerMessage, VERSION};

/// Time between two steps of a witness; each step brings a frame.
const BEAT: Duration = Duration::from_millis(100);

/// Beats between two messages.
const TALK: u64 = 30;

/// Beats after which unacknowledged messages are sent again, since a link between two processes may
/// have lost them. The server accepts each message once.
const AGAIN: u64 = 30;

/// Timeout of connecting, and of joining.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);
const JOIN_WITHIN: Duration = Duration::from_secs(10);

/// Longest silence of a working connection; the server sends something every five seconds.
const SILENCE: Duration = Duration::from_secs(12);

/// Upper bound of the first wait before reconnecting; it doubles with each further wait.
const BACK_OFF: Duration = Duration::from_millis(500);
const LONGEST_BACK_OFF: Duration = Duration::from_secs(5);

/// A witness without news for longer than this was affected.
pub const HIT: Duration = Duration::from_millis(250);

/// How many witnesses have not recovered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Unsettled {
    /// Disconnected.
    pub out: u32,
    /// Connected, but without news.
    pub silent: u32,
    /// Waiting for the acknowledgement of messages.
    pub unanswered: u32,
}

impl Unsettled {
    /// Whether all witnesses have recovered.
    pub fn is_none(self) -> bool {
        self == Self::default()
    }
}

/// All witnesses.
pub struct Witnesses {
    notes: Vec<Arc<Mutex<Notes>>>,
    over: CancellationToken,
    http: reqwest::Client,
    token: String,
    spaces: Vec<String>,
}

impl Witnesses {
    /// Creates accounts at one process and joins spaces that store chat. Every second witness uses
    /// only the balancer, if there is one; the others use all processes.
    pub async fn gather(
        urls: &[String],
        balancer: Option<&str>,
        count: u32,
        spaces: u32,
    ) -> Result<Self, AccountError> {
        let over = CancellationToken::new();
        let settings = BotSettings {
            url: urls.first().cloned().unwrap_or_default(),
            bots: count,
            spaces,
            behaviour: Behaviour::Chat,
            keeps_chat: true,
            ..BotSettings::default()
        };
        let accounts = Accounts::prepare(&settings, &over).await?;
        let mut notes = Vec::new();
        let spaces = accounts
            .spaces
            .iter()
            .map(|space| space.id.clone())
            .collect();
        let token = accounts.people.first().map(|person| person.token.clone());
        for (number, person) in accounts.people.into_iter().enumerate() {
            let own = Arc::new(Mutex::new(Notes::new(Instant::now())));
            notes.push(Arc::clone(&own));
            let witness = Witness {
                number,
                urls: match balancer {
                    Some(balancer) if number % 2 == 1 => vec![balancer.to_owned()],
                    _ => urls.to_vec(),
                },
                token: person.token,
                space: accounts.spaces[number % accounts.spaces.len()].id.clone(),
                notes: own,
                said: 0,
                beats: 0,
            };
            let over = over.clone();
            tokio::spawn(async move {
                tokio::select! {
                    () = witness.watch() => {}
                    () = over.cancelled() => {}
                }
            });
        }
        Ok(Self {
            notes,
            over,
            http: reqwest::Client::new(),
            token: token.unwrap_or_default(),
            spaces,
        })
    }

    /// The ids of their spaces.
    pub fn spaces(&self) -> &[String] {
        &self.spaces
    }

    /// Starts recording.
    pub fn begin(&self) {
        let now = Instant::now();
        for notes in &self.notes {
            notes.lock().begin(now);
        }
    }

    /// Stops recording and returns what each witness saw.
    pub fn end(&self) -> Vec<Sight> {
        let now = Instant::now();
        self.notes
            .iter()
            .map(|notes| notes.lock().end(now))
            .collect()
    }

    /// Counts the witnesses that are disconnected, silent or unacknowledged.
    pub fn unsettled(&self) -> Unsettled {
        let mut unsettled = Unsettled::default();
        for notes in &self.notes {
            let notes = notes.lock();
            unsettled.out += u32::from(!notes.is_in);
            unsettled.silent += u32::from(notes.is_in && notes.news.elapsed() > HIT * 2);
            // One unacknowledged message is normal for a moment.
            unsettled.unanswered += u32::from(notes.is_in && notes.waiting.len() > 1);
        }
        unsettled
    }

    /// How often each message of a space was stored, by its text.
    pub async fn kept(
        &self,
        url: &str,
        space: &str,
    ) -> Result<HashMap<String, u32>, reqwest::Error> {
        let mut kept = HashMap::new();
        let mut before = String::new();
        loop {
            let path = format!("{url}/api/v1/space/{space}/chat?before={before}");
            let request = self.http.get(path).bearer_auth(&self.token);
            let page: Value = request.send().await?.error_for_status()?.json().await?;
            for message in list(&page, "lines") {
                *kept.entry(text(message, "message").to_owned()).or_default() += 1;
            }
            match text(&page, "before") {
                "" => return Ok(kept),
                next => next.clone_into(&mut before),
            }
        }
    }
}

impl Drop for Witnesses {
    fn drop(&mut self) {
        self.over.cancel();
    }
}

struct Witness {
    number: usize,
    urls: Vec<String>,
    token: String,
    space: String,
    notes: Arc<Mutex<Notes>>,
    said: u32,
    beats: u64,
}

impl Witness {
    async fn watch(mut self) {
        let mut back_off = BACK_OFF;
        for attempt in self.number.. {
            let url = self.urls[attempt % self.urls.len()].clone();
            // The reason does not matter: it reconnects.
            let _ = self.connection(&url).await;
            let was_in = std::mem::replace(&mut self.notes.lock().is_in, false);
            if was_in {
                self.notes.lock().sight.cuts += 1;
                back_off = BACK_OFF;
            }
            let wait = back_off.mul_f64(rand::rng().random_range(0.0..1.0));
            back_off = (back_off * 2).min(LONGEST_BACK_OFF);
            sleep(wait).await;
        }
    }

    async fn connection(&mut self, url: &str) -> Result<(), tungstenite::Error> {
        let address = format!("{}/ws?space={}", url.replacen("http", "ws", 1), self.space);
        let mut request = address.into_client_request()?;
        let protocol = HeaderValue::from_static(SUBPROTOCOL);
        request
            .headers_mut()
            .insert("sec-websocket-protocol", protocol);
        let connecting = timeout(CONNECT_WITHIN, connect_async(request)).await;
        let Ok(connected) = connecting else {
            return Ok(());
        };
        let (mut socket, _) = connected?;
        let hello = HelloC2s {
            version: VERSION,
            schema: SCHEMA,
            token: self.token.clone(),
            space: self.space.clone(),
            view_width: 20,
            view_height: 12,
            arrive: None,
        };
        socket.send(binary(&ClientMessage::Hello(hello))).await?;
        let mut beat = interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut heard, mut seq) = (Instant::now(), 0);
        loop {
            tokio::select! {
                message = socket.next() => {
                    let Some(message) = message else { return Ok(()) };
                    heard = Instant::now();
                    let Message::Binary(bytes) = message? else { continue };
                    if self.hear(&bytes) {
                        for message in self.unanswered() {
                            socket.send(message).await?;
                        }
                    }
                }
                _ = beat.tick() => {
                    let is_in = self.notes.lock().is_in;
                    if heard.elapsed() > if is_in { SILENCE } else { JOIN_WITHIN } {
                        return Ok(());
                    }
                    if is_in {
                        seq += 1;
                        for message in self.act(seq) {
                            socket.send(message).await?;
                        }
                    }
                }
            }
        }
    }

    /// Handles a message; returns whether unacknowledged messages are to be sent again.
    fn hear(&self, bytes: &[u8]) -> bool {
        let Ok(message) = decode::<ServerMessage>(bytes) else {
            return false;
        };
        let mut notes = self.notes.lock();
        match message {
            ServerMessage::Session(SessionS2c::Welcome(_)) => {
                notes.is_in = true;
                return true;
            }
            ServerMessage::Frame(frame) => {
                let was = notes.seen.0;
                notes.frame(&frame.header, Instant::now());
                // A new epoch of the space may not know the last messages.
                return was != 0 && notes.seen.0 > was;
            }
            ServerMessage::Chat(ChatS2c::Message(message)) => notes.message(&message, &self.space),
            ServerMessage::Session(
                SessionS2c::Notice(_) | SessionS2c::Pong(_) | SessionS2c::Missed(_),
            )
            | ServerMessage::Refused(_)
            | ServerMessage::Chat(
                ChatS2c::Refused(_)
                | ChatS2c::Changed(_)
                | ChatS2c::Reacted(_)
                | ChatS2c::Typing(_)
                | ChatS2c::History(_),
            )
            | ServerMessage::Emote(_)
            | ServerMessage::Element(_)
            | ServerMessage::Peers(_)
            | ServerMessage::Call(_)
            | ServerMessage::Status(_)
            | ServerMessage::Zone(_)
            | ServerMessage::Bubble(_)
            | ServerMessage::Follow(_)
            | ServerMessage::Direct(_) => {}
        }
        false
    }

    fn unanswered(&self) -> Vec<Message> {
        let notes = self.notes.lock();
        let messages = notes.waiting.iter().map(|(client_id, text)| ChatSendC2s {
            client_id: *client_id,
            text: text.clone(),
            scope: 0,
            reply_to: None,
        });
        messages
            .map(|message| binary(&ClientMessage::Chat(ChatC2s::Send(message))))
            .collect()
    }

    /// A step to and fro, and a message now and then.
    fn act(&mut self, seq: u32) -> Vec<Message> {
        self.beats += 1;
        let direction = if (self.beats / 10).is_multiple_of(2) {
            3
        } else {
            7
        };
        let input = InputC2s {
            seq,
            direction,
            run: false,
        };
        let mut messages = vec![binary(&ClientMessage::Input(input))];
        if self.beats.is_multiple_of(AGAIN) {
            messages.extend(self.unanswered());
        }
        if (self.beats + self.number as u64).is_multiple_of(TALK) {
            self.said += 1;
            let message = ChatSendC2s {
                client_id: self.said,
                text: format!("witness {} message {}", self.number, self.said),
                scope: 0,
                reply_to: None,
            };
            self.notes
                .lock()
                .waiting
                .push_back((message.client_id, message.text.clone()));
            messages.push(binary(&ClientMessage::Chat(ChatC2s::Send(message))));
        }
        messages
    }
}

fn binary(message: &ClientMessage) -> Message {
    Message::Binary(encode(message).into())
}
