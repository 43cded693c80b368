//! Walking: going somewhere without a hand on the keys.

use std::collections::VecDeque;

use bevy_ecs::prelude::Component;

use super::player::Goal;
use super::unit::{Tick, Tile};

/// Tile steps that may wait: the one being walked and the next.
pub const TILE_STEPS: usize = 2;

/// Why somebody walks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Errand {
    /// To a goal, along a path that is searched for.
    Goal(Goal),
    /// Along tile steps that were accepted one by one.
    TileSteps,
}

/// A walk, if there is one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Component)]
pub struct Walk {
    /// What for; `None` when nobody walks.
    pub errand: Option<Errand>,
    /// Tiles whose middles are walked to in a straight line each, next first.
    pub way: VecDeque<Tile>,
    /// The tile that the way was searched for; `None` when it has to be searched for again.
    pub aim: Option<Tile>,
    /// Since when the walk waits for its turn to be searched for.
    pub asked: Tick,
    /// Ticks in a row without getting anywhere.
    pub stuck: u8,
}

impl Walk {
    /// Ends it, wherever the body is.
    pub fn end(&mut self) {
        self.errand = None;
        self.way.clear();
        self.aim = None;
        self.stuck = 0;
    }

    /// Starts another.
    pub fn start(&mut self, errand: Errand, now: Tick) {
        self.end();
        self.errand = Some(errand);
        self.asked = now;
    }
}
