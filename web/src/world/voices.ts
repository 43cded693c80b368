/**
 * Voices: how far they carry between two people, as the server counts it too; `docs/proximity.md`
 * states the rules.
 */

import { has } from "./grid";
import type { Zone } from "./map";
import { STATUS } from "./statuses";

/** The range of voices of a player with the status Quiet, in tiles. */
const ADJACENT = 1;

/** A player who may be heard: the tile of their middle, and their status. */
export interface Speaker {
  x: number;
  y: number;
  status: number;
}

/** The range of a player's voice and hearing, in tiles; `usual` where no zone says otherwise. */
export function reachOf({ x, y, status }: Speaker, zones: readonly Zone[], usual: number): number {
  if (status === STATUS.quiet) return ADJACENT;
  const here = zones.find((zone) => zone.kind === "voices" && has(zone, x, y));
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
