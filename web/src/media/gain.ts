/** Gain: how loud a player is heard, by distance. Pure; `docs/proximity.md` states the numbers. */

/** How far voices carry, in tiles, when neither the space nor a zone says otherwise. */
export const USUAL_REACH = 5;
/** The part of the range in which a player is heard at full volume. */
const FULL = 0.4;

/** Why a player is heard. */
export const WHY = { distance: 0, zone: 1, stage: 2, bubble: 3 } as const;

/** Seconds in which a change of volume is two thirds done. */
export const SMOOTH = 0.2;

/**
 * The volume at a distance in tiles, 0 to 1. It falls gently and is exactly 0 where the connection
 * ends, one tile past the range. With a range of one tile, for adjacent players, everything within
 * it is at full volume and the end is half a tile past it.
 */
export function volumeAt(distance: number, reach: number): number {
  const [full, end] = reach > 1 ? [reach * FULL, reach + 1] : [1, 1.5];
  const part = Math.min(1, Math.max(0, (distance - full) / (end - full)));
  return 1 - part * part * (3 - 2 * part);
}

/** The volume of a player: as the rule says, and by distance when the rule is distance. */
export function volumeOf(
  peer: { hear: boolean; gain: number; why: number },
  distance: number,
  reach = USUAL_REACH,
): number {
  if (!peer.hear) return 0;
  const byRule = peer.gain / 255;
  return peer.why === WHY.distance ? byRule * volumeAt(distance, reach) : byRule;
}
