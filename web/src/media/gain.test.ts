import { expect, test } from "vitest";
import { USUAL_REACH, volumeAt, volumeOf, WHY } from "./gain";

test("a near player is heard fully, a far one not at all", () => {
  for (const [reach, full, end] of [
    [USUAL_REACH, 2, 6],
    [10, 4, 11],
    [1, 1, 1.5],
  ] as const) {
    expect(volumeAt(0, reach)).toBe(1);
    expect(volumeAt(full, reach)).toBe(1);
    expect(volumeAt(end, reach)).toBe(0);
    expect(volumeAt(100, reach)).toBe(0);
    expect(volumeAt((full + end) / 2, reach)).toBeCloseTo(0.5);
  }
});

test("the volume never rises with the distance", () => {
  for (let reach = 1; reach <= 12; reach++) {
    for (let tiles = 0; tiles < 14; tiles += 0.01) {
      expect(volumeAt(tiles + 0.01, reach)).toBeLessThanOrEqual(volumeAt(tiles, reach));
    }
  }
});

test("in a private zone and from a stage the distance does not matter", () => {
  expect(volumeOf({ hear: true, gain: 255, why: WHY.zone }, 50)).toBe(1);
  expect(volumeOf({ hear: true, gain: 191, why: WHY.stage }, 50)).toBeCloseTo(0.75, 2);
  expect(volumeOf({ hear: true, gain: 255, why: WHY.distance }, 50)).toBe(0);
  expect(volumeOf({ hear: false, gain: 255, why: WHY.zone }, 0)).toBe(0);
});
