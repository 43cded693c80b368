//! Scatter: spreads players over the tiles where they appear.

use std::collections::BTreeSet;

use crate::components::grid::Grid;
use crate::components::id::PlayerId;
use crate::components::tile_rect::TileRect;
use crate::components::unit::Tile;

/// Strides through the tiles by the golden ratio, so that players with neighbouring numbers do not
/// stand next to each other.
pub(super) fn scattered(tiles: &[Tile], taken: &BTreeSet<Tile>, player: PlayerId) -> Option<Tile> {
    let count = tiles.len();
    let stride = coprime_stride(count);
    let start = (usize::try_from(player.0).unwrap_or_default() % count.max(1)) * stride;
    let mut order =
        (0..count).filter_map(|turn| tiles.get((start + turn * stride) % count).copied());
    let first = order.clone().next();
    order.find(|tile| !taken.contains(tile)).or(first)
}

fn coprime_stride(count: usize) -> usize {
    let golden = (count * 618 / 1_000).max(1);
    (golden..=count)
        .find(|&stride| gcd(stride, count) <= 1)
        .unwrap_or(1)
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Part of a rectangle that is on the map.
pub(super) fn clipped(grid: &Grid, zone: TileRect) -> TileRect {
    TileRect {
        corner: zone.corner,
        width: zone.width.min(grid.width().saturating_sub(zone.corner.x)),
        height: zone.height.min(grid.height().saturating_sub(zone.corner.y)),
    }
}
