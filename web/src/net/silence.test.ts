import { expect, test } from "vitest";
import type { Frame } from "./codec";
import { Silence } from "./silence";

const frame = (change: Partial<Frame> = {}): Frame => ({
  tick: 1,
  epoch: 1,
  step: 0,
  ack: 0,
  own: { x: 1, y: 1, carryX: 0, carryY: 0, facing: 0, walking: false },
  roster: { full: false, came: [], gone: [] },
  cells: [],
  dropped: [],
  ...change,
});

test("a space at rest may be silent, but not when something was asked of it", () => {
  const silence = new Silence();
  silence.begin(0);
  silence.hear(frame(), 0);
  for (let now = 0; now <= 60_000; now += 250) expect(silence.isLong(now, false)).toBe(false);
  expect(silence.isLong(60_250, true), "asked just now").toBe(false);
  expect(silence.isLong(61_500, true)).toBe(false);
  expect(silence.isLong(61_501, true)).toBe(true);
  silence.hear(frame({ ack: 1 }), 61_600);
  expect(silence.isLong(61_700, true), "frames come again").toBe(false);
});

test("where a frame comes every second, none for longer is silence", () => {
  const silence = new Silence();
  silence.begin(0);
  for (let now = 0; now <= 5000; now += 1000) silence.hear(frame(), now);
  expect(silence.isLong(6100, false)).toBe(false);
  expect(silence.isLong(6501, false)).toBe(true);
});

test("frames that tell something are no beat, however many", () => {
  const silence = new Silence();
  silence.begin(0);
  for (let ack = 0; ack < 50; ack++) silence.hear(frame({ ack }), ack * 50);
  expect(silence.isLong(60_000, false)).toBe(false);
});

test("a new connection is given its time", () => {
  const silence = new Silence();
  silence.begin(0);
  silence.hear(frame(), 0);
  silence.hear(frame(), 1000);
  silence.begin(9000);
  expect(silence.isLong(10_000, true)).toBe(false);
});
