//! Connection: one socket from upgrade to goodbye.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures_util::{SinkExt, StreamExt};
use tokio::sync::oneshot;
use tokio::sync::oneshot::error::TryRecvError;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tungstenite::error::ProtocolError;
use tungstenite::{Error, Message};
use uuid::Uuid;

use super::Edge;
use super::gate::CountedConnection;
use super::send_queue::{SendQueue, SocketReader};
use crate::cluster::connections::Registration;
use crate::cluster::mailboxes::Mailbox;
use crate::cluster::spaces::EnterError;
use crate::components::chat::{MessageChange, Speech};
use crate::components::command::Command;
use crate::components::direct::DirectMessage;
use crate::components::id::{ChatId, PlayerId, SpaceId, UserId};
use crate::host::SendError;
use crate::net::budget::{Budget, REQUEST, Who};
use crate::net::codec::encode;
use crate::net::protocol::ServerMessage;
use crate::net::protocol::chat::DirectMessageS2c;
use crate::net::protocol::client::{JoinWord, ProtocolKind};
use crate::net::protocol::session::RefusedS2c;
use crate::net::protocol::{close, json};
use crate::net::relay::task::{RelayCommand, RelayHandle};
use crate::net::relay::{Arrival, ClientId, Departure, Sink};
use crate::net::session::json::JsonTerms;
use crate::net::session::{Action, PING_EVERY, Session, binary};
use crate::store::sessions::{SessionEnd, SessionId};
use crate::store::{Role, SignedIn};

/// How long the last words to a client may take.
const GOODBYE_WITHIN: Duration = Duration::from_secs(1);

/// How often coming in is tried while the space starts again.
const JOIN_TRIES: u32 = 5;

/// What a client sends, read by the library.
pub(super) type SocketStream = WebSocketStream<SocketReader>;

/// One client's connection.
struct Connection {
    edge: Edge,
    client: ClientId,
    lane: Arc<SendQueue>,
    session: Session,
    /// Only for clients of the tile grid.
    grid: Option<JsonTerms>,
    joining: Option<Joining>,
    user: Option<UserId>,
    relay: Option<RelayHandle>,
    /// Whether the user looks after the space: its owner, or an admin.
    may_moderate: bool,
    /// What counts it among the user's own.
    counted: Option<CountedConnection<UserId>>,
    /// Where messages of other people to this one come.
    mailbox: Option<Mailbox>,
    /// Ends the connection with the session that opened it.
    registration: Option<Registration>,
}

/// A client on its way in.
struct Joining {
    wish: JoinRequest,
    ready: oneshot::Receiver<PlayerId>,
    tries: u32,
}

/// Who wants to come in where, and how.
struct JoinRequest {
    number: u64,
    who: SignedIn,
    space: SpaceId,
    dialect: ProtocolKind,
    arrive: Option<String>,
    blocked: Vec<UserId>,
}

/// Serves a socket until it ends.
pub(super) async fn serve(
    edge: Edge,
    lane: Arc<SendQueue>,
    mut inbox: SocketStream,
    grid: Option<JoinWord>,
) {
    let client = edge.next_client();
    let session = Session::new(now());
    let grid = grid.map(JsonTerms::new);
    let mut connection = Connection {
        edge,
        client,
        lane,
        session,
        grid,
        joining: None,
        user: None,
        relay: None,
        may_moderate: false,
        counted: None,
        mailbox: None,
        registration: None,
    };
    metrics::gauge!("plaza_clients").increment(1);
    let departure = connection.run(&mut inbox).await;
    if let Some(relay) = &connection.relay {
        relay.order(RelayCommand::Detach(client, departure)).await;
    }
    metrics::gauge!("plaza_clients").decrement(1);
}

impl Connection {
    async fn run(&mut self, inbox: &mut SocketStream) -> Departure {
        let mut ping = tokio::time::interval(PING_EVERY);
        ping.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let stopping = self.edge.0.stopping.clone();
        let mut stopped = pin!(stopping.cancelled());
        let lane = Arc::clone(&self.lane);
        let mut written = pin!(lane.run());
        let mut is_stopping = false;
        // Until when nothing is read, because the client sent more than it may.
        let mut pause = None;
        loop {
            tokio::select! {
                // What a client says is what wakes its task most often.
                biased;
                received = inbox.next(), if pause.is_none() => match received {
                    Some(Ok(message)) => {
                        self.settle_if_answered().await;
                        if let Some(departure) = self.receive(message).await {
                            // Answers the goodbye: without it a browser takes the end for a
                            // failure.
                            let _ = timeout(GOODBYE_WITHIN, inbox.flush()).await;
                            return departure;
                        }
                        pause = self.session.take_pause();
                    }
                    Some(Err(error)) => return self.broken(inbox, &error).await,
                    None => return self.departure(Departure::Lost),
                },
                () = over(pause) => pause = None,
                joined = joined(&mut self.joining) => self.settle(joined).await,
                goodbye = &mut written => {
                    let Some(goodbye) = goodbye else { return self.departure(Departure::Lost) };
                    let echo = async { while let Some(Ok(_)) = inbox.next().await {} };
                    let _ = timeout(GOODBYE_WITHIN, echo).await;
                    // A user who was signed out does not come back: no place is kept for them.
                    let has_left = matches!(goodbye.code, close::LEFT | close::SIGNED_OUT);
                    return self.departure(if has_left { Departure::Left } else { Departure::Lost });
                }
                _ = ping.tick() => {
                    // Whoever does not even read the reason is gone.
                    if lane.is_closing() {
                        return self.departure(Departure::Lost);
                    }
                    if let Some(action) = self.session.check(now()) {
                        self.act(action).await;
                    } else {
                        lane.ping();
                    }
                }
                () = &mut stopped, if !is_stopping => {
                    is_stopping = true;
                    if self.grid.is_some() {
                        lane.reply(json::error("moved", "The server stops. Connect again: the \
                            space goes on elsewhere."));
                    }
                    lane.close(close::AWAY, "the server stops; reconnect");
                }
            }
        }
    }

    /// The socket failed while reading: what is wrong with what came is said, before the connection
    /// ends.
    async fn broken(&self, inbox: &mut SocketStream, error: &Error) -> Departure {
        tracing::debug!(%error, "a connection broke");
        let reason = match error {
            Error::Capacity(_) => Some((close::TOO_BIG, "a message has at most 16 KiB")),
            Error::Utf8(_) => Some((close::NO_TEXT, "a text message is no UTF-8")),
            Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => None,
            Error::Protocol(_) => Some((close::PROTOCOL, "this is no WebSocket message")),
            _ => None,
        };
        if let Some((code, reason)) = reason {
            self.lane.close(code, reason);
            let goodbye = async {
                self.lane.run().await;
                // What is unread when a socket is closed makes the kernel take back what is unsent.
                let _ = tokio::io::copy(inbox.get_mut(), &mut tokio::io::sink()).await;
            };
            let _ = timeout(GOODBYE_WITHIN, goodbye).await;
        }
        self.departure(Departure::Lost)
    }

    /// A client of the tile grid is gone when its connection is; a game client may come back.
    fn departure(&self, how: Departure) -> Departure {
        if self.grid.is_some() {
            Departure::Left
        } else {
            how
        }
    }

    async fn receive(&mut self, message: Message) -> Option<Departure> {
        let actions = match (&mut self.grid, message) {
            (_, Message::Ping(bytes) | Message::Pong(bytes)) => {
                self.session.receive_control(now(), bytes.len())
            }
            // The library gives none out.
            (_, Message::Frame(_)) => return None,
            (_, message) if !message.is_close() && self.lane.is_closing() => return None,
            (_, Message::Close(frame)) => {
                // A page that is closed or left says 1001 and does not come back, or comes back as
                // a new connection.
                let is_goodbye = frame.is_none_or(|frame| matches!(frame.code.into(), 1000 | 1001));
                return Some(self.departure(if is_goodbye {
                    Departure::Left
                } else {
                    Departure::Lost
                }));
            }
            (Some(terms), Message::Text(text)) => {
                self.session.receive_json(now(), terms, text.as_str())
            }
            (Some(terms), Message::Binary(bytes)) => {
                let text = String::from_utf8_lossy(&bytes);
                self.session.receive_json(now(), terms, &text)
            }
            (None, Message::Binary(bytes)) => self.session.receive_binary(now(), &bytes),
            (None, Message::Text(_)) => {
                binary::refuse(close::MALFORMED, "This protocol has binary messages only.")
            }
        };
        if let (Some(budget), Some(user)) = (self.session.take_exceeded(), self.user) {
            self.edge.0.budgets.note(Who::User(user), budget);
        }
        for action in actions {
            self.act(action).await;
        }
        None
    }

    async fn act(&mut self, action: Action) {
        match action {
            Action::Join {
                token,
                space,
                dialect,
                arrive,
            } => self.join(&token, &space, dialect, arrive).await,
            Action::Block { other, blocked } => self.block(other, blocked).await,
            Action::Command(command) => self.command(command),
            Action::Say {
                player,
                client_id,
                text,
                scope,
                reply_to,
            } => {
                let speech = Speech {
                    id: ChatId(Uuid::now_v7()),
                    client_id,
                    text,
                    at: unix_millis(),
                    scope,
                    reply_to,
                    may_moderate: self.may_moderate,
                };
                let command = Command::Chat { player, speech };
                if self.command_fits(command) {
                    return;
                }
                self.lane.reply(match (self.grid.is_some(), client_id) {
                    (false, Some(client_id)) => match binary::chat_refused(client_id, BUSY) {
                        Action::Reply(bytes) => bytes,
                        _ => return,
                    },
                    _ => json::error("busy", BUSY),
                });
            }
            Action::EditMessage { player, line, text } => {
                let at = unix_millis();
                let command = Command::EditMessage {
                    player,
                    change: MessageChange { id: line, text, at },
                    may_moderate: self.may_moderate,
                };
                if !self.command_fits(command)
                    && let Action::Reply(bytes) = binary::notice("chat", BUSY)
                {
                    self.lane.reply(bytes);
                }
            }
            Action::Resize { width, height } => {
                if let Some(relay) = &self.relay {
                    relay
                        .order(RelayCommand::Resize(self.client, width, height))
                        .await;
                }
            }
            Action::LookBack(before) => {
                if let Some(relay) = &self.relay {
                    relay
                        .order(RelayCommand::LookBack(self.client, before))
                        .await;
                }
            }
            Action::Reply(bytes) => self.lane.reply(bytes),
            Action::Leave => self.lane.close(close::LEFT, "left"),
            Action::Close { code, reason } => self.lane.close(code, reason),
        }
    }

    /// Kept in the store first: it holds in every space, and after every restart.
    async fn block(&self, other: UserId, blocked: bool) {
        let Some(user) = self.user.filter(|user| *user != other) else {
            return;
        };
        match self.edge.0.store.set_blocked(user, other, blocked).await {
            Ok(true) => {
                let command = Command::Block {
                    user,
                    other,
                    blocked,
                };
                self.edge.0.relays.tell_all(&command);
            }
            Ok(false) => {
                let message = "There is no such user, or you keep too many away already.";
                if let Action::Reply(bytes) = binary::notice("not-blocked", message) {
                    self.lane.reply(bytes);
                }
            }
            Err(error) => {
                tracing::error!(%error, "a block could not be kept");
                let message = "The server has a problem. Try again in a moment.";
                if let Action::Reply(bytes) = binary::notice("not-blocked", message) {
                    self.lane.reply(bytes);
                }
            }
        }
    }

    /// A step or walk that does not fit is dropped: the client corrects itself by what it is told
    /// next.
    fn command(&self, command: Command) {
        if !self.command_fits(command) {
            metrics::counter!("plaza_commands_dropped_total").increment(1);
        }
    }

    fn command_fits(&self, command: Command) -> bool {
        let Some(relay) = &self.relay else {
            return false;
        };
        match relay.send(command) {
            // The relay tells everybody when the space has ended.
            Ok(()) | Err(SendError::Ended) => true,
            Err(SendError::Overloaded) => false,
        }
    }

    /// Checks who the client is and where it wants to go, and asks the relay to let it in.
    async fn join(
        &mut self,
        token: &str,
        space: &str,
        dialect: ProtocolKind,
        arrive: Option<String>,
    ) {
        let number = self.edge.next_wish();
        let registration = self.register(token);
        let who = match self.edge.0.store.signed_in(token).await {
            Ok(Some(who)) => who,
            Ok(None) => {
                return self.refuse(
                    close::SIGNED_OUT,
                    "You are not signed in. Sign in and try again.",
                );
            }
            Err(error) => {
                tracing::error!(%error, "a sign-in could not be checked");
                return self.refuse(
                    close::AWAY,
                    "The server has a problem. Try again in a moment.",
                );
            }
        };
        if let Some(suspension) = &who.suspension {
            return self.refuse(close::FORBIDDEN, &suspension.to_string());
        }
        registration.belongs_to(who.user);
        self.registration = Some(registration);
        let budgets = &self.edge.0.budgets;
        if budgets
            .take_many(who.user.into(), Budget::Requests, REQUEST)
            .is_err()
        {
            return self.refuse(
                close::FLOOD,
                "You ask too much at once. Try again in a moment.",
            );
        }
        if !self.is_counted(who.user) {
            return self.refuse(
                close::FLOOD,
                "You are connected too often at once. Close other windows and try again.",
            );
        }
        let Ok(space) = space.parse::<SpaceId>() else {
            return self.refuse(close::NO_SPACE, NO_SPACE);
        };
        let blocked = match self.edge.0.store.blocked_by(who.user).await {
            Ok(blocked) => blocked,
            Err(error) => {
                tracing::error!(%error, "whom somebody keeps away could not be read");
                return self.refuse(
                    close::AWAY,
                    "The server has a problem. Try again in a moment.",
                );
            }
        };
        self.may_moderate = self.moderates(&who, space).await;
        self.user = Some(who.user);
        // Only a portal leads to a zone; everybody else stands where they stood.
        let arrive =
            arrive.and_then(|ticket| self.edge.0.relays.tickets().check(&ticket, who.user, space));
        self.session
            .share(self.edge.0.rates.of(who.user, space, now()));
        let wish = JoinRequest {
            number,
            who,
            space,
            dialect,
            arrive,
            blocked,
        };
        self.enter(wish, 1).await;
    }

    /// Whether the socket counts among the user's own, and is not one too many.
    fn is_counted(&mut self, user: UserId) -> bool {
        if self
            .counted
            .as_ref()
            .is_none_or(|counted| counted.key() != user)
        {
            self.counted = self.edge.0.users.enter(user);
            if self.counted.is_none() {
                self.edge
                    .0
                    .budgets
                    .note(Who::User(user), Budget::Connections);
            }
        }
        self.counted.is_some()
    }

    /// Whether the user looks after the space.
    async fn moderates(&self, who: &SignedIn, space: SpaceId) -> bool {
        let is_owner = match self.edge.0.store.space(space).await {
            Ok(row) => row.is_some_and(|row| row.creator == Some(who.user)),
            Err(error) => {
                tracing::warn!(%space, %error, "it is not known who made a space");
                false
            }
        };
        is_owner || who.role == Role::Admin
    }

    async fn enter(&mut self, wish: JoinRequest, tries: u32) {
        let space = wish.space;
        let relay = match self.edge.0.relays.of(space).await {
            Ok(relay) => relay,
            Err(EnterError::Unknown) => return self.refuse(close::NO_SPACE, NO_SPACE),
            Err(EnterError::Unavailable) => {
                return self.refuse(
                    close::AWAY,
                    "Nobody can run the space right now. Try again in a moment.",
                );
            }
            Err(error @ EnterError::Full(_)) => {
                tracing::warn!(%space, %error, "a space was not opened");
                return self.refuse(
                    close::AWAY,
                    "As many spaces are open as this server may have (--max-open-spaces). Try \
                    again later.",
                );
            }
            Err(EnterError::Store(error)) => {
                tracing::error!(%space, %error, "a space could not be opened");
                return self.refuse(
                    close::AWAY,
                    "The space cannot be opened right now. Try again in a moment.",
                );
            }
        };
        let (ready, is_ready) = oneshot::channel();
        let arrival = Arrival {
            client: self.client,
            wish: wish.number,
            user: wish.who.user,
            name: wish.who.shown_name(),
            avatar: wish.who.avatar.clone(),
            arrive: wish.arrive.clone(),
            blocked: wish.blocked.clone(),
            dialect: wish.dialect,
            sink: Arc::clone(&self.lane) as Arc<dyn Sink>,
            ready,
        };
        // When the relay has ended meanwhile, `ready` is dropped with the order and `settle` tries
        // again.
        relay.order(RelayCommand::Join(Box::new(arrival))).await;
        self.relay = Some(relay);
        self.joining = Some(Joining {
            wish,
            ready: is_ready,
            tries,
        });
    }

    /// Settles when the relay has answered and no one has looked: a client may answer its welcome
    /// faster than this task wakes. An answer that was taken here is not there to be waited for,
    /// also when it says that the relay has ended.
    async fn settle_if_answered(&mut self) {
        let Some(joining) = self.joining.as_mut() else {
            return;
        };
        let joined = match joining.ready.try_recv() {
            Ok(player) => Some(player),
            Err(TryRecvError::Closed) => None,
            Err(TryRecvError::Empty) => return,
        };
        self.settle(joined).await;
    }

    /// The relay answered: the player is there, or the space started again and coming in is tried
    /// once more.
    async fn settle(&mut self, joined: Option<PlayerId>) {
        let Some(joining) = self.joining.take() else {
            return;
        };
        match joined {
            Some(player) => {
                self.session.joined(player);
                // Clients of the tile grid know no such messages.
                if self.grid.is_none() {
                    self.mailbox = Some(self.open_mailbox(joining.wish.who.user));
                }
            }
            None if self.lane.is_closing() => {}
            None if joining.tries < JOIN_TRIES => {
                self.enter(joining.wish, joining.tries + 1).await;
            }
            None => self.refuse(
                close::AWAY,
                "The space starts again. Try again in a moment.",
            ),
        }
    }

    fn open_mailbox(&self, user: UserId) -> Mailbox {
        let lane = Arc::clone(&self.lane);
        let slot = move |message: &DirectMessage| {
            let seen = DirectMessageS2c::of(message, user);
            lane.reply(encode(&ServerMessage::Direct(seen)).into());
        };
        self.edge.0.mailboxes.open(user, Arc::new(slot))
    }

    /// From now on the connection ends with the session of the token.
    fn register(&self, token: &str) -> Registration {
        let (lane, is_json) = (Arc::clone(&self.lane), self.grid.is_some());
        let close = move |end: &SessionEnd| {
            let message = match end {
                SessionEnd::SignedOut => "You were signed out. Sign in again.".to_owned(),
                SessionEnd::Suspended(suspension) => suspension.to_string(),
            };
            refuse(&lane, is_json, close::SIGNED_OUT, &message);
        };
        self.edge
            .0
            .connections
            .open(SessionId::of(token), Arc::new(close))
    }

    fn refuse(&self, code: u16, message: &str) {
        refuse(&self.lane, self.grid.is_some(), code, message);
    }
}

/// Says why, in the words of the client's protocol, and ends the connection.
fn refuse(lane: &SendQueue, is_json: bool, code: u16, message: &str) {
    lane.reply(if is_json {
        let word = match code {
            close::SIGNED_OUT => "unauthorized",
            close::FORBIDDEN => "forbidden",
            close::NO_SPACE => "unknown-space",
            _ => "unavailable",
        };
        json::error(word, message)
    } else {
        let message = message.to_owned();
        encode(&ServerMessage::Refused(RefusedS2c { code, message })).into()
    });
    lane.close(code, message);
}

const BUSY: &str = "The space is overloaded. Send it again in a moment.";
const NO_SPACE: &str = "There is no such space. It may have been deleted; ask for a new link.";

/// Waits until then; for ever when nothing is waited for.
async fn over(pause: Option<Instant>) {
    match pause {
        Some(until) => tokio::time::sleep_until(until.into()).await,
        None => std::future::pending().await,
    }
}

/// Waits for the answer to a join; for ever when there is none under way.
async fn joined(joining: &mut Option<Joining>) -> Option<PlayerId> {
    match joining {
        Some(joining) => (&mut joining.ready).await.ok(),
        None => std::future::pending().await,
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the edge is where real time comes in"
)]
fn now() -> Instant {
    Instant::now()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the edge is where real time comes in"
)]
pub(super) fn unix_millis() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as u64)
}
