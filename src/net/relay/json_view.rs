//! Grid view: the messages that clients of the tile grid understand, made from a relay's copy.
//! `docs/api.md` lists them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use serde::Serialize;
use serde_json::json;

use super::chat::PAGE_BYTES;
use super::visible::Visible;
use super::{ProtocolView, Relay, RelayClient};
use crate::components::chat::ChatMessage;
use crate::components::fact::TickOutput;
use crate::components::id::{ChatId, PlayerId, SpaceId, UserId};
use crate::components::peers::Peer;
use crate::components::unit::Tile;
use crate::net::protocol::client::JoinWord;
use crate::net::protocol::json::message;

/// One tile-grid client's eyes: it sees the whole space.
pub struct JsonView {
    join_word: JoinWord,
    nearby: bool,
    missed: Missed,
}

/// What of the events that were left out cannot be read from what is visible.
#[derive(Default)]
pub(super) struct Missed {
    leavers: BTreeSet<UserId>,
    newcomers: BTreeSet<PlayerId>,
    /// The first line.
    line: Option<ChatId>,
}

impl JsonView {
    /// Eyes of a client that calls arrivals so, and perhaps asked for who is near.
    pub fn new(join_word: JoinWord, nearby: bool) -> Self {
        Self {
            join_word,
            nearby,
            missed: Missed::default(),
        }
    }

    /// It may not have been told that this user left.
    pub(super) fn miss_leaver(&mut self, user: UserId) {
        self.missed.leavers.insert(user);
    }

    /// It may not have been told that this player came.
    pub(super) fn miss_newcomer(&mut self, player: PlayerId) {
        self.missed.newcomers.insert(player);
    }

    /// It may not have been told this line.
    pub(super) fn miss_line(&mut self, line: ChatId) {
        self.missed.line.get_or_insert(line);
    }

    /// What it was not told, which it is now.
    pub(super) fn take_missed(&mut self) -> Missed {
        std::mem::take(&mut self.missed)
    }

    /// Whether it is told who is near.
    pub const fn is_told_of_nearby(&self) -> bool {
        self.nearby
    }

    /// How this client calls arrivals.
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

/// To somebody who came: where they are, and who else is here.
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

/// To the others: somebody came.
pub fn user_joined(visible: &Visible, player: PlayerId, word: JoinWord) -> Bytes {
    message(word.word(), &person(visible, player, false))
}

/// To the others: somebody stands on another tile.
pub fn movement(user: UserId, tile: Tile) -> Bytes {
    message(
        "movement",
        &json!({ "userId": user.to_string(), "x": tile.x, "y": tile.y }),
    )
}

/// To the mover: no, you are here.
pub fn movement_rejected(tile: Tile) -> Bytes {
    message("movement-rejected", &json!({ "x": tile.x, "y": tile.y }))
}

/// To everybody: somebody said something.
pub fn new_message(line: &ChatMessage) -> Bytes {
    message("new-message", &chat_line(line))
}

/// To a client that asked for it: what was said before, given the newest first, as much as fits
/// into one message.
pub fn history<'a>(lines: impl Iterator<Item = &'a ChatMessage>) -> Bytes {
    let mut bytes = 0;
    let mut messages = VecDeque::new();
    let mut is_all = true;
    for line in lines.filter(|line| !line.is_deleted) {
        let seen = chat_line(line);
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

/// To the others: somebody left.
pub fn user_left(user: UserId) -> Bytes {
    message("user-left", &json!({ "userId": user.to_string() }))
}

/// To somebody who asked for it: who hears and sees whom.
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

/// To a peer: something to open or change a call.
pub fn signal(from: UserId, body: &str) -> Bytes {
    message(
        "signal",
        &json!({ "userId": from.to_string(), "body": body }),
    )
}

/// To somebody who stepped through to another space.
pub fn portal(space: SpaceId, arrive: &str) -> Bytes {
    message(
        "portal",
        &json!({ "spaceId": space.to_string(), "arrive": arrive }),
    )
}

fn chat_line(line: &ChatMessage) -> serde_json::Value {
    json!({
        "id": line.id.to_string(),
        "userId": line.user.to_string(),
        "name": line.name,
        "message": line.text,
        "sentAt": line.at,
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
    /// Tells clients of the tile grid whose tile changed; never the mover itself, and nobody of
    /// those who just came.
    pub(super) fn move_on_the_grid(&mut self, output: &TickOutput, newcomers: &[PlayerId]) {
        let is_watched = self
            .clients
            .values()
            .any(|client| matches!(client.eyes, ProtocolView::Json(_)));
        for (player, _) in &output.stances {
            let Some((left, tile)) = self.visible.cross(*player) else {
                continue;
            };
            if newcomers.contains(player) {
                continue;
            }
            // Moved by something else than its own steps: only then is the mover told where it is.
            let was_moved = left.x.abs_diff(tile.x) + left.y.abs_diff(tile.y) > 1;
            if was_moved
                && let Some(client) = self.client_of(*player)
                && let ProtocolView::Json(_) = client.eyes
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

    /// After a picture: tells clients of the tile grid what it changed.
    pub(super) fn correct_the_grid(&mut self, before: &BTreeMap<PlayerId, (UserId, Option<Tile>)>) {
        if !self
            .clients
            .values()
            .any(|client| matches!(client.eyes, ProtocolView::Json(_)))
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

    /// Tells a client what it was not told: who left and came, where everybody is, and what was
    /// said.
    pub(super) fn make_up_on_the_grid(&self, client: &RelayClient, missed: Missed) {
        let ProtocolView::Json(eyes) = &client.eyes else {
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
                say(user_joined(&self.visible, player, eyes.join_word()));
            } else if let (Some(user), Some(tile)) =
                (self.visible.user_of(player), self.visible.tile_of(player))
            {
                say(movement(user, tile));
            }
        }
        if let Some(tile) = self.visible.tile_of(client.player) {
            say(movement_rejected(tile));
        }
        // When the first is forgotten already, everything that is remembered came after it.
        let place = |id| {
            self.history
                .0
                .iter()
                .position(|line| line.id == id)
                .unwrap_or(0)
        };
        let first = missed.line.map(place);
        for line in first
            .into_iter()
            .flat_map(|first| self.history.0.range(first..))
        {
            if !line.is_deleted && !client.keeps_away(line.user) {
                say(new_message(line));
            }
        }
    }

    pub(super) fn to_json_except(&self, player: PlayerId, bytes: &Bytes) {
        for client in self.clients.values() {
            if client.player != player
                && let ProtocolView::Json(_) = client.eyes
            {
                client.sink.event(bytes.clone());
            }
        }
    }
}
