/** Rings: the mark on the floor under a player. `render/rings.ts` draws them. */

/** What a ring under a player says. */
export const RING = { none: 0, own: 1, near: 2, speaking: 3 } as const;

/**
 * The ring under a player: the own one is always marked, others while they are in a conversation
 * with this one.
 */
export function ringUnder(
  isOwn: boolean,
  peer: { hear: boolean; heard: boolean } | undefined,
  isSpeaking: boolean,
): number {
  const isNear = peer !== undefined && (peer.hear || peer.heard);
  if (!isOwn && !isNear) return RING.none;
  if (isSpeaking) return RING.speaking;
  return isOwn ? RING.own : RING.near;
}
