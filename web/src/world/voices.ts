/**
 * Voices: how far they carry between two people, as the server counts it too; `docs/proximity.md`
 * states the rules.
 */

import type { Zone } from "./map";

/** How far the voice of somebody carries who wants only those right beside them, in tiles. */
const BESIDE = 1;
const QUIET = 4;

/** Somebody who may be heard: the tile of their middle, and their status. */
export interface Speaker {
  x: number;
  y: number;
  status: number;
}

/**
 * How far the voice and the ears of somebody carry, in tiles; as far as `usual` where no zone says
 * otherwise.
 */
export function reachOf({ x, y, status }: Speaker, zones: readonly Zone[], usual: number): number {
  if (status === QUIET) return BESIDE;
  const here = zones.find(
    (zone) =>
      zone.kind === "voices" &&
      x >= zone.x &&
      y >= zone.y &&
      x < zone.x + zone.width &&
      y < zone.y + zone.height,
  );
  return here?.reach ?? usual;
}

/**
 * How far voices carry between two: the smaller of both reaches, so that it is the same for both.
 */
export function reachBetween(
  a: Speaker,
  b: Speaker,
  zones: readonly Zone[],
  usual: number,
): number {
  return Math.min(reachOf(a, zones, usual), reachOf(b, zones, usual));
}
