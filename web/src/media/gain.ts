/**
 * Gain: how loud somebody is, by how far away they stand. Pure; `docs/proximity.md` states the
 * numbers.
 */

/** How far voices carry, in tiles, where nobody wanted anything else. */
export const USUAL_REACH = 5;
/** The part of it up to which somebody is heard at full volume. */
const FULL = 0.4;

/** Why somebody is heard. */
export const WHY = { distance: 0, area: 1, stage: 2, bubble: 3 } as const;

/** Seconds in which a change of volume is two thirds done. */
export const SMOOTH = 0.2;

/**
 * The volume at a distance in tiles, 0 to 1: falls gently, and is exactly 0 where the connection
 * ends, a tile beyond the reach. Of a reach of one tile, which is for those right beside, all is
 * full and the end half a tile beyond.
 */
export function volumeAt(distance: number, reach: number): number {
  const [full, end] = reach > 1 ? [reach * FULL, reach + 1] : [1, 1.5];
  const part = Math.min(1, Math.max(0, (distance - full) / (end - full)));
  return 1 - part * part * (3 - 2 * part);
}

/** The volume of somebody: what the rule says, and in the open how far away they are. */
export function volumeOf(
  peer: { hear: boolean; gain: number; why: number },
  distance: number,
  reach = USUAL_REACH,
): number {
  if (!peer.hear) return 0;
  const byRule = peer.gain / 255;
  return peer.why === WHY.distance ? byRule * volumeAt(distance, reach) : byRule;
}
