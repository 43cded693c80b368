//! Binary client: a bot that speaks `plaza.v1`.

use std::collections::{BTreeMap, VecDeque};

use super::caller::BotCaller;
use super::cursor::ByteReader;
use super::decode_error::ViewError;
use super::mind::{BotGoal, Mind};
use super::protocol::{BotProtocol, Heard, Rested};
use super::shared::{BotSpace, Shared};
use super::view::{BotView, Own};
use super::watcher::{FrameTime, Watcher};
use super::wire::Writer;
use crate::components::unit::SUBTILES;
use crate::net::codec::{decode, encode};
use crate::net::protocol::call::{CallC2s, CallS2c, SfuC2s, SignalC2s, SignalS2c};
use crate::net::protocol::chat::{ChatC2s, ChatEditC2s, ChatS2c, ChatSendC2s, ReactC2s, TypingC2s};
use crate::net::protocol::movement::{InputC2s, MovementC2s, WalkToPlayerC2s};
use crate::net::protocol::peers::{PeerS2c, PeersS2c};
use crate::net::protocol::session::{HelloC2s, SessionC2s, SessionS2c};
use crate::net::protocol::status::{MediaC2s, StatusC2s};
use crate::net::protocol::{ClientMessage, FRAME_VARIANT, SCHEMA, ServerMessage, VERSION};

/// Size of a bot's view in tiles, like a laptop's window.
const VIEW: (u16, u16) = (30, 18);

/// Variant numbers of `ServerMessage::Chat` and `ChatS2c::Message`.
const MESSAGE_VARIANTS: [u8; 2] = [3, 0];

/// A bot reacts to a message of another bot once per this many own messages.
const REACT_EVERY: u32 = 4;

/// A bot edits its previous message once per this many own messages.
const EDIT_EVERY: u32 = 6;

/// Bodies of the signals of a call: the caller's and the answer, each followed by the time at which
/// the caller sent its offer.
const OFFER: &str = "offer ";
const ANSWER: &str = "answer ";

/// What this bot does of the things bots can do.
#[derive(Debug, Clone, Copy)]
pub(super) struct Habits {
    /// Time between two moves of one bot.
    pub(super) apart: u64,
    /// Whether it watches other players.
    pub(super) watches: bool,
    /// Whether it sends call signals to players that come near.
    pub(super) calls: bool,
}

/// One connection.
pub(super) struct Binary<'a> {
    shared: &'a Shared,
    space: &'a BotSpace,
    bot: u32,
    token: &'a str,
    habits: Habits,
    player: u32,
    watcher: Watcher<'a>,
    own: Own,
    /// The tick of the last frame, and its time of arrival in `seen_at`.
    seen: u64,
    seen_at: u64,
    seq: u32,
    unacknowledged: VecDeque<(u32, u64)>,
    going_to: Option<u32>,
    /// The id of the last message heard from another player.
    heard_message: String,
    /// The id of the last acknowledged own message.
    own_message: String,
    /// Sends its voice and camera, if it has any.
    caller: Option<BotCaller>,
    near: BTreeMap<u32, PeerS2c>,
    /// Messages sent with the next move.
    waiting: Vec<ClientMessage>,
}

impl<'a> Binary<'a> {
    pub(super) fn new(
        shared: &'a Shared,
        space: &'a BotSpace,
        bot: u32,
        token: &'a str,
        habits: Habits,
        caller: Option<BotCaller>,
    ) -> Self {
        Self {
            shared,
            space,
            bot,
            token,
            habits,
            player: 0,
            watcher: Watcher::new(shared, space, bot, habits.apart),
            own: Own::default(),
            seen: 0,
            seen_at: 0,
            seq: 0,
            unacknowledged: VecDeque::new(),
            going_to: None,
            heard_message: String::new(),
            own_message: String::new(),
            caller,
            near: BTreeMap::new(),
            waiting: Vec::new(),
        }
    }

    /// Updates who is near. One of the two players starts the call.
    fn meet(&mut self, peers: &PeersS2c, now: u64) {
        if peers.full {
            self.near.clear();
        }
        for player in &peers.gone {
            self.near.remove(player);
        }
        for peer in &peers.peers {
            let is_new = self.near.insert(peer.player, *peer).is_none();
            if self.habits.calls && is_new && !peer.polite {
                self.signal(peer.player, format!("{OFFER}{now}"));
            }
        }
        if let Some(caller) = &self.caller {
            caller.near(self.near.values());
        }
    }

    fn signal(&mut self, player: u32, body: String) {
        self.shared.tally(self.bot).signals += 1;
        self.waiting
            .push(ClientMessage::Call(CallC2s::Signal(SignalC2s {
                player,
                body,
            })));
    }

    fn signalled(&mut self, signal: &SignalS2c, now: u64) {
        if let Some(at) = signal.body.strip_prefix(OFFER) {
            self.signal(signal.player, format!("{ANSWER}{at}"));
        } else if let Some(at) = signal
            .body
            .strip_prefix(ANSWER)
            .and_then(|at| at.parse::<u64>().ok())
        {
            let took = now.saturating_sub(at);
            self.shared.tally(self.bot).signal.saturating_record(took);
        }
    }

    fn frame(&mut self, frame: &[u8], now: u64) -> Result<Heard, ViewError> {
        let (header, people) = self.watcher.view.open(frame)?;
        if self.habits.watches {
            let time = FrameTime {
                epoch: header.epoch,
                after: self.seen,
                tick: header.tick,
                at: now,
            };
            self.watcher.add(time, people);
        }
        self.own = header.own.unwrap_or(self.own);
        let ack = self.own.ack;
        let owed_since = self
            .unacknowledged
            .front()
            .map(|(_, due)| (*due).max(self.seen_at));
        if let Some((seq, due)) = self.unacknowledged.front().copied()
            && seq <= ack
        {
            self.shared
                .bot(self.bot)
                .shown(header.epoch, header.tick, due);
            self.unacknowledged.retain(|(seq, _)| *seq > ack);
        }
        self.seen = header.tick;
        self.seen_at = now;
        Ok(Heard::News(
            owed_since.map(|since| now.saturating_sub(since)),
        ))
    }

    fn other(&mut self, message: &[u8], now: u64) -> Result<Heard, ViewError> {
        Ok(match decode(message).map_err(|_| ViewError::Malformed)? {
            ServerMessage::Session(SessionS2c::Welcome(welcome)) => {
                self.player = welcome.player;
                self.watcher.view = BotView::new(welcome.width);
                (self.own.x, self.own.y) = (welcome.own.x, welcome.own.y);
                self.seen = welcome.tick;
                self.seen_at = now;
                self.space.is_player(self.bot, welcome.player);
                self.shared.bot(self.bot).is_player(welcome.player);
                if self.caller.is_some() {
                    self.waiting
                        .push(ClientMessage::Status(StatusC2s::Media(MediaC2s {
                            audio: true,
                            video: true,
                            screen: false,
                        })));
                }
                Heard::Welcome
            }
            ServerMessage::Refused(refused) => Heard::Refused(refused.code, refused.message),
            ServerMessage::Chat(ChatS2c::Refused(_)) => Heard::ChatRefused,
            ServerMessage::Session(SessionS2c::Notice(notice)) if notice.code == "no-path" => {
                Heard::MoveRejected
            }
            ServerMessage::Session(SessionS2c::Notice(notice)) if notice.code == "not-near" => {
                self.shared.tally(self.bot).refused_signals += 1;
                Heard::Other
            }
            ServerMessage::Peers(peers) => {
                self.meet(&peers, now);
                Heard::Other
            }
            ServerMessage::Call(CallS2c::Signal(signal)) if self.habits.calls => {
                self.signalled(&signal, now);
                Heard::Other
            }
            ServerMessage::Call(CallS2c::Sfu(forward)) => {
                if let Some(caller) = &self.caller {
                    caller.hear(forward.body);
                }
                Heard::Other
            }
            ServerMessage::Session(
                SessionS2c::Notice(_) | SessionS2c::Pong(_) | SessionS2c::Missed(_),
            )
            | ServerMessage::Frame(_)
            | ServerMessage::Chat(
                ChatS2c::Message(_)
                | ChatS2c::Changed(_)
                | ChatS2c::Reacted(_)
                | ChatS2c::Typing(_)
                | ChatS2c::History(_),
            )
            | ServerMessage::Call(CallS2c::Signal(_))
            | ServerMessage::Emote(_)
            | ServerMessage::Element(_)
            | ServerMessage::Status(_)
            | ServerMessage::Zone(_)
            | ServerMessage::Bubble(_)
            | ServerMessage::Follow(_)
            | ServerMessage::Direct(_) => Heard::Other,
        })
    }

    fn next_seq(&mut self, due: u64) -> u32 {
        self.seq += 1;
        self.unacknowledged.push_back((self.seq, due));
        self.seq
    }

    fn step(&mut self, direction: u8, due: u64, out: &mut Writer, mind: &mut Mind) {
        self.going_to = None;
        let seq = self.next_seq(due);
        let run = false;
        let input = ClientMessage::Input(InputC2s {
            seq,
            direction,
            run,
        });
        out.binary(&encode(&input), &mut mind.random);
    }
}

impl BotProtocol for Binary<'_> {
    fn greet(&mut self, out: &mut Writer, mind: &mut Mind) {
        let hello = HelloC2s {
            version: VERSION,
            schema: SCHEMA,
            token: self.token.to_owned(),
            space: self.space.id.clone(),
            view_width: VIEW.0,
            view_height: VIEW.1,
            arrive: None,
        };
        out.binary(&encode(&ClientMessage::Hello(hello)), &mut mind.random);
    }

    fn hear(&mut self, message: &[u8], now: u64) -> Result<Heard, ViewError> {
        if let Some(frame) = message.strip_prefix(&[FRAME_VARIANT]) {
            return self.frame(frame, now);
        }
        let Some(chat) = message.strip_prefix(&MESSAGE_VARIANTS) else {
            return self.other(message, now);
        };
        read_chat(chat).map(|(id, is_own, text)| {
            let kept = if is_own {
                &mut self.own_message
            } else {
                &mut self.heard_message
            };
            kept.clear();
            kept.push_str(id);
            Heard::Chat(text.into())
        })
    }

    fn act(&mut self, goal: BotGoal, due: u64, out: &mut Writer, mind: &mut Mind) -> u64 {
        while let Some(body) = self.caller.as_mut().and_then(BotCaller::says) {
            self.waiting
                .push(ClientMessage::Call(CallC2s::Sfu(SfuC2s { body })));
        }
        for message in self.waiting.drain(..) {
            out.binary(&encode(&message), &mut mind.random);
        }
        match goal {
            BotGoal::Step(direction) => {
                self.step(direction, due, out, mind);
                1
            }
            BotGoal::Join(bot) if self.going_to != Some(bot) => {
                let Some(player) = self.shared.bot(bot).player() else {
                    return 0;
                };
                self.going_to = Some(bot);
                let seq = self.next_seq(due);
                let walk = ClientMessage::Movement(MovementC2s::WalkToPlayer(WalkToPlayerC2s {
                    seq,
                    player,
                }));
                out.binary(&encode(&walk), &mut mind.random);
                1
            }
            BotGoal::Join(_) | BotGoal::Rest => 0,
        }
    }

    fn halt(&mut self, out: &mut Writer, mind: &mut Mind) {
        // A step ends a walk; releasing the key does not.
        let now = self.shared.now();
        if self.going_to.is_some() {
            self.step(1, now, out, mind);
        }
        self.step(0, now, out, mind);
    }

    /// Sends a message as a person does: it types first, and now and then reacts to an earlier
    /// message.
    fn say(&mut self, number: u32, text: String, out: &mut Writer, mind: &mut Mind) {
        out.binary(
            &encode(&ClientMessage::Chat(ChatC2s::Typing(TypingC2s {
                on: true,
            }))),
            &mut mind.random,
        );
        if number.is_multiple_of(REACT_EVERY) && !self.heard_message.is_empty() {
            let react = ClientMessage::Chat(ChatC2s::React(ReactC2s {
                id: self.heard_message.clone(),
                emoji: "👍".into(),
                on: true,
            }));
            out.binary(&encode(&react), &mut mind.random);
        }
        if number.is_multiple_of(EDIT_EVERY) && !self.own_message.is_empty() {
            let edit = ClientMessage::Chat(ChatC2s::Edit(ChatEditC2s {
                id: std::mem::take(&mut self.own_message),
                text: "or rather not".into(),
            }));
            out.binary(&encode(&edit), &mut mind.random);
            self.shared.tally(self.bot).edits += 1;
        }
        let chat = ClientMessage::Chat(ChatC2s::Send(ChatSendC2s {
            client_id: number,
            text,
            scope: 0,
            reply_to: None,
        }));
        out.binary(&encode(&chat), &mut mind.random);
    }

    fn leave(&mut self, out: &mut Writer, mind: &mut Mind) {
        out.binary(
            &encode(&ClientMessage::Session(SessionC2s::Leave)),
            &mut mind.random,
        );
    }

    fn measure(&mut self, now: u64, mind: &mut Mind) {
        if self.habits.watches {
            let own = (self.own.x, self.own.y);
            self.watcher
                .measure(now, (self.player, own), &mut mind.random);
        }
    }

    fn tile(&self) -> (i32, i32) {
        (
            self.own.x.div_euclid(SUBTILES),
            self.own.y.div_euclid(SUBTILES),
        )
    }

    fn rest(&mut self) -> Rested {
        self.watcher.catch_up();
        let mut others = Vec::new();
        let in_view = self
            .watcher
            .view
            .held()
            .filter(|(player, _)| *player != self.player);
        self.space
            .bots_of(in_view, |_, bot, place| others.push((bot, place)));
        let half = |tiles: u16| i32::from(tiles) * SUBTILES / 2;
        Rested {
            own: (self.own.x, self.own.y),
            others,
            sight: Some((half(VIEW.0), half(VIEW.1))),
        }
    }
}

impl Drop for Binary<'_> {
    fn drop(&mut self) {
        self.watcher.catch_up();
        self.watcher.resolve(u64::MAX);
    }
}

/// Reads the id of a chat message, whether it is the bot's own, and its text.
fn read_chat(message: &[u8]) -> Result<(&str, bool, &str), ViewError> {
    let mut bytes = ByteReader(message);
    let id = bytes.text()?;
    let is_own = bytes.option(ByteReader::long)?.is_some();
    bytes.option(ByteReader::long)?;
    bytes.text()?;
    bytes.text()?;
    // The rest is not needed.
    Ok((id, is_own, bytes.text()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::protocol::chat::ChatMessageS2c;

    #[test]
    fn a_chat_message_is_read_in_place() {
        let message = ChatMessageS2c {
            id: "l".into(),
            client_id: Some(3),
            player: None,
            user: "u".into(),
            name: "Zoë".into(),
            text: "hello, wörld".into(),
            at: 1_795_000_000_123,
            scope: 0,
            reply_to: None,
            edited: None,
            deleted: false,
            reactions: Vec::new(),
            mac: Vec::new(),
        };
        let bytes = encode(&ServerMessage::Chat(ChatS2c::Message(message)));
        assert!(bytes.starts_with(&MESSAGE_VARIANTS));
        assert_eq!(read_chat(&bytes[2..]), Ok(("l", true, "hello, wörld")));
        assert_eq!(read_chat(&bytes[2..12]), Err(ViewError::Malformed));
    }
}
