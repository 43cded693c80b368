import { expect, test } from "vitest";
import { Silence } from "./silence";

test("a space at rest may be silent, but not when something was asked of it", () => {
  const silence = new Silence();
  silence.begin(0);
  silence.hear(0);
  for (let now = 0; now <= 60_000; now += 250) expect(silence.isLong(now, false)).toBe(false);
  expect(silence.isLong(60_250, true), "asked just now").toBe(false);
  expect(silence.isLong(61_500, true)).toBe(false);
  expect(silence.isLong(61_501, true)).toBe(true);
  silence.hear(61_600);
  expect(silence.isLong(61_700, true), "frames come again").toBe(false);
});

test("a new connection is given its time", () => {
  const silence = new Silence();
  silence.begin(0);
  silence.hear(1000);
  silence.begin(9000);
  expect(silence.isLong(10_000, true)).toBe(false);
});
