import { expect, test } from "vitest";
import { bytesText, Meter } from "./meter";

/** Twenty frames of a hundred bytes a second, and ten bytes up with each. */
const after = (millis: number) => ({
  at: millis,
  frames: millis / 50,
  received: millis * 2,
  sent: millis / 5,
});

test("rates are of the last two seconds, however often they are read", () => {
  const meter = new Meter();
  expect(meter.read(after(0)).framesPerSecond, "one reading tells nothing yet").toBe(0);
  for (let at = 400; at <= 8000; at += 400) {
    expect(meter.read(after(at))).toEqual({
      framesPerSecond: 20,
      receivedPerSecond: 2000,
      sentPerSecond: 200,
    });
  }
  // Nothing comes any more: after the window nothing is left of what was.
  for (let at = 8400; at <= 10_400; at += 400) meter.read({ ...after(8000), at });
  expect(meter.read({ ...after(8000), at: 10_800 }).receivedPerSecond).toBe(0);
});

test("what came while the meter was hidden does not count as now", () => {
  const meter = new Meter();
  meter.read(after(0));
  expect(meter.read({ ...after(0), at: 60_000, received: 1_000_000 }).receivedPerSecond).toBe(0);
});

test("bytes are short to read", () => {
  expect([0, 312.4, 4096, 19_700].map(bytesText)).toEqual(["0 B", "312 B", "4.1 kB", "20 kB"]);
});
