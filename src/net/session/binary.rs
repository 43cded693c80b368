//! Binary: the session of a binary client, `plaza.v1`.

use std::time::Instant;

use super::emoji::is_one_emoji;
use super::{Action, MessageKind, Session, SessionStage, chat_text};
use crate::components::bubble::{BubbleAction, BubbleCommand};
use crate::components::call::CallCommand;
use crate::components::chat::{ChatCommand, Scope};
use crate::components::command::Command;
use crate::components::direction::Direction;
use crate::components::emote::Emote;
use crate::components::follow::Follow;
use crate::components::id::PlayerId;
use crate::components::movement::MovementCommand;
use crate::components::peers::MAX_SIGNAL;
use crate::components::player::{Goal, HeldStep, PlayerRef};
use crate::components::status::{Media, Status, StatusCommand, WaveKind};
use crate::components::unit::Tile;
use crate::components::zone::{Admit, ZoneCommand};
use crate::net::codec::{decode, decode_front, encode};
use crate::net::protocol::call::CallC2s;
use crate::net::protocol::chat::{ChatC2s, ChatRefusedS2c, ChatS2c};
use crate::net::protocol::client::ProtocolKind;
use crate::net::protocol::movement::MovementC2s;
use crate::net::protocol::session::{
    HelloC2s, NoticeS2c, PongS2c, RefusedS2c, SessionC2s, SessionS2c,
};
use crate::net::protocol::status::StatusC2s;
use crate::net::protocol::zone::ZoneC2s;
use crate::net::protocol::{ClientMessage, HELLO_VARIANT, SCHEMA, ServerMessage, VERSION, close};

/// Maximum length of a portal ticket, in bytes.
const MAX_TICKET: usize = 1_024;
/// Reason for the user whose message is empty or too long.
const LENGTH: &str = "A message has 1 to 4,000 characters.";
const TOO_FAST: &str = "You write too fast. Wait a moment and send it again.";
const TOO_OFTEN: &str = "You do that too often. Wait a moment and try again.";

impl Session {
    /// Handles a message from a binary client.
    pub fn receive_binary(&mut self, now: Instant, bytes: &[u8]) -> Vec<Action> {
        if let Err(flood) = self.hear(now, bytes.len()) {
            return flood.answer();
        }
        match decode::<ClientMessage>(bytes) {
            Ok(message) => self.take_binary(now, message),
            Err(_) if matches!(self.stage, SessionStage::New(_)) && is_other_hello(bytes) => {
                outdated()
            }
            Err(_) => refuse(close::MALFORMED, "These bytes are not a message."),
        }
    }

    fn take_binary(&mut self, now: Instant, message: ClientMessage) -> Vec<Action> {
        let kind = match &message {
            ClientMessage::Input(_)
            | ClientMessage::Movement(MovementC2s::WalkTo(_))
            | ClientMessage::Movement(MovementC2s::WalkToPlayer(_)) => MessageKind::Move,
            ClientMessage::Chat(ChatC2s::Send(_)) => MessageKind::Chat,
            ClientMessage::Call(CallC2s::Signal(_)) | ClientMessage::Call(CallC2s::Sfu(_)) => {
                MessageKind::Signal
            }
            ClientMessage::Status(StatusC2s::Wave(_))
            | ClientMessage::Zone(ZoneC2s::Knock(_))
            | ClientMessage::Follow(_) => MessageKind::Wave,
            // Bubble actions that others notice; leaving and locking are not limited.
            ClientMessage::Bubble(bubble) if bubble.deed < 3 => MessageKind::Wave,
            ClientMessage::Chat(ChatC2s::Edit(_))
            | ClientMessage::Chat(ChatC2s::Delete(_))
            | ClientMessage::Chat(ChatC2s::React(_)) => MessageKind::Change,
            ClientMessage::Chat(ChatC2s::Before(_)) => MessageKind::LookBack,
            ClientMessage::Hello(_)
            | ClientMessage::Session(SessionC2s::View(_))
            | ClientMessage::Session(SessionC2s::Ping(_))
            | ClientMessage::Session(SessionC2s::Leave) => MessageKind::Control,
            _ => MessageKind::Other,
        };
        match (self.admit(kind, now), &message) {
            (Ok(true), ClientMessage::Chat(ChatC2s::Send(chat)))
                if !self.admit_text(&chat.text, now) =>
            {
                return vec![chat_refused(chat.client_id, TOO_FAST)];
            }
            (Ok(true), ClientMessage::Chat(ChatC2s::Edit(edit)))
                if !self.admit_text(&edit.text, now) =>
            {
                return vec![notice("chat", TOO_OFTEN)];
            }
            (Ok(true), ClientMessage::Chat(ChatC2s::Edit(_))) => self.rates.lock().note_edit(now),
            (Ok(true), ClientMessage::Call(CallC2s::Signal(signal))) => {
                self.charge_signal(
                    PlayerRef::Player(PlayerId(signal.player)),
                    &signal.body,
                    now,
                );
            }
            (Ok(true), _) => {}
            (Ok(false), ClientMessage::Chat(ChatC2s::Send(chat))) => {
                return vec![chat_refused(chat.client_id, TOO_FAST)];
            }
            (
                Ok(false),
                ClientMessage::Status(StatusC2s::Wave(_))
                | ClientMessage::Zone(ZoneC2s::Knock(_))
                | ClientMessage::Bubble(_),
            ) => {
                return vec![notice(
                    "slow-down",
                    "You ask for attention too often. Wait a moment.",
                )];
            }
            (Ok(false), _) if kind == MessageKind::Change => {
                return vec![notice("chat", TOO_OFTEN)];
            }
            (Ok(false), _) => return Vec::new(),
            (Err(flood), _) => return flood.answer(),
        }
        match (self.stage, message) {
            (SessionStage::New(_), ClientMessage::Hello(hello)) => self.hello(hello),
            (SessionStage::New(_), _) => {
                refuse(close::MALFORMED, "The first message must be Hello.")
            }
            (_, ClientMessage::Hello(_)) => refuse(close::MALFORMED, "Hello was sent twice."),
            (_, ClientMessage::Session(SessionC2s::Ping(ping))) => {
                vec![Action::Reply(
                    encode(&ServerMessage::Session(SessionS2c::Pong(PongS2c {
                        nonce: ping.nonce,
                        tick: 0,
                    })))
                    .into(),
                )]
            }
            (_, ClientMessage::Session(SessionC2s::Leave)) => vec![Action::Leave],
            (SessionStage::Joining, _) => Vec::new(),
            (SessionStage::Joined(player), message) => {
                from_player(player, message).into_iter().collect()
            }
        }
    }

    fn hello(&mut self, hello: HelloC2s) -> Vec<Action> {
        if hello.version != VERSION || hello.schema != SCHEMA {
            return outdated();
        }
        self.stage = SessionStage::Joining;
        let protocol = ProtocolKind::Binary {
            width: hello.view_width,
            height: hello.view_height,
        };
        vec![Action::Join {
            token: hello.token,
            space: hello.space,
            protocol,
            arrive: hello.arrive.filter(|ticket| ticket.len() <= MAX_TICKET),
        }]
    }
}

/// Whether the bytes begin like a `Hello` of another version. The rest of it may have changed.
fn is_other_hello(bytes: &[u8]) -> bool {
    let front = decode_front::<(u32, u16, u32)>(bytes);
    front.is_ok_and(|((variant, version, schema), _)| {
        variant == HELLO_VARIANT && (version, schema) != (VERSION, SCHEMA)
    })
}

fn outdated() -> Vec<Action> {
    refuse(
        close::OUTDATED,
        "This page and the server have different versions. Reload the page.",
    )
}

fn from_player(player: PlayerId, message: ClientMessage) -> Option<Action> {
    let command = match message {
        ClientMessage::Input(input) => {
            let direction = Direction::from_wire(input.direction)?;
            Command::Movement(MovementCommand::Step {
                player,
                step: HeldStep {
                    seq: input.seq,
                    direction,
                    run: input.run,
                },
            })
        }
        ClientMessage::Movement(MovementC2s::WalkTo(walk)) => {
            Command::Movement(MovementCommand::Walk {
                player,
                seq: walk.seq,
                goal: Goal::Tile(Tile::new(walk.x, walk.y)),
            })
        }
        ClientMessage::Movement(MovementC2s::WalkToPlayer(walk)) => {
            Command::Movement(MovementCommand::Walk {
                player,
                seq: walk.seq,
                goal: Goal::Player(PlayerId(walk.player)),
            })
        }
        ClientMessage::Emote(emote) if emote.kind < 6 => Command::Emote(Emote {
            player,
            kind: emote.kind,
        }),
        ClientMessage::Chat(ChatC2s::Send(chat)) => {
            let client_id = chat.client_id;
            let Some(scope) = Scope::from_wire(chat.scope) else {
                return Some(chat_refused(client_id, "This scope does not exist."));
            };
            return Some(match chat_text(&chat.text) {
                Some(text) => Action::Say {
                    player,
                    client_id: Some(client_id),
                    text,
                    scope,
                    reply_to: chat.reply_to.and_then(|id| id.parse().ok()),
                },
                None => chat_refused(client_id, LENGTH),
            });
        }
        ClientMessage::Chat(ChatC2s::Edit(edit)) => {
            let Some(text) = chat_text(&edit.text) else {
                return Some(notice("chat", LENGTH));
            };
            return Some(Action::EditMessage {
                player,
                message: edit.id.parse().ok()?,
                text: Some(text),
            });
        }
        ClientMessage::Chat(ChatC2s::Before(before)) => {
            return before.id.parse().ok().map(Action::LookBack);
        }
        ClientMessage::Chat(ChatC2s::Delete(delete)) => {
            return Some(Action::EditMessage {
                player,
                message: delete.id.parse().ok()?,
                text: None,
            });
        }
        ClientMessage::Chat(ChatC2s::React(react)) if is_one_emoji(&react.emoji) => {
            Command::Chat(ChatCommand::React {
                player,
                message: react.id.parse().ok()?,
                emoji: react.emoji,
                on: react.on,
            })
        }
        ClientMessage::Movement(MovementC2s::Home) => {
            Command::Movement(MovementCommand::GoHome { player })
        }
        ClientMessage::Chat(ChatC2s::Typing(typing)) => Command::Chat(ChatCommand::Typing {
            player,
            on: typing.on,
        }),
        ClientMessage::Session(SessionC2s::View(view)) => {
            return Some(Action::Resize {
                width: view.width,
                height: view.height,
            });
        }
        message => return about_people(player, message),
    };
    Some(Action::Command(command))
}

/// Messages about other players and about calls with them.
fn about_people(player: PlayerId, message: ClientMessage) -> Option<Action> {
    let command = match message {
        ClientMessage::Call(CallC2s::Signal(signal)) if signal.body.len() > MAX_SIGNAL => {
            return Some(notice("too-long", "A signal has at most 12 KiB."));
        }
        ClientMessage::Call(CallC2s::Signal(signal)) => Command::Call(CallCommand::Signal {
            player,
            to: PlayerRef::Player(PlayerId(signal.player)),
            body: signal.body,
        }),
        ClientMessage::Call(CallC2s::Sfu(forward)) if forward.body.len() > MAX_SIGNAL => {
            return Some(notice("too-long", "A signal has at most 12 KiB."));
        }
        ClientMessage::Call(CallC2s::Sfu(forward)) => Command::Call(CallCommand::SfuRequest {
            player,
            body: forward.body,
        }),
        ClientMessage::Status(StatusC2s::Media(media)) => {
            Command::Status(StatusCommand::ChangeMedia {
                player,
                media: Media {
                    audio: media.audio,
                    video: media.video,
                    screen: media.screen,
                },
            })
        }
        ClientMessage::Status(StatusC2s::Set(status)) => {
            Command::Status(StatusCommand::ChangeStatus {
                player,
                status: Status::from_wire(status.status)?,
            })
        }
        ClientMessage::Status(StatusC2s::Wave(wave)) => Command::Status(StatusCommand::Wave {
            player,
            to: PlayerId(wave.player),
            kind: WaveKind::from_wire(wave.kind)?,
        }),
        ClientMessage::Zone(ZoneC2s::Lock(lock)) => Command::Zone(ZoneCommand::Lock {
            player,
            zone: lock.zone,
            locked: lock.locked,
        }),
        ClientMessage::Zone(ZoneC2s::Knock(knock)) => Command::Zone(ZoneCommand::Knock {
            player,
            zone: knock.zone,
        }),
        ClientMessage::Zone(ZoneC2s::Admit(admit)) => Command::Admit(Admit {
            player,
            guest: PlayerId(admit.player),
        }),
        ClientMessage::Follow(follow) => Command::Follow(Follow {
            player,
            leader: follow.player.map(PlayerId),
        }),
        ClientMessage::Bubble(bubble) => Command::Bubble(BubbleCommand {
            player,
            action: BubbleAction::from_wire(bubble.deed, bubble.bubble)?,
        }),
        ClientMessage::Block(block) => {
            return Some(match block.user.parse() {
                Ok(other) => Action::Block {
                    other,
                    blocked: block.blocked,
                },
                Err(_) => notice("no-user", "There is no such user."),
            });
        }
        _ => return None,
    };
    Some(Action::Command(command))
}

/// Refuses the client, and closes the connection with the same code.
pub fn refuse(code: u16, message: &'static str) -> Vec<Action> {
    let refused = ServerMessage::Refused(RefusedS2c {
        code,
        message: message.into(),
    });
    vec![
        Action::Reply(encode(&refused).into()),
        Action::Close {
            code,
            reason: message,
        },
    ]
}

/// A notice for the user.
pub fn notice(code: &str, message: &str) -> Action {
    let notice = ServerMessage::Session(SessionS2c::Notice(NoticeS2c {
        code: code.into(),
        message: message.into(),
    }));
    Action::Reply(encode(&notice).into())
}

/// Refuses a chat message.
pub fn chat_refused(client_id: u32, message: &str) -> Action {
    let refused = ServerMessage::Chat(ChatS2c::Refused(ChatRefusedS2c {
        client_id,
        message: message.into(),
    }));
    Action::Reply(encode(&refused).into())
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests need any start time")]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::net::protocol::call::SignalC2s;
    use crate::net::protocol::chat::ChatSendC2s;
    use crate::net::protocol::emote::EmoteC2s;
    use crate::net::protocol::movement::InputC2s;
    use crate::net::protocol::session::PingC2s;

    fn hello() -> ClientMessage {
        ClientMessage::Hello(HelloC2s {
            version: VERSION,
            schema: SCHEMA,
            token: "t".into(),
            space: "s".into(),
            view_width: 30,
            view_height: 20,
            arrive: None,
        })
    }

    fn joined(now: Instant) -> Session {
        let mut session = Session::new(now);
        session.receive_binary(now, &encode(&hello()));
        session.joined(PlayerId(7));
        session
    }

    fn close_code(actions: &[Action]) -> Option<u16> {
        actions.iter().find_map(|action| match action {
            Action::Close { code, .. } => Some(*code),
            _ => None,
        })
    }

    #[test]
    fn a_client_whose_first_message_is_not_hello_is_disconnected() {
        let now = Instant::now();
        let ping = encode(&ClientMessage::Session(SessionC2s::Ping(PingC2s {
            nonce: 1,
        })));
        assert_eq!(
            close_code(&Session::new(now).receive_binary(now, &ping)),
            Some(close::MALFORMED)
        );
        assert_eq!(
            close_code(&Session::new(now).receive_binary(now, &[0xff; 9])),
            Some(close::MALFORMED)
        );
        assert_eq!(
            close_code(&Session::new(now).receive_binary(now, &[])),
            Some(close::MALFORMED)
        );
    }

    #[test]
    fn a_client_with_another_schema_is_told_to_reload() {
        let now = Instant::now();
        let ClientMessage::Hello(hello) = hello() else {
            unreachable!()
        };
        let other = ClientMessage::Hello(HelloC2s {
            schema: !SCHEMA,
            ..hello
        });
        assert_eq!(
            close_code(&Session::new(now).receive_binary(now, &encode(&other))),
            Some(close::OUTDATED)
        );
    }

    #[test]
    fn a_client_with_another_hello_is_told_to_reload() {
        let now = Instant::now();
        let other = encode(&(
            HELLO_VARIANT,
            VERSION,
            !SCHEMA,
            "fields",
            "of",
            "a",
            "later version",
        ));
        assert_eq!(
            close_code(&Session::new(now).receive_binary(now, &other)),
            Some(close::OUTDATED)
        );
        let broken = encode(&(HELLO_VARIANT, VERSION, SCHEMA, "cut"));
        assert_eq!(
            close_code(&Session::new(now).receive_binary(now, &broken)),
            Some(close::MALFORMED)
        );
    }

    #[test]
    fn movement_is_ignored_before_the_player_exists() {
        let now = Instant::now();
        let mut session = Session::new(now);
        session.receive_binary(now, &encode(&hello()));
        let input = encode(&ClientMessage::Input(InputC2s {
            seq: 1,
            direction: 1,
            run: false,
        }));
        assert_eq!(session.receive_binary(now, &input), []);
        session.joined(PlayerId(7));
        assert!(matches!(
            session.receive_binary(now, &input)[..],
            [Action::Command(Command::Movement(
                MovementCommand::Step { .. }
            ))]
        ));
    }

    #[test]
    fn unknown_directions_and_emotes_are_ignored() {
        let now = Instant::now();
        let mut session = joined(now);
        let input = encode(&ClientMessage::Input(InputC2s {
            seq: 1,
            direction: 9,
            run: false,
        }));
        assert_eq!(session.receive_binary(now, &input), []);
        let emote = encode(&ClientMessage::Emote(EmoteC2s { kind: 6 }));
        assert_eq!(session.receive_binary(now, &emote), []);
    }

    #[test]
    fn the_eleventh_message_in_ten_seconds_is_refused_and_other_actions_are_not() {
        let now = Instant::now() + Duration::from_mins(1);
        let mut session = joined(now);
        let chat = encode(&ClientMessage::Chat(ChatC2s::Send(ChatSendC2s {
            client_id: 1,
            text: "hi".into(),
            scope: 0,
            reply_to: None,
        })));
        for _ in 0..10 {
            assert!(matches!(
                session.receive_binary(now, &chat)[..],
                [Action::Say { .. }]
            ));
        }
        assert!(matches!(
            session.receive_binary(now, &chat)[..],
            [Action::Reply(_)]
        ));
        let input = encode(&ClientMessage::Input(InputC2s {
            seq: 1,
            direction: 1,
            run: false,
        }));
        assert!(matches!(
            session.receive_binary(now, &input)[..],
            [Action::Command(_)]
        ));
    }

    #[test]
    fn a_client_that_has_not_joined_may_send_little() {
        let now = Instant::now() + Duration::from_mins(1);
        let mut session = Session::new(now);
        let ended = (0..100).position(|_| close_code(&session.receive_control(now, 125)).is_some());
        assert_eq!(ended, Some(32));
        let mut session = Session::new(now);
        let ended =
            (0..100).position(|_| close_code(&session.receive_control(now, 4_000)).is_some());
        assert_eq!(ended, Some(4));
    }

    #[test]
    fn a_flood_of_pings_ends_the_connection() {
        let now = Instant::now() + Duration::from_mins(1);
        let mut session = joined(now);
        let ended = (0..1_000).find_map(|_| close_code(&session.receive_control(now, 125)));
        assert_eq!(ended, Some(close::FLOOD));
    }

    #[test]
    fn actions_that_others_notice_are_counted_per_user_and_not_per_connection() {
        let now = Instant::now() + Duration::from_mins(1);
        let rates: crate::net::session::rates::SharedRates = std::sync::Arc::new(
            parking_lot::Mutex::new(super::super::rates::UserRates::new(now)),
        );
        let emote = encode(&ClientMessage::Emote(EmoteC2s { kind: 1 }));
        let shown = (0..10).flat_map(|_| {
            let mut session = joined(now);
            session.share(std::sync::Arc::clone(&rates));
            (0..20)
                .flat_map(|_| session.receive_binary(now, &emote))
                .collect::<Vec<_>>()
        });
        assert_eq!(shown.count(), 30);
    }

    #[test]
    fn a_client_that_signals_too_much_is_slowed_and_no_signal_is_lost() {
        let now = Instant::now() + Duration::from_mins(1);
        let mut session = joined(now);
        let signal = encode(&ClientMessage::Call(CallC2s::Signal(SignalC2s {
            player: 9,
            body: "x".repeat(MAX_SIGNAL),
        })));
        let passed = (0..12)
            .flat_map(|_| session.receive_binary(now, &signal))
            .count();
        assert_eq!(passed, 12);
        let until = session.take_pause().unwrap();
        assert!(
            until >= now + Duration::from_secs(1),
            "80 KiB above the limit take more than a second"
        );
        assert_eq!(session.take_pause(), None);
    }

    #[test]
    fn a_flood_ends_the_connection() {
        let now = Instant::now();
        let mut session = joined(now);
        let input = encode(&ClientMessage::Input(InputC2s {
            seq: 1,
            direction: 1,
            run: false,
        }));
        let ended = (0..1_000).find_map(|_| close_code(&session.receive_binary(now, &input)));
        assert_eq!(ended, Some(close::FLOOD));
    }

    #[test]
    fn a_message_is_trimmed_and_measured_in_characters() {
        let now = Instant::now();
        let mut session = joined(now);
        let mut say = |text: String| {
            let chat = ChatSendC2s {
                client_id: 1,
                text,
                scope: 0,
                reply_to: None,
            };
            session.receive_binary(now, &encode(&ClientMessage::Chat(ChatC2s::Send(chat))))
        };
        assert!(
            matches!(&say("  hi\u{7}  ".into())[..], [Action::Say { text, .. }] if text == "hi")
        );
        assert!(matches!(&say("👋".repeat(4_000))[..], [Action::Say { .. }]));
        assert!(matches!(&say("👋".repeat(4_001))[..], [Action::Reply(_)]));
        assert!(matches!(&say(" \n ".into())[..], [Action::Reply(_)]));
    }

    #[test]
    fn slow_and_silent_clients_are_disconnected() {
        let now = Instant::now();
        let session = Session::new(now);
        assert_eq!(session.check(now + Duration::from_secs(9)), None);
        assert!(session.check(now + super::super::JOIN_WITHIN).is_some());
        let session = joined(now);
        assert_eq!(session.check(now + Duration::from_secs(14)), None);
        assert!(session.check(now + super::super::SILENT_AT_MOST).is_some());
    }
}
