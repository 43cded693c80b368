//! JSON view: messages for JSON clients, made from a relay's copy of the space.
//! `docs/json-websocket.md` lists them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use serde::Serialize;
use serde_json::json;

use super::visible::Visible;
use super::{PAGE_BYTES, ProtocolView, Relay, RelayClient};
use crate::components::chat::ChatMessage;
use crate::components::fact::TickOutput;
use crate::components::id::{ChatId, PlayerId, SpaceId, UserId};
use crate::components::peers::Peer;
use crate::components::unit::Tile;
use crate::net::protocol::client::JoinWord;
use crate::net::protocol::json::message;

/// The view of one JSON client. It covers the whole space.
pub struct JsonView {
    join_word: JoinWord,
    nearby: bool,
    missed: Missed,
}

/// Events that a client missed and that cannot be read from the visible state.
#[derive(Default)]
pub(super) struct Missed {
    leavers: BTreeSet<UserId>,
    newcomers: BTreeSet<PlayerId>,
    /// The first missed chat message.
    message: Option<ChatId>,
}

impl JsonView {
    /// A view with a word for arrivals; `nearby` is whether the client asked for its peers.
    pub fn new(join_word: JoinWord, nearby: bool) -> Self {
        Self {
            join_word,
            nearby,
            missed: Missed::default(),
        }
    }

    /// The client may have missed that this user left.
    pub(super) fn miss_leaver(&mut self, user: UserId) {
        self.missed.leavers.insert(user);
    }

    /// The client may have missed that this player joined.
    pub(super) fn miss_newcomer(&mut self, player: PlayerId) {
        self.missed.newcomers.insert(player);
    }

    /// The client may have missed this chat message.
    pub(super) fn miss_message(&mut self, message: ChatId) {
        self.missed.message.get_or_insert(message);
    }

    /// Returns what the client missed, and clears it.
    pub(super) fn take_missed(&mut self) -> Missed {
        std::mem::take(&mut self.missed)
    }

    /// Whether the client is sent its peers.
    pub const fn is_told_of_nearby(&self) -> bool {
        self.nearby
    }

    /// The client's word for arrivals.
    pub const fn join_word(&self) -> JoinWord {
        self.join_word
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct JsonPlayer<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    user_id: String,
    username: &'a str,
    avatar_id: Option<String>,
    x: u16,
    y: u16,
}

/// To a client that joined: its spawn point, and the other users.
pub fn space_joined(visible: &Visible, player: PlayerId) -> Bytes {
    let spawn = visible.tile_of(player).unwrap_or(Tile::new(0, 0));
    let others = visible.players().filter(|other| *other != player);
    let users: Vec<_> = others
        .filter_map(|other| person(visible, other, true))
        .collect();
    message(
        "space-joined",
        &json!({ "spawn": { "x": spawn.x, "y": spawn.y }, "users": users }),
    )
}

/// To the others: a user joined.
pub fn user_joined(visible: &Visible, player: PlayerId, word: JoinWord) -> Bytes {
    message(word.word(), &person(visible, player, false))
}

/// To the others: a user is on another tile.
pub fn movement(user: UserId, tile: Tile) -> Bytes {
    message(
        "movement",
        &json!({ "userId": user.to_string(), "x": tile.x, "y": tile.y }),
    )
}

/// To the client that moved: the move is rejected; the tile is its position.
pub fn movement_rejected(tile: Tile) -> Bytes {
    message("movement-rejected", &json!({ "x": tile.x, "y": tile.y }))
}

/// To all: a chat message.
pub fn new_message(chat: &ChatMessage) -> Bytes {
    message("new-message", &chat_message(chat))
}

/// To a client that asked for it: earlier chat messages, passed newest first, as many as fit into
/// one message.
pub fn history<'a>(newest_first: impl Iterator<Item = &'a ChatMessage>) -> Bytes {
    let mut bytes = 0;
    let mut messages = VecDeque::new();
    let mut is_all = true;
    for chat in newest_first.filter(|chat| !chat.is_deleted) {
        let seen = chat_message(chat);
        bytes += seen.to_string().len() + 1;
        if bytes > PAGE_BYTES && !messages.is_empty() {
            is_all = false;
            break;
        }
        messages.push_front(seen);
    }
    if is_all {
        message("history", &json!({ "messages": messages }))
    } else {
        message("history", &json!({ "messages": messages, "more": true }))
    }
}

/// To the others: a user left.
pub fn user_left(user: UserId) -> Bytes {
    message("user-left", &json!({ "userId": user.to_string() }))
}

/// To a client that asked for it: its peers.
pub fn nearby(player: PlayerId, full: bool, peers: &[(UserId, Peer)], gone: &[UserId]) -> Bytes {
    let peers: Vec<_> = peers
        .iter()
        .map(|(user, peer)| {
            json!({
                "userId": user.to_string(),
                "hear": peer.hear,
                "heard": peer.heard,
                "see": peer.see,
                "seen": peer.seen,
                "gain": peer.gain,
                "why": peer.why as u8,
                "route": peer.route as u8,
                "polite": player < peer.player,
            })
        })
        .collect();
    let gone: Vec<_> = gone.iter().map(UserId::to_string).collect();
    message(
        "nearby",
        &json!({ "full": full, "peers": peers, "gone": gone }),
    )
}

/// To a peer: a call signal.
pub fn signal(from: UserId, body: &str) -> Bytes {
    message(
        "signal",
        &json!({ "userId": from.to_string(), "body": body }),
    )
}

/// To a client that took a portal to another space.
pub fn portal(space: SpaceId, arrive: &str) -> Bytes {
    message(
        "portal",
        &json!({ "spaceId": space.to_string(), "arrive": arrive }),
    )
}

fn chat_message(message: &ChatMessage) -> serde_json::Value {
    json!({
        "id": message.id.to_string(),
        "userId": message.user.to_string(),
        "name": message.name,
        "message": message.text,
        "sentAt": message.at,
    })
}

fn person(visible: &Visible, player: PlayerId, with_id: bool) -> Option<JsonPlayer<'_>> {
    let card = visible.card(player)?;
    let tile = visible.tile_of(player)?;
    Some(JsonPlayer {
        id: with_id.then(|| card.user.to_string()),
        user_id: card.user.to_string(),
        username: &card.name,
        avatar_id: card.avatar.as_ref().map(|avatar| avatar.id.to_string()),
        x: tile.x,
        y: tile.y,
    })
}

impl Relay {
    /// Sends JSON clients the new tiles of players, except to the player's own client, and except
    /// for newcomers.
    pub(super) fn send_json_movement(&mut self, output: &TickOutput, newcomers: &[PlayerId]) {
        let is_watched = self
            .clients
            .values()
            .any(|client| matches!(client.view, ProtocolView::Json(_)));
        for (player, _) in &output.stances {
            let Some((left, tile)) = self.visible.cross(*player) else {
                continue;
            };
            if newcomers.contains(player) {
                continue;
            }
            // More than one tile is not a step of the player: only then its client is told.
            let was_moved = left.x.abs_diff(tile.x) + left.y.abs_diff(tile.y) > 1;
            if was_moved
                && let Some(client) = self.client_of(*player)
                && let ProtocolView::Json(_) = client.view
            {
                client.sink.event(movement_rejected(tile));
            }
            if let Some(user) = self.visible.user_of(*player)
                && is_watched
            {
                self.to_json_except(*player, &movement(user, tile));
            }
        }
    }

    /// After a snapshot: sends JSON clients what it changed.
    pub(super) fn send_json_changes(
        &mut self,
        before: &BTreeMap<PlayerId, (UserId, Option<Tile>)>,
    ) {
        if !self
            .clients
            .values()
            .any(|client| matches!(client.view, ProtocolView::Json(_)))
        {
            return;
        }
        for (player, (user, tile)) in before {
            let now = self.visible.tile_of(*player);
            let bytes = match now {
                None => user_left(*user),
                Some(now) if Some(now) != *tile => movement(*user, now),
                Some(_) => continue,
            };
            self.to_json_except(*player, &bytes);
        }
        let players = self.visible.players();
        let newcomers: Vec<_> = players
            .filter(|player| !before.contains_key(player))
            .collect();
        for player in newcomers {
            self.announce(player);
        }
    }

    /// Sends a JSON client what it missed: users who left and joined, all positions, and chat
    /// messages.
    pub(super) fn resend_json(&self, client: &RelayClient, missed: Missed) {
        let ProtocolView::Json(view) = &client.view else {
            return;
        };
        let say = |bytes: Bytes| client.sink.event(bytes);
        for user in missed.leavers {
            say(user_left(user));
        }
        for player in self
            .visible
            .players()
            .filter(|player| *player != client.player)
        {
            if missed.newcomers.contains(&player) {
                say(user_joined(&self.visible, player, view.join_word()));
            } else if let (Some(user), Some(tile)) =
                (self.visible.user_of(player), self.visible.tile_of(player))
            {
                say(movement(user, tile));
            }
        }
        if let Some(tile) = self.visible.tile_of(client.player) {
            say(movement_rejected(tile));
        }
        // If the first message is no longer in the history, all messages there came after it.
        let place = |id| {
            self.history
                .0
                .iter()
                .position(|message| message.id == id)
                .unwrap_or(0)
        };
        let first = missed.message.map(place);
        for message in first
            .into_iter()
            .flat_map(|first| self.history.0.range(first..))
        {
            if !message.is_deleted && !client.keeps_away(message.user) {
                say(new_message(message));
            }
        }
    }

    pub(super) fn to_json_except(&self, player: PlayerId, bytes: &Bytes) {
        for client in self.clients.values() {
            if client.player != player
                && let ProtocolView::Json(_) = client.view
            {
                client.sink.event(bytes.clone());
            }
        }
    }
}
