//! Steering: held directions that wait to be carried out.

use std::collections::VecDeque;

use bevy_ecs::prelude::Component;

use super::player::HeldStep;

/// Steps that wait at most; when one more comes, the oldest is dropped.
pub const QUEUE: usize = 8;

/// Steps that may be made up for after ticks without any.
pub const MAKE_UP: u8 = 4;

/// What a client sent of a held direction, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Component)]
pub struct Steering {
    /// Steps that wait, oldest first.
    pub held: VecDeque<HeldStep>,
    /// Ticks without a step that may still be made up for.
    pub make_up: u8,
    /// Ticks in a row without a step.
    pub missed: u8,
    /// The highest input number that came.
    pub seen: u32,
    /// The highest input number that was applied, dropped or superseded.
    pub ack: u32,
}

impl Steering {
    /// Gives up all steps that wait, and acknowledges them.
    pub fn give_up(&mut self) {
        self.held.clear();
        self.ack = self.seen;
    }
}
