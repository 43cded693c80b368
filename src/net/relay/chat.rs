//! Chat: lines, what becomes of them, and why one was not taken, as clients are told of it.

use bytes::Bytes;

use super::{ClientId, ProtocolView, Relay, RelayClient, json_view};
use crate::components::chat::{ChatMessage, ChatRefusal, MessageChange, MessageReaction};
use crate::components::id::{ChatId, PlayerId, UserId};
use crate::net::codec::encode;
use crate::net::protocol::ServerMessage;
use crate::net::protocol::chat::{
    ChatChangedS2c, ChatMessageS2c, ChatRefusedS2c, HistoryS2c, ReactedS2c, TypingS2c,
};
use crate::net::protocol::json;
use crate::net::protocol::session::NoticeS2c;
use crate::systems::chat::History;

/// Bytes of lines in one message at most.
pub(super) const PAGE_BYTES: usize = 32 * 1024 - 64;

impl Relay {
    pub(super) fn say(&mut self, line: &ChatMessage) {
        // A picture that replaced ticks has the line already, and its clients were told.
        if self.history.get(line.id).is_some() {
            return;
        }
        self.history.add(line.clone());
        let others: Bytes = encode(&ServerMessage::Chat(ChatMessageS2c::of(line))).into();
        let grid = json_view::new_message(line);
        for client in self
            .clients
            .values_mut()
            .filter(|client| !client.keeps_away(line.user))
        {
            match &mut client.eyes {
                ProtocolView::Json(eyes) => {
                    client.sink.event(grid.clone());
                    if client.sink.has_missed() {
                        eyes.miss_line(line.id);
                    }
                }
                ProtocolView::Binary(_) if client.player == line.player => {
                    client
                        .sink
                        .event(encode(&ServerMessage::Chat(ChatMessageS2c::own(line))).into());
                }
                ProtocolView::Binary(_) if line.reactions.is_empty() => {
                    client.sink.event(others.clone())
                }
                ProtocolView::Binary(_) => {
                    let seen = ChatMessageS2c::judged(line, client.user, &client.blocked);
                    client.sink.event(encode(&ServerMessage::Chat(seen)).into());
                }
            }
        }
    }

    /// The newest remembered lines before that one, or of all, that fit into one message to a
    /// client.
    pub(super) fn page(&self, client: &RelayClient, before: Option<ChatId>) -> HistoryS2c {
        let mut lines = Vec::new();
        let mut bytes = 0;
        let mut more = false;
        for line in self.remembered(client, before) {
            let seen = ChatMessageS2c::remembered(line, client.user, &client.blocked);
            bytes += encode(&seen).len();
            more = bytes > PAGE_BYTES && !lines.is_empty();
            if more {
                break;
            }
            lines.push(seen);
        }
        lines.reverse();
        HistoryS2c {
            before: before.map(|id| id.to_string()),
            lines,
            more,
        }
    }

    /// What the space remembers from before that line that concerns a client, the newest first.
    pub(super) fn remembered<'a>(
        &'a self,
        client: &'a RelayClient,
        before: Option<ChatId>,
    ) -> impl Iterator<Item = &'a ChatMessage> {
        let lines = &self.history.0;
        let end = match before {
            Some(id) => lines.iter().position(|line| line.id == id).unwrap_or(0),
            None => lines.len(),
        };
        let lines = lines.range(..end).rev();
        lines.filter(|line| !client.keeps_away(line.user))
    }

    /// A client asks what was said before that line.
    pub fn look_back(&self, client: ClientId, before: ChatId) {
        let Some(client) = self.clients.get(&client) else {
            return;
        };
        self.tell_history(client, Some(before));
        client.sink.flush();
    }

    pub(super) fn tell_history(&self, client: &RelayClient, before: Option<ChatId>) {
        client.sink.event(match client.eyes {
            ProtocolView::Binary(_) => {
                encode(&ServerMessage::History(self.page(client, before))).into()
            }
            ProtocolView::Json(_) => json_view::history(self.remembered(client, before)),
        });
    }

    /// Tells a line to its speaker and to those who hear it.
    pub(super) fn whisper(&self, line: &ChatMessage, hearers: &[PlayerId]) {
        let others: Bytes = encode(&ServerMessage::Chat(ChatMessageS2c::of(line))).into();
        for client in self.clients.values() {
            if client.player == line.player {
                client.sink.event(match client.eyes {
                    ProtocolView::Json(_) => json_view::new_message(line),
                    ProtocolView::Binary(_) => {
                        encode(&ServerMessage::Chat(ChatMessageS2c::own(line))).into()
                    }
                });
            } else if hearers.binary_search(&client.player).is_ok() && !client.keeps_away(line.user)
            {
                client.sink.event(match client.eyes {
                    ProtocolView::Json(_) => json_view::new_message(line),
                    ProtocolView::Binary(_) => others.clone(),
                });
            }
        }
    }

    pub(super) fn change(&mut self, change: &MessageChange, author: UserId) {
        self.history.change(change);
        let message = ServerMessage::ChatChanged(ChatChangedS2c {
            id: change.id.to_string(),
            text: change.text.clone(),
            at: change.at,
        });
        self.to_binary_from(Some(author), &message);
    }

    pub(super) fn react(&mut self, reaction: &MessageReaction) {
        self.history.react(reaction);
        let message = ServerMessage::Reacted(ReactedS2c {
            id: reaction.id.to_string(),
            user: reaction.user.to_string(),
            emoji: reaction.emoji.clone(),
            on: reaction.on,
        });
        self.to_binary_from(Some(reaction.user), &message);
    }

    pub(super) fn show_typing(&self, player: PlayerId, on: bool) {
        let user = self.visible.user_of(player);
        let message = ServerMessage::Typing(TypingS2c {
            player: player.0,
            on,
        });
        let bytes: Bytes = encode(&message).into();
        for client in self.clients.values() {
            if let ProtocolView::Binary(_) = client.eyes
                && client.player != player
                && !user.is_some_and(|user| client.keeps_away(user))
            {
                client.sink.event(bytes.clone());
            }
        }
    }

    pub(super) fn refuse_line(&self, player: PlayerId, client_id: Option<u32>, why: ChatRefusal) {
        let Some(client) = self.client_of(player) else {
            return;
        };
        let message = refusal(why);
        client.sink.event(match (&client.eyes, client_id) {
            (ProtocolView::Json(_), _) => json::error(refusal_code(why), &message),
            (ProtocolView::Binary(_), Some(client_id)) => {
                encode(&ServerMessage::ChatRefused(ChatRefusedS2c {
                    client_id,
                    message,
                }))
                .into()
            }
            (ProtocolView::Binary(_), None) => {
                let code = refusal_code(why).into();
                encode(&ServerMessage::Notice(NoticeS2c { code, message })).into()
            }
        });
    }

    /// What was kept but not shown before the one who ran the space was gone: lines, and what
    /// became of them.
    pub(super) fn catch_up_chat(&mut self, history: &[ChatMessage]) {
        for line in history {
            let Some(known) = self.history.get(line.id).cloned() else {
                self.say(line);
                continue;
            };
            if (&known.text, known.is_deleted) != (&line.text, line.is_deleted) {
                let change = MessageChange {
                    id: line.id,
                    text: (!line.is_deleted).then(|| line.text.clone()),
                    at: line.edited.unwrap_or(line.at),
                };
                self.change(&change, line.user);
            }
            for (from, than, on) in [(line, &known, true), (&known, line, false)] {
                for reaction in more_reactions(from, than, on) {
                    self.react(&reaction);
                }
            }
        }
        self.history = History(history.iter().cloned().collect());
    }
}

/// Reactions that one state of a line has and another has not.
fn more_reactions(line: &ChatMessage, than: &ChatMessage, on: bool) -> Vec<MessageReaction> {
    let has = |emoji: &str, user: &UserId| {
        let mut kinds = than.reactions.iter();
        kinds.any(|kind| kind.emoji == emoji && kind.users.contains(user))
    };
    let all = line
        .reactions
        .iter()
        .flat_map(|kind| kind.users.iter().map(move |user| (kind, *user)));
    all.filter(|(kind, user)| !has(&kind.emoji, user))
        .map(|(kind, user)| MessageReaction {
            id: line.id,
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
        ChatRefusal::Gone => "unknown-line",
        ChatRefusal::TooManyReactions => "too-many",
        ChatRefusal::NobodyNear => "nobody-near",
    }
}

/// For the person.
fn refusal(why: ChatRefusal) -> String {
    match why {
        ChatRefusal::TooSoon { seconds } => {
            format!(
                "Slow mode is on here. You can write again in {}.",
                seconds_in_words(seconds)
            )
        }
        ChatRefusal::NoAnnouncer => {
            "Only the owner of this space and admins announce something.".into()
        }
        ChatRefusal::NotYours => "This message is somebody else's.".into(),
        ChatRefusal::Gone => "This message is too old or was deleted.".into(),
        ChatRefusal::TooManyReactions => {
            "This message has as many reactions as there is room for.".into()
        }
        ChatRefusal::NobodyNear => {
            "Nobody is near enough to hear you. Walk up to somebody first.".into()
        }
    }
}

pub(super) fn slow_mode(seconds: u32) -> String {
    match seconds {
        0 => "Slow mode is off.".into(),
        _ => format!(
            "Slow mode is on: everybody writes once in {}.",
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
