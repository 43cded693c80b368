//! Binary: the session of a binary client, `plaza.v1`: reads messages, and knows which are due at
//! which stage. What a message means is in the file of its domain.

use std::time::Instant;

use super::replies::{pong, refuse};
use super::{Action, DomainMessage, MessageKind, Session, SessionStage};
use crate::net::codec::{decode, decode_front};
use crate::net::protocol::client::ProtocolKind;
use crate::net::protocol::session::{HelloC2s, SessionC2s};
use crate::net::protocol::{ClientMessage, HELLO_VARIANT, SCHEMA, VERSION, close};

/// Maximum length of a portal ticket, in bytes.
const MAX_TICKET: usize = 1_024;

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
        match message {
            ClientMessage::Hello(hello) => self.take_hello(now, hello),
            ClientMessage::Session(message) => self.take_control(now, message),
            ClientMessage::Input(message) => self.take(now, message),
            ClientMessage::Movement(message) => self.take(now, message),
            ClientMessage::Chat(message) => self.take(now, message),
            ClientMessage::Emote(message) => self.take(now, message),
            ClientMessage::Call(message) => self.take(now, message),
            ClientMessage::Status(message) => self.take(now, message),
            ClientMessage::Zone(message) => self.take(now, message),
            ClientMessage::Follow(message) => self.take(now, message),
            ClientMessage::Bubble(message) => self.take(now, message),
            ClientMessage::Block(message) => self.take(now, message),
        }
    }

    /// Handles a message of a domain: within its limits, the player acts.
    fn take(&mut self, now: Instant, message: impl DomainMessage) -> Vec<Action> {
        match self.admit(message.kind(), now) {
            Ok(true) => {}
            Ok(false) => return message.too_often().map(Action::Reply).into_iter().collect(),
            Err(flood) => return flood.answer(),
        }
        if let Err(refusal) = message.charge(self, now) {
            return vec![Action::Reply(refusal)];
        }
        match self.stage {
            SessionStage::New(_) => not_yet(),
            SessionStage::Joining => Vec::new(),
            SessionStage::Joined(player) => message.act(player).into_iter().collect(),
        }
    }

    /// Handles a message about the connection.
    fn take_control(&mut self, now: Instant, message: SessionC2s) -> Vec<Action> {
        if let Err(actions) = self.admit_control(now) {
            return actions;
        }
        match (self.stage, message) {
            (SessionStage::New(_), _) => not_yet(),
            (_, SessionC2s::Ping(ping)) => vec![Action::Reply(pong(ping.nonce))],
            (_, SessionC2s::Leave) => vec![Action::Leave],
            (SessionStage::Joining, SessionC2s::View(_)) => Vec::new(),
            (SessionStage::Joined(_), SessionC2s::View(view)) => vec![Action::Resize {
                width: view.width,
                height: view.height,
            }],
        }
    }

    fn admit_control(&mut self, now: Instant) -> Result<(), Vec<Action>> {
        match self.admit(MessageKind::Control, now) {
            Ok(true) => Ok(()),
            Ok(false) => Err(Vec::new()),
            Err(flood) => Err(flood.answer()),
        }
    }

    fn take_hello(&mut self, now: Instant, hello: HelloC2s) -> Vec<Action> {
        if let Err(actions) = self.admit_control(now) {
            return actions;
        }
        match self.stage {
            SessionStage::New(_) => self.hello(hello),
            SessionStage::Joining | SessionStage::Joined(_) => {
                refuse(close::MALFORMED, "Hello was sent twice.")
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

fn not_yet() -> Vec<Action> {
    refuse(close::MALFORMED, "The first message must be Hello.")
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests need any start time")]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::components::command::Command;
    use crate::components::id::PlayerId;
    use crate::components::movement::MovementCommand;
    use crate::components::peers::MAX_SIGNAL;
    use crate::net::codec::encode;
    use crate::net::protocol::bubble::BubbleC2s;
    use crate::net::protocol::call::{CallC2s, SignalC2s};
    use crate::net::protocol::chat::{
        ChatBeforeC2s, ChatC2s, ChatDeleteC2s, ChatSendC2s, TypingC2s,
    };
    use crate::net::protocol::emote::EmoteC2s;
    use crate::net::protocol::follow::FollowC2s;
    use crate::net::protocol::movement::InputC2s;
    use crate::net::protocol::session::PingC2s;
    use crate::net::protocol::status::{StatusC2s, WaveC2s};
    use crate::net::protocol::zone::{KnockC2s, ZoneC2s};

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
        let emote = encode(&ClientMessage::Emote(EmoteC2s { kind: u8::MAX }));
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
    fn each_domain_says_which_messages_above_their_rate_are_answered() {
        let now = Instant::now() + Duration::from_mins(1);
        let (player, kind, id) = (9, 0, "0197a1b2-0000-7000-8000-00000000000a".to_owned());
        let typing = ChatC2s::Typing(TypingC2s { on: true });
        for (message, is_told) in [
            (
                ClientMessage::Status(StatusC2s::Wave(WaveC2s { player, kind })),
                true,
            ),
            (
                ClientMessage::Zone(ZoneC2s::Knock(KnockC2s { zone: 0 })),
                true,
            ),
            (
                ClientMessage::Bubble(BubbleC2s {
                    action: 2,
                    bubble: 1,
                }),
                true,
            ),
            (
                ClientMessage::Chat(ChatC2s::Delete(ChatDeleteC2s { id: id.clone() })),
                true,
            ),
            (
                ClientMessage::Chat(ChatC2s::Before(ChatBeforeC2s { id })),
                false,
            ),
            (ClientMessage::Chat(typing), false),
            (ClientMessage::Follow(FollowC2s { player: Some(9) }), false),
            (ClientMessage::Emote(EmoteC2s { kind: 1 }), false),
        ] {
            let mut session = joined(now);
            let bytes = encode(&message);
            let first = session.receive_binary(now, &bytes);
            assert!(
                !matches!(first[..], [] | [Action::Reply(_)]),
                "{message:?}: {first:?}"
            );
            let last = (0..40)
                .map(|_| session.receive_binary(now, &bytes))
                .last()
                .unwrap();
            let was_told = matches!(last[..], [Action::Reply(_)]);
            assert!(is_told || last.is_empty(), "{message:?}: {last:?}");
            assert_eq!(was_told, is_told, "{message:?}: {last:?}");
        }
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
        let slow = session.check(now + super::super::JOIN_WITHIN);
        assert!(
            matches!(slow, Some(Action::Close { code: 4408, .. })),
            "{slow:?}"
        );
        let session = joined(now);
        assert_eq!(session.check(now + Duration::from_secs(14)), None);
        assert!(session.check(now + super::super::SILENT_AT_MOST).is_some());
    }
}
