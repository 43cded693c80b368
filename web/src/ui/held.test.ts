import { expect, test } from "vitest";
import { Held } from "./held";

function follow(act: (held: Held) => void): [number, boolean][] {
  const told: [number, boolean][] = [];
  act(new Held((direction, run) => told.push([direction, run])));
  return told;
}

test("two keys make a diagonal, opposite ones cancel out", () => {
  const told = follow((held) => {
    held.down("ArrowUp", false);
    held.down("KeyD", false);
    held.down("ArrowDown", false);
    held.up("ArrowUp", false);
  });
  expect(told.map(([direction]) => direction)).toEqual([1, 2, 3, 4]);
});

test("shift runs while it is down", () => {
  const told = follow((held) => {
    held.down("ArrowLeft", false);
    held.down("ShiftLeft", true);
    held.up("ShiftLeft", false);
  });
  expect(told).toEqual([
    [7, false],
    [7, true],
    [7, false],
  ]);
});

test("other keys are not ours, and a lost window lets go", () => {
  const told = follow((held) => {
    expect(held.down("KeyQ", false)).toBe(false);
    held.down("KeyW", false);
    held.release();
  });
  expect(told.at(-1)).toEqual([0, false]);
});
