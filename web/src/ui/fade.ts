/** Fade: keeps tiles that have gone among the current ones, to fade out. Pure. */

import type { Tile } from "../media/call";

/** A tile, and whether it only fades out. */
export interface Faded<T extends TileKey = Tile> {
  tile: T;
  isFading: boolean;
}

type TileKey = Pick<Tile, "player" | "kind">;

export const keyOf = ({ player, kind }: TileKey) => `${player} ${kind}`;

/** The current tiles in their order; those that have gone since `before` stay in their places. */
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
