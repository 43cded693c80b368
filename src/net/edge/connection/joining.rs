//! Joining: checks who a client is and which space it joins, and has the relay admit it.

use std::sync::Arc;
use std::task::Poll;

use tokio::sync::oneshot;
use tokio::sync::oneshot::error::TryRecvError;

use super::{Connection, now};
use crate::cluster::connections::{ConnectionEnd, ConnectionNews, Registration};
use crate::cluster::mailboxes::Mailbox;
use crate::cluster::spaces::Requester;
use crate::components::direct::DirectMessage;
use crate::components::id::{PlayerId, SpaceId, UserId};
use crate::components::membership::{EntryRefusal, Membership};
use crate::components::permissions::Permission;
use crate::components::presence::{JoinRefusal, JoinTerms};
use crate::net::budget::{Budget, REQUEST, Who};
use crate::net::codec::encode;
use crate::net::edge::entering::NO_SPACE;
use crate::net::edge::send_queue::SendQueue;
use crate::net::edge::standing::CurrentStanding;
use crate::net::edge::{news, refusal};
use crate::net::protocol::client::ProtocolKind;
use crate::net::protocol::direct::DirectMessageS2c;
use crate::net::protocol::{ServerMessage, close, json};
use crate::net::relay::task::RelayCommand;
use crate::net::relay::{Arrival, Sink};
use crate::net::session::replies;
use crate::store::sessions::{SessionEnd, SessionId};
use crate::store::{SignedIn, now_ms};

/// Maximum number of attempts to join while the space restarts.
const JOIN_TRIES: u32 = 5;

/// A client that is joining.
pub(super) struct Joining {
    request: JoinRequest,
    ready: oneshot::Receiver<Result<PlayerId, JoinRefusal>>,
    tries: u32,
}

/// A request to join a space.
struct JoinRequest {
    number: u64,
    who: SignedIn,
    space: SpaceId,
    protocol: ProtocolKind,
    arrive: Option<String>,
    blocked: Vec<UserId>,
    terms: JoinTerms,
    space_name: String,
}

impl Connection {
    /// Checks who the client is and which space it joins, and asks the relay to admit it.
    pub(super) async fn join(
        &mut self,
        token: &str,
        space: &str,
        protocol: ProtocolKind,
        arrive: Option<String>,
    ) {
        let number = self.edge.next_request();
        let mut registration = self.register(token);
        let who = match self.edge.0.store.signed_in(token).await {
            Ok(Some(who)) => who,
            Ok(None) => {
                return self.refuse(
                    close::SIGNED_OUT,
                    "You are not signed in. Sign in and try again.",
                );
            }
            Err(error) => {
                tracing::error!(%error, "failed to check a sign-in");
                return self.refuse(
                    close::AWAY,
                    "The server has a problem. Try again in a moment.",
                );
            }
        };
        if let Some(suspension) = &who.suspension {
            let reason = refusal::suspended(suspension, &self.edge.0.settings.appeals_text);
            return self.refuse(close::FORBIDDEN, &reason);
        }
        registration.belongs_to(who.user);
        let budgets = &self.edge.0.budgets;
        if budgets
            .take_many(who.user.into(), Budget::Requests, REQUEST)
            .is_err()
        {
            return self.refuse(
                close::FLOOD,
                "You send too many requests. Try again in a moment.",
            );
        }
        if !self.is_counted(who.user) {
            return self.refuse(
                close::FLOOD,
                "You have too many connections. Close other windows and try again.",
            );
        }
        let Ok(space) = space.parse::<SpaceId>() else {
            return self.refuse(close::NO_SPACE, NO_SPACE);
        };
        let changes = self.edge.0.connections.changes(space);
        let Some(membership) = self.may_enter(&mut registration, who.user, space).await else {
            return;
        };
        self.registration = Some(registration);
        let blocked = match self.edge.0.store.blocked_by(who.user).await {
            Ok(blocked) => blocked,
            Err(error) => {
                tracing::error!(%error, "failed to load a block list");
                return self.refuse(
                    close::AWAY,
                    "The server has a problem. Try again in a moment.",
                );
            }
        };
        let terms = terms_of(&membership);
        let space_name = membership.space_name.clone();
        self.standing = Some(CurrentStanding::new(who.user, space, membership, changes));
        self.user = Some(who.user);
        // Only a portal leads to a zone; others arrive at their last position.
        let arrive =
            arrive.and_then(|ticket| self.edge.0.relays.tickets().check(&ticket, who.user, space));
        let rates = &self.edge.0.rates;
        self.session.share(if who.is_guest {
            rates.of_guest(who.user, space, now())
        } else {
            rates.of(who.user, space, now())
        });
        let request = JoinRequest {
            number,
            who,
            space,
            protocol,
            arrive,
            blocked,
            terms,
            space_name,
        };
        self.enter(request, 1).await;
    }

    /// Checks whether the user may enter the space; otherwise says why not.
    async fn may_enter(
        &mut self,
        registration: &mut Registration,
        user: UserId,
        space: SpaceId,
    ) -> Option<Membership> {
        registration.enters(space);
        let membership = match self.edge.0.store.membership(user, space).await {
            Ok(Some(membership)) => membership,
            Ok(None) => {
                self.refuse(close::NO_SPACE, NO_SPACE);
                return None;
            }
            Err(error) => {
                tracing::error!(%error, "failed to load a membership");
                let message = "The server has a problem. Try again in a moment.";
                self.refuse(close::AWAY, message);
                return None;
            }
        };
        registration.entered(space, &membership);
        // The space checks a lockdown: who is inside already may connect again.
        if let Err(why) = membership.enter(now_ms(), true) {
            self.refuse(refusal::close_code(&why), &refusal::reason(&why));
            return None;
        }
        Some(membership)
    }

    /// Counts the socket among the user's own. Returns whether it is within the limit.
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

    async fn enter(&mut self, request: JoinRequest, tries: u32) {
        let space = request.space;
        let requester = Requester {
            user: request.who.user,
            address: self.address,
        };
        let relay = match self.edge.0.relays.of(space, requester).await {
            Ok(relay) => relay,
            Err(error) => {
                let (code, message) = self.edge.cannot_enter(space, &error);
                return self.refuse(code, message);
            }
        };
        // A user who was sent out since the check is not shown to the others.
        if self.queue.is_closing() {
            return;
        }
        let (ready, is_ready) = oneshot::channel();
        let arrival = Arrival {
            client: self.client,
            request: request.number,
            user: request.who.user,
            name: request.who.shown_name(),
            avatar: request.who.avatar.clone(),
            arrive: request.arrive.clone(),
            blocked: request.blocked.clone(),
            protocol: request.protocol,
            sink: Arc::clone(&self.queue) as Arc<dyn Sink>,
            space_name: Some(request.space_name.clone()),
            terms: request.terms,
            ready,
        };
        // If the relay has ended in between, `ready` is dropped with the command, and `settle`
        // tries again.
        relay.command(RelayCommand::Join(Box::new(arrival))).await;
        self.relay = Some(relay);
        self.joining = Some(Joining {
            request,
            ready: is_ready,
            tries,
        });
    }

    /// The relay's answer, read without waiting: a client may react to its welcome faster than
    /// this task wakes. `None` inside means that the relay has ended.
    pub(super) fn answer(&mut self) -> Poll<Option<Result<PlayerId, JoinRefusal>>> {
        let Some(joining) = self.joining.as_mut() else {
            return Poll::Pending;
        };
        match joining.ready.try_recv() {
            Ok(joined) => Poll::Ready(Some(joined)),
            Err(TryRecvError::Closed) => Poll::Ready(None),
            Err(TryRecvError::Empty) => Poll::Pending,
        }
    }

    /// Handles the answer to a join: the player exists, or the space restarted and the join is
    /// repeated.
    pub(super) async fn settle(&mut self, joined: Option<Result<PlayerId, JoinRefusal>>) {
        let Some(joining) = self.joining.take() else {
            return;
        };
        match joined {
            Some(Err(why)) => {
                let why = match why {
                    JoinRefusal::Full => EntryRefusal::Full,
                    JoinRefusal::Locked(until) => EntryRefusal::Lockdown(until),
                };
                self.refuse(refusal::close_code(&why), &refusal::reason(&why));
            }
            Some(Ok(player)) => {
                self.session.joined(player);
                if let Some(registration) = &self.registration {
                    registration.admitted();
                }
                self.screen_of_newcomer(player);
                // JSON clients do not receive direct messages.
                if self.json_terms.is_none() {
                    self.mailbox = Some(self.open_mailbox(joining.request.who.user));
                }
            }
            None if self.queue.is_closing() => {}
            None if joining.tries < JOIN_TRIES => {
                self.enter(joining.request, joining.tries + 1).await;
            }
            None => self.refuse(
                close::AWAY,
                "The space is restarting. Try again in a moment.",
            ),
        }
    }

    fn open_mailbox(&self, user: UserId) -> Mailbox {
        let queue = Arc::clone(&self.queue);
        let slot = move |message: &DirectMessage| {
            let seen = DirectMessageS2c::of(message, user);
            queue.reply(encode(&ServerMessage::Direct(seen)).into());
        };
        self.edge.0.mailboxes.open(user, Arc::new(slot))
    }

    /// Closes the connection when the session of the token ends.
    fn register(&self, token: &str) -> Registration {
        let (queue, is_json) = (Arc::clone(&self.queue), self.json_terms.is_some());
        let sent_out = Arc::clone(&self.sent_out);
        let edge = self.edge.clone();
        let listen = move |news: &ConnectionNews| {
            let end = match news {
                ConnectionNews::End(end) => end,
                // JSON clients are sent nothing that they did not ask for.
                _ if is_json => return,
                ConnectionNews::Changed { before, after } => {
                    if let Some(text) = news::changed(*before, *after, now_ms()) {
                        queue.reply(replies::notice(news::MEMBERSHIP, &text));
                    }
                    return;
                }
                ConnectionNews::Report(news) => {
                    let (code, text) = news::of_report(*news);
                    queue.reply(replies::notice(code, text));
                    return;
                }
                ConnectionNews::JoinRequest(name) => {
                    let text = news::join_request(name);
                    queue.reply(replies::notice(news::JOIN_REQUEST, &text));
                    return;
                }
            };
            let (code, message) = match end {
                ConnectionEnd::Session(SessionEnd::SignedOut) => (
                    close::SIGNED_OUT,
                    "You were signed out. Sign in again.".to_owned(),
                ),
                ConnectionEnd::Session(SessionEnd::Suspended(suspension)) => {
                    let appeal = &edge.0.settings.appeals_text;
                    (close::SIGNED_OUT, refusal::suspended(suspension, appeal))
                }
                ConnectionEnd::Entry(why) => (refusal::close_code(why), refusal::reason(why)),
            };
            refuse(&queue, is_json, code, &message);
            sent_out.notify_one();
        };
        self.edge
            .0
            .connections
            .open(SessionId::of(token), Arc::new(listen))
    }

    fn refuse(&self, code: u16, message: &str) {
        refuse(&self.queue, self.json_terms.is_some(), code, message);
    }
}

/// What the space checks when a user with this membership joins.
fn terms_of(membership: &Membership) -> JoinTerms {
    if membership.may(Permission::EnterAlways) {
        return JoinTerms::default();
    }
    let locked_until = membership.rules.lockdown_until;
    JoinTerms {
        room: membership.rules.capacity,
        locked_until: locked_until.filter(|until| *until > now_ms()),
    }
}

/// Sends the reason in the client's protocol, and closes the connection.
fn refuse(queue: &SendQueue, is_json: bool, code: u16, message: &str) {
    // JSON clients know one code for "not allowed", and words for the reasons.
    let (word, json_code) = match code {
        close::SIGNED_OUT => ("unauthorized", code),
        close::FORBIDDEN => ("forbidden", code),
        close::NO_SPACE => ("unknown-space", code),
        close::PASSWORD => ("password", close::FORBIDDEN),
        close::MEMBERS => ("members", close::FORBIDDEN),
        close::FULL => ("full", close::FORBIDDEN),
        close::CLOSED => ("closed", close::FORBIDDEN),
        close::KICKED => ("kicked", close::FORBIDDEN),
        close::BANNED => ("banned", close::FORBIDDEN),
        _ => ("unavailable", code),
    };
    if is_json {
        queue.reply(json::error(word, message));
        queue.close(json_code, message);
    } else {
        queue.reply(replies::refused(code, message));
        queue.close(code, message);
    }
}

/// Waits for the answer to a join; forever if there is none in progress.
pub(super) async fn joined(joining: &mut Option<Joining>) -> Option<Result<PlayerId, JoinRefusal>> {
    match joining {
        Some(joining) => (&mut joining.ready).await.ok(),
        None => std::future::pending().await,
    }
}
