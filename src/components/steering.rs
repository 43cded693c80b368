//! Steering: steps of a held direction that are not applied yet.

use std::collections::VecDeque;

use bevy_ecs::prelude::Component;

use super::player::HeldStep;

/// Most steps in the queue. When another arrives, the oldest is dropped.
pub const QUEUE: usize = 8;

/// Most steps that may be applied late after ticks without any.
pub const MAKE_UP: u8 = 4;

/// Queue of held-direction steps of a player.
#[derive(Debug, Clone, PartialEq, Eq, Default, Component)]
pub struct Steering {
    /// Steps in the queue, oldest first.
    pub held: VecDeque<HeldStep>,
    /// Ticks without a step that may still be made up for.
    pub make_up: u8,
    /// Ticks in a row without a step.
    pub missed: u8,
    /// Highest input number received.
    pub seen: u32,
    /// Highest input number that was applied, dropped or superseded.
    pub ack: u32,
}

impl Steering {
    /// Drops all steps in the queue and acknowledges them.
    pub fn give_up(&mut self) {
        self.held.clear();
        self.ack = self.seen;
    }
}
