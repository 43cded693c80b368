/** Grid: tiles, rectangles of them, and what blocks movement. */

export interface TileRect {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Whether a tile is in the rectangle. */
export function has(rect: TileRect, x: number, y: number): boolean {
  return x >= rect.x && y >= rect.y && x < rect.x + rect.width && y < rect.y + rect.height;
}

/** What blocks movement. Everything outside the map is solid. */
export interface Grid {
  width: number;
  height: number;
  /** Row by row, how many things block each tile. */
  blockers: Uint16Array;
}

/** A grid where nothing is in the way. */
export function openGrid(width: number, height: number): Grid {
  return { width, height, blockers: new Uint16Array(width * height) };
}

export function isSolid(grid: Grid, x: number, y: number): boolean {
  if (x < 0 || y < 0 || x >= grid.width || y >= grid.height) return true;
  return (grid.blockers[y * grid.width + x] ?? 1) > 0;
}

/** FNV-1a over one byte a tile, 1 where solid: the server's must be the same. */
export function gridHash(grid: Grid): number {
  let hash = 0x811c9dc5;
  for (const count of grid.blockers) hash = Math.imul(hash ^ (count > 0 ? 1 : 0), 0x01000193);
  return hash >>> 0;
}
