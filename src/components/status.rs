//! Status: whether somebody wants to be spoken to, and what they send.

use bincode::{Decode, Encode};

/// Whether somebody wants to be spoken to; the numbers are those of the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode)]
#[repr(u8)]
pub enum Status {
    /// Gladly.
    #[default]
    Available = 0,
    /// Rather not.
    Busy = 1,
    /// Not at the screen.
    Away = 2,
    /// Not at all: hears nobody and is heard by nobody.
    DoNotDisturb = 3,
    /// Only with those right beside them.
    Quiet = 4,
}

impl Status {
    /// The status of that number, if there is one.
    pub const fn from_wire(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Available),
            1 => Some(Self::Busy),
            2 => Some(Self::Away),
            3 => Some(Self::DoNotDisturb),
            4 => Some(Self::Quiet),
            _ => None,
        }
    }
}

/// What somebody sends to their peers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode)]
pub struct Media {
    /// Their voice.
    pub audio: bool,
    /// Their face.
    pub video: bool,
    /// Their screen.
    pub screen: bool,
}

impl Media {
    /// What such a number says; its other bits say nothing.
    pub const fn from_bits(bits: u8) -> Self {
        Self {
            audio: bits & 1 != 0,
            video: bits & 2 != 0,
            screen: bits & 4 != 0,
        }
    }

    /// As one number: bit 0 audio, 1 video, 2 screen.
    pub const fn bits(self) -> u8 {
        self.audio as u8 | (self.video as u8) << 1 | (self.screen as u8) << 2
    }
}

/// How somebody calls for another's attention; the numbers are those of the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[repr(u8)]
pub enum WaveKind {
    /// Look here.
    Wave = 0,
    /// Come into my area.
    Ring = 1,
    /// I am walking up to you.
    Approach = 2,
    /// Come along with me; to oneself it is for everybody who hears one.
    Lead = 3,
}

impl WaveKind {
    /// The kind of that number, if there is one.
    pub const fn from_wire(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Wave),
            1 => Some(Self::Ring),
            2 => Some(Self::Approach),
            3 => Some(Self::Lead),
            _ => None,
        }
    }
}
