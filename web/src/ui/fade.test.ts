import { expect, test } from "vitest";
import { fade } from "./fade";

const tile = (player: number) => ({ player, kind: "camera" as const });

test("a tile that has gone stays in its place and fades", () => {
  const before = fade([], [tile(1), tile(2), tile(3)]);
  const after = fade(before, [tile(1), tile(3), tile(4)]);
  expect(after.map(({ tile, isFading }) => (isFading ? -tile.player : tile.player))).toEqual([
    1, -2, 3, 4,
  ]);
});

test("a picture that comes back is there again", () => {
  const gone = fade(fade([], [tile(1)]), []);
  expect(gone).toEqual([{ tile: tile(1), isFading: true }]);
  expect(fade(gone, [tile(1)])).toEqual([{ tile: tile(1), isFading: false }]);
});
