//! Checkpoint: the state of a space that must outlive a process, as bytes.
//!
//! Each version has records of its own, so that a change of a component never changes the bytes by
//! accident. `cluster` stores them.

use std::collections::BTreeSet;

use bincode::config::{Configuration, Limit, LittleEndian, Varint};
use bincode::{Decode, Encode};
use uuid::Uuid;

use crate::components::chat::{
    ChatMessage, HISTORY, MessageChange, MessageReaction, REACTION_KINDS, REACTION_USERS, Reaction,
    Scope,
};
use crate::components::direction::Facing;
use crate::components::fact::{Durability, Fact};
use crate::components::id::{AvatarId, ChatId, PlayerId, UserId};
use crate::components::player::{Avatar, Body, Card, Carry};
use crate::components::presence::{REMEMBERED, RememberedPose};
use crate::components::status::{Media, Status};
use crate::components::unit::{Position, SUBTILES, Tick};
use crate::systems::chat::History;

/// First bytes of every checkpoint. The version follows in two bytes, little endian.
const MAGIC: [u8; 4] = *b"PLZC";
/// Newest version. Older versions are read, too.
const VERSION: u16 = 5;
/// Version of a body whose messages are only texts, not compressed.
const PLAIN_TEXT_ONLY: u16 = 2;
/// Version of the same body, compressed.
const COMPRESSED_TEXT_ONLY: u16 = 3;
/// Version of a body that is not compressed.
const PLAIN: u16 = 4;
/// Version of the same body compressed with LZ4, after its length in four bytes.
const COMPRESSED: u16 = 5;
/// Length in bytes below which a body is not compressed.
const SHORT: usize = 1_024;
/// Length of magic, version and hash.
const HEADER: usize = MAGIC.len() + 2 + 8;

/// Kind of a durable event that holds a message of only a text, as earlier versions wrote it.
const SAID_TEXT_ONLY: u8 = 1;
/// Kind of a new message.
const SAID: u8 = 2;
/// Kind of a changed message.
const CHANGED: u8 = 3;
/// Kind of a reaction.
const REACTED: u8 = 4;
/// Kind of a deletion of the whole chat history.
const CLEARED: u8 = 5;

/// Most bytes that a decoder may allocate: far more than the largest space needs.
const LIMIT: usize = 64 << 20;
/// Tick that no space can have reached: at 60 ticks per second it takes more than a million years.
const MAX_TICK: u64 = 1 << 53;
/// Most tiles on one side of a map.
const MAX_SIDE: i32 = 1_000;

/// Saved state of a space: its players, and what it remembers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Checkpoint {
    /// Last tick that was run.
    pub tick: Tick,
    /// Number of the next new player.
    pub next_player: PlayerId,
    /// All players, including disconnected ones, in ascending order.
    pub players: Vec<SavedPlayer>,
    /// Poses of users who left, the earliest first.
    pub remembered: Vec<(UserId, RememberedPose)>,
    /// Recent chat messages, oldest first.
    pub history: Vec<ChatMessage>,
    /// Locked private areas, sorted by zone number, and the players who may enter them all the
    /// same.
    pub locked: Vec<(u16, Vec<PlayerId>)>,
}

/// An event that must not be lost once a client was told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DurableEvent {
    /// A message was sent.
    Said(ChatMessage),
    /// A message was edited or deleted.
    Changed(MessageChange),
    /// A reaction was added or removed.
    Reacted(MessageReaction),
    /// The chat history was deleted by the user of that name.
    Cleared(String),
}

impl DurableEvent {
    /// Durable event of a fact; `None` when the fact need not be stored.
    pub fn of(fact: &Fact) -> Option<Self> {
        match fact.durability() {
            Durability::Volatile | Durability::Ordered => None,
            Durability::Said(message) => Some(Self::Said(message.clone())),
            Durability::Changed(change) => Some(Self::Changed(change.clone())),
            Durability::Reacted(reaction) => Some(Self::Reacted(reaction.clone())),
            Durability::Cleared { by } => Some(Self::Cleared(by.to_owned())),
        }
    }

    /// Text of the message in the event, if there is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Said(message) => Some(&message.text),
            Self::Changed(change) => change.text.as_deref(),
            Self::Reacted(_) | Self::Cleared(_) => None,
        }
    }

    fn apply_to(self, history: &mut History) {
        match self {
            Self::Said(message) => history.add(message),
            Self::Changed(change) => history.change(&change),
            Self::Reacted(reaction) => history.react(&reaction),
            Self::Cleared(_) => history.0.clear(),
        }
    }

    /// Stored bytes: the kind in one byte, then its record.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Said(message) => {
                write((SAID, MessageV1::from(message), MessageMoreV4::from(message)))
            }
            Self::Changed(change) => {
                write((CHANGED, change.id.0.into_bytes(), &change.text, change.at))
            }
            Self::Reacted(reaction) => {
                let (message, user) = (reaction.id.0.into_bytes(), reaction.user.0.into_bytes());
                write((REACTED, message, user, &reaction.emoji, reaction.on))
            }
            Self::Cleared(by) => write((CLEARED, by)),
        }
    }

    /// Decodes stored bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, CheckpointError> {
        let (kind, record) = bytes
            .split_first()
            .ok_or(CheckpointError::Senseless("an event without a kind"))?;
        match *kind {
            SAID_TEXT_ONLY => {
                let (message, client_id) = read::<(MessageV1, Option<u32>)>(record)?;
                Ok(Self::Said(ChatMessage {
                    client_id,
                    ..message.into_message()
                }))
            }
            SAID => {
                let (message, more) = read::<(MessageV1, MessageMoreV4)>(record)?;
                Ok(Self::Said(more.add_to(message.into_message())?))
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
            kind => Err(CheckpointError::Event { kind }),
        }
    }
}

/// A saved player.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedPlayer {
    /// Card of the player.
    pub card: Card,
    /// Position, facing and carry.
    pub body: Body,
    /// Highest input number that was applied. Clients send later steps again.
    pub ack: u32,
    /// Ticks without a step that may still be made up for.
    pub make_up: u8,
    /// Whether the player had no connection.
    pub vanished: bool,
    /// Users blocked by the player's user, sorted by id.
    pub blocked: Vec<UserId>,
}

/// Why bytes are not a checkpoint that can be loaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// Wrong first bytes, or too few bytes.
    #[error("these bytes are no checkpoint of a space")]
    Foreign,
    /// Written by another version of this program.
    #[error("the checkpoint has version {found}; this program reads version {VERSION}")]
    Version {
        /// Version of the checkpoint.
        found: u16,
    },
    /// An event of a kind that a later version of this program writes.
    #[error("an event has kind {kind}, which this program does not know")]
    Event {
        /// Kind of the event.
        kind: u8,
    },
    /// Bytes changed or are missing since it was written.
    #[error("the checkpoint is damaged: its hash does not match")]
    Damaged,
    /// The bytes are not a valid record.
    #[error("the checkpoint cannot be read: {0}")]
    Malformed(String),
    /// The record holds impossible values.
    #[error("the checkpoint makes no sense: {0}")]
    Senseless(&'static str),
}

impl CheckpointError {
    /// Whether a later version of this program can read what this one cannot.
    pub const fn is_newer(&self) -> bool {
        match self {
            Self::Version { found } => *found > VERSION,
            Self::Event { .. } => true,
            Self::Foreign | Self::Damaged | Self::Malformed(_) | Self::Senseless(_) => false,
        }
    }
}

impl Checkpoint {
    /// Applies an event that happened after the state was saved. The last tick moves on to that of
    /// the event.
    pub fn replay(&mut self, tick: Tick, event: DurableEvent) {
        self.tick = self.tick.max(tick);
        let mut history = History(std::mem::take(&mut self.history).into());
        event.apply_to(&mut history);
        self.history = history.0.into();
    }

    /// Encodes the checkpoint.
    pub fn encode(&self) -> Vec<u8> {
        let body = write(V4::from(self));
        if body.len() >= SHORT {
            let compressed = lz4_flex::compress_prepend_size(&body);
            // Decompression costs time, so at least an eighth must be saved.
            if compressed.len() < body.len() - body.len() / 8 {
                return Self::seal(COMPRESSED, &compressed);
            }
        }
        Self::seal(PLAIN, &body)
    }

    /// Puts a header with version and hash before a body, so that damage is detected.
    pub fn seal(version: u16, body: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER + body.len());
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&version.to_le_bytes());
        bytes.extend_from_slice(&hash(body).to_le_bytes());
        bytes.extend_from_slice(body);
        bytes
    }

    /// Decodes a checkpoint. Any bytes are allowed as input.
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
            PLAIN_TEXT_ONLY => read::<V2>(body)?.check(),
            COMPRESSED_TEXT_ONLY => read::<V2>(&decompress(body)?)?.check(),
            PLAIN => read::<V4>(body)?.check(),
            _ => read::<V4>(&decompress(body)?)?.check(),
        }
    }
}

/// Trusts the stated length only up to the size that a space may need.
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
        .expect("a record of plain values can always be encoded")
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

/// FNV-1a, 64 bits: detects damaged bits, not deliberate changes.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// As version 1, with the client's number, scope, edits and reactions of messages, the status and
/// blocks of players, and locked areas.
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

/// As version 1, with the client's number of each message.
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
    fn from(message: &ChatMessage) -> Self {
        let reactions = message.reactions.iter().map(|kind| ReactionV4 {
            emoji: kind.emoji.clone(),
            users: kind.users.iter().map(|user| user.0.into_bytes()).collect(),
        });
        Self {
            client_id: message.client_id,
            scope: message.scope as u8,
            reply_to: message.reply_to.map(|id| id.0.into_bytes()),
            edited: message.edited,
            is_deleted: message.is_deleted,
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
    fn from((user, pose): &(UserId, RememberedPose)) -> Self {
        Self {
            user: user.0.into_bytes(),
            x: pose.position.x,
            y: pose.position.y,
            facing: pose.facing as u8,
        }
    }
}

impl From<&ChatMessage> for MessageV1 {
    fn from(message: &ChatMessage) -> Self {
        Self {
            id: message.id.0.into_bytes(),
            player: message.player.0,
            user: message.user.0.into_bytes(),
            name: message.name.clone(),
            text: message.text.clone(),
            at: message.at,
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
        let messages = checkpoint.history.into_iter().zip(self.more);
        checkpoint.history = messages
            .map(|(message, more)| more.add_to(message))
            .collect::<Result<_, _>>()?;
        if self.players.len() != checkpoint.players.len() {
            return Err(CheckpointError::Senseless(
                "players and their statuses do not fit",
            ));
        }
        for (saved, state) in checkpoint.players.iter_mut().zip(self.players) {
            let no_status = CheckpointError::Senseless("a player has a status that does not exist");
            saved.card.status = Status::from_wire(state.status).ok_or(no_status)?;
            saved.card.media = Media::from_bits(state.media);
            saved.vanished = state.vanished;
            let blocked = state.blocked.into_iter();
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
    fn add_to(self, message: ChatMessage) -> Result<ChatMessage, CheckpointError> {
        let scope = Scope::from_wire(self.scope)
            .ok_or(CheckpointError::Senseless("a message has an unknown scope"))?;
        let is_full = |kind: &ReactionV4| kind.users.len() > REACTION_USERS;
        if self.reactions.len() > REACTION_KINDS || self.reactions.iter().any(is_full) {
            return Err(CheckpointError::Senseless(
                "a message has too many reactions",
            ));
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
            ..message
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
        for (message, client_id) in checkpoint.history.iter_mut().zip(self.client_ids) {
            message.client_id = client_id;
        }
        Ok(checkpoint)
    }
}

impl V1 {
    fn check(self) -> Result<Checkpoint, CheckpointError> {
        if self.tick > MAX_TICK {
            return Err(CheckpointError::Senseless("the tick is too large"));
        }
        if self.remembered.len() > REMEMBERED {
            return Err(CheckpointError::Senseless("too many poses are remembered"));
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
            history: self
                .history
                .into_iter()
                .map(MessageV1::into_message)
                .collect(),
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
        let pose = RememberedPose {
            position: position(self.x, self.y)?,
            facing: facing(self.facing)?,
        };
        Ok((UserId(Uuid::from_bytes(self.user)), pose))
    }
}

impl MessageV1 {
    fn into_message(self) -> ChatMessage {
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
            "a player stands outside of every map",
        ))
    }
}

fn facing(number: u8) -> Result<Facing, CheckpointError> {
    Facing::from_wire(number).ok_or(CheckpointError::Senseless(
        "a player has a facing that does not exist",
    ))
}
