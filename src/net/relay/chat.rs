//! Chat: sends messages, changes to them and refusals to clients.

use bytes::Bytes;

use super::{ClientId, PAGE_BYTES, ProtocolView, Relay, RelayClient, json_view};
use crate::components::audience::Audience;
use crate::components::chat::{
    COMMON_REACTIONS, ChatFact, ChatMessage, ChatRefusal, MessageChange, MessageReaction,
    OTHER_REACTION_KINDS, REACTION_KINDS_OF_USER, REACTION_USERS,
};
use crate::components::history::History;
use crate::components::id::{ChatId, PlayerId, UserId};
use crate::net::codec::encode;
use crate::net::protocol::chat::{
    ChatChangedS2c, ChatMessageS2c, ChatRefusedS2c, ChatS2c, HistoryS2c, ReactedS2c, TypingS2c,
};
use crate::net::protocol::session::{NoticeS2c, SessionS2c};
use crate::net::protocol::{ServerMessage, json};

impl Relay {
    /// Sends the fact to the clients it is for.
    pub(super) fn tell_chat(&mut self, fact: &ChatFact) {
        match fact {
            ChatFact::Said(message) => self.say(message),
            ChatFact::SaidBefore(message) => {
                let seen = ChatMessageS2c::own(message, &self.mac(message));
                self.send(
                    fact.audience(),
                    &ServerMessage::Chat(ChatS2c::Message(seen)),
                );
            }
            ChatFact::Forgotten => self.history.0.clear(),
            ChatFact::SaidNearby { message, hearers } => self.send_nearby(message, hearers),
            ChatFact::Changed { change, author } => self.change(change, *author),
            ChatFact::Reacted(reaction) => self.react(reaction),
            ChatFact::Cleared { by } => {
                self.history.0.clear();
                let message = format!("{by} deleted everything that was said here.");
                self.notify(fact.audience(), "chat-cleared", message);
            }
            ChatFact::Refused {
                player,
                client_id,
                why,
            } => self.refuse_message(*player, *client_id, *why),
            ChatFact::Typing { player, on } => {
                let (player, on) = (player.0, *on);
                let message = ServerMessage::Chat(ChatS2c::Typing(TypingS2c { player, on }));
                self.send(fact.audience(), &message);
            }
            ChatFact::SlowMode { seconds } => {
                self.notify(fact.audience(), "slow-mode", slow_mode(*seconds));
            }
        }
    }

    /// Signature of a message: computed once for all who are sent it.
    fn mac(&self, message: &ChatMessage) -> Vec<u8> {
        let key = self.message_key.as_ref();
        key.map_or_else(Vec::new, |key| key.sign(message.into()).to_vec())
    }

    fn say(&mut self, message: &ChatMessage) {
        // A snapshot that replaced ticks includes the message already, and clients have it.
        if self.history.get(message.id).is_some() {
            return;
        }
        self.history.add(message.clone());
        let mac = self.mac(message);
        let others = bytes_of(ChatMessageS2c::of(message, &mac));
        let json = json_view::new_message(message);
        for client in self
            .clients
            .values_mut()
            .filter(|client| !client.keeps_away(message.user))
        {
            match &mut client.view {
                ProtocolView::Json(view) => {
                    client.sink.event(json.clone());
                    if client.sink.has_missed() {
                        view.miss_message(message.id);
                    }
                }
                ProtocolView::Binary(_) if client.player == message.player => {
                    client
                        .sink
                        .event(bytes_of(ChatMessageS2c::own(message, &mac)));
                }
                ProtocolView::Binary(_) if message.reactions.is_empty() => {
                    client.sink.event(others.clone());
                }
                ProtocolView::Binary(_) => {
                    let own = (client.user, client.blocked.as_slice());
                    let seen = ChatMessageS2c::judged(message, &mac, own);
                    client.sink.event(bytes_of(seen));
                }
            }
        }
    }

    /// The newest messages before `before`, or of all, that fit into one message to a client.
    pub(super) fn page(&self, client: &RelayClient, before: Option<ChatId>) -> HistoryS2c {
        let mut messages = Vec::new();
        let mut bytes = 0;
        let mut more = false;
        for message in self.remembered(client, before) {
            let own = (client.user, client.blocked.as_slice());
            let seen = ChatMessageS2c::remembered(message, &self.mac(message), own);
            bytes += encode(&seen).len();
            more = bytes > PAGE_BYTES && !messages.is_empty();
            if more {
                break;
            }
            messages.push(seen);
        }
        messages.reverse();
        HistoryS2c {
            before: before.map(|id| id.to_string()),
            messages,
            more,
        }
    }

    /// Messages in the history before `before` that the client may see, newest first.
    pub(super) fn remembered<'a>(
        &'a self,
        client: &'a RelayClient,
        before: Option<ChatId>,
    ) -> impl Iterator<Item = &'a ChatMessage> {
        let messages = &self.history.0;
        let end = match before {
            Some(id) => messages
                .iter()
                .position(|message| message.id == id)
                .unwrap_or(0),
            None => messages.len(),
        };
        let messages = messages.range(..end).rev();
        messages.filter(|message| !client.keeps_away(message.user))
    }

    /// Sends a client the messages before that one.
    pub fn look_back(&self, client: ClientId, before: ChatId) {
        let Some(client) = self.clients.get(&client) else {
            return;
        };
        self.tell_history(client, Some(before));
        client.sink.flush();
    }

    pub(super) fn tell_history(&self, client: &RelayClient, before: Option<ChatId>) {
        client.sink.event(match client.view {
            ProtocolView::Binary(_) => encode(&ServerMessage::Chat(ChatS2c::History(
                self.page(client, before),
            )))
            .into(),
            ProtocolView::Json(_) => json_view::history(self.remembered(client, before)),
        });
    }

    /// Sends a message to its sender and to the players who hear it.
    fn send_nearby(&self, message: &ChatMessage, hearers: &[PlayerId]) {
        let mac = self.mac(message);
        let others = bytes_of(ChatMessageS2c::of(message, &mac));
        for client in self.clients.values() {
            if client.player == message.player {
                client.sink.event(match client.view {
                    ProtocolView::Json(_) => json_view::new_message(message),
                    ProtocolView::Binary(_) => bytes_of(ChatMessageS2c::own(message, &mac)),
                });
            } else if hearers.binary_search(&client.player).is_ok()
                && !client.keeps_away(message.user)
            {
                client.sink.event(match client.view {
                    ProtocolView::Json(_) => json_view::new_message(message),
                    ProtocolView::Binary(_) => others.clone(),
                });
            }
        }
    }

    fn change(&mut self, change: &MessageChange, author: UserId) {
        self.history.change(change);
        let message = ServerMessage::Chat(ChatS2c::Changed(ChatChangedS2c {
            id: change.id.to_string(),
            text: change.text.clone(),
            at: change.at,
        }));
        self.send(Audience::FromUser(author), &message);
    }

    fn react(&mut self, reaction: &MessageReaction) {
        self.history.react(reaction);
        let message = ServerMessage::Chat(ChatS2c::Reacted(ReactedS2c {
            id: reaction.id.to_string(),
            user: reaction.user.to_string(),
            emoji: reaction.emoji.clone(),
            on: reaction.on,
        }));
        self.send(Audience::FromUser(reaction.user), &message);
    }

    fn refuse_message(&self, player: PlayerId, client_id: Option<u32>, why: ChatRefusal) {
        let Some(client) = self.client_of(player) else {
            return;
        };
        let message = refusal(why);
        client.sink.event(match (&client.view, client_id) {
            (ProtocolView::Json(_), _) => json::error(refusal_code(why), &message),
            (ProtocolView::Binary(_), Some(client_id)) => {
                encode(&ServerMessage::Chat(ChatS2c::Refused(ChatRefusedS2c {
                    client_id,
                    message,
                })))
                .into()
            }
            (ProtocolView::Binary(_), None) => {
                let code = refusal_code(why).into();
                encode(&ServerMessage::Session(SessionS2c::Notice(NoticeS2c {
                    code,
                    message,
                })))
                .into()
            }
        });
    }

    /// Sends what was committed but not shown before the space's host was lost: messages, edits and
    /// reactions.
    pub(super) fn catch_up_chat(&mut self, history: &[ChatMessage]) {
        for message in history {
            let Some(known) = self.history.get(message.id).cloned() else {
                self.say(message);
                continue;
            };
            if (&known.text, known.is_deleted) != (&message.text, message.is_deleted) {
                let change = MessageChange {
                    id: message.id,
                    text: (!message.is_deleted).then(|| message.text.clone()),
                    at: message.edited.unwrap_or(message.at),
                };
                self.change(&change, message.user);
            }
            for (from, than, on) in [(message, &known, true), (&known, message, false)] {
                for reaction in more_reactions(from, than, on) {
                    self.react(&reaction);
                }
            }
        }
        self.history = History(history.iter().cloned().collect());
    }
}

fn bytes_of(message: ChatMessageS2c) -> Bytes {
    encode(&ServerMessage::Chat(ChatS2c::Message(message))).into()
}

/// Reactions in `message` that `than` lacks.
fn more_reactions(message: &ChatMessage, than: &ChatMessage, on: bool) -> Vec<MessageReaction> {
    let has = |emoji: &str, user: &UserId| {
        let mut kinds = than.reactions.iter();
        kinds.any(|kind| kind.emoji == emoji && kind.users.contains(user))
    };
    let all = message
        .reactions
        .iter()
        .flat_map(|kind| kind.users.iter().map(move |user| (kind, *user)));
    all.filter(|(kind, user)| !has(&kind.emoji, user))
        .map(|(kind, user)| MessageReaction {
            id: message.id,
            user,
            emoji: kind.emoji.clone(),
            on,
        })
        .collect()
}

const fn refusal_code(why: ChatRefusal) -> &'static str {
    match why {
        ChatRefusal::TooSoon { .. } => "slow-mode",
        ChatRefusal::NoAnnouncer | ChatRefusal::NotYours => "forbidden",
        ChatRefusal::Gone => "unknown-message",
        ChatRefusal::TooManyReactions => "too-many",
        ChatRefusal::NobodyNear => "nobody-near",
    }
}

/// Reason of a refusal, for the user.
fn refusal(why: ChatRefusal) -> String {
    match why {
        ChatRefusal::TooSoon { seconds } => {
            format!(
                "Slow mode is on here. You can write again in {}.",
                seconds_in_words(seconds)
            )
        }
        ChatRefusal::NoAnnouncer => {
            "Only the owner of this space and admins can make announcements.".into()
        }
        ChatRefusal::NotYours => "This message belongs to another user.".into(),
        ChatRefusal::Gone => "This message is too old or was deleted.".into(),
        ChatRefusal::TooManyReactions => format!(
            "Besides {}, this message takes {OTHER_REACTION_KINDS} different reactions. You may \
             give {REACTION_KINDS_OF_USER}, and {REACTION_USERS} people the same.",
            COMMON_REACTIONS.join(" ")
        ),
        ChatRefusal::NobodyNear => {
            "There is no one near enough to hear you. Walk up to a player first.".into()
        }
    }
}

fn slow_mode(seconds: u32) -> String {
    match seconds {
        0 => "Slow mode is off.".into(),
        _ => format!(
            "Slow mode is on: everyone can write once in {}.",
            seconds_in_words(seconds)
        ),
    }
}

fn seconds_in_words(seconds: u32) -> String {
    match (seconds, seconds / 60) {
        (1, _) => "1 second".into(),
        (2..120, _) => format!("{seconds} seconds"),
        (_, minutes) => format!("{minutes} minutes"),
    }
}
