//! Frame: changes in a client's view since its last frame.
//!
//! A relay writes a frame by concatenating shared pieces: header, roster, cells, dropped. The types
//! here describe the same bytes.

use bincode::de::Decoder;
use bincode::enc::Encoder;
use bincode::error::{DecodeError, EncodeError};
use bincode::{Decode, Encode};
#[cfg(test)]
use serde::{Deserialize, Serialize};

use super::movement::OwnStateS2c;
use crate::components::direction::{Facing, Motion};
use crate::components::fact::Stance;
use crate::components::player::Card;
use crate::components::unit::{Position, SUBTILES};

/// Tiles along the side of a cell.
pub const CELL_TILES: u16 = 16;

/// Sub-tile units along the side of a cell.
pub const CELL_SIDE: i32 = CELL_TILES as i32 * SUBTILES;

/// Changes since the client's last frame.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct FrameS2c {
    /// The part that belongs to this client alone.
    pub header: HeaderS2c,
    /// Players who joined or left, if there are any.
    pub roster: Option<RosterS2c>,
    /// Movements, by cell.
    pub cells: Vec<CellS2c>,
    /// Cells that are no longer watched.
    pub dropped: Vec<u16>,
}

/// The part of a frame that belongs to one client alone.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct HeaderS2c {
    /// Tick of the shown state.
    pub tick: u64,
    /// Epoch of the space; rises when it restarts.
    pub epoch: u64,
    /// Step of the overload ladder; 0 for no overload.
    pub step: u8,
    /// The client's own player, if it changed since the previous frame.
    pub own: Option<OwnS2c>,
}

/// Authoritative state of the client's own player.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct OwnS2c {
    /// Highest `seq` of the applied inputs.
    pub ack: u32,
    /// State after that input.
    pub state: OwnStateS2c,
}

/// Players who joined, changed their card, or left.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct RosterS2c {
    /// Whether `came` lists all players.
    pub full: bool,
    /// New or changed cards.
    pub came: Vec<CardS2c>,
    /// Numbers of players who left.
    pub gone: Vec<u32>,
}

/// The public data of a player.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct CardS2c {
    /// Player number.
    pub player: u32,
    /// Id of the user.
    pub user: String,
    /// Name above the player's head.
    pub name: String,
    /// Avatar, if one was chosen.
    pub avatar: Option<AvatarS2c>,
    /// 0 available, 1 busy, 2 away, 3 do not disturb, 4 quiet.
    pub status: u8,
    /// Media the player sends: bit 0 audio, 1 video, 2 screen.
    pub media: u8,
}

/// A chosen avatar.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct AvatarS2c {
    /// Id of the avatar.
    pub id: String,
    /// URL of its image.
    pub image_url: String,
}

impl From<&Card> for CardS2c {
    fn from(card: &Card) -> Self {
        // A further field does not compile until this says whether clients are sent it.
        let Card {
            player,
            user,
            name,
            avatar,
            status,
            media,
        } = card;
        Self {
            player: player.0,
            user: user.to_string(),
            name: name.clone(),
            avatar: avatar.as_ref().map(|avatar| AvatarS2c {
                id: avatar.id.to_string(),
                image_url: avatar.image_url.clone(),
            }),
            status: *status as u8,
            media: media.bits(),
        }
    }
}

/// Changes in one cell. A leading byte says which lists follow; most cells have only one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct CellS2c {
    /// `row × ceil(width / 16) + column`.
    pub index: u16,
    /// Whether `entries` lists all players in the cell.
    pub full: bool,
    /// Players who left the cell.
    pub left: Vec<u32>,
    /// Players who entered or moved, by ascending number.
    pub entries: Vec<EntryS2c>,
    /// Players who moved a short way from the position the client knows, by ascending number.
    pub steps: Vec<StepS2c>,
}

const FULL: u8 = 1;
const LEFT: u8 = 2;
const ENTRIES: u8 = 4;
const STEPS: u8 = 8;

impl Encode for CellS2c {
    fn encode<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
        let flag = |flag: u8, is_set: bool| if is_set { flag } else { 0 };
        let flags = flag(FULL, self.full)
            | flag(LEFT, !self.left.is_empty())
            | flag(ENTRIES, !self.entries.is_empty())
            | flag(STEPS, !self.steps.is_empty());
        self.index.encode(encoder)?;
        flags.encode(encoder)?;
        if flags & LEFT != 0 {
            self.left.encode(encoder)?;
        }
        if flags & ENTRIES != 0 {
            self.entries.encode(encoder)?;
        }
        if flags & STEPS != 0 {
            self.steps.encode(encoder)?;
        }
        Ok(())
    }
}

impl<C> Decode<C> for CellS2c {
    fn decode<D: Decoder<Context = C>>(decoder: &mut D) -> Result<Self, DecodeError> {
        let index = Decode::decode(decoder)?;
        let flags = u8::decode(decoder)?;
        if flags > FULL | LEFT | ENTRIES | STEPS {
            return Err(DecodeError::Other("a cell with other lists than there are"));
        }
        let mut cell = Self {
            index,
            full: flags & FULL != 0,
            ..Self::default()
        };
        if flags & LEFT != 0 {
            cell.left = Decode::decode(decoder)?;
        }
        if flags & ENTRIES != 0 {
            cell.entries = Decode::decode(decoder)?;
        }
        if flags & STEPS != 0 {
            cell.steps = Decode::decode(decoder)?;
        }
        Ok(cell)
    }
}

bincode::impl_borrow_decode!(CellS2c);

/// Position and motion of one player in a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct EntryS2c {
    /// Difference to the previous player number; the first is the number itself.
    pub gap: u32,
    /// Position inside the cell, facing and motion, as in [`pack`].
    pub bits: [u8; 3],
}

/// A short move of one player. Only the low bits of the position are sent, because the reader knows
/// roughly where the player is. Three bytes if the gap is below 15.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(test, derive(Serialize, Deserialize))]
pub struct StepS2c {
    /// Difference to the previous player number among the steps.
    pub gap: u32,
    /// Low 8 bits of x and y.
    pub low: [u8; 2],
    /// Facing + 4 × motion.
    pub turn: u8,
}

/// Gap value that means that the rest of the gap follows.
const WIDE_GAP: u8 = 15;

impl StepS2c {
    /// The step for a player whose stance [`pack`] wrote.
    pub const fn of(gap: u32, bits: [u8; 3]) -> Self {
        let [low, middle, high] = bits;
        Self {
            gap,
            low: [low, middle >> 2 | high << 6],
            turn: high >> 4,
        }
    }

    /// The new stance of a player near the known position; `None` for a motion that does not exist.
    pub fn stance(self, from: Position) -> Option<Stance> {
        // The number with these low bits that is nearest to the known one.
        let on = |from: i32, low: u8| {
            let [known, ..] = from.to_le_bytes();
            from + i32::from(low.wrapping_sub(known).cast_signed())
        };
        let [x, y] = self.low;
        Some(Stance {
            position: Position {
                x: on(from.x, x),
                y: on(from.y, y),
            },
            facing: Facing::from_wire(self.turn & 3)?,
            motion: motion(self.turn >> 2)?,
        })
    }
}

impl Encode for StepS2c {
    fn encode<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
        let [x, y] = self.low;
        let narrow = u8::try_from(self.gap).unwrap_or(WIDE_GAP).min(WIDE_GAP);
        [x, y, self.turn | narrow << 4].encode(encoder)?;
        if narrow == WIDE_GAP {
            (self.gap - u32::from(WIDE_GAP)).encode(encoder)?;
        }
        Ok(())
    }
}

impl<C> Decode<C> for StepS2c {
    fn decode<D: Decoder<Context = C>>(decoder: &mut D) -> Result<Self, DecodeError> {
        let [x, y, rest] = <[u8; 3]>::decode(decoder)?;
        let narrow = rest >> 4;
        let mut gap = u32::from(narrow);
        if narrow == WIDE_GAP {
            let more = u32::decode(decoder)?;
            gap = gap
                .checked_add(more)
                .ok_or(DecodeError::Other("a gap beyond every number"))?;
        }
        Ok(Self {
            gap,
            low: [x, y],
            turn: rest & 15,
        })
    }
}

bincode::impl_borrow_decode!(StepS2c);

/// Packs a stance into 24 bits: 10 + 10 for the position in the cell, 2 facing, 2 motion.
pub fn pack(stance: &Stance) -> [u8; 3] {
    let x = stance.position.x.rem_euclid(CELL_SIDE);
    let y = stance.position.y.rem_euclid(CELL_SIDE);
    let bits = x | y << 10 | (stance.facing as i32) << 20 | (stance.motion as i32) << 22;
    let [low, middle, high, _] = bits.to_le_bytes();
    [low, middle, high]
}

/// Unpacks a stance in the cell with that top left corner; `None` for a motion that does not exist.
pub fn unpack(bits: [u8; 3], corner: Position) -> Option<Stance> {
    let (x, y) = place_in_cell(bits);
    let [_, _, turn] = bits.map(|byte| byte >> 4);
    Some(Stance {
        position: Position {
            x: corner.x + x,
            y: corner.y + y,
        },
        facing: Facing::from_wire(turn & 3)?,
        motion: motion(turn >> 2)?,
    })
}

const fn motion(number: u8) -> Option<Motion> {
    match number {
        0 => Some(Motion::Standing),
        1 => Some(Motion::Walking),
        2 => Some(Motion::Running),
        _ => None,
    }
}

/// The position inside the cell that [`pack`] wrote, in sub-tile units.
pub const fn place_in_cell([low, middle, high]: [u8; 3]) -> (i32, i32) {
    let bits = i32::from_le_bytes([low, middle, high, 0]);
    (bits & 0x3ff, bits >> 10 & 0x3ff)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::net::codec::{decode, encode};

    fn stance(x: i32, y: i32) -> Stance {
        Stance {
            position: Position { x, y },
            facing: Facing::Left,
            motion: Motion::Running,
        }
    }

    proptest! {
        #[test]
        fn a_step_gives_the_new_position_from_any_position_nearby(
            x in 0..64_000, y in 0..64_000, dx in -128..=127, dy in -128..=127, gap in 0..400_u32
        ) {
            let now = stance(x, y);
            let step = StepS2c::of(gap, pack(&now));
            let bytes = encode(&step);
            prop_assert_eq!(bytes.len(), if gap < 15 { 3 } else if gap < 15 + 251 { 4 } else { 6 });
            let read = decode::<StepS2c>(&bytes).unwrap();
            prop_assert_eq!(read, step);
            prop_assert_eq!(read.stance(Position { x: x - dx, y: y - dy }), Some(now));
        }

        #[test]
        fn a_cell_reads_back_as_it_was_written(
            index: u16,
            full: bool,
            left: Vec<u32>,
            entries: Vec<(u32, [u8; 3])>,
            steps: Vec<(u32, [u8; 3])>
        ) {
            let cell = CellS2c {
                index,
                full,
                left,
                entries: entries.into_iter().map(|(gap, bits)| EntryS2c { gap, bits }).collect(),
                steps: steps.into_iter().map(|(gap, bits)| StepS2c::of(gap, bits)).collect(),
            };
            prop_assert_eq!(decode::<CellS2c>(&encode(&cell)).unwrap(), cell);
        }
    }

    #[test]
    fn lists_and_gaps_that_do_not_exist_are_refused() {
        assert!(decode::<CellS2c>(&[0, 16]).is_err());
        assert!(decode::<StepS2c>(&[0, 0, 0xf0, 252, 0xff, 0xff, 0xff, 0xff]).is_err());
    }
}
