//! Walking: movement without held keys, towards a goal or tile by tile.

use std::collections::VecDeque;

use bevy_ecs::prelude::Component;

use super::player::Goal;
use super::unit::{Tick, Tile};

/// Most tile steps in the queue: the one being walked and the next.
pub const TILE_STEPS: usize = 2;

/// Reason of a walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Errand {
    /// Towards a goal, along a path that is searched for.
    Goal(Goal),
    /// Along tile steps that were accepted one by one.
    TileSteps,
}

/// Walk of a player, if there is one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Component)]
pub struct Walk {
    /// Reason of the walk; `None` when the player does not walk.
    pub errand: Option<Errand>,
    /// Tiles of the path, next first. The player walks to the middle of each in a straight line.
    pub way: VecDeque<Tile>,
    /// Tile that the path was searched for; `None` when it has to be searched for again.
    pub aim: Option<Tile>,
    /// Tick since which the walk waits for its turn to be searched for.
    pub asked: Tick,
    /// Ticks in a row without progress.
    pub stuck: u8,
}

impl Walk {
    /// Ends the walk.
    pub fn end(&mut self) {
        self.errand = None;
        self.way.clear();
        self.aim = None;
        self.stuck = 0;
    }

    /// Starts another walk.
    pub fn start(&mut self, errand: Errand, now: Tick) {
        self.end();
        self.errand = Some(errand);
        self.asked = now;
    }
}
