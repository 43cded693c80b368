//! JSON client: a bot that speaks the JSON protocol.

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};

use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::decode_error::ViewError;
use super::mind::{BotGoal, Mind};
use super::protocol::{BotProtocol, Heard, Rested, distance, nearest_first};
use super::shared::{BotSpace, Shared};
use super::wire::Writer;
use crate::components::unit::Tile;

/// Up, right, down, left.
const SIDES: [(i32, i32); 4] = [(0, -1), (1, 0), (0, 1), (-1, 0)];

/// The most tiles searched for one path.
const FAR: usize = 20_000;

/// One connection.
pub(super) struct JsonConnection<'a> {
    shared: &'a Shared,
    space: &'a BotSpace,
    bot: u32,
    token: &'a str,
    apart: u64,
    /// Position if the server accepts every step sent.
    own: (i32, i32),
    others: HashMap<u32, Other>,
    heard_at: u64,
    path: VecDeque<(i32, i32)>,
    going_to: Option<u32>,
}

#[derive(Debug, Clone, Copy)]
struct Other {
    tile: (i32, i32),
    is_near: bool,
}

#[derive(Deserialize)]
struct JsonEnvelope<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    payload: Payload<'a>,
}

/// The fields that a bot reads, of all payloads.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Payload<'a> {
    user_id: Option<&'a str>,
    x: Option<u16>,
    y: Option<u16>,
    #[serde(borrow)]
    message: Option<Cow<'a, str>>,
    #[serde(borrow)]
    code: Option<Cow<'a, str>>,
    spawn: Option<JsonPosition>,
    #[serde(borrow, default)]
    users: Vec<User<'a>>,
}

#[derive(Deserialize)]
struct JsonPosition {
    x: u16,
    y: u16,
}

#[derive(Deserialize)]
struct User<'a> {
    #[serde(rename = "userId")]
    id: &'a str,
    x: u16,
    y: u16,
}

impl<'a> JsonConnection<'a> {
    pub(super) fn new(
        shared: &'a Shared,
        space: &'a BotSpace,
        bot: u32,
        token: &'a str,
        apart: u64,
    ) -> Self {
        Self {
            shared,
            space,
            bot,
            token,
            apart,
            own: (0, 0),
            others: HashMap::new(),
            heard_at: 0,
            path: VecDeque::new(),
            going_to: None,
        }
    }

    fn bot_of(&self, user: &str) -> Option<u32> {
        let user = Uuid::try_parse(user).ok()?;
        self.shared.users.get(&user.as_u128()).copied()
    }

    fn is_at(&mut self, user: &str, x: u16, y: u16) {
        if let Some(bot) = self.bot_of(user) {
            let tile = (i32::from(x), i32::from(y));
            let other = self.others.entry(bot).or_insert(Other {
                tile,
                is_near: false,
            });
            other.tile = tile;
        }
    }

    fn saw(&self, user: &str, x: u16, y: u16, now: u64) {
        let Some(bot) = self.bot_of(user) else { return };
        if let Some(sent) = self.shared.bot(bot).stepped_to((x, y))
            && self.shared.counts(now)
        {
            let is_near = self.others.get(&bot).is_some_and(|other| other.is_near);
            let latency = now.saturating_sub(sent);
            self.shared
                .tally(self.bot)
                .saw(is_near, latency, self.apart);
        }
    }

    /// Steps to a tile when it is free; returns the number of moves sent.
    fn step(&mut self, to: (i32, i32), due: u64, out: &mut Writer, mind: &mut Mind) -> u64 {
        if !self.space.is_free(to) {
            mind.turn_away();
            return 0;
        }
        self.own = to;
        if let Some(Tile { x, y }) = Tile::at(to.0, to.1) {
            self.shared.bot(self.bot).stepped((x, y), due);
        }
        let step = json!({ "type": "move", "payload": { "x": to.0, "y": to.1 } });
        out.text(&step.to_string(), &mut mind.random);
        1
    }

    fn find_path_to(&mut self, bot: u32) {
        self.going_to = Some(bot);
        self.path = match self.others.get(&bot) {
            Some(other) => path(self.own, other.tile, |tile| self.space.is_free(tile)),
            None => VecDeque::new(),
        };
    }
}

impl BotProtocol for JsonConnection<'_> {
    fn greet(&mut self, out: &mut Writer, mind: &mut Mind) {
        let payload = json!({ "spaceId": self.space.id, "token": self.token });
        let join = json!({ "type": "join", "payload": payload });
        out.text(&join.to_string(), &mut mind.random);
    }

    fn hear(&mut self, message: &[u8], now: u64) -> Result<Heard, ViewError> {
        let JsonEnvelope { kind, payload } =
            serde_json::from_slice(message).map_err(|_| ViewError::Malformed)?;
        let since = std::mem::replace(&mut self.heard_at, now);
        let gap = Some(now.saturating_sub(since));
        Ok(match (&*kind, payload) {
            (
                "movement",
                Payload {
                    user_id: Some(user),
                    x: Some(x),
                    y: Some(y),
                    ..
                },
            ) => {
                self.saw(user, x, y, now);
                self.is_at(user, x, y);
                Heard::News(gap)
            }
            (
                "user-joined",
                Payload {
                    user_id: Some(user),
                    x: Some(x),
                    y: Some(y),
                    ..
                },
            ) => {
                self.is_at(user, x, y);
                Heard::News(gap)
            }
            (
                "user-left",
                Payload {
                    user_id: Some(user),
                    ..
                },
            ) => {
                if let Some(bot) = self.bot_of(user) {
                    self.others.remove(&bot);
                }
                Heard::News(gap)
            }
            (
                "space-joined",
                Payload {
                    spawn: Some(spawn),
                    users,
                    ..
                },
            ) => {
                self.own = (i32::from(spawn.x), i32::from(spawn.y));
                self.others.clear();
                for user in users {
                    self.is_at(user.id, user.x, user.y);
                }
                Heard::Welcome
            }
            (
                "movement-rejected",
                Payload {
                    x: Some(x),
                    y: Some(y),
                    ..
                },
            ) => {
                self.own = (i32::from(x), i32::from(y));
                self.going_to = None;
                Heard::MoveRejected
            }
            (
                "new-message",
                Payload {
                    message: Some(text),
                    ..
                },
            ) => Heard::Chat(text.into()),
            (
                "error",
                Payload {
                    code: Some(code), ..
                },
            ) if matches!(&*code, "slow-down" | "busy") => Heard::ChatRefused,
            (
                "error",
                Payload {
                    message: Some(text),
                    ..
                },
            ) => Heard::Refused(0, text.into_owned()),
            ("history", _) => Heard::Other,
            _ => return Err(ViewError::Malformed),
        })
    }

    fn act(&mut self, goal: BotGoal, due: u64, out: &mut Writer, mind: &mut Mind) -> u64 {
        match goal {
            BotGoal::Rest => 0,
            BotGoal::Step(direction) => {
                self.going_to = None;
                // Diagonals become sideways steps.
                let (x, y) = SIDES[usize::from(direction.saturating_sub(1) / 2) % 4];
                self.step((self.own.0 + x, self.own.1 + y), due, out, mind)
            }
            BotGoal::Join(bot) => {
                if self.going_to != Some(bot) {
                    self.find_path_to(bot);
                }
                match self.path.pop_front() {
                    Some(next) => self.step(next, due, out, mind),
                    None => 0,
                }
            }
        }
    }

    fn halt(&mut self, _: &mut Writer, _: &mut Mind) {
        self.path.clear();
    }

    fn say(&mut self, _: u32, text: String, out: &mut Writer, mind: &mut Mind) {
        let chat = json!({ "type": "chat-message", "payload": { "message": text } });
        out.text(&chat.to_string(), &mut mind.random);
    }

    fn leave(&mut self, out: &mut Writer, mind: &mut Mind) {
        out.close(&mut mind.random);
    }

    fn measure(&mut self, _: u64, _: &mut Mind) {
        let own = self.own;
        let mut others: Vec<_> = self
            .others
            .iter()
            .map(|(bot, other)| (distance(own, other.tile), *bot))
            .collect();
        let near = nearest_first(&mut others);
        for (index, (_, bot)) in others.into_iter().enumerate() {
            if let Some(other) = self.others.get_mut(&bot) {
                other.is_near = index < near;
            }
        }
    }

    fn tile(&self) -> (i32, i32) {
        self.own
    }

    fn rest(&mut self) -> Rested {
        Rested {
            own: self.own,
            others: self
                .others
                .iter()
                .map(|(bot, other)| (*bot, other.tile))
                .collect(),
            sight: None,
        }
    }
}

/// The shortest path, tile by tile, to a tile next to `to`; empty when there is none.
fn path(
    from: (i32, i32),
    to: (i32, i32),
    is_free: impl Fn((i32, i32)) -> bool,
) -> VecDeque<(i32, i32)> {
    let is_there = |tile: (i32, i32)| (tile.0 - to.0).abs() + (tile.1 - to.1).abs() <= 1;
    let mut came_from = HashMap::from([(from, from)]);
    let mut edge = VecDeque::from([from]);
    while let Some(mut tile) = edge.pop_front() {
        if is_there(tile) {
            let mut path = VecDeque::new();
            while tile != from {
                path.push_front(tile);
                tile = came_from[&tile];
            }
            return path;
        }
        if came_from.len() > FAR {
            break;
        }
        for (x, y) in SIDES {
            let next = (tile.0 + x, tile.1 + y);
            if is_free(next) && !came_from.contains_key(&next) {
                came_from.insert(next, tile);
                edge.push_back(next);
            }
        }
    }
    VecDeque::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_goes_around_obstacles_and_ends_next_to_the_target() {
        let is_free =
            |(x, y): (i32, i32)| (0..5).contains(&x) && (0..3).contains(&y) && !(x == 2 && y < 2);
        let found = path((0, 0), (4, 0), is_free);
        assert_eq!(found.len(), 7);
        assert!(found.iter().all(|tile| is_free(*tile)));
        assert!(path((0, 0), (4, 0), |(x, y)| is_free((x, y)) && x != 2).is_empty());
        assert!(path((3, 0), (4, 0), is_free).is_empty());
    }

    #[test]
    fn payloads_are_read_in_any_field_order() {
        let text = br#"{"payload":{"userId":"u","x":1,"y":2,"new":[{}]},"type":"movement"}"#;
        let JsonEnvelope { kind, payload } = serde_json::from_slice(text).unwrap();
        assert_eq!(
            (&*kind, payload.x, payload.y),
            ("movement", Some(1), Some(2))
        );
        let text = br#"{"type":"space-joined","payload":{"spawn":{"x":1,"y":2},
"users":[{"userId":"u","x":3,"y":4,"id":null}]}}"#;
        let JsonEnvelope { payload, .. } = serde_json::from_slice(text).unwrap();
        assert_eq!(payload.users.len(), 1);
    }
}
