//! Path: shortest paths over the grid, by A* over 8 neighbours that never cuts a corner.
//!
//! `walking` decides when a path is searched, and walks it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use bevy_ecs::prelude::Resource;

use super::typed_vec::TypedVec;
use crate::components::grid::Grid;
use crate::components::id::UserId;
use crate::components::searching::SearchBudget;
use crate::components::unit::Tile;

/// Most tiles per search: all of a map of 256 × 256, which takes some milliseconds. A longer search
/// would delay the whole space.
pub const MAX_SEARCHED: usize = 65_536;

/// Tiles after which no further search begins in a tick. The others have their turn in the next
/// tick.
const SEARCHED_PER_TICK: usize = 16_384;

/// Tiles whose region is found in the time of searching one.
const REGION_TILES_PER_SEARCHED: usize = 4;

/// Cost of one tile, straight and diagonal: 99 / 70 is √2 to four digits.
const STRAIGHT: u32 = 70;
const DIAGONAL: u32 = 99;

const NEIGHBOURS: [(i32, i32); 8] = [
    (0, -1),
    (1, 0),
    (0, 1),
    (-1, 0),
    (1, -1),
    (1, 1),
    (-1, 1),
    (-1, -1),
];
const NO_NEIGHBOUR: u8 = 8;

/// End of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathGoal {
    /// On the tile; when it is solid, as near to it as possible.
    On(Tile),
    /// On a tile from which one step leads to this one.
    NextTo(Tile),
}

/// Result of a search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathOutcome {
    /// Tiles of the path without the first; empty when the goal is reached already.
    Way(Vec<Tile>),
    /// No path, or only one too long to search for.
    Nothing,
}

/// Memory of searches, reused so that a search allocates next to nothing.
#[derive(Debug, Default, Resource)]
pub struct PathSearch {
    nodes: TypedVec<NodeNumber, PathNode>,
    /// Width of the grid that the nodes are for.
    width: u32,
    round: u32,
    open: BinaryHeap<Reverse<(u32, Reverse<u32>, NodeNumber)>>,
    searched: usize,
    /// Uncharged work of learning the regions, as a number of searched tiles.
    learned: usize,
    regions: Regions,
    /// Budget of searches; `None` for no limit.
    budget: Option<SearchBudget>,
    /// Tiles searched in the running tick.
    spent: usize,
    /// Whether a walk waits for its search.
    pub(super) is_waited_for: bool,
}

/// Number of a tile of the searched grid, row by row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct NodeNumber(u32);

impl From<u32> for NodeNumber {
    fn from(number: u32) -> Self {
        Self(number)
    }
}

impl From<NodeNumber> for u32 {
    fn from(node: NodeNumber) -> Self {
        node.0
    }
}

impl NodeNumber {
    /// The tile at a place on the grid.
    const fn of((x, y): (i32, i32), width: u32) -> Self {
        Self(y.cast_unsigned() * width + x.cast_unsigned())
    }

    const fn place(self, width: u32) -> (i32, i32) {
        (
            (self.0 % width).cast_signed(),
            (self.0 / width).cast_signed(),
        )
    }
}

/// Region of solid tiles, and of tiles whose region is not known yet.
const SOLID: u32 = 0;
const UNKNOWN: u32 = u32::MAX;

/// Connected regions of tiles. Tiles with the same number are connected for every walker. Numbers
/// begin at 1.
#[derive(Debug, Default)]
struct Regions {
    /// Version of the ground that the regions were computed for.
    ground: Option<u32>,
    numbers: Vec<u32>,
}

impl Regions {
    /// Recomputes the regions when the ground changed. Returns the work as a number of searched
    /// tiles.
    fn learn(&mut self, grid: &Grid, ground: u32) -> usize {
        if self.ground == Some(ground) {
            return 0;
        }
        self.ground = Some(ground);
        let (width, height) = (usize::from(grid.width()), usize::from(grid.height()));
        let tiles = grid.solid_tiles();
        self.numbers.clear();
        self.numbers
            .extend(tiles.map(|is_solid| if is_solid { SOLID } else { UNKNOWN }));
        let mut border = Vec::new();
        let mut next = 1;
        for index in 0..self.numbers.len() {
            border.push(index);
            let before = next;
            while let Some(index) = border.pop() {
                let number = self.numbers.get_mut(index);
                let Some(number) = number.filter(|number| **number == UNKNOWN) else {
                    continue;
                };
                *number = before;
                next = before + 1;
                let (x, y) = (index % width, index / width);
                // A diagonal step needs both tiles at its sides, so it adds no connection to the
                // straight ones.
                border.extend((x > 0).then(|| index - 1));
                border.extend((x + 1 < width).then(|| index + 1));
                border.extend((y > 0).then(|| index - width));
                border.extend((y + 1 < height).then(|| index + width));
            }
        }
        self.numbers.len() / REGION_TILES_PER_SEARCHED
    }

    fn at(&self, grid: &Grid, tile: Tile) -> u32 {
        let index = usize::from(tile.y) * usize::from(grid.width()) + usize::from(tile.x);
        let is_inside = tile.x < grid.width();
        self.numbers
            .get(index)
            .copied()
            .filter(|_| is_inside)
            .unwrap_or(SOLID)
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct PathNode {
    /// Number of the search that wrote this node; older nodes count as empty.
    round: u32,
    cost: u32,
    /// Neighbour step that led here.
    from: u8,
    done: bool,
}

/// Square of tiles around a goal, and what is accepted inside.
#[derive(Debug, Clone, Copy)]
struct Aim {
    tile: (i32, i32),
    radius: i32,
    must_touch: bool,
}

impl PathSearch {
    /// An empty memory, which grows as needed.
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins a tick with this budget.
    pub fn begin_tick(&mut self, budget: Option<SearchBudget>) {
        self.budget = budget;
        self.spent = 0;
        self.is_waited_for = false;
    }

    /// Ends the tick. Returns what is left of the budget.
    pub const fn take_budget(&mut self) -> Option<SearchBudget> {
        self.budget.take()
    }

    /// Whether a walk waits for its search, which runs in one of the next ticks.
    pub const fn is_waited_for(&self) -> bool {
        self.is_waited_for
    }

    /// Whether another search may begin in the running tick.
    pub(super) fn has_room(&self) -> bool {
        self.spent < SEARCHED_PER_TICK
            && self.budget.as_ref().is_none_or(|budget| budget.left() > 0)
    }

    /// Whether a search for that user may run.
    pub(super) fn is_allowed(&self, user: UserId) -> bool {
        self.budget
            .as_ref()
            .is_none_or(|budget| budget.allows(user))
    }

    /// Charges the work since the last charge to that user: a search, and learning the regions.
    pub(super) fn charge(&mut self, user: UserId) {
        let tiles = std::mem::take(&mut self.searched) + std::mem::take(&mut self.learned);
        self.spent += tiles;
        if let Some(budget) = &mut self.budget {
            budget.spend(user, tiles);
        }
    }

    /// Tiles searched in the running tick.
    pub const fn spent(&self) -> usize {
        self.spent
    }

    /// Whether the regions show that no path can lead there. Then no search is run, however often
    /// one is asked for. `grid` must be the grid of this ground version.
    pub fn is_out_of_reach(
        &mut self,
        grid: &Grid,
        ground: u32,
        from: Tile,
        target: PathGoal,
    ) -> bool {
        self.learned += self.regions.learn(grid, ground);
        let here = self.regions.at(grid, from);
        let there = match target {
            // Getting as near as possible to something solid is a path, too.
            PathGoal::On(tile) if !grid.is_walkable(tile) => return false,
            PathGoal::On(tile) | PathGoal::NextTo(tile) => self.regions.at(grid, tile),
        };
        here != there
    }

    /// The shortest path from a walkable tile.
    pub fn find(&mut self, grid: &Grid, from: Tile, target: PathGoal) -> PathOutcome {
        let aim = Aim::new(grid, target);
        self.begin(grid, from, &aim);
        while let Some(Reverse((_, Reverse(cost), number))) = self.open.pop() {
            let node = &mut self.nodes[number];
            if node.done || node.cost != cost {
                continue;
            }
            node.done = true;
            self.searched += 1;
            let at = number.place(self.width);
            if aim.accepts(grid, at) {
                return PathOutcome::Way(self.way_to(number));
            }
            if self.searched == MAX_SEARCHED {
                return PathOutcome::Nothing;
            }
            self.expand(grid, at, cost, &aim);
        }
        match target {
            PathGoal::On(tile) if !grid.is_walkable(tile) => self.nearest_seen(from, aim.tile),
            _ => PathOutcome::Nothing,
        }
    }

    fn begin(&mut self, grid: &Grid, from: Tile, aim: &Aim) {
        let tiles = usize::from(grid.width()) * usize::from(grid.height());
        if self.nodes.len() != tiles || self.round == u32::MAX {
            self.nodes = vec![PathNode::default(); tiles].into();
            self.round = 0;
        }
        self.width = grid.width().into();
        self.round += 1;
        self.open.clear();
        self.searched = 0;
        let at = (i32::from(from.x), i32::from(from.y));
        if !grid.is_solid(at.0, at.1) {
            self.relax(at, 0, NO_NEIGHBOUR, aim);
        }
    }

    fn expand(&mut self, grid: &Grid, at: (i32, i32), cost: u32, aim: &Aim) {
        for (number, step) in (0..).zip(NEIGHBOURS) {
            if is_step(grid, at, step) {
                let length = if step.0 != 0 && step.1 != 0 {
                    DIAGONAL
                } else {
                    STRAIGHT
                };
                let to = (at.0 + step.0, at.1 + step.1);
                self.relax(to, cost + length, number, aim);
            }
        }
    }

    fn relax(&mut self, at: (i32, i32), cost: u32, from: u8, aim: &Aim) {
        let number = NodeNumber::of(at, self.width);
        let node = &mut self.nodes[number];
        if node.round == self.round && node.cost <= cost {
            return;
        }
        *node = PathNode {
            round: self.round,
            cost,
            from,
            done: false,
        };
        // Among equals the one that came farthest first: in the open the search then runs straight
        // to its goal.
        self.open
            .push(Reverse((cost + aim.at_least(at), Reverse(cost), number)));
    }

    fn way_to(&self, mut number: NodeNumber) -> Vec<Tile> {
        let mut way = Vec::new();
        loop {
            let node = self.nodes[number];
            let Some(&(right, down)) = NEIGHBOURS.get(usize::from(node.from)) else {
                break;
            };
            let (x, y) = number.place(self.width);
            way.extend(Tile::at(x, y));
            number = NodeNumber::of((x - right, y - down), self.width);
        }
        way.reverse();
        way
    }

    /// Path to the tile nearest to a solid goal, after every reachable tile was searched.
    fn nearest_seen(&self, from: Tile, to: (i32, i32)) -> PathOutcome {
        let distance = |number: NodeNumber| {
            let (x, y) = number.place(self.width);
            i64::from(x - to.0).pow(2) + i64::from(y - to.1).pow(2)
        };
        let start = NodeNumber::of((from.x.into(), from.y.into()), self.width);
        let nodes = self.nodes.iter();
        let seen = nodes.filter(|(_, node)| node.round == self.round);
        let best = seen.min_by_key(|(number, node)| (distance(*number), node.cost, *number));
        match best {
            Some((best, _)) if distance(best) < distance(start) => {
                PathOutcome::Way(self.way_to(best))
            }
            _ => PathOutcome::Nothing,
        }
    }
}

impl Aim {
    fn new(grid: &Grid, target: PathGoal) -> Self {
        let (tile, must_touch) = match target {
            PathGoal::On(tile) => (tile, false),
            PathGoal::NextTo(tile) => (tile, true),
        };
        let tile = (i32::from(tile.x), i32::from(tile.y));
        let radius = if must_touch {
            1
        } else {
            open_radius(grid, tile)
        };
        Self {
            tile,
            radius,
            must_touch,
        }
    }

    fn accepts(&self, grid: &Grid, at: (i32, i32)) -> bool {
        let step = (self.tile.0 - at.0, self.tile.1 - at.1);
        step.0.abs().max(step.1.abs()) <= self.radius
            && (!self.must_touch || step == (0, 0) || is_step(grid, at, step))
    }

    /// Lower bound of the remaining cost: the cost if nothing is in between.
    fn at_least(&self, at: (i32, i32)) -> u32 {
        let beyond = |to: i32, at: i32| ((to - at).abs() - self.radius).max(0).cast_unsigned();
        let right = beyond(self.tile.0, at.0);
        let down = beyond(self.tile.1, at.1);
        right.max(down) * STRAIGHT + right.min(down) * (DIAGONAL - STRAIGHT)
    }
}

/// Distance from the tile to the nearest walkable tile: 0 when it is walkable itself.
fn open_radius(grid: &Grid, tile: (i32, i32)) -> i32 {
    (0..i32::from(grid.width().max(grid.height())))
        .find(|&radius| {
            super::elements::ring(tile.0, tile.1, radius).any(|(x, y)| !grid.is_solid(x, y))
        })
        .unwrap_or(0)
}

/// Whether a step leads from a tile to a neighbour. A diagonal needs both tiles at its sides.
pub fn is_step(grid: &Grid, at: (i32, i32), step: (i32, i32)) -> bool {
    !grid.is_solid(at.0 + step.0, at.1 + step.1)
        && !grid.is_solid(at.0 + step.0, at.1)
        && !grid.is_solid(at.0, at.1 + step.1)
}
