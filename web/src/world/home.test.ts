import { expect, test } from "vitest";
import { doorsOf, noDoors } from "./doors";
import type { Grid } from "./grid";
import { leadsOut } from "./home";
import type { Zone } from "./map";

/** A ground of 12 × 12 that blocks at these tiles. */
function ground(...solid: [number, number][]): Grid {
  const grid = { width: 12, height: 12, blockers: new Uint16Array(144) };
  for (const [x, y] of solid) grid.blockers[y * 12 + x] = 1;
  return grid;
}

const spawn: Zone = {
  kind: "spawn",
  name: "",
  x: 2,
  y: 0,
  width: 1,
  height: 1,
  url: null,
  text: null,
  reach: null,
};

test("someone between four things is walled in, unless people arrive there", () => {
  const walled = ground([1, 0], [0, 1], [1, 2], [2, 1]);
  expect(leadsOut(walled, noDoors, [], 1, 1)).toBe(false);
  expect(leadsOut(ground([1, 0], [0, 1], [1, 2]), noDoors, [], 1, 1)).toBe(true);
  expect(leadsOut(walled, noDoors, [{ ...spawn, x: 1, y: 1 }], 1, 1)).toBe(true);
});

test("a closed zone is a wall only for players outside it", () => {
  const zones = [{ zone: 0, area: { x: 0, y: 0, width: 3, height: 3 } }];
  const doors = doorsOf(zones, () => true);
  expect(leadsOut(ground(), doors, [], 1, 1)).toBe(true);
  expect(leadsOut(ground([4, 0], [3, 1]), doors, [spawn], 3, 0)).toBe(false);
});
