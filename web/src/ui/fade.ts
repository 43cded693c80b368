/** Fade: pictures that are no more, among those that are. Pure. */

import type { Tile } from "../media/call";

/** A picture, and whether it only fades out. */
export interface Faded<T extends TileKey = Tile> {
  tile: T;
  isFading: boolean;
}

type TileKey = Pick<Tile, "player" | "kind">;

export const keyOf = ({ player, kind }: TileKey) => `${player} ${kind}`;

/**
 * The pictures of now in their order; those that were there before and are no more stay in their
 * places.
 */
export function fade<T extends TileKey>(
  before: readonly Faded<T>[],
  now: readonly T[],
): Faded<T>[] {
  const keys = new Set(now.map(keyOf));
  const after = now.map((tile) => ({ tile, isFading: false }));
  before.forEach(({ tile }, index) => {
    if (!keys.has(keyOf(tile)))
      after.splice(Math.min(index, after.length), 0, { tile, isFading: true });
  });
  return after;
}
