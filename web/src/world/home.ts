/** Home: whether a way leads out of where someone stands, by the rule of `src/systems/home.rs`. */

import type { Doors } from "./doors";
import { type Grid, has, isSolid } from "./grid";
import type { Zone } from "./map";

/** A place leads out when that many tiles, or a place of arrival, can be reached from it. */
const ROOMY = 32;

export function leadsOut(
  grid: Grid,
  doors: Doors,
  zones: readonly Zone[],
  x: number,
  y: number,
): boolean {
  const ways = zones.filter(({ kind }) => kind === "spawn" || kind === "portal");
  const seen = new Set([y * grid.width + x]);
  const border = [{ x, y }];
  for (let tile = border.shift(); tile; tile = border.shift()) {
    const at = tile;
    if (ways.some((zone) => has(zone, at.x, at.y))) return true;
    for (const [dx, dy] of [
      [0, -1],
      [-1, 0],
      [1, 0],
      [0, 1],
    ] as const) {
      const next = { x: at.x + dx, y: at.y + dy };
      const index = next.y * grid.width + next.x;
      if (isSolid(grid, next.x, next.y) || seen.has(index) || !doors(at.x, at.y, next.x, next.y))
        continue;
      seen.add(index);
      border.push(next);
    }
    if (seen.size >= ROOMY) return true;
  }
  return false;
}
