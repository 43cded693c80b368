import { expect, test } from "vitest";
import { closedZoneAt, doorsOf, type PrivateZone, whyClosed } from "./doors";
import type { Grid } from "./grid";
import { type Body, step } from "./movement";

const zones: PrivateZone[] = [{ zone: 3, area: { x: 4, y: 0, width: 3, height: 3 } }];
const grid: Grid = { width: 10, height: 3, blockers: new Uint16Array(30) };

function at(x: number): Body {
  return { x, y: 96, carryX: 0, carryY: 0, facing: 0 };
}

function walk(body: Body, direction: number, isClosed: boolean): number {
  const doors = doorsOf(zones, () => isClosed);
  for (let tick = 0; tick < 60; tick++) step(body, grid, direction, false, 20, doors);
  return Math.floor(body.x / 64);
}

test("the middle of a body stops before a closed zone and passes an open one", () => {
  expect(walk(at(100), 3, true)).toBe(3);
  expect(walk(at(100), 3, false)).toBe(9);
});

test("a player inside may leave", () => {
  expect(walk(at(5 * 64), 7, true)).toBe(0);
});

test("a body slides along a closed zone", () => {
  const body = at(4 * 64 - 10);
  walk(body, 4, true);
  expect(Math.floor(body.y / 64)).toBe(2);
});

test("before a closed zone there is a door, at every side and corner, and nowhere else", () => {
  const closed = (x: number, y: number) => closedZoneAt(zones, () => true, x, y);
  for (const [x, y] of [
    [3, 0],
    [3, 2],
    [3, 3],
    [5, 3],
    [7, 1],
    [7, 3],
  ] as const)
    expect(closed(x, y), `${x},${y}`).toBe(3);
  expect(closed(2, 1)).toBeUndefined();
  expect(closed(5, 1), "inside").toBeUndefined();
  expect(closedZoneAt(zones, () => false, 3, 1)).toBeUndefined();
});

test("a player in one zone sees the door of the next, the nearest first", () => {
  const offices: PrivateZone[] = [0, 1, 2].map((zone) => ({
    zone,
    area: { x: zone * 3, y: 0, width: 3, height: 3 },
  }));
  expect(closedZoneAt(offices, () => true, 2, 1)).toBe(1);
  expect(closedZoneAt(offices, (zone) => zone !== 1, 3, 1)).toBe(0);
});

test("a closed door says why", () => {
  expect(whyClosed({ locked: true, people: 1, cap: 4 }, "Ada")).toBe("Locked by Ada");
  expect(whyClosed({ locked: true, people: 4, cap: 4 })).toBe("Locked");
  expect(whyClosed({ locked: false, people: 4, cap: 4 })).toBe("Full: 4 of 4 inside");
});
