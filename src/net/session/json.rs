//! JSON: the session of a JSON client.

use std::time::Instant;

use serde::Deserialize;
use serde_json::Value;

use super::{Action, MessageKind, Session, SessionStage, chat_text};
use crate::components::call::CallCommand;
use crate::components::chat::Scope;
use crate::components::command::Command;
use crate::components::id::PlayerId;
use crate::components::movement::MovementCommand;
use crate::components::peers::MAX_SIGNAL;
use crate::components::player::PlayerRef;
use crate::components::unit::Tile;
use crate::net::protocol::client::{JoinWord, ProtocolKind};
use crate::net::protocol::json::{self, JsonC2s};

/// What a JSON client asked for when it joined.
#[derive(Debug, Clone)]
pub struct JsonTerms {
    /// Word for arrivals.
    pub join_word: JoinWord,
    /// Token and space of the join; later messages may repeat them.
    joined_with: Option<(String, String)>,
}

impl JsonTerms {
    /// State before the join.
    pub const fn new(join_word: JoinWord) -> Self {
        Self {
            join_word,
            joined_with: None,
        }
    }
}

#[derive(Deserialize)]
struct Envelope {
    r#type: String,
    #[serde(default)]
    payload: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Join {
    space_id: String,
    #[serde(default)]
    token: String,
    #[serde(default)]
    features: Vec<String>,
    arrive: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Signal {
    user_id: String,
    body: String,
}

#[derive(Deserialize)]
struct LookBack {
    before: String,
}

#[derive(Deserialize)]
struct Move {
    x: f64,
    y: f64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ChatPayload {
    space_id: Option<String>,
    token: Option<String>,
    message: String,
}

impl Session {
    /// Handles a message from a JSON client.
    pub fn receive_json(&mut self, now: Instant, terms: &mut JsonTerms, text: &str) -> Vec<Action> {
        if let Err(flood) = self.hear(now, text.len()) {
            return flood.answer();
        }
        let envelope = serde_json::from_str::<Envelope>(text);
        let envelope = envelope.map(|Envelope { r#type, payload }| {
            let kind = JsonC2s::from_word(&r#type);
            (kind, payload)
        });
        let kind = match &envelope {
            Ok((Some(JsonC2s::Move), _)) => MessageKind::Move,
            Ok((Some(JsonC2s::ChatMessage), _)) => MessageKind::Chat,
            Ok((Some(JsonC2s::Signal), _)) => MessageKind::Signal,
            Ok((Some(JsonC2s::History), _)) => MessageKind::LookBack,
            Ok((Some(JsonC2s::Join) | None, _)) | Err(_) => MessageKind::Control,
        };
        match self.admit(kind, now) {
            Ok(true) => {}
            Ok(false) if kind == MessageKind::Chat => {
                return error("slow-down", "You write too fast. Wait a moment.");
            }
            Ok(false) => return Vec::new(),
            Err(flood) => return flood.answer(),
        }
        match envelope {
            Ok((Some(kind), payload)) => self.take_json(now, terms, kind, payload),
            Ok((None, _)) => error(
                "unknown-type",
                "Known types are join, move, chat-message, signal and history.",
            ),
            Err(_) => error(
                "invalid-json",
                "Send {\"type\": …, \"payload\": …} as JSON.",
            ),
        }
    }

    fn take_json(
        &mut self,
        now: Instant,
        terms: &mut JsonTerms,
        kind: JsonC2s,
        payload: Value,
    ) -> Vec<Action> {
        let player = match (kind, self.stage) {
            (JsonC2s::Join, SessionStage::New(_)) => return self.join_json(terms, payload),
            (JsonC2s::Join, SessionStage::Joining | SessionStage::Joined(_)) => {
                return error(
                    "already-joined",
                    "This connection has joined a space. Open another one for another space.",
                );
            }
            (_, SessionStage::New(_) | SessionStage::Joining) => {
                return error("not-joined", "Join a space first.");
            }
            (_, SessionStage::Joined(player)) => player,
        };
        match kind {
            JsonC2s::Join => Vec::new(),
            JsonC2s::Move => move_json(player, payload),
            JsonC2s::ChatMessage => self.chat_json(now, terms, player, payload),
            JsonC2s::Signal => self.signal_json(player, payload, now),
            JsonC2s::History => look_back(payload),
        }
    }

    fn chat_json(
        &mut self,
        now: Instant,
        terms: &JsonTerms,
        player: PlayerId,
        payload: Value,
    ) -> Vec<Action> {
        match serde_json::from_value::<ChatPayload>(payload) {
            Ok(chat) if !terms.fits(&chat) => {
                error("mismatch", "spaceId and token must match the join.")
            }
            Ok(chat) => match chat_text(&chat.message) {
                Some(text) if !self.admit_text(&text, now) => {
                    error("slow-down", "You write too fast. Wait a moment.")
                }
                Some(text) => vec![Action::Say {
                    player,
                    client_id: None,
                    text,
                    scope: Scope::Space,
                    reply_to: None,
                }],
                None => error("invalid-message", "A message has 1 to 4,000 characters."),
            },
            Err(_) => error("invalid-payload", "chat-message needs {message}."),
        }
    }

    fn signal_json(&mut self, player: PlayerId, payload: Value, now: Instant) -> Vec<Action> {
        let Ok(signal) = serde_json::from_value::<Signal>(payload) else {
            return error(
                "invalid-payload",
                "signal needs {userId, body}, the body as text.",
            );
        };
        if signal.body.len() > MAX_SIGNAL {
            return error("too-long", "A signal has at most 12 KiB.");
        }
        let Ok(user) = signal.user_id.parse() else {
            return error("not-near", "There is no such user here.");
        };
        let to = PlayerRef::User(user);
        self.charge_signal(to, &signal.body, now);
        vec![Action::Command(Command::Call(CallCommand::Signal {
            player,
            to,
            body: signal.body,
        }))]
    }

    fn join_json(&mut self, terms: &mut JsonTerms, payload: Value) -> Vec<Action> {
        let Ok(join) = serde_json::from_value::<Join>(payload) else {
            return error("invalid-payload", "join needs {spaceId, token}.");
        };
        self.stage = SessionStage::Joining;
        let wants = |wanted: &str| join.features.iter().any(|feature| feature == wanted);
        let (history, nearby) = (wants("history"), wants("nearby"));
        terms.joined_with = Some((join.space_id.clone(), join.token.clone()));
        let protocol = ProtocolKind::Json {
            join_word: terms.join_word,
            history,
            nearby,
        };
        vec![Action::Join {
            token: join.token,
            space: join.space_id,
            protocol,
            arrive: join.arrive,
        }]
    }
}

impl JsonTerms {
    fn fits(&self, chat: &ChatPayload) -> bool {
        self.joined_with.as_ref().is_some_and(|(space, token)| {
            chat.space_id.as_ref().is_none_or(|other| other == space)
                && chat.token.as_ref().is_none_or(|other| other == token)
        })
    }
}

fn move_json(player: PlayerId, payload: Value) -> Vec<Action> {
    match serde_json::from_value::<Move>(payload) {
        Ok(step) => vec![Action::Command(Command::Movement(
            MovementCommand::StepTile {
                player,
                tile: whole_tile(&step),
            },
        ))],
        Err(_) => error("invalid-payload", "move needs {x, y} in whole tiles."),
    }
}

fn look_back(payload: Value) -> Vec<Action> {
    match serde_json::from_value::<LookBack>(payload) {
        Ok(LookBack { before }) => match before.parse() {
            Ok(before) => vec![Action::LookBack(before)],
            Err(_) => error("invalid-payload", "before must be the id of a message."),
        },
        Err(_) => error(
            "invalid-payload",
            "history needs {before}, the id of a message.",
        ),
    }
}

/// The tile with these coordinates. If they are not a whole tile, one outside every map, so that
/// the move is rejected.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "only whole numbers in range are cast"
)]
fn whole_tile(step: &Move) -> Tile {
    let whole = |number: f64| {
        if number.fract() == 0.0 && (0.0..f64::from(u16::MAX)).contains(&number) {
            number as u16
        } else {
            u16::MAX
        }
    };
    Tile::new(whole(step.x), whole(step.y))
}

fn error(code: &str, message: &str) -> Vec<Action> {
    vec![Action::Reply(json::error(code, message))]
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests need any start time")]
mod tests {
    use super::*;

    fn session() -> (Session, JsonTerms, Instant) {
        let now = Instant::now();
        (Session::new(now), JsonTerms::new(JoinWord::UserJoined), now)
    }

    fn joined() -> (Session, JsonTerms, Instant) {
        let (mut session, mut terms, now) = session();
        session.receive_json(
            now,
            &mut terms,
            r#"{"type":"join","payload":{"spaceId":"s","token":"t"}}"#,
        );
        session.joined(PlayerId(3));
        (session, terms, now)
    }

    fn reply(actions: &[Action]) -> Value {
        match actions {
            [Action::Reply(bytes)] => serde_json::from_slice(bytes).unwrap(),
            other => panic!("expected one reply, got {other:?}"),
        }
    }

    #[test]
    fn an_unknown_message_gets_an_error_and_the_connection_stays() {
        let (mut session, mut terms, now) = session();
        for text in ["", "{", "[]", "null", "{\"type\":5}", &"[".repeat(10_000)] {
            let actions = session.receive_json(now, &mut terms, text);
            assert_eq!(
                reply(&actions)["payload"]["code"],
                "invalid-json",
                "{text:.20}"
            );
        }
        let actions = session.receive_json(now, &mut terms, r#"{"type":"dance"}"#);
        assert_eq!(reply(&actions)["payload"]["code"], "unknown-type");
        let actions = session.receive_json(
            now,
            &mut terms,
            r#"{"type":"move","payload":{"x":1,"y":1}}"#,
        );
        assert_eq!(reply(&actions)["payload"]["code"], "not-joined");
        let actions = session.receive_json(
            now,
            &mut terms,
            r#"{"type":"join","payload":{"spaceId":7}}"#,
        );
        assert_eq!(reply(&actions)["payload"]["code"], "invalid-payload");
    }

    #[test]
    fn movement_is_another_word_for_move() {
        let (mut session, mut terms, now) = joined();
        for word in ["move", "movement"] {
            let text = format!(r#"{{"type":"{word}","payload":{{"x":4,"y":5}}}}"#);
            let expected = Command::Movement(MovementCommand::StepTile {
                player: PlayerId(3),
                tile: Tile::new(4, 5),
            });
            assert_eq!(
                session.receive_json(now, &mut terms, &text),
                [Action::Command(expected)]
            );
        }
    }

    #[test]
    fn coordinates_that_are_not_a_tile_are_outside_every_map() {
        let (mut session, mut terms, now) = joined();
        for place in ["1e99", "-1", "0.5", "1000000"] {
            let text = format!(r#"{{"type":"move","payload":{{"x":{place},"y":0}}}}"#);
            let actions = session.receive_json(now, &mut terms, &text);
            assert!(
                matches!(
                    actions[..],
                    [Action::Command(Command::Movement(
                        MovementCommand::StepTile {
                            tile: Tile { x: u16::MAX, .. },
                            ..
                        }
                    ))]
                ),
                "{place}: {actions:?}"
            );
        }
    }

    #[test]
    fn a_repeated_space_or_token_must_be_the_same() {
        let (mut session, mut terms, now) = joined();
        let mut say = |payload: &str| {
            session.receive_json(
                now,
                &mut terms,
                &format!(r#"{{"type":"chat-message","payload":{payload}}}"#),
            )
        };
        assert!(matches!(
            say(r#"{"message":"hi"}"#)[..],
            [Action::Say { .. }]
        ));
        assert!(matches!(
            say(r#"{"message":"hi","spaceId":"s","token":"t"}"#)[..],
            [Action::Say { .. }]
        ));
        assert_eq!(
            reply(&say(r#"{"message":"hi","spaceId":"other"}"#))["payload"]["code"],
            "mismatch"
        );
        assert_eq!(
            reply(&say(r#"{"message":"hi","token":"other"}"#))["payload"]["code"],
            "mismatch"
        );
    }
}
