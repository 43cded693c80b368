//! Legacy: checkpoints of versions 1 to 5, each one record of everything. They are only read, and
//! become the sections that a space saves today, each in its version 1.

use bincode::Decode;

use super::checkpoint_error::CheckpointError;
use super::sealed::decompress;
use crate::systems::blocked::{self, SavedBlocks};
use crate::systems::chat::{self, SavedMessage};
use crate::systems::locks::{self, SavedLocks};
use crate::systems::presence::{self, SavedPlayer, SavedPlayers};
use crate::systems::remembered::{self, SavedPose};
use crate::systems::saving::{self, Section, read as record};
use crate::systems::steering::{self, SavedSteering};

/// Last tick and sections of a body of an earlier version.
pub fn read(version: u16, body: &[u8]) -> Result<(u64, Vec<Section>), CheckpointError> {
    let space = match version {
        1 => record::<V1>(body)?.into_v4(),
        2 => record::<V2>(body)?.into_v4(),
        3 => record::<V2>(&decompress(body)?)?.into_v4(),
        4 => record::<V4>(body)?,
        5 => record::<V4>(&decompress(body)?)?,
        found => return Err(CheckpointError::Version { found }),
    };
    space.into_sections()
}

/// As version 1, with the client's number, scope, edits and reactions of messages, the status and
/// blocks of players, and locked zones. Version 5 is the same, compressed.
#[derive(Decode)]
struct V4 {
    space: V1,
    messages: Vec<MessageV4>,
    players: Vec<PlayerV4>,
    locked: SavedLocks,
}

#[derive(Decode, Default)]
struct PlayerV4 {
    status: u8,
    media: u8,
    is_disconnected: bool,
    blocked: Vec<[u8; 16]>,
}

#[derive(Decode, Default)]
struct MessageV4 {
    client_id: Option<u32>,
    scope: u8,
    reply_to: Option<[u8; 16]>,
    edited: Option<u64>,
    is_deleted: bool,
    reactions: Vec<(String, Vec<[u8; 16]>)>,
}

/// As version 1, with the client's number of each message. Version 3 is the same, compressed.
#[derive(Decode)]
struct V2 {
    space: V1,
    client_ids: Vec<Option<u32>>,
}

#[derive(Decode)]
struct V1 {
    tick: u64,
    next_player: u32,
    players: Vec<PlayerV1>,
    remembered: Vec<SavedPose>,
    messages: Vec<MessageV1>,
}

#[derive(Decode)]
struct PlayerV1 {
    player: u32,
    user: [u8; 16],
    name: String,
    avatar: Option<([u8; 16], String)>,
    position: (i32, i32),
    carry: (i8, i8),
    facing: u8,
    ack: u32,
    make_up: u8,
}

#[derive(Decode)]
struct MessageV1 {
    id: [u8; 16],
    player: u32,
    user: [u8; 16],
    name: String,
    text: String,
    at: u64,
}

impl V1 {
    fn into_v4(self) -> V4 {
        let client_ids = vec![None; self.messages.len()];
        V2 {
            space: self,
            client_ids,
        }
        .into_v4()
    }
}

impl V2 {
    fn into_v4(self) -> V4 {
        let players = self.space.players.iter();
        let messages = self.client_ids.into_iter().map(|client_id| MessageV4 {
            client_id,
            ..MessageV4::default()
        });
        V4 {
            messages: messages.collect(),
            players: players.map(|_| PlayerV4::default()).collect(),
            locked: Vec::new(),
            space: self.space,
        }
    }
}

impl V4 {
    fn into_sections(self) -> Result<(u64, Vec<Section>), CheckpointError> {
        let space = self.space;
        if self.messages.len() != space.messages.len() {
            return Err(CheckpointError::Senseless(
                "the chat and what is known of it do not fit",
            ));
        }
        if self.players.len() != space.players.len() {
            return Err(CheckpointError::Senseless(
                "players and their statuses do not fit",
            ));
        }
        let steps = space.players.iter().map(|player| SavedSteering {
            player: player.player,
            ack: player.ack,
            make_up: player.make_up,
        });
        let steering = saving::write(steps.collect::<Vec<_>>());
        let mut blocks = SavedBlocks::new();
        let players = space.players.into_iter().zip(self.players);
        let players = players.map(|(player, more)| {
            if !more.blocked.is_empty() {
                blocks.push((player.player, more.blocked));
            }
            SavedPlayer {
                player: player.player,
                user: player.user,
                name: player.name,
                avatar: player.avatar,
                status: more.status,
                media: more.media,
                position: player.position,
                carry: player.carry,
                facing: player.facing,
                is_disconnected: more.is_disconnected,
            }
        });
        let players = saving::write(SavedPlayers {
            next: space.next_player,
            players: players.collect(),
        });
        let messages = space.messages.into_iter().zip(self.messages);
        let messages: Vec<_> = messages
            .map(|(message, more)| more.add_to(message))
            .collect();
        let sections = [
            (presence::SECTION, players),
            (remembered::SECTION, saving::write(space.remembered)),
            (steering::SECTION, steering),
            (blocked::SECTION, saving::write(blocks)),
            (chat::SECTION, saving::write(messages)),
            (locks::SECTION, saving::write(self.locked)),
        ];
        let sections = sections.map(|(name, bytes)| Section {
            name: name.to_owned(),
            version: 1,
            bytes,
        });
        Ok((space.tick, sections.into()))
    }
}

impl MessageV4 {
    fn add_to(self, message: MessageV1) -> SavedMessage<String> {
        SavedMessage {
            id: message.id,
            player: message.player,
            user: message.user,
            name: message.name,
            text: message.text,
            at: message.at,
            client_id: self.client_id,
            scope: self.scope,
            reply_to: self.reply_to,
            edited: self.edited,
            is_deleted: self.is_deleted,
            reactions: self.reactions,
        }
    }
}
