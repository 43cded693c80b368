//! Nearest: the players nearest to one, who are shown every tick.

use bytes::Bytes;

use super::Visible;
use super::cells::{MovedPlayers, SentTick, is_near};
use super::spots::{VisibleId, VisiblePlayer};
use crate::components::id::PlayerId;
use crate::components::unit::Position;
use crate::net::codec::encode;
use crate::net::protocol::frame::{CELL_SIDE, place_in_cell};

impl Visible {
    /// The entry of a player, as long as the player is here.
    pub fn spot(&self, id: VisibleId) -> Option<&VisiblePlayer> {
        self.spots.get(id)
    }

    /// Fills `found` with the other players nearest to a player, searching the cells in that order,
    /// nearest first.
    pub fn nearest(
        &self,
        player: PlayerId,
        cells: impl Iterator<Item = u16>,
        count: usize,
        found: &mut Vec<VisibleId>,
    ) {
        found.clear();
        let Some(from) = self.players.get(&player).map(|seen| seen.own.position) else {
            return;
        };
        let mut nearest: Vec<(i64, VisibleId)> = Vec::with_capacity(4 * count);
        let mut farthest = i64::MAX;
        for index in cells {
            let Some(cell) = self.cells.get(usize::from(index)) else {
                continue;
            };
            let corner = self.corner(index);
            if squared_distance_to_cell(from, corner) >= farthest {
                continue;
            }
            for member in cell.members.iter().filter(|member| member.player != player) {
                let (x, y) = place_in_cell(member.bits);
                let (dx, dy) = (
                    i64::from(corner.x + x - from.x),
                    i64::from(corner.y + y - from.y),
                );
                let distance = dx * dx + dy * dy;
                if distance < farthest {
                    let id = VisibleId {
                        slot: member.slot,
                        player: member.player,
                    };
                    nearest.push((distance, id));
                    if nearest.len() == nearest.capacity() {
                        farthest = keep_nearest(&mut nearest, count);
                    }
                }
            }
            farthest = farthest.min(keep_nearest(&mut nearest, count));
        }
        found.extend(nearest.into_iter().map(|(_, id)| id));
    }

    /// Encodes players as deltas of their cells, one piece per cell. `cursors` gives the tick up to
    /// which the client has a cell.
    pub fn encode_spots(
        &self,
        spots: &mut [VisibleId],
        cursors: impl Fn(u16) -> SentTick,
        pieces: &mut Vec<Bytes>,
    ) {
        let cell_of = |id: &VisibleId| self.spot(*id).map(|spot| spot.cell);
        spots.sort_unstable_by_key(|id| (cell_of(id), id.player));
        for group in spots.chunk_by(|a, b| cell_of(a) == cell_of(b)) {
            let Some(index) = group.first().and_then(cell_of) else {
                continue;
            };
            let mut moved = MovedPlayers::default();
            for spot in group.iter().filter_map(|id| self.spot(*id)) {
                let is_near = is_near(spot.anchored, cursors(index), self.tick);
                moved.add(spot.player, spot.bits, is_near);
            }
            pieces.push(encode(&moved.of_cell(index)).into());
        }
    }

    fn corner(&self, index: u16) -> Position {
        Position {
            x: i32::from(index % self.columns) * CELL_SIDE,
            y: i32::from(index / self.columns) * CELL_SIDE,
        }
    }
}

/// Keeps the nearest `count`; returns the distance of the farthest kept one.
fn keep_nearest(found: &mut Vec<(i64, VisibleId)>, count: usize) -> i64 {
    if found.len() < count {
        return i64::MAX;
    }
    if found.len() > count {
        found.select_nth_unstable_by_key(count - 1, |(distance, _)| *distance);
        found.truncate(count);
    }
    found
        .iter()
        .map(|(distance, _)| *distance)
        .max()
        .unwrap_or(i64::MAX)
}

/// Squared distance from a position to the nearest edge of a cell; 0 inside.
fn squared_distance_to_cell(from: Position, corner: Position) -> i64 {
    let outside = |at: i32, low: i32| i64::from((low - at).max(at - (low + CELL_SIDE - 1)).max(0));
    let (dx, dy) = (outside(from.x, corner.x), outside(from.y, corner.y));
    dx * dx + dy * dy
}
