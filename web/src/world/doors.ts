/**
 * Doors: which steps onto another tile a closed private zone forbids; the same rule as
 * `src/systems/zones.rs`.
 */

import { has, type TileRect } from "./grid";

/** Whether the middle of the body may come from the one tile onto the other. */
export type Doors = (fromX: number, fromY: number, toX: number, toY: number) => boolean;

export const noDoors: Doors = () => true;

/** A private zone that can be closed. */
export interface PrivateZone {
  /** The zone's index in the map. */
  zone: number;
  area: TileRect;
}

/** The first private zone that has the tile. */
export function privateZoneAt(
  zones: readonly PrivateZone[],
  x: number,
  y: number,
): number | undefined {
  return zones.find(({ area }) => has(area, x, y))?.zone;
}

/** No player gets into a closed zone from outside; a player inside stays, and may leave. */
export function doorsOf(zones: readonly PrivateZone[], isClosed: (zone: number) => boolean): Doors {
  if (!zones.some(({ zone }) => isClosed(zone))) return noDoors;
  return (fromX, fromY, toX, toY) => {
    if (fromX === toX && fromY === toY) return true;
    const to = privateZoneAt(zones, toX, toY);
    return to === undefined || to === privateZoneAt(zones, fromX, fromY) || !isClosed(to);
  };
}

/** A closed zone, for a player who stands before it. */
export interface Door {
  zone: number;
  name: string;
  why: string;
}

/** The closed zone that a player on a tile, or right next to it, cannot walk into. */
export function closedZoneAt(
  zones: readonly PrivateZone[],
  isClosed: (zone: number) => boolean,
  x: number,
  y: number,
): number | undefined {
  const own = privateZoneAt(zones, x, y);
  let nearest: { zone: number; away: number } | undefined;
  for (let dy = -1; dy <= 1; dy++) {
    for (let dx = -1; dx <= 1; dx++) {
      const zone = privateZoneAt(zones, x + dx, y + dy);
      const away = Math.abs(dx) + Math.abs(dy);
      if (zone === undefined || zone === own || !isClosed(zone)) continue;
      if (!nearest || away < nearest.away) nearest = { zone, away };
    }
  }
  return nearest?.zone;
}

/** Why a zone is closed, for people. */
export function whyClosed(
  state: { locked: boolean; people: number; cap: number },
  lockedBy?: string,
): string {
  if (state.locked) return lockedBy ? `Locked by ${lockedBy}` : "Locked";
  return `Full: ${state.people} of ${state.cap} inside`;
}
