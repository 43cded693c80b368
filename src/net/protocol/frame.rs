//! Frame: what changed in a client's view since its last frame.
//!
//! A relay writes a frame by copying shared pieces behind one another: header, roster, cells, dropped. The types here
//! state the same bytes for whoever reads them.

use bincode::{Decode, Encode};
#[cfg(test)]
use serde::Serialize;

use super::movement::OwnStateS2c;
use crate::components::direction::{Facing, Motion};
use crate::components::fact::Stance;
use crate::components::player::Card;
use crate::components::unit::{Position, SUBTILES};

/// Tiles along the side of a cell.
pub const CELL_TILES: u16 = 16;

/// Sub-tile steps along the side of a cell.
pub const CELL_SIDE: i32 = CELL_TILES as i32 * SUBTILES;

/// What changed since the client's last frame.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct FrameS2c {
    /// The part of this client alone.
    #[cfg_attr(test, serde(flatten))]
    pub header: HeaderS2c,
    /// Who came and went.
    pub roster: RosterS2c,
    /// Who moved where.
    pub cells: Vec<CellS2c>,
    /// Cells no longer watched.
    pub dropped: Vec<u16>,
}

/// The part of a frame that belongs to one client alone.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct HeaderS2c {
    /// The tick shown.
    pub tick: u64,
    /// Which life of the space.
    pub epoch: u64,
    /// Of the overload ladder, 0 when there is none.
    pub step: u8,
    /// The highest input applied.
    pub ack: u32,
    /// Where the own player is.
    pub own: OwnStateS2c,
}

/// Who came, changed their card, or went.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct RosterS2c {
    /// Whether everybody here is listed.
    pub full: bool,
    /// New or changed cards.
    pub came: Vec<CardS2c>,
    /// Players no longer here.
    pub gone: Vec<u32>,
}

/// What others are told about a player.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct CardS2c {
    /// Their number.
    pub player: u32,
    /// The user's id.
    pub user: String,
    /// The name over the head.
    pub name: String,
    /// What they look like.
    pub avatar: Option<AvatarS2c>,
    /// 0 available, 1 busy, 2 away, 3 do not disturb, 4 quiet.
    pub status: u8,
    /// What they send: bit 0 audio, 1 video, 2 screen.
    pub media: u8,
}

/// A chosen avatar.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct AvatarS2c {
    /// Its id.
    pub id: String,
    /// Where its picture is.
    pub image_url: String,
}

impl From<&Card> for CardS2c {
    fn from(card: &Card) -> Self {
        Self {
            player: card.player.0,
            user: card.user.to_string(),
            name: card.name.clone(),
            avatar: card.avatar.as_ref().map(|avatar| AvatarS2c {
                id: avatar.id.to_string(),
                image_url: avatar.image_url.clone(),
            }),
            status: card.status as u8,
            media: card.media.bits(),
        }
    }
}

/// What changed in one cell.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct CellS2c {
    /// `row × ceil(width / 16) + column`.
    pub index: u16,
    /// Whether everybody in the cell is listed.
    pub full: bool,
    /// Players who left the cell.
    pub left: Vec<u32>,
    /// Players who moved in it, by rising number.
    pub entries: Vec<EntryS2c>,
}

/// One player in a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize), serde(rename_all = "camelCase"))]
pub struct EntryS2c {
    /// Difference to the number before; the first is the number itself.
    pub gap: u32,
    /// Place inside the cell, facing and motion.
    pub bits: [u8; 3],
}

/// A stance in 24 bits: 10 + 10 for the place inside the cell, 2 for the facing, 2 for the motion.
pub fn pack(stance: &Stance) -> [u8; 3] {
    let x = stance.position.x.rem_euclid(CELL_SIDE) as u32;
    let y = stance.position.y.rem_euclid(CELL_SIDE) as u32;
    let bits = x | y << 10 | (stance.facing as u32) << 20 | (stance.motion as u32) << 22;
    let [low, middle, high, _] = bits.to_le_bytes();
    [low, middle, high]
}

/// The stance that [`pack`] wrote, in the cell whose top left corner is given; `None` for a motion that does not exist.
pub fn unpack(bits: [u8; 3], corner: Position) -> Option<Stance> {
    let (x, y) = place_in_cell(bits);
    let bits = u32::from_le_bytes([bits[0], bits[1], bits[2], 0]);
    let motion = match bits >> 22 {
        0 => Motion::Standing,
        1 => Motion::Walking,
        2 => Motion::Running,
        _ => return None,
    };
    Some(Stance {
        position: Position {
            x: corner.x + x,
            y: corner.y + y,
        },
        facing: Facing::from_wire((bits >> 20 & 3) as u8)?,
        motion,
    })
}

/// The place inside the cell that [`pack`] wrote.
pub const fn place_in_cell(bits: [u8; 3]) -> (i32, i32) {
    let bits = u32::from_le_bytes([bits[0], bits[1], bits[2], 0]);
    ((bits & 0x3ff) as i32, (bits >> 10 & 0x3ff) as i32)
}
