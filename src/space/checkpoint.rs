//! Checkpoint: everything about who is in a space that shall outlive a process, as bytes.
//!
//! The bytes are written down field by field in a record of their own, so that a change of a
//! component never changes them by accident. Where they are kept is the business of `cluster`.

use std::collections::BTreeSet;

use bincode::config::{Configuration, Limit, LittleEndian, Varint};
use bincode::{Decode, Encode};
use uuid::Uuid;

use crate::components::chat::{
    ChatMessage, HISTORY, MessageChange, MessageReaction, REACTION_KINDS, REACTION_USERS, Reaction,
    Scope,
};
use crate::components::direction::Facing;
use crate::components::fact::Fact;
use crate::components::id::{AvatarId, ChatId, PlayerId, UserId};
use crate::components::player::{Avatar, Body, Card, Carry};
use crate::components::presence::{REMEMBERED, RememberedPose};
use crate::components::status::{Media, Status};
use crate::components::unit::{Position, SUBTILES, Tick};
use crate::systems::chat::History;

/// The first bytes of every checkpoint, then the version in two bytes, little endian.
const MAGIC: [u8; 4] = *b"PLZC";
/// The newest version; those before are read too.
const VERSION: u16 = 5;
/// The version of a body whose lines are mere words, not compressed...
const PLAIN_WORDS: u16 = 2;
/// ...and compressed.
const COMPRESSED_WORDS: u16 = 3;
/// The version of a body that is not compressed.
const PLAIN: u16 = 4;
/// The version of the same body compressed with LZ4, behind its length in four bytes.
const COMPRESSED: u16 = 5;
/// Shorter bodies are not worth compressing.
const SHORT: usize = 1_024;
/// Magic, version and the hash of what follows.
const HEADER: usize = MAGIC.len() + 2 + 8;

/// The kind of a durable event that is a line of mere words, as earlier versions of this program
/// wrote them.
const SAID_WORDS: u8 = 1;
/// That is a line.
const SAID: u8 = 2;
/// That changes a line.
const CHANGED: u8 = 3;
/// That is a reaction.
const REACTED: u8 = 4;
/// That makes everything forgotten.
const CLEARED: u8 = 5;

/// Bytes that a decoder may claim: far more than the largest space needs.
const LIMIT: usize = 64 << 20;
/// No space has run for that many ticks: at 60 a second it is a million years and more.
const MAX_TICK: u64 = 1 << 53;
/// No map has a side of more tiles.
const MAX_SIDE: i32 = 1_000;

/// Who was in a space, and what it remembers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Checkpoint {
    /// The last tick that was run.
    pub tick: Tick,
    /// The number of the next who comes.
    pub next_player: PlayerId,
    /// Everybody who was there, vanished ones too, by rising number.
    pub players: Vec<SavedPlayer>,
    /// Where those stood who left, who left first in front.
    pub remembered: Vec<(UserId, RememberedPose)>,
    /// What was said lately, oldest first.
    pub history: Vec<ChatMessage>,
    /// Private areas that are locked, by rising number of their zone, and who may come in all the
    /// same.
    pub locked: Vec<(u16, Vec<PlayerId>)>,
}

/// Something that must not be lost from the moment somebody was told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DurableEvent {
    /// A line was said.
    Said(ChatMessage),
    /// A line has other words, or none.
    Changed(MessageChange),
    /// A line has one reaction more or less.
    Reacted(MessageReaction),
    /// Everything that was said is forgotten, because somebody of that name wanted it.
    Cleared(String),
}

impl DurableEvent {
    /// What of a fact must be kept, if anything.
    pub fn of(fact: &Fact) -> Option<Self> {
        match fact {
            Fact::Said(line) => Some(Self::Said(line.clone())),
            Fact::Changed { change, .. } => Some(Self::Changed(change.clone())),
            Fact::Reacted(reaction) => Some(Self::Reacted(reaction.clone())),
            Fact::Cleared { by } => Some(Self::Cleared(by.clone())),
            _ => None,
        }
    }

    /// The words that it brings, if any.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Said(line) => Some(&line.text),
            Self::Changed(change) => change.text.as_deref(),
            Self::Reacted(_) | Self::Cleared(_) => None,
        }
    }

    fn apply_to(self, history: &mut History) {
        match self {
            Self::Said(line) => history.add(line),
            Self::Changed(change) => history.change(&change),
            Self::Reacted(reaction) => history.react(&reaction),
            Self::Cleared(_) => history.0.clear(),
        }
    }

    /// The bytes to keep: the kind in one byte, then its record.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Said(line) => write((SAID, MessageV1::from(line), MessageMoreV4::from(line))),
            Self::Changed(change) => {
                write((CHANGED, change.id.0.into_bytes(), &change.text, change.at))
            }
            Self::Reacted(reaction) => {
                let (line, user) = (reaction.id.0.into_bytes(), reaction.user.0.into_bytes());
                write((REACTED, line, user, &reaction.emoji, reaction.on))
            }
            Self::Cleared(by) => write((CLEARED, by)),
        }
    }

    /// What was kept.
    pub fn decode(bytes: &[u8]) -> Result<Self, CheckpointError> {
        let (kind, record) = bytes
            .split_first()
            .ok_or(CheckpointError::Senseless("an event without a kind"))?;
        match *kind {
            SAID_WORDS => {
                let (line, client_id) = read::<(MessageV1, Option<u32>)>(record)?;
                Ok(Self::Said(ChatMessage {
                    client_id,
                    ..line.into_line()
                }))
            }
            SAID => {
                let (line, more) = read::<(MessageV1, MessageMoreV4)>(record)?;
                Ok(Self::Said(more.add_to(line.into_line())?))
            }
            CHANGED => {
                let (id, text, at) = read::<([u8; 16], Option<String>, u64)>(record)?;
                let id = ChatId(Uuid::from_bytes(id));
                Ok(Self::Changed(MessageChange { id, text, at }))
            }
            REACTED => {
                let (id, user, emoji, on) = read::<([u8; 16], [u8; 16], String, bool)>(record)?;
                Ok(Self::Reacted(MessageReaction {
                    id: ChatId(Uuid::from_bytes(id)),
                    user: UserId(Uuid::from_bytes(user)),
                    emoji,
                    on,
                }))
            }
            CLEARED => Ok(Self::Cleared(read(record)?)),
            _ => Err(CheckpointError::Senseless(
                "a kind of event that this program does not know",
            )),
        }
    }
}

/// Somebody who was there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedPlayer {
    /// Who.
    pub card: Card,
    /// Where and how they stood.
    pub body: Body,
    /// The highest input number that was applied. Steps that waited are sent again by whoever wants
    /// them.
    pub ack: u32,
    /// Ticks without a step that may still be made up for.
    pub make_up: u8,
    /// Whether nobody was behind them any more.
    pub vanished: bool,
    /// The users they keep away from them, by rising id.
    pub blocked: Vec<UserId>,
}

/// Why bytes are no checkpoint that can be loaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// It begins with something else, or is cut off at the start.
    #[error("these bytes are no checkpoint of a space")]
    Foreign,
    /// Another version of this program wrote it.
    #[error("the checkpoint has version {found}; this program reads version {VERSION}")]
    Version {
        /// The version it has.
        found: u16,
    },
    /// Bytes changed or are missing since it was written.
    #[error("the checkpoint is damaged: its hash does not match")]
    Damaged,
    /// The bytes do not form a record.
    #[error("the checkpoint cannot be read: {0}")]
    Malformed(String),
    /// The record says something that cannot be.
    #[error("the checkpoint makes no sense: {0}")]
    Senseless(&'static str),
}

impl Checkpoint {
    /// Adds what happened after the state was saved. Time goes on behind it.
    pub fn replay(&mut self, tick: Tick, event: DurableEvent) {
        self.tick = self.tick.max(tick);
        let mut history = History(std::mem::take(&mut self.history).into());
        event.apply_to(&mut history);
        self.history = history.0.into();
    }

    /// The bytes to keep.
    pub fn encode(&self) -> Vec<u8> {
        let body = write(V4::from(self));
        if body.len() >= SHORT {
            let compressed = lz4_flex::compress_prepend_size(&body);
            // Reading it again costs something too: an eighth must be saved.
            if compressed.len() < body.len() - body.len() / 8 {
                return Self::seal(COMPRESSED, &compressed);
            }
        }
        Self::seal(PLAIN, &body)
    }

    /// A body of a version behind its header, so that damage shows.
    pub fn seal(version: u16, body: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER + body.len());
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&version.to_le_bytes());
        bytes.extend_from_slice(&hash(body).to_le_bytes());
        bytes.extend_from_slice(body);
        bytes
    }

    /// What was kept; any bytes are fine to ask about.
    pub fn decode(bytes: &[u8]) -> Result<Self, CheckpointError> {
        let rest = bytes.strip_prefix(&MAGIC).ok_or(CheckpointError::Foreign)?;
        let (version, rest) = rest.split_first_chunk().ok_or(CheckpointError::Foreign)?;
        let found = u16::from_le_bytes(*version);
        if !(1..=VERSION).contains(&found) {
            return Err(CheckpointError::Version { found });
        }
        let (sum, body) = rest.split_first_chunk().ok_or(CheckpointError::Damaged)?;
        if u64::from_le_bytes(*sum) != hash(body) {
            return Err(CheckpointError::Damaged);
        }
        match found {
            1 => read::<V1>(body)?.check(),
            PLAIN_WORDS => read::<V2>(body)?.check(),
            COMPRESSED_WORDS => read::<V2>(&decompress(body)?)?.check(),
            PLAIN => read::<V4>(body)?.check(),
            _ => read::<V4>(&decompress(body)?)?.check(),
        }
    }
}

/// The length is believed only as far as any space may need it.
fn decompress(body: &[u8]) -> Result<Vec<u8>, CheckpointError> {
    let malformed =
        |error: lz4_flex::block::DecompressError| CheckpointError::Malformed(error.to_string());
    let (length, _) = lz4_flex::block::uncompressed_size(body).map_err(malformed)?;
    if length > LIMIT {
        return Err(CheckpointError::Senseless(
            "more bytes than any space needs",
        ));
    }
    lz4_flex::decompress_size_prepended(body).map_err(malformed)
}

fn write<Record: Encode>(record: Record) -> Vec<u8> {
    bincode::encode_to_vec(record, config())
        .expect("a record of plain values can always be written")
}

fn read<Record: Decode<()>>(body: &[u8]) -> Result<Record, CheckpointError> {
    let (record, read) = bincode::decode_from_slice(body, config())
        .map_err(|error| CheckpointError::Malformed(error.to_string()))?;
    if read != body.len() {
        return Err(CheckpointError::Malformed(format!(
            "{} bytes too many",
            body.len() - read
        )));
    }
    Ok(record)
}

const fn config() -> Configuration<LittleEndian, Varint, Limit<LIMIT>> {
    bincode::config::standard().with_limit::<LIMIT>()
}

/// FNV-1a, 64 bits: against bits that fall over, not against people.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// As version 1, what each line is beyond its words, what people say about themselves, whom they
/// keep away, and which areas are locked.
#[derive(Encode, Decode)]
struct V4 {
    space: V1,
    more: Vec<MessageMoreV4>,
    players: Vec<RulesV4>,
    locked: Vec<(u16, Vec<u32>)>,
}

#[derive(Encode, Decode)]
struct RulesV4 {
    status: u8,
    media: u8,
    vanished: bool,
    blocked: Vec<[u8; 16]>,
}

#[derive(Encode, Decode)]
struct MessageMoreV4 {
    client_id: Option<u32>,
    scope: u8,
    reply_to: Option<[u8; 16]>,
    edited: Option<u64>,
    is_deleted: bool,
    reactions: Vec<ReactionV4>,
}

#[derive(Encode, Decode)]
struct ReactionV4 {
    emoji: String,
    users: Vec<[u8; 16]>,
}

/// As version 1, and who sent each line with which number of their own.
#[derive(Encode, Decode)]
struct V2 {
    space: V1,
    client_ids: Vec<Option<u32>>,
}

#[derive(Encode, Decode)]
struct V1 {
    tick: u64,
    next_player: u32,
    players: Vec<PlayerV1>,
    remembered: Vec<RememberedV1>,
    history: Vec<MessageV1>,
}

#[derive(Encode, Decode)]
struct PlayerV1 {
    player: u32,
    user: [u8; 16],
    name: String,
    avatar: Option<AvatarV1>,
    x: i32,
    y: i32,
    carry_x: i8,
    carry_y: i8,
    facing: u8,
    ack: u32,
    make_up: u8,
}

#[derive(Encode, Decode)]
struct AvatarV1 {
    id: [u8; 16],
    image_url: String,
}

#[derive(Encode, Decode)]
struct RememberedV1 {
    user: [u8; 16],
    x: i32,
    y: i32,
    facing: u8,
}

#[derive(Encode, Decode)]
struct MessageV1 {
    id: [u8; 16],
    player: u32,
    user: [u8; 16],
    name: String,
    text: String,
    at: u64,
}

impl From<&ChatMessage> for MessageMoreV4 {
    fn from(line: &ChatMessage) -> Self {
        let reactions = line.reactions.iter().map(|kind| ReactionV4 {
            emoji: kind.emoji.clone(),
            users: kind.users.iter().map(|user| user.0.into_bytes()).collect(),
        });
        Self {
            client_id: line.client_id,
            scope: line.scope as u8,
            reply_to: line.reply_to.map(|id| id.0.into_bytes()),
            edited: line.edited,
            is_deleted: line.is_deleted,
            reactions: reactions.collect(),
        }
    }
}

impl From<&Checkpoint> for V4 {
    fn from(checkpoint: &Checkpoint) -> Self {
        let numbers = |players: &[PlayerId]| players.iter().map(|player| player.0).collect();
        let locked = checkpoint.locked.iter();
        Self {
            space: V1::from(checkpoint),
            more: checkpoint.history.iter().map(MessageMoreV4::from).collect(),
            players: checkpoint.players.iter().map(RulesV4::from).collect(),
            locked: locked
                .map(|(zone, admitted)| (*zone, numbers(admitted)))
                .collect(),
        }
    }
}

impl From<&SavedPlayer> for RulesV4 {
    fn from(saved: &SavedPlayer) -> Self {
        Self {
            status: saved.card.status as u8,
            media: saved.card.media.bits(),
            vanished: saved.vanished,
            blocked: saved
                .blocked
                .iter()
                .map(|user| user.0.into_bytes())
                .collect(),
        }
    }
}

impl From<&Checkpoint> for V1 {
    fn from(checkpoint: &Checkpoint) -> Self {
        Self {
            tick: checkpoint.tick.0,
            next_player: checkpoint.next_player.0,
            players: checkpoint.players.iter().map(PlayerV1::from).collect(),
            remembered: checkpoint
                .remembered
                .iter()
                .map(RememberedV1::from)
                .collect(),
            history: checkpoint.history.iter().map(MessageV1::from).collect(),
        }
    }
}

impl From<&SavedPlayer> for PlayerV1 {
    fn from(saved: &SavedPlayer) -> Self {
        let avatar = saved.card.avatar.as_ref();
        Self {
            player: saved.card.player.0,
            user: saved.card.user.0.into_bytes(),
            name: saved.card.name.clone(),
            avatar: avatar.map(|avatar| AvatarV1 {
                id: avatar.id.0.into_bytes(),
                image_url: avatar.image_url.clone(),
            }),
            x: saved.body.position.x,
            y: saved.body.position.y,
            carry_x: saved.body.carry.x,
            carry_y: saved.body.carry.y,
            facing: saved.body.facing as u8,
            ack: saved.ack,
            make_up: saved.make_up,
        }
    }
}

impl From<&(UserId, RememberedPose)> for RememberedV1 {
    fn from((user, place): &(UserId, RememberedPose)) -> Self {
        Self {
            user: user.0.into_bytes(),
            x: place.position.x,
            y: place.position.y,
            facing: place.facing as u8,
        }
    }
}

impl From<&ChatMessage> for MessageV1 {
    fn from(line: &ChatMessage) -> Self {
        Self {
            id: line.id.0.into_bytes(),
            player: line.player.0,
            user: line.user.0.into_bytes(),
            name: line.name.clone(),
            text: line.text.clone(),
            at: line.at,
        }
    }
}

impl V4 {
    fn check(self) -> Result<Checkpoint, CheckpointError> {
        let mut checkpoint = self.space.check()?;
        if self.more.len() != checkpoint.history.len() {
            return Err(CheckpointError::Senseless(
                "the chat and what is known of it do not fit",
            ));
        }
        let lines = checkpoint.history.into_iter().zip(self.more);
        checkpoint.history = lines
            .map(|(line, more)| more.add_to(line))
            .collect::<Result<_, _>>()?;
        if self.players.len() != checkpoint.players.len() {
            return Err(CheckpointError::Senseless(
                "people and their manners do not fit",
            ));
        }
        for (saved, manners) in checkpoint.players.iter_mut().zip(self.players) {
            let no_status = CheckpointError::Senseless("somebody has a status that does not exist");
            saved.card.status = Status::from_wire(manners.status).ok_or(no_status)?;
            saved.card.media = Media::from_bits(manners.media);
            saved.vanished = manners.vanished;
            let blocked = manners.blocked.into_iter();
            saved.blocked = blocked.map(|user| UserId(Uuid::from_bytes(user))).collect();
        }
        let locked = self.locked.into_iter();
        checkpoint.locked = locked
            .map(|(zone, admitted)| (zone, admitted.into_iter().map(PlayerId).collect()))
            .collect();
        Ok(checkpoint)
    }
}

impl MessageMoreV4 {
    fn add_to(self, line: ChatMessage) -> Result<ChatMessage, CheckpointError> {
        let scope = Scope::from_wire(self.scope)
            .ok_or(CheckpointError::Senseless("a line is for nobody known"))?;
        let is_full = |kind: &ReactionV4| kind.users.len() > REACTION_USERS;
        if self.reactions.len() > REACTION_KINDS || self.reactions.iter().any(is_full) {
            return Err(CheckpointError::Senseless("a line has too many reactions"));
        }
        let reactions = self.reactions.into_iter().map(|kind| Reaction {
            emoji: kind.emoji,
            users: kind
                .users
                .into_iter()
                .map(|user| UserId(Uuid::from_bytes(user)))
                .collect(),
        });
        Ok(ChatMessage {
            client_id: self.client_id,
            scope,
            reply_to: self.reply_to.map(|id| ChatId(Uuid::from_bytes(id))),
            edited: self.edited,
            is_deleted: self.is_deleted,
            reactions: reactions.collect(),
            ..line
        })
    }
}

impl V2 {
    fn check(self) -> Result<Checkpoint, CheckpointError> {
        let mut checkpoint = self.space.check()?;
        if self.client_ids.len() != checkpoint.history.len() {
            return Err(CheckpointError::Senseless(
                "the chat and its numbers do not fit",
            ));
        }
        for (line, client_id) in checkpoint.history.iter_mut().zip(self.client_ids) {
            line.client_id = client_id;
        }
        Ok(checkpoint)
    }
}

impl V1 {
    fn check(self) -> Result<Checkpoint, CheckpointError> {
        if self.tick > MAX_TICK {
            return Err(CheckpointError::Senseless("nobody has lived for so long"));
        }
        if self.remembered.len() > REMEMBERED {
            return Err(CheckpointError::Senseless("too many places are remembered"));
        }
        if self.history.len() > HISTORY {
            return Err(CheckpointError::Senseless("the chat is too long"));
        }
        let next_player = PlayerId(self.next_player);
        let players = self
            .players
            .into_iter()
            .map(PlayerV1::check)
            .collect::<Result<Vec<_>, _>>()?;
        if !players.is_sorted_by(|a, b| a.card.player < b.card.player) {
            return Err(CheckpointError::Senseless("players are out of order"));
        }
        if players
            .last()
            .is_some_and(|last| last.card.player >= next_player)
        {
            return Err(CheckpointError::Senseless(
                "a player has a number that was not given yet",
            ));
        }
        let mut users = BTreeSet::new();
        if !players.iter().all(|saved| users.insert(saved.card.user)) {
            return Err(CheckpointError::Senseless("a user is there twice"));
        }
        Ok(Checkpoint {
            tick: Tick(self.tick),
            next_player,
            players,
            remembered: self
                .remembered
                .into_iter()
                .map(RememberedV1::check)
                .collect::<Result<_, _>>()?,
            history: self.history.into_iter().map(MessageV1::into_line).collect(),
            locked: Vec::new(),
        })
    }
}

impl PlayerV1 {
    fn check(self) -> Result<SavedPlayer, CheckpointError> {
        Ok(SavedPlayer {
            card: Card {
                player: PlayerId(self.player),
                user: UserId(Uuid::from_bytes(self.user)),
                name: self.name,
                avatar: self.avatar.map(|avatar| Avatar {
                    id: AvatarId(Uuid::from_bytes(avatar.id)),
                    image_url: avatar.image_url,
                }),
                status: Status::default(),
                media: Media::default(),
            },
            body: Body {
                position: position(self.x, self.y)?,
                carry: Carry {
                    x: self.carry_x,
                    y: self.carry_y,
                },
                facing: facing(self.facing)?,
            },
            ack: self.ack,
            make_up: self.make_up,
            vanished: false,
            blocked: Vec::new(),
        })
    }
}

impl RememberedV1 {
    fn check(self) -> Result<(UserId, RememberedPose), CheckpointError> {
        let place = RememberedPose {
            position: position(self.x, self.y)?,
            facing: facing(self.facing)?,
        };
        Ok((UserId(Uuid::from_bytes(self.user)), place))
    }
}

impl MessageV1 {
    fn into_line(self) -> ChatMessage {
        ChatMessage {
            id: ChatId(Uuid::from_bytes(self.id)),
            player: PlayerId(self.player),
            user: UserId(Uuid::from_bytes(self.user)),
            name: self.name,
            text: self.text,
            at: self.at,
            client_id: None,
            scope: Scope::Space,
            reply_to: None,
            edited: None,
            is_deleted: false,
            reactions: Vec::new(),
        }
    }
}

fn position(x: i32, y: i32) -> Result<Position, CheckpointError> {
    let inside = 0..MAX_SIDE * SUBTILES;
    if inside.contains(&x) && inside.contains(&y) {
        Ok(Position { x, y })
    } else {
        Err(CheckpointError::Senseless(
            "somebody stands outside of every map",
        ))
    }
}

fn facing(number: u8) -> Result<Facing, CheckpointError> {
    Facing::from_wire(number).ok_or(CheckpointError::Senseless("somebody looks nowhere"))
}
