import { expect, test } from "vitest";
import { doorsOf, type Room } from "./doors";
import { type Body, type Grid, step } from "./movement";

const rooms: Room[] = [{ zone: 3, area: { x: 4, y: 0, width: 3, height: 3 } }];
const grid: Grid = { width: 10, height: 3, blockers: new Uint16Array(30) };

function at(x: number): Body {
  return { x, y: 96, carryX: 0, carryY: 0, facing: 0 };
}

function walk(body: Body, direction: number, isClosed: boolean): number {
  const doors = doorsOf(rooms, () => isClosed);
  for (let tick = 0; tick < 60; tick++) step(body, grid, direction, false, 20, doors);
  return Math.floor(body.x / 64);
}

test("the middle of a body stops before a closed room and passes an open one", () => {
  expect(walk(at(100), 3, true)).toBe(3);
  expect(walk(at(100), 3, false)).toBe(9);
});

test("whoever is inside may go", () => {
  expect(walk(at(5 * 64), 7, true)).toBe(0);
});

test("along a closed room a body slides", () => {
  const body = at(4 * 64 - 10);
  walk(body, 4, true);
  expect(Math.floor(body.y / 64)).toBe(2);
});
