//! Connection: serves one socket from upgrade to close.

mod joining;
mod screen;
mod speech;

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures_util::{SinkExt, StreamExt};
use tokio::sync::Notify;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tungstenite::error::ProtocolError;
use tungstenite::{Error, Message};
use uuid::Uuid;

use self::joining::{Joining, joined};
use super::Edge;
use super::gate::CountedConnection;
use super::send_queue::{SendQueue, SocketReader};
use super::standing::CurrentStanding;
use crate::cluster::connections::Registration;
use crate::cluster::mailboxes::Mailbox;
use crate::components::block::BlockChange;
use crate::components::chat::{MessageChange, Speech};
use crate::components::command::Command;
use crate::components::id::{ChatId, PlayerId, UserId};
use crate::components::membership::Membership;
use crate::components::permissions::Permission;
use crate::host::SendError;
use crate::net::address::AddressKey;
use crate::net::budget::{Budget, Spender, Who};
use crate::net::protocol::client::JoinWord;
use crate::net::protocol::{close, json};
use crate::net::relay::task::{RelayCommand, RelayHandle};
use crate::net::relay::{ClientId, Departure, Sink};
use crate::net::session::json::JsonTerms;
use crate::net::session::{Action, PING_EVERY, Session, replies};
use crate::store::blocks::BlockOutcome;

/// Time limit for the close handshake.
const GOODBYE_WITHIN: Duration = Duration::from_secs(1);

/// The reading half of a WebSocket.
pub(super) type SocketStream = WebSocketStream<SocketReader>;

/// One client's connection.
struct Connection {
    edge: Edge,
    /// Where the client connects from, as limits count it; `None` if that is unknown.
    address: Option<AddressKey>,
    client: ClientId,
    queue: Arc<SendQueue>,
    session: Session,
    /// State of the JSON protocol; `None` for a binary client.
    json_terms: Option<JsonTerms>,
    joining: Option<Joining>,
    user: Option<UserId>,
    relay: Option<RelayHandle>,
    /// How the user stands to the space.
    standing: Option<CurrentStanding>,
    /// The player, while they share a screen.
    sharing: Option<PlayerId>,
    /// Counts the connection among the user's own.
    counted: Option<CountedConnection<UserId>>,
    /// Receives direct messages for the user.
    mailbox: Option<Mailbox>,
    /// Closes the connection when the sign-in session that opened it ends.
    registration: Option<Registration>,
    /// Notified when the user was sent out or signed out.
    sent_out: Arc<Notify>,
}

/// Serves a socket until it ends.
pub(super) async fn serve(
    edge: Edge,
    queue: Arc<SendQueue>,
    mut inbox: SocketStream,
    join_word: Option<JoinWord>,
    address: Option<AddressKey>,
) {
    let client = edge.next_client();
    let session = Session::new(now());
    let json_terms = join_word.map(JsonTerms::new);
    let mut connection = Connection {
        edge,
        address,
        client,
        queue,
        session,
        json_terms,
        joining: None,
        user: None,
        relay: None,
        standing: None,
        sharing: None,
        counted: None,
        mailbox: None,
        registration: None,
        sent_out: Arc::default(),
    };
    metrics::gauge!("plaza_clients").increment(1);
    let departure = connection.run(&mut inbox).await;
    connection.detach(departure).await;
    metrics::gauge!("plaza_clients").decrement(1);
}

impl Connection {
    /// Runs until the connection ends. What happens once is boxed: the state of this future is
    /// touched with every message, and that of a thousand clients should stay in the cache.
    async fn run(&mut self, inbox: &mut SocketStream) -> Departure {
        let mut ping = tokio::time::interval(PING_EVERY);
        ping.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let stopping = self.edge.0.stopping.clone();
        let mut stopped = pin!(stopping.cancelled());
        let queue = Arc::clone(&self.queue);
        let mut written = pin!(queue.run());
        let sent_out = Arc::clone(&self.sent_out);
        let mut is_stopping = false;
        let mut look = tokio::time::interval(screen::LOOK_EVERY);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        // Until when nothing is read, because the client exceeded its rate.
        let mut pause = None;
        loop {
            tokio::select! {
                // Client messages are the most frequent cause of a wake-up.
                biased;
                received = inbox.next(), if pause.is_none() => match received {
                    Some(Ok(message)) => {
                        if let Poll::Ready(joined) = self.answer() {
                            Box::pin(self.settle(joined)).await;
                        }
                        if let Some(departure) = self.receive(message).await {
                            // Sends the close reply: without it a browser reports a failure.
                            let _ = timeout(GOODBYE_WITHIN, inbox.flush()).await;
                            return departure;
                        }
                        pause = self.session.take_pause();
                    }
                    Some(Err(error)) => return Box::pin(self.broken(inbox, &error)).await,
                    None => return self.departure(Departure::Lost),
                },
                () = over(pause) => pause = None,
                // Others do not wait until the client has read why, and answered.
                () = sent_out.notified() => Box::pin(self.detach(Departure::Left)).await,
                joined = joined(&mut self.joining) => Box::pin(self.settle(joined)).await,
                goodbye = &mut written => {
                    let Some(goodbye) = goodbye else { return self.departure(Departure::Lost) };
                    let echo = async { while let Some(Ok(_)) = inbox.next().await {} };
                    let _ = timeout(GOODBYE_WITHIN, echo).await;
                    // A user who was signed out or sent out does not come back, so their player
                    // is not kept.
                    let has_left = close::is_final(goodbye.code);
                    return self.departure(if has_left { Departure::Left } else { Departure::Lost });
                }
                _ = ping.tick() => {
                    // The client does not even read the close frame.
                    if queue.is_closing() {
                        return self.departure(Departure::Lost);
                    }
                    if let Some(action) = self.session.check(now()) {
                        self.act(action).await;
                    } else {
                        queue.ping();
                    }
                }
                _ = look.tick(), if self.sharing.is_some() => Box::pin(self.check_screen()).await,
                () = &mut stopped, if !is_stopping => {
                    is_stopping = true;
                    if self.json_terms.is_some() {
                        queue.reply(json::error(
                            "moved",
                            "The server is stopping. Connect again: the space continues on \
                             another server.",
                        ));
                    }
                    queue.close(close::AWAY, "the server stops; reconnect");
                }
            }
        }
    }

    /// The socket failed while reading. Sends the reason before the connection ends.
    async fn broken(&self, inbox: &mut SocketStream, error: &Error) -> Departure {
        tracing::debug!(%error, "a connection failed");
        let reason = match error {
            Error::Capacity(_) => Some((close::TOO_BIG, "a message has at most 16 KiB")),
            Error::Utf8(_) => Some((close::NO_TEXT, "a text message is not UTF-8")),
            Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => None,
            Error::Protocol(_) => Some((close::PROTOCOL, "not a WebSocket message")),
            _ => None,
        };
        if let Some((code, reason)) = reason {
            self.queue.close(code, reason);
            let goodbye = async {
                self.queue.run().await;
                // Closing a socket with unread bytes makes the kernel discard unsent ones.
                let _ = tokio::io::copy(inbox.get_mut(), &mut tokio::io::sink()).await;
            };
            let _ = timeout(GOODBYE_WITHIN, goodbye).await;
        }
        self.departure(Departure::Lost)
    }

    /// Detaches the client from its relay.
    async fn detach(&mut self, departure: Departure) {
        self.mailbox = None;
        if let Some(relay) = self.relay.take() {
            let command = RelayCommand::Detach(self.client, departure);
            relay.command(command).await;
        }
    }

    /// A JSON client leaves when its connection ends; a binary client may reconnect.
    fn departure(&self, how: Departure) -> Departure {
        if self.json_terms.is_some() {
            Departure::Left
        } else {
            how
        }
    }

    async fn receive(&mut self, message: Message) -> Option<Departure> {
        let actions = match (&mut self.json_terms, message) {
            (_, Message::Ping(bytes) | Message::Pong(bytes)) => {
                self.session.receive_control(now(), bytes.len())
            }
            // The library never returns raw frames.
            (_, Message::Frame(_)) => return None,
            (_, message) if !message.is_close() && self.queue.is_closing() => return None,
            (_, Message::Close(frame)) => {
                // A closed page sends 1001 and does not come back, or comes back as a new
                // connection.
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
                replies::refuse(close::MALFORMED, "This protocol has binary messages only.")
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
                protocol,
                arrive,
            } => Box::pin(self.join(&token, &space, protocol, arrive)).await,
            Action::Block { other, blocked } => Box::pin(self.block(other, blocked)).await,
            Action::Command(command) => {
                if self.may_react(&command).await {
                    let command = self.within_screen_rules(command).await;
                    self.command(command);
                }
            }
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
                    may_announce: self.may(Permission::Announce).await,
                };
                if self.may_say(&speech).await
                    && let Some(speech) = self.filter_message(speech).await
                {
                    self.say(player, speech);
                }
            }
            Action::EditMessage {
                player,
                message,
                text,
            } => {
                // Only authors edit, and the space knows who they are: an edit needs permission
                // only in slow mode.
                let (may_announce, may_delete) = match text {
                    Some(_) => (self.may(Permission::Announce).await, false),
                    None => (false, self.may(Permission::DeleteMessages).await),
                };
                let change = MessageChange {
                    id: message,
                    text,
                    at: unix_millis(),
                };
                if (change.text.is_none() || self.may_write().await)
                    && let Some(change) = self.filter_edit(change).await
                {
                    self.edit(player, change, may_announce, may_delete);
                }
            }
            Action::Resize { width, height } => {
                if let Some(relay) = &self.relay {
                    relay
                        .command(RelayCommand::Resize(self.client, width, height))
                        .await;
                }
            }
            Action::LookBack(before) => {
                if let Some(relay) = &self.relay {
                    relay
                        .command(RelayCommand::LookBack(self.client, before))
                        .await;
                }
            }
            Action::Reply(bytes) => self.queue.reply(bytes),
            Action::Leave => self.queue.close(close::LEFT, "left"),
            Action::Close { code, reason } => self.queue.close(code, reason),
        }
    }

    /// Stores the block first: it applies in every space, and after a restart.
    async fn block(&self, other: UserId, blocked: bool) {
        let Some(user) = self.user.filter(|user| *user != other) else {
            return;
        };
        let spender = Spender {
            user: Some(user),
            address: self.address,
        };
        if self.edge.0.budgets.take(spender, Budget::Edits).is_err() {
            let message = "You do that too often. Wait a moment and try again.";
            return self.queue.reply(replies::notice("not-blocked", message));
        }
        match self.edge.0.store.set_blocked(user, other, blocked).await {
            Ok(BlockOutcome::Unchanged) => {}
            Ok(BlockOutcome::Changed) => {
                let command = Command::Block(BlockChange {
                    user,
                    other,
                    blocked,
                });
                self.edge.0.relays.tell_all(&command);
            }
            Ok(BlockOutcome::Refused) => {
                let message = "There is no such user, or you block too many already.";
                self.queue.reply(replies::notice("not-blocked", message));
            }
            Err(error) => {
                tracing::error!(%error, "failed to save a block");
                let message = "The server has a problem. Try again in a moment.";
                self.queue.reply(replies::notice("not-blocked", message));
            }
        }
    }

    /// A command that does not fit is dropped: the client corrects itself with the next frame.
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
            // The relay tells every client when the space has ended.
            Ok(()) | Err(SendError::Ended) => true,
            Err(SendError::Overloaded) => false,
        }
    }

    /// Whether the user may do something in the space now.
    async fn may(&mut self, permission: Permission) -> bool {
        let membership = self.membership().await;
        membership.is_some_and(|membership| membership.may(permission))
    }

    /// How the user stands to the space now; `None` before joining.
    async fn membership(&mut self) -> Option<&Membership> {
        let edge = &self.edge.0;
        match &mut self.standing {
            Some(standing) => {
                let changes = edge.connections.changes(standing.space());
                Some(standing.now(&edge.store, &edge.outage, changes).await)
            }
            None => None,
        }
    }
}

/// Waits until `pause` ends; forever if there is none.
async fn over(pause: Option<Instant>) {
    match pause {
        Some(until) => tokio::time::sleep_until(until.into()).await,
        None => std::future::pending().await,
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the edge is where real time enters"
)]
fn now() -> Instant {
    Instant::now()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the edge is where real time enters"
)]
pub(super) fn unix_millis() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| {
            u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
        })
}
