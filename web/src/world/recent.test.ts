import { expect, test } from "vitest";
import type { Grid } from "./grid";
import { Prediction } from "./prediction";
import { Recent } from "./recent";

const grid: Grid = { width: 20, height: 20, blockers: new Uint16Array(400) };
const start = () => ({ x: 160, y: 160, carryX: 0, carryY: 0, facing: 0, walking: false });

/** A player who walks these directions, a step each 50 ms; with every position on the way. */
function walk(directions: number[]) {
  const recent = new Recent();
  const prediction = new Prediction(start(), grid, 20);
  const places = [{ ...prediction.body }];
  for (const [index, direction] of directions.entries()) {
    const from = { x: prediction.body.x, y: prediction.body.y };
    recent.add(prediction.step(direction, false), from, index * 50);
    places.push({ ...prediction.body });
  }
  const at = (index: number) => places.at(index) ?? start();
  return { recent, prediction, at, now: directions.length * 50 };
}

const numbers = (steps: { input: { seq: number } }[]) => steps.map(({ input }) => input.seq);

test("the steps that the server does not know are made up for", () => {
  const { recent, at, now } = walk([3, 3, 3, 5, 5]);
  expect(numbers(recent.since(at(2), at(-1), now))).toEqual([3, 4, 5]);
  expect(numbers(recent.since(at(0), at(-1), now))).toEqual([1, 2, 3, 4, 5]);
});

test("nothing is made up for when the server has it all, or stands elsewhere", () => {
  const { recent, at, now } = walk([3, 3, 3]);
  expect(recent.since(at(-1), at(-1), now)).toEqual([]);
  expect(recent.since({ x: 999, y: 999 }, at(-1), now)).toEqual([]);
});

test("of two steps from the same place the later counts: none is taken twice", () => {
  const { recent, at, now } = walk([3, 7, 5]);
  expect(at(2).x).toBe(at(0).x);
  expect(numbers(recent.since(at(0), at(-1), now))).toEqual([3]);
});

test("steps are forgotten after two seconds, and when the server walks the player", () => {
  const { recent, at, now } = walk([3, 3, 3]);
  expect(recent.since(at(1), at(-1), now + 2000)).toEqual([]);
  const other = walk([3, 3, 3]);
  other.recent.clear();
  expect(other.recent.since(other.at(1), other.at(-1), other.now)).toEqual([]);
});

test("made up for, they lead to where the player was seen, over a new connection", () => {
  const { recent, prediction, at, now } = walk([3, 3, 4, 5, 5, 5]);
  const again = new Prediction({ ...at(2), walking: false }, grid, 20);
  const steps = recent.since(at(2), prediction.body, now);
  const inputs = steps.map(({ input }) => again.step(input.direction, input.run));
  expect(inputs.map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
  expect(again.body).toEqual(prediction.body);
});

test("made up for, they keep their own numbers when a restarted space is behind", () => {
  const { recent, prediction, at, now } = walk([3, 3, 4, 5, 5, 5]);
  prediction.reconcile({ ...at(5), walking: false }, 5);
  const seen = { ...prediction.body };
  const steps = recent.since(at(2), prediction.body, now);
  prediction.expect(steps.map(({ input }) => input));
  prediction.reconcile({ ...at(2), walking: false }, 0);
  expect(prediction.body).toEqual(seen);
  expect(prediction.corrections).toBe(0);
  prediction.reconcile({ ...at(3), walking: false }, 3);
  expect(prediction.pending).toBe(3);
  expect(prediction.body).toEqual(seen);
});
