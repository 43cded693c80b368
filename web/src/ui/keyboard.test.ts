import { expect, test } from "vitest";
import { HeldKeys } from "./keyboard";

function follow(act: (keys: HeldKeys) => void): [number, boolean][] {
  const told: [number, boolean][] = [];
  act(new HeldKeys((direction, run) => told.push([direction, run])));
  return told;
}

test("two keys make a diagonal, opposite ones cancel out", () => {
  const told = follow((keys) => {
    keys.down("ArrowUp", false);
    keys.down("KeyD", false);
    keys.down("ArrowDown", false);
    keys.up("ArrowUp", false);
  });
  expect(told.map(([direction]) => direction)).toEqual([1, 2, 3, 4]);
});

test("shift runs while it is down", () => {
  const told = follow((keys) => {
    keys.down("ArrowLeft", false);
    keys.down("ShiftLeft", true);
    keys.up("ShiftLeft", false);
  });
  expect(told).toEqual([
    [7, false],
    [7, true],
    [7, false],
  ]);
});

test("other keys are not ours, and losing the window releases all", () => {
  const told = follow((keys) => {
    expect(keys.down("KeyQ", false)).toBe(false);
    keys.down("KeyW", false);
    keys.release();
  });
  expect(told.at(-1)).toEqual([0, false]);
});
